/*
 * What the table has for AWS's own endpoints is compared with botocore's in
 * tests/integration/test_endpoint.py; here are the refusals and the user's own URLs.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <awsq/endpoint.h>

static void test_regions(void **state)
{
	static const char *const good[] = { "us-east-1", "eusc-de-east-1", "local", "a", "1",
		"global", "a23456789012345678901234567890123456789012345678901234567890123" };
	static const char *const bad[] = { "", "-", "us-east-1-", "-us", "us_east", "us.east",
		"US-EAST-1", "us east", "us-east-1\n", "us/east", "\xc3\xa4", "aws-global",
		"aws-cn-global", "a-global",
		"a234567890123456789012345678901234567890123456789012345678901234" };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		assert_true(awsq_region_valid(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(awsq_region_valid(bad[i]));
}

static void test_without_options(void **state)
{
	struct awsq_endpoint e;

	(void)state;
	assert_int_equal(awsq_endpoint_resolve(&e, "ec2", "eu-west-3", NULL, NULL), 0);
	assert_string_equal(e.url, "https://ec2.eu-west-3.amazonaws.com");
	assert_string_equal(e.host, "ec2.eu-west-3.amazonaws.com");
	assert_string_equal(e.path, "");
	assert_string_equal(e.signing_region, "eu-west-3");
}

/* Single sign-on has two services, and one of them a name of its own in hosts. */
static void test_sso(void **state)
{
	static const struct {
		const char *service, *region;
		struct awsq_endpoint_options options;
		const char *host;
	} cases[] = {
		{ "sso", "eu-west-3", { 0, 0, NULL }, "portal.sso.eu-west-3.amazonaws.com" },
		{ "sso", "us-east-1", { 1, 1, NULL }, "portal.sso-fips.us-east-1.api.aws" },
		{ "sso", "us-gov-west-1", { 1, 0, NULL },
			"portal.sso.us-gov-west-1.amazonaws.com" },
		{ "oidc", "cn-north-1", { 0, 0, NULL }, "oidc.cn-north-1.amazonaws.com.cn" },
		{ "oidc", "us-east-1", { 1, 0, NULL }, "oidc-fips.us-east-1.amazonaws.com" },
	};
	struct awsq_endpoint e;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(awsq_endpoint_resolve(&e, cases[i].service, cases[i].region,
					 &cases[i].options, NULL),
			0);
		assert_string_equal(e.host, cases[i].host);
	}
}

static void test_longest_names(void **state)
{
	static const char label[] =
		"a23456789012345678901234567890123456789012345678901234567890123";
	struct awsq_endpoint_options o = { 1, 1, NULL };
	struct awsq_endpoint e;

	(void)state;
	assert_int_equal(awsq_endpoint_resolve(&e, label, label, &o, NULL), 0);
	assert_string_equal(e.signing_region, label);
	assert_int_equal(strlen(e.host), 63 + 5 + 1 + 63 + 8);
}

struct given {
	const char *url;
	const char *sent; /* NULL: refused */
	const char *host;
	const char *path;
};

