/*
 * knownhosts.h: the host keys seen so far, in a file of OpenSSH's known_hosts form (sshd(8)), under
 * any name: here an instance's id, since its address changes at each start.
 *
 * Lines that are not understood are passed over, as are hashed names and certificate authorities;
 * @revoked is honoured. The file is locked (flock) while it is read or added to, so that threads
 * and processes may share it. A file that is not there is an empty one.
 */
#ifndef SSH_KNOWNHOSTS_H
#define SSH_KNOWNHOSTS_H

#include <stddef.h>

#include <awsq/buf.h>
#include <awsq/err.h>

#include "ssh/sshwire.h"

/* Adds the types of the keys kept for name to types, each followed by a comma. AWSQ_EIO. */
int knownhosts_types(struct awsq_buf *types, const char *path, const char *name,
	struct awsq_err *err);

/*
 * Whether the key (SSH's wire form, len bytes) is the one kept for name: 0 if so, AWSQ_ENOTFOUND
 * when none is kept, AWSQ_EINVAL when another is or this one is revoked (err says where, and how to
 * remove it), AWSQ_EIO.
 */
int knownhosts_check(const char *path, const char *name, const void *key, size_t len,
	struct awsq_err *err);

/*
 * Keeps all n keys of a host for name, unless something is kept for it by now: then it is 0 when
 * that is one of them, and else as knownhosts_check.
 */
int knownhosts_add(const char *path, const char *name, const struct sshwire *keys, size_t n,
	struct awsq_err *err);

#endif
