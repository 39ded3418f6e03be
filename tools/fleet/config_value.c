#include "banned.h"

#include "fleet/config_private.h"
#include "fleet/grow.h"

#include <awsq/num.h>

#include <stdlib.h>
#include <string.h>

int config_made_of(const char *text, const char *characters)
{
	return text[strspn(text, characters)] == '\0';
}

int config_one_of(char c, const char *characters)
{
	return c != '\0' && strchr(characters, c) != NULL;
}

void config_strings_free(struct config_strings *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->items[i]);
	free(s->items);
	s->items = NULL;
	s->n = 0;
}

int config_strings_add(struct config_strings *s, const char *text)
{
	char **items = grow(s->items, s->n, sizeof(*items));

	if (!items)
		return AWSQ_ENOMEM;
	s->items = items;
	items[s->n] = strdup(text);
	if (!items[s->n])
		return AWSQ_ENOMEM;
	s->n++;
	return 0;
}

int config_strings_copy(struct config_strings *out, const struct config_strings *s)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < s->n; i++)
		rc = config_strings_add(out, s->items[i]);
	return rc;
}

/* Made longer by one of each first, so that nothing is lost where memory ends. */
int config_pairs_add(struct config_pairs *p, const char *name, const char *value)
{
	struct config_strings names = { p->names, p->n }, values = { p->values, p->n };
	int rc = config_strings_add(&names, name);

	p->names = names.items;
	if (rc != 0)
		return rc;
	rc = config_strings_add(&values, value);
	p->values = values.items;
	if (rc == 0)
		p->n++;
	else
		free(p->names[p->n]);
	return rc;
}

static int add_number(struct config_numbers *numbers, int number)
{
	int *items = grow(numbers->items, numbers->n, sizeof(*items));

	if (!items)
		return AWSQ_ENOMEM;
	numbers->items = items;
	items[numbers->n++] = number;
	return 0;
}

size_t config_strings_find(const struct config_strings *s, const char *text)
{
	size_t i = 0;

	while (i < s->n && strcmp(s->items[i], text) != 0)
		i++;
	return i;
}

static int set_text(char **value, const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		return AWSQ_ENOMEM;
	free(*value);
	*value = copy;
	return 0;
}

/* Digits with a unit of K, M or G: those of 1024. */
static int set_size(int64_t *value, const struct config_rule *rule, const char *text)
{
	static const char units[] = "KMG";
	size_t len = strspn(text, "0123456789");
	const char *unit = text[len] ? strchr(units, text[len]) : NULL;
	char digits[16];
	int64_t number, factor;
	int rc;

	if (!unit || text[len + 1] != '\0' || len >= sizeof(digits))
		return AWSQ_EINVAL;
	factor = INT64_C(1024) << (10 * (unit - units));
	(void)snprintf(digits, sizeof(digits), "%.*s", (int)len, text);
	rc = awsq_parse_int(&number, digits, 0, rule->max / factor);
	if (rc != 0 || number * factor < rule->min)
		return AWSQ_EINVAL;
	*value = number * factor;
	return 0;
}

/* An enum is as wide as an int, as all of them have values that are ints. */
static int set_word(void *value, const struct config_rule *rule, const char *text)
{
	for (int i = 0; rule->words[i]; i++) {
		if (strcmp(rule->words[i], text) == 0) {
			memcpy(value, &i, sizeof(i));
			return 0;
		}
	}
	return AWSQ_EINVAL;
}

size_t config_count(const void *base, const struct config_rule *rule)
{
	const void *value = (const char *)base + rule->offset;

	return rule->kind == CONFIG_NUMBERS ? ((const struct config_numbers *)value)->n
	                                    : ((const struct config_strings *)value)->n;
}

int config_has(const void *base, const struct config_rule *rule, const char *text)
{
	const void *value = (const char *)base + rule->offset;
	const struct config_numbers *numbers = value;
	int64_t number;

	if (rule->kind != CONFIG_NUMBERS)
		return config_strings_find(value, text) < config_count(base, rule);
	if (awsq_parse_int(&number, text, rule->min, rule->max) != 0)
		return 0;
	for (size_t i = 0; i < numbers->n; i++) {
		if (numbers->items[i] == number)
			return 1;
	}
	return 0;
}

