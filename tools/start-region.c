#include "banned.h"

#include "cli/app.h"
#include "fleet/instance.h"

#define START_WAIT_MS (10 * 60 * 1000)

static void start(struct app *app, struct region *r, struct task *task)
{
	int64_t deadline = region_now_ms(r) + START_WAIT_MS;
	struct awsq_err err = { 0 };
	struct instance i;
	int started = 0, rc;

	rc = instance_find(&i, r, &err);
	if (rc == 0 && strcmp(i.state, "running") != 0)
		region_event(r, "starting instance %s (%s)", i.id, i.type);
	if (rc == 0)
		rc = instance_start(&i, r, deadline, &started, &err);
	if (rc == 0)
		rc = instance_wait_ssh(&i, r, &err);
	region_status(r, "%s", "");
	if (rc == 0) {
		task_done(task, "%s (%s) runs at %s%s", i.id, i.type, i.address,
			started ? "" : ", as it did before");
		return;
	}
	task_fail(app, task, EXIT_FAILED, &err);
	if (started)
		region_warning(r, "instance %s is on all the same: stop-region stops it", i.id);
}

static void work(struct app *app, struct region *r, struct task *task)
{
	app_with_lock(app, r, task, start);
}

static int run(struct app *app)
{
	app_each(app, work);
	app_summary(app, 0);
	return app_status(app);
}

static const struct tool tool = {
	.help = { TOOL_START, "start-region", "REGION... | --all",
		"Start the stopped instance of regions, and wait until it runs and its SSH port\n"
		"answers. It costs money until stop-region stops it; run-region does both.",
		"  start-region us-east-1         wake one\n"
		"  start-region --all             wake all" },
	.needs = NEEDS_LISTED,
	.run = run,
};

int main(int argc, char **argv)
{
	return app_main(&tool, argc, argv);
}
