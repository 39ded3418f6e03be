/*
 * What config-region plans to do, one region after another.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plan_world.h"

/* What the plan of a region without anything says. */
#define EVERYTHING                                                                           \
	"copy-image import-key-pair create-group authorize-ingress wait-image run-instance " \
	"stop-instance"

/* Plans, and expects these actions and this many notes, one of them with this part (or NULL). */
static void plans(const struct want *x, const struct world *w, const char *words, size_t n_notes,
	const char *note)
{
	struct plan p;
	int found = !note;

	assert_int_equal(plan_provision(&p, &x->d, &w->o, &w->region), 0);
	assert_string_equal(p.blocked, "");
	assert_string_equal(plan_words(&p), words);
	for (size_t i = 0; i < p.n_notes; i++)
		found |= note && strstr(p.notes[i], note) != NULL;
	if (p.n_notes != n_notes || !found)
		fail_msg("%zu notes, first: %s", p.n_notes, p.n_notes ? p.notes[0] : "none");
	plan_free(&p);
	assert_null(p.actions);
	plan_free(&p);
}

static void is_blocked(const struct want *x, const struct world *w, const char *part)
{
	struct plan p;

	assert_int_equal(plan_provision(&p, &x->d, &w->o, &w->region), 0);
	if (!strstr(p.blocked, part))
		fail_msg("blocked: '%s'", p.blocked);
	plan_free(&p);
}

static void test_an_empty_region(void **state)
{
	struct want x;
	struct world w;

	(void)state;
	want_begin(&x);
	world_begin(&w);
	plans(&x, &w, EVERYTHING, 0, NULL);
}

static void test_a_complete_region(void **state)
{
	struct want x;
	struct world w;

	(void)state;
	want_begin(&x);
	world_complete(&w, &x);
	plans(&x, &w, "", 0, NULL);
	/* Snapshots are not looked at here. */
	w.o.snapshots.n = 0;
	plans(&x, &w, "", 0, NULL);
	/* Whoever made the image: without a tag nothing is known of its source. */
	w.images[0].n_tags = 0;
	plans(&x, &w, "", 0, NULL);
}

static void test_no_default_vpc(void **state)
{
	struct want x;
	struct world w;

	(void)state;
	want_begin(&x);
	world_complete(&w, &x);
	w.vpcs[0].is_default = 0;
	is_blocked(&x, &w, "no default VPC");
	is_blocked(&x, &w, "eu-west-3");
	w.o.vpcs.n = 0;
	is_blocked(&x, &w, "no default VPC");
}

/* ---- Images */

