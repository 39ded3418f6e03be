/*
 * preflight_private.h: what the files of preflight share.
 */
#ifndef FLEET_PREFLIGHT_PRIVATE_H
#define FLEET_PREFLIGHT_PRIVATE_H

#include <awsq/kms.h>
#include <awsq/quotas.h>

#include "fleet/preflight.h"

/* What is read of a region; each by a call of its own, which may fail alone. */
enum {
	READ_NETWORK,
	READ_TYPES,
	READ_IMAGES,
	READ_GROUPS,
	READ_ASSOCIATIONS,
	READ_QUOTA,
	READ_KMS_KEY, /* the last: only where one is named */
	N_READS
};

/* observed holds what could be read, err how each of the reads ended. */
struct reads {
	struct observed observed;
	struct awsq_ec2_profile_associations associations;
	struct awsq_quota quota;
	struct awsq_kms_key kms_key;
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
 * Adds a check of something that could not be read, for the reason in err: CHECK_UNKNOWN where
 * another check tells of a permission that is missing. check_refused decides by err: a refusal is
 * CHECK_FAIL, anything else CHECK_UNKNOWN.
 */
void check_unread(struct checks *c, enum check_result result, const char *name,
	const struct region *r, const struct awsq_err *err);
void check_refused(struct checks *c, const char *name, const struct region *r,
	const struct awsq_err *err);

/* Adds a check for each permission that a dry run can tell of; all are asked for at once. */
void check_permissions(struct checks *out, const struct desired *d, struct region *r,
	const struct reads *reads, const struct placement *place);

/* Adds one for each that has none. */
void check_associations(struct checks *out, struct region *r, const struct reads *reads);

#endif
