/*
 * hooks.h: what is to happen on this machine around a run: the commands job.before and job.after,
 * and the pings of job.ping_url.
 *
 * Commands are run by sh in a process group of their own, for 60 seconds at the most, with an empty
 * stdin, their output on the tool's stderr, and the run's facts in the environment:
 *
 *	AWSQ_RUN              the run's id, as list-runs has it
 *	AWSQ_FLEET            the fleet's name
 *	AWSQ_REGION, AWSQ_INSTANCE
 *	AWSQ_STATE            ledger_state_name: "open" before, "done", "timed-out", ... after
 *	AWSQ_STATUS           the exit status; "" before
 *	AWSQ_SECONDS          how long the job ran
 *	AWSQ_BILLED_SECONDS   for how long AWS bills the instance
 *	AWSQ_LOG              the run's folder
 *	AWSQ_MESSAGE          why it is not done; "" when it is
 *
 * All else of it, credentials too, is the tool's own.
 *
 * Pings are as healthchecks.io has them: a GET of URL/start before, and of URL/STATUS (0 to 255)
 * after. A query stays behind the path. They have 10 seconds.
 */
#ifndef RUNS_HOOKS_H
#define RUNS_HOOKS_H

#include "fleet/region.h"
#include "runs/ledger.h"

/*
 * Pings, and runs job.before. Nonzero when that says, by its status, or by not ending, that the run
 * is not to begin: AWSQ_EINVAL, AWSQ_ETIMEDOUT, AWSQ_ENOMEM, or AWSQ_ECANCELED when the user ended
 * it; err is a whole sentence. A ping that fails is an event only: hooks_after warns of its own.
 */
int hooks_before(const struct region *r, const struct ledger_run *run, struct awsq_err *err);

/*
 * Runs job.after, and pings. To be called once the instance is off and the run closed: nothing
 * cancels it, and whatever fails is a warning only.
 */
void hooks_after(const struct region *r, const struct ledger_run *run);

#endif
