#include "banned.h"

#include "fleet/desired.h"

#include <awsq/iam.h>

#include <inttypes.h>

static char *copy(const char *s)
{
	return s ? strdup(s) : NULL;
}

/* Lists what was found, since the user has to choose. */
static int wrong_image_count(const struct desired *d, size_t n, struct awsq_err *err)
{
	const char *name = d->config->name, *home = d->config->home;
	char ids[512] = "";

	if (n == 0)
		return awsq_err_set(err, AWSQ_ENOTFOUND,
			"%s: there is no image named '%s' in this account; make it from the home "
			"instance: aws ec2 create-image --region %s --name %s --instance-id ID",
			home, name, home, name);
	for (size_t i = 0; i < d->home.images.n; i++) {
		const struct awsq_ec2_image *image = &d->home.images.items[i];
		size_t used = strlen(ids);

		(void)snprintf(ids + used, sizeof(ids) - used, "%s%s (%s, %s)", used ? ", " : "",
			image->id, image->creation_date ? image->creation_date : "no date",
			image->state);
	}
	return awsq_err_set(err, AWSQ_EINVAL,
		"%s: there are %zu images named '%s': %s; deregister all but one", home, n, name,
		ids);
}

static int find_image(struct desired *d, struct awsq_err *err)
{
	size_t n;

	d->image = observed_image(&d->home, &n);
	if (n != 1)
		return wrong_image_count(d, n, err);
	if (strcmp(d->image->state, "available") != 0)
		return awsq_err_set(err, AWSQ_EINVAL,
			"%s: image '%s' is still %s; try again when it is available",
			d->config->home, d->image->id, d->image->state);
	return 0;
}

/* regions.cfg's role, or else the home instance's; it has to exist. */
static int find_profile(struct desired *d, struct region *home, struct awsq_err *err)
{
	struct awsq_iam_instance_profile profile = { 0 };
	const struct awsq_ec2_instance *instance;
	struct awsq_call call;
	const char *name = d->config->role;
	size_t n;
	int rc;

	instance = observed_instance(&d->home, &n);
	if (!name)
		name = instance_profile(instance);
	if (!name)
		return 0;
	d->profile_name = copy(name);
	if (!d->profile_name)
		return awsq_err_set(err, AWSQ_ENOMEM, "out of memory");
	awsq_iam_get_instance_profile(&call, &profile, name);
	rc = region_call(home, &call, err);
	if (awsq_err_is(err, "NoSuchEntity"))
		awsq_err_set(err, AWSQ_ENOTFOUND,
			"there is no instance profile '%s' (%s); a role is used through an "
			"instance profile: aws iam create-instance-profile, then "
			"add-role-to-instance-profile",
			name, d->config->role ? "role in regions.cfg" : "of the home instance");
	else if (rc != 0)
		region_explain(home, err, "read the instance profile '%s'", name);
	awsq_iam_free_instance_profile(&profile);
	return rc;
}

static int find_rules(struct desired *d, struct awsq_err *err)
{
	const struct awsq_ec2_security_group *group = observed_group(&d->home);

	if (!group)
		return 0;
	d->has_group = 1;
	if (rules_of_group(&d->rules, group) != 0)
		return awsq_err_set(err, AWSQ_ENOMEM, "out of memory");
	return 0;
}

/*
 * The last line of defence, should everything that stops the instance be gone. A boothook is the
 * part of user data that cloud-init runs at every boot, not only at the first; and so early that
 * `shutdown +N`, which needs services that come later, could not be relied on.
 */
static int make_user_data(struct desired *d)
{
	struct awsq_buf text = AWSQ_BUF_INIT(1024);

	awsq_buf_adds(&text, "#cloud-boothook\n#!/bin/sh\n"
			     "# Stops the instance when nothing else has: fleet.max_uptime.\n");
	awsq_buf_addf(&text,
		"(sleep %" PRId64
		"; shutdown -h now || poweroff -f) </dev/null >/dev/null 2>&1 &\n",
		d->config->max_uptime);
	d->user_data = awsq_buf_take(&text);
	return d->user_data ? 0 : AWSQ_ENOMEM;
}

static int take_key(struct desired *d, const struct sshkey *key, struct awsq_err *err)
{
	struct awsq_buf line = AWSQ_BUF_INIT(SSHKEY_MAX);

	d->key_type = sshkey_type(key);
	d->key_importable = sshkey_is_importable(key);
	if (sshkey_public(&line, key) == 0)
		d->public_key = awsq_buf_take(&line);
	awsq_buf_free(&line);
	return d->public_key ? 0 : awsq_err_set(err, AWSQ_ENOMEM, "out of memory");
}

int desired_read(struct desired *out, const struct fleet *fleet, struct awsq_err *err)
{
	struct region home;
	struct awsq_call call;
	int rc;

	memset(out, 0, sizeof(*out));
	out->config = fleet->config;
	rc = take_key(out, fleet->key, err);
	if (rc == 0 && make_user_data(out) != 0)
		rc = awsq_err_set(err, AWSQ_ENOMEM, "out of memory");
	if (rc != 0)
		return rc;
	rc = region_open(&home, fleet, fleet->config->home, err);
	if (rc != 0)
		return rc;
	awsq_sts_get_caller_identity(&call, &out->identity);
	rc = region_call(&home, &call, err);
	if (rc != 0)
		region_explain(&home, err, "tell whose credentials these are");
	if (rc == 0)
		rc = observed_read(&out->home, &home, err);
	if (rc == 0)
		rc = find_image(out, err);
	if (rc == 0)
		rc = find_rules(out, err);
	if (rc == 0)
		rc = find_profile(out, &home, err);
	region_close(&home);
	return rc;
}

void desired_free(struct desired *d)
{
	awsq_sts_free_identity(&d->identity);
	observed_free(&d->home);
	rules_free(&d->rules);
	free(d->profile_name);
	free(d->public_key);
	free(d->user_data);
	memset(d, 0, sizeof(*d));
}
