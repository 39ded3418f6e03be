/*
 * regions.cfg: every value of a good file, the message for each kind of bad one, and where a file
 * is looked for.
 *
 * Why so long: a row for every message that a person who writes the file may meet.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <awsq/err.h>

#include "fleet/config.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static char root[] = "/tmp/test_config.XXXXXX", checkout[PATH_MAX];

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* In the folder of its own where each test has been put. */
static void load_text(struct config *c, const char *text)
{
	struct awsq_err err;
	int rc;

	write_file("regions.cfg", text);
	awsq_err_clear(&err);
	rc = config_load(c, "regions.cfg", &err);
	if (rc != 0)
		fail_msg("%s", err.message);
}

static void assert_strings(const struct config_strings *s, const char *const *expected, size_t n)
{
	assert_int_equal(s->n, n);
	for (size_t i = 0; i < n; i++)
		assert_string_equal(s->items[i], expected[i]);
}

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

#define FLEET                                                                              \
	"fleet = { name = \"NAVO\"; home = \"us-west-2\"; instance_type = \"t3.micro\";\n" \
	"key = \"/k.pem\"; max_uptime = \"2h\";\n"
#define REGIONS "regions = [ \"eu-west-3\" ];\n"

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

#define KEY_ID  "1234abcd-12ab-34cd-56ef-1234567890ab"
#define MRK_ID  "mrk-1234abcd12ab34cd56ef1234567890ab"
#define KEY_ARN "arn:aws-us-gov:kms:us-west-2:123456789012:key/" MRK_ID

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

/* A file whose fleet group has one line of its own, the third, and one whose job group has. */
#define IN_FLEET(line) FLEET line "\n};\n" REGIONS
#define IN_JOB(line)   FLEET "};\njob = {\n" line "\n};\n" REGIONS

#define TYPE_WANTED   "an instance type such as \"t3.micro\""
#define REGION_WANTED "a region such as \"us-west-2\""

struct bad {
	const char *text;
	const char *message; /* without the file's name */
};

static void assert_refused(const struct bad *cases, size_t n, int code)
{
	for (size_t i = 0; i < n; i++) {
		struct awsq_err err;
		struct config c;
		char expected[1024];

		write_file("regions.cfg", cases[i].text);
		awsq_err_clear(&err);
		if (config_load(&c, "regions.cfg", &err) != code)
			fail_msg("%s\ngave %d: '%s'", cases[i].text, err.code, err.message);
		(void)snprintf(expected, sizeof(expected), "regions.cfg:%s", cases[i].message);
		assert_string_equal(err.message, expected);
		assert_null(c.path);
		assert_null(c.regions);
	}
}

