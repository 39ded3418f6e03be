/*
 * link.h: a way to run short pieces of shell on an instance: SSH, or SSM's SendCommand. A link
 * connects by itself, and again after it broke. It belongs to one thread.
 */
#ifndef RUNS_LINK_H
#define RUNS_LINK_H

#include <stddef.h>
#include <stdint.h>

#include <awsq/err.h>

#include "ssh/ssh.h"

struct instance;
struct link;
struct region;

struct link_kind {
	/*
	 * Runs text by sh, which gets all of it or nothing, in a way that shows in no process list
	 * (its stdin is at its end). What it writes to stdout goes to out as it arrives (or, where
	 * the link cannot stream, at its end); its stderr is for the log. *status is its exit
	 * status. AWSQ_ENET and AWSQ_ETIMEDOUT: the link is down, or it broke: what became of the
	 * text is not known, and another try may do. AWSQ_ECANCELED. Else as ssh_open says: another
	 * try is of no use.
	 */
	int (*exec)(struct link *link, int *status, const char *text, size_t len,
		const struct ssh_output *out, int64_t deadline_ms, int cancel_fd,
		struct awsq_err *err);
	void (*close)(struct link *link);
	size_t answer_max; /* bytes of stdout that one exec may bring, as text; 0: any, streaming */
};

/* Of two times, or two lengths of time. */
static inline int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/*
 * The first member of each kind's own struct. The caller sets the limits between two calls of exec;
 * a link that does not stream, and does not connect, may ignore those.
 */
struct link {
	const struct link_kind *kind;
	int64_t connect_ms; /* an attempt to connect is given up after; 0: 20 s */
	int64_t idle_ms;    /* one so long quiet is broken: AWSQ_ETIMEDOUT; 0: no limit */
	int64_t until_ms;   /* a second deadline, which out->write may set or move; 0: none */
	int sent;           /* set by exec: the text was, or may have been, handed over */
};

/* Nothing is connected before the first exec. The target's parts have to outlive the link. */
int link_ssh_new(struct link **out, const struct ssh_target *target, struct awsq_err *err);

/*
 * Over Systems Manager: texts are run as job.user by the agent on the instance, which needs no
 * address, no open port and no key. r and the id have to live as long as the link; exec makes calls
 * by r, and keeps to its own deadline and cancel_fd as it does.
 */
int link_ssm_new(struct link **out, struct region *r, const char *instance_id,
	struct awsq_err *err);

/*
 * What instance_wait_ssh is for SSH: waits until the agent is online, for job.connect_timeout at
 * the most, and sees to it that the instance still runs.
 */
int link_ssm_wait(struct instance *i, struct region *r, struct awsq_err *err);

/* Closes and frees; NULL is allowed. */
void link_close(struct link *link);

#endif
