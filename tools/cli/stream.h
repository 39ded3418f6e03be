/*
 * stream.h: a job's output on its way to stdout and stderr: as it is, or, when several regions run
 * at once, in whole lines that begin with the region's name.
 */
#ifndef CLI_STREAM_H
#define CLI_STREAM_H

#include <awsq/buf.h>

#include "cli/screen.h"
#include "ssh/ssh.h"

struct stream {
	struct screen *screen;
	const char *prefix;      /* NULL: bytes pass through unchanged */
	struct awsq_buf line[2]; /* the line begun, of stdout and of stderr */
};

void stream_open(struct stream *s, struct screen *screen, const char *prefix);

/* What a job writes to. */
struct ssh_output stream_output(struct stream *s);

/* Prints lines that were never ended, and frees what s owns. */
void stream_close(struct stream *s);

#endif
