#include "banned.h"

#include "cli/rotate.h"
#include "cli/run_tool.h"
#include "cli/signals.h"
#include "cli/table.h"
#include "fleet/state.h"

#include <awsq/clock.h>

#include <inttypes.h>
#include <pthread.h>

#define TOOL     "rotate-regions"
#define MAX_TEXT ((size_t)1024 * 1024)

struct rotating {
	struct app *app;
	struct rotation *rotation;
	pthread_mutex_t mutex;
	unsigned char *tried;  /* by us: of each region, as the next */
	unsigned char *active; /* just now */
	size_t begun;
	int failed; /* something that is more than one region's affair */
};

/* A region that was chosen, and why. */
struct turn {
	size_t region;
	int gives;            /* should it come to nothing, another may have its turn */
	char reason[160];     /* for the record */
	const char *given_by; /* the region whose turn it is; NULL: its own */
};

/* "13:05", with the day where that is not within half of one. */
static void show_time(char *out, size_t size, int64_t ms, int64_t now)
{
	char iso[AWSQ_TIME_ISO];

	awsq_time_iso(iso, ms / 1000);
	if (ms - now < INT64_C(43200000) && now - ms < INT64_C(43200000))
		(void)snprintf(out, size, "%.5s UTC", iso + 11);
	else
		(void)snprintf(out, size, "%.10s %.5s UTC", iso, iso + 11);
}

static int read_turns(struct rotating *r, int64_t now)
{
	struct awsq_err err = { 0 };

	for (size_t i = 0; i < r->app->n_accounts; i++) {
		const struct account *a = &r->app->accounts[i];

		if (!a->chosen ||
			rotation_read(r->rotation, a->ledger, a->name, TOOL, now, &err) == 0)
			continue;
		screen_error(r->app->screen, a->name, "cannot tell whose turn it is: %s",
			a->ledger ? err.message : a->no_ledger);
		return -1;
	}
	rotation_look(r->rotation, now);
	return 0;
}

/* ---- Choosing */

static void explain(struct turn *turn, const struct rotation_region *region, int64_t now)
{
	char when[40];

	if (region->turn_ms == INT64_MIN) {
		(void)snprintf(turn->reason, sizeof(turn->reason), "its first turn");
	} else {
		show_time(when, sizeof(when), region->turn_ms, now);
		if (turn->given_by)
			(void)snprintf(turn->reason, sizeof(turn->reason),
				"takes the turn of %s, instead of its own at %s", turn->given_by,
				when);
		else if (region->debt > 0)
			(void)snprintf(turn->reason, sizeof(turn->reason),
				"its turn since %s, after which %" PRId64 " passed without it",
				when, region->debt);
		else
			(void)snprintf(turn->reason, sizeof(turn->reason), "its turn of %s", when);
	}
	if (region->failures > 0) {
		size_t len = strlen(turn->reason);

		(void)snprintf(turn->reason + len, sizeof(turn->reason) - len,
			"; tried %d time%s in vain", region->failures,
			region->failures > 1 ? "s" : "");
	}
}

/* The tasks are the rotation's regions, in its order. */
static int is_locked(const struct rotating *r, size_t i)
{
	const struct task *task = &r->app->tasks[i];

	return state_is_locked(task->account->state_dir, task->region);
}

/*
 * Others may have locked the same regions, or those chosen here not have locked theirs yet: both
 * count. Whether there is room for one more.
 */
static int pass_over(const struct rotating *r, unsigned char *passed_over)
{
	size_t busy = 0;

	for (size_t i = 0; i < r->rotation->n; i++) {
		int taken = r->active[i] || is_locked(r, i);

		passed_over[i] = r->tried[i] || taken;
		busy += taken ? 1 : 0;
	}
	return busy < (size_t)r->app->options.parallel;
}

