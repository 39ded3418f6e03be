#include "banned.h"

#include "runs/run_private.h"
#include "runs/command.h"
#include "runs/retrieve.h"
#include "fleet/console.h"
#include "fleet/state.h"
#include "fleet/text.h"

#define CONNECT_WAIT_MS  (30 * 1000) /* once its port has answered, SSH is not far */
#define WATCH_GRACE_MS   (30 * 1000)
#define RETRIEVE_WAIT_MS (10 * 60 * 1000)
#define ORPHAN_WAIT_MS   (20 * 1000)
#define FORGET_WAIT_MS   (5 * 1000)
#define OFF_AFTER_MS     (2 * 60 * 1000)
#define MAX_BACKOFF_S    600
#define SCRIPT_MAX       (4 * 1024 * 1024)
/* A stopped instance's disk is paid for: less than this is left to the clean-up of a later job. */
#define FORGET_BYTES (1024 * 1024)

static void name_job(char out[JOB_ID_SIZE], const struct ledger_run *row)
{
	(void)snprintf(out, JOB_ID_SIZE, "%s.%d", row->id, row->attempts);
}

/* ---- What job.c tells and asks */

static int pass_on(void *arg, int is_stderr, const void *data, size_t len)
{
	struct run *run = arg;
	struct awsq_err err = { 0 };
	int rc;

	if (runlog_write(run->log, is_stderr, data, len, &err) != 0 && !run->log_failed++)
		region_warning(run->r, "%s; the run goes on without its log", err.message);
	rc = run->output.write(run->output.arg, is_stderr, data, len);
	if (rc < 0)
		return rc;
	run->passed[is_stderr ? 1 : 0] += len;
	run->attempt_passed[is_stderr ? 1 : 0] += len;
	runlog_note(run->log, run->attempt_passed);
	return rc;
}

/* Only a look that shows it off ends the wait for a link: that AWS cannot be asked does not. */
static int still_on(void *arg, struct awsq_err *err)
{
	struct run *run = arg;
	int rc = instance_still_runs(run->i, run->r, err);

	return rc == AWSQ_ENOTFOUND ? rc : 0;
}

static void on_event(void *arg, enum job_event event, const char *text)
{
	struct run *run = arg;
	struct ledger_run *row = &run->row;

	switch (event) {
	case JOB_STARTED:
		run->job_begin_ms = region_now_ms(run->r);
		if (row->job_start_ms == 0)
			row->job_start_ms = run_stamp(run);
		row->overdue_ms = run_stamp(run) + run->request->timeout_ms + MAX_MARGIN_MS;
		(void)run_note(run);
		break;
	case JOB_LINK_LOST:
		region_event(run->r, "%s; the job goes on, and is being reached for", text);
		break;
	case JOB_LINK_BACK:
		region_event(run->r, "the link to instance %s is back", run->i->id);
		break;
	}
}

/* ---- One attempt */

static int64_t backoff_s(const struct run *run)
{
	int64_t s = run->r->fleet->config->job_retry_backoff;

	for (int k = 1; k < run->row.attempts && s < MAX_BACKOFF_S; k++)
		s *= 2;
	return s < MAX_BACKOFF_S ? s : MAX_BACKOFF_S;
}

static void fill_request(struct job_request *job, struct run *run)
{
	const struct config *c = run->r->fleet->config;
	int64_t backoff_ms = c->job_retries > 0 ? backoff_s(run) * 1000 : 0;

	memset(job, 0, sizeof(*job));
	job->link = run->link;
	job->host = run->i->id;
	job->watch = run->request->watch;
	job->watch_grace_ms = WATCH_GRACE_MS;
	job->timeout_ms = run->request->timeout_ms;
	job->connect_timeout_ms = CONNECT_WAIT_MS;
	job->max_uptime_ms = c->max_uptime * 1000;
	job->arm = 1;
	job->disarm = !run->row.owns;
	job->off_when_done = run->row.owns;
	job->off_after_ms = OFF_AFTER_MS + backoff_ms;
	/* Neither another attempt nor the files are to be cut off by the instance's timer. */
	job->spare_ms = backoff_ms + (c->job_retrieve.n > 0 ? RETRIEVE_WAIT_MS : 0);
	job->cancel_fd = run->r->cancel_fd;
	job->output = (struct ssh_output){ pass_on, run, run->output.patience };
	job->still_on = still_on;
	job->event = on_event;
	job->arg = run;
	job->log = &run->r->log;
}

/* The job's script, and what is to be done when it was ended from outside. */
static int write_scripts(struct awsq_buf *script, struct awsq_buf *cleanup, const struct run *run,
	const char *id)
{
	struct command command;
	int rc;

	command_of_config(&command, run->r->fleet->config);
	command.text = run->request->command;
	command.run = run->row.id;
	command.attempt = run->row.attempts;
	command.id = id;
	rc = command_script(script, &command);
	return rc == 0 ? command_cleanup(cleanup, &command) : rc;
}

