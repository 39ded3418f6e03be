#include "banned.h"

#include "fleet/apply_private.h"
#include "fleet/state.h"

#define IMAGE_WAIT_MS (2 * 60 * 60 * 1000)
#define UNKNOWN_LOOKS 60
#define GROUP_WAIT_MS (5 * 60 * 1000)

int apply_token(struct apply *a, const struct awsq_call *call, char *token, struct awsq_err *err)
{
	return state_token(token, a->r->fleet->state_dir, a->r->name, awsq_buf_str(&call->body),
		err);
}

static int explain(struct apply *a, const struct action *action, int rc, struct awsq_err *err)
{
	return rc == 0 ? 0 : region_explain(a->r, err, "%s", action->what);
}

/* ---- Image */

static int copy_image(struct apply *a, const struct action *action, struct awsq_err *err)
{
	const struct config *c = a->d->config;
	struct awsq_ec2_copy_image copy = { 0 };
	struct awsq_ec2_created made = { 0 };
	struct awsq_call call;
	char token[STATE_TOKEN_SIZE], description[200];
	int rc;

	a->tags[2] = (struct awsq_ec2_new_tag){ TAG_SOURCE_IMAGE, a->d->image->id };
	(void)snprintf(description, sizeof(description), "%s, copied from %s in %s", c->name,
		a->d->image->id, c->home);
	copy.source_region = c->home;
	copy.source_image_id = a->d->image->id;
	copy.name = c->name;
	copy.description = description;
	copy.tags = a->tags;
	awsq_ec2_copy_image(&call, &made, &copy);
	rc = apply_token(a, &call, token, err);
	awsq_call_free(&call);
	if (rc == 0) {
		copy.client_token = token;
		awsq_ec2_copy_image(&call, &made, &copy);
		rc = region_call(a->r, &call, err);
	}
	a->tags[2] = (struct awsq_ec2_new_tag){ NULL, NULL };
	if (rc == 0) {
		(void)snprintf(a->image_id, sizeof(a->image_id), "%s", made.id ? made.id : "");
		region_event(a->r, "image %s: copying %s from %s", a->image_id, a->d->image->id,
			c->home);
	}
	awsq_ec2_free_created(&made);
	return explain(a, action, rc, err);
}

/* How far the copy is: AWS counts it on the snapshots, of which those that are done say nothing. */
static const char *progress_of(const struct awsq_ec2_snapshots *snapshots)
{
	for (size_t i = 0; i < snapshots->n; i++) {
		const struct awsq_ec2_snapshot *s = &snapshots->items[i];

		if (s->state && strcmp(s->state, "pending") == 0)
			return s->progress;
	}
	return NULL;
}

static void show_progress(struct apply *a)
{
	struct awsq_ec2_snapshots snapshots = { 0 };
	const char *name = a->d->config->name, *progress;
	struct awsq_call call;
	struct awsq_err ignored;

	awsq_ec2_describe_snapshots(&call, &snapshots,
		(struct awsq_ec2_filter[]){ { "tag:" TAG_FLEET, { name } }, { NULL, { NULL } } });
	(void)region_call(a->r, &call, &ignored);
	progress = progress_of(&snapshots);
	if (progress)
		region_status(a->r, "%s copied: image %s", progress, a->image_id);
	else
		region_status(a->r, "copying: image %s", a->image_id);
	awsq_ec2_free_snapshots(&snapshots);
}

/* One look at the image: 0 when it is available, 1 while it is pending, or a code. */
static int look_at_image(struct apply *a, struct awsq_err *err)
{
	struct awsq_ec2_images images = { 0 };
	struct awsq_call call;
	int rc;

	awsq_ec2_describe_image(&call, &images, a->image_id);
	rc = region_call(a->r, &call, err);
	if (awsq_err_is(err, "InvalidAMIID.NotFound") || (rc == 0 && images.n == 0)) {
		rc = awsq_err_set(err, AWSQ_ENOTFOUND,
			"AWS does not know image '%s', which it said it would make; the same "
			"command tries again",
			a->image_id);
	} else if (rc != 0) {
		region_explain(a->r, err, "look at image '%s'", a->image_id);
	} else if (strcmp(images.items[0].state, "pending") == 0) {
		rc = 1;
	} else if (strcmp(images.items[0].state, "available") != 0) {
		/* Asked for with the same token, it would be given back as it is. */
		state_forget_tokens(a->r->fleet->state_dir, a->r->name);
		rc = awsq_err_set(err, AWSQ_ESERVICE, "the copy to image '%s' is %s: %s",
			a->image_id, images.items[0].state,
			images.items[0].state_reason ? images.items[0].state_reason
						     : "no reason given");
	}
	awsq_ec2_free_images(&images);
	return rc;
}

