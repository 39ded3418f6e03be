#include "banned.h"

#include "fleet/plan_private.h"

/* ---- Key pair */

static int replace_key_pair(struct planner *p, const struct awsq_ec2_key_pair *key)
{
	const char *name = p->d->config->name;
	struct action *a;
	int rc;

	rc = plan_differs(p->plan, &(struct differs){ REMEDY_APPLY, "key pair", name, "public key",
					   p->d->key_fingerprint, key->fingerprint, NULL });
	if (rc == 0)
		rc = plan_add(p->plan, &a, ACTION_DELETE_KEY_PAIR, name,
			"its public key is not that of '%s'", p->d->config->key);
	if (rc == 0)
		plan_say(a, "delete key pair %s", name);
	return rc;
}

int plan_key_pair(struct planner *p)
{
	const struct awsq_ec2_key_pair *key = chosen_key_pair(p->o);
	const char *name = p->d->config->name, *path = p->d->config->key;
	struct action *a;
	int rc;

	if (key && key->public_key && sshkey_same_public(key->public_key, p->d->public_key))
		return plan_adopt(p, "key pair", key->id, key->tags, key->n_tags, NULL);
	/* Home's is the user's own: whether it or the key file is wrong is not for us to say. */
	if (key && p->is_home)
		return plan_differs(p->plan,
			&(struct differs){ REMEDY_HAND, "key pair", name, "public key",
				p->d->key_fingerprint, key->fingerprint,
				"home's key pair and the key of regions.cfg: one of them is "
				"wrong" });
	if (!p->d->key_importable) {
		plan_block(p->plan,
			"the key '%s' is of type %s, which EC2 does not import: use an RSA or "
			"ed25519 key",
			path, p->d->key_type);
		return 0;
	}
	if (key)
		rc = replace_key_pair(p, key);
	else
		rc = plan_differs(p->plan, &(struct differs){ REMEDY_APPLY, "key pair", NULL, NULL,
						   name, NULL, NULL });
	if (rc == 0)
		rc = plan_add(p->plan, &a, ACTION_IMPORT_KEY_PAIR, NULL, "no key pair named '%s'%s",
			name, key ? " with this key" : "");
	if (rc == 0)
		plan_say(a, "import key pair %s from %s", name, path);
	return rc;
}

/* ---- Security group */

static int is_revoke(enum action_kind kind)
{
	return kind == ACTION_REVOKE_INGRESS || kind == ACTION_REVOKE_EGRESS;
}

/* A difference a rule; but those of a group that is yet to be made are none of their own. */
static int tell_rule(struct planner *p, const struct rule *rule, int wanted, const char *hint,
	enum remedy remedy)
{
	struct awsq_buf text = AWSQ_BUF_INIT(1024);
	int rc;

	rule_describe(&text, rule);
	rc = plan_differs(p->plan,
		&(struct differs){ remedy, "security group",
			p->group ? p->group->id : p->d->config->name, awsq_buf_str(&text),
			wanted ? "present" : "absent", wanted ? "absent" : "present", hint });
	awsq_buf_free(&text);
	return rc;
}

/* One action for all rules of the set, which it takes over. */
static int change_rules(struct planner *p, enum action_kind kind, struct rules *rules)
{
	int egress = kind == ACTION_REVOKE_EGRESS || kind == ACTION_AUTHORIZE_EGRESS;
	const char *why = is_revoke(kind) ? "not in the home group" : "in the home group";
	struct action *a;
	int rc = 0;

	for (size_t i = 0; p->group && rc == 0 && i < rules->n; i++)
		rc = tell_rule(p, &rules->items[i], !is_revoke(kind), why, REMEDY_APPLY);
	if (rc == 0)
		rc = plan_add(p->plan, &a, kind, p->group ? p->group->id : NULL, "%s", why);
	if (rc != 0)
		return rc;
	plan_say(a, "%s %zu %s rule%s in security group %s",
		is_revoke(kind) ? "revoke" : "authorize", rules->n, egress ? "egress" : "ingress",
		rules->n == 1 ? "" : "s", p->group ? p->group->id : "(new)");
	a->rules = *rules;
	memset(rules, 0, sizeof(*rules));
	return 0;
}

