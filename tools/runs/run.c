#include "banned.h"

#include "runs/run_private.h"
#include "runs/hooks.h"
#include "runs/instances.h"
#include "runs/reap.h"
#include "fleet/state.h"
#include "fleet/text.h"

#include <inttypes.h>

/* ---- A run of one instance */

/* The intent is on disk, job.before was run, and then the instance is brought up. */
static int bring_up(struct run *run)
{
	struct awsq_err err = { 0 };
	int rc;

	for (;;) {
		if (overlap_enter(run) != 0)
			return -1;
		if (run_begin(run) != 0)
			return -1;
		if (!run->hooked++ && hooks_before(run->r, &run->row, &err) != 0) {
			run_fail(run, LEDGER_NOT_RUN, RUN_NOT_RUN, &err);
			return -1;
		}
		rc = run_power_on(run);
		if (rc != RUN_LOST_RACE)
			return rc;
	}
}

/*
 * The run that was found at the instance is still to be answered for, as this one ended before it
 * had taken that over: what any other tool would do about it.
 */
static void see_to_orphan(struct run *run)
{
	if (!run->orphan.id[0] || run->orphan.closed)
		return;
	region_ignore_cancel(run->r);
	reap_one(run->request->ledger, run->r, &run->orphan);
}

/* Says why it is over, and what follows, before a stop that may take long. */
static void tell_why(struct run *run)
{
	if (!run->out->message[0] || !run->maybe_on)
		return;
	region_warning(run->r, "%s; %s", run->out->message,
		instance_is_over(run->i) ? "the instance is left alone" : "stopping the instance");
	run->out->told = 1;
}

static void region_story(struct run *run)
{

	if (bring_up(run) == 0) {
		region_event(run->r, "instance %s runs%s%s", run->i->id,
			run->i->address[0] ? " at " : "", run->i->address);
		run_end_orphan(run);
		run_work(run, 0);
	}
	if (run->row.closed || !run->is_known) {
		/* Another was quicker, but job.before was run. */
		if (run->row.closed && run->hooked)
			hooks_after(run->r, &run->row);
		see_to_orphan(run);
		return;
	}
	tell_why(run);
	run_power_off(run);
	run_close(run);
	see_to_orphan(run);
}

static void job_story(struct run *run)
{
	struct awsq_err err = { 0 };

	if (strcmp(run->i->state, "running") != 0) {
		awsq_err_set(&err, AWSQ_EINVAL,
			"instance '%s' is %s: start-region wakes it, run-region does all in one",
			run->i->id, run->i->state);
		run_fail(run, LEDGER_NOT_RUN, RUN_NOT_RUN, &err);
		return;
	}
	run->i->boot = run->i->launch;
	run->row.launch_ms = run->i->launch * 1000;
	if (run_begin(run) != 0)
		return;
	if (!run->hooked++ && hooks_before(run->r, &run->row, &err) != 0)
		run_fail(run, LEDGER_NOT_RUN, RUN_NOT_RUN, &err);
	else if (run_connect(run) == 0)
		run_work(run, 0);
	run_close(run);
}

/* ---- All of a region's */

struct all {
	const struct run_request *request;
	void (*story)(struct run *run);
	int64_t wait_ms; /* for the end of other runs: what is left of it after the lock */
	struct run_result *results; /* of each */
	struct ssh_output *outputs; /* NULL where there is one instance only */
};

static void tell_one(void *arg, struct region *r, struct instance *i, size_t k)
{
	struct all *all = arg;
	struct run_result *out = &all->results[k];
	struct run run;

	run_init(&run, out, r, all->request, i);
	run.wait_ms = all->wait_ms;
	if (all->outputs)
		run.output = all->outputs[k];
	all->story(&run);
	run_free(&run);
	if (!all->outputs)
		return;
	/* Of several, each says itself how it went. */
	if (!out->message[0])
		region_event(r, "the job ran %" PRId64 ".%" PRId64 " s, and ended with %d",
			out->job_ms / 1000, out->job_ms % 1000 / 100, out->status);
	else if (!out->told)
		region_warning(r, "%s", out->message);
}

static void sum_up(struct run_result *out, const struct run_result *each, size_t n)
{
	size_t bad = 0, busy = 0, skipped = 0, no_capacity = 0;

	*out = each[0];
	out->left_on = 0;
	for (size_t k = 0; k < n; k++) {
		const struct run_result *one = &each[k];

		bad += one->status != 0;
		/* One that may still be on is what is to be told of first. */
		if ((one->status != 0 && bad == 1 && !out->left_on) ||
			(one->left_on && !out->left_on))
			out->instance = one->instance;
		out->canceled |= one->canceled;
		out->left_on |= one->left_on;
		busy += one->busy != 0;
		skipped += one->skipped != 0;
		no_capacity += one->no_capacity != 0;
		if (one->on_ms > out->on_ms)
			out->on_ms = one->on_ms;
		if (one->job_ms > out->job_ms)
			out->job_ms = one->job_ms;
	}
	out->n = n;
	if (n == 1)
		return;
	out->status = busy == n ? RUN_BUSY : bad > 0;
	out->busy = busy == n;
	out->skipped = skipped == n;
	out->no_capacity = no_capacity == n;
	out->told = 0;
	if (bad > 0)
		text_format(out->message, sizeof(out->message), "%zu of %zu instances failed%s%s%s",
			bad, n, out->left_on ? ", and " : "", out->left_on ? out->instance.id : "",
			out->left_on ? " MAY STILL BE ON" : "");
}

/* Memory for all, or -1. */
static int make_room(struct all *all, const struct region *r, const struct instance *list, size_t n)
{
	all->results = calloc(n, sizeof(*all->results));
	all->outputs = n > 1 ? calloc(n, sizeof(*all->outputs)) : NULL;
	if (!all->results || (n > 1 && !all->outputs))
		return -1;
	for (size_t k = 0; n > 1 && k < n; k++) {
		all->outputs[k] = all->request->output;
		if (all->request->branch && all->request->branch(all->request, &all->outputs[k],
						    r->label, list[k].id) != 0)
			return -1;
	}
	return 0;
}

static void tell_all(struct run *whole, void (*story)(struct run *run))
{
	struct all all = { .request = whole->request, .story = story, .wait_ms = whole->wait_ms };
	struct awsq_err err = { 0 };
	struct instance *list;
	size_t n;
	int rc = instance_find(&list, &n, whole->r, &err);

	if (rc == 0 && make_room(&all, whole->r, list, n) != 0)
		rc = awsq_err_set(&err, AWSQ_ENOMEM, "out of memory");
	if (rc == 0) {
		instances_each(whole->r, list, n, tell_one, &all);
		sum_up(whole->out, all.results, n);
	} else {
		run_fail(whole, LEDGER_NOT_RUN, RUN_NOT_RUN, &err);
		run_record(whole);
	}
	free(all.results);
	free(all.outputs);
	free(list);
}

/* Under the region's lock: whatever the ledger still has open there was left behind. */
static void tell_alone(struct run_result *out, struct region *r, const struct run_request *request,
	void (*story)(struct run *run))
{
	struct run whole;
	int lock;

	run_init(&whole, out, r, request, NULL);
	overlap_lock(&lock, &whole);
	if (lock >= 0)
		tell_all(&whole, story);
	state_unlock(lock);
	run_free(&whole);
}

void run_job(struct run_result *out, struct region *r, const struct run_request *request)
{
	tell_alone(out, r, request, job_story);
}

void run_region(struct run_result *out, struct region *r, const struct run_request *request)
{
	tell_alone(out, r, request, region_story);
}
