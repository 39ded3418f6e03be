/*
 * regions.cfg: every value of a good file, and what holds in which region.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config_case.h"

/* The example that is delivered, which is also the one that the manual explains. */
static void test_example(void **state)
{
	static const char *const types[] = { "t3.micro", "t3a.micro", "t2.micro" };
	static const char *const regions[] = { "us-west-2", "us-east-1", "sa-east-1", "eu-west-3",
		"ap-northeast-1", "ap-southeast-2" };
	char path[PATH_MAX + 16];
	struct awsq_err err;
	struct config c;

	(void)state;
	(void)setenv("HOME", "/home/ann", 1);
	(void)snprintf(path, sizeof(path), "%s/regions.cfg", checkout);
	assert_int_equal(config_load(&c, path, &err), 0);
	assert_string_equal(c.path, path);
	assert_string_equal(c.name, "NAVO");
	assert_string_equal(c.home, "us-west-2");
	assert_strings(&c.elsewhere.instance_types, types, 3);
	assert_string_equal(c.key, "/home/ann/.ssh/NAVO.pem");
	assert_string_equal(c.role, "AmazonSSMRoleForInstancesQuickSetup");
	assert_int_equal(c.max_uptime, 7200);
	assert_string_equal(c.job_user, "ec2-user");
	assert_int_equal(c.job_port, 22);
	assert_string_equal(c.job_command, "cd ServiceMon && ./aws.sh");
	assert_int_equal(c.job_timeout, 1800);
	assert_int_equal(c.n_regions, 6);
	for (size_t i = 0; i < 6; i++) {
		assert_string_equal(c.regions[i].name, regions[i]);
		assert_ptr_equal(config_region(&c, regions[i]), &c.regions[i]);
		assert_strings(&c.regions[i].instance_types, types, i == 2 ? 1 : 3);
	}
	assert_null(config_region(&c, "eu-west-1"));
	config_free(&c);
	assert_null(c.regions);
	config_free(&c);
	config_free(NULL);
}

/* What is not said has its default; a text may stand for a list of one, a list for an array. */
static void test_defaults(void **state)
{
	static const char *const types[] = { "u-6tb1.112xlarge", "r7iz.metal-16xl" };
	struct config c;

	(void)state;
	load_text(&c, FLEET "};\n" REGIONS);
	assert_string_equal(c.path, "regions.cfg");
	assert_string_equal(c.key, "/k.pem");
	assert_null(c.role);
	assert_string_equal(c.job_user, "ec2-user");
	assert_int_equal(c.job_port, 22);
	assert_null(c.job_command);
	assert_int_equal(c.job_timeout, 7200);
	assert_string_equal(c.regions[0].instance_types.items[0], "t3.micro");
	assert_string_equal(config_image(&c), "NAVO");
	assert_int_equal(c.keep_images, 0);
	assert_false(c.encrypt || config_encrypts(&c, &c.elsewhere));
	assert_null(c.regions[0].vpc);
	assert_null(c.regions[0].subnet);
	assert_null(c.regions[0].kms_key);
	config_free(&c);

	load_text(&c,
		FLEET "};\nregions = \"us-gov-west-1\"; job: { port: 65535; user = \"_a.b-c\" }\n"
		      "override = { us-gov-west-1 = { instance_type = "
		      "(\"u-6tb1.112xlarge\", \"r7iz.metal-16xl\"); } }");
	assert_int_equal(c.job_port, 65535);
	assert_string_equal(c.job_user, "_a.b-c");
	assert_string_equal(c.regions[0].name, "us-gov-west-1");
	assert_strings(&c.regions[0].instance_types, types, 2);
	config_free(&c);
}

static void assert_place(const struct config *c, const char *region, const char *type,
	const char *vpc, const char *subnet, const char *kms_key)
{
	const struct config_region *place = config_place(c, region);

	assert_string_equal(place->instance_types.items[0], type);
	assert_string_equal(place->vpc, vpc);
	assert_string_equal(place->subnet, subnet);
	assert_string_equal(place->kms_key, kms_key);
	assert_true(config_encrypts(c, place));
	if (!place->name)
		place = NULL;
	if (strcmp(region, c->home) == 0)
		assert_null(config_region(c, region));
	else
		assert_ptr_equal(config_region(c, region), place);
}

/* Each setting is the override's or the fleet's; home may have one though it is not listed. */
static void test_what_holds_where(void **state)
{
	struct config c;

	(void)state;
	load_text(&c, FLEET
		"vpc = \"vpc-main\"; subnet = \"night shift\"; kms_key = \"alias/x/Y:z_\"; };\n"
		"regions = [ \"eu-west-3\", \"eu-west-2\", \"eu-west-1\" ];\n"
		"override = {\n"
		"us-west-2 = { kms_key = \"" KEY_ARN "\"; };\n"
		"eu-west-2 = { vpc = \"vpc-0123456789abcdef0\"; kms_key = \"" KEY_ID "\"; };\n"
		"eu-west-1 = { subnet = \"subnet-0123abcd\"; instance_type = \"c5.large\";\n"
		"kms_key = \"arn:aws:kms:eu-west-1:123456789012:alias/own\"; }; };");
	assert_int_equal(c.n_regions, 3);
	assert_place(&c, "eu-west-3", "t3.micro", "vpc-main", "night shift", "alias/x/Y:z_");
	assert_place(&c, "eu-west-2", "t3.micro", "vpc-0123456789abcdef0", "night shift", KEY_ID);
	assert_place(&c, "eu-west-1", "c5.large", "vpc-main", "subnet-0123abcd",
		"arn:aws:kms:eu-west-1:123456789012:alias/own");
	assert_place(&c, "us-west-2", "t3.micro", "vpc-main", "night shift", KEY_ARN);
	assert_string_equal(config_place(&c, "us-west-2")->name, "us-west-2");
	assert_place(&c, "sa-east-1", "t3.micro", "vpc-main", "night shift", "alias/x/Y:z_");
	assert_null(config_place(&c, "sa-east-1")->name);
	config_free(&c);
}

