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

#include <awsq/hash.h>

#include "fleet/plan.h"

/* Struct members are without const, since answers are parsed into them too. */
#define S(text) ((char *)(uintptr_t)(text))

#define FLEET_NAME  "NAVO"
#define HOME        "us-west-2"
#define HOME_IMAGE  "ami-home"
#define REGION      "eu-west-3"
#define ZONE        "eu-west-3a"
#define VPC         "vpc-default"
#define SUBNET      "subnet-1"
#define KEY_TYPE    "ssh-ed25519 "
#define KEY_BLOB    "AAAAC3NzaC1lZDI1NTE5AAAAIGEKVn7XNjQuaNHYKkIIHcm1k8P5yRxFVhtXrxrzrPvD"
#define KEY         KEY_TYPE KEY_BLOB
#define OTHER_KEY   KEY_TYPE "AAAAC3NzaC1lZDI1NTE5AAAAIHIIn8dyyXuNx/E+z30r9jaIiUbxntODHKl17BfxokqS"
#define FINGERPRINT "SHA256:navo"
#define USER_DATA   DESIRED_USER_DATA "sleep 3600\n"
#define PROFILE_ARN "arn:aws:iam::123456789012:instance-profile/path/"
#define KMS_KEY_ARN "arn:aws:kms:eu-west-3:123456789012:key/"
#define LIST        "com.amazonaws." REGION ".s3" /* whose id is pl-1 */
#define LAUNCHED    1700000000                    /* when instances were first launched */

#define WORLD_MAX   40
#define WORLD_RULES 16
#define WORLD_TAGS  6

/* A group's rules are kept as permissions of one rule each, as rules_to_permissions makes them. */
struct world_group {
	struct awsq_ec2_ip_permission permissions[2][WORLD_RULES];
	struct awsq_ec2_rule_target targets[2][WORLD_RULES];
};

struct world {
	struct observed o; /* of what stands below */
	struct region region;
	struct awsq_ec2_instance instances[WORLD_MAX];
	struct awsq_ec2_instance_attributes attributes[WORLD_MAX];
	struct awsq_ec2_volume_ref attached[WORLD_MAX][2];
	struct awsq_ec2_group_ref refs[WORLD_MAX];
	struct awsq_ec2_volume volumes[WORLD_MAX];
	struct awsq_ec2_attachment attachments[WORLD_MAX];
	struct awsq_ec2_image images[WORLD_MAX];
	struct awsq_ec2_block_device devices[WORLD_MAX][2];
	char dates[WORLD_MAX][32];
	struct awsq_ec2_snapshot snapshots[WORLD_MAX];
	struct awsq_ec2_key_pair key_pairs[2];
	struct awsq_ec2_security_group groups[6];
	struct world_group rules[6];
	struct awsq_ec2_vpc vpcs[2];
	struct awsq_ec2_subnet subnets[3];
	struct awsq_ec2_offering offerings[4];
	struct awsq_ec2_prefix_list lists[2];
	struct awsq_ec2_tag tags[200][WORLD_TAGS];
	char ids[300][24];
	size_t n_tags, n_ids;
	const char *made_as[CONFIG_COUNT_MAX + 1]; /* ids of new instances, by their ordinals */
	/* All that were ever made, those that are gone included. */
	size_t images_made, volumes_made, groups_made;
};

/* A new id, such as "ami-3"; owned by the world. */
static inline char *world_id(struct world *w, const char *prefix)
{
	assert_true(w->n_ids < sizeof(w->ids) / sizeof(w->ids[0]));
	(void)snprintf(w->ids[w->n_ids], sizeof(w->ids[0]), "%.15s%zu", prefix, w->n_ids + 1);
	return w->ids[w->n_ids++];
}

/* A text of someone else's to be kept. */
static inline char *world_name(struct world *w, const char *text)
{
	char *copy = world_id(w, "");

	assert_true(strlen(text) < sizeof(w->ids[0]));
	(void)snprintf(copy, sizeof(w->ids[0]), "%.23s", text);
	return copy;
}

/* Sets a tag on anything that has tags; thing is evaluated twice. */
#define TAG(w, thing, key, value) world_tag(w, &(thing)->tags, &(thing)->n_tags, key, value)

static inline void world_tag(struct world *w, struct awsq_ec2_tag **tags, size_t *n,
	const char *key, const char *value)
{
	size_t i = 0;

	if (!*tags) {
		assert_true(w->n_tags < sizeof(w->tags) / sizeof(w->tags[0]));
		*tags = w->tags[w->n_tags++];
	}
	while (i < *n && strcmp((*tags)[i].key, key) != 0)
		i++;
	assert_true(i < WORLD_TAGS);
	(*tags)[i] = (struct awsq_ec2_tag){ S(key), S(value) };
	*n += i == *n;
}

