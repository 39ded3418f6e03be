/*
 * rotation.h: whose turn it is. From the visits that the ledger tells of follows which regions are
 * due, and which first; nothing else is kept.
 *
 * Each region has a turn every `every`, the turns of n regions being spread evenly: a grid of UTC,
 * on which region i of n has its own at i/n. A visit takes the turn that it comes in; so there is
 * exactly one for each in the long run, however late or early each comes. A turn may come a minute
 * early, and a minute more where the last visit is `every` ago, so that what calls us (cron) may be
 * a little early or late at any phase without a turn being lost.
 *
 * Turns that passed without a visit are a debt, which one visit settles. A visit that fails, since
 * EC2 has no capacity or the instance cannot be used, settles none: the region stays due, ahead of
 * others as it has been due for longer, but is tried again only after a pause, at first of two
 * minutes, then twice as long each time, up to a quarter of `every`, but an hour.
 */
#ifndef RUNS_ROTATION_H
#define RUNS_ROTATION_H

#include <stddef.h>
#include <stdint.h>

#include "runs/ledger.h"

/* All times are wall clock, ms since 1970. */
struct rotation_region {
	const char *name;

	/* What rotation_note gathers. */
	int visited;       /* there is a visit that counts; else the next three mean nothing */
	int64_t last_ms;   /* when the last one began */
	int64_t last_turn; /* the number of the turn it took */
	int failures;      /* tries since then that came to nothing */
	int64_t failed_ms; /* the last of these */
	enum ledger_state why;

	/* What rotation_look finds. */
	int64_t turn_ms; /* when the first turn not visited comes or came; INT64_MIN: no visit */
	int64_t due_ms;  /* due from then on */
	int64_t lent_ms; /* may take another's turn, instead of its own, from then on */
	int64_t debt;    /* turns that have passed since the last visit */
};

struct rotation {
	int64_t every_ms;
	struct rotation_region *regions; /* in the order of their turns */
	size_t n;
};

/* The shortest `every`. */
#define ROTATION_MIN_MS (60 * 1000)

/* Of n regions, whose names are borrowed. AWSQ_ENOMEM. */
int rotation_new(struct rotation *out, const char *const *names, size_t n, int64_t every_ms);
void rotation_free(struct rotation *r);

/*
 * Takes a run into account: the oldest first. Those of other regions, or of after now, or that say
 * nothing of a visit, are passed over. Several that begin within half a minute are one try: those
 * of a region's several instances.
 */
void rotation_note(struct rotation *r, int64_t now_ms, const char *name, enum ledger_state state,
	int64_t asked_ms);

/*
 * Takes up the history behind a visit of region i that began at began_ms and took that turn. Passed
 * over when it cannot have been so on this grid, or lies after now.
 */
void rotation_resume(struct rotation *r, int64_t now_ms, size_t i, int64_t began_ms, int64_t turn);

/* Where the turns of region i begin: turn * every_ms + this. */
int64_t rotation_phase_ms(const struct rotation *r, size_t i);

/*
 * Reads what the ledger has of this rotation (runs of tool) in the place of all that was noted, and
 * leaves there which turns were taken. With account, the ledger is that account's, and the regions
 * "ACCOUNT/..." are read alone. AWSQ_EIO, AWSQ_ENOMEM.
 */
int rotation_read(struct rotation *r, struct ledger *l, const char *account, const char *tool,
	int64_t now_ms, struct awsq_err *err);

/* Finds for each region when it is due. */
void rotation_look(struct rotation *r, int64_t now_ms);

/*
 * After rotation_look: whether a try of region i that comes to nothing gives its turn to another;
 * it does so once in a turn.
 */
int rotation_gives(const struct rotation *r, size_t i, int64_t now_ms);

/*
 * After rotation_look: the region to run next, the one due for longest; n when there is none. Those
 * with a nonzero in passed_over do not count. lent: a turn has come to nothing, so that a region
 * whose own comes within a step of the grid may have it, where none is due.
 */
size_t rotation_next(const struct rotation *r, int64_t now_ms, const unsigned char *passed_over,
	int lent);

#endif
