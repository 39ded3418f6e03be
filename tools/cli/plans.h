/*
 * plans.h: the plans of all regions, kept in the tasks' data until they are printed or carried out.
 */
#ifndef CLI_PLANS_H
#define CLI_PLANS_H

#include "cli/app.h"

/* A region as it is, and what follows from that. */
struct look {
	struct observed observed;
	struct plan plan; /* borrows from what was observed */
};

/* Empties l: what it held is freed. */
void look_end(struct look *l);

/*
 * For a worker: makes a look the task's data, and fills it with fill, which is to set err when it
 * fails. 0, or a code after the task has failed.
 */
int plans_keep(struct app *app, struct region *r, struct task *task,
	int (*fill)(struct look *l, struct app *app, struct region *r, struct awsq_err *err));

/* Prints what the tasks hold as --output says; 0, or a code as of app_print. */
int plans_print(struct app *app);

/* How many actions they have together. */
size_t plans_count(const struct app *app);

/* Frees what the tasks hold. */
void plans_free(struct app *app);

#endif
