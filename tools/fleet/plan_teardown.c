#include "banned.h"

#include "fleet/plan_private.h"

#include <inttypes.h>

static int plan_snapshot(void *arg, const char *id, int64_t gib,
	const struct awsq_ec2_snapshot *snapshot)
{
	struct action *a;
	int rc;

	rc = plan_add(arg, &a, ACTION_DELETE_SNAPSHOT, id, "%s",
		snapshot ? "carries the fleet's tag" : "an image of the fleet is made of it");
	if (rc == 0)
		plan_say(a, "delete snapshot %s, %" PRId64 " GiB", id, gib);
	return rc;
}

static int plan_instances(struct plan *p, const struct observed *o)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < o->instances.n; i++) {
		const struct awsq_ec2_instance *instance = &o->instances.items[i];
		struct action *a;

		/* One that is on its way out is waited for: its group cannot go before it has. */
		if (!instance->state || strcmp(instance->state, "terminated") == 0)
			continue;
		rc = plan_add(p, &a, ACTION_TERMINATE_INSTANCE, instance->id, "it is %s",
			instance->state);
		if (rc == 0)
			plan_say(a, "terminate instance %s", instance->id);
	}
	return rc;
}

static int plan_images(struct plan *p, const struct observed *o)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < o->images.n; i++) {
		const struct awsq_ec2_image *image = &o->images.items[i];
		struct action *a;

		rc = plan_add(p, &a, ACTION_DEREGISTER_IMAGE, image->id, "it is %s", image->state);
		if (rc == 0)
			plan_say(a, "deregister image %s", image->id);
	}
	return rc;
}

static int plan_names(struct plan *p, const struct observed *o)
{
	int rc = 0;
	struct action *a;

	for (size_t i = 0; rc == 0 && i < o->key_pairs.n; i++) {
		const char *name = o->key_pairs.items[i].name;

		rc = plan_add(p, &a, ACTION_DELETE_KEY_PAIR, name, "it has the fleet's name");
		if (rc == 0)
			plan_say(a, "delete key pair %s", name);
	}
	for (size_t i = 0; rc == 0 && i < o->groups.n; i++) {
		const struct awsq_ec2_security_group *group = &o->groups.items[i];

		rc = plan_add(p, &a, ACTION_DELETE_GROUP, group->id, "it has the fleet's name");
		if (rc == 0)
			plan_say(a, "delete security group %s", group->id);
	}
	return rc;
}

int plan_teardown(struct plan *out, const struct observed *o)
{
	int rc;

	memset(out, 0, sizeof(*out));
	rc = plan_instances(out, o);
	if (rc == 0)
		rc = plan_images(out, o);
	/* After the images: a snapshot that an image is made of cannot be deleted. */
	if (rc == 0)
		rc = observed_each_snapshot(o, plan_snapshot, out);
	/* After the instances: a group that one uses cannot be deleted. */
	if (rc == 0)
		rc = plan_names(out, o);
	return rc;
}
