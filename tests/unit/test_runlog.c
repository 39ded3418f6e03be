/*
 * A run's folder: its output as files, what has been passed on, and how old ones go.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runs/runlog.h"

#define ID "20261122-051552-7f3a9c01"
#define T0 INT64_C(1795324552000) /* the time in ID */

static char dir[64];

static int make_dir(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/test_runlog.XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	char command[128];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command) == 0 ? 0 : -1;
}

static struct runlog *must_open(int64_t max_bytes)
{
	struct runlog *log = NULL;
	struct awsq_err err = { 0 };

	assert_int_equal(runlog_open(&log, dir, ID, max_bytes, &err), 0);
	return log;
}

static void add(struct runlog *log, int is_stderr, const char *text)
{
	assert_int_equal(runlog_write(log, is_stderr, text, strlen(text), NULL), 0);
}

static void note(struct runlog *log, uint64_t out, uint64_t err)
{
	runlog_note(log, (const uint64_t[2]){ out, err });
}

static void expect_passed(const struct runlog *log, uint64_t out, uint64_t err)
{
	uint64_t bytes[2] = { 77, 77 };

	runlog_passed(log, bytes);
	assert_int_equal(bytes[0], out);
	assert_int_equal(bytes[1], err);
}

/* NULL: there is no such file. */
static void expect_file(const char *name, const char *expected)
{
	char *path = runlog_path(dir, ID, name);
	char text[256] = "";
	FILE *f = fopen(path, "r");

	free(path);
	if (!expected) {
		assert_null(f);
		return;
	}
	assert_non_null(f);
	(void)!fread(text, 1, sizeof(text) - 1, f);
	(void)fclose(f);
	assert_string_equal(text, expected);
}

static void test_streams_apart(void **state)
{
	struct runlog *log = must_open(0);

	(void)state;
	expect_passed(log, 0, 0);
	add(log, 0, "one ");
	add(log, 1, "warning");
	add(log, 0, "two");
	note(log, 7, 7);
	runlog_close(log);
	expect_file("out", "one two");
	expect_file("err", "warning");
	expect_file("out.1", NULL);
}

static void test_goes_on_from_the_byte(void **state)
{
	struct runlog *log = must_open(0);

	(void)state;
	add(log, 0, "passed");
	note(log, 6, 0);
	add(log, 0, " and not");
	add(log, 1, "neither");
	runlog_close(log); /* as after a kill: nothing is written at the end */
	log = must_open(0);
	expect_passed(log, 6, 0);
	expect_file("out", "passed");
	expect_file("err", "");
	add(log, 0, " on");
	note(log, 9, 0);
	runlog_close(log);
	expect_file("out", "passed on");
	log = must_open(0);
	expect_passed(log, 9, 0);
	runlog_close(log);
}

static void test_attempts(void **state)
{
	struct runlog *log = must_open(0);

	(void)state;
	runlog_attempt(log, 1);
	add(log, 0, "first ");
	note(log, 6, 0);
	runlog_attempt(log, 2);
	expect_passed(log, 0, 0);
	add(log, 0, "second");
	note(log, 4, 0);
	runlog_close(log);
	log = must_open(0);
	runlog_attempt(log, 2);
	expect_passed(log, 4, 0);
	expect_file("out", "first seco");
	runlog_attempt(log, 3);
	expect_passed(log, 0, 0);
	runlog_close(log);
	log = must_open(0);
	runlog_attempt(log, 3);
	expect_passed(log, 0, 0);
	expect_file("out", "first seco");
	runlog_close(log);
}

static void test_keeps_the_last(void **state)
{
	struct runlog *log = must_open(8);

	(void)state;
	add(log, 0, "abc");
	expect_file("out.1", NULL);
	add(log, 0, "defghijklm"); /* of which one write is more than is kept */
	add(log, 1, "12345");
	expect_file("out.1", "ijkl");
	expect_file("out", "m");
	expect_file("err.1", "1234");
	expect_file("err", "5");
	note(log, 13, 5);
	add(log, 0, "nopqr");
	expect_file("out.1", "mnop");
	expect_file("out", "qr");
	runlog_close(log);
	/* What had been passed on ended in the file before. */
	log = must_open(8);
	expect_passed(log, 13, 5);
	expect_file("out.1", "m");
	expect_file("out", "");
	add(log, 0, "nopqrs");
	note(log, 19, 5);
	runlog_close(log);
	log = must_open(8);
	expect_passed(log, 19, 5);
	expect_file("out.1", "nopq");
	expect_file("out", "rs");
	runlog_close(log);
}

