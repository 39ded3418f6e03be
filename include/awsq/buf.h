/*
 * buf.h: a growable string of bytes with a mandatory maximum.
 *
 * Errors stick: after an addition that failed (no memory, or past the maximum) the buffer is empty,
 * further additions do nothing, and awsq_buf_error() tells. A whole text can so be built without a
 * check at each step and judged once at the end. The data always ends with a NUL that len does not
 * count.
 */
#ifndef AWSQ_BUF_H
#define AWSQ_BUF_H

#include <stddef.h>

#include <awsq/common.h>

struct awsq_buf {
	char *data; /* NULL until the first addition: read it with awsq_buf_str() */
	size_t len; /* bytes in use */
	size_t cap; /* bytes allocated */
	size_t max; /* bytes it may hold at the most */
	int error;  /* 0, AWSQ_ENOMEM or AWSQ_ETOOBIG */
};

/* clang-format off */
#define AWSQ_BUF_INIT(maximum) { NULL, 0, 0, (maximum), 0 }
/* clang-format on */

AWSQ_BEGIN_DECLS

/* Makes b an empty buffer of at most max bytes. Allocates nothing. */
void awsq_buf_init(struct awsq_buf *b, size_t max);

/* Frees the memory and leaves an empty, usable buffer. */
void awsq_buf_free(struct awsq_buf *b);

/* The same, overwriting what it held first: for secrets. */
void awsq_buf_wipe(struct awsq_buf *b);

/* Empties b, keeping its memory and forgetting its error. */
void awsq_buf_reset(struct awsq_buf *b);

/* Cuts b down to len bytes; a longer len changes nothing. */
void awsq_buf_truncate(struct awsq_buf *b, size_t len);

/* Additions at the end: bytes, a C string, one byte, formatted text. */
void awsq_buf_add(struct awsq_buf *b, const void *data, size_t len);
void awsq_buf_adds(struct awsq_buf *b, const char *s);
void awsq_buf_addc(struct awsq_buf *b, char c);
void awsq_buf_addf(struct awsq_buf *b, const char *format, ...) AWSQ_PRINTF(2, 3);

/* 0, or the code of the first addition that failed. */
int awsq_buf_error(const struct awsq_buf *b);

/* The contents as a C string, owned by b; "" when empty. */
const char *awsq_buf_str(const struct awsq_buf *b);

/* Hands the contents over as a malloc'ed C string and empties b; NULL after an error. */
char *awsq_buf_take(struct awsq_buf *b);

/* Overwrites len bytes in a way that the compiler does not leave out. */
void awsq_wipe(void *data, size_t len);

AWSQ_END_DECLS

#endif
