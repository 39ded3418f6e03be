/*
 * regions.cfg: what a job is, how its runs are kept, and how many instances there are.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config_case.h"

/* A text in quotes of n letters, within a line of the job's. */
static const char *long_text(const char *before, size_t n, const char *after)
{
	static char text[300000];
	size_t len = strlen(before);

	assert_true(len + n + strlen(after) < sizeof(text));
	(void)snprintf(text, sizeof(text), "%s", before);
	memset(text + len, 'x', n);
	(void)snprintf(text + len + n, sizeof(text) - len - n, "%s", after);
	return text;
}

static void test_defaults(void **state)
{
	struct config c;

	(void)state;
	load_text(&c, FLEET "};\n" REGIONS);
	assert_int_equal(c.elsewhere.count, 1);
	assert_int_equal(c.regions[0].count, 1);
	assert_int_equal(c.host_key, CONFIG_HOST_KEY_TOFU);
	assert_int_equal(c.log_max, 64 << 20);
	assert_int_equal(c.keep_logs, 90);
	assert_int_equal(c.job_env.n, 0);
	assert_null(c.job_workdir);
	assert_null(c.job_watch);
	assert_int_equal(c.job_retries, 0);
	assert_int_equal(c.job_retry_backoff, 10);
	assert_int_equal(c.job_retry_on.n, 0);
	assert_int_equal(c.job_min_duration, 0);
	assert_null(c.job_docker_image);
	assert_int_equal(c.job_docker_args.n, 0);
	assert_null(c.job_before);
	assert_null(c.job_after);
	assert_null(c.job_ping_url);
	assert_int_equal(c.job_retrieve.n, 0);
	assert_int_equal(c.job_transport, CONFIG_TRANSPORT_SSH);
	assert_int_equal(c.job_overlap, CONFIG_OVERLAP_FORBID);
	assert_int_equal(c.job_max_wait, 3600);
	config_free(&c);
}

static void test_all_that_a_job_may_have(void **state)
{
	static const char *const args[] = { "-v", "/a:/a", "-v", "/b:/b" };
	static const char *const patterns[] = { "out/*.csv", "..data/x..", "./log" };
	struct config c;

	(void)state;
	load_text(&c,
		FLEET "host_key = \"strict\"; log_max = \"3M\"; keep_logs = 3650; };\n" REGIONS
		      "job = { env = { Z = \"it's\\n$HOME\"; a_1 = \"\"; B = \"2\"; };\n"
		      "workdir = \"~/Service Mon\"; watch = \"[w]orker( -x)?$\";\n"
		      "retries = 100; retry_backoff = \"10m\"; retry_on = [ 1, 255, 75 ];\n"
		      "min_duration = \"59m\"; timeout = \"1h\";\n"
		      "docker = { image = \"reg.example.com:5000/a/b_c:1.2@sha256:0f\";\n"
		      "args = [ \"-v\", \"/a:/a\", \"-v\", \"/b:/b\" ]; };\n"
		      "before = \"make\\nready\"; after = \"say done\";\n"
		      "ping_url = \"https://hc.example.com/a?b=c&d\";\n"
		      "retrieve = [ \"out/*.csv\", \"..data/x..\", \"./log\" ];\n"
		      "transport = \"ssm\"; overlap = \"replace\"; max_wait = \"7d\"; };");
	assert_int_equal(c.host_key, CONFIG_HOST_KEY_STRICT);
	assert_int_equal(c.log_max, 3 << 20);
	assert_int_equal(c.keep_logs, 3650);
	assert_int_equal(c.job_env.n, 3);
	assert_string_equal(c.job_env.names[0], "Z");
	assert_string_equal(c.job_env.values[0], "it's\n$HOME");
	assert_string_equal(c.job_env.names[1], "a_1");
	assert_string_equal(c.job_env.values[1], "");
	assert_string_equal(c.job_env.names[2], "B");
	assert_string_equal(c.job_env.values[2], "2");
	assert_string_equal(c.job_workdir, "Service Mon");
	assert_string_equal(c.job_watch, "[w]orker( -x)?$");
	assert_int_equal(c.job_retries, 100);
	assert_int_equal(c.job_retry_backoff, 600);
	assert_int_equal(c.job_retry_on.n, 3);
	assert_int_equal(c.job_retry_on.items[0], 1);
	assert_int_equal(c.job_retry_on.items[1], 255);
	assert_int_equal(c.job_retry_on.items[2], 75);
	assert_int_equal(c.job_min_duration, 59 * 60);
	assert_string_equal(c.job_docker_image, "reg.example.com:5000/a/b_c:1.2@sha256:0f");
	assert_strings(&c.job_docker_args, args, 4);
	assert_string_equal(c.job_before, "make\nready");
	assert_string_equal(c.job_after, "say done");
	assert_string_equal(c.job_ping_url, "https://hc.example.com/a?b=c&d");
	assert_strings(&c.job_retrieve, patterns, 3);
	assert_int_equal(c.job_transport, CONFIG_TRANSPORT_SSM);
	assert_int_equal(c.job_overlap, CONFIG_OVERLAP_REPLACE);
	assert_int_equal(c.job_max_wait, 7 * 86400);
	config_free(&c);
	assert_null(c.job_env.names);
	assert_null(c.job_retry_on.items);
}

