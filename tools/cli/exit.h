/*
 * exit.h: exit statuses, the same for every executable.
 */
#ifndef CLI_EXIT_H
#define CLI_EXIT_H

#define EXIT_OK          0
#define EXIT_FAILED      1
#define EXIT_USAGE       2   /* usage or configuration */
#define EXIT_DIFFERENCES 3   /* check-region found some; --dry-run would change something */
#define EXIT_BUSY        75  /* another run has this region */
#define EXIT_TIMED_OUT   124 /* a job ran out of time, as timeout(1) has it */
#define EXIT_NOT_RUN     125 /* a job could not be run at all */
#define EXIT_SIGNAL      128 /* plus the signal's number */

#endif
