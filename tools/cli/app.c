#include "banned.h"

#include "cli/app.h"
#include "cli/signals.h"
#include "cli/table.h"
#include "fleet/state.h"
#include "fleet/text.h"

#include <awsq/endpoint.h>

#include <pthread.h>
#include <stdarg.h>

/*
 * For a round of calls, of which a look makes two, in a region that nobody has asked for by name:
 * one that cannot be reached holds up the end for a moment only, and lists of any length fit.
 */
#define EVERYWHERE_ROUND_MS 20000

/* ---- Regions */

static void add_task(struct app *app, const char *region)
{
	for (size_t i = 0; i < app->n_tasks; i++) {
		if (strcmp(app->tasks[i].region, region) == 0)
			return;
	}
	app->tasks[app->n_tasks] = (struct task){ region, EXIT_FAILED, "not begun", NULL, 0, 0 };
	app->n_tasks++;
}

static int check_region(struct app *app, const char *region)
{
	if (!config_region_name(region)) {
		screen_error(app->screen, NULL, "'%s' is not a region", region);
		return EXIT_USAGE;
	}
	if ((app->tool->needs & NEEDS_LISTED) && !config_region(&app->config, region)) {
		screen_error(app->screen, NULL, "'%s' is not among the regions of %s", region,
			app->config.path);
		return EXIT_USAGE;
	}
	return 0;
}

static int choose_regions(struct app *app)
{
	const struct options *o = &app->options;
	size_t room = o->all ? app->config.n_regions : o->n_regions;

	if (o->everywhere) /* when they can be asked for */
		return 0;
	if (room == 0 || (o->all && o->n_regions > 0)) {
		screen_error(app->screen, NULL, "name one or more regions, or use --all%s",
			o->all ? ", not both" : "");
		return EXIT_USAGE;
	}
	app->n_tasks = 0;
	app->tasks = calloc(room, sizeof(*app->tasks));
	if (!app->tasks)
		return EXIT_FAILED;
	for (size_t i = 0; i < room; i++) {
		const char *name = o->all ? app->config.regions[i].name : o->regions[i];

		if (check_region(app, name) != 0)
			return EXIT_USAGE;
		add_task(app, name);
	}
	return 0;
}

/* Which regions the account has enabled, and whose it is. */
static int read_account(struct app *app, struct awsq_err *err)
{
	struct awsq_call call;
	struct region home;
	int rc = region_open(&home, &app->fleet, app->config.home, err);

	if (rc == 0) {
		awsq_ec2_describe_regions(&call, &app->regions, 0);
		rc = region_call(&home, &call, err);
		if (rc != 0)
			region_explain(&home, err, "list the account's regions");
	}
	if (rc == 0) {
		awsq_sts_get_caller_identity(&call, &app->desired.identity);
		rc = region_call(&home, &call, err);
		if (rc != 0)
			region_explain(&home, err, "tell whose credentials these are");
	}
	region_close(&home);
	return rc;
}

static int compare_tasks(const void *a, const void *b)
{
	return strcmp(((const struct task *)a)->region, ((const struct task *)b)->region);
}

/* In the order of their names: AWS's own is none. */
static int choose_everywhere(struct app *app, struct awsq_err *err)
{
	int rc = read_account(app, err);

	if (rc != 0)
		return rc;
	app->n_tasks = 0;
	app->tasks = calloc(app->regions.n + 1, sizeof(*app->tasks));
	if (!app->tasks)
		return awsq_err_set(err, AWSQ_ENOMEM, "out of memory");
	for (size_t i = 0; i < app->regions.n; i++) {
		const struct awsq_ec2_region *r = &app->regions.items[i];

		/* One with an odd name, or none, is an error of its own: never passed over. */
		if (!r->opt_in_status || strcmp(r->opt_in_status, "not-opted-in") != 0)
			add_task(app, r->name ? r->name : "");
	}
	if (app->n_tasks == 0)
		return awsq_err_set(err, AWSQ_EPARSE,
			"cannot list the account's regions: AWS names none");
	qsort(app->tasks, app->n_tasks, sizeof(*app->tasks), compare_tasks);
	return 0;
}

/* ---- Setting up */

static int fail(struct app *app, int status, const struct awsq_err *err)
{
	app->canceled |= err->code == AWSQ_ECANCELED;
	screen_error(app->screen, NULL, "%s", err->message);
	return status;
}

/* One URL for all services, in the place of whatever the settings say. */
static int override_endpoints(struct awsq_settings *s, const char *url)
{
	char **urls[] = { &s->endpoint_url_ec2, &s->endpoint_url_iam, &s->endpoint_url_sts,
		&s->endpoint_url_kms, &s->endpoint_url_service_quotas, &s->endpoint_url_ssm };

	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		free(*urls[i]);
		*urls[i] = strdup(url);
		if (!*urls[i])
			return AWSQ_ENOMEM;
	}
	return 0;
}

