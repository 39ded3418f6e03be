#include "banned.h"

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
