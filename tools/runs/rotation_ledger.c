#include "banned.h"

#include "fleet/grow.h"
#include "runs/ledger_turns.h"
#include "runs/rotation.h"

#define DAY_MS INT64_C(86400000)

/* What of a run a rotation is about. */
struct visit {
	size_t region;
	enum ledger_state state;
	int64_t asked_ms;
};

struct reading {
	const struct rotation *rotation;
	const char *account;
	const char *tool;
	struct visit *visits;
	size_t n;
};

/* What the account's ledger calls region i; NULL: it is another account's. */
static const char *own_name(const struct rotation *r, size_t i, const char *account)
{
	const char *name = r->regions[i].name;
	size_t len = account ? strlen(account) : 0;

	if (!account)
		return name;
	return strncmp(name, account, len) == 0 && name[len] == '/' ? name + len + 1 : NULL;
}

static int is_named(const struct rotation *r, size_t i, const char *account, const char *region)
{
	const char *name = own_name(r, i, account);

	return name && strcmp(name, region) == 0;
}

static int keep(void *arg, const struct ledger_run *run)
{
	struct reading *reading = arg;
	const struct rotation *r = reading->rotation;
	struct visit *more;
	size_t i = 0;

	while (i < r->n && !is_named(r, i, reading->account, run->region))
		i++;
	if (i == r->n || strcmp(run->tool, reading->tool) != 0)
		return 0;
	more = grow(reading->visits, reading->n, sizeof(*more));
	if (!more)
		return AWSQ_ENOMEM;
	reading->visits = more;
	reading->visits[reading->n++] = (struct visit){ i, run->state, run->asked_ms };
	return 0;
}

struct resuming {
	struct rotation *rotation;
	const char *account;
	int64_t now_ms;
};

static void resume(void *arg, const struct ledger_turn *turn)
{
	struct resuming *resuming = arg;
	struct rotation *r = resuming->rotation;

	for (size_t i = 0; i < r->n; i++) {
		/* With other regions or another `every`, it was another grid. */
		if (is_named(r, i, resuming->account, turn->region) &&
			turn->every_ms == r->every_ms && turn->phase_ms == rotation_phase_ms(r, i))
			rotation_resume(r, resuming->now_ms, i, turn->began_ms, turn->turn);
	}
}

/* Those not known from there. That this fails costs nothing: the visits are in the ledger too. */
static void leave_turns(const struct rotation *r, struct ledger *l, const char *account,
	const int64_t *known_ms)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct rotation_region *region = &r->regions[i];
		const char *name = own_name(r, i, account);
		struct ledger_turn turn = { .began_ms = region->last_ms,
			.turn = region->last_turn,
			.every_ms = r->every_ms,
			.phase_ms = rotation_phase_ms(r, i) };

		if (!name || !region->visited || region->last_ms == known_ms[i])
			continue;
		(void)snprintf(turn.region, sizeof(turn.region), "%s", name);
		(void)ledger_note_turn(l, &turn, NULL);
	}
}

/* The ledger has the latest first. */
static void replay(struct rotation *r, const struct reading *reading, int64_t now_ms)
{
	for (size_t i = reading->n; i > 0; i--) {
		const struct visit *visit = &reading->visits[i - 1];

		rotation_note(r, now_ms, r->regions[visit->region].name, visit->state,
			visit->asked_ms);
	}
}

int rotation_read(struct rotation *r, struct ledger *l, const char *account, const char *tool,
	int64_t now_ms, struct awsq_err *err)
{
	int64_t past_ms = 20 * r->every_ms > DAY_MS ? 20 * r->every_ms : DAY_MS;
	struct ledger_filter filter = { .since_ms = now_ms - past_ms };
	struct reading reading = { r, account, tool, NULL, 0 };
	struct resuming resuming = { r, account, now_ms };
	int64_t *known_ms = calloc(r->n ? r->n : 1, sizeof(*known_ms));
	int rc = known_ms ? ledger_list(l, &filter, keep, &reading, err) : AWSQ_ENOMEM;

	if (rc == AWSQ_ENOMEM)
		awsq_err_set(err, rc, "out of memory");
	for (size_t i = 0; rc == 0 && i < r->n; i++) {
		if (own_name(r, i, account))
			r->regions[i] = (struct rotation_region){ .name = r->regions[i].name };
	}
	if (rc == 0)
		rc = ledger_turns(l, resume, &resuming, err);
	for (size_t i = 0; rc == 0 && i < r->n; i++)
		known_ms[i] = r->regions[i].visited ? r->regions[i].last_ms : INT64_MIN;
	if (rc == 0) {
		replay(r, &reading, now_ms);
		leave_turns(r, l, account, known_ms);
	}
	free(known_ms);
	free(reading.visits);
	return rc;
}
