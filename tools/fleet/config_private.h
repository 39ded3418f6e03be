/*
 * config_private.h: what config*.c share. config.c reads settings (with libconfig) by the tables in
 * config_schema.c and config_job.c, puts them into place with config_value.c, hints at what a slip
 * was meant to be with config_hint.c, and config_file.c deals with files.
 *
 * A new setting is a row in one of the tables, a member of struct config, and a paragraph in
 * regions.cfg(5).
 */
#ifndef FLEET_CONFIG_PRIVATE_H
#define FLEET_CONFIG_PRIVATE_H

#include <stddef.h>
#include <stdint.h>

#include <awsq/buf.h>
#include <awsq/err.h>

#include "fleet/config.h"

enum config_kind {
	CONFIG_TEXT,     /* to a char *; what a row that names no kind is */
	CONFIG_TEXTS,    /* one text or several, to a struct config_strings */
	CONFIG_DURATION, /* a text such as "1h30m", to an int64_t of seconds */
	CONFIG_SIZE,     /* a text such as "64M", to an int64_t of bytes */
	CONFIG_NUMBER,   /* to an int */
	CONFIG_NUMBERS,  /* one number or several, to a struct config_numbers */
	CONFIG_WORD,     /* one of some words, to an enum that has them in their order */
	CONFIG_PAIRS,    /* a group of texts by names of their own, to a struct config_pairs */
	CONFIG_BOOL,     /* true or false without quotes, to an int */
	CONFIG_GROUP,    /* settings of its own */
	CONFIG_ACCOUNTS, /* a list of groups, each a struct config_account that its table is of */
	CONFIG_LATER     /* depends on the rest of the file, and is read after it */
};

struct config_table;

struct config_rule {
	const char *name;
	enum config_kind kind;
	size_t offset;                    /* of its value, in what its table says */
	int (*valid)(const char *text);   /* of a text, or each of several */
	int (*valid_name)(const char *);  /* of a pair's name */
	int64_t min, max;                 /* of a duration, size or number */
	size_t most;                      /* of how many of a list; 0: any */
	const char *const *words;         /* of a word, up to a NULL */
	const struct config_table *table; /* of a group, or of each of several */
	const char *expected;             /* the end of "expected ..." */
	const char *preset;               /* its value where it is not set, as text; NULL: none */
	const char *expected_name;        /* the same of a pair's name */
	const char *example;              /* for who left it out; NULL: it may be left out */
	int repeats;                      /* of a list: may have one several times */
	int is_secret;                    /* may hold one, so that no message repeats it */
};

struct config_table {
	const struct config_rule *rules;
	size_t n;
};

/* A config while it is read. */
struct config_draft {
	struct config config;
	struct config_strings regions; /* names only, until config.regions is made of them */
};

/* The whole file, its offsets in struct config_draft. */
extern const struct config_table config_whole;

/* What stands in override for one region, its offsets in struct config_region. */
extern const struct config_table config_override;

/* One of the list "accounts", its offsets in struct config_account. */
extern const struct config_table config_account;

/* The group "job", its offsets as the whole file's. */
extern const struct config_table config_job;

/*
 * What is wrong with the job's settings of which each may be right by itself. The place of one,
 * such as "job.watch", with what to say of it in text; NULL when nothing is.
 */
const char *config_job_flaw(const struct config *c, struct awsq_buf *text);

/* What is wrong with the last account, of which each setting may be right by itself; or NULL. */
const char *config_account_flaw(const struct config *c);

/* Adds the text in quotes, the beginning of a long one. */
void config_add_quoted(struct awsq_buf *out, const char *text);

/* Whether line number of a text has what in it. */
int config_line_has(const char *text, unsigned number, const char *what);

/* Whether text has only these characters; and whether c is one of them, and not the final NUL. */
int config_made_of(const char *text, const char *characters);
int config_one_of(char c, const char *characters);

/* The rule of that name; NULL when there is none. */
const struct config_rule *config_rule(const struct config_table *table, const char *name);

/* Whether a KMS key, which the rules allow, can be one of region: only an ARN names its own. */
int config_kms_key_is_in(const char *key, const char *region);

/* Adds a hint for who wrote word: the name that it is a slip for, else all names in quotes. */
void config_add_hint(struct awsq_buf *out, const char *word, const struct config_strings *names);

/*
 * Makes text the value of a rule, or one more of several, in the struct at base. AWSQ_EINVAL and
 * AWSQ_EPARSE when the rule does not allow it; AWSQ_ENOMEM.
 */
int config_set(void *base, const struct config_rule *rule, const char *text);

/* How many values a rule for several has in the struct at base; and whether text is one of them. */
size_t config_count(const void *base, const struct config_rule *rule);
int config_has(const void *base, const struct config_rule *rule, const char *text);

/* Gives all settings that have a preset that value. AWSQ_ENOMEM. */
int config_set_presets(void *base, const struct config_table *table);

/* AWSQ_ENOMEM. */
int config_strings_add(struct config_strings *s, const char *text);
int config_strings_copy(struct config_strings *out, const struct config_strings *s);

/* AWSQ_ENOMEM. */
int config_pairs_add(struct config_pairs *p, const char *name, const char *value);

/* Where text is in s; s->n when it is not. */
size_t config_strings_find(const struct config_strings *s, const char *text);

/* Gives a region what the fleet has wherever its override is silent. AWSQ_ENOMEM. */
int config_inherit(struct config_region *region, const struct config_region *fleet);

/* Frees what s holds and leaves it empty. */
void config_strings_free(struct config_strings *s);

/* Reads a whole file: AWSQ_ENOTFOUND, AWSQ_EIO, AWSQ_ETOOBIG, AWSQ_EPARSE, AWSQ_ENOMEM. */
int config_slurp(struct awsq_buf *text, const char *path, struct awsq_err *err);

/*
 * What a path in the file at config_path stands for, to be freed with free(): "~/" is $HOME, and a
 * relative one is beside that file. AWSQ_EINVAL without $HOME; AWSQ_ENOMEM.
 */
int config_resolve(char **out, const char *path, const char *config_path);

#endif
