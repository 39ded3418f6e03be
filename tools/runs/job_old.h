/*
 * job_old.h (until run.c uses job.h): a command run as a job on an instance, which never outlives its time.
 *
 * The command is run by sh as the leader of its own session, so that it and all it started there
 * can be stopped: at its timeout, on cancellation, and when its output cannot be passed on. They
 * are sent TERM, and 5 seconds later KILL.
 */
#ifndef RUNS_JOB_OLD_H
#define RUNS_JOB_OLD_H

#include <stdint.h>

#include <awsq/err.h>

#include "ssh/ssh.h"

#define job_run job_run_old

struct job_request {
	const struct ssh_target *target;
	const char *command;        /* for sh -c; at most about 28,000 bytes */
	int64_t timeout_ms;         /* counted from the command's start; 0: none */
	int64_t connect_timeout_ms; /* for reaching the instance, which may still be booting */
	int cancel_fd;              /* -1: none; see ssh.h */
	struct ssh_output output;   /* the job's, byte for byte; write returns 0 or a code */
};

struct job_result {
	/*
	 * As a shell has it: 0 to 255 the job's own (127: no such command); 128 + n ended by
	 * signal n; 124 timed out; 125 could not be run, or its fate is unknown; 128 + 15 canceled
	 * while it ran, 125 before.
	 */
	int status;
	int signal;    /* the signal that ended it, as Linux numbers it; 0: none */
	int timed_out; /* it was stopped at timeout_ms */
	int canceled;  /* it was stopped, or not started, since cancel_fd was readable */
	int started;   /* the command was started */
	int unknown;   /* the link broke while it ran: it may still run, or have ended well */
	int left_over; /* it was to be stopped, but that could not be confirmed */
	int64_t started_ms, ended_ms; /* wall clock; 0: not started */
	uint64_t bytes_out, bytes_err;
};

/*
 * Connects, trying again until connect_timeout_ms while the instance does not answer, runs the
 * command and passes its output on. *result is always filled.
 *
 * 0 when the job came to its own end, with whatever status. Else AWSQ_ETIMEDOUT (by timeout_ms when
 * timed_out is set, else by connect_timeout_ms), AWSQ_ECANCELED, AWSQ_ETOOBIG, what ssh_open
 * returned, AWSQ_ENET when the link broke, the code of output.write, or AWSQ_EINVAL when the login
 * shell ended without running the command; err says it in a sentence.
 */
int job_run(struct job_result *result, const struct job_request *request, struct awsq_err *err);

#endif
