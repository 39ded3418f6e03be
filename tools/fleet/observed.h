/*
 * observed.h: what a region has of the fleet now, read in one round of concurrent calls.
 */
#ifndef FLEET_OBSERVED_H
#define FLEET_OBSERVED_H

#include <stddef.h>

#include <awsq/ec2.h>

#include "fleet/region.h"

/* Tags on all that the fleet makes. */
#define TAG_NAME         "Name"
#define TAG_FLEET        "awsq:fleet"
#define TAG_SOURCE_IMAGE "awsq:source-image"

/* Everything of the fleet's name, in whatever state, as AWS lists it. */
struct observed {
	struct awsq_ec2_instances instances;
	struct awsq_ec2_images images;
	struct awsq_ec2_snapshots snapshots; /* tagged as the fleet's */
	struct awsq_ec2_key_pairs key_pairs;
	struct awsq_ec2_security_groups groups;
	struct awsq_ec2_vpcs vpcs; /* the default VPC, if there is one */
	int in_use; /* a run of this machine has the region now: for the caller to say */
};

/*
 * Reads a region. When any of the calls fails, so does this, and err says which one: what could
 * not be read is never taken for absent. out is freed by observed_free, after an error too.
 */
int observed_read(struct observed *out, struct region *r, struct awsq_err *err);
void observed_free(struct observed *o);

/* An instance that is neither terminated nor about to be. */
int instance_is_live(const struct awsq_ec2_instance *instance);

/* The name of its instance profile, owned by it; NULL when it (or instance) has none. */
const char *instance_profile(const struct awsq_ec2_instance *instance);

/* The fleet's instance: the only live one; NULL when there is none or, with *n > 1, several. */
const struct awsq_ec2_instance *observed_instance(const struct observed *o, size_t *n);

/* The fleet's image, pending or available: likewise. */
const struct awsq_ec2_image *observed_image(const struct observed *o, size_t *n);

/* The id of the default VPC; NULL when the region has none. */
const char *observed_vpc(const struct observed *o);

/* The fleet's security group in the default VPC; NULL when there is none. */
const struct awsq_ec2_security_group *observed_group(const struct observed *o);

/* The fleet's key pair; NULL when there is none. */
const struct awsq_ec2_key_pair *observed_key_pair(const struct observed *o);

/*
 * Calls each once for every snapshot of the fleet: those that its images are made of, and those
 * that carry its tag. snapshot is NULL where only the image tells of it. A result other than 0 ends
 * it.
 */
int observed_each_snapshot(const struct observed *o,
	int (*each)(void *arg, const char *id, int64_t gib,
		const struct awsq_ec2_snapshot *snapshot),
	void *arg);

#endif
