/*
 * Schedules for cron and systemd: which times, how words are quoted.
 * tests/integration/test_rotate.py has them read by sh and systemd.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/schedule.h"

static const char *const names[] = { "us-west-2", "us-east-1", "sa-east-1", "eu-west-3",
	"ap-northeast-1", "ap-southeast-2" };

static struct schedule schedule_of(size_t n, int64_t every)
{
	return (struct schedule){ .regions = names,
		.n = n,
		.every = every,
		.fleet = "NAVO",
		.program = "/usr/local/bin/run-region",
		.config = "/etc/awsq/regions.cfg",
		.state = "/home/ops/.local/state/awsq/NAVO",
		.user = "ops",
		.self = "rotate-regions --print-crontab" };
}

/* The first five words of each line, one after the other. */
static void expect_times(size_t n, int64_t every, const char *expected)
{
	struct schedule s = schedule_of(n, every);
	struct awsq_buf text = AWSQ_BUF_INIT(65536), times = AWSQ_BUF_INIT(4096);
	const char *line;

	assert_int_equal(schedule_crontab(&text, &s, NULL), 0);
	for (line = awsq_buf_str(&text); *line; line = strchr(line, '\n') + 1) {
		const char *command = strstr(line, " /usr/local");

		if (line[0] != '#')
			awsq_buf_addf(&times, "%.*s|", (int)(command - line), line);
	}
	assert_string_equal(awsq_buf_str(&times), expected);
	awsq_buf_free(&times);
	awsq_buf_free(&text);
}

static void test_times(void **state)
{
	(void)state;
	expect_times(6, 6 * 3600,
		"5 0,6,12,18 * * *|5 1,7,13,19 * * *|5 2,8,14,20 * * *|5 3,9,15,21 * * *|"
		"5 4,10,16,22 * * *|5 5,11,17,23 * * *|");
	expect_times(3, 3600, "5 * * * *|25 * * * *|45 * * * *|");
	expect_times(2, 30 * 60, "5,35 * * * *|20,50 * * * *|");
	expect_times(2, 86400, "5 0 * * *|5 12 * * *|");
	expect_times(6, 7 * 86400,
		"5 0 * * 0|5 4 * * 1|5 8 * * 2|5 12 * * 3|5 16 * * 4|5 20 * * 5|");
}

static void test_times_that_cron_cannot_say(void **state)
{
	static const int64_t bad[] = { 1, 59, 61, 7 * 60, 45 * 60, 90 * 60, 5 * 3600, 2 * 86400,
		8 * 86400 };
	struct awsq_buf text = AWSQ_BUF_INIT(65536);
	struct awsq_err err;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct schedule s = schedule_of(2, bad[i]);

		assert_int_equal(schedule_crontab(&text, &s, &err), AWSQ_EINVAL);
		assert_int_equal(schedule_systemd(&text, &s, &err), AWSQ_EINVAL);
		assert_non_null(strstr(err.message, "--every"));
		assert_int_equal(text.len, 0);
	}
}

static void test_words_of_a_crontab(void **state)
{
	struct schedule s = schedule_of(1, 3600);
	struct awsq_buf text = AWSQ_BUF_INIT(65536);

	(void)state;
	s.config = "/home/o'ps/100%/my regions.cfg";
	s.profile = "awsq";
	s.state_dir = "/var/lib/awsq";
	assert_int_equal(schedule_crontab(&text, &s, NULL), 0);
	assert_non_null(strstr(awsq_buf_str(&text),
		" * * * /usr/local/bin/run-region "
		"--config='/home/o'\\''ps/100'\\%'/my regions.cfg' --profile=awsq "
		"--state-dir=/var/lib/awsq --quiet us-west-2\n"));
	awsq_buf_free(&text);
}

static void test_units(void **state)
{
	struct schedule s = schedule_of(6, 7 * 86400);
	struct awsq_buf text = AWSQ_BUF_INIT(65536);
	const char *units;

	(void)state;
	s.fleet = "my fleet/2";
	s.config = "/home/ops/100%/my \"regions\".cfg";
	s.profile = "a$b";
	assert_int_equal(schedule_systemd(&text, &s, NULL), 0);
	units = awsq_buf_str(&text);
	assert_non_null(strstr(units, "cat >'awsq-my-fleet-2@.service' <<'END'\n"));
	assert_non_null(strstr(units, "\nExecStart=/usr/local/bin/run-region "
				      "\"--config=/home/ops/100%%/my \\\"regions\\\".cfg\" "
				      "\"--profile=a$$b\" %i\n"));
	assert_non_null(strstr(units, "\nUser=ops\n"));
	assert_non_null(strstr(units, "\nReadWritePaths=/home/ops/.local/state/awsq/NAVO\n"));
	assert_non_null(strstr(units, "cat >'awsq-my-fleet-2@us-east-1.timer' <<'END'\n"));
	assert_non_null(strstr(units, "\nOnCalendar=Mon *-*-* 04:05:00 UTC\n"));
	assert_non_null(strstr(units, "\nPersistent=yes\n"));
	assert_non_null(strstr(units, "systemctl enable --now awsq-my-fleet-2@us-west-2.timer\n"));
	awsq_buf_free(&text);
	s = schedule_of(2, 30 * 60);
	assert_int_equal(schedule_systemd(&text, &s, NULL), 0);
	assert_non_null(strstr(awsq_buf_str(&text), "\nOnCalendar=*-*-* *:20,50:00 UTC\n"));
	awsq_buf_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_times_that_cron_cannot_say),
		cmocka_unit_test(test_words_of_a_crontab),
		cmocka_unit_test(test_units),
	};

	return cmocka_run_group_tests_name("schedule", tests, NULL, NULL);
}
