#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <awsq/err.h>
#include <awsq/num.h>

#define UNTOUCHED 4711

struct integer {
	const char *text;
	int64_t min, max;
	int code;
	int64_t value;
};

static const struct integer integers[] = {
	{ "0", INT64_MIN, INT64_MAX, 0, 0 }, { "-0", 0, 0, 0, 0 }, { "007", 0, 7, 0, 7 },
	{ "000000000000000000000000000001", 0, 1, 0, 1 }, { "42", 42, 42, 0, 42 },
	{ "-42", -42, -42, 0, -42 }, { "2147483648", 0, INT64_MAX, 0, 2147483648 },
	/* The limits of the type, and one past them. */
	{ "9223372036854775807", INT64_MIN, INT64_MAX, 0, INT64_MAX },
	{ "-9223372036854775808", INT64_MIN, INT64_MAX, 0, INT64_MIN },
	{ "9223372036854775808", INT64_MIN, INT64_MAX, AWSQ_EINVAL, 0 },
	{ "-9223372036854775809", INT64_MIN, INT64_MAX, AWSQ_EINVAL, 0 },
	{ "9223372036854775810", INT64_MIN, INT64_MAX, AWSQ_EINVAL, 0 },
	{ "18446744073709551616", INT64_MIN, INT64_MAX, AWSQ_EINVAL, 0 },
	{ "99999999999999999999999999", INT64_MIN, INT64_MAX, AWSQ_EINVAL, 0 },
	{ "-99999999999999999999999999", INT64_MIN, INT64_MAX, AWSQ_EINVAL, 0 },
	/* The caller's limits. */
	{ "10", 1, 9, AWSQ_EINVAL, 0 }, { "0", 1, 9, AWSQ_EINVAL, 0 },
	{ "-1", 0, 9, AWSQ_EINVAL, 0 }, { "1", 1, 9, 0, 1 }, { "9", 1, 9, 0, 9 },
	/* What is not a number, or not only one. */
	{ "", INT64_MIN, INT64_MAX, AWSQ_EPARSE, 0 }, { "-", INT64_MIN, INT64_MAX, AWSQ_EPARSE, 0 },
	{ "--1", INT64_MIN, INT64_MAX, AWSQ_EPARSE, 0 },
	{ "+1", INT64_MIN, INT64_MAX, AWSQ_EPARSE, 0 },
	{ " 1", INT64_MIN, INT64_MAX, AWSQ_EPARSE, 0 },
	{ "1 ", INT64_MIN, INT64_MAX, AWSQ_EPARSE, 0 },
	{ "1\n", INT64_MIN, INT64_MAX, AWSQ_EPARSE, 0 },
	{ "1.0", INT64_MIN, INT64_MAX, AWSQ_EPARSE, 0 },
	{ "1e3", INT64_MIN, INT64_MAX, AWSQ_EPARSE, 0 },
	{ "0x10", INT64_MIN, INT64_MAX, AWSQ_EPARSE, 0 },
	{ "1,000", INT64_MIN, INT64_MAX, AWSQ_EPARSE, 0 },
	{ "one", INT64_MIN, INT64_MAX, AWSQ_EPARSE, 0 },
	{ "\xd9\xa1", INT64_MIN, INT64_MAX, AWSQ_EPARSE, 0 }, /* an Arabic 1 */
};

static void test_integers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(integers) / sizeof(*integers); i++) {
		const struct integer *t = &integers[i];
		int64_t value = UNTOUCHED;
		int rc = awsq_parse_int(&value, t->text, t->min, t->max);

		if (rc != t->code)
			fail_msg("'%s': %d", t->text, rc);
		assert_int_equal(value, rc == 0 ? t->value : UNTOUCHED);
	}
}

struct duration {
	const char *text;
	int64_t max;
	int code;
	int64_t seconds;
};

static const struct duration durations[] = {
	{ "0s", 0, 0, 0 },
	{ "1s", 1, 0, 1 },
	{ "90s", 90, 0, 90 },
	{ "2m", 120, 0, 120 },
	{ "1h", 3600, 0, 3600 },
	{ "7d", 604800, 0, 604800 },
	{ "1h30m", 86400, 0, 5400 },
	{ "1d2h3m4s", INT64_MAX, 0, 93784 },
	{ "1d4s", INT64_MAX, 0, 86404 },
	{ "0d0h0m5s", INT64_MAX, 0, 5 },
	{ "2147483647s", INT64_MAX, 0, INT32_MAX },
	{ "2147483647d", INT64_MAX, 0, INT64_C(185542587100800) },
	/* Past the maximum, whichever part takes it there. */
	{ "91s", 90, AWSQ_EINVAL, 0 },
	{ "1m31s", 90, AWSQ_EINVAL, 0 },
	{ "1d", 86399, AWSQ_EINVAL, 0 },
	{ "2147483648s", INT64_MAX, AWSQ_EINVAL, 0 },
	{ "99999999999999999999s", INT64_MAX, AWSQ_EINVAL, 0 },
	/* Not a length of time. */
	{ "", INT64_MAX, AWSQ_EPARSE, 0 },
	{ "5", INT64_MAX, AWSQ_EPARSE, 0 },
	{ "s", INT64_MAX, AWSQ_EPARSE, 0 },
	{ "1h30", INT64_MAX, AWSQ_EPARSE, 0 },
	{ "30m1h", INT64_MAX, AWSQ_EPARSE, 0 },
	{ "1h1h", INT64_MAX, AWSQ_EPARSE, 0 },
	{ "1h 30m", INT64_MAX, AWSQ_EPARSE, 0 },
	{ " 1h", INT64_MAX, AWSQ_EPARSE, 0 },
	{ "1h ", INT64_MAX, AWSQ_EPARSE, 0 },
	{ "-1h", INT64_MAX, AWSQ_EPARSE, 0 },
	{ "+1h", INT64_MAX, AWSQ_EPARSE, 0 },
	{ "1.5h", INT64_MAX, AWSQ_EPARSE, 0 },
	{ "1H", INT64_MAX, AWSQ_EPARSE, 0 },
	{ "1w", INT64_MAX, AWSQ_EPARSE, 0 },
	{ "1hm", INT64_MAX, AWSQ_EPARSE, 0 },
	{ "1sx", INT64_MAX, AWSQ_EPARSE, 0 },
};

static void test_durations(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(durations) / sizeof(*durations); i++) {
		const struct duration *t = &durations[i];
		int64_t seconds = UNTOUCHED;
		int rc = awsq_parse_duration(&seconds, t->text, t->max);

		if (rc != t->code)
			fail_msg("'%s': %d", t->text, rc);
		assert_int_equal(seconds, rc == 0 ? t->seconds : UNTOUCHED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_integers),
		cmocka_unit_test(test_durations),
	};

	return cmocka_run_group_tests_name("num", tests, NULL, NULL);
}
