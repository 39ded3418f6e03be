#include "banned.h"

#include "fleet/apply_private.h"

static void describe(struct apply *a, const struct action *action, struct awsq_call *call)
{
	const char *id = action->id;

	switch (action->kind) {
	case ACTION_MODIFY_TYPE:
		awsq_ec2_modify_instance_type(call, id, action->value);
		break;
	case ACTION_MODIFY_USER_DATA:
		awsq_ec2_modify_user_data(call, id, a->d->user_data);
		break;
	case ACTION_MODIFY_SHUTDOWN:
		awsq_ec2_modify_shutdown_behavior(call, id, action->value);
		break;
	case ACTION_MODIFY_GROUP:
		awsq_ec2_modify_instance_group(call, id, a->group_id);
		break;
	case ACTION_MODIFY_METADATA:
		awsq_ec2_modify_metadata_tokens(call, id, action->value);
		break;
	case ACTION_UNPROTECT_STOP:
		awsq_ec2_modify_stop_protection(call, id, 0);
		break;
	case ACTION_UNPROTECT_TERMINATION:
		awsq_ec2_modify_termination_protection(call, id, 0);
		break;
	default: /* ACTION_TAG */
		awsq_ec2_create_tags(call, id, action->tags);
		break;
	}
}

int apply_set(struct apply *a, const struct action *action, struct awsq_err *err)
{
	struct awsq_call call;
	int rc;

	describe(a, action, &call);
	rc = region_call_settling(a->r, &call, err);
	if (rc == 0)
		region_event(a->r, "%s: done", action->what);
	return apply_explain(a, action, rc, err);
}

/* The id of the instance's association with its profile; "" when it has none any more. */
static int find_association(struct apply *a, const char *instance_id, char *id, size_t size,
	struct awsq_err *err)
{
	struct awsq_ec2_profile_associations list = { 0 };
	struct awsq_call call;
	int rc;

	id[0] = '\0';
	awsq_ec2_describe_profile_associations(&call, &list, instance_id);
	rc = region_call(a->r, &call, err);
	for (size_t i = 0; rc == 0 && i < list.n; i++) {
		const char *state = list.items[i].state;

		if (state &&
			(strcmp(state, "associated") == 0 || strcmp(state, "associating") == 0))
			(void)snprintf(id, size, "%s", list.items[i].id);
	}
	awsq_ec2_free_profile_associations(&list);
	return rc;
}

int apply_profile(struct apply *a, const struct action *action, struct awsq_err *err)
{
	char association[128] = "";
	struct awsq_call call;
	int rc = 0;

	if (action->kind != ACTION_ASSOCIATE_PROFILE) {
		rc = find_association(a, action->id, association, sizeof(association), err);
		if (rc != 0)
			return apply_explain(a, action, rc, err);
	}
	if (action->kind == ACTION_DISASSOCIATE_PROFILE && !association[0])
		return 0;
	if (action->kind == ACTION_DISASSOCIATE_PROFILE)
		awsq_ec2_disassociate_profile(&call, association);
	else if (association[0])
		awsq_ec2_replace_profile_association(&call, association, action->value);
	else
		awsq_ec2_associate_profile(&call, action->id, action->value);
	rc = region_call_settling(a->r, &call, err);
	if (rc == 0)
		region_event(a->r, "%s: done", action->what);
	return apply_explain(a, action, rc, err);
}
