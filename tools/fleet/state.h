/*
 * state.h: what is kept on this machine, under $XDG_STATE_HOME/awsq/FLEET (~/.local/state): locks,
 * known hosts, and the nonces that make an interrupted creation resumable. AWS itself is the state
 * of everything else.
 */
#ifndef FLEET_STATE_H
#define FLEET_STATE_H

#include <stdint.h>

#include <awsq/err.h>

#define STATE_TOKEN_SIZE 33

/*
 * Finds and makes the folder, of which option (NULL: the default place) is the part before the
 * fleet's name. *dir is malloc'ed. AWSQ_EIO, AWSQ_EINVAL without a home.
 */
int state_open(char **dir, const char *option, const char *fleet_name, struct awsq_err *err);

/* The path of a file in the folder, malloc'ed; NULL without memory. */
char *state_path(const char *dir, const char *file);

/*
 * Takes a region's lock, which this process holds until state_unlock or its end, however it ends.
 * *fd is -1, and the result 0, when another process (or thread) has it.
 */
int state_lock(int *fd, const char *dir, const char *region, struct awsq_err *err);
void state_unlock(int fd);

/* Whether another process or thread has the lock now. */
int state_is_locked(const char *dir, const char *region);

/*
 * Who holds a lock may note that it is a run: others then find its process, which may be told to
 * end by SIGTERM if it is alone, at work on nothing else. *pid is 0 when the lock is free, or held
 * by something else. It is never that of another process which got the same number later.
 */
void state_note_run(int fd, int alone);
void state_find_run(int64_t *pid, int *alone, const char *dir, const char *region);

/*
 * The token for a creation that is to happen once, though the program may be killed in its middle
 * and run again: the same for the same region and text, until state_forget_tokens.
 */
int state_token(char token[STATE_TOKEN_SIZE], const char *dir, const char *region, const char *text,
	struct awsq_err *err);

/* Once what was created is known to be there, or gone: the next creation is another one. */
void state_forget_tokens(const char *dir, const char *region);

#endif
