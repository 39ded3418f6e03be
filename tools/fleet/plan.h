/*
 * plan.h: pure functions from what should be and what is to the differences between the two, and to
 * an ordered list of actions, each with its reason. No network, no clock, no files.
 */
#ifndef FLEET_PLAN_H
#define FLEET_PLAN_H

#include <stddef.h>

#include "fleet/desired.h"
#include "fleet/observed.h"

/* Each is one call that changes something, but those that wait. */
enum action_kind {
	ACTION_TAG,
	ACTION_DELETE_KEY_PAIR,
	ACTION_IMPORT_KEY_PAIR,
	ACTION_CREATE_GROUP,
	ACTION_REVOKE_INGRESS,
	ACTION_REVOKE_EGRESS,
	ACTION_AUTHORIZE_INGRESS,
	ACTION_AUTHORIZE_EGRESS,
	ACTION_DELETE_GROUP,
	ACTION_COPY_IMAGE,
	ACTION_WAIT_IMAGE,
	ACTION_DEREGISTER_IMAGE, /* and delete its snapshots */
	ACTION_DELETE_SNAPSHOT,
	ACTION_RUN_INSTANCE,
	ACTION_STOP_INSTANCE, /* or wait until it has stopped */
	ACTION_TERMINATE_INSTANCE,
	ACTION_MODIFY_TYPE,
	ACTION_MODIFY_USER_DATA,
	ACTION_MODIFY_SHUTDOWN,
	ACTION_MODIFY_GROUP,
	ACTION_MODIFY_METADATA,
	ACTION_UNPROTECT_STOP,
	ACTION_UNPROTECT_TERMINATION,
	ACTION_ASSOCIATE_PROFILE,
	ACTION_REPLACE_PROFILE,
	ACTION_DISASSOCIATE_PROFILE,
	ACTION_DELETE_VOLUME,
	N_ACTIONS
};

struct action {
	enum action_kind kind;
	char id[260];       /* of what it acts on, or its name; "" for what is to be made */
	char what[320];     /* in words: "copy image ami-1 from us-west-2" */
	char why[256];      /* the reason: "no image named 'NAVO'" */
	char value[136];    /* of what is made or modified: type, name, id of the replaced one */
	int ordinal;        /* of a new instance: which of the region's it is, from 1 */
	struct rules rules; /* of the four that change rules; borrowed strings */
	struct awsq_ec2_new_tag tags[5]; /* of ACTION_TAG; borrowed strings */
	int renews; /* what it removes is to be made anew, and not given back */
};

/* What becomes of a difference. */
enum remedy {
	REMEDY_APPLY,   /* config-region removes it */
	REMEDY_REPLACE, /* config-region --replace does */
	REMEDY_LIFT,    /* config-region --lift-protection does */
	REMEDY_HAND     /* nothing here does: see hint */
};

struct difference {
	enum remedy remedy;
	char subject[288]; /* "instance i-1" */
	char member[320];  /* "type", a rule; "" when it is there or not as a whole */
	char wanted[256];
	char found[256];
	char hint[900]; /* more about it, or what to do; may be "" */
};

struct plan {
	struct action *actions;
	size_t n;
	struct difference *differences;
	size_t n_differences;
	char blocked[640]; /* why the plan cannot be carried out; "" when it can */
	/* Where instances are made, and of what, as far as it is there: "" when not. */
	char image_id[64];
	char group_id[64];
	char vpc_id[64];
	char subnet_id[64];
	char zone[64];
};

struct plan_options {
	int replace;         /* make a new instance where only that would do */
	int lift_protection; /* from being stopped or terminated */
	int64_t keep_images; /* older copies of the image that stay */
};

/*
 * What config-region has to do in r. What d and o hold must outlive the plan. A plan that is
 * blocked has no actions. AWSQ_ENOMEM.
 */
int plan_provision(struct plan *out, const struct desired *d, const struct observed *o,
	const struct region *r, const struct plan_options *options);

/* What clear-region has to do: everything of the fleet, whatever subset there is. AWSQ_ENOMEM. */
int plan_teardown(struct plan *out, const struct observed *o, const struct plan_options *options);

void plan_free(struct plan *p);

/* Whether the action changes anything at AWS, or only waits. */
int action_is_change(const struct action *a);

/* The sign that a plan's line begins with: '+' makes, '~' changes, '-' removes, '=' waits. */
char action_sign(const struct action *a);

/* The API action that carries it out, such as "CopyImage"; "" for one that waits. Static. */
const char *action_api(const struct action *a);

/* Adds a difference in a line: "instance i-1: type: wanted t3.micro, found t2.nano (...)". */
void difference_describe(struct awsq_buf *out, const struct difference *d);

/* A remedy as a word: "apply", "replace", "lift-protection" or "by-hand". Static. */
const char *remedy_word(enum remedy remedy);

#endif
