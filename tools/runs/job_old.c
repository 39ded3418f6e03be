#include "banned.h"

#include "runs/job_old.h"
#include "runs/job_stream.h"
#include "runs/job_text.h"

#include <awsq/clock.h>

#include <string.h>

#define ATTEMPT_MS 20000 /* for one attempt to connect */
#define RETRY_MS   500   /* between two of them */
#define START_MS   10000 /* for the command to be accepted */
#define STOP_MS    15000 /* for stopping a job: more than the 5 s between TERM and KILL */
#define DRAIN_MS   2000  /* for a stopped job's last words */
#define FOREVER    INT64_MAX

struct job {
	const struct job_request *request;
	struct job_result *result;
	struct ssh *ssh;
	struct ssh_command *command;
	struct job_stream stream;
};

static int64_t now_ms(void)
{
	return awsq_clock_system.mono_ms(awsq_clock_system.arg);
}

static int64_t wall_ms(void)
{
	return awsq_clock_system.wall_ms(awsq_clock_system.arg);
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* ---- Connecting */

/*
 * Whether a failed attempt is worth another, and after how long. A refused key is so a few times:
 * sshd may answer before cloud-init has written the keys it is to accept.
 */
static int64_t retry_after(int code, int *refusals)
{
	static const int64_t after_refusal[] = { 1000, 2000, 3000 };

	if (code == AWSQ_ENET || code == AWSQ_ETIMEDOUT)
		return RETRY_MS;
	if (code == AWSQ_ECREDENTIALS && *refusals < 3)
		return after_refusal[(*refusals)++];
	return -1;
}

static int connect_host(struct job *j, struct awsq_err *err)
{
	const struct job_request *r = j->request;
	int64_t end = now_ms() + r->connect_timeout_ms;
	int refusals = 0, attempts = 0;

	for (;;) {
		int64_t limit = earlier(end, now_ms() + ATTEMPT_MS), wait;
		int rc = ssh_open(&j->ssh, r->target, limit, r->cancel_fd, err);

		if (rc == 0)
			return 0;
		wait = retry_after(rc, &refusals);
		if (wait < 0 || now_ms() + wait >= end)
			return rc;
		if (attempts++ == 0)
			awsq_log(r->target->log, AWSQ_LOG_INFO, "%s; trying again for %lld s",
				err->message, (long long)((end - now_ms()) / 1000));
		if (awsq_clock_system.sleep_ms(awsq_clock_system.arg, wait, r->cancel_fd) != 0)
			return awsq_err_set(err, AWSQ_ECANCELED, "canceled while waiting for '%s'",
				r->target->host);
	}
}

/* ---- Stopping */

static int kill_over(struct ssh *ssh, const char *script, int64_t deadline_ms)
{
	struct ssh_result result;
	int rc = ssh_exec(&result, ssh, script, NULL, deadline_ms, -1, NULL);

	if (rc == 0 && (result.ending != SSH_EXITED || result.status != 0))
		rc = AWSQ_ESERVICE;
	return rc;
}

/* Over the job's connection, or over another one if that is dead. */
static int kill_job(struct job *j)
{
	struct awsq_buf script = AWSQ_BUF_INIT(SSH_COMMAND_MAX);
	struct ssh *other = NULL;
	int rc;

	rc = job_text_kill(&script, j->stream.pid);
	if (rc == 0)
		rc = kill_over(j->ssh, awsq_buf_str(&script), now_ms() + STOP_MS);
	if (rc == AWSQ_ENET || rc == AWSQ_ETIMEDOUT) {
		rc = ssh_open(&other, j->request->target, now_ms() + STOP_MS, -1, NULL);
		if (rc == 0)
			rc = kill_over(other, awsq_buf_str(&script), now_ms() + STOP_MS);
		ssh_close(other);
	}
	awsq_buf_free(&script);
	return rc;
}

/*
 * Makes sure that nothing of the job goes on. What it says as it ends is still passed on, if that
 * is possible. Not for cancel_fd to hurry: this is what cancellation leads to.
 */
static void stop_job(struct job *j)
{
	struct ssh_output output = { job_stream_write, &j->stream };
	struct ssh_result ignored;

	/* Just started, perhaps: without its pid there is nothing to aim at. */
	if (j->stream.pid == 0 && j->stream.error == 0) {
		j->stream.until_pid = 1;
		(void)ssh_follow(&ignored, j->command, &output, now_ms() + DRAIN_MS, -1, NULL);
		j->stream.until_pid = 0;
	}
	if (j->stream.pid == 0 || kill_job(j) != 0) {
		j->result->left_over = 1;
		return;
	}
	if (j->stream.error == 0)
		(void)ssh_follow(&ignored, j->command, &output, now_ms() + DRAIN_MS, -1, NULL);
}

/* ---- Judging */

static void set_signal(struct job_result *result, int number)
{
	result->signal = number;
	result->status = 128 + number;
}

/* It ended by itself: how? */
static int judge(struct job *j, const struct ssh_result *ending, struct awsq_err *err)
{
	struct job_result *result = j->result;

	if (j->stream.ended) {
		result->status = j->stream.status;
		if (result->status > 128 && result->status < 160)
			result->signal = result->status - 128;
		return 0;
	}
	if (ending->ending == SSH_SIGNALLED) {
		/* The shell around the job was hit, which need not hold for all of the job. */
		result->left_over = j->stream.pid > 0 && kill_job(j) != 0;
		set_signal(result, job_text_signal(ending->signal));
		return 0;
	}
	if (j->stream.pid == 0)
		return awsq_err_set(err, AWSQ_EINVAL,
			"the login shell of '%s' on '%s' ended with status %d without running the "
			"job",
			j->request->target->user, j->request->target->host_id, ending->status);
	if (ending->status != 0) {
		result->status = ending->status;
		return 0;
	}
	result->unknown = 1;
	return awsq_err_set(err, AWSQ_ENET,
		"how the job on '%s' ended is not known: the shell around it did not say",
		j->request->target->host_id);
}

static int stopped(struct job *j, int code, struct awsq_err *err)
{
	struct job_result *result = j->result;
	const char *host = j->request->target->host_id;
	const char *what = result->left_over ? "; it could not be stopped, and may still run" : "";

	if (j->stream.error)
		return awsq_err_set(err, j->stream.error,
			"the job on '%s' was stopped, as its output could not be passed on: %s%s",
			host, awsq_strerror(j->stream.error), what);
	if (code == AWSQ_ECANCELED) {
		result->canceled = 1;
		set_signal(result, 15);
		return awsq_err_set(err, code, "the job on '%s' was canceled%s", host, what);
	}
	if (code != AWSQ_ETIMEDOUT)
		return code;
	result->timed_out = 1;
	result->status = 124;
	return awsq_err_set(err, code, "the job on '%s' ran longer than %lld s%s", host,
		(long long)(j->request->timeout_ms / 1000), what);
}

static int lost(struct job *j, struct awsq_err *err)
{
	struct awsq_err cause = *err;

	j->result->unknown = 1;
	return awsq_err_set(err, AWSQ_ENET,
		"%.700s; whether the job still runs, or how it ended, is not known", cause.message);
}

/* ---- Running */

static int start_job(struct job *j, struct awsq_err *err)
{
	struct awsq_buf text = AWSQ_BUF_INIT(SSH_COMMAND_MAX);
	int rc;

	rc = job_stream_init(&j->stream, &j->request->output);
	if (rc != 0)
		return awsq_err_set(err, rc, "cannot start the job: no random bytes");
	rc = job_text_run(&text, j->stream.mark, j->request->command);
	if (rc != 0) {
		rc = awsq_err_set(err, rc,
			"the job's command is too long for SSH (%zu bytes): put it into a file on "
			"the instance",
			strlen(j->request->command));
		goto out;
	}
	/* Not to be canceled half-way, when the job may run but cannot be followed, nor stopped. */
	rc = ssh_start(&j->command, j->ssh, awsq_buf_str(&text), "", 0, now_ms() + START_MS, -1,
		err);
	if (rc == 0) {
		j->result->started = 1;
		j->result->started_ms = wall_ms();
	}
out:
	awsq_buf_free(&text);
	return rc;
}

static int follow_job(struct job *j, struct awsq_err *err)
{
	const struct job_request *r = j->request;
	struct ssh_output output = { job_stream_write, &j->stream };
	struct ssh_result ending;
	int64_t end = r->timeout_ms > 0 ? now_ms() + r->timeout_ms : FOREVER;
	int rc;

	rc = ssh_follow(&ending, j->command, &output, end, r->cancel_fd, err);
	/* Once the end was told, stragglers, and how the connection fares, no longer matter. */
	if (j->stream.ended && j->stream.error == 0)
		rc = 0;
	if (rc == 0) {
		job_stream_end(&j->stream);
		return j->stream.error ? stopped(j, rc, err) : judge(j, &ending, err);
	}
	if (rc == AWSQ_ENET && j->stream.error == 0)
		return lost(j, err);
	stop_job(j);
	return stopped(j, rc, err);
}

int job_run(struct job_result *result, const struct job_request *request, struct awsq_err *err)
{
	struct job j = { .request = request, .result = result };
	struct awsq_err own;
	int rc;

	if (!err)
		err = &own;
	*result = (struct job_result){ .status = 125 };
	rc = connect_host(&j, err);
	if (rc == 0)
		rc = start_job(&j, err);
	if (rc == 0)
		rc = follow_job(&j, err);
	else if (rc == AWSQ_ECANCELED)
		result->canceled = 1;
	if (result->started)
		result->ended_ms = wall_ms();
	result->bytes_out = j.stream.bytes[0];
	result->bytes_err = j.stream.bytes[1];
	ssh_command_free(j.command);
	ssh_close(j.ssh);
	return rc;
}
