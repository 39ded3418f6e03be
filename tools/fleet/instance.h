/*
 * instance.h: the life of a region's instance: finding it, and bringing it to a state and seeing it
 * there. Every change waits out the transitional states, and success means observed.
 *
 * deadline_ms is always on region_now_ms's clock.
 */
#ifndef FLEET_INSTANCE_H
#define FLEET_INSTANCE_H

#include <stdint.h>

#include <awsq/ec2.h>

#include "fleet/region.h"

/* On an instance that is on: whose run it is. runs/lease.h reads and writes it. */
#define TAG_LEASE "awsq:lease"

/* What the stories need to know of an instance, without ownership. */
struct instance {
	char id[64];
	char state[24];
	char type[40];
	char zone[32];
	char address[64]; /* public, or private where there is no public one; "" when it has none */
	char state_reason[256];
	char lease[200];   /* the tag's value; "" without */
	char replaces[24]; /* the instance that it was made to take over from; "" */
	int64_t launch;    /* EC2's LaunchTime of its last boot, in seconds since 1970 */
	int64_t boot;      /* the launch of the boot that the caller means; 0: whichever */
	int seen;          /* AWS has described it, so that it is known there */
};

/* Whether it runs, or is on its way up. */
int instance_is_on(const struct instance *i);

/* Whether it is on, or stopped, by a later boot than the one that is meant: that one is over. */
int instance_is_over(const struct instance *i);

/* All live ones of the fleet; *out is for free(), after an error too. */
int instance_list(struct instance **out, size_t *n, struct region *r, struct awsq_err *err);

/*
 * Those that jobs are for: without the ones that another is there to replace. AWSQ_ENOTFOUND when
 * there is none.
 */
int instance_find(struct instance **out, size_t *n, struct region *r, struct awsq_err *err);

/* Looks at it again. AWSQ_ENOTFOUND when AWS does not know it, or not yet. */
int instance_refresh(struct instance *i, struct region *r, struct awsq_err *err);

/* ---- Start */

/* How asking for a start went. */
struct instance_start {
	int ours;        /* it was this call that started it: it saw it stopped before */
	int unsure;      /* an answer was lost: this call may have started it, or someone else */
	int no_capacity; /* EC2 had no room for any of the types */
};

/*
 * Starts a stopped instance, once the stop before has settled; one that is on already is left at
 * that. Where EC2 has no room for its type, the region's other types are tried, each once; one that
 * is not on the list's first place any more is brought back there first. Then it returns as soon as
 * the instance is seen on its way up, and so its launch is known. *how is always filled.
 */
int instance_start(struct instance *i, struct region *r, int64_t deadline_ms,
	struct instance_start *how, struct awsq_err *err);

/* Waits until it is seen to run, with an address where with_address is true. */
int instance_wait_running(struct instance *i, struct region *r, int with_address,
	int64_t deadline_ms, struct awsq_err *err);

/*
 * Waits until an SSH server answers at the instance's address, for job.connect_timeout at the most,
 * and sees to it that the instance still runs: a stopped one's address may be another's by then.
 */
int instance_wait_ssh(struct instance *i, struct region *r, struct awsq_err *err);

/* Whether it still runs, by a look at it: AWSQ_ENOTFOUND, and why, when not. */
int instance_still_runs(struct instance *i, struct region *r, struct awsq_err *err);

/* ---- Stop */

/*
 * Asks for the stop of one that is on, once, and does not wait; 0 too when it is off, or its boot
 * over, or it is not to be asked yet. What fails here is for instance_stop to try again.
 */
int instance_ask_stop(struct instance *i, struct region *r, struct awsq_err *err);

/*
 * Brings i to `stopped`, or finds it stopped or gone, or its boot over. Errors are tried again
 * until deadline_ms, as what is at stake is a machine that stays on: the result is the last one.
 * just_started says that a look may still show it stopped though it is on its way up: then it is
 * told to stop in any case. *was_on tells whether it was seen on at all. A refusal (no permission)
 * is final at the tenth; credentials that have expired are looked for anew.
 */
int instance_stop(struct instance *i, struct region *r, int just_started, int64_t deadline_ms,
	int *was_on, struct awsq_err *err);

/* The loudest thing that is ever said: a machine is on, and nothing of ours will stop it. */
void instance_cry_out(const struct instance *i, const struct region *r, const struct awsq_err *err);

/* Terminates it and waits until it is seen terminated, or gone. */
int instance_terminate(struct instance *i, struct region *r, int64_t deadline_ms,
	struct awsq_err *err);

#endif
