#include "banned.h"

#include "fleet/apply_private.h"
#include "fleet/copying.h"
#include "fleet/state.h"

#include <awsq/retry.h>

#include <inttypes.h>

#define IMAGE_WAIT_MS (2 * 60 * 60 * 1000)
#define UNKNOWN_LOOKS 63

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
	if (rc == 0)
		rc = apply_take_id(a->image_id, sizeof(a->image_id), &made, "image", err);
	if (rc == 0)
		region_event(a->r, "image %s: copying %s from %s", a->image_id, a->d->image->id,
			c->home);
	awsq_ec2_free_created(&made);
	return rc == AWSQ_ECANCELED ? rc : apply_explain(a, action, rc, err);
}

/* ---- Waiting */

/* What is known of an image that is waited for. */
struct waiting {
	struct awsq_ec2_images images; /* as the last look found it; none where it did not */
	struct copying copying;
	int seen;       /* AWS has shown it */
	int unknown;    /* so many looks in a row AWS did not know it */
	int told;       /* the user has heard that it is waited for */
	int complained; /* and of a disturbance */
};

/* AWS counts how far a copy is on its snapshots. */
static void show_progress(struct apply *a, struct waiting *w)
{
	struct awsq_ec2_snapshots snapshots = { 0 };
	struct awsq_call call;
	struct awsq_err ignored;
	char left[64];

	awsq_ec2_describe_snapshots(&call, &snapshots,
		(struct awsq_ec2_filter[]){ { "tag:" TAG_FLEET, { a->d->config->name } },
			{ "tag:" TAG_SOURCE_IMAGE, { a->d->image->id } }, { NULL, { NULL } } });
	(void)region_call(a->r, &call, &ignored);
	copying_look(&w->copying, &snapshots, w->images.n ? &w->images.items[0] : NULL,
		region_now_ms(a->r));
	copying_left(left, sizeof(left), &w->copying);
	if (w->copying.percent >= 0)
		region_status(a->r, "%d%% copied%s: image %s", w->copying.percent, left,
			a->image_id);
	else
		region_status(a->r, "copying: image %s", a->image_id);
	awsq_ec2_free_snapshots(&snapshots);
}

static int judge_unknown(struct apply *a, struct waiting *w, struct awsq_err *err)
{
	w->unknown++;
	if (w->seen)
		return awsq_err_set(err, AWSQ_ENOTFOUND,
			"image '%s', the copy that was under way, is gone: someone has "
			"deregistered it; the same command makes another one",
			a->image_id);
	return awsq_err_set(err, AWSQ_ENOTFOUND,
		"AWS does not know image '%s', which it said it would make; the same command tries "
		"again",
		a->image_id);
}

static int judge_image(struct apply *a, const struct awsq_ec2_image *image, struct awsq_err *err)
{
	if (!image->state)
		return awsq_err_set(err, AWSQ_EPARSE,
			"cannot look at image '%s': the answer does not tell its state",
			a->image_id);
	if (strcmp(image->state, "pending") == 0)
		return 1;
	if (strcmp(image->state, "available") == 0)
		return 0;
	/* Asked for with the same token, it would be given back as it is. */
	state_forget_tokens(a->r->fleet->state_dir, a->r->name);
	return awsq_err_set(err, AWSQ_ESERVICE, "the copy to image '%s' is %s: %s", a->image_id,
		image->state, image->state_reason ? image->state_reason : "no reason given");
}

/* One look at the image: 0 when it is available, 1 while it is pending, or a code. */
static int look_at_image(struct apply *a, struct waiting *w, struct awsq_err *err)
{
	struct awsq_call call;
	int rc;

	awsq_ec2_free_images(&w->images);
	awsq_ec2_describe_image(&call, &w->images, a->image_id);
	rc = region_call(a->r, &call, err);
	if (rc == AWSQ_ECANCELED)
		return rc;
	if (rc == 0 ? w->images.n == 0 : apply_is_gone(err))
		return judge_unknown(a, w, err);
	if (rc != 0)
		return region_explain(a->r, err, "look at image '%s'", a->image_id);
	w->seen = 1;
	w->unknown = 0;
	return judge_image(a, &w->images.items[0], err);
}

