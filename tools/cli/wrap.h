/*
 * wrap.h: text in lines of so many columns. A column is a character of UTF-8: text of ours and of
 * AWS's has none that takes two. Columns of 0 are as many as there are characters.
 */
#ifndef CLI_WRAP_H
#define CLI_WRAP_H

#include <stddef.h>

#include <awsq/buf.h>

/* How many characters text has. */
size_t wrap_columns(const char *text);

/*
 * How many bytes of text make a line of at most so many columns: up to a blank or a newline where
 * there is one, which wrap_skip passes over then, and else as many as fit. At least one character.
 */
size_t wrap_line(const char *text, size_t columns);

/* Where the line after those bytes begins. */
const char *wrap_skip(const char *text, size_t bytes);

/* The bytes of text that are not over so many columns. */
size_t wrap_bytes(const char *text, size_t columns);

/*
 * Adds text in lines of at most so many columns, each ended by a newline. The first begins where
 * used columns are taken already, and the others are indented by so many.
 */
void wrap_add(struct awsq_buf *out, const char *text, size_t columns, size_t used, size_t indent);

#endif
