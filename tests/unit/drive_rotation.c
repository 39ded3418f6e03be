/*
 * drive_rotation SEED REGIONS PARALLEL CRON EVERY DAYS [FOLDER]: simulates DAYS of rotate-regions,
 * called every CRON minutes, for tests/integration/test_rotate.py. EVERY is in minutes.
 *
 * Time is the simulation's own, and so are jobs (of 1 to 40 minutes), cron's jitter, regions
 * without capacity or without SSH, hours without any network, hours without this machine, and
 * kills. Whose turn it is, is decided by the real rotation.c, from a history in memory, or by way
 * of a real ledger in FOLDER. Prints a line for each thing that happens, and at the end a table,
 * behind "#".
 */
#include "banned.h"

#include "runs/rotation.h"

#include <awsq/num.h>

#include <inttypes.h>

#define MINUTE      INT64_C(60000)
#define HOUR        (60 * MINUTE)
#define DAY         (24 * HOUR)
#define BEGIN       INT64_C(1795392433000) /* 2026-11-22T23:27:13Z */
#define MAX_REGIONS 64
#define MAX_WINDOWS 64
#define TOOL        "rotate-regions"

enum trouble { NO_CAPACITY, NO_SSH, NO_NETWORK, MACHINE_OFF };

struct window {
	enum trouble trouble;
	size_t region; /* of the first two */
	int64_t from, to;
};

struct invocation {
	int64_t killed_at; /* INT64_MAX: never */
	int alive;
	unsigned char tried[MAX_REGIONS];
};

/* A run under way. */
struct flight {
	struct invocation *invocation;
	size_t region, row;
	enum ledger_state outcome;
	int gives; /* its turn, should it fail */
	int64_t end;
};

struct sim {
	uint64_t random;
	size_t n, parallel;
	int64_t cron_ms, now, end;
	char names[MAX_REGIONS][32];
	struct rotation rotation;
	struct window windows[MAX_WINDOWS];
	size_t n_windows;
	struct ledger_run *rows; /* the history */
	size_t n_rows, room;
	struct flight flights[MAX_REGIONS];
	size_t n_flights;
	struct ledger *ledger; /* NULL: the history alone */
	int64_t visits[MAX_REGIONS], failures[MAX_REGIONS], last[MAX_REGIONS], gap[MAX_REGIONS],
		lent, most_debt[MAX_REGIONS];
};

static void die(const char *why)
{
	(void)fprintf(stderr, "drive_rotation: %s\n", why);
	exit(2);
}

/* ---- Chance: splitmix64 */

