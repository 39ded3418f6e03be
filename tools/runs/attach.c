#include "banned.h"

#include "runs/run_private.h"
#include "runs/lease.h"
#include "fleet/state.h"

#include <awsq/clock.h>

static int not_there(struct run *run, struct awsq_err *err)
{
	run_fail(run, LEDGER_LOST, RUN_NOT_RUN, err);
	return -1;
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
	if (rc == 0 && !instance_is_on(run->i))
		rc = awsq_err_set(&err, AWSQ_ENOTFOUND,
			"instance '%s' is %s: nothing of run '%s' is left to be followed",
			run->i->id, run->i->state, run->row.id);
	else if (rc == 0 && run->row.launch_ms && run->row.launch_ms / 1000 != run->i->launch)
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

static void follow(struct run *run)
{
	if (look(run) == 0 && run_connect(run) == 0) {
		region_event(run->r, "taking up run %s on instance %s", run->row.id, run->i->id);
		run_work(run, 1);
	}
	if (run->row.state == LEDGER_OPEN && run->out->message[0])
		return;
	if (run->row.owns && run->out->message[0]) {
		region_warning(run->r, "%s; stopping the instance", run->out->message);
		run->out->told = 1;
	}
	run_power_off(run);
	run_close(run);
}

/* As the dead controller had left it, its times included. */
static void go_on(struct run *run, const struct ledger_run *left)
{
	run->row = *left;
	run->begin_ms -= awsq_clock_system.wall_ms(awsq_clock_system.arg) - left->asked_ms;
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
	struct ledger_run now;
	struct run run;
	int lock;

	run_init(&run, out, r, &own, NULL);
	if (state_lock(&lock, r->fleet->state_dir, r->name, &err) != 0) {
		run_fail(&run, LEDGER_OPEN, RUN_NOT_RUN, &err);
	} else if (lock < 0) {
		awsq_err_set(&err, AWSQ_EINVAL,
			"busy: the controller of run '%s', or another run, has this region",
			left->id);
		run_fail(&run, LEDGER_OPEN, RUN_BUSY, &err);
		out->busy = 1;
	} else if (ledger_find(&now, request->ledger, &filter, &err) != 0) {
		run_fail(&run, LEDGER_OPEN, RUN_NOT_RUN, &err);
	} else if (now.closed) {
		awsq_err_set(&err, AWSQ_ENOTFOUND, "run '%s' has ended meanwhile", left->id);
		run_fail(&run, LEDGER_OPEN, RUN_NOT_RUN, &err);
	} else {
		/* What another attempt would run; a longer command is cut off there. */
		if (strlen(now.command) < sizeof(now.command) - 1)
			own.command = now.command[0] ? now.command : NULL;
		state_note_run(lock);
		go_on(&run, &now);
		follow(&run);
	}
	state_unlock(lock);
	run_free(&run);
}
