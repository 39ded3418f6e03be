#include "banned.h"

#include "cli/app.h"
#include "cli/runs_log.h"
#include "cli/runs_show.h"
#include "fleet/state.h"
#include "runs/ledger.h"
#include "runs/runlog.h"

#include <awsq/num.h>

#include <unistd.h>

#define LIMIT      20
#define WHERE      64
#define POLL_MS    300
#define GONE_POLLS 10 /* so often in a row a run's region is found free: nobody is at it */
#define MAX_TEXT   (256 * 1024 * 1024)
#define MAX_SINCE  (100 * 366 * INT64_C(86400))

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
		*ms = awsq_wall_ms() - seconds * 1000;
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
	const char *account; /* whose record it is; NULL: nobody's by name */
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

/* The same values, with the account in front where there are some; how many these are. */
static size_t with_account(struct record_value out[RUNS_MEMBERS + 1], const struct listing *list,
	const struct record_value *values, size_t n)
{
	size_t first = list->account ? 1 : 0;

	out[0] = (struct record_value){ "account", RECORD_TEXT, list->account, 0 };
	memcpy(out + first, values, n * sizeof(*values));
	return first + n;
}

static int add_record(struct listing *list, const struct record_value *values, size_t n)
{
	struct record_value whole[RUNS_MEMBERS + 1];
	size_t members = with_account(whole, list, values, n);
	int rc = 0;

	if (list->is_json)
		rc = record_json(&list->text, whole, members, list->n == 0);
	else
		record_csv(&list->text, whole, members);
	list->n++;
	return rc == 0 ? flush(list) : rc;
}

/* "us-east-1", "prod/us-east-1" */
static const char *place(char out[WHERE], const char *account, const char *region)
{
	(void)snprintf(out, WHERE, "%s%s%s", account ? account : "", account ? "/" : "", region);
	return out;
}

static int add_run(void *arg, struct account *account, const struct ledger_run *run)
{
	struct listing *list = arg;
	struct runs_record record;

	list->account = account->name;
	if (list->table) {
		char where[WHERE];

		runs_show(list->table, run, place(where, account->name, run->region),
			awsq_wall_ms());
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
		char where[WHERE];

		bills_show(list->table, bill, place(where, list->account, bill->region));
		return 0;
	}
	bills_record(record, bill);
	return add_record(list, record, BILLS_MEMBERS);
}

/* The beginning of the format; name is the list's in JSON. */
static int begin(struct listing *list, const char *name, const struct record_value *names, size_t n)
{
	struct record_value whole[RUNS_MEMBERS + 1];
	const char *format = list->app->options.output;

	list->is_json = strcmp(format, "json") == 0;
	if (list->is_json)
		return record_json_begin(&list->text, list->app->config.name, name);
	if (strcmp(format, "csv") == 0)
		record_csv_names(&list->text, whole, with_account(whole, list, names, n));
	else
		list->table = n == BILLS_MEMBERS ? bills_new_table() : runs_new_table();
	return list->table || strcmp(format, "csv") == 0 ? 0 : AWSQ_ENOMEM;
}

/* rc is how it went until now. */
static int end(struct listing *list, int rc, const struct awsq_err *err)
{
	if (rc == 0 && list->is_json)
		record_json_end(&list->text);
	/* A remark takes one line: the run by itself has all of it. */
	if (rc == 0 && list->table)
		table_show(&list->text, list->table, 0, 1);
	if (rc == 0)
		rc = flush(list);
	if (rc != 0)
		screen_error(list->app->screen, NULL, "%s",
			err->message[0] ? err->message : awsq_strerror(rc));
	table_free(list->table);
	awsq_buf_free(&list->text);
	return rc == 0 ? EXIT_OK : EXIT_FAILED;
}

static struct listing new_listing(struct app *app)
{
	return (struct listing){
		.app = app, .text = AWSQ_BUF_INIT(MAX_TEXT), .account = app->accounts[0].name
	};
}

static int list_runs(struct app *app, const struct ledger_filter *filter)
{
	struct listing list = new_listing(app);
	struct ledger_run none = { 0 };
	struct runs_record names;
	struct awsq_err err = { 0 };
	int rc;

	runs_record(&names, &none);
	rc = begin(&list, "runs", names.values, RUNS_MEMBERS);
	if (rc == 0)
		rc = app_list_runs(app, filter, add_run, &list, &err);
	return end(&list, rc, &err);
}

