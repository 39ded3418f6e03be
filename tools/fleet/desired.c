#include "banned.h"

#include "fleet/desired.h"

#include <awsq/iam.h>

#include <inttypes.h>

static char *copy(const char *s)
{
	return s ? strdup(s) : NULL;
}

/* Whether image i could be meant. */
static int is_candidate(const struct desired *d, size_t i)
{
	const struct awsq_ec2_image *image = &d->home.images.items[i];

	return image_is_usable(image) && image->name &&
	       config_image_matches(d->config, image->name);
}

/* Lists what was found, since the user has to choose. */
static int several_images(const struct desired *d, struct awsq_err *err)
{
	char ids[512] = "";

	for (size_t i = 0; i < d->home.images.n; i++) {
		const struct awsq_ec2_image *image = &d->home.images.items[i];
		size_t used = strlen(ids);

		if (is_candidate(d, i))
			(void)snprintf(ids + used, sizeof(ids) - used, "%s%s (%s, %s)",
				used ? ", " : "", image->id,
				image->creation_date ? image->creation_date : "no date",
				image->state);
	}
	return awsq_err_set(err, AWSQ_EINVAL,
		"there are several images named '%s': %s; deregister all but one",
		config_image(d->config), ids);
}

static int no_image(const struct desired *d, struct awsq_err *err)
{
	const char *name = config_image(d->config), *home = d->config->home;

	return awsq_err_set(err, AWSQ_ENOTFOUND,
		"there is no image named '%s' in this account; make it from the home instance: aws "
		"ec2 create-image --region %s --name %s --instance-id ID",
		name, home, name);
}

/* Of images that differ in their names, as versions do, the newest one is meant. */
int desired_find_image(struct desired *d, struct awsq_err *err)
{
	const char *newest = "";
	int same = 0;

	for (size_t i = 0; i < d->home.images.n; i++) {
		const struct awsq_ec2_image *image = &d->home.images.items[i];
		const char *date = image->creation_date ? image->creation_date : "";
		int order = strcmp(date, newest);

		if (!is_candidate(d, i))
			continue;
		if (!d->image || order > 0) {
			same = d->image && strcmp(image->name, d->image->name) == 0;
			d->image = image;
			newest = date;
		} else if (order == 0 || strcmp(image->name, d->image->name) == 0) {
			same = 1;
		}
	}
	if (!d->image)
		return no_image(d, err);
	if (same)
		return several_images(d, err);
	if (strcmp(d->image->state, "available") != 0)
		return awsq_err_set(err, AWSQ_EINVAL,
			"image '%s' is still %s; try again when it is available", d->image->id,
			d->image->state);
	for (size_t i = 0; i < d->image->n_devices; i++)
		d->encrypt |= d->image->devices[i].encrypted;
	return 0;
}

/* regions.cfg's role, or else the home instance's; it has to exist. */
/* That of home's instance, or of all there. Without any instance there, nobody knows. */
static int find_home_profile(struct desired *d, const char **name, struct awsq_err *err)
{
	size_t n;
	int differ;

	*name = chosen_profile(&d->home.instances, &n, &differ);
	d->profile_unknown = n == 0;
	if (differ)
		return awsq_err_set(err, AWSQ_EINVAL,
			"the %zu instances of '%s' do not have the same role, and which one's "
			"counts is not for us to say: name a role in regions.cfg",
			n, d->config->name);
	return 0;
}

