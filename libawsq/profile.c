/*
 * Written out here, though INI has libraries: inih as Debian builds it cuts every line at 200
 * bytes, and session tokens are longer; and no library has the same rules as the AWS tools, which
 * share these files.
 */
#include "banned.h"

#include "words.h"

#include <awsq/buf.h>
#include <awsq/profile.h>

#include <stdlib.h>
#include <string.h>

struct setting {
	char *key; /* in lower case */
	char *sub; /* of a sub-setting, its own name; else NULL */
	struct awsq_buf value;
};

struct section {
	char *header; /* as between the brackets */
	enum awsq_section kind;
	char *name;
	struct setting *settings;
	size_t n, room;
};

struct awsq_profiles {
	struct section *sections;
	size_t n, room;
};

/* Where the parser is. */
struct parser {
	struct awsq_profiles *profiles;
	enum awsq_profile_file file;
	struct awsq_err *err;
	size_t line;    /* from 1 */
	size_t max;     /* the text's length, which no part of it can exceed */
	size_t indent;  /* of the line that the latest section or setting began with */
	size_t gap;     /* blank lines since the setting's latest line */
	int in_setting; /* deeper lines continue the section's last setting */
	int has_subs;   /* and are sub-settings */
	char *key;      /* of whom; owned by the setting */
};

/* A piece of the text. */
struct span {
	const char *at;
	size_t len;
};

/* What Python's str.strip() takes for white space, as far as it is ASCII. */
static int is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r') || (c >= '\x1c' && c <= '\x1f');
}

static struct span trim(struct span s)
{
	while (s.len > 0 && is_space(s.at[0])) {
		s.at++;
		s.len--;
	}
	while (s.len > 0 && is_space(s.at[s.len - 1]))
		s.len--;
	return s;
}

static char *copy(struct span s)
{
	char *text = malloc(s.len + 1);

	if (!text)
		return NULL;
	memcpy(text, s.at, s.len);
	text[s.len] = '\0';
	return text;
}

static int no_memory(struct parser *p)
{
	return awsq_err_set(p->err, AWSQ_ENOMEM, "line %zu: out of memory", p->line);
}

/* Makes room in an array for one more item of size bytes, which it zeroes; NULL without memory. */
static void *grow(void *items, size_t n, size_t *room, size_t size)
{
	size_t bigger = *room ? *room * 2 : 8;

	if (n == *room) {
		items = realloc(items, bigger * size);
		if (!items)
			return NULL;
		*room = bigger;
	}
	memset((char *)items + n * size, 0, size);
	return items;
}

/*
 * Tells a section of the config file by its header: a kind and a name. As botocore, a header of any
 * other form is not an error, but nothing will ever ask for that section.
 */
static int classify(struct section *s, size_t max)
{
	static const char *const kinds[] = { "profile", "services", "sso-session" };
	struct awsq_buf kind = AWSQ_BUF_INIT(max), name = AWSQ_BUF_INIT(max);
	const char *at = s->header;

	s->kind = AWSQ_SECTION_OTHER;
	if (strcmp(s->header, "default") == 0) {
		s->kind = AWSQ_SECTION_PROFILE;
		awsq_buf_adds(&name, s->header);
	} else if (words_next(&at, &kind) == 1 && words_next(&at, &name) == 1 &&
		   at[strspn(at, " \t")] == '\0') {
		for (int i = 0; i < AWSQ_SECTION_OTHER; i++) {
			if (strcmp(awsq_buf_str(&kind), kinds[i]) == 0)
				s->kind = (enum awsq_section)i;
		}
	}
	s->name = awsq_buf_take(&name);
	awsq_buf_free(&kind);
	awsq_buf_free(&name);
	return s->name ? 0 : AWSQ_ENOMEM;
}

