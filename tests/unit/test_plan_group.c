/*
 * What config-region plans for a region's security group and its rules.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plan_expect.h"

/* Each of home's rules missing, alone and with the others. */
static void test_missing_rules(void **state)
{
	static const char *const texts[] = { "ingress tcp/22 198.51.100.0/24 \"office\"",
		"ingress all self", "egress all 0.0.0.0/0" };

	(void)state;
	for (unsigned has = 0; has < 8; has++) {
		char words[100] = "", differences[400] = "";
		struct want x;
		struct world w;

		want_begin(&x);
		world_complete(&w, &x);
		w.groups[0].n_ingress = w.groups[0].n_egress = 0;
		for (unsigned k = 0; k < 3; k++) {
			size_t used = strlen(differences);

			if (has & 1U << k)
				world_rule(&w, &w.groups[0], &home_rules[k]);
			else
				(void)snprintf(differences + used, sizeof(differences) - used,
					"security group sg-4 %s: absent -> present (apply)\n",
					texts[k]);
		}
		(void)snprintf(words, sizeof(words), "%s%s%s",
			(has & 3) != 3 ? "authorize-ingress(sg-4)" : "",
			(has & 3) != 3 && !(has & 4) ? " " : "",
			!(has & 4) ? "authorize-egress(sg-4)" : "");
		plans(&x, &w, words, differences);
	}
}

