/*
 * err.h: result codes, and the record of what went wrong.
 *
 * A function that can fail returns 0 or one of the negative codes below. Those that can say more
 * also fill a struct awsq_err that the caller owns; it has no parts to free, and passing NULL for
 * it is always allowed. What AWS said stays text, since new error codes appear without notice.
 */
#ifndef AWSQ_ERR_H
#define AWSQ_ERR_H

#include <stddef.h>

#include <awsq/common.h>

enum awsq_code {
	AWSQ_OK = 0,
	AWSQ_ENOMEM = -1,        /* out of memory */
	AWSQ_EINVAL = -2,        /* an argument or a setting is not usable */
	AWSQ_ETOOBIG = -3,       /* something is larger than its cap */
	AWSQ_EPARSE = -4,        /* text that should have a form does not have it */
	AWSQ_EIO = -5,           /* a file or descriptor could not be read or written */
	AWSQ_ENET = -6,          /* no connection, or it broke */
	AWSQ_ETIMEDOUT = -7,     /* a deadline passed */
	AWSQ_ETLS = -8,          /* the peer's certificate or the TLS handshake was refused */
	AWSQ_ESERVICE = -9,      /* AWS answered, with an error: see aws_code */
	AWSQ_ECREDENTIALS = -10, /* no usable credentials */
	AWSQ_ECANCELED = -11,    /* the caller asked to stop */
	AWSQ_ENOTFOUND = -12     /* what was asked for is not there */
};

struct awsq_err {
	int code;            /* enum awsq_code */
	int http_status;     /* of the last answer; 0 when there was none */
	char aws_code[80];   /* AWS's error code, such as "UnauthorizedOperation"; "" when none */
	char request_id[64]; /* AWS's request id; "" when none */
	char action[64];     /* the call that failed, as policies name it: "ec2:CopyImage"; or "" */
	char message[1024];  /* what happened, in a sentence without a full stop; raw server text */
};

AWSQ_BEGIN_DECLS

/* A short description of a code, such as "out of memory". Static; never NULL. */
const char *awsq_strerror(int code);

/* Empties err. */
void awsq_err_clear(struct awsq_err *err);

/*
 * Puts code and a formatted message (truncated to fit) into err, emptying the rest, and returns
 * code, so that a failing function can end with `return awsq_err_set(err, AWSQ_EPARSE, ...)`.
 */
int awsq_err_set(struct awsq_err *err, int code, const char *format, ...) AWSQ_PRINTF(3, 4);

#ifdef __clang_analyzer__
/* What the analyzer cannot see from here: the result is code. */
#define awsq_err_set(err, code, ...) ((awsq_err_set)((err), (code), __VA_ARGS__), (code))
#endif

/* Whether err holds an error from AWS whose code is aws_code. */
int awsq_err_is(const struct awsq_err *err, const char *aws_code);

/* Whether err holds AWS's answer that the caller lacks a permission. */
int awsq_err_is_denied(const struct awsq_err *err);

/*
 * Writes the permission that an error which awsq_err_is_denied lacks to out (cut off to fit): the
 * one that AWS's message names, since a call may need more than its own (RunInstances with tags
 * needs ec2:CreateTags), or else the call's action; "" when neither is known.
 */
void awsq_err_missing_permission(char *out, size_t size, const struct awsq_err *err);

AWSQ_END_DECLS

#endif
