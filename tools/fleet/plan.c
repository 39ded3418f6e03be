#include "banned.h"

#include "fleet/grow.h"
#include "fleet/plan_private.h"
#include "fleet/text.h"

#include <stdarg.h>

int differ(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") != 0;
}

int plan_add(struct plan *p, struct action **action, enum action_kind kind, const char *id,
	const char *why, ...)
{
	struct action *actions = grow(p->actions, p->n, sizeof(*actions));
	const char *name = id ? id : "";
	struct action *a;
	va_list ap;

	if (!actions)
		return AWSQ_ENOMEM;
	p->actions = actions;
	a = &actions[p->n++];
	memset(a, 0, sizeof(*a));
	a->kind = kind;
	/* Part of a name could be the name of something else. */
	if (snprintf(a->id, sizeof(a->id), "%s", name) >= (int)sizeof(a->id))
		plan_block(p, "cannot act on '%.100s...': a name of %zu bytes is longer than AWS's",
			name, strlen(name));
	va_start(ap, why);
	text_vformat(a->why, sizeof(a->why), why, ap);
	va_end(ap);
	if (action)
		*action = a;
	return 0;
}

void plan_say(struct action *a, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	text_vformat(a->what, sizeof(a->what), format, ap);
	va_end(ap);
}

int plan_differs(struct plan *p, const struct differs *d)
{
	struct difference *all = grow(p->differences, p->n_differences, sizeof(*all));
	struct difference *new;

	if (!all)
		return AWSQ_ENOMEM;
	p->differences = all;
	new = &all[p->n_differences++];
	memset(new, 0, sizeof(*new));
	new->remedy = d->remedy;
	text_format(new->subject, sizeof(new->subject), "%s%s%s", d->kind, d->id ? " " : "",
		d->id ? d->id : "");
	text_format(new->member, sizeof(new->member), "%s", d->member ? d->member : "");
	text_format(new->wanted, sizeof(new->wanted), "%s",
		d->wanted && *d->wanted ? d->wanted : "none");
	text_format(new->found, sizeof(new->found), "%s",
		d->found && *d->found ? d->found : "none");
	text_format(new->hint, sizeof(new->hint), "%s", d->hint ? d->hint : "");
	return 0;
}

static int lift(struct plan *p, enum action_kind kind, const char *protection,
	const struct awsq_ec2_instance *i, const char *why)
{
	struct action *a;
	int rc = plan_add(p, &a, kind, i->id, "%s", why);

	if (rc == 0)
		plan_say(a, "turn off %s protection of instance %s", protection, i->id);
	return rc;
}

int plan_unprotect_stop(struct plan *p, const struct awsq_ec2_instance *i, const char *why)
{
	return lift(p, ACTION_UNPROTECT_STOP, "stop", i, why);
}

int plan_unprotect(struct plan *p, const struct observed *o, const struct awsq_ec2_instance *i)
{
	const struct awsq_ec2_instance_attributes *attributes = observed_attributes(o, i);
	const char *why = "it is to be terminated";
	int rc = 0;

	if (attributes->disable_api_stop)
		rc = plan_unprotect_stop(p, i, why);
	if (rc == 0 && attributes->disable_api_termination)
		rc = lift(p, ACTION_UNPROTECT_TERMINATION, "termination", i, why);
	return rc;
}

int plan_leave_volume(struct plan *p, const char *fleet, const struct awsq_ec2_volume *v)
{
	struct action *a;
	int rc;

	if (awsq_ec2_tag_value(v->tags, v->n_tags, TAG_FLEET))
		return 0;
	rc = plan_add(p, &a, ACTION_TAG, v->id, "it stays when its instance goes");
	if (rc == 0) {
		a->tags[0] = (struct awsq_ec2_new_tag){ TAG_FLEET, fleet };
		plan_say(a, "tag volume %s with %s=%s", v->id, TAG_FLEET, fleet);
	}
	return rc;
}

void plan_block(struct plan *p, const char *format, ...)
{
	va_list ap;

	/* The first reason is the one to do something about. */
	if (p->blocked[0])
		return;
	va_start(ap, format);
	text_vformat(p->blocked, sizeof(p->blocked), format, ap);
	va_end(ap);
}

void plan_drop_actions(struct plan *p)
{
	for (size_t i = 0; i < p->n; i++)
		rules_free(&p->actions[i].rules);
	free(p->actions);
	p->actions = NULL;
	p->n = 0;
}

