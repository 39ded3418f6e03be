#include "banned.h"

#include "fleet/instance.h"
#include "fleet/chosen.h"
#include "ssh/ssh.h"

#define SETTLE_LOOKS 10
#define MAX_REFUSALS 3
#define SSH_LOOK_MS  5000
#define SSH_TRY_MS   2000
#define SSH_WAIT_MS  250

static void set_text(char *out, size_t size, const char *text)
{
	(void)snprintf(out, size, "%s", text ? text : "");
}

static void take(struct instance *out, const struct awsq_ec2_instance *i)
{
	memset(out, 0, sizeof(*out));
	set_text(out->id, sizeof(out->id), i->id);
	set_text(out->state, sizeof(out->state), i->state);
	set_text(out->type, sizeof(out->type), i->type);
	set_text(out->address, sizeof(out->address), i->public_ip ? i->public_ip : i->private_ip);
	set_text(out->state_reason, sizeof(out->state_reason), i->state_reason);
	out->seen = 1;
}

static int is(const struct instance *i, const char *state)
{
	return strcmp(i->state, state) == 0;
}

static int is_gone(const struct instance *i)
{
	return is(i, "terminated") || is(i, "shutting-down");
}

static int read_list(struct awsq_ec2_instances *list, struct region *r, struct awsq_err *err)
{
	memset(list, 0, sizeof(*list));
	return observed_read_instances(list, r, err);
}

int instance_list(struct instance **out, size_t *n, struct region *r, struct awsq_err *err)
{
	struct awsq_ec2_instances list;
	int rc = read_list(&list, r, err);

	*n = 0;
	*out = calloc(list.n ? list.n : 1, sizeof(**out));
	if (rc == 0 && !*out)
		rc = awsq_err_set(err, AWSQ_ENOMEM, "out of memory");
	for (size_t k = 0; rc == 0 && k < list.n; k++) {
		if (instance_is_live(&list.items[k]))
			take(&(*out)[(*n)++], &list.items[k]);
	}
	awsq_ec2_free_instances(&list);
	return rc;
}

static int too_many(const struct awsq_ec2_instances *list, const char *name, struct awsq_err *err)
{
	char ids[512] = "";

	for (size_t k = 0; k < list->n; k++) {
		size_t used = strlen(ids);

		if (instance_is_live(&list->items[k]))
			(void)snprintf(ids + used, sizeof(ids) - used, "%s%s (%s)",
				used ? ", " : "", list->items[k].id, list->items[k].state);
	}
	return awsq_err_set(err, AWSQ_EINVAL,
		"several instances are those of '%s', by tag or Name: %s; terminate all but one",
		name, ids);
}

int instance_find(struct instance *out, struct region *r, struct awsq_err *err)
{
	const char *name = r->fleet->config->name;
	const struct awsq_ec2_instance *found;
	struct awsq_ec2_instances list;
	size_t n;
	int rc = read_list(&list, r, err);

	found = chosen_instance(&list, &n, NULL);
	if (rc == 0 && n == 0)
		rc = awsq_err_set(err, AWSQ_ENOTFOUND,
			"there is no instance of '%s': config-region makes it", name);
	else if (rc == 0 && n > 1)
		rc = too_many(&list, name, err);
	else if (rc == 0)
		take(out, found);
	awsq_ec2_free_instances(&list);
	return rc;
}

int instance_refresh(struct instance *i, struct region *r, struct awsq_err *err)
{
	struct awsq_ec2_instances list = { 0 };
	struct awsq_call call;
	int rc;

	awsq_ec2_describe_instance(&call, &list, i->id);
	rc = region_call(r, &call, err);
	if (awsq_err_is(err, "InvalidInstanceID.NotFound") || (rc == 0 && list.n == 0))
		rc = awsq_err_set(err, AWSQ_ENOTFOUND, "AWS does not know instance '%s'", i->id);
	else if (rc != 0)
		region_explain(r, err, "look at instance '%s'", i->id);
	else
		take(i, &list.items[0]);
	awsq_ec2_free_instances(&list);
	return rc;
}

