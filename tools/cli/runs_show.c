#include "banned.h"

#include "cli/runs_show.h"
#include "fleet/text.h"

#include <awsq/clock.h>

#include <inttypes.h>
#include <stddef.h>

#define MAX_REMARK (sizeof(((struct ledger_run *)NULL)->message) + 80)

/* ---- Records */

enum kind { TEXT, NUMBER, LARGE, TRUTH, TIME, STATE, STATUS };

static const struct member {
	const char *name;
	enum kind kind;
	size_t offset;
} members[] = {
	{ "id", TEXT, offsetof(struct ledger_run, id) },
	{ "tool", TEXT, offsetof(struct ledger_run, tool) },
	{ "region", TEXT, offsetof(struct ledger_run, region) },
	{ "instance", TEXT, offsetof(struct ledger_run, instance) },
	{ "type", TEXT, offsetof(struct ledger_run, type) },
	{ "command", TEXT, offsetof(struct ledger_run, command) },
	{ "state", STATE, offsetof(struct ledger_run, state) },
	{ "status", STATUS, offsetof(struct ledger_run, status) },
	{ "attempts", NUMBER, offsetof(struct ledger_run, attempts) },
	{ "asked", TIME, offsetof(struct ledger_run, asked_ms) },
	{ "started", TIME, offsetof(struct ledger_run, started_ms) },
	{ "running", TIME, offsetof(struct ledger_run, running_ms) },
	{ "ssh", TIME, offsetof(struct ledger_run, ssh_ms) },
	{ "job_start", TIME, offsetof(struct ledger_run, job_start_ms) },
	{ "job_end", TIME, offsetof(struct ledger_run, job_end_ms) },
	{ "stop", TIME, offsetof(struct ledger_run, stop_ms) },
	{ "stopped", TIME, offsetof(struct ledger_run, stopped_ms) },
	{ "overdue", TIME, offsetof(struct ledger_run, overdue_ms) },
	{ "launched", TIME, offsetof(struct ledger_run, launch_ms) },
	{ "owns", TRUTH, offsetof(struct ledger_run, owns) },
	{ "suspicious", TRUTH, offsetof(struct ledger_run, suspicious) },
	{ "left_on", TRUTH, offsetof(struct ledger_run, left_on) },
	{ "closed", TRUTH, offsetof(struct ledger_run, closed) },
	{ "bytes_out", LARGE, offsetof(struct ledger_run, bytes_out) },
	{ "bytes_err", LARGE, offsetof(struct ledger_run, bytes_err) },
	{ "billed_seconds", LARGE, offsetof(struct ledger_run, billed_s) },
	{ "message", TEXT, offsetof(struct ledger_run, message) },
};

_Static_assert(sizeof(members) / sizeof(members[0]) == RUNS_MEMBERS, "RUNS_MEMBERS counts them");

static void time_text(char out[RUNS_TIME], int64_t ms)
{
	char seconds[AWSQ_TIME_ISO];

	awsq_time_iso(seconds, ms / 1000);
	(void)snprintf(out, RUNS_TIME, "%.19s.%03dZ", seconds, (int)(ms % 1000));
}

static void set_number(struct record_value *v, enum record_kind kind, int64_t number)
{
	v->kind = kind;
	v->number = number;
}

static void set_value(struct record_value *v, char time[RUNS_TIME], const struct member *m,
	const struct ledger_run *run)
{
	const char *at = (const char *)run + m->offset;
	int64_t large = 0;
	int number = 0;

	*v = (struct record_value){ .name = m->name, .kind = RECORD_NULL };
	if (m->kind == LARGE || m->kind == TIME)
		memcpy(&large, at, sizeof(large));
	else if (m->kind != TEXT && m->kind != STATE)
		memcpy(&number, at, sizeof(number));
	if (m->kind == TRUTH || m->kind == NUMBER || (m->kind == STATUS && number >= 0))
		set_number(v, m->kind == TRUTH ? RECORD_TRUTH : RECORD_NUMBER, number);
	else if (m->kind == LARGE)
		set_number(v, RECORD_NUMBER, large);
	else if (m->kind == TIME && large > 0) {
		time_text(time, large);
		v->text = time;
	} else if (m->kind == STATE)
		v->text = ledger_state_name(run->state);
	else if (m->kind == TEXT && at[0])
		v->text = at;
	if (v->text)
		v->kind = RECORD_TEXT;
}

