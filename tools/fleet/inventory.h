/*
 * inventory.h: all that a region has of the fleet, thing by thing, and the space it takes. Pure.
 *
 * The things are those that plan_teardown removes, with what goes along: the volumes of terminated
 * instances, the snapshots of deregistered images. Each is judged by its own name and tags, however
 * it came to be observed.
 */
#ifndef FLEET_INVENTORY_H
#define FLEET_INVENTORY_H

#include <stddef.h>
#include <stdint.h>

#include "fleet/observed.h"
#include "fleet/plan.h"

enum item_kind { ITEM_INSTANCE, ITEM_VOLUME, ITEM_IMAGE, ITEM_SNAPSHOT, ITEM_KEY_PAIR, ITEM_GROUP };

struct item {
	enum item_kind kind;
	const char *id;    /* borrowed from what was observed, as are name and state */
	const char *name;  /* NULL: it has none, or it is not known */
	const char *state; /* likewise */
	int64_t gib;       /* that are paid for, of volumes and snapshots; 0 of others */
	char why[200];     /* it is the fleet's */
	char remark[160];  /* what else there is to say; may be "" */
};

struct inventory {
	struct item *items;
	size_t n;
};

/* Where a region stands to the fleet. */
enum place {
	PLACE_HOME,
	PLACE_LISTED, /* in regions.cfg */
	PLACE_STRAY   /* nothing of the fleet should be there */
};

/* Of several regions. */
struct inventory_totals {
	size_t regions_read, regions_unread;
	size_t items, strays; /* strays: those at PLACE_STRAY */
	int64_t volumes_gib, snapshots_gib;
};

/*
 * Lists what o, which was observed in the region of that name, has of c's fleet: ordered by kind,
 * and within a kind as AWS has it. out is freed by inventory_free, after an error too. AWSQ_ENOMEM.
 */
int inventory_take(struct inventory *out, const struct observed *o, const struct config *c,
	const char *region);
void inventory_free(struct inventory *i);

enum place inventory_place(const struct config *c, const char *region);

/* Adds a region that was read. */
void inventory_count(struct inventory_totals *t, const struct inventory *i, enum place place);

/*
 * The first thing that a teardown's plan acts on though the inventory does not have it; NULL when
 * there is none, as should be. Borrowed from the plan.
 */
const char *inventory_lacks(const struct inventory *i, const struct plan *teardown);

/* "instance", "volume", "image", "snapshot", "key pair" or "security group". Static. */
const char *item_kind_word(enum item_kind kind);

/* Whether a thing of this kind takes space that is paid for. */
int item_takes_space(enum item_kind kind);

#endif
