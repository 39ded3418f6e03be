/*
 * retrieve_store.h: where files that come from an instance are put: STATE/runs/ID/files/, by way of
 * files.part/, in which each is named by its SHA-256 while it is not whole. Nothing is ever written
 * outside of these two, and no symbolic link in them is followed.
 */
#ifndef RUNS_RETRIEVE_STORE_H
#define RUNS_RETRIEVE_STORE_H

#include <stddef.h>
#include <stdint.h>

#include <awsq/err.h>

#include "runs/retrieve_text.h"

struct retrieve_store {
	int files, parts; /* the two folders */
	int run;          /* the one they are in */
};

/* Makes or finds the folders; out is for retrieve_store_close, after an error too. AWSQ_EIO. */
int retrieve_store_open(struct retrieve_store *out, const char *state_dir, const char *run_id,
	struct awsq_err *err);

/* Removes the folder of parts if it is empty, and closes. */
void retrieve_store_close(struct retrieve_store *store);

/* Whether the file is there already, as the list says it is. */
int retrieve_store_has(const struct retrieve_store *store, const struct retrieve_file *file);

/* How many bytes of the file there are in its part, of an earlier try. */
uint64_t retrieve_store_part(const struct retrieve_store *store, const struct retrieve_file *file);

/* Opens the part, cut off after size bytes, to be written on from there. AWSQ_EIO. */
int retrieve_store_write(int *fd, const struct retrieve_store *store,
	const struct retrieve_file *file, uint64_t size, struct awsq_err *err);

/*
 * Puts a whole part in its place. AWSQ_EPARSE when it is not the file that the list tells of: the
 * part is gone then. AWSQ_EIO.
 */
int retrieve_store_keep(const struct retrieve_store *store, const struct retrieve_file *file,
	struct awsq_err *err);

#endif