void runs_record(struct runs_record *out, const struct ledger_run *run)
{
	for (size_t i = 0; i < RUNS_MEMBERS; i++)
		set_value(&out->values[i], out->times[i], &members[i], run);
}

void bills_record(struct record_value out[BILLS_MEMBERS], const struct ledger_bill *bill)
{
	out[0] = (struct record_value){ "month", RECORD_TEXT, bill->month, 0 };
	out[1] = (struct record_value){ "region", RECORD_TEXT, bill->region, 0 };
	out[2] = (struct record_value){ "runs", RECORD_NUMBER, NULL, bill->runs };
	out[3] = (struct record_value){ "billed_seconds", RECORD_NUMBER, NULL, bill->seconds };
}

/* ---- Words of a run */

/* "" where one of the two is not known. */
static void span_text(char *out, size_t size, int64_t from_ms, int64_t to_ms)
{
	int64_t s = to_ms > from_ms ? (to_ms - from_ms + 500) / 1000 : 0;

	out[0] = '\0';
	if (from_ms == 0 || to_ms == 0)
		return;
	if (s < 60)
		(void)snprintf(out, size, "%" PRId64 "s", s);
	else if (s < 3600)
		(void)snprintf(out, size, "%" PRId64 "m%02" PRId64 "s", s / 60, s % 60);
	else
		(void)snprintf(out, size, "%" PRId64 "h%02" PRId64 "m", s / 3600, s % 3600 / 60);
}

static const char *phase_word(const struct ledger_run *run)
{
	if (run->stop_ms)
		return "stopping";
	if (run->job_end_ms)
		return "job ended";
	if (run->job_start_ms)
		return "job at work";
	if (run->running_ms)
		return "waiting for ssh";
	return run->started_ms ? "starting" : "asked for";
}

static int is_overdue(const struct ledger_run *run, int64_t now_ms)
{
	return !run->closed && run->overdue_ms > 0 && run->overdue_ms <= now_ms;
}

/* What there is to be said of it beside its state. */
static void remark_text(char *out, size_t size, const struct ledger_run *run, int64_t now_ms)
{
	const char *parts[5];
	size_t n = 0, len = 0;

	if (!run->closed)
		parts[n++] = phase_word(run);
	if (is_overdue(run, now_ms))
		parts[n++] = "overdue";
	if (run->left_on)
		parts[n++] = "left on";
	if (run->suspicious)
		parts[n++] = "suspiciously short";
	if (run->message[0])
		parts[n++] = run->message;
	out[0] = '\0';
	for (size_t i = 0; i < n && len < size; i++) {
		text_format(out + len, size - len, "%s%s", i ? "; " : "", parts[i]);
		len = strlen(out);
	}
}

static void status_text(char *out, size_t size, const struct ledger_run *run)
{
	(void)snprintf(out, size, "%s", "");
	if (run->status >= 0)
		(void)snprintf(out, size, "%d", run->status);
}

/* ---- Tables */

struct table *runs_new_table(void)
{
	struct table *t = table_new(8);

	table_add(t, "RUN", "REGION", "STATE", "STATUS", "JOB", "ON", "BILLED", "REMARK");
	return t;
}

/* What has to be seen to, and what did no work. */
static enum paint state_paint(const struct ledger_run *run, int64_t now_ms)
{
	switch (run->state) {
	case LEDGER_OPEN:
		return is_overdue(run, now_ms) ? PAINT_BAD : PAINT_NONE;
	case LEDGER_DONE:
		return PAINT_GOOD;
	case LEDGER_TIMED_OUT:
	case LEDGER_NOT_RUN:
	case LEDGER_LOST:
		return PAINT_BAD;
	default:
		return PAINT_CARE;
	}
}

