/*
 * Credentials of an instance's role: version 2 of the metadata service, version 1, and neither.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "credentials_case.h"

#define ROLE_PATH "/latest/meta-data/iam/security-credentials/"
#define GOOD                                                                                      \
	"{\"Code\": \"Success\", \"AccessKeyId\": \"A\", \"SecretAccessKey\": \"S\", \"Token\": " \
	"\"T\", \"Expiration\": \"2015-08-30T18:36:00Z\"}"
#define EXPIRES (KEYS_NOW + 6 * 3600)

static void set(struct credentials_case *k, const char *name, const char *value)
{
	fake_set(&k->user, name, value);
}

/* An instance that answers so. */
static void begin(struct credentials_case *k, const struct answer *answers, size_t n)
{
	case_begin(k, answers, n);
	set(k, "AWS_EC2_METADATA_DISABLED", "false");
	set(k, "AWS_EC2_METADATA_SERVICE_ENDPOINT", k->url);
}

#define BEGIN(k, answers) begin(k, answers, sizeof(answers) / sizeof((answers)[0]))

static void test_version_2(void **state)
{
	static const struct answer answers[] = { { .status = 200, .body = "the token" },
		{ .status = 200, .body = "my.Role_1" }, { .status = 200, .body = GOOD } };
	struct credentials_case k;

	(void)state;
	BEGIN(&k, answers);
	k.profile = "default"; /* whichever is named: it is for who has none */
	assert_int_equal(setenv("http_proxy", "http://127.0.0.1:1", 1), 0);
	case_finds(&k, "A", "S", "T", EXPIRES, "instance metadata");
	assert_int_equal(unsetenv("http_proxy"), 0);
	assert_string_equal(case_request(&k, 0), "PUT /latest/api/token");
	assert_string_equal(case_header(&k, 0, "X-aws-ec2-metadata-token-ttl-seconds"), "21600");
	assert_string_equal(case_request(&k, 1), "GET " ROLE_PATH);
	assert_string_equal(case_header(&k, 1, "X-aws-ec2-metadata-token"), "the token");
	assert_string_equal(case_request(&k, 2), "GET " ROLE_PATH "my.Role_1");
	assert_string_equal(case_header(&k, 2, "X-aws-ec2-metadata-token"), "the token");
	assert_int_equal(k.server->refused, 0);
	case_end(&k);
}

static void test_version_1(void **state)
{
	static const int statuses[] = { 403, 404, 405, 500, 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(statuses) / sizeof(*statuses); i++) {
		struct answer answers[] = { { .status = statuses[i], .body = "no" },
			{ .status = 200, .body = "role\nanother" },
			{ .status = 200, .body = GOOD } };
		struct credentials_case k;

		BEGIN(&k, answers);
		case_finds(&k, "A", "S", "T", EXPIRES, "instance metadata");
		assert_int_equal(k.server->n_requests, 3);
		assert_string_equal(case_header(&k, 1, "X-aws-ec2-metadata-token"), "");
		assert_string_equal(case_request(&k, 2), "GET " ROLE_PATH "role");
		case_end(&k);
	}
}

/* What a container sees whose packets live for one hop: the token never comes. */
static void test_a_token_that_never_comes(void **state)
{
	static const struct answer answers[] = { { .delay_ms = -1 },
		{ .status = 200, .body = "role" }, { .status = 200, .body = GOOD } };
	struct credentials_case k;
	int64_t begun;

	(void)state;
	BEGIN(&k, answers);
	set(&k, "AWS_METADATA_SERVICE_NUM_ATTEMPTS", "5");
	begun = case_mono_ms(&k);
	case_finds(&k, "A", "S", "T", EXPIRES, "instance metadata");
	assert_in_range(case_mono_ms(&k) - begun, 900, 5000);
	assert_int_equal(k.server->n_requests, 3);
	case_end(&k);
}

static void finds_nothing(struct credentials_case *k, const char *why)
{
	case_refuses(k, AWSQ_ECREDENTIALS, "no credentials found for profile");
	if (!strstr(k->err.message, why))
		fail_msg("%s", k->err.message);
}

static void test_no_token_and_no_version_1(void **state)
{
	static const struct answer answers[] = { { .status = 403 }, { .status = 400 } };
	struct credentials_case k;

	(void)state;
	BEGIN(&k, answers);
	set(&k, "AWS_EC2_METADATA_V1_DISABLED", "True");
	finds_nothing(&k, "gives no token: HTTP status 403, and version 1 is disabled");
	k.user.n--;
	/* Such an answer means that the request was none to it. */
	finds_nothing(&k, "gives no token: HTTP status 400)");
	assert_int_equal(k.server->n_requests, 2);
	case_end(&k);
}

static void test_disabled(void **state)
{
	static const struct answer answers[] = { { .status = 200 } };
	struct credentials_case k;

	(void)state;
	BEGIN(&k, answers);
	k.user.variables[1][1] = "TRUE";
	set(&k, "AWS_METADATA_SERVICE_TIMEOUT", "never"); /* what is not asked has no settings */
	finds_nothing(&k, "instance metadata: 'AWS_EC2_METADATA_DISABLED' is set)");
	assert_int_equal(k.server->n_requests, 0);
	case_end(&k);
}

