#include "banned.h"

#include "cli/app.h"
#include "cli/runs_log.h"
#include "cli/runs_show.h"
#include "fleet/state.h"
#include "runs/ledger.h"
#include "runs/metrics.h"
#include "runs/runlog.h"

#include <awsq/num.h>

#include <sys/ioctl.h>
#include <unistd.h>

#define LIMIT      20
#define POLL_MS    300
#define GONE_POLLS 10 /* so often in a row a run's region is found free: nobody is at it */
#define MAX_TEXT   (256 * 1024 * 1024)
#define MAX_SINCE  (100 * 366 * INT64_C(86400))

static int64_t now_ms(void)
{
	return awsq_clock_system.wall_ms(awsq_clock_system.arg);
}

static int fail(struct app *app, const struct awsq_err *err)
{
	screen_error(app->screen, NULL, "%s", err->message);
	return EXIT_FAILED;
}

/* ---- Which runs */

/* A time before now, or a date. */
static int read_since(int64_t *ms, const char *text)
{
	char date[AWSQ_TIME_ISO];
	int64_t seconds;

	if (awsq_parse_duration(&seconds, text, MAX_SINCE) == 0) {
		*ms = now_ms() - seconds * 1000;
		return 0;
	}
	(void)snprintf(date, sizeof(date), "%.10sT00:00:00Z", text);
	if (awsq_time_parse(&seconds, strlen(text) == 10 ? date : text) != 0)
		return -1;
	*ms = seconds * 1000;
	return 0;
}

static int read_filter(struct ledger_filter *out, struct app *app)
{
	const struct options *o = &app->options;

	*out = (struct ledger_filter){
		.region = o->region,
		.id = o->n_regions > 0 ? o->regions[0] : NULL,
		.open_only = o->open,
		.failed_only = o->failed,
		.limit = o->limit > 0 ? o->limit : LIMIT,
	};
	if (o->all)
		out->limit = 0;
	if (o->region && !config_region_name(o->region))
		return app_usage(app, "'%s' is not a region", o->region);
	if (o->since && read_since(&out->since_ms, o->since) != 0)
		return app_usage(app,
			"--since: expected a time such as 36h or 2026-11-20, found '%s'", o->since);
	return 0;
}

/* ---- Runs and bills, in each of the formats */

struct listing {
	struct app *app;
	struct awsq_buf text;
	struct table *table; /* of text */
	int is_json;
	int64_t n;
};

/* A piece of what may be long. */
static int flush(struct listing *list)
{
	int rc = awsq_buf_error(&list->text);

	if (rc == 0 && list->text.len > 0)
		screen_print(list->app->screen, awsq_buf_str(&list->text));
	if (rc == 0)
		awsq_buf_reset(&list->text);
	return rc;
}

static int add_record(struct listing *list, const struct record_value *values, size_t n)
{
	int rc = 0;

	if (list->is_json)
		rc = record_json(&list->text, values, n, list->n == 0);
	else
		record_csv(&list->text, values, n);
	list->n++;
	return rc == 0 ? flush(list) : rc;
}

static int add_run(void *arg, const struct ledger_run *run)
{
	struct listing *list = arg;
	struct runs_record record;

	if (list->table) {
		runs_show(list->table, run, now_ms());
		return 0;
	}
	runs_record(&record, run);
	return add_record(list, record.values, RUNS_MEMBERS);
}

static int add_bill(void *arg, const struct ledger_bill *bill)
{
	struct listing *list = arg;
	struct record_value record[BILLS_MEMBERS];

	if (list->table) {
		bills_show(list->table, bill);
		return 0;
	}
	bills_record(record, bill);
	return add_record(list, record, BILLS_MEMBERS);
}

/* The beginning of the format; name is the list's in JSON. */
static int begin(struct listing *list, const char *name, const struct record_value *names, size_t n)
{
	const char *format = list->app->options.output;

	list->is_json = strcmp(format, "json") == 0;
	if (list->is_json)
		return record_json_begin(&list->text, list->app->config.name, name);
	if (strcmp(format, "csv") == 0)
		record_csv_names(&list->text, names, n);
	else
		list->table = n == BILLS_MEMBERS ? bills_new_table() : runs_new_table();
	return list->table || strcmp(format, "csv") == 0 ? 0 : AWSQ_ENOMEM;
}

