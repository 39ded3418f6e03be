#include "banned.h"

#include "runs/job.h"
#include "runs/job_private.h"

#include <awsq/clock.h>

#include <string.h>

#define KILL_IDLE_MS    5000  /* a beat comes at least every 2 s */
#define KILL_CONNECT_MS 10000 /* for one attempt */
#define KILL_RETRY_MS   500
#define STOP_MS         45000 /* script_kill may take 33 s, with its clean-up */
#define STOP_LOST_MS    10000 /* of these, for reaching the instance where the link is down */

/* From a callback: no more is wanted. No code of awsq's is that low. */
#define ENOUGH (-1001)

/* ---- One question */

int job_answer_init(struct job_answer *a, const struct frames_sink *sink)
{
	int rc;

	*a = (struct job_answer){ .has_last = 0 };
	rc = script_mark(a->mark);
	frames_init(&a->frames, a->mark, sink);
	return rc;
}

int job_answer_take(struct job_answer *a, const struct frame *frame)
{
	if (frame->kind == FRAME_BEAT || frame->kind == FRAME_STARTED)
		return 0;
	a->last = *frame;
	(void)snprintf(a->text, sizeof(a->text), "%s", frame->text);
	a->last.text = a->text;
	a->has_last = 1;
	return ENOUGH;
}

static int take_bytes(void *arg, int is_stderr, const void *data, size_t len)
{
	struct job_answer *a = arg;

	(void)is_stderr;
	return frames_take(&a->frames, data, len);
}

int job_answer_ask(struct job_answer *a, struct link *link, const struct awsq_buf *text,
	int64_t deadline_ms, int cancel_fd, struct awsq_err *err)
{
	const struct ssh_output out = { .write = take_bytes, .arg = a };
	int status = 0;
	int rc = link->kind->exec(link, &status, awsq_buf_str(text), text->len, &out, deadline_ms,
		cancel_fd, err);

	if (a->has_last) {
		awsq_err_clear(err);
		return 0;
	}
	if (rc == AWSQ_EPARSE)
		return awsq_err_set(err, rc, "the instance gave an answer that makes no sense");
	if (rc == 0 && frames_begun(&a->frames))
		return awsq_err_set(err, AWSQ_EPARSE, "the shell on the instance ended too early");
	if (rc == 0)
		return awsq_err_set(err, AWSQ_EPARSE,
			"the login shell ended with status %d without running what it was given",
			status);
	return rc;
}

/* ---- The questions */

struct question {
	struct job_answer answer;
	struct job_sight sight;
	struct link *link;
	int64_t reach_ms; /* by when an answer is to begin; 0: it has, or only its end counts */
};

static int ignore_output(void *arg, int is_stderr, const void *data, size_t len)
{
	(void)arg;
	(void)is_stderr;
	(void)data;
	(void)len;
	return 0;
}

static int take_frame(void *arg, const struct frame *frame)
{
	struct question *q = arg;

	if (frame->kind == FRAME_STARTED) {
		q->sight.uptime_ms = frame->number[0] * 1000;
		q->sight.age_ms = frame->number[1] * 1000;
	}
	/* It is there, and takes the time that it needs. */
	q->reach_ms = q->link->until_ms = 0;
	return job_answer_take(&q->answer, frame);
}

/* A text that answers in frames. */
static int ask(struct question *q, struct link *link, const char *id,
	int (*add)(struct awsq_buf *text, const char *mark, const char *id), int64_t deadline_ms,
	int cancel_fd, struct awsq_err *err)
{
	const struct frames_sink sink = { ignore_output, take_frame, q };
	struct awsq_buf text = AWSQ_BUF_INIT(SCRIPT_MAX);
	int rc = job_answer_init(&q->answer, &sink);

	if (rc == 0)
		rc = add(&text, q->answer.mark, id);
	if (rc != 0)
		(void)awsq_err_set(err, rc, "cannot ask the instance: %s", awsq_strerror(rc));
	q->link = link;
	link->until_ms = q->reach_ms;
	if (rc == 0)
		rc = job_answer_ask(&q->answer, link, &text, deadline_ms, cancel_fd, err);
	awsq_buf_free(&text);
	return rc;
}

