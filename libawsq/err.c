#include "banned.h"

#include <awsq/err.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *awsq_strerror(int code)
{
	switch (code) {
	case AWSQ_OK:
		return "success";
	case AWSQ_ENOMEM:
		return "out of memory";
	case AWSQ_EINVAL:
		return "invalid argument";
	case AWSQ_ETOOBIG:
		return "larger than its limit";
	case AWSQ_EPARSE:
		return "malformed text";
	case AWSQ_EIO:
		return "input/output error";
	case AWSQ_ENET:
		return "network error";
	case AWSQ_ETIMEDOUT:
		return "timed out";
	case AWSQ_ETLS:
		return "TLS error";
	case AWSQ_ESERVICE:
		return "error answer from AWS";
	case AWSQ_ECREDENTIALS:
		return "no usable credentials";
	case AWSQ_ECANCELED:
		return "canceled";
	case AWSQ_ENOTFOUND:
		return "not found";
	default:
		return "unknown error";
	}
}

void awsq_err_clear(struct awsq_err *err)
{
	if (err)
		memset(err, 0, sizeof(*err));
}

int(awsq_err_set)(struct awsq_err *err, int code, const char *format, ...)
{
	va_list ap;

	if (!err)
		return code;
	awsq_err_clear(err);
	err->code = code;
	va_start(ap, format);
	(void)vsnprintf(err->message, sizeof(err->message), format, ap);
	va_end(ap);
	return code;
}

int awsq_err_is(const struct awsq_err *err, const char *aws_code)
{
	return err && err->code == AWSQ_ESERVICE && strcmp(err->aws_code, aws_code) == 0;
}

int awsq_err_is_denied(const struct awsq_err *err)
{
	static const char *const codes[] = { "UnauthorizedOperation", "AccessDenied",
		"AccessDeniedException", "UnauthorizedAccess", "Client.UnauthorizedOperation" };

	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
		if (awsq_err_is(err, codes[i]))
			return 1;
	}
	return 0;
}

/* The length of a permission such as "ec2:CreateTags" at the beginning of text; 0 if none is. */
static size_t permission_len(const char *text)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	static const char service[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
	size_t len = strspn(text, service), action;

	if (len == 0 || text[len] != ':')
		return 0;
	action = strspn(text + len + 1, letters);
	return action == 0 ? 0 : len + 1 + action;
}

void awsq_err_missing_permission(char *out, size_t size, const struct awsq_err *err)
{
	static const char before[] = "not authorized to perform: ";
	const char *name = err ? strstr(err->message, before) : NULL;
	size_t len = name ? permission_len(name + strlen(before)) : 0;

	if (len > 0)
		(void)snprintf(out, size, "%.*s", (int)len, name + strlen(before));
	else
		(void)snprintf(out, size, "%s", err ? err->action : "");
}
