/*
 * table.h: text in aligned columns, and colours that mean something. A table is as wide as what is
 * in it until it is fitted to a terminal.
 */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <awsq/buf.h>

#include "cli/view.h"

struct table;

/* A table of n columns, at most 8. NULL without memory, which the others accept. */
struct table *table_new(int n);
void table_free(struct table *t);

/* Adds a row: n strings, which are copied and scrubbed (screen.h). NULL and "" show as "-". */
void table_add(struct table *t, ...);

/* Gives a colour to a cell (counted from 0) of the row that was added last. */
void table_paint(struct table *t, int column, enum paint paint);

/*
 * Lays the table out for a view. Where it is too wide, the last column is broken into lines of
 * whole words, at most so many (0: any number; the last one then ends with " ..."); and where there
 * is no good room for that beside the others, its longer cells stand where cells before them are
 * empty, or below their rows.
 */
void table_fit(struct table *t, const struct view *view, size_t lines);

/* Adds the rows as lines; columns are as wide as their widest cell, and the last has no padding. */
void table_print(struct awsq_buf *out, const struct table *t);

/*
 * The two together, for what stdout or stderr is. On a terminal lines are no wider than that; in a
 * file or a pipe each row is a line, as grep wants it.
 */
void table_show(struct awsq_buf *out, struct table *t, int to_stderr, size_t lines);

#endif