static int timed_out(const struct instance *i, const char *wanted, struct awsq_err *err)
{
	return awsq_err_set(err, AWSQ_ETIMEDOUT, "instance '%s' is still %s, not %s%s%s", i->id,
		i->state, wanted, i->state_reason[0] ? ": " : "", i->state_reason);
}

/* Sleeps until the next look; not past the deadline. */
static int pause_poll(const struct instance *i, struct region *r, int looks, int64_t deadline_ms,
	const char *wanted, struct awsq_err *err)
{
	int64_t left = deadline_ms - region_now_ms(r), ms = region_poll_ms(looks);

	if (left <= 0)
		return timed_out(i, wanted, err);
	region_status(r, "%s: instance %s", i->state, i->id);
	if (region_sleep(r, ms < left ? ms : left) != 0)
		return awsq_err_set(err, AWSQ_ECANCELED, "canceled while instance '%s' was %s",
			i->id, i->state);
	return 0;
}

/* ---- Start */

/*
 * *started: this call started it, as far as that can be told. Of two that ask at once only one sees
 * that it was stopped before; but one whose first answer was lost does not see it either.
 */
static int ask_start(struct instance *i, struct region *r, int *started, struct awsq_err *err)
{
	struct awsq_ec2_state_changes changes = { 0 };
	struct awsq_call call;
	int rc;

	/* Not to be cut off in its middle: whether it was started would not be known. */
	awsq_client_set_cancel_fd(r->client, -1);
	awsq_ec2_start_instance(&call, &changes, i->id);
	rc = awsq_run(r->client, &call, 1);
	awsq_client_set_cancel_fd(r->client, r->cancel_fd);
	*err = call.err;
	*started = call.attempts > 1 || (rc != 0 && rc != AWSQ_ESERVICE);
	if (rc != 0) {
		region_explain(r, err, "start '%s' (%s)", i->id, i->type);
	} else if (changes.n > 0) {
		const char *previous = changes.items[0].previous;

		*started |= previous && strcmp(previous, "stopped") == 0;
		set_text(i->state, sizeof(i->state), changes.items[0].current);
	}
	awsq_call_free(&call);
	awsq_ec2_free_state_changes(&changes);
	return rc;
}

int instance_start(struct instance *i, struct region *r, int64_t deadline_ms, int *started,
	struct awsq_err *err)
{
	int asked_at = -1, rc;

	*started = 0;
	for (int looks = 0;; looks++) {
		if (is(i, "running") && i->address[0])
			return 0;
		if (is_gone(i))
			return awsq_err_set(err, AWSQ_ENOTFOUND, "instance '%s' is %s", i->id,
				i->state);
		/*
		 * Accepted, and then stopped by itself: a KMS grant missing, for one. The first
		 * looks may still show what was before.
		 */
		if (is(i, "stopped") && asked_at >= 0 && looks > asked_at + SETTLE_LOOKS)
			return awsq_err_set(err, AWSQ_ESERVICE,
				"instance '%s' stopped again as it started: %s", i->id,
				i->state_reason[0] ? i->state_reason : "no reason given");
		if (is(i, "stopped") && asked_at < 0) {
			rc = ask_start(i, r, started, err);
			/* Its own stop may not have settled everywhere yet. */
			if (rc != 0 && !awsq_err_is(err, "IncorrectInstanceState"))
				return rc;
			asked_at = rc == 0 ? looks : -1;
		}
		rc = pause_poll(i, r, looks, deadline_ms, "running", err);
		if (rc == 0)
			rc = instance_refresh(i, r, err);
		if (rc != 0)
			return rc;
	}
}

/* ---- Stop */

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
		set_text(i->state, sizeof(i->state), changes.items[0].current);
	awsq_ec2_free_state_changes(&changes);
	return rc;
}

/* Whether asking again is of no use: we may not, or AWS does not know us. */
static int is_refusal(const struct awsq_err *err)
{
	static const char *const codes[] = { "UnauthorizedOperation", "AccessDenied", "AuthFailure",
		"InvalidClientTokenId", "SignatureDoesNotMatch", "OptInRequired", "ExpiredToken",
		"RequestExpired", "OperationNotPermitted" };

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (awsq_err_is(err, codes[i]))
			return 1;
	}
	return 0;
}

