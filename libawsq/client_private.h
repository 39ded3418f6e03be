/*
 * client_private.h: a client's parts, for client.c, which makes it, and call.c, which uses it.
 */
#ifndef CLIENT_PRIVATE_H
#define CLIENT_PRIVATE_H

#include "http.h"

#include <awsq/client.h>
#include <awsq/endpoint.h>
#include <awsq/retry.h>

struct awsq_client {
	char region[AWSQ_REGION_SIZE];
	struct awsq_client_options options; /* with the defaults filled in */
	struct http *http;
	struct awsq_retry_bucket bucket;
	/*
	 * AWS was asked too often: before this time, on the clock's mono_ms, no call sends its
	 * first attempt or asks for another page.
	 */
	int64_t quiet_until_ms;
	int64_t run_ends_ms; /* when the run under way has to be over, on the clock's mono_ms */
	int64_t skew_ms;     /* AWS's clock minus ours, once we were told that ours is wrong */
	int cancel_fd;
	int64_t deadline_ms; /* of all runs, on the clock's mono_ms; 0: none */
};

/* Where service answers for this client. */
int client_endpoint(struct awsq_endpoint *out, const struct awsq_client *client,
	const char *service, struct awsq_err *err);

#endif
