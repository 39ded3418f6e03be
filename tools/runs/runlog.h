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
 * Makes the folder, or goes on in it: what of the log had not been passed on, since the controller
 * was killed in between, is taken off its end, as it will come again. Of each stream at most the
 * last max_bytes are kept (in `out` and `err`, with the part before in `out.1` and `err.1`), and at
 * least half of that; 0: all. It belongs to one thread. AWSQ_EINVAL: id is no file name; AWSQ_EIO,
 * AWSQ_ENOMEM.
 */
int runlog_open(struct runlog **out, const char *state_dir, const char *id, int64_t max_bytes,
	struct awsq_err *err);
void runlog_close(struct runlog *log); /* NULL is allowed, here and below */

/*
 * Says which attempt of the job (1, 2, ...) is followed from now on. Its bytes are counted from 0,
 * unless it is the one that was followed last. Before the first one, that is 1.
 */
void runlog_attempt(struct runlog *log, int attempt);

/* How many bytes of that attempt's stdout and stderr have been passed on. */
void runlog_passed(const struct runlog *log, uint64_t bytes[2]);

/*
 * Adds output that is about to be passed on; runlog_note, right after it was, says how many bytes
 * of the attempt have been by now. The first failure to write is told (AWSQ_EIO), and from then on
 * the log is left alone; what was passed on is noted all the same.
 */
int runlog_write(struct runlog *log, int is_stderr, const void *data, size_t len,
	struct awsq_err *err);
void runlog_note(struct runlog *log, const uint64_t bytes[2]);

/* The path of a file in a run's folder (NULL: of the folder), malloc'ed; NULL without memory. */
char *runlog_path(const char *state_dir, const char *id, const char *file);

/* Removes the folders of runs older than so many days. What cannot be removed is left. */
void runlog_prune(const char *state_dir, int64_t now_ms, int days);

#endif
