#include "banned.h"

#include "fleet/chosen.h"

#include <awsq/num.h>

static int same(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

int is_tagged(const char *fleet, const struct awsq_ec2_tag *tags, size_t n_tags)
{
	const char *owner = awsq_ec2_tag_value(tags, n_tags, TAG_FLEET);

	return owner && strcmp(owner, fleet) == 0;
}

int is_fleets(const char *fleet, const char *name, const struct awsq_ec2_tag *tags, size_t n_tags)
{
	if (awsq_ec2_tag_value(tags, n_tags, TAG_FLEET))
		return is_tagged(fleet, tags, n_tags);
	return name && strcmp(name, fleet) == 0;
}

int instance_is_fleets(const char *fleet, const struct awsq_ec2_instance *i)
{
	const char *name = awsq_ec2_tag_value(i->tags, i->n_tags, TAG_NAME);

	return is_fleets(fleet, name, i->tags, i->n_tags);
}

int image_is_fleets(const struct config *c, int is_home, const struct awsq_ec2_image *image)
{
	if (awsq_ec2_tag_value(image->tags, image->n_tags, TAG_FLEET))
		return is_tagged(c->name, image->tags, image->n_tags);
	if (!image->name)
		return 0;
	return is_home ? config_image_matches(c, image->name)
	               : strcmp(image->name, config_image(c)) == 0;
}

/* ---- Instances */

int instance_is_live(const struct awsq_ec2_instance *i)
{
	return i->state && strcmp(i->state, "terminated") != 0 &&
	       strcmp(i->state, "shutting-down") != 0;
}

/* The last part of arn:aws:iam::123456789012:instance-profile/path/NAME. */
const char *instance_profile(const struct awsq_ec2_instance *i)
{
	const char *slash = i && i->profile_arn ? strrchr(i->profile_arn, '/') : NULL;

	return slash ? slash + 1 : NULL;
}

static int replaces(const struct awsq_ec2_instance *new, const struct awsq_ec2_instance *old)
{
	return new != old &&instance_is_live(new) && instance_is_live(old) &&
	       same(awsq_ec2_tag_value(new->tags, new->n_tags, TAG_REPLACES), old->id);
}

int instance_counts(const struct awsq_ec2_instances *list, const struct awsq_ec2_instance *instance)
{
	for (size_t i = 0; i < list->n; i++) {
		if (replaces(&list->items[i], instance))
			return 0;
	}
	return instance_is_live(instance);
}

const struct awsq_ec2_instance *instance_replaced(const struct awsq_ec2_instances *list,
	const struct awsq_ec2_instance *instance)
{
	for (size_t i = 0; i < list->n; i++) {
		if (replaces(instance, &list->items[i]))
			return &list->items[i];
	}
	return NULL;
}

int instance_ordinal(const struct awsq_ec2_instance *i)
{
	const char *text = awsq_ec2_tag_value(i->tags, i->n_tags, TAG_ORDINAL);
	int64_t ordinal;

	if (text && awsq_parse_int(&ordinal, text, 2, CONFIG_COUNT_MAX) == 0)
		return (int)ordinal;
	return awsq_ec2_tag_value(i->tags, i->n_tags, TAG_KEY) ? 1 : 0;
}

static int has_ordinal(const int *ordinals, size_t n, int ordinal)
{
	for (size_t i = 0; i < n; i++) {
		if (ordinals[i] == ordinal)
			return 1;
	}
	return 0;
}

/*
 * Of those that count and were made as that one, the one that was launched last: should an earlier
 * one be there too, it is this one whose making may be under way still, and asked for again with
 * the token of its number. list->n: there is none.
 */
static size_t made_as(const struct awsq_ec2_instances *list, int ordinal)
{
	size_t best = list->n;

	for (size_t i = 0; i < list->n; i++) {
		const struct awsq_ec2_instance *instance = &list->items[i];

		if (instance_ordinal(instance) == ordinal && instance_counts(list, instance) &&
			(best == list->n || instance->launch_time > list->items[best].launch_time))
			best = i;
	}
	return best;
}

/* Of those that count and have no number yet, the one with the lowest id; list->n: none. */
static size_t next_without(const int *ordinals, const struct awsq_ec2_instances *list)
{
	size_t next = list->n;

	for (size_t i = 0; i < list->n; i++) {
		if (ordinals[i] == 0 && instance_counts(list, &list->items[i]) &&
			(next == list->n || strcmp(list->items[i].id, list->items[next].id) < 0))
			next = i;
	}
	return next;
}

void chosen_ordinals(int *ordinals, const struct awsq_ec2_instances *list, int wanted)
{
	int free_one = 1;

	for (size_t i = 0; i < list->n; i++)
		ordinals[i] = 0;
	for (int k = 1; k <= wanted; k++) {
		size_t at = made_as(list, k);

		if (at < list->n)
			ordinals[at] = k;
	}
	for (size_t i = next_without(ordinals, list); i < list->n;
		i = next_without(ordinals, list)) {
		while (has_ordinal(ordinals, list->n, free_one))
			free_one++;
		ordinals[i] = free_one;
	}
}

const char *chosen_profile(const struct awsq_ec2_instances *list, size_t *n, int *differ)
{
	const char *found = NULL;

	*n = 0;
	*differ = 0;
	for (size_t i = 0; i < list->n; i++) {
		const char *profile = instance_profile(&list->items[i]);

		if (!instance_counts(list, &list->items[i]))
			continue;
		if ((*n)++ == 0)
			found = profile;
		*differ |= !same(found, profile);
	}
	return found;
}

const struct awsq_ec2_instance_attributes *observed_attributes(const struct observed *o,
	const struct awsq_ec2_instance *instance)
{
	return &o->attributes[instance - o->instances.items];
}

int instance_is_protected(const struct observed *o, const struct awsq_ec2_instance *instance)
{
	const struct awsq_ec2_instance_attributes *attributes = observed_attributes(o, instance);

	return attributes->disable_api_termination || attributes->disable_api_stop;
}

const struct awsq_ec2_volume *observed_volume(const struct observed *o, const char *id)
{
	for (size_t i = 0; i < o->volumes.n; i++) {
		if (same(o->volumes.items[i].id, id))
			return &o->volumes.items[i];
	}
	return NULL;
}

/* ---- Images */

const char *image_source(const struct awsq_ec2_image *image)
{
	const char *source = awsq_ec2_tag_value(image->tags, image->n_tags, TAG_SOURCE_IMAGE);

	return source ? source : image->source_image_id;
}

int image_is_usable(const struct awsq_ec2_image *image)
{
	return same(image->state, "pending") || same(image->state, "available");
}

int image_is_copy(const struct awsq_ec2_image *image, const struct awsq_ec2_image *source)
{
	const char *said = image_source(image);

	if (said)
		return strcmp(said, source->id) == 0;
	/* Both are ISO 8601 in UTC, as AWS writes it: their order is that of the letters. */
	return same(image->name, source->name) &&
	       (!image->creation_date || !source->creation_date ||
		       strcmp(image->creation_date, source->creation_date) >= 0);
}

/* ---- Places */

static void no_vpc(struct placement *out, const struct config_region *place, const char *region)
{
	if (place->vpc)
		(void)snprintf(out->error, sizeof(out->error),
			"there is no VPC '%s' here (vpc in regions.cfg): make it, or name another",
			place->vpc);
	else
		(void)snprintf(out->error, sizeof(out->error),
			"the region has no default VPC: aws ec2 create-default-vpc --region %s, or "
			"name a vpc or subnet for it in regions.cfg",
			region);
}

static void take_subnet(struct placement *out, const struct awsq_ec2_subnet *subnet)
{
	out->vpc_id = subnet->vpc_id;
	out->subnet_id = subnet->id;
	out->zone = subnet->zone;
}

static void choose_subnet(struct placement *out, const struct observed *o, const char *name)
{
	if (o->subnets.n == 1)
		take_subnet(out, &o->subnets.items[0]);
	else if (o->subnets.n == 0)
		(void)snprintf(out->error, sizeof(out->error),
			"there is no subnet '%s' here (subnet in regions.cfg): make it, or name "
			"another",
			name);
	else
		(void)snprintf(out->error, sizeof(out->error),
			"%zu subnets have the Name tag '%s', '%s' and '%s' among them: name one by "
			"its id in regions.cfg",
			o->subnets.n, name, o->subnets.items[0].id, o->subnets.items[1].id);
}

/* The first subnet of the VPC by zone and id that has addresses left: the same each time. */
static void choose_any_subnet(struct placement *out, const struct observed *o, const char *vpc)
{
	const struct awsq_ec2_subnet *best = NULL;

	for (size_t i = 0; i < o->subnets.n; i++) {
		const struct awsq_ec2_subnet *s = &o->subnets.items[i];
		int order =
			best ? strcmp(s->zone ? s->zone : "", best->zone ? best->zone : "") : -1;

		if (s->free_addresses > 0 &&
			(order < 0 || (order == 0 && strcmp(s->id, best->id) < 0)))
			best = s;
	}
	if (best)
		take_subnet(out, best);
	else
		(void)snprintf(out->error, sizeof(out->error),
			"VPC '%s' has no subnet with free addresses: make one", vpc);
}

static void several_vpcs(struct placement *out, const struct observed *o, const char *name)
{
	(void)snprintf(out->error, sizeof(out->error),
		"%zu VPCs have the Name tag '%s', '%s' and '%s' among them: name one by its id in "
		"regions.cfg",
		o->vpcs.n, name ? name : "", o->vpcs.items[0].id, o->vpcs.items[1].id);
}

void chosen_placement(struct placement *out, const struct observed *o,
	const struct config_region *place, const char *region)
{
	const struct awsq_ec2_vpc *vpc = o->vpcs.n == 1 ? &o->vpcs.items[0] : NULL;

	memset(out, 0, sizeof(*out));
	if (place->subnet)
		choose_subnet(out, o, place->subnet);
	else if (o->vpcs.n > 1)
		several_vpcs(out, o, place->vpc);
	else if (vpc && place->vpc)
		choose_any_subnet(out, o, vpc->id);
	else if (vpc && vpc->is_default)
		out->vpc_id = vpc->id;
	else
		no_vpc(out, place, region);
}

int type_is_offered(const struct observed *o, const char *type, const char *zone)
{
	for (size_t i = 0; i < o->offerings.n; i++) {
		const struct awsq_ec2_offering *offer = &o->offerings.items[i];

		if (same(offer->instance_type, type) && (!zone || same(offer->location, zone)))
			return 1;
	}
	return 0;
}

/* ---- Key pair and group */

const struct awsq_ec2_security_group *chosen_group(const struct observed *o, const char *vpc_id)
{
	for (size_t i = 0; vpc_id && i < o->groups.n; i++) {
		const struct awsq_ec2_security_group *g = &o->groups.items[i];

		if (same(g->vpc_id, vpc_id) && same(g->name, o->fleet))
			return g;
	}
	return NULL;
}

const struct awsq_ec2_key_pair *chosen_key_pair(const struct observed *o)
{
	for (size_t i = 0; i < o->key_pairs.n; i++) {
		if (same(o->key_pairs.items[i].name, o->fleet))
			return &o->key_pairs.items[i];
	}
	return NULL;
}

struct rule_names observed_rule_names(const struct observed *o, const char *region,
	const char *vpc_id)
{
	return (struct rule_names){ region, vpc_id, &o->groups, &o->prefix_lists };
}

/* ---- Snapshots */

const struct awsq_ec2_snapshot *observed_snapshot(const struct observed *o, const char *id)
{
	for (size_t i = 0; i < o->snapshots.n; i++) {
		if (same(o->snapshots.items[i].id, id))
			return &o->snapshots.items[i];
	}
	return NULL;
}

/* The first of the images, up to and without the end-th, that is made of the snapshot. */
static const struct awsq_ec2_image *find_user(const struct observed *o, const char *id, size_t end)
{
	for (size_t i = 0; i < end; i++) {
		const struct awsq_ec2_image *image = &o->images.items[i];

		for (size_t k = 0; k < image->n_devices; k++) {
			if (image->devices[k].snapshot_id &&
				same(image->devices[k].snapshot_id, id))
				return image;
		}
	}
	return NULL;
}

static int is_repeated(const struct awsq_ec2_image *image, size_t k)
{
	for (size_t i = 0; i < k; i++) {
		if (same(image->devices[i].snapshot_id, image->devices[k].snapshot_id))
			return 1;
	}
	return 0;
}

int observed_each_snapshot(const struct observed *o, each_snapshot *each, void *arg)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < o->snapshots.n; i++) {
		const struct awsq_ec2_snapshot *s = &o->snapshots.items[i];

		rc = each(arg, s->id, s->volume_size, s, find_user(o, s->id, o->images.n));
	}
	for (size_t i = 0; i < o->images.n; i++) {
		const struct awsq_ec2_image *image = &o->images.items[i];

		for (size_t k = 0; rc == 0 && k < image->n_devices; k++) {
			const char *id = image->devices[k].snapshot_id;

			if (id && *id && !observed_snapshot(o, id) && !find_user(o, id, i) &&
				!is_repeated(image, k))
				rc = each(arg, id, image->devices[k].volume_size, NULL, image);
		}
	}
	return rc;
}
