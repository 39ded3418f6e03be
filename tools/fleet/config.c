/* The only file that includes libconfig. */
#include "banned.h"

#include "fleet/config_private.h"

#include <libconfig.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX ((size_t)1 << 20)
#define TEXT_MAX 4096 /* of a part of a message */

struct reader {
	const char *path;
	struct awsq_buf text; /* the file's */
	struct config_draft draft;
	config_t file;
	struct awsq_err *err;
};

/* Adds where a setting stands among the others, such as "fleet.home". */
static void add_place(struct awsq_buf *out, const config_setting_t *setting)
{
	const config_setting_t *parent = config_setting_parent(setting);

	if (!parent)
		return;
	add_place(out, parent);
	/* The members of a list have no names: theirs is the list's. */
	if (!config_setting_name(setting))
		return;
	if (config_setting_parent(parent))
		awsq_buf_addc(out, '.');
	awsq_buf_adds(out, config_setting_name(setting));
}

/* What a person would say that the value is. */
static void add_found(struct awsq_buf *out, const config_setting_t *setting)
{
	switch (config_setting_type(setting)) {
	case CONFIG_TYPE_STRING:
		config_add_quoted(out, config_setting_get_string(setting));
		break;
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		awsq_buf_addf(out, "%lld", config_setting_get_int64(setting));
		break;
	case CONFIG_TYPE_FLOAT:
		awsq_buf_addf(out, "%g", config_setting_get_float(setting));
		break;
	case CONFIG_TYPE_BOOL:
		awsq_buf_adds(out, config_setting_get_bool(setting) ? "true" : "false");
		break;
	case CONFIG_TYPE_GROUP:
		awsq_buf_adds(out, "a group of settings");
		break;
	default:
		awsq_buf_adds(out, config_setting_length(setting) > 0 ? "a list" : "an empty list");
		break;
	}
}

/*
 * The line where a setting stands. For a text in a list, libconfig notes the line of the token that
 * comes after it: so the last line up to there that has it is meant.
 */
static unsigned line_of(const struct reader *r, const config_setting_t *setting)
{
	unsigned noted = config_setting_source_line(setting), first;
	struct awsq_buf quoted = AWSQ_BUF_INIT(TEXT_MAX);
	unsigned line = noted;

	if (config_setting_name(setting) || config_setting_type(setting) != CONFIG_TYPE_STRING)
		return noted;
	first = config_setting_source_line(config_setting_parent(setting));
	awsq_buf_addf(&quoted, "\"%s\"", config_setting_get_string(setting));
	while (line >= first &&
		!config_line_has(awsq_buf_str(&r->text), line, awsq_buf_str(&quoted)))
		line--;
	awsq_buf_free(&quoted);
	return line >= first ? line : noted;
}

/* Puts "FILE:LINE: " and the text into r's error; the file as a whole has no line. */
static int complain(struct reader *r, const config_setting_t *setting, const char *format, ...)
	AWSQ_PRINTF(3, 4);

static int complain(struct reader *r, const config_setting_t *setting, const char *format, ...)
{
	char text[TEXT_MAX], line[16] = "";
	va_list ap;

	if (!config_setting_is_root(setting))
		(void)snprintf(line, sizeof(line), "%u:", line_of(r, setting));
	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	return awsq_err_set(r->err, AWSQ_EINVAL, "%s:%s %s", r->path, line, text);
}

/* "fleet.home: expected a region, found 5"; what may add to it. */
static int unexpected(struct reader *r, const config_setting_t *setting, const char *expected,
	const char *what)
{
	struct awsq_buf place = AWSQ_BUF_INIT(TEXT_MAX), found = AWSQ_BUF_INIT(TEXT_MAX);
	int rc;

	add_place(&place, setting);
	add_found(&found, setting);
	rc = complain(r, setting, "%s: expected %s, found %s%s", awsq_buf_str(&place), expected,
		awsq_buf_str(&found), what);
	awsq_buf_free(&place);
	awsq_buf_free(&found);
	return rc;
}

/* The same of what may be a secret: what was found is not told. */
static int unexpected_secret(struct reader *r, const config_setting_t *setting,
	const char *expected)
{
	struct awsq_buf place = AWSQ_BUF_INIT(TEXT_MAX);
	int rc;

	add_place(&place, setting);
	rc = complain(r, setting, "%s: expected %s", awsq_buf_str(&place), expected);
	awsq_buf_free(&place);
	return rc;
}

