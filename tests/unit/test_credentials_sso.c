/*
 * Credentials by single sign-on: settings, the cache of tokens, renewing them, and the portal.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/resource.h>

#include "credentials_case.h"

#define START "https://d-1.awsapps.com/start"

/* SHA-1 of "my-sso" and of the start URL. */
#define OF_SESSION ".aws/sso/cache/0ad374308c5a4e22f723adf10145eafad7c4031c.json"
#define OF_URL     ".aws/sso/cache/0c54b6c27e90660baa89eaad85ac1d5dae26cb7d.json"

#define ROLE  "sso_account_id = 123456789012\nsso_role_name = Some Role\n"
#define WHERE "sso_start_url = " START "\nsso_region = eu-west-1\n"

#define LEGACY  "[profile p]\n" ROLE WHERE
#define SESSION "[profile p]\nsso_session = my-sso\n" ROLE "[sso-session my-sso]\n" WHERE

#define KEYS                                                                          \
	"{\"roleCredentials\": {\"accessKeyId\": \"A\", \"secretAccessKey\": \"S\", " \
	"\"sessionToken\": \"T\", \"expiration\": 1440959760123}}"
#define EXPIRES (KEYS_NOW + 6 * 3600)

#define CLIENT                                                                           \
	"\"clientId\": \"ID\", \"clientSecret\": \"SECRET\", \"refreshToken\": \"R1\", " \
	"\"registrationExpiresAt\": \"2015-09-30T00:00:00Z\""
#define TOKEN(until) "{\"accessToken\": \"T1\", \"expiresAt\": \"" until "\""

/* Good for an hour, for ten minutes, for none. */
#define FRESH   "2015-08-30T13:36:00Z"
#define STALE   "2015-08-30T12:46:00Z"
#define EXPIRED "2015-08-30T12:35:59Z"

static void begin(struct credentials_case *k, const char *config, const struct answer *answers,
	size_t n)
{
	case_begin(k, answers, n);
	assert_int_equal(mkdir(fake_path(&k->user, ".aws/sso"), 0700), 0);
	assert_int_equal(mkdir(fake_path(&k->user, ".aws/sso/cache"), 0700), 0);
	fake_file(&k->user, ".aws/config", config);
	fake_set(&k->user, "AWS_ENDPOINT_URL_SSO", k->url);
	fake_set(&k->user, "AWS_ENDPOINT_URL_SSO_OIDC", k->url);
	k->profile = "p";
}

#define BEGIN(k, config, answers) begin(k, config, answers, sizeof(answers) / sizeof((answers)[0]))

static void end(struct credentials_case *k)
{
	(void)unlink(fake_path(&k->user, OF_SESSION));
	(void)unlink(fake_path(&k->user, OF_URL));
	/* Fails where a file was left behind. */
	assert_int_equal(rmdir(fake_path(&k->user, ".aws/sso/cache")), 0);
	assert_int_equal(rmdir(fake_path(&k->user, ".aws/sso")), 0);
	case_end(k);
}

static void read_file(char *out, size_t size, const struct credentials_case *k, const char *name)
{
	FILE *f = fopen(fake_path(&k->user, name), "r");

	assert_non_null(f);
	out[fread(out, 1, size - 1, f)] = '\0';
	assert_int_equal(fclose(f), 0);
}

static void test_without_a_session(void **state)
{
	static const struct answer answers[] = { { .status = 200, .body = KEYS } };
	struct credentials_case k;

	(void)state;
	BEGIN(&k, LEGACY, answers);
	/* Older versions of the AWS CLI wrote times so. */
	fake_file(&k.user, OF_URL, TOKEN("2015-08-30T12:37:00UTC") ", " CLIENT "}");
	case_finds(&k, "A", "S", "T", EXPIRES, "SSO");
	assert_string_equal(case_request(&k, 0),
		"GET /federation/credentials?role_name=Some%20Role&account_id=123456789012");
	assert_string_equal(case_header(&k, 0, "x-amz-sso_bearer_token"), "T1");
	/* Only a session's is renewed. */
	fake_file(&k.user, OF_URL, TOKEN(EXPIRED) ", " CLIENT "}");
	case_refuses(&k, AWSQ_ECREDENTIALS,
		"profile 'p': the SSO token has expired: run 'aws sso login --profile p'");
	assert_int_equal(k.server->n_requests, 1);
	end(&k);
}

