#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <awsq/err.h>
#include <awsq/shape.h>

struct part {
	char *name;
};

struct thing {
	char *id;
	int64_t size;
	int64_t made;
	int on;
	struct part *parts;
	size_t n_parts;
};

struct things {
	struct thing *items;
	size_t n;
	char *next_token;
	struct part *notes;
	size_t n_notes;
};

static const struct awsq_field part_fields[] = { AWSQ_STRING(struct part, name, "") };
static const struct awsq_shape part_shape = AWSQ_SHAPE(struct part, part_fields);

static const struct awsq_field thing_fields[] = {
	AWSQ_STRING(struct thing, id, "id"),
	AWSQ_INT(struct thing, size, "size"),
	AWSQ_TIME(struct thing, made, "made"),
	AWSQ_BOOL(struct thing, on, "on"),
	AWSQ_LIST(struct thing, parts, n_parts, "parts/item", &part_shape),
};
static const struct awsq_shape thing_shape = AWSQ_SHAPE(struct thing, thing_fields);

static const struct awsq_field things_fields[] = {
	AWSQ_LIST(struct things, items, n, "things/item", &thing_shape),
	AWSQ_TOKEN(struct things, next_token, "nextToken"),
	AWSQ_LIST(struct things, notes, n_notes, "notes/item", &part_shape),
};
static const struct awsq_shape things_shape = AWSQ_SHAPE(struct things, things_fields);

enum { ID, SIZE, MADE, ON, PARTS };
enum { ITEMS, NEXT_TOKEN, NOTES };

static void test_set(void **state)
{
	struct thing t = { 0 };

	(void)state;
	assert_int_equal(awsq_shape_set(&thing_fields[ID], &t, "i-1"), 0);
	assert_int_equal(awsq_shape_set(&thing_fields[ID], &t, "i-2"),
		0); /* the old one is freed */
	assert_string_equal(t.id, "i-2");
	assert_int_equal(awsq_shape_set(&thing_fields[ID], &t, ""), 0);
	assert_string_equal(t.id, "");
	assert_int_equal(awsq_shape_set(&thing_fields[SIZE], &t, "-9223372036854775808"), 0);
	assert_int_equal(t.size, INT64_MIN);
	assert_int_equal(awsq_shape_set(&thing_fields[MADE], &t, "2015-08-30T12:36:00.000Z"), 0);
	assert_int_equal(t.made, 1440938160);
	assert_int_equal(awsq_shape_set(&thing_fields[ON], &t, "true"), 0);
	assert_int_equal(t.on, 1);
	assert_int_equal(awsq_shape_set(&thing_fields[ON], &t, "false"), 0);
	assert_int_equal(t.on, 0);
	awsq_shape_free(&thing_shape, &t);
}

static void test_text_of_another_type(void **state)
{
	static const char *const no_numbers[] = { " ", "1 ", "x", "1.5", "9223372036854775808",
		"true" };
	static const char *const no_times[] = { "yesterday", "1440938160", "2015-13-30T12:36:00Z" };
	struct thing t = { 0 };

	(void)state;
	t.size = 7;
	t.made = 8;
	for (size_t i = 0; i < sizeof(no_numbers) / sizeof(*no_numbers); i++)
		assert_int_equal(awsq_shape_set(&thing_fields[SIZE], &t, no_numbers[i]),
			AWSQ_EPARSE);
	for (size_t i = 0; i < sizeof(no_times) / sizeof(*no_times); i++)
		assert_int_equal(awsq_shape_set(&thing_fields[MADE], &t, no_times[i]), AWSQ_EPARSE);
	assert_int_equal(awsq_shape_set(&thing_fields[PARTS], &t, "x"), AWSQ_EPARSE);
	/* An empty element is one that says nothing. */
	assert_int_equal(awsq_shape_set(&thing_fields[SIZE], &t, ""), 0);
	assert_int_equal(awsq_shape_set(&thing_fields[MADE], &t, ""), 0);
	assert_int_equal(t.size, 7);
	assert_int_equal(t.made, 8);
	assert_null(t.parts);
}

static void fill(struct things *page, size_t n, size_t first, const char *token)
{
	for (size_t i = 0; i < n; i++) {
		struct thing *t = awsq_shape_append(&things_fields[ITEMS], page);
		char id[32];

		assert_non_null(t);
		(void)snprintf(id, sizeof(id), "i-%zu", first + i);
		assert_int_equal(awsq_shape_set(&thing_fields[ID], t, id), 0);
		for (size_t k = 0; k < (first + i) % 4; k++) {
			struct part *p = awsq_shape_append(&thing_fields[PARTS], t);

			assert_int_equal(awsq_shape_set(&part_fields[0], p, id), 0);
		}
	}
	if (token)
		assert_int_equal(awsq_shape_set(&things_fields[NEXT_TOKEN], page, token), 0);
}

