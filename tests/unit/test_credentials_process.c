/*
 * Credentials that a command prints, and all that a command can do instead.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <signal.h>

#include "credentials_case.h"

#define KEYS   "\"AccessKeyId\": \"A\", \"SecretAccessKey\": \"S\""
#define GOOD   "{\"Version\": 1, " KEYS "}"
#define SOURCE "credential_process"

static void command(struct credentials_case *k, const char *text)
{
	char config[1024];

	(void)snprintf(config, sizeof(config), "[profile p]\ncredential_process = %s\n", text);
	fake_file(&k->user, ".aws/config", config);
	k->profile = "p";
}

static void test_what_is_printed(void **state)
{
	static const struct {
		const char *command, *token;
		int64_t expires;
	} cases[] = {
		{ "echo '" GOOD "'", NULL, 0 },
		{ "echo '{\"Version\": 1, " KEYS ", \"SessionToken\": \"T\"}'", "T", 0 },
		{ "echo '{\"Version\": 1, " KEYS ", \"SessionToken\": null}'", NULL, 0 },
		{ "echo '{\"Version\": 1, " KEYS ", \"Expiration\": \"2015-08-30T13:36:00Z\"}'",
			NULL, KEYS_NOW + 3600 },
		{ "echo '{\"Version\": 1, " KEYS
		  ", \"Expiration\": \"2015-08-30T15:36:00+02:00\"}'",
			NULL, KEYS_NOW + 3600 },
		{ "printf %s '{\"AccountId\": \"1\", \"Version\": 1, " KEYS "}'", NULL, 0 },
		/* No shell cuts the words, or fills in for a variable. */
		{ "sh -c 'test \"$1\" = \"a  \\$HOME\" && echo \"$2\"' x 'a  $HOME' '" GOOD "'",
			NULL, 0 },
		/* stderr is no part of it, however much there is. */
		{ "sh -c 'head -c 300000 /dev/zero >&2; echo \"$0\"' '" GOOD "'", NULL, 0 },
		/* What stays behind with stdout in its hands is not waited for. */
		{ "sh -c 'sleep 60 & echo \"$0\"' '" GOOD "'", NULL, 0 },
		{ "sh -c 'echo \"$0\"; exec >&- 2>&-; sleep 0.2' '" GOOD "'", NULL, 0 },
	};
	struct credentials_case k;

	(void)state;
	case_begin(&k, NULL, 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int64_t begun = case_mono_ms(&k);

		command(&k, cases[i].command);
		case_finds(&k, "A", "S", cases[i].token, cases[i].expires, SOURCE);
		assert_in_range(case_mono_ms(&k) - begun, 0, 10000);
	}
	case_end(&k);
}