static int unfit(struct reader *r, const struct config_rule *rule, const config_setting_t *setting)
{
	return rule->is_secret ? unexpected_secret(r, setting, rule->expected)
	                       : unexpected(r, setting, rule->expected, "");
}

static int no_memory(struct reader *r)
{
	return awsq_err_set(r->err, AWSQ_ENOMEM, "cannot load '%s': %s", r->path,
		awsq_strerror(AWSQ_ENOMEM));
}

/* Says of a setting's name, between before and after, that it is none of names. */
static int unknown(struct reader *r, const config_setting_t *setting, const char *before,
	const char *after, const struct config_strings *names)
{
	struct awsq_buf place = AWSQ_BUF_INIT(TEXT_MAX), hint = AWSQ_BUF_INIT(TEXT_MAX);
	int rc;

	add_place(&place, setting);
	config_add_hint(&hint, config_setting_name(setting), names);
	rc = complain(r, setting, "%s'%s'%s; %s", before, awsq_buf_str(&place), after,
		awsq_buf_str(&hint));
	awsq_buf_free(&place);
	awsq_buf_free(&hint);
	return rc;
}

static int unknown_setting(struct reader *r, const config_setting_t *setting,
	const struct config_table *table)
{
	struct config_strings names = { NULL, 0 };
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < table->n; i++)
		rc = config_strings_add(&names, table->rules[i].name);
	rc = rc ? no_memory(r) : unknown(r, setting, "unknown setting ", "", &names);
	config_strings_free(&names);
	return rc;
}

/* The value as text, maybe made in digits; NULL when its type is not that of the rule. */
static const char *text_of(const struct config_rule *rule, const config_setting_t *setting,
	char digits[24])
{
	int type = config_setting_type(setting);

	switch (rule->kind) {
	case CONFIG_BOOL:
		if (type != CONFIG_TYPE_BOOL)
			return NULL;
		return config_setting_get_bool(setting) ? "true" : "false";
	case CONFIG_NUMBER:
	case CONFIG_NUMBERS:
		if (type != CONFIG_TYPE_INT && type != CONFIG_TYPE_INT64)
			return NULL;
		(void)snprintf(digits, 24, "%lld", config_setting_get_int64(setting));
		return digits;
	default:
		return config_setting_get_string(setting);
	}
}

/* One value: the setting's own, or that of a member of its list. */
static int read_value(struct reader *r, const struct config_rule *rule,
	const config_setting_t *setting, void *base)
{
	char digits[24];
	const char *text = text_of(rule, setting, digits);
	int rc = text ? config_set(base, rule, text) : AWSQ_EINVAL;

	if (rc == AWSQ_ENOMEM)
		return no_memory(r);
	return rc != 0 ? unfit(r, rule, setting) : 0;
}

static int one_too_many(struct reader *r, const struct config_rule *rule,
	const config_setting_t *item)
{
	char limit[32];

	(void)snprintf(limit, sizeof(limit), "at most %zu", rule->most);
	return unexpected(r, item, limit, " as one more");
}

static int read_list(struct reader *r, const struct config_rule *rule, const config_setting_t *list,
	void *base)
{
	int rc = 0;

	for (int i = 0; rc == 0 && i < config_setting_length(list); i++) {
		const config_setting_t *item = config_setting_get_elem(list, (unsigned int)i);
		char digits[24];
		const char *text = text_of(rule, item, digits);

		if (text && !rule->repeats && config_has(base, rule, text))
			return unexpected(r, item, "each only once", " again");
		if (rule->most > 0 && config_count(base, rule) >= rule->most)
			return one_too_many(r, rule, item);
		rc = read_value(r, rule, item, base);
	}
	if (rc == 0 && config_count(base, rule) == 0)
		rc = unexpected(r, list, rule->expected, "");
	return rc;
}

static int read_pair(struct reader *r, const struct config_rule *rule, const config_setting_t *s,
	struct config_pairs *pairs)
{
	const char *name = config_setting_name(s), *text = config_setting_get_string(s);

	if (!rule->valid_name(name))
		return unexpected_secret(r, s, rule->expected_name);
	if (!text || !rule->valid(text))
		return unfit(r, rule, s);
	return config_pairs_add(pairs, name, text) == 0 ? 0 : no_memory(r);
}

