#include "banned.h"

#include "fleet/rule_names.h"

#include <awsq/err.h>
#include <awsq/num.h>

#include <arpa/inet.h>
#include <strings.h>

/* Names that begin so are for AWS alone (CreateManagedPrefixList). */
#define AWS_LIST "com.amazonaws."

/* What stands for the region in them. */
#define REGION "REGION"

/* ---- Security groups */

static int is_of_vpc(const struct awsq_ec2_security_group *group, const struct rule_names *names)
{
	return group->id && group->name && group->vpc_id && names->vpc_id &&
	       strcmp(group->vpc_id, names->vpc_id) == 0;
}

const char *rule_names_group_id(const struct rule_names *names, const char *name)
{
	const char *id = NULL;

	for (size_t i = 0; names && names->groups && i < names->groups->n; i++) {
		const struct awsq_ec2_security_group *group = &names->groups->items[i];

		if (!is_of_vpc(group, names) || strcasecmp(group->name, name) != 0)
			continue;
		if (id)
			return NULL;
		id = group->id;
	}
	return id;
}

const char *rule_names_group(const struct rule_names *names, const char *id, const char *owner)
{
	for (size_t i = 0; names && names->groups && i < names->groups->n; i++) {
		const struct awsq_ec2_security_group *group = &names->groups->items[i];

		if (!is_of_vpc(group, names) || strcmp(group->id, id) != 0)
			continue;
		if (owner && group->owner_id && strcmp(group->owner_id, owner) != 0)
			return NULL;
		return rule_names_group_id(names, group->name) ? group->name : NULL;
	}
	return NULL;
}

/* ---- Prefix lists */

/* Where the name of a list of AWS has the region, as one of its parts; or NULL. */
static const char *find_region(const char *name, const char *region)
{
	size_t len = region ? strlen(region) : 0;

	if (len == 0 || strncmp(name, AWS_LIST, strlen(AWS_LIST)) != 0)
		return NULL;
	for (const char *dot = strchr(name, '.'); dot; dot = strchr(dot + 1, '.')) {
		if (strncmp(dot + 1, region, len) == 0 &&
			(dot[1 + len] == '.' || dot[1 + len] == '\0'))
			return dot + 1;
	}
	return NULL;
}

/* Whether a list that a region calls `local` is the one that all regions know by this name. */
static int is_called(const char *local, const char *region, const char *name)
{
	const char *at = find_region(local, region);
	size_t before = at ? (size_t)(at - local) : 0;

	if (!at)
		return strcmp(local, name) == 0;
	return strncmp(local, name, before) == 0 &&
	       strncmp(name + before, REGION, strlen(REGION)) == 0 &&
	       strcmp(name + before + strlen(REGION), at + strlen(region)) == 0;
}

const char *rule_names_list_id(const struct rule_names *names, const char *name)
{
	const char *id = NULL;

	for (size_t i = 0; names && names->prefix_lists && i < names->prefix_lists->n; i++) {
		const struct awsq_ec2_prefix_list *list = &names->prefix_lists->items[i];

		if (!list->id || !list->name || !is_called(list->name, names->region, name))
			continue;
		if (id)
			return NULL;
		id = list->id;
	}
	return id;
}

/* What all regions call a list: its own name, or one that is made. */
static int list_name(const char **name, char **made, const char *local, const char *region)
{
	const char *at = find_region(local, region);
	size_t size = strlen(local) + sizeof(REGION);

	*name = local;
	if (!at)
		return 0;
	*made = malloc(size);
	if (*made)
		(void)snprintf(*made, size, "%.*s" REGION "%s", (int)(at - local), local,
			at + strlen(region));
	*name = *made;
	return *made ? 0 : AWSQ_ENOMEM;
}

int rule_names_list(const char **name, char **made, const struct rule_names *names, const char *id)
{
	int rc = 0;

	*name = NULL;
	*made = NULL;
	for (size_t i = 0; names && names->prefix_lists && i < names->prefix_lists->n; i++) {
		const struct awsq_ec2_prefix_list *list = &names->prefix_lists->items[i];

		if (!list->id || !list->name || strcmp(list->id, id) != 0)
			continue;
		rc = list_name(name, made, list->name, names->region);
		break;
	}
	if (*name && !rule_names_list_id(names, *name)) {
		free(*made);
		*name = *made = NULL;
	}
	return rc;
}

/* ---- CIDR blocks */

int rule_names_cidr(const char **name, char **made, const char *cidr, int ipv6)
{
	const char *slash = strchr(cidr, '/');
	size_t len = slash ? (size_t)(slash - cidr) : 0;
	int family = ipv6 ? AF_INET6 : AF_INET;
	int64_t size = ipv6 ? 128 : 32, prefix;
	char text[INET6_ADDRSTRLEN + sizeof("/128")];
	unsigned char address[16];

	*name = cidr;
	*made = NULL;
	if (!slash || len >= sizeof(text) || awsq_parse_int(&prefix, slash + 1, 0, size) != 0)
		return 0;
	memcpy(text, cidr, len);
	text[len] = '\0';
	if (inet_pton(family, text, address) != 1)
		return 0;
	for (int64_t bit = prefix; bit < size; bit++)
		address[bit / 8] &= (unsigned char)~(0x80 >> bit % 8);
	if (!inet_ntop(family, address, text, INET6_ADDRSTRLEN))
		return 0;
	len = strlen(text);
	(void)snprintf(text + len, sizeof(text) - len, "/%d", (int)prefix);
	if (strcmp(text, cidr) == 0)
		return 0;
	*made = strdup(text);
	*name = *made;
	return *made ? 0 : AWSQ_ENOMEM;
}
