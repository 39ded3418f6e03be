/*
 * Which of the things that a region has are meant: the fleet's own, the one, and where.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plan_world.h"

/* ---- Whose */

static void test_whose(void **state)
{
	static const struct {
		const char *name, *tag;
		int fleets, tagged;
	} cases[] = {
		{ "NAVO", "NAVO", 1, 1 },
		{ "other", "NAVO", 1, 1 },
		{ NULL, "NAVO", 1, 1 },
		{ "NAVO", NULL, 1, 0 },
		{ "other", NULL, 0, 0 },
		{ NULL, NULL, 0, 0 },
		/* Of the same name, but another fleet's. */
		{ "NAVO", "OTHER", 0, 0 },
		{ "NAVO", "NAV", 0, 0 },
		{ "NAVO", "navo", 0, 0 },
		{ "NAVO", "", 0, 0 },
		{ "navo", NULL, 0, 0 },
		{ "NAVO-2", NULL, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct awsq_ec2_tag tags[] = { { S("a"), S("NAVO") },
			{ S(TAG_FLEET), S(cases[i].tag) } };
		size_t n = cases[i].tag ? 2 : 1;

		assert_int_equal(is_fleets(FLEET_NAME, cases[i].name, tags, n), cases[i].fleets);
		assert_int_equal(is_tagged(FLEET_NAME, tags, n), cases[i].tagged);
	}
	assert_int_equal(is_fleets(FLEET_NAME, NULL, NULL, 0), 0);
}

/* ---- Instances */

static void test_profiles(void **state)
{
	static const struct {
		const char *arn, *name;
	} cases[] = {
		{ "arn:aws:iam::123456789012:instance-profile/role", "role" },
		{ "arn:aws:iam::123456789012:instance-profile/a/path/role", "role" },
		{ "not-an-arn", NULL },
		{ NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct awsq_ec2_instance instance = { .profile_arn = S(cases[i].arn) };
		const char *name = instance_profile(&instance);

		assert_int_equal(name != NULL, cases[i].name != NULL);
		if (name)
			assert_string_equal(name, cases[i].name);
	}
	assert_null(instance_profile(NULL));
}

static void test_protection(void **state)
{
	struct world w;

	(void)state;
	world_begin(&w);
	world_instance(&w, "stopped", 0);
	world_instance(&w, "stopped", 0);
	assert_ptr_equal(observed_attributes(&w.o, &w.instances[1]), &w.attributes[1]);
	for (int i = 0; i < 4; i++) {
		w.attributes[1].disable_api_stop = i & 1;
		w.attributes[1].disable_api_termination = i >> 1;
		assert_int_equal(instance_is_protected(&w.o, &w.instances[0]), 0);
		assert_int_equal(instance_is_protected(&w.o, &w.instances[1]), i > 0);
	}
}

/* ---- Images */

static void test_usable_images(void **state)
{
	static const char *const not [] = { "failed", "error", "invalid", "deregistered",
		"disabled", "transient", "", NULL };
	struct awsq_ec2_image image = { .state = S("available") };

	(void)state;
	assert_true(image_is_usable(&image));
	image.state = S("pending");
	assert_true(image_is_usable(&image));
	for (size_t i = 0; i < sizeof(not ) / sizeof(*not ); i++) {
		image.state = S(not [i]);
		assert_false(image_is_usable(&image));
	}
}

/* The tag tells what AWS may have lost; then AWS; and at last the name and the date. */
static void test_copies(void **state)
{
	struct awsq_ec2_image source = { .id = S("ami-home"), .name = S("NAVO") };
	struct awsq_ec2_tag tag = { S(TAG_SOURCE_IMAGE), S("ami-home") };
	struct awsq_ec2_image image = { .name = S("x"), .tags = &tag, .n_tags = 1 };

	(void)state;
	image.source_image_id = S("ami-older");
	assert_string_equal(image_source(&image), "ami-home");
	assert_true(image_is_copy(&image, &source));
	image.n_tags = 0;
	assert_string_equal(image_source(&image), "ami-older");
	assert_false(image_is_copy(&image, &source));
	image.source_image_id = S("ami-home");
	assert_true(image_is_copy(&image, &source));
	image.source_image_id = NULL;
	assert_null(image_source(&image));
	assert_false(image_is_copy(&image, &source));
	image.name = S("NAVO");
	assert_true(image_is_copy(&image, &source));
	image.creation_date = S("2026-01-01T00:00:00.000Z");
	assert_true(image_is_copy(&image, &source));
	source.creation_date = S("2026-01-01T00:00:00.000Z");
	assert_true(image_is_copy(&image, &source));
	source.creation_date = S("2026-01-02T00:00:00.000Z");
	assert_false(image_is_copy(&image, &source));
}

/* ---- Places */

static void test_placement(void **state)
{
	static const struct {
		const char *vpc, *subnet; /* in regions.cfg */
		size_t vpcs;              /* that were found, the first one the default or not */
		int is_default;
		size_t subnets;
		const char *vpc_id, *subnet_id, *error; /* part of it */
	} cases[] = {
		{ NULL, NULL, 1, 1, 0, "vpc-1", NULL, "" },
		{ NULL, NULL, 1, 1, 2, "vpc-1", NULL, "" },
		{ NULL, NULL, 1, 0, 0, NULL, NULL, "aws ec2 create-default-vpc --region r-1" },
		{ NULL, NULL, 0, 0, 0, NULL, NULL, "aws ec2 create-default-vpc --region r-1" },
		{ NULL, NULL, 2, 1, 0, NULL, NULL, "2 VPCs" },
		{ "web", NULL, 1, 0, 1, "vpc-1", "subnet-1", "" },
		{ "web", NULL, 0, 0, 0, NULL, NULL, "no VPC 'web' here" },
		{ "web", NULL, 1, 0, 0, NULL, NULL, "VPC 'vpc-1' has no subnet" },
		{ "web", NULL, 2, 0, 1, NULL, NULL,
			"2 VPCs have the Name tag 'web', 'vpc-1' and 'vpc-2' among them" },
		{ NULL, "a", 0, 0, 1, "vpc-1", "subnet-1", "" },
		{ "web", "a", 1, 1, 1, "vpc-1", "subnet-1", "" },
		{ NULL, "a", 1, 1, 0, NULL, NULL, "no subnet 'a' here" },
		{ NULL, "a", 1, 1, 2, NULL, NULL,
			"2 subnets have the Name tag 'a', 'subnet-1' and 'subnet-2' among them" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct config_region place = { .vpc = S(cases[i].vpc),
			.subnet = S(cases[i].subnet) };
		struct placement p;
		struct world w;

		world_begin(&w);
		world_subnet(&w, "subnet-1", "vpc-1", "zone-b", 1);
		world_subnet(&w, "subnet-2", "vpc-1", "zone-c", 1);
		w.vpcs[0] = (struct awsq_ec2_vpc){ .id = S("vpc-1"),
			.is_default = cases[i].is_default };
		w.vpcs[1] = (struct awsq_ec2_vpc){ .id = S("vpc-2") };
		w.o.vpcs.n = cases[i].vpcs;
		w.o.subnets.n = cases[i].subnets;
		chosen_placement(&p, &w.o, &place, "r-1");
		assert_int_equal(p.vpc_id != NULL, cases[i].vpc_id != NULL);
		assert_int_equal(p.subnet_id != NULL, cases[i].subnet_id != NULL);
		assert_int_equal(p.zone != NULL, cases[i].subnet_id != NULL);
		assert_int_equal(p.error[0] != '\0', p.vpc_id == NULL);
		assert_non_null(strstr(p.error, cases[i].error));
		if (p.vpc_id)
			assert_string_equal(p.vpc_id, cases[i].vpc_id);
		if (p.subnet_id)
			assert_string_equal(p.subnet_id, cases[i].subnet_id);
		if (p.zone)
			assert_string_equal(p.zone, "zone-b");
	}
}

/* Of a VPC's subnets always the same one, as long as it has room. */
static void test_any_subnet(void **state)
{
	static const int orders[][3] = { { 0, 1, 2 }, { 2, 1, 0 }, { 1, 2, 0 } };
	static const struct {
		const char *id, *zone;
	} subnets[] = { { "subnet-9", "zone-a" }, { "subnet-5", "zone-b" },
		{ "subnet-1", "zone-b" } };
	struct config_region place = { .vpc = S("web") };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct placement p;
		struct world w;

		world_begin(&w);
		for (int k = 0; k < 3; k++)
			world_subnet(&w, subnets[orders[i][k]].id, VPC, subnets[orders[i][k]].zone,
				1);
		chosen_placement(&p, &w.o, &place, REGION);
		assert_string_equal(p.subnet_id, "subnet-9");
		for (int k = 0; k < 3; k++)
			w.subnets[k].free_addresses = w.subnets[k].zone[5] == 'b';
		chosen_placement(&p, &w.o, &place, REGION);
		assert_string_equal(p.subnet_id, "subnet-1");
		assert_string_equal(p.vpc_id, VPC);
		for (int k = 0; k < 3; k++)
			w.subnets[k].free_addresses = 0;
		chosen_placement(&p, &w.o, &place, REGION);
		assert_null(p.vpc_id);
		assert_string_equal(p.error,
			"VPC 'vpc-default' has no subnet with free addresses: make one");
	}
}

static void test_offers(void **state)
{
	struct world w;

	(void)state;
	world_begin(&w);
	assert_true(type_is_offered(&w.o, "t3a.micro", NULL));
	assert_true(type_is_offered(&w.o, "t3a.micro", REGION));
	assert_false(type_is_offered(&w.o, "t3a.micro", ZONE));
	assert_false(type_is_offered(&w.o, "t3a.mic", NULL));
	w.offerings[1].location = S(ZONE);
	assert_true(type_is_offered(&w.o, "t3a.micro", ZONE));
	assert_false(type_is_offered(&w.o, "t3.micro", ZONE));
	w.o.offerings.n = 0;
	assert_false(type_is_offered(&w.o, "t3.micro", NULL));
}

/* ---- Key pair and group */

static void test_names(void **state)
{
	struct awsq_ec2_security_group *g;
	struct awsq_ec2_key_pair *key;
	struct world w;

	(void)state;
	world_begin(&w);
	assert_null(chosen_group(&w.o, VPC));
	assert_null(chosen_key_pair(&w.o));
	world_key(&w, KEY)->name = S("NAVO-2");
	assert_null(chosen_key_pair(&w.o));
	key = world_key(&w, KEY);
	assert_ptr_equal(chosen_key_pair(&w.o), key);
	world_group(&w, FLEET_NAME, "vpc-other");
	world_group(&w, "web", VPC);
	assert_null(chosen_group(&w.o, VPC));
	g = world_group(&w, FLEET_NAME, VPC);
	assert_ptr_equal(chosen_group(&w.o, VPC), g);
	assert_ptr_equal(chosen_group(&w.o, "vpc-other"), &w.groups[0]);
	assert_null(chosen_group(&w.o, NULL));
}

/* ---- Snapshots */

/* "snap-1:8GiB:tagged:ami-2 ..." */
static int add_snapshot(void *arg, const char *id, int64_t gib,
	const struct awsq_ec2_snapshot *snapshot, const struct awsq_ec2_image *image)
{
	struct awsq_buf *out = arg;

	if (snapshot)
		assert_string_equal(snapshot->id, id);
	awsq_buf_addf(out, "%s%s:%dGiB:%s:%s", out->len ? " " : "", id, (int)gib,
		snapshot ? "tagged" : "untagged", image ? image->id : "none");
	return out->len > 200;
}

static void snapshots_are(const struct world *w, const char *expected)
{
	struct awsq_buf text = AWSQ_BUF_INIT(1000);

	assert_int_equal(observed_each_snapshot(&w->o, add_snapshot, &text), 0);
	assert_string_equal(awsq_buf_str(&text), expected);
	awsq_buf_free(&text);
}

/* Each once, however many tell of it. */
static void test_each_snapshot(void **state)
{
	struct awsq_ec2_image *image;
	struct awsq_buf text = AWSQ_BUF_INIT(1000);
	struct world w;

	(void)state;
	world_begin(&w);
	snapshots_are(&w, "");
	image = world_image(&w, "available", HOME_IMAGE);
	world_snapshot(&w, image, 1);
	world_snapshot(&w, image, 0);
	world_snapshot(&w, NULL, 1);
	snapshots_are(&w, "snap-2:8GiB:tagged:ami-1 snap-4:8GiB:tagged:none "
			  "snap-3:8GiB:untagged:ami-1");
	/* Two images of one snapshot, and one that has it twice. */
	image = world_image(&w, "available", HOME_IMAGE);
	image->n_devices = 2;
	image->devices[0] = w.devices[0][1];
	image->devices[1] = w.devices[0][1];
	snapshots_are(&w, "snap-2:8GiB:tagged:ami-1 snap-4:8GiB:tagged:none "
			  "snap-3:8GiB:untagged:ami-1");
	w.images[0].n_devices = 0;
	snapshots_are(&w, "snap-2:8GiB:tagged:none snap-4:8GiB:tagged:none "
			  "snap-3:8GiB:untagged:ami-5");
	/* A device without one. */
	image->devices[0].snapshot_id = S("");
	image->devices[1].snapshot_id = NULL;
	snapshots_are(&w, "snap-2:8GiB:tagged:none snap-4:8GiB:tagged:none");
	/* What is called may end it. */
	awsq_buf_addf(&text, "%200s", "");
	assert_int_equal(observed_each_snapshot(&w.o, add_snapshot, &text), 1);
	assert_non_null(strstr(awsq_buf_str(&text), "snap-2"));
	assert_null(strstr(awsq_buf_str(&text), "snap-4"));
	awsq_buf_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whose),
		cmocka_unit_test(test_profiles),
		cmocka_unit_test(test_protection),
		cmocka_unit_test(test_usable_images),
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_placement),
		cmocka_unit_test(test_any_subnet),
		cmocka_unit_test(test_offers),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_each_snapshot),
	};

	return cmocka_run_group_tests_name("chosen", tests, NULL, NULL);
}