/* Every word, and one of several where that is a list. */
static void test_words_and_single_values(void **state)
{
	static const char *const overlaps[] = { "forbid", "queue", "skip", "replace" };
	char text[512];
	struct config c;

	(void)state;
	for (int i = 0; i < 4; i++) {
		(void)snprintf(text, sizeof(text), IN_JOB("overlap = \"%s\";"), overlaps[i]);
		load_text(&c, text);
		assert_int_equal(c.job_overlap, i);
		config_free(&c);
	}
	load_text(&c, FLEET "host_key = \"console\"; log_max = \"1K\"; };\n" REGIONS
			    "job = { transport = \"ssh\"; retry_on = 7; retrieve = \"a\";\n"
			    "workdir = \"/srv/x\"; };");
	assert_int_equal(c.host_key, CONFIG_HOST_KEY_CONSOLE);
	assert_int_equal(c.log_max, 1024);
	assert_int_equal(c.job_transport, CONFIG_TRANSPORT_SSH);
	assert_int_equal(c.job_retry_on.n, 1);
	assert_int_equal(c.job_retry_on.items[0], 7);
	assert_int_equal(c.job_retrieve.n, 1);
	assert_string_equal(c.job_workdir, "/srv/x");
	config_free(&c);
	load_text(&c, IN_FLEET("log_max = \"16G\";"));
	assert_int_equal(c.log_max, INT64_C(16) << 30);
	config_free(&c);
}

/* The override's number, else the fleet's, also in a region that is not listed. */
static void test_how_many_instances_there_are(void **state)
{
	struct config c;

	(void)state;
	load_text(&c,
		FLEET "count = 20; };\nregions = [ \"eu-west-3\", \"eu-west-2\" ];\n"
		      "override = { eu-west-2 = { count = 1; }; us-west-2 = { count = 2; }; };");
	assert_int_equal(config_place(&c, "eu-west-3")->count, 20);
	assert_int_equal(config_place(&c, "eu-west-2")->count, 1);
	assert_int_equal(config_place(&c, "us-west-2")->count, 2);
	assert_int_equal(config_place(&c, "sa-east-1")->count, 20);
	config_free(&c);
}

static void test_texts_that_just_fit(void **state)
{
	struct config c;

	(void)state;
	load_text(&c, long_text(FLEET "};\n" REGIONS "job = { command = \"", 262144, "\"; };"));
	assert_int_equal(strlen(c.job_command), 262144);
	config_free(&c);
	load_text(&c, long_text(FLEET "};\n" REGIONS "job = { env = { A = \"", 65536, "\"; }; };"));
	assert_int_equal(strlen(c.job_env.values[0]), 65536);
	config_free(&c);
}

