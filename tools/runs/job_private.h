/*
 * job_private.h: what job.c and job_control.c share: one text of script.h sent to an instance, and
 * the frame that its answer ends with.
 */
#ifndef RUNS_JOB_PRIVATE_H
#define RUNS_JOB_PRIVATE_H

#include <stdint.h>

#include <awsq/buf.h>
#include <awsq/err.h>

#include "runs/frames.h"
#include "runs/link.h"
#include "runs/script.h"

/* The longest text: a command of 256 KiB and its environment, and what is around them. */
#define SCRIPT_MAX ((size_t)32 << 20)

struct job_answer {
	char mark[SCRIPT_MARK_SIZE];
	struct frames frames;
	struct frame last; /* its text is in text */
	int has_last;
	char text[256];
};

/* Makes an answer that is still to come, and its mark. sink: see frames.h. AWSQ_EIO. */
int job_answer_init(struct job_answer *a, const struct frames_sink *sink);

/* For sink->frame: keeps any but BEAT and STARTED as the last one, and ends the answer. */
int job_answer_take(struct job_answer *a, const struct frame *frame);

/*
 * Sends a text and takes its answer apart. 0 when has_last; else what exec or sink returned, or
 * AWSQ_EPARSE: the text ended without saying how, err with a sentence.
 */
int job_answer_ask(struct job_answer *a, struct link *link, const struct awsq_buf *text,
	int64_t deadline_ms, int cancel_fd, struct awsq_err *err);

/*
 * job_stop in the time that it takes; where the link is_lost, the instance is not reached for as
 * long. *had_ended: it had come to its own end before.
 */
int job_end(int *had_ended, struct link *link, const char *id, int is_lost);

/* Cancels the instance's timer that the job's start set. */
int job_disarm(struct link *link, const char *id, int64_t deadline_ms, struct awsq_err *err);

#endif