static int wait_image(struct apply *a, const struct action *action, struct awsq_err *err)
{
	int64_t deadline = region_now_ms(a->r) + IMAGE_WAIT_MS;

	(void)action;
	for (int looks = 0;; looks++) {
		int rc = look_at_image(a, err);

		if (rc == 1 && looks == 0)
			region_event(a->r, "waiting for the copy to image %s", a->image_id);
		if (rc == 0)
			region_event(a->r, "image %s is available", a->image_id);
		/* A new image is not known everywhere at once; one that never is, is not ours. */
		if (rc == AWSQ_ENOTFOUND && looks >= UNKNOWN_LOOKS)
			state_forget_tokens(a->r->fleet->state_dir, a->r->name);
		if (rc != 1 && rc != AWSQ_ECANCELED &&
			(rc != AWSQ_ENOTFOUND || looks >= UNKNOWN_LOOKS))
			return rc;
		if (region_now_ms(a->r) >= deadline)
			return awsq_err_set(err, AWSQ_ETIMEDOUT,
				"image '%s' is still being copied; the same command goes on "
				"waiting",
				a->image_id);
		if (rc != AWSQ_ECANCELED)
			show_progress(a);
		if (rc == AWSQ_ECANCELED || region_sleep(a->r, region_poll_ms(looks)) != 0)
			return awsq_err_set(err, AWSQ_ECANCELED,
				"canceled; the copy to image '%s' goes on, and the same command "
				"waits for it",
				a->image_id);
	}
}

/* ---- Key pair */

static int import_key_pair(struct apply *a, const struct action *action, struct awsq_err *err)
{
	struct awsq_call call;
	int rc;

	awsq_ec2_import_key_pair(&call, a->d->config->name, a->d->public_key, a->tags);
	rc = region_call(a->r, &call, err);
	if (rc == 0)
		region_event(a->r, "key pair %s is imported", a->d->config->name);
	return explain(a, action, rc, err);
}

/* ---- Security group */

static int create_group(struct apply *a, const struct action *action, struct awsq_err *err)
{
	const struct awsq_ec2_security_group *home = observed_group(&a->d->home);
	struct awsq_ec2_created made = { 0 };
	struct awsq_call call;
	int rc;

	awsq_ec2_create_security_group(&call, &made, a->d->config->name,
		home->description ? home->description : a->d->config->name, observed_vpc(a->o),
		a->tags);
	rc = region_call(a->r, &call, err);
	if (rc == 0) {
		(void)snprintf(a->group_id, sizeof(a->group_id), "%s", made.id ? made.id : "");
		region_event(a->r, "security group %s is made", a->group_id);
	}
	awsq_ec2_free_created(&made);
	return explain(a, action, rc, err);
}

typedef void change_rules(struct awsq_call *call, const char *group_id,
	const struct awsq_ec2_ip_permission *permissions, size_t n);

static int apply_rules(struct apply *a, const struct action *action, struct awsq_err *err)
{
	static change_rules *const change[] = {
		[ACTION_REVOKE_INGRESS] = awsq_ec2_revoke_ingress,
		[ACTION_REVOKE_EGRESS] = awsq_ec2_revoke_egress,
		[ACTION_AUTHORIZE_INGRESS] = awsq_ec2_authorize_ingress,
		[ACTION_AUTHORIZE_EGRESS] = awsq_ec2_authorize_egress,
	};
	struct awsq_ec2_ip_permission *permissions;
	struct awsq_ec2_rule_target *targets;
	struct awsq_call call;
	int rc;

	rc = rules_to_permissions(&permissions, &targets, &action->rules, a->group_id);
	if (rc != 0)
		return awsq_err_set(err, rc, "%s", awsq_strerror(rc));
	change[action->kind](&call, a->group_id, permissions, action->rules.n);
	rc = region_call_settling(a->r, &call, err);
	free(permissions);
	free(targets);
	if (rc == 0)
		region_event(a->r, "security group %s: %zu %s rule%s %s", a->group_id,
			action->rules.n, action->rules.items[0].egress ? "egress" : "ingress",
			action->rules.n == 1 ? "" : "s",
			action_sign(action) == '-' ? "revoked" : "authorized");
	return explain(a, action, rc, err);
}

