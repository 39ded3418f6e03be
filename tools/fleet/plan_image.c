#include "banned.h"

#include "fleet/plan_private.h"

#include <inttypes.h>

#define IMAGE_NAME_MAX 128 /* the reference of CopyImage and CreateImage */

/* ---- Which is wanted */

/* Whether a key's ARN is that of a key named by id or ARN. An alias cannot be told from here. */
static int is_key(const char *arn, const char *named)
{
	const char *id = arn ? strrchr(arn, '/') : NULL;

	if (strncmp(named, "alias/", 6) == 0 || strstr(named, ":alias/"))
		return 1;
	return arn && (strcmp(arn, named) == 0 || (id && strcmp(id + 1, named) == 0));
}

int plan_is_encrypted(const struct planner *p, int encrypted, const char *kms_key_id)
{
	if (!desired_encrypts(p->d, p->where))
		return 1;
	if (!encrypted)
		return 0;
	return !p->where->kms_key || !kms_key_id || is_key(kms_key_id, p->where->kms_key);
}

/* A copy that is under way does not show its snapshots yet. */
static int is_encrypted_image(const struct planner *p, const struct awsq_ec2_image *image)
{
	if (!differ(image->state, "pending"))
		return 1;
	for (size_t i = 0; i < image->n_devices; i++) {
		const struct awsq_ec2_block_device *device = &image->devices[i];
		const struct awsq_ec2_snapshot *snapshot;

		if (!device->snapshot_id)
			continue;
		snapshot = observed_snapshot(p->o, device->snapshot_id);
		if (!plan_is_encrypted(p, device->encrypted,
			    snapshot ? snapshot->kms_key_id : NULL))
			return 0;
	}
	return 1;
}

/*
 * Whether an image or a snapshot was copied, or adopted, by the fleet: then it has both tags. With
 * the fleet's alone it may be a backup of an instance or a volume, as backups take over tags; and
 * with the name alone someone's original: neither is config-region's to remove.
 */
static int is_made(const struct planner *p, const struct awsq_ec2_tag *tags, size_t n_tags)
{
	return is_tagged(p->d->config->name, tags, n_tags) &&
	       awsq_ec2_tag_value(tags, n_tags, TAG_SOURCE_IMAGE);
}

static int is_wanted(const struct planner *p, const struct awsq_ec2_image *image)
{
	return image_is_usable(image) && image_is_copy(image, p->d->image) &&
	       is_encrypted_image(p, image);
}

/* In a state in which it neither can be used nor is on its way: disabled, for one. */
static int is_stuck(const struct awsq_ec2_image *image)
{
	return !image_is_usable(image) && differ(image->state, "failed") &&
	       differ(image->state, "error") && differ(image->state, "deregistered");
}

/* Whether one of the fleet's instances was made of it. */
static int is_instances(const struct planner *p, const struct awsq_ec2_image *image)
{
	const struct awsq_ec2_instances *list = &p->o->instances;

	for (size_t i = 0; i < list->n; i++) {
		if (instance_counts(list, &list->items[i]) &&
			!differ(list->items[i].image_id, image->id))
			return 1;
	}
	return 0;
}

/*
 * Which of two copies of the same image, both made by the fleet, is kept: what an instance is made
 * of, else the elder one, so that all who look at them choose the same.
 */
static int is_better(const struct planner *p, const struct awsq_ec2_image *a,
	const struct awsq_ec2_image *b)
{
	const char *date_a = a->creation_date ? a->creation_date : "";
	const char *date_b = b->creation_date ? b->creation_date : "";
	int order = strcmp(date_a, date_b);

	if (is_instances(p, a) != is_instances(p, b))
		return is_instances(p, a);
	return order < 0 || (order == 0 && strcmp(a->id, b->id) < 0);
}

/* Finds the wanted image; *n is how many there are that could be. */
static void choose(struct planner *p, size_t *n)
{
	struct awsq_buf ids = AWSQ_BUF_INIT(512);
	int all_made = 1;

	*n = 0;
	for (size_t i = 0; i < p->o->images.n; i++) {
		const struct awsq_ec2_image *image = &p->o->images.items[i];

		if (!is_wanted(p, image))
			continue;
		all_made &= is_made(p, image->tags, image->n_tags);
		if (!p->image || is_better(p, image, p->image))
			p->image = image;
		awsq_buf_addf(&ids, "%s%s (%s)", (*n)++ ? ", " : "", image->id,
			image->creation_date ? image->creation_date : image->state);
	}
	if (*n > 1 && all_made)
		*n = 1;
	if (*n > 1)
		plan_block(p->plan,
			"%zu images could be the copy of %s: %.400s; deregister all but one", *n,
			p->d->image->id, awsq_buf_str(&ids));
	awsq_buf_free(&ids);
}

/* ---- The copy */

