/*
 * app_private.h: the parts of app.c's way through that have a file of their own.
 */
#ifndef CLI_APP_PRIVATE_H
#define CLI_APP_PRIVATE_H

#include "cli/app.h"

/* The tasks, by the regions that the command line names. 0, or the exit status. */
int app_choose_regions(struct app *app);

/* The same with --everywhere, by those of the accounts. */
int app_choose_everywhere(struct app *app);

/* Says how it failed, which is more than one region's affair, and returns status. */
int app_fail(struct app *app, int status, const struct awsq_err *err);

/* The accounts of regions.cfg, and those of them that are chosen. 0, or the exit status. */
int app_choose_accounts(struct app *app);
void app_free_accounts(struct app *app);

/* Settings and credentials of an account. */
int app_load_aws(struct app *app, struct account *account, struct awsq_err *err);

/* The folders, and what the accounts' regions share. */
int app_open_accounts(struct app *app, struct awsq_err *err);

/*
 * Does it for all chosen accounts at once. What fails is told of, and fails the account's tasks; 0,
 * or the exit status where that is all there is, of an account without a name.
 */
int app_prepare(struct app *app,
	int (*prepare)(struct app *app, struct account *account, struct awsq_err *err));

/*
 * Opens an account's ledger, if there is a state folder. That there is none, its no_ledger tells;
 * only a run is refused for it.
 */
void app_open_ledger(struct app *app, struct account *account);

/*
 * Stops what runs have left on whose controller was killed; in the regions that the tool itself is
 * about to look after only if all is true.
 */
void app_reap(struct app *app, int all);

/* Tells of what runs have left on in accounts that regions.cfg lists no more. */
void app_tell_orphans(const struct app *app);

#endif
