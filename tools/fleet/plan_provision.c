#include "banned.h"

#include "fleet/plan_private.h"

/*
 * An instance that was never stopped since it was made has its root volume's attachment to show for
 * it: the launch time moves with each start, while the attachment stays where the first launch was.
 * AWS writes both in whole seconds.
 */
#define FIRST_BOOT_SECONDS 1

struct planner {
	struct plan *plan;
	const struct desired *d;
	const struct observed *o;
	const struct region *r;
	int is_home;
};

static int differ(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") != 0;
}

/* ---- Image */

static int plan_copy(struct planner *p)
{
	const struct config *c = p->d->config;
	struct action *a;
	int rc;

	for (size_t i = 0; i < p->o->images.n; i++) {
		const struct awsq_ec2_image *image = &p->o->images.items[i];

		if (differ(image->state, "failed"))
			continue;
		rc = plan_add(p->plan, &a, ACTION_DEREGISTER_IMAGE, image->id, "it is failed: %s",
			image->state_reason ? image->state_reason : "no reason given");
		if (rc != 0)
			return rc;
		plan_say(a, "deregister image %s", image->id);
	}
	rc = plan_add(p->plan, &a, ACTION_COPY_IMAGE, NULL, "no image named '%s'", c->name);
	if (rc == 0)
		plan_say(a, "copy image %s from %s", p->d->image->id, c->home);
	return rc;
}

/* In a state in which it neither can be used nor is on its way: disabled, for one. */
static const struct awsq_ec2_image *unusable_image(const struct observed *o)
{
	for (size_t i = 0; i < o->images.n; i++) {
		const char *state = o->images.items[i].state;

		if (differ(state, "pending") && differ(state, "available") &&
			differ(state, "failed") && differ(state, "deregistered"))
			return &o->images.items[i];
	}
	return NULL;
}

