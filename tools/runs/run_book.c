#include "banned.h"

#include "runs/run_private.h"
#include "runs/hooks.h"
#include "fleet/text.h"

#include <awsq/clock.h>

#include <stdarg.h>

void run_init(struct run *run, struct run_result *out, struct region *r,
	const struct run_request *request, const struct instance *instance)
{
	memset(run, 0, sizeof(*run));
	memset(out, 0, sizeof(*out));
	if (instance)
		out->instance = *instance;
	out->n = 1;
	run->out = out;
	run->i = &out->instance;
	run->r = r;
	run->request = request;
	run->output = request->output;
	run->begin_ms = region_now_ms(r);
	run->wait_ms = run->begin_ms + r->fleet->config->job_max_wait * 1000;
	run->row.asked_ms = awsq_wall_ms();
	run->row.status = -1;
	run->row.timeout_ms = request->timeout_ms;
	run->orphan.status = -1;
	text_format(run->row.tool, sizeof(run->row.tool), "%s", request->tool);
	text_format(run->row.region, sizeof(run->row.region), "%s", r->name);
	text_format(run->row.command, sizeof(run->row.command), "%s",
		request->command ? request->command : "");
}

void run_free(struct run *run)
{
	link_close(run->link);
	runlog_close(run->log);
	free(run->known_hosts);
}

int64_t run_stamp(const struct run *run)
{
	return run->row.asked_ms + region_now_ms(run->r) - run->begin_ms;
}

void run_fail(struct run *run, enum ledger_state state, int status, const struct awsq_err *err)
{
	struct run_result *out = run->out;

	out->canceled |= err->code == AWSQ_ECANCELED;
	if (out->message[0]) {
		region_warning(run->r, "%s", err->message);
		return;
	}
	run->code = err->code;
	out->status = status;
	text_format(out->message, sizeof(out->message), "%s", err->message);
	text_format(run->row.message, sizeof(run->row.message), "%s", err->message);
	run->row.state = out->canceled ? LEDGER_CANCELED : state;
}

/* What the row knows of the instance. */
static void describe(struct run *run)
{
	struct ledger_run *row = &run->row;

	(void)snprintf(row->instance, sizeof(row->instance), "%.31s", run->i->id);
	(void)snprintf(row->type, sizeof(row->type), "%s", run->i->type);
}

static int new_row(struct run *run, struct awsq_err *err)
{
	int rc = ledger_new_id(run->row.id, run->row.asked_ms);

	if (rc != 0)
		return awsq_err_set(err, rc, "cannot begin a run: no random bytes");
	describe(run);
	if (!run->request->ledger)
		return awsq_err_set(err, AWSQ_EIO, "%s",
			run->request->no_ledger ? run->request->no_ledger : "there is no ledger");
	return ledger_begin(run->request->ledger, &run->row, err);
}

/* Nothing has been started yet: then nothing is. */
static int not_begun(struct run *run, const struct awsq_err *why)
{
	struct awsq_err err = { 0 };

	awsq_err_set(&err, why->code, "not begun, as it cannot be written down: %.900s",
		why->message);
	run_fail(run, LEDGER_NOT_RUN, RUN_NOT_RUN, &err);
	return -1;
}

int run_begin(struct run *run)
{
	struct awsq_err why = { 0 };

	if (run->is_known) {
		(void)run_note(run);
		return 0;
	}
	if (new_row(run, &why) != 0)
		return not_begun(run, &why);
	run->is_known = 1;
	(void)snprintf(run->out->run, sizeof(run->out->run), "%s", run->row.id);
	return 0;
}

int run_intend(struct run *run)
{
	struct awsq_err why = { 0 };

	describe(run);
	return ledger_update(run->request->ledger, &run->row, &why) == 0 ? 0 : not_begun(run, &why);
}

int run_note(struct run *run)
{
	struct awsq_err err = { 0 };
	int rc;

	describe(run);
	if (!run->is_known)
		return 0;
	rc = ledger_update(run->request->ledger, &run->row, &err);
	if (rc != 0 && !run->ledger_failed++)
		region_warning(run->r, "%s; the run goes on", err.message);
	return rc;
}

void run_record(struct run *run)
{
	struct awsq_err ignored;

	run->row.status = run->out->status;
	run->row.closed = 1;
	if (run->is_known)
		(void)run_note(run);
	else
		(void)new_row(run, &ignored);
}

void run_pass_over(struct run *run, const char *format, ...)
{
	struct run_result *out = run->out;
	int skip = run->r->fleet->config->job_overlap == CONFIG_OVERLAP_SKIP;
	char text[900];
	va_list ap;

	va_start(ap, format);
	text_vformat(text, sizeof(text), format, ap);
	va_end(ap);
	out->skipped = skip;
	out->busy = !skip;
	out->status = skip ? 0 : RUN_BUSY;
	text_format(out->message, sizeof(out->message), "%s: %s", skip ? "skipped" : "busy", text);
	text_format(run->row.message, sizeof(run->row.message), "%s", text);
	run->row.state = skip ? LEDGER_SKIPPED : LEDGER_BUSY;
	run->row.owns = 0;
	run_record(run);
}

void run_close(struct run *run)
{
	struct ledger_run *row = &run->row;
	struct run_result *out = run->out;

	row->status = out->status;
	row->left_on = out->left_on;
	row->bytes_out = run->passed[0];
	row->bytes_err = run->passed[1];
	if (row->owns)
		row->billed_s = ledger_billed(row->running_ms, row->stop_ms);
	/* One that may be on stays open, so that whoever comes next tries to stop it. */
	row->closed = !out->left_on;
	(void)run_note(run);
	if (run->hooked)
		hooks_after(run->r, row);
}
