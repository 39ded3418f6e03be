#include "banned.h"

#include "fleet/instance_private.h"
#include "fleet/offered.h"
#include "ssh/ssh.h"

#include <awsq/retry.h>

#define POLL_MS     500 /* while it boots: what it is on before it is seen on is paid for nothing */
#define BLIND_MS    60000 /* for how long AWS may not answer */
#define SSH_LOOK_MS 5000
/* Before its network is up an address is silent: asking anew is quicker than TCP's own second. */
#define SSH_TRY_MS  600
#define SSH_WAIT_MS 50
#define MAX_TYPES   17

/* ---- Types */

/* The types to try, and how that went. */
struct types {
	const char *items[MAX_TYPES];
	size_t n;
	char own[40];   /* that of the instance as it was found */
	char told[400]; /* those that had no room: "t3.micro, t3a.micro (not offered)" */
};

/*
 * Which of the region's types its zone offers. When that may not be asked, all: what is not on
 * offer will be told when it is tried.
 */
static void read_offers(struct awsq_ec2_offerings *out, int *known, struct region *r,
	const struct instance *i)
{
	const struct config_strings *types =
		&config_place(r->fleet->config, r->name)->instance_types;
	struct awsq_ec2_filter filters[3] = { { "location", { i->zone } },
		{ "instance-type", { NULL } }, { NULL, { NULL } } };
	struct awsq_err ignored;
	struct awsq_call call;

	for (size_t k = 0; k < types->n && k < MAX_TYPES - 1; k++)
		filters[1].values[k] = types->items[k];
	awsq_ec2_describe_instance_type_offerings(&call, out, "availability-zone", filters);
	*known = region_call(r, &call, &ignored) == 0;
}

static int is_offered(const struct awsq_ec2_offerings *offers, const char *type)
{
	for (size_t k = 0; k < offers->n; k++) {
		if (offers->items[k].instance_type &&
			strcmp(offers->items[k].instance_type, type) == 0)
			return 1;
	}
	return 0;
}

/*
 * In the order of the list; its own first where the list has not got it. One that stands behind on
 * the list was put on it when there was no room for those before: they are tried again, if the zone
 * has them at all.
 */
static void order_types(struct types *out, struct region *r, const struct instance *i)
{
	const struct config_strings *types =
		&config_place(r->fleet->config, r->name)->instance_types;
	struct awsq_ec2_offerings offers = { 0 };
	size_t own = 0;
	int known = 0;

	memset(out, 0, sizeof(*out));
	instance_set_text(out->own, sizeof(out->own), i->type);
	while (own < types->n && strcmp(types->items[own], i->type) != 0)
		own++;
	if (own == types->n)
		out->items[out->n++] = out->own;
	else if (own > 0)
		read_offers(&offers, &known, r, i);
	for (size_t k = 0; k < types->n && out->n < MAX_TYPES; k++) {
		if (own == types->n || k >= own || !known || is_offered(&offers, types->items[k]))
			out->items[out->n++] = types->items[k];
	}
	awsq_ec2_free_offerings(&offers);
}

static void add_told(struct types *t, const char *type, const struct awsq_err *err)
{
	size_t used = strlen(t->told);
	int plain = awsq_err_is_capacity(err);

	(void)snprintf(t->told + used, sizeof(t->told) - used, "%s%s%s%s%s", used ? ", " : "", type,
		plain ? "" : " (", plain ? "" : err->aws_code, plain ? "" : ")");
}

static int change_type(struct instance *i, struct region *r, const char *type, struct awsq_err *err)
{
	struct awsq_call call;
	int rc;

	if (strcmp(i->type, type) == 0)
		return 0;
	awsq_ec2_modify_instance_type(&call, i->id, type);
	rc = region_call(r, &call, err);
	if (rc == 0)
		instance_set_text(i->type, sizeof(i->type), type);
	return rc;
}

/* ---- Asking */

/*
 * Of two that ask at once only one sees that it was stopped before; but one whose first answer was
 * lost does not see it either.
 */
