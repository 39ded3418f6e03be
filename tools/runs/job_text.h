/*
 * job_text.h: the shell text that is sent for a job, and the names SSH has for signals.
 */
#ifndef RUNS_JOB_TEXT_H
#define RUNS_JOB_TEXT_H

#include <stdint.h>

#include <awsq/buf.h>

/*
 * Adds what runs command (for sh -c) as a job. On its stdout it first says "MARK pid N", N leading
 * the session that the job runs in, and last "MARK end STATUS", each on a line. mark has no
 * character that is special to printf or the shell. AWSQ_ETOOBIG past the buffer's maximum.
 */
int job_text_run(struct awsq_buf *text, const char *mark, const char *command);

/*
 * Adds what stops all of the session that pid leads: TERM, up to 5 s, KILL. Exits with 0 when
 * nothing is left of it.
 */
int job_text_kill(struct awsq_buf *text, int64_t pid);

/* Linux's number of a signal that SSH names "TERM", without SIG; 0 for one it does not know. */
int job_text_signal(const char *name);

#endif