/* With the mutex. given_by: a region's turn is free; NULL: none is. Whether there is a turn. */
static int choose(struct rotating *r, struct turn *turn, const char *given_by)
{
	unsigned char *passed_over = calloc(r->rotation->n, 1);
	int64_t now = awsq_wall_ms();
	int chosen = 0;

	if (!passed_over || (!r->failed && read_turns(r, now) != 0))
		r->failed = 1;
	if (!r->failed && signals_caught() == 0 && pass_over(r, passed_over)) {
		size_t next = rotation_next(r->rotation, now, passed_over, given_by != NULL);

		chosen = next < r->rotation->n;
		if (chosen) {
			const struct rotation_region *region = &r->rotation->regions[next];

			turn->region = next;
			turn->gives = rotation_gives(r->rotation, next, now);
			turn->given_by = region->due_ms > now ? given_by : NULL;
			explain(turn, region, now);
			r->tried[next] = r->active[next] = 1;
			r->begun++;
		}
	}
	free(passed_over);
	return chosen;
}

/* ---- Running */

/* Whether it came to nothing, so that its turn is free. */
static int run_one(struct rotating *r, const struct turn *turn)
{
	struct task *task = &r->app->tasks[turn->region];
	struct run_result result = { 0 };
	struct awsq_err err = { 0 };
	struct region region;

	if (task->account->err.code != 0) {
		task_fail(r->app, task, EXIT_FAILED, &task->account->err);
		return 0;
	}
	if (region_open(&region, &task->account->fleet, task->region, &err) != 0) {
		task_fail(r->app, task, EXIT_FAILED, &err);
		region_close(&region);
		return 0;
	}
	region_event(&region, "%s", turn->reason);
	run_tool_region(r->app, &region, task, &result, TOOL);
	region_close(&region);
	return !result.canceled && (result.no_capacity || result.status == RUN_NOT_RUN);
}

static void *worker(void *arg)
{
	struct rotating *r = arg;
	const char *given_by = NULL;
	struct turn turn;

	for (;;) {
		int chosen, failed;

		pthread_mutex_lock(&r->mutex);
		chosen = choose(r, &turn, given_by);
		pthread_mutex_unlock(&r->mutex);
		if (!chosen)
			return NULL;
		failed = run_one(r, &turn);
		given_by = failed && turn.gives ? r->rotation->regions[turn.region].name : NULL;
		pthread_mutex_lock(&r->mutex);
		r->active[turn.region] = 0;
		pthread_mutex_unlock(&r->mutex);
	}
}

static void work(struct rotating *r)
{
	size_t most = (size_t)r->app->options.parallel, started = 0;
	pthread_t *threads;

	if (most > r->rotation->n)
		most = r->rotation->n;
	threads = calloc(most, sizeof(*threads));
	while (threads && started + 1 < most &&
		pthread_create(&threads[started], NULL, worker, r) == 0)
		started++;
	(void)worker(r);
	while (started > 0)
		(void)pthread_join(threads[--started], NULL);
	free(threads);
}

/* ---- The end */

/* The region that is due next; n when all that is due is at work. */
static size_t next_region(const struct rotation *rotation, const unsigned char *tried)
{
	size_t next = rotation->n;

	for (size_t i = 0; i < rotation->n; i++) {
		if (!(tried && tried[i] && rotation->regions[i].due_ms == INT64_MIN) &&
			(next == rotation->n ||
				rotation->regions[i].due_ms < rotation->regions[next].due_ms))
			next = i;
	}
	return next;
}

static void tell_next(struct rotating *r)
{
	const struct report *report = screen_report(r->app->screen);
	int64_t now = awsq_wall_ms();
	char text[120], when[40];
	int64_t due_ms;
	size_t next;

	if (read_turns(r, now) != 0)
		return;
	next = next_region(r->rotation, r->tried);
	if (next == r->rotation->n)
		return;
	due_ms = r->rotation->regions[next].due_ms;
	if (due_ms <= now) {
		(void)snprintf(text, sizeof(text), "is due, and %s",
			is_locked(r, next) ? "busy: passed over"
					   : "waits for those that are at work");
	} else {
		show_time(when, sizeof(when), due_ms, now);
		(void)snprintf(text, sizeof(text), "is the next to be due, at %s", when);
	}
	report->event(report->arg, r->rotation->regions[next].name, text);
}

