/*
 * Jobs by way of a link to this very machine, where sh runs what is sent: one that streams, and one
 * that brings short answers at their end, as SSM does. Homes and what the jobs leave are in a
 * folder of the test's own.
 */
#include "banned.h"

#include "runs/command.h"
#include "runs/job.h"
#include "runs/job_private.h"

#include <awsq/clock.h>
#include <awsq/hash.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define ANSWER_MAX 23000

static char home[] = "/tmp/awsq-script-XXXXXX";

struct link_here {
	struct link link;
	int execs;
	int fail_every; /* of these, one breaks off in the middle of its answer; 0: none */
};

static int64_t now_ms(void)
{
	return awsq_clock_system.mono_ms(awsq_clock_system.arg);
}

/* ---- The link */

/* The text is in a file without a name, so that writing it waits for nobody. */
static pid_t start_sh(int *out, const char *text, size_t len)
{
	FILE *input = tmpfile();
	int fds[2];
	pid_t pid;

	assert_non_null(input);
	assert_int_equal(fwrite(text, 1, len, input), len);
	rewind(input);
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)setsid();
		(void)dup2(fileno(input), 0);
		(void)dup2(fds[1], 1);
		(void)close(fds[0]);
		(void)close(fds[1]);
		(void)execlp("sh", "sh", "-c", "eval \"$(cat)\"", (char *)NULL);
		_exit(127);
	}
	(void)fclose(input);
	(void)close(fds[1]);
	*out = fds[0];
	return pid;
}

/* What there is to read within the deadlines; 0: the end. */
static ssize_t read_some(struct link *link, int fd, char *data, size_t size, int64_t deadline_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	for (;;) {
		int64_t limit = link->until_ms > 0 && link->until_ms < deadline_ms ? link->until_ms
		                                                                   : deadline_ms;
		int64_t left = limit - now_ms();

		if (left <= 0)
			return AWSQ_ETIMEDOUT;
		if (poll(&p, 1, (int)(left < 50 ? left : 50)) > 0)
			return read(fd, data, size);
	}
}

static int exec_here(struct link *link, int *status, const char *text, size_t len,
	const struct ssh_output *out, int64_t deadline_ms, int cancel_fd, struct awsq_err *err)
{
	struct link_here *l = (struct link_here *)link;
	struct awsq_buf answer = AWSQ_BUF_INIT(1 << 20);
	int breaks = l->fail_every && ++l->execs % l->fail_every == 0;
	char data[5000];
	int fd, rc = 0, told = 0;
	pid_t pid;
	ssize_t n;

	(void)cancel_fd;
	pid = start_sh(&fd, text, len);
	link->sent = 1;
	while (rc == 0 && (n = read_some(link, fd, data, sizeof(data), deadline_ms)) != 0) {
		if (n < 0)
			rc = (int)n;
		else if (link->kind->answer_max > 0)
			awsq_buf_add(&answer, data, (size_t)n);
		else if (out)
			rc = out->write(out->arg, 0, data,
				breaks ? (size_t)(n + 1) / 2 : (size_t)n);
		if (breaks && rc == 0)
			rc = AWSQ_ENET;
	}
	(void)close(fd);
	if (link->kind->answer_max > 0) {
		assert_true(answer.len <= link->kind->answer_max);
		for (size_t i = 0; i < answer.len; i++)
			assert_true(answer.data[i] == '\n' ||
				    (answer.data[i] >= ' ' && answer.data[i] <= '~'));
		if (rc == 0 && answer.len > 0 && out)
			rc = out->write(out->arg, 0, answer.data, answer.len);
	}
	awsq_buf_free(&answer);
	/* What is still being said to nobody ends at its next word. */
	if (rc == 0)
		assert_int_equal(waitpid(pid, &told, 0), pid);
	*status = rc == 0 && WIFEXITED(told) ? WEXITSTATUS(told) : 255;
	if (rc == AWSQ_ENET || rc == AWSQ_ETIMEDOUT)
		return awsq_err_set(err, rc, "the link broke");
	return rc;
}

static void close_here(struct link *link)
{
	(void)link;
}

static const struct link_kind streaming = { exec_here, close_here, 0 };
static const struct link_kind answering = { exec_here, close_here, ANSWER_MAX };

/* ---- Jobs */

