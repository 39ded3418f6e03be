#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <unistd.h>

#include <awsq/clock.h>
#include <awsq/err.h>

#define UNTOUCHED 4711

static const struct {
	int64_t seconds;
	const char *iso, *basic;
} times[] = {
	{ 0, "1970-01-01T00:00:00Z", "19700101T000000Z" },
	{ 1, "1970-01-01T00:00:01Z", "19700101T000001Z" },
	{ 86399, "1970-01-01T23:59:59Z", "19700101T235959Z" },
	{ 951782400, "2000-02-29T00:00:00Z", "20000229T000000Z" }, /* a leap century */
	{ 951868800, "2000-03-01T00:00:00Z", "20000301T000000Z" },
	{ 1078012800, "2004-02-29T00:00:00Z", "20040229T000000Z" },
	{ 1440938160, "2015-08-30T12:36:00Z", "20150830T123600Z" },
	{ 1677628799, "2023-02-28T23:59:59Z", "20230228T235959Z" },
	{ 1677628800, "2023-03-01T00:00:00Z", "20230301T000000Z" },
	{ 1709164800, "2024-02-29T00:00:00Z", "20240229T000000Z" },
	{ 1735689599, "2024-12-31T23:59:59Z", "20241231T235959Z" },
	{ 2147483648, "2038-01-19T03:14:08Z", "20380119T031408Z" },
	{ 4107542399, "2100-02-28T23:59:59Z", "21000228T235959Z" }, /* no leap century */
	{ 4107542400, "2100-03-01T00:00:00Z", "21000301T000000Z" },
	{ 253402300799, "9999-12-31T23:59:59Z", "99991231T235959Z" },
};

static void test_times_both_ways(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
		char iso[AWSQ_TIME_ISO], basic[AWSQ_TIME_BASIC];
		int64_t seconds = -1;

		awsq_time_iso(iso, times[i].seconds);
		assert_string_equal(iso, times[i].iso);
		awsq_time_basic(basic, times[i].seconds);
		assert_string_equal(basic, times[i].basic);
		assert_int_equal(awsq_time_parse(&seconds, times[i].iso), 0);
		assert_int_equal(seconds, times[i].seconds);
	}
}

/* Every day from 1970 to 2110, there and back. */
static void test_every_day(void **state)
{
	(void)state;
	for (int64_t day = 0; day < INT64_C(140) * 365; day++) {
		int64_t at = day * 86400 + day % 86400, seconds = -1;
		char iso[AWSQ_TIME_ISO];

		awsq_time_iso(iso, at);
		assert_int_equal(awsq_time_parse(&seconds, iso), 0);
		assert_int_equal(seconds, at);
	}
}

static void test_forms_of_a_time(void **state)
{
	static const char *const same[] = { "2015-08-30T12:36:00Z", "2015-08-30T12:36:00.000Z",
		"2015-08-30T12:36:00.999999Z", "2015-08-30T12:36:00.5Z", "2015-08-30T12:36:00",
		"2015-08-30T12:36:00+00:00", "2015-08-30T12:36:00UTC", "2015-08-30T14:36:00+02:00",
		"2015-08-30T05:36:00.25-07:00", "2015-08-31T02:06:00+13:30" };

	(void)state;
	for (size_t i = 0; i < sizeof(same) / sizeof(*same); i++) {
		int64_t seconds = -1;

		if (awsq_time_parse(&seconds, same[i]) != 0)
			fail_msg("%s", same[i]);
		assert_int_equal(seconds, 1440938160);
	}
}

static void test_what_is_not_a_time(void **state)
{
	static const char *const bad[] = { "", "Z", "now", "1440938160", "2015-08-30",
		"2015-08-30 12:36:00Z", "2015-08-30T12:36Z", "2015-08-30T12:36:00z",
		"2015-08-30T12:36:00+0200", "2015-08-30T12:36:00+24:00",
		"2015-08-30T12:36:00-07:60", "2015-08-30T12:36:00+", "2015-08-30T12:36:00*07:00",
		"2015-08-30T12:36:00+07:00Z", "1970-01-01T00:30:00+01:00", "2015-08-30T12:36:00Zx",
		"2015-08-30T12:36:00 ", "2015-08-30T12:36:00,5Z", "2015-00-30T12:36:00Z",
		"2015-13-30T12:36:00Z", "2015-08-00T12:36:00Z", "2015-08-32T12:36:00Z",
		"2015-08-30T24:36:00Z", "2015-08-30T12:60:00Z", "2015-08-30T12:36:61Z",
		"1969-12-31T23:59:59Z", "20150830T123600Z", "15-08-30T12:36:00Z",
		"2015/08/30T12:36:00Z", "2015-Aug-30T12:36:00Z", "2015-02-30T00:00:00Z",
		"2023-02-29T00:00:00Z", "2015-04-31T00:00:00Z", " 2015-08-30T12:36:00Z",
		"2015-8-3T1:2:3Z", "2015-+8-+3T 1:+2: 3Z", "2015-08-30T12:36:00.Z" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		int64_t seconds = UNTOUCHED;

		if (awsq_time_parse(&seconds, bad[i]) != AWSQ_EPARSE)
			fail_msg("'%s' was taken", bad[i]);
		assert_int_equal(seconds, UNTOUCHED);
	}
}