/* From where on the attempt's output is wanted. attach: it has been started before. */
static void set_offset(struct run *run, int attach)
{
	run->row.bytes_out = run->passed[0];
	run->row.bytes_err = run->passed[1];
	(void)run_note(run);
	runlog_attempt(run->log, run->row.attempts);
	memset(run->attempt_passed, 0, sizeof(run->attempt_passed));
	if (!attach)
		return;
	runlog_passed(run->log, run->attempt_passed);
	run->passed[0] += run->attempt_passed[0];
	run->passed[1] += run->attempt_passed[1];
}

static int attempt(struct run *run, int attach, struct job_result *result, struct awsq_err *err)
{
	struct awsq_buf script = AWSQ_BUF_INIT(SCRIPT_MAX), cleanup = AWSQ_BUF_INIT(SCRIPT_MAX);
	char id[JOB_ID_SIZE];
	struct job_request job;
	int rc;

	fill_request(&job, run);
	name_job(id, &run->row);
	job.id = id;
	set_offset(run, attach);
	memcpy(job.offset, run->attempt_passed, sizeof(job.offset));
	rc = write_scripts(&script, &cleanup, run, id);
	if (rc == 0) {
		job.script = attach ? NULL : awsq_buf_str(&script);
		job.cleanup = cleanup.len > 0 ? awsq_buf_str(&cleanup) : NULL;
		rc = job_run(result, &job, err);
	} else {
		*result = (struct job_result){ .status = RUN_NOT_RUN };
		awsq_err_set(err, rc, "cannot put the job together: %s", awsq_strerror(rc));
	}
	awsq_buf_wipe(&script);
	awsq_buf_free(&script);
	awsq_buf_free(&cleanup);
	return rc;
}

/* ---- All of them */

static int is_to_be_tried_again(const struct config *c, int status)
{
	for (size_t k = 0; k < c->job_retry_on.n; k++) {
		if (c->job_retry_on.items[k] == status)
			return 1;
	}
	return c->job_retry_on.n == 0;
}

/*
 * Whether another attempt is to follow, after having waited for it. Only one that has come to its
 * end is tried again: of what may still run there would be two.
 */
static int again(struct run *run, int rc, const struct job_result *result)
{
	const struct config *c = run->r->fleet->config;
	int64_t wait = backoff_s(run);
	int64_t left = run->begin_ms + c->max_uptime * 1000 - region_now_ms(run->r);

	if (run->row.attempts > c->job_retries || run->no_script ||
		(rc != 0 && !result->timed_out) || result->left_over || result->status == 0 ||
		!is_to_be_tried_again(c, result->status))
		return 0;
	if (left < wait * 1000 + MAX_MARGIN_MS) {
		region_warning(run->r,
			"the job ended with %d; no time is left of max_uptime for another attempt",
			result->status);
		return 0;
	}
	region_warning(run->r, "the job ended with %d; attempt %d of %d in %lld s", result->status,
		run->row.attempts + 1, c->job_retries + 1, (long long)wait);
	if (region_sleep(run->r, wait * 1000) == 0)
		return 1;
	run->out->canceled = 1;
	return 0;
}

static enum ledger_state state_of(int rc, const struct job_result *result)
{
	if (rc == 0)
		return LEDGER_DONE;
	if (result->timed_out)
		return LEDGER_TIMED_OUT;
	return result->unknown || (result->started && rc == AWSQ_ESERVICE) ? LEDGER_LOST
	                                                                   : LEDGER_NOT_RUN;
}

static void judge(struct run *run, int rc, const struct job_result *result,
	const struct awsq_err *err)
{
	struct run_result *out = run->out;
	int64_t least_ms = run->r->fleet->config->job_min_duration * 1000;

	out->status = result->status;
	out->canceled |= result->canceled;
	out->attempts = run->row.attempts;
	run->row.status = result->status;
	run->row.state = out->canceled ? LEDGER_CANCELED : state_of(rc, result);
	if (run->job_begin_ms) {
		out->job_ms = region_now_ms(run->r) - run->job_begin_ms;
		/* One that was taken up began before it was heard of. */
		if (run->taken_up && result->ended_ms - result->started_ms > out->job_ms)
			out->job_ms = result->ended_ms - result->started_ms;
		run->row.job_end_ms = run_stamp(run);
	}
	if (rc != 0) {
		run_fail(run, run->row.state, result->status, err);
	} else if (result->status == 0 && out->job_ms < least_ms) {
		run->row.suspicious = 1;
		region_warning(run->r,
			"the job ended with 0 after %lld.%lld s, sooner than job.min_duration "
			"(%lld s): has it done its work?",
			(long long)(out->job_ms / 1000), (long long)(out->job_ms % 1000 / 100),
			(long long)(least_ms / 1000));
	}
	if (result->cut)
		region_warning(run->r,
			"some of the job's output was lost: the instance's disk is full");
}

