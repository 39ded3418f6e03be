#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <awsq/err.h>

#include "fleet/rules.h"

/* Struct members are without const, since answers are parsed into them too. */
#define S(text) ((char *)(uintptr_t)(text))

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

typedef struct awsq_ec2_rule_target target;
typedef struct awsq_ec2_ip_permission permission;
typedef struct awsq_ec2_security_group group;

#define ACCOUNT "123456789012"

/*
 * Two regions that have the same things, and some that the other has not. What the fleet's rules
 * name comes first in each list, in the same order.
 */
static group home_groups[] = {
	{ .id = S("sg-h0"), .name = S("web"), .vpc_id = S("vpc-h"), .owner_id = S(ACCOUNT) },
	{ .id = S("sg-h1"), .name = S("default"), .vpc_id = S("vpc-h"), .owner_id = S(ACCOUNT) },
	{ .id = S("sg-h2"), .name = S("far"), .vpc_id = S("vpc-h2"), .owner_id = S(ACCOUNT) },
	{ .id = S("sg-h3"), .name = S("lent"), .vpc_id = S("vpc-h"), .owner_id = S("2") },
	{ .id = S("sg-h4"), .name = S("web"), .vpc_id = S("vpc-h2"), .owner_id = S(ACCOUNT) },
	{ .id = S("sg-h5"), .name = S("only-home"), .vpc_id = S("vpc-h"), .owner_id = S(ACCOUNT) },
};
static group there_groups[] = {
	{ .id = S("sg-t0"), .name = S("Web"), .vpc_id = S("vpc-t"), .owner_id = S(ACCOUNT) },
	{ .id = S("sg-t1"), .name = S("default"), .vpc_id = S("vpc-t"), .owner_id = S(ACCOUNT) },
	{ .id = S("sg-t2"), .name = S("default"), .vpc_id = S("vpc-t2"), .owner_id = S(ACCOUNT) },
	{ .id = S("sg-t3"), .name = S("only-home"), .vpc_id = S("vpc-t2"), .owner_id = S(ACCOUNT) },
};
static struct awsq_ec2_prefix_list home_lists[] = {
	{ S("pl-h0"), S("com.amazonaws.us-west-2.s3"), S("AWS") },
	{ S("pl-h1"), S("com.amazonaws.global.cloudfront.origin-facing"), S("AWS") },
	{ S("pl-h2"), S("office"), S(ACCOUNT) },
	{ S("pl-h3"), S("office-us-west-2"), S(ACCOUNT) },
	{ S("pl-h4"), S("twice"), S(ACCOUNT) },
	{ S("pl-h5"), S("twice"), S("2") },
	{ S("pl-h6"), S("com.amazonaws.eu-west-1.dynamodb"), S("AWS") },
};
static struct awsq_ec2_prefix_list there_lists[] = {
	{ S("pl-t0"), S("com.amazonaws.eu-west-1.s3"), S("AWS") },
	{ S("pl-t1"), S("com.amazonaws.global.cloudfront.origin-facing"), S("AWS") },
	{ S("pl-t2"), S("office"), S(ACCOUNT) },
	{ S("pl-t3"), S("office-us-west-2"), S(ACCOUNT) },
	{ S("pl-t4"), S("twice"), S(ACCOUNT) },
	{ S("pl-t5"), S("com.amazonaws.eu-west-1.dynamodb"), S("AWS") },
};
static const struct awsq_ec2_security_groups groups_home = { home_groups, COUNT(home_groups),
	NULL };
static const struct awsq_ec2_security_groups groups_there = { there_groups, COUNT(there_groups),
	NULL };
static const struct awsq_ec2_prefix_lists lists_home = { home_lists, COUNT(home_lists), NULL };
static const struct awsq_ec2_prefix_lists lists_there = { there_lists, COUNT(there_lists), NULL };
static const struct rule_names home = { "us-west-2", "vpc-h", &groups_home, &lists_home };
static const struct rule_names there = { "eu-west-1", "vpc-t", &groups_there, &lists_there };

/* ---- A group with many rules, of every kind */

#define N_RULES 60

#define HOME_ID  "sg-fleet-h"
#define THERE_ID "sg-fleet-t"

