/*
 * Whose turn it is: the grid and its tolerance, pauses after failures, turns that are given away,
 * and what is read from a ledger. tests/integration/test_rotation.py has whole weeks.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "runs/ledger_turns.h"
#include "runs/rotation.h"

#include <unistd.h>

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define NOON   (INT64_C(1795608000000)) /* 2026-11-25T12:00:00Z */

static const char *const names[] = { "a-1", "b-1", "c-1", "d-1", "e-1", "f-1" };
static const unsigned char none[6];

static struct rotation rotation_of(size_t n, int64_t every_ms)
{
	struct rotation r;

	assert_int_equal(rotation_new(&r, names, n, every_ms), 0);
	return r;
}

static size_t next_at(struct rotation *r, int64_t now_ms)
{
	rotation_look(r, now_ms);
	return rotation_next(r, now_ms, none, 0);
}

static void visit(struct rotation *r, size_t i, int64_t ms)
{
	rotation_note(r, ms, names[i], LEDGER_DONE, ms);
}

static void test_without_history(void **state)
{
	struct rotation r = rotation_of(3, HOUR);

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(next_at(&r, NOON + 5 * MINUTE), i); /* all at once, in order */
		visit(&r, i, NOON + 5 * MINUTE);
	}
	assert_int_equal(next_at(&r, NOON + 5 * MINUTE), 3);
	rotation_free(&r);
	r = rotation_of(0, HOUR);
	assert_int_equal(next_at(&r, NOON), 0);
	rotation_free(&r);
}

static void test_turns_are_spread(void **state)
{
	struct rotation r = rotation_of(6, 6 * HOUR);

	(void)state;
	for (size_t i = 0; i < 6; i++)
		visit(&r, i, NOON - 6 * HOUR + (int64_t)i * HOUR + MINUTE);
	rotation_look(&r, NOON);
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(r.regions[i].turn_ms, NOON + (int64_t)i * HOUR);
		assert_int_equal(r.regions[i].debt, 0);
	}
	assert_int_equal(next_at(&r, NOON - 2 * MINUTE), 6);
	assert_int_equal(next_at(&r, NOON - 59 * SECOND), 0);
	assert_int_equal(next_at(&r, NOON + 30 * MINUTE), 0);
	visit(&r, 0, NOON + 30 * MINUTE);
	assert_int_equal(next_at(&r, NOON + 59 * MINUTE - SECOND), 6);
	assert_int_equal(next_at(&r, NOON + 59 * MINUTE), 1);
	/* The one due for longest comes first. */
	assert_int_equal(next_at(&r, NOON + 4 * HOUR), 1);
	rotation_free(&r);
}

/* Called hourly, a little early or late, whatever phase that has: a visit each time. */
static void test_jitter(void **state)
{
	static const int64_t jitter_s[] = { 0, -2, 1, 20, -20, 3, 25, -1, -25, 0, 24, -24 };

	(void)state;
	for (size_t n = 1; n <= 6; n++) {
		for (int64_t phase = 0; phase < HOUR; phase += MINUTE / 2) {
			struct rotation r = rotation_of(n, HOUR);

			for (int64_t hour = 0; hour < 48; hour++) {
				int64_t now =
					NOON + phase + hour * HOUR + jitter_s[hour % 12] * SECOND;

				for (size_t i = 0; i < n; i++) {
					size_t next = next_at(&r, now);

					assert_true(next < n);
					visit(&r, next, now);
				}
				assert_int_equal(next_at(&r, now), n);
			}
			rotation_free(&r);
		}
	}
}

/* Looked at each second, a region has as many visits as turns, and each a little before it. */
static void test_exact_rate(void **state)
{
	static const unsigned char passed_over[2] = { 0, 1 };
	struct rotation r = rotation_of(2, HOUR);
	int64_t visits = 0;

	(void)state;
	visit(&r, 0, NOON);
	for (int64_t now = NOON; now < NOON + 100 * HOUR; now += SECOND) {
		rotation_look(&r, now);
		if (rotation_next(&r, now, passed_over, 0) != 0)
			continue;
		assert_true(r.regions[0].turn_ms - now <= 2 * MINUTE);
		assert_true(now - r.regions[0].turn_ms <= SECOND);
		visit(&r, 0, now);
		visits++;
	}
	assert_int_equal(visits, 100); /* those at 1:00, ... 100:00, a moment early */
	rotation_free(&r);
}

