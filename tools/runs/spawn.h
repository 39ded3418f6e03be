/*
 * spawn.h: a command of the user's on this machine, which never outlives its time.
 */
#ifndef RUNS_SPAWN_H
#define RUNS_SPAWN_H

#include <stdint.h>

#include <awsq/err.h>

/* A variable that the command gets, beside or in place of those of this process. */
struct spawn_variable {
	const char *name;
	const char *value;
};

/*
 * Runs command by sh, in a process group of its own, its stdin empty and its stdout on our stderr,
 * and waits for its end. After limit_ms, and when cancel_fd (-1: none) is readable, all of the
 * group is sent TERM, and KILL 5 seconds later.
 *
 * 0 when it ended by itself with 0. Else AWSQ_EINVAL with another status, AWSQ_ETIMEDOUT,
 * AWSQ_ECANCELED, AWSQ_EIO when it cannot be run, AWSQ_ENOMEM; err then goes on after the command's
 * name: "ended with 3".
 */
int spawn_shell(const char *command, const struct spawn_variable *variables, size_t n,
	int64_t limit_ms, int cancel_fd, struct awsq_err *err);

#endif
