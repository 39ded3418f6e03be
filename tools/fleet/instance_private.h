/*
 * instance_private.h: what the files of instance.h share.
 */
#ifndef FLEET_INSTANCE_PRIVATE_H
#define FLEET_INSTANCE_PRIVATE_H

#include "fleet/instance.h"

/* How many looks may still show what was before something was asked for. */
#define SETTLE_LOOKS 13

/* Whether it is in that state. */
int instance_is(const struct instance *i, const char *state);

/* Whether it is terminated, or about to be. */
int instance_is_gone(const struct instance *i);

/* Copies text, "" for NULL, as far as it fits. */
void instance_set_text(char *out, size_t size, const char *text);

/* Sleeps ms before the next look, but not past the deadline: then AWSQ_ETIMEDOUT, and why. */
int instance_pause(const struct instance *i, struct region *r, int64_t ms, int64_t deadline_ms,
	const char *wanted, struct awsq_err *err);

#endif