/* A region with its default VPC, what it offers, and nothing else. */
static inline void world_begin(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->region.name = REGION;
	w->o.fleet = FLEET_NAME;
	w->o.instances.items = w->instances;
	w->o.attributes = w->attributes;
	w->o.images.items = w->images;
	w->o.snapshots.items = w->snapshots;
	w->o.volumes.items = w->volumes;
	w->o.key_pairs.items = w->key_pairs;
	w->o.groups.items = w->groups;
	w->vpcs[0] = (struct awsq_ec2_vpc){ .id = S(VPC), .is_default = 1 };
	w->o.vpcs = (struct awsq_ec2_vpcs){ .items = w->vpcs, .n = 1 };
	w->o.subnets.items = w->subnets;
	w->offerings[0] = (struct awsq_ec2_offering){ S("t3.micro"), S(REGION) };
	w->offerings[1] = (struct awsq_ec2_offering){ S("t3a.micro"), S(REGION) };
	w->o.offerings = (struct awsq_ec2_offerings){ .items = w->offerings, .n = 2 };
	w->lists[0] = (struct awsq_ec2_prefix_list){ S("pl-1"), S(LIST), S("AWS") };
	w->o.prefix_lists = (struct awsq_ec2_prefix_lists){ .items = w->lists, .n = 1 };
}

static inline void world_subnet(struct world *w, const char *id, const char *vpc, const char *zone,
	int64_t free_addresses)
{
	assert_true(w->o.subnets.n < 3);
	w->subnets[w->o.subnets.n++] = (struct awsq_ec2_subnet){
		.id = S(id), .vpc_id = S(vpc), .zone = S(zone), .free_addresses = free_addresses
	};
}

/* ---- Images and snapshots */

/* An image in some state; source: of which config-region copied it; NULL: it was made by hand. */
static inline struct awsq_ec2_image *world_image(struct world *w, const char *state,
	const char *source)
{
	size_t n = w->images_made++;
	struct awsq_ec2_image *i = &w->images[w->o.images.n++];

	assert_true(n < WORLD_MAX);
	(void)snprintf(w->dates[n], sizeof(w->dates[n]), "2026-01-%02zuT00:00:00.000Z", n + 1);
	*i = (struct awsq_ec2_image){ .id = world_id(w, "ami-"),
		.name = S(FLEET_NAME),
		.state = S(state),
		.creation_date = w->dates[n],
		.devices = w->devices[n] };
	if (source) {
		TAG(w, i, TAG_FLEET, FLEET_NAME);
		TAG(w, i, TAG_SOURCE_IMAGE, source);
		TAG(w, i, TAG_SOURCE_REGION, HOME);
	}
	return i;
}

/* A snapshot, of which the image (or NULL) is made; tagged: it carries the fleet's tag. */
static inline char *world_snapshot(struct world *w, struct awsq_ec2_image *image, int tagged)
{
	char *id = world_id(w, "snap-");

	if (image) {
		assert_true(image->n_devices < 2);
		image->devices[image->n_devices++] = (struct awsq_ec2_block_device){
			.device = S("/dev/xvda"), .snapshot_id = id, .volume_size = 8
		};
	}
	if (tagged) {
		struct awsq_ec2_snapshot *s = &w->snapshots[w->o.snapshots.n++];

		assert_true(w->o.snapshots.n <= WORLD_MAX);
		*s = (struct awsq_ec2_snapshot){
			.id = id, .volume_size = 8, .state = S("completed")
		};
		TAG(w, s, TAG_FLEET, FLEET_NAME);
		TAG(w, s, TAG_SOURCE_IMAGE, HOME_IMAGE);
		TAG(w, s, TAG_SOURCE_REGION, HOME);
	}
	return id;
}

/* ---- Keys and groups */

static inline struct awsq_ec2_key_pair *world_key(struct world *w, const char *public_key)
{
	struct awsq_ec2_key_pair *k = &w->key_pairs[w->o.key_pairs.n++];

	assert_true(w->o.key_pairs.n <= 2);
	*k = (struct awsq_ec2_key_pair){ .id = world_id(w, "key-"),
		.name = S(FLEET_NAME),
		.fingerprint = S("SHA256:here"),
		.public_key = S(public_key) };
	TAG(w, k, TAG_FLEET, FLEET_NAME);
	return k;
}