static int list_bills(struct app *app)
{
	struct listing list = new_listing(app);
	struct ledger_bill none = { .runs = 0 };
	struct record_value names[BILLS_MEMBERS];
	struct awsq_err err = { 0 };
	int rc;

	bills_record(names, &none);
	rc = begin(&list, "billing", names, BILLS_MEMBERS);
	for (size_t i = 0; rc == 0 && i < app->n_accounts; i++) {
		const struct account *account = &app->accounts[i];

		list.account = account->name;
		if (account->chosen)
			rc = ledger_bills(account->ledger, add_bill, &list, &err);
	}
	return end(&list, rc, &err);
}

/* ---- One run, and its log */

static int show_one(struct app *app, const struct account *account, const struct ledger_run *run)
{
	struct awsq_buf text = AWSQ_BUF_INIT(MAX_TEXT);
	char *folder = runlog_path(account->state_dir, run->id, NULL), where[WHERE];

	if (folder && access(folder, F_OK) != 0) {
		free(folder);
		folder = NULL;
	}
	runs_show_one(&text, run, place(where, account->name, run->region), folder, awsq_wall_ms());
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

static int left_behind(struct app *app, const struct account *account, const struct ledger_run *run)
{
	char where[WHERE];

	screen_error(app->screen, place(where, account->name, run->region),
		"run '%s' was left behind by its controller: 'run-job --attach=%s' goes on with it",
		run->id, run->id);
	return EXIT_FAILED;
}

/*
 * Until the run is closed: what came before that is in the log then. Or until nobody has been at
 * the region for a while, though the run is open.
 */
static int follow(struct app *app, const struct account *account, const char *id,
	struct runs_log *log)
{
	struct awsq_err err = { 0 };
	struct ledger_run run;

	for (int gone = 0;;) {
		int rc;

		if (ledger_find(&run, account->ledger, &(struct ledger_filter){ .id = id }, &err) !=
			0)
			return fail(app, &err);
		rc = runs_log_print(log);
		if (run.closed || (rc != 0 && rc != AWSQ_ENOTFOUND))
			return log_status(app, &run, rc);
		gone = state_is_locked(account->state_dir, run.region) ? 0 : gone + 1;
		if (gone == GONE_POLLS)
			return left_behind(app, account, &run);
		if (awsq_sleep_ms(POLL_MS, app->cancel_fd) != 0) {
			app->canceled = 1;
			return EXIT_FAILED;
		}
	}
}

static int show_log(struct app *app, const struct account *account, const struct ledger_run *run)
{
	const char *which = app->options.log ? app->options.log : "";
	struct runs_log *log = runs_log_new(app->screen, account->state_dir, run->id, which);
	struct awsq_err err = { 0 };
	int status;

	if (!log) {
		awsq_err_set(&err, AWSQ_ENOMEM, "out of memory");
		return fail(app, &err);
	}
	if (app->options.follow)
		status = follow(app, account, run->id, log);
	else
		status = log_status(app, run, runs_log_print(log));
	runs_log_free(log);
	return status;
}

/* ---- */

static int do_what_is_asked(struct app *app, const struct ledger_filter *filter)
{
	const struct options *o = &app->options;
	struct account *account;
	struct ledger_run run;
	struct awsq_err err = { 0 };
	int wants_log = o->log || o->follow;

	if (o->metrics) {
		if (app_write_metrics(app, &err) != 0)
			return fail(app, &err);
		return EXIT_OK;
	}
	if (o->billing)
		return list_bills(app);
	if ((filter->id || wants_log) && app_find_run(&run, &account, app, filter, &err) != 0)
		return fail(app, &err);
	if (wants_log)
		return show_log(app, account, &run);
	if (filter->id && strcmp(o->output, "text") == 0)
		return show_one(app, account, &run);
	return list_runs(app, filter);
}

static int run(struct app *app)
{
	struct ledger_filter filter;
	int status = read_filter(&filter, app);

	if (status != 0)
		return status;
	/* Without a ledger it has been said why. */
	return app_no_ledger(app) ? EXIT_FAILED : do_what_is_asked(app, &filter);
}

static const struct tool tool = {
	.help = { TOOL_LIST, "list-runs", "[RUN]",
		"Show what was run where, when and how it ended; or all that is known of one RUN\n"
		"(its id, or the beginning of it), and with --log what its job wrote.\n"
		"It needs neither credentials nor a network, unless killed runs left something "
		"on:\n"
		"that is stopped afterwards.",
		"  list-runs                          the latest runs\n"
		"  list-runs --failed --since=2d      what went wrong in the last two days\n"
		"  list-runs --region=us-east-1 -f    the latest run there, as its job writes\n"
		"  list-runs --billing                what EC2 bills, by month and region" },
	.needs = NEEDS_NO_AWS,
	.run = run,
};

int main(int argc, char **argv)
{
	return app_main(&tool, argc, argv);
}
