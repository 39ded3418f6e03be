/*
 * observed.h: what a region has of the fleet now, read in two rounds of concurrent calls.
 */
#ifndef FLEET_OBSERVED_H
#define FLEET_OBSERVED_H

#include <stddef.h>

#include <awsq/ec2.h>

#include "fleet/region.h"

/* Tags on all that the fleet makes. */
#define TAG_NAME  "Name"
#define TAG_FLEET "awsq:fleet"
/* On images and their snapshots: what they are copies of. */
#define TAG_SOURCE_IMAGE  "awsq:source-image"
#define TAG_SOURCE_REGION "awsq:source-region"
/*
 * On instances: the fingerprint of the key they were made with; the one they take over from; and,
 * from the second of a region on, as which of them they were made.
 */
#define TAG_KEY      "awsq:key"
#define TAG_REPLACES "awsq:replaces"
#define TAG_ORDINAL  "awsq:ordinal"

/*
 * Everything of the fleet, in whatever state, as AWS lists it. The fleet's is what carries its tag;
 * and what has its name and carries no fleet's tag: made by hand, or by an older program.
 */
struct observed {
	const char *fleet; /* the name; borrowed, as image_name */
	struct awsq_ec2_instances instances;
	struct awsq_ec2_instance_attributes *attributes; /* of instances: as many, in their order */
	struct awsq_ec2_images images;
	struct awsq_ec2_snapshots snapshots; /* tagged as the fleet's */
	struct awsq_ec2_volumes volumes;     /* tagged, or attached to the fleet's instances */
	struct awsq_ec2_key_pairs key_pairs;
	struct awsq_ec2_security_groups groups; /* all of the region: rules name them */

	/* What the region offers; not read for a teardown. */
	struct awsq_ec2_vpcs vpcs;           /* the default VPC, or those that regions.cfg names */
	struct awsq_ec2_subnets subnets;     /* those that regions.cfg names; or all of its VPC */
	struct awsq_ec2_offerings offerings; /* of regions.cfg's types */
	struct awsq_ec2_prefix_lists prefix_lists;

	int in_use; /* a run of this machine has the region now: for the caller to say */
};

enum observe { OBSERVE_FLEET, OBSERVE_ALL };

/*
 * Reads a region: the fleet's things, or (OBSERVE_ALL) also what the region offers. When any of the
 * calls fails, so does this, and err says which one: what could not be read is never taken for
 * absent. An instance that only some of the calls know is read again, for some seconds. out is
 * freed by observed_free, after an error too.
 */
int observed_read(struct observed *out, struct region *r, enum observe what, struct awsq_err *err);
void observed_free(struct observed *o);

/*
 * Only the fleet's instances, in one round. list is zeroed before, and freed by the caller, after
 * an error too.
 */
int observed_read_instances(struct awsq_ec2_instances *list, struct region *r,
	struct awsq_err *err);

#endif
