/*
 * apply.h: carries out a plan, one action after another, waiting where AWS makes it wait.
 */
#ifndef FLEET_APPLY_H
#define FLEET_APPLY_H

#include "fleet/desired.h"
#include "fleet/observed.h"
#include "fleet/plan.h"
#include "fleet/region.h"

/*
 * Carries out p, which was made for this region from d and o (for a teardown, d is NULL). Ends at
 * the first action that fails; err says which and why. Doing it again, from a new look, finishes
 * the work: creations carry the same tokens until the caller forgets them (state.h).
 */
int plan_apply(const struct plan *p, struct region *r, const struct desired *d,
	const struct observed *o, struct awsq_err *err);

#endif
