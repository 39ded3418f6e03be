#include "banned.h"

#include "fleet/plan_private.h"

#include <inttypes.h>

struct teardown {
	struct plan *plan;
	const struct observed *o;
	const struct plan_options *options;
};

/* Why something is taken for the fleet's. */
static const char *by(const struct teardown *t, const struct awsq_ec2_tag *tags, size_t n_tags)
{
	return is_tagged(t->o->fleet, tags, n_tags) ? "carries the fleet's tag"
	                                            : "has the fleet's name";
}

/* ---- Instances and volumes */

static int plan_protected(struct teardown *t, const struct awsq_ec2_instance *i)
{
	if (!instance_is_live(i) || !instance_is_protected(t->o, i))
		return 0;
	if (!t->options->lift_protection) {
		plan_block(t->plan,
			"instance %s is protected from termination: --lift-protection turns that "
			"off",
			i->id);
		return 0;
	}
	return plan_unprotect(t->plan, t->o, i);
}

/* Whether a volume is another fleet's, though it is attached to this one's instance. */
static int is_others(const struct teardown *t, const struct awsq_ec2_volume *v)
{
	return awsq_ec2_tag_value(v->tags, v->n_tags, TAG_FLEET) &&
	       !is_tagged(t->o->fleet, v->tags, v->n_tags);
}

/* Whether a volume goes when its instance does. */
static int goes_along(const struct teardown *t, const struct awsq_ec2_volume *v)
{
	for (size_t i = 0; i < t->o->instances.n; i++) {
		const struct awsq_ec2_instance *instance = &t->o->instances.items[i];

		for (size_t k = 0; k < v->n_attachments; k++) {
			if (!differ(v->attachments[k].instance_id, instance->id))
				return v->attachments[k].delete_on_termination;
		}
	}
	return 0;
}

/* The instance of someone else that a volume is attached to; NULL when there is none. */
static const char *foreign_user(const struct teardown *t, const struct awsq_ec2_volume *v)
{
	for (size_t k = 0; k < v->n_attachments; k++) {
		const char *user = v->attachments[k].instance_id;
		int ours = 0;

		for (size_t i = 0; i < t->o->instances.n; i++)
			ours |= !differ(t->o->instances.items[i].id, user);
		if (user && !ours)
			return user;
	}
	return NULL;
}

static int leave_volumes(struct teardown *t)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < t->o->volumes.n; i++) {
		const struct awsq_ec2_volume *v = &t->o->volumes.items[i];

		if (!goes_along(t, v) && !is_others(t, v))
			rc = plan_leave_volume(t->plan, t->o->fleet, v);
	}
	return rc;
}

static int remove_instances(struct teardown *t)
{
	int rc = leave_volumes(t);

	for (size_t i = 0; rc == 0 && i < t->o->instances.n; i++) {
		const struct awsq_ec2_instance *instance = &t->o->instances.items[i];
		struct action *a;

		/* One that is on its way out is waited for: its group cannot go before it has. */
		if (!instance->state || strcmp(instance->state, "terminated") == 0)
			continue;
		rc = plan_protected(t, instance);
		if (rc == 0)
			rc = plan_add(t->plan, &a, ACTION_TERMINATE_INSTANCE, instance->id,
				"it %s, and is %s", by(t, instance->tags, instance->n_tags),
				instance->state);
		if (rc == 0)
			plan_say(a, "terminate instance %s", instance->id);
	}
	return rc;
}

static int plan_volumes(struct teardown *t)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < t->o->volumes.n; i++) {
		const struct awsq_ec2_volume *v = &t->o->volumes.items[i];
		const char *user = foreign_user(t, v);
		struct action *a;

		if (goes_along(t, v) || is_others(t, v) || !differ(v->state, "deleting") ||
			!differ(v->state, "deleted"))
			continue;
		if (user)
			plan_block(t->plan,
				"volume %s carries the fleet's tag, and is attached to %s, which "
				"is not the fleet's: detach it, or take its tag off",
				v->id, user);
		rc = plan_add(t->plan, &a, ACTION_DELETE_VOLUME, v->id, "%s%s",
			v->n_attachments ? "it would stay when its instance goes"
					 : "no instance has it",
			is_tagged(t->o->fleet, v->tags, v->n_tags)
				? ""
				: ", and it does not carry the fleet's tag");
		if (rc == 0)
			plan_say(a, "delete volume %s, %" PRId64 " GiB", v->id, v->volume_size);
	}
	return rc;
}

