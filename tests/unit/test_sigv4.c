/*
 * The signer against signatures that AWS has published: the IAM ListUsers example of the Signature
 * Version 4 documentation, and the aws-sig-v4-test-suite (key AKIDEXAMPLE, 2015-08-30 12:36:00 UTC,
 * service "service"), each case under the suite's name for it.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <awsq/err.h>
#include <awsq/sigv4.h>

#define NOW         1440938160
#define HOST        "Host", "example.amazonaws.com"
#define MAX_HEADERS 6

static const struct awsq_sigv4_keys keys = { "AKIDEXAMPLE",
	"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", NULL };

struct example {
	const char *name;
	const char *method;
	const char *path;
	const char *query;
	struct awsq_header headers[MAX_HEADERS];
	const char *body;
	const char *signature;
};

static const struct example suite[] = {
	{ "get-vanilla", "GET", "/", NULL, { { HOST } }, "",
		"5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },
	{ "get-relative", "GET", "/example/..", NULL, { { HOST } }, "",
		"5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },
	{ "get-slashes", "GET", "//example//", NULL, { { HOST } }, "",
		"9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84" },
	{ "get-space", "GET", "/example space/", NULL, { { HOST } }, "",
		"652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741" },
	{ "get-utf8", "GET", "/\xe1\x88\xb4", NULL, { { HOST } }, "",
		"8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85" },
	{ "get-unreserved", "GET",
		"/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", NULL,
		{ { HOST } }, "",
		"07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f" },
	{ "get-vanilla-query-order-key-case", "GET", "/", "Param2=value2&Param1=value1",
		{ { HOST } }, "",
		"b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500" },
	{ "get-vanilla-query-order-value", "GET", "/", "Param1=value2&Param1=value1", { { HOST } },
		"", "5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694" },
	{ "get-header-key-duplicate", "GET", "/", NULL,
		{ { HOST }, { "My-Header1", "value2" }, { "My-Header1", "value2" },
			{ "My-Header1", "value1" } },
		"", "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea" },
	{ "get-header-value-trim", "GET", "/", NULL,
		{ { HOST }, { "My-Header1", " value1" }, { "My-Header2", " \"a   b   c\"" } }, "",
		"acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736" },
	{ "post-vanilla", "POST", "/", NULL, { { HOST } }, "",
		"5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b" },
	{ "post-header-key-sort", "POST", "/", NULL, { { HOST }, { "My-Header1", "value1" } }, "",
		"c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c" },
	{ "post-x-www-form-urlencoded", "POST", "/", NULL,
		{ { HOST }, { "Content-Type", "application/x-www-form-urlencoded" } },
		"Param1=value1",
		"ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a" },
};

static struct awsq_sigv4_request to_request(const struct example *e)
{
	size_t n = 0;

	while (n < MAX_HEADERS && e->headers[n].name)
		n++;
	return (struct awsq_sigv4_request){ e->method, e->path, e->query, e->headers, n, e->body,
		strlen(e->body), "us-east-1", "service", 0 };
}

static void test_published_suite(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(suite) / sizeof(suite[0]); i++) {
		struct awsq_sigv4_request req = to_request(&suite[i]);
		struct awsq_sigv4 s;

		assert_int_equal(awsq_sigv4_sign(&s, &req, &keys, NOW), 0);
		if (strcmp(s.signature, suite[i].signature) != 0)
			fail_msg("%s: %s", suite[i].name, awsq_buf_str(&s.canonical_request));
		awsq_sigv4_free(&s);
	}
}

/* "Create a signed AWS API request" and its predecessors print every step of this one. */
static void test_documented_example(void **state)
{
	static const struct awsq_header headers[] = {
		{ "Host", "iam.amazonaws.com" },
		{ "Content-Type", "application/x-www-form-urlencoded; charset=utf-8" },
	};
	struct awsq_sigv4_request req = { "GET", "/", "Action=ListUsers&Version=2010-05-08",
		headers, 2, NULL, 0, "us-east-1", "iam", 0 };
	struct awsq_sigv4 s;

	(void)state;
	assert_int_equal(awsq_sigv4_sign(&s, &req, &keys, NOW), 0);
	assert_string_equal(s.date, "20150830T123600Z");
	assert_string_equal(awsq_buf_str(&s.canonical_request),
		"GET\n"
		"/\n"
		"Action=ListUsers&Version=2010-05-08\n"
		"content-type:application/x-www-form-urlencoded; charset=utf-8\n"
		"host:iam.amazonaws.com\n"
		"x-amz-date:20150830T123600Z\n"
		"\n"
		"content-type;host;x-amz-date\n"
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	assert_string_equal(awsq_buf_str(&s.string_to_sign),
		"AWS4-HMAC-SHA256\n"
		"20150830T123600Z\n"
		"20150830/us-east-1/iam/aws4_request\n"
		"f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59");
	assert_string_equal(awsq_buf_str(&s.authorization),
		"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
		"SignedHeaders=content-type;host;x-amz-date, "
		"Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
	awsq_sigv4_free(&s);
}

/* post-sts-header-before of the suite, whose session token is signed like any header. */
static void test_session_token(void **state)
{
	static const char token[] =
		"AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwA"
		"eMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8p"
		"hUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT"
		"38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabI"
		"Qwj2ICCR/oLxBA==";
	struct awsq_sigv4_keys with_token = { keys.access_key_id, keys.secret_access_key, token };
	struct awsq_sigv4_request req = to_request(&suite[0]);
	struct awsq_sigv4 s;

	(void)state;
	req.method = "POST";
	assert_int_equal(awsq_sigv4_sign(&s, &req, &with_token, NOW), 0);
	assert_string_equal(s.signature,
		"85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead");
	awsq_sigv4_free(&s);
}

static void refuses(struct awsq_sigv4_request *req, int64_t now, int code)
{
	struct awsq_sigv4 s;

	assert_int_equal(awsq_sigv4_sign(&s, req, &keys, now), code);
	assert_null(s.canonical_request.data);
	assert_null(s.authorization.data);
	assert_string_equal(s.signature, "");
}

static void test_refuses_headers(void **state)
{
	static const char *const bad[] = { "", "My Header", "Name:", "X\nY", "Authorization",
		"x-amz-date", "X-Amz-Security-Token" };
	struct awsq_sigv4_request req = to_request(&suite[0]);

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct awsq_header headers[] = { { HOST }, { bad[i], "x" } };

		req.headers = headers;
		req.n_headers = 2;
		refuses(&req, NOW, AWSQ_EINVAL);
	}
	req.n_headers = 0;
	refuses(&req, NOW, AWSQ_EINVAL);
}

static void test_refuses_times(void **state)
{
	struct awsq_sigv4_request req = to_request(&suite[0]);

	(void)state;
	refuses(&req, INT64_MAX, AWSQ_EINVAL);
	refuses(&req, INT64_MIN, AWSQ_EINVAL);
	refuses(&req, 253402300800, AWSQ_EINVAL); /* 10000-01-01 */
	refuses(&req, -62135596800, AWSQ_EINVAL); /* 0001-01-01 */
}

static void test_maxima(void **state)
{
	struct awsq_sigv4_request req = to_request(&suite[0]);
	char *big = test_malloc(AWSQ_SIGV4_MAX + 2);
	struct awsq_sigv4_keys long_keys = { "AKIDEXAMPLE", big, NULL };
	struct awsq_sigv4 s;

	(void)state;
	memset(big, 'a', AWSQ_SIGV4_MAX + 1);
	big[AWSQ_SIGV4_MAX + 1] = '\0';
	req.query = big;
	refuses(&req, NOW, AWSQ_ETOOBIG);
	req.query = NULL;
	assert_int_equal(awsq_sigv4_sign(&s, &req, &long_keys, NOW), AWSQ_ETOOBIG);
	test_free(big);
	awsq_sigv4_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_published_suite),
		cmocka_unit_test(test_documented_example),
		cmocka_unit_test(test_session_token),
		cmocka_unit_test(test_refuses_headers),
		cmocka_unit_test(test_refuses_times),
		cmocka_unit_test(test_maxima),
	};

	return cmocka_run_group_tests_name("sigv4", tests, NULL, NULL);
}