int desired_find_profile(struct desired *d, struct region *home, struct awsq_err *err)
{
	struct awsq_iam_instance_profile profile = { 0 };
	struct awsq_call call;
	const char *name = d->config->role;
	int rc = name ? 0 : find_home_profile(d, &name, err);

	if (rc != 0 || !name)
		return rc;
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

/* Said in each run, since each replaces the key pairs of other regions that differ. */
static void check_home_key(const struct desired *d, const struct region *home)
{
	const struct awsq_ec2_key_pair *key = chosen_key_pair(&d->home);

	if (key && key->public_key && !sshkey_same_public(key->public_key, d->public_key))
		region_warning(home,
			"home's key pair '%s' is not that of '%s': one of them is wrong", key->name,
			d->config->key);
}

static int find_rules(struct desired *d, struct awsq_err *err)
{
	const char *home = d->config->home;
	struct rule_names names;
	struct placement place;

	chosen_placement(&place, &d->home, config_place(d->config, home), home);
	if (!place.vpc_id)
		return awsq_err_set(err, AWSQ_ENOTFOUND, "%s", place.error);
	d->group = chosen_group(&d->home, place.vpc_id);
	names = observed_rule_names(&d->home, home, place.vpc_id);
	if (d->group && rules_of_group(&d->rules, d->group, &names) != 0)
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

	awsq_buf_adds(&text, DESIRED_USER_DATA);
	awsq_buf_addf(&text,
		"(sleep %" PRId64
		"; shutdown -h now || poweroff -f) </dev/null >/dev/null 2>&1 &\n",
		d->config->max_uptime);
	d->user_data = awsq_buf_take(&text);
	return d->user_data ? 0 : AWSQ_ENOMEM;
}

int desired_take_key(struct desired *d, const struct sshkey *key, struct awsq_err *err)
{
	struct awsq_buf line = AWSQ_BUF_INIT(SSHKEY_MAX), fingerprint = AWSQ_BUF_INIT(256);

	d->key_type = sshkey_type(key);
	d->key_importable = sshkey_is_importable(key);
	if (sshkey_public(&line, key) == 0)
		d->public_key = awsq_buf_take(&line);
	if (sshkey_fingerprint(&fingerprint, key) == 0)
		d->key_fingerprint = awsq_buf_take(&fingerprint);
	awsq_buf_free(&line);
	awsq_buf_free(&fingerprint);
	return d->public_key && d->key_fingerprint
	               ? 0
	               : awsq_err_set(err, AWSQ_ENOMEM, "out of memory");
}

/* Whose credentials these are, and which regions they are good for. */
static int read_account(struct desired *d, struct region *home, struct awsq_err *err)
{
	struct awsq_call calls[2];
	int rc;

	awsq_sts_get_caller_identity(&calls[0], &d->identity);
	awsq_ec2_describe_regions(&calls[1], &d->regions, 1);
	rc = awsq_run(home->client, calls, 2);
	if (rc != 0) {
		int second = calls[0].err.code != rc;

		*err = calls[second].err;
		region_explain(home, err, "%s",
			second ? "list the regions" : "tell whose credentials these are");
	}
	awsq_call_free(&calls[0]);
	awsq_call_free(&calls[1]);
	return rc;
}

/* All of it is about home, whichever region the user is after. */
static int name_home(const struct desired *d, struct awsq_err *err)
{
	struct awsq_err whole = *err;

	(void)snprintf(whole.message, sizeof(whole.message), "%s: %.900s", d->config->home,
		err->message);
	*err = whole;
	return err->code;
}

int desired_read(struct desired *out, const struct fleet *fleet, struct awsq_err *err)
{
	struct region home;
	int rc;

	memset(out, 0, sizeof(*out));
	out->config = fleet->config;
	rc = desired_take_key(out, fleet->key, err);
	if (rc == 0 && make_user_data(out) != 0)
		rc = awsq_err_set(err, AWSQ_ENOMEM, "out of memory");
	if (rc != 0)
		return rc;
	rc = region_open(&home, fleet, fleet->config->home, err);
	if (rc == 0)
		rc = read_account(out, &home, err);
	if (rc == 0)
		rc = observed_read(&out->home, &home, OBSERVE_ALL, err);
	if (rc == 0)
		check_home_key(out, &home);
	if (rc == 0)
		rc = desired_find_image(out, err);
	if (rc == 0)
		rc = find_rules(out, err);
	if (rc == 0)
		rc = desired_find_profile(out, &home, err);
	region_close(&home);
	return rc == 0 ? 0 : name_home(out, err);
}

int desired_is_enabled(const struct desired *d, const char *region)
{
	for (size_t i = 0; i < d->regions.n; i++) {
		const struct awsq_ec2_region *r = &d->regions.items[i];

		if (r->name && r->opt_in_status && strcmp(r->name, region) == 0)
			return strcmp(r->opt_in_status, "not-opted-in") != 0;
	}
	return 1;
}

int desired_encrypts(const struct desired *d, const struct config_region *place)
{
	return d->encrypt || config_encrypts(d->config, place);
}

void desired_free(struct desired *d)
{
	awsq_sts_free_identity(&d->identity);
	awsq_ec2_free_regions(&d->regions);
	observed_free(&d->home);
	rules_free(&d->rules);
	free(d->profile_name);
	free(d->public_key);
	free(d->key_fingerprint);
	free(d->user_data);
	memset(d, 0, sizeof(*d));
}
