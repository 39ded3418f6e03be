#include "banned.h"

#include "cli/app_private.h"
#include "cli/identity.h"
#include "cli/completion.h"
#include "cli/signals.h"
#include "cli/table.h"
#include "fleet/state.h"
#include "fleet/text.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <unistd.h>

#define JOBS (TOOL_JOB | TOOL_RUN | TOOL_ROTATE) /* whose output is a job's */

/* ---- Setting up */

int app_fail(struct app *app, int status, const struct awsq_err *err)
{
	app->canceled |= err->code == AWSQ_ECANCELED;
	screen_error(app->screen, NULL, "%s", err->message);
	return status;
}

static enum awsq_log_level log_level(const struct options *o)
{
	if (o->debug)
		return AWSQ_LOG_DEBUG;
	return o->verbose ? AWSQ_LOG_INFO : AWSQ_LOG_WARN;
}

/*
 * --everywhere compares nothing with home, and goes without. What is not usable of the key and of
 * home, a preflight tells among its checks.
 */
static int needs(const struct app *app, int what)
{
	const struct options *o = &app->options;

	return !o->everywhere && !o->preflight && (app->tool->needs & what);
}

/* Whether the key is there to log in with: by SSH, then. */
static int needs_login(const struct app *app)
{
	return (app->tool->needs & NEEDS_LOGIN) &&
	       app->config.job_transport == CONFIG_TRANSPORT_SSH;
}

/* The key, once all else is there: without it what was left behind can still be stopped. */
static int set_up_key(struct app *app)
{
	struct awsq_err err = { 0 };

	if ((needs(app, NEEDS_KEY) || needs_login(app)) &&
		sshkey_load(&app->key, app->config.key, &err) != 0)
		return app_fail(app, EXIT_USAGE, &err);
	for (size_t i = 0; i < app->n_accounts; i++)
		app->accounts[i].fleet.key = app->key;
	/* An agent may have to be asked: better before anything is started. */
	if (needs_login(app) && sshkey_ready(app->key, app->cancel_fd, &err) != 0)
		return app_fail(app, EXIT_USAGE, &err);
	return 0;
}

/* How it ends when there are no credentials: AWS may be asked for some, and not be there. */
static int load_status(int code)
{
	return code == AWSQ_ENET || code == AWSQ_ETIMEDOUT || code == AWSQ_ETLS ||
	                       code == AWSQ_ECANCELED || code == AWSQ_ENOMEM
	               ? EXIT_FAILED
	               : EXIT_USAGE;
}

/* One account that cannot be entered costs the others nothing, as long as there is one. */
static int load_accounts(struct app *app)
{
	size_t loaded = 0;
	int rc = EXIT_OK;

	for (size_t i = 0; i < app->n_accounts; i++) {
		struct account *account = &app->accounts[i];
		struct awsq_err *err = &account->err;

		if (!account->chosen)
			continue;
		if (app_load_aws(app, account, err) == 0) {
			loaded++;
			continue;
		}
		rc = load_status(err->code);
		if (!account->name || err->code == AWSQ_ECANCELED)
			return app_fail(app, rc, err);
		screen_error(app->screen, account->name, "%s", err->message);
	}
	return loaded > 0 ? EXIT_OK : rc;
}

/* Everything else, which needs no network, but where a role has to be assumed. */
static int set_up(struct app *app)
{
	struct awsq_err err = { 0 };
	char *path = NULL;
	int rc;

	rc = config_find(&path, app->options.config, &err);
	if (rc == 0)
		rc = config_load(&app->config, path, &err);
	else if (rc == AWSQ_ENOTFOUND && app->options.identity)
		rc = 0;
	free(path);
	if (rc != 0)
		return app_fail(app, EXIT_USAGE, &err);
	rc = app_choose_accounts(app);
	if (rc == 0 && !(app->tool->needs & NEEDS_NO_AWS) && !app->options.identity)
		rc = app_choose_regions(app);
	if (rc != 0)
		return rc;
	screen_log(&app->log, app->screen, log_level(&app->options));
	if (signals_open(&app->cancel_fd) != 0 || awsq_global_init() != 0) {
		awsq_err_set(&err, AWSQ_EIO, "cannot set up signals and libraries");
		return app_fail(app, EXIT_FAILED, &err);
	}
	if (!(app->tool->needs & NEEDS_NO_AWS))
		rc = load_accounts(app);
	if (rc != 0)
		return rc;
	if (!app->options.identity && app_open_accounts(app, &err) != 0)
		return app_fail(app, EXIT_USAGE, &err);
	return 0;
}

static int read_desired(struct app *app, struct account *account, struct awsq_err *err)
{
	(void)app;
	return desired_read(&account->desired, &account->fleet, err);
}