static inline struct awsq_ec2_security_group *world_group(struct world *w, const char *name,
	const char *vpc)
{
	size_t n = w->groups_made++;
	struct awsq_ec2_security_group *g = &w->groups[w->o.groups.n++];

	assert_true(n < 6);
	*g = (struct awsq_ec2_security_group){ .id = world_id(w, "sg-"),
		.name = S(name),
		.vpc_id = S(vpc),
		.ingress = w->rules[n].permissions[0],
		.egress = w->rules[n].permissions[1] };
	if (strcmp(name, FLEET_NAME) == 0)
		TAG(w, g, TAG_FLEET, FLEET_NAME);
	return g;
}

/* Adds to a group of the world a permission that has one target. */
static inline void world_permit(struct awsq_ec2_security_group *g, int egress,
	const struct awsq_ec2_ip_permission *permission)
{
	struct world_group *r = (struct world_group *)(void *)g->ingress;
	size_t *n = egress ? &g->n_egress : &g->n_ingress;
	struct awsq_ec2_ip_permission *p = &r->permissions[egress][*n];
	struct awsq_ec2_rule_target *t = &r->targets[egress][*n];

	assert_true(*n < WORLD_RULES);
	(*n)++;
	*t = permission->ipv4[0];
	*p = *permission;
	p->ipv4 = p->ipv6 = p->prefix_lists = p->groups = t;
}

/* Adds a rule, as this region has it: one with an id of its own keeps it. */
static inline void world_rule(struct world *w, struct awsq_ec2_security_group *g,
	const struct rule *rule)
{
	const struct rule_names names = observed_rule_names(&w->o, w->region.name, g->vpc_id);
	struct rules one = { &(struct rule){ 0 }, 1 };
	struct awsq_ec2_ip_permission *permissions;
	struct awsq_ec2_rule_target *targets;

	one.items[0] = *rule;
	assert_int_equal(rules_to_permissions(&permissions, &targets, &one, g->id,
				 rule->id ? NULL : &names),
		0);
	world_permit(g, rule->egress, &permissions[0]);
	free(permissions);
	free(targets);
}

/* ---- Instances and volumes */

/* A volume of the fleet's, attached to an instance unless that is NULL. */
static inline struct awsq_ec2_volume *world_volume(struct world *w,
	struct awsq_ec2_instance *instance, int delete_on_termination)
{
	size_t n = w->volumes_made++;
	struct awsq_ec2_volume *v = &w->volumes[w->o.volumes.n++];

	assert_true(n < WORLD_MAX);
	*v = (struct awsq_ec2_volume){ .id = world_id(w, "vol-"),
		.state = S(instance ? "in-use" : "available"),
		.volume_size = 8,
		.attachments = &w->attachments[n],
		.n_attachments = instance != NULL };
	TAG(w, v, TAG_FLEET, FLEET_NAME);
	if (instance) {
		const char *device = instance->n_volumes == 0 ? "/dev/xvda" : "/dev/sdb";

		assert_true(instance->n_volumes < 2);
		instance->volumes[instance->n_volumes++] = (struct awsq_ec2_volume_ref){ S(device),
			v->id, LAUNCHED, delete_on_termination };
		w->attachments[n] = (struct awsq_ec2_attachment){ instance->id, S(device),
			S("attached"), delete_on_termination };
	}
	return v;
}

/* The copy of home's image that is there; NULL when there is none. */
static inline const struct awsq_ec2_image *world_copy(const struct world *w)
{
	const struct awsq_ec2_image *found = NULL;

	for (size_t i = 0; i < w->o.images.n; i++) {
		const char *source = image_source(&w->images[i]);

		if (image_is_usable(&w->images[i]) && (!source || strcmp(source, HOME_IMAGE) == 0))
			found = &w->images[i];
	}
	return found;
}

/*
 * An instance as config-region makes it, launched `later` seconds after its volume was attached;
 * below 0: it has no volume yet.
 */
