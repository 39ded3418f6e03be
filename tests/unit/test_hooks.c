/*
 * What happens on this machine around a run: commands with a limit, and pings.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "runs/hooks.h"
#include "runs/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "http_server.h"

/* ---- Commands */

static char folder[] = "/tmp/test_hooks.XXXXXX";

static char *path_of(char *out, size_t size, const char *name)
{
	(void)snprintf(out, size, "%s/%s", folder, name);
	return out;
}

static const char *contents(char *out, size_t size, const char *name)
{
	char path[256];
	FILE *f = fopen(path_of(path, sizeof(path), name), "r");
	size_t n = f ? fread(out, 1, size - 1, f) : 0;

	out[n] = '\0';
	if (f)
		(void)fclose(f);
	return out;
}

static int64_t now_ms(void)
{
	return awsq_clock_system.mono_ms(awsq_clock_system.arg);
}

static int spawn(const char *command, int64_t limit_ms, struct awsq_err *err)
{
	char path[256];
	const struct spawn_variable variables[] = { { "DIR_OF_TEST", folder },
		{ "HOME", "/no home\nat all" } };

	(void)path_of(path, sizeof(path), "");
	return spawn_shell(command, variables, 2, limit_ms, -1, err);
}

static void test_status_and_environment(void **state)
{
	struct awsq_err err = { 0 };
	char text[256];

	(void)state;
	assert_int_equal(setenv("KEPT", "as it is", 1), 0);
	assert_int_equal(spawn("printf '%s|' \"$HOME\" \"$KEPT\" >\"$DIR_OF_TEST/env\"", 60000,
				 &err),
		0);
	assert_string_equal(contents(text, sizeof(text), "env"), "/no home\nat all|as it is|");
	assert_int_equal(spawn("exit 3", 60000, &err), AWSQ_EINVAL);
	assert_string_equal(err.message, "ended with 3");
	assert_int_equal(spawn("kill -9 $$", 60000, &err), AWSQ_EINVAL);
	assert_string_equal(err.message, "was ended by signal 9");
	assert_int_equal(spawn("no-such-command-at-all 2>/dev/null", 60000, &err), AWSQ_EINVAL);
	assert_string_equal(err.message, "ended with 127");
}

