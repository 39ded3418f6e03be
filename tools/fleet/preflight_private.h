/*
 * preflight_private.h: what the files of preflight share.
 */
#ifndef FLEET_PREFLIGHT_PRIVATE_H
#define FLEET_PREFLIGHT_PRIVATE_H

#include "fleet/preflight.h"

/* What is read of a region; each by a call of its own, which may fail alone. */
enum { READ_NETWORK, READ_TYPES, READ_IMAGES, READ_GROUPS, N_READS };

/* observed holds what could be read, err how each of the reads ended. */
struct reads {
	struct observed observed;
	struct awsq_err err[N_READS];
	struct awsq_err instances_err;
};

/* Never fails as a whole. reads_free frees. */
void reads_do(struct reads *out, struct region *r);
void reads_free(struct reads *reads);

/* Adds a check; the format gives its detail. */
struct check *check_add(struct checks *c, enum check_result result, const char *name,
	const char *format, ...) AWSQ_PRINTF(4, 5);

/*
 * Adds a check of something that could not be read: unknown; what to do about it stands with the
 * permission or the region.
 */
void check_unread(struct checks *c, const char *name, const struct region *r,
	const struct awsq_err *err);

#endif
