/*
 * The ledger as Prometheus reads it: every line of it, and the file that is written anew.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runs/metrics.h"

#define T0      INT64_C(1795324552000)
#define PART(l) (&(const struct metrics_part){ NULL, (l) }), 1

static char dir[64];
static struct ledger *ledger;

static int open_ledger(void **state)
{
	char note[512];

	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/test_metrics.XXXXXX");
	return mkdtemp(dir) ? ledger_open(&ledger, dir, note, sizeof(note), NULL) : -1;
}

static int close_ledger(void **state)
{
	char command[128];

	(void)state;
	ledger_close(ledger);
	(void)snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command) == 0 ? 0 : -1;
}

static void add(struct ledger_run run)
{
	assert_int_equal(ledger_new_id(run.id, run.asked_ms), 0);
	assert_int_equal(ledger_begin(ledger, &run, NULL), 0);
}

static void add_some_runs(void)
{
	/* All of its phases; its last is the next, which only got as far as EC2. */
	add((struct ledger_run){ .region = "eu-west-3",
		.asked_ms = T0,
		.started_ms = T0 + 100,
		.running_ms = T0 + 5100,
		.ssh_ms = T0 + 22350,
		.job_start_ms = T0 + 22500,
		.job_end_ms = T0 + 52499,
		.stop_ms = T0 + 52600,
		.stopped_ms = T0 + 60000,
		.closed = 1,
		.state = LEDGER_DONE,
		.status = 0,
		.billed_s = 60 });
	add((struct ledger_run){ .region = "eu-west-3",
		.asked_ms = T0 + 100000,
		.closed = 1,
		.state = LEDGER_NO_CAPACITY,
		.status = 125 });
	/* Its clock was put back; the later one had nothing to do. */
	add((struct ledger_run){ .region = "us-east-1",
		.asked_ms = T0,
		.started_ms = T0 + 2000,
		.running_ms = T0 + 1000,
		.stop_ms = T0 + 9001,
		.stopped_ms = T0 + 9010,
		.closed = 1,
		.state = LEDGER_DONE,
		.status = 3,
		.billed_s = 100 });
	add((struct ledger_run){ .region = "us-east-1",
		.asked_ms = T0 + 1,
		.closed = 1,
		.state = LEDGER_BUSY,
		.status = 75 });
	add((struct ledger_run){ .region = "us-east-1",
		.asked_ms = T0 + 2,
		.status = -1,
		.overdue_ms = T0 + 3600000 });
	add((struct ledger_run){ .region = "us-east-1",
		.asked_ms = T0 + 3,
		.status = -1,
		.overdue_ms = T0 + 3600001 });
	/* Its job is done, but the instance may be on: still to be looked after. */
	add((struct ledger_run){ .region = "us-east-1", .asked_ms = T0 + 4, .state = LEDGER_DONE });
}

static void expect_lines(const char *text, const char *const *lines, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char line[256];
		const char *found;

		(void)snprintf(line, sizeof(line), "%s\n", lines[i]);
		found = strstr(text, line);
		if (!found || (found != text && found[-1] != '\n'))
			fail_msg("not there: %s", lines[i]);
	}
}

