#include "banned.h"

#include "fleet/plan_private.h"

#include <awsq/hash.h>

#define USER_DATA_MAX 65536 /* EC2's own limit is 16 KiB */

/* What is not base64 is not what the fleet wrote. */
static void read_user_data(const struct planner *p, struct awsq_buf *text)
{
	const char *encoded = observed_attributes(p->o, p->instance)->user_data;

	if (encoded && awsq_base64_decode(text, encoded, strlen(encoded)) != 0)
		awsq_buf_adds(text, "?");
}

/*
 * Whether the user data is the fleet's to write: there is none, or it was written by it, or the
 * instance was made by it. Otherwise someone made the instance by hand, and means something by it.
 */
static int is_own_user_data(const struct planner *p, const struct awsq_buf *text)
{
	const struct awsq_ec2_instance *i = p->instance;

	return text->len == 0 || awsq_ec2_tag_value(i->tags, i->n_tags, TAG_KEY) ||
	       strncmp(awsq_buf_str(text), DESIRED_USER_DATA, strlen(DESIRED_USER_DATA)) == 0;
}

/* ---- What only another instance would change */

struct lasting {
	struct planner *p;
	enum remedy remedy;
	const char *hint;
	size_t n;
};

static int lasts(struct lasting *l, int differs, const char *member, const char *wanted,
	const char *found)
{
	int is_original = l->p->is_original;

	if (!differs)
		return 0;
	l->n++;
	return plan_differs(l->p->plan,
		&(struct differs){ is_original ? REMEDY_HAND : l->remedy, "instance",
			l->p->instance->id, member, wanted, found,
			is_original ? "home's instance is not replaced" : l->hint });
}

/* What it lets in was written to its disk when it was made. */
static int lasting_key(struct lasting *l)
{
	const struct awsq_ec2_instance *i = l->p->instance;
	const char *made_with = awsq_ec2_tag_value(i->tags, i->n_tags, TAG_KEY);
	int rc = lasts(l, differ(l->p->d->config->name, i->key_name), "key pair",
		l->p->d->config->name, i->key_name);

	if (rc == 0)
		rc = lasts(l, made_with && differ(made_with, l->p->d->key_fingerprint), "key",
			l->p->d->key_fingerprint, made_with);
	return rc;
}

static int lasting_encryption(struct lasting *l)
{
	const struct awsq_ec2_instance *i = l->p->instance;
	int rc = 0;

	for (size_t k = 0; rc == 0 && k < i->n_volumes; k++) {
		const struct awsq_ec2_volume *v = observed_volume(l->p->o, i->volumes[k].id);
		char member[96], wanted[256];

		if (!v || plan_is_encrypted(l->p, v->encrypted, v->kms_key_id))
			continue;
		(void)snprintf(member, sizeof(member), "encryption of volume %.63s", v->id);
		(void)snprintf(wanted, sizeof(wanted), "%s",
			l->p->where->kms_key ? l->p->where->kms_key : "on");
		rc = lasts(l, 1, member, wanted, v->encrypted ? v->kms_key_id : "off");
	}
	return rc;
}

static int lasting_place(struct lasting *l)
{
	const struct awsq_ec2_instance *i = l->p->instance;
	const struct placement *place = &l->p->place;
	int rc = lasts(l, i->vpc_id && differ(place->vpc_id, i->vpc_id), "VPC", place->vpc_id,
		i->vpc_id);

	/* In a VPC of which no subnet is named, each will do. */
	if (rc == 0 && l->p->where->subnet)
		rc = lasts(l, differ(place->subnet_id, i->subnet_id), "subnet", place->subnet_id,
			i->subnet_id);
	return rc;
}

static int lasting_user_data(struct lasting *l)
{
	struct awsq_buf text = AWSQ_BUF_INIT(USER_DATA_MAX);
	int is_own, rc;

	read_user_data(l->p, &text);
	is_own = is_own_user_data(l->p, &text);
	awsq_buf_free(&text);
	rc = lasts(l, !is_own, "user data", "the timer of max_uptime",
		"that of someone who made the instance by hand");
	return rc;
}