#define COUNT_WANTED    "a number of instances from 1 to 20"
#define SIZE_WANTED     "a size from \"1K\" to \"16G\", such as \"64M\""
#define DAYS_WANTED     "a number of days from 1 to 3650, such as 90"
#define HOST_KEY_WANTED "\"tofu\", \"console\" or \"strict\""

static void test_what_the_fleet_may_not_have(void **state)
{
	static const struct bad cases[] = {
		{ IN_FLEET("count = 0;"), "3: fleet.count: expected " COUNT_WANTED ", found 0" },
		{ IN_FLEET("count = 21;"), "3: fleet.count: expected " COUNT_WANTED ", found 21" },
		{ IN_FLEET("count = \"3\";"),
			"3: fleet.count: expected " COUNT_WANTED ", found \"3\"" },
		{ FLEET "};\n" REGIONS "override = { eu-west-3 = {\ncount = 0; }; };",
			"6: override.eu-west-3.count: expected " COUNT_WANTED ", found 0" },
		{ IN_FLEET("host_key = \"Tofu\";"),
			"3: fleet.host_key: expected " HOST_KEY_WANTED ", found \"Tofu\"" },
		{ IN_FLEET("host_key = \"\";"),
			"3: fleet.host_key: expected " HOST_KEY_WANTED ", found \"\"" },
		{ IN_FLEET("host_key = true;"),
			"3: fleet.host_key: expected " HOST_KEY_WANTED ", found true" },
		{ IN_FLEET("log_max = \"64\";"),
			"3: fleet.log_max: expected " SIZE_WANTED ", found \"64\"" },
		{ IN_FLEET("log_max = 64;"),
			"3: fleet.log_max: expected " SIZE_WANTED ", found 64" },
		{ IN_FLEET("log_max = \"64m\";"),
			"3: fleet.log_max: expected " SIZE_WANTED ", found \"64m\"" },
		{ IN_FLEET("log_max = \"64MB\";"),
			"3: fleet.log_max: expected " SIZE_WANTED ", found \"64MB\"" },
		{ IN_FLEET("log_max = \"0M\";"),
			"3: fleet.log_max: expected " SIZE_WANTED ", found \"0M\"" },
		{ IN_FLEET("log_max = \"17G\";"),
			"3: fleet.log_max: expected " SIZE_WANTED ", found \"17G\"" },
		{ IN_FLEET("log_max = \"99999999999999999999G\";"),
			"3: fleet.log_max: expected " SIZE_WANTED
			", found \"99999999999999999999G\"" },
		{ IN_FLEET("log_max = \"K\";"),
			"3: fleet.log_max: expected " SIZE_WANTED ", found \"K\"" },
		{ IN_FLEET("log_max = \"-1M\";"),
			"3: fleet.log_max: expected " SIZE_WANTED ", found \"-1M\"" },
		{ IN_FLEET("keep_logs = 0;"),
			"3: fleet.keep_logs: expected " DAYS_WANTED ", found 0" },
		{ IN_FLEET("keep_logs = 3651;"),
			"3: fleet.keep_logs: expected " DAYS_WANTED ", found 3651" },
	};

	(void)state;
	assert_refused(cases, COUNT(cases), AWSQ_EINVAL);
}

#define NAME_WANTED  "a name of letters, digits and \"_\" that does not begin with \"AWSQ_\""
#define VALUE_WANTED "a text of at most 65536 bytes, in quotes"

