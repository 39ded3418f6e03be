#include "banned.h"

#include "cli/app.h"
#include "fleet/instance.h"

#define STOP_WAIT_MS (15 * 60 * 1000)

/* Without the region's lock: who asks for an instance to be off gets it. */
static void work(struct app *app, struct region *r, struct task *task)
{
	int64_t deadline = region_now_ms(r) + STOP_WAIT_MS;
	struct awsq_err err = { 0 };
	struct instance i;
	int was_on = 0, rc;

	rc = instance_find(&i, r, &err);
	if (rc == 0)
		rc = instance_stop(&i, r, 0, deadline, &was_on, &err);
	region_status(r, "%s", "");
	if (rc == AWSQ_ENOTFOUND)
		task_done(task, "no instance, nothing to stop");
	else if (rc != 0)
		task_fail(app, task, EXIT_FAILED, &err);
	else
		task_done(task, "%s is %s%s", i.id, i.state, was_on ? "" : ", as it was before");
}

static int run(struct app *app)
{
	app_each(app, work);
	app_summary(app, 0);
	return app_status(app);
}

static const struct tool tool = {
	.help = { TOOL_STOP, "stop-region", "REGION... | --all",
		"Stop the instance of regions if it runs, and wait until it is stopped. Nothing "
		"to\n"
		"stop is a success.",
		"  stop-region us-east-1          put one to sleep\n"
		"  stop-region --all              put all to sleep" },
	.needs = 0,
	.run = run,
};

int main(int argc, char **argv)
{
	return app_main(&tool, argc, argv);
}
