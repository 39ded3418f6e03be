/*
 * shape.h: field tables, which say how a response becomes a struct.
 *
 * A shape lists the members of a struct with the path, below the element that the struct stands
 * for, of the XML element that fills each. The same table parses a response, frees the struct and
 * joins the pages of a list, so an operation needs no code of its own for any of them:
 *
 *     struct thing { char *id; int64_t size; };
 *     struct things { struct thing *items; size_t n; char *next_token; };
 *
 *     static const struct awsq_field thing_fields[] = {
 *             AWSQ_STRING(struct thing, id, "thingId"),
 *             AWSQ_INT(struct thing, size, "attributes/size"),
 *     };
 *     static const struct awsq_shape thing_shape = AWSQ_SHAPE(struct thing, thing_fields);
 *     static const struct awsq_field things_fields[] = {
 *             AWSQ_LIST(struct things, items, n, "thingSet/item", &thing_shape),
 *             AWSQ_TOKEN(struct things, next_token, "nextToken"),
 *     };
 *
 * Elements that no field names are passed over; members whose element is absent, or empty where it
 * should hold a number or a time, stay zero. Several fields may fill the same member, but in a
 * paged shape.
 */
#ifndef AWSQ_SHAPE_H
#define AWSQ_SHAPE_H

#include <stddef.h>
#include <stdint.h>

#include <awsq/common.h>

enum awsq_field_type {
	AWSQ_FIELD_STRING, /* char *: malloc'ed UTF-8 */
	AWSQ_FIELD_TOKEN,  /* char *: a string that, when not empty, asks for the next page */
	AWSQ_FIELD_INT,    /* int64_t */
	AWSQ_FIELD_BOOL,   /* int: 1 for "true" */
	AWSQ_FIELD_TIME,   /* int64_t: seconds since the epoch */
	AWSQ_FIELD_LIST    /* T *, with its count in the size_t at count_offset */
};

struct awsq_shape;

struct awsq_field {
	const char *path; /* relative, such as "instanceState/name"; "" is the element's own text */
	enum awsq_field_type type;
	size_t offset;
	size_t count_offset;           /* lists only */
	const struct awsq_shape *item; /* lists only: what the list is of */
};

struct awsq_shape {
	size_t size; /* of the struct */
	const struct awsq_field *fields;
	size_t n_fields;
};

/* clang-format off */

/* What a member must be is checked by the compiler: a wrong one makes an array of size -1. */
/* NOLINTBEGIN(bugprone-macro-parentheses): want is a type */
#define AWSQ_OFFSET(T, member, want) \
	(offsetof(T, member) + 0 * sizeof(char[_Generic(((T *)0)->member, want: 1, default: -1)]))
/* NOLINTEND(bugprone-macro-parentheses) */

#define AWSQ_FIELD(T, member, path, type, want) \
	{ path, type, AWSQ_OFFSET(T, member, want), 0, NULL }

/* A row for each type of member. */
#define AWSQ_STRING(T, member, path) AWSQ_FIELD(T, member, path, AWSQ_FIELD_STRING, char *)
#define AWSQ_TOKEN(T, member, path)  AWSQ_FIELD(T, member, path, AWSQ_FIELD_TOKEN, char *)
#define AWSQ_INT(T, member, path)    AWSQ_FIELD(T, member, path, AWSQ_FIELD_INT, int64_t)
#define AWSQ_BOOL(T, member, path)   AWSQ_FIELD(T, member, path, AWSQ_FIELD_BOOL, int)
#define AWSQ_TIME(T, member, path)   AWSQ_FIELD(T, member, path, AWSQ_FIELD_TIME, int64_t)
#define AWSQ_LIST(T, member, count, path, item) \
	{ path, AWSQ_FIELD_LIST, offsetof(T, member), AWSQ_OFFSET(T, count, size_t), item }

/* The shape of a struct, given its table of fields. */
#define AWSQ_SHAPE(T, table) { sizeof(T), table, sizeof(table) / sizeof((table)[0]) }

/* clang-format on */

AWSQ_BEGIN_DECLS

/* Frees what value's members own and zeroes value, which stays the caller's. NULL is allowed. */
void awsq_shape_free(const struct awsq_shape *shape, void *value);

/*
 * Moves a further page into value: the items of lists at the end of value's, other members in the
 * place of value's. page is left zeroed. AWSQ_ENOMEM leaves both as they were.
 */
int awsq_shape_join(const struct awsq_shape *shape, void *value, void *page);

/* Adds a zeroed item to the list that field describes in value; NULL without memory. */
void *awsq_shape_append(const struct awsq_field *field, void *value);

/* Sets a member from text: AWSQ_EPARSE when the text is not of the member's type; AWSQ_ENOMEM. */
int awsq_shape_set(const struct awsq_field *field, void *value, const char *text);

/* The token for the page after value, owned by value; NULL when it is the last. */
const char *awsq_shape_token(const struct awsq_shape *shape, const void *value);

AWSQ_END_DECLS

#endif
