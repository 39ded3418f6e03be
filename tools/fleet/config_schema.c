#include "banned.h"

#include "fleet/config_private.h"

#include <awsq/endpoint.h>

#include <string.h>

#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define LETTER LOWER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGIT  "0123456789"
#define HEX    DIGIT "abcdef"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define DAY          INT64_C(86400)
#define TYPES_MAX    16 /* a filter for them takes no more */

static int is_made_of(const char *text, const char *characters)
{
	return text[strspn(text, characters)] == '\0';
}

static int is_one_of(char c, const char *characters)
{
	return c != '\0' && strchr(characters, c) != NULL;
}

/*
 * What all the names made from it allow. An AMI's: 3 to 128 letters, digits and ()[] ./-'@_. A
 * group's: no quote, and no "sg-" in front, which is an id. A key pair's: no blank at either end. A
 * tag's, for all services: no brackets. A folder's, for the state: no slash, no dot in front. And
 * EC2's filters, where "*", "?" and "\" are special. Source: the reference of CreateImage,
 * CreateSecurityGroup and CreateKeyPair, and "Tag your Amazon EC2 resources" (tag restrictions).
 */
static int is_fleet_name(const char *text)
{
	size_t len = strlen(text);

	return len >= 3 && len <= 128 && is_made_of(text, LETTER DIGIT " .-_@") &&
	       is_one_of(text[0], LETTER DIGIT) && text[len - 1] != ' ' &&
	       strncmp(text, "sg-", 3) != 0;
}

/* Words of letters, then a number: closer than awsq_region_valid(), to catch slips of the pen. */
int config_region_name(const char *text)
{
	size_t words = 0, len;

	if (!awsq_region_valid(text))
		return 0;
	for (; is_one_of(*text, LOWER); text += len + 1) {
		len = strspn(text, LOWER);
		words++;
		if (text[len] != '-')
			return 0;
	}
	return words >= 2 && *text != '\0' && is_made_of(text, DIGIT);
}

/* Such as "t3.micro", "u-6tb1.112xlarge" and "r7iz.metal-16xl". */
static int is_instance_type(const char *text)
{
	size_t family = strspn(text, LOWER DIGIT "-");

	return is_one_of(text[0], LOWER) && text[family] == '.' &&
	       is_one_of(text[family + 1], LOWER DIGIT) &&
	       is_made_of(text + family + 1, LOWER DIGIT "-") && strlen(text) <= 64;
}

static int is_key_path(const char *text)
{
	return text[0] == '~' ? text[1] == '/' && text[2] != '\0' : text[0] != '\0';
}

/* An AMI's, as of is_fleet_name(), in which one "*", though not in front, stands for anything. */
static int is_image_name(const char *text)
{
	const char *star = strchr(text, '*');
	size_t len = strlen(text);

	return len >= 3 && len <= 128 && is_made_of(text, LETTER DIGIT "()[] ./-'@_*") &&
	       (!star || (star > text && !strchr(star + 1, '*')));
}

/* EC2's have 8 or 17 digits; "vpc-main" is a name. */
int config_is_id(const char *text)
{
	const char *dash = strchr(text, '-');

	return dash && (strncmp(text, "vpc-", 4) == 0 || strncmp(text, "subnet-", 7) == 0) &&
	       strlen(dash + 1) >= 8 && is_made_of(dash + 1, HEX);
}

/* As a filter for the Name tag can ask for it: what is special there cannot be looked for. */
static int is_tag_value(const char *text)
{
	size_t len = strlen(text);

	return len <= 256 && strcspn(text, "*?\\") == len && !is_made_of(text, " \t\r\n");
}

static int is_network_name(const char *text)
{
	return is_tag_value(text) && !config_is_id(text);
}

/* The reference of CreateAlias (KMS). */
static int is_kms_alias(const char *text)
{
	return strncmp(text, "alias/", 6) == 0 && text[6] != '\0' && strlen(text) <= 256 &&
	       is_made_of(text, LETTER DIGIT ":/_-");
}

/* A UUID, or "mrk-" and as many digits as one has, which is as long. */
static int is_kms_id(const char *text)
{
	return strlen(text) == 36 && is_made_of(text + (strncmp(text, "mrk-", 4) ? 0 : 4), HEX "-");
}

/* Where in "arn:aws:kms:REGION:ACCOUNT:key/ID" the region begins; NULL: it is no such ARN. */
static const char *kms_arn_region(const char *text)
{
	size_t partition;

	if (strncmp(text, "arn:", 4) != 0)
		return NULL;
	text += 4;
	partition = strspn(text, LOWER "-");
	return strncmp(text + partition, ":kms:", 5) == 0 ? text + partition + 5 : NULL;
}

