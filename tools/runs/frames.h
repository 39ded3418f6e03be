/*
 * frames.h: what an instance answers to script.h's texts, taken apart. Pure.
 *
 * Frames come after a mark, and what comes before that is passed over: lines, of which the first
 * two are followed by bytes.
 *
 *   o N, e N     N bytes of the job's stdout, stderr
 *   O N, E N     the same in base64: lines, and one with a dot after them
 *   t            a beat: the job is being followed
 *   s UP AGE     it was started AGE seconds ago; the instance has been on for UP seconds
 *   end N CUT    it ended with status N; CUT is 1 when the disk was full and output was lost
 *   gone         its end was not written, and nothing of it runs
 *   more         there may be more, but not in this answer
 *   no TEXT      it could not be started
 *   late UP      it was not started, as the instance has been on too long
 *   none         there is no such job
 */
#ifndef RUNS_FRAMES_H
#define RUNS_FRAMES_H

#include <stddef.h>
#include <stdint.h>

enum frame_kind {
	FRAME_BEAT,
	FRAME_STARTED, /* number: UP, AGE */
	FRAME_END,     /* number: status, CUT */
	FRAME_GONE,
	FRAME_MORE,
	FRAME_REFUSED, /* text */
	FRAME_LATE,    /* number: UP */
	FRAME_NONE
};

struct frame {
	enum frame_kind kind;
	int64_t number[2];
	const char *text; /* "" but for FRAME_REFUSED; until the callback returns */
};

struct frames_sink {
	/* Bytes of output, in pieces as they come. A nonzero result ends frames_take. */
	int (*data)(void *arg, int is_stderr, const void *data, size_t len);
	/* Any other frame. A nonzero result ends frames_take. */
	int (*frame)(void *arg, const struct frame *frame);
	void *arg;
};

struct frames {
	const struct frames_sink *sink;
	char mark[40];  /* with the line's end */
	size_t matched; /* bytes of the mark seen; all of them: frames follow */
	char line[256];
	size_t len;
	uint64_t left; /* bytes of output still to come in this frame */
	int is_stderr; /* whose */
	int is_base64; /* in lines */
};

/* sink has to live as long as f. */
void frames_init(struct frames *f, const char *mark, const struct frames_sink *sink);

/* Whether the mark was seen. */
int frames_begun(const struct frames *f);

/* Takes bytes as they came. 0, the nonzero result of a callback, or AWSQ_EPARSE: no frames. */
int frames_take(struct frames *f, const void *data, size_t len);

#endif
