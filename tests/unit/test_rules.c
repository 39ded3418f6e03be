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

#define SELF_GROUP "sg-self"

/* tcp/22 from two places, all from itself; egress everywhere. */
static target two[] = { { S("198.51.100.0/24"), S("office"), NULL },
	{ S("0.0.0.0/0"), NULL, NULL } };
static target itself[] = { { S(SELF_GROUP), NULL, S("123456789012") } };
static target world[] = { { S("0.0.0.0/0"), NULL, NULL } };
static permission ingress[] = {
	{ S("tcp"), 22, 22, two, 2, NULL, 0, NULL, 0, NULL, 0 },
	{ S("-1"), 0, 0, NULL, 0, NULL, 0, NULL, 0, itself, 1 },
};
static permission all_egress[] = { { S("-1"), 0, 0, world, 1, NULL, 0, NULL, 0, NULL, 0 } };
static const group usual = {
	.id = S(SELF_GROUP),
	.ingress = ingress,
	.n_ingress = 2,
	.egress = all_egress,
	.n_egress = 1,
};

static void rules_are(const struct rules *rules, const char *const words[], size_t n)
{
	struct awsq_buf text = AWSQ_BUF_INIT(1000);

	assert_int_equal(rules->n, n);
	for (size_t i = 0; i < n; i++) {
		awsq_buf_reset(&text);
		rule_describe(&text, &rules->items[i]);
		assert_string_equal(awsq_buf_str(&text), words[i]);
	}
	awsq_buf_free(&text);
}

/* Expects that a and b have the same rules, but for n_ab that a has more and n_ba that b has. */
static void differ_by(const group *a, const group *b, size_t n_ab, size_t n_ba)
{
	struct rules ra, rb;
	size_t more_a = 0, more_b = 0;

	assert_int_equal(rules_of_group(&ra, a, NULL), 0);
	assert_int_equal(rules_of_group(&rb, b, NULL), 0);
	for (int egress = 0; egress < 2; egress++) {
		struct rules only;

		assert_int_equal(rules_minus(&only, &ra, &rb, egress), 0);
		more_a += only.n;
		for (size_t i = 0; i < only.n; i++)
			assert_int_equal(only.items[i].egress, egress);
		rules_free(&only);
		assert_int_equal(rules_minus(&only, &rb, &ra, egress), 0);
		more_b += only.n;
		rules_free(&only);
	}
	assert_int_equal(more_a, n_ab);
	assert_int_equal(more_b, n_ba);
	rules_free(&ra);
	rules_free(&rb);
}

static void test_rules_of_a_group(void **state)
{
	static const char *const words[] = { "ingress tcp/22 198.51.100.0/24 \"office\"",
		"ingress tcp/22 0.0.0.0/0", "ingress all self", "egress all 0.0.0.0/0" };
	struct rules rules;

	(void)state;
	assert_int_equal(rules_of_group(&rules, &usual, NULL), 0);
	rules_are(&rules, words, COUNT(words));
	assert_null(rules.items[2].user_id);
	rules_free(&rules);
	assert_null(rules.items);
	rules_free(&rules);
	differ_by(&usual, &usual, 0, 0);
}

static void test_a_new_group(void **state)
{
	static const group new_group = { .id = S("sg-new"), .egress = all_egress, .n_egress = 1 };
	static const char *const words[] = { "egress all 0.0.0.0/0" };
	struct rules rules, of_group, only;

	(void)state;
	assert_int_equal(rules_of_new_group(&rules), 0);
	rules_are(&rules, words, 1);
	/* It is what EC2 then says that the group has. */
	assert_int_equal(rules_of_group(&of_group, &new_group, NULL), 0);
	assert_int_equal(rules_minus(&only, &rules, &of_group, 1), 0);
	assert_int_equal(only.n, 0);
	assert_int_equal(rules_minus(&only, &of_group, &rules, 1), 0);
	assert_int_equal(only.n, 0);
	rules_free(&rules);
	rules_free(&of_group);
}

/* The same rules, each in a permission of its own, backwards; and the other group's own id. */
static void test_order_and_grouping(void **state)
{
	target self_there[] = { { S("sg-there"), NULL, NULL } };
	permission other_ingress[] = {
		{ S("-1"), 5, 6, NULL, 0, NULL, 0, NULL, 0, self_there, 1 },
		{ S("tcp"), 22, 22, two + 1, 1, NULL, 0, NULL, 0, NULL, 0 },
		{ S("tcp"), 22, 22, two, 1, NULL, 0, NULL, 0, NULL, 0 },
	};
	group other = usual;

	(void)state;
	other.id = S("sg-there");
	other.ingress = other_ingress;
	other.n_ingress = 3;
	differ_by(&usual, &other, 0, 0);
	other.n_ingress = 2;
	differ_by(&usual, &other, 1, 0);
	other.n_egress = 0;
	differ_by(&usual, &other, 2, 0);
	differ_by(&other, &usual, 0, 2);
}

