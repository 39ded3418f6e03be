/*
 * plan_world.h: regions for the tests of plans, built piece by piece without AWS: what should be
 * (the fleet NAVO, whose home is us-west-2) and what is, in arrays that the tests change as AWS
 * would.
 */
#ifndef AWSQ_TESTS_PLAN_WORLD_H
#define AWSQ_TESTS_PLAN_WORLD_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fleet/plan.h"

/* Struct members are without const, since answers are parsed into them too. */
#define S(text) ((char *)(uintptr_t)(text))

#define FLEET_NAME "NAVO"
#define HOME_IMAGE "ami-home"
#define VPC        "vpc-default"
#define KEY_TYPE   "ssh-ed25519 "
#define KEY_BLOB   "AAAAC3NzaC1lZDI1NTE5AAAAIGEKVn7XNjQuaNHYKkIIHcm1k8P5yRxFVhtXrxrzrPvD"
#define KEY        KEY_TYPE KEY_BLOB
#define OTHER_KEY  KEY_TYPE "AAAAC3NzaC1lZDI1NTE5AAAAIHIIn8dyyXuNx/E+z30r9jaIiUbxntODHKl17BfxokqS"
#define LAUNCHED   1700000000 /* when instances were first launched */

#define WORLD_MAX   8
#define WORLD_RULES 24

/* A group's rules are kept as permissions of one rule each, as rules_to_permissions makes them. */
struct world_group {
	struct awsq_ec2_ip_permission permissions[2][WORLD_RULES];
	struct awsq_ec2_rule_target targets[2][WORLD_RULES];
};

struct world {
	struct observed o; /* of what stands below */
	struct region region;
	struct awsq_ec2_instance instances[WORLD_MAX];
	struct awsq_ec2_volume_ref volumes[WORLD_MAX];
	struct awsq_ec2_group_ref refs[WORLD_MAX];
	struct awsq_ec2_tag fleet_tag; /* on every instance */
	struct awsq_ec2_image images[WORLD_MAX];
	struct awsq_ec2_block_device devices[WORLD_MAX][2];
	struct awsq_ec2_tag tags[WORLD_MAX];
	struct awsq_ec2_snapshot snapshots[WORLD_MAX];
	struct awsq_ec2_key_pair key_pairs[2];
	struct awsq_ec2_security_group groups[4];
	struct world_group rules[4];
	struct awsq_ec2_vpc vpcs[2];
	char ids[64][24];
	size_t n_ids;
	size_t n_made; /* images, those that are gone included */
};

/* A new id, such as "ami-3"; owned by the world. */
static inline char *world_id(struct world *w, const char *prefix)
{
	assert_true(w->n_ids < 64);
	(void)snprintf(w->ids[w->n_ids], sizeof(w->ids[0]), "%.15s%zu", prefix, w->n_ids + 1);
	return w->ids[w->n_ids++];
}

/* A region with its default VPC and nothing else. */
static inline void world_begin(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->region.name = "eu-west-3";
	w->o.instances.items = w->instances;
	w->o.images.items = w->images;
	w->o.snapshots.items = w->snapshots;
	w->o.key_pairs.items = w->key_pairs;
	w->o.groups.items = w->groups;
	w->o.vpcs.items = w->vpcs;
	w->vpcs[0] = (struct awsq_ec2_vpc){ S(VPC), 1 };
	w->o.vpcs.n = 1;
}

/* An image in some state; source: which it says that it was copied from, or NULL. */
static inline struct awsq_ec2_image *world_image(struct world *w, const char *state,
	const char *source)
{
	size_t n = w->n_made++;
	struct awsq_ec2_image *i = &w->images[w->o.images.n++];

	assert_true(n < WORLD_MAX);
	*i = (struct awsq_ec2_image){
		.id = world_id(w, "ami-"), .name = S(FLEET_NAME), .state = S(state)
	};
	if (source) {
		w->tags[n] = (struct awsq_ec2_tag){ S(TAG_SOURCE_IMAGE), S(source) };
		i->tags = &w->tags[n];
		i->n_tags = 1;
	}
	i->devices = w->devices[n];
	return i;
}