static int plan_image(struct planner *p)
{
	const struct awsq_ec2_image *image;
	const char *source;
	size_t n;
	int rc;

	image = unusable_image(p->o);
	if (image) {
		plan_block(p->plan, "image %s is %s: enable or deregister it", image->id,
			image->state);
		return 0;
	}
	image = observed_image(p->o, &n);
	if (n > 1) {
		plan_block(p->plan, "%zu images are named '%s': deregister all but one", n,
			p->d->config->name);
		return 0;
	}
	if (p->is_home)
		return 0;
	if (!image)
		return plan_copy(p);
	source = awsq_ec2_tag_value(image->tags, image->n_tags, TAG_SOURCE_IMAGE);
	if (source && strcmp(source, p->d->image->id) != 0) {
		rc = plan_note(p->plan,
			"image %s is a copy of %s, but the home image is %s: clear-region and "
			"config-region replace it",
			image->id, source, p->d->image->id);
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* Apart from the copy, so that keys and rules are made while it goes on. */
static int plan_image_wait(struct planner *p)
{
	const struct awsq_ec2_image *image;
	struct action *a;
	size_t n;
	int rc;

	image = observed_image(p->o, &n);
	if (p->is_home || (image && !differ(image->state, "available")))
		return 0;
	rc = plan_add(p->plan, &a, ACTION_WAIT_IMAGE, image ? image->id : NULL, "%s",
		image ? "its copy is under way" : "an instance needs it");
	if (rc == 0)
		plan_say(a, "wait until image %s is available", image ? image->id : "(new)");
	return rc;
}

/* ---- Key pair */

/* What an instance lets in was written to its disk when it was made. */
static int note_old_key(struct planner *p)
{
	const struct awsq_ec2_instance *i;
	size_t n;

	i = observed_instance(p->o, &n);
	if (!i)
		return 0;
	return plan_note(p->plan,
		"instance %s was made with the old key, and goes on to want it: clear-region and "
		"config-region replace it",
		i->id);
}

static int plan_key_pair(struct planner *p)
{
	const struct awsq_ec2_key_pair *key = observed_key_pair(p->o);
	const char *name = p->d->config->name;
	struct action *a;
	int rc;

	if (key && key->public_key && sshkey_same_public(key->public_key, p->d->public_key))
		return 0;
	/* Home's is the user's own: whether it or the key file is wrong is not for us to say. */
	if (key && p->is_home)
		return plan_note(p->plan,
			"home's key pair %s is not that of '%s': one of them is wrong", name,
			p->d->config->key);
	if (!p->d->key_importable) {
		plan_block(p->plan,
			"the key '%s' is of type %s, which EC2 does not import: use an RSA or "
			"ed25519 key",
			p->d->config->key, p->d->key_type);
		return 0;
	}
	if (key) {
		rc = plan_add(p->plan, &a, ACTION_DELETE_KEY_PAIR, name,
			"its public key is not that of '%s'", p->d->config->key);
		if (rc != 0)
			return rc;
		plan_say(a, "delete key pair %s", name);
		rc = note_old_key(p);
		if (rc != 0)
			return rc;
	}
	rc = plan_add(p->plan, &a, ACTION_IMPORT_KEY_PAIR, NULL, "no key pair named '%s'%s", name,
		key ? " with this key" : "");
	if (rc == 0)
		plan_say(a, "import key pair %s from %s", name, p->d->config->key);
	return rc;
}

/* ---- Security group */

/* One action for the rules that `from` has and `other` has not. */
static int plan_rule_change(struct planner *p, enum action_kind kind, const char *group_id,
	const struct rules *from, const struct rules *other, int egress)
{
	int revoke = kind == ACTION_REVOKE_INGRESS || kind == ACTION_REVOKE_EGRESS;
	struct rules rules;
	struct action *a;
	int rc = rules_minus(&rules, from, other, egress);

	if (rc != 0 || rules.n == 0)
		return rc;
	rc = plan_add(p->plan, &a, kind, group_id, "%s",
		revoke ? "not in the home group" : "in the home group, but not here");
	if (rc != 0) {
		rules_free(&rules);
		return rc;
	}
	a->rules = rules;
	plan_say(a, "%s %zu %s rule%s in security group %s", revoke ? "revoke" : "authorize",
		rules.n, egress ? "egress" : "ingress", rules.n == 1 ? "" : "s",
		group_id ? group_id : "(new)");
	return 0;
}

static int note_regional_rules(struct planner *p, const struct rules *rules, const char *sentence)
{
	struct awsq_buf text = AWSQ_BUF_INIT(1024);
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < rules->n; i++) {
		if (!rule_is_regional(&rules->items[i]))
			continue;
		awsq_buf_reset(&text);
		rule_describe(&text, &rules->items[i]);
		rc = plan_note(p->plan, "the rule %s %s", awsq_buf_str(&text), sentence);
	}
	awsq_buf_free(&text);
	return rc;
}

/* Revoked first: AWS takes two rules that differ in their description only for the same one. */
static int plan_rules(struct planner *p, const char *group_id, const struct rules *here)
{
	const struct rules *home = &p->d->rules;
	int rc;

	rc = plan_rule_change(p, ACTION_REVOKE_INGRESS, group_id, here, home, 0);
	if (rc == 0)
		rc = plan_rule_change(p, ACTION_REVOKE_EGRESS, group_id, here, home, 1);
	if (rc == 0)
		rc = plan_rule_change(p, ACTION_AUTHORIZE_INGRESS, group_id, home, here, 0);
	if (rc == 0)
		rc = plan_rule_change(p, ACTION_AUTHORIZE_EGRESS, group_id, home, here, 1);
	if (rc == 0)
		rc = note_regional_rules(p, home,
			"of the home group names something of that region: not copied");
	if (rc == 0)
		rc = note_regional_rules(p, here,
			"names something of this region, unknown at home: left alone");
	return rc;
}

static int plan_group(struct planner *p)
{
	const struct awsq_ec2_security_group *group = observed_group(p->o);
	const char *name = p->d->config->name;
	struct rules here = { 0 };
	struct action *a;
	int rc;

	if (!p->d->has_group) {
		plan_block(p->plan,
			"the home region %s has no security group '%s' in its default VPC, whose "
			"rules every region gets: make it there, with a rule for tcp/22 from here",
			p->d->config->home, name);
		return 0;
	}
	if (p->is_home)
		return 0;
	if (!group) {
		rc = plan_add(p->plan, &a, ACTION_CREATE_GROUP, NULL,
			"no security group named '%s'", name);
		if (rc != 0)
			return rc;
		plan_say(a, "create security group %s in %s", name, observed_vpc(p->o));
		rc = rules_of_new_group(&here);
	} else {
		rc = rules_of_group(&here, group);
	}
	if (rc == 0)
		rc = plan_rules(p, group ? group->id : NULL, &here);
	rules_free(&here);
	return rc;
}

/* ---- Instance */

static int is_first_boot(const struct planner *p, const struct awsq_ec2_instance *i)
{
	/* What someone made by hand may be at work from the first minute. */
	if (differ(awsq_ec2_tag_value(i->tags, i->n_tags, TAG_FLEET), p->d->config->name))
		return 0;
	for (size_t k = 0; k < i->n_volumes; k++) {
		if (!differ(i->volumes[k].device, i->root_device) &&
			i->volumes[k].attach_time >= i->launch_time - FIRST_BOOT_SECONDS)
			return 1;
	}
	/* Only the first launch finds no volume attached: a stopped instance keeps its own. */
	return i->n_volumes == 0 && !differ(i->state, "pending");
}

static int is_wanted_type(const struct planner *p, const char *type)
{
	const struct config_strings *types = config_types(p->d->config, p->r->config);

	for (size_t i = 0; i < types->n; i++) {
		if (!differ(types->items[i], type))
			return 1;
	}
	return 0;
}

static int note_if(struct planner *p, int wrong, const char *id, const char *member,
	const char *wanted, const char *found)
{
	if (!wrong)
		return 0;
	return plan_note(p->plan, "instance %s: %s should be %s, is %s", id, member,
		wanted ? wanted : "none", found && *found ? found : "none");
}

/* What an instance was made with and config-region does not change. */
static int note_instance(struct planner *p, const struct awsq_ec2_instance *i)
{
	const char *image_id = NULL, *group_id = i->n_groups ? i->groups[0].id : NULL;
	const char *profile = instance_profile(i);
	const struct awsq_ec2_security_group *group = observed_group(p->o);
	const struct awsq_ec2_image *image;
	size_t n;
	int rc;

	image = observed_image(p->o, &n);
	if (image)
		image_id = image->id;
	rc = note_if(p, !is_wanted_type(p, i->type), i->id, "type", "one of instance_type",
		i->type);
	/* The home instance is what the image was made from, not made from it. */
	if (rc == 0 && !p->is_home)
		rc = note_if(p, image_id && differ(image_id, i->image_id), i->id, "image", image_id,
			i->image_id);
	if (rc == 0)
		rc = note_if(p, differ(p->d->config->name, i->key_name), i->id, "key pair",
			p->d->config->name, i->key_name);
	if (rc == 0)
		rc = note_if(p, group && (i->n_groups != 1 || differ(group->id, group_id)), i->id,
			"security group", group ? group->id : "", group_id);
	if (rc == 0)
		rc = note_if(p, differ(p->d->profile_name, profile), i->id, "instance profile",
			p->d->profile_name, profile);
	if (rc == 0)
		rc = note_if(p, differ("required", i->http_tokens), i->id,
			"metadata tokens (IMDSv2)", "required", i->http_tokens);
	return rc;
}

static int plan_stop(struct planner *p, const char *id, const char *why)
{
	struct action *a;
	int rc = plan_add(p->plan, &a, ACTION_STOP_INSTANCE, id, "%s", why);

	if (rc == 0)
		plan_say(a, "stop instance %s when it runs", id ? id : "(new)");
	return rc;
}

static int plan_instance(struct planner *p)
{
	const struct awsq_ec2_instance *i;
	struct action *a;
	size_t n;
	int rc;

	i = observed_instance(p->o, &n);
	if (n > 1) {
		plan_block(p->plan, "%zu instances have the Name tag '%s': terminate all but one",
			n, p->d->config->name);
		return 0;
	}
	if (!i) {
		rc = plan_add(p->plan, &a, ACTION_RUN_INSTANCE, NULL,
			"no instance with the Name tag '%s'", p->d->config->name);
		if (rc != 0)
			return rc;
		plan_say(a, "run an instance of image %s",
			p->is_home ? p->d->image->id : p->d->config->name);
		return plan_stop(p, NULL, "it sleeps until it is needed");
	}
	/* One that runs after a later start may be at work: it is not config-region's to stop. */
	if (differ(i->state, "stopped") && is_first_boot(p, i))
		rc = plan_stop(p, i->id, "it was made, and never stopped");
	else if (!differ(i->state, "running") && !p->o->in_use)
		rc = plan_note(p->plan,
			"instance %s runs, and no run of this machine needs it: stop-region stops "
			"it",
			i->id);
	else
		rc = 0;
	return rc == 0 ? note_instance(p, i) : rc;
}

int plan_provision(struct plan *out, const struct desired *d, const struct observed *o,
	const struct region *r)
{
	struct planner p = { out, d, o, r, strcmp(r->name, d->config->home) == 0 };
	int rc;

	memset(out, 0, sizeof(*out));
	if (!observed_vpc(o)) {
		plan_block(out,
			"the region has no default VPC: aws ec2 create-default-vpc --region %s",
			r->name);
		return 0;
	}
	rc = plan_image(&p);
	if (rc == 0)
		rc = plan_key_pair(&p);
	if (rc == 0)
		rc = plan_group(&p);
	if (rc == 0)
		rc = plan_image_wait(&p);
	if (rc == 0)
		rc = plan_instance(&p);
	return rc;
}
