#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fleet/rule_names.h"

/* Struct members are without const, since answers are parsed into them too. */
#define S(text) ((char *)(uintptr_t)(text))

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

typedef struct awsq_ec2_security_group group;

static void test_regions_in_names_of_lists(void **state)
{
	static const struct {
		const char *region, *local, *name;
	} cases[] = {
		{ "us-west-2", "com.amazonaws.us-west-2.s3", "com.amazonaws.REGION.s3" },
		{ "us-west-2", "com.amazonaws.us-west-2", "com.amazonaws.REGION" },
		{ "us-west-2", "com.amazonaws.us-west-2.ipv6.route53-healthchecks",
			"com.amazonaws.REGION.ipv6.route53-healthchecks" },
		{ "us-west-2", "com.amazonaws.us-west-2b.s3", "com.amazonaws.us-west-2b.s3" },
		{ "us-west-2", "com.amazonaws.xus-west-2.s3", "com.amazonaws.xus-west-2.s3" },
		{ "us-west-2", "com.amazonaws.s3.us-west-2", "com.amazonaws.s3.REGION" },
		{ "us-west-2", "my.us-west-2.s3", "my.us-west-2.s3" },
		{ "us-west-2", "com.amazonaws.", "com.amazonaws." },
		{ "", "com.amazonaws..s3", "com.amazonaws..s3" },
		{ NULL, "com.amazonaws.us-west-2.s3", "com.amazonaws.us-west-2.s3" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct awsq_ec2_prefix_list list = { S("pl-1"), S(cases[i].local), NULL };
		const struct awsq_ec2_prefix_lists lists = { &list, 1, NULL };
		const struct rule_names names = { cases[i].region, NULL, NULL, &lists };
		const char *name;
		char *made;

		assert_int_equal(rule_names_list(&name, &made, &names, "pl-1"), 0);
		assert_string_equal(name, cases[i].name);
		assert_int_equal(made != NULL, strcmp(cases[i].local, cases[i].name) != 0);
		assert_string_equal(rule_names_list_id(&names, name), "pl-1");
		free(made);
		assert_int_equal(rule_names_list(&name, &made, &names, "pl-2"), 0);
		assert_null(name);
		assert_null(made);
	}
}

static void test_spellings_of_cidr_blocks(void **state)
{
	static const struct {
		int ipv6;
		const char *cidr, *name;
	} cases[] = {
		{ 0, "10.0.0.0/8", "10.0.0.0/8" },
		{ 0, "100.68.0.18/18", "100.68.0.0/18" },
		{ 0, "255.255.255.255/0", "0.0.0.0/0" },
		{ 0, "255.255.255.255/31", "255.255.255.254/31" },
		{ 0, "198.51.100.7/32", "198.51.100.7/32" },
		{ 0, "198.51.100.7/032", "198.51.100.7/32" },
		{ 1, "::/0", "::/0" },
		{ 1, "0:0:0:0:0:0:0:0/0", "::/0" },
		{ 1, "2001:DB8:0:0:0:0:0:1/128", "2001:db8::1/128" },
		{ 1, "2001:db8:ffff:ffff::/33", "2001:db8:8000::/33" },
		{ 1, "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255/128",
			"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128" },
		{ 1, "::ffff:198.51.100.7/128", "::ffff:198.51.100.7/128" },
		/* Not to be read: left as they are. */
		{ 0, "10.0.0.1", "10.0.0.1" },
		{ 0, "10.0.0.1/33", "10.0.0.1/33" },
		{ 0, "10.0.0.1/x", "10.0.0.1/x" },
		{ 0, "10.0.1/8", "10.0.1/8" },
		{ 0, "2001:DB8::/32", "2001:DB8::/32" },
		{ 1, "10.0.0.1/8", "10.0.0.1/8" },
		{ 1, "2001:DB8::/129", "2001:DB8::/129" },
		{ 0, "", "" },
		{ 0, "/", "/" },
		{ 1, "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:dddd:eeee/1",
			"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:dddd:eeee/1" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *name;
		char *made;

		assert_int_equal(rule_names_cidr(&name, &made, cases[i].cidr, cases[i].ipv6), 0);
		assert_string_equal(name, cases[i].name);
		assert_int_equal(made != NULL, strcmp(cases[i].cidr, cases[i].name) != 0);
		free(made);
	}
}

/* Names of groups are the same whatever their case; two that share one have none. */
static void test_names_of_groups(void **state)
{
	group items[] = {
		{ .id = S("sg-1"), .name = S("a"), .vpc_id = S("vpc-1"), .owner_id = S("1") },
		{ .id = S("sg-2"), .name = S("b"), .vpc_id = S("vpc-1") },
		{ .id = S("sg-3"), .name = S("B"), .vpc_id = S("vpc-1") },
		{ .id = S("sg-4"), .name = S("b"), .vpc_id = S("vpc-2") },
		{ .id = S("sg-5"), .vpc_id = S("vpc-1") },
		{ .name = S("c"), .vpc_id = S("vpc-1") },
		{ .id = S("sg-6"), .name = S("d") },
	};
	const struct awsq_ec2_security_groups groups = { items, COUNT(items), NULL };
	const struct rule_names one = { "r", "vpc-1", &groups, NULL };
	const struct rule_names two = { "r", "vpc-2", &groups, NULL };
	const struct rule_names nowhere = { "r", NULL, &groups, NULL };

	(void)state;
	assert_string_equal(rule_names_group(&one, "sg-1", "1"), "a");
	assert_string_equal(rule_names_group(&one, "sg-1", NULL), "a");
	assert_null(rule_names_group(&one, "sg-1", "2"));
	assert_null(rule_names_group(&one, "sg-2", "1"));
	assert_null(rule_names_group(&one, "sg-4", "1"));
	assert_null(rule_names_group(&one, "sg-5", "1"));
	assert_null(rule_names_group(&nowhere, "sg-1", "1"));
	assert_string_equal(rule_names_group(&two, "sg-4", "1"), "b");
	assert_string_equal(rule_names_group_id(&one, "A"), "sg-1");
	assert_string_equal(rule_names_group_id(&two, "B"), "sg-4");
	assert_null(rule_names_group_id(&one, "b"));
	assert_null(rule_names_group_id(&one, "c"));
	assert_null(rule_names_group_id(&nowhere, "d"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_regions_in_names_of_lists),
		cmocka_unit_test(test_spellings_of_cidr_blocks),
		cmocka_unit_test(test_names_of_groups),
	};

	return cmocka_run_group_tests_name("rule names", tests, NULL, NULL);
}
