#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <awsq/credentials.h>

#include "fake_user.h"

static int load(struct awsq_credentials *out, struct fake_user *u, const char *profile,
	struct awsq_err *err)
{
	return awsq_credentials_load(out,
		&(struct awsq_credentials_options){ .profile = profile, .env = &u->env }, err);
}

/* Loads and expects these keys of that provider; token may be NULL. */
static void finds(struct fake_user *u, const char *profile, const char *key, const char *secret,
	const char *token, const char *source)
{
	struct awsq_credentials c;
	struct awsq_err err;

	if (load(&c, u, profile, &err) != 0)
		fail_msg("%s", err.message);
	assert_string_equal(c.access_key_id, key);
	assert_string_equal(c.secret_access_key, secret);
	if (token)
		assert_string_equal(c.session_token, token);
	else
		assert_null(c.session_token);
	assert_int_equal(c.expires, 0);
	assert_string_equal(c.source, source);
	awsq_credentials_free(&c);
	assert_null(c.access_key_id);
}

/* Loads and expects an error with this in its message. */
static void refuses(struct fake_user *u, const char *profile, int code, const char *part)
{
	struct awsq_credentials c;
	struct awsq_err err;

	assert_int_equal(load(&c, u, profile, &err), code);
	assert_int_equal(err.code, code);
	if (!strstr(err.message, part))
		fail_msg("%s", err.message);
	assert_null(c.access_key_id);
	assert_null(c.secret_access_key);
}

static void test_environment(void **state)
{
	struct fake_user u;

	(void)state;
	fake_begin(&u);
	fake_file(&u, ".aws/credentials",
		"[default]\naws_access_key_id = F\naws_secret_access_key = S\n");
	fake_set(&u, "AWS_ACCESS_KEY_ID", "AKID");
	fake_set(&u, "AWS_SECRET_ACCESS_KEY", "secret");
	finds(&u, NULL, "AKID", "secret", NULL, "environment");
	fake_set(&u, "AWS_SESSION_TOKEN", "token");
	finds(&u, NULL, "AKID", "secret", "token", "environment");
	/* The older name wins, as in botocore. */
	fake_set(&u, "AWS_SECURITY_TOKEN", "older");
	finds(&u, NULL, "AKID", "secret", "older", "environment");
	/* Asked for by the caller, a profile drops the environment. */
	finds(&u, "default", "F", "S", NULL, "shared credentials file");
	fake_end(&u);
}

static void test_a_profile_variable_keeps_the_environment(void **state)
{
	struct fake_user u;

	(void)state;
	fake_begin(&u);
	fake_file(&u, ".aws/credentials",
		"[p]\naws_access_key_id = F\naws_secret_access_key = S\n");
	fake_set(&u, "AWS_ACCESS_KEY_ID", "AKID");
	fake_set(&u, "AWS_SECRET_ACCESS_KEY", "secret");
	fake_set(&u, "AWS_PROFILE", "p");
	finds(&u, NULL, "AKID", "secret", NULL, "environment");
	finds(&u, "p", "F", "S", NULL, "shared credentials file");
	u.variables[1][1] = "";
	finds(&u, NULL, "F", "S", NULL, "shared credentials file");
	fake_end(&u);
}

static void test_incomplete_environment(void **state)
{
	struct fake_user u;

	(void)state;
	fake_begin(&u);
	fake_file(&u, ".aws/credentials",
		"[default]\naws_access_key_id = F\naws_secret_access_key = S\n");
	fake_set(&u, "AWS_ACCESS_KEY_ID", "AKID");
	fake_set(&u, "AWS_SECRET_ACCESS_KEY", "");
	refuses(&u, NULL, AWSQ_ECREDENTIALS,
		"'AWS_ACCESS_KEY_ID' is set, but 'AWS_SECRET_ACCESS_KEY' is not");
	fake_end(&u);
}

static void test_expiration(void **state)
{
	struct awsq_credentials c;
	struct fake_user u;

	(void)state;
	fake_begin(&u);
	fake_set(&u, "AWS_ACCESS_KEY_ID", "AKID");
	fake_set(&u, "AWS_SECRET_ACCESS_KEY", "secret");
	fake_set(&u, "AWS_CREDENTIAL_EXPIRATION", "2115-08-30T12:36:00Z");
	assert_int_equal(load(&c, &u, NULL, NULL), 0);
	assert_int_equal(c.expires, 4596611760);
	awsq_credentials_free(&c);
	u.variables[3][1] = "2015-08-30T12:36:00Z";
	refuses(&u, NULL, AWSQ_ECREDENTIALS,
		"the credentials found (environment) expired at 2015-08-30T12:36:00Z");
	u.variables[3][1] = "tomorrow";
	refuses(&u, NULL, AWSQ_ECREDENTIALS, "'AWS_CREDENTIAL_EXPIRATION' is 'tomorrow'");
	fake_end(&u);
}