static void test_texts_that_do_not_fit(void **state)
{
#define NAME_WANTED                                                                        \
	"3 to 128 letters, digits, blanks and \".-_@\", beginning with a letter or digit " \
	"but not with \"sg-\" and not ending with a blank"
	static const struct bad cases[] = {
		{ "fleet = {\n\n  home = \"foo bar\";\n};",
			"3: fleet.home: expected " REGION_WANTED ", found \"foo bar\"" },
		{ "fleet = { home = \"us-west2\"; };",
			"1: fleet.home: expected " REGION_WANTED ", found \"us-west2\"" },
		{ "fleet = { home = \"aws-global\"; };",
			"1: fleet.home: expected " REGION_WANTED ", found \"aws-global\"" },
		{ "fleet = { home = \"us--2\"; };",
			"1: fleet.home: expected " REGION_WANTED ", found \"us--2\"" },
		{ "fleet = { name = \"sg-navo\"; };",
			"1: fleet.name: expected " NAME_WANTED ", found \"sg-navo\"" },
		{ "fleet = { name = \"NO\"; };",
			"1: fleet.name: expected " NAME_WANTED ", found \"NO\"" },
		{ "fleet = { name = \"../NAVO\"; };",
			"1: fleet.name: expected " NAME_WANTED ", found \"../NAVO\"" },
		{ "fleet = { name = \"NAVO \"; };",
			"1: fleet.name: expected " NAME_WANTED ", found \"NAVO \"" },
		{ "fleet = { name = \"N*VO\"; };",
			"1: fleet.name: expected " NAME_WANTED ", found \"N*VO\"" },
		{ "fleet = { key = \"\"; };",
			"1: fleet.key: expected the path of a private key such as "
			"\"~/.ssh/NAVO.pem\", found \"\"" },
		{ "fleet = { key = \"~ann/key\"; };",
			"1: fleet.key: expected the path of a private key such as "
			"\"~/.ssh/NAVO.pem\", found \"~ann/key\"" },
		{ "fleet = { role = \"arn:aws:iam::1:role\"; };",
			"1: fleet.role: expected the name of an instance profile: 1 to 128 "
			"letters, digits and \"_+=,.@-\", found \"arn:aws:iam::1:role\"" },
		{ IN_JOB("user = \"-x\";"),
			"5: job.user: expected the name of a user on the instance such as "
			"\"ec2-user\", found \"-x\"" },
		{ IN_JOB("command = \" \";"),
			"5: job.command: expected a shell command of at most 262144 bytes, found "
			"\" \"" },
		/* Sixty bytes of it, but whole characters. */
		{ "fleet = { home = \"0123456789012345678901234567890123456789012345678901234567"
		  "8\xc3\xa9\"; };",
			"1: fleet.home: expected " REGION_WANTED ", found \"0123456789012345678901"
			"2345678901234567890123456789012345678...\"" },
	};

	(void)state;
	assert_refused(cases, COUNT(cases), AWSQ_EINVAL);
}

/* As many instance types as one filter takes. */
#define SIXTEEN                                                                       \
	"\"t1.x\", \"t2.x\", \"t3.x\", \"t4.x\", \"t5.x\", \"t6.x\", \"t7.x\", "      \
	"\"t8.x\", \"t9.x\", \"t10.x\", \"t11.x\", \"t12.x\", \"t13.x\", \"t14.x\", " \
	"\"t15.x\", \"t16.x\""

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

static void test_lists_that_do_not_fit(void **state)
{
	static const struct bad cases[] = {
		{ FLEET "};\nregions = [\n \"us-west-2\",\n \"us-west\"\n];",
			"6: regions: expected " REGION_WANTED ", found \"us-west\"" },
		{ FLEET "};\nregions = [\n \"us-west-2\",\n \"us-west-2\"\n];",
			"6: regions: expected each only once, found \"us-west-2\" again" },
		{ FLEET "};\nregions = [ ];",
			"4: regions: expected " REGION_WANTED ", found an empty list" },
		{ FLEET "};\nregions = ();",
			"4: regions: expected " REGION_WANTED ", found an empty list" },
		{ FLEET "};\nregions = (\"us-west-2\", 5);",
			"4: regions: expected " REGION_WANTED ", found 5" },
		{ FLEET "};\nregions = ((\"us-west-2\"));",
			"4: regions: expected " REGION_WANTED ", found a list" },
		{ FLEET "};\nregions = {};",
			"4: regions: expected " REGION_WANTED ", found a group of settings" },
		{ "fleet = { instance_type = [ \"t3.micro\", \"t3\" ]; };",
			"1: fleet.instance_type: expected " TYPE_WANTED ", found \"t3\"" },
		{ "fleet = { instance_type = [ ]; };",
			"1: fleet.instance_type: expected " TYPE_WANTED ", found an empty list" },
		{ "fleet = { instance_type = \"T3.micro\"; };",
			"1: fleet.instance_type: expected " TYPE_WANTED ", found \"T3.micro\"" },
		{ "fleet = { instance_type = \"t3.\"; };",
			"1: fleet.instance_type: expected " TYPE_WANTED ", found \"t3.\"" },
		{ IN_FLEET("}; override = { eu-west-3 = { instance_type = [\n" SIXTEEN ",\n"
			   "\"t17.x\", \"t18.x\" ]; };"),
			"5: override.eu-west-3.instance_type: expected at most 16, found \"t17.x\" "
			"as one more" },
		{ "fleet = { name = [ \"NAVO\" ]; };",
			"1: fleet.name: expected " NAME_WANTED ", found a list" },
	};

	(void)state;
	assert_refused(cases, COUNT(cases), AWSQ_EINVAL);
}

