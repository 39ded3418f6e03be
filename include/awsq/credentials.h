/*
 * credentials.h: the keys to sign with, from the first provider that has some.
 *
 * Source: the "AWS SDKs and Tools Reference Guide" (Standardized credential providers), in the
 * order and with the edge rules of botocore 1.43.11 (botocore/credentials.py). Asked, in order: the
 * environment; the shared credentials file; static keys in the config file. A profile or an
 * environment that asks for another provider (role_arn, web identity, SSO, credential_process, a
 * container) is refused by name rather than passed over.
 */
#ifndef AWSQ_CREDENTIALS_H
#define AWSQ_CREDENTIALS_H

#include <stdint.h>

#include <awsq/common.h>
#include <awsq/err.h>
#include <awsq/settings.h>

/* Owned by the structure. */
struct awsq_credentials {
	char *access_key_id;
	char *secret_access_key;
	char *session_token; /* NULL: none */
	int64_t expires;     /* seconds since the epoch; 0: never. Not compared with any clock */
	const char *source;  /* the provider's name, such as "environment"; static */
};

AWSQ_BEGIN_DECLS

/*
 * Finds credentials. A profile named here (not NULL) drops the environment's keys; one named by
 * AWS_DEFAULT_PROFILE or AWS_PROFILE does not. out is to be freed with awsq_credentials_free();
 * after an error it is empty. AWSQ_ECREDENTIALS: none found, and err tells what was tried and why
 * each failed; or what was found is incomplete, or not supported. Otherwise the errors of
 * awsq_settings_load().
 */
int awsq_credentials_load(struct awsq_credentials *out, const char *profile,
	const struct awsq_environment *env, struct awsq_err *err);

/* Frees what c holds, wiping it first, and leaves it empty. NULL is allowed. */
void awsq_credentials_free(struct awsq_credentials *c);

AWSQ_END_DECLS

#endif
