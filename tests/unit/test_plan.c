/*
 * What config-region plans for a region as a whole: where, the key pair, what was made by hand.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plan_expect.h"

static void test_an_empty_region(void **state)
{
	struct want x;
	struct world w;

	(void)state;
	want_begin(&x);
	world_begin(&w);
	plans(&x, &w,
		"copy-image=NAVO import-key-pair create-group authorize-ingress wait-image "
		"run-instance stop-instance",
		"image: none -> a copy of ami-home (apply)\n"
		"key pair: none -> NAVO (apply)\n"
		"security group: none -> NAVO (apply)\n"
		"instance: none -> NAVO (apply)\n");
}

static void test_a_complete_region(void **state)
{
	struct want x;
	struct world w;

	(void)state;
	want_begin(&x);
	world_complete(&w, &x);
	plans(&x, &w, "", "");
	/* What there is no need for changes nothing. */
	x.options = (struct plan_options){ 1, 1, 2 };
	plans(&x, &w, "", "");
}

/* What whoever carries the plan out is told beside the actions. */
static void test_what_is_handed_over(void **state)
{
	struct want x;
	struct world w;
	struct plan p;

	(void)state;
	want_begin(&x);
	world_complete(&w, &x);
	assert_int_equal(plan_provision(&p, &x.d, &w.o, &w.region, &x.options), 0);
	assert_string_equal(p.image_id, "ami-1");
	assert_string_equal(p.group_id, "sg-4");
	assert_string_equal(p.vpc_id, VPC);
	assert_string_equal(p.subnet_id, "");
	assert_string_equal(p.zone, "");
	plan_free(&p);
	world_begin(&w);
	x.config.elsewhere.subnet = S("subnet-9");
	world_subnet(&w, "subnet-9", "vpc-9", "eu-west-3c", 0);
	w.offerings[1].location = S("eu-west-3c");
	assert_int_equal(plan_provision(&p, &x.d, &w.o, &w.region, &x.options), 0);
	assert_string_equal(p.blocked, "");
	assert_string_equal(p.image_id, "");
	assert_string_equal(p.group_id, "");
	assert_string_equal(p.vpc_id, "vpc-9");
	assert_string_equal(p.subnet_id, "subnet-9");
	assert_string_equal(p.zone, "eu-west-3c");
	plan_free(&p);
}

/* A plan's lines begin with what becomes of things, which is what AWS calls it. */
static void test_signs(void **state)
{
	static const struct {
		const char *verb;
		char sign;
	} verbs[] = { { "CreateTags", '~' }, { "Create", '+' }, { "Copy", '+' }, { "Import", '+' },
		{ "Run", '+' }, { "Delete", '-' }, { "Deregister", '-' }, { "Terminate", '-' },
		{ "Authorize", '~' }, { "Revoke", '~' }, { "Modify", '~' }, { "Stop", '~' },
		{ "Associate", '~' }, { "Replace", '~' }, { "Disassociate", '~' }, { "", '=' } };

	(void)state;
	for (int kind = 0; kind < N_ACTIONS; kind++) {
		struct action a = { .kind = (enum action_kind)kind };
		size_t i = 0;

		while (strncmp(action_api(&a), verbs[i].verb, strlen(verbs[i].verb)) != 0)
			i++;
		assert_int_equal(action_sign(&a), verbs[i].sign);
		assert_int_equal(action_is_change(&a), kind != ACTION_WAIT_IMAGE);
	}
}

/* ---- Where */

static void test_no_place(void **state)
{
	struct want x;
	struct world w;

	(void)state;
	want_begin(&x);
	world_complete(&w, &x);
	w.o.vpcs.n = 0;
	is_blocked(&x, &w,
		"the region has no default VPC: aws ec2 create-default-vpc --region eu-west-3, "
		"or name a vpc or subnet for it in regions.cfg");
	x.config.elsewhere.vpc = S("web");
	is_blocked(&x, &w,
		"there is no VPC 'web' here (vpc in regions.cfg): make it, or name another");
	x.config.elsewhere.subnet = S("web-a");
	is_blocked(&x, &w,
		"there is no subnet 'web-a' here (subnet in regions.cfg): make it, or name "
		"another");
}

/* Of the types of regions.cfg one is offered at least, where instances go. */
static void test_types_on_offer(void **state)
{
	struct want x;
	struct world w;

	(void)state;
	want_begin(&x);
	world_complete(&w, &x);
	w.o.offerings.n = 0;
	/* What is there is not in want of an offer. */
	plans(&x, &w, "", "");
	w.o.instances.n = w.o.volumes.n = 0;
	is_blocked(&x, &w,
		"no type of instance_type is offered in eu-west-3: t3.micro, t3a.micro; name "
		"another one");
	w.o.offerings.n = 1;
	plans(&x, &w, "run-instance stop-instance", "instance: none -> NAVO (apply)\n");
	x.config.elsewhere.subnet = S(SUBNET);
	world_subnet(&w, SUBNET, VPC, ZONE, 10);
	w.offerings[0].location = S("eu-west-3b");
	is_blocked(&x, &w,
		"no type of instance_type is offered in eu-west-3a: t3.micro, t3a.micro; name "
		"another one");
	w.offerings[0].location = S(ZONE);
	plans(&x, &w, "run-instance stop-instance", "instance: none -> NAVO (apply)\n");
}

/* ---- Key pairs */