/* ---- Images and snapshots */

static int plan_images(struct teardown *t)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < t->o->images.n; i++) {
		const struct awsq_ec2_image *image = &t->o->images.items[i];
		struct awsq_buf snapshots = AWSQ_BUF_INIT(1024);
		struct action *a;

		for (size_t k = 0; k < image->n_devices; k++) {
			const struct awsq_ec2_block_device *d = &image->devices[k];

			if (d->snapshot_id)
				awsq_buf_addf(&snapshots, "%s%s, %" PRId64 " GiB",
					snapshots.len ? "; " : " and its snapshots: ",
					d->snapshot_id, d->volume_size);
		}
		rc = plan_add(t->plan, &a, ACTION_DEREGISTER_IMAGE, image->id, "it %s, and is %s",
			by(t, image->tags, image->n_tags), image->state);
		if (rc == 0)
			plan_say(a, "deregister image %s%.250s", image->id,
				awsq_buf_str(&snapshots));
		awsq_buf_free(&snapshots);
	}
	return rc;
}

/* Those of images go with them, by the same call. */
static int plan_snapshot(void *arg, const char *id, int64_t gib,
	const struct awsq_ec2_snapshot *snapshot, const struct awsq_ec2_image *image)
{
	struct teardown *t = arg;
	struct action *a;
	int rc;

	(void)snapshot;
	if (image)
		return 0;
	rc = plan_add(t->plan, &a, ACTION_DELETE_SNAPSHOT, id,
		"it carries the fleet's tag, and no image is made of it");
	if (rc == 0)
		plan_say(a, "delete snapshot %s, %" PRId64 " GiB", id, gib);
	return rc;
}

/* ---- Names */

static int plan_names(struct teardown *t)
{
	int rc = 0;
	struct action *a;

	for (size_t i = 0; rc == 0 && i < t->o->key_pairs.n; i++) {
		const struct awsq_ec2_key_pair *key = &t->o->key_pairs.items[i];

		rc = plan_add(t->plan, &a, ACTION_DELETE_KEY_PAIR, key->name, "it %s",
			by(t, key->tags, key->n_tags));
		if (rc == 0)
			plan_say(a, "delete key pair %s", key->name);
	}
	for (size_t i = 0; rc == 0 && i < t->o->groups.n; i++) {
		const struct awsq_ec2_security_group *g = &t->o->groups.items[i];

		if (!is_fleets(t->o->fleet, g->name, g->tags, g->n_tags))
			continue;
		rc = plan_add(t->plan, &a, ACTION_DELETE_GROUP, g->id, "it %s",
			by(t, g->tags, g->n_tags));
		if (rc == 0)
			plan_say(a, "delete security group %s", g->id);
	}
	return rc;
}

int plan_teardown(struct plan *out, const struct observed *o, const struct plan_options *options)
{
	struct teardown t = { out, o, options };
	int rc;

	memset(out, 0, sizeof(*out));
	rc = remove_instances(&t);
	if (rc == 0)
		rc = plan_volumes(&t);
	if (rc == 0)
		rc = plan_images(&t);
	/* After the images: a snapshot that an image is made of cannot be deleted. */
	if (rc == 0)
		rc = observed_each_snapshot(o, plan_snapshot, &t);
	/* After the instances: a group that one uses cannot be deleted. */
	if (rc == 0)
		rc = plan_names(&t);
	if (out->blocked[0])
		plan_drop_actions(out);
	return rc;
}