/* Whether a look that failed says nothing of the image, and the next one may well succeed. */
static int is_disturbance(const struct awsq_err *err)
{
	return err->code == AWSQ_ENET || err->code == AWSQ_ETIMEDOUT || err->code == AWSQ_EPARSE ||
	       awsq_err_is_throttle(err) || (err->code == AWSQ_ESERVICE && err->http_status >= 500);
}

/* After a look: whether there is anything to wait for. What there is to say of it is said once. */
static int goes_on(struct apply *a, struct waiting *w, int rc, const struct awsq_err *err)
{
	if (rc == 1 || rc == AWSQ_ENOTFOUND) {
		if (!w->told++)
			region_event(a->r, "waiting for the copy to image %s", a->image_id);
		/* A new image is not known everywhere at once. */
		return rc == 1 || w->unknown < UNKNOWN_LOOKS;
	}
	if (!is_disturbance(err))
		return 0;
	if (!w->complained++)
		region_warning(a->r, "%s; trying again", err->message);
	return 1;
}

static int canceled(const struct apply *a, struct awsq_err *err)
{
	return awsq_err_set(err, AWSQ_ECANCELED,
		"canceled; the copy to image '%s' goes on, and the same command waits for it",
		a->image_id);
}

static int wait_for_image(struct apply *a, struct waiting *w, struct awsq_err *err)
{
	int64_t deadline = region_now_ms(a->r) + IMAGE_WAIT_MS;

	for (int looks = 0;; looks++) {
		int rc = look_at_image(a, w, err);

		if (rc == AWSQ_ECANCELED)
			return canceled(a, err);
		if (rc == 0 || !goes_on(a, w, rc, err))
			return rc;
		if (region_now_ms(a->r) >= deadline && rc != 1 && rc != AWSQ_ENOTFOUND)
			return rc;
		if (region_now_ms(a->r) >= deadline)
			return awsq_err_set(err, AWSQ_ETIMEDOUT,
				"image '%s' is still being copied; the same command goes on "
				"waiting",
				a->image_id);
		if (rc == 1)
			show_progress(a, w);
		if (region_sleep(a->r, region_poll_ms(looks)) != 0)
			return canceled(a, err);
	}
}

int apply_wait_image(struct apply *a, const struct action *action, struct awsq_err *err)
{
	/* One that the plan names was seen when it was made. */
	struct waiting w = { .seen = action->id[0] != '\0' };
	int rc;

	copying_begin(&w.copying, region_now_ms(a->r));
	rc = wait_for_image(a, &w, err);
	if (rc == 0)
		region_event(a->r, "image %s is available", a->image_id);
	/* Asked for with the same token, it would be given back though it is not there. */
	if (rc == AWSQ_ENOTFOUND)
		state_forget_tokens(a->r->fleet->state_dir, a->r->name);
	awsq_ec2_free_images(&w.images);
	return rc;
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

	/*
	 * Asked for with its token, a copy that has failed would be given back; and once it is
	 * gone, there is nothing to tell the next run, if this one is killed, that it had failed.
	 */
	if (action->renews)
		state_forget_tokens(a->r->fleet->state_dir, a->r->name);
	awsq_ec2_deregister_image(&call, &deleted, action->id);
	rc = region_call(a->r, &call, err);
	if (rc != 0 && apply_is_gone(err))
		rc = 0;
	if (rc == 0) {
		region_event(a->r, "%s: done", action->what);
		rc = delete_rest(a, &deleted, err);
	} else {
		apply_explain(a, action, rc, err);
	}
	awsq_ec2_free_deleted_snapshots(&deleted);
	return rc;
}
