/*
 * instance.h: the life of a region's instance: finding it, and bringing it to a state and seeing it
 * there. Every change waits out the transitional states, and success means observed.
 */
#ifndef FLEET_INSTANCE_H
#define FLEET_INSTANCE_H

#include <stdint.h>

#include <awsq/ec2.h>

#include "fleet/region.h"

/* What the stories need to know of an instance, without ownership. */
struct instance {
	char id[64];
	char state[24];
	char type[40];
	char address[64]; /* public, or private where there is no public one; "" when it has none */
	char state_reason[256];
	int seen; /* AWS has described it, so that it is known there */
};

/*
 * Looks for the fleet's live instance, by its Name tag. AWSQ_ENOTFOUND when there is none,
 * AWSQ_EINVAL when there are several: then all are named in err.
 */
int instance_find(struct instance *out, struct region *r, struct awsq_err *err);

/* All live ones of that name; *out is for free(), after an error too. */
int instance_list(struct instance **out, size_t *n, struct region *r, struct awsq_err *err);

/* Looks at it again. AWSQ_ENOTFOUND when AWS does not know it, or not yet. */
int instance_refresh(struct instance *i, struct region *r, struct awsq_err *err);

/*
 * Brings i to `running`: waits out pending and stopping, starts it if it is stopped, and waits
 * until it is seen to run and has an address. *started tells whether it was this call
 * that started it, or may have been, as an answer was lost. deadline_ms is on region_now_ms's
 * clock.
 */
int instance_start(struct instance *i, struct region *r, int64_t deadline_ms, int *started,
	struct awsq_err *err);

/*
 * Brings i to `stopped`, or finds it stopped or gone. Errors are tried again until deadline_ms, as
 * what is at stake is a machine that stays on: the result is the last one. just_started says that a
 * look may still show it stopped though it is on its way up: then it is told to stop in any case.
 * *was_on tells whether it was seen on at all. A refusal (no permission) is final at the third.
 */
int instance_stop(struct instance *i, struct region *r, int just_started, int64_t deadline_ms,
	int *was_on, struct awsq_err *err);

/* The loudest thing that is ever said: a machine is on, and nothing of ours will stop it. */
void instance_cry_out(const struct instance *i, const struct region *r, const struct awsq_err *err);

/* Terminates it and waits until it is seen terminated, or gone. */
int instance_terminate(struct instance *i, struct region *r, int64_t deadline_ms,
	struct awsq_err *err);

/*
 * Waits until an SSH server answers at the instance's address, for job.connect_timeout at the most,
 * and sees to it that the instance still runs: a stopped one's address may be another's by then.
 */
int instance_wait_ssh(struct instance *i, struct region *r, struct awsq_err *err);

#endif
