#include "banned.h"

#include "runs/reap.h"
#include "runs/lease.h"
#include "fleet/state.h"

#include <awsq/clock.h>

#include <pthread.h>

#define MAX_OPEN     512
#define STOP_WAIT_MS (15 * 60 * 1000)
/*
 * A start that was asked for at a time gets a LaunchTime so near, by two clocks and with retries.
 */
#define CLOCKS_S 120
#define START_S  90

struct list {
	struct ledger_run *runs;
	size_t n;
};

static int64_t wall_ms(void)
{
	return awsq_clock_system.wall_ms(awsq_clock_system.arg);
}

/* ---- The open runs */

static int add(void *arg, const struct ledger_run *run)
{
	struct list *list = arg;

	if (list->n == MAX_OPEN)
		return 1;
	list->runs[list->n++] = *run;
	return 0;
}

/* Those of a region, or (NULL) of all. */
static int read_open(struct list *out, struct ledger *ledger, const char *region,
	struct awsq_err *err)
{
	struct ledger_filter filter = { .open_only = 1, .region = region };
	int rc;

	out->n = 0;
	out->runs = calloc(MAX_OPEN, sizeof(*out->runs));
	if (!out->runs)
		return awsq_err_set(err, AWSQ_ENOMEM, "out of memory");
	rc = ledger_list(ledger, &filter, add, out, err);
	return rc < 0 ? rc : 0;
}

static void close_run(struct ledger *ledger, const struct region *r, struct ledger_run *run,
	enum ledger_state state, const char *message)
{
	struct awsq_err err = { 0 };

	run->state = state;
	run->closed = 1;
	run->left_on = 0;
	if (run->status < 0)
		run->status = 125;
	if (run->owns && run->stop_ms)
		run->billed_s = ledger_billed(run->running_ms, run->stop_ms);
	(void)snprintf(run->message, sizeof(run->message), "%s", message);
	if (ledger_update(ledger, run, &err) != 0)
		region_warning(r, "%s", err.message);
}

int reap_is_its_boot(const struct ledger_run *run, const struct instance *i)
{
	struct lease lease;

	if (!instance_is_on(i) || run->started_ms == 0 || strcmp(run->instance, i->id) != 0)
		return 0;
	if (run->launch_ms != 0)
		return run->launch_ms / 1000 == i->launch;
	if (lease_of(&lease, i))
		return strcmp(lease.run, run->id) == 0;
	return i->launch >= run->started_ms / 1000 - CLOCKS_S &&
	       i->launch <= run->started_ms / 1000 + CLOCKS_S + START_S;
}

/* ---- Reaping */

static int may_be_at_work(const struct ledger_run *run)
{
	return run->job_start_ms != 0 && run->job_end_ms == 0 && wall_ms() < run->overdue_ms;
}

static void stop(struct ledger *ledger, struct region *r, struct ledger_run *run,
	struct instance *i)
{
	int64_t deadline = region_now_ms(r) + STOP_WAIT_MS;
	struct awsq_err err = { 0 };
	int was_on;

	region_warning(r, "run %s was left behind by a controller that died: stopping instance %s",
		run->id, i->id);
	i->boot = i->launch;
	run->stop_ms = wall_ms();
	if (instance_stop(i, r, 0, deadline, &was_on, &err) != 0) {
		if (err.code != AWSQ_ECANCELED)
			instance_cry_out(i, r, &err);
		run->left_on = 1;
		(void)ledger_update(ledger, run, NULL);
		return;
	}
	region_event(r, "instance %s is %s", i->id, i->state);
	run->stopped_ms = wall_ms();
	close_run(ledger, r, run, LEDGER_REAPED,
		"its controller was killed; its instance was stopped afterwards");
}

static void reap_one(struct ledger *ledger, struct region *r, struct ledger_run *run)
{
	struct instance i = { 0 };
	struct awsq_err err = { 0 };
	int rc;

	if (!run->owns || run->started_ms == 0) {
		if (!may_be_at_work(run))
			close_run(ledger, r, run, run->owns ? LEDGER_REAPED : LEDGER_LOST,
				run->job_start_ms ? "its controller was killed while its job ran"
						  : "its controller was killed before it had "
						    "begun anything");
		return;
	}
	if (may_be_at_work(run)) {
		region_warning(r,
			"run %s was left behind by a controller that died, and its job may still "
			"be "
			"at work: run-job --attach=%s takes it up",
			run->id, run->id);
		return;
	}
	(void)snprintf(i.id, sizeof(i.id), "%s", run->instance);
	rc = instance_refresh(&i, r, &err);
	if (rc != 0 && rc != AWSQ_ENOTFOUND)
		region_warning(r, "run %s was left behind by a controller that died: %s", run->id,
			err.message);
	else if (rc == 0 && reap_is_its_boot(run, &i))
		stop(ledger, r, run, &i);
	else
		close_run(ledger, r, run, LEDGER_REAPED,
			"its controller was killed; its instance was off when it was looked at");
	region_status(r, "%s", "");
}