int config_set(void *base, const struct config_rule *rule, const char *text)
{
	void *value = (char *)base + rule->offset;
	int64_t number;
	int rc;

	switch (rule->kind) {
	case CONFIG_TEXT:
		return rule->valid(text) ? set_text(value, text) : AWSQ_EINVAL;
	case CONFIG_TEXTS:
		return rule->valid(text) ? config_strings_add(value, text) : AWSQ_EINVAL;
	case CONFIG_DURATION:
		rc = awsq_parse_duration(&number, text, rule->max);
		if (rc != 0 || number < rule->min)
			return AWSQ_EINVAL;
		*(int64_t *)value = number;
		return 0;
	case CONFIG_SIZE:
		return set_size(value, rule, text);
	case CONFIG_WORD:
		return set_word(value, rule, text);
	case CONFIG_BOOL:
		*(int *)value = strcmp(text, "true") == 0;
		return *(int *)value || strcmp(text, "false") == 0 ? 0 : AWSQ_EINVAL;
	case CONFIG_NUMBER:
		rc = awsq_parse_int(&number, text, rule->min, rule->max);
		if (rc == 0)
			*(int *)value = (int)number;
		return rc;
	case CONFIG_NUMBERS:
		rc = awsq_parse_int(&number, text, rule->min, rule->max);
		return rc == 0 ? add_number(value, (int)number) : rc;
	default:
		return AWSQ_EINVAL;
	}
}

int config_set_presets(void *base, const struct config_table *table)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < table->n; i++) {
		const struct config_rule *rule = &table->rules[i];

		if (rule->kind == CONFIG_GROUP)
			rc = config_set_presets(base, rule->table);
		else if (rule->preset)
			rc = config_set(base, rule, rule->preset);
	}
	return rc;
}

static void free_region(struct config_region *r)
{
	config_strings_free(&r->instance_types);
	free(r->name);
	free(r->vpc);
	free(r->subnet);
	free(r->kms_key);
}

static void free_pairs(struct config_pairs *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->names[i]);
		free(p->values[i]);
	}
	free(p->names);
	free(p->values);
}

static void free_account(struct config_account *a)
{
	free(a->name);
	free(a->role_arn);
	free(a->external_id);
	free(a->profile);
}

static void free_contents(struct config *c)
{
	char *const texts[] = { c->path, c->name, c->home, c->key, c->role, c->image, c->job_user,
		c->job_command, c->job_workdir, c->job_watch, c->job_docker_image, c->job_before,
		c->job_after, c->job_ping_url };

	for (size_t i = 0; i < c->n_regions + c->n_unlisted; i++)
		free_region(&c->regions[i]);
	free(c->regions);
	for (size_t i = 0; i < c->n_accounts; i++)
		free_account(&c->accounts[i]);
	free(c->accounts);
	free_region(&c->elsewhere);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		free(texts[i]);
	config_strings_free(&c->job_docker_args);
	config_strings_free(&c->job_retrieve);
	free(c->job_retry_on.items);
	free_pairs(&c->job_env);
}

void config_free(struct config *c)
{
	if (!c)
		return;
	free_contents(c);
	memset(c, 0, sizeof(*c));
}

int config_inherit(struct config_region *region, const struct config_region *fleet)
{
	const char *from[] = { fleet->vpc, fleet->subnet, fleet->kms_key };
	char **to[] = { &region->vpc, &region->subnet, &region->kms_key };

	for (size_t i = 0; i < sizeof(to) / sizeof(to[0]); i++) {
		if (*to[i] || !from[i])
			continue;
		*to[i] = strdup(from[i]);
		if (!*to[i])
			return AWSQ_ENOMEM;
	}
	if (region->count == 0)
		region->count = fleet->count;
	if (region->instance_types.n > 0)
		return 0;
	return config_strings_copy(&region->instance_types, &fleet->instance_types);
}

static const struct config_region *find_region(const struct config *c, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(c->regions[i].name, name) == 0)
			return &c->regions[i];
	}
	return NULL;
}

const struct config_region *config_region(const struct config *c, const char *name)
{
	return find_region(c, c->n_regions, name);
}

const struct config_region *config_place(const struct config *c, const char *region_name)
{
	const struct config_region *r;

	r = find_region(c, c->n_regions + c->n_unlisted, region_name);
	return r ? r : &c->elsewhere;
}

int config_encrypts(const struct config *c, const struct config_region *place)
{
	return c->encrypt || place->kms_key;
}

const char *config_image(const struct config *c)
{
	return c->image ? c->image : c->name;
}

int config_image_matches(const struct config *c, const char *image_name)
{
	const char *pattern = config_image(c), *star = strchr(pattern, '*');
	size_t len = strlen(image_name), before, after;

	if (!star)
		return strcmp(pattern, image_name) == 0;
	before = (size_t)(star - pattern);
	after = strlen(star + 1);
	return len >= before + after && strncmp(image_name, pattern, before) == 0 &&
	       strcmp(image_name + len - after, star + 1) == 0;
}
