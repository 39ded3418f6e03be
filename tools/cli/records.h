/*
 * records.h: rows of named values, for programs: JSON, and CSV (RFC 4180, with a header line).
 */
#ifndef CLI_RECORDS_H
#define CLI_RECORDS_H

#include <stddef.h>
#include <stdint.h>

#include <awsq/buf.h>

enum record_kind { RECORD_NULL, RECORD_TEXT, RECORD_NUMBER, RECORD_TRUTH };

struct record_value {
	const char *name;
	enum record_kind kind;
	const char *text; /* of RECORD_TEXT: UTF-8 */
	int64_t number;   /* of RECORD_NUMBER, and of RECORD_TRUTH 0 or 1 */
};

/* Adds a line with the names, or with the values. null is an empty field. */
void record_csv_names(struct awsq_buf *out, const struct record_value *values, size_t n);
void record_csv(struct awsq_buf *out, const struct record_value *values, size_t n);

/*
 * Adds the beginning of a document: an object with "schema", "fleet", and a list of that name,
 * which is then filled with record_json, an object and a line each (is_first: with no comma before
 * it), and ended. AWSQ_ENOMEM, AWSQ_ETOOBIG.
 */
int record_json_begin(struct awsq_buf *out, const char *fleet, const char *list);
int record_json(struct awsq_buf *out, const struct record_value *values, size_t n, int is_first);
void record_json_end(struct awsq_buf *out);

#endif
