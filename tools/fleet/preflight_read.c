#include "banned.h"

#include "fleet/preflight_private.h"

#define FILTERS(...)                                     \
	(struct awsq_ec2_filter[])                       \
	{                                                \
		{ __VA_ARGS__ },                         \
		{                                        \
			.name = NULL, .values = { NULL } \
		}                                        \
	}

static void describe_network(struct awsq_call *call, struct observed *o,
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

static void describe_types(struct awsq_call *call, struct observed *o,
	const struct config_region *place)
{
	struct awsq_ec2_filter filters[2] = { { "instance-type", { NULL } }, { NULL, { NULL } } };
	size_t room = sizeof(filters[0].values) / sizeof(filters[0].values[0]);

	for (size_t i = 0; i < place->instance_types.n && i < room; i++)
		filters[0].values[i] = place->instance_types.items[i];
	awsq_ec2_describe_instance_type_offerings(call, &o->offerings,
		place->subnet || place->vpc ? "availability-zone" : "region", filters);
}

/* A VPC that is not the default one has to be told in which of its subnets. */
static void read_subnets(struct reads *out, struct region *r, const struct config_region *place)
{
	struct awsq_call call;

	if (!place->vpc || place->subnet || out->observed.vpcs.n != 1)
		return;
	awsq_ec2_describe_subnets(&call, &out->observed.subnets,
		FILTERS("vpc-id", { out->observed.vpcs.items[0].id }));
	(void)region_call(r, &call, &out->err[READ_NETWORK]);
}

void reads_do(struct reads *out, struct region *r)
{
	const struct config *c = r->fleet->config;
	const struct config_region *place = config_place(c, r->name);
	struct observed *o = &out->observed;
	struct awsq_call calls[N_READS];
	size_t n = place->kms_key ? N_READS : READ_KMS_KEY;

	memset(out, 0, sizeof(*out));
	o->fleet = c->name;
	describe_network(&calls[READ_NETWORK], o, place);
	describe_types(&calls[READ_TYPES], o, place);
	awsq_ec2_describe_images(&calls[READ_IMAGES], &o->images,
		FILTERS("name", { config_image(c) }));
	awsq_ec2_describe_security_groups(&calls[READ_GROUPS], &o->groups, NULL);
	/* Of an instance that there is not: it is only asked whether the answer is one. */
	awsq_ec2_describe_profile_associations(&calls[READ_ASSOCIATIONS], &out->associations,
		"i-0123456789abcdef0");
	awsq_quotas_get_service_quota(&calls[READ_QUOTA], &out->quota, "ec2",
		AWSQ_QUOTA_STANDARD_VCPUS);
	if (place->kms_key)
		awsq_kms_describe_key(&calls[READ_KMS_KEY], &out->kms_key, place->kms_key);
	(void)awsq_run(r->client, calls, n);
	for (size_t i = 0; i < n; i++) {
		out->err[i] = calls[i].err;
		awsq_call_free(&calls[i]);
	}
	read_subnets(out, r, place);
	(void)observed_read_instances(&o->instances, r, &out->instances_err);
}

void reads_free(struct reads *reads)
{
	observed_free(&reads->observed);
	awsq_ec2_free_profile_associations(&reads->associations);
	awsq_quotas_free_quota(&reads->quota);
	awsq_kms_free_key(&reads->kms_key);
}
