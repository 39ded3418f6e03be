/*
 * Credentials of a container's endpoint: whom is asked, with which token, and how often.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "credentials_case.h"

#define RELATIVE   "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
#define FULL       "AWS_CONTAINER_CREDENTIALS_FULL_URI"
#define TOKEN      "AWS_CONTAINER_AUTHORIZATION_TOKEN"
#define TOKEN_FILE "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"

#define GOOD                                                                                \
	"{\"AccessKeyId\": \"A\", \"SecretAccessKey\": \"S\", \"Token\": \"T\", \"Code\": " \
	"\"Success\", \"Expiration\": \"2015-08-30T18:36:00Z\"}"
#define EXPIRES (KEYS_NOW + 6 * 3600)

/* The server's URL with this path in a variable. Static: good until the next call. */
static const char *at(const struct credentials_case *k, const char *path)
{
	static char url[128];

	(void)snprintf(url, sizeof(url), "%s%s", k->url, path);
	return url;
}

static void test_asking(void **state)
{
	static const struct answer answers[] = { { .status = 200, .body = GOOD },
		{ .status = 200, .body = GOOD }, { .status = 200, .body = GOOD } };
	struct credentials_case k;

	(void)state;
	CASE_BEGIN(&k, answers);
	fake_set(&k.user, FULL, at(&k, "/creds?id=1"));
	/* A proxy that nobody listens at is not asked. */
	assert_int_equal(setenv("http_proxy", "http://127.0.0.1:1", 1), 0);
	case_finds(&k, "A", "S", "T", EXPIRES, "container");
	assert_int_equal(unsetenv("http_proxy"), 0);
	assert_string_equal(case_request(&k, 0), "GET /creds?id=1");
	assert_string_equal(case_header(&k, 0, "Accept"), "application/json");
	assert_string_equal(case_header(&k, 0, "Authorization"), "");
	fake_set(&k.user, TOKEN, "Basic abc");
	case_finds(&k, "A", "S", "T", EXPIRES, "container");
	assert_string_equal(case_header(&k, 1, "Authorization"), "Basic abc");
	/* The file beats the variable, and is read anew each time. A named profile is no matter. */
	fake_file(&k.user, "other", "from a file");
	fake_set(&k.user, TOKEN_FILE, fake_path(&k.user, "other"));
	k.profile = "default";
	case_finds(&k, "A", "S", "T", EXPIRES, "container");
	assert_string_equal(case_header(&k, 2, "Authorization"), "from a file");
	case_end(&k);
}

static void test_tokens_refused(void **state)
{
	static const struct answer answers[] = { { .status = 200, .body = GOOD } };
	struct credentials_case k;

	(void)state;
	CASE_BEGIN(&k, answers);
	fake_set(&k.user, FULL, at(&k, "/"));
	fake_set(&k.user, TOKEN, "a\r\nX: y");
	case_refuses(&k, AWSQ_ECREDENTIALS,
		"container: the token in '" TOKEN "' has a line break in it");
	fake_set(&k.user, TOKEN_FILE, "/not/there");
	case_refuses(&k, AWSQ_ECREDENTIALS, "'/not/there' of '" TOKEN_FILE "' is not there");
	k.user.variables[k.user.n - 1][1] = k.user.home;
	case_refuses(&k, AWSQ_ECREDENTIALS, "cannot read");
	k.user.n--;
	fake_file(&k.user, "other", "secret\n");
	fake_set(&k.user, TOKEN_FILE, fake_path(&k.user, "other"));
	case_refuses(&k, AWSQ_ECREDENTIALS, "the token in '" TOKEN_FILE "' has a line break in it");
	assert_null(strstr(k.err.message, "secret"));
	assert_int_equal(k.server->n_requests, 0);
	case_end(&k);
}

