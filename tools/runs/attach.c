#include "banned.h"

#include "runs/run_private.h"
#include "runs/reap.h"
#include "fleet/state.h"
#include "fleet/text.h"

#include <awsq/clock.h>

static int not_there(struct run *run, struct awsq_err *err)
{
	run_fail(run, LEDGER_LOST, RUN_NOT_RUN, err);
	return -1;
}

/* A run of a running instance has no start of its own, but has seen the boot. */
static int is_its_boot(const struct run *run)
{
	return run->row.owns ? reap_is_its_boot(&run->row, run->i)
	                     : run->row.launch_ms / 1000 == run->i->launch;
}

/*
 * Whether there is still something to take up: the instance, on by the same boot, with a job on it.
 */
static int look(struct run *run)
{
	struct awsq_err err = { 0 };
	int rc = instance_refresh(run->i, run->r, &err);

	if (rc != 0 && rc != AWSQ_ENOTFOUND) {
		/* Not known: another try may do, so nothing is closed. */
		run_fail(run, LEDGER_OPEN, RUN_NOT_RUN, &err);
		return rc;
	}
	if (rc == 0 && reap_may_be_its_boot(&run->row, run->i)) {
		awsq_err_set(&err, AWSQ_ENOTFOUND,
			"instance '%s' may be on for run '%s', which had not come to its job, or "
			"for someone else: stop-region stops it",
			run->i->id, run->row.id);
		run_fail(run, LEDGER_OPEN, RUN_NOT_RUN, &err);
		return -1;
	}
	if (rc == 0 && !instance_is_on(run->i))
		rc = awsq_err_set(&err, AWSQ_ENOTFOUND,
			"instance '%s' is %s: nothing of run '%s' is left to be followed",
			run->i->id, run->i->state, run->row.id);
	else if (rc == 0 && !is_its_boot(run))
		rc = awsq_err_set(&err, AWSQ_ENOTFOUND,
			"instance '%s' was stopped and started again since: nothing of run '%s' is "
			"left to be followed",
			run->i->id, run->row.id);
	if (rc != 0) {
		run->row.owns = 0;
		return not_there(run, &err);
	}
	run->i->boot = run->i->launch;
	run->maybe_on = 1;
	if (run->row.job_start_ms == 0) {
		awsq_err_set(&err, AWSQ_ENOTFOUND,
			"run '%s' had not come to its job when its controller died", run->row.id);
		return not_there(run, &err);
	}
	return 0;
}

/*
 * Whether its job may be at work, and was just not reached: from here, at this moment. Then all
 * stays as it is, for another try; once it is overdue, no longer.
 */
static int is_out_of_reach(const struct run *run)
{
	return run->out->message[0] && run->job_begin_ms == 0 && !run->out->canceled &&
	       run->code != AWSQ_ENOTFOUND && run->row.job_start_ms && !run->row.job_end_ms &&
	       run_stamp(run) < run->row.overdue_ms;
}

static void tell_out_of_reach(struct run *run)
{
	char text[1000];

	text_format(text, sizeof(text), "%s", run->out->message);
	text_format(run->out->message, sizeof(run->out->message),
		"%s; its job may still be at work, and is left alone: run-job --attach=%s tries "
		"again",
		text, run->row.id);
	run->out->status = RUN_NOT_RUN;
}

static void follow(struct run *run)
{
	if (look(run) == 0 && run_connect(run) == 0) {
		region_event(run->r, "taking up run %s on instance %s", run->row.id, run->i->id);
		run_work(run, 1);
	}
	if (run->row.state == LEDGER_OPEN && run->out->message[0])
		return;
	if (is_out_of_reach(run)) {
		tell_out_of_reach(run);
		return;
	}
	if (run->row.owns && run->out->message[0]) {
		region_warning(run->r, "%s; stopping the instance", run->out->message);
		run->out->told = 1;
	}
	run_power_off(run);
	run_close(run);
}

/*
 * What its job is, as far as the ledger knows: a command that is too long for it is cut off there,
 * and then there is no other attempt, rather than one of something else.
 */
static void fill_request(struct run_request *request, struct run *run, const struct region *r,
	const struct ledger_run *left)
{
	const struct config *c = r->fleet->config;
	size_t len = strlen(left->command);

	request->command = len > 0 ? left->command : NULL;
	/* A command of the command line has no watch. */
	if (len == 0 || (c->job_command && strcmp(c->job_command, left->command) == 0))
		request->watch = c->job_watch;
	else
		request->watch = NULL;
	/* A character of up to 4 bytes is not cut in its middle. */
	run->no_script = len + 4 >= sizeof(left->command);
	if (request->timeout_ms == 0)
		request->timeout_ms = left->timeout_ms ? left->timeout_ms : c->job_timeout * 1000;
}

/* As the dead controller had left it, its times included. */
static void go_on(struct run *run, const struct ledger_run *left)
{
	run->row = *left;
	run->row.timeout_ms = run->request->timeout_ms;
	run->begin_ms -= awsq_wall_ms() - left->asked_ms;
	run->is_known = 1;
	run->hooked = 1;
	run->passed[0] = left->bytes_out;
	run->passed[1] = left->bytes_err;
	(void)snprintf(run->i->id, sizeof(run->i->id), "%s", left->instance);
	(void)snprintf(run->i->type, sizeof(run->i->type), "%s", left->type);
	(void)snprintf(run->out->run, sizeof(run->out->run), "%s", left->id);
}

void run_attach(struct run_result *out, struct region *r, const struct run_request *request,
	const struct ledger_run *left)
{
	struct ledger_filter filter = { .id = left->id };
	struct awsq_err err = { 0 };
	struct run_request own = *request;
	struct ledger_run now = { 0 };
	struct run run;
	int lock, rc;

	run_init(&run, out, r, &own, NULL);
	rc = state_lock(&lock, r->fleet->state_dir, r->name, &err);
	if (rc == 0 && lock >= 0)
		rc = ledger_find(&now, request->ledger, &filter, &err);
	if (rc == 0 && lock >= 0 && now.closed)
		rc = awsq_err_set(&err, AWSQ_ENOTFOUND, "run '%s' has ended meanwhile", left->id);
	if (rc != 0) {
		run_fail(&run, LEDGER_OPEN, RUN_NOT_RUN, &err);
	} else if (lock < 0) {
		awsq_err_set(&err, AWSQ_EINVAL,
			"busy: the controller of run '%s', or another run, has this region",
			left->id);
		run_fail(&run, LEDGER_OPEN, RUN_BUSY, &err);
		out->busy = 1;
	} else {
		fill_request(&own, &run, r, &now);
		state_note_run(lock, request->alone);
		go_on(&run, &now);
		follow(&run);
	}
	state_unlock(lock);
	run_free(&run);
}