static void test_a_session(void **state)
{
	static const struct answer answers[] = { { .status = 500, .body = "oh" },
		{ .status = 200, .body = KEYS } };
	struct credentials_case k;

	(void)state;
	BEGIN(&k, SESSION, answers);
	k.chance = 0.5;
	fake_file(&k.user, OF_SESSION, TOKEN(FRESH) "}");
	case_finds(&k, "A", "S", "T", EXPIRES, "SSO");
	assert_int_equal(k.slept_ms, 500); /* as the standard retry mode has it */
	assert_string_equal(case_header(&k, 1, "x-amz-sso_bearer_token"), "T1");
	end(&k);
}

static void test_renewing(void **state)
{
	static const struct answer answers[] = {
		{ .status = 200,
			.body = "{\"accessToken\": \"T2\", \"expiresIn\": 3600, "
				"\"refreshToken\": \"R2\"}" },
		{ .status = 200, .body = KEYS },
		{ .status = 200, .body = "{\"accessToken\": \"T3\", \"expiresIn\": 600}" },
		{ .status = 200, .body = KEYS },
	};
	struct credentials_case k;
	struct stat st;
	char text[1024];

	(void)state;
	BEGIN(&k, SESSION, answers);
	fake_file(&k.user, OF_SESSION, TOKEN(STALE) ", " CLIENT "}");
	case_finds(&k, "A", "S", "T", EXPIRES, "SSO");
	assert_string_equal(case_request(&k, 0), "POST /token");
	assert_string_equal(case_header(&k, 0, "Content-Type"), "application/json");
	assert_string_equal(k.server->requests[0].body,
		"{\"grantType\":\"refresh_token\",\"clientId\":\"ID\",\"clientSecret\":\"SECRET\","
		"\"refreshToken\":\"R1\"}");
	assert_string_equal(case_header(&k, 1, "x-amz-sso_bearer_token"), "T2");
	read_file(text, sizeof(text), &k, OF_SESSION);
	assert_string_equal(text,
		"{\"startUrl\":\"" START "\",\"region\":\"eu-west-1\",\"accessToken\":\"T2\","
		"\"expiresAt\":\"2015-08-30T13:36:00Z\",\"clientId\":\"ID\","
		"\"clientSecret\":\"SECRET\",\"registrationExpiresAt\":\"2015-09-30T00:00:00Z\","
		"\"refreshToken\":\"R2\"}");
	assert_int_equal(stat(fake_path(&k.user, OF_SESSION), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	/* An hour later; and then nothing renews it any more. */
	k.now += 3600;
	case_finds(&k, "A", "S", "T", EXPIRES, "SSO");
	assert_non_null(strstr(k.server->requests[2].body, "\"refreshToken\":\"R2\""));
	read_file(text, sizeof(text), &k, OF_SESSION);
	assert_null(strstr(text, "refreshToken"));
	k.now += 600;
	case_refuses(&k, AWSQ_ECREDENTIALS,
		"has expired, and could not be renewed (it came without what renews it): run 'aws");
	assert_int_equal(k.server->n_requests, 4);
	end(&k);
}

/* A token that is still good is used, whatever becomes of renewing it. */
static void test_renewing_fails(void **state)
{
	static const struct answer answers[] = {
		{ .status = 400,
			.body = "{\"error\": \"invalid_grant\", "
				"\"__type\": \"com.amazonaws#InvalidGrantException\"}" },
		{ .status = 200, .body = KEYS },
		{ .status = 400,
			.body = "{\"__type\": \"InvalidGrantException\", \"message\": \"no\"}" },
		{ .status = 200, .body = "{\"expiresIn\": 3600}" },
		{ .status = 200, .body = "{\"accessToken\": \"T2\\nX: y\", \"expiresIn\": 9}" },
	};
	struct credentials_case k;
	char text[512];

	(void)state;
	BEGIN(&k, SESSION, answers);
	fake_file(&k.user, OF_SESSION, TOKEN(STALE) ", " CLIENT "}");
	case_finds(&k, "A", "S", "T", EXPIRES, "SSO");
	assert_string_equal(case_header(&k, 1, "x-amz-sso_bearer_token"), "T1");
	assert_non_null(strstr(k.logged, "'p' is not renewed: InvalidGrantException"));
	read_file(text, sizeof(text), &k, OF_SESSION);
	assert_string_equal(text, TOKEN(STALE) ", " CLIENT "}");
	fake_file(&k.user, OF_SESSION, TOKEN(EXPIRED) ", " CLIENT "}");
	case_refuses(&k, AWSQ_ECREDENTIALS,
		"profile 'p': the SSO token has expired, and could not be renewed "
		"(InvalidGrantException: no): run 'aws sso login --profile p'");
	case_refuses(&k, AWSQ_ECREDENTIALS, "could not be renewed (an answer without a token)");
	/* What would be a header of its own is sent nowhere. */
	case_refuses(&k, AWSQ_ECREDENTIALS, "a header's value has a line break");
	assert_int_equal(k.server->n_requests, 5);
	end(&k);
}

static void another_renews(struct credentials_case *k)
{
	fake_file(&k->user, OF_SESSION, "{\"accessToken\": \"T9\", \"expiresAt\": \"" FRESH "\"}");
}

/* A refresh token is good for one time: what another process got for it is taken. */
static void test_another_process_was_first(void **state)
{
	static const struct answer answers[] = {
		{ .status = 503 },
		{ .status = 400, .body = "{\"__type\": \"InvalidGrantException\"}" },
		{ .status = 200, .body = KEYS },
	};
	struct credentials_case k;

	(void)state;
	BEGIN(&k, SESSION, answers);
	k.on_sleep = another_renews;
	fake_file(&k.user, OF_SESSION, TOKEN(EXPIRED) ", " CLIENT "}");
	case_finds(&k, "A", "S", "T", EXPIRES, "SSO");
	assert_int_equal(k.sleeps, 1);
	assert_string_equal(case_header(&k, 2, "x-amz-sso_bearer_token"), "T9");
	end(&k);
}

static void test_an_old_registration(void **state)
{
	static const struct answer answers[] = { { .status = 200, .body = KEYS } };
	struct credentials_case k;

	(void)state;
	BEGIN(&k, SESSION, answers);
	fake_file(&k.user, OF_SESSION,
		TOKEN(STALE) ", \"clientId\": \"ID\", \"clientSecret\": \"X\", \"refreshToken\": "
			     "\"R1\", \"registrationExpiresAt\": \"2015-08-30T12:36:00Z\"}");
	case_finds(&k, "A", "S", "T", EXPIRES, "SSO");
	assert_int_equal(k.server->n_requests, 1);
	k.now += 600;
	case_refuses(&k, AWSQ_ECREDENTIALS, "renewed (the client's registration has expired)");
	end(&k);
}

/* Where the cache cannot be written the token is as good, for now; what was there stays. */
static void test_a_cache_that_cannot_be_written(void **state)
{
	static const struct answer answers[] = {
		{ .status = 200, .body = "{\"accessToken\": \"T2\", \"expiresIn\": 3600}" },
		{ .status = 200, .body = KEYS },
	};
	struct credentials_case k;
	struct rlimit before, none;
	char text[512];

	(void)state;
	BEGIN(&k, SESSION, answers);
	fake_file(&k.user, OF_SESSION, TOKEN(STALE) ", " CLIENT "}");
	/* Full, for root too. */
	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	none = (struct rlimit){ 0, before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	(void)case_load(&k);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_true(signal(SIGXFSZ, SIG_DFL) != SIG_ERR);
	assert_string_equal(k.c.access_key_id, "A");
	assert_string_equal(case_header(&k, 1, "x-amz-sso_bearer_token"), "T2");
	assert_non_null(strstr(k.logged, "cannot write the SSO token that was renewed to '"));
	read_file(text, sizeof(text), &k, OF_SESSION);
	assert_string_equal(text, TOKEN(STALE) ", " CLIENT "}");
	end(&k);
}

static void test_no_token(void **state)
{
	static const struct answer answers[] = { { .status = 200, .body = KEYS } };
	static const char *const bad[] = { "", "[]", "{", "{\"accessToken\": \"T1\"}",
		"{\"expiresAt\": \"2015-08-30T13:36:00Z\"}" };
	struct credentials_case k;

	(void)state;
	BEGIN(&k, SESSION, answers);
	case_refuses(&k, AWSQ_ECREDENTIALS, "profile 'p': there is no SSO token in ");
	assert_non_null(strstr(k.err.message, OF_SESSION ": run 'aws sso login --profile p'"));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		fake_file(&k.user, OF_SESSION, bad[i]);
		case_refuses(&k, AWSQ_ECREDENTIALS, "there is no SSO token of a right form in ");
	}
	fake_file(&k.user, OF_SESSION, TOKEN("soon") "}");
	case_refuses(&k, AWSQ_ECREDENTIALS, "it is not known when the SSO token expires");
	assert_int_equal(k.server->n_requests, 0);
	end(&k);
}

static void test_what_the_portal_refuses(void **state)
{
	static const struct answer answers[] = {
		{ .status = 401,
			.body = "{\"message\": \"Session token not found\", "
				"\"__type\": \"com.amazonaws#UnauthorizedException\"}" },
		{ .status = 403,
			.body = "{\"message\": \"No access\", "
				"\"__type\": \"ForbiddenException\"}" },
		{ .status = 404, .body = "lost" },
		{ .status = 200, .body = "{}" },
		{ .status = 200, .body = "<html>" },
	};
	static const char *const messages[] = {
		"profile 'p': the SSO session has ended (Session token not found): run 'aws sso",
		"role 'Some Role' of account '123456789012': ForbiddenException: No access",
		"of account '123456789012': HTTP status 404: lost",
		"an answer without credentials",
		"an answer that is no JSON object",
	};
	struct credentials_case k;

	(void)state;
	BEGIN(&k, SESSION, answers);
	fake_file(&k.user, OF_SESSION, TOKEN(FRESH) "}");
	for (size_t i = 0; i < sizeof(messages) / sizeof(*messages); i++) {
		case_refuses(&k, AWSQ_ECREDENTIALS, messages[i]);
		assert_null(strstr(k.err.message, "T1"));
	}
	end(&k);
}

static void test_settings(void **state)
{
	static const struct answer answers[] = { { .status = 200, .body = KEYS } };
	static const char *const bad[][2] = {
		{ "[profile p]\n" ROLE,
			"profile 'p' asks for SSO, but there is no 'sso_start_url'" },
		{ "[profile p]\n" ROLE "sso_start_url = x\n", "there is no 'sso_region'" },
		{ "[profile p]\nsso_role_name = r\n" WHERE, "there is no 'sso_account_id'" },
		{ "[profile p]\nsso_account_id = 1\n" WHERE, "there is no 'sso_role_name'" },
		{ "[profile p]\nsso_session = none\n" ROLE WHERE,
			"names the SSO session 'none', but there is no section [sso-session "
			"none]" },
		{ "[profile p]\nsso_session = s\n" ROLE WHERE
		  "[sso-session s]\nsso_region = eu-west-1\n",
			"[sso-session s] has no 'sso_start_url'" },
		{ "[profile p]\nsso_session = s\nsso_region = us-east-1\n" ROLE
		  "[sso-session s]\n" WHERE,
			"'sso_region' is 'us-east-1' for profile 'p', but 'eu-west-1' for its "
			"session" },
		{ "[profile p]\n" ROLE "sso_start_url = " START "\nsso_region = no region\n",
			"'no region' is not the name of a region" },
	};
	struct credentials_case k;

	(void)state;
	BEGIN(&k, SESSION, answers);
	fake_file(&k.user, OF_URL, TOKEN(FRESH) "}");
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		fake_file(&k.user, ".aws/config", bad[i][0]);
		case_refuses(&k, AWSQ_ECREDENTIALS, bad[i][1]);
	}
	/* A session alone asks for a token, not for keys. */
	fake_file(&k.user, ".aws/config",
		"[profile p]\nsso_session = s\n" WHERE
		"aws_access_key_id = C\naws_secret_access_key = D\n");
	case_finds(&k, "C", "D", NULL, 0, "config file");
	/* What asks for SSO comes before keys in either file. */
	fake_file(&k.user, ".aws/config", LEGACY "aws_access_key_id = C\n");
	fake_file(&k.user, ".aws/credentials",
		"[p]\naws_access_key_id = F\naws_secret_access_key = G\n");
	case_finds(&k, "A", "S", "T", EXPIRES, "SSO");
	end(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_a_session),
		cmocka_unit_test(test_a_session),
		cmocka_unit_test(test_renewing),
		cmocka_unit_test(test_renewing_fails),
		cmocka_unit_test(test_another_process_was_first),
		cmocka_unit_test(test_an_old_registration),
		cmocka_unit_test(test_a_cache_that_cannot_be_written),
		cmocka_unit_test(test_no_token),
		cmocka_unit_test(test_what_the_portal_refuses),
		cmocka_unit_test(test_settings),
	};

	return cmocka_run_group_tests_name("credentials by single sign-on", tests, case_set_up,
		case_tear_down);
}