static int is_taken(const struct planner *p, const char *name)
{
	for (size_t i = 0; i < p->o->images.n; i++) {
		const struct awsq_ec2_image *image = &p->o->images.items[i];

		/* A failed copy of the fleet's goes before the new one comes. */
		if (!differ(image->name, name) && differ(image->state, "deregistered") &&
			(image_is_usable(image) || !is_made(p, image->tags, image->n_tags)))
			return 1;
	}
	return 0;
}

/*
 * Names of images are given once: while an older copy has the name, the new one has its source's id
 * beside it; and a number, while a copy of the same source that is encrypted otherwise has that.
 */
static void name_copy(const struct planner *p, char *name, size_t size)
{
	const char *wanted = p->d->image->name ? p->d->image->name : p->d->config->name;
	char end[96] = "";

	for (int n = 1;; n++) {
		(void)snprintf(name, size, "%.*s%s", (int)(IMAGE_NAME_MAX - strlen(end)), wanted,
			end);
		if (!is_taken(p, name))
			return;
		(void)snprintf(end, sizeof(end), " %.63s", p->d->image->id);
		if (n > 1)
			(void)snprintf(end, sizeof(end), " %.63s %d", p->d->image->id, n);
	}
}

/* Why there is none: what is there instead. */
static const struct awsq_ec2_image *older_copy(const struct planner *p)
{
	for (size_t i = 0; i < p->o->images.n; i++) {
		if (image_is_usable(&p->o->images.items[i]))
			return &p->o->images.items[i];
	}
	return NULL;
}

static int plan_copy(struct planner *p)
{
	const struct awsq_ec2_image *old = older_copy(p);
	const char *source = p->d->image->id, *home = p->d->config->home, *key = p->where->kms_key;
	int encrypts = desired_encrypts(p->d, p->where);
	char wanted[128], found[256] = "";
	struct action *a;
	int rc;

	(void)snprintf(wanted, sizeof(wanted), "a copy of %s%s", source,
		encrypts ? ", encrypted" : "");
	if (old)
		(void)snprintf(found, sizeof(found), "%s%s%s%s", old->id,
			image_source(old) ? ", a copy of " : "",
			image_source(old) ? image_source(old) : "",
			image_is_copy(old, p->d->image) ? ", not so encrypted" : "");
	rc = plan_differs(p->plan,
		&(struct differs){ REMEDY_APPLY, "image", NULL, NULL, wanted, found, NULL });
	if (rc == 0)
		rc = plan_add(p->plan, &a, ACTION_COPY_IMAGE, NULL, "%s",
			!old                              ? "no copy of it is here"
			: image_is_copy(old, p->d->image) ? "the copy is not encrypted so"
							  : "home image is newer");
	if (rc != 0)
		return rc;
	name_copy(p, a->value, sizeof(a->value));
	plan_say(a, "copy image %s from %s%s%s", source, home, encrypts ? ", encrypted with " : "",
		!encrypts ? ""
		: key     ? key
			  : "this region's default key, aws/ebs");
	return 0;
}

static int plan_remove(struct planner *p, const struct awsq_ec2_image *image, int renews,
	const char *why)
{
	struct action *a;
	int rc = plan_differs(p->plan,
		&(struct differs){ REMEDY_APPLY, "image", image->id, NULL, NULL, why, NULL });

	if (rc == 0)
		rc = plan_add(p->plan, &a, ACTION_DEREGISTER_IMAGE, image->id, "%s", why);
	if (rc != 0)
		return rc;
	a->renews = renews;
	plan_say(a, "deregister image %s and delete its snapshots", image->id);
	return 0;
}

/* First, as they hold on to the name. */
static int plan_failed(struct planner *p)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < p->o->images.n; i++) {
		const struct awsq_ec2_image *image = &p->o->images.items[i];
		char why[200];

		if (!is_made(p, image->tags, image->n_tags) ||
			(differ(image->state, "failed") && differ(image->state, "error")))
			continue;
		(void)snprintf(why, sizeof(why), "it is %s: %s", image->state,
			image->state_reason ? image->state_reason : "no reason given");
		rc = plan_remove(p, image, 1, why);
	}
	return rc;
}

/* ---- Adoption */

static int adopt_image(struct planner *p)
{
	const struct awsq_ec2_new_tag lineage[] = { { TAG_SOURCE_IMAGE, p->d->image->id },
		{ TAG_SOURCE_REGION, p->d->config->home } };
	int rc = plan_adopt(p, "image", p->image->id, p->image->tags, p->image->n_tags, lineage);

	for (size_t i = 0; rc == 0 && i < p->image->n_devices; i++) {
		const char *id = p->image->devices[i].snapshot_id;
		const struct awsq_ec2_snapshot *known = id ? observed_snapshot(p->o, id) : NULL;

		/* One without the fleet's tag was not listed, and is known by name only. */
		if (id && *id)
			rc = plan_adopt(p, "snapshot", id, known ? known->tags : NULL,
				known ? known->n_tags : 0, lineage);
	}
	return rc;
}