/* What a variable has is never told. */
static void test_variables_that_do_not_fit(void **state)
{
	static const struct bad cases[] = {
		{ IN_JOB("env = {\nA-B = \"hush\"; };"), "6: job.env.A-B: expected " NAME_WANTED },
		{ IN_JOB("env = { AWSQ_RUN = \"hush\"; };"),
			"5: job.env.AWSQ_RUN: expected " NAME_WANTED },
		{ IN_JOB("env = { A = 1234; };"), "5: job.env.A: expected " VALUE_WANTED },
		{ IN_JOB("env = { A = [ \"hush\" ]; };"), "5: job.env.A: expected " VALUE_WANTED },
		{ IN_JOB("env = { A = { B = \"hush\"; }; };"),
			"5: job.env.A: expected " VALUE_WANTED },
		{ IN_JOB("env = \"A=hush\";"),
			"5: job.env: expected a group, { NAME = \"value\"; ... }" },
		{ IN_JOB("env = [ \"A=hush\" ];"),
			"5: job.env: expected a group, { NAME = \"value\"; ... }" },
	};
	struct bad long_one = { long_text(FLEET "};\n" REGIONS "job = { env = {\nA = \"", 65537,
					"\"; }; };"),
		"6: job.env.A: expected " VALUE_WANTED };
	static const struct bad same = { IN_JOB("env = {\nA = \"hush\";\nA = \"hush\"; };"),
		"7: duplicate setting name" };

	(void)state;
	assert_refused(cases, COUNT(cases), AWSQ_EINVAL);
	assert_refused(&long_one, 1, AWSQ_EINVAL);
	assert_refused(&same, 1, AWSQ_EPARSE);
	assert_true(config_env_name("_a1"));
	assert_false(config_env_name(""));
	assert_false(config_env_name("1a"));
	assert_false(config_env_name("A=B"));
}

static void test_too_many_variables(void **state)
{
	char text[8192] = FLEET "};\n" REGIONS "job = {\nenv = {";
	size_t len = strlen(text);

	(void)state;
	for (int i = 0; i < 257; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, " V%d = \"\";", i);
	(void)snprintf(text + len, sizeof(text) - len, " }; };");
	assert_refused(&(struct bad){ text, "6: job.env: expected at most 256 of them" }, 1,
		AWSQ_EINVAL);
}

#define WATCH_WANTED \
	"an extended regular expression for command lines, such as \"ServiceMon/worker\""
#define WORKDIR_WANTED \
	"the path of a folder on the instance such as \"ServiceMon\", which is in the user's home"

static void test_where_a_job_may_not_be_or_look(void **state)
{
	static const struct bad cases[] = {
		{ IN_JOB("workdir = \"~\";"),
			"5: job.workdir: expected " WORKDIR_WANTED ", found \"~\"" },
		{ IN_JOB("workdir = \"~ann/x\";"),
			"5: job.workdir: expected " WORKDIR_WANTED ", found \"~ann/x\"" },
		{ IN_JOB("workdir = \"\";"),
			"5: job.workdir: expected " WORKDIR_WANTED ", found \"\"" },
		{ IN_JOB("workdir = \"a\\nb\";"),
			"5: job.workdir: expected " WORKDIR_WANTED ", found \"a\nb\"" },
		{ IN_JOB("watch = \" \";"),
			"5: job.watch: expected " WATCH_WANTED ", found \" \"" },
		{ IN_JOB("watch = \"a\\nb\";"),
			"5: job.watch: expected " WATCH_WANTED ", found \"a\nb\"" },
		{ IN_JOB("watch = [ \"a\" ];"),
			"5: job.watch: expected " WATCH_WANTED ", found a list" },
		{ IN_JOB("watch = \"worker(\";"),
			"5: job.watch: no extended regular expression: Unmatched ( or \\(" },
		{ IN_JOB("watch = \"[a-\";"),
			"5: job.watch: no extended regular expression: Unmatched [, [^, [:, [., or "
			"[=" },
		{ IN_JOB("watch = \"(worker)?\";"),
			"5: job.watch: an expression that matches every process: none would end "
			"it" },
		{ IN_JOB("watch = \"worker|\";"),
			"5: job.watch: an expression that matches every process: none would end "
			"it" },
	};

	(void)state;
	assert_refused(cases, COUNT(cases), AWSQ_EINVAL);
}

#define STATUS_WANTED   "an exit status from 1 to 255"
#define BACKOFF_WANTED  "a time from \"1s\" to \"10m\", such as \"10s\""
#define RETRIES_WANTED  "a number from 0 to 100"
#define DURATION_WANTED "a time from \"1s\" on, such as \"1m\""
#define WAIT_WANTED     "a time from \"1s\" to \"7d\", such as \"1h\""

