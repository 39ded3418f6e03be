#include "banned.h"

#include "cli/screen.h"
#include "cli/table.h"
#include "cli/wrap.h"

#include <stdarg.h>
#include <unistd.h>

#define MAX_COLUMNS 8
#define GAP         2  /* blanks between columns */
#define BESIDE      36 /* columns for the last one to be broken in; with less, it goes below */
#define INDENT      4  /* of what stands below, where it cannot be under the second column */
#define LEAST       8  /* of a column that is made narrower */
#define MARK        " ..."

struct table {
	int columns;
	char **cells; /* row after row */
	unsigned char *paints;
	size_t n;
	size_t width[MAX_COLUMNS]; /* in characters */
	struct view view;
	size_t lines;
};

/* ---- Filling */

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
	free(t->paints);
	free(t);
}

/* Room for so many more cells. */
static int make_room(struct table *t, size_t more)
{
	char **cells = realloc(t->cells, (t->n + more) * sizeof(*cells));
	unsigned char *paints;

	if (!cells)
		return -1;
	t->cells = cells;
	paints = realloc(t->paints, t->n + more);
	if (!paints)
		return -1;
	t->paints = paints;
	return 0;
}

void table_add(struct table *t, ...)
{
	size_t more = t ? (size_t)t->columns : 0;
	va_list ap;

	if (!t || make_room(t, more) != 0)
		return;
	va_start(ap, t);
	for (size_t i = 0; i < more; i++) {
		const char *text = va_arg(ap, const char *);
		char *cell = strdup(text && *text ? text : "-");

		if (cell) {
			screen_scrub(cell);
			if (wrap_columns(cell) > t->width[i])
				t->width[i] = wrap_columns(cell);
		}
		t->paints[t->n] = PAINT_NONE;
		t->cells[t->n++] = cell;
	}
	va_end(ap);
}

void table_paint(struct table *t, int column, enum paint paint)
{
	if (t && t->n > 0)
		t->paints[t->n - (size_t)(t->columns - column)] = (unsigned char)paint;
}

void table_fit(struct table *t, const struct view *view, size_t lines)
{
	if (!t)
		return;
	t->view = *view;
	t->lines = lines;
}

/* ---- Laying out */

struct layout {
	size_t width[MAX_COLUMNS]; /* of the last: what is left for it */
	size_t gap;
	int below; /* what does not fit in the last column stands below */
};

static size_t sum(const struct layout *l, size_t n)
{
	size_t total = 0;

	for (size_t i = 0; i < n; i++)
		total += l->width[i];
	return total;
}

/* Takes from the widest of n columns until they fit, one beside the other. */
static void shrink(struct layout *l, size_t n, size_t columns)
{
	while (sum(l, n) + (n - 1) * l->gap > columns) {
		size_t widest = 0;

		for (size_t i = 1; i < n; i++) {
			if (l->width[i] > l->width[widest])
				widest = i;
		}
		if (l->width[widest] <= LEAST)
			return;
		l->width[widest]--;
	}
}

static struct layout lay_out(const struct table *t)
{
	size_t last = (size_t)t->columns - 1, columns = t->view.columns, used;
	struct layout l = { .gap = GAP };

	memcpy(l.width, t->width, sizeof(l.width));
	used = sum(&l, last) + last * GAP;
	l.width[last] = SIZE_MAX;
	if (columns == 0 || used + t->width[last] <= columns)
		return l;
	if (used + BESIDE > columns) {
		l.below = last > 0;
		if (used > columns + GAP)
			l.gap = 1;
		if (last > 0)
			shrink(&l, last, columns);
		used = sum(&l, last) + last * l.gap;
	}
	l.width[last] = columns > used ? columns - used : 0;
	return l;
}

/* ---- Printing */

/* A line under way: blanks are written only when something follows. */
struct line {
	struct awsq_buf *out;
	const struct view *view;
	size_t at, blanks;
};

static void put(struct line *line, const char *text, size_t bytes, enum paint paint)
{
	if (bytes == 0)
		return;
	for (; line->blanks > 0; line->blanks--)
		awsq_buf_addc(line->out, ' ');
	awsq_buf_adds(line->out, paint_begin(line->view, paint));
	awsq_buf_add(line->out, text, bytes);
	awsq_buf_adds(line->out, paint_end(line->view, paint));
}

static void end_line(struct line *line)
{
	awsq_buf_addc(line->out, '\n');
	line->blanks = 0;
}

