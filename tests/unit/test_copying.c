/*
 * How far a copy is, and how long it takes: by snapshots as AWS shows them.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fleet/copying.h"

#define S(text) ((char *)(uintptr_t)(text))

/* An image on the snapshots "snap-1" and "snap-2". */
static struct awsq_ec2_block_device devices[] = { { .device = S("/dev/sdb") },
	{ .snapshot_id = S("snap-1") }, { .snapshot_id = S("snap-2") } };
static const struct awsq_ec2_image image = { .devices = devices, .n_devices = 3 };

/* Looks at a snapshot of 8 GiB, and at another one where size is not 0. */
static void look(struct copying *c, int64_t now_ms, const char *state, const char *progress,
	int64_t size, const char *other_progress)
{
	struct awsq_ec2_snapshot two[2] = {
		{ .id = S("snap-1"), .state = S(state), .progress = S(progress), .volume_size = 8 },
		{ .id = S("snap-2"),
			.state = S("pending"),
			.progress = S(other_progress),
			.volume_size = size },
	};
	struct awsq_ec2_snapshots list = { .items = two, .n = size ? 2 : 1 };

	copying_look(c, &list, &image, now_ms);
}

static void left_is(const struct copying *c, const char *expected)
{
	char left[64] = "?";

	copying_left(left, sizeof(left), c);
	assert_string_equal(left, expected);
}

static void test_percentages(void **state)
{
	static const struct {
		const char *state, *progress;
		int64_t size;
		const char *other;
		int percent;
	} cases[] = {
		{ "pending", "0%", 0, NULL, 0 },
		{ "pending", "37%", 0, NULL, 37 },
		{ "pending", "100%", 0, NULL, 100 },
		{ "pending", "37", 0, NULL, 37 },
		{ "completed", NULL, 0, NULL, 100 },
		{ "completed", "99%", 0, NULL, 100 },
		/* Not known, or not to be believed. */
		{ "pending", NULL, 0, NULL, -1 },
		{ "pending", "", 0, NULL, -1 },
		{ "pending", "%", 0, NULL, -1 },
		{ "pending", "101%", 0, NULL, -1 },
		{ "pending", "-1%", 0, NULL, -1 },
		{ "pending", "many %", 0, NULL, -1 },
		{ NULL, "12345678901234567890%", 0, NULL, -1 },
		/* Large ones count for more; and all have to be known. */
		{ "completed", NULL, 8, "0%", 50 },
		{ "completed", NULL, 24, "0%", 25 },
		{ "pending", "10%", 24, "30%", 25 },
		{ "completed", NULL, 8, NULL, -1 },
		{ "pending", NULL, 8, "10%", -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct copying c;

		copying_begin(&c, 1000);
		look(&c, 2000, cases[i].state, cases[i].progress, cases[i].size, cases[i].other);
		assert_int_equal(c.percent, cases[i].percent);
		left_is(&c, "");
	}
}

/* A snapshot whose size AWS has not told counts like the smallest; none at all tell nothing. */
static void test_no_sizes(void **state)
{
	struct awsq_ec2_snapshot two[2] = { { .id = S("snap-1"), .progress = S("10%") },
		{ .id = S("snap-2"), .progress = S("20%") } };
	struct awsq_ec2_snapshots list = { .items = two, .n = 2 };
	struct copying c;

	(void)state;
	copying_begin(&c, 1000);
	copying_look(&c, &list, &image, 2000);
	assert_int_equal(c.percent, 15);
	list.n = 0;
	copying_look(&c, &list, &image, 3000);
	assert_int_equal(c.percent, 15);
}

/* An older copy of the same source has snapshots that carry the same tags. */
static void test_only_this_image_s_snapshots_count(void **state)
{
	struct awsq_ec2_snapshot all[] = {
		{ .id = S("snap-0"), .state = S("completed"), .volume_size = 80 },
		{ .id = S("snap-1"), .state = S("completed"), .volume_size = 8 },
		{ .id = S("snap-2"),
			.state = S("pending"),
			.progress = S("20%"),
			.volume_size = 8 },
		{ .id = S("snap-3"), .state = S("pending"), .volume_size = 8 },
		{ .state = S("pending") },
	};
	struct awsq_ec2_snapshots list = { .items = all, .n = 5 };
	struct awsq_ec2_image unnamed = { .devices = devices, .n_devices = 1 };
	struct copying c;

	(void)state;
	copying_begin(&c, 0);
	copying_look(&c, &list, &image, 1000);
	assert_int_equal(c.percent, 60);
	/* Not named yet: those under way. */
	list.n = 3;
	copying_look(&c, &list, NULL, 2000);
	assert_int_equal(c.percent, 20);
	all[2].progress = S("30%");
	copying_look(&c, &list, &unnamed, 3000);
	assert_int_equal(c.percent, 30);
}

/* By the pace since the first percentage, not since the copy was asked for. */
static void test_time_left(void **state)
{
	static const struct {
		int64_t seconds; /* after the first look, at 10% */
		const char *progress, *left;
	} cases[] = {
		/* No pace yet, or nothing to wait for. */
		{ 0, "10%", "" },
		{ 60, "10%", "" },
		{ 60, "9%", "" },
		{ 60, "100%", "" },
		{ 10, "50%", ", about 12s left" },
		{ 80, "90%", ", about 10s left" },
		{ 89, "55%", ", about 89s left" },
		{ 90, "55%", ", about 2m left" },
		{ 100, "20%", ", about 13m left" },
		{ 60, "11%", ", about 89m left" },
		{ 36000, "11%", ", about 53400m left" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct copying c;

		copying_begin(&c, 0);
		/* That nothing is known at first does not count for the pace. */
		look(&c, 3600000, "pending", NULL, 0, NULL);
		look(&c, 7200000, "pending", "10%", 0, NULL);
		left_is(&c, "");
		look(&c, 7200000 + cases[i].seconds * 1000, "pending", cases[i].progress, 0, NULL);
		left_is(&c, cases[i].left);
		/* A look that tells nothing changes nothing. */
		look(&c, 99999999, "pending", NULL, 0, NULL);
		left_is(&c, cases[i].left);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_percentages),
		cmocka_unit_test(test_no_sizes),
		cmocka_unit_test(test_only_this_image_s_snapshots_count),
		cmocka_unit_test(test_time_left),
	};

	return cmocka_run_group_tests_name("copying", tests, NULL, NULL);
}
