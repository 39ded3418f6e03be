#include "banned.h"

#include <awsq/query.h>

#include <inttypes.h>
#include <stdarg.h>

static const char unreserved[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~";

void awsq_query_escape(struct awsq_buf *q, const char *text)
{
	for (; *text; text++) {
		if (strchr(unreserved, *text))
			awsq_buf_addc(q, *text);
		else
			awsq_buf_addf(q, "%%%02X", (unsigned)(unsigned char)*text);
	}
}

static void add(struct awsq_buf *q, const char *value, const char *format, va_list ap)
{
	char name[128];

	if (!value)
		return;
	/* Names are ours, never a user's: they are short and need no escaping. */
	(void)vsnprintf(name, sizeof(name), format, ap);
	if (q->len > 0)
		awsq_buf_addc(q, '&');
	awsq_buf_adds(q, name);
	awsq_buf_addc(q, '=');
	awsq_query_escape(q, value);
}

void awsq_query_add(struct awsq_buf *q, const char *value, const char *name, ...)
{
	va_list ap;

	va_start(ap, name);
	add(q, value, name, ap);
	va_end(ap);
}

void awsq_query_add_int(struct awsq_buf *q, int64_t value, const char *name, ...)
{
	char digits[24];
	va_list ap;

	(void)snprintf(digits, sizeof(digits), "%" PRId64, value);
	va_start(ap, name);
	add(q, digits, name, ap);
	va_end(ap);
}

void awsq_query_add_bool(struct awsq_buf *q, int value, const char *name, ...)
{
	va_list ap;

	va_start(ap, name);
	add(q, value ? "true" : "false", name, ap);
	va_end(ap);
}
