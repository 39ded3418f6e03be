#include "banned.h"

#include "fleet/apply_private.h"
#include "fleet/console.h"
#include "fleet/state.h"

#include <awsq/retry.h>

#define INSTANCE_WAIT_MS (10 * 60 * 1000)
#define TELL_WAIT_MS     (2 * 60 * 1000)

/* What a new instance is tagged with; what is of no value, or NULL, is left out. */
struct new_tags {
	struct awsq_ec2_new_tag items[6];
	char ordinal[12];
};

static const struct awsq_ec2_new_tag *make_tags(struct new_tags *tags, const struct apply *a,
	int ordinal, const char *replaced)
{
	struct awsq_ec2_new_tag *next = tags->items;

	(void)snprintf(tags->ordinal, sizeof(tags->ordinal), "%d", ordinal);
	*next++ = (struct awsq_ec2_new_tag){ TAG_NAME, a->d->config->name };
	*next++ = (struct awsq_ec2_new_tag){ TAG_FLEET, a->d->config->name };
	*next++ = (struct awsq_ec2_new_tag){ TAG_KEY, a->d->key_fingerprint };
	if (ordinal > 1)
		*next++ = (struct awsq_ec2_new_tag){ TAG_ORDINAL, tags->ordinal };
	if (replaced[0])
		*next++ = (struct awsq_ec2_new_tag){ TAG_REPLACES, replaced };
	*next = (struct awsq_ec2_new_tag){ NULL, NULL };
	return tags->items;
}

/*
 * The token is that of the instance itself, of several the one of its number, not of which one it
 * replaces: should it not be seen for a moment when the old one is gone, it must not be made again
 * as one that replaces nothing.
 */
static int take_token(struct apply *a, struct awsq_ec2_run_instance *what, int ordinal, char *token,
	struct awsq_err *err)
{
	const struct awsq_ec2_new_tag *tags = what->tags;
	struct awsq_ec2_instances none = { 0 };
	struct new_tags own;
	struct awsq_call call;
	int rc;

	what->client_token = NULL;
	what->tags = make_tags(&own, a, ordinal, "");
	awsq_ec2_run_instances(&call, &none, what);
	rc = apply_token(a, &call, token, err);
	awsq_call_free(&call);
	what->tags = tags;
	what->client_token = token;
	return rc;
}

/* One attempt with one type. A token whose instance was terminated since is renewed, once. */
static int run_type(struct apply *a, struct awsq_ec2_run_instance *what, int ordinal,
	struct awsq_err *err)
{
	struct awsq_ec2_instances made = { 0 };
	struct awsq_call call;
	char token[STATE_TOKEN_SIZE];
	int rc = 0;

	for (int renewed = 0; renewed < 2; renewed++) {
		rc = take_token(a, what, ordinal, token, err);
		if (rc != 0)
			break;
		awsq_ec2_run_instances(&call, &made, what);
		rc = region_call_settling(a->r, &call, err);
		if (!awsq_err_is(err, "IdempotentInstanceTerminated"))
			break;
		state_forget_tokens(a->r->fleet->state_dir, a->r->name);
	}
	what->client_token = NULL;
	if (rc == 0 && made.n == 1)
		(void)snprintf(a->made[ordinal].id, sizeof(a->made[ordinal].id), "%s",
			made.items[0].id);
	else if (rc == 0)
		rc = awsq_err_set(err, AWSQ_EPARSE, "the answer names no instance");
	awsq_ec2_free_instances(&made);
	return rc;
}

/* The first of the types that the region has and has free. */
static int run_any_type(struct apply *a, struct awsq_ec2_run_instance *what, int ordinal,
	struct awsq_err *err)
{
	const struct config_strings *types =
		&config_place(a->d->config, a->r->name)->instance_types;
	const char *zone = a->plan->zone[0] ? a->plan->zone : NULL;
	int rc = 0;

	for (size_t i = 0; i < types->n; i++) {
		if (!type_is_offered(a->o, types->items[i], zone))
			continue;
		what->type = types->items[i];
		rc = run_type(a, what, ordinal, err);
		if (rc == 0 || !awsq_err_is_capacity(err))
			break;
		region_event(a->r, "no %s to be had: %s", what->type, err->aws_code);
	}
	if (!what->type)
		return awsq_err_set(err, AWSQ_ENOTFOUND,
			"cannot run an instance: no type of instance_type is offered in %s; name "
			"another one",
			zone ? zone : a->r->name);
	return rc == 0 ? 0 : region_explain(a->r, err, "run an instance of type %s", what->type);
}

int apply_run_instance(struct apply *a, const struct action *action, struct awsq_err *err)
{
	struct awsq_ec2_run_instance what = { 0 };
	struct new_tags tags;
	int rc;

	/* From here on there may be a machine that is on: nothing cancels its stop. */
	region_ignore_cancel(a->r);
	what.image_id = a->image_id;
	what.key_name = a->d->config->name;
	what.group_id = a->group_id;
	what.subnet_id = a->plan->subnet_id[0] ? a->plan->subnet_id : NULL;
	what.profile_name = a->d->profile_name;
	what.shutdown_behavior = "stop";
	what.http_tokens = "required";
	what.user_data = a->d->user_data;
	what.tags = make_tags(&tags, a, action->ordinal, action->value);
	rc = run_any_type(a, &what, action->ordinal, err);
	if (rc != 0)
		return rc;
	a->made[action->ordinal].on = 1;
	region_event(a->r, "instance %s (%s) is made", a->made[action->ordinal].id, what.type);
	return 0;
}

/* ---- Stopping them */

