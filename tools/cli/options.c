#include "banned.h"

#include "cli/options.h"
#include "cli/wrap.h"

#include <awsq/err.h>
#include <awsq/num.h>

#include <getopt.h>

#define MAX_COMMAND (1024 * 1024)
#define MAX_JOBS    1000
#define MAX_TIMEOUT (7 * 86400)
#define MAX_KEPT    100

#define HELP_AT      27 /* where the words on an option begin */
#define HELP_COLUMNS 80

#define EVERY                                                                                   \
	(TOOL_CONFIG | TOOL_CHECK | TOOL_CLEAR | TOOL_START | TOOL_JOB | TOOL_STOP | TOOL_RUN | \
		TOOL_ROTATE | TOOL_LIST)

/* The value of MAYBE and STREAM may be left out, and is "" then. */
enum kind {
	FLAG,
	STRING,
	MAYBE,
	STREAM,
	NAMES,
	FORMAT,
	FORMAT_OR_CSV,
	COMPLETION,
	COUNT,
	COUNT_FROM_0,
	DURATION
};

/* Of kinds with few values, separated by blanks; NULL where any text or number may do. */
static const char *const values_of[DURATION + 1] = {
	[STREAM] = "out err",
	[FORMAT] = "text json",
	[FORMAT_OR_CSV] = "text json csv",
	[COMPLETION] = "bash zsh fish regions accounts",
};

struct option_row {
	const char *name;
	char letter; /* 0: none */
	enum kind kind;
	const char *argument;
	size_t offset;
	int tools;
	const char *help; /* NULL: told neither by --help nor by completions */
};

#define AT(member) offsetof(struct options, member)