/* A snapshot that the image is made of; tagged: it is also among those that carry the tag. */
static inline char *world_snapshot(struct world *w, struct awsq_ec2_image *image, int tagged)
{
	char *id = world_id(w, "snap-");

	if (image) {
		assert_true(image->n_devices < 2);
		image->devices[image->n_devices++] =
			(struct awsq_ec2_block_device){ S("/dev/xvda"), id, 8 };
	}
	if (tagged)
		w->snapshots[w->o.snapshots.n++] =
			(struct awsq_ec2_snapshot){ .id = id, .volume_size = 8 };
	return id;
}

static inline void world_key(struct world *w, const char *public_key)
{
	w->key_pairs[w->o.key_pairs.n++] = (struct awsq_ec2_key_pair){
		.id = world_id(w, "key-"), .name = S(FLEET_NAME), .public_key = S(public_key)
	};
}

static inline struct awsq_ec2_security_group *world_group(struct world *w, const char *vpc)
{
	size_t n = w->o.groups.n++;
	struct awsq_ec2_security_group *g = &w->groups[n];

	assert_true(n < 4);
	*g = (struct awsq_ec2_security_group){ .id = world_id(w, "sg-"),
		.name = S(FLEET_NAME),
		.vpc_id = S(vpc),
		.ingress = w->rules[n].permissions[0],
		.egress = w->rules[n].permissions[1] };
	return g;
}

/* Adds a rule to a group of the world. */
static inline void world_rule(struct world *w, struct awsq_ec2_security_group *g,
	const struct rule *rule)
{
	struct world_group *r = &w->rules[g - w->groups];
	size_t *n = rule->egress ? &g->n_egress : &g->n_ingress;
	struct awsq_ec2_ip_permission *p = &r->permissions[rule->egress][*n];
	struct awsq_ec2_rule_target *t = &r->targets[rule->egress][*n];
	int self = rule->kind == RULE_GROUP && strcmp(rule->target, RULE_SELF) == 0;

	assert_true(*n < WORLD_RULES);
	(*n)++;
	*t = (struct awsq_ec2_rule_target){ self ? g->id : S(rule->target),
		rule->description[0] ? S(rule->description) : NULL, S(rule->user_id) };
	*p = (struct awsq_ec2_ip_permission){ S(rule->protocol), rule->from_port, rule->to_port, t,
		rule->kind == RULE_IPV4, t, rule->kind == RULE_IPV6, t,
		rule->kind == RULE_PREFIX_LIST, t, rule->kind == RULE_GROUP };
}

/*
 * An instance as config-region makes it, launched `later` seconds after its volume was attached;
 * below 0: it has no volume yet.
 */
static inline struct awsq_ec2_instance *world_instance(struct world *w, const char *state,
	int later)
{
	size_t n = w->o.instances.n++, images, none = 0;
	const struct awsq_ec2_image *image = observed_image(&w->o, &images);
	const struct awsq_ec2_security_group *group = observed_group(&w->o);
	struct awsq_ec2_instance *i = &w->instances[n];

	assert_true(n < WORLD_MAX);
	w->volumes[n] = (struct awsq_ec2_volume_ref){ S("/dev/xvda"), S("vol-1"), LAUNCHED };
	w->refs[n] = (struct awsq_ec2_group_ref){ group ? group->id : S("sg-old"), S(FLEET_NAME) };
	w->fleet_tag = (struct awsq_ec2_tag){ S(TAG_FLEET), S(FLEET_NAME) };
	*i = (struct awsq_ec2_instance){ .id = world_id(w, "i-"),
		.tags = &w->fleet_tag,
		.n_tags = 1,
		.image_id = image ? image->id : S("ami-old"),
		.state = S(state),
		.type = S("t3.micro"),
		.key_name = S(FLEET_NAME),
		.profile_arn = S("arn:aws:iam::123456789012:instance-profile/path/role"),
		.http_tokens = S("required"),
		.root_device = S("/dev/xvda"),
		.launch_time = LAUNCHED + (later > 0 ? later : 0),
		.groups = &w->refs[n],
		.n_groups = 1,
		.volumes = &w->volumes[n],
		.n_volumes = later >= 0 ? 1 : none };
	return i;
}