static int read_pairs(struct reader *r, const struct config_rule *rule,
	const config_setting_t *group, void *base)
{
	struct config_pairs *pairs = (void *)((char *)base + rule->offset);
	char limit[40];
	int rc = 0;

	if (!config_setting_is_group(group))
		return unexpected_secret(r, group, "a group, { NAME = \"value\"; ... }");
	if ((size_t)config_setting_length(group) > rule->most) {
		(void)snprintf(limit, sizeof(limit), "at most %zu of them", rule->most);
		return unexpected_secret(r, group, limit);
	}
	for (int i = 0; rc == 0 && i < config_setting_length(group); i++)
		rc = read_pair(r, rule, config_setting_get_elem(group, (unsigned int)i), pairs);
	return rc;
}

static int read_group(struct reader *r, const struct config_table *table,
	const config_setting_t *group, void *base);

static int read_accounts(struct reader *r, const struct config_rule *rule,
	const config_setting_t *list)
{
	size_t n = config_setting_is_list(list) ? (size_t)config_setting_length(list) : 0;
	struct config *c = &r->draft.config;
	int rc = 0;

	if (n == 0)
		return unfit(r, rule, list);
	c->accounts = calloc(n, sizeof(*c->accounts));
	if (!c->accounts)
		return no_memory(r);
	while (rc == 0 && c->n_accounts < n) {
		const config_setting_t *s =
			config_setting_get_elem(list, (unsigned int)c->n_accounts);
		const char *flaw;

		rc = read_group(r, rule->table, s, &c->accounts[c->n_accounts++]);
		flaw = rc == 0 ? config_account_flaw(c) : NULL;
		if (flaw)
			rc = complain(r, s, "%s: %s", rule->name, flaw);
	}
	return rc;
}

static int read_setting(struct reader *r, const struct config_rule *rule,
	const config_setting_t *setting, void *base)
{
	if (rule->kind == CONFIG_LATER)
		return 0;
	if (rule->kind == CONFIG_ACCOUNTS)
		return read_accounts(r, rule, setting);
	if (rule->kind == CONFIG_GROUP)
		return read_group(r, rule->table, setting, base);
	if (rule->kind == CONFIG_PAIRS)
		return read_pairs(r, rule, setting, base);
	if ((rule->kind == CONFIG_TEXTS || rule->kind == CONFIG_NUMBERS) &&
		(config_setting_is_array(setting) || config_setting_is_list(setting)))
		return read_list(r, rule, setting, base);
	return read_value(r, rule, setting, base);
}

static int missing(struct reader *r, const struct config_rule *rule, const config_setting_t *group)
{
	struct awsq_buf place = AWSQ_BUF_INIT(TEXT_MAX);
	int rc;

	add_place(&place, group);
	if (place.len > 0)
		awsq_buf_adds(&place, ": ");
	rc = complain(r, group, "%s'%s' is missing; for example: %s", awsq_buf_str(&place),
		rule->name, rule->example);
	awsq_buf_free(&place);
	return rc;
}

/* Judges and takes the settings as the file has them, then those that it should have. */
static int read_group(struct reader *r, const struct config_table *table,
	const config_setting_t *group, void *base)
{
	int rc = 0;

	if (!config_setting_is_group(group))
		return unexpected(r, group, "a group of settings, { ... }", "");
	for (int i = 0; rc == 0 && i < config_setting_length(group); i++) {
		const config_setting_t *s = config_setting_get_elem(group, (unsigned int)i);
		const struct config_rule *rule = config_rule(table, config_setting_name(s));

		rc = rule ? read_setting(r, rule, s, base) : unknown_setting(r, s, table);
	}
	for (size_t i = 0; rc == 0 && i < table->n; i++) {
		const struct config_rule *rule = &table->rules[i];

		if (rule->example && !config_setting_get_member(group, rule->name))
			rc = missing(r, rule, group);
	}
	return rc;
}

/* The key of another region is of no use: better said now than when an image was copied in vain. */
static int check_key(struct reader *r, const config_setting_t *group,
	const struct config_region *region)
{
	char expected[TEXT_MAX];

	if (!region->kms_key || config_kms_key_is_in(region->kms_key, region->name))
		return 0;
	(void)snprintf(expected, sizeof(expected), "a key of %s", region->name);
	return unexpected(r, config_setting_get_member(group, "kms_key"), expected, "");
}

static int read_override(struct reader *r, const config_setting_t *group)
{
	const struct config_strings *names = &r->draft.regions;
	struct config *c = &r->draft.config;
	int rc = 0;

	if (!config_setting_is_group(group))
		return unexpected(r, group, "a group with a group for each region, { ... }", "");
	for (int i = 0; rc == 0 && i < config_setting_length(group); i++) {
		const config_setting_t *s = config_setting_get_elem(group, (unsigned int)i);
		size_t at = config_strings_find(names, config_setting_name(s));

		if (at == names->n)
			return unknown(r, s, "", " is neither home nor in 'regions'", names);
		rc = read_group(r, &config_override, s, &c->regions[at]);
		if (rc == 0)
			rc = check_key(r, s, &c->regions[at]);
	}
	return rc;
}

