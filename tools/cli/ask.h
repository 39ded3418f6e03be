/*
 * ask.h: the question before something that cannot be undone.
 */
#ifndef CLI_ASK_H
#define CLI_ASK_H

#include "cli/screen.h"

/*
 * Asks on the terminal. EXIT_OK for yes; EXIT_FAILED for anything else, and when cancel_fd is
 * readable first; EXIT_USAGE when stdin is no
 * terminal, since then nobody has seen what is to be done: --yes is the answer for scripts.
 */
int ask_to_go_on(struct screen *s, int cancel_fd, const char *question);

#endif