static void test_numbers_and_times_that_do_not_fit(void **state)
{
#define UPTIME_WANTED  "a time from \"1m\" to \"7d\", such as \"2h\""
#define TIMEOUT_WANTED "a time from \"1s\" to the fleet's max_uptime, such as \"30m\""
#define PORT_WANTED    "a port from 1 to 65535, such as 22"
	static const struct bad cases[] = {
		{ "fleet = { max_uptime = \"59s\"; };",
			"1: fleet.max_uptime: expected " UPTIME_WANTED ", found \"59s\"" },
		{ "fleet = { max_uptime = \"7d1s\"; };",
			"1: fleet.max_uptime: expected " UPTIME_WANTED ", found \"7d1s\"" },
		{ "fleet = { max_uptime = \"two hours\"; };",
			"1: fleet.max_uptime: expected " UPTIME_WANTED ", found \"two hours\"" },
		{ "fleet = { max_uptime = 7200; };",
			"1: fleet.max_uptime: expected " UPTIME_WANTED ", found 7200" },
		{ IN_JOB("timeout = \"0s\";"),
			"5: job.timeout: expected " TIMEOUT_WANTED ", found \"0s\"" },
		{ IN_JOB("timeout = \"2h1s\";"),
			"5: job.timeout: expected " TIMEOUT_WANTED ", found \"2h1s\"" },
		{ IN_JOB("port = 0;"), "5: job.port: expected " PORT_WANTED ", found 0" },
		{ IN_JOB("port = 65536;"), "5: job.port: expected " PORT_WANTED ", found 65536" },
		{ IN_JOB("port = 4294967318L;"),
			"5: job.port: expected " PORT_WANTED ", found 4294967318" },
		{ IN_JOB("port = \"22\";"), "5: job.port: expected " PORT_WANTED ", found \"22\"" },
		{ IN_JOB("port = 22.5;"), "5: job.port: expected " PORT_WANTED ", found 22.5" },
		{ IN_JOB("port = true;"), "5: job.port: expected " PORT_WANTED ", found true" },
	};

	(void)state;
	assert_refused(cases, COUNT(cases), AWSQ_EINVAL);
}

static void test_images_that_do_not_fit(void **state)
{
#define IMAGE_WANTED                                                                  \
	"the name of an image: 3 to 128 letters, digits, blanks and \"()[]./-'@_\", " \
	"with at most one \"*\", not in front"
	static const struct bad cases[] = {
		{ IN_FLEET("image = \"NA\";"),
			"3: fleet.image: expected " IMAGE_WANTED ", found \"NA\"" },
		{ IN_FLEET("image = \"*NAVO\";"),
			"3: fleet.image: expected " IMAGE_WANTED ", found \"*NAVO\"" },
		{ IN_FLEET("image = \"N*V*\";"),
			"3: fleet.image: expected " IMAGE_WANTED ", found \"N*V*\"" },
		{ IN_FLEET("image = \"NAVO-?\";"),
			"3: fleet.image: expected " IMAGE_WANTED ", found \"NAVO-?\"" },
		{ IN_FLEET("image = \"NAVO+\";"),
			"3: fleet.image: expected " IMAGE_WANTED ", found \"NAVO+\"" },
		{ IN_FLEET("keep_images = -1;"),
			"3: fleet.keep_images: expected a number from 0 to 100, found -1" },
		{ IN_FLEET("keep_images = 101;"),
			"3: fleet.keep_images: expected a number from 0 to 100, found 101" },
		{ IN_FLEET("encrypt = \"true\";"),
			"3: fleet.encrypt: expected true or false, without quotes, found "
			"\"true\"" },
		{ IN_FLEET("encrypt = 1;"),
			"3: fleet.encrypt: expected true or false, without quotes, found 1" },
		{ IN_FLEET("keep_images = true;"),
			"3: fleet.keep_images: expected a number from 0 to 100, found true" },
	};

	(void)state;
	assert_refused(cases, COUNT(cases), AWSQ_EINVAL);
}

