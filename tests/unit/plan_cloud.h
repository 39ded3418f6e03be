/*
 * plan_cloud.h: carries plans out in a world of plan_world.h as EC2 would, and fails where EC2
 * would refuse: so that a wrong order is an error, too.
 */
#ifndef AWSQ_TESTS_PLAN_CLOUD_H
#define AWSQ_TESTS_PLAN_CLOUD_H

#include "plan_expect.h"

/* What there was ever made, for plans that are cut off and begun again. */
struct made {
	unsigned images, instances, groups, key_pairs;
};

/* One carrying out of a plan. */
struct hand {
	struct world *w;
	const struct want *x;
	const struct plan *plan;
	struct made *made;
	/* As plan_apply() keeps them. */
	const char *image_id, *group_id, *instance_ids[CONFIG_COUNT_MAX + 1];
};

/* Takes the i-th out of an array of n items. */
#define TAKE_OUT(items, n, i) \
	(memmove(&(items)[i], &(items)[(i) + 1], (--(n) - (i)) * sizeof(*(items))))

static inline int same(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

/* What has an id in an array of structs that begin with one; a failure when nothing has. */
#define THE(items, n, id) (&(items)[index_of(items, n, sizeof(*(items)), id)])

static inline size_t index_of(const void *items, size_t n, size_t size, const char *wanted)
{
	for (size_t i = 0; i < n; i++) {
		const char *id;

		memcpy(&id, (const char *)items + i * size, sizeof(id));
		if (same(id, wanted))
			return i;
	}
	fail_msg("there is no '%s'", wanted);
	return 0;
}

/* ---- Images and snapshots */

/* Whether an image is made of a snapshot. */
static inline int is_used(const struct world *w, const char *snapshot_id)
{
	for (size_t i = 0; i < w->o.images.n; i++) {
		for (size_t k = 0; k < w->images[i].n_devices; k++) {
			if (same(w->images[i].devices[k].snapshot_id, snapshot_id))
				return 1;
		}
	}
	return 0;
}

static inline void drop_snapshot(struct world *w, const char *id)
{
	for (size_t i = 0; i < w->o.snapshots.n; i++) {
		if (same(w->snapshots[i].id, id)) {
			TAKE_OUT(w->snapshots, w->o.snapshots.n, i);
			return;
		}
	}
}

static inline void deregister(struct hand *h, const char *id)
{
	struct world *w = h->w;
	struct awsq_ec2_image gone = { 0 };

	for (size_t i = 0; i < w->o.images.n; i++) {
		if (same(w->images[i].id, id)) {
			gone = w->images[i];
			TAKE_OUT(w->images, w->o.images.n, i);
		}
	}
	assert_non_null(gone.id); /* InvalidAMIID.NotFound */
	for (size_t k = 0; k < gone.n_devices; k++) {
		if (!is_used(w, gone.devices[k].snapshot_id))
			drop_snapshot(w, gone.devices[k].snapshot_id);
	}
}

/* Encrypts what is copied here as the region has it. */
static inline void encrypt(const struct want *x, int *encrypted, char **kms_key_id)
{
	const char *key = x->config.elsewhere.kms_key;

	*encrypted = desired_encrypts(&x->d, &x->config.elsewhere);
	*kms_key_id = !*encrypted                 ? NULL
	              : key && same(key, "key-1") ? S(KMS_KEY_ARN "key-1")
	                                          : S(KMS_KEY_ARN "of-alias");
}

/* An image's snapshot shows when it has been copied. */
static inline void finish_copy(struct world *w, const struct want *x, struct awsq_ec2_image *image)
{
	image->state = S("available");
	world_snapshot(w, image, 1);
	encrypt(x, &image->devices[0].encrypted, &w->snapshots[w->o.snapshots.n - 1].kms_key_id);
}

static inline void copy_image(struct hand *h, const struct action *a)
{
	struct awsq_ec2_image *image;

	assert_true(a->value[0] && strlen(a->value) <= 128);
	for (size_t i = 0; i < h->w->o.images.n; i++) /* InvalidAMIName.Duplicate */
		assert_string_not_equal(h->w->images[i].name, a->value);
	image = world_image(h->w, "pending", HOME_IMAGE);
	image->name = world_name(h->w, a->value);
	h->image_id = image->id;
	h->made->images++;
}

static inline void wait_image(struct hand *h)
{
	struct awsq_ec2_image *image = THE(h->w->images, h->w->o.images.n, h->image_id);

	assert_string_equal(image->state, "pending");
	finish_copy(h->w, h->x, image);
}

/* ---- Groups */

static inline struct awsq_ec2_security_group *the_group(struct hand *h)
{
	return THE(h->w->groups, h->w->o.groups.n, h->group_id);
}

static inline void create_group(struct hand *h)
{
	static const struct rule all_egress = RULE(1, "-1", 0, 0, RULE_IPV4, "0.0.0.0/0", "");
	struct awsq_ec2_security_group *g;

	for (size_t i = 0; i < h->w->o.groups.n; i++) /* InvalidGroup.Duplicate */
		assert_false(same(h->w->groups[i].vpc_id, h->plan->vpc_id) &&
			     same(h->w->groups[i].name, FLEET_NAME));
	g = world_group(h->w, FLEET_NAME, VPC);
	world_rule(h->w, g, &all_egress);
	h->group_id = g->id;
	h->made->groups++;
}

/* Where a permission of one target is among a group's, whatever its description; -1: nowhere. */
static inline int find_permission(const struct awsq_ec2_security_group *g, int egress,
	const struct awsq_ec2_ip_permission *p)
{
	const struct awsq_ec2_ip_permission *all = egress ? g->egress : g->ingress;
	size_t n = egress ? g->n_egress : g->n_ingress;

	for (size_t i = 0; i < n; i++) {
		if (same(all[i].protocol, p->protocol) && all[i].from_port == p->from_port &&
			all[i].to_port == p->to_port && all[i].n_ipv4 == p->n_ipv4 &&
			all[i].n_ipv6 == p->n_ipv6 && all[i].n_groups == p->n_groups &&
			same(all[i].ipv4->name, p->ipv4->name))
			return (int)i;
	}
	return -1;
}

static inline void revoke(struct awsq_ec2_security_group *g, int egress,
	const struct awsq_ec2_ip_permission *permission)
{
	struct awsq_ec2_ip_permission *all = egress ? g->egress : g->ingress;
	size_t *n = egress ? &g->n_egress : &g->n_ingress;
	int at = find_permission(g, egress, permission);

	assert_true(at >= 0); /* InvalidPermission.NotFound */
	for (size_t i = (size_t)at; i + 1 < *n; i++) {
		struct awsq_ec2_rule_target *t = all[i].ipv4;

		*t = *all[i + 1].ipv4;
		all[i] = all[i + 1];
		all[i].ipv4 = all[i].ipv6 = all[i].prefix_lists = all[i].groups = t;
	}
	(*n)--;
}

static inline void change_rules(struct hand *h, const struct action *a)
{
	const struct rule_names names = observed_rule_names(&h->w->o, REGION, h->plan->vpc_id);
	int is_revoke = a->kind == ACTION_REVOKE_INGRESS || a->kind == ACTION_REVOKE_EGRESS;
	int egress = a->kind == ACTION_REVOKE_EGRESS || a->kind == ACTION_AUTHORIZE_EGRESS;
	struct awsq_ec2_security_group *g = the_group(h);
	struct awsq_ec2_ip_permission *permissions;
	struct awsq_ec2_rule_target *targets;

	assert_int_equal(rules_to_permissions(&permissions, &targets, &a->rules, g->id,
				 is_revoke ? NULL : &names),
		0);
	for (size_t i = 0; i < a->rules.n; i++) {
		assert_int_equal(a->rules.items[i].egress, egress);
		if (is_revoke) {
			revoke(g, egress, &permissions[i]);
		} else {
			/* InvalidPermission.Duplicate */
			assert_int_equal(find_permission(g, egress, &permissions[i]), -1);
			world_permit(g, egress, &permissions[i]);
		}
	}
	free(permissions);
	free(targets);
}

static inline void delete_group(struct hand *h, const char *id)
{
	struct world *w = h->w;

	for (size_t i = 0; i < w->o.instances.n; i++) { /* DependencyViolation */
		for (size_t k = 0; k < w->instances[i].n_groups; k++)
			assert_string_not_equal(w->instances[i].groups[k].id, id);
	}
	h->group_id = id;
	TAKE_OUT(w->groups, w->o.groups.n, (size_t)(the_group(h) - w->groups));
}

/* ---- Instances */

static inline struct awsq_ec2_instance *the_instance(struct hand *h, const struct action *a)
{
	struct awsq_ec2_instance *i = THE(h->w->instances, h->w->o.instances.n,
		a->id[0] ? a->id : h->instance_ids[a->ordinal]);

	assert_string_not_equal(i->state, "terminated"); /* IncorrectInstanceState */
	return i;
}

/* A new instance has no volume at the very first, but once it is stopped. */
static inline void attach_root(struct hand *h, struct awsq_ec2_instance *i)
{
	struct awsq_ec2_volume *v;

	if (i->n_volumes > 0)
		return;
	v = world_volume(h->w, i, 1);
	i->volumes[0].attach_time = i->launch_time;
	encrypt(h->x, &v->encrypted, &v->kms_key_id);
}

static inline void run_instance(struct hand *h, const struct action *a)
{
	const char *const *types = (const char *const *)h->x->types;
	struct awsq_ec2_image *image = THE(h->w->images, h->w->o.images.n, h->image_id);
	struct awsq_ec2_instance *i;
	size_t n;

	assert_string_equal(image->state, "available");
	assert_non_null(chosen_key_pair(&h->w->o)); /* InvalidKeyPair.NotFound */
	assert_string_equal(the_group(h)->vpc_id, h->plan->vpc_id);
	i = world_instance(h->w, "pending", -1);
	i->image_id = image->id;
	i->launch_time = LAUNCHED + 1000000 + (int64_t)h->w->o.instances.n;
	n = !type_is_offered(&h->w->o, types[0], h->plan->zone[0] ? h->plan->zone : NULL);
	i->type = S(types[n]);
	i->profile_arn = h->x->d.profile_name ? S(PROFILE_ARN "role") : NULL;
	h->w->refs[i - h->w->instances].id = the_group(h)->id;
	h->w->attributes[i - h->w->instances].user_data = S(h->x->user_data);
	if (a->value[0])
		TAG(h->w, i, TAG_REPLACES, THE(h->w->instances, h->w->o.instances.n, a->value)->id);
	if (a->ordinal > 1) {
		char ordinal[12];

		(void)snprintf(ordinal, sizeof(ordinal), "%d", a->ordinal);
		TAG(h->w, i, TAG_ORDINAL, world_name(h->w, ordinal));
	}
	/* It would carry the token of one that is there: IdempotentParameterMismatch. */
	assert_in_range(a->ordinal, 1, h->x->config.elsewhere.count);
	if (h->w->made_as[a->ordinal])
		assert_false(instance_is_live(THE(h->w->instances, h->w->o.instances.n,
			h->w->made_as[a->ordinal])));
	h->instance_ids[a->ordinal] = h->w->made_as[a->ordinal] = i->id;
	h->made->instances++;
}

static inline void stop_instance(struct hand *h, struct awsq_ec2_instance *i)
{
	/* OperationNotPermitted */
	assert_int_equal(h->w->attributes[i - h->w->instances].disable_api_stop, 0);
	attach_root(h, i);
	i->state = S("stopped");
}

static inline void terminate_instance(struct hand *h, struct awsq_ec2_instance *i)
{
	struct world *w = h->w;

	assert_false(instance_is_protected(&w->o, i)); /* OperationNotPermitted */
	for (size_t k = w->o.volumes.n; k-- > 0;) {
		struct awsq_ec2_volume *v = &w->volumes[k];

		if (v->n_attachments == 0 || !same(v->attachments[0].instance_id, i->id))
			continue;
		if (v->attachments[0].delete_on_termination) {
			TAKE_OUT(w->volumes, w->o.volumes.n, k);
			continue;
		}
		/* From now on only its tag tells whose it is. */
		assert_true(is_tagged(FLEET_NAME, v->tags, v->n_tags));
		v->n_attachments = 0;
		v->state = S("available");
	}
	i->state = S("terminated");
	i->n_volumes = i->n_groups = 0;
}

static inline void modify_group(struct hand *h, const struct action *a)
{
	struct awsq_ec2_instance *i = the_instance(h, a);
	struct awsq_ec2_security_group *g = the_group(h);

	assert_string_equal(i->vpc_id, g->vpc_id); /* InvalidGroup.NotFound */
	assert_true(!a->value[0] || same(a->value, g->id));
	i->groups[0].id = g->id;
	i->n_groups = 1;
}

static inline void modify(struct hand *h, const struct action *a)
{
	struct awsq_ec2_instance *i = the_instance(h, a);
	struct awsq_ec2_instance_attributes *attributes = &h->w->attributes[i - h->w->instances];
	int has_profile = i->profile_arn != NULL;

	switch (a->kind) {
	case ACTION_MODIFY_TYPE: /* IncorrectInstanceState, as the next */
		assert_string_equal(i->state, "stopped");
		assert_true(type_is_offered(&h->w->o, a->value, h->plan->zone[0] ? i->zone : NULL));
		i->type = same(a->value, h->x->types[0]) ? h->x->types[0] : h->x->types[1];
		break;
	case ACTION_MODIFY_USER_DATA:
		assert_string_equal(i->state, "stopped");
		attributes->user_data = S(h->x->user_data);
		break;
	case ACTION_MODIFY_SHUTDOWN:
		attributes->shutdown_behavior = same(a->value, "stop") ? S("stop") : NULL;
		break;
	case ACTION_MODIFY_METADATA:
		i->http_tokens = same(a->value, "required") ? S("required") : NULL;
		break;
	case ACTION_UNPROTECT_STOP:
		assert_int_equal(attributes->disable_api_stop, 1);
		attributes->disable_api_stop = 0;
		break;
	case ACTION_UNPROTECT_TERMINATION:
		assert_int_equal(attributes->disable_api_termination, 1);
		attributes->disable_api_termination = 0;
		break;
	default: /* of the profile: IncorrectState, when there is one already */
		assert_int_equal(has_profile, a->kind != ACTION_ASSOCIATE_PROFILE);
		assert_int_equal(same(a->value, "role"), a->kind != ACTION_DISASSOCIATE_PROFILE);
		i->profile_arn = a->value[0] ? S(PROFILE_ARN "role") : NULL;
		break;
	}
}

/* ---- Tags */

static inline void set_tags(struct hand *h, const struct action *a)
{
	struct awsq_ec2_tag **tags = NULL;
	size_t *n = NULL;
	struct world *w = h->w;

#define LOOK_AMONG(items, count)                  \
	for (size_t i = 0; i < (count); i++) {    \
		if (same((items)[i].id, a->id)) { \
			tags = &(items)[i].tags;  \
			n = &(items)[i].n_tags;   \
		}                                 \
	}
	/* A snapshot without the fleet's tag was not seen yet. */
	if (strncmp(a->id, "snap-", 5) == 0 && is_used(w, a->id) &&
		!observed_snapshot(&w->o, a->id)) {
		struct awsq_ec2_snapshot *s = &w->snapshots[w->o.snapshots.n++];

		assert_true(w->o.snapshots.n <= WORLD_MAX);
		*s = (struct awsq_ec2_snapshot){ .volume_size = 8, .state = S("completed") };
		s->id = world_name(w, a->id);
		encrypt(h->x, &s->encrypted, &s->kms_key_id);
	}
	LOOK_AMONG(w->instances, w->o.instances.n)
	LOOK_AMONG(w->images, w->o.images.n)
	LOOK_AMONG(w->snapshots, w->o.snapshots.n)
	LOOK_AMONG(w->volumes, w->o.volumes.n)
	LOOK_AMONG(w->key_pairs, w->o.key_pairs.n)
	LOOK_AMONG(w->groups, w->o.groups.n)
#undef LOOK_AMONG
	assert_non_null(tags); /* InvalidID */
	for (size_t k = 0; a->tags[k].key; k++)
		world_tag(w, tags, n, a->tags[k].key, a->tags[k].value);
}

/* ---- All of it */

static inline void delete_key_pair(struct world *w, const char *name)
{
	size_t i = 0;

	while (i < w->o.key_pairs.n && !same(w->key_pairs[i].name, name))
		i++;
	assert_true(i < w->o.key_pairs.n);
	TAKE_OUT(w->key_pairs, w->o.key_pairs.n, i);
}

static inline void delete_volume(struct world *w, const char *id)
{
	const struct awsq_ec2_volume *v = THE(w->volumes, w->o.volumes.n, id);

	assert_string_equal(v->state, "available"); /* VolumeInUse */
	TAKE_OUT(w->volumes, w->o.volumes.n, (size_t)(v - w->volumes));
}

static inline void carry_out(struct hand *h, const struct action *a)
{
	switch (a->kind) {
	case ACTION_TAG:
		set_tags(h, a);
		break;
	case ACTION_DELETE_KEY_PAIR:
		delete_key_pair(h->w, a->id);
		break;
	case ACTION_IMPORT_KEY_PAIR:
		assert_null(chosen_key_pair(&h->w->o)); /* InvalidKeyPair.Duplicate */
		world_key(h->w, KEY);
		h->made->key_pairs++;
		break;
	case ACTION_CREATE_GROUP:
		create_group(h);
		break;
	case ACTION_REVOKE_INGRESS:
	case ACTION_REVOKE_EGRESS:
	case ACTION_AUTHORIZE_INGRESS:
	case ACTION_AUTHORIZE_EGRESS:
		change_rules(h, a);
		break;
	case ACTION_DELETE_GROUP:
		delete_group(h, a->id);
		break;
	case ACTION_COPY_IMAGE:
		copy_image(h, a);
		break;
	case ACTION_WAIT_IMAGE:
		wait_image(h);
		break;
	case ACTION_DEREGISTER_IMAGE:
		deregister(h, a->id);
		break;
	case ACTION_DELETE_SNAPSHOT:
		assert_false(is_used(h->w, a->id)); /* InvalidSnapshot.InUse */
		drop_snapshot(h->w, a->id);
		break;
	case ACTION_RUN_INSTANCE:
		run_instance(h, a);
		break;
	case ACTION_STOP_INSTANCE:
		stop_instance(h, the_instance(h, a));
		break;
	case ACTION_TERMINATE_INSTANCE:
		terminate_instance(h, the_instance(h, a));
		break;
	case ACTION_MODIFY_GROUP:
		modify_group(h, a);
		break;
	case ACTION_DELETE_VOLUME:
		delete_volume(h->w, a->id);
		break;
	default:
		modify(h, a);
		break;
	}
}

#endif
