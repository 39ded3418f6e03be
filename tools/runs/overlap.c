#include "banned.h"

#include "runs/run_private.h"
#include "runs/lease.h"
#include "runs/reap.h"
#include "fleet/state.h"

#include <signal.h>
#include <unistd.h>

#define LOCK_POLL_MS 200
#define NOTE_LOOKS   5 /* at the note of a holder, who may just be writing it */

/* ---- The region's lock: other runs of this machine */

static void cannot_wait(struct run *run, const char *what)
{
	struct awsq_err err = { 0 };

	awsq_err_set(&err, AWSQ_ECANCELED, "canceled while %s", what);
	run_fail(run, LEDGER_CANCELED, RUN_NOT_RUN, &err);
}

/* Tells the run that has the lock to end. 0, or -1 when what has it is no run. */
static int end_holder(struct run *run)
{
	struct region *r = run->r;
	int64_t pid = 0;
	int alone = 0;

	for (int looks = 0; looks < NOTE_LOOKS && pid == 0; looks++) {
		if (!state_is_locked(r->fleet->state_dir, r->name))
			return 0;
		state_find_run(&pid, &alone, r->fleet->state_dir, r->name);
		if (pid == 0 && region_sleep(r, LOCK_POLL_MS) != 0)
			return 0;
	}
	if (pid == 0 || pid == getpid()) {
		run_pass_over(run, "what has this region is no run, and cannot be replaced");
		return -1;
	}
	if (!alone) {
		run_pass_over(run,
			"what has this region (process %lld) is at work on others too, and is not "
			"ended for one",
			(long long)pid);
		return -1;
	}
	region_event(r, "another run has this region: ending it (process %lld)", (long long)pid);
	(void)kill((pid_t)pid, SIGTERM);
	return 0;
}

/* 0 once it is ours, or -1: the run is over. */
static int wait_for_lock(int *lock, struct run *run)
{
	struct region *r = run->r;
	struct awsq_err err = { 0 };

	region_event(r, "another run has this region: waiting for its end");
	for (;;) {
		region_status(r, "waiting for another run to end");
		if (region_now_ms(r) >= run->wait_ms) {
			run_pass_over(run, "another run still has this region after %lld s",
				(long long)r->fleet->config->job_max_wait);
			return -1;
		}
		if (region_sleep(r, LOCK_POLL_MS) != 0) {
			cannot_wait(run, "another run had this region");
			return -1;
		}
		if (state_lock(lock, r->fleet->state_dir, r->name, &err) != 0) {
			run_fail(run, LEDGER_NOT_RUN, RUN_NOT_RUN, &err);
			return -1;
		}
		if (*lock >= 0)
			return 0;
	}
}

void overlap_lock(int *lock, struct run *run)
{
	struct region *r = run->r;
	struct awsq_err err = { 0 };
	int rc = 0;

	if (state_lock(lock, r->fleet->state_dir, r->name, &err) != 0) {
		run_fail(run, LEDGER_NOT_RUN, RUN_NOT_RUN, &err);
		return;
	}
	if (*lock < 0) {
		switch (r->fleet->config->job_overlap) {
		case CONFIG_OVERLAP_REPLACE:
			rc = end_holder(run);
			break;
		case CONFIG_OVERLAP_QUEUE:
			break;
		case CONFIG_OVERLAP_FORBID:
		case CONFIG_OVERLAP_SKIP:
			run_pass_over(run, "another run has this region");
			rc = -1;
		}
		if (rc == 0)
			(void)wait_for_lock(lock, run);
		region_status(r, "%s", "");
	}
	if (*lock >= 0)
		state_note_run(*lock, run->request->alone);
}

/* ---- The instance: runs of other machines, and people */

static void tell_whose(const struct run *run, char *out, size_t size)
{
	struct lease lease;

	if (lease_of(&lease, run->i))
		(void)snprintf(out, size, " for run %s of another machine", lease.run);
	else
		(void)snprintf(out, size, ", and no run of this machine started it");
}

static void leave_alone(struct run *run)
{
	char whose[128];

	tell_whose(run, whose, sizeof(whose));
	run_pass_over(run, "instance %s is %s%s: run-job uses it, stop-region stops it%s",
		run->i->id, run->i->state, whose,
		run->r->fleet->config->job_overlap == CONFIG_OVERLAP_REPLACE
			? "; job.overlap = \"replace\" ends runs of this machine only"
			: "");
}

static int wait_for_other(struct run *run)
{
	struct region *r = run->r;
	struct awsq_err err = { 0 };
	int complained = 0;

	region_event(r, "instance %s is %s for someone else: waiting until it is stopped",
		run->i->id, run->i->state);
	for (int looks = 0; instance_is_on(run->i); looks++) {
		int64_t left = run->wait_ms - region_now_ms(r), ms = region_poll_ms(looks);

		region_status(r, "waiting for instance %s to be stopped", run->i->id);
		if (left <= 0) {
			leave_alone(run);
			return -1;
		}
		if (region_sleep(r, ms < left ? ms : left) != 0) {
			cannot_wait(run, "someone else had the instance");
			return -1;
		}
		if (instance_refresh(run->i, r, &err) != 0 && !complained++)
			region_warning(r, "%s; trying again", err.message);
	}
	return 0;
}

int overlap_enter(struct run *run)
{
	/* Also where it is off: what is open in the ledger ends here. */
	if (reap_take_over(&run->orphan, run->request->ledger, run->r, run->i, run->row.id))
		return 0;
	if (!instance_is_on(run->i))
		return 0;
	if (run->r->fleet->config->job_overlap == CONFIG_OVERLAP_QUEUE)
		return wait_for_other(run);
	leave_alone(run);
	return -1;
}
