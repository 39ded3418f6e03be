#include "banned.h"

#include "fleet/config_private.h"

#include <awsq/num.h>

#include <stdlib.h>
#include <string.h>

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
	char **items = realloc(s->items, (s->n + 1) * sizeof(*items));

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
	case CONFIG_BOOL:
		*(int *)value = strcmp(text, "true") == 0;
		return *(int *)value || strcmp(text, "false") == 0 ? 0 : AWSQ_EINVAL;
	case CONFIG_NUMBER:
		rc = awsq_parse_int(&number, text, rule->min, rule->max);
		if (rc == 0)
			*(int *)value = (int)number;
		return rc;
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

void config_free(struct config *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->n_regions + c->n_unlisted; i++)
		free_region(&c->regions[i]);
	free(c->regions);
	free_region(&c->elsewhere);
	free(c->path);
	free(c->name);
	free(c->home);
	free(c->key);
	free(c->role);
	free(c->image);
	free(c->job_user);
	free(c->job_command);
	memset(c, 0, sizeof(*c));
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
