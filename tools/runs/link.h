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

struct link;

struct link_kind {
	/*
	 * Runs text by sh, which gets all of it or nothing, in a way that shows in no process list
	 * (its stdin is at its end). What it writes to stdout goes to out as it arrives (or, where the link cannot stream, at its end); its
	 * stderr is for the log. *status is its exit status. AWSQ_ENET and AWSQ_ETIMEDOUT: the link
	 * is down, or it broke: what became of the text is not known, and another try may do.
	 * AWSQ_ECANCELED. Else as ssh_open says: another try is of no use.
	 */
	int (*exec)(struct link *link, int *status, const char *text, size_t len,
		const struct ssh_output *out, int64_t deadline_ms, int cancel_fd,
		struct awsq_err *err);
	void (*close)(struct link *link);
	size_t answer_max; /* bytes of stdout that one exec may bring, as text; 0: streams any number */
};

/*
 * The first member of each kind's own struct. The caller sets the limits between two calls of exec;
 * a link that does not stream, and does not connect, may ignore those.
 */
struct link {
	const struct link_kind *kind;
	int64_t connect_ms; /* an attempt to connect is given up after; 0: 20 s */
	int64_t idle_ms;  /* one that is quiet for so long is broken: AWSQ_ETIMEDOUT; 0: no limit */
	int64_t until_ms; /* a second deadline, which out->write may set or move; 0: none */
	int sent;         /* set by exec: the text was handed over, whatever became of it */
};

/* Nothing is connected before the first exec. The target's parts have to live as long as the link. */
int link_ssh_new(struct link **out, const struct ssh_target *target, struct awsq_err *err);

/* Closes and frees; NULL is allowed. */
void link_close(struct link *link);

#endif
