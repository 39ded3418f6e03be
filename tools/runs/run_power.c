#include "banned.h"

#include "runs/run_private.h"
#include "runs/lease.h"
#include "runs/reap.h"

#define CLAIM_LOOKS   6
#define CLAIM_MS      500
#define CLAIM_WAIT_MS 1000
#define STOP_WAIT_MS  (15 * 60 * 1000) /* at least, however long the run took */

static int failed(struct run *run, const struct awsq_err *err)
{
	run_fail(run, LEDGER_NOT_RUN, RUN_NOT_RUN, err);
	return -1;
}

/* ---- Whose it is */

static int is_mine(const struct run *run, const struct lease *lease)
{
	return strcmp(lease->run, run->row.id) == 0;
}

static void write_lease(struct run *run)
{
	struct awsq_err err = { 0 };

	if (lease_write(run->i, run->r, run->row.id, run->row.overdue_ms / 1000, &err) != 0)
		region_warning(run->r, "%s; the run goes on", err.message);
}

/*
 * The answer to the start was lost: who else may have started it at the same moment says so on it
 * shortly. If nobody does, this run claims it; if two do, the tag has room for one of them.
 */
static int claim(struct run *run)
{
	struct awsq_err err = { 0 };
	struct lease lease;

	for (int looks = 0; looks < CLAIM_LOOKS && instance_is_on(run->i); looks++) {
		if (lease_of(&lease, run->i))
			return is_mine(run, &lease);
		if (region_sleep(run->r, CLAIM_MS) != 0)
			break;
		(void)instance_refresh(run->i, run->r, &err);
	}
	write_lease(run);
	(void)region_sleep(run->r, CLAIM_WAIT_MS);
	if (instance_refresh(run->i, run->r, &err) == 0 && lease_of(&lease, run->i))
		return is_mine(run, &lease);
	return 1;
}

/* ---- On */

/* It has started nothing, and so has nothing to stop. */
static void disown(struct run *run)
{
	run->maybe_on = 0;
	run->row.owns = 0;
	run->row.started_ms = 0;
}

/* From here on the ledger says what the run may have done. */
static int start(struct run *run, int64_t deadline_ms)
{
	struct instance_start how;
	struct awsq_err err = { 0 };
	int rc;

	run->row.owns = 1;
	run->row.started_ms = run_stamp(run);
	run->row.overdue_ms = run->row.started_ms + run->r->fleet->config->max_uptime * 1000;
	run->row.before_ms = run->i->launch * 1000;
	if (run_intend(run) != 0) {
		disown(run);
		return -1;
	}
	rc = instance_start(run->i, run->r, deadline_ms, &how, &err);
	run->maybe_on = how.ours || how.unsure;
	run->is_unsure = how.unsure;
	if (rc != 0) {
		run->out->no_capacity = how.no_capacity;
		run_fail(run, how.no_capacity ? LEDGER_NO_CAPACITY : LEDGER_NOT_RUN, RUN_NOT_RUN,
			&err);
		/* Certainly not started: if it is on by now, it is for someone else. */
		if (!run->maybe_on)
			disown(run);
		return -1;
	}
	if (!how.ours && !(how.unsure && claim(run))) {
		disown(run);
		(void)run_note(run);
		return RUN_LOST_RACE;
	}
	run->is_unsure = 0;
	return 0;
}

/* Takes an instance over that is on for a run which nobody is at any more. */
static void take_over(struct run *run)
{
	struct ledger_run *left = &run->orphan;

	region_event(run->r, "instance %s is still %s from a run that was killed: taking it over",
		run->i->id, run->i->state);
	run->row.owns = 1;
	run->row.started_ms = run_stamp(run);
	run->row.launch_ms = run->i->launch * 1000;
	run->row.overdue_ms = left->started_ms + run->r->fleet->config->max_uptime * 1000;
	run->maybe_on = 1;
	/* One of the two has to answer for the instance, whenever this controller is killed. */
	if (run_note(run) != 0)
		return;
	left->state = LEDGER_REAPED;
	left->closed = 1;
	left->billed_s = ledger_billed(left->running_ms, run->row.started_ms);
	(void)snprintf(left->message, sizeof(left->message),
		"its controller was killed; run %s took it over", run->row.id);
	(void)ledger_update(run->request->ledger, left, NULL);
}

