/*
 * The ledger: what is written is read, the filters, the sums, and what is not a usable ledger.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <glob.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runs/ledger.h"

#define T0 INT64_C(1795324552000) /* 2026-11-22T05:15:52Z */

static char dir[64];

static int make_dir(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/test_ledger.XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	char command[128];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command) == 0 ? 0 : -1;
}

static struct ledger *must_open(void)
{
	struct ledger *l = NULL;
	struct awsq_err err = { 0 };
	char note[512] = "x";

	assert_int_equal(ledger_open(&l, dir, note, sizeof(note), &err), 0);
	assert_string_equal(note, "");
	assert_non_null(l);
	return l;
}

static struct ledger_run a_run(const char *region, int64_t asked_ms)
{
	struct ledger_run run = { 0 };

	assert_int_equal(ledger_new_id(run.id, asked_ms), 0);
	(void)snprintf(run.region, sizeof(run.region), "%s", region);
	(void)snprintf(run.tool, sizeof(run.tool), "run-region");
	run.asked_ms = asked_ms;
	run.status = -1;
	return run;
}

static struct ledger_run begin(struct ledger *l, const char *region, int64_t asked_ms)
{
	struct ledger_run run = a_run(region, asked_ms);
	struct awsq_err err = { 0 };

	assert_int_equal(ledger_begin(l, &run, &err), 0);
	return run;
}

/* ---- Names and numbers */

static void test_names(void **state)
{
	(void)state;
	for (int i = 0; i < LEDGER_STATES; i++)
		assert_int_equal(ledger_state_of(ledger_state_name((enum ledger_state)i)), i);
	assert_string_equal(ledger_state_name(LEDGER_TIMED_OUT), "timed-out");
	assert_int_equal(ledger_state_of("running"), -1);
	assert_int_equal(ledger_state_of(""), -1);
}

static void test_ids(void **state)
{
	char a[LEDGER_ID_SIZE], b[LEDGER_ID_SIZE], later[LEDGER_ID_SIZE];

	(void)state;
	assert_int_equal(ledger_new_id(a, T0), 0);
	assert_int_equal(ledger_new_id(b, T0 + 999), 0);
	assert_int_equal(ledger_new_id(later, T0 + 1000), 0);
	assert_memory_equal(a, "20261122-051552-", 16);
	assert_memory_equal(b, a, 16);
	assert_string_not_equal(a, b);
	assert_true(strcmp(a, later) < 0);
	assert_int_equal(strspn(a, "0123456789abcdef-"), 24);
	assert_int_equal(strlen(a), 24);
}

static void test_billed(void **state)
{
	(void)state;
	assert_int_equal(ledger_billed(T0, T0 + 61000), 61);
	assert_int_equal(ledger_billed(T0, T0 + 61001), 62);
	assert_int_equal(ledger_billed(T0, T0 + 60000), 60);
	assert_int_equal(ledger_billed(T0, T0 + 1), 60);
	assert_int_equal(ledger_billed(T0, T0), 60);
	assert_int_equal(ledger_billed(T0, T0 - 5000), 60); /* the clock was put back */
	assert_int_equal(ledger_billed(0, T0), 0);
	assert_int_equal(ledger_billed(T0, 0), 0);
}

/* ---- Rows */

/* Every byte of it is told from every other field's, as far as its type allows. */
static struct ledger_run full_run(void)
{
	struct ledger_run run = a_run("eu-west-3", T0);
	int64_t *times[] = { &run.started_ms, &run.running_ms, &run.ssh_ms, &run.job_start_ms,
		&run.job_end_ms, &run.stop_ms, &run.stopped_ms, &run.overdue_ms, &run.launch_ms,
		&run.billed_s };
	int *numbers[] = { &run.owns, &run.attempts, &run.status, &run.suspicious, &run.left_on,
		&run.closed };

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		*times[i] = T0 + 1 + (int64_t)i;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		*numbers[i] = 1 + (int)i;
	run.bytes_out = UINT64_C(9000000000);
	run.bytes_err = UINT64_MAX;
	run.state = LEDGER_NO_CAPACITY;
	(void)snprintf(run.instance, sizeof(run.instance), "i-0123456789abcdef0");
	(void)snprintf(run.type, sizeof(run.type), "t3a.micro");
	(void)snprintf(run.command, sizeof(run.command), "echo 'it''s'; \"%%s\"\n\t\\ é€𝄞");
	memset(run.message, 'm', sizeof(run.message) - 1);
	return run;
}

