/*
 * everywhere.h: --everywhere: what there is of the fleet, in all regions of the account.
 */
#ifndef CLI_EVERYWHERE_H
#define CLI_EVERYWHERE_H

#include "cli/plans.h"
#include "fleet/inventory.h"

/*
 * For a worker, before it reads a region for --everywhere: gives r less time for a round of calls
 * than a region has that was asked for by name, so that one that cannot be reached holds up the end
 * for a moment only. Sets err when it fails.
 */
int everywhere_hurry(struct region *r, struct awsq_err *err);

/*
 * Prints what the tasks' looks (plans.h) hold of the fleet, as --output says; regions that have
 * nothing are only counted. AWSQ_ENOMEM, after having said so.
 */
int everywhere_print(struct app *app, struct inventory_totals *totals);

/* All of check-region --everywhere; its exit status. */
int everywhere_check(struct app *app);

#endif
