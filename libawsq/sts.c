#include "banned.h"

#include <awsq/query.h>
#include <awsq/sts.h>

#define VERSION "2011-06-15"

#define RESULT "GetCallerIdentityResult/"

static const struct awsq_field identity_fields[] = {
	AWSQ_STRING(struct awsq_sts_identity, account, RESULT "Account"),
	AWSQ_STRING(struct awsq_sts_identity, arn, RESULT "Arn"),
	AWSQ_STRING(struct awsq_sts_identity, user_id, RESULT "UserId"),
};
static const struct awsq_shape identity_shape =
	AWSQ_SHAPE(struct awsq_sts_identity, identity_fields);

void awsq_sts_get_caller_identity(struct awsq_call *call, struct awsq_sts_identity *out)
{
	awsq_call_init(call, "sts", VERSION, "GetCallerIdentity", &identity_shape, out);
	call->repeatable = 1;
}

void awsq_sts_free_identity(struct awsq_sts_identity *identity)
{
	awsq_shape_free(&identity_shape, identity);
}

#define SESSION(result)                                                                        \
	AWSQ_STRING(struct awsq_sts_session, access_key_id, result "Credentials/AccessKeyId"), \
		AWSQ_STRING(struct awsq_sts_session, secret_access_key,                        \
			result "Credentials/SecretAccessKey"),                                 \
		AWSQ_STRING(struct awsq_sts_session, session_token,                            \
			result "Credentials/SessionToken"),                                    \
		AWSQ_TIME(struct awsq_sts_session, expires, result "Credentials/Expiration"),  \
		AWSQ_STRING(struct awsq_sts_session, arn, result "AssumedRoleUser/Arn")

/* The results differ in their names only. A member has one field in a shape. */
static const struct awsq_field role_fields[] = { SESSION("AssumeRoleResult/") };
static const struct awsq_field web_fields[] = { SESSION("AssumeRoleWithWebIdentityResult/") };
static const struct awsq_shape role_shape = AWSQ_SHAPE(struct awsq_sts_session, role_fields);
static const struct awsq_shape web_shape = AWSQ_SHAPE(struct awsq_sts_session, web_fields);

static void begin(struct awsq_call *call, struct awsq_sts_session *out, const char *action,
	const struct awsq_shape *shape, const struct awsq_role *role)
{
	awsq_call_init(call, "sts", VERSION, action, shape, out);
	call->repeatable = 1;
	awsq_query_add(&call->body, role->arn, "RoleArn");
	awsq_query_add(&call->body, role->session_name, "RoleSessionName");
	if (role->duration_seconds)
		awsq_query_add_int(&call->body, role->duration_seconds, "DurationSeconds");
}

void awsq_sts_assume_role(struct awsq_call *call, struct awsq_sts_session *out,
	const struct awsq_role *role, const char *mfa_serial, const char *mfa_code)
{
	begin(call, out, "AssumeRole", &role_shape, role);
	awsq_query_add(&call->body, role->external_id, "ExternalId");
	awsq_query_add(&call->body, mfa_serial, "SerialNumber");
	awsq_query_add(&call->body, mfa_code, "TokenCode");
	/* A code is good for one request. */
	if (mfa_code)
		call->repeatable = 0;
}

void awsq_sts_assume_role_with_web_identity(struct awsq_call *call, struct awsq_sts_session *out,
	const struct awsq_role *role, const char *token)
{
	begin(call, out, "AssumeRoleWithWebIdentity", &web_shape, role);
	awsq_query_add(&call->body, token, "WebIdentityToken");
	call->anonymous = 1;
}

static void wipe(char *secret)
{
	if (secret)
		awsq_wipe(secret, strlen(secret));
}

void awsq_sts_free_session(struct awsq_sts_session *session)
{
	if (!session)
		return;
	wipe(session->access_key_id);
	wipe(session->secret_access_key);
	wipe(session->session_token);
	awsq_shape_free(&role_shape, session);
}
