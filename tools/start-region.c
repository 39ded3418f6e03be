#include "banned.h"

#include "cli/app.h"
#include "fleet/instance.h"
#include "fleet/state.h"

#define START_WAIT_MS (10 * 60 * 1000)

static void start(struct app *app, struct region *r, struct task *task)
{
	int64_t deadline = region_now_ms(r) + START_WAIT_MS;
	struct awsq_err err = { 0 };
	struct instance i;
	int started = 0, rc;

	rc = instance_find(&i, r, &err);
	if (rc == 0)
		rc = instance_start(&i, r, deadline, &started, &err);
	if (rc == 0) {
		deadline = region_now_ms(r) + app->config.job_connect_timeout * 1000;
		rc = instance_wait_ssh(&i, r, deadline, &err);
	}
	region_status(r, "%s", "");
	if (rc != 0)
		task_fail(app, task, EXIT_FAILED, &err);
	else
		task_done(task, "%s (%s) runs at %s%s", i.id, i.type, i.address,
			started ? "" : ", as it did before");
}

static void work(struct app *app, struct region *r, struct task *task)
{
	struct awsq_err err = { 0 };
	int lock;

	if (state_lock(&lock, app->state_dir, r->name, &err) != 0) {
		task_fail(app, task, EXIT_FAILED, &err);
	} else if (lock < 0) {
		awsq_err_set(&err, AWSQ_EINVAL, "busy: another run has this region");
		task_fail(app, task, EXIT_BUSY, &err);
	} else {
		start(app, r, task);
		state_unlock(lock);
	}
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