static void test_every_field(void **state)
{
	struct ledger *l = must_open();
	struct ledger_run run = full_run(), found;
	struct ledger_filter filter = { .id = run.id };
	struct awsq_err err = { 0 };

	(void)state;
	memset(&found, 0, sizeof(found));
	assert_int_equal(ledger_begin(l, &run, &err), 0);
	assert_int_equal(ledger_find(&found, l, &filter, &err), 0);
	assert_memory_equal(&found, &run, sizeof(run));
	/* Every one of them by an update, too. */
	run = a_run("ap-south-1", T0 + 7);
	(void)snprintf(run.id, sizeof(run.id), "%s", found.id);
	run.status = -1;
	assert_int_equal(ledger_update(l, &run, &err), 0);
	memset(&found, 0, sizeof(found));
	assert_int_equal(ledger_find(&found, l, &filter, &err), 0);
	assert_memory_equal(&found, &run, sizeof(run));
	ledger_close(l);
}

static void test_same_id_twice(void **state)
{
	struct ledger *l = must_open();
	struct ledger_run run = begin(l, "us-east-1", T0);
	struct awsq_err err = { 0 };

	(void)state;
	assert_int_equal(ledger_begin(l, &run, &err), AWSQ_EIO);
	assert_non_null(strstr(err.message, "UNIQUE"));
	ledger_close(l);
}

/* ---- Which runs */

struct seen {
	char regions[256];
	int n, max;
	struct ledger *l; /* to be written to meanwhile */
};

static int see(void *arg, const struct ledger_run *run)
{
	struct seen *seen = arg;
	size_t len = strlen(seen->regions);
	struct ledger_run copy = *run;

	(void)snprintf(seen->regions + len, sizeof(seen->regions) - len, "%s ", run->region);
	if (seen->l)
		assert_int_equal(ledger_update(seen->l, &copy, NULL), 0);
	return ++seen->n == seen->max ? 77 : 0;
}

static const char *list(struct ledger *l, struct seen *seen, const struct ledger_filter *filter)
{
	struct awsq_err err = { 0 };

	memset(seen, 0, sizeof(*seen));
	assert_int_equal(ledger_list(l, filter, see, seen, &err), 0);
	return seen->regions;
}

static void close_run(struct ledger *l, struct ledger_run *run, enum ledger_state as, int status)
{
	run->closed = 1;
	run->state = as;
	run->status = status;
	assert_int_equal(ledger_update(l, run, NULL), 0);
}

static void test_filters(void **state)
{
	struct ledger *l = must_open();
	struct ledger_run a = begin(l, "a", T0), b = begin(l, "b", T0 + 1000),
			  c = begin(l, "c", T0 + 1000), d = begin(l, "d", T0 + 2000),
			  a2 = begin(l, "a", T0 + 3000);
	struct seen seen;

	(void)state;
	close_run(l, &a, LEDGER_DONE, 0);
	close_run(l, &b, LEDGER_DONE, 1);
	close_run(l, &c, LEDGER_SKIPPED, 0);
	close_run(l, &d, LEDGER_NO_CAPACITY, 0);
	assert_string_equal(list(l, &seen, &(struct ledger_filter){ .open_only = 1 }), "a ");
	assert_string_equal(list(l, &seen, &(struct ledger_filter){ .failed_only = 1 }), "d b ");
	assert_string_equal(list(l, &seen, &(struct ledger_filter){ .region = "a" }), "a a ");
	assert_string_equal(list(l, &seen, &(struct ledger_filter){ .region = "a", .limit = 1 }),
		"a ");
	assert_string_equal(list(l, &seen, &(struct ledger_filter){ .since_ms = T0 + 2000 }),
		"a d ");
	assert_string_equal(list(l, &seen, &(struct ledger_filter){ .until_ms = T0 + 1000 }), "a ");
	assert_string_equal(list(l, &seen, &(struct ledger_filter){ .id = d.id }), "d ");
	assert_string_equal(list(l, &seen, &(struct ledger_filter){ .id = a2.id, .region = "b" }),
		"");
	/* What is special to LIKE is not here. */
	assert_string_equal(list(l, &seen, &(struct ledger_filter){ .id = "%" }), "");
	ledger_close(l);
}