static void test_debt_is_settled_once(void **state)
{
	struct rotation r = rotation_of(2, HOUR);
	int64_t back = NOON + 10 * HOUR + 50 * MINUTE;

	(void)state;
	visit(&r, 0, NOON + MINUTE);
	visit(&r, 1, NOON + 31 * MINUTE);
	assert_int_equal(next_at(&r, back), 0);
	assert_int_equal(r.regions[0].debt, 9); /* of the turns at 1:00 to 9:00; 10:00 is now */
	assert_int_equal(r.regions[1].debt, 9);
	visit(&r, 0, back);
	visit(&r, 1, back);
	/* The next one is not at its heels: a quarter of an hour later. */
	assert_int_equal(next_at(&r, back + 10 * MINUTE), 2);
	assert_int_equal(next_at(&r, back + 15 * MINUTE - SECOND), 2);
	assert_int_equal(next_at(&r, back + 15 * MINUTE), 0);
	assert_int_equal(r.regions[0].debt, 0);
	rotation_free(&r);
}

static void test_pauses(void **state)
{
	static const int64_t minutes[] = { 2, 4, 8, 16, 32, 60, 60, 60 };
	struct rotation r = rotation_of(1, 6 * HOUR);
	int64_t now = NOON + MINUTE;

	(void)state;
	visit(&r, 0, NOON - 6 * HOUR);
	for (size_t i = 0; i < 8; i++) {
		assert_int_equal(next_at(&r, now), 0);
		rotation_note(&r, now, "a-1", i % 2 ? LEDGER_NO_CAPACITY : LEDGER_NOT_RUN, now);
		assert_int_equal(r.regions[0].failures, i + 1);
		assert_int_equal(next_at(&r, now + minutes[i] * MINUTE - SECOND), 1);
		now += minutes[i] * MINUTE;
	}
	assert_int_equal(next_at(&r, now), 0);
	visit(&r, 0, now);
	assert_int_equal(r.regions[0].failures, 0);
	rotation_free(&r);
	/* Never longer than a quarter of the time. */
	r = rotation_of(1, HOUR);
	for (int i = 0; i < 9; i++)
		rotation_note(&r, NOON, "a-1", LEDGER_NOT_RUN, NOON - 10 * HOUR + i * HOUR);
	rotation_note(&r, NOON, "a-1", LEDGER_NOT_RUN, NOON);
	assert_int_equal(next_at(&r, NOON + 15 * MINUTE - SECOND), 1);
	assert_int_equal(next_at(&r, NOON + 15 * MINUTE), 0);
	rotation_free(&r);
}

static void test_what_counts(void **state)
{
	static const struct {
		enum ledger_state state;
		int counts, fails;
	} cases[] = { { LEDGER_OPEN, 0, 0 }, { LEDGER_DONE, 1, 0 }, { LEDGER_TIMED_OUT, 1, 0 },
		{ LEDGER_CANCELED, 0, 0 }, { LEDGER_NOT_RUN, 0, 1 }, { LEDGER_NO_CAPACITY, 0, 1 },
		{ LEDGER_BUSY, 0, 0 }, { LEDGER_SKIPPED, 0, 0 }, { LEDGER_LOST, 1, 0 },
		{ LEDGER_REAPED, 0, 1 } };

	(void)state;
	assert_int_equal(sizeof(cases) / sizeof(cases[0]), LEDGER_STATES);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rotation r = rotation_of(1, HOUR);

		rotation_note(&r, NOON, "b-1", cases[i].state, NOON); /* another's */
		assert_false(r.regions[0].visited);
		rotation_note(&r, NOON, "a-1", cases[i].state, NOON);
		assert_int_equal(r.regions[0].visited, cases[i].counts);
		assert_int_equal(r.regions[0].failures, cases[i].fails);
		rotation_free(&r);
	}
}

/* Several instances of a region make one visit, or one failure. */
static void test_instances_of_one_region(void **state)
{
	struct rotation r = rotation_of(1, HOUR);

	(void)state;
	for (int i = 0; i < 3; i++)
		rotation_note(&r, NOON, "a-1", LEDGER_NO_CAPACITY, NOON - DAY + i * SECOND);
	assert_int_equal(r.regions[0].failures, 1);
	for (int i = 0; i < 3; i++)
		rotation_note(&r, NOON, "a-1", i ? LEDGER_DONE : LEDGER_NOT_RUN,
			NOON + MINUTE / 2 + i * SECOND);
	rotation_note(&r, NOON + HOUR, "a-1", LEDGER_NO_CAPACITY, NOON + MINUTE / 2 + 9 * SECOND);
	assert_int_equal(r.regions[0].failures, 0);
	rotation_look(&r, NOON + 2 * MINUTE);
	assert_int_equal(r.regions[0].turn_ms, NOON + HOUR);
	rotation_free(&r);
}