static void test_text(void **state)
{
#define E "{fleet=\"NA\\\"V\\\\O\\n\",region=\"eu-west-3\""
#define U "{fleet=\"NA\\\"V\\\\O\\n\",region=\"us-east-1\""
	static const char *const lines[] = {
		"# HELP awsq_runs_total Runs that have ended, by how.",
		"# TYPE awsq_runs_total counter",
		"awsq_runs_total" E ",state=\"done\"} 1",
		"awsq_runs_total" E ",state=\"no-capacity\"} 1",
		"awsq_runs_total" E ",state=\"timed-out\"} 0",
		"awsq_runs_total" U ",state=\"done\"} 1",
		"awsq_runs_total" U ",state=\"busy\"} 1",
		"# TYPE awsq_runs_open gauge",
		"awsq_runs_open" E "} 0",
		"awsq_runs_open" U "} 3",
		"# TYPE awsq_runs_overdue gauge",
		"awsq_runs_overdue" E "} 0",
		"awsq_runs_overdue" U "} 1",
		"# TYPE awsq_billed_seconds_total counter",
		"awsq_billed_seconds_total" E "} 60",
		"awsq_billed_seconds_total" U "} 100",
		"# TYPE awsq_last_success_timestamp_seconds gauge",
		"awsq_last_success_timestamp_seconds" E "} 1795324604.499",
		"# TYPE awsq_last_run_timestamp_seconds gauge",
		"awsq_last_run_timestamp_seconds" E "} 1795324652.000",
		"awsq_last_run_timestamp_seconds" U "} 1795324552.000",
		"awsq_last_run_status" E "} 125",
		"awsq_last_run_status" U "} 3",
		"# TYPE awsq_last_run_phase_seconds gauge",
		"awsq_last_run_phase_seconds" U ",phase=\"start\"} 0.000",
		"awsq_last_run_phase_seconds" U ",phase=\"stop\"} 0.009",
	};
	struct awsq_buf text = AWSQ_BUF_INIT(65536);
	size_t n = 0;

	(void)state;
	add_some_runs();
	assert_int_equal(metrics_text(&text, PART(ledger), "NA\"V\\O\n", T0 + 3600000, NULL), 0);
	expect_lines(awsq_buf_str(&text), lines, sizeof(lines) / sizeof(lines[0]));
	/* What is not known is not said: 9 ways to end and 3 counts of each, and the 7 above. */
	for (const char *p = awsq_buf_str(&text); (p = strchr(p, '\n')) != NULL; p++)
		n++;
	assert_int_equal(n, 8 * 2 + 2 * (9 + 3) + 7);
	awsq_buf_free(&text);
}

static void test_phases(void **state)
{
	static const char *const lines[] = {
		"awsq_last_run_phase_seconds{fleet=\"F\",region=\"r\",phase=\"start\"} 5.000",
		"awsq_last_run_phase_seconds{fleet=\"F\",region=\"r\",phase=\"ssh\"} 17.250",
		"awsq_last_run_phase_seconds{fleet=\"F\",region=\"r\",phase=\"job\"} 29.999",
		"awsq_last_run_phase_seconds{fleet=\"F\",region=\"r\",phase=\"stop\"} 7.400",
	};
	struct awsq_buf text = AWSQ_BUF_INIT(65536);

	(void)state;
	add((struct ledger_run){ .region = "r",
		.asked_ms = T0,
		.started_ms = T0 + 100,
		.running_ms = T0 + 5100,
		.ssh_ms = T0 + 22350,
		.job_start_ms = T0 + 22500,
		.job_end_ms = T0 + 52499,
		.stop_ms = T0 + 52600,
		.stopped_ms = T0 + 60000,
		.closed = 1,
		.state = LEDGER_DONE,
		.billed_s = 60 });
	assert_int_equal(metrics_text(&text, PART(ledger), "F", T0, NULL), 0);
	expect_lines(awsq_buf_str(&text), lines, sizeof(lines) / sizeof(lines[0]));
	awsq_buf_free(&text);
}

static size_t count_files(void)
{
	char pattern[96];
	glob_t found;
	size_t n = 0;

	(void)snprintf(pattern, sizeof(pattern), "%s/awsq.prom*", dir);
	if (glob(pattern, 0, NULL, &found) == 0)
		n = found.gl_pathc;
	globfree(&found);
	return n;
}

static void test_file(void **state)
{
	struct awsq_err err = { 0 };
	struct stat st;
	char path[96];
	mode_t mask = umask(077);

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/awsq.prom", dir);
	add_some_runs();
	for (int i = 0; i < 2; i++) {
		assert_int_equal(metrics_write(path, PART(ledger), "F", T0, &err), 0);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0644);
		assert_true(st.st_size > 1000);
		assert_int_equal(count_files(), 1);
	}
	(void)umask(mask);
	/* What is no place for a file leaves nothing behind. */
	assert_int_equal(metrics_write("/nonexistent/x.prom", PART(ledger), "F", T0, &err),
		AWSQ_EIO);
	assert_non_null(strstr(err.message, "'/nonexistent/x.prom'"));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(metrics_write(path, PART(ledger), "F", T0, &err), AWSQ_EIO);
	assert_int_equal(count_files(), 1);
	assert_int_equal(metrics_write(path, PART(NULL), "F", T0, &err), AWSQ_EIO);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_ledger, close_ledger)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_text),
		TEST(test_phases),
		TEST(test_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
