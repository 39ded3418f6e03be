#include "banned.h"

#include "fleet/apply_private.h"
#include "fleet/state.h"

#define REMOVE_WAIT_MS (5 * 60 * 1000)

int apply_token(struct apply *a, const struct awsq_call *call, char *token, struct awsq_err *err)
{
	return state_token(token, a->r->fleet->state_dir, a->r->name, awsq_buf_str(&call->body),
		err);
}

int apply_take_id(char *id, size_t size, const struct awsq_ec2_created *made, const char *kind,
	struct awsq_err *err)
{
	if (!made->id || !*made->id)
		return awsq_err_set(err, AWSQ_EPARSE, "the answer names no %s", kind);
	(void)snprintf(id, size, "%s", made->id);
	return 0;
}

int apply_explain(struct apply *a, const struct action *action, int rc, struct awsq_err *err)
{
	return rc == 0 ? 0 : region_explain(a->r, err, "%s", action->what);
}

/* ---- Key pair */

static int import_key_pair(struct apply *a, const struct action *action, struct awsq_err *err)
{
	struct awsq_call call;
	int rc;

	awsq_ec2_import_key_pair(&call, a->d->config->name, a->d->public_key, APPLY_TAGS(a, ));
	rc = region_call(a->r, &call, err);
	if (rc == 0)
		region_event(a->r, "key pair %s is imported", a->d->config->name);
	return apply_explain(a, action, rc, err);
}

/* ---- Security group */

static int create_group(struct apply *a, const struct action *action, struct awsq_err *err)
{
	const struct awsq_ec2_security_group *home = a->d->group;
	struct awsq_ec2_created made = { 0 };
	struct awsq_call call;
	int rc;

	awsq_ec2_create_security_group(&call, &made, a->d->config->name,
		home->description ? home->description : a->d->config->name, a->plan->vpc_id,
		APPLY_TAGS(a, ));
	rc = region_call(a->r, &call, err);
	if (rc == 0)
		rc = apply_take_id(a->group_id, sizeof(a->group_id), &made, "security group", err);
	if (rc == 0)
		region_event(a->r, "security group %s is made", a->group_id);
	awsq_ec2_free_created(&made);
	return apply_explain(a, action, rc, err);
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
	int revoke = action->kind == ACTION_REVOKE_INGRESS || action->kind == ACTION_REVOKE_EGRESS;
	struct rule_names names = observed_rule_names(a->o, a->r->name, a->plan->vpc_id);
	struct awsq_ec2_ip_permission *permissions;
	struct awsq_ec2_rule_target *targets;
	struct awsq_call call;
	int rc;

	rc = rules_to_permissions(&permissions, &targets, &action->rules, a->group_id,
		revoke ? NULL : &names);
	if (rc != 0)
		return awsq_err_set(err, rc, "%s", awsq_strerror(rc));
	change[action->kind](&call, a->group_id, permissions, action->rules.n);
	rc = region_call_settling(a->r, &call, err);
	free(permissions);
	free(targets);
	if (rc == 0)
		region_event(a->r, "security group %s: %zu %s rule%s %s", a->group_id,
			action->rules.n, action->rules.items[0].egress ? "egress" : "ingress",
			action->rules.n == 1 ? "" : "s", revoke ? "revoked" : "authorized");
	return apply_explain(a, action, rc, err);
}

/* ---- Removing */

int apply_is_gone(const struct awsq_err *err)
{
	size_t len = strlen(err->aws_code);

	return (len > 9 && strcmp(err->aws_code + len - 9, ".NotFound") == 0) ||
	       awsq_err_is(err, "InvalidAMIID.Unavailable");
}

/* Whether what is to be removed is still in use by something that is on its way out. */
static int is_in_use(const struct awsq_err *err)
{
	return awsq_err_is(err, "DependencyViolation") || awsq_err_is(err, "VolumeInUse");
}

static void describe_removal(struct awsq_call *call, const struct action *action)
{
	switch (action->kind) {
	case ACTION_DELETE_SNAPSHOT:
		awsq_ec2_delete_snapshot(call, action->id);
		break;
	case ACTION_DELETE_GROUP:
		awsq_ec2_delete_security_group(call, action->id);
		break;
	case ACTION_DELETE_VOLUME:
		awsq_ec2_delete_volume(call, action->id);
		break;
	default: /* ACTION_DELETE_KEY_PAIR */
		awsq_ec2_delete_key_pair(call, action->id);
		break;
	}
}