static int ask_start(struct instance *i, struct region *r, struct instance_start *how,
	struct awsq_err *err)
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
	how->unsure |= call.attempts > 1 && !awsq_err_is_capacity(err);
	how->unsure |= rc != 0 && rc != AWSQ_ESERVICE;
	if (rc == 0 && changes.n > 0) {
		const char *previous = changes.items[0].previous;

		how->ours = previous && strcmp(previous, "stopped") == 0;
		how->unsure &= !how->ours;
		instance_set_text(i->state, sizeof(i->state), changes.items[0].current);
	}
	awsq_call_free(&call);
	awsq_ec2_free_state_changes(&changes);
	return rc;
}

/* A quota may be of one family of types, too. */
static int is_no_room(const struct awsq_err *err)
{
	return awsq_err_is_capacity(err) || awsq_err_is(err, "VcpuLimitExceeded") ||
	       awsq_err_is(err, "InstanceLimitExceeded");
}

/* Asks with one type. *next: there is no room for it, or it cannot be set, and another may do. */
static int ask_with(struct instance *i, struct region *r, struct types *types, const char *type,
	struct instance_start *how, int *next, struct awsq_err *err)
{
	int set = strcmp(i->type, type) == 0, rc;

	*next = 0;
	rc = change_type(i, r, type, err);
	if (rc != 0) {
		*next = rc == AWSQ_ESERVICE;
		add_told(types, type, err);
		return rc;
	}
	if (!set)
		region_event(r, "instance %s is to start as %s", i->id, type);
	rc = ask_start(i, r, how, err);
	*next = rc != 0 && is_no_room(err);
	how->no_capacity |= *next && awsq_err_is_capacity(err);
	if (*next)
		add_told(types, type, err);
	return rc;
}

static int ask_types(struct instance *i, struct region *r, struct instance_start *how,
	struct awsq_err *err)
{
	struct awsq_err first = { 0 }, ignored;
	struct types types;
	int next = 1, rc = 0;

	order_types(&types, r, i);
	for (size_t k = 0; k < types.n && next; k++) {
		rc = ask_with(i, r, &types, types.items[k], how, &next, err);
		if (next && (first.code == 0 || !is_no_room(&first)))
			first = *err;
	}
	if (rc == 0) {
		how->no_capacity = 0;
		return 0;
	}
	if (!next) {
		how->no_capacity = 0;
		return awsq_err_is(err, "IncorrectInstanceState")
		               ? err->code
		               : region_explain(r, err, "start '%s' (%s)", i->id, i->type);
	}
	*err = first;
	(void)change_type(i, r, types.items[0], &ignored);
	return region_explain(r, err, "start '%s' (tried %s)", i->id, types.told);
}

/*
 * Looks at what is on its way up, and so is paid for. That AWS does not answer for a while, or
 * wants newer credentials, is no reason to give it up: *blind_ms is since when that is so, 0 at
 * first.
 */
static int look(struct instance *i, struct region *r, int64_t *blind_ms, struct awsq_err *err)
{
	int64_t now;
	int rc = instance_refresh(i, r, err);

	if (rc == 0)
		*blind_ms = 0;
	if (rc == 0 || rc == AWSQ_ENOTFOUND || rc == AWSQ_ECANCELED || rc == AWSQ_ENOMEM ||
		awsq_err_is_denied(err))
		return rc;
	now = region_now_ms(r);
	if (*blind_ms == 0) {
		region_warning(r, "%s; trying again", err->message);
		*blind_ms = now;
	}
	return now - *blind_ms < BLIND_MS ? 0 : rc;
}

int instance_start(struct instance *i, struct region *r, int64_t deadline_ms,
	struct instance_start *how, struct awsq_err *err)
{
	int64_t blind_ms = 0;
	int asked_at = -1, rc;

