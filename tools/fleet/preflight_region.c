#include "banned.h"

#include "fleet/preflight_private.h"

#include <inttypes.h>

/* Whether every read failed in one way that is not a denial: then the region does not answer us. */
static int is_out_of_reach(const struct reads *reads)
{
	int code = reads->err[READ_NETWORK].code;
	int is_refused = awsq_err_is(&reads->err[READ_NETWORK], "AuthFailure");

	for (size_t i = READ_NETWORK; i <= READ_GROUPS; i++) {
		if (reads->err[i].code != code)
			return 0;
		is_refused = is_refused && awsq_err_is(&reads->err[i], "AuthFailure");
	}
	return code != 0 && (code != AWSQ_ESERVICE || is_refused);
}

static int check_enabled(struct checks *c, const struct desired *d, const struct region *r)
{
	if (desired_is_enabled(d, r->name))
		return 1;
	(void)check_add(c, CHECK_FAIL, "region",
		"the account has not enabled it: aws account enable-region --region-name %s",
		r->name);
	return 0;
}

static int check_reach(struct checks *c, const struct region *r, const struct reads *reads)
{
	struct awsq_err err = reads->err[READ_NETWORK];

	if (!is_out_of_reach(reads)) {
		(void)check_add(c, CHECK_PASS, "region", "enabled");
		return 1;
	}
	region_explain(r, &err, "ask anything of the region");
	(void)check_add(c, CHECK_FAIL, "region", "%s", err.message);
	return 0;
}

static void check_network(struct checks *c, struct region *r, const struct reads *reads,
	struct placement *place)
{
	if (reads->err[READ_NETWORK].code != 0) {
		check_unread(c, CHECK_UNKNOWN, "network", r, &reads->err[READ_NETWORK]);
		return;
	}
	chosen_placement(place, &reads->observed, config_place(r->fleet->config, r->name), r->name);
	if (!place->vpc_id)
		(void)check_add(c, CHECK_FAIL, "network", "%s", place->error);
	else if (place->subnet_id)
		(void)check_add(c, CHECK_PASS, "network", "%s, %s in %s", place->vpc_id,
			place->subnet_id, place->zone ? place->zone : "?");
	else
		(void)check_add(c, CHECK_PASS, "network", "%s, the default VPC", place->vpc_id);
}

static void check_types(struct checks *c, struct region *r, const struct reads *reads,
	const struct placement *place)
{
	const struct config_strings *types =
		&config_place(r->fleet->config, r->name)->instance_types;
	struct awsq_buf missing = AWSQ_BUF_INIT(1024);
	size_t i = 0;

	if (reads->err[READ_TYPES].code != 0) {
		check_unread(c, CHECK_UNKNOWN, "instance type", r, &reads->err[READ_TYPES]);
		return;
	}
	while (i < types->n && !type_is_offered(&reads->observed, types->items[i], place->zone)) {
		awsq_buf_addf(&missing, "%s%s", i ? ", " : "", types->items[i]);
		i++;
	}
	if (i == types->n)
		(void)check_add(c, CHECK_FAIL, "instance type",
			"%s does not offer %s: name another instance_type for it in regions.cfg",
			place->zone ? place->zone : "the region", awsq_buf_str(&missing));
	else if (i > 0)
		(void)check_add(c, CHECK_PASS, "instance type", "%s (not offered: %s)",
			types->items[i], awsq_buf_str(&missing));
	else
		(void)check_add(c, CHECK_PASS, "instance type", "%s", types->items[i]);
	awsq_buf_free(&missing);
}

/* What an instance takes at least: none of the types has fewer than two but the smallest ones. */
#define VCPUS 2

static void check_quota(struct checks *c, const struct region *r, const struct reads *reads)
{
	const struct awsq_quota *quota = &reads->quota;
	const struct awsq_err *err = &reads->err[READ_QUOTA];
	int count = config_place(r->fleet->config, r->name)->count;
	/* Of several it is sure only that each takes one. */
	int least = count > VCPUS ? count : VCPUS;

	if (err->code != 0)
		check_refused(c, "vCPU quota", r, err);
	else if (quota->value < least)
		(void)check_add(c, CHECK_FAIL, "vCPU quota",
			"the account may run %" PRId64 " vCPUs here, and %d instance%s take%s %d "
			"at least: aws service-quotas request-service-quota-increase --region %s "
			"--service-code ec2 --quota-code %s --desired-value %d",
			quota->value, count, count == 1 ? "" : "s", count == 1 ? "s" : "", least,
			r->name, AWSQ_QUOTA_STANDARD_VCPUS, 4 * VCPUS * count);
	else
		(void)check_add(c, CHECK_PASS, "vCPU quota", "%" PRId64 " vCPUs (%s)", quota->value,
			AWSQ_QUOTA_STANDARD_VCPUS);
}

static int is(const char *text, const char *word)
{
	return text && strcmp(text, word) == 0;
}

/* A key that is there. */
static void judge_kms_key(struct checks *c, const struct region *r, const char *name,
	const struct awsq_kms_key *key)
{
	const char *state = key->state ? key->state : "in no state";

	if (is(state, "Disabled"))
		(void)check_add(c, CHECK_FAIL, "KMS key",
			"'%s' is disabled: aws kms enable-key --region %s --key-id %s", name,
			r->name, key->id ? key->id : name);
	else if (is(state, "PendingDeletion"))
		(void)check_add(c, CHECK_FAIL, "KMS key",
			"'%s' is to be deleted: aws kms cancel-key-deletion --region %s --key-id "
			"%s, and enable-key, or name another in regions.cfg",
			name, r->name, key->id ? key->id : name);
	else if (!key->enabled)
		(void)check_add(c, CHECK_FAIL, "KMS key",
			"'%s' cannot be used, it is %s: name another in regions.cfg", name, state);
	else if (key->spec && !is(key->spec, "SYMMETRIC_DEFAULT"))
		(void)check_add(c, CHECK_FAIL, "KMS key",
			"'%s' is a key of type %s, and volumes take SYMMETRIC_DEFAULT: name "
			"another in regions.cfg",
			name, key->spec);
	else
		(void)check_add(c, CHECK_PASS, "KMS key", "%s", key->arn ? key->arn : name);
}

/* Of the home region no copy is made. */
static void check_kms_key(struct checks *c, const struct region *r, const struct reads *reads)
{
	const char *name = config_place(r->fleet->config, r->name)->kms_key;
	const struct awsq_err *err = &reads->err[READ_KMS_KEY];

	if (!name || is(r->name, r->fleet->config->home))
		return;
	if (awsq_err_is(err, "NotFoundException") || awsq_err_is(err, "InvalidArnException"))
		(void)check_add(c, CHECK_FAIL, "KMS key",
			"there is no key '%s' in this region (kms_key in regions.cfg): make it, or "
			"name another: aws kms list-aliases --region %s",
			name, r->name);
	else if (err->code != 0)
		check_refused(c, "KMS key", r, err);
	else
		judge_kms_key(c, r, name, &reads->kms_key);
}

void preflight_region(struct checks *out, const struct desired *d, struct region *r)
{
	struct placement place = { 0 };
	struct reads reads;

	if (!check_enabled(out, d, r))
		return;
	reads_do(&reads, r);
	if (check_reach(out, r, &reads)) {
		check_network(out, r, &reads, &place);
		check_types(out, r, &reads, &place);
		check_quota(out, r, &reads);
		check_kms_key(out, r, &reads);
		check_permissions(out, d, r, &reads, &place);
		check_associations(out, r, &reads);
	}
	reads_free(&reads);
}