static int run(struct app *app)
{
	int rc = set_up(app);

	if (rc != 0)
		return rc;
	if (app->options.identity)
		return identity_show(app);
	for (size_t i = 0; i < app->n_accounts; i++)
		app_open_ledger(app, &app->accounts[i]);
	app_tell_orphans(app);
	if (app->tool->needs & NEEDS_NO_AWS) {
		/* What is here is shown at once, however long it takes to reach AWS. */
		rc = app->tool->run(app);
		(void)screen_finish(app->screen);
		app_reap(app, 1);
		return rc;
	}
	rc = set_up_key(app);
	/* What does not come to its own regions does not look after them either. */
	app_reap(app, rc != 0);
	if (rc != 0)
		return rc;
	if (app->options.everywhere)
		rc = app_choose_everywhere(app);
	else if (needs(app, NEEDS_DESIRED))
		rc = app_prepare(app, read_desired);
	if (rc != 0)
		return rc;
	rc = app->tool->run(app);
	if (rc == EXIT_USAGE)
		app_reap(app, 1);
	return rc;
}

static void free_app(struct app *app)
{
	app_free_accounts(app);
	config_free(&app->config);
	sshkey_free(app->key);
	free(app->tasks);
	free(app->options.command);
	screen_free(app->screen);
	awsq_global_free();
}

static int print_and_end(struct app *app, const struct tool *tool)
{
	struct awsq_buf text = AWSQ_BUF_INIT(65536);

	if (app->options.help)
		options_help(&text, &tool->help);
	else
		awsq_buf_addf(&text, "%s (awsq) %s\n", tool->help.name, AWSQ_VERSION);
	screen_print(app->screen, awsq_buf_str(&text));
	awsq_buf_free(&text);
	return EXIT_OK;
}

/* Whether a signal changed what was done: one that came too late for that changes nothing. */
static int was_canceled(const struct app *app)
{
	int canceled = app->canceled;

	for (size_t i = 0; i < app->n_tasks; i++)
		canceled |= app->tasks[i].canceled;
	return canceled;
}

int app_main(const struct tool *tool, int argc, char **argv)
{
	struct app app = { 0 };
	int status;

	if (options_parse(&app.options, &tool->help, argc, argv) != 0) {
		free(app.options.command);
		return EXIT_USAGE;
	}
	app.tool = tool;
	app.screen = screen_new(tool->help.name, app.options.quiet);
	if (!app.screen)
		return EXIT_FAILED;
	if (app.options.help || app.options.version)
		status = print_and_end(&app, tool);
	else if (app.options.completion)
		status = completion_print(&app);
	else
		status = run(&app);
	if (screen_finish(app.screen) != 0) {
		/* That a job's output did not arrive is an error; else it is as with ls. */
		int quiet = !(tool->help.id & JOBS) && app_reader_is_gone();

		if (!quiet)
			screen_error(app.screen, NULL, "cannot write to standard output");
		if (status == EXIT_OK || status == EXIT_DIFFERENCES)
			status = quiet ? EXIT_SIGNAL + SIGPIPE : EXIT_FAILED;
	}
	if (signals_caught() != 0 && was_canceled(&app))
		status = EXIT_SIGNAL + signals_caught();
	free_app(&app);
	return status;
}

/* ---- Workers */

struct pool {
	struct app *app;
	void (*work)(struct app *app, struct region *r, struct task *task);
	pthread_mutex_t mutex;
	size_t next; /* the first task that no worker has taken */
};

/* How it failed, which has been said. */
static void task_note(struct task *task, int status, const struct awsq_err *err)
{
	task->status = status;
	text_format(task->detail, sizeof(task->detail), "%s", err->message);
	task->told = 1;
	task->canceled = err->code == AWSQ_ECANCELED;
}

static void do_task(struct pool *pool, struct task *task)
{
	const struct account *account = task->account;
	struct awsq_err err = { 0 };
	struct region r;

	if (signals_caught() != 0) {
		task->canceled = 1;
		return;
	}
	if (account->err.code != 0) {
		task_note(task, EXIT_FAILED, &account->err);
		return;
	}
	/* A preflight tells of it among its checks. */
	if (!pool->app->options.preflight && !desired_is_enabled(&account->desired, task->region)) {
		awsq_err_set(&err, AWSQ_EINVAL,
			"the region is not enabled for this account: aws account enable-region "
			"--region-name %s",
			task->region);
		task_fail(pool->app, task, EXIT_FAILED, &err);
		return;
	}
	if (region_open(&r, &account->fleet, task->region, &err) != 0)
		task_fail(pool->app, task, EXIT_FAILED, &err);
	else
		pool->work(pool->app, &r, task);
	region_close(&r);
}

static void *worker(void *arg)
{
	struct pool *pool = arg;

	for (;;) {
		struct task *task = NULL;

		pthread_mutex_lock(&pool->mutex);
		if (pool->next < pool->app->n_tasks)
			task = &pool->app->tasks[pool->next++];
		pthread_mutex_unlock(&pool->mutex);
		if (!task)
			return NULL;
		do_task(pool, task);
	}
}