/* Whether it is off for good: what was just started may still be shown as it was before. */
static int is_off(const struct instance *i, int asked)
{
	return is_gone(i) || (is(i, "stopped") && asked);
}

/* What was made a moment ago is not known everywhere at once: nothing to complain of. */
static int is_early(const struct awsq_err *err, int just_started, int looks)
{
	return just_started && looks < SETTLE_LOOKS &&
	       awsq_err_is(err, "InvalidInstanceID.NotFound");
}

int instance_stop(struct instance *i, struct region *r, int just_started, int64_t deadline_ms,
	int *was_on, struct awsq_err *err)
{
	int rc = 0, complained = 0, refused = 0, asked = !just_started;

	*was_on = 0;
	for (int looks = 0;; looks++) {
		/* One that was known and is no more is off; a new one only may not be known yet. */
		if (rc == AWSQ_ENOTFOUND && i->seen && looks > SETTLE_LOOKS)
			return 0;
		if (rc == 0 && is_off(i, asked))
			return 0;
		*was_on |= rc == 0 && !is(i, "stopped") && !is_gone(i);
		if (rc == 0 && (is(i, "running") || !asked))
			rc = ask_stop(i, r, &asked, err);
		if (rc == AWSQ_ECANCELED)
			return rc;
		refused += rc != 0 && is_refusal(err);
		if (refused >= MAX_REFUSALS)
			return rc;
		if (rc != 0 && rc != AWSQ_ENOTFOUND && !is_early(err, just_started, looks) &&
			!complained++)
			region_warning(r, "%s; trying again", err->message);
		if (region_now_ms(r) >= deadline_ms && rc != 0)
			return rc;
		rc = pause_poll(i, r, looks, deadline_ms, "stopped", err);
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
		set_text(i->state, sizeof(i->state), changes.items[0].current);
	awsq_ec2_free_state_changes(&changes);
	if (awsq_err_is(err, "InvalidInstanceID.NotFound"))
		return 0;
	if (rc != 0)
		return region_explain(r, err, "terminate '%s'", i->id);
	for (int looks = 0; !is(i, "terminated"); looks++) {
		rc = pause_poll(i, r, looks, deadline_ms, "terminated", err);
		if (rc == 0)
			rc = instance_refresh(i, r, err);
		if (rc != 0)
			return rc == AWSQ_ENOTFOUND ? 0 : rc;
	}
	return 0;
}

/* Whether it still runs; looked at now and then while its port does not answer. */
static int still_runs(struct instance *i, struct region *r, struct awsq_err *err)
{
	int rc = instance_refresh(i, r, err);

	if (rc == 0 && !is(i, "running"))
		rc = awsq_err_set(err, AWSQ_ENOTFOUND,
			"instance '%s' is %s: something else stopped it%s%s", i->id, i->state,
			i->state_reason[0] ? ": " : "", i->state_reason);
	return rc;
}

int instance_wait_ssh(struct instance *i, struct region *r, struct awsq_err *err)
{
	int64_t begin = region_now_ms(r), next_look = begin + SSH_LOOK_MS;
	int64_t deadline = begin + r->fleet->config->job_connect_timeout * 1000;
	int port = r->fleet->config->job_port;
	int rc;

	for (;;) {
		int64_t now = region_now_ms(r);
		int64_t timeout = deadline - now < SSH_TRY_MS ? deadline - now : SSH_TRY_MS;

		if (timeout <= 0)
			return awsq_err_set(err, AWSQ_ETIMEDOUT,
				"instance '%s' runs, but no SSH server answers at %s port %d: does "
				"the security group let this machine in?",
				i->id, i->address, port);
		region_status(r, "waiting for SSH at %s port %d", i->address, port);
		rc = ssh_port_answers(i->address, port, (int)timeout, r->cancel_fd);
		if (rc == 0)
			return 0;
		if (rc == AWSQ_ECANCELED || region_sleep(r, SSH_WAIT_MS) != 0)
			return awsq_err_set(err, AWSQ_ECANCELED,
				"canceled while waiting for SSH on '%s'", i->id);
		if (now >= next_look) {
			rc = still_runs(i, r, err);
			if (rc != 0)
				return rc;
			next_look = now + SSH_LOOK_MS;
		}
	}
}