static void test_networks_that_do_not_fit(void **state)
{
#define TAG_WANTED   "the value of a Name tag, without \"*\", \"?\" and \"\\\""
#define ELSEWHERE    " (an id is of one region: name it in 'override')"
#define VPC_OR_TAG   "an id such as \"vpc-0123456789abcdef0\", or " TAG_WANTED
#define IN_HOME(own) FLEET "};\n" REGIONS "override = { us-west-2 = {\n" own "\n}; };"
	static const struct bad cases[] = {
		{ IN_FLEET("vpc = \"vpc-0123456789abcdef0\";"),
			"3: fleet.vpc: expected " TAG_WANTED ELSEWHERE
			", found \"vpc-0123456789abcdef0\"" },
		{ IN_FLEET("subnet = \"subnet-0123abcd\";"),
			"3: fleet.subnet: expected " TAG_WANTED ELSEWHERE
			", found \"subnet-0123abcd\"" },
		{ IN_FLEET("subnet = \"\";"),
			"3: fleet.subnet: expected " TAG_WANTED ELSEWHERE ", found \"\"" },
		{ IN_HOME("vpc = \"NAVO*\";"),
			"6: override.us-west-2.vpc: expected " VPC_OR_TAG ", found \"NAVO*\"" },
		{ IN_HOME("subnet = \"a\\\\b\";"),
			"6: override.us-west-2.subnet: expected an id such as "
			"\"subnet-0123456789abcdef0\", or " TAG_WANTED ", found \"a\\b\"" },
	};

	(void)state;
	assert_refused(cases, COUNT(cases), AWSQ_EINVAL);
}

static void test_kms_keys_that_do_not_fit(void **state)
{
#define ALIAS_WANTED                                                                \
	"an alias such as \"alias/NAVO\" (any other key is of one region: name it " \
	"in 'override')"
#define KEY_WANTED "the id, ARN or alias (\"alias/NAVO\") of a KMS key"
#define NO_KEY(key)                        \
	IN_HOME("kms_key = \"" key "\";"), \
		"6: override.us-west-2.kms_key: expected " KEY_WANTED ", found \"" key "\""
	static const struct bad cases[] = {
		{ IN_FLEET("kms_key = \"" KEY_ID "\";"),
			"3: fleet.kms_key: expected " ALIAS_WANTED ", found \"" KEY_ID "\"" },
		{ IN_FLEET("kms_key = \"alias/\";"),
			"3: fleet.kms_key: expected " ALIAS_WANTED ", found \"alias/\"" },
		{ NO_KEY("NAVO") },
		{ NO_KEY("alias/a b") },
		{ NO_KEY("1234abcd-12ab-34cd-56ef-1234567890a") },
		{ NO_KEY("1234abcd-12ab-34cd-56ef-1234567890ag") },
		{ NO_KEY("arn:aws:kms:us-west-2:12345678901:alias/x") },
		{ IN_HOME("kms_key = \"arn:aws:kms:us-west-2:123456789012:" KEY_ID "\";"),
			"6: override.us-west-2.kms_key: expected " KEY_WANTED ", found "
			"\"arn:aws:kms:us-west-2:123456789012:1234abcd-12ab-34cd-56ef-1...\"" },
		{ NO_KEY("arn:aws:s3:us-west-2:123456789012:alias/x") },
		{ NO_KEY("arn:aws:kms:us-west-2") },
		{ IN_HOME("kms_key =\n\"arn:aws:kms:us-west-1:123456789012:alias/x\";"),
			"6: override.us-west-2.kms_key: expected a key of us-west-2, found "
			"\"arn:aws:kms:us-west-1:123456789012:alias/x\"" },
		{ IN_HOME("kms_key = \"arn:aws:kms:us-west-22:123456789012:alias/x\";"),
			"6: override.us-west-2.kms_key: expected a key of us-west-2, found "
			"\"arn:aws:kms:us-west-22:123456789012:alias/x\"" },
	};

	(void)state;
	assert_refused(cases, COUNT(cases), AWSQ_EINVAL);
}

