/*
 * identity.h: whose credentials were found, and where.
 */
#ifndef CLI_IDENTITY_H
#define CLI_IDENTITY_H

#include "cli/app.h"

/*
 * Asks AWS for each chosen account, whose credentials are loaded, and prints what it says: as text
 * or JSON. Of one that it fails for, the provider is told beside the error. Needs no regions, nor a
 * regions.cfg. The exit status.
 */
int identity_show(struct app *app);

/*
 * Where to ask: home; without a regions.cfg the user's own region, or any, since each can tell.
 * Borrowed, and good as long as the account's settings are.
 */
const char *identity_region(const struct app *app, const struct account *account);

#endif