static int is_kms_key(const char *text)
{
	const char *rest = kms_arn_region(text);

	if (!rest)
		return is_kms_alias(text) || is_kms_id(text);
	rest += strspn(rest, LOWER DIGIT "-");
	if (rest[0] != ':' || strspn(rest + 1, DIGIT) != 12 || rest[13] != ':')
		return 0;
	rest += 14;
	return is_kms_alias(rest) || (strncmp(rest, "key/", 4) == 0 && is_kms_id(rest + 4));
}

int config_kms_key_is_in(const char *key, const char *region)
{
	const char *own = kms_arn_region(key);
	size_t len = strlen(region);

	return !own || (strncmp(own, region, len) == 0 && own[len] == ':');
}

/* The reference of CreateInstanceProfile. */
static int is_profile_name(const char *text)
{
	size_t len = strlen(text);

	return len >= 1 && len <= 128 && is_made_of(text, LETTER DIGIT "_+=,.@-");
}

static int is_user_name(const char *text)
{
	return is_one_of(text[0], LETTER "_") && is_made_of(text, LETTER DIGIT "._-") &&
	       strlen(text) <= 32;
}

/* Its length is what job.h can send. */
static int is_command(const char *text)
{
	return !is_made_of(text, " \t\r\n") && strlen(text) <= 28000;
}

#define REGION_EXPECTED "a region such as \"us-west-2\""
#define TYPE_EXPECTED   "an instance type such as \"t3.micro\""
#define NAME_EXPECTED   "the value of a Name tag, without \"*\", \"?\" and \"\\\""
#define FLEET(member)   offsetof(struct config_draft, config.member)
#define REGION(member)  offsetof(struct config_region, member)

static const struct config_rule fleet_rules[] = {
	{
		.name = "name",
		.offset = FLEET(name),
		.valid = is_fleet_name,
		.expected =
			"3 to 128 letters, digits, blanks and \".-_@\", beginning with a letter "
			"or digit but not with \"sg-\" and not ending with a blank",
		.example = "name = \"NAVO\"",
	},
	{
		.name = "home",
		.offset = FLEET(home),
		.valid = config_region_name,
		.expected = REGION_EXPECTED,
		.example = "home = \"us-west-2\"",
	},
	{
		.name = "instance_type",
		.kind = CONFIG_TEXTS,
		.offset = FLEET(elsewhere.instance_types),
		.valid = is_instance_type,
		.max = TYPES_MAX,
		.expected = TYPE_EXPECTED,
		.example = "instance_type = [ \"t3.micro\", \"t3a.micro\" ]",
	},
	{
		.name = "key",
		.offset = FLEET(key),
		.valid = is_key_path,
		.expected = "the path of a private key such as \"~/.ssh/NAVO.pem\"",
		.example = "key = \"~/.ssh/NAVO.pem\"",
	},
	{
		.name = "role",
		.offset = FLEET(role),
		.valid = is_profile_name,
		.expected = "the name of an instance profile: 1 to 128 letters, digits and "
			    "\"_+=,.@-\"",
	},
	{
		.name = "max_uptime",
		.kind = CONFIG_DURATION,
		.offset = FLEET(max_uptime),
		.min = 60,
		.max = 7 * DAY,
		.expected = "a time from \"1m\" to \"7d\", such as \"2h\"",
		.example = "max_uptime = \"2h\"",
	},
	{
		.name = "image",
		.offset = FLEET(image),
		.valid = is_image_name,
		.expected = "the name of an image: 3 to 128 letters, digits, blanks and "
			    "\"()[]./-'@_\", with at most one \"*\", not in front",
	},
	{
		.name = "keep_images",
		.kind = CONFIG_NUMBER,
		.offset = FLEET(keep_images),
		.max = 100,
		.preset = "0",
		.expected = "a number from 0 to 100",
	},
	{
		.name = "encrypt",
		.kind = CONFIG_BOOL,
		.offset = FLEET(encrypt),
		.preset = "false",
		.expected = "true or false, without quotes",
	},
	{
		.name = "kms_key",
		.offset = FLEET(elsewhere.kms_key),
		.valid = is_kms_alias,
		.expected = "an alias such as \"alias/NAVO\" (any other key is of one region: "
			    "name it in 'override')",
	},
	{
		.name = "vpc",
		.offset = FLEET(elsewhere.vpc),
		.valid = is_network_name,
		.expected = NAME_EXPECTED " (an id is of one region: name it in 'override')",
	},
	{
		.name = "subnet",
		.offset = FLEET(elsewhere.subnet),
		.valid = is_network_name,
		.expected = NAME_EXPECTED " (an id is of one region: name it in 'override')",
	},
};

