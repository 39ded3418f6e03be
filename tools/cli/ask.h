/*
 * ask.h: the question before something that cannot be undone, and that for a code.
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

/* Whether there is a terminal that somebody may sit at. */
int ask_is_possible(void);

/*
 * Asks for a code on the terminal, where it is not shown, whatever stdin and stderr are. arg is an
 * int *, the cancel_fd (-1: none). 0; AWSQ_ECANCELED, for no answer, too; AWSQ_EIO. To be the ask
 * of struct awsq_credentials_options.
 */
int ask_for_code(void *arg, const char *question, char *answer, size_t size);

#endif