/* Makes the regions, and home, of their names, the overrides and what all have. */
static int make_regions(struct reader *r)
{
	struct config_strings *names = &r->draft.regions;
	const config_setting_t *override = config_lookup(&r->file, "override");
	struct config *c = &r->draft.config;
	size_t listed = names->n;
	int rc = 0;

	if (config_strings_find(names, c->home) == listed &&
		config_strings_add(names, c->home) != 0)
		return no_memory(r);
	c->regions = calloc(names->n, sizeof(*c->regions));
	if (!c->regions)
		return no_memory(r);
	c->n_regions = listed;
	c->n_unlisted = names->n - listed;
	for (size_t i = 0; i < names->n; i++) {
		c->regions[i].name = strdup(names->items[i]);
		if (!c->regions[i].name)
			return no_memory(r);
	}
	if (override)
		rc = read_override(r, override);
	for (size_t i = 0; rc == 0 && i < names->n; i++) {
		if (config_inherit(&c->regions[i], &c->elsewhere) != 0)
			rc = no_memory(r);
	}
	return rc;
}

static int settle_job(struct reader *r)
{
	struct config *c = &r->draft.config;
	const config_setting_t *timeout = config_lookup(&r->file, "job.timeout");
	struct awsq_buf flaw = AWSQ_BUF_INIT(TEXT_MAX);
	const char *place;
	int rc = 0;

	if (!timeout)
		c->job_timeout = c->max_uptime;
	if (c->job_timeout > c->max_uptime)
		return unfit(r, config_rule(&config_job, "timeout"), timeout);
	if (c->job_workdir && c->job_workdir[0] == '~')
		memmove(c->job_workdir, c->job_workdir + 2, strlen(c->job_workdir) - 1);
	place = config_job_flaw(c, &flaw);
	if (place)
		rc = complain(r, config_lookup(&r->file, place), "%s: %s", place,
			awsq_buf_str(&flaw));
	awsq_buf_free(&flaw);
	return rc;
}

/* What needs more than one setting, or the world outside. */
static int settle(struct reader *r)
{
	struct config *c = &r->draft.config;
	char *key = NULL;
	int rc;

	c->path = strdup(r->path);
	rc = c->path ? config_resolve(&key, c->key, c->path) : AWSQ_ENOMEM;
	if (rc == AWSQ_EINVAL)
		return complain(r, config_lookup(&r->file, "fleet.key"),
			"fleet.key: '~' stands for $HOME, which is not set");
	if (rc != 0)
		return no_memory(r);
	free(c->key);
	c->key = key;
	rc = settle_job(r);
	return rc == 0 ? make_regions(r) : rc;
}

/* What libconfig says of a text that it cannot read. */
static int malformed(struct reader *r)
{
	const char *text = config_error_text(&r->file);
	int vague = !text || strcmp(text, "syntax error") == 0;

	if (config_error_type(&r->file) != CONFIG_ERR_PARSE)
		return no_memory(r);
	return awsq_err_set(r->err, AWSQ_EPARSE, "%s:%d: %s", r->path, config_error_line(&r->file),
		vague ? "syntax error: look here and before for a missing quote, "
			"comma or bracket"
		      : text);
}

int config_load(struct config *out, const char *path, struct awsq_err *err)
{
	struct reader r = { .path = path, .text = AWSQ_BUF_INIT(FILE_MAX), .err = err };
	int rc;

	memset(out, 0, sizeof(*out));
	config_init(&r.file);
	rc = config_slurp(&r.text, path, err);
	if (rc != 0)
		goto out;
	if (config_read_string(&r.file, awsq_buf_str(&r.text)) != CONFIG_TRUE)
		rc = malformed(&r);
	else if (config_set_presets(&r.draft, &config_whole) != 0)
		rc = no_memory(&r);
	else
		rc = read_group(&r, &config_whole, config_root_setting(&r.file), &r.draft);
	if (rc == 0)
		rc = settle(&r);
	if (rc == 0)
		*out = r.draft.config;
	else
		config_free(&r.draft.config);
out:
	config_strings_free(&r.draft.regions);
	config_destroy(&r.file);
	awsq_buf_free(&r.text);
	return rc;
}
