/*
 * chosen.h: which of the things that were observed are meant. Pure: nothing is read here.
 */
#ifndef FLEET_CHOSEN_H
#define FLEET_CHOSEN_H

#include "fleet/observed.h"
#include "fleet/rules.h"

/*
 * Whether a thing with this name and these tags is the fleet's: it carries its tag; or it has its
 * name, and carries no fleet's tag.
 */
int is_fleets(const char *fleet, const char *name, const struct awsq_ec2_tag *tags, size_t n_tags);

/* Whether it carries the fleet's tag: what does not was made by hand. */
int is_tagged(const char *fleet, const struct awsq_ec2_tag *tags, size_t n_tags);

/* The same for an instance, by its Name tag. */
int instance_is_fleets(const char *fleet, const struct awsq_ec2_instance *instance);

/*
 * The same for an image, by the name of the fleet's image: at home that may have a star in it;
 * elsewhere an image that carries no tag is only taken for the fleet's by its full name, as it may
 * be removed.
 */
int image_is_fleets(const struct config *c, int is_home, const struct awsq_ec2_image *image);

/* An instance that is neither terminated nor about to be. */
int instance_is_live(const struct awsq_ec2_instance *instance);

/*
 * Whether one of the list counts as the fleet's: it is live, and no other live one was made to
 * replace it.
 */
int instance_counts(const struct awsq_ec2_instances *list,
	const struct awsq_ec2_instance *instance);

/* The live one that it was made to replace, and that is there still; NULL when there is none. */
const struct awsq_ec2_instance *instance_replaced(const struct awsq_ec2_instances *list,
	const struct awsq_ec2_instance *instance);

/*
 * Which of a region's instances each is, counted from 1, into as many ordinals as the list has
 * items; 0: it does not count. Up to wanted each number is given once: to the one that was made as
 * it, else to any other, the one with the lowest id first. Those too many have numbers above that.
 */
void chosen_ordinals(int *ordinals, const struct awsq_ec2_instances *list, int wanted);

/* As which one config-region made it; 0 for one that someone made by hand. */
int instance_ordinal(const struct awsq_ec2_instance *instance);

/* The name of its instance profile, owned by it; NULL when it (or instance) has none. */
const char *instance_profile(const struct awsq_ec2_instance *instance);

/*
 * The profile that all which count have, as instance_profile(); NULL when they have none. *n is how
 * many count; *differ whether theirs are not all the same, and the first one's is the result.
 */
const char *chosen_profile(const struct awsq_ec2_instances *list, size_t *n, int *differ);

/* The attributes of an instance of o's. */
const struct awsq_ec2_instance_attributes *observed_attributes(const struct observed *o,
	const struct awsq_ec2_instance *instance);

/*
 * Whether an instance of o's is protected from being terminated. Protection against a stop is one
 * against that as well (Amazon EC2 User Guide, "Enable stop protection for your EC2 instances").
 */
int instance_is_protected(const struct observed *o, const struct awsq_ec2_instance *instance);

/* The volume with this id; NULL when it was not observed. */
const struct awsq_ec2_volume *observed_volume(const struct observed *o, const char *id);

/* The snapshot with this id, if it carries the fleet's tag; NULL when not. */
const struct awsq_ec2_snapshot *observed_snapshot(const struct observed *o, const char *id);

/* The image that an image is a copy of, as far as it is known; NULL when not. */
const char *image_source(const struct awsq_ec2_image *image);

/* Whether the image can be used, or will be: it is available or pending. */
int image_is_usable(const struct awsq_ec2_image *image);

/*
 * Whether image is a copy of source, which is home's: it says so; or it does not say what it is a
 * copy of, but has source's name and is not older.
 */
int image_is_copy(const struct awsq_ec2_image *image, const struct awsq_ec2_image *source);

/* Where instances go: ids borrowed from what was observed. */
struct placement {
	const char *vpc_id;    /* NULL: see error */
	const char *subnet_id; /* NULL: left to EC2, in the default VPC */
	const char *zone;      /* of the subnet; NULL without */
	char error[400];       /* why there is no place: "" when there is one */
};

void chosen_placement(struct placement *out, const struct observed *o,
	const struct config_region *place, const char *region);

/* The fleet's security group in a VPC; NULL when there is none. */
const struct awsq_ec2_security_group *chosen_group(const struct observed *o, const char *vpc_id);

/* The key pair of the fleet's name; NULL when there is none. */
const struct awsq_ec2_key_pair *chosen_key_pair(const struct observed *o);

/* Whether the region (or, where zone is not NULL, that zone) offers an instance type. */
int type_is_offered(const struct observed *o, const char *type, const char *zone);

/* What a VPC's rules call things in this region: see rules.h. */
struct rule_names observed_rule_names(const struct observed *o, const char *region,
	const char *vpc_id);

/*
 * Calls each once for every snapshot of the fleet: those that its images are made of, and those
 * that carry its tag. snapshot is NULL where only the image tells of it; image is NULL where none
 * of the fleet's images is made of it. A result other than 0 ends it.
 */
typedef int each_snapshot(void *arg, const char *id, int64_t gib,
	const struct awsq_ec2_snapshot *snapshot, const struct awsq_ec2_image *image);
int observed_each_snapshot(const struct observed *o, each_snapshot *each, void *arg);

#endif
