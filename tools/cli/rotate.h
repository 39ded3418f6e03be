/*
 * rotate.h: what rotate-regions does: runs the regions whose turn it is.
 */
#ifndef CLI_ROTATE_H
#define CLI_ROTATE_H

#include "cli/app.h"
#include "runs/rotation.h"

/*
 * Runs what is due, and what becomes due meanwhile, at most --parallel at a time, counting those
 * that other processes have: these are passed over. Each region is tried once. The exit status:
 * EXIT_OK if all jobs that were begun ended with 0, and none is owed a whole turn for want of
 * capacity; else EXIT_FAILED.
 */
int rotate_run(struct app *app, struct rotation *rotation);

/* Prints what is due, and what is next: EXIT_DIFFERENCES when any is due, EXIT_OK, EXIT_FAILED. */
int rotate_show(struct app *app, struct rotation *rotation);

#endif
