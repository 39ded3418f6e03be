/*
 * credentials_spawn.h: a credential_process begins.
 */
#ifndef CREDENTIALS_SPAWN_H
#define CREDENTIALS_SPAWN_H

#include <sys/types.h>

/*
 * Runs argv with out and said as its stdout and stderr, and signals as they are at first; stdin it
 * keeps, as with the AWS CLI. 0, or an errno.
 *
 * It also keeps the terminal and the process group, since it may have to ask a person. Only where
 * alone is true, as nobody is asked, it has a session of its own: the keys that it renews may be
 * those to stop an instance with, while somebody presses Ctrl-C once more. In a group alone it
 * would be stopped when it touches the terminal, and not be refused.
 */
int credentials_spawn(pid_t *pid, char *const argv[], int out, int said, int alone);

#endif