static int begin_section(struct parser *p, struct span header)
{
	struct awsq_profiles *all = p->profiles;
	struct section *sections = grow(all->sections, all->n, &all->room, sizeof(*sections));
	struct section *s;

	if (!sections)
		return no_memory(p);
	all->sections = sections;
	s = &sections[all->n++];
	s->header = copy(header);
	if (!s->header)
		return no_memory(p);
	for (size_t i = 0; i + 1 < all->n; i++) {
		if (strcmp(sections[i].header, s->header) == 0)
			return awsq_err_set(p->err, AWSQ_EPARSE,
				"line %zu: the section [%s] is there already", p->line, s->header);
	}
	p->in_setting = 0;
	if (p->file == AWSQ_FILE_CREDENTIALS) {
		s->kind = AWSQ_SECTION_PROFILE;
		s->name = copy(header);
		return s->name ? 0 : no_memory(p);
	}
	return classify(s, p->max) == 0 ? 0 : no_memory(p);
}

static struct setting *find_setting(const struct section *s, const char *key, const char *sub)
{
	for (size_t i = 0; i < s->n; i++) {
		struct setting *t = &s->settings[i];

		if (strcmp(t->key, key) == 0 && !sub == !t->sub &&
			(!sub || strcmp(t->sub, sub) == 0))
			return t;
	}
	return NULL;
}

/* Adds a setting to the last section, taking key and sub, which may be NULL for want of memory. */
static int add_setting(struct parser *p, char *key, char *sub, struct span value)
{
	struct section *s = &p->profiles->sections[p->profiles->n - 1];
	struct setting *settings = grow(s->settings, s->n, &s->room, sizeof(*settings));
	struct setting *t;

	if (!settings || !key) {
		if (settings)
			s->settings = settings;
		free(key);
		free(sub);
		return no_memory(p);
	}
	s->settings = settings;
	t = &settings[s->n++];
	t->key = key;
	t->sub = sub;
	awsq_buf_init(&t->value, p->max);
	awsq_buf_add(&t->value, value.at, value.len);
	return awsq_buf_error(&t->value) ? no_memory(p) : 0;
}

static int begin_setting(struct parser *p, struct span line)
{
	struct section *s = &p->profiles->sections[p->profiles->n - 1];
	struct span key = line, value;
	char *name;

	for (key.len = 0; key.len < line.len; key.len++) {
		if (line.at[key.len] == '=' || line.at[key.len] == ':')
			break;
	}
	/* Neither quotes the line: it could be a secret on its own. */
	if (key.len == line.len)
		return awsq_err_set(p->err, AWSQ_EPARSE,
			"line %zu: neither a [section] nor a setting of the form 'key = value'",
			p->line);
	value = trim((struct span){ line.at + key.len + 1, line.len - key.len - 1 });
	key = trim(key);
	if (key.len == 0)
		return awsq_err_set(p->err, AWSQ_EPARSE, "line %zu: no key before the '%c'",
			p->line, line.at[0]);
	name = copy(key);
	if (!name)
		return no_memory(p);
	for (char *c = name; *c; c++) {
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	}
	if (find_setting(s, name, NULL)) {
		(void)awsq_err_set(p->err, AWSQ_EPARSE,
			"line %zu: '%s' is set already in this section", p->line, name);
		free(name);
		return AWSQ_EPARSE;
	}
	p->in_setting = 1;
	p->has_subs = value.len == 0;
	p->gap = 0;
	p->key = name;
	return add_setting(p, name, NULL, value);
}

static int add_sub_setting(struct parser *p, struct span line)
{
	const char *equals = memchr(line.at, '=', line.len);
	struct setting *old;
	struct span name, value;
	char *sub;

	if (!equals)
		return awsq_err_set(p->err, AWSQ_EPARSE,
			"line %zu: below '%s', not a setting of the form 'key = value'", p->line,
			p->key);
	name = trim((struct span){ line.at, (size_t)(equals - line.at) });
	value = trim((struct span){ equals + 1, line.len - (size_t)(equals + 1 - line.at) });
	sub = copy(name);
	if (!sub)
		return no_memory(p);
	old = find_setting(&p->profiles->sections[p->profiles->n - 1], p->key, sub);
	if (!old)
		return add_setting(p, copy((struct span){ p->key, strlen(p->key) }), sub, value);
	/* The last one counts, as in botocore, although it refuses the same of settings. */
	free(sub);
	awsq_buf_reset(&old->value);
	awsq_buf_add(&old->value, value.at, value.len);
	return awsq_buf_error(&old->value) ? no_memory(p) : 0;
}

