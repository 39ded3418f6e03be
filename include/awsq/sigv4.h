/*
 * sigv4.h: AWS Signature Version 4 as a pure function of a request, keys and a time.
 *
 * Source: "AWS Signature Version 4 for API requests" in the IAM User Guide
 * (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html). Where that leaves a
 * choice, botocore 1.43.11 (botocore/auth.py, SigV4Auth) decides, and every deviation of botocore
 * from the text is followed: that is what the services have been seen to accept.
 *
 * What the caller must send for the signature to hold: the same method, path, query and body; every
 * header it gave, unchanged, except those that are never signed (below); and the headers that the
 * signer itself adds:
 *
 *	X-Amz-Date: out->date
 *	X-Amz-Security-Token: keys->session_token    (when there is one)
 *	Authorization: out->authorization
 *
 * Only the first two are signed. None of the three may be among the headers given; Host must be. A
 * Date header is signed like any other, where botocore would put it in X-Amz-Date's place.
 *
 * Never signed, because proxies and HTTP libraries change them: Connection, Expect, Keep-Alive,
 * Proxy-Authenticate, Proxy-Authorization, TE, Trailer, Transfer-Encoding, Upgrade, User-Agent,
 * X-Amzn-Trace-Id.
 */
#ifndef AWSQ_SIGV4_H
#define AWSQ_SIGV4_H

#include <stddef.h>
#include <stdint.h>

#include <awsq/buf.h>
#include <awsq/clock.h>
#include <awsq/common.h>
#include <awsq/hash.h>

/* The most bytes that a canonical request may have; the body is not part of it. */
#define AWSQ_SIGV4_MAX 1048576

/* The most bytes that a secret access key may have. */
#define AWSQ_SIGV4_SECRET_MAX 4096

/*
 * S3's rules: the path is signed exactly as given, neither normalised nor encoded a second time.
 * S3 also wants an X-Amz-Content-SHA256 header; the caller gives it like any other.
 */
#define AWSQ_SIGV4_S3 1u

struct awsq_header {
	const char *name;
	const char *value;
};

struct awsq_sigv4_keys {
	const char *access_key_id;
	const char *secret_access_key;
	const char *session_token; /* NULL or "": none */
};

/* A request to be signed. Everything is borrowed for the time of the call only. */
struct awsq_sigv4_request {
	const char *method; /* signed in upper case */
	const char *path;   /* as on the request line, percent-encoded once; "" stands for "/" */
	const char *query;  /* as on the request line, without '?', percent-encoded; NULL: none */
	const struct awsq_header *headers; /* in the order sent; names in any case, may repeat */
	size_t n_headers;
	/* May be NULL when body_len is 0. An X-Amz-Content-SHA256 header is signed in its place. */
	const void *body;
	size_t body_len;
	const char *region;
	const char *service; /* the signing name, such as "ec2" */
	unsigned flags;      /* 0 or AWSQ_SIGV4_S3 */
};

/* A signature and the texts it was made from. */
struct awsq_sigv4 {
	char date[AWSQ_TIME_BASIC];        /* for X-Amz-Date, such as 20150830T123600Z */
	struct awsq_buf canonical_request; /* holds the session token: handle it as a secret */
	struct awsq_buf string_to_sign;
	struct awsq_buf authorization; /* for the Authorization header */
	char signature[AWSQ_SHA256_HEX];
};

AWSQ_BEGIN_DECLS

/*
 * Signs req with keys as of now_seconds (since the epoch), filling out, which the caller frees with
 * awsq_sigv4_free(); after an error it is empty and freeing it does nothing. AWSQ_EINVAL: no Host
 * header, a header that the signer itself adds, a header name that is not one (RFC 9110, section
 * 5.6.2), or a time outside the years 1000 to 9999; AWSQ_ETOOBIG: past the maxima above;
 * AWSQ_ENOMEM. Derived keys are wiped.
 */
int awsq_sigv4_sign(struct awsq_sigv4 *out, const struct awsq_sigv4_request *req,
	const struct awsq_sigv4_keys *keys, int64_t now_seconds);

/* Frees what s holds, wiping it first, and leaves it empty. NULL is allowed. */
void awsq_sigv4_free(struct awsq_sigv4 *s);

AWSQ_END_DECLS

#endif
