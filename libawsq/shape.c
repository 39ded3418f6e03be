#include "banned.h"

#include <awsq/clock.h>
#include <awsq/err.h>
#include <awsq/num.h>
#include <awsq/shape.h>

/*
 * A list's pointer has the type of its items. It is read and written by memcpy, as bytes, which is
 * allowed for every type of pointer.
 */
static void *list_items(const struct awsq_field *f, const void *value)
{
	void *items;

	memcpy(&items, (const char *)value + f->offset, sizeof(items));
	return items;
}

static size_t list_count(const struct awsq_field *f, const void *value)
{
	size_t n;

	memcpy(&n, (const char *)value + f->count_offset, sizeof(n));
	return n;
}

static void list_put(const struct awsq_field *f, void *value, void *items, size_t n)
{
	memcpy((char *)value + f->offset, &items, sizeof(items));
	memcpy((char *)value + f->count_offset, &n, sizeof(n));
}

static char **string_at(const struct awsq_field *f, const void *value)
{
	return (char **)((char *)(uintptr_t)value + f->offset);
}

void awsq_shape_free(const struct awsq_shape *shape, void *value)
{
	if (!value)
		return;
	for (size_t i = 0; i < shape->n_fields; i++) {
		const struct awsq_field *f = &shape->fields[i];

		if (f->type == AWSQ_FIELD_STRING || f->type == AWSQ_FIELD_TOKEN) {
			free(*string_at(f, value));
			*string_at(f, value) = NULL;
		} else if (f->type == AWSQ_FIELD_LIST) {
			char *items = list_items(f, value);
			size_t n = list_count(f, value);

			for (size_t k = 0; k < n; k++)
				awsq_shape_free(f->item, items + k * f->item->size);
			free(items);
			list_put(f, value, NULL, 0);
		}
	}
	memset(value, 0, shape->size);
}

/* Grows by doubling: the room is always the least power of two that holds the count. */
static char *make_room(const struct awsq_field *f, void *value, size_t more)
{
	char *items = list_items(f, value), *more_items;
	size_t n = list_count(f, value);
	size_t room = 1;

	if (n + more > SIZE_MAX / 2 / f->item->size)
		return NULL;
	while (room < n)
		room *= 2;
	if (items && n + more <= room)
		return items;
	while (room < n + more)
		room *= 2;
	more_items = realloc(items, room * f->item->size);
	if (more_items)
		list_put(f, value, more_items, n);
	return more_items;
}

void *awsq_shape_append(const struct awsq_field *f, void *value)
{
	char *items = make_room(f, value, 1);
	size_t n = list_count(f, value);

	if (!items)
		return NULL;
	list_put(f, value, items, n + 1);
	return memset(items + n * f->item->size, 0, f->item->size);
}

int awsq_shape_join(const struct awsq_shape *shape, void *value, void *page)
{
	/* All the room is made before anything moves. */
	for (size_t i = 0; i < shape->n_fields; i++) {
		const struct awsq_field *f = &shape->fields[i];

		if (f->type == AWSQ_FIELD_LIST && list_count(f, page) > 0 &&
			!make_room(f, value, list_count(f, page)))
			return AWSQ_ENOMEM;
	}
	for (size_t i = 0; i < shape->n_fields; i++) {
		const struct awsq_field *f = &shape->fields[i];

		if (f->type == AWSQ_FIELD_LIST) {
			char *items = list_items(f, value);
			size_t n = list_count(f, value), more = list_count(f, page);

			if (more > 0) {
				memcpy(items + n * f->item->size, list_items(f, page),
					more * f->item->size);
				list_put(f, value, items, n + more);
			}
			free(list_items(f, page));
		} else if (f->type == AWSQ_FIELD_STRING || f->type == AWSQ_FIELD_TOKEN) {
			free(*string_at(f, value));
			*string_at(f, value) = *string_at(f, page);
		} else {
			size_t size = f->type == AWSQ_FIELD_BOOL ? sizeof(int) : sizeof(int64_t);

			memcpy((char *)value + f->offset, (char *)page + f->offset, size);
		}
	}
	memset(page, 0, shape->size);
	return 0;
}

static int set_string(char **member, const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		return AWSQ_ENOMEM;
	free(*member);
	*member = copy;
	return 0;
}

int awsq_shape_set(const struct awsq_field *f, void *value, const char *text)
{
	void *member = (char *)value + f->offset;
	int64_t number = 0;
	int rc = 0;

	switch (f->type) {
	case AWSQ_FIELD_STRING:
	case AWSQ_FIELD_TOKEN:
		return set_string(member, text);
	case AWSQ_FIELD_BOOL:
		*(int *)member = strcmp(text, "true") == 0;
		return 0;
	case AWSQ_FIELD_INT:
		if (*text == '\0')
			return 0;
		rc = awsq_parse_int(&number, text, INT64_MIN, INT64_MAX);
		break;
	case AWSQ_FIELD_TIME:
		if (*text == '\0')
			return 0;
		rc = awsq_time_parse(&number, text);
		break;
	case AWSQ_FIELD_LIST:
		return AWSQ_EPARSE;
	}
	if (rc == 0)
		memcpy(member, &number, sizeof(number));
	return rc == 0 ? 0 : AWSQ_EPARSE;
}

const char *awsq_shape_token(const struct awsq_shape *shape, const void *value)
{
	for (size_t i = 0; i < shape->n_fields; i++) {
		if (shape->fields[i].type == AWSQ_FIELD_TOKEN) {
			const char *token = *string_at(&shape->fields[i], value);

			return token && *token ? token : NULL;
		}
	}
	return NULL;
}
