/*
 * sts.h: operations of the AWS Security Token Service (API version 2011-06-15). The conventions are
 * ec2.h's. Source: the STS API Reference, https://docs.aws.amazon.com/STS/latest/APIReference/.
 */
#ifndef AWSQ_STS_H
#define AWSQ_STS_H

#include <awsq/client.h>
#include <awsq/common.h>
#include <awsq/credentials.h>

struct awsq_sts_identity {
	char *account; /* twelve digits */
	char *arn;
	char *user_id;
};

/* What a role's session is signed with. Secret: freeing wipes it. */
struct awsq_sts_session {
	char *access_key_id;
	char *secret_access_key;
	char *session_token;
	int64_t expires; /* seconds since the epoch */
	char *arn;       /* of the session: arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION */
};

AWSQ_BEGIN_DECLS

/* Who the credentials belong to. Needs no permission. */
void awsq_sts_get_caller_identity(struct awsq_call *call, struct awsq_sts_identity *out);
void awsq_sts_free_identity(struct awsq_sts_identity *identity);

/*
 * Assumes a role, whose session_name has to be there. mfa_serial (NULL: none) is an MFA device's
 * serial number or ARN, and mfa_code what it shows. Needs sts:AssumeRole.
 */
void awsq_sts_assume_role(struct awsq_call *call, struct awsq_sts_session *out,
	const struct awsq_role *role, const char *mfa_serial, const char *mfa_code);

/*
 * The same with the token of an identity provider that the role trusts, and without credentials; a
 * role's external_id has no part in it.
 */
void awsq_sts_assume_role_with_web_identity(struct awsq_call *call, struct awsq_sts_session *out,
	const struct awsq_role *role, const char *token);
void awsq_sts_free_session(struct awsq_sts_session *session);

AWSQ_END_DECLS

#endif
