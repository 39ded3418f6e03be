#include "banned.h"

#include "ec2.h"

#include <awsq/query.h>

typedef struct awsq_ec2_profile_association association;

static const struct awsq_field association_fields[] = {
	AWSQ_STRING(association, id, "associationId"),
	AWSQ_STRING(association, instance_id, "instanceId"),
	AWSQ_STRING(association, profile_arn, "iamInstanceProfile/arn"),
	AWSQ_STRING(association, state, "state"),
};
static const struct awsq_shape association_shape = AWSQ_SHAPE(association, association_fields);

static const struct awsq_field associations_fields[] = {
	AWSQ_LIST(struct awsq_ec2_profile_associations, items, n,
		"iamInstanceProfileAssociationSet/item", &association_shape),
	AWSQ_TOKEN(struct awsq_ec2_profile_associations, next_token, "nextToken"),
};
static const struct awsq_shape associations_shape =
	AWSQ_SHAPE(struct awsq_ec2_profile_associations, associations_fields);

void awsq_ec2_describe_profile_associations(struct awsq_call *call,
	struct awsq_ec2_profile_associations *out, const char *instance_id)
{
	const struct awsq_ec2_filter filters[] = { { "instance-id", { instance_id } },
		{ NULL, { NULL } } };

	ec2_read(call, "DescribeIamInstanceProfileAssociations", &associations_shape, out);
	ec2_add_filters(&call->body, filters);
}

void awsq_ec2_free_profile_associations(struct awsq_ec2_profile_associations *associations)
{
	awsq_shape_free(&associations_shape, associations);
}

/* None of these is repeatable: where one has been carried out, a second one is an error. */

void awsq_ec2_associate_profile(struct awsq_call *call, const char *instance_id,
	const char *profile_name)
{
	ec2_write(call, "AssociateIamInstanceProfile", NULL, NULL);
	awsq_query_add(&call->body, instance_id, "InstanceId");
	awsq_query_add(&call->body, profile_name, "IamInstanceProfile.Name");
}

void awsq_ec2_replace_profile_association(struct awsq_call *call, const char *association_id,
	const char *profile_name)
{
	ec2_write(call, "ReplaceIamInstanceProfileAssociation", NULL, NULL);
	awsq_query_add(&call->body, association_id, "AssociationId");
	awsq_query_add(&call->body, profile_name, "IamInstanceProfile.Name");
}

void awsq_ec2_disassociate_profile(struct awsq_call *call, const char *association_id)
{
	ec2_write(call, "DisassociateIamInstanceProfile", NULL, NULL);
	awsq_query_add(&call->body, association_id, "AssociationId");
}
