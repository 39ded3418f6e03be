#include "banned.h"

#include "runs/frames.h"
#include "runs/job.h"
#include "runs/job_private.h"
#include "runs/script.h"

#include <awsq/buf.h>
#include <awsq/clock.h>

#include <string.h>

#define ATTEMPT_MS    20000 /* for one attempt to connect */
#define RETRY_MS      500   /* between two of them; doubles while a link is down, up to */
#define RETRY_MAX_MS  5000
#define IDLE_MS       20000  /* a beat comes every 5 s */
#define LOOK_MS       15000  /* between two questions to still_on */
#define FIRST_LOOK_MS 1500   /* and from the loss of the link to the first one */
#define FIRST_TRY_MS  3000   /* for the first attempt after it */
#define GIVE_UP_MS    600000 /* for a lost link, where neither a timeout nor still_on limits that */
#define DRAIN_MS      2000   /* for a stopped job's last words */
#define LATE_MS       60000  /* for those of one that had ended before it was to be stopped */
#define DISARM_MS     10000
#define FRUITLESS     6 /* answers that bring nothing, until following is given up */
#define OFF_AFTER_MS  120000
#define MARGIN_MS     60000
#define FOREVER       INT64_MAX

struct job {
	const struct job_request *request;
	struct job_result *result;
	struct job_answer answer;
	uint64_t offset[2];
	int64_t begun_ms; /* when job_run was called */
	int64_t end_ms;   /* when the job's time is over; 0: not known yet, or never */
	int64_t limit_ms; /* for how long it may run */
	int64_t lost_ms;  /* since when the link is down; 0: it is not */
	int64_t asked_ms; /* when still_on was asked */
	int64_t wait_ms;  /* before the next attempt */
	int refusals;
	int fruitless;
	int sent; /* the launch may have got there */
	int output_error;
	int is_stuck; /* whoever reads the output did not, as long as could be waited */
};

static int64_t margin_ms(const struct job_request *r)
{
	return earlier(r->max_uptime_ms / 10, MARGIN_MS);
}

static int64_t seconds_up(int64_t ms)
{
	return (ms + 999) / 1000;
}

static void tell(struct job *j, enum job_event event, const char *text)
{
	if (j->request->event)
		j->request->event(j->request->arg, event, text);
}

/* How long whoever reads the output is waited for. */
static void limit_output(struct job *j, int64_t until_ms, int cancel_fd)
{
	struct ssh_patience *patience = j->request->output.patience;

	if (patience)
		*patience = (struct ssh_patience){ until_ms < FOREVER ? until_ms : 0, cancel_fd };
}

static int64_t end_or_never(const struct job *j)
{
	return j->end_ms != 0 ? j->end_ms : FOREVER;
}

/* ---- What the instance says */

static int take_output(void *arg, int is_stderr, const void *data, size_t len)
{
	struct job *j = arg;
	const struct ssh_output *output = &j->request->output;
	int rc = output->write ? output->write(output->arg, is_stderr, data, len) : 0;

	if (rc == AWSQ_ETIMEDOUT || rc == AWSQ_ECANCELED) {
		j->is_stuck = 1;
		return rc;
	}
	if (rc < 0) {
		j->output_error = rc;
		return rc;
	}
	j->offset[is_stderr] += len;
	j->result->bytes[is_stderr] += len;
	j->fruitless = 0;
	return 0;
}

/* uptime and age in seconds, of the instance and of the job. */
static void take_start(struct job *j, int64_t uptime, int64_t age)
{
	const struct job_request *r = j->request;
	int64_t limit_ms = r->timeout_ms > 0 ? r->timeout_ms : FOREVER;

	if (j->result->started) {
		if (j->lost_ms > 0) {
			j->result->reconnects++;
			tell(j, JOB_LINK_BACK, "");
		}
		j->lost_ms = 0;
		return;
	}
	j->lost_ms = 0;
	j->result->started = 1;
	j->result->started_ms = awsq_wall_ms() - age * 1000;
	j->result->uptime_ms = uptime * 1000;
	if (r->max_uptime_ms > 0)
		limit_ms =
			earlier(limit_ms, r->max_uptime_ms - margin_ms(r) - (uptime - age) * 1000);
	if (limit_ms < FOREVER) {
		j->limit_ms = limit_ms > 0 ? limit_ms : 1;
		j->end_ms = awsq_mono_ms() - age * 1000 + j->limit_ms;
		r->link->until_ms = j->end_ms > 0 ? j->end_ms : 1;
		limit_output(j, j->end_ms > 0 ? j->end_ms : 1, r->cancel_fd);
	}
	tell(j, JOB_STARTED, "");
}

