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
 * Stops the instances of all runs that were left behind and are overdue, or had no job at work, and
 * closes those runs; all regions at once, each under its lock, and until it is observed. A job that
 * may still be at work is left alone and told of. except: regions that are not looked at, as the
 * caller is about to run something there itself. What cannot be stopped now is a warning, and for
 * the next invocation.
 */
void reap_overdue(struct ledger *ledger, const struct fleet *fleet, const char *const *except,
	size_t n_except);

/*
 * For a new run that holds the region's lock: whether the instance is on for a run that was left
 * behind, which *out then is. Those that are open though the instance is not on for them are
 * closed.
 */
int reap_take_over(struct ledger_run *out, struct ledger *ledger, const struct region *r,
	const struct instance *i, const char *own_id);

/* Closes what was left open for an instance that someone has stopped. */
void reap_note_stop(struct ledger *ledger, const struct region *r, const struct instance *i);

#endif