/* ---- Removing */

/* Whether AWS says that what was to be removed is not there: then there is nothing to do. */
static int is_gone(const struct awsq_err *err)
{
	size_t len = strlen(err->aws_code);

	return (len > 9 && strcmp(err->aws_code + len - 9, ".NotFound") == 0) ||
	       awsq_err_is(err, "InvalidAMIID.Unavailable");
}

/* Whether what is to be removed is still in use by something that is on its way out. */
static int is_in_use(const struct awsq_err *err)
{
	return awsq_err_is(err, "DependencyViolation") || awsq_err_is(err, "InvalidSnapshot.InUse");
}

static int remove_one(struct apply *a, const struct action *action, struct awsq_err *err)
{
	int64_t deadline = region_now_ms(a->r) + GROUP_WAIT_MS;
	struct awsq_call call;
	int rc;

	for (int looks = 0;; looks++) {
		if (action->kind == ACTION_DEREGISTER_IMAGE)
			awsq_ec2_deregister_image(&call, action->id);
		else if (action->kind == ACTION_DELETE_SNAPSHOT)
			awsq_ec2_delete_snapshot(&call, action->id);
		else if (action->kind == ACTION_DELETE_GROUP)
			awsq_ec2_delete_security_group(&call, action->id);
		else
			awsq_ec2_delete_key_pair(&call, action->id);
		rc = region_call(a->r, &call, err);
		if (rc == 0 || is_gone(err)) {
			if (action->kind == ACTION_DEREGISTER_IMAGE)
				state_forget_tokens(a->r->fleet->state_dir, a->r->name);
			region_event(a->r, "%s: done", action->what);
			return 0;
		}
		if (!is_in_use(err) || region_now_ms(a->r) >= deadline)
			return explain(a, action, rc, err);
		region_status(a->r, "still in use: %s", action->what);
		if (region_sleep(a->r, region_poll_ms(looks)) != 0)
			return awsq_err_set(err, AWSQ_ECANCELED, "canceled");
	}
}

/* ---- All of it */

typedef int apply_action(struct apply *a, const struct action *action, struct awsq_err *err);

static apply_action *const table[] = {
	[ACTION_DELETE_KEY_PAIR] = remove_one,
	[ACTION_DEREGISTER_IMAGE] = remove_one,
	[ACTION_COPY_IMAGE] = copy_image,
	[ACTION_IMPORT_KEY_PAIR] = import_key_pair,
	[ACTION_CREATE_GROUP] = create_group,
	[ACTION_REVOKE_INGRESS] = apply_rules,
	[ACTION_REVOKE_EGRESS] = apply_rules,
	[ACTION_AUTHORIZE_INGRESS] = apply_rules,
	[ACTION_AUTHORIZE_EGRESS] = apply_rules,
	[ACTION_WAIT_IMAGE] = wait_image,
	[ACTION_RUN_INSTANCE] = apply_run_instance,
	[ACTION_STOP_INSTANCE] = apply_stop_instance,
	[ACTION_TERMINATE_INSTANCE] = apply_terminate_instance,
	[ACTION_DELETE_SNAPSHOT] = remove_one,
	[ACTION_DELETE_GROUP] = remove_one,
};

static void begin(struct apply *a, struct region *r, const struct desired *d,
	const struct observed *o)
{
	const struct awsq_ec2_security_group *group = observed_group(o);
	const char *name = r->fleet->config->name;
	const struct awsq_ec2_image *image;
	size_t n;

	memset(a, 0, sizeof(*a));
	a->r = r;
	a->d = d;
	a->o = o;
	image = observed_image(o, &n);
	if (image)
		(void)snprintf(a->image_id, sizeof(a->image_id), "%s", image->id);
	if (group)
		(void)snprintf(a->group_id, sizeof(a->group_id), "%s", group->id);
	a->tags[0] = (struct awsq_ec2_new_tag){ TAG_NAME, name };
	a->tags[1] = (struct awsq_ec2_new_tag){ TAG_FLEET, name };
}

int plan_apply(const struct plan *p, struct region *r, const struct desired *d,
	const struct observed *o, struct awsq_err *err)
{
	struct apply a;
	int rc = 0;

	begin(&a, r, d, o);
	for (size_t i = 0; rc == 0 && i < p->n; i++)
		rc = table[p->actions[i].kind](&a, &p->actions[i], err);
	region_status(r, "%s", "");
	return rc;
}
