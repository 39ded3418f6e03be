#include "banned.h"

#include "runs/link.h"
#include "fleet/instance.h"

#include <awsq/retry.h>
#include <awsq/ssm.h>

#include <string.h>

#define PAUSE_MS 500
#define LOOK_MS  5000

/*
 * Whether the agent is there, in this boot: for minutes after a stop AWS still calls it online, but
 * has not heard of it since. ping gets what it is called; "" for one never heard of.
 */
static int is_online(int *yes, char ping[24], const struct instance *i, struct region *r,
	struct awsq_err *err)
{
	struct awsq_ssm_nodes nodes = { 0 };
	struct awsq_call call;
	int rc;

	*yes = 0;
	ping[0] = '\0';
	awsq_ssm_describe_instance_information(&call, &nodes, i->id);
	rc = region_call(r, &call, err);
	for (size_t k = 0; k < nodes.n; k++) {
		const struct awsq_ssm_node *node = &nodes.items[k];

		if (!node->id || strcmp(node->id, i->id) != 0 || !node->ping)
			continue;
		(void)snprintf(ping, 24, "%s", node->ping);
		*yes = strcmp(node->ping, "Online") == 0 && node->last_ping >= i->launch;
	}
	awsq_ssm_free_nodes(&nodes);
	return rc;
}

int link_ssm_wait(struct instance *i, struct region *r, struct awsq_err *err)
{
	int64_t begin = region_now_ms(r), next_look = begin + LOOK_MS;
	int64_t deadline = begin + r->fleet->config->job_connect_timeout * 1000;
	int online = 0;
	char ping[24];

	for (;;) {
		int64_t now = region_now_ms(r);
		int rc = is_online(&online, ping, i, r, err);

		if (rc == 0 && online)
			return 0;
		if (rc == AWSQ_ESERVICE && err->http_status < 500 && !awsq_err_is_throttle(err))
			return region_explain(r, err, "look for Systems Manager's agent on '%s'",
				i->id);
		if (now >= deadline)
			return awsq_err_set(err, AWSQ_ETIMEDOUT,
				"instance '%s' runs, but its Systems Manager agent is not online "
				"(%s): is it installed, has the instance a role with "
				"AmazonSSMManagedInstanceCore, and a way to AWS?",
				i->id, ping[0] ? ping : "never heard of");
		region_status(r, "waiting for Systems Manager's agent on %s", i->id);
		if (rc == AWSQ_ECANCELED || region_sleep(r, PAUSE_MS) != 0)
			return awsq_err_set(err, AWSQ_ECANCELED,
				"canceled while waiting for the agent on '%s'", i->id);
		if (now >= next_look) {
			rc = instance_still_runs(i, r, err);
			if (rc != 0)
				return rc;
			next_look = now + LOOK_MS;
		}
	}
}