static int take_frame(void *arg, const struct frame *frame)
{
	struct job *j = arg;

	if (frame->kind != FRAME_STARTED)
		return job_answer_take(&j->answer, frame);
	take_start(j, frame->number[0], frame->number[1]);
	return 0;
}

/* ---- Asking it */

static int add_text(struct awsq_buf *text, const struct job *j)
{
	const struct job_request *r = j->request;
	struct script_job job = { .script = r->script,
		.cleanup = r->cleanup,
		.watch = r->watch,
		.watch_grace_s = seconds_up(r->watch_grace_ms),
		.timeout_s = seconds_up(r->timeout_ms),
		.spare_s = seconds_up(r->spare_ms),
		.max_uptime_s = r->max_uptime_ms / 1000,
		.margin_s = margin_ms(r) / 1000,
		.arm = r->arm,
		.off_when_done = r->off_when_done };
	struct script_view view = { .mark = j->answer.mark,
		.id = r->id,
		.offset = { j->offset[0], j->offset[1] },
		.answer_max = r->link->kind->answer_max,
		.off_after_s = seconds_up(r->off_after_ms > 0 ? r->off_after_ms : OFF_AFTER_MS) };

	if (!r->script || j->result->started)
		return script_follow(text, &view);
	return script_launch(text, &job, &view);
}

/*
 * Starts the job, or takes it up where its output has come to, and follows it. 0: the answer says
 * how it ended, or that there is more to be asked for.
 */
static int attempt(struct job *j, int64_t deadline_ms, int cancel_fd, struct awsq_err *err)
{
	const struct job_request *r = j->request;
	const struct frames_sink sink = { take_output, take_frame, j };
	struct awsq_buf text = AWSQ_BUF_INIT(SCRIPT_MAX);
	int rc;

	rc = job_answer_init(&j->answer, &sink);
	if (rc == 0)
		rc = add_text(&text, j);
	if (rc == AWSQ_ETOOBIG)
		(void)awsq_err_set(err, rc,
			"the job's command is too long (%zu bytes): put it into "
			"a file on the instance",
			r->script ? strlen(r->script) : 0);
	else if (rc != 0)
		(void)awsq_err_set(err, rc, "cannot start the job: %s", awsq_strerror(rc));
	if (rc == 0) {
		r->link->idle_ms = IDLE_MS;
		r->link->until_ms = j->end_ms;
		limit_output(j, earlier(deadline_ms, end_or_never(j)), cancel_fd);
		rc = job_answer_ask(&j->answer, r->link, &text, deadline_ms, cancel_fd, err);
		j->sent |= r->link->sent;
	}
	awsq_buf_wipe(&text);
	return rc;
}

/* ---- Reaching it again */

/* Whether a failed attempt says nothing of the job, but of the way to it. */
static int is_about_link(struct job *j, int code)
{
	if (code == AWSQ_ENET || code == AWSQ_ETIMEDOUT)
		return 1;
	/* Something went wrong around the text. Once may be chance. */
	if (code == AWSQ_EPARSE)
		return (j->sent && frames_begun(&j->answer.frames)) || j->result->started
		               ? ++j->fruitless < FRUITLESS
		               : 0;
	/*
	 * sshd may answer before cloud-init has written the keys it is to accept; and for five
	 * minutes before a shutdown that was set, nobody is let in.
	 */
	return code == AWSQ_ECREDENTIALS && (j->result->started || j->refusals++ < 3);
}

/* Until when the instance is reached for. */
static int64_t give_up_ms(const struct job *j)
{
	if (!j->result->started)
		return j->begun_ms + j->request->connect_timeout_ms;
	if (j->end_ms > 0)
		return j->end_ms;
	return j->request->still_on || j->lost_ms == 0 ? FOREVER : j->lost_ms + GIVE_UP_MS;
}

static int64_t next_wait(struct job *j, int code)
{
	if (!j->result->started)
		return code == AWSQ_ECREDENTIALS ? j->refusals * (int64_t)1000 : RETRY_MS;
	j->wait_ms = j->wait_ms ? earlier(2 * j->wait_ms, RETRY_MAX_MS) : RETRY_MS;
	return j->wait_ms;
}