static int64_t chance(struct sim *s, int64_t from, int64_t to)
{
	uint64_t z = (s->random += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	z ^= z >> 31;
	return from + (int64_t)(z % (uint64_t)(to - from + 1));
}

static void add_window(struct sim *s, enum trouble trouble, size_t region, int64_t from, int64_t ms)
{
	static const char *const words[] = { "no-capacity", "no-ssh", "no-network", "machine-off" };

	if (s->n_windows == MAX_WINDOWS)
		die("too many troubles");
	s->windows[s->n_windows++] = (struct window){ trouble, region, from, from + ms };
	printf("trouble %s %s %" PRId64 " %" PRId64 "\n", words[trouble],
		trouble <= NO_SSH ? s->names[region] : "-", from - BEGIN, from + ms - BEGIN);
}

/* One region is without capacity for days; the others' troubles and those of all are of hours. */
static void make_troubles(struct sim *s)
{
	int64_t days = (s->end - BEGIN) / DAY;

	add_window(s, NO_CAPACITY, s->n - 1, BEGIN + chance(s, DAY / 2, DAY), (days - 3) * DAY);
	for (size_t i = 0; i + 1 < s->n; i += 3) {
		for (int k = 0; k < 2; k++)
			add_window(s, k ? NO_SSH : NO_CAPACITY, i,
				chance(s, BEGIN + k * days * DAY / 2,
					BEGIN + (k + 1) * days * DAY / 2 - DAY),
				chance(s, HOUR, 20 * HOUR));
	}
	add_window(s, NO_NETWORK, 0, BEGIN + chance(s, DAY, 2 * DAY),
		chance(s, 2 * HOUR, 9 * HOUR));
	add_window(s, MACHINE_OFF, 0, BEGIN + chance(s, 4 * DAY, 5 * DAY),
		chance(s, 2 * HOUR, 9 * HOUR));
}

static int has_trouble(const struct sim *s, enum trouble trouble, size_t region)
{
	for (size_t i = 0; i < s->n_windows; i++) {
		const struct window *w = &s->windows[i];

		if (w->trouble == trouble && (trouble > NO_SSH || w->region == region) &&
			s->now >= w->from && s->now < w->to)
			return 1;
	}
	return 0;
}

/* ---- History */

static void write_row(struct sim *s, size_t i, int begin)
{
	struct awsq_err err = { 0 };

	if (s->ledger && (begin ? ledger_begin(s->ledger, &s->rows[i], &err)
				: ledger_update(s->ledger, &s->rows[i], &err)) != 0)
		die(err.message);
}

static size_t add_row(struct sim *s, size_t region)
{
	struct ledger_run *row;

	if (s->n_rows == s->room) {
		s->room = s->room ? 2 * s->room : 1024;
		s->rows = realloc(s->rows, s->room * sizeof(*s->rows));
		if (!s->rows)
			die("out of memory");
	}
	row = &s->rows[s->n_rows];
	memset(row, 0, sizeof(*row));
	(void)snprintf(row->id, sizeof(row->id), "20261122-000000-%08zx", s->n_rows);
	(void)snprintf(row->tool, sizeof(row->tool), TOOL);
	(void)snprintf(row->region, sizeof(row->region), "%s", s->names[region]);
	row->asked_ms = s->now;
	row->status = -1;
	write_row(s, s->n_rows, 1);
	return s->n_rows++;
}

static void close_row(struct sim *s, size_t i, enum ledger_state state)
{
	s->rows[i].state = state;
	s->rows[i].closed = 1;
	write_row(s, i, 0);
}

static void read_history(struct sim *s)
{
	struct rotation *r = &s->rotation;
	struct awsq_err err = { 0 };

	if (s->ledger) {
		if (rotation_read(r, s->ledger, NULL, TOOL, s->now, &err) != 0)
			die(err.message);
		return;
	}
	for (size_t i = 0; i < r->n; i++)
		r->regions[i] = (struct rotation_region){ .name = r->regions[i].name };
	for (size_t i = 0; i < s->n_rows; i++)
		rotation_note(r, s->now, s->rows[i].region, s->rows[i].state, s->rows[i].asked_ms);
}

/* ---- What happens */

static int is_failure(enum ledger_state state)
{
	return state == LEDGER_NO_CAPACITY || state == LEDGER_NOT_RUN;
}

static enum ledger_state run(struct sim *s, size_t region, int64_t *ms)
{
	if (has_trouble(s, NO_NETWORK, region)) {
		*ms = chance(s, 5000, 95000);
		return LEDGER_NOT_RUN;
	}
	if (has_trouble(s, NO_CAPACITY, region)) {
		*ms = chance(s, 2000, 20000);
		return LEDGER_NO_CAPACITY;
	}
	if (has_trouble(s, NO_SSH, region)) {
		*ms = chance(s, 180000, 260000);
		return LEDGER_NOT_RUN;
	}
	*ms = chance(s, MINUTE, 40 * MINUTE) + chance(s, 40000, 70000);
	return chance(s, 0, 19) == 0 ? LEDGER_TIMED_OUT : LEDGER_DONE;
}

static void take_off(struct sim *s, struct invocation *invocation, size_t region)
{
	struct flight *f = &s->flights[s->n_flights++];
	const struct rotation_region *r = &s->rotation.regions[region];
	int64_t ms;

	invocation->tried[region] = 1;
	s->lent += r->due_ms > s->now;
	if (r->debt > s->most_debt[region])
		s->most_debt[region] = r->debt;
	f->invocation = invocation;
	f->region = region;
	f->gives = rotation_gives(&s->rotation, region, s->now);
	f->row = add_row(s, region);
	f->outcome = run(s, region, &ms);
	f->end = s->now + ms;
	if (is_failure(f->outcome)) {
		s->failures[region]++;
		printf("failure %s %" PRId64 "\n", s->names[region], s->now - BEGIN);
	}
}

/* As each of rotate-regions's threads does when it has nothing to do. */
static void choose(struct sim *s, struct invocation *invocation, int lent)
{
	unsigned char passed_over[MAX_REGIONS];
	size_t next;

	memcpy(passed_over, invocation->tried, sizeof(passed_over));
	for (size_t i = 0; i < s->n_flights; i++)
		passed_over[s->flights[i].region] = 1; /* locked */
	if (s->n_flights >= s->parallel)
		return;
	read_history(s);
	rotation_look(&s->rotation, s->now);
	next = rotation_next(&s->rotation, s->now, passed_over, lent);
	if (next < s->n)
		take_off(s, invocation, next);
}

static void land(struct sim *s, size_t i)
{
	struct flight f = s->flights[i];
	int64_t begun = s->rows[f.row].asked_ms;

	s->flights[i] = s->flights[--s->n_flights];
	close_row(s, f.row, f.outcome);
	if (!is_failure(f.outcome)) {
		printf("visit %s %" PRId64 " %" PRId64 "\n", s->names[f.region], begun - BEGIN,
			s->now - BEGIN);
		if (s->visits[f.region]++ > 0 && begun - s->last[f.region] > s->gap[f.region])
			s->gap[f.region] = begun - s->last[f.region];
		s->last[f.region] = begun;
	}
	choose(s, f.invocation, f.gives && is_failure(f.outcome));
}

/* Its runs are found by the next invocation; here, at once. */
static void kill_invocation(struct sim *s, struct invocation *invocation)
{
	invocation->alive = 0;
	for (size_t i = s->n_flights; i > 0; i--) {
		struct flight *f = &s->flights[i - 1];

		if (f->invocation != invocation)
			continue;
		printf("killed %s %" PRId64 " %" PRId64 "\n", s->names[f->region],
			s->rows[f->row].asked_ms - BEGIN, s->now - BEGIN);
		close_row(s, f->row, LEDGER_REAPED);
		*f = s->flights[--s->n_flights];
	}
}

static void invoke(struct sim *s, struct invocation *invocation)
{
	invocation->alive = 1;
	invocation->killed_at = chance(s, 0, 59) == 0 ? s->now + chance(s, 1000, HOUR) : INT64_MAX;
	for (size_t i = 0; i < s->parallel; i++)
		choose(s, invocation, 0);
}

/* The flight that ends first; n_flights without any. */
static size_t first_flight(const struct sim *s)
{
	size_t first = 0;

	for (size_t i = 1; i < s->n_flights; i++) {
		if (s->flights[i].end < s->flights[first].end)
			first = i;
	}
	return first;
}

static void simulate(struct sim *s)
{
	size_t n_calls = (size_t)((s->end - BEGIN) / s->cron_ms) + 1, call = 0, oldest = 0;
	struct invocation *calls = calloc(n_calls, sizeof(*calls));
	int64_t offset = chance(s, 0, s->cron_ms / MINUTE - 1) * MINUTE;
	int64_t next_call = BEGIN + offset;

	if (!calls)
		die("out of memory");
	while (s->now < s->end) {
		size_t flight = first_flight(s), killed = n_calls;
		int64_t at = next_call;

		if (s->n_flights > 0 && s->flights[flight].end < at)
			at = s->flights[flight].end;
		for (size_t i = oldest; i < call; i++) {
			if (calls[i].alive && calls[i].killed_at <= at) {
				at = calls[i].killed_at;
				killed = i;
			}
		}
		s->now = at > s->now ? at : s->now;
		if (killed < n_calls) {
			kill_invocation(s, &calls[killed]);
		} else if (s->n_flights > 0 && at == s->flights[flight].end) {
			land(s, flight);
		} else if (call == n_calls) {
			break;
		} else {
			if (!has_trouble(s, MACHINE_OFF, 0))
				invoke(s, &calls[call]);
			call++;
			oldest = call > 50 ? call - 50 : 0;
			next_call = BEGIN + offset + (int64_t)call * s->cron_ms +
			            chance(s, -3000, 25000);
		}
	}
	free(calls);
}

static void print_table(const struct sim *s)
{
	printf("#%-16s %7s %9s %12s %9s %5s\n", "region", "visits", "expected", "longest gap",
		"failures", "debt");
	for (size_t i = 0; i < s->n; i++)
		printf("#%-16s %7" PRId64 " %9.1f %10.1f h %9" PRId64 " %5" PRId64 "\n",
			s->names[i], s->visits[i],
			(double)(s->end - BEGIN) / (double)s->rotation.every_ms,
			(double)s->gap[i] / (double)HOUR, s->failures[i], s->most_debt[i]);
	printf("#%" PRId64 " visits in another's turn\n", s->lent);
}

static int64_t number(const char *text, int64_t min, int64_t max)
{
	int64_t value;

	if (awsq_parse_int(&value, text, min, max) != 0)
		die("an argument is no number, or out of range");
	return value;
}

int main(int argc, char **argv)
{
	static struct sim sim;
	struct sim *s = &sim;
	const char *names[MAX_REGIONS];
	struct awsq_err err = { 0 };
	char note[256];

	if (argc < 7)
		die("usage: drive_rotation SEED REGIONS PARALLEL CRON EVERY DAYS [FOLDER]");
	s->random = (uint64_t)number(argv[1], 0, INT32_MAX);
	s->n = (size_t)number(argv[2], 1, MAX_REGIONS);
	s->parallel = (size_t)number(argv[3], 1, MAX_REGIONS);
	s->cron_ms = number(argv[4], 1, 1440) * MINUTE;
	s->now = BEGIN;
	s->end = BEGIN + number(argv[6], 7, 100) * DAY;
	if (argc > 7 && ledger_open(&s->ledger, argv[7], note, sizeof(note), &err) != 0)
		die(err.message);
	for (size_t i = 0; i < s->n; i++) {
		(void)snprintf(s->names[i], sizeof(s->names[i]), "region-%zu", i);
		names[i] = s->names[i];
	}
	if (rotation_new(&s->rotation, names, s->n, number(argv[5], 1, 10080) * MINUTE) != 0)
		die("out of memory");
	make_troubles(s);
	simulate(s);
	print_table(s);
	rotation_free(&s->rotation);
	ledger_close(s->ledger);
	free(s->rows);
	return 0;
}
