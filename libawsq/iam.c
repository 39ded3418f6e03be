#include "banned.h"

#include <awsq/iam.h>
#include <awsq/query.h>

#define VERSION "2010-05-08"

static const struct awsq_field role_fields[] = {
	AWSQ_STRING(struct awsq_iam_role, name, "RoleName"),
	AWSQ_STRING(struct awsq_iam_role, arn, "Arn"),
};
static const struct awsq_shape role_shape = AWSQ_SHAPE(struct awsq_iam_role, role_fields);

#define PROFILE "GetInstanceProfileResult/InstanceProfile/"

static const struct awsq_field profile_fields[] = {
	AWSQ_STRING(struct awsq_iam_instance_profile, id, PROFILE "InstanceProfileId"),
	AWSQ_STRING(struct awsq_iam_instance_profile, name, PROFILE "InstanceProfileName"),
	AWSQ_STRING(struct awsq_iam_instance_profile, arn, PROFILE "Arn"),
	AWSQ_LIST(struct awsq_iam_instance_profile, roles, n_roles, PROFILE "Roles/member",
		&role_shape),
};
static const struct awsq_shape profile_shape =
	AWSQ_SHAPE(struct awsq_iam_instance_profile, profile_fields);

void awsq_iam_get_instance_profile(struct awsq_call *call, struct awsq_iam_instance_profile *out,
	const char *name)
{
	awsq_call_init(call, "iam", VERSION, "GetInstanceProfile", &profile_shape, out);
	call->repeatable = 1;
	awsq_query_add(&call->body, name, "InstanceProfileName");
}

void awsq_iam_free_instance_profile(struct awsq_iam_instance_profile *profile)
{
	awsq_shape_free(&profile_shape, profile);
}