static inline struct awsq_ec2_instance *world_instance(struct world *w, const char *state,
	int later)
{
	size_t n = w->o.instances.n++;
	const struct awsq_ec2_image *image = world_copy(w);
	const struct awsq_ec2_security_group *group = chosen_group(&w->o, VPC);
	struct awsq_ec2_instance *i = &w->instances[n];

	assert_true(n < WORLD_MAX);
	w->refs[n] = (struct awsq_ec2_group_ref){ group ? group->id : S("sg-old"), S(FLEET_NAME) };
	*i = (struct awsq_ec2_instance){ .id = world_id(w, "i-"),
		.image_id = image ? image->id : S("ami-old"),
		.state = S(state),
		.type = S("t3.micro"),
		.key_name = S(FLEET_NAME),
		.zone = S(ZONE),
		.vpc_id = S(VPC),
		.subnet_id = S(SUBNET),
		.profile_arn = S(PROFILE_ARN "role"),
		.http_tokens = S("required"),
		.root_device = S("/dev/xvda"),
		.launch_time = LAUNCHED + (later > 0 ? later : 0),
		.groups = &w->refs[n],
		.n_groups = 1,
		.volumes = w->attached[n] };
	TAG(w, i, TAG_NAME, FLEET_NAME);
	TAG(w, i, TAG_FLEET, FLEET_NAME);
	TAG(w, i, TAG_KEY, FINGERPRINT);
	w->attributes[n].shutdown_behavior = S("stop");
	if (later >= 0)
		world_volume(w, i, 1);
	return i;
}

/* ---- What should be */

#define RULE(egress_, protocol_, from, to, kind_, target_, description_)           \
	{                                                                          \
		.egress = (egress_), .protocol = (protocol_), .from_port = (from), \
		.to_port = (to), .kind = (kind_), .target = (target_),             \
		.description = (description_)                                      \
	}

static const struct rule home_rules[] = {
	RULE(0, "tcp", 22, 22, RULE_IPV4, "198.51.100.0/24", "office"),
	RULE(0, "-1", 0, 0, RULE_GROUP, RULE_SELF, ""),
	RULE(1, "-1", 0, 0, RULE_IPV4, "0.0.0.0/0", ""),
};

struct want {
	struct desired d;
	struct plan_options options;
	struct config config;
	struct awsq_ec2_image image;
	struct awsq_ec2_security_group group;
	char *types[2];
	struct rule rules[16];
	char user_data[400]; /* base64 */
};

static inline void want_rules(struct want *x, const struct rule *rules, size_t n)
{
	assert_true(n <= 16);
	memcpy(x->rules, rules, n * sizeof(*rules));
	x->d.rules = (struct rules){ x->rules, n };
}

/* Text in base64, as an instance's user data is kept. */
static inline void encode(char *out, size_t size, const char *text)
{
	struct awsq_buf buf = AWSQ_BUF_INIT(4096);

	awsq_base64_add(&buf, text, strlen(text));
	assert_true(buf.len < size);
	(void)snprintf(out, size, "%s", awsq_buf_str(&buf));
	awsq_buf_free(&buf);
}

static inline void want_begin(struct want *x)
{
	memset(x, 0, sizeof(*x));
	x->types[0] = S("t3.micro");
	x->types[1] = S("t3a.micro");
	x->config.name = S(FLEET_NAME);
	x->config.home = S(HOME);
	x->config.key = S("navo.pem");
	x->config.elsewhere.instance_types = (struct config_strings){ x->types, 2 };
	x->config.elsewhere.count = 1;
	x->image = (struct awsq_ec2_image){ .id = S(HOME_IMAGE),
		.name = S(FLEET_NAME),
		.state = S("available"),
		.creation_date = S("2026-01-01T00:00:00.000Z") };
	x->group = (struct awsq_ec2_security_group){ .id = S("sg-home"), .name = S(FLEET_NAME) };
	x->d.config = &x->config;
	x->d.image = &x->image;
	x->d.group = &x->group;
	x->d.profile_name = S("role");
	x->d.public_key = S(KEY);
	x->d.key_fingerprint = S(FINGERPRINT);
	x->d.key_type = "ssh-ed25519";
	x->d.key_importable = 1;
	x->d.user_data = S(USER_DATA);
	encode(x->user_data, sizeof(x->user_data), USER_DATA);
	want_rules(x, home_rules, 3);
}

/* A region that has all that it should: ami-1, snap-2, key-3, sg-4, i-5 and vol-6. */
static inline void world_complete(struct world *w, const struct want *x)
{
	struct awsq_ec2_security_group *g;

	world_begin(w);
	world_snapshot(w, world_image(w, "available", HOME_IMAGE), 1);
	world_key(w, KEY " a comment");
	g = world_group(w, FLEET_NAME, VPC);
	for (size_t i = 0; i < x->d.rules.n; i++)
		world_rule(w, g, &x->d.rules.items[i]);
	world_instance(w, "stopped", 1000);
	w->attributes[0].user_data = S(x->user_data);
}

#endif
