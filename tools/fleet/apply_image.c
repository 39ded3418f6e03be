#include "banned.h"

#include "fleet/apply_private.h"
#include "fleet/copying.h"
#include "fleet/state.h"

#include <inttypes.h>

#define IMAGE_WAIT_MS (2 * 60 * 60 * 1000)
#define UNKNOWN_LOOKS 60

/* ---- Copying */

/*
 * The token is that of a copy of this image, whatever its name: which name is free depends on what
 * was seen of the copies that are there, and that may be too little.
 */
static int ask_for_copy(struct apply *a, struct awsq_ec2_copy_image *copy,
	struct awsq_ec2_created *made, struct awsq_err *err)
{
	const char *name = copy->name;
	struct awsq_call call;
	char token[STATE_TOKEN_SIZE];
	int rc;

	copy->name = copy->source_image_id;
	awsq_ec2_copy_image(&call, made, copy);
	rc = apply_token(a, &call, token, err);
	awsq_call_free(&call);
	copy->name = name;
	if (rc != 0)
		return rc;
	copy->client_token = token;
	awsq_ec2_copy_image(&call, made, copy);
	rc = region_call(a->r, &call, err);
	copy->client_token = NULL;
	return rc;
}

/* AWS makes only so many copies at once in a region: then this one waits for its turn. */
static int queue_for_copy(struct apply *a, struct awsq_ec2_copy_image *copy,
	struct awsq_ec2_created *made, struct awsq_err *err)
{
	int64_t deadline = region_now_ms(a->r) + IMAGE_WAIT_MS;

	for (int looks = 0;; looks++) {
		int rc = ask_for_copy(a, copy, made, err);

		if (rc == 0 || !awsq_err_is(err, "ResourceLimitExceeded") ||
			region_now_ms(a->r) >= deadline)
			return rc;
		if (looks == 0)
			region_event(a->r, "as many copies are under way as AWS makes at once: "
					   "waiting for a turn");
		region_status(a->r, "queued: copy of image %s", copy->source_image_id);
		if (region_sleep(a->r, region_poll_ms(looks)) != 0)
			return awsq_err_set(err, AWSQ_ECANCELED, "canceled before the copy began");
	}
}

int apply_copy_image(struct apply *a, const struct action *action, struct awsq_err *err)
{
	const struct config *c = a->d->config;
	const struct config_region *place = config_place(c, a->r->name);
	struct awsq_ec2_copy_image copy = { 0 };
	struct awsq_ec2_created made = { 0 };
	char description[200];
	int rc;

	(void)snprintf(description, sizeof(description), "%.100s, copied from %s in %s", c->name,
		a->d->image->id, c->home);
	copy.source_region = c->home;
	copy.source_image_id = a->d->image->id;
	copy.name = action->value;
	copy.description = description;
	copy.encrypted = desired_encrypts(a->d, place);
	copy.kms_key_id = place->kms_key;
	copy.tags = APPLY_TAGS(a, { TAG_SOURCE_IMAGE, a->d->image->id },
		{ TAG_SOURCE_REGION, c->home }, );
	rc = queue_for_copy(a, &copy, &made, err);
	if (rc == 0) {
		(void)snprintf(a->image_id, sizeof(a->image_id), "%s", made.id ? made.id : "");
		region_event(a->r, "image %s: copying %s from %s", a->image_id, a->d->image->id,
			c->home);
	}
	awsq_ec2_free_created(&made);
	return rc == AWSQ_ECANCELED ? rc : apply_explain(a, action, rc, err);
}

/* ---- Waiting */

/* AWS counts how far a copy is on its snapshots. */
static void show_progress(struct apply *a, struct copying *copying)
{
	struct awsq_ec2_snapshots snapshots = { 0 };
	struct awsq_call call;
	struct awsq_err ignored;
	char left[64];

	awsq_ec2_describe_snapshots(&call, &snapshots,
		(struct awsq_ec2_filter[]){ { "tag:" TAG_FLEET, { a->d->config->name } },
			{ "tag:" TAG_SOURCE_IMAGE, { a->d->image->id } }, { NULL, { NULL } } });
	(void)region_call(a->r, &call, &ignored);
	copying_look(copying, &snapshots, region_now_ms(a->r));
	copying_left(left, sizeof(left), copying);
	if (copying->percent >= 0)
		region_status(a->r, "%d%% copied%s: image %s", copying->percent, left, a->image_id);
	else
		region_status(a->r, "copying: image %s", a->image_id);
	awsq_ec2_free_snapshots(&snapshots);
}

