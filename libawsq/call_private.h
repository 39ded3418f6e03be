/*
 * call_private.h: a call under way, for call.c, which moves it on, and call_sign.c, which signs and
 * sends each attempt.
 */
#ifndef CALL_PRIVATE_H
#define CALL_PRIVATE_H

#include "client_private.h"

enum phase {
	WAITING, /* for its time to be sent */
	FLYING,  /* sent */
	ENDED
};

struct running {
	struct awsq_client *client;
	struct awsq_call *call;
	enum phase phase;
	int64_t due_ms;  /* when to send, on the monotonic clock */
	size_t base_len; /* of the body without the token of a page */

	int attempt; /* for this page, from 1 */
	int skew_corrected;
	int renewed; /* AWS refused the credentials, and there were others */
	const struct awsq_credentials *keys; /* of the latest attempt; NULL: it was not signed */
	struct awsq_credentials own;         /* a source's copy of them */
	int64_t signed_at_ms;                /* wall clock, as corrected then */
	int64_t skew_ms;                     /* the correction that was in it */
	struct awsq_retry retry;

	struct awsq_endpoint endpoint;
	struct http_exchange exchange;
	struct awsq_xml *xml;       /* of an answer that is a success */
	struct awsq_buf json;       /* the same, of a JSON API: it is read when it is whole */
	struct awsq_buf error_body; /* of one that is not */
	void *page;                 /* what is filled from the answer */
};

/*
 * Takes the credentials and the time of this moment, signs and starts the exchange. After an error
 * the call's err is filled, unless the code says it all.
 */
int call_send(struct running *r,
	int (*on_body)(void *arg, int status, const char *data, size_t len), int64_t timeout_ms);

/*
 * Whether AWS has refused the credentials of the latest attempt, and there are others by now: then
 * the call, of which nothing was done, can be sent again. Once for each call. Where the look for
 * others was canceled, the call's err says that.
 */
int call_renew_keys(struct running *r);

/* An answer may quote the request, with the session token in it: that is nobody's to read. */
void call_mask_keys(const struct running *r, struct awsq_err *err);

#endif