/* A group's permissions, one rule each, and the texts they point to. */
struct fixture {
	group group;
	target targets[2 * N_RULES];
	permission permissions[2 * N_RULES];
	char texts[2 * N_RULES][2][64];
};

/* What the i-th rule of a direction refers to, as home or the other region has it. */
static enum rule_kind make_target(char *text, size_t size, int i, int is_home)
{
	switch (i % 5) {
	case 0: /* EC2 would spell both as the first */
		(void)snprintf(text, size, "10.%d.0.%d/24", i, is_home ? 0 : 7);
		return RULE_IPV4;
	case 1:
		(void)snprintf(text, size, is_home ? "2001:db8:%d::/48" : "2001:0DB8:%d:0::1/48",
			i);
		return RULE_IPV6;
	case 2:
		(void)snprintf(text, size, "pl-%c%d", is_home ? 'h' : 't', i / 5 % 4);
		return RULE_PREFIX_LIST;
	case 3:
		(void)snprintf(text, size, "sg-%c%d", is_home ? 'h' : 't', i / 5 % 2);
		return RULE_GROUP;
	default:
		(void)snprintf(text, size, "%s", is_home ? HOME_ID : THERE_ID);
		return RULE_GROUP;
	}
}

static void make_rule(struct fixture *f, size_t at, int i, int is_home)
{
	static const char *const protocols[][2] = { { "tcp", "6" }, { "udp", "17" },
		{ "icmp", "1" }, { "icmpv6", "58" }, { "50", "50" }, { "tcp", "6" } };
	permission *p = &f->permissions[at];
	target *t = &f->targets[at];
	char *text = f->texts[at][0], *description = f->texts[at][1];
	enum rule_kind kind = make_target(text, sizeof(f->texts[at][0]), i, is_home);

	(void)snprintf(description, sizeof(f->texts[at][1]), "rule %d", i);
	t->name = text;
	t->description = i % 7 ? description : NULL;
	t->user_id = kind == RULE_GROUP ? S(ACCOUNT) : NULL;
	p->protocol = S(protocols[i % 6][!is_home]);
	p->from_port = i % 6 == 4 ? 0 : i;
	p->to_port = i % 6 == 4 ? 0 : i % 4 ? i : i + 100;
	p->ipv4 = p->ipv6 = p->prefix_lists = p->groups = t;
	p->n_ipv4 = kind == RULE_IPV4;
	p->n_ipv6 = kind == RULE_IPV6;
	p->n_prefix_lists = kind == RULE_PREFIX_LIST;
	p->n_groups = kind == RULE_GROUP;
}

/* The other region has the rules of each direction backwards, and spelled in another way. */
static void make_fixture(struct fixture *f, int is_home)
{
	memset(f, 0, sizeof(*f));
	f->group.id = S(is_home ? HOME_ID : THERE_ID);
	f->group.name = S("fleet");
	f->group.owner_id = S(ACCOUNT);
	f->group.ingress = f->permissions;
	f->group.egress = f->permissions + N_RULES;
	f->group.n_ingress = f->group.n_egress = N_RULES;
	for (int i = 0; i < N_RULES; i++) {
		size_t at = (size_t)(is_home ? i : N_RULES - 1 - i);

		make_rule(f, at, i, is_home);
		make_rule(f, N_RULES + at, i, is_home);
	}
}

/* How many rules of both directions a has and b has not. */
static size_t more(const struct rules *a, const struct rules *b)
{
	size_t n = 0;

	for (int egress = 0; egress < 2; egress++) {
		struct rules only;

		assert_int_equal(rules_minus(&only, a, b, egress), 0);
		n += only.n;
		rules_free(&only);
	}
	return n;
}

static void test_the_same_in_another_region(void **state)
{
	static struct fixture h, t;
	struct rules rules_h, rules_t;

	(void)state;
	make_fixture(&h, 1);
	make_fixture(&t, 0);
	assert_int_equal(rules_of_group(&rules_h, &h.group, &home), 0);
	assert_int_equal(rules_of_group(&rules_t, &t.group, &there), 0);
	assert_int_equal(rules_h.n, 2 * N_RULES);
	assert_int_equal(rules_t.n, 2 * N_RULES);
	assert_int_equal(more(&rules_h, &rules_t), 0);
	assert_int_equal(more(&rules_t, &rules_h), 0);
	rules_free(&rules_t);
	/* With the ids of one region read as the other's, lists and other groups are foreign. */
	assert_int_equal(rules_of_group(&rules_t, &t.group, &home), 0);
	assert_int_equal(more(&rules_h, &rules_t), 2 * N_RULES * 2 / 5);
	rules_free(&rules_t);
	rules_free(&rules_h);
}

