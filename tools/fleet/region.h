/*
 * region.h: what every story of a region has at hand.
 */
#ifndef FLEET_REGION_H
#define FLEET_REGION_H

#include <stdint.h>

#include <awsq/client.h>

#include "fleet/config.h"
#include "fleet/report.h"
#include "ssh/sshkey.h"

/* What all regions of an account share; nothing of it changes while workers run. */
struct fleet {
	const struct config *config;
	const struct awsq_settings *settings;
	struct awsq_credentials_source *source; /* for all clients: its lock is of the library */
	const struct sshkey *key;               /* NULL where no story needs it */
	const struct report *report;
	const struct awsq_log *log;
	const char *state_dir;
	int cancel_fd;          /* readable once the user wants to stop */
	int64_t run_timeout_ms; /* for a round of calls; 0: the library's */
	const char *account;    /* its name in regions.cfg; NULL: it has none */
};

/* A region and the client that its worker owns. */
struct region {
	const struct fleet *fleet;
	const char *name;
	const struct config_region *config; /* NULL when regions.cfg does not name it */
	struct awsq_client *client;
	int cancel_fd;       /* the fleet's; -1 while something must be finished come what may */
	struct awsq_log log; /* the fleet's, each line with the region's name */
	char label[64];      /* what is told is told of this: "us-east-1", "prod/us-east-1/i-1" */
};

/* Region name's part of the fleet; name is borrowed. region_close takes a zeroed one too. */
int region_open(struct region *r, const struct fleet *fleet, const char *name,
	struct awsq_err *err);
void region_close(struct region *r);

/* From now on nothing cancels what this region does; or, again, the user does. */
void region_ignore_cancel(struct region *r);
void region_heed_cancel(struct region *r);

/* From now on, what is told is told of this one of the region's instances. */
void region_speak_of(struct region *r, const char *instance_id);

/* report.h's three, for this region. */
void region_event(const struct region *r, const char *format, ...) AWSQ_PRINTF(2, 3);
void region_warning(const struct region *r, const char *format, ...) AWSQ_PRINTF(2, 3);
void region_status(const struct region *r, const char *format, ...) AWSQ_PRINTF(2, 3);

/* The monotonic clock, in milliseconds. */
int64_t region_now_ms(const struct region *r);

/* Sleeps; AWSQ_ECANCELED when the user wants to stop. */
int region_sleep(const struct region *r, int64_t ms);

/* Carries a call out and frees it. */
int region_call(struct region *r, struct awsq_call *call, struct awsq_err *err);

/*
 * The same right after something was created, when AWS may not know it everywhere yet: as long as
 * the answer is that it does not exist, it is tried again, for a minute at the most.
 */
int region_call_settling(struct region *r, struct awsq_call *call, struct awsq_err *err);

/*
 * Makes err, which holds why something failed, a sentence for the user: "cannot start 'i-1':
 * InsufficientInstanceCapacity: ..., and what to do about it". The format says what could not be
 * done, after "cannot". Returns err's code.
 */
int region_explain(const struct region *r, struct awsq_err *err, const char *format, ...)
	AWSQ_PRINTF(3, 4);

/*
 * How long to wait before looking again at something that AWS is at work on, which has been looked
 * at n times: a quarter of a second at first, since a started instance is paid for, a second
 * after the first one, then more.
 */
int64_t region_poll_ms(int n);

#endif
