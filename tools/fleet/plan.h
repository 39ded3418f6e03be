/*
 * plan.h: pure functions from what should be and what is to an ordered list of actions, each with
 * its reason. No network, no clock, no files.
 */
#ifndef FLEET_PLAN_H
#define FLEET_PLAN_H

#include <stddef.h>

#include "fleet/desired.h"
#include "fleet/observed.h"

enum action_kind {
	ACTION_DELETE_KEY_PAIR,
	ACTION_DEREGISTER_IMAGE,
	ACTION_COPY_IMAGE,
	ACTION_IMPORT_KEY_PAIR,
	ACTION_CREATE_GROUP,
	ACTION_REVOKE_INGRESS,
	ACTION_REVOKE_EGRESS,
	ACTION_AUTHORIZE_INGRESS,
	ACTION_AUTHORIZE_EGRESS,
	ACTION_WAIT_IMAGE,
	ACTION_RUN_INSTANCE,
	ACTION_STOP_INSTANCE, /* or wait until it has stopped */
	ACTION_TERMINATE_INSTANCE,
	ACTION_DELETE_SNAPSHOT,
	ACTION_DELETE_GROUP
};

struct action {
	enum action_kind kind;
	char id[136];       /* of what it acts on, or its name; "" for what is to be made */
	char what[320];     /* in words: "copy image ami-1 from us-west-2" */
	char why[256];      /* the difference it removes: "no image named 'NAVO'" */
	struct rules rules; /* of the four that change rules; borrowed strings */
};

struct plan {
	struct action *actions;
	size_t n;
	/* Differences that no action removes: each a sentence. */
	char (*notes)[320];
	size_t n_notes;
	char blocked[320]; /* why the plan cannot be carried out; "" when it can */
};

/* What config-region has to do. What d and o hold must outlive the plan. AWSQ_ENOMEM. */
int plan_provision(struct plan *out, const struct desired *d, const struct observed *o,
	const struct region *r);

/* What clear-region has to do: everything of the fleet, whatever subset there is. AWSQ_ENOMEM. */
int plan_teardown(struct plan *out, const struct observed *o);

void plan_free(struct plan *p);

/* Whether the action changes anything at AWS, or only waits. */
int action_is_change(const struct action *a);

/* The sign that a plan's line begins with: '+' makes, '~' changes, '-' removes, '=' waits. */
char action_sign(const struct action *a);

#endif