static int load_aws(struct app *app, struct awsq_err *err)
{
	const struct options *o = &app->options;
	struct awsq_endpoint endpoint;
	int rc;

	rc = awsq_settings_load(&app->settings, o->profile, &awsq_environment_process, err);
	if (rc == 0 && o->endpoint_url && override_endpoints(&app->settings, o->endpoint_url) != 0)
		rc = awsq_err_set(err, AWSQ_ENOMEM, "out of memory");
	/* A URL that is of no use is better said before anything begins. */
	if (rc == 0)
		rc = awsq_endpoint_resolve(&endpoint, "ec2", app->config.home,
			&(struct awsq_endpoint_options){ app->settings.fips,
				app->settings.dualstack, app->settings.endpoint_url_ec2 },
			err);
	if (rc == 0)
		rc = awsq_credentials_load(&app->credentials, o->profile, &awsq_environment_process,
			err);
	return rc;
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

/* Everything that needs no network. */
static int set_up(struct app *app)
{
	struct awsq_err err = { 0 };
	char *path = NULL;
	int cancel_fd = -1, rc;

	rc = config_find(&path, app->options.config, &err);
	if (rc == 0)
		rc = config_load(&app->config, path, &err);
	free(path);
	if (rc != 0)
		return fail(app, EXIT_USAGE, &err);
	if (!(app->tool->needs & NEEDS_NO_AWS)) {
		rc = choose_regions(app);
		if (rc != 0)
			return rc;
		if (load_aws(app, &err) != 0)
			return fail(app, EXIT_USAGE, &err);
	}
	if (needs(app, NEEDS_KEY) && sshkey_load(&app->key, app->config.key, &err) != 0)
		return fail(app, EXIT_USAGE, &err);
	if (!(app->tool->needs & NEEDS_NO_STATE) &&
		state_open(&app->state_dir, app->options.state_dir, app->config.name, &err) != 0)
		return fail(app, EXIT_USAGE, &err);
	if (signals_open(&cancel_fd) != 0 || awsq_global_init() != 0) {
		awsq_err_set(&err, AWSQ_EIO, "cannot set up signals and libraries");
		return fail(app, EXIT_FAILED, &err);
	}
	screen_log(&app->log, app->screen, log_level(&app->options));
	app->fleet = (struct fleet){ &app->config, &app->settings, &app->credentials, app->key,
		screen_report(app->screen), &app->log, app->state_dir, cancel_fd,
		app->options.everywhere ? EVERYWHERE_ROUND_MS : 0, app->options.profile };
	return 0;
}

static int run(struct app *app)
{
	struct awsq_err err = { 0 };
	int rc = set_up(app);

	if (rc != 0)
		return rc;
	if (app->options.everywhere && choose_everywhere(app, &err) != 0)
		return fail(app, EXIT_FAILED, &err);
	if (needs(app, NEEDS_DESIRED) && desired_read(&app->desired, &app->fleet, &err) != 0)
		return fail(app, EXIT_FAILED, &err);
	return app->tool->run(app);
}

static void free_app(struct app *app)
{
	desired_free(&app->desired);
	config_free(&app->config);
	awsq_settings_free(&app->settings);
	awsq_credentials_free(&app->credentials);
	sshkey_free(app->key);
	free(app->state_dir);
	free(app->tasks);
	awsq_ec2_free_regions(&app->regions);
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
	else
		status = run(&app);
	if (screen_finish(app.screen) != 0) {
		screen_error(app.screen, NULL, "cannot write to standard output");
		if (status == EXIT_OK || status == EXIT_DIFFERENCES)
			status = EXIT_FAILED;
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

static void do_task(struct pool *pool, struct task *task)
{
	struct awsq_err err = { 0 };
	struct region r;

	if (signals_caught() != 0) {
		task->canceled = 1;
		return;
	}
	if (!desired_is_enabled(&pool->app->desired, task->region)) {
		awsq_err_set(&err, AWSQ_EINVAL,
			"the region is not enabled for this account: aws account enable-region "
			"--region-name %s",
			task->region);
		task_fail(pool->app, task, EXIT_FAILED, &err);
		return;
	}
	if (region_open(&r, &pool->app->fleet, task->region, &err) != 0)
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

	if (state_lock(&lock, app->state_dir, r->name, &err) != 0) {
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
	task->status = status;
	text_format(task->detail, sizeof(task->detail), "%s", err->message);
	screen_error(app->screen, task->region, "%s", err->message);
	task->told = 1;
	task->canceled = err->code == AWSQ_ECANCELED;
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

void app_summary(struct app *app, int job)
{
	struct awsq_buf text = AWSQ_BUF_INIT(16 * 1024 * 1024);
	struct table *table = table_new(3);

	table_add(table, "REGION", "STATUS", "RESULT");
	for (size_t i = 0; i < app->n_tasks; i++) {
		const struct task *task = &app->tasks[i];
		char status[16];

		(void)snprintf(status, sizeof(status), "%d", task->status);
		table_add(table, task->region, job ? status : status_word(task->status),
			task->told ? "as said above" : task->detail);
	}
	table_print(&text, table);
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
