#include "banned.h"

#include "fleet/grow.h"
#include "fleet/preflight_private.h"
#include "fleet/text.h"

#include <stdarg.h>

/* ---- Checks */

struct check *check_add(struct checks *c, enum check_result result, const char *name,
	const char *format, ...)
{
	struct check *items = grow(c->items, c->n, sizeof(*items)), *check;
	va_list ap;

	if (!items) {
		c->error = AWSQ_ENOMEM;
		return NULL;
	}
	c->items = items;
	check = &items[c->n++];
	memset(check, 0, sizeof(*check));
	check->result = result;
	text_format(check->name, sizeof(check->name), "%s", name);
	va_start(ap, format);
	text_vformat(check->detail, sizeof(check->detail), format, ap);
	va_end(ap);
	return check;
}

void check_unread(struct checks *c, enum check_result result, const char *name,
	const struct region *r, const struct awsq_err *err)
{
	struct awsq_err copy = *err;

	region_explain(r, &copy, "look at the %s", name);
	(void)check_add(c, result, name, "%s", copy.message);
}

void check_refused(struct checks *c, const char *name, const struct region *r,
	const struct awsq_err *err)
{
	check_unread(c, awsq_err_is_denied(err) ? CHECK_FAIL : CHECK_UNKNOWN, name, r, err);
}

const char *check_word(enum check_result result)
{
	switch (result) {
	case CHECK_PASS:
		return "pass";
	case CHECK_FAIL:
		return "fail";
	default:
		return "unknown";
	}
}

int checks_pass(const struct checks *c)
{
	for (size_t i = 0; i < c->n; i++) {
		if (c->items[i].result == CHECK_FAIL)
			return 0;
	}
	return c->error == 0;
}

void checks_free(struct checks *c)
{
	free(c->items);
	memset(c, 0, sizeof(*c));
}

/* ---- For all regions */

static int is_answer(const struct awsq_err *err)
{
	return err->code == 0 || err->code == AWSQ_ESERVICE;
}

/* Whether AWS has answered anything. */
static int check_identity(struct checks *c, struct desired *d, struct region *home)
{
	struct awsq_call calls[2];
	int reached;

	awsq_sts_get_caller_identity(&calls[0], &d->identity);
	awsq_ec2_describe_regions(&calls[1], &d->regions, 1);
	(void)awsq_run(home->client, calls, 2);
	if (calls[0].err.code != 0)
		check_unread(c, CHECK_FAIL, "identity", home, &calls[0].err);
	else
		(void)check_add(c, CHECK_PASS, "identity", "account %s, %s",
			d->identity.account ? d->identity.account : "?",
			d->identity.arn ? d->identity.arn : "?");
	if (calls[1].err.code != 0)
		check_refused(c, "list of regions", home, &calls[1].err);
	reached = is_answer(&calls[0].err) || is_answer(&calls[1].err);
	awsq_call_free(&calls[0]);
	awsq_call_free(&calls[1]);
	return reached;
}

static void check_key(struct checks *c, struct desired *d)
{
	const char *path = d->config->key;
	struct sshkey *key = NULL;
	struct awsq_err err = { 0 };

	if (sshkey_load(&key, path, &err) != 0 || desired_take_key(d, key, &err) != 0)
		(void)check_add(c, CHECK_FAIL, "key file", "%s", err.message);
	else if (!d->key_importable)
		(void)check_add(c, CHECK_FAIL, "key file",
			"'%s' is of type %s, which EC2 does not import: use an RSA or ed25519 key",
			path, d->key_type);
	else
		(void)check_add(c, CHECK_PASS, "key file", "%s, %s, %s", path, d->key_type,
			d->key_fingerprint);
	sshkey_free(key);
}

static void check_image(struct checks *c, struct desired *d, const struct region *home,
	const struct awsq_err *unread)
{
	struct awsq_err err = { 0 };

	if (unread->code != 0)
		check_refused(c, "home image", home, unread);
	else if (desired_find_image(d, &err) != 0)
		(void)check_add(c, CHECK_FAIL, "home image", "%s: %s", home->name, err.message);
	else
		(void)check_add(c, CHECK_PASS, "home image", "%s: %s (%s), %s", home->name,
			d->image->id, d->image->name, d->image->state);
}

static void check_group(struct checks *c, struct desired *d, const struct region *home,
	const struct reads *reads)
{
	const char *name = d->config->name;
	struct placement place;

	chosen_placement(&place, &d->home, config_place(d->config, home->name), home->name);
	if (reads->err[READ_NETWORK].code != 0 || reads->err[READ_GROUPS].code != 0) {
		check_refused(c, "home group", home,
			&reads->err[reads->err[READ_GROUPS].code ? READ_GROUPS : READ_NETWORK]);
		return;
	}
	d->group = chosen_group(&d->home, place.vpc_id);
	if (!place.vpc_id)
		(void)check_add(c, CHECK_FAIL, "home group", "%s: %s", home->name, place.error);
	else if (!d->group)
		(void)check_add(c, CHECK_FAIL, "home group",
			"%s: there is no security group '%s' in %s, whose rules every region gets: "
			"aws ec2 create-security-group --region %s --vpc-id %s --group-name %s "
			"--description %s, then authorize-security-group-ingress",
			home->name, name, place.vpc_id, home->name, place.vpc_id, name, name);
	else
		(void)check_add(c, CHECK_PASS, "home group", "%s: %s (%s)", home->name,
			d->group->id, name);
}

static void check_profile(struct checks *c, struct desired *d, struct region *home,
	const struct awsq_err *unread)
{
	struct awsq_err err = { 0 };

	if (!d->config->role && unread->code != 0)
		check_refused(c, "instance profile", home, unread);
	else if (desired_find_profile(d, home, &err) != 0)
		(void)check_add(c, CHECK_FAIL, "instance profile", "%s", err.message);
	else
		(void)check_add(c, CHECK_PASS, "instance profile", "%s",
			d->profile_name ? d->profile_name : "none is wanted");
}

static void check_home(struct checks *c, struct desired *d, struct region *home)
{
	struct reads reads;

	reads_do(&reads, home);
	d->home = reads.observed;
	memset(&reads.observed, 0, sizeof(reads.observed));
	check_image(c, d, home, &reads.err[READ_IMAGES]);
	check_group(c, d, home, &reads);
	check_profile(c, d, home, &reads.instances_err);
	reads_free(&reads);
}

void preflight_account(struct checks *out, struct desired *d, const struct fleet *fleet)
{
	struct awsq_err err = { 0 };
	struct region home;
	int reached = 0;

	d->config = fleet->config;
	if (region_open(&home, fleet, fleet->config->home, &err) != 0)
		(void)check_add(out, CHECK_FAIL, "identity", "%s", err.message);
	else
		reached = check_identity(out, d, &home);
	check_key(out, d);
	if (reached)
		check_home(out, d, &home);
	else
		(void)check_add(out, CHECK_FAIL, "home region", "%s does not answer: see identity",
			fleet->config->home);
	region_close(&home);
}
