/*
 * app_private.h: the parts of app.c's way through that have a file of their own.
 */
#ifndef CLI_APP_PRIVATE_H
#define CLI_APP_PRIVATE_H

#include "cli/app.h"

/* The tasks, by the regions that the command line names. 0, or the exit status. */
int app_choose_regions(struct app *app);

/* The same with --everywhere, by those of the account. */
int app_choose_everywhere(struct app *app, struct awsq_err *err);

/* Settings and credentials. */
int app_load_aws(struct app *app, struct awsq_err *err);

/*
 * Opens the ledger, if there is a state folder. That there is none, app->no_ledger tells; only a
 * run is refused for it.
 */
void app_open_ledger(struct app *app);

/*
 * Stops what runs have left on whose controller was killed; in the regions that the tool itself is
 * about to look after only if all is true.
 */
void app_reap(struct app *app, int all);

#endif