/* A clock that was years ahead does not keep a region from its turns. */
static void test_clock_that_was_wrong(void **state)
{
	struct rotation r = rotation_of(1, HOUR);

	(void)state;
	visit(&r, 0, NOON - HOUR);
	rotation_note(&r, NOON, "a-1", LEDGER_DONE, NOON + 1000 * DAY);
	assert_int_equal(r.regions[0].last_ms, NOON - HOUR);
	rotation_resume(&r, NOON, 0, NOON + 1000 * DAY, (NOON + 1000 * DAY) / HOUR);
	assert_int_equal(r.regions[0].last_ms, NOON - HOUR);
	assert_int_equal(next_at(&r, NOON), 0);
	rotation_free(&r);
}

static void test_turn_given_away(void **state)
{
	struct rotation r = rotation_of(6, 6 * HOUR);
	unsigned char passed_over[6] = { 1 };

	(void)state;
	for (size_t i = 0; i < 6; i++)
		visit(&r, i, NOON - 6 * HOUR + (int64_t)i * HOUR + MINUTE);
	assert_int_equal(next_at(&r, NOON), 0);
	assert_true(rotation_gives(&r, 0, NOON));
	rotation_note(&r, NOON, "a-1", LEDGER_NO_CAPACITY, NOON);
	rotation_look(&r, NOON + 5 * SECOND);
	/* To the one whose turn is next; to none further, and only when it is lent. */
	assert_int_equal(rotation_next(&r, NOON + 5 * SECOND, passed_over, 0), 6);
	assert_int_equal(rotation_next(&r, NOON + 5 * SECOND, passed_over, 1), 1);
	visit(&r, 1, NOON + 5 * SECOND);
	rotation_look(&r, NOON + MINUTE / 2);
	assert_int_equal(rotation_next(&r, NOON + MINUTE / 2, passed_over, 1), 6);
	/* That was its visit for one o'clock; the first region has that hour, ahead of all. */
	assert_int_equal(r.regions[1].turn_ms, NOON + 7 * HOUR);
	assert_int_equal(next_at(&r, NOON + HOUR), 0);
	assert_int_equal(next_at(&r, NOON + 2 * HOUR), 0);
	/* In the same turn it gives nothing more; in the next one it does, once. */
	assert_false(rotation_gives(&r, 0, NOON + HOUR));
	rotation_note(&r, NOON + HOUR, "a-1", LEDGER_NO_CAPACITY, NOON + HOUR);
	assert_false(rotation_gives(&r, 0, NOON + 5 * HOUR));
	assert_true(rotation_gives(&r, 0, NOON + 6 * HOUR));
	rotation_free(&r);
}

/* ---- The ledger */

static struct ledger *open_ledger(char *folder)
{
	struct awsq_err err;
	struct ledger *l;
	char note[256];

	assert_non_null(mkdtemp(folder));
	assert_int_equal(ledger_open(&l, folder, note, sizeof(note), &err), 0);
	return l;
}

static void remove_ledger(struct ledger *l, const char *folder)
{
	static const char *const files[] = { "ledger.sqlite", "ledger.sqlite-wal",
		"ledger.sqlite-shm", "ledger.lock" };
	char path[256];

	ledger_close(l);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", folder, files[i]);
		(void)unlink(path);
	}
	assert_int_equal(rmdir(folder), 0);
}

static void add_run(struct ledger *l, const char *tool, const char *region, int64_t asked_ms)
{
	struct ledger_run run = { .state = LEDGER_DONE, .closed = 1, .asked_ms = asked_ms };
	struct awsq_err err;

	assert_int_equal(ledger_new_id(run.id, asked_ms), 0);
	(void)snprintf(run.tool, sizeof(run.tool), "%s", tool);
	(void)snprintf(run.region, sizeof(run.region), "%s", region);
	assert_int_equal(ledger_begin(l, &run, &err), 0);
}

static void keep_turn(void *arg, const struct ledger_turn *turn)
{
	struct ledger_turn *out = arg;

	if (strcmp(turn->region, "a-1") == 0)
		*out = *turn;
}

