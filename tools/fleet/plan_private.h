/*
 * plan_private.h: how the planners write their lists, and the parts of config-region's plan.
 */
#ifndef FLEET_PLAN_PRIVATE_H
#define FLEET_PLAN_PRIVATE_H

#include "fleet/plan.h"

/*
 * Adds an action; id may be NULL, and why is a format. *action is the new one, for more to be set
 * until the next is added; it may be NULL. AWSQ_ENOMEM.
 */
int plan_add(struct plan *p, struct action **action, enum action_kind kind, const char *id,
	const char *why, ...) AWSQ_PRINTF(5, 6);

/* The action's words. */
void plan_say(struct action *a, const char *format, ...) AWSQ_PRINTF(2, 3);

/* A difference of which the strings are copied; NULL and "" stand for nothing. AWSQ_ENOMEM. */
struct differs {
	enum remedy remedy;
	const char *kind, *id; /* "instance", "i-1"; id may be NULL */
	const char *member, *wanted, *found, *hint;
};
int plan_differs(struct plan *p, const struct differs *d);

/* Turn off an instance's protection: against a stop; against being terminated, of either kind. */
int plan_unprotect_stop(struct plan *p, const struct awsq_ec2_instance *i, const char *why);
int plan_unprotect(struct plan *p, const struct observed *o, const struct awsq_ec2_instance *i);

/*
 * Tags a volume that stays when its instance goes, unless it is tagged: what is left has to be
 * known when the instance is gone, also by a command that goes on after this one was killed.
 */
int plan_leave_volume(struct plan *p, const char *fleet, const struct awsq_ec2_volume *v);

/* Says why the plan cannot be carried out. */
void plan_block(struct plan *p, const char *format, ...) AWSQ_PRINTF(2, 3);

/* Leaves only the differences. */
void plan_drop_actions(struct plan *p);

/* ---- Of one region's provisioning */

struct planner {
	struct plan *plan;
	const struct desired *d;
	const struct observed *o;
	const struct region *r;
	const struct plan_options *options;
	const struct config_region *where; /* its settings */
	struct placement place;
	int is_home;
	const struct awsq_ec2_image *image; /* the one that is wanted; NULL: to be copied */
	const struct awsq_ec2_security_group *group;
	struct plan_fate *fates; /* of o's instances: as many, in their order */
	int surplus;             /* there are more than where->count says */
	/* Of the instance that is being looked at: */
	const struct awsq_ec2_instance *instance;
	const struct awsq_ec2_instance *replaced; /* by it, and there still */
	int is_original; /* home's own, which the image was made from: not made from an image */
	int runs;        /* and cannot be stopped for what needs it stopped */
};

struct plan_fate {
	int ordinal;    /* which of the region's it is, as chosen_ordinals() has it */
	int is_renewed; /* this plan makes another in its place */
	int goes;       /* this plan terminates it */
};

/* Each adds its part. The images that are to go, go last: instances are made of them. */
int plan_image(struct planner *p);
int plan_image_wait(struct planner *p);
int plan_old_images(struct planner *p);
int plan_key_pair(struct planner *p);
int plan_group(struct planner *p);
int plan_instances(struct planner *p);

/*
 * An instance that is there: what it differs in and what is done about it, but for the new one that
 * is to take its place, of which its fate is told. Then the parts of making a new one, in the place
 * of old or (NULL) of none; and of terminating one.
 */
int plan_existing(struct planner *p);
int plan_run(struct planner *p, int ordinal, const struct awsq_ec2_instance *old);
int plan_stop_new(struct planner *p, int ordinal);
int plan_terminate(struct planner *p, const struct awsq_ec2_instance *old, const char *why);

/* Whether instances can be made here; blocks the plan when not. */
int plan_has_type(struct planner *p);

/* The fate of one of o's instances. */
struct plan_fate *plan_fate(struct planner *p, const struct awsq_ec2_instance *instance);

/*
 * Two parts of the instance's: what only another instance would change, of which *n is how many
 * differences there are; and what can be changed in place. hint is for the former; it may be NULL.
 */
int plan_lasting(struct planner *p, enum remedy remedy, const char *hint, size_t *n);
int plan_attributes(struct planner *p);

/* Whether a snapshot or volume is encrypted as it should be; kms_key_id (an ARN) may be NULL. */
int plan_is_encrypted(const struct planner *p, int encrypted, const char *kms_key_id);

/*
 * Adopts a thing that does not carry the fleet's tag: made by hand, or by another program. more are
 * two further tags that it should have, or NULL. What carries another fleet's tag is only told of.
 */
int plan_adopt(struct planner *p, const char *kind, const char *id, const struct awsq_ec2_tag *tags,
	size_t n_tags, const struct awsq_ec2_new_tag more[2]);

/* Whether two strings differ; NULL is "". */
int differ(const char *a, const char *b);

#endif