/* The next line of a cell, padded to its width; what is left of the cell is kept. */
static void put_piece(struct line *line, const char **text, size_t width, size_t pad,
	enum paint paint)
{
	size_t bytes = wrap_line(*text, width), before = wrap_columns(*text);
	const char *rest = wrap_skip(*text, bytes);

	put(line, *text, bytes, paint);
	/* Of the characters that are gone, those passed over are none of the piece's. */
	before -= wrap_columns(rest) + (size_t)(rest - *text) - bytes;
	line->blanks += pad > before ? pad - before : 0;
	*text = rest;
}

/* The last line of a cell that is to be: cut at a word, with a mark if there is more of it. */
static void put_last(struct line *line, const char *text, size_t width, enum paint paint)
{
	size_t mark = sizeof(MARK) - 1;

	if (wrap_columns(text) <= width) {
		put(line, text, strlen(text), paint);
		return;
	}
	put(line, text, wrap_line(text, width > mark ? width - mark : 1), paint);
	put(line, MARK, mark, paint);
}

/* A row: cells in their columns, and beside them the text, in as many columns as it may take. */
struct row {
	const char *cells[MAX_COLUMNS];
	const unsigned char *paints;
	size_t n; /* cells; the text's is not among them */
	const char *text;
	size_t width;
	enum paint paint;
};

/* Lines, until all of the row has come to its end. */
static void put_row(struct awsq_buf *out, const struct table *t, const struct layout *l,
	struct row *row)
{
	struct line line = { .out = out, .view = &t->view };

	for (size_t n = 1, more = 1; more; n++) {
		more = 0;
		for (size_t i = 0; i < row->n; i++) {
			put_piece(&line, &row->cells[i], l->width[i], l->width[i] + l->gap,
				(enum paint)row->paints[i]);
			more |= *row->cells[i] != '\0';
		}
		if (n == t->lines) {
			put_last(&line, row->text, row->width, row->paint);
			row->text = "";
		} else {
			put_piece(&line, &row->text, row->width, 0, row->paint);
		}
		more |= *row->text != '\0';
		end_line(&line);
	}
}

static void put_below(struct awsq_buf *out, const struct table *t, const struct layout *l,
	const char *text, enum paint paint)
{
	size_t second = l->width[0] + l->gap, columns = t->view.columns;
	size_t indent = second + BESIDE <= columns ? second : INDENT;
	size_t width = columns > indent ? columns - indent : 1;
	struct line line = { .out = out, .view = &t->view };

	for (size_t n = 1; *text; n++) {
		line.blanks = indent;
		if (n == t->lines) {
			put_last(&line, text, width, paint);
			text = "";
		} else {
			put_piece(&line, &text, width, 0, paint);
		}
		end_line(&line);
	}
}

static int is_empty(const char *cell)
{
	return strcmp(cell, "-") == 0;
}

/* Whether there is good room for the text where cells are empty: they are left out then. */
static int take_room(struct row *row, const struct table *t, const struct layout *l)
{
	size_t n = row->n, start;

	while (n > 1 && is_empty(row->cells[n - 1]))
		n--;
	start = sum(l, n) + n * l->gap;
	if (n == row->n || start + BESIDE > t->view.columns)
		return 0;
	row->n = n;
	row->width = t->view.columns - start;
	return 1;
}

void table_print(struct awsq_buf *out, const struct table *t)
{
	size_t n = t ? (size_t)t->columns : 0;
	struct layout l;

	if (!t)
		return;
	l = lay_out(t);
	for (size_t at = 0; at + n <= t->n; at += n) {
		struct row row = { .paints = t->paints + at, .n = n - 1, .width = l.width[n - 1] };
		const char *below = "";

		for (size_t i = 0; i < n; i++)
			row.cells[i] = t->cells[at + i] ? t->cells[at + i] : "?";
		row.text = row.cells[n - 1];
		row.paint = (enum paint)t->paints[at + n - 1];
		if (l.below && wrap_columns(row.text) > row.width && !take_room(&row, t, &l)) {
			/* Neither the header nor the mark of an empty cell is worth a line. */
			below = at > 0 && !is_empty(row.text) ? row.text : "";
			row.text = "";
		}
		put_row(out, t, &l, &row);
		put_below(out, t, &l, below, row.paint);
	}
}

void table_show(struct awsq_buf *out, struct table *t, int to_stderr, size_t lines)
{
	struct view view = view_of(to_stderr ? STDERR_FILENO : STDOUT_FILENO);

	table_fit(t, &view, lines);
	table_print(out, t);
}
