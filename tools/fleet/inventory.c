#include "banned.h"

#include "fleet/inventory.h"

#include "fleet/chosen.h"
#include "fleet/grow.h"

struct taking {
	struct inventory *out;
	const struct observed *o;
	const struct config *c;
	int is_home;
};

static int same(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

static struct item *add(struct taking *t, enum item_kind kind, const char *id, const char *state)
{
	struct inventory *out = t->out;
	struct item *items = grow(out->items, out->n, sizeof(*items));

	if (!items)
		return NULL;
	out->items = items;
	items[out->n] = (struct item){ .kind = kind, .id = id, .state = state };
	return &items[out->n++];
}

/* Why it is the fleet's; what has the tag may have any name. */
static void say_why(const struct taking *t, struct item *item, const struct awsq_ec2_tag *tags,
	size_t n_tags)
{
	int tagged = is_tagged(t->o->fleet, tags, n_tags);

	if (tagged && item->name && !same(item->name, t->o->fleet))
		(void)snprintf(item->why, sizeof(item->why),
			"carries the fleet's tag, and is named '%.128s'", item->name);
	else if (tagged)
		(void)snprintf(item->why, sizeof(item->why), "carries the fleet's tag");
	else if (same(item->name, t->o->fleet))
		(void)snprintf(item->why, sizeof(item->why), "has the fleet's name");
	else
		(void)snprintf(item->why, sizeof(item->why), "has the name of the fleet's image");
}

/* ---- Instances and volumes */

static int take_instances(struct taking *t)
{
	for (size_t i = 0; i < t->o->instances.n; i++) {
		const struct awsq_ec2_instance *x = &t->o->instances.items[i];
		int runs = same(x->state, "running") || same(x->state, "pending"), is_protected;
		struct item *item;

		/* For an hour AWS lists what is terminated, with its tags. */
		if (!x->state || same(x->state, "terminated") ||
			!instance_is_fleets(t->o->fleet, x))
			continue;
		item = add(t, ITEM_INSTANCE, x->id, x->state);
		if (!item)
			return AWSQ_ENOMEM;
		item->name = awsq_ec2_tag_value(x->tags, x->n_tags, TAG_NAME);
		say_why(t, item, x->tags, x->n_tags);
		is_protected = instance_is_live(x) && instance_is_protected(t->o, x);
		(void)snprintf(item->remark, sizeof(item->remark), "%s%s%s", runs ? "runs" : "",
			runs && is_protected ? ", and " : "",
			is_protected ? "is protected from termination" : "");
	}
	return 0;
}

/* How a volume is attached to one of the fleet's instances; NULL when it is to none of them. */
static const struct awsq_ec2_attachment *attachment(const struct taking *t,
	const struct awsq_ec2_volume *v)
{
	for (size_t i = 0; i < t->o->instances.n; i++) {
		const struct awsq_ec2_instance *x = &t->o->instances.items[i];

		for (size_t k = 0; k < v->n_attachments && instance_is_fleets(t->o->fleet, x);
			k++) {
			if (same(v->attachments[k].instance_id, x->id))
				return &v->attachments[k];
		}
	}
	return NULL;
}

/*
 * A volume is the fleet's by its tag, or as a part of an instance. One that has another fleet's tag
 * counts only if it cannot but go with the instance.
 */
static int is_fleets_volume(const struct taking *t, const struct awsq_ec2_volume *v,
	const struct awsq_ec2_attachment *a)
{
	if (same(v->state, "deleting") || same(v->state, "deleted"))
		return 0;
	if (is_tagged(t->o->fleet, v->tags, v->n_tags))
		return 1;
	return a &&
	       (a->delete_on_termination || !awsq_ec2_tag_value(v->tags, v->n_tags, TAG_FLEET));
}

static void remark_volume(struct item *item, const struct awsq_ec2_volume *v,
	const struct awsq_ec2_attachment *a)
{
	const char *text = "no instance has it", *id = "";

	if (a) {
		id = a->instance_id;
		text = a->delete_on_termination ? "goes with instance " : "outlives instance ";
	} else if (v->n_attachments > 0) {
		id = v->attachments[0].instance_id ? v->attachments[0].instance_id : "?";
		text = "is in use by another's instance ";
	}
	(void)snprintf(item->remark, sizeof(item->remark), "%s%.64s", text, id);
}

static int take_volumes(struct taking *t)
{
	for (size_t i = 0; i < t->o->volumes.n; i++) {
		const struct awsq_ec2_volume *v = &t->o->volumes.items[i];
		const struct awsq_ec2_attachment *a = attachment(t, v);
		struct item *item;

		if (!is_fleets_volume(t, v, a))
			continue;
		item = add(t, ITEM_VOLUME, v->id, v->state);
		if (!item)
			return AWSQ_ENOMEM;
		item->gib = v->volume_size;
		item->name = awsq_ec2_tag_value(v->tags, v->n_tags, TAG_NAME);
		if (is_tagged(t->o->fleet, v->tags, v->n_tags))
			say_why(t, item, v->tags, v->n_tags);
		else
			(void)snprintf(item->why, sizeof(item->why), "the fleet's instance has it");
		remark_volume(item, v, a);
	}
	return 0;
}

/* ---- Images and snapshots */

static int take_images(struct taking *t)
{
	for (size_t i = 0; i < t->o->images.n; i++) {
		const struct awsq_ec2_image *image = &t->o->images.items[i];
		struct item *item;

		if (!image_is_fleets(t->c, t->is_home, image))
			continue;
		item = add(t, ITEM_IMAGE, image->id, image->state);
		if (!item)
			return AWSQ_ENOMEM;
		item->name = image->name;
		say_why(t, item, image->tags, image->n_tags);
	}
	return 0;
}

static int take_snapshot(void *arg, const char *id, int64_t gib,
	const struct awsq_ec2_snapshot *snapshot, const struct awsq_ec2_image *image)
{
	struct taking *t = arg;
	int tagged = snapshot && is_tagged(t->o->fleet, snapshot->tags, snapshot->n_tags);
	struct item *item;

	if (image && !image_is_fleets(t->c, t->is_home, image))
		image = NULL;
	if (!tagged && !image)
		return 0;
	item = add(t, ITEM_SNAPSHOT, id, snapshot ? snapshot->state : NULL);
	if (!item)
		return AWSQ_ENOMEM;
	item->gib = gib;
	if (snapshot)
		item->name = awsq_ec2_tag_value(snapshot->tags, snapshot->n_tags, TAG_NAME);
	if (tagged)
		say_why(t, item, snapshot->tags, snapshot->n_tags);
	else
		(void)snprintf(item->why, sizeof(item->why), "the fleet's image is made of it");
	if (image)
		(void)snprintf(item->remark, sizeof(item->remark), "goes with image %.64s",
			image->id);
	else
		(void)snprintf(item->remark, sizeof(item->remark), "its image is gone");
	return 0;
}

/* ---- Key pairs and security groups */

static int take_named(struct taking *t, enum item_kind kind, const char *id, const char *name,
	const struct awsq_ec2_tag *tags, size_t n_tags)
{
	struct item *item;

	if (!is_fleets(t->o->fleet, name, tags, n_tags))
		return 0;
	item = add(t, kind, id, NULL);
	if (!item)
		return AWSQ_ENOMEM;
	item->name = name;
	say_why(t, item, tags, n_tags);
	return 0;
}

static int take_names(struct taking *t)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < t->o->key_pairs.n; i++) {
		const struct awsq_ec2_key_pair *key = &t->o->key_pairs.items[i];

		rc = take_named(t, ITEM_KEY_PAIR, key->id ? key->id : key->name, key->name,
			key->tags, key->n_tags);
	}
	for (size_t i = 0; rc == 0 && i < t->o->groups.n; i++) {
		const struct awsq_ec2_security_group *g = &t->o->groups.items[i];

		rc = take_named(t, ITEM_GROUP, g->id, g->name, g->tags, g->n_tags);
	}
	return rc;
}

