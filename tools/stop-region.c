#include "banned.h"

#include "cli/app.h"
#include "fleet/instance.h"

#define STOP_WAIT_MS (15 * 60 * 1000)

/* Stops all that are on; how many were. The first error is kept, but keeps none from its stop. */
static size_t stop_all(struct instance *list, size_t n, struct region *r, struct awsq_err *first)
{
	int64_t deadline = region_now_ms(r) + STOP_WAIT_MS;
	size_t on = 0;

	for (size_t k = 0; k < n; k++) {
		struct awsq_err err = { 0 };
		int was_on = 0;

		if (instance_stop(&list[k], r, 0, deadline, &was_on, &err) != 0) {
			instance_cry_out(&list[k], r, &err);
			if (first->code == 0)
				*first = err;
		}
		on += was_on != 0;
	}
	return on;
}

/* Without the region's lock: who asks for an instance to be off gets it, whatever else there is. */
static void work(struct app *app, struct region *r, struct task *task)
{
	struct awsq_err err = { 0 };
	struct instance *list;
	size_t n, on = 0;

	if (instance_list(&list, &n, r, &err) == 0)
		on = stop_all(list, n, r, &err);
	region_status(r, "%s", "");
	if (err.code != 0)
		task_fail(app, task, EXIT_FAILED, &err);
	else if (n == 0)
		task_done(task, "no instance, nothing to stop");
	else if (n > 1)
		task_done(task, "%zu instances are off, %zu were on", n, on);
	else
		task_done(task, "%s is %s%s", list[0].id, list[0].state,
			on ? "" : ", as it was before");
	free(list);
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
	.needs = NEEDS_NO_STATE,
	.run = run,
};

int main(int argc, char **argv)
{
	return app_main(&tool, argc, argv);
}