static void note_loss(struct job *j, const struct awsq_err *err)
{
	if (j->lost_ms > 0)
		return;
	j->lost_ms = awsq_mono_ms();
	/* Most often it is the network, but an instance that was stopped is soon told from that. */
	j->asked_ms = j->lost_ms + FIRST_LOOK_MS - LOOK_MS;
	j->wait_ms = 0;
	if (j->result->started)
		tell(j, JOB_LINK_LOST, err->message);
	awsq_log(j->request->log, AWSQ_LOG_INFO, "%s; trying again", err->message);
}

/* After one that failed with code: 0 when it is time for another, else what is to be told. */
static int before_next(struct job *j, int code, struct awsq_err *err)
{
	const struct job_request *r = j->request;
	int64_t wait_ms;
	int rc;

	if (!is_about_link(j, code))
		return code;
	note_loss(j, err);
	wait_ms = next_wait(j, code);
	if (awsq_mono_ms() + wait_ms >= give_up_ms(j)) {
		/* The job's time is still worth waiting for. */
		if (j->end_ms == 0 || !j->result->started)
			return code;
		wait_ms = j->end_ms > awsq_mono_ms() ? j->end_ms - awsq_mono_ms() : 0;
	}
	if (awsq_sleep_ms(wait_ms, r->cancel_fd) != 0)
		return awsq_err_set(err, AWSQ_ECANCELED, "canceled while waiting for '%s'",
			r->host);
	if (j->end_ms > 0 && awsq_mono_ms() >= j->end_ms)
		return awsq_err_set(err, AWSQ_ETIMEDOUT, "its time is over");
	if (!j->result->started || !r->still_on || awsq_mono_ms() < j->asked_ms + LOOK_MS)
		return 0;
	j->asked_ms = awsq_mono_ms();
	rc = r->still_on(r->arg, err);
	return rc;
}

/* ---- Ending */

static void set_signal(struct job_result *result, int number)
{
	result->signal = number;
	result->status = 128 + number;
}

/* It ended, by itself or not, and said so. */
static int judge_end(struct job *j, int status, int cut)
{
	struct job_result *result = j->result;

	result->status = status & 255;
	if (result->status > 128 && result->status < 160)
		result->signal = result->status - 128;
	result->cut = cut;
	if (cut)
		awsq_log(j->request->log, AWSQ_LOG_WARN,
			"some of the job's output on '%s' is lost, as its disk was full",
			j->request->host);
	return 0;
}

/* What the last frame says. */
static int judge(struct job *j, struct awsq_err *err)
{
	const struct frame *last = &j->answer.last;
	const struct job_request *r = j->request;
	int had_ended;

	switch (last->kind) {
	case FRAME_END:
		return judge_end(j, (int)last->number[0], last->number[1] != 0);
	case FRAME_GONE:
		j->result->unknown = 1;
		/* The shell around it was hit, which need not hold for all of it. */
		j->result->left_over = job_end(&had_ended, r->link, r->id, j->lost_ms > 0) != 0;
		return awsq_err_set(err, AWSQ_ESERVICE,
			"how the job on '%s' ended is not known: it was killed together with the "
			"shell around it, or the instance has been restarted",
			r->host);
	case FRAME_REFUSED:
		return awsq_err_set(err, AWSQ_EIO, "the job could not be set up on '%s': %s",
			r->host, last->text);
	case FRAME_LATE:
		j->result->uptime_ms = last->number[0] * 1000;
		return awsq_err_set(err, AWSQ_ETIMEDOUT,
			"the job was not started: '%s' has been on for %lld s, of the %lld s that "
			"max_uptime allows",
			r->host, (long long)last->number[0], (long long)(r->max_uptime_ms / 1000));
	default:
		return awsq_err_set(err, AWSQ_ENOTFOUND, "'%s' knows of no job '%s'", r->host,
			r->id);
	}
}

/*
 * Makes sure that nothing of the job goes on. What it says as it ends is still passed on, if that
 * is possible. Whether it had ended by itself before, and the answer says how.
 */
static int stop_job(struct job *j)
{
	const struct job_request *r = j->request;
	int had_ended = 0;

	if (job_end(&had_ended, r->link, r->id, j->lost_ms > 0) != 0) {
		j->result->left_over = 1;
		return 0;
	}
	if (j->output_error || j->is_stuck || !j->result->started)
		return 0;
	j->end_ms = awsq_mono_ms() + (had_ended ? LATE_MS : DRAIN_MS);
	r->link->connect_ms = 0;
	while (attempt(j, j->end_ms, -1, NULL) == 0 && j->answer.last.kind == FRAME_MORE)
		continue;
	return had_ended && j->answer.has_last && j->answer.last.kind == FRAME_END;
}