struct run {
	struct awsq_buf out[2];
	struct job_result result;
	struct awsq_err err;
	int rc;
};

static int keep(void *arg, int is_stderr, const void *data, size_t len)
{
	struct run *run = arg;

	awsq_buf_add(&run->out[is_stderr], data, len);
	return 0;
}

static void run_job(struct run *run, const struct link_kind *kind, const struct job_request *wanted,
	int fail_every)
{
	struct link_here l = { .link = { .kind = kind }, .fail_every = fail_every };
	struct job_request request = *wanted;

	for (int i = 0; i < 2; i++)
		awsq_buf_init(&run->out[i], 64 << 20);
	request.link = &l.link;
	request.host = "i-1";
	request.connect_timeout_ms = 60000;
	request.cancel_fd = -1;
	request.output = (struct ssh_output){ .write = keep, .arg = run };
	run->rc = job_run(&run->result, &request, &run->err);
	if (run->result.started && !run->result.left_over)
		assert_int_equal(job_forget(&l.link, request.id, now_ms() + 60000, NULL), 0);
}

static void free_run(struct run *run)
{
	for (int i = 0; i < 2; i++)
		awsq_buf_free(&run->out[i]);
}

/* No id is for a second job; good until it is asked for another. */
static const char *new_id(void)
{
	static char id[16];
	static int n;

	(void)snprintf(id, sizeof(id), "t.%d", ++n);
	return id;
}

/* Runs script by each kind of link; expects its stdout, stderr and status. */
static void expect(const char *script, const char *out, const char *err, int status)
{
	const struct link_kind *const kinds[] = { &streaming, &answering };

	for (int i = 0; i < 2; i++) {
		struct job_request request = { .id = new_id(), .script = script };
		struct run run;

		run_job(&run, kinds[i], &request, 0);
		assert_int_equal(run.rc, 0);
		assert_int_equal(run.result.status, status);
		assert_string_equal(awsq_buf_str(&run.out[0]), out);
		assert_string_equal(awsq_buf_str(&run.out[1]), err);
		free_run(&run);
	}
}

static void test_output_and_status(void **state)
{
	(void)state;
	expect("echo a; echo b >&2; echo c; exit 9", "a\nc\n", "b\n", 9);
	expect("", "", "", 0);
	expect("exit 255", "", "", 255);
	expect("cat; kill -TERM $$", "", "", 143);
	expect("printf x; sleep 1.5; printf y", "xy", "", 0);
}

/* Random bytes on both streams, with SHA-256 for a witness, over links that break or do not. */
static void expect_bytes(const struct link_kind *kind, int size, int fail_every)
{
	struct job_request request = { .id = new_id() };
	char script[256], line[2][80] = { "", "" };
	struct run run;
	FILE *f;

	(void)snprintf(script, sizeof(script),
		"cd %s; head -c %d /dev/urandom >a; head -c %d /dev/urandom >b; cat a & cat b >&2; "
		"wait",
		home, size, size / 2);
	request.script = script;
	run_job(&run, kind, &request, fail_every);
	assert_int_equal(run.rc, 0);
	assert_int_equal(run.result.status, 0);
	(void)snprintf(script, sizeof(script), "sha256sum %s/a %s/b", home, home);
	f = popen(script, "r");
	for (int i = 0; i < 2; i++) {
		uint8_t digest[AWSQ_SHA256_LEN];
		char hex[AWSQ_SHA256_HEX];

		assert_non_null(fgets(line[i], sizeof(line[i]), f));
		while (fgetc(f) != '\n')
			continue;
		assert_int_equal(run.out[i].len, i ? size / 2 : size);
		assert_int_equal(awsq_sha256(digest, run.out[i].data, run.out[i].len), 0);
		awsq_hex(hex, digest, sizeof(digest));
		assert_memory_equal(hex, line[i], 64);
	}
	(void)pclose(f);
	free_run(&run);
}

static void test_every_byte_arrives(void **state)
{
	(void)state;
	expect_bytes(&streaming, 5000000, 0);
	expect_bytes(&answering, 200000, 0);
	expect_bytes(&answering, 1, 0);
}

