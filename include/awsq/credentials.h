/*
 * credentials.h: the keys to sign with, from the first provider that has some.
 *
 * Source: the "AWS SDKs and Tools Reference Guide" (Standardized credential providers), in the
 * order and with the edge rules of botocore 1.43.11 (botocore/credentials.py). Asked, in order: the
 * environment; a role that the profile assumes; web identity; SSO; the shared credentials file;
 * credential_process; static keys in the config file; the container; the instance's metadata. One
 * that is asked for and fails is an error: to pass it over could mean to act with the wrong keys.
 *
 * A provider may talk to AWS or to a local endpoint: awsq_global_init() comes before.
 */
#ifndef AWSQ_CREDENTIALS_H
#define AWSQ_CREDENTIALS_H

#include <stddef.h>
#include <stdint.h>

#include <awsq/clock.h>
#include <awsq/common.h>
#include <awsq/err.h>
#include <awsq/log.h>
#include <awsq/settings.h>

/* Owned by the structure. */
struct awsq_credentials {
	char *access_key_id;
	char *secret_access_key;
	char *session_token; /* NULL: none */
	int64_t expires;     /* seconds since the epoch; 0: never, as far as is known */
	const char *source;  /* the provider's name, such as "environment"; static */
};

/* Where and how to look, all of it borrowed. Zero will do. */
struct awsq_credentials_options {
	const char *profile;                  /* named by the caller; NULL: none was */
	const struct awsq_environment *env;   /* NULL: the process's */
	const struct awsq_settings *settings; /* how to reach AWS; NULL: the profile's own */
	const char *region;                   /* of STS for roles; NULL: that of the settings */
	const struct awsq_clock *clock;       /* NULL: the system's */
	const struct awsq_log *log;           /* NULL: none */
	/*
	 * Asks a person for a code of an MFA device and writes it to answer. 0, or AWSQ_ECANCELED.
	 * NULL: nobody can be asked. Called by the thread that the credentials are looked for in.
	 */
	int (*ask)(void *arg, const char *question, char *answer, size_t size);
	void *arg;
};

/* A role to assume, all of it borrowed. Zero but for arn will do. */
struct awsq_role {
	const char *arn;
	const char *session_name; /* NULL: "awsq-" and the time */
	const char *external_id;  /* NULL: none */
	int64_t duration_seconds; /* 0: what AWS gives, an hour */
};

/* Credentials that are renewed before they expire. */
struct awsq_credentials_source;

AWSQ_BEGIN_DECLS

/*
 * Finds credentials, once. A profile named in the options (not NULL) drops the environment's keys;
 * one named by AWS_DEFAULT_PROFILE or AWS_PROFILE does not. options may be NULL. out is to be freed
 * with awsq_credentials_free(); after an error it is empty. AWSQ_ECREDENTIALS: none found, and err
 * tells what was tried and why each failed; or what was found is incomplete, was refused or has
 * expired. AWSQ_ECANCELED of options->ask. Otherwise the errors of awsq_settings_load() and, where
 * a provider asks somebody, those of awsq_fetch() and awsq_run().
 */
int awsq_credentials_load(struct awsq_credentials *out,
	const struct awsq_credentials_options *options, struct awsq_err *err);

/* Makes out, which need not be empty before but is not freed, a copy of from. AWSQ_ENOMEM. */
int awsq_credentials_copy(struct awsq_credentials *out, const struct awsq_credentials *from);

/* Frees what c holds, wiping it first, and leaves it empty. NULL is allowed. */
void awsq_credentials_free(struct awsq_credentials *c);

/*
 * A source of what awsq_credentials_load() finds; it is first looked for by the first
 * awsq_credentials_source_get(). Only then somebody is asked for an MFA code: a code is no answer
 * twice, and nobody sits there for hours. What options point to must outlive the source, which may
 * be used by several threads at once. Where they have no settings, it has its own, read here, for
 * itself and for the clients that are given none (client.h). AWSQ_ENOMEM, or the errors of
 * awsq_settings_load().
 */
int awsq_credentials_source_new(struct awsq_credentials_source **out,
	const struct awsq_credentials_options *options, struct awsq_err *err);

/*
 * The same of a role, assumed with the keys of base, which must outlive it; role and its strings
 * are copied. Of options, which may be NULL, profile, env and ask are of no use; settings are those
 * of base where there are none. AWSQ_ENOMEM.
 */
int awsq_credentials_source_new_role(struct awsq_credentials_source **out,
	struct awsq_credentials_source *base, const struct awsq_role *role,
	const struct awsq_credentials_options *options, struct awsq_err *err);

/*
 * Copies the credentials of this moment to out, which is to be freed with awsq_credentials_free();
 * after an error it is empty. From 15 minutes before they expire (half their life, if that is
 * shorter) one thread looks for new ones while the others go on; from 10 minutes before (a third of
 * their life) all wait for it. When that fails it is logged, and tried again within a minute;
 * credentials that have expired are never handed out. The errors of awsq_credentials_load().
 */
int awsq_credentials_source_get(struct awsq_credentials_source *source,
	struct awsq_credentials *out, struct awsq_err *err);

/*
 * The same, ended with AWSQ_ECANCELED when cancel_fd (-1: none) is readable before there is an
 * answer. That ends this caller's look alone: the source is as it was before, and whoever waits
 * for the credentials as well looks for them himself.
 */
int awsq_credentials_source_get_until(struct awsq_credentials_source *source, int cancel_fd,
	struct awsq_credentials *out, struct awsq_err *err);

/*
 * Looks for others, since AWS takes refused no more. At most every ten seconds, unless the source
 * has others already. Whether there are some: then the next get has them.
 */
int awsq_credentials_source_renew(struct awsq_credentials_source *source,
	const struct awsq_credentials *refused);

/*
 * The name of the provider that had the latest credentials; "" when none were found yet. Static.
 * NULL is allowed.
 */
const char *awsq_credentials_source_name(struct awsq_credentials_source *source);

/* Wipes and frees it. NULL is allowed. */
void awsq_credentials_source_free(struct awsq_credentials_source *source);

AWSQ_END_DECLS

#endif
