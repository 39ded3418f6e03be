#include "banned.h"

#include "fleet/apply_private.h"
#include "fleet/console.h"
#include "fleet/state.h"

#include <awsq/retry.h>

#define INSTANCE_WAIT_MS (10 * 60 * 1000)

/*
 * The token is that of the instance itself, not of which one it replaces: should it not be seen for
 * a moment when the old one is gone, it must not be made again as one that replaces nothing.
 */
static int take_token(struct apply *a, struct awsq_ec2_run_instance *what, char *token,
	struct awsq_err *err)
{
	const struct awsq_ec2_new_tag *tags = what->tags;
	struct awsq_ec2_instances none = { 0 };
	struct awsq_call call;
	int rc;

	what->client_token = NULL;
	what->tags = APPLY_TAGS(a, { TAG_KEY, a->d->key_fingerprint }, );
	awsq_ec2_run_instances(&call, &none, what);
	rc = apply_token(a, &call, token, err);
	awsq_call_free(&call);
	what->tags = tags;
	what->client_token = token;
	return rc;
}

/* One attempt with one type. A token whose instance was terminated since is renewed, once. */
static int run_type(struct apply *a, struct awsq_ec2_run_instance *what, struct awsq_err *err)
{
	struct awsq_ec2_instances made = { 0 };
	struct awsq_call call;
	char token[STATE_TOKEN_SIZE];
	int rc = 0;

	for (int renewed = 0; renewed < 2; renewed++) {
		rc = take_token(a, what, token, err);
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
		(void)snprintf(a->instance_id, sizeof(a->instance_id), "%s", made.items[0].id);
	else if (rc == 0)
		rc = awsq_err_set(err, AWSQ_EPARSE, "the answer names no instance");
	awsq_ec2_free_instances(&made);
	return rc;
}

int apply_run_instance(struct apply *a, const struct action *action, struct awsq_err *err)
{
	const struct config *c = a->d->config;
	const struct config_strings *types = &config_place(c, a->r->name)->instance_types;
	const char *zone = a->plan->zone[0] ? a->plan->zone : NULL;
	struct awsq_ec2_run_instance what = { 0 };
	int rc = 0;

	/* From here on there may be a machine that is on: nothing cancels its stop. */
	region_ignore_cancel(a->r);
	what.image_id = a->image_id;
	what.key_name = c->name;
	what.group_id = a->group_id;
	what.subnet_id = a->plan->subnet_id[0] ? a->plan->subnet_id : NULL;
	what.profile_name = a->d->profile_name;
	what.shutdown_behavior = "stop";
	what.http_tokens = "required";
	what.user_data = a->d->user_data;
	what.tags = APPLY_TAGS(a, { TAG_KEY, a->d->key_fingerprint },
		{ action->value[0] ? TAG_REPLACES : NULL, action->value }, );
	for (size_t i = 0; i < types->n; i++) {
		if (!type_is_offered(a->o, types->items[i], zone))
			continue;
		what.type = types->items[i];
		rc = run_type(a, &what, err);
		if (rc == 0) {
			region_event(a->r, "instance %s (%s) is made", a->instance_id, what.type);
			return 0;
		}
		if (!awsq_err_is_capacity(err))
			break;
		region_event(a->r, "no %s to be had: %s", what.type, err->aws_code);
	}
	if (!what.type)
		return awsq_err_set(err, AWSQ_ENOTFOUND,
			"cannot run an instance: no type of instance_type is offered in %s; name "
			"another one",
			zone ? zone : a->r->name);
	return region_explain(a->r, err, "run an instance of type %s", what.type);
}

static void name_instance(struct instance *i, const struct apply *a, const struct action *action)
{
	memset(i, 0, sizeof(*i));
	(void)snprintf(i->id, sizeof(i->id), "%.63s", action->id[0] ? action->id : a->instance_id);
	(void)snprintf(i->state, sizeof(i->state), "pending");
}

int apply_stop_instance(struct apply *a, const struct action *action, struct awsq_err *err)
{
	int64_t deadline = region_now_ms(a->r) + INSTANCE_WAIT_MS;
	int is_new = action->id[0] == '\0';
	struct instance i;
	int was_on, rc;

	region_ignore_cancel(a->r);
	name_instance(&i, a, action);
	console_await(a->r, &i);
	rc = instance_stop(&i, a->r, is_new, deadline, &was_on, err);
	if (rc != 0) {
		instance_cry_out(&i, a->r, err);
		return rc;
	}
	/* Accepted, and ended by itself: no right to a key, or a limit on volumes. */
	if (strcmp(i.state, "stopped") != 0)
		return awsq_err_set(err, AWSQ_ESERVICE, "instance '%s' is %s, not stopped: %s",
			i.id, i.state, i.state_reason[0] ? i.state_reason : "no reason given");
	region_event(a->r, "instance %s is stopped", i.id);
	/* What comes after may be put off, should the user have wanted to end meanwhile. */
	region_heed_cancel(a->r);
	return 0;
}

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
