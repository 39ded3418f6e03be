#include "banned.h"

#include "fleet/observed.h"

enum { INSTANCES, IMAGES, SNAPSHOTS, KEY_PAIRS, GROUPS, VPCS, N_CALLS };

/* What the user is told could not be read. */
static const char *const subjects[N_CALLS] = { "instances", "images", "snapshots", "key pairs",
	"security groups", "VPCs" };

int observed_read(struct observed *out, struct region *r, struct awsq_err *err)
{
	const char *name = r->fleet->config->name;
	struct awsq_call calls[N_CALLS];
	int rc;

	memset(out, 0, sizeof(*out));
	awsq_ec2_describe_instances(&calls[INSTANCES], &out->instances,
		(struct awsq_ec2_filter[]){ { "tag:" TAG_NAME, { name } }, { NULL, { NULL } } });
	awsq_ec2_describe_images(&calls[IMAGES], &out->images,
		(struct awsq_ec2_filter[]){ { "name", { name } }, { NULL, { NULL } } });
	awsq_ec2_describe_snapshots(&calls[SNAPSHOTS], &out->snapshots,
		(struct awsq_ec2_filter[]){ { "tag:" TAG_FLEET, { name } }, { NULL, { NULL } } });
	awsq_ec2_describe_key_pairs(&calls[KEY_PAIRS], &out->key_pairs,
		(struct awsq_ec2_filter[]){ { "key-name", { name } }, { NULL, { NULL } } });
	awsq_ec2_describe_security_groups(&calls[GROUPS], &out->groups,
		(struct awsq_ec2_filter[]){ { "group-name", { name } }, { NULL, { NULL } } });
	awsq_ec2_describe_vpcs(&calls[VPCS], &out->vpcs,
		(struct awsq_ec2_filter[]){ { "isDefault", { "true" } }, { NULL, { NULL } } });
	rc = awsq_run(r->client, calls, N_CALLS);
	for (size_t i = 0; i < N_CALLS; i++) {
		if (rc != 0 && calls[i].err.code == rc && err) {
			*err = calls[i].err;
			region_explain(r, err, "read the %s", subjects[i]);
			err = NULL; /* the first one that failed is told */
		}
		awsq_call_free(&calls[i]);
	}
	return rc;
}

void observed_free(struct observed *o)
{
	awsq_ec2_free_instances(&o->instances);
	awsq_ec2_free_images(&o->images);
	awsq_ec2_free_snapshots(&o->snapshots);
	awsq_ec2_free_key_pairs(&o->key_pairs);
	awsq_ec2_free_security_groups(&o->groups);
	awsq_ec2_free_vpcs(&o->vpcs);
}

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

const struct awsq_ec2_instance *observed_instance(const struct observed *o, size_t *n)
{
	const struct awsq_ec2_instance *found = NULL;

	*n = 0;
	for (size_t i = 0; i < o->instances.n; i++) {
		if (instance_is_live(&o->instances.items[i])) {
			found = &o->instances.items[i];
			(*n)++;
		}
	}
	return *n == 1 ? found : NULL;
}

const struct awsq_ec2_image *observed_image(const struct observed *o, size_t *n)
{
	const struct awsq_ec2_image *found = NULL;

	*n = 0;
	for (size_t i = 0; i < o->images.n; i++) {
		const char *state = o->images.items[i].state;

		if (state && (strcmp(state, "pending") == 0 || strcmp(state, "available") == 0)) {
			found = &o->images.items[i];
			(*n)++;
		}
	}
	return *n == 1 ? found : NULL;
}

const char *observed_vpc(const struct observed *o)
{
	for (size_t i = 0; i < o->vpcs.n; i++) {
		if (o->vpcs.items[i].is_default)
			return o->vpcs.items[i].id;
	}
	return NULL;
}

const struct awsq_ec2_security_group *observed_group(const struct observed *o)
{
	const char *vpc = observed_vpc(o);

	for (size_t i = 0; vpc && i < o->groups.n; i++) {
		if (o->groups.items[i].vpc_id && strcmp(o->groups.items[i].vpc_id, vpc) == 0)
			return &o->groups.items[i];
	}
	return NULL;
}

const struct awsq_ec2_key_pair *observed_key_pair(const struct observed *o)
{
	return o->key_pairs.n ? &o->key_pairs.items[0] : NULL;
}

/* Whether a device before the k-th of the i-th image is made of the same snapshot. */
static int was_seen(const struct observed *o, size_t i, size_t k, const char *id)
{
	for (size_t a = 0; a <= i; a++) {
		const struct awsq_ec2_image *image = &o->images.items[a];

		for (size_t b = 0; b < (a == i ? k : image->n_devices); b++) {
			const char *other = image->devices[b].snapshot_id;

			if (other && strcmp(other, id) == 0)
				return 1;
		}
	}
	return 0;
}

static const struct awsq_ec2_snapshot *find_snapshot(const struct observed *o, const char *id)
{
	for (size_t i = 0; i < o->snapshots.n; i++) {
		if (strcmp(o->snapshots.items[i].id, id) == 0)
			return &o->snapshots.items[i];
	}
	return NULL;
}

int observed_each_snapshot(const struct observed *o,
	int (*each)(void *arg, const char *id, int64_t gib,
		const struct awsq_ec2_snapshot *snapshot),
	void *arg)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < o->snapshots.n; i++)
		rc = each(arg, o->snapshots.items[i].id, o->snapshots.items[i].volume_size,
			&o->snapshots.items[i]);
	for (size_t i = 0; i < o->images.n; i++) {
		const struct awsq_ec2_image *image = &o->images.items[i];

		for (size_t k = 0; rc == 0 && k < image->n_devices; k++) {
			const char *id = image->devices[k].snapshot_id;

			if (id && *id && !find_snapshot(o, id) && !was_seen(o, i, k, id))
				rc = each(arg, id, image->devices[k].volume_size, NULL);
		}
	}
	return rc;
}