static const struct option_row rows[] = {
	{ "all", 'a', FLAG, NULL, AT(all), EVERY & ~TOOL_LIST,
		"all regions that regions.cfg lists" },
	{ "all", 'a', FLAG, NULL, AT(all), TOOL_LIST, "all runs, not the latest 20 alone" },
	{ "limit", 'l', COUNT, "N", AT(limit), TOOL_LIST, "the latest N runs (20)" },
	{ "region", 'r', STRING, "REGION", AT(region), TOOL_LIST, "runs in this region only" },
	{ "failed", 0, FLAG, NULL, AT(failed), TOOL_LIST, "runs only that did not end with 0" },
	{ "open", 0, FLAG, NULL, AT(open), TOOL_LIST,
		"runs only that are under way or were left behind" },
	{ "since", 0, STRING, "TIME", AT(since), TOOL_LIST,
		"runs since then: 36h, 2d, 2026-11-20, 2026-11-20T12:00:00Z" },
	{ "log", 0, STREAM, "STREAM", AT(log), TOOL_LIST,
		"print what the run's job wrote: out, err, or both" },
	{ "follow", 'f', FLAG, NULL, AT(follow), TOOL_LIST,
		"go on printing the log until the run has ended" },
	{ "billing", 0, FLAG, NULL, AT(billing), TOOL_LIST,
		"seconds that EC2 bills, by month and region" },
	{ "everywhere", 0, FLAG, NULL, AT(everywhere), TOOL_CHECK | TOOL_CLEAR,
		"every region that the account has enabled" },
	{ "account", 0, NAMES, "NAME", AT(accounts), EVERY,
		"in these accounts of regions.cfg only: NAME,NAME" },
	{ "identity", 0, FLAG, NULL, AT(identity), TOOL_CHECK,
		"say whose credentials are used and where they are from" },
	{ "config", 'c', STRING, "FILE", AT(config), EVERY,
		"read FILE, not the first regions.cfg that is found" },
	{ "dry-run", 'n', FLAG, NULL, AT(dry_run), TOOL_CONFIG | TOOL_CLEAR | TOOL_ROTATE,
		"print what would be done, and do nothing" },
	{ "preflight", 0, FLAG, NULL, AT(preflight), TOOL_CONFIG,
		"check identity, permissions, networks, types and key; change nothing" },
	{ "replace", 0, FLAG, NULL, AT(replace), TOOL_CONFIG,
		"where only a new instance would do, make it and terminate the old one" },
	{ "keep-images", 0, COUNT_FROM_0, "N", AT(keep_images), TOOL_CONFIG,
		"keep N older copies of the image, whatever regions.cfg says" },
	{ "lift-protection", 0, FLAG, NULL, AT(lift_protection), TOOL_CONFIG | TOOL_CLEAR,
		"turn off stop and termination protection where they are in the way" },
	{ "yes", 'y', FLAG, NULL, AT(yes), TOOL_CLEAR, "do not ask" },
	{ "timeout", 't', DURATION, "TIME", AT(timeout), TOOL_JOB | TOOL_RUN,
		"end the job after TIME, such as 90s, 30m or 1h30m" },
	{ "output", 'o', FORMAT, "FORMAT", AT(output), TOOL_CONFIG | TOOL_CHECK | TOOL_CLEAR,
		"text (the default) or json" },
	{ "output", 'o', FORMAT_OR_CSV, "FORMAT", AT(output), TOOL_LIST,
		"text (the default), json or csv" },
	{ "attach", 0, MAYBE, "RUN", AT(attach), TOOL_JOB,
		"take up RUN (or the latest) whose controller was killed" },
	{ "metrics", 0, STRING, "FILE", AT(metrics), TOOL_LIST | TOOL_JOB | TOOL_RUN | TOOL_ROTATE,
		"write to FILE what Prometheus is to know of all runs" },
	{ "every", 'e', DURATION, "TIME", AT(every), TOOL_ROTATE,
		"run each region once every TIME (an hour for each region)" },
	{ "parallel", 'p', COUNT, "N", AT(parallel), TOOL_ROTATE, "at most N regions at once (1)" },
	{ "print-crontab", 0, FLAG, NULL, AT(print_crontab), TOOL_ROTATE,
		"print crontab lines that do the same, a region each" },
	{ "print-systemd", 0, FLAG, NULL, AT(print_systemd), TOOL_ROTATE,
		"print systemd units that do the same, a region each" },
	{ "jobs", 'j', COUNT, "N", AT(jobs), EVERY & ~(TOOL_ROTATE | TOOL_LIST),
		"at most N regions at once (16)" },
	{ "profile", 0, STRING, "NAME", AT(profile), EVERY,
		"use this profile of the AWS configuration" },
	{ "endpoint-url", 0, STRING, "URL", AT(endpoint_url), EVERY,
		"send all requests to URL, not to AWS" },
	{ "state-dir", 0, STRING, "DIR", AT(state_dir), EVERY,
		"keep locks and known hosts below DIR (~/.local/state/awsq)" },
	{ "quiet", 'q', FLAG, NULL, AT(quiet), EVERY, "say nothing but results and errors" },
	{ "verbose", 'v', FLAG, NULL, AT(verbose), EVERY, "say more: retries" },
	{ "debug", 0, FLAG, NULL, AT(debug), EVERY, "say all: every call, without secrets" },
	{ "version", 'V', FLAG, NULL, AT(version), EVERY, "print the version and end" },
	{ "help", 'h', FLAG, NULL, AT(help), EVERY, "print this help and end" },
	{ "completion", 0, COMPLETION, "WHAT", AT(completion), EVERY, NULL },
};

#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

static int argument_of(enum kind kind)
{
	if (kind == FLAG)
		return no_argument;
	return kind == MAYBE || kind == STREAM ? optional_argument : required_argument;
}

int options_next(struct option_about *out, const struct tool_help *tool, size_t *i)
{
	while (*i < N_ROWS) {
		const struct option_row *row = &rows[(*i)++];

		if (!(row->tools & (int)tool->id) || !row->help)
			continue;
		*out = (struct option_about){ row->name, row->letter, row->argument,
			argument_of(row->kind) == optional_argument, values_of[row->kind],
			row->help };
		return 1;
	}
	return 0;
}

/* Its lines are those of the source: as many words are put in each as there is room for. */
static void add_purpose(struct awsq_buf *out, const char *purpose)
{
	struct awsq_buf words = AWSQ_BUF_INIT(4096);

	for (; *purpose; purpose++)
		awsq_buf_addc(&words, *purpose == '\n' ? ' ' : *purpose);
	wrap_add(out, awsq_buf_str(&words), HELP_COLUMNS, 0, 0);
	awsq_buf_free(&words);
}

