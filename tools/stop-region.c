#include "banned.h"

#include "cli/app.h"
#include "fleet/instance.h"
#include "runs/instances.h"
#include "runs/reap.h"

#define STOP_WAIT_MS (15 * 60 * 1000)

/* How it went with one. */
struct stopped {
	struct app *app;
	int was_on;
	struct awsq_err err;
};

static void stop(void *arg, struct region *r, struct instance *i, size_t k)
{
	struct stopped *out = (struct stopped *)arg + k;
	int64_t deadline = region_now_ms(r) + STOP_WAIT_MS;

	if (instance_stop(i, r, 0, deadline, &out->was_on, &out->err) != 0)
		instance_cry_out(i, r, &out->err);
	else if (app_account(out->app, r)->ledger)
		reap_note_stop(app_account(out->app, r)->ledger, r, i);
	region_status(r, "%s", "");
}

static void sum_up(struct app *app, struct task *task, const struct instance *list,
	const struct stopped *each, size_t n)
{
	size_t on = 0;

	for (size_t k = 0; k < n; k++)
		on += each[k].was_on != 0;
	for (size_t k = 0; k < n; k++) {
		if (each[k].err.code != 0) {
			task_fail(app, task, EXIT_FAILED, &each[k].err);
			return;
		}
	}
	if (n == 0)
		task_done(task, "no instance, nothing to stop");
	else if (n > 1)
		task_done(task, "%zu instances are off, %zu were on", n, on);
	else
		task_done(task, "%s is %s%s", list->id, list->state,
			on ? "" : ", as it was before");
}

/* Without the region's lock: who asks for an instance to be off gets it, whatever else there is. */
static void work(struct app *app, struct region *r, struct task *task)
{
	struct stopped *each = NULL;
	struct awsq_err err = { 0 };
	struct instance *list;
	size_t n;
	int rc = instance_list(&list, &n, r, &err);

	if (rc == 0)
		each = calloc(n ? n : 1, sizeof(*each));
	if (rc == 0 && !each)
		rc = awsq_err_set(&err, AWSQ_ENOMEM, "out of memory");
	if (rc == 0) {
		for (size_t k = 0; k < n; k++)
			each[k].app = app;
		instances_each(r, list, n, stop, each);
		sum_up(app, task, list, each, n);
	} else {
		task_fail(app, task, EXIT_FAILED, &err);
	}
	free(each);
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
		"Stop the instances of regions that run, and wait until they are stopped. Nothing "
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