static void test_whom_to_ask(void **state)
{
	static const char *const bad[] = { "http://example.com/", "http://127.0.0.1.example.com/",
		"http://localhost.example.com/", "http://127.0.0.1@example.com/",
		"http://user@127.0.0.1/", "http://169.254.169.254/", "http://169.254.170.22/",
		"http://[::2]/", "http://[::ffff:127.0.0.1]/", "http://[fd00:ec2::24]/",
		"http://127.1/", "http://2130706433/", "http://localhost:0/", "http://localhost:x/",
		"http:///", "http://", "ftp://127.0.0.1/", "file:///etc/passwd", "127.0.0.1", "/a",
		"http://127.0.0.1\\@example.com/", "http://127.0.0.1 /",
		"http://localhost/\r\nX: y" };
	static const char *const good[] = { "http://127.0.0.1:1/", "http://127.255.0.1:1",
		"http://localhost:1/a@b", "http://LOCALHOST:1/", "http://[::1]:1/",
		"http://[0:0:0:0:0:0:0:1]:1/", "https://127.0.0.1:1/", "https://u:p@localhost:1/" };
	struct credentials_case k;

	(void)state;
	case_begin(&k, NULL, 0);
	fake_set(&k.user, FULL, "");
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		k.user.variables[k.user.n - 1][1] = bad[i];
		case_refuses(&k, AWSQ_ECREDENTIALS, "credentials are asked for only by https, of");
		assert_int_equal(k.sleeps, 0);
	}
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		k.user.variables[k.user.n - 1][1] = good[i];
		case_refuses(&k, AWSQ_ECREDENTIALS, "container: no credentials from '");
		assert_int_equal(k.sleeps, 2);
		assert_int_equal(k.slept_ms, 2000);
	}
	/* The relative one goes first, and nowhere else. */
	fake_set(&k.user, RELATIVE, "@example.com/");
	case_refuses(&k, AWSQ_ECREDENTIALS, "'" RELATIVE "' is '@example.com/', and credentials");
	k.user.variables[k.user.n - 1][1] = ".example.com/";
	case_refuses(&k, AWSQ_ECREDENTIALS, "'" RELATIVE "' is '.example.com/', and credentials");
	case_end(&k);
}

static void test_patience(void **state)
{
	static const struct answer answers[] = { { .status = 500, .body = "starting" },
		{ .status = 200, .body = "no JSON" }, { .status = 200, .body = GOOD },
		{ .status = 0 }, { .status = 404, .body = "none" },
		{ .status = 403, .body = "no" } };
	struct credentials_case k;

	(void)state;
	CASE_BEGIN(&k, answers);
	fake_set(&k.user, FULL, k.url);
	case_finds(&k, "A", "S", "T", EXPIRES, "container");
	assert_int_equal(k.sleeps, 2);
	case_refuses(&k, AWSQ_ECREDENTIALS, "it answered with HTTP status 403: no");
	assert_int_equal(k.server->n_requests, 6);
	case_end(&k);
}

static void test_incomplete_answers(void **state)
{
	static const struct {
		const char *body, *message;
	} cases[] = {
		{ "{}", "has no 'AccessKeyId'" },
		{ "{\"AccessKeyId\": \"A\", \"Token\": \"T\"}", "has no 'SecretAccessKey'" },
		{ "{\"AccessKeyId\": \"A\", \"SecretAccessKey\": \"S\"}", "has no 'Token'" },
		{ "{\"AccessKeyId\": \"A\", \"SecretAccessKey\": \"S\", \"Token\": \"T\"}",
			"has no 'Expiration'" },
		{ "{\"AccessKeyId\": \"A\", \"SecretAccessKey\": \"S\", \"Token\": \"T\", "
		  "\"Expiration\": \"later\"}",
			"container: the 'Expiration' of the credentials is 'later'" },
		{ "{\"Code\": \"Denied\", \"Message\": \"ask the admin\"}",
			"has no 'AccessKeyId': ask the admin" },
	};
	struct answer answers[sizeof(cases) / sizeof(*cases)] = { { 0 } };
	struct credentials_case k;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		answers[i] = (struct answer){ .status = 200, .body = cases[i].body };
	CASE_BEGIN(&k, answers);
	fake_set(&k.user, FULL, k.url);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		case_refuses(&k, AWSQ_ECREDENTIALS, cases[i].message);
	case_end(&k);
}

/* An endpoint that says nothing is left after two seconds, and asked again. */
static void test_a_silent_one(void **state)
{
	static const struct answer answers[] = { { .delay_ms = -1 },
		{ .status = 200, .body = GOOD } };
	struct credentials_case k;
	int64_t begun;

	(void)state;
	CASE_BEGIN(&k, answers);
	fake_set(&k.user, FULL, k.url);
	begun = case_mono_ms(&k);
	case_finds(&k, "A", "S", "T", EXPIRES, "container");
	assert_in_range(case_mono_ms(&k) - begun, 1900, 7000);
	case_end(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_asking),
		cmocka_unit_test(test_tokens_refused),
		cmocka_unit_test(test_whom_to_ask),
		cmocka_unit_test(test_patience),
		cmocka_unit_test(test_incomplete_answers),
		cmocka_unit_test(test_a_silent_one),
	};

	return cmocka_run_group_tests_name("credentials of a container", tests, case_set_up,
		case_tear_down);
}