static void test_http_dates(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds;
	} good[] = {
		{ "Sun, 06 Nov 1994 08:49:37 GMT", 784111777 }, /* the RFC's example */
		{ "Thu, 01 Jan 1970 00:00:00 GMT", 0 },
		{ "Tue, 29 Feb 2000 00:00:00 GMT", 951782400 },
		{ "Sun, 30 Aug 2015 12:36:00 GMT", 1440938160 },
		{ "Fri, 31 Dec 9999 23:59:59 GMT", 253402300799 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		int64_t seconds = -1;

		if (awsq_time_parse_http(&seconds, good[i].text) != 0)
			fail_msg("%s", good[i].text);
		assert_int_equal(seconds, good[i].seconds);
	}
}

static void test_every_month_of_http(void **state)
{
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul",
		"Aug", "Sep", "Oct", "Nov", "Dec" };

	(void)state;
	for (int i = 0; i < 12; i++) {
		char http[40], iso[40];
		int64_t a = -1, b = -2;

		(void)snprintf(http, sizeof(http), "Mon, 15 %s 2021 01:02:03 GMT", months[i]);
		(void)snprintf(iso, sizeof(iso), "2021-%02d-15T01:02:03Z", i + 1);
		assert_int_equal(awsq_time_parse_http(&a, http), 0);
		assert_int_equal(awsq_time_parse(&b, iso), 0);
		assert_int_equal(a, b);
	}
}

static void test_what_is_not_an_http_date(void **state)
{
	static const char *const bad[] = { "", "Sun", "Sun, 06 Nov 1994 08:49:37",
		"Sun, 06 Nov 1994 08:49:37 PST", "Sunday, 06-Nov-94 08:49:37 GMT",
		"Sun Nov  6 08:49:37 1994", "1994-11-06T08:49:37Z", "Sun, 06 Foo 1994 08:49:37 GMT",
		"Sun, 06 anF 1994 08:49:37 GMT", "Sun, 06 No 1994 08:49:37 GMT",
		"Sun, 06 nov 1994 08:49:37 GMT", "Sun, 32 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 1994 24:49:37 GMT", "06 Nov 1994 08:49:37 GMT",
		"xxx, 06 Nov 1994 08:49:37 GMT", "Mon, 31 Feb 1994 08:49:37 GMT",
		"Sun, 06 Nov 1994 08:49:37GMT", "Sun, 06 Nov 1994 08:49:37 GMT, too" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		int64_t seconds = UNTOUCHED;

		if (awsq_time_parse_http(&seconds, bad[i]) != AWSQ_EPARSE)
			fail_msg("'%s' was taken", bad[i]);
		assert_int_equal(seconds, UNTOUCHED);
	}
}

/* Times that fit no form are still NUL-terminated text. */
static void test_times_out_of_range(void **state)
{
	static const int64_t odd[] = { INT64_MIN, INT64_MAX, -1, 253402300800 };

	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
		char iso[AWSQ_TIME_ISO], basic[AWSQ_TIME_BASIC];

		memset(iso, 'x', sizeof(iso));
		memset(basic, 'x', sizeof(basic));
		awsq_time_iso(iso, odd[i]);
		awsq_time_basic(basic, odd[i]);
		assert_true(strlen(iso) < sizeof(iso));
		assert_true(strlen(basic) < sizeof(basic));
	}
}

static void test_the_system_clock(void **state)
{
	const struct awsq_clock *c = &awsq_clock_system;
	int64_t wall = c->wall_ms(c->arg), mono = c->mono_ms(c->arg);
	time_t now = time(NULL);
	double chance = c->chance(c->arg);

	(void)state;
	assert_in_range(wall / 1000 - now + 5, 0, 10);
	assert_true(chance >= 0 && chance < 1);
	assert_int_equal(c->sleep_ms(c->arg, 30, -1), 0);
	assert_true(c->mono_ms(c->arg) - mono >= 30);
}

static void test_a_sleep_is_canceled(void **state)
{
	const struct awsq_clock *c = &awsq_clock_system;
	int64_t before = c->mono_ms(c->arg);
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(c->sleep_ms(c->arg, 0, fds[0]), 0);
	assert_int_equal(write(fds[1], "x", 1), 1);
	assert_int_equal(c->sleep_ms(c->arg, 60000, fds[0]), AWSQ_ECANCELED);
	assert_int_equal(c->sleep_ms(c->arg, 0, fds[0]), AWSQ_ECANCELED);
	assert_true(c->mono_ms(c->arg) - before < 10000);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_times_both_ways),
		cmocka_unit_test(test_every_day),
		cmocka_unit_test(test_forms_of_a_time),
		cmocka_unit_test(test_what_is_not_a_time),
		cmocka_unit_test(test_http_dates),
		cmocka_unit_test(test_every_month_of_http),
		cmocka_unit_test(test_what_is_not_an_http_date),
		cmocka_unit_test(test_times_out_of_range),
		cmocka_unit_test(test_the_system_clock),
		cmocka_unit_test(test_a_sleep_is_canceled),
	};

	return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
