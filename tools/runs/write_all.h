/*
 * write_all.h: write(2) that does not stop halfway.
 */
#ifndef RUNS_WRITE_ALL_H
#define RUNS_WRITE_ALL_H

#include <stddef.h>

/* AWSQ_EIO, with errno: some of it may be there. */
int write_all(int fd, const void *data, size_t len);

#endif