static void test_settings_that_are_unknown_or_missing(void **state)
{
	static const struct bad cases[] = {
		{ IN_FLEET("instance_typ = \"t3.micro\";"),
			"3: unknown setting 'fleet.instance_typ'; did you mean 'instance_type'?" },
		{ IN_FLEET("availability_zone = \"a\";"),
			"3: unknown setting 'fleet.availability_zone'; known here: 'name', 'home', "
			"'instance_type', 'key', 'role', 'max_uptime', 'image', 'keep_images', "
			"'encrypt', 'kms_key', 'vpc', 'subnet', 'count', 'host_key', 'log_max', "
			"'keep_logs'" },
		{ IN_JOB("Timeout = \"1m\";"),
			"5: unknown setting 'job.Timeout'; did you mean 'timeout'?" },
		{ "regoins = [];", "1: unknown setting 'regoins'; did you mean 'regions'?" },
		{ "x = 1;", "1: unknown setting 'x'; known here: 'fleet', 'job', 'regions', "
			    "'override'" },
		{ "", " 'fleet' is missing; for example: fleet = { name = \"NAVO\"; ... }" },
		{ FLEET "};", " 'regions' is missing; for example: regions = [ \"us-west-2\", "
			      "\"us-east-1\" ]" },
		{ "\nfleet = { name = \"NAVO\"; };",
			"2: fleet: 'home' is missing; for example: home = \"us-west-2\"" },
		{ "fleet = { name = \"NAVO\"; home = \"us-west-2\"; instance_type = \"t3.micro\"; "
		  "key = \"k\"; };",
			"1: fleet: 'max_uptime' is missing; for example: max_uptime = \"2h\"" },
		{ "\nfleet = true;",
			"2: fleet: expected a group of settings, { ... }, found true" },
	};

	(void)state;
	assert_refused(cases, COUNT(cases), AWSQ_EINVAL);
}

static void test_overrides(void **state)
{
	static const struct bad cases[] = {
		{ FLEET "};\n" REGIONS "override = {\n eu-west-4 = { };\n};",
			"6: 'override.eu-west-4' is neither home nor in 'regions'; did you mean "
			"'eu-west-3'?" },
		{ "override = {\n sa-east-1 = { };\n};\n" FLEET "};\n" REGIONS,
			"2: 'override.sa-east-1' is neither home nor in 'regions'; known here: "
			"'eu-west-3', 'us-west-2'" },
		{ FLEET "};\n" REGIONS "override = {\n eu-west-3 = {\n home = \"k\"; }; };",
			"7: unknown setting 'override.eu-west-3.home'; known here: "
			"'instance_type', 'kms_key', 'vpc', 'subnet', 'count'" },
		{ FLEET "};\n" REGIONS
			"override = {\n eu-west-3 = {\n instance_type = [ 1 ]; }; };",
			"7: override.eu-west-3.instance_type: expected " TYPE_WANTED ", found 1" },
		{ FLEET "};\n" REGIONS "override = {\n eu-west-3 = \"t3.micro\"; };",
			"6: override.eu-west-3: expected a group of settings, { ... }, found "
			"\"t3.micro\"" },
		{ FLEET "};\n" REGIONS "override = [ \"eu-west-3\" ];",
			"5: override: expected a group with a group for each region, { ... }, "
			"found "
			"a list" },
	};

	(void)state;
	assert_refused(cases, COUNT(cases), AWSQ_EINVAL);
}

static void test_text_that_is_not_a_configuration(void **state)
{
	static const struct bad cases[] = {
		{ "fleet = {\n  name = \"NAVO;\n  home = \"us-west-2\";\n};",
			"4: syntax error: look here and before for a missing quote, "
			"comma or bracket" },
		{ "fleet = {\n name = \"NAVO\";\n name = \"NAVI\";\n};",
			"3: duplicate setting name" },
		{ "regions = [ \"us-west-2\", 5 ];", "1: mismatched element type in array" },
		{ "fleet = {\n  @include \"/etc\"\n};",
			"2: '@include' is not supported: write the settings here" },
	};

	(void)state;
	assert_refused(cases, COUNT(cases), AWSQ_EPARSE);
}

