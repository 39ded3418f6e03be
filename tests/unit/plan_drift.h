/*
 * plan_drift.h: random regions, in which anything that can differ may, and random settings.
 */
#ifndef AWSQ_TESTS_PLAN_DRIFT_H
#define AWSQ_TESTS_PLAN_DRIFT_H

#include "plan_cloud.h"

static unsigned seed;

/* 0 to n - 1. */
static inline unsigned pick(unsigned n)
{
	seed = seed * 1103515245U + 12345U;
	return (seed >> 16) % n;
}

/* ---- What should be */

static const struct rule some_rules[] = {
	RULE(0, "tcp", 22, 22, RULE_IPV4, "198.51.100.0/24", "office"),
	RULE(0, "tcp", 22, 22, RULE_IPV4, "198.51.100.0/24", "old"),
	RULE(0, "tcp", 22, 22, RULE_IPV4, "0.0.0.0/0", ""),
	RULE(0, "udp", 1, 65535, RULE_IPV6, "::/0", ""),
	RULE(0, "-1", 0, 0, RULE_GROUP, RULE_SELF, ""),
	RULE(0, "icmp", -1, -1, RULE_IPV4, "0.0.0.0/0", "ping"),
	RULE(0, "tcp", 22, 22, RULE_GROUP, "bastion", ""),
	RULE(0, "tcp", 443, 443, RULE_PREFIX_LIST, "com.amazonaws.REGION.s3", ""),
	RULE(0, "tcp", 80, 80, RULE_PREFIX_LIST, "office", "no list here"),
	RULE(1, "-1", 0, 0, RULE_IPV4, "0.0.0.0/0", ""),
	RULE(1, "-1", 0, 0, RULE_IPV4, "0.0.0.0/0", "all"),
	RULE(1, "-1", 0, 0, RULE_IPV6, "::/0", ""),
	RULE(1, "tcp", 443, 443, RULE_IPV4, "0.0.0.0/0", ""),
	RULE(1, "tcp", 443, 443, RULE_GROUP, RULE_SELF, ""),
};

#define N_SOME (sizeof(some_rules) / sizeof(*some_rules))

/* A random subset in which no two differ in their description only, since AWS has none such. */
static inline size_t pick_rules(struct rule *out)
{
	size_t n = 0;

	for (size_t i = 0; i < N_SOME; i++) {
		const struct rule *rule = &some_rules[i];
		int like_last = n > 0 && out[n - 1].egress == rule->egress &&
		                same(out[n - 1].protocol, rule->protocol) &&
		                out[n - 1].from_port == rule->from_port &&
		                same(out[n - 1].target, rule->target);

		if (pick(2) && !like_last)
			out[n++] = *rule;
	}
	return n;
}

static inline void pick_want(struct want *x)
{
	static const char *const keys[] = { NULL, NULL, "key-1", "alias/navo" };
	struct config_region *place = &x->config.elsewhere;
	struct rule wanted[N_SOME] = { { 0 } };

	want_begin(x);
	want_rules(x, wanted, pick_rules(wanted));
	x->options = (struct plan_options){ (int)pick(2), (int)pick(2), pick(3) };
	x->d.encrypt = pick(4) == 0;
	x->config.encrypt = pick(4) == 0;
	place->kms_key = S(keys[pick(4)]);
	place->subnet = pick(4) ? NULL : S("web-a");
	place->vpc = pick(4) ? NULL : S("web");
	place->count = pick(2) ? 1 : 1 + (int)pick(4);
	if (pick(4) == 0)
		x->d.profile_name = NULL;
}

/* ---- What is: where */

static inline void pick_place(struct world *w, const struct want *x)
{
	const struct config_region *place = &x->config.elsewhere;

	world_begin(w);
	w->vpcs[0].is_default = !place->vpc;
	if (place->subnet || place->vpc)
		world_subnet(w, SUBNET, VPC, ZONE, 7);
	if (place->subnet || place->vpc)
		w->offerings[0].location = w->offerings[1].location = S(ZONE);
	if (pick(4) == 0)
		w->offerings[0].instance_type = S("t1.micro");
}

