#include "banned.h"

#include "cli/app.h"
#include "fleet/instance.h"
#include "runs/instances.h"
#include "runs/link.h"

#define START_WAIT_MS (10 * 60 * 1000)

/* How it went with one. */
struct started {
	int was_on;
	struct awsq_err err;
};

static void start(void *arg, struct region *r, struct instance *i, size_t k)
{
	struct started *out = (struct started *)arg + k;
	int64_t deadline = region_now_ms(r) + START_WAIT_MS;
	int by_ssh = r->fleet->config->job_transport == CONFIG_TRANSPORT_SSH;
	struct instance_start how;
	int rc;

	out->was_on = instance_is_on(i);
	if (!out->was_on)
		region_event(r, "starting instance %s (%s)", i->id, i->type);
	rc = instance_start(i, r, deadline, &how, &out->err);
	if (rc == 0)
		rc = instance_wait_running(i, r, by_ssh, deadline, &out->err);
	if (rc == 0)
		rc = by_ssh ? instance_wait_ssh(i, r, &out->err) : link_ssm_wait(i, r, &out->err);
	region_status(r, "%s", "");
	if (rc != 0 && (how.ours || how.unsure))
		region_warning(r, "instance %s is on all the same: stop-region stops it", i->id);
}

static void sum_up(struct app *app, struct region *r, struct task *task,
	const struct instance *list, const struct started *each, size_t n)
{
	const struct started *failed = NULL;

	for (size_t k = 0; k < n; k++) {
		if (each[k].err.code == 0)
			continue;
		if (failed)
			region_warning(r, "%s", each[k].err.message);
		else
			failed = &each[k];
	}
	if (failed)
		task_fail(app, task, EXIT_FAILED, &failed->err);
	else if (n > 1)
		task_done(task, "%zu instances run", n);
	else
		task_done(task, "%s (%s) runs%s%s%s", list->id, list->type,
			list->address[0] ? " at " : "", list->address,
			each->was_on ? ", as it did before" : "");
}

static void work(struct app *app, struct region *r, struct task *task)
{
	struct awsq_err err = { 0 };
	struct started *each = NULL;
	struct instance *list;
	size_t n;
	int rc = instance_find(&list, &n, r, &err);

	if (rc == 0)
		each = calloc(n, sizeof(*each));
	if (rc == 0 && !each)
		rc = awsq_err_set(&err, AWSQ_ENOMEM, "out of memory");
	if (rc == 0) {
		instances_each(r, list, n, start, each);
		sum_up(app, r, task, list, each, n);
	} else {
		task_fail(app, task, EXIT_FAILED, &err);
	}
	free(each);
	free(list);
}

static void work_alone(struct app *app, struct region *r, struct task *task)
{
	app_with_lock(app, r, task, work);
}

static int run(struct app *app)
{
	app_each(app, work_alone);
	app_summary(app, 0);
	return app_status(app);
}

static const struct tool tool = {
	.help = { TOOL_START, "start-region", "REGION... | --all",
		"Start the stopped instances of regions, and wait until they run and their SSH "
		"port\n"
		"answers. They cost money until stop-region stops them; run-region does both.",
		"  start-region us-east-1         wake one\n"
		"  start-region --all             wake all" },
	.needs = NEEDS_LISTED,
	.run = run,
};

int main(int argc, char **argv)
{
	return app_main(&tool, argc, argv);
}