void runs_show(struct table *t, const struct ledger_run *run, const char *place, int64_t now_ms)
{
	char status[16], job[24], on[24], billed[24] = "", remark[MAX_REMARK];

	status_text(status, sizeof(status), run);
	span_text(job, sizeof(job), run->job_start_ms, run->job_end_ms);
	span_text(on, sizeof(on), run->running_ms, run->stopped_ms);
	if (run->billed_s > 0)
		(void)snprintf(billed, sizeof(billed), "%" PRId64 "s", run->billed_s);
	remark_text(remark, sizeof(remark), run, now_ms);
	table_add(t, run->id, place, ledger_state_name(run->state), status, job, on, billed,
		remark);
	if (run->status >= 0)
		table_paint(t, 3, run->status == 0 ? PAINT_GOOD : PAINT_BAD);
	table_paint(t, 2, state_paint(run, now_ms));
	if (run->left_on)
		table_paint(t, 7, PAINT_BAD);
}

struct table *bills_new_table(void)
{
	struct table *t = table_new(4);

	table_add(t, "MONTH", "REGION", "RUNS", "SECONDS");
	return t;
}

void bills_show(struct table *t, const struct ledger_bill *bill, const char *place)
{
	char runs[24], seconds[24];

	(void)snprintf(runs, sizeof(runs), "%" PRId64, bill->runs);
	(void)snprintf(seconds, sizeof(seconds), "%" PRId64, bill->seconds);
	table_add(t, bill->month, place, runs, seconds);
}

/* ---- One run */

static void show_time(struct table *t, const char *what, int64_t ms, int64_t before_ms)
{
	char time[RUNS_TIME], span[24], text[64];

	if (ms == 0)
		return;
	time_text(time, ms);
	span_text(span, sizeof(span), before_ms, ms);
	(void)snprintf(text, sizeof(text), "%s%s%s", time, span[0] ? "  after " : "", span);
	table_add(t, what, text);
}

static void show_times(struct table *t, const struct ledger_run *run)
{
	show_time(t, "asked", run->asked_ms, 0);
	show_time(t, "started", run->started_ms, run->asked_ms);
	show_time(t, "running", run->running_ms, run->started_ms);
	show_time(t, "ssh", run->ssh_ms, run->running_ms);
	show_time(t, "job began", run->job_start_ms, run->ssh_ms);
	show_time(t, "job ended", run->job_end_ms, run->job_start_ms);
	show_time(t, "stop asked", run->stop_ms, run->job_end_ms);
	show_time(t, "stopped", run->stopped_ms, run->stop_ms);
	if (!run->closed)
		show_time(t, "overdue", run->overdue_ms, 0);
}

static void show_rest(struct table *t, const struct ledger_run *run, const char *folder,
	int64_t now_ms)
{
	char text[160], remark[MAX_REMARK];

	(void)snprintf(text, sizeof(text), "%" PRIu64 " bytes, and %" PRIu64 " to stderr",
		run->bytes_out, run->bytes_err);
	table_add(t, "output", text);
	table_add(t, "log", folder);
	if (run->owns || run->billed_s > 0)
		(void)snprintf(text, sizeof(text), "%" PRId64 " seconds", run->billed_s);
	else
		(void)snprintf(text, sizeof(text), "nothing: it is not this run's to stop");
	table_add(t, "billed", text);
	remark_text(remark, sizeof(remark), run, now_ms);
	table_add(t, "remark", remark);
}

void runs_show_one(struct awsq_buf *out, const struct ledger_run *run, const char *place,
	const char *folder, int64_t now_ms)
{
	struct table *t = table_new(2);
	char status[16], attempts[16];

	status_text(status, sizeof(status), run);
	(void)snprintf(attempts, sizeof(attempts), "%d", run->attempts);
	table_add(t, "run", run->id);
	table_add(t, "tool", run->tool);
	table_add(t, "region", place);
	table_add(t, "instance", run->instance);
	table_add(t, "type", run->type);
	table_add(t, "command", run->command);
	table_add(t, "state", ledger_state_name(run->state));
	table_add(t, "status", status);
	table_add(t, "attempts", attempts);
	show_times(t, run);
	show_rest(t, run, folder, now_ms);
	table_show(out, t, 0, 0);
	table_free(t);
}
