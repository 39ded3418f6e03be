/*
 * Which settings a client has: its own, or else those of the source of its credentials.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <awsq/ec2.h>

#include "client_private.h"
#include "credentials_case.h"

#define SESSION                                                                 \
	"<R><AssumeRoleResult><Credentials><AccessKeyId>ASIAROLE</AccessKeyId>" \
	"<SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>"    \
	"<Expiration>2115-08-30T12:36:00Z</Expiration></Credentials></AssumeRoleResult></R>"
#define KEYS "[p]\naws_access_key_id = AKIAPROFILE\naws_secret_access_key = s\n"

/* A user whose profile has keys and names an endpoint: the server, or one that nobody asks. */
static void begin(struct credentials_case *k, const struct answer *answers, size_t n)
{
	char config[256];

	case_begin(k, answers, n);
	(void)snprintf(config, sizeof(config),
		"[profile p]\nregion = eu-west-3\nendpoint_url = %s\n",
		n > 0 ? k->url : "http://source.example:1");
	fake_file(&k->user, ".aws/config", config);
	fake_file(&k->user, ".aws/credentials", KEYS);
}

static struct awsq_credentials_source *source_of(const struct credentials_case *k,
	const struct awsq_settings *settings)
{
	const struct awsq_credentials_options options = {
		.profile = "p", .env = &k->user.env, .settings = settings
	};
	struct awsq_credentials_source *source;

	assert_int_equal(awsq_credentials_source_new(&source, &options, NULL), 0);
	return source;
}

/* Expects a client with these options to ask there. */
static void asks_at(const struct awsq_client_options *options, const char *url)
{
	struct awsq_client *client;
	struct awsq_endpoint endpoint;

	assert_int_equal(awsq_client_new(&client, options, NULL), 0);
	assert_int_equal(client_endpoint(&endpoint, client, "ec2", NULL), 0);
	assert_string_equal(endpoint.url, url);
	awsq_client_free(client);
}

static void test_whose_settings(void **state)
{
	char mine[] = "http://mine.example:2", theirs[] = "http://theirs.example:3";
	const struct awsq_settings own = { .endpoint_url_ec2 = mine };
	const struct awsq_settings given = { .endpoint_url_ec2 = theirs };
	struct awsq_client_options options = { .region = "us-east-1" };
	struct awsq_credentials keys = { 0 };
	struct credentials_case k;

	(void)state;
	begin(&k, NULL, 0);
	options.credentials = &keys;
	asks_at(&options, "https://ec2.us-east-1.amazonaws.com");
	options.credentials = NULL;
	options.source = source_of(&k, NULL);
	asks_at(&options, "http://source.example:1");
	options.settings = &own;
	asks_at(&options, mine);
	awsq_credentials_source_free(options.source);
	options.settings = NULL;
	options.source = source_of(&k, &given);
	asks_at(&options, theirs);
	awsq_credentials_source_free(options.source);
	case_end(&k);
}

static void describe(struct awsq_credentials_source *source)
{
	const struct awsq_client_options options = { .region = "us-east-1", .source = source };
	struct awsq_ec2_instances found = { 0 };
	struct awsq_err err = { 0 };
	struct awsq_client *client;
	struct awsq_call call;

	assert_int_equal(awsq_client_new(&client, &options, NULL), 0);
	awsq_ec2_describe_instances(&call, &found, NULL);
	if (awsq_run_one(client, &call, &err) != 0)
		fail_msg("%s", err.message);
	awsq_ec2_free_instances(&found);
	awsq_client_free(client);
}

static void expect(const struct credentials_case *k, int i, const char *action, const char *key)
{
	assert_true(i < k->server->n_requests);
	assert_non_null(strstr(k->server->requests[i].body, action));
	assert_non_null(strstr(case_header(k, i, "Authorization"), key));
}

/* The source of a role has those of the source that it assumes the role with, as its clients do. */
static void test_calls(void **state)
{
	static const struct answer answers[] = { { "DescribeInstances", .status = 200,
							 .body = "<R/>" },
		{ "AssumeRole", .status = 200, .body = SESSION },
		{ "DescribeInstances", .status = 200, .body = "<R/>" } };
	const struct awsq_role role = { .arn = "arn:r" };
	struct awsq_credentials_source *base, *source;
	struct credentials_case k;

	(void)state;
	begin(&k, answers, 3);
	base = source_of(&k, NULL);
	assert_int_equal(awsq_credentials_source_new_role(&source, base, &role, NULL, NULL), 0);
	describe(base);
	describe(source);
	expect(&k, 0, "Action=DescribeInstances", "Credential=AKIAPROFILE/");
	expect(&k, 1, "Action=AssumeRole", "Credential=AKIAPROFILE/");
	expect(&k, 2, "Action=DescribeInstances", "Credential=ASIAROLE/");
	awsq_credentials_source_free(source);
	awsq_credentials_source_free(base);
	case_end(&k);
}

static void test_settings_that_cannot_be_read(void **state)
{
	struct awsq_credentials_options options = { .profile = "absent" };
	struct awsq_credentials_source *source;
	struct credentials_case k;
	struct awsq_err err;

	(void)state;
	begin(&k, NULL, 0);
	options.env = &k.user.env;
	assert_int_equal(awsq_credentials_source_new(&source, &options, &err), AWSQ_EINVAL);
	assert_null(source);
	assert_non_null(strstr(err.message, "'absent'"));
	case_end(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whose_settings),
		cmocka_unit_test(test_calls),
		cmocka_unit_test(test_settings_that_cannot_be_read),
	};

	return cmocka_run_group_tests(tests, case_set_up, case_tear_down);
}
