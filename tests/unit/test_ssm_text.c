/*
 * The scripts for Systems Manager's agent, run for real by sh, as a file. sudo and su are stand-ins
 * that say how they were called.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <awsq/err.h>

#include "runs/ssm_text.h"

#define SUDO                                       \
	"#!/bin/sh\necho \"sudo $*\" >>\"$LOG\"\n" \
	"[ \"$1 $2 $3\" = '-n -H -u' ] || exit 99\nshift 4\nexec \"$@\"\n"
#define SU                                       \
	"#!/bin/sh\necho \"su $*\" >>\"$LOG\"\n" \
	"[ \"$1 $2 $4\" = '-s /bin/sh -c' ] || exit 99\nexec sh -c \"$5\"\n"

/* A folder of its own: home, with the tools that there are. */
struct machine {
	char dir[64];
	char home[128];
	char out[128];
	char log[128];
};

static void write_file(const char *dir, const char *name, const char *text, mode_t mode)
{
	char path[256];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fputs(text, f) < 0, 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static void read_file(char *text, size_t size, const char *path)
{
	FILE *f = fopen(path, "r");
	size_t len = f ? fread(text, 1, size - 1, f) : 0;

	text[len] = '\0';
	if (f)
		(void)fclose(f);
}

static void begin(struct machine *m, const char *tool, const char *text)
{
	char command[512];

	(void)snprintf(m->dir, sizeof(m->dir), "/tmp/awsq-ssm-XXXXXX");
	assert_non_null(mkdtemp(m->dir));
	(void)snprintf(m->home, sizeof(m->home), "%s/home", m->dir);
	(void)snprintf(m->out, sizeof(m->out), "%s/out", m->dir);
	(void)snprintf(m->log, sizeof(m->log), "%s/log", m->dir);
	(void)snprintf(command, sizeof(command),
		"mkdir %s/home %s/bin && cd %s/bin && for t in sh base64 cat setsid mkdir rm ls "
		"sed stat; do ln -s \"$(command -v $t)\" .; done",
		m->dir, m->dir, m->dir);
	assert_int_equal(system(command), 0);
	(void)snprintf(command, sizeof(command), "%s/bin", m->dir);
	write_file(command, tool, text, 0755);
}

static void end(struct machine *m)
{
	char command[128];

	(void)snprintf(command, sizeof(command), "rm -rf %s", m->dir);
	assert_int_equal(system(command), 0);
}

/* Runs a script as the agent would, but for HOME, which sudo sets; its exit status. */
static int run(struct machine *m, struct awsq_buf *script)
{
	char command[1024];
	int status;

	assert_int_equal(awsq_buf_error(script), 0);
	write_file(m->dir, "script", awsq_buf_str(script), 0600);
	(void)snprintf(command, sizeof(command),
		"cd / && exec env -i PATH=%s/bin HOME=%s LOG=%s sh %s/script >%s 2>&1", m->dir,
		m->home, m->log, m->dir, m->out);
	status = system(command);
	awsq_buf_free(script);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void expect(struct machine *m, struct awsq_buf *script, int status, const char *output)
{
	char text[4096];
	int rc = run(m, script);

	read_file(text, sizeof(text), m->out);
	assert_string_equal(text, output);
	assert_int_equal(rc, status);
}

static const char probe[] = "[ \"$PWD\" = \"$HOME\" ] && echo home\n"
			    "read -r line </proc/$$/stat; set -- ${line##*\") \"}\n"
			    "[ \"$4\" = $$ ] && echo leader\n"
			    "read -r word || echo no input\n"
			    "printf '%s\\n' 'it'\\''s \"$HOME\" \\\\ $ `'\n"
			    "exit 7";
#define PROBED "home\nleader\nno input\nit's \"$HOME\" \\\\ $ `\n"

static void check_run(const char *tool, const char *text, const char *called)
{
	struct awsq_buf script = AWSQ_BUF_INIT(100000);
	char log[4096];
	struct machine m = { .dir = "" };

	begin(&m, tool, text);
	assert_int_equal(ssm_text_run(&script, "o'neil", NULL, probe, strlen(probe)), 0);
	expect(&m, &script, 7, PROBED);
	read_file(log, sizeof(log), m.log);
	assert_memory_equal(log, called, strlen(called));
	/* What is run is no argument of anything. */
	assert_null(strstr(log, "leader"));
	end(&m);
}

static void test_run(void **state)
{
	(void)state;
	check_run("sudo", SUDO, "sudo -n -H -u o'neil sh -c cd || exit 125\n");
	check_run("su", SU, "su -s /bin/sh o'neil -c cd || exit 125\n");
}

/* Where the user may not be become, the text is not run by anyone else. */
static void test_refused(void **state)
{
	struct awsq_buf script = AWSQ_BUF_INIT(100000);
	struct machine m = { .dir = "" };

	(void)state;
	begin(&m, "sudo", "#!/bin/sh\necho no\nexit 1\n");
	assert_int_equal(ssm_text_run(&script, "user", NULL, probe, strlen(probe)), 0);
	expect(&m, &script, 1, "no\n");
	end(&m);
}

/* A text of any bytes but NUL that a shell script may have, in parts, and what is left of them. */
static void test_parts(void **state)
{
	struct awsq_buf script = AWSQ_BUF_INIT(100000), text = AWSQ_BUF_INIT(200000);
	struct machine m = { .dir = "" };
	size_t at = 0;

	(void)state;
	awsq_buf_adds(&text, "printf '%s' '");
	for (int i = 0; i < 70000; i++) {
		char c = (char)(i % 254 + 1);

		if (c == '\'')
			c = '_';
		awsq_buf_addc(&text, c);
	}
	awsq_buf_adds(&text, "' >bytes\nls -A .awsq; stat -c %a .awsq\n");
	begin(&m, "sudo", SUDO);
	for (; text.len - at > SSM_TEXT_PART; at += SSM_TEXT_PART) {
		assert_int_equal(ssm_text_keep(&script, "user", "part", text.data + at,
					 SSM_TEXT_PART),
			0);
		expect(&m, &script, 0, "");
	}
	assert_int_equal(ssm_text_run(&script, "user", "part", text.data + at, text.len - at), 0);
	expect(&m, &script, 0, "700\n");
	{
		char path[256], *bytes = calloc(1, 100001);

		assert_non_null(bytes);
		(void)snprintf(path, sizeof(path), "%s/bytes", m.home);
		read_file(bytes, 100001, path);
		assert_int_equal(strlen(bytes), 70000);
		assert_memory_equal(bytes, text.data + strlen("printf '%s' '"), 70000);
		free(bytes);
	}
	awsq_buf_free(&text);
	end(&m);
}

/* A part that is missing is an error, and not the beginning of the text left out. */
static void test_a_lost_part(void **state)
{
	struct awsq_buf script = AWSQ_BUF_INIT(100000);
	struct machine m = { .dir = "" };

	(void)state;
	begin(&m, "sudo", SUDO);
	assert_int_equal(ssm_text_run(&script, "user", "part", "echo ran", 8), 0);
	assert_int_not_equal(run(&m, &script), 0);
	end(&m);
}

static void test_too_long(void **state)
{
	struct awsq_buf script = AWSQ_BUF_INIT(300);

	(void)state;
	assert_int_equal(ssm_text_run(&script, "user", NULL, probe, strlen(probe)), AWSQ_ETOOBIG);
	awsq_buf_free(&script);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_run),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_a_lost_part),
		cmocka_unit_test(test_too_long),
	};

	return cmocka_run_group_tests_name("ssm_text", tests, NULL, NULL);
}
