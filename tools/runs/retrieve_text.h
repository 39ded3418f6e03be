/*
 * retrieve_text.h: the shell text that finds and sends files of an instance, and what it answers.
 * Pure.
 *
 * Answers are frames (frames.h), used so: "s N AT" announces bytes of file N from its byte AT on,
 * and "o" or "O" are these bytes; "gone" in their place says that it cannot be read. "end 0 0"
 * comes last, "no TEXT" says why there are none. File 0 is the list of the others: of each a line
 *
 *	SHA256 SIZE NAME     NAME: "./..." as it is, or "x" and its bytes in hexadecimal
 *	? - NAME             it cannot be read
 *	- N -                nothing fits pattern N
 */
#ifndef RUNS_RETRIEVE_TEXT_H
#define RUNS_RETRIEVE_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include <awsq/buf.h>
#include <awsq/hash.h>

#include "fleet/config.h"

/* A file of the list. */
struct retrieve_file {
	char *name; /* on the instance, from the job's folder */
	char *path; /* the same without "." and double "/"; NULL: it leads out of the folder */
	char sha256[AWSQ_SHA256_HEX];
	uint64_t size;
	int readable;
};

struct retrieve_list {
	struct retrieve_file *files; /* by path, each once; one without a path first */
	size_t n;
	size_t *unmatched; /* numbers of patterns that nothing fits */
	size_t n_unmatched;
};

/* A piece of a file to be sent. */
struct retrieve_piece {
	size_t number; /* of its frames */
	const char *name;
	uint64_t at, len;
};

/*
 * Adds the text that makes the list of what fits patterns below workdir (NULL: home), and sends it,
 * in one piece, or, with coded, tells its size alone: "s 0 SIZE". The buffer's error.
 */
int retrieve_text_list(struct awsq_buf *text, const char *mark, const char *run_id,
	const char *workdir, const struct config_strings *patterns, int coded);

/*
 * Adds the text that sends pieces: a file that is shorter than when it was listed is filled up with
 * zeros. coded: in base64. A piece with the number 0 is of the list. The buffer's error.
 */
int retrieve_text_pieces(struct awsq_buf *text, const char *mark, const char *run_id,
	const char *workdir, const struct retrieve_piece *pieces, size_t n, int coded);

/* How many characters a coded piece of len bytes comes to at the most. */
size_t retrieve_coded_size(uint64_t len);

/*
 * Reads a list, which has at most max files (more: AWSQ_ETOOBIG); out is for retrieve_list_free,
 * after an error too. AWSQ_EPARSE, AWSQ_ENOMEM.
 */
int retrieve_list_read(struct retrieve_list *out, const char *text, size_t max);
void retrieve_list_free(struct retrieve_list *list);

#endif