/* One look at the image: 0 when it is available, 1 while it is pending, or a code. */
static int look_at_image(struct apply *a, struct awsq_err *err)
{
	struct awsq_ec2_images images = { 0 };
	struct awsq_call call;
	int rc;

	awsq_ec2_describe_image(&call, &images, a->image_id);
	rc = region_call(a->r, &call, err);
	if (awsq_err_is(err, "InvalidAMIID.NotFound") || (rc == 0 && images.n == 0)) {
		rc = awsq_err_set(err, AWSQ_ENOTFOUND,
			"AWS does not know image '%s', which it said it would make; the same "
			"command tries again",
			a->image_id);
	} else if (rc != 0) {
		region_explain(a->r, err, "look at image '%s'", a->image_id);
	} else if (strcmp(images.items[0].state, "pending") == 0) {
		rc = 1;
	} else if (strcmp(images.items[0].state, "available") != 0) {
		/* Asked for with the same token, it would be given back as it is. */
		state_forget_tokens(a->r->fleet->state_dir, a->r->name);
		rc = awsq_err_set(err, AWSQ_ESERVICE, "the copy to image '%s' is %s: %s",
			a->image_id, images.items[0].state,
			images.items[0].state_reason ? images.items[0].state_reason
						     : "no reason given");
	}
	awsq_ec2_free_images(&images);
	return rc;
}

static int canceled(const struct apply *a, struct awsq_err *err)
{
	return awsq_err_set(err, AWSQ_ECANCELED,
		"canceled; the copy to image '%s' goes on, and the same command waits for it",
		a->image_id);
}

int apply_wait_image(struct apply *a, const struct action *action, struct awsq_err *err)
{
	int64_t deadline = region_now_ms(a->r) + IMAGE_WAIT_MS;
	struct copying copying;

	(void)action;
	copying_begin(&copying, region_now_ms(a->r));
	for (int looks = 0;; looks++) {
		int rc = look_at_image(a, err);

		if (rc == AWSQ_ECANCELED)
			return canceled(a, err);
		if ((rc == 1 || rc == AWSQ_ENOTFOUND) && looks == 0)
			region_event(a->r, "waiting for the copy to image %s", a->image_id);
		if (rc == 0)
			region_event(a->r, "image %s is available", a->image_id);
		/* A new image is not known everywhere at once; one that never is, is not ours. */
		if (rc == AWSQ_ENOTFOUND && looks >= UNKNOWN_LOOKS)
			state_forget_tokens(a->r->fleet->state_dir, a->r->name);
		if (rc != 1 && (rc != AWSQ_ENOTFOUND || looks >= UNKNOWN_LOOKS))
			return rc;
		if (region_now_ms(a->r) >= deadline)
			return awsq_err_set(err, AWSQ_ETIMEDOUT,
				"image '%s' is still being copied; the same command goes on "
				"waiting",
				a->image_id);
		show_progress(a, &copying);
		if (region_sleep(a->r, region_poll_ms(looks)) != 0)
			return canceled(a, err);
	}
}

/* ---- Removing */

/* What the same call could not delete of the image's snapshots is deleted one by one. */
static int delete_rest(struct apply *a, const struct awsq_ec2_deleted_snapshots *deleted,
	struct awsq_err *err)
{
	for (size_t i = 0; i < deleted->n; i++) {
		const char *code = deleted->items[i].return_code,
			   *id = deleted->items[i].snapshot_id;
		struct awsq_call call;

		if (!id || !code || strcmp(code, "success") == 0 || strcmp(code, "skipped") == 0)
			continue;
		awsq_ec2_delete_snapshot(&call, id);
		if (region_call(a->r, &call, err) != 0 && !apply_is_gone(err))
			return region_explain(a->r, err, "delete snapshot '%s' (%s)", id, code);
	}
	return 0;
}

int apply_deregister_image(struct apply *a, const struct action *action, struct awsq_err *err)
{
	struct awsq_ec2_deleted_snapshots deleted = { 0 };
	struct awsq_call call;
	int rc;

	awsq_ec2_deregister_image(&call, &deleted, action->id);
	rc = region_call(a->r, &call, err);
	if (rc != 0 && apply_is_gone(err))
		rc = 0;
	if (rc == 0) {
		/* Asked for with its token, a copy that has failed would be given back. */
		if (action->renews)
			state_forget_tokens(a->r->fleet->state_dir, a->r->name);
		region_event(a->r, "%s: done", action->what);
		rc = delete_rest(a, &deleted, err);
	} else {
		apply_explain(a, action, rc, err);
	}
	awsq_ec2_free_deleted_snapshots(&deleted);
	return rc;
}