/* ---- All of it */

int inventory_take(struct inventory *out, const struct observed *o, const struct config *c,
	const char *region)
{
	struct taking t = { NULL, o, c, inventory_place(c, region) == PLACE_HOME };
	int rc;

	memset(out, 0, sizeof(*out));
	t.out = out;
	rc = take_instances(&t);
	if (rc == 0)
		rc = take_volumes(&t);
	if (rc == 0)
		rc = take_images(&t);
	if (rc == 0)
		rc = observed_each_snapshot(o, take_snapshot, &t);
	return rc == 0 ? take_names(&t) : rc;
}

void inventory_free(struct inventory *i)
{
	free(i->items);
	memset(i, 0, sizeof(*i));
}

enum place inventory_place(const struct config *c, const char *region)
{
	if (strcmp(region, c->home) == 0)
		return PLACE_HOME;
	return config_region(c, region) ? PLACE_LISTED : PLACE_STRAY;
}

void inventory_count(struct inventory_totals *t, const struct inventory *inventory,
	enum place place)
{
	t->regions_read++;
	t->items += inventory->n;
	if (place == PLACE_STRAY)
		t->strays += inventory->n;
	for (size_t i = 0; i < inventory->n; i++) {
		const struct item *item = &inventory->items[i];

		if (item->kind == ITEM_VOLUME)
			t->volumes_gib += item->gib;
		else if (item->kind == ITEM_SNAPSHOT)
			t->snapshots_gib += item->gib;
	}
}

/* A key pair is removed by its name, all else by its id. */
static int has(const struct inventory *inventory, const struct action *action)
{
	int by_name = action->kind == ACTION_DELETE_KEY_PAIR;

	for (size_t i = 0; i < inventory->n; i++) {
		const struct item *item = &inventory->items[i];

		if (same(by_name ? item->name : item->id, action->id) &&
			by_name == (item->kind == ITEM_KEY_PAIR))
			return 1;
	}
	return 0;
}

const char *inventory_lacks(const struct inventory *inventory, const struct plan *teardown)
{
	for (size_t i = 0; i < teardown->n; i++) {
		if (!has(inventory, &teardown->actions[i]))
			return teardown->actions[i].id;
	}
	return NULL;
}

const char *item_kind_word(enum item_kind kind)
{
	static const char *const words[] = { "instance", "volume", "image", "snapshot", "key pair",
		"security group" };

	return words[kind];
}

int item_takes_space(enum item_kind kind)
{
	return kind == ITEM_VOLUME || kind == ITEM_SNAPSHOT;
}
