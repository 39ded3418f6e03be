/*
 * sshwire.h: SSH's binary forms (RFC 4251, section 5), read from and added to bytes.
 */
#ifndef SSH_SSHWIRE_H
#define SSH_SSHWIRE_H

#include <stddef.h>
#include <stdint.h>

#include <awsq/buf.h>

/* Bytes that belong to someone else: those still to be read, or a string found among them. */
struct sshwire {
	const uint8_t *data;
	size_t len;
};

/* Each takes a value off the front of w. AWSQ_EPARSE, with w as it was, when it is not all there.
 */
int sshwire_get_u32(uint32_t *out, struct sshwire *w);
int sshwire_get_string(struct sshwire *out, struct sshwire *w);

/* Whether s holds exactly the characters of text. */
int sshwire_equals(const struct sshwire *s, const char *text);

/* Add a number of four bytes, a string, and len big-endian bytes as a non-negative mpint. */
void sshwire_add_u32(struct awsq_buf *out, uint32_t value);
void sshwire_add_string(struct awsq_buf *out, const void *data, size_t len);
void sshwire_add_mpint(struct awsq_buf *out, const uint8_t *number, size_t len);

#endif
