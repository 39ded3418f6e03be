#include "banned.h"

#include <awsq/clock.h>
#include <awsq/err.h>
#include <awsq/hash.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t read_ms(clockid_t id)
{
	struct timespec ts = { 0, 0 };

	(void)clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int64_t system_wall_ms(void *arg)
{
	(void)arg;
	return read_ms(CLOCK_REALTIME);
}

static int64_t system_mono_ms(void *arg)
{
	(void)arg;
	return read_ms(CLOCK_MONOTONIC);
}

static double system_chance(void *arg)
{
	uint32_t n = 0;

	(void)arg;
	/* Without randomness the middle is a fair answer: it only spreads retries. */
	if (awsq_random_bytes(&n, sizeof(n)) != 0)
		return 0.5;
	return n / 4294967296.0;
}

static int system_sleep_ms(void *arg, int64_t ms, int cancel_fd)
{
	int64_t end = system_mono_ms(arg) + ms;
	struct pollfd p = { .fd = cancel_fd, .events = POLLIN, .revents = 0 };

	for (;;) {
		int64_t left = end - system_mono_ms(arg);

		/* A poll even when no time is left: a sleep of 0 still notices a cancellation. */
		if (poll(&p, 1, left > 0 ? (int)(left > 60000 ? 60000 : left) : 0) > 0)
			return AWSQ_ECANCELED;
		if (left <= 0)
			return 0;
	}
}

const struct awsq_clock awsq_clock_system = {
	system_wall_ms,
	system_mono_ms,
	system_chance,
	system_sleep_ms,
	NULL,
};

static void format_time(char *out, size_t size, int64_t seconds, const char *format)
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || strftime(out, size, format, &tm) == 0)
		(void)snprintf(out, size, "?");
}

void awsq_time_basic(char out[AWSQ_TIME_BASIC], int64_t seconds)
{
	format_time(out, AWSQ_TIME_BASIC, seconds, "%Y%m%dT%H%M%SZ");
}

void awsq_time_iso(char out[AWSQ_TIME_ISO], int64_t seconds)
{
	format_time(out, AWSQ_TIME_ISO, seconds, "%Y-%m-%dT%H:%M:%SZ");
}

/* Days from 1970-01-01 to a date of the Gregorian calendar; month from 1. */
static int64_t days_from_civil(int64_t year, int month, int day)
{
	int64_t era, year_of_era, day_of_year;

	year -= month <= 2;
	era = year / 400;
	year_of_era = year - era * 400;
	day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 +
	       day_of_year - 719468;
}

static int to_seconds(int64_t *out, int year, int month, int day, int hour, int minute, int second)
{
	if (year < 1970 || year > 9999 || month < 1 || month > 12 || day < 1 || day > 31 ||
		hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60)
		return AWSQ_EPARSE;
	*out = days_from_civil(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
	return 0;
}

int awsq_time_parse(int64_t *seconds, const char *text)
{
	int year, month, day, hour, minute, second, used = 0;

	if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d%n", &year, &month, &day, &hour, &minute, &second,
		    &used) != 6)
		return AWSQ_EPARSE;
	text += used;
	if (*text == '.')
		text += 1 + strspn(text + 1, "0123456789");
	if (strcmp(text, "Z") != 0 && strcmp(text, "") != 0 && strcmp(text, "+00:00") != 0)
		return AWSQ_EPARSE;
	return to_seconds(seconds, year, month, day, hour, minute, second);
}

int awsq_time_parse_http(int64_t *seconds, const char *text)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	char name[4];
	const char *at;
	int year, day, hour, minute, second, used = 0;

	if (sscanf(text, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT%n", &day, name, &year,
		    &hour, &minute, &second, &used) != 6 ||
		used == 0)
		return AWSQ_EPARSE;
	at = strstr(months, name);
	if (!at || strlen(name) != 3 || (at - months) % 3 != 0)
		return AWSQ_EPARSE;
	return to_seconds(seconds, year, (int)(at - months) / 3 + 1, day, hour, minute, second);
}
