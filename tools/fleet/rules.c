#include "banned.h"

#include "fleet/grow.h"
#include "fleet/rules.h"

#include <awsq/err.h>

#include <inttypes.h>
#include <strings.h>

/* Adds a rule, which is then the set's: on failure, what it owns is freed. */
static int add(struct rules *rules, const struct rule *rule)
{
	struct rule *items = grow(rules->items, rules->n, sizeof(*items));

	if (!items) {
		free(rule->made);
		return AWSQ_ENOMEM;
	}
	rules->items = items;
	rules->items[rules->n++] = *rule;
	return 0;
}

static int is_self(const struct rule *rule)
{
	return rule->kind == RULE_GROUP && strcmp(rule->target, RULE_SELF) == 0;
}

static int same_target(const struct rule *a, const struct rule *b)
{
	if (a->kind != b->kind || a->foreign != b->foreign)
		return 0;
	/* EC2 takes group names that differ only in case for the same. */
	return (a->kind == RULE_GROUP ? strcasecmp : strcmp)(a->target, b->target) == 0;
}

/* The numbers first: they are what most rules that differ can be told apart by at once. */
static int same(const struct rule *a, const struct rule *b)
{
	return a->from_port == b->from_port && a->to_port == b->to_port && a->egress == b->egress &&
	       same_target(a, b) && strcmp(a->protocol, b->protocol) == 0 &&
	       strcmp(a->description, b->description) == 0;
}

/* Rule by rule: a thousand against a thousand, which EC2 lets no one have more of, take 2 ms. */
static int contains(const struct rules *rules, const struct rule *rule)
{
	for (size_t i = 0; i < rules->n; i++) {
		if (same(&rules->items[i], rule))
			return 1;
	}
	return 0;
}

/* ---- Reading them from a group */

/* AWS takes protocols by name and by number, and answers with the name where there is one. */
static const char *protocol_name(const char *protocol)
{
	static const struct {
		const char *number, *name;
	} known[] = { { "6", "tcp" }, { "17", "udp" }, { "1", "icmp" }, { "58", "icmpv6" },
		{ "all", "-1" } };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(protocol, known[i].number) == 0)
			return known[i].name;
	}
	return protocol;
}

static int is_icmp(const char *protocol)
{
	return strcmp(protocol, "icmp") == 0 || strcmp(protocol, "icmpv6") == 0;
}

/* Of the other protocols EC2 lets all through, whatever ports a rule may name. */
static int has_ports(const char *protocol)
{
	return strcmp(protocol, "tcp") == 0 || strcmp(protocol, "udp") == 0 || is_icmp(protocol);
}

static void set_traffic(struct rule *rule, const struct awsq_ec2_ip_permission *p)
{
	rule->protocol = protocol_name(p->protocol ? p->protocol : "-1");
	if (!has_ports(rule->protocol))
		return;
	rule->from_port = p->from_port;
	/* All ICMP types are so with all codes. */
	rule->to_port = is_icmp(rule->protocol) && p->from_port == -1 ? -1 : p->to_port;
}

/* Whose rules are being read, and what its region calls what they refer to. */
struct reader {
	struct rules *out;
	const char *self, *owner;
	const struct rule_names *names;
};

/* Makes of a rule's id what it means in every region. */
static int set_target(struct rule *rule, const struct reader *r)
{
	int rc = 0;

	switch (rule->kind) {
	case RULE_IPV4:
	case RULE_IPV6:
		rc = rule_names_cidr(&rule->target, &rule->made, rule->id, rule->kind == RULE_IPV6);
		break;
	case RULE_PREFIX_LIST:
		rc = rule_names_list(&rule->target, &rule->made, r->names, rule->id);
		break;
	case RULE_GROUP:
		if (strcmp(rule->id, r->self) == 0) {
			rule->target = RULE_SELF;
			rule->user_id = NULL;
		} else {
			rule->target = rule_names_group(r->names, rule->id, r->owner);
		}
		break;
	}
	if (!rule->target) {
		rule->target = rule->id;
		rule->foreign = 1;
	}
	return rc;
}

