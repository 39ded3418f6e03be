/*
 * lease.h: whose run an instance is on for, and until when, written on the instance itself as the
 * tag awsq:lease for whoever else looks at it:
 *
 *     20261122-051552-7f3a9c until 2026-11-22T05:47:00Z since 2026-11-22T05:15:55Z
 *
 * It is written by who started the instance, once it is seen on its way up; "since" is EC2's
 * LaunchTime of that boot. A lease stays when the instance stops, and is void from then on: it
 * holds for the boot that it names, and for no other.
 */
#ifndef RUNS_LEASE_H
#define RUNS_LEASE_H

#include "fleet/instance.h"
#include "fleet/region.h"
#include "runs/ledger.h"

struct lease {
	char run[LEDGER_ID_SIZE];
	int64_t until; /* seconds since 1970: nobody is at work on it later than that */
	int64_t since; /* LaunchTime of the boot, in seconds since 1970 */
};

/* Enough for every lease, and less than a tag's value may have (256 characters). */
#define LEASE_SIZE 96

void lease_format(char out[LEASE_SIZE], const struct lease *lease);

/* AWSQ_EPARSE when text is no lease; *out is empty then. */
int lease_parse(struct lease *out, const char *text);

/*
 * The lease that holds for the present boot of an instance, as it was last looked at. Whether it
 * has one.
 */
int lease_of(struct lease *out, const struct instance *i);

/* Writes it for the present boot. What AWS said if it does not want to. */
int lease_write(struct instance *i, struct region *r, const char *run_id, int64_t until,
	struct awsq_err *err);

#endif