void options_help(struct awsq_buf *out, const struct tool_help *tool)
{
	struct option_about o;

	awsq_buf_addf(out, "Usage: %s [OPTION]... %s\n", tool->name, tool->arguments);
	add_purpose(out, tool->purpose);
	awsq_buf_adds(out, "\nOptions:\n");
	for (size_t i = 0; options_next(&o, tool, &i);) {
		char left[48];

		(void)snprintf(left, sizeof(left), "  %c%c%c --%s%s%s%s", o.letter ? '-' : ' ',
			o.letter ? o.letter : ' ', o.letter ? ',' : ' ', o.name,
			o.is_optional ? "[="
			: o.argument  ? "="
				      : "",
			o.argument ? o.argument : "", o.is_optional ? "]" : "");
		awsq_buf_addf(out, "%-*s", HELP_AT, left);
		wrap_add(out, o.help, HELP_COLUMNS, HELP_AT, HELP_AT);
	}
	awsq_buf_addf(out, "\nExamples:\n%s\n", tool->example);
}

/* A row's place among the values that getopt_long returns: above every letter. */
static int row_value(size_t i)
{
	return rows[i].letter ? rows[i].letter : 256 + (int)i;
}

static int bad_argument(const struct tool_help *tool, const struct option_row *row,
	const char *value, const char *expected)
{
	fprintf(stderr, "%s: --%s: expected %s, found '%s'\n", tool->name, row->name, expected,
		value);
	return AWSQ_EINVAL;
}

/* Whether value is one of values; if not, what they are is in expected: "text, json or csv". */
static int is_choice(const char *values, const char *value, char *expected, size_t size)
{
	size_t used = 0;

	for (const char *word = values; *word;) {
		size_t len = strcspn(word, " ");
		int is_last = !word[len];

		if (strlen(value) == len && strncmp(value, word, len) == 0)
			return 1;
		(void)snprintf(expected + used, size - used, "%s%.*s",
			used == 0 ? ""
			: is_last ? " or "
				  : ", ",
			(int)len, word);
		used = strlen(expected);
		word += len + (is_last ? 0 : 1);
	}
	return 0;
}

/* An empty one is a script's unset variable: to be taken for another would be a guess. */
static int store_string(char *member, const struct tool_help *tool, const struct option_row *row,
	const char *value)
{
	if (!*value)
		return bad_argument(tool, row, value, row->argument);
	memcpy(member, &value, sizeof(value));
	return 0;
}

static int store_name(struct options_list *list, const struct tool_help *tool,
	const struct option_row *row, const char *value)
{
	if (list->n == sizeof(list->items) / sizeof(list->items[0]))
		return bad_argument(tool, row, value, "fewer of these, or commas between names");
	return store_string((char *)&list->items[list->n++], tool, row, value);
}

static int store(struct options *o, const struct tool_help *tool, const struct option_row *row,
	const char *value)
{
	char *member = (char *)o + row->offset;
	char expected[128];
	int64_t number = 0;

	switch (row->kind) {
	case FLAG:
		*(int *)(void *)member = 1;
		return 0;
	case MAYBE:
	case STREAM:
		if (!value) {
			value = "";
			memcpy(member, &value, sizeof(value));
			return 0;
		}
		return store_string(member, tool, row, value);
	case NAMES:
		return store_name((struct options_list *)(void *)member, tool, row, value);
	case FORMAT_OR_CSV:
	case FORMAT:
	case COMPLETION:
		if (!is_choice(values_of[row->kind], value, expected, sizeof(expected)))
			return bad_argument(tool, row, value, expected);
		/* fall through */
	case STRING:
		return store_string(member, tool, row, value);
	case COUNT:
		if (awsq_parse_int(&number, value, 1, MAX_JOBS) != 0)
			return bad_argument(tool, row, value, "a number from 1 to 1000");
		break;
	case COUNT_FROM_0:
		if (awsq_parse_int(&number, value, 0, MAX_KEPT) != 0)
			return bad_argument(tool, row, value, "a number from 0 to 100");
		break;
	case DURATION:
		if (awsq_parse_duration(&number, value, MAX_TIMEOUT) != 0 || number == 0)
			return bad_argument(tool, row, value,
				"a time from 1s to 7d, with its unit, such as 90s or 1h30m");
		break;
	}
	memcpy(member, &number, sizeof(number));
	return 0;
}

/* The options that the tool knows, as getopt_long wants them. */
static void make_tables(struct option *longs, char *letters, const struct tool_help *tool)
{
	for (size_t i = 0; i < N_ROWS; i++) {
		if (!(rows[i].tools & (int)tool->id))
			continue;
		*longs++ = (struct option){ rows[i].name, argument_of(rows[i].kind), NULL,
			row_value(i) };
		if (rows[i].letter) {
			*letters++ = rows[i].letter;
			if (rows[i].kind != FLAG)
				*letters++ = ':';
		}
	}
	memset(longs, 0, sizeof(*longs));
	*letters = '\0';
}