int plan_image(struct planner *p)
{
	size_t n;
	int rc;

	if (p->is_home) {
		p->image = p->d->image;
		return 0;
	}
	for (size_t i = 0; i < p->o->images.n; i++) {
		const struct awsq_ec2_image *image = &p->o->images.items[i];

		if (is_stuck(image) && image_is_copy(image, p->d->image))
			plan_block(p->plan, "image %s is %s: enable or deregister it", image->id,
				image->state ? image->state : "in no known state");
	}
	choose(p, &n);
	if (n > 1)
		return 0;
	rc = plan_failed(p);
	if (rc != 0)
		return rc;
	return p->image ? adopt_image(p) : plan_copy(p);
}

/* Apart from the copy, so that keys and rules are made while it goes on. */
int plan_image_wait(struct planner *p)
{
	struct action *a;
	int rc;

	if (p->is_home || (p->image && !differ(p->image->state, "available")))
		return 0;
	if (p->image) {
		rc = plan_differs(p->plan,
			&(struct differs){ REMEDY_APPLY, "image", p->image->id, "state",
				"available", p->image->state, "its copy is under way" });
		if (rc != 0)
			return rc;
	}
	rc = plan_add(p->plan, &a, ACTION_WAIT_IMAGE, p->image ? p->image->id : NULL, "%s",
		p->image ? "its copy is under way" : "an instance needs it");
	if (rc == 0)
		plan_say(a, "wait until image %s is available", p->image ? p->image->id : "(new)");
	return rc;
}

/* ---- What has had its time */

static int is_in_use(const struct planner *p, const struct awsq_ec2_image *image)
{
	for (size_t i = 0; i < p->o->instances.n; i++) {
		const struct awsq_ec2_instance *instance = &p->o->instances.items[i];

		if (instance_is_live(instance) && !p->fates[i].goes &&
			!differ(instance->image_id, image->id))
			return 1;
	}
	return 0;
}

static int is_old(const struct planner *p, const struct awsq_ec2_image *image)
{
	return image_is_usable(image) && image != p->image &&
	       is_made(p, image->tags, image->n_tags);
}

/* An image of the name that nobody knows the source of, and that is older than home's. */
static int tell_by_hand(struct planner *p, const struct awsq_ec2_image *image)
{
	if (!image_is_usable(image) || image == p->image ||
		awsq_ec2_tag_value(image->tags, image->n_tags, TAG_FLEET))
		return 0;
	return plan_differs(p->plan,
		&(struct differs){ REMEDY_HAND, "image", image->id, NULL, NULL, "an older image",
			"it was made by hand, and is kept: deregister it if nobody needs it" });
}

/* How many old images are newer than this one. */
static int64_t rank(const struct planner *p, const struct awsq_ec2_image *image)
{
	int64_t newer = 0;

	for (size_t i = 0; i < p->o->images.n; i++) {
		const struct awsq_ec2_image *other = &p->o->images.items[i];
		const char *a = other->creation_date ? other->creation_date : "";
		const char *b = image->creation_date ? image->creation_date : "";
		int order = strcmp(a, b);

		if (is_old(p, other) &&
			(order > 0 || (order == 0 && strcmp(other->id, image->id) > 0)))
			newer++;
	}
	return newer;
}

/*
 * A snapshot that carries the tag and that no image is made of. While an image is under way it may
 * be that image's; of one that is there and not seen yet, EC2 would refuse to delete it.
 */
static int plan_orphan(void *arg, const char *id, int64_t gib,
	const struct awsq_ec2_snapshot *snapshot, const struct awsq_ec2_image *image)
{
	struct planner *p = arg;
	struct action *a;
	char found[64];
	int rc;

	if (image || !snapshot || !differ(snapshot->state, "pending") ||
		!is_made(p, snapshot->tags, snapshot->n_tags))
		return 0;
	(void)snprintf(found, sizeof(found), "%" PRId64 " GiB", gib);
	rc = plan_differs(p->plan, &(struct differs){ REMEDY_APPLY, "snapshot", id, NULL, NULL,
					   found, "no image is made of it" });
	if (rc == 0)
		rc = plan_add(p->plan, &a, ACTION_DELETE_SNAPSHOT, id, "no image is made of it");
	if (rc == 0)
		plan_say(a, "delete snapshot %s, %" PRId64 " GiB", id, gib);
	return rc;
}

int plan_old_images(struct planner *p)
{
	int settled = 1, rc = 0;

	if (p->is_home)
		return 0;
	for (size_t i = 0; rc == 0 && i < p->o->images.n; i++) {
		const struct awsq_ec2_image *image = &p->o->images.items[i];

		settled &= differ(image->state, "pending");
		if (is_in_use(p, image))
			continue;
		if (!is_old(p, image))
			rc = tell_by_hand(p, image);
		else if (rank(p, image) >= p->options->keep_images)
			rc = plan_remove(p, image, 0,
				image_is_copy(image, p->d->image) ? "it is a copy too many"
								  : "it is an older copy");
	}
	if (rc == 0 && settled)
		rc = observed_each_snapshot(p->o, plan_orphan, p);
	return rc;
}
