#include "banned.h"

#include "fleet/console.h"
#include "fleet/console_keys.h"
#include "fleet/state.h"
#include "ssh/knownhosts.h"

#include <awsq/hash.h>

#include <stdlib.h>
#include <string.h>

#define OUTPUT_MAX ((size_t)1 << 20) /* EC2 keeps 64 KiB */
#define TYPES_MAX  ((size_t)65536)

enum ssh_trust console_trust(const struct config *c)
{
	switch (c->host_key) {
	case CONFIG_HOST_KEY_CONSOLE:
		return SSH_TRUST_CONSOLE;
	case CONFIG_HOST_KEY_STRICT:
		return SSH_TRUST_STRICT;
	case CONFIG_HOST_KEY_TOFU:
	default:
		return SSH_TRUST_FIRST;
	}
}

/* ---- The record */

static int is_on_record(int *known, const struct region *r, const char *id, struct awsq_err *err)
{
	char *path = state_path(r->fleet->state_dir, "known_hosts");
	struct awsq_buf types = AWSQ_BUF_INIT(TYPES_MAX);
	int rc = AWSQ_ENOMEM;

	if (path)
		rc = knownhosts_types(&types, path, id, err);
	else
		awsq_err_set(err, rc, "out of memory");
	*known = types.len > 0;
	awsq_buf_free(&types);
	free(path);
	return rc;
}

static int put_on_record(const struct region *r, const char *id, const struct console_keys *keys,
	struct awsq_err *err)
{
	char *path = state_path(r->fleet->state_dir, "known_hosts");
	struct sshwire wires[CONSOLE_KEYS_MAX];
	int rc = AWSQ_ENOMEM;

	for (size_t i = 0; i < keys->n; i++)
		wires[i] =
			(struct sshwire){ (const uint8_t *)keys->keys[i].data, keys->keys[i].len };
	if (path)
		rc = knownhosts_add(path, id, wires, keys->n, err);
	else
		awsq_err_set(err, rc, "out of memory");
	free(path);
	if (rc == 0)
		region_event(r, "the host keys of instance %s are taken from its console", id);
	return rc;
}

/* ---- The console */

/* One of the console's two texts. *keys is for console_keys_free, after an error too. */
static int read_text(struct console_keys *keys, struct region *r, const char *id, int latest,
	struct awsq_err *err)
{
	struct awsq_ec2_console_output output = { 0 };
	struct awsq_buf text = AWSQ_BUF_INIT(OUTPUT_MAX);
	struct awsq_call call;
	int rc;

	memset(keys, 0, sizeof(*keys));
	awsq_ec2_get_console_output(&call, &output, id, latest);
	rc = region_call(r, &call, err);
	if (rc == 0 && output.output)
		rc = awsq_base64_decode(&text, output.output, strlen(output.output));
	if (rc == 0)
		rc = console_keys_read(keys, awsq_buf_str(&text), text.len);
	if (rc != 0 && err->code == 0)
		awsq_err_set(err, rc, "%s", awsq_strerror(rc));
	awsq_ec2_free_console_output(&output);
	awsq_buf_free(&text);
	return rc;
}

/*
 * As it is now, which only Nitro has; or as EC2 took it down some minutes after an earlier start,
 * which may have what is gone from the other by now.
 */
static int read_console(struct console_keys *keys, struct region *r, const char *id,
	struct awsq_err *err)
{
	int rc = read_text(keys, r, id, 1, err), booted = keys->booted;

	if ((rc == 0 && keys->n == 0) || awsq_err_is(err, "UnsupportedOperation")) {
		console_keys_free(keys);
		rc = read_text(keys, r, id, 0, err);
		keys->booted |= booted;
	}
	return rc == 0 ? 0 : region_explain(r, err, "read the console of '%s'", id);
}

static int has_none(const struct region *r, const char *id, struct awsq_err *err)
{
	return awsq_err_set(err, AWSQ_EINVAL,
		"will not connect to '%s': none of its host keys is on record, and its console has "
		"none, which tells them at the first boot only; config-region %s --replace makes "
		"another instance and takes its keys; or, if you trust the network this once, run "
		"it with host_key = \"tofu\"",
		id, r->name);
}

int console_identify(struct region *r, const char *instance_id, struct awsq_err *err)
{
	struct console_keys keys;
	int known, rc;

	if (console_trust(r->fleet->config) != SSH_TRUST_CONSOLE)
		return 0;
	rc = is_on_record(&known, r, instance_id, err);
	if (rc != 0 || known)
		return rc;
	rc = read_console(&keys, r, instance_id, err);
	if (rc == 0)
		rc = keys.n > 0 ? put_on_record(r, instance_id, &keys, err)
		                : has_none(r, instance_id, err);
	console_keys_free(&keys);
	return rc;
}

/* ---- Waiting for it */

/* Whether more may still come: no error but one that passes, and an instance that is on its way. */
static int may_come(struct region *r, struct instance *i, const struct console_keys *keys, int rc,
	const struct awsq_err *err)
{
	struct awsq_err ignored;

	if (rc == AWSQ_ECANCELED || keys->booted || (rc != 0 && awsq_err_is_denied(err)))
		return 0;
	if (instance_refresh(i, r, &ignored) != 0)
		return 1; /* new, perhaps, and not known everywhere yet */
	return strcmp(i->state, "pending") == 0 || strcmp(i->state, "running") == 0;
}

/* 0 when the keys are on record, or were. */
static int await_keys(struct region *r, struct instance *i, int64_t deadline_ms,
	struct awsq_err *err)
{
	int known, rc = is_on_record(&known, r, i->id, err);

	for (int looks = 0; rc == 0 && !known; looks++) {
		struct console_keys keys;
		int more;

		rc = read_console(&keys, r, i->id, err);
		known = keys.n > 0;
		if (known)
			rc = put_on_record(r, i->id, &keys, err);
		more = !known && region_now_ms(r) < deadline_ms && may_come(r, i, &keys, rc, err);
		console_keys_free(&keys);
		if (known)
			break;
		if (more && region_sleep(r, 2 * region_poll_ms(looks)) == 0) {
			rc = 0;
			continue;
		}
		if (rc == 0)
			rc = awsq_err_set(err, AWSQ_ENOTFOUND,
				"the console of '%s' has no host keys yet", i->id);
	}
	return rc;
}

void console_await(struct region *r, const struct instance *made, int64_t deadline_ms)
{
	struct awsq_err err = { 0 };
	struct instance i = *made;
	int was = r->cancel_fd;

	if (console_trust(r->fleet->config) != SSH_TRUST_CONSOLE)
		return;
	/* What follows, a stop, may not be cut short; this may. */
	region_heed_cancel(r);
	region_status(r, "instance %s: waiting for its host keys on its console", i.id);
	if (await_keys(r, &i, deadline_ms, &err) != 0)
		region_warning(r,
			"%s; none of its host keys is on record: the first run looks there once "
			"more, and does not connect if they are still missing",
			err.message);
	region_status(r, "%s", "");
	if (was < 0)
		region_ignore_cancel(r);
}
