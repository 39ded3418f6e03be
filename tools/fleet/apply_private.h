/*
 * apply_private.h: what the carrying out of one plan knows by now, and the actions, by subject:
 * images (apply_image.c), instances (apply_instance.c), what is set on things that are there
 * (apply_set.c), and keys, groups and removing (apply.c).
 */
#ifndef FLEET_APPLY_PRIVATE_H
#define FLEET_APPLY_PRIVATE_H

#include "fleet/apply.h"
#include "fleet/instance.h"

/* A new instance. */
struct apply_new {
	char id[64]; /* "": not made */
	int on;      /* not known to be stopped since */
	int told;    /* to stop */
};

struct apply {
	struct region *r;
	const struct desired *d;
	const struct observed *o;
	const struct plan *plan;
	/* Found, or made on the way. */
	char image_id[64];
	char group_id[64];
	struct apply_new made[CONFIG_COUNT_MAX + 1]; /* instances, by their ordinals */
	int stops_prepared;
};

typedef int apply_action(struct apply *a, const struct action *action, struct awsq_err *err);

apply_action apply_copy_image;
apply_action apply_wait_image;
apply_action apply_deregister_image;
apply_action apply_run_instance;
apply_action apply_stop_instance;

/* After an action went wrong: stops what was made before, with the plan's own actions. */
void apply_stop_made(struct apply *a);

apply_action apply_terminate_instance;
apply_action apply_set;
apply_action apply_profile;

/* A token for call, which must not carry one yet: the same again if this is killed and repeated. */
int apply_token(struct apply *a, const struct awsq_call *call, char *token, struct awsq_err *err);

/* Takes the id of what was made; an answer without one is an error that names the kind. */
int apply_take_id(char *id, size_t size, const struct awsq_ec2_created *made, const char *kind,
	struct awsq_err *err);

/* Makes err, if rc is one, a sentence about the action; returns rc. */
int apply_explain(struct apply *a, const struct action *action, int rc, struct awsq_err *err);

/* Whether AWS says that what was to be removed is not there: then there is nothing to do. */
int apply_is_gone(const struct awsq_err *err);

/* Name and fleet, and up to three more: what everything that is made gets. */
#define APPLY_TAGS(a, ...)                                                      \
	(struct awsq_ec2_new_tag[])                                             \
	{                                                                       \
		{ TAG_NAME, (a)->r->fleet->config->name },                      \
			{ TAG_FLEET, (a)->r->fleet->config->name }, __VA_ARGS__ \
		{                                                               \
			NULL, NULL                                              \
		}                                                               \
	}

#endif
