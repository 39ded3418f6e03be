/*
 * view.h: what is written to, a terminal or not, and colours that mean something there.
 *
 * Source: https://no-color.org for NO_COLOR; ECMA-48 for the sequences.
 */
#ifndef CLI_VIEW_H
#define CLI_VIEW_H

#include <stddef.h>

struct view {
	size_t columns; /* of a terminal; 0: lines may have any length */
	int color;      /* it is a terminal that shows them, and NO_COLOR is not set */
};

/* What a colour says: as it should be (green), look at it (yellow), it failed (red). */
enum paint { PAINT_NONE, PAINT_GOOD, PAINT_CARE, PAINT_BAD };

/* What a descriptor is just now: terminals change their size. */
struct view view_of(int fd);

/* The sequences that begin and end a colour; "" where there are no colours. */
const char *paint_begin(const struct view *view, enum paint paint);
const char *paint_end(const struct view *view, enum paint paint);

#endif