/* Of the terminal that is written to; 0: it is none, and takes lines of any length. */
static size_t columns(void)
{
	struct winsize size;

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

/* rc is how it went until now. */
static int end(struct listing *list, int rc, const struct awsq_err *err)
{
	if (rc == 0 && list->is_json)
		record_json_end(&list->text);
	if (rc == 0 && list->table) {
		table_fit(list->table, columns());
		table_print(&list->text, list->table);
	}
	if (rc == 0)
		rc = flush(list);
	if (rc != 0)
		screen_error(list->app->screen, NULL, "%s",
			err->message[0] ? err->message : awsq_strerror(rc));
	table_free(list->table);
	awsq_buf_free(&list->text);
	return rc == 0 ? EXIT_OK : EXIT_FAILED;
}

static int list_runs(struct app *app, struct ledger *l, const struct ledger_filter *filter)
{
	struct listing list = { .app = app, .text = AWSQ_BUF_INIT(MAX_TEXT) };
	struct ledger_run none = { 0 };
	struct runs_record names;
	struct awsq_err err = { 0 };
	int rc;

	runs_record(&names, &none);
	rc = begin(&list, "runs", names.values, RUNS_MEMBERS);
	if (rc == 0)
		rc = ledger_list(l, filter, add_run, &list, &err);
	return end(&list, rc, &err);
}

static int list_bills(struct app *app, struct ledger *l)
{
	struct listing list = { .app = app, .text = AWSQ_BUF_INIT(MAX_TEXT) };
	struct ledger_bill none = { .runs = 0 };
	struct record_value names[BILLS_MEMBERS];
	struct awsq_err err = { 0 };
	int rc;

	bills_record(names, &none);
	rc = begin(&list, "billing", names, BILLS_MEMBERS);
	if (rc == 0)
		rc = ledger_bills(l, add_bill, &list, &err);
	return end(&list, rc, &err);
}

/* ---- One run, and its log */

static int show_one(struct app *app, const struct ledger_run *run)
{
	struct awsq_buf text = AWSQ_BUF_INIT(MAX_TEXT);
	char *folder = runlog_path(app->state_dir, run->id, NULL);

	if (folder && access(folder, F_OK) != 0) {
		free(folder);
		folder = NULL;
	}
	runs_show_one(&text, run, folder, now_ms());
	free(folder);
	return app_print(app, &text, 0) == 0 ? EXIT_OK : EXIT_FAILED;
}

/* What runs_log_print had to say at last, as an exit status. */
static int log_status(struct app *app, const struct ledger_run *run, int rc)
{
	/* app_main sees to the rest. */
	if (rc == AWSQ_EIO && app_reader_is_gone())
		return EXIT_OK;
	if (rc == AWSQ_ENOTFOUND)
		screen_error(app->screen, NULL,
			"run '%s' has no log: its job was not begun, or it is older than "
			"fleet.keep_logs",
			run->id);
	else if (rc != 0)
		screen_error(app->screen, NULL, "cannot print the log of run '%s': %s", run->id,
			awsq_strerror(rc));
	return rc == 0 ? EXIT_OK : EXIT_FAILED;
}

static int left_behind(struct app *app, const struct ledger_run *run)
{
	screen_error(app->screen, run->region,
		"run '%s' was left behind by its controller: 'run-job --attach=%s' goes on with it",
		run->id, run->id);
	return EXIT_FAILED;
}

/*
 * Until the run is closed: what came before that is in the log then. Or until nobody has been at
 * the region for a while, though the run is open.
 */
static int follow(struct app *app, struct ledger *l, const char *id, struct runs_log *log)
{
	struct awsq_err err = { 0 };
	struct ledger_run run;

	for (int gone = 0;;) {
		int rc;

		if (ledger_find(&run, l, &(struct ledger_filter){ .id = id }, &err) != 0)
			return fail(app, &err);
		rc = runs_log_print(log);
		if (run.closed || (rc != 0 && rc != AWSQ_ENOTFOUND))
			return log_status(app, &run, rc);
		gone = state_is_locked(app->state_dir, run.region) ? 0 : gone + 1;
		if (gone == GONE_POLLS)
			return left_behind(app, &run);
		if (awsq_clock_system.sleep_ms(awsq_clock_system.arg, POLL_MS,
			    app->fleet.cancel_fd) != 0) {
			app->canceled = 1;
			return EXIT_FAILED;
		}
	}
}

static int show_log(struct app *app, struct ledger *l, const struct ledger_run *run)
{
	const char *which = app->options.log ? app->options.log : "";
	struct runs_log *log = runs_log_new(app->screen, app->state_dir, run->id, which);
	struct awsq_err err = { 0 };
	int status;

	if (!log) {
		awsq_err_set(&err, AWSQ_ENOMEM, "out of memory");
		return fail(app, &err);
	}
	if (app->options.follow)
		status = follow(app, l, run->id, log);
	else
		status = log_status(app, run, runs_log_print(log));
	runs_log_free(log);
	return status;
}

/* ---- */

static int do_what_is_asked(struct app *app, struct ledger *l, const struct ledger_filter *filter)
{
	const struct options *o = &app->options;
	struct ledger_run run;
	struct awsq_err err = { 0 };
	int wants_log = o->log || o->follow;

	if (o->metrics) {
		if (metrics_write(o->metrics, l, app->config.name, now_ms(), &err) != 0)
			return fail(app, &err);
		return EXIT_OK;
	}
	if (o->billing)
		return list_bills(app, l);
	if ((filter->id || wants_log) && ledger_find(&run, l, filter, &err) != 0)
		return fail(app, &err);
	if (wants_log)
		return show_log(app, l, &run);
	if (filter->id && strcmp(o->output, "text") == 0)
		return show_one(app, &run);
	return list_runs(app, l, filter);
}

static int run(struct app *app)
{
	struct ledger_filter filter;
	int status = read_filter(&filter, app);

	if (status != 0)
		return status;
	/* Without a ledger it has been said why. */
	return app->ledger ? do_what_is_asked(app, app->ledger, &filter) : EXIT_FAILED;
}

static const struct tool tool = {
	.help = { TOOL_LIST, "list-runs", "[RUN]",
		"Show what was run where, when and how it ended; or all that is known of one RUN\n"
		"(its id, or the beginning of it), and with --log what its job wrote.\n"
		"It needs neither credentials nor a network, unless killed runs left something "
		"on:\n"
		"that is stopped afterwards.",
		"  list-runs                          the latest runs\n"
		"  list-runs --failed --since=2d      what went wrong since the day before "
		"yesterday\n"
		"  list-runs --region=us-east-1 -f    the latest run there, as its job writes\n"
		"  list-runs --billing                what EC2 bills, by month and region" },
	.needs = NEEDS_NO_AWS,
	.run = run,
};

int main(int argc, char **argv)
{
	return app_main(&tool, argc, argv);
}
