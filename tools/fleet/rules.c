#include "banned.h"

#include "fleet/rules.h"

#include <awsq/err.h>

#include <inttypes.h>

static int add(struct rules *rules, const struct rule *rule)
{
	/* Grown by doubling, whenever the count is a power of two. */
	if ((rules->n & (rules->n - 1)) == 0) {
		size_t room = rules->n ? 2 * rules->n : 1;
		struct rule *items = realloc(rules->items, room * sizeof(*items));

		if (!items)
			return AWSQ_ENOMEM;
		rules->items = items;
	}
	rules->items[rules->n++] = *rule;
	return 0;
}

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

static int add_targets(struct rules *out, const struct rule *common, enum rule_kind kind,
	const struct awsq_ec2_rule_target *targets, size_t n, const char *self)
{
	for (size_t i = 0; i < n; i++) {
		struct rule rule = *common;
		int rc;

		rule.kind = kind;
		rule.target = targets[i].name ? targets[i].name : "";
		rule.user_id = targets[i].user_id;
		rule.description = targets[i].description ? targets[i].description : "";
		if (kind == RULE_GROUP && strcmp(rule.target, self) == 0) {
			rule.target = RULE_SELF;
			rule.user_id = NULL;
		}
		rc = add(out, &rule);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static int add_permissions(struct rules *out, int egress,
	const struct awsq_ec2_ip_permission *permissions, size_t n, const char *self)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < n; i++) {
		const struct awsq_ec2_ip_permission *p = &permissions[i];
		struct rule common = { 0 };

		common.egress = egress;
		common.protocol = protocol_name(p->protocol ? p->protocol : "-1");
		if (strcmp(common.protocol, "-1") != 0) {
			common.from_port = p->from_port;
			common.to_port = p->to_port;
		}
		rc = add_targets(out, &common, RULE_IPV4, p->ipv4, p->n_ipv4, self);
		if (rc == 0)
			rc = add_targets(out, &common, RULE_IPV6, p->ipv6, p->n_ipv6, self);
		if (rc == 0)
			rc = add_targets(out, &common, RULE_PREFIX_LIST, p->prefix_lists,
				p->n_prefix_lists, self);
		if (rc == 0)
			rc = add_targets(out, &common, RULE_GROUP, p->groups, p->n_groups, self);
	}
	return rc;
}

int rules_of_group(struct rules *out, const struct awsq_ec2_security_group *group)
{
	const char *self = group->id ? group->id : "";
	int rc;

	memset(out, 0, sizeof(*out));
	rc = add_permissions(out, 0, group->ingress, group->n_ingress, self);
	if (rc == 0)
		rc = add_permissions(out, 1, group->egress, group->n_egress, self);
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
		.description = "" };

	memset(out, 0, sizeof(*out));
	return add(out, &all_egress);
}

static int same(const struct rule *a, const struct rule *b)
{
	return a->egress == b->egress && a->kind == b->kind && a->from_port == b->from_port &&
	       a->to_port == b->to_port && strcmp(a->protocol, b->protocol) == 0 &&
	       strcmp(a->target, b->target) == 0 && strcmp(a->description, b->description) == 0;
}

static int contains(const struct rules *rules, const struct rule *rule)
{
	for (size_t i = 0; i < rules->n; i++) {
		if (same(&rules->items[i], rule))
			return 1;
	}
	return 0;
}

int rules_minus(struct rules *out, const struct rules *a, const struct rules *b, int egress)
{
	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < a->n; i++) {
		const struct rule *rule = &a->items[i];

		if (rule->egress != egress || rule_is_regional(rule) || contains(b, rule) ||
			contains(out, rule))
			continue;
		if (add(out, rule) != 0) {
			rules_free(out);
			return AWSQ_ENOMEM;
		}
	}
	return 0;
}

void rules_free(struct rules *rules)
{
	free(rules->items);
	memset(rules, 0, sizeof(*rules));
}

int rule_is_regional(const struct rule *rule)
{
	return rule->kind == RULE_PREFIX_LIST ||
	       (rule->kind == RULE_GROUP && strcmp(rule->target, RULE_SELF) != 0);
}

void rule_describe(struct awsq_buf *out, const struct rule *rule)
{
	awsq_buf_adds(out, rule->egress ? "egress " : "ingress ");
	if (strcmp(rule->protocol, "-1") == 0)
		awsq_buf_adds(out, "all");
	else if (rule->from_port == -1)
		awsq_buf_addf(out, "%s/all", rule->protocol);
	else if (rule->from_port == rule->to_port || rule->to_port == -1) /* ICMP: any code */
		awsq_buf_addf(out, "%s/%" PRId64, rule->protocol, rule->from_port);
	else
		awsq_buf_addf(out, "%s/%" PRId64 "-%" PRId64, rule->protocol, rule->from_port,
			rule->to_port);
	awsq_buf_addf(out, " %s", rule->target);
	if (rule->description[0])
		awsq_buf_addf(out, " \"%s\"", rule->description);
}

/* The struct is the library's for answers too, and so has no const; nothing writes through it. */
static char *borrow(const char *s)
{
	return (char *)(uintptr_t)s;
}

int rules_to_permissions(struct awsq_ec2_ip_permission **permissions,
	struct awsq_ec2_rule_target **targets, const struct rules *rules, const char *group_id)
{
	size_t room = rules->n ? rules->n : 1;

	*permissions = calloc(room, sizeof(**permissions));
	*targets = calloc(room, sizeof(**targets));
	if (!*permissions || !*targets) {
		free(*permissions);
		free(*targets);
		*permissions = NULL;
		*targets = NULL;
		return AWSQ_ENOMEM;
	}
	for (size_t i = 0; i < rules->n; i++) {
		const struct rule *rule = &rules->items[i];
		struct awsq_ec2_ip_permission *p = &(*permissions)[i];
		struct awsq_ec2_rule_target *t = &(*targets)[i];
		int self = rule->kind == RULE_GROUP && strcmp(rule->target, RULE_SELF) == 0;

		t->name = borrow(self ? group_id : rule->target);
		t->user_id = borrow(rule->user_id);
		t->description = rule->description[0] ? borrow(rule->description) : NULL;
		p->protocol = borrow(rule->protocol);
		p->from_port = rule->from_port;
		p->to_port = rule->to_port;
		p->ipv4 = p->ipv6 = p->prefix_lists = p->groups = t;
		p->n_ipv4 = rule->kind == RULE_IPV4;
		p->n_ipv6 = rule->kind == RULE_IPV6;
		p->n_prefix_lists = rule->kind == RULE_PREFIX_LIST;
		p->n_groups = rule->kind == RULE_GROUP;
	}
	return 0;
}
