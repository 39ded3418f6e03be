/*
 * fetch.h: one HTTP exchange, where there is no AWS service behind it that signs and retries: a
 * ping, or a local endpoint that hands out credentials.
 */
#ifndef AWSQ_FETCH_H
#define AWSQ_FETCH_H

#include <stddef.h>
#include <stdint.h>

#include <awsq/buf.h>
#include <awsq/common.h>
#include <awsq/err.h>
#include <awsq/sigv4.h>

/* What to fetch, all of it borrowed. Zero but for url will do. */
struct awsq_fetch {
	const char *url;                   /* http or https */
	const char *method;                /* GET (NULL), PUT, POST or DELETE */
	const struct awsq_header *headers; /* beside those that HTTP itself needs */
	size_t n_headers;
	const void *body; /* for PUT and POST */
	size_t body_len;
	int64_t timeout_ms;    /* for all of it; 0: 10 seconds */
	size_t max_answer;     /* bytes; 0: 64 KiB */
	int direct;            /* no proxy, whatever the environment says: for local endpoints */
	const char *ca_bundle; /* as struct awsq_settings has it; NULL: the system's */
	int cancel_fd;         /* -1: none. 0, as everything else zeroed, is none too */
};

AWSQ_BEGIN_DECLS

/*
 * Fetches, once; redirections are not followed. 0 when an answer came whole: *status (HTTP's) may
 * be any, and body, which the caller made (its own maximum holds too; NULL drops it), has what
 * was answered. AWSQ_EINVAL for a URL or method that is none, or a line break in a header;
 * AWSQ_ENET, AWSQ_ETIMEDOUT, AWSQ_ETLS, AWSQ_ETOOBIG, AWSQ_ECANCELED, AWSQ_ENOMEM: err says why,
 * without the URL, which may be secret.
 * awsq_global_init() comes before.
 */
int awsq_fetch(int *status, struct awsq_buf *body, const struct awsq_fetch *request,
	struct awsq_err *err);

AWSQ_END_DECLS

#endif