static void test_every_byte_arrives_over_a_link_that_breaks(void **state)
{
	struct job_request request = { .id = new_id() };
	struct run run;

	(void)state;
	/* Each answer but every third breaks off half-way through a piece. */
	request.script = "i=0; while [ $i -lt 300 ]; do i=$((i+1)); echo line $i; done; sleep 0.3; "
			 "echo last; exit 4";
	run_job(&run, &streaming, &request, 1 + 1);
	assert_int_equal(run.rc, 0);
	assert_int_equal(run.result.status, 4);
	assert_int_equal(run.out[0].len, 9 * 7 + 90 * 8 + 201 * 9 + 5);
	free_run(&run);
	expect_bytes(&streaming, 300000, 3);
}

static void test_a_timeout(void **state)
{
	const struct link_kind *const kinds[] = { &streaming, &answering };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct job_request request = { .id = new_id(),
			.script = "trap 'echo bye; exit 0' TERM; echo on; sleep 3601 & wait",
			.timeout_ms = 3000 };
		struct run run;

		run_job(&run, kinds[i], &request, 0);
		assert_int_equal(run.rc, AWSQ_ETIMEDOUT);
		assert_int_equal(run.result.status, 124);
		assert_int_equal(run.result.timed_out, 1);
		assert_int_equal(run.result.left_over, 0);
		assert_string_equal(awsq_buf_str(&run.out[0]), "on\nbye\n");
		free_run(&run);
	}
}

/* The network is gone at the very moment at which the job's time is over. */
static int exec_cut(struct link *link, int *status, const char *text, size_t len,
	const struct ssh_output *out, int64_t deadline_ms, int cancel_fd, struct awsq_err *err)
{
	int rc = exec_here(link, status, text, len, out, deadline_ms, cancel_fd, err);

	return rc == AWSQ_ETIMEDOUT ? awsq_err_set(err, AWSQ_ENET, "no route") : rc;
}

static void test_a_timeout_with_a_broken_link(void **state)
{
	static const struct link_kind cut = { exec_cut, close_here, 0 };
	struct job_request request = {
		.id = new_id(), .script = "echo on; exec sleep 3602", .timeout_ms = 3000
	};
	struct run run;

	(void)state;
	run_job(&run, &cut, &request, 0);
	assert_int_equal(run.rc, AWSQ_ETIMEDOUT);
	assert_int_equal(run.result.status, 124);
	assert_int_equal(run.result.timed_out, 1);
	assert_int_equal(run.result.left_over, 0);
	assert_int_equal(run.result.unknown, 0);
	free_run(&run);
}

/* ---- Commands */

/* Runs the script that settings make, with sh, in home; what it prints goes to out. Its status. */
static int run_command(char *out, size_t size, const struct command *command)
{
	struct awsq_buf script = AWSQ_BUF_INIT(1 << 20);
	char path[64], line[128];
	size_t len;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/script", home);
	assert_int_equal(command_script(&script, command), 0);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(script.data, 1, script.len, f), script.len);
	assert_int_equal(fclose(f), 0);
	awsq_buf_free(&script);
	(void)snprintf(line, sizeof(line), "cd && PATH=$HOME/bin:$PATH sh %s 2>&1", path);
	f = popen(line, "r");
	assert_non_null(f);
	len = fread(out, 1, size - 1, f);
	out[len] = '\0';
	return WEXITSTATUS(pclose(f));
}

static void test_a_command_with_its_environment(void **state)
{
	char *names[] = { "A", "B_2", "EMPTY" };
	char *values[] = { "it's $HOME \"and\" `so` \\ on", "two\nlines", "" };
	struct config_pairs env = { names, values, 3 };
	struct command command = {
		.run = "20261122-051552-7f3a9c", .attempt = 3, .id = "x.3", .env = &env
	};
	char out[512];

	(void)state;
	command.text = "printf '%s|' \"$A\" \"$B_2\" \"${EMPTY-unset}\" $AWSQ_RUN $AWSQ_ATTEMPT; "
		       "env | grep -c '^A=it'; exit 6";
	assert_int_equal(run_command(out, sizeof(out), &command), 6);
	assert_string_equal(out, "it's $HOME \"and\" `so` \\ on|two\nlines||"
				 "20261122-051552-7f3a9c|3|1\n");
	command.text = "echo 'quo\nted' # and a remark";
	assert_int_equal(run_command(out, sizeof(out), &command), 0);
	assert_string_equal(out, "quo\nted\n");
	command.text = NULL;
	assert_int_equal(run_command(out, sizeof(out), &command), 0);
	assert_string_equal(out, "");
}

