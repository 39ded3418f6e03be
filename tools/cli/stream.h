/*
 * stream.h: a job's output on its way to stdout and stderr: as it is, or, when several regions or
 * instances run at once, in whole lines that begin with their names.
 */
#ifndef CLI_STREAM_H
#define CLI_STREAM_H

#include <awsq/buf.h>

#include "cli/screen.h"
#include "ssh/ssh.h"

struct stream {
	struct screen *screen;
	struct outlet_pen *pens[2];   /* for stdout and stderr */
	struct ssh_patience patience; /* with their readers, while the job has time */
	char prefix[64];              /* "": bytes pass through unchanged */
	struct awsq_buf line[2];      /* the line begun, of stdout and of stderr */
	struct stream *branches;      /* those of single instances; owned */
	struct stream *next;
};

/* With several, lines begin with the region's name. */
void stream_open(struct stream *s, struct screen *screen, const char *region, int several);

/* What a job writes to. */
struct ssh_output stream_output(struct stream *s);

/*
 * One instance's own output, in lines that begin with the region and the instance; it lives as long
 * as s. AWSQ_ENOMEM.
 */
int stream_branch(struct stream *s, struct ssh_output *out, const char *region,
	const char *instance_id);

/* Prints lines that were never ended, and frees what s owns. */
void stream_close(struct stream *s);

#endif