/* A rule of home's that names something that this region has not. */
static int tell_unmapped(struct planner *p, const struct rule *rule)
{
	const char *thing = rule->kind == RULE_GROUP ? "security group" : "prefix list";
	char hint[256];

	if (rule->foreign)
		(void)snprintf(hint, sizeof(hint),
			"its %s has no name at home, or not one of its own: it cannot be found "
			"here",
			thing);
	else
		(void)snprintf(hint, sizeof(hint),
			"this region has no %s '%.100s', or several: "
			"make it, and run config-region again",
			thing, rule->target);
	return tell_rule(p, rule, 1, hint, REMEDY_HAND);
}

/* Takes out of rules what this region has no target for, and tells of it. */
static int leave_unmapped(struct planner *p, struct rules *rules)
{
	struct rule_names names = observed_rule_names(p->o, p->r->name, p->place.vpc_id);
	size_t kept = 0;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < rules->n; i++) {
		const char *id;

		if (rule_resolve(&rules->items[i], &names, &id) != 0) {
			rc = tell_unmapped(p, &rules->items[i]);
			free(rules->items[i].made);
			rules->items[i].made = NULL;
		} else {
			if (kept != i) {
				rules->items[kept] = rules->items[i];
				rules->items[i].made = NULL;
			}
			kept++;
		}
	}
	if (rc == 0)
		rules->n = kept;
	return rc;
}

/* What of one direction `from` has and `other` has not. */
static int plan_rule_change(struct planner *p, enum action_kind kind, const struct rules *from,
	const struct rules *other)
{
	int egress = kind == ACTION_REVOKE_EGRESS || kind == ACTION_AUTHORIZE_EGRESS;
	struct rules rules;
	int rc = rules_minus(&rules, from, other, egress);

	if (rc == 0 && !is_revoke(kind))
		rc = leave_unmapped(p, &rules);
	if (rc == 0 && rules.n > 0)
		rc = change_rules(p, kind, &rules);
	rules_free(&rules);
	return rc;
}

/* Revoked first: AWS takes two rules that differ in their description only for the same one. */
static int plan_rules(struct planner *p, const struct rules *here)
{
	const struct rules *home = &p->d->rules;
	int rc;

	rc = plan_rule_change(p, ACTION_REVOKE_INGRESS, here, home);
	if (rc == 0)
		rc = plan_rule_change(p, ACTION_REVOKE_EGRESS, here, home);
	if (rc == 0)
		rc = plan_rule_change(p, ACTION_AUTHORIZE_INGRESS, home, here);
	if (rc == 0)
		rc = plan_rule_change(p, ACTION_AUTHORIZE_EGRESS, home, here);
	return rc;
}

static int make_group(struct planner *p, struct rules *here)
{
	const char *name = p->d->config->name;
	struct action *a;
	int rc;

	rc = plan_differs(p->plan,
		&(struct differs){ REMEDY_APPLY, "security group", NULL, NULL, name, NULL, NULL });
	if (rc == 0)
		rc = plan_add(p->plan, &a, ACTION_CREATE_GROUP, NULL,
			"no security group named '%s'", name);
	if (rc != 0)
		return rc;
	plan_say(a, "create security group %s in %s", name, p->place.vpc_id);
	return rules_of_new_group(here);
}

static int keep_group(struct planner *p, struct rules *here)
{
	struct rule_names names = observed_rule_names(p->o, p->r->name, p->place.vpc_id);
	const char *owner = awsq_ec2_tag_value(p->group->tags, p->group->n_tags, TAG_FLEET);
	int rc;

	if (owner && differ(owner, p->d->config->name)) {
		plan_block(p->plan,
			"security group %s has the fleet's name, but is fleet '%.100s''s",
			p->group->id, owner);
		return 0;
	}
	rc = plan_adopt(p, "security group", p->group->id, p->group->tags, p->group->n_tags, NULL);
	return rc == 0 ? rules_of_group(here, p->group, &names) : rc;
}

int plan_group(struct planner *p)
{
	struct rules here = { 0 };
	int rc;

	if (!p->d->group) {
		plan_block(p->plan,
			"the home region %s has no security group '%s' in its VPC, whose rules "
			"every region gets: make it there, with a rule for tcp/22 from here",
			p->d->config->home, p->d->config->name);
		return 0;
	}
	p->group = chosen_group(p->o, p->place.vpc_id);
	if (p->is_home)
		return 0;
	rc = p->group ? keep_group(p, &here) : make_group(p, &here);
	if (rc == 0)
		rc = plan_rules(p, &here);
	rules_free(&here);
	return rc;
}
