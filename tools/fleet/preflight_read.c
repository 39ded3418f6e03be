#include "banned.h"

#include "fleet/offered.h"
#include "fleet/preflight_private.h"

static void read_subnets(struct reads *out, struct region *r, const struct config_region *place)
{
	struct awsq_call call;

	if (!offered_needs_subnets(&out->observed, place))
		return;
	offered_describe_subnets(&call, &out->observed);
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
	offered_describe_place(&calls[READ_NETWORK], o, place);
	offered_describe_types(&calls[READ_TYPES], o, place);
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
