/*
 * reap.h: what a controller that died left behind. Its runs are open in the ledger while the lock
 * of their region is free: whichever tool begins next sees that, and stops what is to be stopped.
 */
#ifndef RUNS_REAP_H
#define RUNS_REAP_H

#include <stddef.h>

#include "fleet/instance.h"
#include "fleet/region.h"
#include "runs/ledger.h"

/*
 * Whether an instance is on by the very start that a run has made, as it is told by EC2's
 * LaunchTime; where the run was killed before it had seen that, by its being near, and by nobody
 * else's having left a lease.
 */
int reap_is_its_boot(const struct ledger_run *run, const struct instance *i);

/*
 * Whether that cannot be told: nobody has left a lease, and the launch is later than the one before
 * the run, but not near its start, as one of the two clocks may have been wrong.
 */
int reap_may_be_its_boot(const struct ledger_run *run, const struct instance *i);

/*
 * Whether its job may still be at work at a time, for all the ledger knows. most_ms: for how long
 * an instance may be on.
 */
int reap_is_at_work(const struct ledger_run *run, int64_t now_ms, int64_t most_ms);

/*
 * Stops the instances of all runs that were left behind and are overdue, or had no job at work, and
 * closes those runs; all regions at once, each under its lock, and until it is observed. A job that
 * may still be at work is left alone and told of. except: regions that are not looked at, as the
 * caller is about to run something there itself. What cannot be stopped now is a warning, and for
 * the next invocation.
 */
void reap_overdue(struct ledger *ledger, const struct fleet *fleet, const char *const *except,
	size_t n_except);

/*
 * The same for one run, of a region whose lock the caller holds: closed, or left open where its job
 * may be at work, or its instance may be on.
 */
void reap_one(struct ledger *ledger, struct region *r, struct ledger_run *run);

/*
 * For a new run that holds the region's lock: whether the instance is on for a run that was left
 * behind, which *out then is. Those that are open though the instance is not on for them, nor may
 * be, are closed.
 */
int reap_take_over(struct ledger_run *out, struct ledger *ledger, const struct region *r,
	const struct instance *i, const char *own_id);

/* For a run that has started the instance, which was off: closes what others have left open. */
void reap_close_left(struct ledger *ledger, const struct region *r, const struct instance *i,
	const char *own_id);

/* Closes what was left open for an instance that someone has stopped. */
void reap_note_stop(struct ledger *ledger, const struct region *r, const struct instance *i);

#endif
