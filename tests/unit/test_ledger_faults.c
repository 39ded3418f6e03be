/*
 * A ledger that is broken, of a newer awsq, on a full disk, in a folder that cannot be written, or
 * shared by threads.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <awsq/clock.h>

#include <fcntl.h>
#include <glob.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runs/ledger.h"

static char dir[64], path[96];

static int make_dir(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/test_ledger.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	(void)snprintf(path, sizeof(path), "%s/ledger.sqlite", dir);
	return 0;
}

static int remove_dir(void **state)
{
	char command[128];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command) == 0 ? 0 : -1;
}

static int64_t now_ms(void)
{
	return awsq_clock_system.mono_ms(awsq_clock_system.arg);
}

/* Opens it and hands back what it noted, in a buffer of ours. */
static struct ledger *open_noting(char note[512])
{
	struct ledger *l = NULL;
	struct awsq_err err = { 0 };

	assert_int_equal(ledger_open(&l, dir, note, 512, &err), 0);
	return l;
}

static int add_run(struct ledger *l, struct awsq_err *err)
{
	struct ledger_run run = { .region = "eu-west-3", .asked_ms = 1795324552000, .status = -1 };
	int rc = ledger_new_id(run.id, run.asked_ms);

	return rc == 0 ? ledger_begin(l, &run, err) : rc;
}

static int count_one(void *arg, const struct ledger_run *run)
{
	(void)run;
	++*(int *)arg;
	return 0;
}

static int count_runs(struct ledger *l)
{
	int n = 0;

	assert_int_equal(ledger_list(l, &(struct ledger_filter){ 0 }, count_one, &n, NULL), 0);
	return n;
}

static size_t count_files(const char *pattern)
{
	char full[160];
	glob_t found;
	size_t n = 0;

	(void)snprintf(full, sizeof(full), "%s/%s", dir, pattern);
	if (glob(full, 0, NULL, &found) == 0)
		n = found.gl_pathc;
	globfree(&found);
	return n;
}

/* Puts text in the place of len bytes of the ledger's file. */
static void overwrite(off_t at, const char *text, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, text, len, at), (ssize_t)len);
	(void)close(fd);
}

/* With so many open runs of the old one. */
static void expect_begun_anew(int least, int most)
{
	char note[512];
	struct ledger *l = open_noting(note);
	int n = count_runs(l);

	assert_non_null(strstr(note, "the ledger was broken"));
	assert_non_null(strstr(note, path));
	assert_int_equal(count_files("ledger.sqlite.broken-*Z"), 1);
	assert_true(n >= least && n <= most);
	assert_int_equal(add_run(l, NULL), 0);
	ledger_close(l);
	l = open_noting(note);
	assert_string_equal(note, "");
	assert_int_equal(count_runs(l), n + 1);
	ledger_close(l);
}

static void test_garbage(void **state)
{
	(void)state;
	overwrite(0, "this is no database", 19);
	expect_begun_anew(0, 0);
}

static void test_garbage_with_a_journal(void **state)
{
	char wal[112];
	FILE *f;

	(void)state;
	overwrite(0, "this is no database", 19);
	(void)snprintf(wal, sizeof(wal), "%s-wal", path);
	f = fopen(wal, "w");
	assert_non_null(f);
	(void)fputs("nor is this its journal", f);
	(void)fclose(f);
	expect_begun_anew(0, 0);
}

static void fill(int runs)
{
	char note[512];
	struct ledger *l = open_noting(note);

	for (int i = 0; i < runs; i++)
		assert_int_equal(add_run(l, NULL), 0);
	ledger_close(l);
}

static void test_cut_off(void **state)
{
	struct stat st;

	(void)state;
	fill(100);
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size > 16384);
	assert_int_equal(truncate(path, st.st_size / 2), 0);
	expect_begun_anew(0, 99);
}

