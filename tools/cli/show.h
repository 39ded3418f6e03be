/*
 * show.h: what a person or a program sees of a region: a table, or JSON (json.h).
 */
#ifndef CLI_SHOW_H
#define CLI_SHOW_H

#include "cli/table.h"
#include "fleet/observed.h"
#include "fleet/plan.h"

/* A region as check-region found it. */
struct finding {
	const char *region;
	const char *name;  /* what is told is told of this: "us-east-1", "prod/us-east-1" */
	const char *error; /* why nothing is known; NULL when the rest is filled */
	const char *role;  /* instance profile of the instance; NULL: none */
	struct observed observed;
	struct plan plan;   /* how it differs from what is desired */
	struct rules rules; /* of the group */
};

/* How many differences there are; what blocks a plan is one. */
size_t finding_differences(const struct finding *f);

/* How long the instance has been up; -1 when it does not run. */
int64_t uptime_seconds(const struct awsq_ec2_instance *instance);

/* The header of check-region's table, and a region's rows. */
struct table *show_new_table(void);
void show_finding(struct table *t, const struct finding *f);

/* A plan's lines: a sign, the action, its reason, its rules; and what stays different. */
void show_plan(struct awsq_buf *out, const char *region, const struct plan *p);

#endif
