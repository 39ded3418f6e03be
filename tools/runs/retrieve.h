/*
 * retrieve.h: the files that a job has made, brought from the instance to STATE/runs/ID/files/.
 *
 * Which ones, job.retrieve says: patterns as sh has them, relative to job.workdir; of a folder that
 * fits all files below it are meant. A name that is not there is a failure; of a pattern (with "*",
 * "?" or "[") there may be none. Each keeps its path below files/, and is there only when its
 * size and SHA-256 are those that the instance told before.
 */
#ifndef RUNS_RETRIEVE_H
#define RUNS_RETRIEVE_H

#include <stddef.h>
#include <stdint.h>

#include "fleet/config.h"
#include "runs/link.h"

/* How many files one run brings back at the most. */
#define RETRIEVE_MAX 10000

struct retrieve_result {
	size_t files;       /* that are there now */
	uint64_t bytes;     /* of those */
	size_t failed;      /* files that could not be brought, and names that are not there */
	char message[1024]; /* which and why, the first of them; "" when none failed */
};

/*
 * Brings what fits job.retrieve; without that, nothing is done. Over a link that breaks it is tried
 * again from the byte it had come to, also by a later call for the same run, until deadline_ms (of
 * awsq_mono_ms) or for as long as the link says that another try may do.
 *
 * 0 when it came to its end, even if single files failed (out->failed). Else nothing more can be
 * brought: AWSQ_ETIMEDOUT, AWSQ_ECANCELED, AWSQ_EIO when this machine cannot write, AWSQ_EPARSE,
 * AWSQ_ETOOBIG past RETRIEVE_MAX, AWSQ_ENOMEM, or the link's own; out tells what is there all the
 * same, and err says it in a sentence.
 */
int retrieve_files(struct link *link, const struct config *c, const char *state_dir,
	const char *run_id, int64_t deadline_ms, int cancel_fd, struct retrieve_result *out,
	struct awsq_err *err);

#endif
