/*
 * sshpair.h: a key pair and its arithmetic (OpenSSL behind a few plain functions); sshkey.h is what
 * others use.
 */
#ifndef SSH_SSHPAIR_H
#define SSH_SSHPAIR_H

#include <stddef.h>

#include <awsq/buf.h>

#include "ssh/sshwire.h"

struct sshpair;

/*
 * Two ways to a pair, which is for sshpair_free: a PEM text; and the fields of a key in OpenSSH's
 * format from its type on, which are taken off w. AWSQ_EPARSE when damaged, AWSQ_EINVAL when of a
 * type or on a curve that is not supported, AWSQ_ECREDENTIALS when a passphrase is needed,
 * AWSQ_ENOMEM.
 */
int sshpair_read_pem(struct sshpair **out, const char *text, size_t len);
int sshpair_read_fields(struct sshpair **out, struct sshwire *w);

void sshpair_free(struct sshpair *pair);

/*
 * What sshkey_type and sshkey_algorithm say of a public half alone. AWSQ_EINVAL when it is of
 * another type, AWSQ_EPARSE when it is damaged.
 */
int sshpair_describe(const char **type, const char **algorithm, const struct awsq_buf *blob);

/* As sshkey_blob, and as sshkey_sign with a private half. */
int sshpair_blob(struct awsq_buf *blob, const struct sshpair *pair);
int sshpair_sign(struct awsq_buf *out, const struct sshpair *pair, const void *data, size_t len);

#endif