static void test_what_is_wrong(void **state)
{
	static const char *const cases[][2] = {
		{ "sh -c 'echo no luck >&2; exit 3' secret",
			"profile 'p': credential_process 'sh' failed with status 3: no luck" },
		{ "sh -c 'exit 1'", "failed with status 1" },
		{ "sh -c 'echo \"$0\"; exit 1' '" GOOD "'", "failed with status 1" },
		{ "sh -c 'kill -9 $$'", "was ended by signal 9" },
		{ "/not/there --key secret", "credential_process '/not/there' cannot be run: No "
					     "such file or directory" },
		{ "/etc", "'/etc' cannot be run: Permission denied" },
		{ "true", "did not print one JSON object" },
		{ "echo secret", "did not print one JSON object" },
		{ "echo '[1]'", "did not print one JSON object" },
		{ "echo '" GOOD GOOD "'", "did not print one JSON object" },
		{ "echo '{" KEYS "}'", "one JSON object with '\"Version\": 1'" },
		{ "echo '{\"Version\": \"1\", " KEYS "}'",
			"one JSON object with '\"Version\": 1'" },
		{ "echo '{\"Version\": 2, " KEYS "}'", "one JSON object with '\"Version\": 1'" },
		{ "echo '{\"Version\": 1, \"SecretAccessKey\": \"secret\"}'",
			"did not print an 'AccessKeyId'" },
		{ "echo '{\"Version\": 1, \"AccessKeyId\": \"secret\"}'",
			"did not print a 'SecretAccessKey'" },
		{ "echo '{\"Version\": 1, " KEYS ", \"Expiration\": \"soon\"}'",
			"the 'Expiration' of the credentials is 'soon'" },
		{ "echo '{\"Version\": 1, \"AccessKeyId\": \"secret\\nX: y\", "
		  "\"SecretAccessKey\": \"S\"}'",
			"has a line break" },
		{ "head -c 70000 /dev/zero", "printed more than 64 KiB" },
		{ "echo 'secret", "a quote in it is not closed" },
		{ "echo secret\\", "a quote in it is not closed" },
	};
	struct credentials_case k;

	(void)state;
	case_begin(&k, NULL, 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		command(&k, cases[i][0]);
		case_refuses(&k, AWSQ_ECREDENTIALS, cases[i][1]);
		/* Arguments may be secrets, and what was printed is. */
		assert_null(strstr(k.err.message, "secret"));
	}
	case_end(&k);
}

/* A command that goes on writing is not left behind, nor is it waited for. */
static void test_an_endless_one(void **state)
{
	struct credentials_case k;
	int64_t begun;

	(void)state;
	case_begin(&k, NULL, 0);
	begun = case_mono_ms(&k);
	command(&k, "sh -c 'echo $$ > \"$0\"; exec yes' /tmp/awsq-test-endless");
	case_refuses(&k, AWSQ_ECREDENTIALS, "printed more than 64 KiB");
	assert_in_range(case_mono_ms(&k) - begun, 0, 10000);
	/* Its process is gone: the number, which sh wrote, is nobody's. */
	command(&k, "sh -c 'kill -0 $(cat /tmp/awsq-test-endless) && exit 7; exit 8'");
	case_refuses(&k, AWSQ_ECREDENTIALS, "failed with status 8");
	(void)unlink("/tmp/awsq-test-endless");
	case_end(&k);
}