static void test_pages_of_noise(void **state)
{
	char noise[4096];

	(void)state;
	fill(100);
	memset(noise, 0xa5, sizeof(noise));
	overwrite(2 * 4096, noise, sizeof(noise)); /* of an index: the runs are there */
	expect_begun_anew(100, 100);
}

/* A ledger of years is not looked through each time; what is wrong shows when it is met. */
static void test_found_broken_in_use(void **state)
{
	char note[512], noise[4096];
	struct ledger *l = open_noting(note);
	struct stat st;

	(void)state;
	for (int i = 0; i < 6000; i++)
		assert_int_equal(add_run(l, NULL), 0);
	ledger_close(l);
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size > 1024 * 1024);
	memset(noise, 0xa5, sizeof(noise));
	for (off_t at = 8 * 4096; at < st.st_size; at += 4096)
		overwrite(at, noise, sizeof(noise));
	l = open_noting(note);
	assert_string_equal(note, "");
	assert_int_equal(add_run(l, NULL), 0);
	ledger_note(l, note, sizeof(note));
	assert_non_null(strstr(note, "the ledger was broken"));
	assert_in_range(count_runs(l), 1, 1 + 512);
	ledger_note(l, note, sizeof(note));
	assert_string_equal(note, "");
	ledger_close(l);
}