static void name_instance(struct instance *i, const struct apply *a, const struct action *action)
{
	memset(i, 0, sizeof(*i));
	(void)snprintf(i->id, sizeof(i->id), "%.63s",
		action->id[0] ? action->id : a->made[action->ordinal].id);
	(void)snprintf(i->state, sizeof(i->state), "pending");
}

/* The plan's k-th action, when that stops one that is there; NULL when not. */
static const struct action *a_stop(const struct apply *a, size_t k)
{
	const struct action *action = &a->plan->actions[k];

	return action->kind == ACTION_STOP_INSTANCE &&
	                       (action->id[0] || a->made[action->ordinal].on)
	               ? action
	               : NULL;
}

/* Tells one to stop that runs by now; 0 when there is nothing more to be told. */
static int tell_to_stop(struct apply *a, const struct action *action)
{
	struct awsq_err err = { 0 };
	struct instance i;

	name_instance(&i, a, action);
	if (instance_refresh(&i, a->r, &err) != 0)
		return 1;
	return strcmp(i.state, "pending") == 0 || instance_ask_stop(&i, a->r, &err) != 0;
}

/*
 * Each of several is on, and paid for, until it is told to stop: so all are, as they come up,
 * before the first is waited for. What goes wrong here goes wrong again where it is waited for, and
 * is told of there.
 */
static void tell_all_to_stop(struct apply *a)
{
	int64_t deadline = region_now_ms(a->r) + TELL_WAIT_MS;
	int *told = calloc(a->plan->n, sizeof(*told)), left = told != NULL;

	for (int looks = 0; left > 0 && region_now_ms(a->r) < deadline; looks++) {
		left = 0;
		for (size_t k = 0; k < a->plan->n; k++) {
			const struct action *action = a_stop(a, k);

			if (!action || told[k])
				continue;
			told[k] = tell_to_stop(a, action) == 0;
			a->made[action->ordinal].told |= told[k];
			left += !told[k];
		}
		if (left > 0)
			(void)region_sleep(a->r, region_poll_ms(looks));
	}
	free(told);
}

/* Once, before the first of them: what has to be read while they are on for the first time. */
static void prepare_stops(struct apply *a)
{
	int64_t end = region_now_ms(a->r) + CONSOLE_AWAIT_MS;
	struct instance i;
	int n = 0;

	if (a->stops_prepared)
		return;
	a->stops_prepared = 1;
	for (size_t k = 0; k < a->plan->n; k++) {
		const struct action *action = a_stop(a, k);

		if (!action)
			continue;
		name_instance(&i, a, action);
		console_await(a->r, &i, end);
		n++;
	}
	if (n > 1)
		tell_all_to_stop(a);
}

int apply_stop_instance(struct apply *a, const struct action *action, struct awsq_err *err)
{
	int64_t deadline = region_now_ms(a->r) + INSTANCE_WAIT_MS;
	int is_new = action->id[0] == '\0', on = 0;
	struct instance i;
	int was_on, rc;

	region_ignore_cancel(a->r);
	prepare_stops(a);
	a->made[action->ordinal].on = 0;
	name_instance(&i, a, action);
	rc = instance_stop(&i, a->r, is_new && !a->made[action->ordinal].told, deadline, &was_on,
		err);
	if (rc != 0) {
		instance_cry_out(&i, a->r, err);
		return rc;
	}
	/* Accepted, and ended by itself: no right to a key, or a limit on volumes. */
	if (strcmp(i.state, "stopped") != 0)
		return awsq_err_set(err, AWSQ_ESERVICE, "instance '%s' is %s, not stopped: %s",
			i.id, i.state, i.state_reason[0] ? i.state_reason : "no reason given");
	region_event(a->r, "instance %s is stopped", i.id);
	for (int k = 1; k <= CONFIG_COUNT_MAX; k++)
		on |= a->made[k].on;
	/* What comes after may be put off, should the user have wanted to end meanwhile. */
	if (!on)
		region_heed_cancel(a->r);
	return 0;
}

void apply_stop_made(struct apply *a)
{
	for (size_t k = 0; k < a->plan->n; k++) {
		const struct action *action = a_stop(a, k);
		struct awsq_err err = { 0 };

		if (action && !action->id[0] && apply_stop_instance(a, action, &err) != 0)
			region_warning(a->r, "%s", err.message);
	}
}

/* ---- Terminating them */

/*
 * The look that the plan is of may be as old as a copy takes: by now it may be at work for another
 * machine. Returns 0 when it may go, 1 when it has gone.
 */
static int look_before(struct apply *a, struct instance *i, struct awsq_err *err)
{
	int rc = instance_refresh(i, a->r, err);

	if (rc == AWSQ_ENOTFOUND)
		return 1;
	if (rc != 0 || strcmp(i->state, "stopped") == 0 || strcmp(i->state, "shutting-down") == 0)
		return rc;
	if (strcmp(i->state, "terminated") == 0)
		return 1;
	return awsq_err_set(err, AWSQ_ESERVICE,
		"cannot terminate '%s': it is %s by now, and may be at work; when it is stopped, "
		"the same command goes on",
		i->id, i->state);
}

int apply_terminate_instance(struct apply *a, const struct action *action, struct awsq_err *err)
{
	struct instance i;
	int rc = 0;

	name_instance(&i, a, action);
	/* A teardown is of all that there is, and says in what state it is. */
	if (a->d)
		rc = look_before(a, &i, err);
	if (rc < 0)
		return rc;
	if (rc == 1) {
		region_event(a->r, "instance %s is gone already", i.id);
		return 0;
	}
	rc = instance_terminate(&i, a->r, region_now_ms(a->r) + INSTANCE_WAIT_MS, err);
	if (rc == 0)
		region_event(a->r, "instance %s is terminated", i.id);
	return rc;
}
