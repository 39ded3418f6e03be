/*
 * ssh_session.h: what ssh.c and ssh_exec.c share; the only ones that include libssh2. Others use
 * ssh.h.
 */
#ifndef SSH_SSH_SESSION_H
#define SSH_SSH_SESSION_H

#include <stdint.h>

#include <libssh2.h>

#include <awsq/err.h>

struct ssh {
	int fd;
	LIBSSH2_SESSION *session;
	char *host; /* for messages */
};

/*
 * Waits for what libssh2 waits for, after it said EAGAIN. 0, AWSQ_ETIMEDOUT or AWSQ_ECANCELED.
 */
int ssh_wait(struct ssh *s, int64_t deadline_ms, int cancel_fd);

/*
 * Records the end of a wait (AWSQ_ETIMEDOUT, AWSQ_ECANCELED), or else libssh2's last error as
 * AWSQ_ENET: "lost the connection to 'host' while WHAT". Returns the code.
 */
int ssh_fail(struct ssh *s, int code, const char *what, struct awsq_err *err);

/*
 * Repeats a libssh2 call (an expression that gives its code) until it does not say EAGAIN, into rc:
 * its own code, which is negative, or, as *waited, that of a wait that ended too early.
 */
#define SSH_REPEAT(rc, waited, s, deadline_ms, cancel_fd, call)               \
	do {                                                                  \
		(waited) = 0;                                                 \
		while (((rc) = (call)) == LIBSSH2_ERROR_EAGAIN) {             \
			(waited) = ssh_wait((s), (deadline_ms), (cancel_fd)); \
			if ((waited) != 0)                                    \
				break;                                        \
		}                                                             \
	} while (0)

#endif