/* A region's group made from the home group's rules has these; and the other way round. */
static void copy_rules(group *from, const struct rule_names *from_names, const char *to_id,
	const struct rule_names *to_names, const group *expected)
{
	struct awsq_ec2_ip_permission *in, *out;
	struct awsq_ec2_rule_target *in_targets, *out_targets;
	struct rules none = { 0 }, all, ingress, egress, made;
	group to = { .id = S(to_id), .owner_id = S(ACCOUNT) };

	assert_int_equal(rules_of_group(&all, from, from_names), 0);
	assert_int_equal(rules_minus(&ingress, &all, &none, 0), 0);
	assert_int_equal(rules_minus(&egress, &all, &none, 1), 0);
	rules_free(&all);
	assert_int_equal(rules_to_permissions(&in, &in_targets, &ingress, to_id, to_names), 0);
	assert_int_equal(rules_to_permissions(&out, &out_targets, &egress, to_id, to_names), 0);
	for (size_t i = 0; i < ingress.n; i++)
		assert_null(in_targets[i].user_id);
	to.ingress = in;
	to.egress = out;
	to.n_ingress = ingress.n;
	to.n_egress = egress.n;
	assert_int_equal(rules_of_group(&made, &to, to_names), 0);
	assert_int_equal(rules_of_group(&all, expected, to_names), 0);
	assert_int_equal(made.n, 2 * N_RULES);
	assert_int_equal(more(&made, &all) + more(&all, &made), 0);
	for (size_t i = 0; i < made.n; i++)
		assert_false(made.items[i].foreign);
	rules_free(&all);
	rules_free(&made);
	rules_free(&ingress);
	rules_free(&egress);
	free(in);
	free(in_targets);
	free(out);
	free(out_targets);
}

static void test_there_and_back(void **state)
{
	static struct fixture h, t;

	(void)state;
	make_fixture(&h, 1);
	make_fixture(&t, 0);
	copy_rules(&h.group, &home, THERE_ID, &there, &t.group);
	copy_rules(&t.group, &there, HOME_ID, &home, &h.group);
}

/* What is revoked is named as it was found, whatever it means. */
static void test_revoking(void **state)
{
	static struct fixture t;
	struct awsq_ec2_ip_permission *permissions;
	struct awsq_ec2_rule_target *targets;
	struct rules none = { 0 }, all, ingress;

	(void)state;
	make_fixture(&t, 0);
	assert_int_equal(rules_of_group(&all, &t.group, &there), 0);
	assert_int_equal(rules_minus(&ingress, &all, &none, 0), 0);
	/* The rules of a difference outlive the sets that it was made from. */
	rules_free(&all);
	assert_int_equal(ingress.n, N_RULES);
	assert_int_equal(rules_to_permissions(&permissions, &targets, &ingress, THERE_ID, NULL), 0);
	for (size_t i = 0; i < N_RULES; i++) {
		const permission *p = &permissions[i];

		assert_string_equal(targets[i].name, t.targets[i].name);
		assert_int_equal(p->n_ipv4, t.permissions[i].n_ipv4);
		assert_int_equal(p->n_ipv6, t.permissions[i].n_ipv6);
		assert_int_equal(p->n_prefix_lists, t.permissions[i].n_prefix_lists);
		assert_int_equal(p->n_groups, t.permissions[i].n_groups);
		if (p->n_groups && strcmp(targets[i].name, THERE_ID) != 0)
			assert_string_equal(targets[i].user_id, ACCOUNT);
	}
	free(permissions);
	free(targets);
	rules_free(&ingress);
}

/* ---- Single targets */