static const struct config_rule job_rules[] = {
	{
		.name = "user",
		.offset = FLEET(job_user),
		.valid = is_user_name,
		.preset = "ec2-user",
		.expected = "the name of a user on the instance such as \"ec2-user\"",
	},
	{
		.name = "port",
		.kind = CONFIG_NUMBER,
		.offset = FLEET(job_port),
		.min = 1,
		.max = 65535,
		.preset = "22",
		.expected = "a port from 1 to 65535, such as 22",
	},
	{
		.name = "command",
		.offset = FLEET(job_command),
		.valid = is_command,
		.expected = "a shell command of at most 28000 bytes",
	},
	{
		.name = "timeout",
		.kind = CONFIG_DURATION,
		.offset = FLEET(job_timeout),
		.min = 1,
		.max = 7 * DAY,
		.expected = "a time from \"1s\" to the fleet's max_uptime, such as \"30m\"",
	},
	{
		.name = "connect_timeout",
		.kind = CONFIG_DURATION,
		.offset = FLEET(job_connect_timeout),
		.min = 1,
		.max = 3600,
		.preset = "3m",
		.expected = "a time from \"1s\" to \"1h\", such as \"3m\"",
	},
};

static const struct config_table fleet_table = { fleet_rules, COUNT(fleet_rules) };
static const struct config_table job_table = { job_rules, COUNT(job_rules) };

static const struct config_rule file_rules[] = {
	{
		.name = "fleet",
		.kind = CONFIG_GROUP,
		.table = &fleet_table,
		.example = "fleet = { name = \"NAVO\"; ... }",
	},
	{
		.name = "job",
		.kind = CONFIG_GROUP,
		.table = &job_table,
	},
	{
		.name = "regions",
		.kind = CONFIG_TEXTS,
		.offset = offsetof(struct config_draft, regions),
		.valid = config_region_name,
		.expected = REGION_EXPECTED,
		.example = "regions = [ \"us-west-2\", \"us-east-1\" ]",
	},
	{
		.name = "override",
		.kind = CONFIG_LATER,
	},
};

static const struct config_rule override_rules[] = {
	{
		.name = "instance_type",
		.kind = CONFIG_TEXTS,
		.offset = REGION(instance_types),
		.valid = is_instance_type,
		.max = TYPES_MAX,
		.expected = TYPE_EXPECTED,
	},
	{
		.name = "kms_key",
		.offset = REGION(kms_key),
		.valid = is_kms_key,
		.expected = "the id, ARN or alias (\"alias/NAVO\") of a KMS key",
	},
	{
		.name = "vpc",
		.offset = REGION(vpc),
		.valid = is_tag_value,
		.expected = "an id such as \"vpc-0123456789abcdef0\", or " NAME_EXPECTED,
	},
	{
		.name = "subnet",
		.offset = REGION(subnet),
		.valid = is_tag_value,
		.expected = "an id such as \"subnet-0123456789abcdef0\", or " NAME_EXPECTED,
	},
};

const struct config_table config_whole = { file_rules, COUNT(file_rules) };
const struct config_table config_override = { override_rules, COUNT(override_rules) };

const struct config_rule *config_rule(const struct config_table *table, const char *name)
{
	for (size_t i = 0; i < table->n; i++) {
		if (strcmp(table->rules[i].name, name) == 0)
			return &table->rules[i];
	}
	return NULL;
}

/*
 * How many letters to add, drop or change to make one word of the other (Levenshtein's distance, a
 * row at a time); of long words only the beginnings are compared.
 */
static size_t distance(const char *a, const char *b)
{
	size_t row[33], la = strlen(a), lb = strlen(b);

	if (la >= COUNT(row))
		la = COUNT(row) - 1;
	if (lb >= COUNT(row))
		lb = COUNT(row) - 1;
	for (size_t j = 0; j <= lb; j++)
		row[j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			size_t best = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[lb];
}

void config_add_hint(struct awsq_buf *out, const char *word, const struct config_strings *names)
{
	size_t best = 2 + strlen(word) / 4; /* anything further off is no slip */
	const char *meant = NULL;

	for (size_t i = 0; i < names->n; i++) {
		size_t d = distance(word, names->items[i]);

		if (d < best) {
			best = d;
			meant = names->items[i];
		}
	}
	if (meant) {
		awsq_buf_addf(out, "did you mean '%s'?", meant);
		return;
	}
	for (size_t i = 0; i < names->n; i++)
		awsq_buf_addf(out, "%s'%s'", i > 0 ? ", " : "known here: ", names->items[i]);
}
