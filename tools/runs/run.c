#include "banned.h"

#include "runs/job_old.h"
#include "runs/run.h"
#include "fleet/state.h"

#define START_WAIT_MS   (10 * 60 * 1000)
#define CONNECT_WAIT_MS (30 * 1000) /* once its port has answered, SSH is not far */
#define STOP_WAIT_MS    (60 * 60 * 1000)
#define MAX_MARGIN_MS   (60 * 1000)

static void fail(struct run_result *out, int status, const struct awsq_err *err)
{
	out->status = status;
	out->canceled |= err->code == AWSQ_ECANCELED;
	(void)snprintf(out->message, sizeof(out->message), "%s", err->message);
}

/* The fleet's instance here, of which there is to be one. */
static int find(struct instance *out, struct region *r, struct awsq_err *err)
{
	struct instance *list;
	size_t n;
	int rc = instance_find(&list, &n, r, err);

	if (rc == 0 && n > 1)
		rc = awsq_err_set(err, AWSQ_EINVAL, "several instances are those of '%s'",
			r->fleet->config->name);
	else if (rc == 0)
		*out = list[0];
	free(list);
	return rc;
}

/* Takes the region's lock; *lock is -1, and out says why, when it is not to be had. */
static void lock_region(int *lock, struct run_result *out, struct region *r)
{
	struct awsq_err err = { 0 };

	if (state_lock(lock, r->fleet->state_dir, r->name, &err) != 0) {
		fail(out, RUN_NOT_RUN, &err);
	} else if (*lock < 0) {
		out->status = RUN_BUSY;
		(void)snprintf(out->message, sizeof(out->message),
			"busy: another run has this region");
	}
}

/*
 * No job outlives the time for which the instance may be on: it ends by itself somewhat before the
 * instance's own timer, which began at boot, would cut it off.
 */
static int64_t job_timeout_ms(const struct region *r, const struct run_request *request,
	int64_t on_ms)
{
	int64_t max = r->fleet->config->max_uptime * 1000;
	int64_t margin = max / 10 < MAX_MARGIN_MS ? max / 10 : MAX_MARGIN_MS;
	int64_t left = max - margin - on_ms;

	if (request->timeout_ms > 0 && request->timeout_ms < left)
		return request->timeout_ms;
	return left > 1 ? left : 1;
}

/* on_ms: for how long the instance has been on, as far as this run knows. */
static void do_job(struct run_result *out, struct region *r, const struct run_request *request,
	int64_t on_ms)
{
	char *known_hosts = state_path(r->fleet->state_dir, "known_hosts");
	struct ssh_target target = { 0 };
	struct job_request job = { 0 };
	struct job_result result;
	struct awsq_err err = { 0 };

	target.host = out->instance.address;
	target.port = r->fleet->config->job_port;
	target.user = r->fleet->config->job_user;
	target.key = r->fleet->key;
	target.known_hosts = known_hosts;
	target.host_id = out->instance.id;
	target.log = &r->log;
	job.target = &target;
	job.command = request->command;
	job.timeout_ms = job_timeout_ms(r, request, on_ms);
	job.connect_timeout_ms = CONNECT_WAIT_MS;
	job.cancel_fd = r->cancel_fd;
	job.output = request->output;
	region_status(r, "job: instance %s", out->instance.id);
	if (!known_hosts) {
		awsq_err_set(&err, AWSQ_ENOMEM, "out of memory");
		fail(out, RUN_NOT_RUN, &err);
		return;
	}
	if (job_run(&result, &job, &err) != 0)
		fail(out, result.status, &err);
	out->status = result.status;
	out->canceled |= result.canceled;
	out->job_ms = result.ended_ms - result.started_ms;
	region_status(r, "%s", "");
	free(known_hosts);
}

void run_job(struct run_result *out, struct region *r, const struct run_request *request)
{
	struct awsq_err err = { 0 };
	int lock;

	memset(out, 0, sizeof(*out));
	lock_region(&lock, out, r);
	if (lock < 0)
		return;
	if (find(&out->instance, r, &err) != 0) {
		fail(out, RUN_NOT_RUN, &err);
	} else if (strcmp(out->instance.state, "running") != 0) {
		awsq_err_set(&err, AWSQ_EINVAL,
			"instance '%s' is %s: start-region wakes it, run-region does all in one",
			out->instance.id, out->instance.state);
		fail(out, RUN_NOT_RUN, &err);
	} else {
		do_job(out, r, request, 0);
	}
	state_unlock(lock);
}