static int stopped(struct job *j, int code, struct awsq_err *err)
{
	struct job_result *result = j->result;
	const char *host = j->request->host;
	const char *what = "";
	int had_ended = stop_job(j);

	if (result->left_over)
		what = "; it could not be stopped, and may still run";
	else if (j->is_stuck)
		what = ", and nobody read its output";
	if (j->output_error)
		return awsq_err_set(err, j->output_error,
			"the job on '%s' was stopped, as its output could not be passed on: %s%s",
			host, awsq_strerror(j->output_error), what);
	if (code == AWSQ_ECANCELED) {
		result->canceled = 1;
		if (result->started)
			set_signal(result, 15);
		return awsq_err_set(err, code, "the job on '%s' was canceled%s", host, what);
	}
	/* Its end was out of sight: the time was not over for it. */
	if (had_ended)
		return judge(j, err);
	result->timed_out = 1;
	result->status = 124;
	return awsq_err_set(err, AWSQ_ETIMEDOUT, "the job on '%s' ran longer than %lld s%s", host,
		(long long)(j->limit_ms / 1000), what);
}

/* Following came to an end without one of the job's. */
static int failed(struct job *j, int code, struct awsq_err *err)
{
	struct job_result *result = j->result;
	struct awsq_err cause = *err;
	int is_over = j->end_ms > 0 && awsq_mono_ms() >= j->end_ms;

	/* However the last attempt failed: its time is over. */
	if (is_over && j->sent && (code == AWSQ_ENET || code == AWSQ_EPARSE))
		code = AWSQ_ETIMEDOUT;
	if (j->output_error || (code == AWSQ_ECANCELED && j->sent) ||
		(code == AWSQ_ETIMEDOUT && is_over))
		return stopped(j, code, err);
	if (code == AWSQ_ECANCELED) {
		result->canceled = 1;
		return code;
	}
	if (code == AWSQ_EPARSE)
		return awsq_err_set(err, AWSQ_EINVAL, "the job on '%s' cannot be %s: %.700s",
			j->request->host, result->started ? "followed" : "started", cause.message);
	if (!j->sent)
		return code;
	result->unknown = 1;
	return awsq_err_set(err, code, "%.700s; whether the job %s is not known", cause.message,
		result->started ? "still runs, or how it ended," : "was started");
}

/* ---- Running */

static int is_first_try(const struct job *j)
{
	return j->lost_ms > 0 && j->result->started && j->wait_ms <= RETRY_MS;
}

static int follow(struct job *j, struct awsq_err *err)
{
	const struct job_request *r = j->request;

	for (;;) {
		int64_t now = awsq_mono_ms();
		int64_t left = give_up_ms(j) - now;
		int rc;

		r->link->connect_ms =
			left > 0 ? earlier(left, is_first_try(j) ? FIRST_TRY_MS : ATTEMPT_MS) : 1;
		rc = attempt(j, FOREVER, r->cancel_fd, err);
		if (rc == 0 && j->answer.last.kind != FRAME_MORE)
			return judge(j, err);
		if (rc == 0)
			continue;
		if (j->output_error || (j->end_ms > 0 && awsq_mono_ms() >= j->end_ms))
			return failed(j, rc, err);
		rc = before_next(j, rc, err);
		if (rc != 0)
			return failed(j, rc, err);
	}
}

static void disarm(struct job *j)
{
	const struct job_request *r = j->request;
	struct awsq_err err;

	if (r->disarm && r->arm && !j->result->unknown && !j->result->left_over &&
		job_disarm(r->link, r->id, awsq_mono_ms() + DISARM_MS, &err) != 0)
		awsq_log(r->log, AWSQ_LOG_INFO, "'%s' keeps its shutdown timer: %s", r->host,
			err.message);
}

int job_run(struct job_result *result, const struct job_request *request, struct awsq_err *err)
{
	struct job j = { .request = request, .result = result };
	struct awsq_err own;
	int rc;

	if (!err)
		err = &own;
	awsq_err_clear(err);
	*result = (struct job_result){ .status = 125 };
	j.offset[0] = request->offset[0];
	j.offset[1] = request->offset[1];
	j.begun_ms = awsq_mono_ms();
	rc = follow(&j, err);
	if (result->started) {
		result->ended_ms = awsq_wall_ms();
		disarm(&j);
	}
	/* Whatever is still said has no time to wait for a reader. */
	limit_output(&j, 1, -1);
	/* What is asked for next is not bound by what this one was. */
	request->link->connect_ms = request->link->idle_ms = request->link->until_ms = 0;
	return rc;
}