static void test_settings(void **state)
{
	static const char *const bad[][3] = {
		{ "AWS_METADATA_SERVICE_TIMEOUT", "0.5",
			"'AWS_METADATA_SERVICE_TIMEOUT' is '0.5', and should be a number from 1 to "
			"3600" },
		{ "AWS_METADATA_SERVICE_TIMEOUT", "0", "from 1 to 3600" },
		{ "AWS_METADATA_SERVICE_NUM_ATTEMPTS", "-1", "from 1 to 1000" },
		{ "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "ipv5", "should be 'ipv4' or 'ipv6'" },
		{ "AWS_EC2_METADATA_SERVICE_ENDPOINT", "127.0.0.1", "should be 'http://HOST" },
		{ "AWS_EC2_METADATA_SERVICE_ENDPOINT", "ftp://127.0.0.1", "should be 'http" },
		{ "AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://a b", "should be 'http" },
		{ "AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://", "should be 'http" },
	};
	struct credentials_case k;

	(void)state;
	case_begin(&k, NULL, 0);
	set(&k, "AWS_EC2_METADATA_DISABLED", "no");
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		set(&k, bad[i][0], bad[i][1]);
		case_refuses(&k, AWSQ_EINVAL, bad[i][2]);
		k.user.n--;
	}
	/* A typo that keeps botocore from anything is no matter to whom has keys. */
	set(&k, "AWS_METADATA_SERVICE_TIMEOUT", "soon");
	set(&k, "AWS_ACCESS_KEY_ID", "A");
	set(&k, "AWS_SECRET_ACCESS_KEY", "S");
	case_finds(&k, "A", "S", NULL, 0, "environment");
	case_end(&k);
}

static void test_settings_of_the_profile(void **state)
{
	static const struct answer answers[] = { { .status = 500 }, { .status = 200, .body = "t" },
		{ .status = 500 }, { .status = 200, .body = "role" },
		{ .status = 200, .body = "not JSON" }, { .status = 200, .body = GOOD } };
	struct credentials_case k;
	char config[512];

	(void)state;
	BEGIN(&k, answers);
	(void)snprintf(config, sizeof(config),
		"[profile p]\nec2_metadata_service_endpoint = %s/below/\n"
		"ec2_metadata_v1_disabled = true\nmetadata_service_num_attempts = 2\n"
		"ec2_metadata_service_endpoint_mode = IPv6\nmetadata_service_timeout = 2\n",
		k.url);
	fake_file(&k.user, ".aws/config", config);
	k.user.n--; /* the endpoint */
	set(&k, "AWS_PROFILE", "p");
	case_finds(&k, "A", "S", "T", EXPIRES, "instance metadata");
	assert_string_equal(case_request(&k, 1), "PUT /below/latest/api/token");
	assert_string_equal(case_request(&k, 5), "GET /below" ROLE_PATH "role");
	assert_int_equal(k.server->n_requests, 6);
	case_end(&k);
}

static void test_nothing_there(void **state)
{
	static const struct {
		const char *role;
		int status;
		const char *credentials, *why;
	} cases[] = {
		{ "nothing here", 404, NULL,
			ROLE_PATH "': it answered with HTTP status 404: noth" },
		{ "", 200, NULL, ROLE_PATH "': its answer was empty" },
		{ "<html>", 200, NULL, "is not the name of a role" },
		{ "../../x", 200, NULL, "is not the name of a role" },
		{ "role", 200, "no JSON", ROLE_PATH "role': its answer was not a JSON object" },
		{ "role", 200,
			"{\"Code\": \"AssumeRoleUnauthorizedAccess\", \"Message\": \"not "
			"trusted\"}",
			"gives no 'AccessKeyId': AssumeRoleUnauthorizedAccess: not trusted" },
		{ "role", 200,
			"{\"AccessKeyId\": \"A\", \"SecretAccessKey\": \"S\", \"Token\": \"T\"}",
			"gives no 'Expiration'" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct answer answers[] = { { .status = 200, .body = "t" },
			{ .status = cases[i].status, .body = cases[i].role },
			{ .status = 200, .body = cases[i].credentials } };
		struct credentials_case k;

		BEGIN(&k, answers);
		finds_nothing(&k, cases[i].why);
		assert_int_equal(k.server->n_requests, cases[i].credentials ? 3 : 2);
		case_end(&k);
	}
}

static void test_nobody_there(void **state)
{
	struct credentials_case k;

	(void)state;
	case_begin(&k, NULL, 0);
	set(&k, "AWS_EC2_METADATA_DISABLED", "false");
	set(&k, "AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1");
	finds_nothing(&k, "instance metadata: 'http://127.0.0.1:1" ROLE_PATH "': ");
	case_end(&k);
}

/* When AWS has trouble, instances keep what has expired, and it is taken. */
static void test_extension(void **state)
{
	static const int before[] = { 7200, 1021, 1020, 900, 0, -86400 };

	(void)state;
	for (size_t i = 0; i < sizeof(before) / sizeof(*before); i++) {
		const struct answer answers[] = { { .status = 200, .body = "t" },
			{ .status = 200, .body = "role" }, { .status = 200, .body = GOOD } };
		struct credentials_case k;

		BEGIN(&k, answers);
		k.now = EXPIRES - before[i];
		case_finds(&k, "A", "S", "T", before[i] > 1020 ? EXPIRES : k.now + 1020,
			"instance metadata");
		case_end(&k);
		/* By between 2 and 10 minutes more than a quarter of an hour. */
		BEGIN(&k, answers);
		k.now = EXPIRES - before[i];
		k.chance = 0.5;
		case_finds(&k, "A", "S", "T", before[i] > 1260 ? EXPIRES : k.now + 1260,
			"instance metadata");
		case_end(&k);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_version_2),
		cmocka_unit_test(test_version_1),
		cmocka_unit_test(test_a_token_that_never_comes),
		cmocka_unit_test(test_no_token_and_no_version_1),
		cmocka_unit_test(test_disabled),
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_settings_of_the_profile),
		cmocka_unit_test(test_nothing_there),
		cmocka_unit_test(test_nobody_there),
		cmocka_unit_test(test_extension),
	};

	return cmocka_run_group_tests_name("credentials of an instance", tests, case_set_up,
		case_tear_down);
}
