/*
 * credentials_sso.h: what the parts of the SSO provider have in common: IAM Identity Center, to
 * which a person has logged in with `aws sso login`.
 *
 * Source: "IAM Identity Center credential provider" of the AWS SDKs and Tools Reference Guide;
 * SSOProvider and SSOTokenProvider of botocore 1.43.11 (botocore/credentials.py,
 * botocore/tokens.py), and its models of the services sso and sso-oidc.
 */
#ifndef CREDENTIALS_SSO_H
#define CREDENTIALS_SSO_H

#include "credentials_private.h"

/* What a profile asks for; borrowed. */
struct sso {
	struct search *s;
	const struct awsq_settings *settings;
	const char *profile;
	const char *session; /* a section [sso-session NAME]; NULL: an older profile without */
	const char *start_url;
	const char *region; /* of Identity Center */
	const char *account;
	const char *role;
};

/* A file of the cache of tokens, in which times are texts; NULL: not there. */
struct sso_token {
	char *access_token;
	char *expires_at;
	char *client_id; /* as whom it can be renewed */
	char *client_secret;
	char *registration_expires_at;
	char *refresh_token;
};

/* What a token is renewed to. */
struct sso_grant {
	char *access_token;
	char *refresh_token; /* NULL: there is none any more */
	int64_t expires_in;  /* seconds */
};

/*
 * Puts a token of today into out, which is a secret, from the cache of the AWS CLI, renewed and
 * written back where it has less than 15 minutes left. AWSQ_ECREDENTIALS when there is none, or it
 * has expired; AWSQ_ENOMEM. s->err says so.
 */
int sso_token_get(struct awsq_buf *out, const struct sso *sso);

/* OIDC's CreateToken with a refresh token. why says what happened, AWSQ_ESERVICE by AWS. */
int sso_create_token(struct sso_grant *out, const struct sso *sso, const struct sso_token *token,
	struct awsq_err *why);

/* The portal's GetRoleCredentials, handed over as credentials_take() does; why as above. */
int sso_get_role_credentials(struct awsq_credentials *out, const struct sso *sso,
	const char *access_token, const char *source, struct awsq_err *why);

/* Wipes and frees what it holds. */
void sso_grant_free(struct sso_grant *grant);

#endif