/* ---- What should be */

static const struct rule home_rules[] = {
	{ 0, "tcp", 22, 22, RULE_IPV4, "198.51.100.0/24", NULL, "office" },
	{ 0, "-1", 0, 0, RULE_GROUP, RULE_SELF, NULL, "" },
	{ 1, "-1", 0, 0, RULE_IPV4, "0.0.0.0/0", NULL, "" },
};

struct want {
	struct desired d;
	struct config config;
	struct awsq_ec2_image image;
	char *types[2];
	struct rule rules[16];
};

static inline void want_rules(struct want *x, const struct rule *rules, size_t n)
{
	assert_true(n <= 16);
	memcpy(x->rules, rules, n * sizeof(*rules));
	x->d.rules = (struct rules){ x->rules, n };
}

static inline void want_begin(struct want *x)
{
	memset(x, 0, sizeof(*x));
	x->types[0] = S("t3.micro");
	x->types[1] = S("t3a.micro");
	x->config.name = S(FLEET_NAME);
	x->config.home = S("us-west-2");
	x->config.key = S("navo.pem");
	x->config.instance_types = (struct config_strings){ x->types, 2 };
	x->image = (struct awsq_ec2_image){ .id = S(HOME_IMAGE), .state = S("available") };
	x->d.config = &x->config;
	x->d.image = &x->image;
	x->d.has_group = 1;
	x->d.profile_name = S("role");
	x->d.public_key = S(KEY);
	x->d.key_type = "ssh-ed25519";
	x->d.key_importable = 1;
	x->d.key_type = "ssh-ed25519";
	x->d.key_importable = 1;
	want_rules(x, home_rules, 3);
}

/* A region that has all that it should. */
static inline void world_complete(struct world *w, const struct want *x)
{
	struct awsq_ec2_security_group *g;

	world_begin(w);
	world_snapshot(w, world_image(w, "available", HOME_IMAGE), 1);
	world_key(w, KEY " a comment");
	g = world_group(w, VPC);
	for (size_t i = 0; i < x->d.rules.n; i++) {
		if (!rule_is_regional(&x->d.rules.items[i]))
			world_rule(w, g, &x->d.rules.items[i]);
	}
	world_instance(w, "stopped", 1000);
}

/* ---- What a plan says */

/* A plan's actions as words: "deregister-image(ami-1) copy-image". Static: good until the next. */
static inline const char *plan_words(const struct plan *p)
{
	static const char *const names[] = { "delete-key-pair", "deregister-image", "copy-image",
		"import-key-pair", "create-group", "revoke-ingress", "revoke-egress",
		"authorize-ingress", "authorize-egress", "wait-image", "run-instance",
		"stop-instance", "terminate-instance", "delete-snapshot", "delete-group" };
	static char words[2000];
	size_t used = 0;

	words[0] = '\0';
	for (size_t i = 0; i < p->n; i++) {
		const struct action *a = &p->actions[i];

		used += (size_t)snprintf(words + used, sizeof(words) - used, "%s%s", i ? " " : "",
			names[a->kind]);
		if (a->id[0])
			used += (size_t)snprintf(words + used, sizeof(words) - used, "(%s)", a->id);
		assert_true(used < sizeof(words));
		assert_true(a->what[0] != '\0');
		assert_true(a->why[0] != '\0');
		assert_true(action_sign(a) != '?');
		assert_int_equal(a->rules.n > 0,
			a->kind >= ACTION_REVOKE_INGRESS && a->kind <= ACTION_AUTHORIZE_EGRESS);
	}
	return words;
}

#endif