/* The lock tells that nobody is at it; and only then is it certain how far it had come. */
static void reap_region(struct ledger *ledger, const struct fleet *fleet, const char *name)
{
	struct awsq_err err = { 0 };
	struct list open = { 0 };
	struct region r;
	int lock = -1;

	if (region_open(&r, fleet, name, &err) != 0 ||
		state_lock(&lock, fleet->state_dir, name, &err) != 0)
		region_warning(&r, "%s", err.message);
	if (lock >= 0 && read_open(&open, ledger, name, &err) != 0)
		region_warning(&r, "%s", err.message);
	for (size_t k = 0; k < open.n; k++)
		reap_one(ledger, &r, &open.runs[k]);
	free(open.runs);
	state_unlock(lock);
	region_close(&r);
}

/* ---- All regions */

struct reaper {
	struct ledger *ledger;
	const struct fleet *fleet;
	const char *region;
	pthread_t thread;
	int started;
};

static void *work(void *arg)
{
	struct reaper *reaper = arg;

	reap_region(reaper->ledger, reaper->fleet, reaper->region);
	return NULL;
}

static int is_excepted(const char *region, const char *const *except, size_t n)
{
	for (size_t k = 0; k < n; k++) {
		if (strcmp(except[k], region) == 0)
			return 1;
	}
	return 0;
}

/* Each region once. */
static size_t choose(struct reaper *out, const struct list *open, const char *const *except,
	size_t n_except)
{
	size_t n = 0;

	for (size_t k = 0; k < open->n; k++) {
		const char *region = open->runs[k].region;
		size_t at = 0;

		while (at < n && strcmp(out[at].region, region) != 0)
			at++;
		if (at == n && !is_excepted(region, except, n_except))
			out[n++].region = region;
	}
	return n;
}

void reap_overdue(struct ledger *ledger, const struct fleet *fleet, const char *const *except,
	size_t n_except)
{
	struct reaper *reapers = NULL;
	struct awsq_err ignored;
	struct list open;
	size_t n = 0;

	if (read_open(&open, ledger, NULL, &ignored) == 0 && open.n > 0)
		reapers = calloc(open.n, sizeof(*reapers));
	if (reapers)
		n = choose(reapers, &open, except, n_except);
	for (size_t k = 0; k < n; k++) {
		struct reaper *reaper = &reapers[k];

		reaper->ledger = ledger;
		reaper->fleet = fleet;
		/* What has its lock is at work: nothing to look at, nor to wait for. */
		if (state_is_locked(fleet->state_dir, reaper->region))
			continue;
		reaper->started = pthread_create(&reaper->thread, NULL, work, reaper) == 0;
	}
	for (size_t k = 0; k < n; k++) {
		if (reapers[k].started)
			(void)pthread_join(reapers[k].thread, NULL);
	}
	free(reapers);
	free(open.runs);
}

/* ---- Of one instance */

int reap_take_over(struct ledger_run *out, struct ledger *ledger, const struct region *r,
	const struct instance *i, const char *own_id)
{
	struct awsq_err err = { 0 };
	struct list open;
	int found = 0;

	if (read_open(&open, ledger, r->name, &err) != 0)
		region_warning(r, "%s", err.message);
	for (size_t k = 0; k < open.n; k++) {
		struct ledger_run *run = &open.runs[k];

		if (!run->owns || strcmp(run->instance, i->id) != 0 || strcmp(run->id, own_id) == 0)
			continue;
		if (!reap_is_its_boot(run, i)) {
			close_run(ledger, r, run, LEDGER_REAPED,
				"its controller was killed; its instance was off when it was "
				"looked "
				"at");
		} else if (!found) {
			*out = *run;
			found = 1;
		}
	}
	free(open.runs);
	return found;
}

void reap_note_stop(struct ledger *ledger, const struct region *r, const struct instance *i)
{
	struct awsq_err ignored;
	struct list open;

	if (state_is_locked(r->fleet->state_dir, r->name) ||
		read_open(&open, ledger, r->name, &ignored) != 0)
		return;
	for (size_t k = 0; k < open.n; k++) {
		struct ledger_run *run = &open.runs[k];

		if (strcmp(run->instance, i->id) != 0)
			continue;
		if (run->stop_ms == 0)
			run->stop_ms = wall_ms();
		run->stopped_ms = wall_ms();
		close_run(ledger, r, run, LEDGER_REAPED,
			"its controller was killed; stop-region stopped its instance");
	}
	free(open.runs);
}
