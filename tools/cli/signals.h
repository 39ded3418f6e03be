/*
 * signals.h: SIGINT, SIGTERM and SIGHUP as a descriptor that becomes readable, for everything that
 * waits to wait on too.
 */
#ifndef CLI_SIGNALS_H
#define CLI_SIGNALS_H

/* Installs the handlers; *fd becomes readable with the first signal and stays so. AWSQ_EIO. */
int signals_open(int *fd);

/* The descriptor of signals_open; -1 before that. */
int signals_fd(void);

/* The first signal that came; 0: none did. */
int signals_caught(void);

#endif
