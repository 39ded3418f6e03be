/*
 * schedule.h: what a rotation does as a schedule for cron or systemd: for each region its own
 * times, spread evenly. Pure.
 */
#ifndef CLI_SCHEDULE_H
#define CLI_SCHEDULE_H

#include <stddef.h>
#include <stdint.h>

#include <awsq/buf.h>
#include <awsq/err.h>

/* All of it borrowed. */
struct schedule {
	const char *const *regions;
	const char *const *accounts; /* whose each is, those of one together; NULL: no names */
	size_t n;
	int64_t every; /* seconds */
	const char *fleet;
	const char *program;   /* run-region, with its path */
	const char *config;    /* absolute */
	const char *profile;   /* of the AWS configuration; NULL: the default */
	const char *state_dir; /* --state-dir, absolute; NULL: not given */
	const char *state;     /* the fleet's state folder */
	const char *user;      /* who is to run it */
	const char *self;      /* the command that prints this, for a comment */
};

/*
 * Adds lines for crontab(5), or a text for sh that writes systemd's unit files into the folder it
 * is run in. AWSQ_EINVAL when `every` is none of the times that both can say: what divides an hour,
 * a day or a week evenly, in minutes or hours. Else the buffer's error.
 */
int schedule_crontab(struct awsq_buf *out, const struct schedule *s, struct awsq_err *err);
int schedule_systemd(struct awsq_buf *out, const struct schedule *s, struct awsq_err *err);

#endif
