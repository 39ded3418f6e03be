#include "banned.h"

#include <awsq/buf.h>
#include <awsq/err.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 64

/* Called through a variable that might hold anything, memset cannot be left out as dead. */
static void *(*const volatile overwrite)(void *data, int byte, size_t len) = memset;

void awsq_wipe(void *data, size_t len)
{
	if (len > 0)
		(void)overwrite(data, 0, len);
}

void awsq_buf_init(struct awsq_buf *b, size_t max)
{
	*b = (struct awsq_buf)AWSQ_BUF_INIT(max);
}

void awsq_buf_free(struct awsq_buf *b)
{
	free(b->data);
	awsq_buf_init(b, b->max);
}

void awsq_buf_wipe(struct awsq_buf *b)
{
	if (b->data)
		awsq_wipe(b->data, b->cap);
	awsq_buf_free(b);
}

void awsq_buf_reset(struct awsq_buf *b)
{
	b->error = 0;
	awsq_buf_truncate(b, 0);
}

void awsq_buf_truncate(struct awsq_buf *b, size_t len)
{
	if (!b->data || len > b->len)
		return;
	b->len = len;
	b->data[len] = '\0';
}

static void fail(struct awsq_buf *b, int code)
{
	awsq_buf_truncate(b, 0);
	b->error = code;
}

/*
 * Makes room for len more bytes and the NUL. The old memory is wiped as it is left behind, since a
 * buffer does not know whether what it holds is a secret.
 */
static int reserve(struct awsq_buf *b, size_t len)
{
	size_t cap = b->cap ? b->cap : FIRST_CAPACITY;
	char *data;

	if (b->error)
		return b->error;
	if (len > b->max || b->len > b->max - len) {
		fail(b, AWSQ_ETOOBIG);
		return b->error;
	}
	if (b->data && b->len + len < b->cap)
		return 0;
	while (cap <= b->len + len)
		cap *= 2;
	data = malloc(cap);
	if (!data) {
		fail(b, AWSQ_ENOMEM);
		return b->error;
	}
	if (b->data) {
		memcpy(data, b->data, b->len + 1);
		awsq_wipe(b->data, b->cap);
		free(b->data);
	}
	b->data = data;
	b->cap = cap;
	return 0;
}

void awsq_buf_add(struct awsq_buf *b, const void *data, size_t len)
{
	if (reserve(b, len) != 0)
		return;
	if (len > 0)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
}

void awsq_buf_adds(struct awsq_buf *b, const char *s)
{
	awsq_buf_add(b, s, strlen(s));
}

void awsq_buf_addc(struct awsq_buf *b, char c)
{
	awsq_buf_add(b, &c, 1);
}

void awsq_buf_addf(struct awsq_buf *b, const char *format, ...)
{
	va_list ap;
	int len;

	va_start(ap, format);
	len = vsnprintf(NULL, 0, format, ap);
	va_end(ap);
	if (len < 0) {
		fail(b, AWSQ_ENOMEM);
		return;
	}
	if (reserve(b, (size_t)len) != 0)
		return;
	va_start(ap, format);
	(void)vsnprintf(b->data + b->len, (size_t)len + 1, format, ap);
	va_end(ap);
	b->len += (size_t)len;
}

int awsq_buf_error(const struct awsq_buf *b)
{
	return b->error;
}

const char *awsq_buf_str(const struct awsq_buf *b)
{
	return b->data ? b->data : "";
}

char *awsq_buf_take(struct awsq_buf *b)
{
	char *data;

	awsq_buf_add(b, "", 0);
	if (b->error)
		return NULL;
	data = b->data;
	awsq_buf_init(b, b->max);
	return data;
}
