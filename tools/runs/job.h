/*
 * job.h: a command that runs on an instance as a job, which does not need the link it was started
 * over: it is followed from there on, by whatever link, as often as that breaks, and never outlives
 * its time.
 *
 * It is run by sh in a session of its own, so that it and all that it started there can be stopped:
 * at its timeout, on cancellation, and when its output cannot be passed on. They are sent TERM, and
 * 5 seconds later KILL. Its stdin is empty, and its output is kept on the instance, in
 * ~/.awsq/runs/ID, until job_forget.
 */
#ifndef RUNS_JOB_H
#define RUNS_JOB_H

#include <stddef.h>
#include <stdint.h>

#include <awsq/err.h>
#include <awsq/log.h>

#include "runs/link.h"

enum job_event {
	JOB_STARTED,   /* it runs, or ran already (also with a new link: once) */
	JOB_LINK_LOST, /* text says why; it is being reached for */
	JOB_LINK_BACK
};

struct job_request {
	struct link *link;
	const char *host;   /* for messages: the instance's id */
	const char *id;     /* of its folder there: letters, digits, '-' and '.' */
	const char *script; /* for sh; NULL: it was started before, only take it up again */
	const char
		*cleanup;  /* for sh, when it was ended from outside (see command.h); NULL: none */
	const char *watch; /* ERE; it ends when no process on the instance matches; NULL: none */
	int64_t watch_grace_ms;     /* for the first to match, after the script's end */
	int64_t timeout_ms;         /* from the job's start on the instance; 0: none */
	int64_t connect_timeout_ms; /* for reaching the instance at first: it may be booting */
	int64_t max_uptime_ms;      /* it ends a margin before the instance has been on so long */
	int arm;           /* set the instance's own shutdown timer, somewhat past the timeout */
	int64_t spare_ms;  /* and so much later, within max_uptime: for what is done afterwards */
	int disarm;        /* and cancel it when the job has ended and was followed to its end */
	int off_when_done; /* the instance switches itself off when the job has ended and nobody
	                      has followed, nor held it (job_hold), for off_after_ms */
	int64_t off_after_ms; /* 0: two minutes */
	int cancel_fd;        /* -1: none; see ssh.h */
	uint64_t offset[2];   /* how much of stdout and stderr the caller has already */
	/* The job's, byte for byte. Its patience is the job's: to its timeout and cancel_fd. */
	struct ssh_output output;
	/*
	 * Asked soon after the link was lost, and every 15 s while it is down; nonzero ends the
	 * wait, and is returned. NULL.
	 */
	int (*still_on)(void *arg, struct awsq_err *err);
	void (*event)(void *arg, enum job_event event, const char *text); /* NULL */
	void *arg;                                                        /* of both */
	const struct awsq_log *log;                                       /* NULL */
};

struct job_result {
	/*
	 * As a shell has it: 0 to 255 the job's own (127: no such command); 128 + n ended by
	 * signal n; 124 timed out; 125 could not be run, or its fate is unknown; 128 + 15 canceled
	 * while it ran, 125 before.
	 */
	int status;
	int signal;    /* the signal that ended it, as Linux numbers it; 0: none */
	int timed_out; /* it was stopped, as its time was over */
	int canceled;  /* it was stopped, or not started, since cancel_fd was readable */
	int started;   /* it was started */
	int unknown;   /* it may still run, or have ended well: nobody can tell, or not now */
	int left_over; /* it was to be stopped, but that could not be confirmed */
	int cut;       /* some of its output was lost, as the instance's disk was full */
	int reconnects;
	int64_t uptime_ms;            /* of the instance, when it was heard from first */
	int64_t started_ms, ended_ms; /* wall clock, by this machine; 0: not started */
	uint64_t bytes[2]; /* of stdout and stderr, passed on by this call, after offset */
};

/*
 * Runs the job, or takes it up again, and passes its output on to its end; the output of a job that
 * was started before under the same id is that of the first start: no id is started twice. *result
 * is always filled.
 *
 * 0 when the job came to its own end, with whatever status. Else AWSQ_ETIMEDOUT (its time was over
 * when timed_out is set; else the instance was not reached), AWSQ_ECANCELED, what link's exec
 * returned when another try was of no use, AWSQ_ENET when the instance was not reached,
 * AWSQ_ENOTFOUND when a job to be taken up is not there, AWSQ_ESERVICE when it ended and nobody
 * saw how (killed with all around it, or the instance rebooted), AWSQ_EIO when it could not be set
 * up on the instance, AWSQ_EINVAL when the login shell does not run what it is given, the code of
 * output.write or still_on; err says it in a sentence.
 */
int job_run(struct job_result *result, const struct job_request *request, struct awsq_err *err);

enum job_state {
	JOB_NEVER, /* the instance knows of none with this id */
	JOB_AT_WORK,
	JOB_ENDED, /* with a status */
	JOB_GONE   /* no end was written, and nothing of it is left: killed, or a reboot */
};

struct job_sight {
	enum job_state state;
	int status;        /* of JOB_ENDED */
	int64_t uptime_ms; /* of the instance */
	int64_t age_ms;    /* since the job's start; 0 when it is not known */
};

/* How a job stands. What exec returns, or AWSQ_EPARSE: an answer that makes no sense. */
int job_probe(struct job_sight *sight, struct link *link, const char *id, int64_t deadline_ms,
	int cancel_fd, struct awsq_err *err);

/*
 * Ends a job from outside; one that is not there will not start under this id any more. 0 when
 * nothing of it runs, AWSQ_ESERVICE when that could not be brought about, else as exec.
 */
int job_stop(struct link *link, const char *id, int64_t deadline_ms, struct awsq_err *err);

/* Removes a job's folder, if it has ended. Those left are removed 7 days later, by a launch. */
int job_forget(struct link *link, const char *id, int64_t deadline_ms, struct awsq_err *err);

/* Keeps an instance with off_when_done from switching itself off for so long from now on. */
int job_hold(struct link *link, const char *id, int64_t hold_ms, int64_t deadline_ms,
	struct awsq_err *err);

#endif