static void test_ledger(void **state)
{
	char folder[] = "/tmp/test_rotation.XXXXXX";
	struct ledger *l = open_ledger(folder);
	struct rotation r = rotation_of(2, HOUR);
	struct ledger_turn turn = { .turn = -1 };
	struct awsq_err err;

	(void)state;
	assert_int_equal(rotation_read(&r, l, NULL, "rotate-regions", NOON, &err), 0);
	assert_false(r.regions[0].visited);
	assert_int_equal(ledger_turns(l, keep_turn, &turn, &err), 0);
	assert_int_equal(turn.turn, -1);
	add_run(l, "rotate-regions", "a-1", NOON - 2 * HOUR);
	add_run(l, "rotate-regions", "a-1", NOON - HOUR);
	add_run(l, "run-region", "a-1", NOON);                /* someone's own */
	add_run(l, "rotate-regions", "z-1", NOON);            /* not of this rotation */
	add_run(l, "rotate-regions", "b-1", NOON - 30 * DAY); /* long ago */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(rotation_read(&r, l, NULL, "rotate-regions", NOON, &err), 0);
		assert_int_equal(r.regions[0].last_ms, NOON - HOUR);
		assert_int_equal(r.regions[0].last_turn, NOON / HOUR - 1);
		assert_false(r.regions[1].visited);
	}
	assert_int_equal(ledger_turns(l, keep_turn, &turn, &err), 0);
	assert_int_equal(turn.began_ms, NOON - HOUR);
	assert_int_equal(turn.turn, NOON / HOUR - 1);
	assert_int_equal(turn.every_ms, HOUR);
	rotation_free(&r);
	remove_ledger(l, folder);
}

/* A visit that took its turn early is known as that, long after those before it are forgotten. */
static void test_turns_in_the_ledger(void **state)
{
	char folder[] = "/tmp/test_rotation.XXXXXX";
	struct ledger *l = open_ledger(folder);
	struct rotation r = rotation_of(2, HOUR);
	struct ledger_turn turn = { "b-1", NOON + 20 * MINUTE, NOON / HOUR, HOUR, HOUR / 2 };
	struct awsq_err err;

	(void)state;
	assert_int_equal(ledger_note_turn(l, &turn, &err), 0);
	turn.began_ms -= HOUR; /* late to come, and of an earlier visit */
	turn.turn -= 1;
	assert_int_equal(ledger_note_turn(l, &turn, &err), 0);
	assert_int_equal(rotation_read(&r, l, NULL, "rotate-regions", NOON + 30 * MINUTE, &err), 0);
	assert_int_equal(next_at(&r, NOON + 30 * MINUTE), 0);
	assert_true(r.regions[1].visited);
	assert_int_equal(r.regions[1].turn_ms, NOON + 90 * MINUTE);
	rotation_free(&r);
	/* On another grid it says nothing. */
	r = rotation_of(2, 2 * HOUR);
	assert_int_equal(rotation_read(&r, l, NULL, "rotate-regions", NOON + 30 * MINUTE, &err), 0);
	assert_false(r.regions[1].visited);
	rotation_free(&r);
	r = rotation_of(3, HOUR);
	assert_int_equal(rotation_read(&r, l, NULL, "rotate-regions", NOON + 30 * MINUTE, &err), 0);
	assert_false(r.regions[1].visited);
	rotation_free(&r);
	remove_ledger(l, folder);
}

static void test_without_a_ledger(void **state)
{
	struct rotation r = rotation_of(1, HOUR);
	struct awsq_err err;

	(void)state;
	visit(&r, 0, NOON);
	assert_int_equal(rotation_read(&r, NULL, NULL, "rotate-regions", NOON, &err), AWSQ_EIO);
	assert_true(r.regions[0].visited); /* what was known stays so */
	rotation_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_history),
		cmocka_unit_test(test_turns_are_spread),
		cmocka_unit_test(test_jitter),
		cmocka_unit_test(test_exact_rate),
		cmocka_unit_test(test_debt_is_settled_once),
		cmocka_unit_test(test_pauses),
		cmocka_unit_test(test_what_counts),
		cmocka_unit_test(test_instances_of_one_region),
		cmocka_unit_test(test_clock_that_was_wrong),
		cmocka_unit_test(test_turn_given_away),
		cmocka_unit_test(test_ledger),
		cmocka_unit_test(test_turns_in_the_ledger),
		cmocka_unit_test(test_without_a_ledger),
	};

	return cmocka_run_group_tests_name("rotation", tests, NULL, NULL);
}