/* Takes "-- COMMAND" off the end of the arguments, so that its words are not taken for ours. */
static int take_command(struct options *o, const struct tool_help *tool, int *argc, char **argv)
{
	struct awsq_buf command = AWSQ_BUF_INIT(MAX_COMMAND);
	int end = 1;

	while (end < *argc && strcmp(argv[end], "--") != 0)
		end++;
	if (end >= *argc || !((int)tool->id & (TOOL_JOB | TOOL_RUN)))
		return 0;
	for (int i = end + 1; i < *argc; i++)
		awsq_buf_addf(&command, "%s%s", i > end + 1 ? " " : "", argv[i]);
	if (command.len == 0) {
		fprintf(stderr, "%s: a command is expected after '--'\n", tool->name);
		return AWSQ_EINVAL;
	}
	*argc = end;
	o->command = awsq_buf_take(&command);
	return o->command ? 0 : AWSQ_ENOMEM;
}

/* A listing is of one of: runs, a log, bills, metrics. */
static const char *check_list(const struct options *o)
{
	int is_log = o->log || o->follow;

	if (o->n_regions > 1)
		return "one run at a time: leave the others out";
	if (o->log && strcmp(o->log, "out") != 0 && strcmp(o->log, "err") != 0 && o->log[0])
		return "--log is of out or err, or of both without a name";
	if (is_log + o->billing + !!o->metrics > 1)
		return "--log, --billing and --metrics exclude each other: use one of them";
	if (o->all && o->limit > 0)
		return "--all and --limit exclude each other: use one of them";
	if (o->open && o->failed)
		return "--open and --failed exclude each other: use one of them";
	if (is_log && strcmp(o->output, "text") != 0)
		return "--log is text: leave --output out";
	return NULL;
}

/* What each option allows alone, but not with the others. */
static int check_together(const struct options *o, const struct tool_help *tool)
{
	const char *wrong = NULL;

	if (o->everywhere && o->all)
		wrong = "--everywhere and --all exclude each other: use one of them";
	else if (o->everywhere && o->n_regions > 0)
		wrong = "--everywhere takes no regions: leave them out";
	else if (o->identity && (o->all || o->everywhere || o->n_regions > 0))
		wrong = "--identity takes no regions: leave them out";
	else if (o->preflight && o->dry_run)
		wrong = "--preflight and --dry-run exclude each other: use one of them";
	else if (tool->id == TOOL_CONFIG && strcmp(o->output, "json") == 0 && !o->dry_run &&
		 !o->preflight)
		wrong = "--output=json is for --dry-run and --preflight: add one of them";
	else if (tool->id == TOOL_CLEAR && strcmp(o->output, "json") == 0 && !o->dry_run)
		wrong = "--output=json is for --dry-run: add it";
	else if (o->print_crontab + o->print_systemd + (tool->id == TOOL_ROTATE && o->dry_run) > 1)
		wrong = "--dry-run, --print-crontab and --print-systemd exclude each other";
	else if (tool->id == TOOL_LIST)
		wrong = check_list(o);
	if (!wrong || o->help || o->version)
		return 0;
	fprintf(stderr, "%s: %s\n", tool->name, wrong);
	return AWSQ_EINVAL;
}

int options_parse(struct options *out, const struct tool_help *tool, int argc, char **argv)
{
	struct option longs[N_ROWS + 1];
	char letters[2 * N_ROWS + 1];
	int value, rc;

	memset(out, 0, sizeof(*out));
	out->jobs = 16;
	out->parallel = 1;
	out->output = "text";
	out->keep_images = -1;
	make_tables(longs, letters, tool);
	rc = take_command(out, tool, &argc, argv);
	while (rc == 0 && (value = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		rc = AWSQ_EINVAL; /* getopt_long has said why */
		for (size_t i = 0; i < N_ROWS; i++) {
			if (value == row_value(i) && (rows[i].tools & (int)tool->id))
				rc = store(out, tool, &rows[i], optarg);
		}
	}
	out->regions = argv + optind;
	out->n_regions = (size_t)(argc - optind);
	if (rc == 0)
		rc = check_together(out, tool);
	if (rc != 0) {
		fprintf(stderr, "Try '%s --help'.\n", tool->name);
		return AWSQ_EINVAL;
	}
	return 0;
}
