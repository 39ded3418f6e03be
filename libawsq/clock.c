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

int64_t awsq_wall_ms(void)
{
	return system_wall_ms(NULL);
}

int64_t awsq_mono_ms(void)
{
	return system_mono_ms(NULL);
}

int awsq_sleep_ms(int64_t ms, int cancel_fd)
{
	return system_sleep_ms(NULL, ms, cancel_fd);
}

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

/* From year, month, day, hour, minute and second. */
static int to_seconds(int64_t *out, const int n[6])
{
	int year = n[0], month = n[1], day = n[2];
	int64_t first, next;

	if (year < 1970 || month < 1 || month > 12 || n[3] > 23 || n[4] > 59 || n[5] > 60)
		return AWSQ_EPARSE;
	first = days_from_civil(year, month, 1);
	next = days_from_civil(year + month / 12, month % 12 + 1, 1);
	if (day < 1 || day > next - first)
		return AWSQ_EPARSE;
	*out = (first + day - 1) * 86400 + n[3] * 3600 + n[4] * 60 + n[5];
	return 0;
}

/*
 * Takes what the pattern says off the front of *text: each run of 0s is a number of just so many
 * digits, everything else stands for itself. (sscanf would take signs and blanks as well.)
 */
static int scan(const char **text, const char *pattern, int *numbers)
{
	const char *p = *text;

	for (; *pattern; pattern++, p++) {
		if (*pattern != '0') {
			if (*p != *pattern)
				return AWSQ_EPARSE;
			continue;
		}
		for (*numbers = 0;; pattern++, p++) {
			if (*p < '0' || *p > '9')
				return AWSQ_EPARSE;
			*numbers = *numbers * 10 + (*p - '0');
			if (pattern[1] != '0')
				break;
		}
		numbers++;
	}
	*text = p;
	return 0;
}

/* The time zone at a time's end: how many seconds it is ahead of UTC, which it is without one. */
static int scan_zone(int64_t *ahead, const char *text)
{
	int n[2] = { 0 };
	const char *at = text + 1;

	*ahead = 0;
	/* The last one is what older versions of the AWS CLI write into their caches. */
	if (strcmp(text, "") == 0 || strcmp(text, "Z") == 0 || strcmp(text, "UTC") == 0)
		return 0;
	if ((*text != '+' && *text != '-') || scan(&at, "00:00", n) != 0 || *at != '\0' ||
		n[0] > 23 || n[1] > 59)
		return AWSQ_EPARSE;
	*ahead = (n[0] * 3600 + n[1] * 60) * (*text == '-' ? -1 : 1);
	return 0;
}

int awsq_time_parse(int64_t *seconds, const char *text)
{
	int n[6];
	int64_t local, ahead;
	size_t digits;

	if (scan(&text, "0000-00-00T00:00:00", n) != 0)
		return AWSQ_EPARSE;
	if (*text == '.') {
		digits = strspn(text + 1, "0123456789");
		if (digits == 0)
			return AWSQ_EPARSE;
		text += 1 + digits;
	}
	if (scan_zone(&ahead, text) != 0 || to_seconds(&local, n) != 0 || local < ahead)
		return AWSQ_EPARSE;
	*seconds = local - ahead;
	return 0;
}

/* The number, from 1, of the name at the front of *text, which is taken off; 0: there is none. */
static int take_name(const char **text, const char *names)
{
	for (int i = 0; names[3 * i]; i++) {
		if (strncmp(*text, names + 3 * i, 3) == 0) {
			*text += 3;
			return i + 1;
		}
	}
	return 0;
}

int awsq_time_parse_http(int64_t *seconds, const char *text)
{
	int day, year_and_time[4], month;

	if (take_name(&text, "MonTueWedThuFriSatSun") == 0 || scan(&text, ", 00 ", &day) != 0)
		return AWSQ_EPARSE;
	month = take_name(&text, "JanFebMarAprMayJunJulAugSepOctNovDec");
	if (month == 0 || scan(&text, " 0000 00:00:00 GMT", year_and_time) != 0 || *text != '\0')
		return AWSQ_EPARSE;
	return to_seconds(seconds, (const int[]){ year_and_time[0], month, day, year_and_time[1],
					   year_and_time[2], year_and_time[3] });
}
