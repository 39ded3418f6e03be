/*
 * metrics.h: what the ledger knows, for Prometheus: a file for node exporter's textfile collector,
 * in the text exposition format 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats).
 */
#ifndef RUNS_METRICS_H
#define RUNS_METRICS_H

#include <stdint.h>

#include <awsq/buf.h>
#include <awsq/err.h>

#include "runs/ledger.h"

/* A ledger of the fleet's, and the label of the account that it is of; NULL: none. */
struct metrics_part {
	const char *account;
	struct ledger *ledger;
};

/*
 * Writes path anew, so that a reader has either the old text or the new; all may read it. Every
 * line has the fleet as a label: files of several fleets may lie in one folder. What it has of each
 * region is in list-runs(1). AWSQ_EIO; AWSQ_ENOMEM.
 */
int metrics_write(const char *path, const struct metrics_part *parts, size_t n, const char *fleet,
	int64_t now_ms, struct awsq_err *err);

/* Adds the text. As metrics_write. */
int metrics_text(struct awsq_buf *out, const struct metrics_part *parts, size_t n,
	const char *fleet, int64_t now_ms, struct awsq_err *err);

#endif
