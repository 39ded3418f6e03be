/*
 * runlog.h: a run's folder, STATE/runs/ID: its output as files, and how much of it has been passed
 * on, so that who takes over after a killed controller goes on from that byte.
 *
 * All of it is best effort: a full disk costs the log, and nothing else.
 */
#ifndef RUNS_RUNLOG_H
#define RUNS_RUNLOG_H

#include <stddef.h>
#include <stdint.h>

#include <awsq/err.h>

struct runlog;

/*
 * Makes the folder, or goes on in it. Of each stream at most the last max_bytes are kept (in `out`
 * and `err`, with the part before in `out.1` and `err.1`); 0: all.
 */
int runlog_open(struct runlog **out, const char *state_dir, const char *id, int64_t max_bytes,
	struct awsq_err *err);
void runlog_close(struct runlog *log);

/* How many bytes of stdout and stderr had been passed on when it was opened. */
void runlog_passed(const struct runlog *log, uint64_t bytes[2]);

/*
 * Adds output that is about to be passed on; runlog_note, right after it was, that it has been.
 * The first failure is told in its result (AWSQ_EIO), and from then on the log is left alone.
 */
int runlog_write(struct runlog *log, int is_stderr, const void *data, size_t len,
	struct awsq_err *err);
void runlog_note(struct runlog *log, const uint64_t bytes[2]);

/* The path of a file in a run's folder (NULL: of the folder), malloc'ed; NULL without memory. */
char *runlog_path(const char *state_dir, const char *id, const char *file);

/* Removes the folders of runs older than so many days. What cannot be removed is left. */
void runlog_prune(const char *state_dir, int64_t now_ms, int days);

#endif
