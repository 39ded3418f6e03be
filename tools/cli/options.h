/*
 * options.h: the options of all executables, in one table that also prints --help.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#include <awsq/buf.h>

/* Which executable is running: a set of these is where an option is known. */
enum tool_id {
	TOOL_CONFIG = 1 << 0,
	TOOL_CHECK = 1 << 1,
	TOOL_CLEAR = 1 << 2,
	TOOL_START = 1 << 3,
	TOOL_JOB = 1 << 4,
	TOOL_STOP = 1 << 5,
	TOOL_RUN = 1 << 6,
	TOOL_LIST = 1 << 7,
	TOOL_ROTATE = 1 << 8
};

/* What --help says of an executable beside its options. */
struct tool_help {
	enum tool_id id;
	const char *name;
	const char *arguments; /* after the options in the usage line */
	const char *purpose;   /* a paragraph, wrapped by options_help */
	const char *example;   /* lines of the form "  command    # what it does" */
};

/* What an option that may be given several times was given. */
struct options_list {
	const char *items[16];
	size_t n;
};

struct options {
	int all;
	int identity;   /* never with all, everywhere or regions */
	int everywhere; /* every region that the account has enabled; never with all or regions */
	const char *config;
	struct options_list accounts; /* each one name, or several with commas between them */
	const char *profile;
	const char *endpoint_url;
	const char *state_dir;
	const char *output; /* "text" or "json"; list-runs has "csv" too */
	int dry_run;
	int preflight; /* never with dry_run */
	int replace;
	int lift_protection;
	int64_t keep_images; /* -1: regions.cfg's */
	int yes;
	int64_t jobs;
	int64_t timeout; /* seconds; 0: regions.cfg's */
	int64_t every;   /* seconds; 0: an hour for each region */
	int64_t parallel;
	int print_crontab;
	int print_systemd;  /* of these two and dry_run one at the most */
	const char *region; /* this and the following are list-runs's */
	int failed;
	int open;
	const char *since;
	int64_t limit;
	const char *log; /* "out", "err", or "" for both; NULL: none */
	int follow;
	int billing;
	const char *metrics; /* a file; NULL: none */
	const char *attach;  /* a run's id, or the beginning of one; "": the latest; NULL: none */
	int quiet;
	int verbose;
	int debug;
	int version;
	int help;
	const char *completion; /* NULL, or what completion.h prints */
	char **regions;         /* within argv; list-runs has a run's id there */
	size_t n_regions;
	char *command; /* the words after "--", joined by spaces; NULL when there is none */
};

/*
 * Reads the command line into out, whose strings belong to argv. 0, or AWSQ_EINVAL after having
 * said on stderr what is wrong with it, be it an option alone or two that exclude each other.
 * out->command is freed by the caller.
 */
int options_parse(struct options *out, const struct tool_help *tool, int argc, char **argv);

/* One option, as --help and completions tell it. Strings are static. */
struct option_about {
	const char *name;
	char letter;          /* 0: none */
	const char *argument; /* what it is called, such as "FILE"; NULL: it takes none */
	int is_optional;      /* the argument */
	const char *values; /* what the argument may be, separated by blanks; NULL: no few words */
	const char *help;
};

/* The next option of the tool, for a number that is 0 at first. Whether there was one. */
int options_next(struct option_about *out, const struct tool_help *tool, size_t *i);

/* Adds the text of --help. */
void options_help(struct awsq_buf *out, const struct tool_help *tool);

#endif
