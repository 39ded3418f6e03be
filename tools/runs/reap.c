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
 * AWS takes no call by a clock that is wrong by more than five minutes, but libawsq corrects that.
 */
#define CLOCKS_S (5 * 60)
#define START_S  90
#define WRONG_S  (24 * 60 * 60) /* by more no clock is wrong that anybody works with */
#define EARLY_MS (3 * 60 * 1000)

struct list {
	struct ledger_run *runs;
	size_t n;
};

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

	*out = (struct list){ 0 };
	/* Who cannot do without has said why there is none, or is about to. */
	if (!ledger)
		return 0;
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

	/* A job whose end was seen has had it, whenever the controller was killed after that. */
	if (run->job_end_ms == 0 || run->state == LEDGER_OPEN)
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

/* ---- Whose boot it is */

static int64_t apart(int64_t a, int64_t b)
{
	return a < b ? b - a : a - b;
}

/* Whether it is on by a start that can be this run's, of whose launch it knows nothing. */
static int is_unseen(const struct ledger_run *run, const struct instance *i)
{
	return instance_is_on(i) && run->started_ms != 0 && run->launch_ms == 0 &&
	       strcmp(run->instance, i->id) == 0 && i->launch * 1000 > run->before_ms;
}

int reap_is_its_boot(const struct ledger_run *run, const struct instance *i)
{
	int64_t asked = run->started_ms / 1000;
	struct lease lease;

	if (run->launch_ms != 0)
		return instance_is_on(i) && run->started_ms != 0 &&
		       strcmp(run->instance, i->id) == 0 && run->launch_ms / 1000 == i->launch;
	if (!is_unseen(run, i))
		return 0;
	if (lease_of(&lease, i))
		return strcmp(lease.run, run->id) == 0;
	return i->launch >= asked - CLOCKS_S && i->launch <= asked + CLOCKS_S + START_S;
}

int reap_may_be_its_boot(const struct ledger_run *run, const struct instance *i)
{
	struct lease lease;

	return is_unseen(run, i) && !reap_is_its_boot(run, i) && !lease_of(&lease, i) &&
	       apart(i->launch, run->started_ms / 1000) < WRONG_S;
}

/*
 * What is off may be shown as it was before the start; and the call itself may still be on its way,
 * after who had made it was killed.
 */
static int is_early(const struct ledger_run *run, const struct instance *i)
{
	int64_t launch = i->launch * 1000;

	if (instance_is_on(i) || apart(awsq_wall_ms(), run->started_ms) >= EARLY_MS)
		return 0;
	return run->launch_ms ? launch < run->launch_ms : launch <= run->before_ms;
}

static void close_over(struct ledger *ledger, const struct region *r, struct ledger_run *run,
	const struct instance *i)
{
	close_run(ledger, r, run, LEDGER_REAPED,
		instance_is_on(i)
			? "its controller was killed; its instance was on by a later start when it "
			  "was looked at"
			: "its controller was killed; its instance was off when it was looked at");
}

/* ---- Reaping */

int reap_is_at_work(const struct ledger_run *run, int64_t now_ms, int64_t most_ms)
{
	int64_t from = run->job_start_ms, until = run->overdue_ms;

	if (run->job_start_ms == 0 || run->job_end_ms != 0)
		return 0;
	/*
	 * By EC2's clock, as ours may have been set since: then only what lay between is true. A
	 * run that took its instance over, and has no boot before, began long after the launch.
	 */
	if (run->launch_ms && run->before_ms) {
		int64_t length = run->overdue_ms - run->started_ms;

		from = run->launch_ms;
		until = from + (length < most_ms ? length : most_ms);
	}
	return now_ms >= from - CLOCKS_S * 1000 && now_ms < until;
}

static int may_be_at_work(const struct region *r, const struct ledger_run *run)
{
	return reap_is_at_work(run, awsq_wall_ms(), r->fleet->config->max_uptime * 1000);
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
	run->stop_ms = awsq_wall_ms();
	if (instance_stop(i, r, 0, deadline, &was_on, &err) != 0) {
		if (err.code != AWSQ_ECANCELED)
			instance_cry_out(i, r, &err);
		run->left_on = 1;
		(void)ledger_update(ledger, run, NULL);
		return;
	}
	region_event(r, "instance %s is %s", i->id, i->state);
	run->stopped_ms = awsq_wall_ms();
	close_run(ledger, r, run, LEDGER_REAPED,
		"its controller was killed; its instance was stopped afterwards");
}

