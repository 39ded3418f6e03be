#include "banned.h"

#include "fleet/observed.h"

#include "fleet/chosen.h"
#include "fleet/offered.h"

/* How often a region is read where the first round names an instance that the second has not. */
#define MAX_READS 5

/*
 * What can be asked for at once, and what only when it is known which instance and VPC are meant.
 * Images, instances and volumes that carry the tag and those that have only the name take two
 * calls: EC2's filters know no "or".
 */
enum {
	INSTANCES,
	NAMED_INSTANCES,
	IMAGES,
	NAMED_IMAGES,
	SNAPSHOTS,
	VOLUMES,
	KEY_PAIRS,
	GROUPS,
	N_FLEET,
	PLACES = N_FLEET,
	OFFERINGS,
	PREFIX_LISTS,
	N_ALL
};

/* What the user is told could not be read. */
static const char *const subjects[N_ALL] = { "instances", "instances", "images", "images",
	"snapshots", "volumes", "key pairs", "security groups", "networks",
	"instance types on offer", "prefix lists" };

static const char *const attribute_names[] = { AWSQ_EC2_USER_DATA, AWSQ_EC2_SHUTDOWN_BEHAVIOR,
	AWSQ_EC2_DISABLE_API_TERMINATION, AWSQ_EC2_DISABLE_API_STOP };

#define N_ATTRIBUTES (sizeof(attribute_names) / sizeof(attribute_names[0]))

/*
 * What the calls of the first round found, of which only part may be the fleet's: whose a thing is,
 * its own name and tags say, not the filter that it came through.
 */
struct listed {
	struct awsq_ec2_instances instances;
	struct awsq_ec2_images images;
	struct awsq_ec2_snapshots snapshots;
	struct awsq_ec2_volumes volumes;
	struct awsq_ec2_key_pairs key_pairs;
};

/* Carries calls out and frees them; err tells of the first that failed. */
static int run_all(struct region *r, struct awsq_call *calls, size_t n, const char *const *what,
	struct awsq_err *err)
{
	int rc = awsq_run(r->client, calls, n);

	for (size_t i = 0; i < n; i++) {
		if (rc != 0 && calls[i].err.code == rc && err) {
			*err = calls[i].err;
			region_explain(r, err, "read the %s", what[i]);
			err = NULL;
		}
		awsq_call_free(&calls[i]);
	}
	return rc;
}

/* ---- Lists of structs that begin with an id and are moved as they are */

struct list {
	char *items;
	size_t n;
};

/* Moves the i-th of from to the end of to; what stays behind is empty. */
static int move_item(struct list *to, struct list *from, size_t i, size_t size)
{
	char *items = realloc(to->items, (to->n + 1) * size);

	if (!items)
		return AWSQ_ENOMEM;
	to->items = items;
	memcpy(items + to->n * size, from->items + i * size, size);
	memset(from->items + i * size, 0, size);
	to->n++;
	return 0;
}

static const char *item_id(const struct list *list, size_t i, size_t size)
{
	const char *id;

	memcpy(&id, list->items + i * size, sizeof(id));
	return id;
}

static int has_id(const struct list *list, const char *id, size_t size)
{
	for (size_t i = 0; i < list->n; i++) {
		if (strcmp(item_id(list, i, size), id) == 0)
			return 1;
	}
	return 0;
}

/* Moves to `to` what of `from` it has not yet and is wanted (i counts in from). */
static int merge(struct list *to, struct list *from, size_t size,
	int (*wanted)(const void *arg, size_t i), const void *arg)
{
	for (size_t i = 0; i < from->n; i++) {
		const char *id = item_id(from, i, size);

		if (!id || has_id(to, id, size) || !wanted(arg, i))
			continue;
		if (move_item(to, from, i, size) != 0)
			return AWSQ_ENOMEM;
	}
	return 0;
}

/* merge() for two of the library's lists of one type. */
#define MERGE(to, from, wanted, arg)                                                     \
	merge_into((void **)&(to)->items, &(to)->n, (void **)&(from)->items, &(from)->n, \
		sizeof(*(to)->items), wanted, arg)

static int merge_into(void **to_items, size_t *to_n, void **from_items, size_t *from_n, size_t size,
	int (*wanted)(const void *arg, size_t i), const void *arg)
{
	struct list to = { *to_items, *to_n }, from = { *from_items, *from_n };
	int rc = merge(&to, &from, size, wanted, arg);

	*to_items = to.items;
	*to_n = to.n;
	return rc;
}

/* ---- Whose they are */

struct whose {
	const struct region *r;
	const struct listed *listed;
};

static int is_fleets_instance(const void *arg, size_t i)
{
	const struct whose *w = arg;

	return instance_is_fleets(w->r->fleet->config->name, &w->listed->instances.items[i]);
}

