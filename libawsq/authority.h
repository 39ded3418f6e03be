/*
 * authority.h: the host and port in a URL's authority (RFC 3986, section 3.2), of endpoints and of
 * proxies.
 */
#ifndef AUTHORITY_H
#define AUTHORITY_H

#include <stddef.h>
#include <stdint.h>

/* Room for a host: a name of 253 characters, or an address in brackets, and its NUL. */
#define AUTHORITY_HOST_SIZE 254

/*
 * Reads "HOST" or "HOST:PORT" of len bytes, without user and password. host, which has room for
 * AUTHORITY_HOST_SIZE, gets the name in lower case, or the IPv6 address in its brackets; *port is 0
 * when there is none. AWSQ_EINVAL when it is not an authority.
 */
int authority_parse(char *host, int64_t *port, const char *text, size_t len);

#endif
