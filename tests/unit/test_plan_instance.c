/*
 * What config-region plans for a region's instance, and in the home region.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plan_world.h"

/* Plans, and expects these actions and notes that have these parts, one for one. */
static void plans(const struct want *x, const struct world *w, const char *words,
	const char *const notes[], size_t n_notes)
{
	struct plan p;

	assert_int_equal(plan_provision(&p, &x->d, &w->o, &w->region), 0);
	assert_string_equal(p.blocked, "");
	assert_string_equal(plan_words(&p), words);
	if (p.n_notes != n_notes)
		fail_msg("%zu notes, first: %s", p.n_notes, p.n_notes ? p.notes[0] : "none");
	for (size_t i = 0; i < n_notes; i++) {
		if (!strstr(p.notes[i], notes[i]))
			fail_msg("note: %s", p.notes[i]);
	}
	plan_free(&p);
}

static void test_states(void **state)
{
	static const struct {
		const char *state;
		int later;
		const char *words;
	} cases[] = {
		/* Made and never stopped: by a run of config-region that did not end. */
		{ "pending", 0, "stop-instance(i-5)" },
		{ "running", 0, "stop-instance(i-5)" },
		{ "stopping", 0, "stop-instance(i-5)" },
		{ "stopped", 0, "" },
		/* So new that its volume is not attached yet. */
		{ "pending", -1, "stop-instance(i-5)" },
		/* Awake for a job: left alone. */
		{ "pending", 3600, "" },
		{ "running", 3600, "" },
		{ "running", 120, "" },
		{ "stopping", 3600, "" },
		{ "stopped", 3600, "" },
		/* Gone, or on the way. */
		{ "terminated", 3600, "run-instance stop-instance" },
		{ "shutting-down", 0, "run-instance stop-instance" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct want x;
		struct world w;

		want_begin(&x);
		world_complete(&w, &x);
		w.o.instances.n = 0;
		w.n_ids--;
		world_instance(&w, cases[i].state, cases[i].later);
		w.o.in_use = 1;
		plans(&x, &w, cases[i].words, NULL, 0);
	}
}

/* One that runs though nothing here needs it is told of, since it costs; but it is not ours. */
static void test_one_that_nobody_needs(void **state)
{
	static const char *const notes[] = { "no run of this machine needs it" };
	struct want x;
	struct world w;

	(void)state;
	want_begin(&x);
	world_complete(&w, &x);
	w.instances[0].launch_time = LAUNCHED + 3600;
	w.instances[0].state = S("running");
	plans(&x, &w, "", notes, 1);
	w.o.in_use = 1;
	plans(&x, &w, "", NULL, 0);
	w.o.in_use = 0;
	w.instances[0].state = S("stopping");
	plans(&x, &w, "", NULL, 0);
}

/* Terminated ones are listed for an hour; they neither count nor are picked. */
static void test_several(void **state)
{
	struct want x;
	struct world w;
	struct plan p;

	(void)state;
	want_begin(&x);
	world_complete(&w, &x);
	world_instance(&w, "terminated", 0);
	world_instance(&w, "shutting-down", 0);
	plans(&x, &w, "", NULL, 0);
	world_instance(&w, "stopped", 0);
	assert_int_equal(plan_provision(&p, &x.d, &w.o, &w.region), 0);
	assert_non_null(strstr(p.blocked, "2 instances have the Name tag 'NAVO'"));
	plan_free(&p);
}

/* What an instance was made with is told of, not changed. */
static void test_differences(void **state)
{
	static const char *const notes[] = { "type should be", "image should be ami-1, is ami-old",
		"key pair should be NAVO, is OLD", "security group should be sg-4, is sg-old",
		"instance profile should be role, is other",
		"metadata tokens (IMDSv2) should be required, is optional" };
	static const char *const none[] = { "is none", "is none", "is none", "is none", "is none",
		"is none" };
	struct awsq_ec2_instance *i;
	struct want x;
	struct world w;

	(void)state;
	want_begin(&x);
	world_complete(&w, &x);
	i = &w.instances[0];
	i->type = S("m7i.metal-48xl");
	i->image_id = S("ami-old");
	i->key_name = S("OLD");
	w.refs[0].id = S("sg-old");
	i->profile_arn = S("arn:aws:iam::123456789012:instance-profile/other");
	i->http_tokens = S("optional");
	plans(&x, &w, "", notes, 6);
	i->type = i->image_id = i->key_name = i->profile_arn = i->http_tokens = NULL;
	i->n_groups = 0;
	plans(&x, &w, "", none, 6);
}

static void test_what_is_no_difference(void **state)
{
	static const char *const wrong_type[] = { "type should be" };
	static const char *const extra_group[] = { "security group should be sg-4" };
	static const char *const profile[] = { "instance profile should be none, is role" };
	struct awsq_ec2_group_ref two[2] = { { NULL, NULL }, { S("sg-x"), S("x") } };
	char *own_type = S("c7g.large");
	struct config_region region = { S("eu-west-3"), { &own_type, 1 } };
	struct want x;
	struct world w;

	(void)state;
	want_begin(&x);
	world_complete(&w, &x);
	/* Any of the types will do; the region's own, where it has some. */
	w.instances[0].type = S("t3a.micro");
	plans(&x, &w, "", NULL, 0);
	w.region.config = &region;
	plans(&x, &w, "", wrong_type, 1);
	w.instances[0].type = S("c7g.large");
	plans(&x, &w, "", NULL, 0);
	/* A group too many. */
	two[0] = w.refs[0];
	w.instances[0].groups = two;
	w.instances[0].n_groups = 2;
	plans(&x, &w, "", extra_group, 1);
	w.instances[0].n_groups = 1;
	/* No profile is wanted. */
	x.d.profile_name = NULL;
	plans(&x, &w, "", profile, 1);
	w.instances[0].profile_arn = NULL;
	plans(&x, &w, "", NULL, 0);
}

/* At home neither image nor rules are copied; and its instance is of another image. */
static void test_home(void **state)
{
	struct want x;
	struct world w;

	(void)state;
	want_begin(&x);
	world_complete(&w, &x);
	w.region.name = "us-west-2";
	w.images[0].id = S(HOME_IMAGE);
	w.images[0].n_tags = 0;
	w.instances[0].image_id = S("ami-of-amazon");
	plans(&x, &w, "", NULL, 0);
	world_rule(&w, &w.groups[0],
		&(struct rule){ 0, "-1", 0, 0, RULE_IPV4, "0.0.0.0/0", NULL, "" });
	plans(&x, &w, "", NULL, 0);
	w.o.key_pairs.n = 0;
	w.o.instances.n = 0;
	plans(&x, &w, "import-key-pair run-instance stop-instance", NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_one_that_nobody_needs),
		cmocka_unit_test(test_several),
		cmocka_unit_test(test_differences),
		cmocka_unit_test(test_what_is_no_difference),
		cmocka_unit_test(test_home),
	};

	return cmocka_run_group_tests_name("plan_instance", tests, NULL, NULL);
}