void plan_free(struct plan *p)
{
	plan_drop_actions(p);
	free(p->differences);
	memset(p, 0, sizeof(*p));
}

/* ---- What actions are */

static const struct {
	char sign;
	const char *api;
} kinds[N_ACTIONS] = {
	[ACTION_TAG] = { '~', "CreateTags" },
	[ACTION_DELETE_KEY_PAIR] = { '-', "DeleteKeyPair" },
	[ACTION_IMPORT_KEY_PAIR] = { '+', "ImportKeyPair" },
	[ACTION_CREATE_GROUP] = { '+', "CreateSecurityGroup" },
	[ACTION_REVOKE_INGRESS] = { '~', "RevokeSecurityGroupIngress" },
	[ACTION_REVOKE_EGRESS] = { '~', "RevokeSecurityGroupEgress" },
	[ACTION_AUTHORIZE_INGRESS] = { '~', "AuthorizeSecurityGroupIngress" },
	[ACTION_AUTHORIZE_EGRESS] = { '~', "AuthorizeSecurityGroupEgress" },
	[ACTION_DELETE_GROUP] = { '-', "DeleteSecurityGroup" },
	[ACTION_COPY_IMAGE] = { '+', "CopyImage" },
	[ACTION_WAIT_IMAGE] = { '=', "" },
	[ACTION_DEREGISTER_IMAGE] = { '-', "DeregisterImage" },
	[ACTION_DELETE_SNAPSHOT] = { '-', "DeleteSnapshot" },
	[ACTION_RUN_INSTANCE] = { '+', "RunInstances" },
	[ACTION_STOP_INSTANCE] = { '~', "StopInstances" },
	[ACTION_TERMINATE_INSTANCE] = { '-', "TerminateInstances" },
	[ACTION_MODIFY_TYPE] = { '~', "ModifyInstanceAttribute" },
	[ACTION_MODIFY_USER_DATA] = { '~', "ModifyInstanceAttribute" },
	[ACTION_MODIFY_SHUTDOWN] = { '~', "ModifyInstanceAttribute" },
	[ACTION_MODIFY_GROUP] = { '~', "ModifyInstanceAttribute" },
	[ACTION_MODIFY_METADATA] = { '~', "ModifyInstanceMetadataOptions" },
	[ACTION_UNPROTECT_STOP] = { '~', "ModifyInstanceAttribute" },
	[ACTION_UNPROTECT_TERMINATION] = { '~', "ModifyInstanceAttribute" },
	[ACTION_ASSOCIATE_PROFILE] = { '~', "AssociateIamInstanceProfile" },
	[ACTION_REPLACE_PROFILE] = { '~', "ReplaceIamInstanceProfileAssociation" },
	[ACTION_DISASSOCIATE_PROFILE] = { '~', "DisassociateIamInstanceProfile" },
	[ACTION_DELETE_VOLUME] = { '-', "DeleteVolume" },
};

int action_is_change(const struct action *a)
{
	return action_sign(a) != '=';
}

char action_sign(const struct action *a)
{
	return kinds[a->kind].sign;
}

const char *action_api(const struct action *a)
{
	return kinds[a->kind].api;
}

/* ---- What differences say */

static const struct {
	const char *word, *sentence;
} remedies[] = {
	[REMEDY_APPLY] = { "apply", "config-region repairs it" },
	[REMEDY_REPLACE] = { "replace", "config-region --replace makes a new instance" },
	[REMEDY_LIFT] = { "lift-protection", "config-region --lift-protection turns it off" },
	[REMEDY_HAND] = { "by-hand", "" },
};

const char *remedy_word(enum remedy remedy)
{
	return remedies[remedy].word;
}

void difference_describe(struct awsq_buf *out, const struct difference *d)
{
	const char *sentence = remedies[d->remedy].sentence;

	awsq_buf_adds(out, d->subject);
	if (d->member[0])
		awsq_buf_addf(out, ": %s", d->member);
	awsq_buf_addf(out, ": wanted %s, found %s", d->wanted, d->found);
	if (d->hint[0] || sentence[0])
		awsq_buf_addf(out, " (%s%s%s)", d->hint, d->hint[0] && sentence[0] ? "; " : "",
			sentence);
}