static int is_failure(const struct rotating *r, size_t i)
{
	const struct task *task = &r->app->tasks[i];
	const struct rotation_region *region = &r->rotation->regions[i];

	if (task->status == EXIT_OK || task->status == EXIT_BUSY)
		return 0;
	/* For want of capacity it stays due: that is what rotations are for, up to a point. */
	return !(region->failures > 0 && region->why == LEDGER_NO_CAPACITY && region->debt == 0);
}

/* Of all regions, those tried are what the summary is of. */
static void keep_tried(struct rotating *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->rotation->n; i++) {
		if (r->tried[i])
			r->app->tasks[n++] = r->app->tasks[i];
	}
	r->app->n_tasks = n;
}

static int finish(struct rotating *r)
{
	int failed = r->failed;

	tell_next(r);
	for (size_t i = 0; i < r->rotation->n; i++)
		failed |= r->tried[i] && is_failure(r, i);
	keep_tried(r);
	if (r->begun > 1)
		app_summary(r->app, 1);
	return failed ? EXIT_FAILED : EXIT_OK;
}

int rotate_run(struct app *app, struct rotation *rotation)
{
	struct rotating r = {
		.app = app, .rotation = rotation, .mutex = PTHREAD_MUTEX_INITIALIZER
	};
	int status = run_tool_check(app);

	if (status != 0)
		return status;
	/* Whoever has a region has it: neither is that waited for, nor made to end. */
	app->config.job_overlap = CONFIG_OVERLAP_FORBID;
	r.tried = calloc(rotation->n, 1);
	r.active = calloc(rotation->n, 1);
	if (r.tried && r.active) {
		work(&r);
		run_tool_end(app);
		status = finish(&r);
	} else {
		status = EXIT_FAILED;
	}
	free(r.tried);
	free(r.active);
	return status;
}

/* ---- --dry-run */

static void add_row(struct table *table, const struct rotation_region *region, int64_t now)
{
	char last[40] = "", turn[40] = "at once", due[40], missed[24] = "", tries[80] = "";
	char when[40];

	if (region->visited)
		show_time(last, sizeof(last), region->last_ms, now);
	if (region->turn_ms != INT64_MIN)
		show_time(turn, sizeof(turn), region->turn_ms, now);
	show_time(when, sizeof(when), region->due_ms > now ? region->due_ms : now, now);
	(void)snprintf(due, sizeof(due), "%s", region->due_ms > now ? when : "now");
	if (region->debt > 0)
		(void)snprintf(missed, sizeof(missed), "%" PRId64, region->debt);
	if (region->failures > 0)
		(void)snprintf(tries, sizeof(tries), "%d in vain, the last %s", region->failures,
			ledger_state_name(region->why));
	table_add(table, region->name, last, turn, due, missed, tries);
	if (region->due_ms <= now)
		table_paint(table, 3, PAINT_GOOD);
	if (region->debt > 0)
		table_paint(table, 4, PAINT_CARE);
	if (region->failures > 0)
		table_paint(table, 5, PAINT_CARE);
}

int rotate_show(struct app *app, struct rotation *rotation)
{
	struct rotating r = { .app = app, .rotation = rotation };
	struct awsq_buf text = AWSQ_BUF_INIT(MAX_TEXT);
	struct table *table = table_new(6);
	int64_t now = awsq_wall_ms();
	int any = 0;

	if (read_turns(&r, now) != 0) {
		table_free(table);
		return EXIT_FAILED;
	}
	table_add(table, "REGION", "LAST VISIT", "NEXT TURN", "DUE", "MISSED", "TRIES");
	for (size_t i = 0; i < rotation->n; i++) {
		add_row(table, &rotation->regions[i], now);
		any |= rotation->regions[i].due_ms <= now;
	}
	table_show(&text, table, 0, 0);
	table_free(table);
	if (app_print(app, &text, 0) != 0)
		return EXIT_FAILED;
	return any ? EXIT_DIFFERENCES : EXIT_OK;
}
