/*
 * job_stream.h: a job's output on its way, out of which the lines are taken that the shell around
 * the job puts there (see job_text.h). Everything else is passed on byte for byte, also what a
 * login shell's start-up files print before.
 */
#ifndef RUNS_JOB_STREAM_H
#define RUNS_JOB_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "ssh/ssh.h"

struct job_stream {
	const struct ssh_output *output;
	char mark[32]; /* printf's form of what begins a line of ours; random, so unlike output */
	char bytes_of[32]; /* the bytes it stands for */
	char held[96];     /* bytes that may be, or are, the start of such a line */
	size_t held_len;
	int64_t pid; /* of the session's leader; 0: not told yet */
	int ended;   /* its end was told, with status */
	int status;
	int error;         /* what output->write returned; nothing more is given to it then */
	int until_pid;     /* stop with AWSQ_ECANCELED as soon as the pid is told */
	uint64_t bytes[2]; /* passed on: stdout, stderr */
};

/* Makes a stream that passes on to output, with a mark of its own. AWSQ_EIO without randomness. */
int job_stream_init(struct job_stream *s, const struct ssh_output *output);

/* Takes output, as the write of struct ssh_output; arg is the stream. */
int job_stream_write(void *arg, int is_stderr, const void *data, size_t len);

/* Passes on what was held back, at the end. */
void job_stream_end(struct job_stream *s);

#endif
