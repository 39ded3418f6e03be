#include "banned.h"

#include "fleet/copying.h"

#include <awsq/num.h>

#include <inttypes.h>

void copying_begin(struct copying *c, int64_t now_ms)
{
	*c = (struct copying){ now_ms, now_ms, -1, -1 };
}

/* Of "37%"; a snapshot that is completed need not say so. -1: not known. */
static int percent_of(const struct awsq_ec2_snapshot *s)
{
	char digits[8];
	int64_t percent;

	if (s->state && strcmp(s->state, "completed") == 0)
		return 100;
	if (!s->progress)
		return -1;
	(void)snprintf(digits, sizeof(digits), "%.*s", (int)strcspn(s->progress, "%"), s->progress);
	return awsq_parse_int(&percent, digits, 0, 100) == 0 ? (int)percent : -1;
}

static int counts(const struct awsq_ec2_snapshot *s, const struct awsq_ec2_image *image)
{
	int named = 0;

	for (size_t i = 0; image && i < image->n_devices; i++) {
		const char *id = image->devices[i].snapshot_id;

		if (id && s->id && strcmp(id, s->id) == 0)
			return 1;
		named |= id != NULL;
	}
	return !named && s->state && strcmp(s->state, "pending") == 0;
}

void copying_look(struct copying *c, const struct awsq_ec2_snapshots *snapshots,
	const struct awsq_ec2_image *image, int64_t now_ms)
{
	int64_t sum = 0, weight = 0;

	for (size_t i = 0; i < snapshots->n; i++) {
		const struct awsq_ec2_snapshot *s = &snapshots->items[i];
		int64_t size = s->volume_size > 0 ? s->volume_size : 1;
		int percent = percent_of(s);

		if (!counts(s, image))
			continue;
		if (percent < 0)
			return;
		sum += percent * size;
		weight += size;
	}
	if (weight == 0)
		return;
	c->percent = (int)(sum / weight);
	c->now_ms = now_ms;
	if (c->first < 0) {
		c->first = c->percent;
		c->since_ms = now_ms;
	}
}

void copying_left(char *out, size_t size, const struct copying *c)
{
	int64_t done = c->percent - c->first, seconds;

	(void)snprintf(out, size, "%s", "");
	if (c->percent < 0 || done <= 0 || c->percent >= 100)
		return;
	seconds = (c->now_ms - c->since_ms) * (100 - c->percent) / done / 1000;
	if (seconds < 90)
		(void)snprintf(out, size, ", about %" PRId64 "s left", seconds);
	else
		(void)snprintf(out, size, ", about %" PRId64 "m left", (seconds + 30) / 60);
}