static void test_images(void **state)
{
	static const struct {
		const char *states[3];
		const char *words; /* of the image's part; NULL: blocked */
	} cases[] = {
		{ { "available" }, "" },
		{ { "pending" }, "wait-image(ami-1)" },
		{ { NULL }, "copy-image wait-image" },
		{ { "failed" }, "deregister-image(ami-1) copy-image wait-image" },
		{ { "failed", "failed" },
			"deregister-image(ami-1) deregister-image(ami-2) copy-image wait-image" },
		{ { "failed", "available" }, "" },
		{ { "failed", "pending" }, "wait-image(ami-2)" },
		{ { "deregistered" }, "copy-image wait-image" },
		{ { "available", "available" }, NULL },
		{ { "available", "pending" }, NULL },
		{ { "pending", "failed", "pending" }, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct want x;
		struct world w;

		want_begin(&x);
		world_begin(&w);
		for (size_t k = 0; k < 3 && cases[i].states[k]; k++)
			world_image(&w, cases[i].states[k], HOME_IMAGE);
		world_key(&w, KEY);
		world_group(&w, VPC);
		for (size_t k = 0; k < 3; k++)
			world_rule(&w, &w.groups[0], &home_rules[k]);
		world_instance(&w, "stopped", 0);
		if (cases[i].words)
			plans(&x, &w, cases[i].words, 0, NULL);
		else
			is_blocked(&x, &w, "images are named 'NAVO'");
	}
}

/* A copy of an older home image is told of and left in place. */
static void test_a_copy_of_an_older_image(void **state)
{
	struct want x;
	struct world w;

	(void)state;
	want_begin(&x);
	world_complete(&w, &x);
	w.tags[0].value = S("ami-older");
	plans(&x, &w, "", 1, "ami-older");
	plans(&x, &w, "", 1, HOME_IMAGE);
	w.images[0].state = S("pending");
	plans(&x, &w, "wait-image(ami-1)", 1, "ami-older");
}

/* ---- Key pairs */

static void test_key_pairs(void **state)
{
	static const struct {
		const char *public_key;
		const char *words;
	} cases[] = {
		{ KEY, "" },
		{ KEY "\n", "" },
		{ "  " KEY "  another comment\n", "" },
		{ OTHER_KEY, "delete-key-pair(NAVO) import-key-pair" },
		{ "", "delete-key-pair(NAVO) import-key-pair" },
		{ "ssh-rsa " KEY_BLOB, "delete-key-pair(NAVO) import-key-pair" },
		{ NULL, "delete-key-pair(NAVO) import-key-pair" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct want x;
		struct world w;

		want_begin(&x);
		world_complete(&w, &x);
		w.key_pairs[0].public_key = S(cases[i].public_key);
		plans(&x, &w, cases[i].words, cases[i].words[0] != '\0',
			cases[i].words[0] ? "made with the old key" : NULL);
	}
}

/* A key that EC2 does not import is in the way only where it has to be imported. */
static void test_a_key_that_cannot_be_imported(void **state)
{
	struct want x;
	struct world w;

	(void)state;
	want_begin(&x);
	world_complete(&w, &x);
	x.d.key_type = "ecdsa-sha2-nistp256";
	x.d.key_importable = 0;
	plans(&x, &w, "", 0, NULL);
	w.key_pairs[0].public_key = S(OTHER_KEY);
	is_blocked(&x, &w, "ecdsa-sha2-nistp256");
	w.o.key_pairs.n = 0;
	is_blocked(&x, &w, "ecdsa-sha2-nistp256");
}

/* ---- Security groups */

/* Each of home's rules missing, alone and with the others. */
static void test_missing_rules(void **state)
{
	(void)state;
	for (unsigned has = 0; has < 8; has++) {
		char words[100] = "";
		struct want x;
		struct world w;

		want_begin(&x);
		world_complete(&w, &x);
		w.groups[0].n_ingress = w.groups[0].n_egress = 0;
		for (unsigned k = 0; k < 3; k++) {
			if (has & 1U << k)
				world_rule(&w, &w.groups[0], &home_rules[k]);
		}
		(void)snprintf(words, sizeof(words), "%s%s%s",
			(has & 3) != 3 ? "authorize-ingress(sg-4)" : "",
			(has & 3) != 3 && !(has & 4) ? " " : "",
			!(has & 4) ? "authorize-egress(sg-4)" : "");
		plans(&x, &w, words, 0, NULL);
	}
}

static void test_rules_too_many(void **state)
{
	static const struct {
		struct rule rule;
		const char *words;
		size_t notes;
	} cases[] = {
		{ { 0, "tcp", 22, 22, RULE_IPV4, "0.0.0.0/0", NULL, "" }, "revoke-ingress(sg-4)",
			0 },
		{ { 0, "tcp", 22, 22, RULE_IPV4, "198.51.100.0/24", NULL, "old" },
			"revoke-ingress(sg-4)", 0 },
		{ { 1, "tcp", 22, 22, RULE_IPV4, "198.51.100.0/24", NULL, "office" },
			"revoke-egress(sg-4)", 0 },
		{ { 1, "-1", 0, 0, RULE_IPV6, "::/0", NULL, "" }, "revoke-egress(sg-4)", 0 },
		{ { 1, "-1", 0, 0, RULE_GROUP, RULE_SELF, NULL, "" }, "revoke-egress(sg-4)", 0 },
		/* Of this region only: not ours to judge. */
		{ { 0, "-1", 0, 0, RULE_GROUP, "sg-other", NULL, "" }, "", 1 },
		{ { 0, "tcp", 443, 443, RULE_PREFIX_LIST, "pl-1", NULL, "" }, "", 1 },
		/* There already. */
		{ { 0, "6", 22, 22, RULE_IPV4, "198.51.100.0/24", NULL, "office" }, "", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct want x;
		struct world w;

		want_begin(&x);
		world_complete(&w, &x);
		world_rule(&w, &w.groups[0], &cases[i].rule);
		plans(&x, &w, cases[i].words, cases[i].notes,
			cases[i].notes ? "unknown at home" : NULL);
	}
}

/* AWS takes two that differ in their description for the same, so the old one goes first. */
static void test_a_changed_description(void **state)
{
	static const struct rule old = { 0, "tcp", 22, 22, RULE_IPV4, "198.51.100.0/24", NULL,
		"x" };
	struct want x;
	struct world w;

	(void)state;
	want_begin(&x);
	world_complete(&w, &x);
	w.groups[0].n_ingress = 0;
	world_rule(&w, &w.groups[0], &old);
	world_rule(&w, &w.groups[0], &home_rules[1]);
	plans(&x, &w, "revoke-ingress(sg-4) authorize-ingress(sg-4)", 0, NULL);
}

/* EC2 gives a new group all egress over IPv4, which home may not have. */
static void test_the_default_egress_rule(void **state)
{
	static const struct rule narrow[] = {
		{ 1, "tcp", 443, 443, RULE_IPV4, "0.0.0.0/0", NULL, "" },
	};
	struct want x;
	struct world w;

	(void)state;
	want_begin(&x);
	world_complete(&w, &x);
	w.o.groups.n = 0;
	plans(&x, &w, "create-group authorize-ingress", 0, NULL);
	want_rules(&x, narrow, 1);
	plans(&x, &w, "create-group revoke-egress authorize-egress", 0, NULL);
	want_rules(&x, narrow, 0);
	plans(&x, &w, "create-group revoke-egress", 0, NULL);
}

static void test_regional_rules_at_home(void **state)
{
	static const struct rule regional[] = {
		{ 1, "-1", 0, 0, RULE_IPV4, "0.0.0.0/0", NULL, "" },
		{ 0, "tcp", 22, 22, RULE_GROUP, "sg-bastion", NULL, "" },
		{ 0, "tcp", 443, 443, RULE_PREFIX_LIST, "pl-1", NULL, "" },
	};
	struct want x;
	struct world w;

	(void)state;
	want_begin(&x);
	want_rules(&x, regional, 3);
	world_complete(&w, &x);
	plans(&x, &w, "", 2, "sg-bastion");
	plans(&x, &w, "", 2, "pl-1");
}

/* The fleet's group is that in the default VPC. */
static void test_a_group_elsewhere(void **state)
{
	struct want x;
	struct world w;

	(void)state;
	want_begin(&x);
	world_complete(&w, &x);
	w.groups[0].vpc_id = S("vpc-other");
	plans(&x, &w, "create-group authorize-ingress", 0, NULL);
	x.d.has_group = 0;
	is_blocked(&x, &w, "has no security group 'NAVO'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_empty_region),
		cmocka_unit_test(test_a_complete_region),
		cmocka_unit_test(test_no_default_vpc),
		cmocka_unit_test(test_images),
		cmocka_unit_test(test_a_copy_of_an_older_image),
		cmocka_unit_test(test_key_pairs),
		cmocka_unit_test(test_a_key_that_cannot_be_imported),
		cmocka_unit_test(test_missing_rules),
		cmocka_unit_test(test_rules_too_many),
		cmocka_unit_test(test_a_changed_description),
		cmocka_unit_test(test_the_default_egress_rule),
		cmocka_unit_test(test_regional_rules_at_home),
		cmocka_unit_test(test_a_group_elsewhere),
	};

	return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