/* A line indented deeper than the setting above belongs to that one's value. */
static int continue_setting(struct parser *p, struct span line)
{
	struct section *s = &p->profiles->sections[p->profiles->n - 1];
	struct awsq_buf *value = &s->settings[s->n - 1].value;

	if (p->has_subs)
		return add_sub_setting(p, line);
	for (; p->gap > 0; p->gap--)
		awsq_buf_addc(value, '\n');
	awsq_buf_addc(value, '\n');
	awsq_buf_add(value, line.at, line.len);
	return awsq_buf_error(value) ? no_memory(p) : 0;
}

static int parse_line(struct parser *p, struct span line)
{
	struct span text = trim(line);
	size_t indent = (size_t)(text.at - line.at), end = text.len;

	if (memchr(line.at, '\0', line.len))
		return awsq_err_set(p->err, AWSQ_EPARSE, "line %zu: a NUL byte", p->line);
	if (text.len == 0) {
		p->gap++;
		return 0;
	}
	if (text.at[0] == '#' || text.at[0] == ';')
		return 0;
	if (p->in_setting && indent > p->indent)
		return continue_setting(p, text);
	p->indent = indent;
	/* Up to the last bracket; whatever follows it is passed over. */
	while (end > 0 && text.at[end - 1] != ']')
		end--;
	if (text.at[0] == '[' && end > 2)
		return begin_section(p, (struct span){ text.at + 1, end - 2 });
	if (p->profiles->n == 0)
		return awsq_err_set(p->err, AWSQ_EPARSE,
			"line %zu: a setting before the first [section]", p->line);
	return begin_setting(p, text);
}

int awsq_profiles_parse(struct awsq_profiles **out, const char *text, size_t len,
	enum awsq_profile_file file, struct awsq_err *err)
{
	static const char bom[] = "\xef\xbb\xbf";
	struct parser p = { .file = file, .err = err, .max = len };
	const char *end = text + len;
	int rc = 0;

	*out = NULL;
	p.profiles = calloc(1, sizeof(*p.profiles));
	if (!p.profiles)
		return awsq_err_set(err, AWSQ_ENOMEM, "out of memory");
	if (len >= sizeof(bom) - 1 && memcmp(text, bom, sizeof(bom) - 1) == 0)
		text += sizeof(bom) - 1;
	while (rc == 0 && text < end) {
		struct span line = { text, 0 };

		while (text < end && *text != '\n' && *text != '\r')
			text++;
		line.len = (size_t)(text - line.at);
		if (text < end)
			text += *text == '\r' && text + 1 < end && text[1] == '\n' ? 2 : 1;
		p.line++;
		rc = parse_line(&p, line);
	}
	if (rc != 0) {
		awsq_profiles_free(p.profiles);
		return rc;
	}
	*out = p.profiles;
	return 0;
}

void awsq_profiles_free(struct awsq_profiles *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n; i++) {
		struct section *s = &p->sections[i];

		for (size_t j = 0; j < s->n; j++) {
			free(s->settings[j].key);
			free(s->settings[j].sub);
			awsq_buf_wipe(&s->settings[j].value);
		}
		free(s->settings);
		free(s->header);
		free(s->name);
	}
	free(p->sections);
	free(p);
}

/* From the end, since of [profile x] and [profile "x"] the last one counts. */
static const struct section *find_section(const struct awsq_profiles *p, enum awsq_section kind,
	const char *name)
{
	for (size_t i = p ? p->n : 0; i-- > 0;) {
		if (p->sections[i].kind == kind && strcmp(p->sections[i].name, name) == 0)
			return &p->sections[i];
	}
	return NULL;
}

int awsq_profiles_has(const struct awsq_profiles *p, enum awsq_section kind, const char *name)
{
	return find_section(p, kind, name) != NULL;
}

const char *awsq_profiles_get(const struct awsq_profiles *p, enum awsq_section kind,
	const char *name, const char *key)
{
	return awsq_profiles_get_sub(p, kind, name, key, NULL);
}

const char *awsq_profiles_get_sub(const struct awsq_profiles *p, enum awsq_section kind,
	const char *name, const char *key, const char *sub)
{
	const struct section *s = find_section(p, kind, name);
	const struct setting *t = s ? find_setting(s, key, sub) : NULL;

	return t ? awsq_buf_str(&t->value) : NULL;
}