static void cry_out(struct run_result *out, const struct region *r, const struct awsq_err *err)
{
	out->left_on = 1;
	if (out->status == 0)
		out->status = 1;
	instance_cry_out(&out->instance, r, err);
}

/* just_started: it may be on its way up, whatever a look at it says. */
static void stop(struct run_result *out, struct region *r, int just_started)
{
	int64_t deadline = region_now_ms(r) + STOP_WAIT_MS;
	struct awsq_err err = { 0 };
	int was_on;

	/* Whoever wants the run to end wants the instance off: nothing cancels that. */
	region_ignore_cancel(r);
	if (instance_refresh(&out->instance, r, &err) != 0)
		region_warning(r, "%s; stopping it all the same", err.message);
	if (instance_stop(&out->instance, r, just_started, deadline, &was_on, &err) != 0)
		cry_out(out, r, &err);
	else
		state_forget_run(r->fleet->state_dir, r->name);
	if (!out->left_on && was_on)
		region_event(r, "instance %s is %s", out->instance.id, out->instance.state);
	region_status(r, "%s", "");
}

/* Someone else's instance is not ours to stop, nor to run a second job on. */
static void leave_alone(struct run_result *out)
{
	out->status = RUN_BUSY;
	(void)snprintf(out->message, sizeof(out->message),
		"busy: instance %s is %s, and no run of this machine started it: run-job uses it, "
		"stop-region stops it",
		out->instance.id, out->instance.state);
}

/* The instance is known, and the intent to run it is on disk. */
static void run_started(struct run_result *out, struct region *r, const struct run_request *request,
	int is_ours)
{
	int64_t begin = region_now_ms(r);
	struct awsq_err err = { 0 };
	struct instance_start how;
	int started, rc;

	rc = instance_start(&out->instance, r, begin + START_WAIT_MS, &how, &err);
	started = how.ours || how.unsure;
	if (rc == 0 && !started && !is_ours) {
		state_forget_run(r->fleet->state_dir, r->name);
		leave_alone(out);
		return;
	}
	if (rc == 0)
		rc = instance_wait_running(&out->instance, r, 1, begin + START_WAIT_MS, &err);
	if (rc == 0)
		rc = instance_wait_ssh(&out->instance, r, &err);
	if (rc != 0) {
		fail(out, RUN_NOT_RUN, &err);
	} else {
		region_event(r, "instance %s runs at %s", out->instance.id, out->instance.address);
		do_job(out, r, request, region_now_ms(r) - begin);
	}
	if (out->message[0]) {
		region_warning(r, "%s; stopping the instance", out->message);
		out->told = 1;
	}
	stop(out, r, started);
	out->on_ms = region_now_ms(r) - begin;
}

static void run_locked(struct run_result *out, struct region *r, const struct run_request *request)
{
	const char *dir = r->fleet->state_dir;
	struct awsq_err err = { 0 };
	int is_ours = state_had_run(dir, r->name);
	int rc = find(&out->instance, r, &err);

	if (rc == 0 && instance_is_on(&out->instance) && !is_ours) {
		leave_alone(out);
		return;
	}
	if (rc == 0)
		rc = state_note_run(dir, r->name, &err);
	if (rc != 0) {
		fail(out, RUN_NOT_RUN, &err);
		return;
	}
	if (instance_is_on(&out->instance))
		region_event(r,
			"instance %s is still %s from a run that was killed: taking it over",
			out->instance.id, out->instance.state);
	else
		region_event(r, "starting instance %s (%s)", out->instance.id, out->instance.type);
	run_started(out, r, request, is_ours);
}

void run_region(struct run_result *out, struct region *r, const struct run_request *request)
{
	int lock;

	memset(out, 0, sizeof(*out));
	lock_region(&lock, out, r);
	if (lock < 0)
		return;
	run_locked(out, r, request);
	state_unlock(lock);
}