/* By a process that found it broken, or by hand: what is under way is known to the new one. */
static void test_taken_away_in_use(void **state)
{
	struct ledger_run run = { .region = "eu-west-3", .asked_ms = 1795324552000, .status = -1 };
	char note[512];
	struct ledger *l = open_noting(note);

	(void)state;
	assert_int_equal(ledger_new_id(run.id, run.asked_ms), 0);
	assert_int_equal(ledger_begin(l, &run, NULL), 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(ledger_update(l, &run, NULL), 0);
	assert_int_equal(count_runs(l), 1);
	assert_int_equal(count_files("ledger.sqlite"), 1);
	ledger_close(l);
	l = open_noting(note);
	assert_int_equal(count_runs(l), 1);
	ledger_close(l);
}

static void test_newer(void **state)
{
	static const char version[4] = { 0, 0, 0, 99 }; /* user_version, at byte 60 */
	struct awsq_err err = { 0 };
	struct ledger *l = NULL;
	char note[512];

	(void)state;
	fill(1);
	overwrite(60, version, sizeof(version));
	assert_int_equal(ledger_open(&l, dir, note, sizeof(note), &err), AWSQ_EIO);
	assert_null(l);
	assert_non_null(strstr(err.message, "newer awsq"));
	assert_non_null(strstr(err.message, "--state-dir"));
	assert_string_equal(note, "");
	assert_int_equal(count_files("ledger.sqlite.broken-*"), 0);
}

static void test_no_folder(void **state)
{
	struct awsq_err err = { 0 };
	struct ledger *l = NULL;
	char note[512];

	(void)state;
	assert_int_equal(ledger_open(&l, "/nonexistent/folder", note, sizeof(note), &err),
		AWSQ_EIO);
	assert_null(l);
	assert_non_null(strstr(err.message, "/nonexistent/folder/ledger.sqlite"));
}

static int64_t time_update(struct ledger *l, struct ledger_run *run, int expected)
{
	struct awsq_err err = { 0 };
	int64_t began = now_ms();

	assert_int_equal(ledger_update(l, run, &err), expected);
	if (expected != 0)
		assert_non_null(strstr(err.message, "another program holds it"));
	return now_ms() - began;
}

/* While an instance is on, only the first wait is long; and the last one, which counts. */
static void test_held(void **state)
{
	struct ledger_run run = { .region = "eu-west-3", .asked_ms = 1795324552000, .status = -1 };
	char note[512];
	struct ledger *l = open_noting(note);
	sqlite3 *other = NULL;
	int64_t took;

	(void)state;
	assert_int_equal(ledger_new_id(run.id, run.asked_ms), 0);
	assert_int_equal(ledger_begin(l, &run, NULL), 0);
	assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	took = time_update(l, &run, AWSQ_EIO);
	assert_true(took >= 4500 && took < 15000);
	for (int i = 0; i < 3; i++)
		assert_true(time_update(l, &run, AWSQ_EIO) < 4500);
	assert_int_equal(count_runs(l), 1);
	assert_true(time_update(l, &run, AWSQ_EIO) < 4500);
	run.closed = 1;
	took = time_update(l, &run, AWSQ_EIO);
	assert_true(took >= 4500 && took < 15000);
	assert_int_equal(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	run.closed = 0;
	assert_true(time_update(l, &run, 0) < 4500);
	assert_int_equal(sqlite3_close(other), SQLITE_OK);
	ledger_close(l);
}

/* ---- In a process of its own */

static void expect_child(int (*child)(void))
{
	int64_t began = now_ms();
	pid_t pid = fork();
	int status = -1;

	if (pid == 0)
		_exit(child());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_true(now_ms() - began < 15000);
}

static int write_past_a_limit(void)
{
	struct rlimit limit = { 1000000, 1000000 };
	struct awsq_err err = { 0 };
	struct ledger *l = NULL;
	char note[512];
	int n = 0;

	(void)signal(SIGXFSZ, SIG_IGN);
	if (setrlimit(RLIMIT_FSIZE, &limit) != 0 ||
		ledger_open(&l, dir, note, sizeof(note), &err) != 0)
		return 1;
	while (n < 2000 && add_run(l, &err) == 0)
		n++;
	if (n < 10 || n == 2000 || !strstr(err.message, path))
		return 2;
	if (!strstr(err.message, "room"))
		return 4; /* what to do about it */
	/* What fits may still be read. */
	if (count_runs(l) != n)
		return 3;
	ledger_close(l);
	return 0;
}

static void test_full_disk(void **state)
{
	char note[512];
	struct ledger *l;

	(void)state;
	expect_child(write_past_a_limit);
	l = open_noting(note);
	assert_string_equal(note, "");
	assert_true(count_runs(l) >= 10);
	assert_int_equal(add_run(l, NULL), 0);
	ledger_close(l);
}

static int open_as_nobody(void)
{
	struct awsq_err err = { 0 };
	struct ledger *l = NULL;
	char note[512];

	/* Root may write anywhere. */
	if (getuid() == 0 && setuid(65534) != 0)
		return 1;
	if (ledger_open(&l, dir, note, sizeof(note), &err) == 0 && add_run(l, &err) == 0)
		return 2;
	return strstr(err.message, "writable") ? 0 : 3;
}

static void test_read_only(void **state)
{
	(void)state;
	fill(1);
	assert_int_equal(chmod(path, 0444), 0);
	assert_int_equal(chmod(dir, 0555), 0);
	expect_child(open_as_nobody);
	assert_int_equal(chmod(dir, 0755), 0);
}

/* ---- Threads */

#define THREADS 8
#define EACH    40

static void *add_many(void *arg)
{
	struct awsq_err err = { 0 };

	for (int i = 0; i < EACH; i++) {
		if (add_run(arg, &err) != 0)
			return arg;
	}
	return NULL;
}

static void test_threads(void **state)
{
	char note[512];
	struct ledger *l = open_noting(note);
	pthread_t threads[THREADS];

	(void)state;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, add_many, l), 0);
	for (int i = 0; i < THREADS; i++) {
		void *failed = l;

		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
	assert_int_equal(count_runs(l), THREADS * EACH);
	ledger_close(l);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_dir, remove_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_garbage),
		TEST(test_garbage_with_a_journal),
		TEST(test_cut_off),
		TEST(test_pages_of_noise),
		TEST(test_found_broken_in_use),
		TEST(test_taken_away_in_use),
		TEST(test_newer),
		TEST(test_no_folder),
		TEST(test_held),
		TEST(test_full_disk),
		TEST(test_read_only),
		TEST(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