static int add_targets(const struct reader *r, const struct rule *common, enum rule_kind kind,
	const struct awsq_ec2_rule_target *targets, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct rule rule = *common;
		int rc;

		rule.kind = kind;
		rule.id = targets[i].name ? targets[i].name : "";
		rule.user_id = targets[i].user_id;
		rule.description = targets[i].description ? targets[i].description : "";
		rc = set_target(&rule, r);
		if (rc != 0)
			return rc;
		if (contains(r->out, &rule))
			free(rule.made);
		else if (add(r->out, &rule) != 0)
			return AWSQ_ENOMEM;
	}
	return 0;
}

static int add_permissions(const struct reader *r, int egress,
	const struct awsq_ec2_ip_permission *permissions, size_t n)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < n; i++) {
		const struct awsq_ec2_ip_permission *p = &permissions[i];
		struct rule common = { 0 };

		common.egress = egress;
		set_traffic(&common, p);
		rc = add_targets(r, &common, RULE_IPV4, p->ipv4, p->n_ipv4);
		if (rc == 0)
			rc = add_targets(r, &common, RULE_IPV6, p->ipv6, p->n_ipv6);
		if (rc == 0)
			rc = add_targets(r, &common, RULE_PREFIX_LIST, p->prefix_lists,
				p->n_prefix_lists);
		if (rc == 0)
			rc = add_targets(r, &common, RULE_GROUP, p->groups, p->n_groups);
	}
	return rc;
}

int rules_of_group(struct rules *out, const struct awsq_ec2_security_group *group,
	const struct rule_names *names)
{
	struct reader r = { out, group->id ? group->id : "", group->owner_id, names };
	int rc;

	memset(out, 0, sizeof(*out));
	rc = add_permissions(&r, 0, group->ingress, group->n_ingress);
	if (rc == 0)
		rc = add_permissions(&r, 1, group->egress, group->n_egress);
	if (rc != 0)
		rules_free(out);
	return rc;
}

int rules_of_new_group(struct rules *out)
{
	static const struct rule all_egress = { .egress = 1,
		.protocol = "-1",
		.kind = RULE_IPV4,
		.target = "0.0.0.0/0",
		.description = "",
		.id = "0.0.0.0/0" };

	memset(out, 0, sizeof(*out));
	return add(out, &all_egress);
}

/* ---- Comparing them */

/* Adds a copy of a rule that is another set's. */
static int add_copy(struct rules *rules, const struct rule *rule)
{
	struct rule copy = *rule;

	if (rule->made) {
		copy.target = copy.made = strdup(rule->made);
		if (!copy.made)
			return AWSQ_ENOMEM;
	}
	return add(rules, &copy);
}

int rules_minus(struct rules *out, const struct rules *a, const struct rules *b, int egress)
{
	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < a->n; i++) {
		const struct rule *rule = &a->items[i];

		if (rule->egress != egress || contains(b, rule))
			continue;
		if (add_copy(out, rule) != 0) {
			rules_free(out);
			return AWSQ_ENOMEM;
		}
	}
	return 0;
}

void rules_free(struct rules *rules)
{
	for (size_t i = 0; i < rules->n; i++)
		free(rules->items[i].made);
	free(rules->items);
	memset(rules, 0, sizeof(*rules));
}

int rule_resolve(const struct rule *rule, const struct rule_names *names, const char **id)
{
	*id = NULL;
	if (rule->kind == RULE_IPV4 || rule->kind == RULE_IPV6 || is_self(rule))
		*id = rule->target;
	else if (!rule->foreign && rule->kind == RULE_GROUP)
		*id = rule_names_group_id(names, rule->target);
	else if (!rule->foreign)
		*id = rule_names_list_id(names, rule->target);
	return *id ? 0 : AWSQ_ENOTFOUND;
}

/* ---- In words */

