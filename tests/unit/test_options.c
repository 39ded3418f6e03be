/*
 * The options that exclude each other or need each other, and the numbers that count: what the
 * command line becomes, and what is said of one that is wrong.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <getopt.h>
#include <unistd.h>

#include <awsq/err.h>

#include "cli/options.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MAX_WORDS    8

static const struct tool_help config_tool = { TOOL_CONFIG, "config-region", "", "", "" };
static const struct tool_help check_tool = { TOOL_CHECK, "check-region", "", "", "" };
static const struct tool_help clear_tool = { TOOL_CLEAR, "clear-region", "", "", "" };
static const struct tool_help job_tool = { TOOL_JOB, "run-job", "", "", "" };
static const struct tool_help list_tool = { TOOL_LIST, "list-runs", "", "", "" };
static const struct tool_help start_tool = { TOOL_START, "start-region", "", "", "" };

struct line {
	const struct tool_help *tool;
	const char *words[MAX_WORDS]; /* of the command line, behind the tool's name */
	const char *said; /* on stderr, before "Try ..."; NULL: nothing, as it is right */
};

/* Parses a line; what it says on stderr goes to said. */
static int parse(struct options *o, const struct line *line, char *said, size_t size)
{
	char *argv[MAX_WORDS + 2] = { (char *)(uintptr_t)line->tool->name };
	FILE *file = tmpfile();
	int argc = 1, rc, saved;
	size_t len;

	for (; argc <= MAX_WORDS && line->words[argc - 1]; argc++)
		argv[argc] = (char *)(uintptr_t)line->words[argc - 1];
	assert_non_null(file);
	saved = dup(STDERR_FILENO);
	assert_int_not_equal(saved, -1);
	assert_int_not_equal(dup2(fileno(file), STDERR_FILENO), -1);
	optind = 0; /* glibc's way to say that this is another command line */
	rc = options_parse(o, line->tool, argc, argv);
	(void)dup2(saved, STDERR_FILENO);
	(void)close(saved);
	rewind(file);
	len = fread(said, 1, size - 1, file);
	said[len] = '\0';
	(void)fclose(file);
	return rc;
}

static void assert_lines(const struct line *lines, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char said[1024], expected[1024] = "";
		const char *tool = lines[i].tool->name;
		struct options o;
		int rc = parse(&o, &lines[i], said, sizeof(said));

		if (lines[i].said)
			(void)snprintf(expected, sizeof(expected), "%s: %s\nTry '%s --help'.\n",
				tool, lines[i].said, tool);
		assert_string_equal(said, expected);
		assert_int_equal(rc, lines[i].said ? AWSQ_EINVAL : 0);
	}
}

static void test_what_is_not_given(void **state)
{
	static const struct line line = { &config_tool, { "us-east-1" }, NULL };
	char said[1024];
	struct options o;

	(void)state;
	assert_int_equal(parse(&o, &line, said, sizeof(said)), 0);
	assert_int_equal(o.keep_images, -1);
	assert_int_equal(o.jobs, 16);
	assert_string_equal(o.output, "text");
	assert_false(o.preflight || o.replace || o.lift_protection || o.everywhere || o.dry_run);
	assert_int_equal(o.n_regions, 1);
	assert_string_equal(o.regions[0], "us-east-1");
}

static void test_what_is_given(void **state)
{
	static const struct line config = { &config_tool,
		{ "--replace", "--keep-images=0", "--lift-protection", "eu-west-3", "--preflight",
			"-o", "json" },
		NULL };
	static const struct line clear = { &clear_tool,
		{ "--everywhere", "--lift-protection", "-n", "--output=json" }, NULL };
	char said[1024];
	struct options o;

	(void)state;
	assert_int_equal(parse(&o, &config, said, sizeof(said)), 0);
	assert_true(o.replace && o.lift_protection && o.preflight);
	assert_false(o.dry_run || o.everywhere || o.yes);
	assert_int_equal(o.keep_images, 0);
	assert_string_equal(o.output, "json");
	assert_int_equal(o.n_regions, 1);
	assert_string_equal(o.regions[0], "eu-west-3");
	assert_int_equal(parse(&o, &clear, said, sizeof(said)), 0);
	assert_true(o.everywhere && o.lift_protection && o.dry_run);
	assert_false(o.all || o.preflight || o.replace);
	assert_int_equal(o.n_regions, 0);
	assert_int_equal(o.keep_images, -1);
}