void app_each(struct app *app, void (*work)(struct app *app, struct region *r, struct task *task))
{
	struct pool pool = { app, work, PTHREAD_MUTEX_INITIALIZER, 0 };
	size_t jobs = (size_t)app->options.jobs, started = 0;
	pthread_t *threads;

	if (jobs > app->n_tasks)
		jobs = app->n_tasks;
	/* This thread is a worker too: with one region, or without memory, it is the only one. */
	threads = calloc(jobs ? jobs : 1, sizeof(*threads));
	while (threads && started + 1 < jobs &&
		pthread_create(&threads[started], NULL, worker, &pool) == 0)
		started++;
	(void)worker(&pool);
	while (started > 0)
		(void)pthread_join(threads[--started], NULL);
	free(threads);
}

void app_with_lock(struct app *app, struct region *r, struct task *task,
	void (*work)(struct app *app, struct region *r, struct task *task))
{
	struct awsq_err err = { 0 };
	int lock;

	if (state_lock(&lock, r->fleet->state_dir, r->name, &err) != 0) {
		task_fail(app, task, EXIT_FAILED, &err);
	} else if (lock < 0) {
		awsq_err_set(&err, AWSQ_EINVAL, "busy: another run has this region");
		task_fail(app, task, EXIT_BUSY, &err);
	} else {
		work(app, r, task);
		state_unlock(lock);
	}
}

void task_fail(struct app *app, struct task *task, int status, const struct awsq_err *err)
{
	screen_error(app->screen, task->name, "%s", err->message);
	task_note(task, status, err);
}

void task_done(struct task *task, const char *format, ...)
{
	va_list ap;

	task->status = EXIT_OK;
	task->told = 0;
	va_start(ap, format);
	text_vformat(task->detail, sizeof(task->detail), format, ap);
	va_end(ap);
}

/* ---- The end */

static const char *status_word(int status)
{
	switch (status) {
	case EXIT_OK:
		return "ok";
	case EXIT_DIFFERENCES:
		return "differs";
	case EXIT_BUSY:
		return "busy";
	default:
		return "failed";
	}
}

static enum paint status_paint(int status)
{
	if (status == EXIT_OK)
		return PAINT_GOOD;
	return status == EXIT_DIFFERENCES || status == EXIT_BUSY ? PAINT_CARE : PAINT_BAD;
}

void app_summary(struct app *app, int job)
{
	struct awsq_buf text = AWSQ_BUF_INIT(16 * 1024 * 1024);
	struct table *table = table_new(3);

	table_add(table, "REGION", "STATUS", "RESULT");
	for (size_t i = 0; i < app->n_tasks; i++) {
		const struct task *task = &app->tasks[i];
		char status[16];

		(void)snprintf(status, sizeof(status), "%d", task->status);
		table_add(table, task->name, job ? status : status_word(task->status),
			task->told ? "as said above" : task->detail);
		table_paint(table, 1, status_paint(task->status));
	}
	table_show(&text, table, job, 0);
	if (!app->options.quiet)
		(void)screen_bytes(app->screen, job, awsq_buf_str(&text), text.len);
	table_free(table);
	awsq_buf_free(&text);
}

int app_print(struct app *app, struct awsq_buf *text, int rc)
{
	if (rc == 0)
		rc = awsq_buf_error(text);
	if (rc == 0)
		screen_print(app->screen, awsq_buf_str(text));
	else
		screen_error(app->screen, NULL, "cannot print the report: %s", awsq_strerror(rc));
	awsq_buf_free(text);
	return rc;
}

int app_usage(struct app *app, const char *format, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, format);
	text_vformat(text, sizeof(text), format, ap);
	va_end(ap);
	screen_error(app->screen, NULL, "%s", text);
	(void)snprintf(text, sizeof(text), "Try '%s --help'.\n", app->tool->help.name);
	(void)screen_bytes(app->screen, 1, text, strlen(text));
	return EXIT_USAGE;
}

int app_reader_is_gone(void)
{
	struct pollfd p = { .fd = STDOUT_FILENO, .events = POLLOUT };

	return poll(&p, 1, 0) == 1 && (p.revents & POLLERR);
}

int app_status(const struct app *app)
{
	int status = EXIT_OK;

	if (app->n_tasks == 1)
		return app->tasks[0].status;
	for (size_t i = 0; i < app->n_tasks; i++) {
		if (app->tasks[i].status == EXIT_DIFFERENCES && status == EXIT_OK)
			status = EXIT_DIFFERENCES;
		else if (app->tasks[i].status != EXIT_OK &&
			 app->tasks[i].status != EXIT_DIFFERENCES)
			status = EXIT_FAILED;
	}
	return status;
}

struct plan_options app_plan_options(const struct app *app)
{
	const struct options *o = &app->options;

	return (struct plan_options){ .replace = o->replace,
		.lift_protection = o->lift_protection,
		.keep_images = o->keep_images >= 0 ? o->keep_images : app->config.keep_images };
}

int app_is_home(const struct app *app, const char *region)
{
	return strcmp(region, app->config.home) == 0;
}
