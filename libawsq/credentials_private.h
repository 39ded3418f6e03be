/*
 * credentials_private.h: what the providers of the chain (credentials.c) have in common. Each has a
 * file of its own, and is one function of the type below.
 */
#ifndef CREDENTIALS_PRIVATE_H
#define CREDENTIALS_PRIVATE_H

#include "user_files.h"

#include <awsq/buf.h>
#include <awsq/credentials.h>

/* A search under way. */
struct search {
	const struct awsq_credentials_options *options;
	const struct user_files *files;
	const struct awsq_environment *env; /* never NULL, as the clock */
	const struct awsq_clock *clock;
	const struct awsq_log *log; /* may be NULL */
	struct awsq_err *err;       /* may be NULL */
	struct awsq_buf tried;      /* why each provider so far had nothing */
	struct awsq_settings own;   /* for credentials_settings() */
	int renewing;               /* keys that are still good wait for it */
	int cancel_fd;              /* readable: it is to end, with any error; -1: none */
	int in_source_profile;      /* a source_profile is looked at: the environment has no say */
};

/* What a provider found; borrowed. */
struct found {
	const char *key_id;
	const char *secret;
	const char *token; /* NULL: none */
};

/*
 * A provider: looks for the keys of profile, which need not be the one in use, since the chain of
 * source_profile visits others. 0, and out is filled by credentials_take(), with expires set where
 * it is known. AWSQ_ENOTFOUND: nothing asks for this provider, and a few words to
 * credentials_tried() say why. Any other code is final, with s->err filled: what was asked for
 * failed. After an error the caller frees out.
 */
typedef int provider_load(struct awsq_credentials *out, struct search *s, const char *profile);

/* credentials_static.c */
provider_load credentials_from_environment; /* whatever the profile is */
provider_load credentials_from_shared_file;
provider_load credentials_from_config_file;

/*
 * credentials_sso.c, credentials_process.c; and of the machine, whatever the profile is,
 * credentials_container.c and credentials_imds.c
 */
provider_load credentials_from_sso;
provider_load credentials_from_process;
provider_load credentials_from_container;
provider_load credentials_from_imds;

/* credentials_role.c, credentials_web.c */
provider_load credentials_from_role;
provider_load credentials_from_web_identity;

/* A role to assume, and with what. All borrowed. */
struct assume {
	struct awsq_role role;                  /* without a session name it gets ours */
	const char *profile;                    /* that has it; NULL: none, or none alone */
	const struct awsq_credentials *keys;    /* to do it with, or else those of */
	struct awsq_credentials_source *source; /* this, or else */
	const char *web_token;                  /* an identity provider's token */
	const char *mfa_serial;                 /* NULL: none */
	const char *mfa_code;
	const char *region; /* NULL: that of the settings */
	int cancel_fd;      /* as of the search */
	const struct awsq_settings *settings;
	const struct awsq_clock *clock;
	const struct awsq_log *log;
};

/*
 * Assumes a role by STS; source is the provider's name. AWSQ_ECREDENTIALS when STS refuses;
 * otherwise the errors of awsq_run(). credentials_sts.c
 */
int credentials_assume(struct awsq_credentials *out, const struct assume *how, const char *source,
	struct awsq_err *err);

/*
 * The chain for a profile that another names as its source_profile: the environment, the container
 * and the instance have no part in it. AWSQ_ENOTFOUND when the profile has no credentials.
 */
int credentials_of_source_profile(struct awsq_credentials *out, struct search *s,
	const char *profile);

/* Where to say, in a few words, why provider had nothing: all of them have to fit into err. */
struct awsq_buf *credentials_tried(struct search *s, const char *provider);

/*
 * Copies what was found to out. source is the provider's name, static. AWSQ_ECREDENTIALS when there
 * is something in it that cannot go into a header line; AWSQ_ENOMEM.
 */
int credentials_take(struct awsq_credentials *out, struct search *s, const struct found *f,
	const char *source);

/* How to reach AWS: the caller's settings, or those of the profile in use, read once. */
int credentials_settings(const struct awsq_settings **out, struct search *s);

/* A setting of profile, the credentials file's before the config file's; NULL if empty. */
const char *credentials_setting(const struct search *s, const char *profile, const char *key);

/* Whether variables may say what a profile's settings do: not where a profile was asked for. */
int credentials_by_variables(const struct search *s);

#endif