int plan_lasting(struct planner *p, enum remedy remedy, const char *hint, size_t *n)
{
	struct lasting l = { p, remedy, hint, 0 };
	const struct awsq_ec2_instance *i = p->instance;
	int rc = 0;

	/* Home's instance is what the image was made from, not made from it. */
	if (!p->is_original)
		rc = lasts(&l, !p->image || differ(p->image->id, i->image_id), "image",
			p->image ? p->image->id : "the new one", i->image_id);
	if (rc == 0)
		rc = lasting_key(&l);
	/* Home's image is as it is: only copies are encrypted. */
	if (rc == 0 && !p->is_home)
		rc = lasting_encryption(&l);
	if (rc == 0 && !p->is_original)
		rc = lasting_place(&l);
	if (rc == 0)
		rc = lasting_user_data(&l);
	*n = l.n;
	return rc;
}

/* ---- What can be changed in place */

struct change {
	enum action_kind kind;
	const char *member, *wanted, *found;
	const char *value; /* for the action; NULL: wanted */
	int needs_stopped;
};

static int change(struct planner *p, const struct change *c)
{
	const char *id = p->instance->id;
	int waits = c->needs_stopped && p->runs;
	struct action *a;
	int rc;

	rc = plan_differs(p->plan,
		&(struct differs){ waits ? REMEDY_HAND : REMEDY_APPLY, "instance", id, c->member,
			c->wanted, c->found,
			waits ? "it has to be stopped for that: stop-region, then config-region"
			      : NULL });
	if (rc != 0 || waits)
		return rc;
	rc = plan_add(p->plan, &a, c->kind, id, "it is %.150s",
		c->found && *c->found ? c->found : "none");
	if (rc != 0)
		return rc;
	(void)snprintf(a->value, sizeof(a->value), "%s",
		c->value    ? c->value
		: c->wanted ? c->wanted
			    : "");
	plan_say(a, "set %s of instance %s to %.200s", c->member, id,
		c->wanted ? c->wanted : "none");
	return 0;
}

/* The first type that is offered here; NULL when none is. *wanted tells of all. */
static const char *best_type(const struct planner *p, struct awsq_buf *wanted)
{
	const struct config_strings *types = &p->where->instance_types;
	const char *zone = p->place.zone ? p->instance->zone : NULL, *best = NULL;

	for (size_t i = 0; i < types->n; i++) {
		awsq_buf_addf(wanted, "%s%s", i ? " or " : "", types->items[i]);
		if (!best && type_is_offered(p->o, types->items[i], zone))
			best = types->items[i];
	}
	return best;
}

static int change_type(struct planner *p)
{
	const struct config_strings *types = &p->where->instance_types;
	struct awsq_buf wanted = AWSQ_BUF_INIT(2048);
	const char *best;
	int rc = 0;

	for (size_t i = 0; i < types->n; i++) {
		if (!differ(types->items[i], p->instance->type))
			return 0;
	}
	best = best_type(p, &wanted);
	if (best)
		rc = change(p, &(struct change){ ACTION_MODIFY_TYPE, "type", awsq_buf_str(&wanted),
				       p->instance->type, best, 1 });
	else
		rc = plan_differs(p->plan,
			&(struct differs){ REMEDY_HAND, "instance", p->instance->id, "type",
				awsq_buf_str(&wanted), p->instance->type,
				"none of them is offered here: name another in regions.cfg" });
	awsq_buf_free(&wanted);
	return rc;
}

/* Three calls of AWS's for what is one attribute. */
static int change_profile(struct planner *p)
{
	const char *found = instance_profile(p->instance), *wanted = p->d->profile_name;
	enum action_kind kind = !found   ? ACTION_ASSOCIATE_PROFILE
	                        : wanted ? ACTION_REPLACE_PROFILE
	                                 : ACTION_DISASSOCIATE_PROFILE;

	if (p->d->profile_unknown || !differ(found, wanted))
		return 0;
	return change(p, &(struct change){ kind, "instance profile", wanted, found, NULL, 0 });
}