/* Stdin is empty, stdout goes where stderr does, and signals are as in a shell of one's own. */
static void test_descriptors_and_signals(void **state)
{
	struct awsq_err err = { 0 };
	char path[256], text[64];
	int kept = dup(2), file, rc;

	(void)state;
	file = open(path_of(path, sizeof(path), "stderr"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(kept >= 0 && file >= 0);
	assert_true(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
	assert_int_equal(dup2(file, 2), 2);
	rc = spawn("cat; echo out; echo err >&2; sh -c 'kill -PIPE $$'; echo $?", 60000, &err);
	assert_int_equal(dup2(kept, 2), 2);
	assert_int_equal(rc, 0);
	assert_string_equal(contents(text, sizeof(text), "stderr"), "out\nerr\n141\n");
	/* Nor is anything else of ours open there, such as file. */
	assert_int_equal(fcntl(file, F_GETFD), 0);
	assert_int_equal(spawn("cd /proc/self/fd && echo * >$DIR_OF_TEST/env", 60000, &err), 0);
	assert_string_equal(contents(text, sizeof(text), "env"), "0 1 2 3\n");
	(void)close(file);
	(void)close(kept);
}

/* Whether a process whose number is in a file still runs. */
static int still_runs(const char *name)
{
	char text[32];
	long pid = strtol(contents(text, sizeof(text), name), NULL, 10);

	assert_true(pid > 1);
	return kill((pid_t)pid, 0) == 0;
}

static int ends_soon(const char *name)
{
	for (int i = 0; i < 3000 && still_runs(name); i++)
		(void)awsq_clock_system.sleep_ms(awsq_clock_system.arg, 20, -1);
	return !still_runs(name);
}

static void test_limit(void **state)
{
	struct awsq_err err = { 0 };
	int64_t begun = now_ms();

	(void)state;
	assert_int_equal(spawn("sleep 77 & echo $! >$DIR_OF_TEST/below; echo $$ >$DIR_OF_TEST/self;"
			       " sleep 78",
				 3000, &err),
		AWSQ_ETIMEDOUT);
	assert_string_equal(err.message, "had not ended after 3 seconds, and was killed");
	assert_in_range(now_ms() - begun, 2900, 60000);
	assert_true(ends_soon("self"));
	assert_true(ends_soon("below"));
}

/* Who does not hear TERM gets KILL, five seconds later. */
static void test_stubborn(void **state)
{
	struct awsq_err err = { 0 };
	int64_t begun = now_ms();

	(void)state;
	assert_int_equal(
		spawn("trap '' TERM; echo $$ >$DIR_OF_TEST/self; while :; do sleep 1; done", 3000,
			&err),
		AWSQ_ETIMEDOUT);
	assert_in_range(now_ms() - begun, 7900, 30000);
	assert_true(ends_soon("self"));
}

static void test_canceled(void **state)
{
	struct awsq_err err = { 0 };
	int64_t begun = now_ms();
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "x", 1), 1);
	assert_int_equal(spawn_shell("sleep 77", NULL, 0, 77000, fds[0], &err), AWSQ_ECANCELED);
	assert_in_range(now_ms() - begun, 0, 30000);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

/* ---- Hooks */

struct world {
	struct config config;
	struct fleet fleet;
	struct region region;
	struct report report;
	struct ledger_run run;
	struct server *server;
	char url[200];
	char warned[1024];
};

static void keep_warning(void *arg, const char *region, const char *text)
{
	struct world *w = arg;

	(void)region;
	(void)snprintf(w->warned, sizeof(w->warned), "%s", text);
}

static void drop(void *arg, const char *region, const char *text)
{
	(void)arg;
	(void)region;
	(void)text;
}

static void world_begin(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->config.name = "NAVO";
	w->report = (struct report){ drop, keep_warning, drop, w };
	w->fleet.config = &w->config;
	w->fleet.report = &w->report;
	w->fleet.state_dir = folder;
	w->region.fleet = &w->fleet;
	w->region.name = "eu-west-3";
	w->region.cancel_fd = -1;
	(void)snprintf(w->run.id, sizeof(w->run.id), "20261122-051552-7f3a9c");
	(void)snprintf(w->run.region, sizeof(w->run.region), "eu-west-3");
	(void)snprintf(w->run.instance, sizeof(w->run.instance), "i-1");
	w->run.status = -1;
}

static char show[] = "for v in RUN FLEET REGION INSTANCE STATE STATUS SECONDS BILLED_SECONDS LOG "
		     "MESSAGE; do eval \"echo $v=\\$AWSQ_$v\"; done >/tmp/XXXXXXXXXXXXXXXXXXXXXXXX";

static void test_facts(void **state)
{
	struct world w;
	struct awsq_err err = { 0 };
	char text[1024], expected[1024];

	(void)state;
	world_begin(&w);
	(void)snprintf(strrchr(show, '>'), 30, ">%s/facts", folder);
	w.config.job_before = show;
	w.config.job_after = show;
	assert_int_equal(hooks_before(&w.region, &w.run, &err), 0);
	(void)snprintf(expected, sizeof(expected),
		"RUN=20261122-051552-7f3a9c\nFLEET=NAVO\nREGION=eu-west-3\nINSTANCE=i-1\n"
		"STATE=open\nSTATUS=\nSECONDS=0\nBILLED_SECONDS=0\n"
		"LOG=%s/runs/20261122-051552-7f3a9c\nMESSAGE=\n",
		folder);
	assert_string_equal(contents(text, sizeof(text), "facts"), expected);
	w.run.state = LEDGER_TIMED_OUT;
	w.run.status = 124;
	w.run.job_start_ms = 1000;
	w.run.job_end_ms = 31999;
	w.run.billed_s = 75;
	(void)snprintf(w.run.message, sizeof(w.run.message), "out of time");
	hooks_after(&w.region, &w.run);
	(void)snprintf(expected, sizeof(expected),
		"RUN=20261122-051552-7f3a9c\nFLEET=NAVO\nREGION=eu-west-3\nINSTANCE=i-1\n"
		"STATE=timed-out\nSTATUS=124\nSECONDS=30\nBILLED_SECONDS=75\n"
		"LOG=%s/runs/20261122-051552-7f3a9c\nMESSAGE=out of time\n",
		folder);
	assert_string_equal(contents(text, sizeof(text), "facts"), expected);
	assert_string_equal(w.warned, "");
}

static void test_hooks_that_fail(void **state)
{
	static char no[] = "exit 9";
	struct world w;
	struct awsq_err err = { 0 };

	(void)state;
	world_begin(&w);
	w.config.job_before = no;
	assert_int_equal(hooks_before(&w.region, &w.run, &err), AWSQ_EINVAL);
	assert_string_equal(err.message, "job.before ended with 9: the run is not begun");
	assert_string_equal(w.warned, "");
	w.config.job_after = no;
	hooks_after(&w.region, &w.run);
	assert_string_equal(w.warned, "job.after ended with 9");
}

static void ping_twice(struct world *w, const char *rest, int status)
{
	struct awsq_err err = { 0 };

	(void)snprintf(w->url, sizeof(w->url), "http://who:what@127.0.0.1:%d%s", w->server->port,
		rest);
	w->config.job_ping_url = w->url;
	assert_int_equal(hooks_before(&w->region, &w->run, &err), 0);
	w->run.status = status;
	hooks_after(&w->region, &w->run);
}

static void expect_request(const struct world *w, int i, const char *line)
{
	const char *head = w->server->requests[i].head;

	assert_int_equal(strncmp(head, line, strlen(line)), 0);
	assert_int_equal(head[strlen(line)], ' ');
}

static void test_pings(void **state)
{
	static const struct answer answers[] = { { .status = 200 }, { .status = 201 },
		{ .status = 200 }, { .status = 200 }, { .status = 200 }, { .status = 200 } };
	struct world w;

	(void)state;
	world_begin(&w);
	w.server = server_begin(answers, 6);
	ping_twice(&w, "/2a1f", 0);
	ping_twice(&w, "/key/slug/?create=1", 124);
	ping_twice(&w, "", -1);
	assert_int_equal(w.server->n_requests, 6);
	expect_request(&w, 0, "GET /2a1f/start");
	expect_request(&w, 1, "GET /2a1f/0");
	expect_request(&w, 2, "GET /key/slug/start?create=1");
	expect_request(&w, 3, "GET /key/slug/124?create=1");
	expect_request(&w, 4, "GET /start");
	expect_request(&w, 5, "GET /255");
	assert_string_equal(w.warned, "");
	server_end(w.server);
}

/* Warned of by the host alone, and nothing else. */
static void test_pings_that_fail(void **state)
{
	static const struct answer answers[] = { { .status = 404 }, { .status = 0 } };
	struct world w;
	char expected[200];

	(void)state;
	world_begin(&w);
	w.server = server_begin(answers, 1);
	ping_twice(&w, "/secret-path", 0);
	assert_int_equal(strncmp(w.warned, "cannot tell '127.0.0.1:", 23), 0);
	assert_null(strstr(w.warned, "secret"));
	assert_null(strstr(w.warned, "what"));
	server_end(w.server);
	w.server = server_begin(answers, 1);
	w.warned[0] = '\0';
	(void)snprintf(w.url, sizeof(w.url), "http://127.0.0.1:%d/secret-path", w.server->port);
	hooks_after(&w.region, &w.run);
	(void)snprintf(expected, sizeof(expected),
		"cannot tell '127.0.0.1:%d' of the run's end (job.ping_url): it answered 404",
		w.server->port);
	assert_string_equal(w.warned, expected);
	server_end(w.server);
}

/* A server that never answers does not hold up a run that the user ends. */
static void test_ping_canceled(void **state)
{
	static const struct answer answers[] = { { .delay_ms = -1 } };
	struct awsq_err err = { 0 };
	struct world w;
	int64_t begun = now_ms();
	int fds[2];

	(void)state;
	world_begin(&w);
	w.server = server_begin(answers, 1);
	(void)snprintf(w.url, sizeof(w.url), "http://127.0.0.1:%d/x", w.server->port);
	w.config.job_ping_url = w.url;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "x", 1), 1);
	w.region.cancel_fd = fds[0];
	assert_int_equal(hooks_before(&w.region, &w.run, &err), AWSQ_ECANCELED);
	assert_in_range(now_ms() - begun, 0, 30000);
	server_end(w.server);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

static int set_up(void **state)
{
	(void)state;
	assert_int_equal(unsetenv("http_proxy"), 0);
	assert_non_null(mkdtemp(folder));
	return awsq_global_init();
}

static int tear_down(void **state)
{
	static const char *const names[] = { "env", "stderr", "self", "below", "facts" };
	char path[256];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)unlink(path_of(path, sizeof(path), names[i]));
	awsq_global_free();
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_status_and_environment),
		cmocka_unit_test(test_descriptors_and_signals),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_stubborn),
		cmocka_unit_test(test_canceled),
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_hooks_that_fail),
		cmocka_unit_test(test_pings),
		cmocka_unit_test(test_pings_that_fail),
		cmocka_unit_test(test_ping_canceled),
	};

	return cmocka_run_group_tests_name("hooks", tests, set_up, tear_down);
}
