/*
 * runs_log.h: the output of a run's job as its log has it (runlog.h), as far as it has come and as
 * it grows.
 */
#ifndef CLI_RUNS_LOG_H
#define CLI_RUNS_LOG_H

#include "cli/screen.h"

struct runs_log;

/*
 * which: "out" or "err", to stdout; or "" for both of them, to stdout and stderr as the job had
 * them. NULL without memory.
 */
struct runs_log *runs_log_new(struct screen *screen, const char *state_dir, const char *id,
	const char *which);
void runs_log_free(struct runs_log *log);

/*
 * Prints what has been added since the last call: at first all that is kept. AWSQ_ENOTFOUND while
 * there is no log, AWSQ_EIO when it cannot be read, or stdout not be written.
 */
int runs_log_print(struct runs_log *log);

#endif