static int is_fleets_image(const void *arg, size_t i)
{
	const struct whose *w = arg;
	const struct config *c = w->r->fleet->config;

	return image_is_fleets(c, strcmp(w->r->name, c->home) == 0, &w->listed->images.items[i]);
}

static int is_fleets_key_pair(const void *arg, size_t i)
{
	const struct whose *w = arg;
	const struct awsq_ec2_key_pair *key = &w->listed->key_pairs.items[i];

	return is_fleets(w->r->fleet->config->name, key->name, key->tags, key->n_tags);
}

static int is_fleets_snapshot(const void *arg, size_t i)
{
	const struct whose *w = arg;
	const struct awsq_ec2_snapshot *s = &w->listed->snapshots.items[i];

	return is_tagged(w->r->fleet->config->name, s->tags, s->n_tags);
}

static int is_fleets_volume(const void *arg, size_t i)
{
	const struct whose *w = arg;
	const struct awsq_ec2_volume *v = &w->listed->volumes.items[i];

	return is_tagged(w->r->fleet->config->name, v->tags, v->n_tags);
}

static int any(const void *arg, size_t i)
{
	(void)arg;
	(void)i;
	return 1;
}

/* Moves to out what of it is the fleet's, and frees the rest. */
static int take(struct observed *out, const struct region *r, struct listed *listed)
{
	const struct whose w = { r, listed };
	int rc = 0;

	if (MERGE(&out->instances, &listed->instances, is_fleets_instance, &w) != 0 ||
		MERGE(&out->images, &listed->images, is_fleets_image, &w) != 0 ||
		MERGE(&out->snapshots, &listed->snapshots, is_fleets_snapshot, &w) != 0 ||
		MERGE(&out->volumes, &listed->volumes, is_fleets_volume, &w) != 0 ||
		MERGE(&out->key_pairs, &listed->key_pairs, is_fleets_key_pair, &w) != 0)
		rc = AWSQ_ENOMEM;
	awsq_ec2_free_instances(&listed->instances);
	awsq_ec2_free_images(&listed->images);
	awsq_ec2_free_snapshots(&listed->snapshots);
	awsq_ec2_free_volumes(&listed->volumes);
	awsq_ec2_free_key_pairs(&listed->key_pairs);
	return rc;
}

/* The same for what came by the tag and what came by the name, when that could be read. */
static int take_both(struct observed *out, const struct region *r, struct listed by[2], int rc,
	struct awsq_err *err)
{
	struct observed none = { 0 };

	for (int i = 0; i < 2; i++) {
		if (take(rc == 0 ? out : &none, r, &by[i]) != 0 && rc == 0)
			rc = awsq_err_set(err, AWSQ_ENOMEM, "out of memory");
	}
	observed_free(&none);
	return rc;
}

/* ---- The first round */

static int read_first(struct observed *out, struct region *r, enum observe what,
	struct awsq_err *err)
{
	const struct config *c = r->fleet->config;
	struct awsq_call calls[N_ALL];
	struct listed tagged_and_named[2] = { 0 };
	struct listed *tagged = &tagged_and_named[0], *named = &tagged_and_named[1];
	int rc;

	awsq_ec2_describe_instances(&calls[INSTANCES], &tagged->instances,
		FILTERS("tag:" TAG_FLEET, { c->name }));
	awsq_ec2_describe_instances(&calls[NAMED_INSTANCES], &named->instances,
		FILTERS("tag:" TAG_NAME, { c->name }));
	awsq_ec2_describe_images(&calls[IMAGES], &tagged->images,
		FILTERS("tag:" TAG_FLEET, { c->name }));
	awsq_ec2_describe_images(&calls[NAMED_IMAGES], &named->images,
		FILTERS("name", { config_image(c) }));
	awsq_ec2_describe_snapshots(&calls[SNAPSHOTS], &tagged->snapshots,
		FILTERS("tag:" TAG_FLEET, { c->name }));
	awsq_ec2_describe_volumes(&calls[VOLUMES], &tagged->volumes,
		FILTERS("tag:" TAG_FLEET, { c->name }));
	awsq_ec2_describe_key_pairs(&calls[KEY_PAIRS], &named->key_pairs, NULL);
	awsq_ec2_describe_security_groups(&calls[GROUPS], &out->groups, NULL);
	if (what == OBSERVE_ALL) {
		const struct config_region *place = config_place(c, r->name);

		offered_describe_place(&calls[PLACES], out, place);
		offered_describe_types(&calls[OFFERINGS], out, place);
		awsq_ec2_describe_managed_prefix_lists(&calls[PREFIX_LISTS], &out->prefix_lists,
			NULL);
	}
	rc = run_all(r, calls, what == OBSERVE_ALL ? N_ALL : N_FLEET, subjects, err);
	return take_both(out, r, tagged_and_named, rc, err);
}

/* ---- The second round */

struct second {
	struct awsq_call *calls;
	const char **subjects;
	size_t n;
	struct awsq_ec2_volumes *volumes; /* of each instance */
};