/* ---- Images */

/* Encrypted rightly, wrongly or not at all. The key of one without the tag is not seen at first. */
static inline void pick_snapshot(struct world *w, const struct want *x,
	struct awsq_ec2_image *image)
{
	int tagged = pick(2) != 0;

	world_snapshot(w, image, tagged);
	encrypt(x, &image->devices[0].encrypted,
		&w->snapshots[tagged ? w->o.snapshots.n - 1 : 0].kms_key_id);
	if (pick(4) == 0)
		image->devices[0].encrypted = 0;
	else if (tagged && pick(4) == 0)
		w->snapshots[w->o.snapshots.n - 1].kms_key_id = S(KMS_KEY_ARN "other");
}

static inline void pick_image(struct world *w, const struct want *x, const char *name,
	const char *source)
{
	static const char *const states[] = { "available", "available", "pending", "failed" };
	struct awsq_ec2_image *image = world_image(w, states[pick(4)], source);

	image->name = S(name);
	/* Made by hand: known by its name alone, and of the source that AWS tells or nobody. */
	if (same(name, FLEET_NAME) && pick(2)) {
		image->n_tags = 0;
		image->source_image_id = pick(2) ? S(source) : NULL;
	}
	/* A copy that is under way is one that has been asked for as it has to be. */
	if (!same(image->state, "pending"))
		pick_snapshot(w, x, image);
}

static inline void pick_images(struct world *w, const struct want *x)
{
	static const char *const names[] = { FLEET_NAME, "NAVO ami-home", "NAVO ami-home 2",
		"NAVO-1" };
	unsigned offset = pick(4), n = pick(4);

	for (unsigned i = 0; i < n; i++)
		pick_image(w, x, names[(offset + i) % 4], pick(3) ? "ami-older" : HOME_IMAGE);
	/* While an image is under way, one without an image may be that one's. */
	for (size_t i = 0; i < w->o.images.n; i++) {
		if (same(w->images[i].state, "pending"))
			return;
	}
	if (pick(4) == 0)
		world_snapshot(w, NULL, 1);
	if (w->o.snapshots.n > 0 && pick(4) == 0)
		w->snapshots[w->o.snapshots.n - 1].state = S("pending");
}

/* ---- Keys and groups */

static inline void pick_names(struct world *w)
{
	static const struct rule foreign = { .protocol = "-1",
		.kind = RULE_GROUP,
		.target = "sg-gone",
		.description = "",
		.id = "sg-gone" };
	static const char *const keys[] = { KEY, KEY, OTHER_KEY, "" };
	struct rule rules[N_SOME] = { { 0 } };
	struct awsq_ec2_security_group *g;
	size_t n = pick_rules(rules);

	if (pick(2))
		world_key(w, keys[pick(4)])->n_tags = pick(2);
	if (pick(3) == 0)
		world_group(w, FLEET_NAME, "vpc-other");
	if (pick(2))
		world_group(w, "bastion", VPC);
	if (pick(4) == 0)
		return;
	g = world_group(w, FLEET_NAME, VPC);
	g->n_tags = pick(2);
	for (size_t i = 0; i < n; i++) {
		const struct rule_names names = observed_rule_names(&w->o, REGION, VPC);
		const char *id;

		if (rule_resolve(&rules[i], &names, &id) == 0)
			world_rule(w, g, &rules[i]);
	}
	if (pick(4) == 0)
		world_rule(w, g, &foreign);
}

/* ---- Instances */

/* Now and then something else than what is there. */
static inline void drift_to(char **member, const char *other)
{
	if (pick(6) == 0)
		*member = S(other);
}

static inline void pick_volume(struct world *w, const struct want *x, struct awsq_ec2_volume *v)
{
	encrypt(x, &v->encrypted, &v->kms_key_id);
	v->n_tags = pick(6) != 0;
	if (pick(6) == 0)
		v->encrypted = 0;
	else
		drift_to(&v->kms_key_id, KMS_KEY_ARN "other");
	(void)w;
}

