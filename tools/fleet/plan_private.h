/*
 * plan_private.h: how the two planners write their lists.
 */
#ifndef FLEET_PLAN_PRIVATE_H
#define FLEET_PLAN_PRIVATE_H

#include "fleet/plan.h"

/*
 * Adds an action; id may be NULL, and why is a format. *action is the new one, for more to be set;
 * it may be NULL. AWSQ_ENOMEM.
 */
int plan_add(struct plan *p, struct action **action, enum action_kind kind, const char *id,
	const char *why, ...) AWSQ_PRINTF(5, 6);

/* The action's words. */
void plan_say(struct action *a, const char *format, ...) AWSQ_PRINTF(2, 3);

/* Adds a note. AWSQ_ENOMEM. */
int plan_note(struct plan *p, const char *format, ...) AWSQ_PRINTF(2, 3);

/* Says why the plan cannot be carried out. */
void plan_block(struct plan *p, const char *format, ...) AWSQ_PRINTF(2, 3);

#endif
