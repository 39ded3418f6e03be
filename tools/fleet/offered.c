#include "banned.h"

#include "fleet/offered.h"

void offered_describe_place(struct awsq_call *call, struct observed *o,
	const struct config_region *place)
{
	const char *subnet = place->subnet, *vpc = place->vpc;

	if (subnet)
		awsq_ec2_describe_subnets(call, &o->subnets,
			FILTERS(config_is_id(subnet) ? "subnet-id" : "tag:" TAG_NAME, { subnet }));
	else if (vpc)
		awsq_ec2_describe_vpcs(call, &o->vpcs,
			FILTERS(config_is_id(vpc) ? "vpc-id" : "tag:" TAG_NAME, { vpc }));
	else
		awsq_ec2_describe_vpcs(call, &o->vpcs, FILTERS("isDefault", { "true" }));
}

void offered_describe_types(struct awsq_call *call, struct observed *o,
	const struct config_region *place)
{
	struct awsq_ec2_filter filters[2] = { { "instance-type", { NULL } }, { NULL, { NULL } } };
	size_t room = sizeof(filters[0].values) / sizeof(filters[0].values[0]);

	for (size_t i = 0; i < place->instance_types.n && i < room; i++)
		filters[0].values[i] = place->instance_types.items[i];
	awsq_ec2_describe_instance_type_offerings(call, &o->offerings,
		place->subnet || place->vpc ? "availability-zone" : "region", filters);
}

int offered_needs_subnets(const struct observed *o, const struct config_region *place)
{
	return place->vpc && !place->subnet && o->vpcs.n == 1;
}

void offered_describe_subnets(struct awsq_call *call, struct observed *o)
{
	awsq_ec2_describe_subnets(call, &o->subnets, FILTERS("vpc-id", { o->vpcs.items[0].id }));
}