/* What is attached to an instance, tagged or not, and its attributes. */
static void describe_more(struct second *s, struct observed *out)
{
	for (size_t i = 0; i < out->instances.n; i++) {
		const struct awsq_ec2_instance *instance = &out->instances.items[i];

		if (!instance_is_live(instance))
			continue;
		for (size_t k = 0; k < N_ATTRIBUTES; k++) {
			s->subjects[s->n] = "instance's attributes";
			awsq_ec2_describe_instance_attribute(&s->calls[s->n++], &out->attributes[i],
				instance->id, attribute_names[k]);
		}
		s->subjects[s->n] = "instance's volumes";
		awsq_ec2_describe_volumes(&s->calls[s->n++], &s->volumes[i],
			FILTERS("attachment.instance-id", { instance->id }));
	}
}

static void describe_subnets(struct second *s, struct observed *out,
	const struct config_region *place)
{
	if (!offered_needs_subnets(out, place))
		return;
	s->subjects[s->n] = "subnets";
	offered_describe_subnets(&s->calls[s->n++], out);
}

static int read_second(struct observed *out, struct region *r, enum observe what,
	struct awsq_err *err)
{
	size_t n = out->instances.n, room = n * (N_ATTRIBUTES + 1) + 1;
	struct second s = { calloc(room, sizeof(*s.calls)), calloc(room, sizeof(*s.subjects)), 0,
		calloc(n + 1, sizeof(*s.volumes)) };
	int rc = 0;

	out->attributes = calloc(n + 1, sizeof(*out->attributes));
	if (!s.calls || !s.subjects || !s.volumes || !out->attributes) {
		rc = awsq_err_set(err, AWSQ_ENOMEM, "out of memory");
		goto out;
	}
	describe_more(&s, out);
	if (what == OBSERVE_ALL)
		describe_subnets(&s, out, config_place(r->fleet->config, r->name));
	if (s.n > 0)
		rc = run_all(r, s.calls, s.n, s.subjects, err);
	for (size_t i = 0; i < n; i++) {
		if (rc == 0 && MERGE(&out->volumes, &s.volumes[i], any, NULL) != 0)
			rc = awsq_err_set(err, AWSQ_ENOMEM, "out of memory");
		awsq_ec2_free_volumes(&s.volumes[i]);
	}
out:
	free(s.calls);
	free(s.subjects);
	free(s.volumes);
	return rc;
}

static int read_once(struct observed *out, struct region *r, enum observe what,
	struct awsq_err *err)
{
	int rc;

	memset(out, 0, sizeof(*out));
	out->fleet = r->fleet->config->name;
	rc = read_first(out, r, what, err);
	return rc == 0 ? read_second(out, r, what, err) : rc;
}

/* One that was made or removed a moment ago is known to some calls before it is to others. */
int observed_read(struct observed *out, struct region *r, enum observe what, struct awsq_err *err)
{
	for (int reads = 1;; reads++) {
		int rc = read_once(out, r, what, err);

		if (reads >= MAX_READS || !awsq_err_is(err, "InvalidInstanceID.NotFound"))
			return rc;
		observed_free(out);
		memset(out, 0, sizeof(*out));
		if (region_sleep(r, region_poll_ms(0)) != 0)
			return awsq_err_set(err, AWSQ_ECANCELED, "canceled");
	}
}

int observed_read_instances(struct awsq_ec2_instances *list, struct region *r, struct awsq_err *err)
{
	const char *name = r->fleet->config->name;
	struct listed by[2] = { 0 };
	struct observed out = { 0 };
	struct awsq_call calls[2];
	int rc;

	awsq_ec2_describe_instances(&calls[0], &by[0].instances,
		FILTERS("tag:" TAG_FLEET, { name }));
	awsq_ec2_describe_instances(&calls[1], &by[1].instances,
		FILTERS("tag:" TAG_NAME, { name }));
	rc = run_all(r, calls, 2, subjects, err);
	rc = take_both(&out, r, by, rc, err);
	*list = out.instances;
	return rc;
}

void observed_free(struct observed *o)
{
	for (size_t i = 0; o->attributes && i < o->instances.n; i++)
		awsq_ec2_free_instance_attributes(&o->attributes[i]);
	free(o->attributes);
	o->attributes = NULL;
	awsq_ec2_free_instances(&o->instances);
	awsq_ec2_free_images(&o->images);
	awsq_ec2_free_snapshots(&o->snapshots);
	awsq_ec2_free_volumes(&o->volumes);
	awsq_ec2_free_key_pairs(&o->key_pairs);
	awsq_ec2_free_security_groups(&o->groups);
	awsq_ec2_free_vpcs(&o->vpcs);
	awsq_ec2_free_subnets(&o->subnets);
	awsq_ec2_free_offerings(&o->offerings);
	awsq_ec2_free_prefix_lists(&o->prefix_lists);
}