static void check(const struct things *all, size_t n)
{
	assert_int_equal(all->n, n);
	for (size_t i = 0; i < n; i++) {
		const struct thing *t = &all->items[i];
		char id[32];

		(void)snprintf(id, sizeof(id), "i-%zu", i);
		assert_string_equal(t->id, id);
		assert_int_equal(t->size, 0);
		assert_int_equal(t->n_parts, i % 4);
		for (size_t k = 0; k < t->n_parts; k++)
			assert_string_equal(t->parts[k].name, id);
	}
}

static void test_append(void **state)
{
	struct things all = { 0 };

	(void)state;
	fill(&all, 1000, 0, NULL);
	check(&all, 1000);
	awsq_shape_free(&things_shape, &all);
	assert_null(all.items);
	assert_int_equal(all.n, 0);
	awsq_shape_free(&things_shape, &all);
	awsq_shape_free(&things_shape, NULL);
}

/* Pages of every size behind lists of every size, and items added by hand behind those. */
static void test_join(void **state)
{
	(void)state;
	for (size_t before = 0; before < 10; before++) {
		for (size_t more = 0; more < 10; more++) {
			struct things all = { 0 }, page = { 0 };
			static const struct things zeroed;

			fill(&all, before, 0, "first");
			fill(&page, more, before, "second");
			assert_int_equal(awsq_shape_join(&things_shape, &all, &page), 0);
			assert_memory_equal(&page, &zeroed, sizeof(page));
			check(&all, before + more);
			assert_string_equal(awsq_shape_token(&things_shape, &all), "second");
			fill(&all, 3, before + more, NULL);
			check(&all, before + more + 3);
			awsq_shape_free(&things_shape, &all);
		}
	}
}

/* Other members take the place of the earlier ones, absent ones too. */
static void test_join_of_other_members(void **state)
{
	struct thing a = { 0 }, b = { 0 };

	(void)state;
	assert_int_equal(awsq_shape_set(&thing_fields[ID], &a, "old"), 0);
	assert_int_equal(awsq_shape_set(&thing_fields[SIZE], &a, "1"), 0);
	assert_int_equal(awsq_shape_set(&thing_fields[ON], &a, "true"), 0);
	assert_int_equal(awsq_shape_set(&thing_fields[SIZE], &b, "2"), 0);
	assert_int_equal(awsq_shape_set(&thing_fields[MADE], &b, "1970-01-01T00:00:09Z"), 0);
	assert_int_equal(awsq_shape_join(&thing_shape, &a, &b), 0);
	assert_null(a.id);
	assert_int_equal(a.size, 2);
	assert_int_equal(a.made, 9);
	assert_int_equal(a.on, 0);
	assert_int_equal(b.size, 0);
	awsq_shape_free(&thing_shape, &a);
}

static void test_join_of_two_lists(void **state)
{
	struct things all = { 0 }, page = { 0 };
	struct part *note;

	(void)state;
	fill(&all, 2, 0, NULL);
	note = awsq_shape_append(&things_fields[NOTES], &page);
	assert_int_equal(awsq_shape_set(&part_fields[0], note, "note"), 0);
	fill(&page, 1, 2, NULL);
	assert_int_equal(awsq_shape_join(&things_shape, &all, &page), 0);
	check(&all, 3);
	assert_int_equal(all.n_notes, 1);
	assert_string_equal(all.notes[0].name, "note");
	awsq_shape_free(&things_shape, &all);
}

static void test_token(void **state)
{
	struct things page = { 0 };
	struct thing no_list = { 0 };

	(void)state;
	assert_null(awsq_shape_token(&things_shape, &page));
	fill(&page, 0, 0, "");
	assert_null(awsq_shape_token(&things_shape, &page));
	fill(&page, 0, 0, "abc");
	assert_ptr_equal(awsq_shape_token(&things_shape, &page), page.next_token);
	assert_string_equal(page.next_token, "abc");
	awsq_shape_free(&things_shape, &page);
	assert_null(awsq_shape_token(&thing_shape, &no_list));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_text_of_another_type),
		cmocka_unit_test(test_append),
		cmocka_unit_test(test_join),
		cmocka_unit_test(test_join_of_other_members),
		cmocka_unit_test(test_join_of_two_lists),
		cmocka_unit_test(test_token),
	};

	return cmocka_run_group_tests_name("shape", tests, NULL, NULL);
}