static void test_files(void **state)
{
	struct fake_user u;

	(void)state;
	fake_begin(&u);
	fake_file(&u, ".aws/config",
		"[default]\naws_access_key_id = C\naws_secret_access_key = T\n"
		"aws_session_token = U\n"
		"[profile p]\naws_access_key_id = P\naws_secret_access_key = Q\n");
	finds(&u, NULL, "C", "T", "U", "config file");
	finds(&u, "p", "P", "Q", NULL, "config file");
	fake_file(&u, ".aws/credentials",
		"[default]\naws_access_key_id = F\naws_secret_access_key = S\n"
		"aws_session_token =\n");
	finds(&u, NULL, "F", "S", NULL, "shared credentials file");
	finds(&u, "p", "P", "Q", NULL, "config file");
	/* An empty key counts as none. */
	fake_file(&u, ".aws/credentials", "[default]\naws_access_key_id =\n");
	finds(&u, NULL, "C", "T", "U", "config file");
	fake_file(&u, "other", "[default]\naws_access_key_id = O\naws_secret_access_key = X\n");
	fake_set(&u, "AWS_SHARED_CREDENTIALS_FILE", "~/other");
	finds(&u, NULL, "O", "X", NULL, "shared credentials file");
	fake_end(&u);
}

static void test_incomplete_files(void **state)
{
	struct fake_user u;

	(void)state;
	fake_begin(&u);
	fake_file(&u, ".aws/config",
		"[default]\naws_access_key_id = C\naws_secret_access_key = T\n");
	fake_file(&u, ".aws/credentials", "[default]\naws_access_key_id = F\n");
	refuses(&u, NULL, AWSQ_ECREDENTIALS,
		".aws/credentials': profile 'default' has an 'aws_access_key_id', but no "
		"'aws_secret_access_key'");
	fake_file(&u, ".aws/credentials",
		"[default]\naws_access_key_id = F\n  X-Evil: 1\naws_secret_access_key = S\n");
	refuses(&u, NULL, AWSQ_ECREDENTIALS, "has a line break");
	refuses(&u, "nobody", AWSQ_EINVAL, "there is no profile 'nobody'");
	fake_end(&u);
}

static void test_unsupported_settings(void **state)
{
	static const char *const settings[] = { "login_session" };
	struct fake_user u;
	char text[128];

	(void)state;
	fake_begin(&u);
	for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++) {
		(void)snprintf(text, sizeof(text), "[profile p]\n%s = x\n", settings[i]);
		fake_file(&u, ".aws/config", text);
		(void)snprintf(text, sizeof(text),
			"profile 'p' has '%s', which is not supported yet", settings[i]);
		refuses(&u, "p", AWSQ_ECREDENTIALS, text);
	}
	/* What comes before static keys in the order is asked for in spite of them. */
	fake_file(&u, ".aws/credentials",
		"[p]\naws_access_key_id = F\naws_secret_access_key = S\n");
	finds(&u, "p", "F", "S", NULL, "shared credentials file");
	fake_file(&u, ".aws/config", "[profile p]\nrole_arn = x\n");
	refuses(&u, "p", AWSQ_ECREDENTIALS,
		"profile 'p' has 'role_arn' and neither 'source_profile' nor 'credential_source'");
	fake_end(&u);
}

static void test_variables_that_ask(void **state)
{
	struct fake_user u;

	(void)state;
	fake_begin(&u);
	fake_file(&u, ".aws/credentials",
		"[default]\naws_access_key_id = F\naws_secret_access_key = S\n");
	fake_set(&u, "AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://example.com/");
	finds(&u, NULL, "F", "S", NULL, "shared credentials file");
	fake_set(&u, "AWS_WEB_IDENTITY_TOKEN_FILE", "/token");
	finds(&u, "default", "F", "S", NULL, "shared credentials file");
	refuses(&u, NULL, AWSQ_ECREDENTIALS,
		"there is a web identity token file, '/token', but no role for it");
	fake_file(&u, ".aws/credentials", "");
	refuses(&u, "default", AWSQ_ECREDENTIALS,
		"container: 'AWS_CONTAINER_CREDENTIALS_FULL_URI' is 'http://example.com/', and ");
	fake_end(&u);
}

static void test_none_found(void **state)
{
	char message[1024];
	struct fake_user u;

	(void)state;
	fake_begin(&u);
	fake_file(&u, ".aws/config", "[default]\nregion = eu-west-1\n");
	(void)snprintf(message, sizeof(message),
		"no credentials found for profile 'default' "
		"(environment: 'AWS_ACCESS_KEY_ID' is not set; assumed role: no 'role_arn'; "
		"web identity: no 'web_identity_token_file'; "
		"SSO: no 'sso_account_id'; shared credentials file: "
		"'%s/.aws/credentials' is not there; "
		"credential_process: none; "
		"config file: '%s/.aws/config' has no 'aws_access_key_id' for it; "
		"container: 'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI' is not set; "
		"instance metadata: 'AWS_EC2_METADATA_DISABLED' is set)",
		u.home, u.home);
	refuses(&u, NULL, AWSQ_ECREDENTIALS, message);
	refuses(&u, "default", AWSQ_ECREDENTIALS,
		"(environment: passed over for the profile asked for; ");
	u.n = 0;
	refuses(&u, NULL, AWSQ_ECREDENTIALS,
		"; shared credentials file: 'HOME' is not set; credential_process: "
		"none; config file: 'HOME' is not set; container: ");
	awsq_credentials_free(NULL);
	fake_end(&u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_a_profile_variable_keeps_the_environment),
		cmocka_unit_test(test_incomplete_environment),
		cmocka_unit_test(test_expiration),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_incomplete_files),
		cmocka_unit_test(test_unsupported_settings),
		cmocka_unit_test(test_variables_that_ask),
		cmocka_unit_test(test_none_found),
	};

	return cmocka_run_group_tests_name("credentials", tests, NULL, NULL);
}