static void test_given_urls(void **state)
{
	static const struct given cases[] = {
		{ "http://localhost:5000", "http://localhost:5000", "localhost:5000", "" },
		{ "http://localhost:5000///", "http://localhost:5000", "localhost:5000", "" },
		{ "http://LocalHost/a/b/", "http://localhost/a/b", "localhost", "/a/b" },
		{ "https://vpce-1.ec2.eu-west-3.vpce.amazonaws.com:443",
			"https://vpce-1.ec2.eu-west-3.vpce.amazonaws.com",
			"vpce-1.ec2.eu-west-3.vpce.amazonaws.com", "" },
		{ "http://a:443", "http://a:443", "a:443", "" },
		{ "http://a:80", "http://a", "a", "" },
		{ "https://127.0.0.1:65535", "https://127.0.0.1:65535", "127.0.0.1:65535", "" },
		{ "http://[::1]:5000/x", "http://[::1]:5000/x", "[::1]:5000", "/x" },
		{ "http://[FD00:EC2::23]", "http://[fd00:ec2::23]", "[fd00:ec2::23]", "" },
		{ "http://a/%20b", "http://a/%20b", "a", "/%20b" },
		{ .url = "" },
		{ .url = "localhost:5000" },
		{ .url = "ftp://a" },
		{ .url = "http:/a" },
		{ .url = "http://" },
		{ .url = "http:///x" },
		{ .url = "http://:5000" },
		{ .url = "http://a:" },
		{ .url = "http://a:0" },
		{ .url = "http://a:65536" },
		{ .url = "http://a:-1" },
		{ .url = "http://a:5000x" },
		{ .url = "http://a:123456" },
		{ .url = "http://user:password@a" },
		{ .url = "http://a b" },
		{ .url = "http://a/b c" },
		{ .url = "http://a/b\nc" },
		{ .url = "http://a?x=y" },
		{ .url = "http://a/?x=y" },
		{ .url = "http://a/#x" },
		{ .url = "http://a/\xc3\xa4" },
		{ .url = "http://[::1" },
		{ .url = "http://[]:5000" },
		{ .url = "http://[::1]5000" },
		{ .url = "http://[::x]" },
	};
	struct awsq_endpoint_options o = { 0, 0, NULL };
	struct awsq_err err;
	struct awsq_endpoint e;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct given *c = &cases[i];
		int rc;

		o.url = c->url;
		rc = awsq_endpoint_resolve(&e, "ec2", "us-east-1", &o, &err);
		if (rc != (c->sent ? 0 : AWSQ_EINVAL))
			fail_msg("'%s' gives %d", c->url, rc);
		if (!c->sent) {
			assert_non_null(strstr(err.message, c->url));
			continue;
		}
		assert_string_equal(e.url, c->sent);
		assert_string_equal(e.host, c->host);
		assert_string_equal(e.path, c->path);
		assert_string_equal(e.signing_region, "us-east-1");
	}
}

/* An endpoint of the user's own may lead to the real IAM, whose region does not change. */
static void test_given_url_for_iam(void **state)
{
	struct awsq_endpoint_options o = { 0, 0, "http://localhost" };
	struct awsq_endpoint e;

	(void)state;
	assert_int_equal(awsq_endpoint_resolve(&e, "iam", "eu-west-3", &o, NULL), 0);
	assert_string_equal(e.signing_region, "us-east-1");
}

/* Also where FIPS and dual-stack endpoints are asked for: who named a host means that one. */
static void test_given_url_goes_first(void **state)
{
	struct awsq_endpoint_options o = { 1, 1, "http://localhost" };
	struct awsq_endpoint e;

	(void)state;
	assert_int_equal(awsq_endpoint_resolve(&e, "ec2", "eu-west-3", &o, NULL), 0);
	assert_string_equal(e.url, "http://localhost");
	assert_int_equal(awsq_endpoint_resolve(&e, "iam", "cn-north-1", &o, NULL), 0);
	assert_string_equal(e.signing_region, "cn-north-1");
}

static void refuses(const char *service, const char *region, const char *message)
{
	struct awsq_endpoint_options o = { 0, 0, NULL };
	struct awsq_endpoint e;
	struct awsq_err err;

	assert_int_equal(awsq_endpoint_resolve(&e, service, region, &o, &err), AWSQ_EINVAL);
	assert_int_equal(err.code, AWSQ_EINVAL);
	assert_string_equal(err.message, message);
}

static void test_refusals(void **state)
{
	char big[600] = "http://a/";

	(void)state;
	refuses("ec2", "us east", "'us east' is not the name of a region");
	refuses("ec2", "aws-global", "'aws-global' is not the name of a region");
	refuses("EC2", "us-east-1", "'EC2' is not the name of a service");
	for (size_t len = strlen(big); len < sizeof(big) - 1; len++) {
		struct awsq_endpoint_options o = { 0, 0, big };
		struct awsq_endpoint e;

		big[len] = 'x';
		assert_int_equal(awsq_endpoint_resolve(&e, "ec2", "us-east-1", &o, NULL),
			len - strlen("http://a") + 1 < sizeof(e.path) ? 0 : AWSQ_EINVAL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_regions),
		cmocka_unit_test(test_without_options),
		cmocka_unit_test(test_sso),
		cmocka_unit_test(test_longest_names),
		cmocka_unit_test(test_given_urls),
		cmocka_unit_test(test_given_url_for_iam),
		cmocka_unit_test(test_given_url_goes_first),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests_name("endpoint", tests, NULL, NULL);
}