static void test_rules_too_many(void **state)
{
	static const struct {
		struct rule rule;
		const char *words, *text;
	} cases[] = {
		{ RULE(0, "tcp", 22, 22, RULE_IPV4, "0.0.0.0/0", ""), "revoke-ingress(sg-4)",
			"ingress tcp/22 0.0.0.0/0" },
		{ RULE(0, "tcp", 22, 22, RULE_IPV4, "198.51.100.0/24", "old"),
			"revoke-ingress(sg-4)", "ingress tcp/22 198.51.100.0/24 \"old\"" },
		{ RULE(1, "tcp", 22, 22, RULE_IPV4, "198.51.100.0/24", "office"),
			"revoke-egress(sg-4)", "egress tcp/22 198.51.100.0/24 \"office\"" },
		{ RULE(1, "-1", 0, 0, RULE_IPV6, "::/0", ""), "revoke-egress(sg-4)",
			"egress all ::/0" },
		{ RULE(1, "-1", 0, 0, RULE_GROUP, RULE_SELF, ""), "revoke-egress(sg-4)",
			"egress all self" },
		{ RULE(0, "tcp", 443, 443, RULE_PREFIX_LIST, "com.amazonaws.REGION.s3", ""),
			"revoke-ingress(sg-4)",
			"ingress tcp/443 prefix list com.amazonaws.REGION.s3" },
		/* Of things that have no name: they are in no other group, and so too many. */
		{ { .protocol = "-1",
			  .kind = RULE_GROUP,
			  .target = "sg-gone",
			  .description = "",
			  .id = "sg-gone" },
			"revoke-ingress(sg-4)", "ingress all group sg-gone" },
		{ { .protocol = "udp",
			  .from_port = 1,
			  .to_port = 9,
			  .kind = RULE_PREFIX_LIST,
			  .target = "pl-gone",
			  .description = "x",
			  .id = "pl-gone" },
			"revoke-ingress(sg-4)", "ingress udp/1-9 prefix list pl-gone \"x\"" },
		/* There already. */
		{ RULE(0, "6", 22, 22, RULE_IPV4, "198.51.100.0/24", "office"), "", NULL },
		{ RULE(0, "tcp", 22, 22, RULE_IPV4, "198.51.100.7/24", "office"), "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char differences[300] = "";
		struct want x;
		struct world w;

		want_begin(&x);
		world_complete(&w, &x);
		world_rule(&w, &w.groups[0], &cases[i].rule);
		if (cases[i].text)
			(void)snprintf(differences, sizeof(differences),
				"security group sg-4 %s: present -> absent (apply)\n",
				cases[i].text);
		plans(&x, &w, cases[i].words, differences);
	}
}

/* AWS takes two that differ in their description for the same, so the old one goes first. */
static void test_a_changed_description(void **state)
{
	static const struct rule old = RULE(0, "tcp", 22, 22, RULE_IPV4, "198.51.100.0/24", "x");
	struct want x;
	struct world w;

	(void)state;
	want_begin(&x);
	world_complete(&w, &x);
	w.groups[0].n_ingress = 0;
	world_rule(&w, &w.groups[0], &old);
	world_rule(&w, &w.groups[0], &home_rules[1]);
	plans(&x, &w, "revoke-ingress(sg-4) authorize-ingress(sg-4)",
		"security group sg-4 ingress tcp/22 198.51.100.0/24 \"x\": present -> absent "
		"(apply)\n"
		"security group sg-4 ingress tcp/22 198.51.100.0/24 \"office\": absent -> present "
		"(apply)\n");
}

/* EC2 gives a new group all egress over IPv4, which home may not have. */
static void test_the_default_egress_rule(void **state)
{
	static const char none[] = "security group: none -> NAVO (apply)\n"
				   "instance i-5 security group: sg-4 -> the new one (apply)\n";
	static const struct rule narrow[] = {
		RULE(1, "tcp", 443, 443, RULE_IPV4, "0.0.0.0/0", ""),
	};
	struct want x;
	struct world w;

	(void)state;
	want_begin(&x);
	world_complete(&w, &x);
	w.o.groups.n = 0;
	plans(&x, &w, "create-group authorize-ingress modify-group(i-5)", none);
	want_rules(&x, narrow, 1);
	plans(&x, &w, "create-group revoke-egress authorize-egress modify-group(i-5)", none);
	want_rules(&x, narrow, 0);
	plans(&x, &w, "create-group revoke-egress modify-group(i-5)", none);
}

/* Groups and lists that a rule names are looked for by name, and have to be there. */
static void test_rules_that_name_things(void **state)
{
	static const struct rule named[] = {
		RULE(1, "-1", 0, 0, RULE_IPV4, "0.0.0.0/0", ""),
		RULE(0, "tcp", 22, 22, RULE_GROUP, "bastion", ""),
		RULE(0, "tcp", 443, 443, RULE_PREFIX_LIST, "com.amazonaws.REGION.s3", ""),
		RULE(0, "tcp", 80, 80, RULE_PREFIX_LIST, "office", ""),
		{ .protocol = "-1",
			.kind = RULE_GROUP,
			.target = "sg-1234",
			.description = "",
			.id = "sg-1234",
			.foreign = 1 },
	};
	struct want x;
	struct world w;

	(void)state;
	want_begin(&x);
	want_rules(&x, named, 1);
	world_complete(&w, &x);
	want_rules(&x, named, 5);
	plans(&x, &w, "authorize-ingress(sg-4)",
		"security group sg-4 ingress tcp/22 group bastion: absent -> present (by-hand)\n"
		"security group sg-4 ingress tcp/80 prefix list office: absent -> present "
		"(by-hand)\n"
		"security group sg-4 ingress all group sg-1234: absent -> present (by-hand)\n"
		"security group sg-4 ingress tcp/443 prefix list com.amazonaws.REGION.s3: absent "
		"-> present (apply)\n");
	/* The same for a group that is yet to be made. */
	w.o.groups.n = 0;
	plans(&x, &w, "create-group authorize-ingress modify-group(i-5)",
		"security group: none -> NAVO (apply)\n"
		"security group NAVO ingress tcp/22 group bastion: absent -> present (by-hand)\n"
		"security group NAVO ingress tcp/80 prefix list office: absent -> present "
		"(by-hand)\n"
		"security group NAVO ingress all group sg-1234: absent -> present (by-hand)\n"
		"instance i-5 security group: sg-4 -> the new one (apply)\n");
	/* Another VPC's group of the name will not do; this one's does. */
	w.o.groups.n = 1;
	world_rule(&w, &w.groups[0], &named[2]);
	want_rules(&x, named, 3);
	world_group(&w, "bastion", "vpc-other");
	plans(&x, &w, "",
		"security group sg-4 ingress tcp/22 group bastion: absent -> present "
		"(by-hand)\n");
	world_group(&w, "bastion", VPC);
	plans(&x, &w, "authorize-ingress(sg-4)",
		"security group sg-4 ingress tcp/22 group bastion: absent -> present (apply)\n");
	world_rule(&w, &w.groups[0], &named[1]);
	plans(&x, &w, "", "");
	/* Two of the name: which is meant? */
	world_group(&w, "Bastion", VPC);
	plans(&x, &w, "revoke-ingress(sg-4)",
		"security group sg-4 ingress tcp/22 group sg-8: present -> absent (apply)\n"
		"security group sg-4 ingress tcp/22 group bastion: absent -> present "
		"(by-hand)\n");
}

/* What is authorized goes by this region's ids. */
static void test_a_rules_own_id(void **state)
{
	static const struct rule list =
		RULE(0, "tcp", 443, 443, RULE_PREFIX_LIST, "com.amazonaws.REGION.s3", "");
	struct awsq_ec2_ip_permission *permissions;
	struct awsq_ec2_rule_target *targets;
	struct rule_names names;
	struct want x;
	struct world w;
	struct plan p;

	(void)state;
	want_begin(&x);
	world_complete(&w, &x);
	want_rules(&x, &list, 1);
	assert_int_equal(plan_provision(&p, &x.d, &w.o, &w.region, &x.options), 0);
	assert_string_equal(plan_words(&p),
		"revoke-ingress(sg-4) revoke-egress(sg-4) authorize-ingress(sg-4)");
	assert_int_equal(p.actions[0].rules.n, 2);
	names = observed_rule_names(&w.o, REGION, VPC);
	assert_int_equal(rules_to_permissions(&permissions, &targets, &p.actions[2].rules, "sg-4",
				 &names),
		0);
	assert_int_equal(permissions[0].n_prefix_lists, 1);
	assert_string_equal(permissions[0].prefix_lists[0].name, "pl-1");
	free(permissions);
	free(targets);
	plan_free(&p);
}

/* The fleet's group is that in the VPC that instances go to. */
static void test_a_group_elsewhere(void **state)
{
	struct want x;
	struct world w;

	(void)state;
	want_begin(&x);
	world_complete(&w, &x);
	w.groups[0].vpc_id = S("vpc-other");
	plans(&x, &w, "create-group authorize-ingress modify-group(i-5)",
		"security group: none -> NAVO (apply)\n"
		"instance i-5 security group: sg-4 -> the new one (apply)\n");
	w.groups[0].vpc_id = S(VPC);
	x.d.group = NULL;
	is_blocked(&x, &w,
		"the home region us-west-2 has no security group 'NAVO' in its VPC, whose rules "
		"every region gets: make it there, with a rule for tcp/22 from here");
}

/* Its rules are another fleet's to say. */
static void test_a_group_of_another_fleet(void **state)
{
	struct want x;
	struct world w;

	(void)state;
	want_begin(&x);
	world_complete(&w, &x);
	TAG(&w, &w.groups[0], TAG_FLEET, "OTHER");
	is_blocked(&x, &w, "security group sg-4 has the fleet's name, but is fleet 'OTHER''s");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_missing_rules),
		cmocka_unit_test(test_rules_too_many),
		cmocka_unit_test(test_a_changed_description),
		cmocka_unit_test(test_the_default_egress_rule),
		cmocka_unit_test(test_rules_that_name_things),
		cmocka_unit_test(test_a_rules_own_id),
		cmocka_unit_test(test_a_group_elsewhere),
		cmocka_unit_test(test_a_group_of_another_fleet),
	};

	return cmocka_run_group_tests_name("plan_group", tests, NULL, NULL);
}
