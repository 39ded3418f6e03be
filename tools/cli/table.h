/*
 * table.h: text in aligned columns.
 */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <awsq/buf.h>

struct table;

/* A table of n columns, at most 8. NULL without memory, which the others accept. */
struct table *table_new(int n);
void table_free(struct table *t);

/* Adds a row: n strings, which are copied and scrubbed (screen.h). NULL and "" show as "-". */
void table_add(struct table *t, ...);

/*
 * Cuts what is in the last column to lines of so many columns, by whole words, but leaves it 20 of
 * its own. 0 cuts nothing.
 */
void table_fit(struct table *t, size_t columns);

/* Adds the rows as lines; columns are as wide as their widest cell, and the last has no padding. */
void table_print(struct awsq_buf *out, const struct table *t);

#endif