/* The most that EC2 lets an interface have, which differ late, against the same backwards. */
static void test_many_rules(void **state)
{
	static char cidrs[1000][32];
	static target forward[1000], backward[1000];
	permission p = { S("tcp"), 22, 22, forward, 1000, NULL, 0, NULL, 0, NULL, 0 };
	permission q = { S("tcp"), 22, 22, backward, 1000, NULL, 0, NULL, 0, NULL, 0 };
	group a = { .id = S("sg-a"), .ingress = &p, .n_ingress = 1 };
	group b = { .id = S("sg-b"), .ingress = &q, .n_ingress = 1 };

	(void)state;
	for (int i = 0; i < 1000; i++) {
		(void)snprintf(cidrs[i], sizeof(cidrs[i]), "203.0.%d.%d/32", i / 250, i % 250);
		forward[i].name = backward[999 - i].name = cidrs[i];
	}
	differ_by(&a, &b, 0, 0);
	q.n_ipv4 = 990;
	differ_by(&a, &b, 10, 0);
}

/* One rule against another that differs in one thing, or only seems to. */
static void test_pairs_of_rules(void **state)
{
	static const struct {
		const char *protocol;
		int64_t from, to;
		const char *name, *description;
		int same;
	} cases[] = {
		{ "tcp", 22, 22, "10.0.0.0/8", "d", 1 },
		{ "6", 22, 22, "10.0.0.0/8", "d", 1 },
		{ "udp", 22, 22, "10.0.0.0/8", "d", 0 },
		{ "17", 22, 22, "10.0.0.0/8", "d", 0 },
		{ "-1", 22, 22, "10.0.0.0/8", "d", 0 },
		{ "tcp", 21, 22, "10.0.0.0/8", "d", 0 },
		{ "tcp", 22, 23, "10.0.0.0/8", "d", 0 },
		{ "tcp", 22, 22, "10.0.0.0/9", "d", 0 },
		{ "tcp", 22, 22, "10.0.0.0/8", "D", 0 },
		{ "tcp", 22, 22, "10.0.0.0/8", "", 0 },
		{ "tcp", 22, 22, "10.0.0.0/8", NULL, 0 },
	};
	target a_target = { S("10.0.0.0/8"), S("d"), NULL };
	permission a_permission = { S("tcp"), 22, 22, &a_target, 1, NULL, 0, NULL, 0, NULL, 0 };
	group a = { .id = S("sg-a"), .ingress = &a_permission, .n_ingress = 1 };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		target t = { S(cases[i].name), S(cases[i].description), NULL };
		permission p = { S(cases[i].protocol), cases[i].from, cases[i].to, &t, 1, NULL, 0,
			NULL, 0, NULL, 0 };
		group b = { .id = S("sg-b"), .ingress = &p, .n_ingress = 1 };
		group reversed = { .id = S("sg-b"), .egress = &p, .n_egress = 1 };

		differ_by(&a, &b, !cases[i].same, !cases[i].same);
		differ_by(&a, &reversed, 1, 1);
		/* The same text as another kind of target. */
		p.n_ipv4 = 0;
		p.ipv6 = &t;
		p.n_ipv6 = 1;
		differ_by(&a, &b, 1, 1);
	}
}

static void test_names_and_numbers_of_protocols(void **state)
{
	static const struct {
		const char *a, *b;
	} same[] = { { "tcp", "6" }, { "udp", "17" }, { "icmp", "1" }, { "icmpv6", "58" },
		{ "-1", "all" }, { "50", "50" }, { NULL, "-1" }, { "6", "6" } };

	(void)state;
	for (size_t i = 0; i < COUNT(same); i++) {
		permission a = { S(same[i].a), 1, 2, world, 1, NULL, 0, NULL, 0, NULL, 0 };
		permission b = { S(same[i].b), 1, 2, world, 1, NULL, 0, NULL, 0, NULL, 0 };
		group ga = { .id = S("sg-a"), .ingress = &a, .n_ingress = 1 };
		group gb = { .id = S("sg-b"), .ingress = &b, .n_ingress = 1 };

		differ_by(&ga, &gb, 0, 0);
	}
}

