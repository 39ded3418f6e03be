/*
 * preflight.h: --preflight, which prints what preflight.h of the fleet finds.
 */
#ifndef CLI_PREFLIGHT_H
#define CLI_PREFLIGHT_H

#include "cli/app.h"

/* All of it; the exit status: EXIT_OK when no check failed, else EXIT_FAILED. */
int preflight_run(struct app *app);

#endif