static void test_find(void **state)
{
	struct ledger *l = must_open();
	struct ledger_run a = begin(l, "a", T0), b = begin(l, "b", T0 + 5), found;
	struct awsq_err err = { 0 };
	char start[8];

	(void)state;
	assert_int_equal(ledger_find(&found, l, &(struct ledger_filter){ 0 }, &err), 0);
	assert_string_equal(found.id, b.id);
	(void)snprintf(start, sizeof(start), "%.7s", a.id);
	assert_int_equal(ledger_find(&found, l, &(struct ledger_filter){ .id = start }, &err),
		AWSQ_EINVAL);
	assert_non_null(strstr(err.message, a.id));
	assert_non_null(strstr(err.message, b.id));
	assert_int_equal(ledger_find(&found, l, &(struct ledger_filter){ .id = a.id }, &err), 0);
	assert_string_equal(found.region, "a");
	assert_int_equal(ledger_find(&found, l, &(struct ledger_filter){ .id = "2027" }, &err),
		AWSQ_ENOTFOUND);
	assert_int_equal(ledger_find(&found, l, &(struct ledger_filter){ .region = "x" }, &err),
		AWSQ_ENOTFOUND);
	ledger_close(l);
}

/* More than are read at once, written to while they are listed. */
static void test_many(void **state)
{
	struct ledger *l = must_open();
	struct seen seen = { .l = l, .max = -1 };
	struct awsq_err err = { 0 };

	(void)state;
	for (int i = 0; i < 100; i++)
		(void)begin(l, "r", T0 + i / 3);
	assert_int_equal(ledger_list(l, &(struct ledger_filter){ 0 }, see, &seen, &err), 0);
	assert_int_equal(seen.n, 100);
	(void)list(l, &seen, &(struct ledger_filter){ .limit = 64 });
	assert_int_equal(seen.n, 64);
	(void)list(l, &seen, &(struct ledger_filter){ .limit = 65 });
	assert_int_equal(seen.n, 65);
	seen = (struct seen){ .max = 40 };
	assert_int_equal(ledger_list(l, &(struct ledger_filter){ 0 }, see, &seen, &err), 77);
	assert_int_equal(seen.n, 40);
	ledger_close(l);
}

static int add_bill(void *arg, const struct ledger_bill *bill)
{
	char *out = arg;
	size_t len = strlen(out);

	(void)snprintf(out + len, 256 - len, "%s %s %d %d;", bill->month, bill->region,
		(int)bill->runs, (int)bill->seconds);
	return 0;
}

static void test_bills(void **state)
{
	static const struct {
		const char *region;
		int64_t running_ms, billed_s;
	} cases[] = {
		{ "b", T0, 60 }, { "a", T0, 61 }, { "a", T0 + 1, 100 },
		{ "a", INT64_C(1796083199999), 1000 }, /* the last millisecond of November */
		{ "a", INT64_C(1796083200000), 7 }, { "c", T0, 0 },
		{ "d", 0, 99 }, /* billed, though it was not seen running: by when it was asked */
	};
	struct ledger *l = must_open();
	char out[256] = "";

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ledger_run run = a_run(cases[i].region, T0);

		run.running_ms = cases[i].running_ms;
		run.billed_s = cases[i].billed_s;
		assert_int_equal(ledger_begin(l, &run, NULL), 0);
	}
	assert_int_equal(ledger_bills(l, add_bill, out, NULL), 0);
	assert_string_equal(out, "2026-12 a 1 7;2026-11 a 3 1161;2026-11 b 1 60;2026-11 d 1 99;");
	ledger_close(l);
}

static void test_no_ledger(void **state)
{
	struct ledger_run run = a_run("a", T0);
	struct awsq_err err = { 0 };
	struct seen seen = { .max = -1 };
	char note[8] = "x";

	(void)state;
	assert_int_equal(ledger_begin(NULL, &run, &err), AWSQ_EIO);
	assert_int_equal(ledger_update(NULL, &run, &err), AWSQ_EIO);
	assert_int_equal(ledger_list(NULL, &(struct ledger_filter){ 0 }, see, &seen, &err),
		AWSQ_EIO);
	assert_int_equal(ledger_find(&run, NULL, &(struct ledger_filter){ 0 }, &err), AWSQ_EIO);
	assert_int_equal(ledger_bills(NULL, add_bill, NULL, &err), AWSQ_EIO);
	ledger_note(NULL, note, sizeof(note));
	assert_string_equal(note, "");
	ledger_close(NULL);
}

static void test_only_its_owner_reads(void **state)
{
	char path[96];
	struct stat st;

	(void)state;
	ledger_close(must_open());
	(void)snprintf(path, sizeof(path), "%s/ledger.sqlite", dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_dir, remove_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_billed),
		TEST(test_every_field),
		TEST(test_same_id_twice),
		TEST(test_filters),
		TEST(test_find),
		TEST(test_many),
		TEST(test_bills),
		TEST(test_no_ledger),
		TEST(test_only_its_owner_reads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
