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
	/* A clock may be wrong by as much as AWS bears, either way. */
	i.launch = LAUNCH + 300;
	assert_true(reap_is_its_boot(&run, &i));
	i.launch = LAUNCH - 300;
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

/* Neither near nor leased: it is not stopped, and the run is not closed. */
static void test_a_launch_that_cannot_be_told(void **state)
{
	struct lease lease = {
		.run = "20261122-051552-00000000", .until = LAUNCH, .since = LAUNCH + 3600
	};
	struct ledger_run run = seen;
	struct instance i = on;

	(void)state;
	run.launch_ms = 0;
	run.before_ms = (LAUNCH - 7200) * 1000;
	/* What is its for certain is not also in doubt. */
	assert_false(reap_may_be_its_boot(&run, &i));
	i.launch = LAUNCH + 3600;
	assert_true(reap_may_be_its_boot(&run, &i));
	i.launch = LAUNCH - 3600;
	assert_true(reap_may_be_its_boot(&run, &i));
	/* That was before the run, whatever the clocks say. */
	i.launch = LAUNCH - 7200;
	assert_false(reap_may_be_its_boot(&run, &i));
	run.before_ms = LAUNCH * 1000;
	i.launch = LAUNCH;
	assert_false(reap_is_its_boot(&run, &i));
	assert_false(reap_may_be_its_boot(&run, &i));
	/* No clock is so wrong. */
	i.launch = LAUNCH + 2 * 86400;
	assert_false(reap_may_be_its_boot(&run, &i));
	i.launch = LAUNCH + 3600;
	lease_format(i.lease, &lease);
	assert_false(reap_may_be_its_boot(&run, &i));
	/* One whose launch was seen is no riddle. */
	i.lease[0] = '\0';
	run.launch_ms = LAUNCH * 1000;
	assert_false(reap_may_be_its_boot(&run, &i));
}

#define MINUTE INT64_C(60000)
#define DAY    (24 * 60 * MINUTE)

static void test_a_job_at_work(void **state)
{
	struct ledger_run run = seen;
	int64_t from = run.launch_ms, most = 120 * MINUTE;

	(void)state;
	assert_false(reap_is_at_work(&run, from, most));
	run.before_ms = from - DAY;
	run.job_start_ms = from + MINUTE;
	run.overdue_ms = from + 10 * MINUTE;
	assert_true(reap_is_at_work(&run, from + 2 * MINUTE, most));
	assert_false(reap_is_at_work(&run, from + 11 * MINUTE, most));
	/* The clock was ahead by more than a year, and was set right since. */
	run.started_ms += 400 * DAY;
	run.job_start_ms += 400 * DAY;
	run.overdue_ms += 400 * DAY;
	assert_true(reap_is_at_work(&run, from + 2 * MINUTE, most));
	assert_false(reap_is_at_work(&run, from + 11 * MINUTE, most));
	/* Set right between the two: no instance is on for longer than max_uptime. */
	run.started_ms -= 400 * DAY;
	assert_true(reap_is_at_work(&run, from + 2 * MINUTE, most));
	assert_false(reap_is_at_work(&run, from + most + MINUTE, most));
	/* It is behind now. */
	assert_false(reap_is_at_work(&run, from - 6 * MINUTE, most));
	run.job_end_ms = from + 3 * MINUTE;
	assert_false(reap_is_at_work(&run, from + 2 * MINUTE, most));
}

/* What was taken over had been on for long, and so may be near its end: its time is its own. */
static void test_a_job_after_a_takeover(void **state)
{
	struct ledger_run run = seen;
	int64_t from = run.launch_ms + 60 * MINUTE, most = 120 * MINUTE;

	(void)state;
	run.started_ms = from;
	run.job_start_ms = from;
	run.overdue_ms = from + 10 * MINUTE;
	assert_true(reap_is_at_work(&run, from + 9 * MINUTE, most));
	assert_false(reap_is_at_work(&run, from + 11 * MINUTE, most));
}

/* A job on an instance that was on already, maybe for long. */
static void test_a_job_without_a_start(void **state)
{
	struct ledger_run run = { .id = RUN, .instance = ID, .launch_ms = LAUNCH * 1000 };
	int64_t from = LAUNCH * 1000 + DAY;

	(void)state;
	run.job_start_ms = from;
	run.overdue_ms = from + 10 * MINUTE;
	assert_true(reap_is_at_work(&run, from + MINUTE, MINUTE));
	assert_false(reap_is_at_work(&run, from + 11 * MINUTE, MINUTE));
	assert_false(reap_is_at_work(&run, from - DAY, MINUTE));
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
		cmocka_unit_test(test_a_launch_that_cannot_be_told),
		cmocka_unit_test(test_a_job_at_work),
		cmocka_unit_test(test_a_job_after_a_takeover),
		cmocka_unit_test(test_a_job_without_a_start),
		cmocka_unit_test(test_a_lease_decides),
	};

	return cmocka_run_group_tests_name("reap", tests, NULL, NULL);
}