static void assert_unreadable(const char *path, int code, const char *message)
{
	struct awsq_err err;
	struct config c;

	assert_int_equal(config_load(&c, path, &err), code);
	assert_string_equal(err.message, message);
}

static void test_files_that_cannot_be_read(void **state)
{
	FILE *f = fopen("big.cfg", "w");

	(void)state;
	assert_non_null(f);
	for (int i = 0; i < (1 << 20) / 16 + 1; i++)
		assert_true(fputs("# fifteen bytes\n", f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_unreadable("big.cfg", AWSQ_ETOOBIG,
		"'big.cfg' is larger than a configuration can be, 1 MiB");
	f = fopen("nul.cfg", "w");
	assert_non_null(f);
	assert_int_equal(fwrite("# a\n\0", 1, 5, f), 5);
	assert_int_equal(fclose(f), 0);
	assert_unreadable("nul.cfg", AWSQ_EPARSE, "nul.cfg:2: not a text: it has a NUL");
	assert_unreadable("none.cfg", AWSQ_ENOTFOUND,
		"cannot read 'none.cfg': No such file or directory");
	assert_unreadable(".", AWSQ_EIO, "cannot read '.': Is a directory");
}

static void assert_key(const char *config, const char *path)
{
	struct awsq_err err;
	struct config c;

	assert_int_equal(config_load(&c, config, &err), 0);
	assert_string_equal(c.key, path);
	config_free(&c);
}

static void test_where_the_key_is(void **state)
{
	static const struct bad homeless = { "fleet = { name = \"NAVO\"; home = \"us-west-2\";\n"
					     "instance_type = \"t3.micro\"; max_uptime = \"1m\";\n"
					     "key = \"~/k.pem\"; };\n" REGIONS,
		"3: fleet.key: '~' stands for $HOME, which is not set" };

	(void)state;
	(void)unsetenv("HOME");
	assert_refused(&homeless, 1, AWSQ_EINVAL);
	(void)setenv("HOME", "/home/ann", 1);
	assert_key("regions.cfg", "/home/ann/k.pem");
	assert_int_equal(mkdir("sub", 0700), 0);
	write_file("sub/a.cfg",
		"fleet = { name = \"NAVO\"; home = \"us-west-2\"; instance_type = "
		"\"t3.micro\"; max_uptime = \"7d\"; key = \"keys/k.pem\"; };" REGIONS);
	assert_key("sub/a.cfg", "sub/keys/k.pem");
	assert_int_equal(chdir("sub"), 0);
	assert_key("a.cfg", "keys/k.pem");
}

/* However a file ends, nothing leaks and something is said. */
static void test_truncated_at_every_length(void **state)
{
	static char text[8192], path[PATH_MAX + 16];
	size_t len;
	FILE *f;

	(void)state;
	(void)setenv("HOME", "/home/ann", 1);
	(void)snprintf(path, sizeof(path), "%s/regions.cfg", checkout);
	f = fopen(path, "r");
	assert_non_null(f);
	len = fread(text, 1, sizeof(text) - 1, f);
	assert_int_equal(fclose(f), 0);
	while (len-- > 0) {
		struct awsq_err err;
		struct config c;
		int rc;

		awsq_err_clear(&err);
		text[len] = '\0';
		write_file("regions.cfg", text);
		rc = config_load(&c, "regions.cfg", &err);
		assert_int_equal(rc, err.code);
		config_free(&c);
	}
}

static void assert_found(const char *option, const char *path)
{
	struct awsq_err err;
	char *found;

	assert_int_equal(config_find(&found, option, &err), 0);
	assert_string_equal(found, path);
	free(found);
}

/* Skipped where /etc/awsq/regions.cfg is: the last place cannot be moved. */
static void assert_nowhere(const char *message)
{
	struct awsq_err err;
	char *found;

	if (access("/etc/awsq/regions.cfg", F_OK) == 0)
		return;
	assert_int_equal(config_find(&found, NULL, &err), AWSQ_ENOTFOUND);
	assert_string_equal(err.message, message);
	assert_null(found);
}

static void test_where_it_is_looked_for(void **state)
{
	char here[PATH_MAX], path[PATH_MAX + 64], message[2 * PATH_MAX];

	(void)state;
	assert_non_null(getcwd(here, sizeof(here)));
	(void)unsetenv("HOME");
	assert_nowhere("no configuration: looked for 'regions.cfg' here and for "
		       "'/etc/awsq/regions.cfg'; write one (regions.cfg(5) tells how), or name "
		       "one with --config or $AWSQ_CONFIG");
	(void)setenv("HOME", here, 1);
	(void)snprintf(message, sizeof(message),
		"no configuration: looked for 'regions.cfg' here, for "
		"'%s/.config/awsq/regions.cfg' and for '/etc/awsq/regions.cfg'; write one "
		"(regions.cfg(5) tells how), or name one with --config or $AWSQ_CONFIG",
		here);
	assert_nowhere(message);

	/* From the last place to the first. */
	assert_int_equal(system("mkdir -p .config/awsq xdg/awsq"), 0);
	write_file(".config/awsq/regions.cfg", "");
	(void)snprintf(path, sizeof(path), "%s/.config/awsq/regions.cfg", here);
	assert_found(NULL, path);
	(void)setenv("XDG_CONFIG_HOME", "xdg", 1);
	assert_found(NULL, path);
	(void)snprintf(path, sizeof(path), "%s/xdg", here);
	(void)setenv("XDG_CONFIG_HOME", path, 1);
	write_file("xdg/awsq/regions.cfg", "");
	(void)snprintf(path, sizeof(path), "%s/xdg/awsq/regions.cfg", here);
	assert_found(NULL, path);
	write_file("regions.cfg", "");
	assert_found(NULL, "regions.cfg");
	(void)setenv("AWSQ_CONFIG", "", 1);
	assert_found(NULL, "regions.cfg");
	(void)setenv("AWSQ_CONFIG", "/not/there.cfg", 1);
	assert_found(NULL, "/not/there.cfg");
	assert_found("option.cfg", "option.cfg");
}

/* Each test starts in an empty folder and without the variables that count. */
static int enter(void **state)
{
	char dir[sizeof(root) + 16];
	static int number;

	(void)state;
	(void)snprintf(dir, sizeof(dir), "%s/%d", root, number++);
	(void)unsetenv("AWSQ_CONFIG");
	(void)unsetenv("XDG_CONFIG_HOME");
	return mkdir(dir, 0700) != 0 || chdir(dir) != 0;
}

static int make_root(void **state)
{
	(void)state;
	return !getcwd(checkout, sizeof(checkout)) || !mkdtemp(root);
}

static int remove_root(void **state)
{
	char command[64];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -rf %s", root);
	return chdir(checkout) != 0 || system(command) != 0;
}

#define TEST(name) cmocka_unit_test_setup(name, enter)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_example),
		TEST(test_defaults),
		TEST(test_what_holds_where),
		TEST(test_where_copies_are_encrypted),
		TEST(test_which_images_are_meant),
		TEST(test_ids),
		TEST(test_texts_that_do_not_fit),
		TEST(test_lists_that_just_fit),
		TEST(test_lists_that_do_not_fit),
		TEST(test_numbers_and_times_that_do_not_fit),
		TEST(test_images_that_do_not_fit),
		TEST(test_networks_that_do_not_fit),
		TEST(test_kms_keys_that_do_not_fit),
		TEST(test_settings_that_are_unknown_or_missing),
		TEST(test_overrides),
		TEST(test_text_that_is_not_a_configuration),
		TEST(test_files_that_cannot_be_read),
		TEST(test_where_the_key_is),
		TEST(test_truncated_at_every_length),
		TEST(test_where_it_is_looked_for),
	};

	return cmocka_run_group_tests(tests, make_root, remove_root);
}
