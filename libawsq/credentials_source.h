/*
 * credentials_source.h: how a source of credentials is made, whatever it gets them from.
 */
#ifndef CREDENTIALS_SOURCE_H
#define CREDENTIALS_SOURCE_H

#include <awsq/credentials.h>

struct credentials_maker {
	/*
	 * Gets credentials. first is true until it was 0 once. Called by one thread at a time,
	 * without the source's lock. Ends with an error soon after cancel_fd (-1: none) is
	 * readable.
	 */
	int (*load)(void *arg, struct awsq_credentials *out, int first, int cancel_fd,
		struct awsq_err *err);
	void (*free)(void *arg);
	void *arg; /* owned by the source */
};

/*
 * Takes maker->arg over, after an error too. clock and log as in the options; settings are how to
 * reach AWS, for clients that are given the source and none themselves, borrowed; NULL: there are
 * none. AWSQ_ENOMEM.
 */
int credentials_source_make(struct awsq_credentials_source **out,
	const struct credentials_maker *maker, const struct awsq_settings *settings,
	const struct awsq_clock *clock, const struct awsq_log *log, struct awsq_err *err);

/*
 * The same as awsq_credentials_source_renew(), ended as awsq_credentials_source_get_until() is:
 * with AWSQ_ECANCELED in the place of the answer.
 */
int credentials_source_renew(struct awsq_credentials_source *source, int cancel_fd,
	const struct awsq_credentials *refused);

/* The settings it was made with. */
const struct awsq_settings *
credentials_source_settings(const struct awsq_credentials_source *source);

#endif
