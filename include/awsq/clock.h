/*
 * clock.h: time, sleep and chance as a parameter, so that signing, retrying and waiting can be
 * tested without waiting; and AWS's forms of a time.
 */
#ifndef AWSQ_CLOCK_H
#define AWSQ_CLOCK_H

#include <stdint.h>

#include <awsq/common.h>

struct awsq_clock {
	int64_t (*wall_ms)(void *arg); /* milliseconds since 1970-01-01T00:00:00Z */
	int64_t (*mono_ms)(void *arg); /* milliseconds that only ever grow: for deadlines */
	double (*chance)(void *arg);   /* evenly spread, at least 0 and below 1 */
	/* Sleeps ms, or until cancel_fd (-1: none) is readable: then AWSQ_ECANCELED. */
	int (*sleep_ms)(void *arg, int64_t ms, int cancel_fd);
	void *arg;
};

/* Room for "20150830T123600Z" and for "2015-08-30T12:36:00Z", each with its NUL. */
#define AWSQ_TIME_BASIC 17
#define AWSQ_TIME_ISO   21

AWSQ_BEGIN_DECLS

/* The machine's own clocks. */
extern const struct awsq_clock awsq_clock_system;

/* Its time, and its sleep, as struct awsq_clock has them. */
int64_t awsq_wall_ms(void);
int64_t awsq_mono_ms(void);
int awsq_sleep_ms(int64_t ms, int cancel_fd);

/* Seconds since the epoch in ISO 8601's basic form, as SigV4 wants it: 20150830T123600Z. */
void awsq_time_basic(char out[AWSQ_TIME_BASIC], int64_t seconds);

/* The same in the extended form: 2015-08-30T12:36:00Z. */
void awsq_time_iso(char out[AWSQ_TIME_ISO], int64_t seconds);

/*
 * Reads AWS's ISO 8601 times, with or without a fraction (dropped), in UTC ("Z", "UTC" or nothing)
 * or with an offset such as "+02:00". Seconds; AWSQ_EPARSE.
 */
int awsq_time_parse(int64_t *seconds, const char *text);

/* Reads an HTTP Date header (RFC 9110, section 5.6.7, IMF-fixdate). Seconds; AWSQ_EPARSE. */
int awsq_time_parse_http(int64_t *seconds, const char *text);

AWSQ_END_DECLS

#endif