/* The rules of a group of this one rule, in the region of names. */
static void read_one(struct rules *out, enum rule_kind kind, const char *id,
	const struct rule_names *names)
{
	target t = { S(id), NULL, NULL };
	permission p = { .protocol = S("-1") };
	group g = { .id = S("sg-fleet"), .owner_id = S(ACCOUNT), .ingress = &p, .n_ingress = 1 };

	p.ipv4 = p.ipv6 = p.prefix_lists = p.groups = &t;
	p.n_ipv4 = kind == RULE_IPV4;
	p.n_ipv6 = kind == RULE_IPV6;
	p.n_prefix_lists = kind == RULE_PREFIX_LIST;
	p.n_groups = kind == RULE_GROUP;
	assert_int_equal(rules_of_group(out, &g, names), 0);
	assert_int_equal(out->n, 1);
	assert_string_equal(out->items[0].id, id);
}

/* What an id of home is called, and the id that it has there: NULL for one that has none. */
static void test_targets(void **state)
{
	static const struct {
		enum rule_kind kind;
		const char *id, *name, *there;
		int foreign;
	} cases[] = {
		{ RULE_IPV4, "10.0.0.0/8", "10.0.0.0/8", "10.0.0.0/8", 0 },
		{ RULE_GROUP, "sg-fleet", RULE_SELF, RULE_SELF, 0 },
		{ RULE_GROUP, "sg-h0", "web", "sg-t0", 0 },
		{ RULE_GROUP, "sg-h1", "default", "sg-t1", 0 },
		/* Of another VPC, of another account, and gone. */
		{ RULE_GROUP, "sg-h2", "sg-h2", NULL, 1 },
		{ RULE_GROUP, "sg-h3", "sg-h3", NULL, 1 },
		{ RULE_GROUP, "sg-gone", "sg-gone", NULL, 1 },
		/* There, only another VPC has it. */
		{ RULE_GROUP, "sg-h5", "only-home", NULL, 0 },
		{ RULE_PREFIX_LIST, "pl-h0", "com.amazonaws.REGION.s3", "pl-t0", 0 },
		{ RULE_PREFIX_LIST, "pl-h1", "com.amazonaws.global.cloudfront.origin-facing",
			"pl-t1", 0 },
		{ RULE_PREFIX_LIST, "pl-h2", "office", "pl-t2", 0 },
		{ RULE_PREFIX_LIST, "pl-h3", "office-us-west-2", "pl-t3", 0 },
		/* Two here have this name. */
		{ RULE_PREFIX_LIST, "pl-h4", "pl-h4", NULL, 1 },
		{ RULE_PREFIX_LIST, "pl-gone", "pl-gone", NULL, 1 },
		/* The other region's list, of which there is only its own. */
		{ RULE_PREFIX_LIST, "pl-h6", "com.amazonaws.eu-west-1.dynamodb", NULL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct awsq_ec2_ip_permission *permissions;
		struct awsq_ec2_rule_target *targets;
		int found = cases[i].there ? 0 : AWSQ_ENOTFOUND;
		struct rules rules;
		const char *id;

		read_one(&rules, cases[i].kind, cases[i].id, &home);
		assert_string_equal(rules.items[0].target, cases[i].name);
		assert_int_equal(rules.items[0].foreign, cases[i].foreign);
		assert_int_equal(rule_resolve(&rules.items[0], &there, &id), found);
		if (cases[i].there)
			assert_string_equal(id, cases[i].there);
		else
			assert_null(id);
		assert_int_equal(rules_to_permissions(&permissions, &targets, &rules, "sg-fleet",
					 &there),
			found);
		assert_int_equal(permissions != NULL, found == 0);
		assert_int_equal(targets != NULL, found == 0);
		free(permissions);
		free(targets);
		rules_free(&rules);
	}
}

/* The way back finds two lists of that name, and so none. */
static void test_name_that_two_have(void **state)
{
	struct rules rules;
	const char *id;

	(void)state;
	read_one(&rules, RULE_PREFIX_LIST, "pl-t4", &there);
	assert_string_equal(rules.items[0].target, "twice");
	assert_int_equal(rule_resolve(&rules.items[0], &home, &id), AWSQ_ENOTFOUND);
	assert_int_equal(rule_resolve(&rules.items[0], &there, &id), 0);
	assert_string_equal(id, "pl-t4");
	rules_free(&rules);
}

/* A foreign rule is missing from every other group, and goes by its own id. */
static void test_foreign_rules_are_differences(void **state)
{
	static const struct {
		enum rule_kind kind;
		const char *id;
	} cases[] = { { RULE_GROUP, "sg-t2" }, { RULE_GROUP, "sg-gone" },
		{ RULE_PREFIX_LIST, "pl-gone" } };
	static struct fixture h;
	struct rules of_home;

	(void)state;
	make_fixture(&h, 1);
	assert_int_equal(rules_of_group(&of_home, &h.group, &home), 0);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct awsq_ec2_ip_permission *permissions;
		struct awsq_ec2_rule_target *targets;
		struct rules rules;

		read_one(&rules, cases[i].kind, cases[i].id, &there);
		assert_true(rules.items[0].foreign);
		assert_int_equal(more(&rules, &of_home), 1);
		assert_int_equal(rules_to_permissions(&permissions, &targets, &rules, "sg-fleet",
					 NULL),
			0);
		assert_string_equal(targets[0].name, cases[i].id);
		free(permissions);
		free(targets);
		rules_free(&rules);
	}
	rules_free(&of_home);
}