static void test_numbers_that_do_not_fit(void **state)
{
	static const struct bad cases[] = {
		{ IN_JOB("retries = -1;"),
			"5: job.retries: expected " RETRIES_WANTED ", found -1" },
		{ IN_JOB("retries = 101;"),
			"5: job.retries: expected " RETRIES_WANTED ", found 101" },
		{ IN_JOB("retry_backoff = \"0s\";"),
			"5: job.retry_backoff: expected " BACKOFF_WANTED ", found \"0s\"" },
		{ IN_JOB("retry_backoff = \"601s\";"),
			"5: job.retry_backoff: expected " BACKOFF_WANTED ", found \"601s\"" },
		{ IN_JOB("retry_on = [ 0 ];"),
			"5: job.retry_on: expected " STATUS_WANTED ", found 0" },
		{ IN_JOB("retry_on = [ 1, 256 ];"),
			"5: job.retry_on: expected " STATUS_WANTED ", found 256" },
		{ IN_JOB("retry_on = [ 1, 2, 1 ];"),
			"5: job.retry_on: expected each only once, found 1 again" },
		{ IN_JOB("retry_on = [ \"1\" ];"),
			"5: job.retry_on: expected " STATUS_WANTED ", found \"1\"" },
		{ IN_JOB("retry_on = [ ];"),
			"5: job.retry_on: expected " STATUS_WANTED ", found an empty list" },
		{ IN_JOB("retry_on = \"1-5\";"),
			"5: job.retry_on: expected " STATUS_WANTED ", found \"1-5\"" },
		{ IN_JOB("min_duration = \"0s\";"),
			"5: job.min_duration: expected " DURATION_WANTED ", found \"0s\"" },
		{ IN_JOB("min_duration = 60;"),
			"5: job.min_duration: expected " DURATION_WANTED ", found 60" },
		{ IN_JOB("timeout = \"1m\";\nmin_duration = \"1m\";"),
			"6: job.min_duration: as long as the job's timeout or longer: no run would "
			"do" },
		{ IN_JOB("min_duration = \"2h\";"),
			"5: job.min_duration: as long as the job's timeout or longer: no run would "
			"do" },
		{ IN_JOB("max_wait = \"8d\";"),
			"5: job.max_wait: expected " WAIT_WANTED ", found \"8d\"" },
		{ IN_JOB("max_wait = \"0s\";"),
			"5: job.max_wait: expected " WAIT_WANTED ", found \"0s\"" },
	};

	(void)state;
	assert_refused(cases, COUNT(cases), AWSQ_EINVAL);
}

#define IMAGE_WANTED "the name of an image such as \"debian:12\" or \"registry.example.com/navo:1\""
#define ARG_WANTED   "an option of docker run such as \"--gpus=all\", each word by itself"

static void test_containers_that_do_not_fit(void **state)
{
	static const struct bad cases[] = {
		{ IN_JOB("docker = \"debian\";"),
			"5: job.docker: expected a group of settings, { ... }, found \"debian\"" },
		{ IN_JOB("docker = { };"),
			"5: job.docker: 'image' is missing; for example: image = \"debian:12\"" },
		{ IN_JOB("docker = {\nargs = [ \"--init\" ]; };"),
			"5: job.docker: 'image' is missing; for example: image = \"debian:12\"" },
		{ IN_JOB("docker = { image = \"--privileged\"; };"),
			"5: job.docker.image: expected " IMAGE_WANTED ", found \"--privileged\"" },
		{ IN_JOB("docker = { image = \"a b\"; };"),
			"5: job.docker.image: expected " IMAGE_WANTED ", found \"a b\"" },
		{ IN_JOB("docker = { image = \"\"; };"),
			"5: job.docker.image: expected " IMAGE_WANTED ", found \"\"" },
		{ IN_JOB("docker = { image = \"a\"; args = [ \"-v\", \"\" ]; };"),
			"5: job.docker.args: expected " ARG_WANTED ", found \"\"" },
		{ IN_JOB("docker = { image = \"a\"; args = [ 5 ]; };"),
			"5: job.docker.args: expected " ARG_WANTED ", found 5" },
		{ IN_JOB("docker = { image = \"a\"; arg = \"-v\"; };"),
			"5: unknown setting 'job.docker.arg'; did you mean 'args'?" },
	};

	(void)state;
	assert_refused(cases, COUNT(cases), AWSQ_EINVAL);
}