	memset(how, 0, sizeof(*how));
	for (int looks = 0;; looks++) {
		/* Not before it was seen: its launch is to be that of this boot. */
		if (instance_is_on(i) && blind_ms == 0)
			return 0;
		if (instance_is_gone(i))
			return awsq_err_set(err, AWSQ_ENOTFOUND, "instance '%s' is %s", i->id,
				i->state);
		/*
		 * Accepted, and then stopped by itself: a KMS grant missing, for one. The first
		 * looks may still show what was before.
		 */
		if (instance_is(i, "stopped") && asked_at >= 0 && looks > asked_at + SETTLE_LOOKS)
			return awsq_err_set(err, AWSQ_ESERVICE,
				"instance '%s' stopped again as it started: %s", i->id,
				i->state_reason[0] ? i->state_reason : "no reason given");
		if (instance_is(i, "stopped") && asked_at < 0) {
			rc = ask_types(i, r, how, err);
			/* Its own stop may not have settled everywhere yet. */
			if (rc != 0 && !awsq_err_is(err, "IncorrectInstanceState"))
				return rc;
			asked_at = rc == 0 ? looks : -1;
		}
		rc = instance_pause(i, r, asked_at >= 0 ? POLL_MS : region_poll_ms(looks),
			deadline_ms, "running", err);
		if (rc == 0)
			rc = asked_at >= 0 ? look(i, r, &blind_ms, err)
			                   : instance_refresh(i, r, err);
		if (rc != 0)
			return rc;
	}
}

/* ---- Waiting for it */

int instance_wait_running(struct instance *i, struct region *r, int with_address,
	int64_t deadline_ms, struct awsq_err *err)
{
	int64_t blind_ms = 0;
	int stopped = 0;

	for (int looks = 0;; looks++) {
		int rc;

		if (instance_is(i, "running") && (i->address[0] || !with_address))
			return 0;
		if (instance_is_gone(i))
			return awsq_err_set(err, AWSQ_ENOTFOUND, "instance '%s' is %s", i->id,
				i->state);
		stopped = instance_is_on(i) ? 0 : stopped + 1;
		if (stopped > SETTLE_LOOKS)
			return awsq_err_set(err, AWSQ_ESERVICE,
				"instance '%s' stopped again as it started: %s", i->id,
				i->state_reason[0] ? i->state_reason : "no reason given");
		rc = instance_pause(i, r, looks < 120 ? POLL_MS : region_poll_ms(looks),
			deadline_ms, "running", err);
		if (rc == 0)
			rc = look(i, r, &blind_ms, err);
		if (rc != 0)
			return rc;
	}
}

int instance_still_runs(struct instance *i, struct region *r, struct awsq_err *err)
{
	int rc = instance_refresh(i, r, err);

	if (rc == 0 && !instance_is(i, "running"))
		rc = awsq_err_set(err, AWSQ_ENOTFOUND,
			"instance '%s' is %s: something else stopped it%s%s", i->id, i->state,
			i->state_reason[0] ? ": " : "", i->state_reason);
	else if (rc == 0 && instance_is_over(i))
		rc = awsq_err_set(err, AWSQ_ENOTFOUND,
			"instance '%s' was stopped and started again by something else", i->id);
	return rc;
}

int instance_wait_ssh(struct instance *i, struct region *r, struct awsq_err *err)
{
	int64_t begin = region_now_ms(r), next_look = begin + SSH_LOOK_MS;
	int64_t deadline = begin + r->fleet->config->job_connect_timeout * 1000;
	int port = r->fleet->config->job_port;
	int rc;

	for (;;) {
		int64_t now = region_now_ms(r), left = deadline - now;

		if (left <= 0)
			return awsq_err_set(err, AWSQ_ETIMEDOUT,
				"instance '%s' runs, but no SSH server answers at %s port %d: does "
				"the security group let this machine in?",
				i->id, i->address, port);
		region_status(r, "waiting for SSH at %s port %d", i->address, port);
		rc = ssh_port_answers(i->address, port,
			(int)(left < SSH_TRY_MS ? left : SSH_TRY_MS), r->cancel_fd);
		if (rc == 0)
			return 0;
		if (rc == AWSQ_ECANCELED || region_sleep(r, SSH_WAIT_MS) != 0)
			return awsq_err_set(err, AWSQ_ECANCELED,
				"canceled while waiting for SSH on '%s'", i->id);
		if (now >= next_look) {
			rc = instance_still_runs(i, r, err);
			if (rc == AWSQ_ENOTFOUND)
				return rc;
			next_look = now + SSH_LOOK_MS;
		}
	}
}
