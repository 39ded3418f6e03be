/*
 * identity.h: whose credentials were found, and where.
 */
#ifndef CLI_IDENTITY_H
#define CLI_IDENTITY_H

#include "cli/app.h"

/*
 * Asks AWS for each chosen account, whose credentials are loaded, and prints what it says: as text
 * or JSON. Needs no regions, nor a regions.cfg. The exit status.
 */
int identity_show(struct app *app);

#endif
