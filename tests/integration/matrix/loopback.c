/*
 * loopback.c: loaded before libc (LD_PRELOAD), it keeps a process on this machine. Connections to
 * the addresses at which an instance or a container finds its keys go to the port $LINK_LOCAL of
 * the loopback interface, all others that leave the machine are refused. 127.0.0.2 and all the
 * other addresses of the loopback interface are 127.0.0.1, where the tests' servers are.
 */
#include "banned.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* POSIX has none, and the wrapper for connecting is the function that is replaced here. */
long syscall(long number, ...);

static const char *const link_local[] = { "169.254.169.254", "169.254.170.2", "169.254.170.23",
	"fd00:ec2::254", "fd00:ec2::23" };

static int is_link_local(const char *host)
{
	for (size_t i = 0; i < sizeof(link_local) / sizeof(*link_local); i++) {
		if (strcmp(host, link_local[i]) == 0)
			return 1;
	}
	return 0;
}

static int go_to(int fd, const struct sockaddr *at, socklen_t len)
{
	return (int)syscall(SYS_connect, fd, at, len);
}

/* The port to go to instead, 0 for none. */
static uint16_t other_port(const char *host)
{
	const char *port = getenv("LINK_LOCAL");

	return port && is_link_local(host) ? (uint16_t)strtoul(port, NULL, 10) : 0;
}

static int connect_4(int fd, const struct sockaddr *address)
{
	struct sockaddr_in at;
	char host[INET_ADDRSTRLEN] = "";
	uint16_t port;

	memcpy(&at, address, sizeof(at));
	if (ntohl(at.sin_addr.s_addr) >> 24 == 127) {
		at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		return go_to(fd, (const struct sockaddr *)&at, sizeof(at));
	}
	(void)inet_ntop(AF_INET, &at.sin_addr, host, sizeof(host));
	port = other_port(host);
	if (port == 0)
		return errno = ECONNREFUSED, -1;
	at.sin_port = htons(port);
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return go_to(fd, (const struct sockaddr *)&at, sizeof(at));
}

static int connect_6(int fd, const struct sockaddr *address, socklen_t len)
{
	static const uint8_t mapped[16] = { [10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1 };
	struct sockaddr_in6 at;
	char host[INET6_ADDRSTRLEN] = "";
	uint16_t port;

	memcpy(&at, address, sizeof(at));
	if (IN6_IS_ADDR_LOOPBACK(&at.sin6_addr))
		return go_to(fd, address, len);
	(void)inet_ntop(AF_INET6, &at.sin6_addr, host, sizeof(host));
	port = other_port(host);
	if (port == 0)
		return errno = ECONNREFUSED, -1;
	at.sin6_port = htons(port);
	memcpy(&at.sin6_addr, mapped, sizeof(mapped));
	return go_to(fd, (const struct sockaddr *)&at, sizeof(at));
}

int connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	if (addr && addr->sa_family == AF_INET && len >= sizeof(struct sockaddr_in))
		return connect_4(fd, addr);
	if (addr && addr->sa_family == AF_INET6 && len >= sizeof(struct sockaddr_in6))
		return connect_6(fd, addr, len);
	return go_to(fd, addr, len);
}