static int change_group(struct planner *p)
{
	const struct awsq_ec2_instance *i = p->instance;
	struct awsq_buf found = AWSQ_BUF_INIT(1024);
	int rc;

	if (p->group && i->n_groups == 1 && !differ(p->group->id, i->groups[0].id))
		return 0;
	/* An instance gets groups of its own VPC only; that it is in the wrong one is told. */
	if (i->vpc_id && differ(i->vpc_id, p->place.vpc_id))
		return 0;
	for (size_t k = 0; k < i->n_groups; k++)
		awsq_buf_addf(&found, "%s%s", k ? ", " : "", i->groups[k].id);
	/* One that is to be made has no id yet. */
	rc = change(p, &(struct change){ ACTION_MODIFY_GROUP, "security group",
			       p->group ? p->group->id : "the new one", awsq_buf_str(&found),
			       p->group ? p->group->id : "", 0 });
	awsq_buf_free(&found);
	return rc;
}

/* The timer's length is what counts of it. */
static int change_user_data(struct planner *p)
{
	struct awsq_buf text = AWSQ_BUF_INIT(USER_DATA_MAX);
	int rc = 0;

	read_user_data(p, &text);
	if (is_own_user_data(p, &text) && differ(awsq_buf_str(&text), p->d->user_data))
		rc = change(p, &(struct change){ ACTION_MODIFY_USER_DATA, "user data",
				       "the timer of max_uptime",
				       text.len ? "something else" : NULL, "", 1 });
	awsq_buf_free(&text);
	return rc;
}

static int change_name(struct planner *p)
{
	const struct awsq_ec2_instance *i = p->instance;
	const char *name = awsq_ec2_tag_value(i->tags, i->n_tags, TAG_NAME);
	struct action *a;
	int rc;

	if (name && !differ(name, p->d->config->name))
		return 0;
	rc = plan_differs(p->plan, &(struct differs){ REMEDY_APPLY, "instance", i->id, "Name tag",
					   p->d->config->name, name, NULL });
	if (rc == 0)
		rc = plan_add(p->plan, &a, ACTION_TAG, i->id, "its Name tag is %.150s",
			name ? name : "missing");
	if (rc == 0) {
		a->tags[0] = (struct awsq_ec2_new_tag){ TAG_NAME, p->d->config->name };
		plan_say(a, "tag instance %s with Name=%s", i->id, p->d->config->name);
	}
	return rc;
}

static int adopt_volumes(struct planner *p)
{
	int rc = 0;

	for (size_t k = 0; rc == 0 && k < p->instance->n_volumes; k++) {
		const struct awsq_ec2_volume *v = observed_volume(p->o, p->instance->volumes[k].id);

		if (v)
			rc = plan_adopt(p, "volume", v->id, v->tags, v->n_tags, NULL);
	}
	return rc;
}

/* Without the endpoint there is no user data on the instance, and so no timer; nor a role. */
static int change_metadata(struct planner *p)
{
	const struct awsq_ec2_instance *i = p->instance;

	if (i->http_endpoint && differ(i->http_endpoint, "enabled"))
		return change(p, &(struct change){ ACTION_MODIFY_METADATA, "metadata endpoint",
					 "enabled", i->http_endpoint, "required", 0 });
	if (differ(i->http_tokens, "required"))
		return change(p,
			&(struct change){ ACTION_MODIFY_METADATA, "metadata tokens (IMDSv2)",
				"required", i->http_tokens, NULL, 0 });
	return 0;
}

int plan_attributes(struct planner *p)
{
	const struct awsq_ec2_instance *i = p->instance;
	const struct awsq_ec2_instance_attributes *attributes = observed_attributes(p->o, i);
	int rc = plan_adopt(p, "instance", i->id, i->tags, i->n_tags, NULL);

	if (rc == 0)
		rc = adopt_volumes(p);
	if (rc == 0)
		rc = change_name(p);
	if (rc == 0)
		rc = change_type(p);
	if (rc == 0)
		rc = change_profile(p);
	if (rc == 0)
		rc = change_group(p);
	if (rc == 0)
		rc = change_user_data(p);
	if (rc == 0 && differ(attributes->shutdown_behavior, "stop"))
		rc = change(p, &(struct change){ ACTION_MODIFY_SHUTDOWN, "shutdown behaviour",
				       "stop", attributes->shutdown_behavior, NULL, 0 });
	if (rc == 0)
		rc = change_metadata(p);
	return rc;
}
