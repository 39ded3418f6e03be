#include "banned.h"

#include "fleet/instance_private.h"
#include "fleet/chosen.h"

void instance_set_text(char *out, size_t size, const char *text)
{
	(void)snprintf(out, size, "%s", text ? text : "");
}

static void set_tag(char *out, size_t size, const struct awsq_ec2_instance *i, const char *key)
{
	instance_set_text(out, size, awsq_ec2_tag_value(i->tags, i->n_tags, key));
}

/* All but the boot that is meant, which is the caller's. */
static void take(struct instance *out, const struct awsq_ec2_instance *i)
{
	int64_t boot = out->boot;

	memset(out, 0, sizeof(*out));
	instance_set_text(out->id, sizeof(out->id), i->id);
	instance_set_text(out->state, sizeof(out->state), i->state);
	instance_set_text(out->type, sizeof(out->type), i->type);
	instance_set_text(out->zone, sizeof(out->zone), i->zone);
	instance_set_text(out->address, sizeof(out->address),
		i->public_ip ? i->public_ip : i->private_ip);
	instance_set_text(out->state_reason, sizeof(out->state_reason), i->state_reason);
	set_tag(out->lease, sizeof(out->lease), i, TAG_LEASE);
	set_tag(out->replaces, sizeof(out->replaces), i, TAG_REPLACES);
	out->launch = i->launch_time;
	out->boot = boot;
	out->seen = 1;
}

int instance_is(const struct instance *i, const char *state)
{
	return strcmp(i->state, state) == 0;
}

int instance_is_gone(const struct instance *i)
{
	return instance_is(i, "terminated") || instance_is(i, "shutting-down");
}

int instance_is_on(const struct instance *i)
{
	return instance_is(i, "running") || instance_is(i, "pending");
}

int instance_is_over(const struct instance *i)
{
	return i->boot > 0 && i->launch > i->boot;
}

int instance_list(struct instance **out, size_t *n, struct region *r, struct awsq_err *err)
{
	struct awsq_ec2_instances list = { 0 };
	int rc = observed_read_instances(&list, r, err);

	*n = 0;
	*out = calloc(list.n ? list.n : 1, sizeof(**out));
	if (rc == 0 && !*out)
		rc = awsq_err_set(err, AWSQ_ENOMEM, "out of memory");
	for (size_t k = 0; rc == 0 && k < list.n; k++) {
		if (instance_is_live(&list.items[k]))
			take(&(*out)[(*n)++], &list.items[k]);
	}
	awsq_ec2_free_instances(&list);
	return rc;
}

static int is_replaced(const struct instance *list, size_t n, const struct instance *old)
{
	for (size_t k = 0; k < n; k++) {
		if (strcmp(list[k].replaces, old->id) == 0)
			return 1;
	}
	return 0;
}

/* By their ids, so that each keeps its place among them. */
static int by_id(const void *a, const void *b)
{
	return strcmp(((const struct instance *)a)->id, ((const struct instance *)b)->id);
}

/* Each costs, and each does the job: somebody may count on another number. */
static void warn_of_number(const struct region *r, size_t n)
{
	int count = config_place(r->fleet->config, r->name)->count;

	if (n != (size_t)count)
		region_warning(r, "there are %zu instances, not %d as fleet.count says: %s", n,
			count,
			n > (size_t)count ? "all of them are meant, and paid for"
					  : "config-region makes those that are missing");
}

int instance_find(struct instance **out, size_t *n, struct region *r, struct awsq_err *err)
{
	struct instance *all;
	size_t n_all, kept = 0;
	int rc = instance_list(&all, &n_all, r, err);

	*n = 0;
	*out = NULL;
	if (rc == 0)
		*out = calloc(n_all ? n_all : 1, sizeof(**out));
	if (rc == 0 && !*out)
		rc = awsq_err_set(err, AWSQ_ENOMEM, "out of memory");
	for (size_t k = 0; rc == 0 && k < n_all; k++) {
		if (!is_replaced(all, n_all, &all[k]))
			(*out)[kept++] = all[k];
	}
	free(all);
	if (rc == 0 && kept == 0)
		rc = awsq_err_set(err, AWSQ_ENOTFOUND,
			"there is no instance of '%s': config-region makes it",
			r->fleet->config->name);
	if (rc == 0) {
		warn_of_number(r, kept);
		qsort(*out, kept, sizeof(**out), by_id);
	}
	*n = kept;
	return rc;
}

int instance_refresh(struct instance *i, struct region *r, struct awsq_err *err)
{
	struct awsq_ec2_instances list = { 0 };
	struct awsq_call call;
	int rc;

	awsq_ec2_describe_instance(&call, &list, i->id);
	rc = region_call(r, &call, err);
	if (awsq_err_is(err, "InvalidInstanceID.NotFound") || (rc == 0 && list.n == 0))
		rc = awsq_err_set(err, AWSQ_ENOTFOUND, "AWS does not know instance '%s'", i->id);
	else if (rc != 0)
		region_explain(r, err, "look at instance '%s'", i->id);
	else
		take(i, &list.items[0]);
	awsq_ec2_free_instances(&list);
	return rc;
}

int instance_pause(const struct instance *i, struct region *r, int64_t ms, int64_t deadline_ms,
	const char *wanted, struct awsq_err *err)
{
	int64_t left = deadline_ms - region_now_ms(r);

	if (left <= 0)
		return awsq_err_set(err, AWSQ_ETIMEDOUT, "instance '%s' is still %s, not %s%s%s",
			i->id, i->state, wanted, i->state_reason[0] ? ": " : "", i->state_reason);
	region_status(r, "%s: instance %s", i->state, i->id);
	if (region_sleep(r, ms < left ? ms : left) != 0)
		return awsq_err_set(err, AWSQ_ECANCELED, "canceled while instance '%s' was %s",
			i->id, i->state);
	return 0;
}
