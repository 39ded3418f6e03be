#include "banned.h"

#include "cli/run_tool.h"
#include "cli/signals.h"
#include "cli/stream.h"
#include "fleet/state.h"
#include "fleet/text.h"
#include "runs/runlog.h"

#include <awsq/clock.h>

#include <inttypes.h>

static int status_of(const struct run_result *result)
{
	if (result->canceled && signals_caught() != 0)
		return EXIT_SIGNAL + signals_caught();
	return result->status;
}

static void sum_up(struct task *task, const struct run_result *result)
{
	char on[64] = "", where[80];

	task->status = status_of(result);
	if (result->on_ms > 0)
		(void)snprintf(on, sizeof(on), ", %" PRId64 ".%" PRId64 " s in all",
			result->on_ms / 1000, result->on_ms % 1000 / 100);
	if (result->n > 1)
		(void)snprintf(where, sizeof(where), "%zu instances", result->n);
	else
		(void)snprintf(where, sizeof(where), "%s", result->instance.id);
	if (result->left_on)
		text_format(task->detail, sizeof(task->detail), "INSTANCE %s MAY STILL BE ON",
			result->instance.id);
	else if (result->message[0])
		text_format(task->detail, sizeof(task->detail), "%s%s", result->message, on);
	else
		text_format(task->detail, sizeof(task->detail),
			"the job ran %" PRId64 ".%" PRId64 " s on %s%s", result->job_ms / 1000,
			result->job_ms % 1000 / 100, where, on);
}

static int branch(const struct run_request *request, struct ssh_output *out, const char *region,
	const char *instance_id)
{
	return stream_branch(request->output.arg, out, region, instance_id);
}

/* How one region's part went, in a line. */
static void tell_end(struct app *app, struct region *r, struct task *task,
	const struct run_result *result)
{
	sum_up(task, result);
	task->told = result->message[0] != '\0';
	task->canceled = result->canceled;
	if (task->told && result->told)
		return;
	if (task->told && result->skipped)
		region_event(r, "%s", result->message);
	else if (task->told)
		screen_error(app->screen, task->name, "%s", result->message);
	else if (task->status != EXIT_OK)
		region_warning(r, "%s, and ended with %d", task->detail, task->status);
	else
		region_event(r, "%s, and ended with 0", task->detail);
}

static void tell(struct app *app, struct region *r, struct task *task, struct run_result *result,
	const char *tool, run_story *story)
{
	/* A run that is taken up has a timeout of its own. */
	int64_t timeout =
		app->options.timeout || !story ? app->options.timeout : app->config.job_timeout;
	struct run_request request = { 0 };
	struct stream stream;

	stream_open(&stream, app->screen, task->name, app->n_tasks > 1);
	request.tool = tool;
	request.ledger = task->account->ledger;
	request.no_ledger = task->account->no_ledger;
	request.command = app->options.command ? app->options.command : app->config.job_command;
	request.watch = app->options.command ? NULL : app->config.job_watch;
	request.timeout_ms = timeout * 1000;
	request.output = stream_output(&stream);
	request.branch = branch;
	request.alone = app->n_tasks == 1;
	if (story)
		story(result, r, &request);
	else
		run_attach(result, r, &request, task->data);
	stream_close(&stream);
	tell_end(app, r, task, result);
}

void run_tool_region(struct app *app, struct region *r, struct task *task,
	struct run_result *result, const char *tool)
{
	tell(app, r, task, result, tool, run_region);
}

/* A function for each story, since app_each's work has no room for one more argument. */
static void tell_job(struct app *app, struct region *r, struct task *task)
{
	struct run_result result;

	tell(app, r, task, &result, "run-job", run_job);
}

static void tell_region(struct app *app, struct region *r, struct task *task)
{
	struct run_result result;

	tell(app, r, task, &result, "run-region", run_region);
}

static void tell_attach(struct app *app, struct region *r, struct task *task)
{
	struct run_result result;

	tell(app, r, task, &result, "run-job", NULL);
}

