/*
 * Leases as text, and the boot that they hold for.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "runs/lease.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define TEXT         "20261122-051552-7f3a9c until 2026-11-22T05:47:00Z since 2026-11-22T05:15:55Z"
#define SINCE        1795324555

static void test_there_and_back(void **state)
{
	struct lease lease = { "20261122-051552-7f3a9c", SINCE + 1865, SINCE }, back;
	char text[LEASE_SIZE];

	(void)state;
	lease_format(text, &lease);
	assert_string_equal(text, TEXT);
	assert_int_equal(lease_parse(&back, text), 0);
	assert_string_equal(back.run, lease.run);
	assert_int_equal(back.until, lease.until);
	assert_int_equal(back.since, lease.since);
}

static void test_the_longest_fits(void **state)
{
	struct lease lease = { .until = 253402300799, .since = 253402300799 }, back;
	char text[LEASE_SIZE];

	(void)state;
	memset(lease.run, 'x', sizeof(lease.run) - 1);
	lease_format(text, &lease);
	assert_int_equal(lease_parse(&back, text), 0);
	assert_memory_equal(&back, &lease, sizeof(lease));
}

static void test_what_is_none(void **state)
{
	static const char *const texts[] = {
		"", "mine", "x until y since z", "x until 2026-11-22T05:47:00Z",
		"x until 2026-11-22T05:47:00Z since ", (TEXT " and more"),
		"x until 2026-11-22T05:47:00Z since 2026-13-22T05:15:55Z",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	};
	struct lease lease, empty = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		memset(&lease, 'x', sizeof(lease));
		assert_int_equal(lease_parse(&lease, texts[i]), AWSQ_EPARSE);
		assert_memory_equal(&lease, &empty, sizeof(lease));
	}
}

static void test_it_holds_for_its_boot_alone(void **state)
{
	struct instance i = { .state = "running", .lease = TEXT, .launch = SINCE };
	struct lease lease;

	(void)state;
	assert_true(lease_of(&lease, &i));
	assert_string_equal(lease.run, "20261122-051552-7f3a9c");
	(void)snprintf(i.state, sizeof(i.state), "pending");
	assert_true(lease_of(&lease, &i));
	i.launch++;
	assert_false(lease_of(&lease, &i));
	i.launch--;
	(void)snprintf(i.state, sizeof(i.state), "stopping");
	assert_false(lease_of(&lease, &i));
	(void)snprintf(i.state, sizeof(i.state), "running");
	i.lease[0] = '\0';
	assert_false(lease_of(&lease, &i));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_the_longest_fits),
		cmocka_unit_test(test_what_is_none),
		cmocka_unit_test(test_it_holds_for_its_boot_alone),
	};

	return cmocka_run_group_tests_name("lease", tests, NULL, NULL);
}
