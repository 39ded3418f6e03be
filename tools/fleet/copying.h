/*
 * copying.h: how far the copy of an image is, and how long it will take, by its snapshots.
 */
#ifndef FLEET_COPYING_H
#define FLEET_COPYING_H

#include <stddef.h>
#include <stdint.h>

#include <awsq/ec2.h>

struct copying {
	int64_t since_ms; /* of the first look at which a percentage was known */
	int64_t now_ms;   /* of the last one */
	int first;        /* the percentage at those; -1 while it is not known */
	int percent;
};

void copying_begin(struct copying *c, int64_t now_ms);

/*
 * Takes a look. Of the snapshots only those that the image names count, and large ones for more;
 * while it names none yet (or is NULL), those that are pending: there may be older copies' too.
 */
void copying_look(struct copying *c, const struct awsq_ec2_snapshots *snapshots,
	const struct awsq_ec2_image *image, int64_t now_ms);

/* Writes ", about 3m left", by the pace so far; "" when nothing can be said of it. */
void copying_left(char *out, size_t size, const struct copying *c);

#endif
