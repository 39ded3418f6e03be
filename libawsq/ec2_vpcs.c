#include "banned.h"

#include "ec2.h"

static const struct awsq_field vpc_fields[] = {
	AWSQ_STRING(struct awsq_ec2_vpc, id, "vpcId"),
	AWSQ_BOOL(struct awsq_ec2_vpc, is_default, "isDefault"),
};
static const struct awsq_shape vpc_shape = AWSQ_SHAPE(struct awsq_ec2_vpc, vpc_fields);

static const struct awsq_field vpcs_fields[] = {
	AWSQ_LIST(struct awsq_ec2_vpcs, items, n, "vpcSet/item", &vpc_shape),
	AWSQ_TOKEN(struct awsq_ec2_vpcs, next_token, "nextToken"),
};
static const struct awsq_shape vpcs_shape = AWSQ_SHAPE(struct awsq_ec2_vpcs, vpcs_fields);

void awsq_ec2_describe_vpcs(struct awsq_call *call, struct awsq_ec2_vpcs *out,
	const struct awsq_ec2_filter *filters)
{
	ec2_read(call, "DescribeVpcs", &vpcs_shape, out);
	ec2_add_filters(&call->body, filters);
}

void awsq_ec2_free_vpcs(struct awsq_ec2_vpcs *vpcs)
{
	awsq_shape_free(&vpcs_shape, vpcs);
}
