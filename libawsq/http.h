/*
 * http.h: HTTP over libcurl, many exchanges at once, each with a deadline and a cap on its answer.
 *
 * TLS certificates are always verified. One struct http belongs to one thread.
 */
#ifndef HTTP_H
#define HTTP_H

#include <stddef.h>
#include <stdint.h>

#include <awsq/buf.h>
#include <awsq/sigv4.h>

#include "proxy.h"

struct http;

/* Copied. */
struct http_options {
	const char *ca_bundle; /* PEM file of trusted certificates; NULL: the system's */
	const char *user_agent;
	struct proxies proxies; /* the environment's have no say of their own */
};

/* One request and its answer. Zero it, fill the first part, and keep it until it is done. */
struct http_exchange {
	const char *url;
	const char *method;                /* NULL: POST; not HEAD */
	const struct awsq_header *headers; /* beside those that HTTP itself needs */
	size_t n_headers;
	const char *body;
	size_t body_len;
	int64_t connect_timeout_ms;
	int64_t timeout_ms; /* for the whole exchange */
	size_t max_answer;  /* bytes; more is AWSQ_ETOOBIG */
	int direct;         /* never by way of a proxy */
	int only_once;      /* not to be sent again by itself, should an idle connection be dead */
	/* Takes the answer's body as it arrives, status being known; a code ends the exchange. */
	int (*on_body)(void *arg, int status, const char *data, size_t len);
	void *arg;

	int result;             /* 0: an answer arrived whole, whatever its status; or a code */
	int status;             /* HTTP's; 0 without an answer */
	int nothing_sent;       /* the failure came before a byte of the request could be read */
	int64_t server_seconds; /* the answer's Date; 0 when it has none */
	char message[256];      /* why result is not 0 */
	int done;

	struct http_transfer *transfer; /* private */
};

/* Once in a program, before other threads: libcurl's own state. */
int http_global_init(void);
void http_global_free(void);

int http_new(struct http **out, const struct http_options *options);

/* Ends what is under way. */
void http_free(struct http *h);

/*
 * Starts an exchange. When it cannot, nothing is under way: AWSQ_ENOMEM; AWSQ_EINVAL, with x's
 * message, when what is set as its proxy is none.
 */
int http_start(struct http *h, struct http_exchange *x);

/*
 * Moves all exchanges on until one is done, timeout_ms has passed or cancel_fd (-1: none) is
 * readable: then AWSQ_ECANCELED, and 0 otherwise. Those that are done have `done` set.
 */
int http_wait(struct http *h, int64_t timeout_ms, int cancel_fd);

/* Ends an exchange under way, or tidies up one that is done: to be called once for each. */
void http_end(struct http *h, struct http_exchange *x);

#endif
