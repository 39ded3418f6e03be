/*
 * preflight.h: whether all is there that setting regions up takes, found out without changing
 * anything. Nothing here fails as a whole: whatever goes wrong is a check that has not passed, and
 * the others are made all the same.
 */
#ifndef FLEET_PREFLIGHT_H
#define FLEET_PREFLIGHT_H

#include "fleet/desired.h"

enum check_result {
	CHECK_PASS,
	CHECK_FAIL,
	CHECK_UNKNOWN /* it could not be found out: detail says why */
};

struct check {
	char name[72];     /* "identity"; of a permission, its name: "ec2:CopyImage" */
	int is_permission; /* asked for by a dry run, or by a call that reads */
	char detail[1280]; /* what was found; after CHECK_FAIL also what to do about it */
	enum check_result result;
};

/* In the order in which they are to be read. */
struct checks {
	struct check *items;
	size_t n;
	int error; /* AWSQ_ENOMEM: some are missing */
};

/*
 * Adds what holds for all regions: identity, key file, home image and group, instance profile. d,
 * which is zeroed before, is filled as far as it could be found out; desired_free frees it.
 */
void preflight_account(struct checks *out, struct desired *d, const struct fleet *fleet);

/* Adds what holds for one region. */
void preflight_region(struct checks *out, const struct desired *d, struct region *r);

/* The word for a result: "pass", "fail" or "unknown". Static. */
const char *check_word(enum check_result result);

/* Whether none failed, and none is missing. */
int checks_pass(const struct checks *c);

void checks_free(struct checks *c);

#endif