static void test_key_pairs(void **state)
{
	static const struct {
		const char *public_key;
		int is_same;
	} cases[] = {
		{ KEY, 1 },
		{ KEY "\n", 1 },
		{ "  " KEY "  another comment\n", 1 },
		{ OTHER_KEY, 0 },
		{ "", 0 },
		{ "ssh-rsa " KEY_BLOB, 0 },
		{ NULL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct want x;
		struct world w;

		want_begin(&x);
		world_complete(&w, &x);
		w.key_pairs[0].public_key = S(cases[i].public_key);
		if (cases[i].is_same)
			plans(&x, &w, "", "");
		else
			plans(&x, &w, "delete-key-pair(NAVO) import-key-pair",
				"key pair NAVO public key: SHA256:here -> SHA256:navo (apply)\n");
	}
}

/* Pairs of other names do not matter. */
static void test_no_key_pair(void **state)
{
	struct want x;
	struct world w;

	(void)state;
	want_begin(&x);
	world_complete(&w, &x);
	w.key_pairs[0].name = S("NAVO-2");
	plans(&x, &w, "import-key-pair", "key pair: none -> NAVO (apply)\n");
}

/* A key that EC2 does not import is in the way only where it has to be imported. */
static void test_a_key_that_cannot_be_imported(void **state)
{
	static const char reason[] =
		"the key 'navo.pem' is of type ecdsa-sha2-nistp256, which EC2 does not import: "
		"use an RSA or ed25519 key";
	struct want x;
	struct world w;

	(void)state;
	want_begin(&x);
	world_complete(&w, &x);
	x.d.key_type = "ecdsa-sha2-nistp256";
	x.d.key_importable = 0;
	plans(&x, &w, "", "");
	w.key_pairs[0].public_key = S(OTHER_KEY);
	is_blocked(&x, &w, reason);
	w.o.key_pairs.n = 0;
	is_blocked(&x, &w, reason);
}

/* ---- What was made by hand */

#define LINEAGE_TAGS "awsq:source-image:ami-home,awsq:source-region:us-west-2"
#define LINEAGE      "awsq:source-image=ami-home, awsq:source-region=us-west-2"

static void test_adoption(void **state)
{
	static const struct {
		const char *words, *differences;
	} cases[] = {
		{ "tag(ami-1)=awsq:fleet:NAVO," LINEAGE_TAGS,
			"image ami-1 tags: none -> awsq:fleet=NAVO, " LINEAGE " (apply)\n" },
		{ "tag(snap-2)=awsq:fleet:NAVO," LINEAGE_TAGS,
			"snapshot snap-2 tags: none -> awsq:fleet=NAVO, " LINEAGE " (apply)\n" },
		{ "tag(key-3)=awsq:fleet:NAVO",
			"key pair key-3 tags: none -> awsq:fleet=NAVO (apply)\n" },
		{ "tag(sg-4)=awsq:fleet:NAVO",
			"security group sg-4 tags: none -> awsq:fleet=NAVO (apply)\n" },
		{ "tag(i-5)=awsq:fleet:NAVO",
			"instance i-5 tags: none -> awsq:fleet=NAVO (apply)\n" },
		{ "tag(vol-6)=awsq:fleet:NAVO",
			"volume vol-6 tags: none -> awsq:fleet=NAVO (apply)\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct want x;
		struct world w = { 0 };
		size_t *const n_tags[] = { &w.images[0].n_tags, &w.o.snapshots.n,
			&w.key_pairs[0].n_tags, &w.groups[0].n_tags, &w.instances[0].n_tags,
			&w.volumes[0].n_tags };

		want_begin(&x);
		world_complete(&w, &x);
		/* Of a snapshot without the tag only its image tells; an instance has its name. */
		*n_tags[i] = i == 4;
		plans(&x, &w, cases[i].words, cases[i].differences);
		/* Home's are the user's own. */
		w.region.name = HOME;
		plans(&x, &w, "", "");
	}
}

/* Only what is missing is set; a value that is wrong is told. */
static void test_some_tags_missing(void **state)
{
	struct want x;
	struct world w;

	(void)state;
	want_begin(&x);
	world_complete(&w, &x);
	TAG(&w, &w.images[0], TAG_SOURCE_REGION, "us-east-1");
	plans(&x, &w, "tag(ami-1)=awsq:source-region:us-west-2",
		"image ami-1 tags: awsq:source-region=us-east-1 -> "
		"awsq:source-region=us-west-2 (apply)\n");
	/* Whoever made the image: AWS tells its source, too. */
	world_complete(&w, &x);
	w.images[0].n_tags = 1;
	w.images[0].source_image_id = S(HOME_IMAGE);
	plans(&x, &w, "tag(ami-1)=" LINEAGE_TAGS,
		"image ami-1 tags: none -> " LINEAGE " (apply)\n");
}

/* A volume that no instance has may hold what nobody has elsewhere. */
static void test_stray_volumes(void **state)
{
	struct want x;
	struct world w;

	(void)state;
	want_begin(&x);
	world_complete(&w, &x);
	world_volume(&w, NULL, 0);
	plans(&x, &w, "", "volume vol-7: available -> none (by-hand)\n");
	w.volumes[1].state = S("deleting");
	plans(&x, &w, "", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_empty_region),
		cmocka_unit_test(test_a_complete_region),
		cmocka_unit_test(test_what_is_handed_over),
		cmocka_unit_test(test_signs),
		cmocka_unit_test(test_no_place),
		cmocka_unit_test(test_types_on_offer),
		cmocka_unit_test(test_key_pairs),
		cmocka_unit_test(test_no_key_pair),
		cmocka_unit_test(test_a_key_that_cannot_be_imported),
		cmocka_unit_test(test_adoption),
		cmocka_unit_test(test_some_tags_missing),
		cmocka_unit_test(test_stray_volumes),
	};

	return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