static void test_a_command_in_its_folder(void **state)
{
	struct command command = { .text = "pwd", .run = "r", .id = "x.1" };
	char out[512], path[128];

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/-a b'c", home);
	assert_int_equal(mkdir(path, 0700), 0);
	command.workdir = "-a b'c";
	assert_int_equal(run_command(out, sizeof(out), &command), 0);
	assert_memory_equal(out, path, strlen(path));
	command.workdir = "/";
	assert_int_equal(run_command(out, sizeof(out), &command), 0);
	assert_string_equal(out, "/\n");
	command.workdir = "not-there";
	assert_int_equal(run_command(out, sizeof(out), &command), 125);
	assert_string_equal(out,
		"cannot work in 'not-there' (job.workdir): the instance has no such folder that "
		"the job's user may enter\n");
}

/* A docker that says how it was called, and has but one image to be pulled and one of its own. */
static void make_docker(void)
{
	static const char text[] = "#!/bin/sh\n"
				   "case $1 in\n"
				   "pull) [ \"$3\" = far/image ] && echo abc123 ;;\n"
				   "image) [ \"$3\" = own ] ;;\n"
				   "*) for a in \"$@\"; do printf '<%s>' \"$a\"; done; echo; "
				   "[ -z \"$A\" ] || echo \"A is $A\" ;;\n"
				   "esac\n";
	char path[64];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/bin", home);
	(void)mkdir(path, 0700);
	(void)snprintf(path, sizeof(path), "%s/bin/docker", home);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0700), 0);
}

static void test_a_command_in_a_container(void **state)
{
	char *names[] = { "A" }, *values[] = { "secret" }, *args[] = { "--gpus", "all of 'em" };
	struct config_pairs env = { names, values, 1 };
	struct config_strings image_args = { args, 2 };
	struct command command = { .text = "it's",
		.run = "r-1",
		.attempt = 1,
		.id = "r-1.1",
		.env = &env,
		.image = "far/image",
		.image_args = &image_args };
	struct awsq_buf cleanup = AWSQ_BUF_INIT(1024);
	char out[512];

	(void)state;
	make_docker();
	assert_int_equal(run_command(out, sizeof(out), &command), 0);
	assert_string_equal(out, "<run><--rm><--name><awsq-r-1.1><-e><AWSQ_RUN><-e><AWSQ_ATTEMPT>"
				 "<-e><A><--gpus><all of 'em><far/image><sh><-c><it's>\n"
				 "A is secret\n");
	command.text = "";
	command.image = "own";
	command.env = NULL;
	command.image_args = NULL;
	assert_int_equal(run_command(out, sizeof(out), &command), 0);
	assert_string_equal(out, "<run><--rm><--name><awsq-r-1.1><-e><AWSQ_RUN><-e><AWSQ_ATTEMPT>"
				 "<own>\n");
	command.image = "nowhere";
	assert_int_equal(run_command(out, sizeof(out), &command), 125);
	assert_int_equal(command_cleanup(&cleanup, &command), 0);
	assert_string_equal(awsq_buf_str(&cleanup), "docker rm -f awsq-r-1.1\n");
	awsq_buf_reset(&cleanup);
	command.image = NULL;
	assert_int_equal(command_cleanup(&cleanup, &command), 0);
	assert_string_equal(awsq_buf_str(&cleanup), "");
	awsq_buf_free(&cleanup);
}

static int set_up(void **state)
{
	(void)state;
	return mkdtemp(home) && setenv("HOME", home, 1) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
	char line[64];

	(void)state;
	(void)snprintf(line, sizeof(line), "rm -rf %s", home);
	return system(line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_output_and_status),
		cmocka_unit_test(test_every_byte_arrives),
		cmocka_unit_test(test_every_byte_arrives_over_a_link_that_breaks),
		cmocka_unit_test(test_a_timeout),
		cmocka_unit_test(test_a_timeout_with_a_broken_link),
		cmocka_unit_test(test_a_command_with_its_environment),
		cmocka_unit_test(test_a_command_in_its_folder),
		cmocka_unit_test(test_a_command_in_a_container),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
