#include "banned.h"

#include "fleet/config_private.h"

#include <string.h>

#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define LETTER LOWER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGIT  "0123456789"

#define COUNT(array)    (sizeof(array) / sizeof((array)[0]))
#define ACCOUNT(member) offsetof(struct config_account, member)

/* A folder's name, beside those that the fleet has where there are no accounts: "runs" is one. */
static int is_account_name(const char *text)
{
	size_t len = strlen(text);

	return len >= 1 && len <= 24 && config_made_of(text, LETTER DIGIT "-") && text[0] != '-' &&
	       strcmp(text, "runs") != 0;
}

/* "arn:aws:iam::123456789012:role/NAME", which may have a path before the name. */
static int is_role_arn(const char *text)
{
	size_t partition;

	if (strncmp(text, "arn:", 4) != 0 || strlen(text) > 2048)
		return 0;
	text += 4;
	partition = strspn(text, LOWER "-");
	if (partition == 0 || strncmp(text + partition, ":iam::", 6) != 0)
		return 0;
	text += partition + 6;
	if (strspn(text, DIGIT) != 12 || strncmp(text + 12, ":role/", 6) != 0)
		return 0;
	text += 18;
	return text[0] != '\0' && config_made_of(text, LETTER DIGIT "_+=,.@-/");
}

/* The reference of AssumeRole (STS). */
static int is_external_id(const char *text)
{
	size_t len = strlen(text);

	return len >= 2 && len <= 1224 && config_made_of(text, LETTER DIGIT "_+=,.@:/-");
}

static int is_profile(const char *text)
{
	return text[0] != '\0';
}

static const struct config_rule account_rules[] = {
	{
		.name = "name",
		.offset = ACCOUNT(name),
		.valid = is_account_name,
		.expected = "1 to 24 letters, digits and \"-\", not beginning with \"-\", and not "
			    "\"runs\"",
		.example = "name = \"prod\"",
	},
	{
		.name = "role_arn",
		.offset = ACCOUNT(role_arn),
		.valid = is_role_arn,
		.expected = "the ARN of a role such as \"arn:aws:iam::123456789012:role/awsq\"",
	},
	{
		.name = "external_id",
		.offset = ACCOUNT(external_id),
		.valid = is_external_id,
		.expected = "an external id: 2 to 1224 letters, digits and \"_+=,.@:/-\"",
		.is_secret = 1,
	},
	{
		.name = "profile",
		.offset = ACCOUNT(profile),
		.valid = is_profile,
		.expected = "the name of a profile of the AWS configuration",
	},
};

const struct config_table config_account = { account_rules, COUNT(account_rules) };

const char *config_account_flaw(const struct config *c)
{
	const struct config_account *last = &c->accounts[c->n_accounts - 1];

	for (const struct config_account *a = c->accounts; a < last; a++) {
		if (strcmp(a->name, last->name) == 0)
			return "an account before has this name";
	}
	if (!last->role_arn == !last->profile)
		return "each needs a 'role_arn' or a 'profile', and only one of them";
	if (last->external_id && !last->role_arn)
		return "an 'external_id' goes with a 'role_arn'";
	return NULL;
}