/* Its files, while the instance is still on. That some could not be brought is a failure. */
static void retrieve(struct run *run)
{
	const struct config *c = run->r->fleet->config;
	int64_t now = region_now_ms(run->r), deadline = now + RETRIEVE_WAIT_MS;
	int64_t end = run->begin_ms + c->max_uptime * 1000 - MAX_MARGIN_MS / 2;
	struct retrieve_result got = { 0 };
	struct awsq_err err = { 0 }, why = { 0 };
	char id[JOB_ID_SIZE];
	int rc;

	if (c->job_retrieve.n == 0 || !run->job_begin_ms || run->out->canceled ||
		run->row.state == LEDGER_LOST)
		return;
	deadline = deadline < end ? deadline : end;
	name_job(id, &run->row);
	region_status(run->r, "bringing files from instance %s", run->i->id);
	(void)job_hold(run->link, id, deadline - now, now + ORPHAN_WAIT_MS, NULL);
	rc = retrieve_files(run->link, c, run->r->fleet->state_dir, run->row.id, deadline,
		run->r->cancel_fd, &got, &err);
	if (rc == 0 && got.failed == 0) {
		region_event(run->r, "%zu files brought (%llu bytes)", got.files,
			(unsigned long long)got.bytes);
		return;
	}
	run->out->canceled |= rc == AWSQ_ECANCELED;
	awsq_err_set(&why, AWSQ_EIO, "not all files were brought: %s",
		rc != 0 ? err.message : got.message);
	if (run->out->status == 0) {
		run_fail(run, run->row.state, 1, &why);
		return;
	}
	/* It is the job's own status that is told of; this is for the record. */
	region_warning(run->r, "%s", why.message);
	if (!run->row.message[0])
		text_format(run->row.message, sizeof(run->row.message), "%s", why.message);
}

static void open_log(struct run *run)
{
	struct awsq_err err = { 0 };

	if (!run->log &&
		runlog_open(&run->log, run->r->fleet->state_dir, run->row.id,
			run->r->fleet->config->log_max, &err) != 0 &&
		!run->log_failed++)
		region_warning(run->r, "%s; the run goes on without its log", err.message);
}

/* Its folder on the instance, once all it had is here. */
static void forget(struct run *run)
{
	char id[JOB_ID_SIZE];

	if (run->row.state != LEDGER_DONE ||
		(run->row.owns && run->passed[0] + run->passed[1] < FORGET_BYTES))
		return;
	name_job(id, &run->row);
	(void)job_forget(run->link, id, region_now_ms(run->r) + FORGET_WAIT_MS, NULL);
}

void run_work(struct run *run, int attach)
{
	struct job_result result;
	struct awsq_err err = { 0 };
	int rc;

	open_log(run);
	region_status(run->r, "job: instance %s", run->i->id);
	do {
		if (!attach)
			run->row.attempts++;
		run->taken_up = attach;
		rc = attempt(run, attach, &result, &err);
		attach = 0;
	} while (again(run, rc, &result));
	judge(run, rc, &result, &err);
	retrieve(run);
	forget(run);
	region_status(run->r, "%s", "");
}

void run_end_orphan(struct run *run)
{
	const struct ledger_run *left = &run->orphan;
	struct awsq_err err = { 0 };
	char id[JOB_ID_SIZE];

	if (!left->id[0] || left->job_start_ms == 0 || left->job_end_ms != 0)
		return;
	name_job(id, left);
	if (job_stop(run->link, id, region_now_ms(run->r) + ORPHAN_WAIT_MS, &err) != 0)
		region_warning(run->r, "the job of run %s may still be at work: %s", left->id,
			err.message);
}

/* ---- The link */

/* The port answers, and whose host key is to be expected there is known. */
static int connect_ssh(struct run *run, struct awsq_err *err)
{
	struct region *r = run->r;
	const struct config *c = r->fleet->config;
	int rc;

	run->known_hosts = state_path(r->fleet->state_dir, "known_hosts");
	if (!run->known_hosts)
		return awsq_err_set(err, AWSQ_ENOMEM, "out of memory");
	rc = run->row.owns ? instance_wait_ssh(run->i, r, err) : 0;
	if (rc == 0)
		rc = console_identify(r, run->i->id, err);
	if (rc != 0)
		return rc;
	run->target = (struct ssh_target){ .host = run->i->address,
		.port = c->job_port,
		.user = c->job_user,
		.key = r->fleet->key,
		.known_hosts = run->known_hosts,
		.host_id = run->i->id,
		.trust = console_trust(c),
		.log = &r->log };
	return link_ssh_new(&run->link, &run->target, err);
}

static int connect_ssm(struct run *run, struct awsq_err *err)
{
	int rc = run->row.owns ? link_ssm_wait(run->i, run->r, err) : 0;

	return rc == 0 ? link_ssm_new(&run->link, run->r, run->i->id, err) : rc;
}

int run_connect(struct run *run)
{
	struct awsq_err err = { 0 };
	int rc = run->r->fleet->config->job_transport == CONFIG_TRANSPORT_SSM
	                 ? connect_ssm(run, &err)
	                 : connect_ssh(run, &err);

	if (rc == 0)
		return 0;
	run_fail(run, LEDGER_NOT_RUN, RUN_NOT_RUN, &err);
	return -1;
}