int run_power_on(struct run *run)
{
	struct region *r = run->r;
	const struct config *c = r->fleet->config;
	int64_t deadline_ms = region_now_ms(r) + START_WAIT_MS;
	struct awsq_err err = { 0 };
	int rc;

	if (run->orphan.id[0]) {
		take_over(run);
	} else {
		/* Who ended it meanwhile need not pay for a start. */
		if (region_sleep(r, 0) != 0) {
			awsq_err_set(&err, AWSQ_ECANCELED,
				"canceled before instance '%s' was started", run->i->id);
			return failed(run, &err);
		}
		region_event(r, "starting instance %s (%s)", run->i->id, run->i->type);
		rc = start(run, deadline_ms);
		if (rc != 0)
			return rc;
		/* It was off: what was left open for an earlier boot is over. */
		reap_close_left(run->request->ledger, r, run->i, run->row.id);
	}
	run->i->boot = run->i->launch;
	run->row.launch_ms = run->i->launch * 1000;
	(void)run_note(run);
	write_lease(run);
	rc = instance_wait_running(run->i, r, c->job_transport == CONFIG_TRANSPORT_SSH, deadline_ms,
		&err);
	if (rc != 0)
		return failed(run, &err);
	run->row.running_ms = run_stamp(run);
	(void)run_note(run);
	if (run_connect(run) != 0)
		return -1;
	run->row.ssh_ms = run_stamp(run);
	(void)run_note(run);
	return 0;
}

/* ---- Off */

static void cry_out(struct run *run, const struct awsq_err *err)
{
	struct run_result *out = run->out;

	out->left_on = 1;
	if (out->status == 0)
		out->status = 1;
	instance_cry_out(run->i, run->r, err);
}

/* Whether it turns out to be on for another run: then that one stops it. */
static int is_others(struct run *run)
{
	struct awsq_err err = { 0 };
	struct lease lease;

	if (instance_refresh(run->i, run->r, &err) != 0)
		region_warning(run->r, "%s; stopping it all the same", err.message);
	if (!run->is_unsure || !instance_is_on(run->i))
		return 0;
	return lease_of(&lease, run->i) ? !is_mine(run, &lease) : !claim(run);
}

/* As long as it may be on at all; its own timer is to have put it off by then. */
static int64_t stop_deadline(const struct run *run)
{
	int64_t most = run->begin_ms + run->r->fleet->config->max_uptime * 1000;
	int64_t least = region_now_ms(run->r) + STOP_WAIT_MS;

	return most > least ? most : least;
}

/* Someone has stopped it, and someone has started it again: what is on now is not this run's. */
static void leave_alone(struct run *run)
{
	struct ledger_run *row = &run->row;

	region_event(run->r, "instance %s is %s by a later start than that of this run: left alone",
		run->i->id, run->i->state);
	/* When it was stopped is not known; by then it had been. */
	row->stop_ms = run->i->launch * 1000;
	if (row->stop_ms < row->started_ms)
		row->stop_ms = row->started_ms;
	row->stopped_ms = row->stop_ms;
	run->out->on_ms = row->stopped_ms - row->started_ms;
	region_status(run->r, "%s", "");
}

void run_power_off(struct run *run)
{
	struct awsq_err err = { 0 };
	struct region *r = run->r;
	int was_on;

	if (!run->row.owns)
		return;
	/* Whoever wants the run to end wants the instance off: nothing cancels that. */
	region_ignore_cancel(r);
	/* What is known to run is told to stop at once, and looked at later. */
	if ((run->row.ssh_ms == 0 || run->out->message[0]) && is_others(run)) {
		run->row.owns = 0;
		return;
	}
	if (instance_is_over(run->i)) {
		leave_alone(run);
		return;
	}
	(void)instance_ask_stop(run->i, r, &err);
	run->row.stop_ms = run_stamp(run);
	(void)run_note(run);
	/* Once it was seen to run, a look tells what is. */
	if (instance_stop(run->i, r, run->maybe_on && !run->row.running_ms, stop_deadline(run),
		    &was_on, &err) != 0)
		cry_out(run, &err);
	else if (instance_is_over(run->i))
		leave_alone(run);
	else
		run->row.stopped_ms = run_stamp(run);
	if (run->row.stopped_ms && instance_is_over(run->i))
		return;
	if (!run->out->left_on && (was_on || run->row.running_ms))
		region_event(r, "instance %s is %s", run->i->id, run->i->state);
	region_status(r, "%s", "");
	run->out->on_ms = run->row.stopped_ms - run->row.started_ms;
}
