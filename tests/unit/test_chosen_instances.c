/*
 * Which of a region's instances count as the fleet's, and which of several each is.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plan_world.h"

#define MOST 5

/* Instances i-1, i-2 and so on, with a tag (or NULL) each. */
struct row {
	struct awsq_ec2_instance items[MOST];
	struct awsq_ec2_tag tags[MOST];
	struct awsq_ec2_instances list;
};

static void row_begin(struct row *r)
{
	memset(r, 0, sizeof(*r));
	r->list.items = r->items;
}

static void row_add(struct row *r, const char *state, const char *key, const char *value)
{
	static char *const ids[] = { S("i-1"), S("i-2"), S("i-3"), S("i-4"), S("i-5") };
	size_t k = r->list.n++;

	r->tags[k] = (struct awsq_ec2_tag){ S(key), S(value) };
	r->items[k].id = ids[k];
	r->items[k].state = S(state);
	r->items[k].tags = &r->tags[k];
	r->items[k].n_tags = value != NULL;
}

static void test_which_instances_count(void **state)
{
	static const struct {
		const char *states[3];
		int replaces[3]; /* which one it was made to replace; 0: none */
		int counts[3];
	} cases[] = {
		{ { "stopped" }, { 0 }, { 1 } },
		{ { "terminated", "running", "shutting-down" }, { 0 }, { 0, 1, 0 } },
		{ { "terminated" }, { 0 }, { 0 } },
		{ { "stopped", "stopped" }, { 0 }, { 1, 1 } },
		{ { "stopped", "stopped" }, { 0, 1 }, { 0, 1 } },
		{ { "pending", "stopped" }, { 2, 0 }, { 1, 0 } },
		/* A successor that is gone replaces nothing, and what is gone is not replaced. */
		{ { "stopped", "terminated" }, { 0, 1 }, { 1, 0 } },
		{ { "terminated", "stopped" }, { 0, 1 }, { 0, 1 } },
		/* Two that were made for the same one. */
		{ { "stopped", "stopped", "stopped" }, { 0, 1, 1 }, { 0, 1, 1 } },
		{ { "stopped", "stopped", "stopped" }, { 0, 1, 0 }, { 0, 1, 1 } },
		/* Itself it cannot replace. */
		{ { "stopped" }, { 1 }, { 1 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		static const char *const ids[] = { NULL, "i-1", "i-2", "i-3" };
		struct row r;

		row_begin(&r);
		for (size_t k = 0; k < 3 && cases[i].states[k]; k++)
			row_add(&r, cases[i].states[k], TAG_REPLACES, ids[cases[i].replaces[k]]);
		for (size_t k = 0; k < r.list.n; k++) {
			int old = cases[i].replaces[k];
			const struct awsq_ec2_instance *replaced =
				instance_replaced(&r.list, &r.items[k]);

			assert_int_equal(instance_counts(&r.list, &r.items[k]), cases[i].counts[k]);
			if (old && cases[i].counts[k] && old != (int)k + 1 &&
				strcmp(cases[i].states[old - 1], "terminated") != 0)
				assert_ptr_equal(replaced, &r.items[old - 1]);
			else
				assert_null(replaced);
		}
	}
}

static void test_which_of_them_each_is(void **state)
{
	static const struct {
		const char *tags[MOST]; /* "": none; NULL: no more */
		int wanted;
		int ordinals[MOST];
	} cases[] = {
		{ { "" }, 1, { 1 } },
		{ { "2", "", "3" }, 3, { 2, 1, 3 } },
		/* Of those of the same number one has it; the others fill what is free. */
		{ { "2", "2", "2", "" }, 4, { 2, 1, 3, 4 } },
		/* What is no number, or none of these, says nothing. */
		{ { "3", "x", "0", "1" }, 2, { 1, 2, 3, 4 } },
		{ { "-2", "21", "2 ", "02x" }, 20, { 1, 2, 3, 4 } },
		/* A gap stays where it is. */
		{ { "3", "" }, 3, { 3, 1 } },
		{ { "5", "4" }, 5, { 5, 4 } },
		/* Too many. */
		{ { "", "", "2", "" }, 2, { 1, 3, 2, 4 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int ordinals[MOST] = { 99, 99, 99, 99, 99 };
		struct row r;

		row_begin(&r);
		for (size_t k = 0; k < MOST && cases[i].tags[k]; k++)
			row_add(&r, "stopped", TAG_ORDINAL,
				cases[i].tags[k][0] ? cases[i].tags[k] : NULL);
		chosen_ordinals(ordinals, &r.list, cases[i].wanted);
		for (size_t k = 0; k < r.list.n; k++)
			assert_int_equal(ordinals[k], cases[i].ordinals[k]);
		if (r.list.n < MOST)
			assert_int_equal(ordinals[r.list.n], 99);
	}
}

/* The first that config-region makes does not say so; but who was made by hand has no number. */
static void test_who_was_made_as_the_first(void **state)
{
	int ordinals[MOST];
	struct row r;

	(void)state;
	row_begin(&r);
	row_add(&r, "stopped", TAG_NAME, FLEET_NAME);
	row_add(&r, "stopped", TAG_KEY, FINGERPRINT);
	chosen_ordinals(ordinals, &r.list, 2);
	assert_memory_equal(ordinals, ((const int[]){ 2, 1 }), 2 * sizeof(int));
	/* Of two, as two controllers make them, the latest. */
	row_add(&r, "stopped", TAG_KEY, FINGERPRINT);
	r.items[2].launch_time = 7;
	chosen_ordinals(ordinals, &r.list, 3);
	assert_memory_equal(ordinals, ((const int[]){ 2, 3, 1 }), 3 * sizeof(int));
	assert_int_equal(instance_ordinal(&r.items[0]), 0);
	assert_int_equal(instance_ordinal(&r.items[1]), 1);
}

/* In whatever order AWS lists them: by their ids. What does not count has no number. */
static void test_the_order_of_the_list_does_not_matter(void **state)
{
	struct awsq_ec2_instance last;
	int ordinals[MOST];
	struct row r;

	(void)state;
	row_begin(&r);
	row_add(&r, "stopped", TAG_ORDINAL, NULL);
	row_add(&r, "running", TAG_ORDINAL, NULL);
	row_add(&r, "terminated", TAG_ORDINAL, "2");
	row_add(&r, "stopped", TAG_REPLACES, "i-1");
	chosen_ordinals(ordinals, &r.list, 3);
	assert_memory_equal(ordinals, ((const int[]){ 0, 1, 0, 2 }), 4 * sizeof(int));
	last = r.items[3];
	r.items[3] = r.items[1];
	r.items[1] = last;
	chosen_ordinals(ordinals, &r.list, 3);
	assert_memory_equal(ordinals, ((const int[]){ 0, 2, 0, 1 }), 4 * sizeof(int));
}

static void test_the_profile_of_all(void **state)
{
	size_t n;
	int differ;
	struct row r;

	(void)state;
	row_begin(&r);
	assert_null(chosen_profile(&r.list, &n, &differ));
	assert_true(n == 0 && !differ);
	row_add(&r, "terminated", TAG_NAME, FLEET_NAME);
	row_add(&r, "stopped", TAG_NAME, FLEET_NAME);
	row_add(&r, "running", TAG_NAME, FLEET_NAME);
	assert_null(chosen_profile(&r.list, &n, &differ));
	assert_true(n == 2 && !differ);
	r.items[0].profile_arn = S(PROFILE_ARN "gone");
	r.items[1].profile_arn = r.items[2].profile_arn = S(PROFILE_ARN "role");
	assert_string_equal(chosen_profile(&r.list, &n, &differ), "role");
	assert_true(n == 2 && !differ);
	r.items[2].profile_arn = NULL;
	assert_string_equal(chosen_profile(&r.list, &n, &differ), "role");
	assert_true(n == 2 && differ);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_which_instances_count),
		cmocka_unit_test(test_which_of_them_each_is),
		cmocka_unit_test(test_who_was_made_as_the_first),
		cmocka_unit_test(test_the_order_of_the_list_does_not_matter),
		cmocka_unit_test(test_the_profile_of_all),
	};

	return cmocka_run_group_tests_name("chosen_instances", tests, NULL, NULL);
}