#define HOOK_WANTED "a shell command of at most 262144 bytes"
#define PING_WANTED                                                                           \
	"5: job.ping_url: expected an address that begins with \"https://\" or \"http://\", " \
	"without blanks and \"#\""
#define FILES_WANTED                                                                      \
	"a pattern of files such as \"results/*.csv\", relative to the job's folder and " \
	"without \"..\""
#define NO_FILES(pattern)                      \
	IN_JOB("retrieve = \"" pattern "\";"), \
		"5: job.retrieve: expected " FILES_WANTED ", found \"" pattern "\""

/* An address may be a secret in itself: it is not repeated. */
static void test_what_comes_before_and_after(void **state)
{
	static const struct bad cases[] = {
		{ IN_JOB("before = \"\";"), "5: job.before: expected " HOOK_WANTED ", found \"\"" },
		{ IN_JOB("after = \"\\n\";"),
			"5: job.after: expected " HOOK_WANTED ", found \"\n\"" },
		{ IN_JOB("ping_url = \"ftp://a/\";"), PING_WANTED },
		{ IN_JOB("ping_url = \"https://\";"), PING_WANTED },
		{ IN_JOB("ping_url = \"https:///x\";"), PING_WANTED },
		{ IN_JOB("ping_url = \"http://?x\";"), PING_WANTED },
		{ IN_JOB("ping_url = \"http://a b\";"), PING_WANTED },
		{ IN_JOB("ping_url = \"http://a/\\n\";"), PING_WANTED },
		{ IN_JOB("ping_url = \"http://a/\xc3\xa9\";"), PING_WANTED },
		{ IN_JOB("ping_url = \"http://a/#b\";"), PING_WANTED },
		{ IN_JOB("ping_url = 5;"), PING_WANTED },
		{ NO_FILES("/etc/passwd") },
		{ NO_FILES("~/x") },
		{ NO_FILES("..") },
		{ NO_FILES("../x") },
		{ NO_FILES("a/../b") },
		{ NO_FILES("a//..") },
		{ NO_FILES("") },
		{ IN_JOB("retrieve = [ \"a\", \"a\" ];"),
			"5: job.retrieve: expected each only once, found \"a\" again" },
	};

	(void)state;
	assert_refused(cases, COUNT(cases), AWSQ_EINVAL);
}

static void test_ways_that_are_not_there(void **state)
{
	static const struct bad cases[] = {
		{ IN_JOB("transport = \"telnet\";"),
			"5: job.transport: expected \"ssh\" or \"ssm\", found \"telnet\"" },
		{ IN_JOB("overlap = \"wait\";"),
			"5: job.overlap: expected \"forbid\", \"queue\", \"skip\" or \"replace\", "
			"found \"wait\"" },
		{ IN_JOB("overlap = 1;"),
			"5: job.overlap: expected \"forbid\", \"queue\", \"skip\" or \"replace\", "
			"found 1" },
	};

	(void)state;
	assert_refused(cases, COUNT(cases), AWSQ_EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_defaults),
		TEST(test_all_that_a_job_may_have),
		TEST(test_words_and_single_values),
		TEST(test_how_many_instances_there_are),
		TEST(test_texts_that_just_fit),
		TEST(test_what_the_fleet_may_not_have),
		TEST(test_variables_that_do_not_fit),
		TEST(test_too_many_variables),
		TEST(test_where_a_job_may_not_be_or_look),
		TEST(test_numbers_that_do_not_fit),
		TEST(test_containers_that_do_not_fit),
		TEST(test_what_comes_before_and_after),
		TEST(test_ways_that_are_not_there),
	};

	return cmocka_run_group_tests(tests, make_root, remove_root);
}
