/*
 * apply_private.h: what the carrying out of one plan knows by now; the actions of making an
 * instance (apply_instance.c) and all others (apply.c).
 */
#ifndef FLEET_APPLY_PRIVATE_H
#define FLEET_APPLY_PRIVATE_H

#include "fleet/apply.h"
#include "fleet/instance.h"

struct apply {
	struct region *r;
	const struct desired *d;
	const struct observed *o;
	/* Found, or made on the way. */
	char image_id[64];
	char group_id[64];
	char instance_id[64];
	struct awsq_ec2_new_tag tags[4]; /* Name and fleet, room for one more, and the end */
};

int apply_run_instance(struct apply *a, const struct action *action, struct awsq_err *err);
int apply_stop_instance(struct apply *a, const struct action *action, struct awsq_err *err);
int apply_terminate_instance(struct apply *a, const struct action *action, struct awsq_err *err);

/* A token for call, which must not carry one yet: the same again if this is killed and repeated. */
int apply_token(struct apply *a, const struct awsq_call *call, char *token, struct awsq_err *err);

#endif