static int remove_one(struct apply *a, const struct action *action, struct awsq_err *err)
{
	int64_t deadline = region_now_ms(a->r) + REMOVE_WAIT_MS;
	struct awsq_call call;
	int rc;

	for (int looks = 0;; looks++) {
		describe_removal(&call, action);
		rc = region_call(a->r, &call, err);
		if (rc == 0 || apply_is_gone(err)) {
			region_event(a->r, "%s: done", action->what);
			return 0;
		}
		/* An image that was not seen yet is made of it: the next look knows. */
		if (awsq_err_is(err, "InvalidSnapshot.InUse")) {
			region_event(a->r, "%s: an image is made of it after all", action->what);
			return 0;
		}
		if (!is_in_use(err) || region_now_ms(a->r) >= deadline)
			return apply_explain(a, action, rc, err);
		region_status(a->r, "still in use: %s", action->what);
		if (region_sleep(a->r, region_poll_ms(looks)) != 0)
			return awsq_err_set(err, AWSQ_ECANCELED, "canceled");
	}
}

/* ---- All of it */

static apply_action *const table[N_ACTIONS] = {
	[ACTION_TAG] = apply_set,
	[ACTION_DELETE_KEY_PAIR] = remove_one,
	[ACTION_IMPORT_KEY_PAIR] = import_key_pair,
	[ACTION_CREATE_GROUP] = create_group,
	[ACTION_REVOKE_INGRESS] = apply_rules,
	[ACTION_REVOKE_EGRESS] = apply_rules,
	[ACTION_AUTHORIZE_INGRESS] = apply_rules,
	[ACTION_AUTHORIZE_EGRESS] = apply_rules,
	[ACTION_DELETE_GROUP] = remove_one,
	[ACTION_COPY_IMAGE] = apply_copy_image,
	[ACTION_WAIT_IMAGE] = apply_wait_image,
	[ACTION_DEREGISTER_IMAGE] = apply_deregister_image,
	[ACTION_DELETE_SNAPSHOT] = remove_one,
	[ACTION_RUN_INSTANCE] = apply_run_instance,
	[ACTION_STOP_INSTANCE] = apply_stop_instance,
	[ACTION_TERMINATE_INSTANCE] = apply_terminate_instance,
	[ACTION_MODIFY_TYPE] = apply_set,
	[ACTION_MODIFY_USER_DATA] = apply_set,
	[ACTION_MODIFY_SHUTDOWN] = apply_set,
	[ACTION_MODIFY_GROUP] = apply_set,
	[ACTION_MODIFY_METADATA] = apply_set,
	[ACTION_UNPROTECT_STOP] = apply_set,
	[ACTION_UNPROTECT_TERMINATION] = apply_set,
	[ACTION_ASSOCIATE_PROFILE] = apply_profile,
	[ACTION_REPLACE_PROFILE] = apply_profile,
	[ACTION_DISASSOCIATE_PROFILE] = apply_profile,
	[ACTION_DELETE_VOLUME] = remove_one,
};

int plan_apply(const struct plan *p, struct region *r, const struct desired *d,
	const struct observed *o, struct awsq_err *err)
{
	struct apply a = { .r = r, .d = d, .o = o, .plan = p };
	int rc = 0;

	(void)snprintf(a.image_id, sizeof(a.image_id), "%s", p->image_id);
	(void)snprintf(a.group_id, sizeof(a.group_id), "%s", p->group_id);
	for (size_t i = 0; rc == 0 && i < p->n; i++) {
		/* Of several that are to be made, the user may have enough. */
		if (p->actions[i].kind == ACTION_RUN_INSTANCE)
			region_heed_cancel(r);
		if (i > 0 && region_sleep(r, 0) != 0)
			rc = awsq_err_set(err, AWSQ_ECANCELED,
				"canceled after %zu of %zu actions; the same command goes on", i,
				p->n);
		else
			rc = table[p->actions[i].kind](&a, &p->actions[i], err);
	}
	if (rc != 0)
		apply_stop_made(&a);
	region_status(r, "%s", "");
	return rc;
}