/* What we ignore or block is not so for the command. */
static void test_signals(void **state)
{
	struct credentials_case k;
	sigset_t blocked, before;

	(void)state;
	case_begin(&k, NULL, 0);
	assert_int_equal(sigemptyset(&blocked), 0);
	assert_int_equal(sigaddset(&blocked, SIGTERM), 0);
	assert_int_equal(pthread_sigmask(SIG_BLOCK, &blocked, &before), 0);
	assert_true(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
	command(&k, "sh -c 'kill -PIPE $$; exit 1'");
	case_refuses(&k, AWSQ_ECREDENTIALS, "was ended by signal 13");
	command(&k, "sh -c 'kill -TERM $$; exit 1'");
	case_refuses(&k, AWSQ_ECREDENTIALS, "was ended by signal 15");
	assert_true(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
	assert_int_equal(pthread_sigmask(SIG_SETMASK, &before, NULL), 0);
	/* Nor does it matter that nobody waits for children here. */
	assert_true(signal(SIGCHLD, SIG_IGN) != SIG_ERR);
	command(&k, "echo '" GOOD "'");
	case_finds(&k, "A", "S", NULL, 0, SOURCE);
	assert_true(signal(SIGCHLD, SIG_DFL) != SIG_ERR);
	case_end(&k);
}

/* The credentials file comes before it, and the config file's own keys after it. */
static void test_order(void **state)
{
	struct credentials_case k;

	(void)state;
	case_begin(&k, NULL, 0);
	k.profile = "p";
	fake_file(&k.user, ".aws/config",
		"[profile p]\ncredential_process = echo '" GOOD "'\n"
		"aws_access_key_id = C\naws_secret_access_key = D\n");
	case_finds(&k, "A", "S", NULL, 0, SOURCE);
	fake_file(&k.user, ".aws/credentials",
		"[p]\naws_access_key_id = F\naws_secret_access_key = G\n");
	case_finds(&k, "F", "G", NULL, 0, "shared credentials file");
	/* It may stand in either. */
	fake_file(&k.user, ".aws/config", "[profile p]\nregion = x\n");
	fake_file(&k.user, ".aws/credentials", "[p]\ncredential_process = echo '" GOOD "'\n");
	case_finds(&k, "A", "S", NULL, 0, SOURCE);
	case_end(&k);
}

/* ---- Canceled */

#define SOON_MS 10000

/* A source of what a command prints, the script of which is in the user's folder. */
struct command {
	struct credentials_case k;
	struct awsq_credentials_options options;
	struct awsq_credentials_source *source;
	char pid_path[160];
};

static void command_begin(struct command *c, const char *script)
{
	char config[256];

	memset(c, 0, sizeof(*c));
	case_begin(&c->k, NULL, 0);
	fake_file(&c->k.user, "other", script);
	(void)snprintf(config, sizeof(config), "[default]\ncredential_process = sh '%s' '%s.pid'\n",
		fake_path(&c->k.user, "other"), c->k.user.home);
	fake_file(&c->k.user, ".aws/config", config);
	(void)snprintf(c->pid_path, sizeof(c->pid_path), "%s.pid", c->k.user.home);
	c->options = (struct awsq_credentials_options){
		.env = &c->k.user.env, .clock = &c->k.clock, .log = &c->k.log
	};
	assert_int_equal(awsq_credentials_source_new(&c->source, &c->options, NULL), 0);
}

static void command_end(struct command *c)
{
	awsq_credentials_source_free(c->source);
	(void)unlink(c->pid_path);
	case_end(&c->k);
}

/* What the command has written. */
struct ids {
	int pid, group, session;
	int child; /* in the background; 0: none */
};

/* Waits until it has. */
static void read_ids(const struct command *c, struct ids *ids)
{
	char text[64] = "", *at = text;
	FILE *f;

	while ((f = fopen(c->pid_path, "r")) == NULL)
		(void)awsq_sleep_ms(5, -1);
	assert_non_null(fgets(text, sizeof(text), f));
	(void)fclose(f);
	ids->pid = (int)strtol(at, &at, 10);
	ids->group = (int)strtol(at, &at, 10);
	ids->session = (int)strtol(at, &at, 10);
	ids->child = (int)strtol(at, &at, 10);
	assert_true(ids->pid > 0 && ids->group > 0);
}

/* Whether it has ended: it may be another's to reap, who takes his time. */
static int has_ended(int pid)
{
	char path[64], text[256] = "";
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "r");
	if (f) {
		(void)!fgets(text, sizeof(text), f);
		(void)fclose(f);
	}
	return !f || strstr(text, ") Z ") || strstr(text, ") X ");
}

struct later {
	struct command *c;
	int fd;
	struct ids ids;
};

static void *cancel_once_it_runs(void *arg)
{
	struct later *l = arg;

	read_ids(l->c, &l->ids);
	assert_int_equal(write(l->fd, "", 1), 1);
	return NULL;
}

static void cancels(struct command *c, struct later *l)
{
	struct awsq_credentials found;
	struct awsq_err err = { 0 };
	int64_t began = awsq_mono_ms();
	pthread_t thread;
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	*l = (struct later){ .c = c, .fd = fds[1] };
	assert_int_equal(pthread_create(&thread, NULL, cancel_once_it_runs, l), 0);
	assert_int_equal(awsq_credentials_source_get_until(c->source, fds[0], &found, &err),
		AWSQ_ECANCELED);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_in_range(awsq_mono_ms() - began, 0, SOON_MS);
	assert_string_equal(err.message, "canceled");
	assert_null(found.access_key_id);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

#define WRITE_IDS "echo $$ $(cut -d' ' -f5,6 /proc/$$/stat) $! > \"$1.new\"; mv \"$1.new\" \"$1\"\n"

/* At first it is of our group, as who may ask the person at the terminal. */
static void test_a_command(void **state)
{
	struct command c;
	struct later l;

	(void)state;
	command_begin(&c, WRITE_IDS "exec sleep 1000\n");
	cancels(&c, &l);
	assert_int_equal(l.ids.group, getpgrp());
	/* It was ours to wait for: it is gone by now. */
	assert_int_equal(kill(l.ids.pid, 0), -1);
	command_end(&c);
}

#define PRINT_KEYS "echo '{\"Version\": 1, " KEYS ", \"Expiration\": \"2015-08-30T13:36:00Z\"}'\n"

/* A renewal is of a session of its own, which ends with it; the keys at hand go on. */
static void test_a_renewal(void **state)
{
	struct awsq_credentials found;
	struct command c;
	struct later l;
	int64_t began;
	struct ids ids;

	(void)state;
	command_begin(&c, WRITE_IDS PRINT_KEYS);
	assert_int_equal(awsq_credentials_source_get(c.source, &found, NULL), 0);
	awsq_credentials_free(&found);
	read_ids(&c, &ids);
	assert_int_equal(ids.group, getpgrp());
	c.k.now += 52 * 60;
	assert_int_equal(unlink(c.pid_path), 0);
	fake_file(&c.k.user, "other", "sleep 1000 &\n" WRITE_IDS "wait\n");
	cancels(&c, &l);
	assert_int_equal(l.ids.session, l.ids.pid);
	assert_int_equal(kill(l.ids.pid, 0), -1);
	for (began = awsq_mono_ms(); !has_ended(l.ids.child) && awsq_mono_ms() - began < SOON_MS;)
		(void)awsq_sleep_ms(5, -1);
	assert_true(l.ids.child > 0 && has_ended(l.ids.child));
	fake_file(&c.k.user, "other", "exit 1\n");
	assert_int_equal(awsq_credentials_source_get(c.source, &found, NULL), 0);
	assert_string_equal(found.access_key_id, "A");
	awsq_credentials_free(&found);
	command_end(&c);
}

static void *signal_later(void *arg)
{
	(void)awsq_sleep_ms(50, -1);
	assert_int_equal(write(*(int *)arg, "", 1), 1);
	return NULL;
}

/* Ctrl-C ends both, and it is the command's end that is seen first. */
static void test_a_signal_for_both(void **state)
{
	struct awsq_credentials found;
	struct awsq_err err = { 0 };
	struct command c;
	pthread_t thread;
	int fds[2];

	(void)state;
	/* In the background of a shell it is ignored, and so it would be by the command. */
	(void)signal(SIGINT, SIG_DFL);
	command_begin(&c, "kill -INT $$\n");
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(pthread_create(&thread, NULL, signal_later, &fds[1]), 0);
	assert_int_equal(awsq_credentials_source_get_until(c.source, fds[0], &found, &err),
		AWSQ_ECANCELED);
	assert_string_equal(err.message, "canceled");
	assert_int_equal(pthread_join(thread, NULL), 0);
	/* Where we were not meant, it is as it was. */
	assert_int_equal(awsq_credentials_source_get_until(c.source, -1, &found, &err),
		AWSQ_ECREDENTIALS);
	assert_non_null(strstr(err.message, "was ended by signal 2"));
	(void)close(fds[0]);
	(void)close(fds[1]);
	command_end(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_printed),
		cmocka_unit_test(test_what_is_wrong),
		cmocka_unit_test(test_an_endless_one),
		cmocka_unit_test(test_signals),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_a_command),
		cmocka_unit_test(test_a_renewal),
		cmocka_unit_test(test_a_signal_for_both),
	};

	return cmocka_run_group_tests_name("credentials of a process", tests, case_set_up,
		case_tear_down);
}
