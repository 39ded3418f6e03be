#include "banned.h"

#include "runs/rotation.h"

#define MINUTE_MS      INT64_C(60000)
#define EARLY_MS       MINUTE_MS       /* how much too early a turn may be taken */
#define ONE_TRY_MS     (MINUTE_MS / 2) /* runs that begin so close belong together */
#define FIRST_PAUSE_MS (2 * MINUTE_MS)
#define MAX_PAUSE_MS   (60 * MINUTE_MS)

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* ---- The grid */

static int64_t early_ms(const struct rotation *r)
{
	return least(EARLY_MS, r->every_ms / 10);
}

/* How much before its own turn a region may take another's: a step of the grid. */
static int64_t lead_ms(const struct rotation *r)
{
	return most(r->n > 1 ? r->every_ms / (int64_t)r->n : 0, 2 * early_ms(r));
}

int64_t rotation_phase_ms(const struct rotation *r, size_t i)
{
	return r->every_ms * (int64_t)i / (int64_t)r->n;
}

/* The number of the turn of region i that ms lies in. */
static int64_t turn_at(const struct rotation *r, size_t i, int64_t ms)
{
	int64_t since = ms - rotation_phase_ms(r, i);
	int64_t turn = since / r->every_ms;

	return since % r->every_ms < 0 ? turn - 1 : turn;
}

static int64_t turn_begin_ms(const struct rotation *r, size_t i, int64_t turn)
{
	return turn * r->every_ms + rotation_phase_ms(r, i);
}

/* ---- History */

int rotation_new(struct rotation *out, const char *const *names, size_t n, int64_t every_ms)
{
	out->every_ms = most(every_ms, ROTATION_MIN_MS);
	out->n = n;
	out->regions = calloc(n ? n : 1, sizeof(*out->regions));
	if (!out->regions)
		return AWSQ_ENOMEM;
	for (size_t i = 0; i < n; i++)
		out->regions[i].name = names[i];
	return 0;
}

void rotation_free(struct rotation *r)
{
	free(r->regions);
	r->regions = NULL;
	r->n = 0;
}

/*
 * A region is never visited for a turn that it has had: what seems to be a second visit in one was
 * for the next, by being early or in another's place, and it cannot have been earlier than that.
 */
static void note_visit(struct rotation *r, size_t i, int64_t ms)
{
	struct rotation_region *region = &r->regions[i];
	int64_t turn = turn_at(r, i, ms + early_ms(r));
	int64_t latest = turn_at(r, i, ms + early_ms(r) + lead_ms(r));

	if (region->visited && ms - region->last_ms < ONE_TRY_MS)
		return;
	if (region->visited && turn <= region->last_turn)
		turn = most(region->last_turn, least(region->last_turn + 1, latest));
	region->visited = 1;
	region->last_ms = ms;
	region->last_turn = turn;
	region->failures = 0;
}

void rotation_resume(struct rotation *r, int64_t now_ms, size_t i, int64_t began_ms, int64_t turn)
{
	struct rotation_region *region = &r->regions[i];

	if (began_ms > now_ms + early_ms(r) ||
		turn > turn_at(r, i, began_ms + early_ms(r) + lead_ms(r)) ||
		turn < turn_at(r, i, began_ms + early_ms(r)))
		return;
	region->visited = 1;
	region->last_ms = began_ms;
	region->last_turn = turn;
	region->failures = 0;
}

static void note_failure(struct rotation_region *region, enum ledger_state why, int64_t ms)
{
	if (region->visited && ms - region->last_ms < ONE_TRY_MS)
		return;
	if (region->failures == 0 || ms - region->failed_ms >= ONE_TRY_MS)
		region->failures++;
	region->failed_ms = ms;
	region->why = why;
}

void rotation_note(struct rotation *r, int64_t now_ms, const char *name, enum ledger_state state,
	int64_t asked_ms)
{
	size_t i = 0;

	while (i < r->n && strcmp(r->regions[i].name, name) != 0)
		i++;
	if (i == r->n || asked_ms > now_ms + early_ms(r))
		return; /* a clock that was wrong must not keep a region from its turns */
	switch (state) {
	case LEDGER_DONE:
	case LEDGER_TIMED_OUT:
	case LEDGER_LOST:
		note_visit(r, i, asked_ms);
		break;
	case LEDGER_NOT_RUN:
	case LEDGER_NO_CAPACITY:
	case LEDGER_REAPED:
		note_failure(&r->regions[i], state, asked_ms);
		break;
	default: /* under way, or left out by someone's wish: neither a visit nor a failure */
		break;
	}
}

/* ---- The present */

static int64_t pause_ms(const struct rotation *r, int failures)
{
	int64_t max = most(least(r->every_ms / 4, MAX_PAUSE_MS), MINUTE_MS);
	int64_t pause = FIRST_PAUSE_MS;

	for (int i = 1; i < failures && pause < max; i++)
		pause *= 2;
	return least(pause, max);
}

static void look_at(struct rotation *r, size_t i, int64_t now_ms)
{
	struct rotation_region *region = &r->regions[i];
	int64_t early = early_ms(r), since_last, again;

	again = region->failures > 0 ? region->failed_ms + pause_ms(r, region->failures)
	                             : INT64_MIN;
	if (!region->visited) {
		region->turn_ms = INT64_MIN;
		region->due_ms = region->lent_ms = again;
		region->debt = 0;
		return;
	}
	region->turn_ms = turn_begin_ms(r, i, region->last_turn + 1);
	region->debt = most(0, turn_at(r, i, now_ms + early) - region->last_turn - 1);
	/* A visit made up late in its turn does not have the next one at its heels. */
	again = most(again, region->last_ms + r->every_ms / 4);
	since_last = most(region->last_ms + r->every_ms - early, region->turn_ms - 2 * early);
	region->due_ms = most(least(region->turn_ms - early, since_last), again);
	region->lent_ms = most(region->turn_ms - early - lead_ms(r), again);
}

void rotation_look(struct rotation *r, int64_t now_ms)
{
	for (size_t i = 0; i < r->n; i++)
		look_at(r, i, now_ms);
}

int rotation_gives(const struct rotation *r, size_t i, int64_t now_ms)
{
	const struct rotation_region *region = &r->regions[i];

	return region->failures == 0 ||
	       turn_at(r, i, region->failed_ms + early_ms(r)) < turn_at(r, i, now_ms + early_ms(r));
}

/* The one with the earliest turn of those that may have it now; n: none. */
static size_t find(const struct rotation *r, int64_t now_ms, const unsigned char *passed_over,
	int lent)
{
	size_t best = r->n;

	for (size_t i = 0; i < r->n; i++) {
		const struct rotation_region *region = &r->regions[i];

		if (passed_over[i] || (lent ? region->lent_ms : region->due_ms) > now_ms)
			continue;
		if (best == r->n || region->turn_ms < r->regions[best].turn_ms)
			best = i;
	}
	return best;
}

size_t rotation_next(const struct rotation *r, int64_t now_ms, const unsigned char *passed_over,
	int lent)
{
	size_t next = find(r, now_ms, passed_over, 0);

	return next == r->n && lent ? find(r, now_ms, passed_over, 1) : next;
}
