#include "banned.h"

#include "cli/run_tool.h"
#include "cli/signals.h"
#include "cli/stream.h"

#include <inttypes.h>

static int status_of(const struct run_result *result)
{
	if (result->canceled && signals_caught() != 0)
		return EXIT_SIGNAL + signals_caught();
	return result->status;
}

static void sum_up(struct task *task, const struct run_result *result)
{
	char on[64] = "";

	task->status = status_of(result);
	if (result->on_ms > 0)
		(void)snprintf(on, sizeof(on), ", %" PRId64 ".%" PRId64 " s in all",
			result->on_ms / 1000, result->on_ms % 1000 / 100);
	if (result->left_on)
		(void)snprintf(task->detail, sizeof(task->detail), "INSTANCE %s MAY STILL BE ON",
			result->instance.id);
	else if (result->message[0])
		(void)snprintf(task->detail, sizeof(task->detail), "%s%s", result->message, on);
	else
		(void)snprintf(task->detail, sizeof(task->detail),
			"the job ran %" PRId64 ".%" PRId64 " s on %s%s", result->job_ms / 1000,
			result->job_ms % 1000 / 100, result->instance.id, on);
}

static void tell(struct app *app, struct region *r, struct task *task, run_story *story)
{
	int64_t timeout = app->options.timeout ? app->options.timeout : app->config.job_timeout;
	struct run_request request = { 0 };
	struct run_result result;
	struct stream stream;

	stream_open(&stream, app->screen, app->n_tasks > 1 ? task->region : NULL);
	request.command = app->options.command ? app->options.command : app->config.job_command;
	request.timeout_ms = timeout * 1000;
	request.output = stream_output(&stream);
	story(&result, r, &request);
	stream_close(&stream);
	sum_up(task, &result);
	task->told = result.message[0] != '\0';
	task->canceled = result.canceled;
	if (task->told && result.told)
		return;
	if (task->told)
		screen_error(app->screen, task->region, "%s", result.message);
	else if (task->status != EXIT_OK)
		region_warning(r, "%s, and ended with %d", task->detail, task->status);
	else
		region_event(r, "%s, and ended with 0", task->detail);
}

/* A function for each story, since app_each's work has no room for one more argument. */
static void tell_job(struct app *app, struct region *r, struct task *task)
{
	tell(app, r, task, run_job);
}

static void tell_region(struct app *app, struct region *r, struct task *task)
{
	tell(app, r, task, run_region);
}

int run_tool(struct app *app, run_story *story)
{
	if (!app->options.command && !app->config.job_command) {
		screen_error(app->screen, NULL,
			"there is no job: set job.command in %s, or give a command after '--'",
			app->config.path);
		return EXIT_USAGE;
	}
	if (app->options.timeout > app->config.max_uptime) {
		screen_error(app->screen, NULL,
			"--timeout: expected a time of at most fleet.max_uptime in %s",
			app->config.path);
		return EXIT_USAGE;
	}
	app_each(app, story == run_job ? tell_job : tell_region);
	if (app->n_tasks == 1)
		return app->tasks[0].status;
	app_summary(app, 1);
	for (size_t i = 0; i < app->n_tasks; i++) {
		if (app->tasks[i].status != EXIT_OK)
			return EXIT_FAILED;
	}
	return EXIT_OK;
}
