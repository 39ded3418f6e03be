#include "banned.h"

#include "runs/lease.h"

#include <awsq/clock.h>

void lease_format(char out[LEASE_SIZE], const struct lease *lease)
{
	char until[AWSQ_TIME_ISO], since[AWSQ_TIME_ISO];

	awsq_time_iso(until, lease->until);
	awsq_time_iso(since, lease->since);
	(void)snprintf(out, LEASE_SIZE, "%s until %s since %s", lease->run, until, since);
}

int lease_parse(struct lease *out, const char *text)
{
	char until[AWSQ_TIME_ISO + 8], since[AWSQ_TIME_ISO + 8], end;

	memset(out, 0, sizeof(*out));
	if (sscanf(text, "%31s until %28s since %28s%c", out->run, until, since, &end) == 3 &&
		awsq_time_parse(&out->until, until) == 0 &&
		awsq_time_parse(&out->since, since) == 0)
		return 0;
	memset(out, 0, sizeof(*out));
	return AWSQ_EPARSE;
}

int lease_of(struct lease *out, const struct instance *i)
{
	return instance_is_on(i) && lease_parse(out, i->lease) == 0 && out->since == i->launch;
}

int lease_write(struct instance *i, struct region *r, const char *run_id, int64_t until,
	struct awsq_err *err)
{
	struct lease lease = { .until = until, .since = i->launch };
	char text[LEASE_SIZE];
	struct awsq_call call;
	int rc;

	(void)snprintf(lease.run, sizeof(lease.run), "%s", run_id);
	lease_format(text, &lease);
	awsq_ec2_create_tags(&call, i->id,
		(struct awsq_ec2_new_tag[]){ { TAG_LEASE, text }, { NULL, NULL } });
	rc = region_call(r, &call, err);
	if (rc != 0)
		return region_explain(r, err, "say on '%s' whose run it is (tag " TAG_LEASE ")",
			i->id);
	(void)snprintf(i->lease, sizeof(i->lease), "%s", text);
	return 0;
}