/* Ports that mean nothing, whatever AWS or we put there; and those that do mean something. */
static void test_ports(void **state)
{
	static const struct {
		const char *protocol;
		int64_t from_a, to_a, from_b, to_b;
		int same;
	} cases[] = {
		{ "-1", -1, -1, 0, 65535, 1 },
		{ "all", 0, 0, 22, 22, 1 },
		{ "50", -1, -1, 0, 0, 1 },
		{ "icmp", -1, -1, -1, 0, 1 },
		{ "58", -1, -1, -1, 255, 1 },
		{ "icmp", 8, -1, 8, 0, 0 },
		{ "icmp", -1, -1, 0, -1, 0 },
		{ "1", 3, 4, 3, 1, 0 },
		{ "tcp", -1, -1, -1, 0, 0 },
		{ "udp", 0, 0, 0, 65535, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		permission a = { S(cases[i].protocol), cases[i].from_a, cases[i].to_a, world, 1,
			NULL, 0, NULL, 0, NULL, 0 };
		permission b = { S(cases[i].protocol), cases[i].from_b, cases[i].to_b, world, 1,
			NULL, 0, NULL, 0, NULL, 0 };
		group ga = { .id = S("sg-a"), .egress = &a, .n_egress = 1 };
		group gb = { .id = S("sg-b"), .egress = &b, .n_egress = 1 };

		differ_by(&ga, &gb, !cases[i].same, !cases[i].same);
	}
}

/* A set has a rule once, but with each description. EC2 refuses a call that names a rule twice. */
static void test_duplicates(void **state)
{
	permission same[] = {
		{ S("tcp"), 22, 22, world, 1, NULL, 0, NULL, 0, NULL, 0 },
		{ S("6"), 22, 22, world, 1, NULL, 0, NULL, 0, NULL, 0 },
		{ S("tcp"), 22, 22, world, 1, NULL, 0, NULL, 0, NULL, 0 },
	};
	target described = { S("0.0.0.0/0"), S("all"), NULL };
	group many = { .id = S("sg-a"), .ingress = same, .n_ingress = 3 };
	group one = { .id = S("sg-b"), .ingress = same, .n_ingress = 1 };
	group none = { .id = S("sg-c") };
	struct rules rules;

	(void)state;
	assert_int_equal(rules_of_group(&rules, &many, NULL), 0);
	assert_int_equal(rules.n, 1);
	rules_free(&rules);
	differ_by(&many, &one, 0, 0);
	differ_by(&many, &none, 1, 0);
	same[1].ipv4 = &described;
	differ_by(&many, &one, 1, 0);
}

/* Without names, other groups and lists are what their ids say: nothing that another region has. */
static void test_without_names(void **state)
{
	static const char *const words[] = { "ingress tcp/22 0.0.0.0/0",
		"ingress tcp/22 prefix list pl-1", "ingress tcp/22 group sg-other",
		"ingress all self" };
	target pair[] = { { S("sg-other"), NULL, S("210987654321") } };
	target list[] = { { S("pl-1"), NULL, NULL } };
	permission p[] = { { S("tcp"), 22, 22, world, 1, NULL, 0, list, 1, pair, 1 },
		{ S("-1"), 0, 0, NULL, 0, NULL, 0, NULL, 0, itself, 1 } };
	group a = { .id = S(SELF_GROUP), .ingress = p, .n_ingress = 2 };
	group none = { .id = S("sg-none") };
	struct rules rules;
	const char *id;

	(void)state;
	differ_by(&a, &none, 4, 0);
	differ_by(&a, &a, 0, 0);
	assert_int_equal(rules_of_group(&rules, &a, NULL), 0);
	rules_are(&rules, words, COUNT(words));
	for (size_t i = 0; i < rules.n; i++) {
		int other = i == 1 || i == 2;

		assert_int_equal(rules.items[i].foreign, other);
		assert_int_equal(rule_resolve(&rules.items[i], NULL, &id),
			other ? AWSQ_ENOTFOUND : 0);
	}
	assert_string_equal(rules.items[2].user_id, "210987654321");
	rules_free(&rules);
}

static void test_words(void **state)
{
	static const struct {
		struct rule rule;
		const char *words;
	} cases[] = {
		{ { .protocol = "tcp", .from_port = 22, .to_port = 22, .target = "0.0.0.0/0" },
			"ingress tcp/22 0.0.0.0/0" },
		{ { .egress = 1,
			  .protocol = "udp",
			  .from_port = 1,
			  .to_port = 65535,
			  .kind = RULE_IPV6,
			  .target = "::/0",
			  .description = "v6" },
			"egress udp/1-65535 ::/0 \"v6\"" },
		{ { .protocol = "-1", .kind = RULE_GROUP, .target = RULE_SELF },
			"ingress all self" },
		{ { .protocol = "-1", .kind = RULE_GROUP, .target = "self" },
			"ingress all group self" },
		{ { .protocol = "icmp", .from_port = -1, .to_port = -1, .target = "0.0.0.0/0" },
			"ingress icmp/all 0.0.0.0/0" },
		{ { .protocol = "icmp", .from_port = 8, .to_port = -1, .target = "0.0.0.0/0" },
			"ingress icmp/8 0.0.0.0/0" },
		{ { .protocol = "icmpv6", .from_port = 3, .to_port = 3, .target = "10.0.0.0/8" },
			"ingress icmpv6/3 code 3 10.0.0.0/8" },
		{ { .protocol = "50", .kind = RULE_PREFIX_LIST, .target = "office" },
			"ingress 50/all prefix list office" },
		{ { .protocol = "tcp", .target = "10.0.0.0/8" }, "ingress tcp/0 10.0.0.0/8" },
		{ { .protocol = "-1",
			  .kind = RULE_GROUP,
			  .target = "a\nb",
			  .description = "\"\x1b[2J\xc2\x9b\xc3\xa4\x7f'\xc2" },
			"ingress all group a?b \"\"?[2J?\xc3\xa4?'\xc2\"" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct awsq_buf text = AWSQ_BUF_INIT(200);
		struct rule rule = cases[i].rule;

		if (!rule.description)
			rule.description = "";
		rule_describe(&text, &rule);
		assert_string_equal(awsq_buf_str(&text), cases[i].words);
		awsq_buf_free(&text);
	}
}

/* As EC2 wants them; and read back as a group's, they are the same rules. */
static void test_permissions(void **state)
{
	target pair[] = { { S("sg-other"), S("them"), S("210987654321") } };
	target list[] = { { S("pl-1"), NULL, NULL } };
	target six[] = { { S("::/0"), S("v6"), NULL } };
	permission p[] = { { S("6"), 22, 23, two, 2, six, 1, list, 1, pair, 1 },
		{ S("all"), 1, 2, NULL, 0, NULL, 0, NULL, 0, itself, 1 } };
	group from = { .id = S(SELF_GROUP), .ingress = p, .n_ingress = 2 };
	struct awsq_ec2_ip_permission *permissions;
	struct awsq_ec2_rule_target *targets;
	struct rules rules;
	group to = { .id = S("sg-to") };

	(void)state;
	assert_int_equal(rules_of_group(&rules, &from, NULL), 0);
	assert_int_equal(rules_to_permissions(&permissions, &targets, &rules, "sg-to", NULL), 0);
	assert_int_equal(rules.n, 6);
	for (size_t i = 0; i < rules.n; i++)
		assert_int_equal(permissions[i].n_ipv4 + permissions[i].n_ipv6 +
					 permissions[i].n_prefix_lists + permissions[i].n_groups,
			1);
	assert_string_equal(permissions[0].protocol, "tcp");
	assert_int_equal(permissions[0].to_port, 23);
	assert_string_equal(permissions[0].ipv4->description, "office");
	assert_null(permissions[1].ipv4->description);
	assert_string_equal(permissions[2].ipv6->name, "::/0");
	assert_string_equal(permissions[3].prefix_lists->name, "pl-1");
	assert_string_equal(permissions[4].groups->user_id, "210987654321");
	/* Itself is the new group's id there. */
	assert_string_equal(permissions[5].protocol, "-1");
	assert_string_equal(permissions[5].groups->name, "sg-to");
	assert_null(permissions[5].groups->user_id);
	to.ingress = permissions;
	to.n_ingress = rules.n;
	differ_by(&from, &to, 0, 0);
	free(permissions);
	free(targets);
	rules_free(&rules);
}

static void test_no_permissions(void **state)
{
	static const struct rules none = { NULL, 0 };
	struct awsq_ec2_ip_permission *permissions;
	struct awsq_ec2_rule_target *targets;

	(void)state;
	assert_int_equal(rules_to_permissions(&permissions, &targets, &none, "sg-1", NULL), 0);
	free(permissions);
	free(targets);
}

/* Members that AWS left away. */
static void test_holes(void **state)
{
	static const char *const words[] = { "ingress all " };
	target nothing = { NULL, NULL, NULL };
	permission p = { NULL, 0, 0, &nothing, 1, NULL, 0, NULL, 0, NULL, 0 };
	group g = { .ingress = &p, .n_ingress = 1 };
	struct rules rules;

	(void)state;
	assert_int_equal(rules_of_group(&rules, &g, NULL), 0);
	rules_are(&rules, words, 1);
	rules_free(&rules);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules_of_a_group),
		cmocka_unit_test(test_a_new_group),
		cmocka_unit_test(test_order_and_grouping),
		cmocka_unit_test(test_many_rules),
		cmocka_unit_test(test_pairs_of_rules),
		cmocka_unit_test(test_names_and_numbers_of_protocols),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_duplicates),
		cmocka_unit_test(test_without_names),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_permissions),
		cmocka_unit_test(test_no_permissions),
		cmocka_unit_test(test_holes),
	};

	return cmocka_run_group_tests_name("rules", tests, NULL, NULL);
}