int run_tool_check(struct app *app)
{
	const struct config *c = &app->config;

	if (!app->options.command && !c->job_command && !c->job_watch && !c->job_docker_image) {
		screen_error(app->screen, NULL,
			"there is no job: set job.command in %s, or give a command after '--'",
			c->path);
		return EXIT_USAGE;
	}
	if (app->options.timeout > c->max_uptime)
		return app_usage(app,
			"--timeout: expected a time of at most fleet.max_uptime in %s", c->path);
	return 0;
}

void run_tool_end(struct app *app)
{
	int64_t now = awsq_wall_ms();
	struct awsq_err err = { 0 };

	if (app->options.metrics && app_write_metrics(app, &err) != 0)
		screen_error(app->screen, NULL, "%s", err.message);
	for (size_t i = 0; i < app->n_accounts; i++) {
		struct account *account = &app->accounts[i];
		char note[512] = "";

		if (account->ledger)
			ledger_note(account->ledger, note, sizeof(note));
		if (note[0])
			screen_error(app->screen, account->name, "%s", note);
		runlog_prune(account->state_dir, now, app->config.keep_logs);
	}
}

int run_tool(struct app *app, run_story *story)
{
	int rc = run_tool_check(app);

	if (rc != 0)
		return rc;
	app_each(app, story == run_job ? tell_job : tell_region);
	run_tool_end(app);
	if (app->n_tasks == 1)
		return app->tasks[0].status;
	app_summary(app, 1);
	for (size_t i = 0; i < app->n_tasks; i++) {
		if (app->tasks[i].status != EXIT_OK)
			return EXIT_FAILED;
	}
	return EXIT_OK;
}

/* ---- --attach */

struct left {
	struct ledger_run run;
	struct account *account;
};

/* Ends the list at one whose region's lock is free: nobody is at it. */
static int is_left(void *arg, struct account *account, const struct ledger_run *run)
{
	struct left *left = arg;

	if (state_is_locked(account->state_dir, run->region))
		return 0;
	*left = (struct left){ *run, account };
	return 1;
}

/*
 * The run that is named; or the latest that is left behind, or else the latest that is open, so
 * that it can be told who has it.
 */
static int find_left(struct left *left, struct app *app, const char *region, struct awsq_err *err)
{
	const char *id = app->options.attach;
	struct ledger_filter filter = { .open_only = 1, .id = id[0] ? id : NULL, .region = region };
	int rc;

	if (!id[0] && app_list_runs(app, &filter, is_left, left, err) == 1)
		return 0;
	rc = app_find_run(&left->run, &left->account, app, &filter, err);
	if (rc == AWSQ_ENOTFOUND && !id[0])
		awsq_err_set(err, rc, "none is open%s%s; list-runs shows those that were",
			region ? " in " : "", region ? region : "");
	return rc;
}

/* Whether all tasks are in one region, whosever accounts they are of. */
static int is_one_region(const struct app *app)
{
	for (size_t i = 1; i < app->n_tasks; i++) {
		if (strcmp(app->tasks[i].region, app->tasks[0].region) != 0)
			return 0;
	}
	return 1;
}

static struct task task_of(struct left *left)
{
	struct task task = { .account = left->account,
		.region = left->run.region,
		.status = EXIT_FAILED,
		.detail = "not begun",
		.data = &left->run };

	app_name_task(&task);
	return task;
}

int run_tool_attach(struct app *app)
{
	const struct options *o = &app->options;
	struct awsq_err err = { 0 };
	struct left left;
	struct task task;

	if (!is_one_region(app) || o->command)
		return app_usage(app,
			"--attach takes up one run, with the command it has: leave out %s",
			o->command ? "the command" : "all regions but one");
	if (find_left(&left, app, app->n_tasks > 0 ? app->tasks[0].region : NULL, &err) != 0) {
		const char *no_ledger = app_no_ledger(app);

		screen_error(app->screen, NULL, "no run to take up: %s",
			no_ledger ? no_ledger : err.message);
		return RUN_NOT_RUN;
	}
	task = task_of(&left);
	free(app->tasks);
	app->tasks = &task;
	app->n_tasks = 1;
	app_each(app, tell_attach);
	app->canceled |= task.canceled;
	app->tasks = NULL;
	app->n_tasks = 0;
	run_tool_end(app);
	return task.status;
}