int job_probe(struct job_sight *sight, struct link *link, const char *id, int64_t deadline_ms,
	int cancel_fd, struct awsq_err *err)
{
	struct question q = { .sight = { .state = JOB_NEVER } };
	int rc;

	link->idle_ms = 0;
	link->connect_ms = 0;
	rc = ask(&q, link, id, script_probe, deadline_ms, cancel_fd, err);
	if (rc != 0)
		return rc;
	*sight = q.sight;
	sight->status = (int)q.answer.last.number[0];
	switch (q.answer.last.kind) {
	case FRAME_END:
		sight->state = JOB_ENDED;
		break;
	case FRAME_GONE:
		sight->state = JOB_GONE;
		break;
	case FRAME_MORE:
		sight->state = JOB_AT_WORK;
		break;
	default:
		sight->state = JOB_NEVER;
	}
	return 0;
}

/*
 * Until reach_ms the instance is to have begun to answer; a link that does not stream is to have
 * brought all of the answer. Not for a cancellation to hurry: this is what that leads to.
 */
static int end_job(int *had_ended, struct link *link, const char *id, int64_t reach_ms,
	int64_t deadline_ms, struct awsq_err *err)
{
	struct question q = { .sight = { .state = JOB_NEVER }, .reach_ms = reach_ms };
	int rc;

	for (;;) {
		int64_t left_ms = (q.reach_ms ? q.reach_ms : deadline_ms) - awsq_mono_ms();

		link->idle_ms = KILL_IDLE_MS;
		link->connect_ms = left_ms < 1                 ? 1
		                   : left_ms < KILL_CONNECT_MS ? left_ms
		                                               : KILL_CONNECT_MS;
		rc = ask(&q, link, id, script_kill, deadline_ms, -1, err);
		if ((rc != AWSQ_ENET && rc != AWSQ_ETIMEDOUT) ||
			awsq_mono_ms() + KILL_RETRY_MS >= (q.reach_ms ? q.reach_ms : deadline_ms))
			break;
		(void)awsq_sleep_ms(KILL_RETRY_MS, -1);
	}
	*had_ended = rc == 0 && q.answer.last.number[1];
	if (rc == 0 && (q.answer.last.kind != FRAME_END || q.answer.last.number[0] != 0))
		rc = awsq_err_set(err, AWSQ_ESERVICE,
			"processes of the job do not end, not even by KILL");
	return rc;
}

int job_stop(struct link *link, const char *id, int64_t deadline_ms, struct awsq_err *err)
{
	int had_ended;

	return end_job(&had_ended, link, id, deadline_ms, deadline_ms, err);
}

int job_end(int *had_ended, struct link *link, const char *id, int is_lost)
{
	int64_t now = awsq_mono_ms();

	return end_job(had_ended, link, id, now + (is_lost ? STOP_LOST_MS : STOP_MS), now + STOP_MS,
		NULL);
}

/* A text of which only the exit status is wanted. refused: what it is that it did not do. */
static int order(struct link *link, const struct awsq_buf *text, const char *refused,
	int64_t deadline_ms, struct awsq_err *err)
{
	int status = 0, rc = awsq_buf_error(text);

	link->idle_ms = 0;
	link->connect_ms = 0;
	link->until_ms = 0;
	if (rc != 0)
		return awsq_err_set(err, rc, "out of memory");
	rc = link->kind->exec(link, &status, awsq_buf_str(text), text->len, NULL, deadline_ms, -1,
		err);
	if (rc == 0 && status != 0)
		rc = awsq_err_set(err, AWSQ_ESERVICE, "the instance did not %s", refused);
	return rc;
}

int job_forget(struct link *link, const char *id, int64_t deadline_ms, struct awsq_err *err)
{
	struct awsq_buf text = AWSQ_BUF_INIT(SCRIPT_MAX);
	int rc;

	(void)script_forget(&text, id);
	rc = order(link, &text, "remove the job's folder: the job still runs", deadline_ms, err);
	awsq_buf_free(&text);
	return rc;
}

int job_hold(struct link *link, const char *id, int64_t hold_ms, int64_t deadline_ms,
	struct awsq_err *err)
{
	struct awsq_buf text = AWSQ_BUF_INIT(SCRIPT_MAX);
	int rc;

	(void)script_hold(&text, id, (hold_ms + 999) / 1000);
	rc = order(link, &text, "put off switching itself off", deadline_ms, err);
	awsq_buf_free(&text);
	return rc;
}

int job_disarm(struct link *link, const char *id, int64_t deadline_ms, struct awsq_err *err)
{
	struct awsq_buf text = AWSQ_BUF_INIT(SCRIPT_MAX);
	int rc;

	(void)script_disarm(&text, id);
	rc = order(link, &text, "cancel its shutdown timer", deadline_ms, err);
	awsq_buf_free(&text);
	return rc;
}
