/*
 * script.h: the shell text that is sent to an instance to start a job there, to follow it and to
 * end it. Each function adds a whole text for struct link_kind's exec, in plain POSIX sh (with what
 * every Linux has: /proc, head -c), to be run as the user whose job it is, with that user's HOME.
 *
 * All but script_forget, script_hold and script_disarm answer on stdout in frames (frames.h) that
 * follow the mark; what comes before it is noise of the login shell. id has letters, digits, '-'
 * and '.' alone. All of them return the buffer's error: AWSQ_ETOOBIG, AWSQ_ENOMEM, or 0.
 */
#ifndef RUNS_SCRIPT_H
#define RUNS_SCRIPT_H

#include <stddef.h>
#include <stdint.h>

#include <awsq/buf.h>

#define SCRIPT_MARK_SIZE 32

/* A new random mark. AWSQ_EIO without randomness. */
int script_mark(char mark[SCRIPT_MARK_SIZE]);

/* How a job is to be followed. */
struct script_view {
	const char *mark;
	const char *id;
	uint64_t offset[2]; /* of stdout and stderr: bytes that were had before */
	/*
	 * 0: output is sent as it comes, and the text ends when the job has. Else for a link that
	 * does not stream: at most so many bytes are answered, as ASCII text (output in base64), as
	 * soon as there is any output, and after SCRIPT_WAIT_S in any case. FRAME_MORE ends such an
	 * answer, unless the job's end does.
	 */
	size_t answer_max;
	int64_t off_after_s; /* following holds off_when_done off for so long from each beat */
};

#define SCRIPT_WAIT_S 5

/* How it is to be started; see struct job_request. */
struct script_job {
	const char *script;
	const char *cleanup, *watch; /* NULL: none */
	int64_t watch_grace_s;
	int64_t timeout_s;    /* 0: none */
	int64_t spare_s;      /* arm sets the timer so much later than the timeout */
	int64_t max_uptime_s; /* 0: no limit */
	int64_t margin_s;     /* of max_uptime_s, and of what arm sets */
	int arm, off_when_done;
};

/* Starts the job, unless this id was started before, and follows it. */
int script_launch(struct awsq_buf *text, const struct script_job *job,
	const struct script_view *view);

/* Follows a job that was started before. */
int script_follow(struct awsq_buf *text, const struct script_view *view);

/* Tells how it stands: FRAME_STARTED, and then one of END, GONE, MORE (it is at work) or NONE. */
int script_probe(struct awsq_buf *text, const char *mark, const char *id);

/*
 * Stops all of the job's session: TERM, up to 5 s, KILL; also before it could begin. Beats while it
 * works; FRAME_END at last: 0 when nothing of it is left, and whether it had ended before.
 */
int script_kill(struct awsq_buf *text, const char *mark, const char *id);

/*
 * Removes the folder of a job that does not run. A mark stays for a week: a launch that is still on
 * its way then starts nothing.
 */
int script_forget(struct awsq_buf *text, const char *id);

/* Holds off_when_done off for so many seconds from now on. */
int script_hold(struct awsq_buf *text, const char *id, int64_t seconds);

/* Cancels the instance's timer, unless another job has been started since. */
int script_disarm(struct awsq_buf *text, const char *id);

#endif
