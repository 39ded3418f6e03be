#include "banned.h"

#include "ssh/ssh.h"
#include "ssh/ssh_net.h"

#include <awsq/clock.h>

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* For one address: a booting instance drops what comes early, and a new attempt finds it sooner. */
#define CONNECT_MS 4000

#define DEAD_AFTER_MS 30000

#define BANNER_MS 2000 /* for a server's first words, once it has taken the connection */

int ssh_net_wait(int fd, short events, int64_t deadline_ms, int cancel_fd)
{
	struct pollfd p[2] = { { .fd = cancel_fd, .events = POLLIN, .revents = 0 },
		{ .fd = fd, .events = events, .revents = 0 } };

	for (;;) {
		int64_t left = deadline_ms - awsq_mono_ms();
		int n;

		/* Polled even when no time is left: cancellation comes first. */
		n = poll(p, 2, left > 0 ? (int)(left > 60000 ? 60000 : left) : 0);
		if (n > 0 && p[0].revents)
			return AWSQ_ECANCELED;
		if (n > 0)
			return 0;
		if (left <= 0)
			return AWSQ_ETIMEDOUT;
	}
}

int ssh_net_check(int64_t deadline_ms, int cancel_fd)
{
	/* poll passes over a descriptor of -1, so that only the rest can end it. */
	int rc = ssh_net_wait(-1, 0, 0, cancel_fd);

	return rc == AWSQ_ETIMEDOUT && awsq_mono_ms() < deadline_ms ? 0 : rc;
}

int ssh_net_is_broken(int fd)
{
	char byte;
	ssize_t n = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	return n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

static void set_option(int fd, int level, int name, int value)
{
	/* All of these only make things better: a system without one does without. */
	(void)setsockopt(fd, level, name, &value, sizeof(value));
}

/* An unanswered byte or probe ends the connection: libssh2 itself never notices a dead link. */
static void set_options(int fd)
{
	set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
#ifdef TCP_KEEPIDLE
	set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, 10);
	set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, 5);
	set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 4);
#endif
#ifdef TCP_USER_TIMEOUT
	set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, DEAD_AFTER_MS);
#endif
}

/* Connects to one address. The cause is left in errno when it is AWSQ_ENET. */
static int connect_one(int *out, const struct addrinfo *address, int64_t deadline_ms, int cancel_fd)
{
	int64_t limit = awsq_mono_ms() + CONNECT_MS;
	socklen_t len = sizeof(errno);
	int fd, cause = 0, rc = 0;

	fd = socket(address->ai_family, address->ai_socktype, address->ai_protocol);
	if (fd < 0)
		return AWSQ_ENET;
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 || fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
		cause = errno;
	set_options(fd);
	if (cause == 0 && connect(fd, address->ai_addr, address->ai_addrlen) != 0) {
		cause = errno;
		if (cause == EINPROGRESS) {
			rc = ssh_net_wait(fd, POLLOUT, limit < deadline_ms ? limit : deadline_ms,
				cancel_fd);
			if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &cause, &len) != 0)
				cause = errno;
		}
	}
	if (rc == 0 && cause == 0) {
		*out = fd;
		return 0;
	}
	(void)close(fd);
	if (rc == 0)
		rc = cause == ETIMEDOUT ? AWSQ_ETIMEDOUT : AWSQ_ENET;
	errno = cause;
	return rc;
}

static int resolve(struct addrinfo **out, const char *host, int port, struct awsq_err *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	char service[16];
	int rc;

	(void)snprintf(service, sizeof(service), "%d", port);
	rc = getaddrinfo(host, service, &hints, out);
	if (rc == 0)
		return 0;
	return awsq_err_set(err, rc == EAI_NONAME ? AWSQ_ENOTFOUND : AWSQ_ENET,
		"cannot find the address of '%s': %s", host, gai_strerror(rc));
}

static int explain(int code, const char *host, int port, struct awsq_err *err)
{
	switch (code) {
	case AWSQ_ECANCELED:
		return awsq_err_set(err, code, "canceled while connecting to '%s'", host);
	case AWSQ_ETIMEDOUT:
		return awsq_err_set(err, code,
			"cannot connect to '%s': no answer on port %d (is it still booting, or "
			"does its "
			"security group keep this machine out?)",
			host, port);
	default:
		return awsq_err_set(err, code, "cannot connect to '%s' port %d: %s", host, port,
			strerror(errno));
	}
}

int ssh_net_connect(int *fd, const char *host, int port, int64_t deadline_ms, int cancel_fd,
	struct awsq_err *err)
{
	struct addrinfo *addresses = NULL;
	int rc;

	rc = resolve(&addresses, host, port, err);
	if (rc != 0)
		return rc;
	for (const struct addrinfo *a = addresses; a; a = a->ai_next) {
		rc = connect_one(fd, a, deadline_ms, cancel_fd);
		if (rc == 0 || rc == AWSQ_ECANCELED)
			break;
	}
	if (rc != 0)
		rc = explain(rc, host, port, err);
	freeaddrinfo(addresses);
	return rc;
}

/* Reads up to the banner's "SSH-"; a server may send other lines before it (RFC 4253, 4.2). */
static int read_banner(int fd, int64_t deadline_ms, int cancel_fd)
{
	char text[2048];
	size_t len = 0;

	while (len < sizeof(text) - 1) {
		int rc = ssh_net_wait(fd, POLLIN, deadline_ms, cancel_fd);
		ssize_t n;

		if (rc != 0)
			return rc;
		n = recv(fd, text + len, sizeof(text) - 1 - len, 0);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n <= 0)
			return AWSQ_ENET;
		len += (size_t)n;
		text[len] = '\0';
		if (strncmp(text, "SSH-", 4) == 0 || strstr(text, "\nSSH-"))
			return 0;
	}
	return AWSQ_ENET;
}

int ssh_port_answers(const char *host, int port, int timeout_ms, int cancel_fd)
{
	int64_t deadline_ms = awsq_mono_ms() + timeout_ms;
	int fd = -1, rc;

	rc = ssh_net_connect(&fd, host, port, deadline_ms, cancel_fd, NULL);
	if (rc != 0)
		return rc;
	/* Who has answered at all may take its time. */
	rc = read_banner(fd, deadline_ms + BANNER_MS, cancel_fd);
	(void)close(fd);
	return rc;
}
