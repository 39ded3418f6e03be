#include "banned.h"

#include "cli/screen.h"
#include "cli/table.h"

#include <stdarg.h>

#define MAX_COLUMNS 8
#define LEAST       20 /* of the last column, where a terminal is too narrow for any of it */

struct table {
	int columns;
	char **cells; /* row after row */
	size_t n;
	size_t width[MAX_COLUMNS]; /* in characters */
};

/* Characters, not bytes: the bytes that continue a UTF-8 character do not count. */
static size_t characters(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

struct table *table_new(int n)
{
	struct table *t = calloc(1, sizeof(*t));

	if (t)
		t->columns = n;
	return t;
}

void table_free(struct table *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n; i++)
		free(t->cells[i]);
	free(t->cells);
	free(t);
}

void table_add(struct table *t, ...)
{
	size_t more = t ? (size_t)t->columns : 0;
	char **cells = t ? realloc(t->cells, (t->n + more) * sizeof(*cells)) : NULL;
	va_list ap;

	if (!cells)
		return;
	t->cells = cells;
	va_start(ap, t);
	for (size_t i = 0; i < more; i++) {
		const char *text = va_arg(ap, const char *);
		char *cell = strdup(text && *text ? text : "-");

		if (cell) {
			screen_scrub(cell);
			if (characters(cell) > t->width[i])
				t->width[i] = characters(cell);
		}
		t->cells[t->n++] = cell;
	}
	va_end(ap);
}

/* To n characters, the mark that it is not whole included. */
static void cut(char *cell, size_t n)
{
	static const char mark[] = " ...";
	size_t end = 0, word;

	if (!cell || characters(cell) <= n)
		return;
	for (size_t k = n - (sizeof(mark) - 1); k > 0; k--) {
		do
			end++;
		while (((unsigned char)cell[end] & 0xc0) == 0x80);
	}
	for (word = end; word > 0 && cell[word] != ' '; word--)
		continue;
	/* More than n characters are there, so the mark has room. */
	memcpy(cell + (word > 0 ? word : end), mark, sizeof(mark));
}

void table_fit(struct table *t, size_t columns)
{
	size_t used = 0, last;

	if (!t || columns == 0)
		return;
	last = (size_t)t->columns - 1;
	for (size_t i = 0; i < last; i++)
		used += t->width[i] + 2;
	for (size_t i = last; i < t->n; i += last + 1)
		cut(t->cells[i], columns > used + LEAST ? columns - used : LEAST);
}

void table_print(struct awsq_buf *out, const struct table *t)
{
	for (size_t i = 0; t && i < t->n; i++) {
		size_t column = i % (size_t)t->columns;
		const char *cell = t->cells[i] ? t->cells[i] : "?";

		awsq_buf_adds(out, cell);
		if (column + 1 == (size_t)t->columns) {
			awsq_buf_addc(out, '\n');
			continue;
		}
		for (size_t k = characters(cell); k < t->width[column] + 2; k++)
			awsq_buf_addc(out, ' ');
	}
}