static void test_listings(void **state)
{
#define ALONE "--log, --billing and --metrics exclude each other: use one of them"
	static const struct line lines[] = {
		{ &list_tool, { NULL }, NULL },
		{ &list_tool, { "20261122", "--log=err", "-f", "-r", "us-east-1" }, NULL },
		{ &list_tool, { "-ocsv", "--limit=5", "--failed", "--since=1d" }, NULL },
		{ &list_tool, { "a", "b" }, "one run at a time: leave the others out" },
		{ &list_tool, { "--log=both" },
			"--log is of out or err, or of both without a name" },
		{ &list_tool, { "--billing", "-f" }, ALONE },
		{ &list_tool, { "--billing", "--metrics=x" }, ALONE },
		{ &list_tool, { "--all", "-l", "2" },
			"--all and --limit exclude each other: use one of them" },
		{ &list_tool, { "--open", "--failed" },
			"--open and --failed exclude each other: use one of them" },
		{ &list_tool, { "--log", "--output=csv" }, "--log is text: leave --output out" },
		{ &list_tool, { "--output=xml" },
			"--output: expected text, json or csv, found 'xml'" },
		{ &check_tool, { "--output=csv" }, "--output: expected text or json, found 'csv'" },
	};
	static const struct line both = { &list_tool, { "--log", "out", "-a" }, NULL };
	static const struct line one = { &list_tool, { "-o", "json", "--open" }, NULL };
	char said[1024];
	struct options o;

	(void)state;
	assert_lines(lines, COUNT(lines));
	/* What may be left out is only given with an equals sign. */
	assert_int_equal(parse(&o, &both, said, sizeof(said)), 0);
	assert_string_equal(o.log, "");
	assert_int_equal(o.n_regions, 1);
	assert_string_equal(o.regions[0], "out");
	assert_true(o.all);
	assert_int_equal(parse(&o, &one, said, sizeof(said)), 0);
	assert_null(o.log);
	assert_true(o.open && !o.all);
	assert_string_equal(o.output, "json");
}

static void test_what_goes_together(void **state)
{
#define BOTH     "--everywhere and --all exclude each other: use one of them"
#define NAMED    "--everywhere takes no regions: leave them out"
#define LOOKS    "--preflight and --dry-run exclude each other: use one of them"
#define FOR_PLAN "--output=json is for --dry-run and --preflight: add one of them"
	static const struct line lines[] = {
		{ &check_tool, { "--everywhere" }, NULL },
		{ &check_tool, { "--everywhere", "--all" }, BOTH },
		{ &check_tool, { "us-east-1", "--everywhere" }, NAMED },
		{ &clear_tool, { "-a", "--everywhere" }, BOTH },
		{ &clear_tool, { "--everywhere", "us-east-1", "sa-east-1" }, NAMED },
		{ &config_tool, { "--all", "--preflight" }, NULL },
		{ &config_tool, { "--all", "--preflight", "-n" }, LOOKS },
		{ &config_tool, { "--all", "--output", "json" }, FOR_PLAN },
		{ &config_tool, { "--all", "--output=json", "--replace" }, FOR_PLAN },
		{ &config_tool, { "--all", "--output=json", "-n" }, NULL },
		{ &config_tool, { "--all", "--output=text" }, NULL },
		{ &clear_tool, { "--all", "--output=json" },
			"--output=json is for --dry-run: add it" },
		{ &clear_tool, { "--all", "-ojson", "--dry-run" }, NULL },
		{ &check_tool, { "--all", "--output=json" }, NULL },
		/* Who asks for help has not settled on anything yet. */
		{ &check_tool, { "--everywhere", "--all", "--help" }, NULL },
		{ &config_tool, { "--output=json", "--version" }, NULL },
	};

	(void)state;
	assert_lines(lines, COUNT(lines));
}

