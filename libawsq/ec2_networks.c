#include "banned.h"

#include "ec2.h"

typedef struct awsq_ec2_vpc vpc;
typedef struct awsq_ec2_subnet subnet;
typedef struct awsq_ec2_prefix_list prefix_list;

static const struct awsq_field vpc_fields[] = {
	AWSQ_STRING(vpc, id, "vpcId"),
	AWSQ_BOOL(vpc, is_default, "isDefault"),
	AWSQ_STRING(vpc, state, "state"),
	AWSQ_LIST(vpc, tags, n_tags, "tagSet/item", &ec2_tag_shape),
};
static const struct awsq_shape vpc_shape = AWSQ_SHAPE(vpc, vpc_fields);

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

static const struct awsq_field subnet_fields[] = {
	AWSQ_STRING(subnet, id, "subnetId"),
	AWSQ_STRING(subnet, vpc_id, "vpcId"),
	AWSQ_STRING(subnet, zone, "availabilityZone"),
	AWSQ_STRING(subnet, state, "state"),
	AWSQ_INT(subnet, free_addresses, "availableIpAddressCount"),
	AWSQ_BOOL(subnet, is_default, "defaultForAz"),
	AWSQ_LIST(subnet, tags, n_tags, "tagSet/item", &ec2_tag_shape),
};
static const struct awsq_shape subnet_shape = AWSQ_SHAPE(subnet, subnet_fields);

static const struct awsq_field subnets_fields[] = {
	AWSQ_LIST(struct awsq_ec2_subnets, items, n, "subnetSet/item", &subnet_shape),
	AWSQ_TOKEN(struct awsq_ec2_subnets, next_token, "nextToken"),
};
static const struct awsq_shape subnets_shape = AWSQ_SHAPE(struct awsq_ec2_subnets, subnets_fields);

void awsq_ec2_describe_subnets(struct awsq_call *call, struct awsq_ec2_subnets *out,
	const struct awsq_ec2_filter *filters)
{
	ec2_read(call, "DescribeSubnets", &subnets_shape, out);
	ec2_add_filters(&call->body, filters);
}

void awsq_ec2_free_subnets(struct awsq_ec2_subnets *subnets)
{
	awsq_shape_free(&subnets_shape, subnets);
}

static const struct awsq_field prefix_list_fields[] = {
	AWSQ_STRING(prefix_list, id, "prefixListId"),
	AWSQ_STRING(prefix_list, name, "prefixListName"),
	AWSQ_STRING(prefix_list, owner_id, "ownerId"),
};
static const struct awsq_shape prefix_list_shape = AWSQ_SHAPE(prefix_list, prefix_list_fields);

static const struct awsq_field prefix_lists_fields[] = {
	AWSQ_LIST(struct awsq_ec2_prefix_lists, items, n, "prefixListSet/item", &prefix_list_shape),
	AWSQ_TOKEN(struct awsq_ec2_prefix_lists, next_token, "nextToken"),
};
static const struct awsq_shape prefix_lists_shape =
	AWSQ_SHAPE(struct awsq_ec2_prefix_lists, prefix_lists_fields);

void awsq_ec2_describe_managed_prefix_lists(struct awsq_call *call,
	struct awsq_ec2_prefix_lists *out, const struct awsq_ec2_filter *filters)
{
	ec2_read(call, "DescribeManagedPrefixLists", &prefix_lists_shape, out);
	ec2_add_filters(&call->body, filters);
}

void awsq_ec2_free_prefix_lists(struct awsq_ec2_prefix_lists *prefix_lists)
{
	awsq_shape_free(&prefix_lists_shape, prefix_lists);
}