/* Encryption may be asked for everywhere, or where there is a key. */
static void test_where_copies_are_encrypted(void **state)
{
	struct config c;

	(void)state;
	load_text(&c, FLEET "encrypt = true; keep_images = 100; };\n" REGIONS);
	assert_int_equal(c.keep_images, 100);
	assert_true(config_encrypts(&c, config_place(&c, "eu-west-3")));
	assert_true(config_encrypts(&c, config_place(&c, "sa-east-1")));
	config_free(&c);
	load_text(&c, FLEET "encrypt = false; };\n" REGIONS
			    "override = { eu-west-3 = { kms_key = \"" MRK_ID "\"; }; };");
	assert_true(config_encrypts(&c, config_place(&c, "eu-west-3")));
	assert_false(config_encrypts(&c, config_place(&c, "us-west-2")));
	config_free(&c);
}

static void test_which_images_are_meant(void **state)
{
	static const struct {
		const char *image, *name;
		int matches;
	} cases[] = {
		{ "NAVO", "NAVO", 1 },
		{ "NAVO", "NAVO-1", 0 },
		{ "NAVO", "NAV", 0 },
		{ "NAVO", "navo", 0 },
		{ "NAVO-*", "NAVO-2026-11-21", 1 },
		{ "NAVO-*", "NAVO-", 1 },
		{ "NAVO-*", "NAVO", 0 },
		{ "NAVO-*", "MY-NAVO-1", 0 },
		{ "NA*-x", "NAVO-x", 1 },
		{ "NA*-x", "NA-x", 1 },
		{ "NA*-x", "NA-x-x", 1 },
		{ "NA*-x", "NAVO-x2", 0 },
		/* The same letter cannot stand before the star and behind it. */
		{ "abc*cde", "abcde", 0 },
		{ "abc*cde", "abccde", 1 },
		/* What would be special in other patterns is not. */
		{ "a[b].c", "a[b].c", 1 },
		{ "a[b].c", "ab.c", 0 },
		{ "a[b].c", "a[b]xc", 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char text[512];
		struct config c;

		(void)snprintf(text, sizeof(text), FLEET "image = \"%s\"; };\n" REGIONS,
			cases[i].image);
		load_text(&c, text);
		assert_string_equal(config_image(&c), cases[i].image);
		if (config_image_matches(&c, cases[i].name) != cases[i].matches)
			fail_msg("'%s' and '%s'", cases[i].image, cases[i].name);
		config_free(&c);
	}
}

static void test_ids(void **state)
{
	(void)state;
	assert_true(config_is_id("vpc-0123abcd"));
	assert_true(config_is_id("subnet-0123456789abcdef0"));
	assert_false(config_is_id("i-0123456789abcdef0"));
	assert_false(config_is_id("vpc-production"));
	assert_false(config_is_id("vpc-"));
	assert_false(config_is_id("vpc-facade"));
	assert_false(config_is_id("subnet-0123abcd east"));
	assert_false(config_is_id("main"));
}

static void test_lists_that_just_fit(void **state)
{
	struct config c;

	(void)state;
	load_text(&c, FLEET "};\n" REGIONS "override = { eu-west-3 = { instance_type = [ " SIXTEEN
			    " ]; }; };");
	assert_int_equal(c.regions[0].instance_types.n, 16);
	assert_int_equal(config_place(&c, "us-west-2")->instance_types.n, 1);
	config_free(&c);
}

static void test_accounts(void **state)
{
	struct config c;

	(void)state;
	load_text(&c, FLEET "};\n" REGIONS);
	assert_int_equal(c.n_accounts, 0);
	assert_null(c.accounts);
	config_free(&c);
	load_text(&c, FLEET "};\n" REGIONS "accounts = (\n"
			    "  { name = \"prod\"; external_id = \"a/b:c\";\n"
			    "    role_arn = \"arn:aws-us-gov:iam::123456789012:role/x/y@z\"; },\n"
			    "  { profile = \"the lab\"; name = \"012345678901234567890-2B\"; } );");
	assert_int_equal(c.n_accounts, 2);
	assert_string_equal(c.accounts[0].name, "prod");
	assert_string_equal(c.accounts[0].role_arn, "arn:aws-us-gov:iam::123456789012:role/x/y@z");
	assert_string_equal(c.accounts[0].external_id, "a/b:c");
	assert_null(c.accounts[0].profile);
	assert_string_equal(c.accounts[1].name, "012345678901234567890-2B");
	assert_string_equal(c.accounts[1].profile, "the lab");
	assert_null(c.accounts[1].role_arn);
	config_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_example),
		TEST(test_defaults),
		TEST(test_what_holds_where),
		TEST(test_where_copies_are_encrypted),
		TEST(test_which_images_are_meant),
		TEST(test_ids),
		TEST(test_lists_that_just_fit),
		TEST(test_accounts),
	};

	return cmocka_run_group_tests(tests, make_root, remove_root);
}