/* Adds text as it is, but for control characters: those of ASCII, and those above it in UTF-8. */
static void add_visible(struct awsq_buf *out, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)text[0], next = (unsigned char)text[1];
		int high = c == 0xc2 && next >= 0x80 && next < 0xa0;

		awsq_buf_addc(out, (char)(c < 0x20 || c == 0x7f || high ? '?' : c));
		text += high;
	}
}

static void add_traffic(struct awsq_buf *out, const struct rule *rule)
{
	if (strcmp(rule->protocol, "-1") == 0) {
		awsq_buf_adds(out, "all");
		return;
	}
	add_visible(out, rule->protocol);
	if (rule->from_port == -1 || !has_ports(rule->protocol))
		awsq_buf_adds(out, "/all");
	else
		awsq_buf_addf(out, "/%" PRId64, rule->from_port);
	if (is_icmp(rule->protocol)) {
		if (rule->to_port != -1)
			awsq_buf_addf(out, " code %" PRId64, rule->to_port);
	} else if (rule->to_port != rule->from_port) {
		awsq_buf_addf(out, "-%" PRId64, rule->to_port);
	}
}

void rule_describe(struct awsq_buf *out, const struct rule *rule)
{
	awsq_buf_adds(out, rule->egress ? "egress " : "ingress ");
	add_traffic(out, rule);
	awsq_buf_addc(out, ' ');
	if (is_self(rule)) {
		awsq_buf_adds(out, "self");
	} else {
		if (rule->kind == RULE_GROUP)
			awsq_buf_adds(out, "group ");
		else if (rule->kind == RULE_PREFIX_LIST)
			awsq_buf_adds(out, "prefix list ");
		add_visible(out, rule->target);
	}
	if (rule->description[0]) {
		awsq_buf_adds(out, " \"");
		add_visible(out, rule->description);
		awsq_buf_addc(out, '"');
	}
}

/* ---- As EC2 wants them */

/* The struct is the library's for answers too, and so has no const; nothing writes through it. */
static char *borrow(const char *s)
{
	return (char *)(uintptr_t)s;
}

static int fill(struct awsq_ec2_ip_permission *p, struct awsq_ec2_rule_target *t,
	const struct rule *rule, const char *group_id, const struct rule_names *names)
{
	const char *id = rule->id;
	int rc = names ? rule_resolve(rule, names, &id) : 0;

	if (rc != 0)
		return rc;
	t->name = borrow(is_self(rule) ? group_id : id);
	/* Names are those of groups of the same account: it need not be said. */
	t->user_id = names ? NULL : borrow(rule->user_id);
	t->description = rule->description[0] ? borrow(rule->description) : NULL;
	p->protocol = borrow(rule->protocol);
	p->from_port = rule->from_port;
	p->to_port = rule->to_port;
	p->ipv4 = p->ipv6 = p->prefix_lists = p->groups = t;
	p->n_ipv4 = rule->kind == RULE_IPV4;
	p->n_ipv6 = rule->kind == RULE_IPV6;
	p->n_prefix_lists = rule->kind == RULE_PREFIX_LIST;
	p->n_groups = rule->kind == RULE_GROUP;
	return 0;
}

int rules_to_permissions(struct awsq_ec2_ip_permission **permissions,
	struct awsq_ec2_rule_target **targets, const struct rules *rules, const char *group_id,
	const struct rule_names *names)
{
	size_t room = rules->n ? rules->n : 1;
	int rc;

	*permissions = calloc(room, sizeof(**permissions));
	*targets = calloc(room, sizeof(**targets));
	rc = *permissions && *targets ? 0 : AWSQ_ENOMEM;
	for (size_t i = 0; rc == 0 && i < rules->n; i++)
		rc = fill(&(*permissions)[i], &(*targets)[i], &rules->items[i], group_id, names);
	if (rc != 0) {
		free(*permissions);
		free(*targets);
		*permissions = NULL;
		*targets = NULL;
	}
	return rc;
}
