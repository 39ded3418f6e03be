/*
 * regions.cfg: the message for each kind of value that cannot be right.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config_case.h"

#define TYPE_WANTED   "an instance type such as \"t3.micro\""
#define REGION_WANTED "a region such as \"us-west-2\""

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
			    "'override', 'accounts'" },
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

#define ARN "role_arn = \"arn:aws:iam::123456789012:role/a\"; "
#define LIST(account)                                                                              \
	FLEET "};\n" REGIONS "accounts = (\n  { name = \"a\"; profile = \"a\"; },\n" account "\n)" \
	      ";"
#define ACCOUNT_WANTED                                                                      \
	"7: accounts.name: expected 1 to 24 letters, digits and \"-\", not beginning with " \
	"\"-\", and not \"runs\", found "
#define ROLE_WANTED                                         \
	"7: accounts.role_arn: expected the ARN of a role " \
	"such as \"arn:aws:iam::123456789012:role/awsq\", found "

static void test_accounts(void **state)
{
	static const char one_of[] =
		"7: accounts: each needs a 'role_arn' or a 'profile', and only one of them";
	static const struct bad cases[] = {
		{ FLEET "};\n" REGIONS "accounts = ();",
			"5: accounts: expected a list of groups, ( { name = \"prod\"; role_arn = "
			"\"...\"; }, ... ), found an empty list" },
		{ FLEET "};\n" REGIONS "accounts = { };",
			"5: accounts: expected a list of groups, ( { name = \"prod\"; role_arn = "
			"\"...\"; }, ... ), found a group of settings" },
		{ LIST("\"prod\""),
			"7: accounts: expected a group of settings, { ... }, found \"prod\"" },
		{ LIST("{ name = \"../b\"; }"), ACCOUNT_WANTED "\"../b\"" },
		{ LIST("{ name = \"runs\"; }"), ACCOUNT_WANTED "\"runs\"" },
		{ LIST("{ name = \"-b\"; }"), ACCOUNT_WANTED "\"-b\"" },
		{ LIST("{ name = \"ledger.sqlite\"; }"), ACCOUNT_WANTED "\"ledger.sqlite\"" },
		{ LIST("{ name = \"0123456789012345678901234\"; }"),
			ACCOUNT_WANTED "\"0123456789012345678901234\"" },
		{ LIST("{ name = \"b\"; role_arn = \"awsq\"; }"), ROLE_WANTED "\"awsq\"" },
		{ LIST("{ name = \"b\"; role_arn = \"arn:aws:iam::1:role/a\"; }"),
			ROLE_WANTED "\"arn:aws:iam::1:role/a\"" },
		{ LIST("{ name = \"b\"; role_arn = \"arn:aws:iam::123456789012:user/a\"; }"),
			ROLE_WANTED "\"arn:aws:iam::123456789012:user/a\"" },
		{ LIST("{ name = \"b\"; " ARN "external_id = \"a b\"; }"),
			"7: accounts.external_id: expected an external id: 2 to 1224 letters, "
			"digits and \"_+=,.@:/-\"" },
		{ LIST("{ name = \"b\"; profile = \"\"; }"),
			"7: accounts.profile: expected the name of a profile of the AWS "
			"configuration, found \"\"" },
		{ LIST("{ name = \"b\"; }"), one_of },
		{ LIST("{ name = \"b\"; profile = \"b\"; " ARN "}"), one_of },
		{ LIST("{ name = \"b\"; profile = \"b\"; external_id = \"id\"; }"),
			"7: accounts: an 'external_id' goes with a 'role_arn'" },
		{ LIST("{ name = \"a\"; " ARN "}"),
			"7: accounts: an account before has this name" },
		{ LIST("{ " ARN "}"),
			"7: accounts: 'name' is missing; for example: name = \"prod\"" },
		{ LIST("{ name = \"b\"; role = \"r\"; }"),
			"7: unknown setting 'accounts.role'; known here: 'name', 'role_arn', "
			"'external_id', 'profile'" },
	};

	(void)state;
	assert_refused(cases, COUNT(cases), AWSQ_EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_texts_that_do_not_fit),
		TEST(test_lists_that_do_not_fit),
		TEST(test_numbers_and_times_that_do_not_fit),
		TEST(test_images_that_do_not_fit),
		TEST(test_networks_that_do_not_fit),
		TEST(test_kms_keys_that_do_not_fit),
		TEST(test_settings_that_are_unknown_or_missing),
		TEST(test_overrides),
		TEST(test_accounts),
	};

	return cmocka_run_group_tests(tests, make_root, remove_root);
}
