/*
 * ssh_net.h: what ssh.c needs of TCP: a connection, and waiting. Deadlines and cancel_fd are as in
 * ssh.h.
 */
#ifndef SSH_SSH_NET_H
#define SSH_SSH_NET_H

#include <stdint.h>

#include <awsq/err.h>

/*
 * Connects to host (an address or a name); *fd is non-blocking and the caller's. A link that goes
 * dead later fails within about 30 s. AWSQ_ENET, AWSQ_ETIMEDOUT, AWSQ_ENOTFOUND, AWSQ_ECANCELED.
 */
int ssh_net_connect(int *fd, const char *host, int port, int64_t deadline_ms, int cancel_fd,
	struct awsq_err *err);

/*
 * Waits until fd is ready for events (as poll has them), or broken: 0. AWSQ_ETIMEDOUT;
 * AWSQ_ECANCELED, even when fd is ready.
 */
int ssh_net_wait(int fd, short events, int64_t deadline_ms, int cancel_fd);

/* Whether it is time to stop, without waiting: 0, AWSQ_ECANCELED or AWSQ_ETIMEDOUT. */
int ssh_net_check(int64_t deadline_ms, int cancel_fd);

/* Whether the other side has hung up, with nothing left to read. */
int ssh_net_is_broken(int fd);

#endif