/* Which tags it has; one at least says whose it is. Of several it may be any, or not say. */
static inline void pick_tags(struct world *w, struct awsq_ec2_instance *i)
{
	static const char *const ordinals[] = { "2", "3", "4", "9", "x" };

	i->tags = NULL;
	i->n_tags = 0;
	switch (pick(6)) {
	case 0:
		TAG(w, i, TAG_NAME, FLEET_NAME);
		break;
	case 1:
		TAG(w, i, TAG_FLEET, FLEET_NAME);
		break;
	default:
		TAG(w, i, TAG_NAME, FLEET_NAME);
		TAG(w, i, TAG_FLEET, FLEET_NAME);
		TAG(w, i, TAG_KEY, pick(6) ? FINGERPRINT : "SHA256:old");
		if (pick(2))
			TAG(w, i, TAG_ORDINAL, ordinals[pick(5)]);
		break;
	}
}

static inline struct awsq_ec2_instance *pick_instance(struct world *w, const struct want *x,
	const char *state)
{
	static const char *const data[] = { "IyEvYmluL3NoCmVjaG8K", "%%%", NULL };
	struct awsq_ec2_instance *i = world_instance(w, state, 0);
	struct awsq_ec2_instance_attributes *attributes = &w->attributes[i - w->instances];

	pick_tags(w, i);
	pick_volume(w, x, &w->volumes[w->o.volumes.n - 1]);
	if (pick(6) == 0)
		pick_volume(w, x, world_volume(w, i, (int)pick(2)));
	if (pick(2))
		i->launch_time += 3600;
	if (w->o.images.n > 0 && pick(2))
		i->image_id = w->images[pick((unsigned)w->o.images.n)].id;
	drift_to(&i->type, "t2.nano");
	drift_to(&i->key_name, "mine");
	drift_to(&i->subnet_id, "subnet-9");
	drift_to(&i->profile_arn, PROFILE_ARN "other");
	drift_to(&i->profile_arn, NULL);
	drift_to(&i->http_tokens, "optional");
	drift_to(&w->refs[i - w->instances].id, "sg-x");
	if (pick(8) == 0) {
		i->vpc_id = S("vpc-9");
		w->refs[i - w->instances].id = S("sg-9");
	}
	attributes->user_data = pick(2) ? S(x->user_data) : S(data[pick(3)]);
	drift_to(&attributes->shutdown_behavior, "terminate");
	attributes->disable_api_stop = pick(8) == 0;
	attributes->disable_api_termination = pick(8) == 0;
	return i;
}

static inline void pick_instances(struct world *w, const struct want *x)
{
	static const char *const on[] = { "pending", "running", "stopping" };
	unsigned n = pick(4) ? 1 : pick((unsigned)x->config.elsewhere.count + 1);

	for (unsigned i = pick(3); i > 0; i--) {
		struct awsq_ec2_instance *gone = world_instance(w, "terminated", -1);

		gone->n_groups = 0;
	}
	/* Some are there, now and then one too many. */
	if (pick(4) == 0)
		return;
	for (n += pick(12) == 0; n > 0; n--) {
		struct awsq_ec2_instance *new, *old;

		old = pick_instance(w, x, pick(4) ? "stopped" : on[pick(3)]);
		if (pick(6) != 0)
			continue;
		new = pick_instance(w, x, pick(2) ? "stopped" : on[pick(3)]);
		TAG(w, new, TAG_REPLACES, old->id);
	}
}

/* ---- All of it */

static inline void pick_world(struct world *w, const struct want *x)
{
	pick_place(w, x);
	pick_images(w, x);
	pick_names(w);
	pick_instances(w, x);
	if (pick(6) == 0)
		world_volume(w, NULL, 0);
	w->o.in_use = pick(2) != 0;
}

#endif
