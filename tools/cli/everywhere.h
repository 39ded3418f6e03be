/*
 * everywhere.h: --everywhere: what there is of the fleet, in all regions of the account.
 */
#ifndef CLI_EVERYWHERE_H
#define CLI_EVERYWHERE_H

#include "cli/plans.h"
#include "fleet/inventory.h"

/*
 * Prints what the tasks' looks (plans.h) hold of the fleet, as --output says; regions that have
 * nothing are only counted. AWSQ_ENOMEM, after having said so.
 */
int everywhere_print(struct app *app, struct inventory_totals *totals);

/* All of check-region --everywhere; its exit status. */
int everywhere_check(struct app *app);

#endif
