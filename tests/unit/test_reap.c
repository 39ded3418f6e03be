/*
 * Whether an instance is on by the start that a run has made: what may be stopped for it.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "runs/lease.h"
#include "runs/reap.h"

#define ID     "i-0123456789abcdef0"
#define RUN    "20261122-051552-7f3a9c01"
#define LAUNCH INT64_C(1795324555)

static const struct instance on = { .id = ID, .state = "running", .launch = LAUNCH };
static const struct ledger_run seen = {
	.id = RUN, .instance = ID, .started_ms = LAUNCH * 1000 - 400, .launch_ms = LAUNCH * 1000
};

static void test_a_launch_that_was_seen(void **state)
{
	struct ledger_run run = seen;
	struct instance i = on;

	(void)state;
	assert_true(reap_is_its_boot(&run, &i));
	(void)snprintf(i.state, sizeof(i.state), "pending");
	assert_true(reap_is_its_boot(&run, &i));
	/* By a later start, whoever made it, even a second later. */
	i.launch++;
	assert_false(reap_is_its_boot(&run, &i));
	i = on;
	(void)snprintf(i.id, sizeof(i.id), "i-0123456789abcdef1");
	assert_false(reap_is_its_boot(&run, &i));
}

static void test_what_is_off(void **state)
{
	static const char *const states[] = { "stopped", "stopping", "terminated",
		"shutting-down" };
	struct instance i = on;

	(void)state;
	for (size_t k = 0; k < sizeof(states) / sizeof(states[0]); k++) {
		(void)snprintf(i.state, sizeof(i.state), "%s", states[k]);
		assert_false(reap_is_its_boot(&seen, &i));
	}
}

/* Killed between the call and the first look. */
static void test_a_launch_that_was_not_seen(void **state)
{
	struct ledger_run run = seen;
	struct instance i = on;

	(void)state;
	run.launch_ms = 0;
	assert_true(reap_is_its_boot(&run, &i));
	i.launch = LAUNCH + 200;
	assert_true(reap_is_its_boot(&run, &i));
	i.launch = LAUNCH + 3600;
	assert_false(reap_is_its_boot(&run, &i));
	i.launch = LAUNCH - 3600;
	assert_false(reap_is_its_boot(&run, &i));
	/* It had not even asked. */
	i.launch = LAUNCH;
	run.started_ms = 0;
	assert_false(reap_is_its_boot(&run, &i));
}

static void test_a_lease_decides(void **state)
{
	struct lease lease = {
		.run = "20261122-051552-00000000", .until = LAUNCH, .since = LAUNCH
	};
	struct ledger_run run = seen;
	struct instance i = on;

	(void)state;
	run.launch_ms = 0;
	lease_format(i.lease, &lease);
	assert_false(reap_is_its_boot(&run, &i));
	(void)snprintf(lease.run, sizeof(lease.run), "%s", RUN);
	lease_format(i.lease, &lease);
	assert_true(reap_is_its_boot(&run, &i));
	/* One of an earlier boot is void. */
	(void)snprintf(lease.run, sizeof(lease.run), "20261122-051552-00000000");
	lease.since--;
	lease_format(i.lease, &lease);
	assert_true(reap_is_its_boot(&run, &i));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_launch_that_was_seen),
		cmocka_unit_test(test_what_is_off),
		cmocka_unit_test(test_a_launch_that_was_not_seen),
		cmocka_unit_test(test_a_lease_decides),
	};

	return cmocka_run_group_tests_name("reap", tests, NULL, NULL);
}