static void test_notes_that_are_none(void **state)
{
	char zeros[138], *path = runlog_path(dir, ID, "passed");
	const char *const texts[] = { "", "what?\n", zeros };

	(void)state;
	memset(zeros, '0', sizeof(zeros) - 1); /* of the right length, but one number */
	zeros[sizeof(zeros) - 1] = '\0';
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct runlog *log = must_open(0);
		FILE *f;

		add(log, 0, "text");
		note(log, 4, 0);
		runlog_close(log);
		f = fopen(path, "w");
		assert_non_null(f);
		(void)fputs(texts[i], f);
		(void)fclose(f);
		log = must_open(0);
		expect_passed(log, 0, 0);
		expect_file("out", "");
		runlog_close(log);
	}
	free(path);
}

static void test_not_an_id(void **state)
{
	static const char *const ids[] = { "", ".", "..", "../x", "a/b" };
	struct runlog *log;
	struct awsq_err err;

	(void)state;
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		assert_int_equal(runlog_open(&log, dir, ids[i], 0, &err), AWSQ_EINVAL);
	assert_null(log);
}

static void test_no_log(void **state)
{
	(void)state;
	runlog_attempt(NULL, 2);
	expect_passed(NULL, 0, 0);
	note(NULL, 1, 1);
	add(NULL, 0, "x");
	runlog_close(NULL);
}

/* In a process of its own, as no file of it may grow past 1000 bytes. */
static int write_past_a_limit(void)
{
	struct rlimit limit = { 1000, 1000 };
	struct awsq_err err = { 0 };
	struct runlog *log;
	char text[600];

	memset(text, 'x', sizeof(text));
	(void)signal(SIGXFSZ, SIG_IGN);
	if (setrlimit(RLIMIT_FSIZE, &limit) != 0 || runlog_open(&log, dir, ID, 0, &err) != 0)
		return 1;
	if (runlog_write(log, 0, text, sizeof(text), &err) != 0)
		return 2;
	note(log, 600, 0);
	if (runlog_write(log, 0, text, sizeof(text), &err) != AWSQ_EIO ||
		!strstr(err.message, "/out'"))
		return 3;
	/* What that means for the run is the caller's to say. */
	if (strstr(err.message, "goes on"))
		return 5;
	note(log, 1200, 0);
	/* Told once. */
	if (runlog_write(log, 0, text, sizeof(text), &err) != 0)
		return 4;
	note(log, 1800, 0);
	runlog_close(log);
	return 0;
}

static void test_full_disk(void **state)
{
	struct runlog *log;
	pid_t child = fork();
	int status = -1;

	(void)state;
	if (child == 0)
		_exit(write_past_a_limit());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	/* The log has a gap, but nothing is passed on twice. */
	log = must_open(0);
	expect_passed(log, 1800, 0);
	add(log, 0, "end");
	note(log, 1803, 0);
	runlog_close(log);
	log = must_open(0);
	expect_passed(log, 1803, 0);
	runlog_close(log);
}

static void make_run(const char *id)
{
	char command[512];

	(void)snprintf(command, sizeof(command),
		"mkdir -p '%s/runs/%s/files/a/b' '%s/kept' && cd '%s/runs/%s' && "
		"touch out files/a/b/c '%s/kept/file' && ln -s '%s/kept' files/link",
		dir, id, dir, dir, id, dir, dir);
	assert_int_equal(system(command), 0);
}

static void test_prune(void **state)
{
	static const struct {
		const char *id;
		int stays;
	} cases[] = {
		{ "20261122-051552-7f3a9c01", 1 },
		{ "20261121-051552-7f3a9c01", 1 },
		{ "20261120-051551-7f3a9c01", 0 },
		{ "20251122-051552-7f3a9c01", 0 },
		{ "19991122-somebody-elses", 1 },
		{ "mine", 1 },
	};
	char path[128];

	(void)state;
	runlog_prune(dir, T0, 2); /* nothing there */
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		make_run(cases[i].id);
	runlog_prune(dir, T0, 2);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/runs/%s", dir, cases[i].id);
		assert_int_equal(access(path, F_OK) == 0, cases[i].stays);
	}
	(void)snprintf(path, sizeof(path), "%s/kept/file", dir);
	assert_int_equal(access(path, F_OK), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_dir, remove_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_streams_apart),
		TEST(test_goes_on_from_the_byte),
		TEST(test_attempts),
		TEST(test_keeps_the_last),
		TEST(test_notes_that_are_none),
		TEST(test_not_an_id),
		TEST(test_no_log),
		TEST(test_full_disk),
		TEST(test_prune),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
