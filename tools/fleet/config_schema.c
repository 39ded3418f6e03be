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

	return len >= 3 && len <= 128 && config_made_of(text, LETTER DIGIT " .-_@") &&
	       config_one_of(text[0], LETTER DIGIT) && text[len - 1] != ' ' &&
	       strncmp(text, "sg-", 3) != 0;
}

/* Words of letters, then a number: closer than awsq_region_valid(), to catch slips of the pen. */
int config_region_name(const char *text)
{
	size_t words = 0, len;

	if (!awsq_region_valid(text))
		return 0;
	for (; config_one_of(*text, LOWER); text += len + 1) {
		len = strspn(text, LOWER);
		words++;
		if (text[len] != '-')
			return 0;
	}
	return words >= 2 && *text != '\0' && config_made_of(text, DIGIT);
}

/* Such as "t3.micro", "u-6tb1.112xlarge" and "r7iz.metal-16xl". */
static int is_instance_type(const char *text)
{
	size_t family = strspn(text, LOWER DIGIT "-");

	return config_one_of(text[0], LOWER) && text[family] == '.' &&
	       config_one_of(text[family + 1], LOWER DIGIT) &&
	       config_made_of(text + family + 1, LOWER DIGIT "-") && strlen(text) <= 64;
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

	return len >= 3 && len <= 128 && config_made_of(text, LETTER DIGIT "()[] ./-'@_*") &&
	       (!star || (star > text && !strchr(star + 1, '*')));
}

/* EC2's have 8 or 17 digits; "vpc-main" is a name. */
int config_is_id(const char *text)
{
	const char *dash = strchr(text, '-');

	return dash && (strncmp(text, "vpc-", 4) == 0 || strncmp(text, "subnet-", 7) == 0) &&
	       strlen(dash + 1) >= 8 && config_made_of(dash + 1, HEX);
}

/* As a filter for the Name tag can ask for it: what is special there cannot be looked for. */
static int is_tag_value(const char *text)
{
	size_t len = strlen(text);

	return len <= 256 && strcspn(text, "*?\\") == len && !config_made_of(text, " \t\r\n");
}

static int is_network_name(const char *text)
{
	return is_tag_value(text) && !config_is_id(text);
}

/* The reference of CreateAlias (KMS). */
static int is_kms_alias(const char *text)
{
	return strncmp(text, "alias/", 6) == 0 && text[6] != '\0' && strlen(text) <= 256 &&
	       config_made_of(text, LETTER DIGIT ":/_-");
}

/* A UUID, or "mrk-" and as many digits as one has, which is as long. */
static int is_kms_id(const char *text)
{
	return strlen(text) == 36 &&
	       config_made_of(text + (strncmp(text, "mrk-", 4) ? 0 : 4), HEX "-");
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

	return len >= 1 && len <= 128 && config_made_of(text, LETTER DIGIT "_+=,.@-");
}

#define REGION_EXPECTED "a region such as \"us-west-2\""
#define TYPE_EXPECTED   "an instance type such as \"t3.micro\""
#define NAME_EXPECTED   "the value of a Name tag, without \"*\", \"?\" and \"\\\""
#define COUNT_EXPECTED  "a number of instances from 1 to 20"
#define FLEET(member)   offsetof(struct config_draft, config.member)
#define REGION(member)  offsetof(struct config_region, member)

/* As enum config_host_key has them. */
static const char *const host_keys[] = { "tofu", "console", "strict", NULL };

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
		.most = TYPES_MAX,
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
	{
		.name = "count",
		.kind = CONFIG_NUMBER,
		.offset = FLEET(elsewhere.count),
		.min = 1,
		.max = CONFIG_COUNT_MAX,
		.preset = "1",
		.expected = COUNT_EXPECTED,
	},
	{
		.name = "host_key",
		.kind = CONFIG_WORD,
		.offset = FLEET(host_key),
		.words = host_keys,
		.preset = "tofu",
		.expected = "\"tofu\", \"console\" or \"strict\"",
	},
	{
		.name = "log_max",
		.kind = CONFIG_SIZE,
		.offset = FLEET(log_max),
		.min = 1024,
		.max = INT64_C(16) << 30,
		.preset = "64M",
		.expected = "a size from \"1K\" to \"16G\", such as \"64M\"",
	},
	{
		.name = "keep_logs",
		.kind = CONFIG_NUMBER,
		.offset = FLEET(keep_logs),
		.min = 1,
		.max = 3650,
		.preset = "90",
		.expected = "a number of days from 1 to 3650, such as 90",
	},
};

static const struct config_table fleet_table = { fleet_rules, COUNT(fleet_rules) };

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
		.table = &config_job,
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
	{
		.name = "accounts",
		.kind = CONFIG_ACCOUNTS,
		.table = &config_account,
		.expected = "a list of groups, ( { name = \"prod\"; role_arn = \"...\"; }, ... )",
	},
};

static const struct config_rule override_rules[] = {
	{
		.name = "instance_type",
		.kind = CONFIG_TEXTS,
		.offset = REGION(instance_types),
		.valid = is_instance_type,
		.most = TYPES_MAX,
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
	{
		.name = "count",
		.kind = CONFIG_NUMBER,
		.offset = REGION(count),
		.min = 1,
		.max = CONFIG_COUNT_MAX,
		.expected = COUNT_EXPECTED,
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