static void test_numbers(void **state)
{
	static const struct line lines[] = {
		{ &config_tool, { "--keep-images=0" }, NULL },
		{ &config_tool, { "--keep-images=100" }, NULL },
		{ &config_tool, { "--keep-images=101" },
			"--keep-images: expected a number from 0 to 100, found '101'" },
		{ &config_tool, { "--keep-images=-1" },
			"--keep-images: expected a number from 0 to 100, found '-1'" },
		{ &config_tool, { "--keep-images", "two" },
			"--keep-images: expected a number from 0 to 100, found 'two'" },
		{ &config_tool, { "--jobs=1" }, NULL },
		{ &config_tool, { "--jobs=1000" }, NULL },
		{ &config_tool, { "--jobs=0" },
			"--jobs: expected a number from 1 to 1000, found '0'" },
		{ &config_tool, { "--jobs=1001" },
			"--jobs: expected a number from 1 to 1000, found '1001'" },
		{ &config_tool, { "-n", "--output=xml" },
			"--output: expected text or json, found 'xml'" },
	};

	(void)state;
	assert_lines(lines, COUNT(lines));
}

/* An unset variable in a script: not the root of the file system, nor the latest run. */
static void test_empty_words(void **state)
{
	static const struct line lines[] = {
		{ &check_tool, { "--state-dir=" }, "--state-dir: expected DIR, found ''" },
		{ &check_tool, { "-c", "" }, "--config: expected FILE, found ''" },
		{ &check_tool, { "--profile", "" }, "--profile: expected NAME, found ''" },
		{ &check_tool, { "--endpoint-url=" }, "--endpoint-url: expected URL, found ''" },
		{ &list_tool, { "-r", "" }, "--region: expected REGION, found ''" },
		{ &list_tool, { "--log=" }, "--log: expected STREAM, found ''" },
		{ &job_tool, { "--attach=" }, "--attach: expected RUN, found ''" },
		{ &job_tool, { "--attach" }, NULL },
	};

	(void)state;
	assert_lines(lines, COUNT(lines));
}

/* Each is known to the tools that it is for, and to no other; getopt_long says so itself. */
static void test_whose_options_they_are(void **state)
{
	static const struct {
		const char *option;
		int tools;
	} cases[] = {
		{ "--replace", TOOL_CONFIG },
		{ "--keep-images=1", TOOL_CONFIG },
		{ "--preflight", TOOL_CONFIG },
		{ "--lift-protection", TOOL_CONFIG | TOOL_CLEAR },
		{ "--everywhere", TOOL_CHECK | TOOL_CLEAR },
		{ "--output=text", TOOL_CONFIG | TOOL_CHECK | TOOL_CLEAR | TOOL_LIST },
		{ "--all", TOOL_CONFIG | TOOL_CHECK | TOOL_CLEAR | TOOL_START | TOOL_LIST },
		{ "--jobs=1", TOOL_CONFIG | TOOL_CHECK | TOOL_CLEAR | TOOL_START },
		{ "--log", TOOL_LIST },
	};
	static const struct tool_help *const tools[] = { &config_tool, &check_tool, &clear_tool,
		&start_tool, &list_tool };

	(void)state;
	for (size_t i = 0; i < COUNT(cases) * COUNT(tools); i++) {
		const struct tool_help *tool = tools[i % COUNT(tools)];
		struct line line = { tool, { cases[i / COUNT(tools)].option }, NULL };
		int known = (cases[i / COUNT(tools)].tools & (int)tool->id) != 0;
		char said[1024];
		struct options o;
		int rc = parse(&o, &line, said, sizeof(said));

		if ((rc == 0) != known || (strstr(said, "unrecognized option") != NULL) == known)
			fail_msg("%s %s: %d, '%s'", tool->name, line.words[0], rc, said);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_not_given),
		cmocka_unit_test(test_what_is_given),
		cmocka_unit_test(test_listings),
		cmocka_unit_test(test_what_goes_together),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_empty_words),
		cmocka_unit_test(test_whose_options_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