/* What is called like an id is not what has that id. */
static void test_name_like_an_id(void **state)
{
	group web = { .id = S("sg-1"), .name = S("sg-gone"), .vpc_id = S("vpc-t") };
	struct awsq_ec2_prefix_list list = { S("pl-1"), S("pl-gone"), S(ACCOUNT) };
	const struct awsq_ec2_security_groups groups = { &web, 1, NULL };
	const struct awsq_ec2_prefix_lists lists = { &list, 1, NULL };
	const struct rule_names names = { "eu-west-1", "vpc-t", &groups, &lists };
	static const struct {
		enum rule_kind kind;
		const char *named, *foreign;
	} cases[] = { { RULE_GROUP, "sg-1", "sg-gone" }, { RULE_PREFIX_LIST, "pl-1", "pl-gone" } };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct rules named, foreign;
		const char *id;

		read_one(&named, cases[i].kind, cases[i].named, &names);
		read_one(&foreign, cases[i].kind, cases[i].foreign, &names);
		assert_string_equal(named.items[0].target, foreign.items[0].target);
		assert_int_equal(more(&named, &foreign), 1);
		assert_int_equal(more(&foreign, &named), 1);
		assert_int_equal(rule_resolve(&named.items[0], &names, &id), 0);
		assert_string_equal(id, cases[i].named);
		assert_int_equal(rule_resolve(&foreign.items[0], &names, &id), AWSQ_ENOTFOUND);
		rules_free(&named);
		rules_free(&foreign);
	}
}

/* A group there that gets another name is no longer what home's rules mean. */
static void test_renamed(void **state)
{
	static struct fixture h, t;
	struct rules rules_h, rules_t;
	char *web = there_groups[0].name;
	const char *id;

	(void)state;
	make_fixture(&h, 1);
	make_fixture(&t, 0);
	assert_int_equal(rules_of_group(&rules_h, &h.group, &home), 0);
	there_groups[0].name = S("www");
	assert_int_equal(rules_of_group(&rules_t, &t.group, &there), 0);
	/* One rule in five has a group, every other of them this one. */
	assert_int_equal(more(&rules_h, &rules_t), 2 * N_RULES / 10);
	assert_int_equal(more(&rules_t, &rules_h), 2 * N_RULES / 10);
	for (size_t i = 0; i < rules_h.n; i++)
		assert_int_equal(rule_resolve(&rules_h.items[i], &there, &id),
			strcmp(rules_h.items[i].target, "web") == 0 ? AWSQ_ENOTFOUND : 0);
	there_groups[0].name = web;
	rules_free(&rules_h);
	rules_free(&rules_t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_same_in_another_region),
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_revoking),
		cmocka_unit_test(test_targets),
		cmocka_unit_test(test_name_that_two_have),
		cmocka_unit_test(test_foreign_rules_are_differences),
		cmocka_unit_test(test_name_like_an_id),
		cmocka_unit_test(test_renamed),
	};

	return cmocka_run_group_tests_name("rules in two regions", tests, NULL, NULL);
}
