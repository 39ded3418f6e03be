#include "banned.h"

#include "fleet/instance_private.h"

#define MAX_REFUSALS 13    /* a second apart: what IAM was told a moment ago is not so everywhere */
#define CRY_OUT_MS   60000 /* of trying: longer than a disturbance that is worth no alarm */

/* *asked becomes true when it was accepted; one that is pending cannot be stopped yet. */
static int ask_stop(struct instance *i, struct region *r, int *asked, struct awsq_err *err)
{
	struct awsq_ec2_state_changes changes = { 0 };
	struct awsq_call call;
	int rc;

	awsq_ec2_stop_instance(&call, &changes, i->id);
	rc = region_call(r, &call, err);
	*asked |= rc == 0;
	if (awsq_err_is(err, "IncorrectInstanceState"))
		rc = 0;
	else if (rc != 0)
		region_explain(r, err, "stop '%s'", i->id);
	else if (changes.n > 0)
		instance_set_text(i->state, sizeof(i->state), changes.items[0].current);
	awsq_ec2_free_state_changes(&changes);
	return rc;
}

int instance_ask_stop(struct instance *i, struct region *r, struct awsq_err *err)
{
	int asked = 0;

	if (!instance_is(i, "running") || instance_is_over(i))
		return 0;
	return ask_stop(i, r, &asked, err);
}

/* Whether asking again is of no use: we may not. Credentials that expired may be renewed yet. */
static int is_refusal(const struct awsq_err *err)
{
	static const char *const codes[] = { "UnauthorizedOperation", "AccessDenied",
		"OptInRequired", "OperationNotPermitted" };

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (awsq_err_is(err, codes[i]))
			return 1;
	}
	return 0;
}

/* Whether it is off for good: what was just started may still be shown as it was before. */
static int is_off(const struct instance *i, int asked)
{
	return instance_is_gone(i) || (instance_is(i, "stopped") && asked) || instance_is_over(i);
}

/* What was made a moment ago is not known everywhere at once: nothing to complain of. */
static int is_early(const struct awsq_err *err, int just_started, int looks)
{
	return just_started && looks < SETTLE_LOOKS &&
	       awsq_err_is(err, "InvalidInstanceID.NotFound");
}

/* A failure that goes on for long costs money before it is known how it ends. */
static void complain(const struct instance *i, const struct region *r, int64_t since_ms, int *said,
	const struct awsq_err *err)
{
	if (*said == 0) {
		region_warning(r, "%s; trying again", err->message);
	} else if (*said == 1 && region_now_ms(r) >= since_ms + CRY_OUT_MS) {
		instance_cry_out(i, r, err);
		region_warning(r, "still trying");
	} else {
		return;
	}
	++*said;
}

int instance_stop(struct instance *i, struct region *r, int just_started, int64_t deadline_ms,
	int *was_on, struct awsq_err *err)
{
	int64_t since_ms = region_now_ms(r);
	int rc = 0, said = 0, refused = 0, asked = !just_started;

	*was_on = 0;
	for (int looks = 0;; looks++) {
		/*
		 * A new one may not be known yet. One that was seen, and not on its way out, does
		 * not vanish: whoever does not know it is another account.
		 */
		if (rc == AWSQ_ENOTFOUND && i->seen && looks > SETTLE_LOOKS)
			return instance_is_gone(i) ? 0 : region_explain(r, err, "stop '%s'", i->id);
		if (rc == 0 && is_off(i, asked))
			return 0;
		*was_on |= rc == 0 && !instance_is(i, "stopped") && !instance_is_gone(i);
		if (rc == 0 && (instance_is(i, "running") || !asked))
			rc = ask_stop(i, r, &asked, err);
		if (rc == AWSQ_ECANCELED)
			return rc;
		refused += rc != 0 && is_refusal(err);
		if (refused >= MAX_REFUSALS)
			return rc;
		if (rc != 0 && rc != AWSQ_ENOTFOUND && !is_early(err, just_started, looks))
			complain(i, r, since_ms, &said, err);
		if (region_now_ms(r) >= deadline_ms && rc != 0)
			return rc;
		rc = instance_pause(i, r, region_poll_ms(looks), deadline_ms, "stopped", err);
		if (rc != 0)
			return rc;
		rc = instance_refresh(i, r, err);
	}
}

void instance_cry_out(const struct instance *i, const struct region *r, const struct awsq_err *err)
{
	region_warning(r, "INSTANCE '%s' MAY STILL BE ON, AND COST MONEY: %s", i->id, err->message);
	region_warning(r, "stop it by: aws ec2 stop-instances --region %s --instance-ids %s",
		r->name, i->id);
}

/* ---- Terminate */

int instance_terminate(struct instance *i, struct region *r, int64_t deadline_ms,
	struct awsq_err *err)
{
	struct awsq_ec2_state_changes changes = { 0 };
	struct awsq_call call;
	int rc;

	awsq_ec2_terminate_instance(&call, &changes, i->id);
	rc = region_call(r, &call, err);
	if (rc == 0 && changes.n > 0)
		instance_set_text(i->state, sizeof(i->state), changes.items[0].current);
	awsq_ec2_free_state_changes(&changes);
	if (awsq_err_is(err, "InvalidInstanceID.NotFound"))
		return 0;
	if (rc != 0)
		return region_explain(r, err, "terminate '%s'", i->id);
	for (int looks = 0; !instance_is(i, "terminated"); looks++) {
		rc = instance_pause(i, r, region_poll_ms(looks), deadline_ms, "terminated", err);
		if (rc == 0)
			rc = instance_refresh(i, r, err);
		if (rc != 0)
			return rc == AWSQ_ENOTFOUND ? 0 : rc;
	}
	return 0;
}