/* It has started nothing. */
static void reap_idle(struct ledger *ledger, const struct region *r, struct ledger_run *run)
{
	if (!may_be_at_work(r, run))
		close_run(ledger, r, run, run->owns ? LEDGER_REAPED : LEDGER_LOST,
			run->job_start_ms ? "its controller was killed while its job ran"
					  : "its controller was killed before it had begun "
					    "anything");
}

/* AWS may not know it for a moment, and other credentials than those of the run never do. */
static void reap_unknown(struct ledger *ledger, const struct region *r, struct ledger_run *run,
	const struct awsq_err *err)
{
	int64_t now = awsq_wall_ms();

	if (now >= run->overdue_ms || now < run->started_ms - WRONG_S * 1000)
		close_run(ledger, r, run, LEDGER_REAPED,
			"its controller was killed; AWS does not know its instance any more");
	else
		region_warning(r,
			"run %s was left behind by a controller that died: %s; are these the "
			"credentials that it was started with?",
			run->id, err->message);
}

void reap_one(struct ledger *ledger, struct region *r, struct ledger_run *run)
{
	static const char left[] = "was left behind by a controller that died";
	struct instance i = { 0 };
	struct awsq_err err = { 0 };
	int rc;

	if (!run->owns || run->started_ms == 0) {
		reap_idle(ledger, r, run);
		return;
	}
	if (may_be_at_work(r, run)) {
		region_warning(r,
			"run %s %s, and its job may still be at work: run-job --attach=%s takes it "
			"up",
			run->id, left, run->id);
		return;
	}
	(void)snprintf(i.id, sizeof(i.id), "%s", run->instance);
	rc = instance_refresh(&i, r, &err);
	if (rc == AWSQ_ENOTFOUND)
		reap_unknown(ledger, r, run, &err);
	else if (rc != 0)
		region_warning(r, "run %s %s: %s", run->id, left, err.message);
	else if (reap_is_its_boot(run, &i))
		stop(ledger, r, run, &i);
	else if (reap_may_be_its_boot(run, &i))
		region_warning(r,
			"run %s %s, and instance %s may be on for it, or for someone else: "
			"stop-region stops it",
			run->id, left, i.id);
	else if (is_early(run, &i))
		region_warning(r,
			"run %s %s as it started instance %s, which is %s: the next of these "
			"programs looks again",
			run->id, left, i.id, i.state);
	else
		close_over(ledger, r, run, &i);
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
		if (reap_is_its_boot(run, i)) {
			if (!found++)
				*out = *run;
		} else if (!reap_may_be_its_boot(run, i) && !is_early(run, i)) {
			close_over(ledger, r, run, i);
		}
	}
	free(open.runs);
	return found != 0;
}

void reap_close_left(struct ledger *ledger, const struct region *r, const struct instance *i,
	const char *own_id)
{
	struct awsq_err ignored;
	struct list open;

	if (read_open(&open, ledger, r->name, &ignored) != 0)
		open.n = 0;
	for (size_t k = 0; k < open.n; k++) {
		struct ledger_run *run = &open.runs[k];

		if (run->owns && strcmp(run->instance, i->id) == 0 && strcmp(run->id, own_id) != 0)
			close_run(ledger, r, run, LEDGER_REAPED,
				"its controller was killed; its instance was off when the next run "
				"started it");
	}
	free(open.runs);
}

void reap_note_stop(struct ledger *ledger, const struct region *r, const struct instance *i)
{
	struct awsq_err ignored;
	struct list open = { 0 };
	int lock;

	/* Who has the lock closes its own. */
	if (state_lock(&lock, r->fleet->state_dir, r->name, &ignored) != 0 || lock < 0)
		return;
	if (read_open(&open, ledger, r->name, &ignored) != 0)
		open.n = 0;
	for (size_t k = 0; k < open.n; k++) {
		struct ledger_run *run = &open.runs[k];

		if (strcmp(run->instance, i->id) != 0)
			continue;
		if (run->stop_ms == 0)
			run->stop_ms = awsq_wall_ms();
		run->stopped_ms = awsq_wall_ms();
		close_run(ledger, r, run, LEDGER_REAPED,
			"its controller was killed; stop-region stopped its instance");
	}
	free(open.runs);
	state_unlock(lock);
}
