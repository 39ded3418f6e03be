#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <awsq/settings.h>

#include "fake_user.h"

static void load(struct awsq_settings *s, const char *profile, struct fake_user *u)
{
	struct awsq_err err;

	if (awsq_settings_load(s, profile, &u->env, &err) != 0)
		fail_msg("%s", err.message);
}

/* Loads and expects an error, whose message must begin as said. */
static void refuses(struct fake_user *u, const char *profile, int code, const char *message)
{
	struct awsq_settings s;
	struct awsq_err err;

	assert_int_equal(awsq_settings_load(&s, profile, &u->env, &err), code);
	assert_int_equal(err.code, code);
	if (strncmp(err.message, message, strlen(message)) != 0)
		fail_msg("%s", err.message);
	assert_null(s.profile);
}

static void test_nothing_set(void **state)
{
	struct awsq_settings s;
	struct fake_user u;

	(void)state;
	fake_begin(&u);
	load(&s, NULL, &u);
	assert_string_equal(s.profile, "default");
	assert_null(s.region);
	assert_null(s.endpoint_url_ec2);
	assert_null(s.ca_bundle);
	assert_int_equal(s.max_attempts, 0);
	assert_false(s.fips || s.dualstack);
	awsq_settings_free(&s);
	u.n = 0; /* no $HOME either */
	load(&s, NULL, &u);
	awsq_settings_free(&s);
	awsq_settings_free(NULL);
	fake_end(&u);
}

static void test_profile_settings(void **state)
{
	struct awsq_settings s;
	struct fake_user u;

	(void)state;
	fake_begin(&u);
	fake_file(&u, ".aws/config",
		"[default]\nregion = eu-west-1\nca_bundle = /c\nmax_attempts = 7\n"
		"use_fips_endpoint = True\nuse_dualstack_endpoint = true\n"
		"[profile b]\nregion = eu-west-2\n");
	fake_file(&u, ".aws/credentials", "[b]\nregion = eu-west-3\n[c]\n");
	load(&s, NULL, &u);
	assert_string_equal(s.region, "eu-west-1");
	assert_string_equal(s.ca_bundle, "/c");
	assert_int_equal(s.max_attempts, 7);
	assert_true(s.fips && s.dualstack);
	awsq_settings_free(&s);
	/* The credentials file's settings win. */
	load(&s, "b", &u);
	assert_string_equal(s.profile, "b");
	assert_string_equal(s.region, "eu-west-3");
	assert_int_equal(s.max_attempts, 0);
	awsq_settings_free(&s);
	load(&s, "c", &u);
	assert_null(s.region);
	awsq_settings_free(&s);
	fake_end(&u);
}

static void test_variables_win(void **state)
{
	struct awsq_settings s;
	struct fake_user u;

	(void)state;
	fake_begin(&u);
	fake_file(&u, ".aws/config",
		"[default]\nregion = eu-west-1\nca_bundle = /c\nmax_attempts = 7\n"
		"use_fips_endpoint = true\n");
	fake_set(&u, "AWS_DEFAULT_REGION", "eu-west-2");
	fake_set(&u, "AWS_CA_BUNDLE", "/d");
	fake_set(&u, "AWS_MAX_ATTEMPTS", "1");
	fake_set(&u, "AWS_USE_FIPS_ENDPOINT", "FALSE");
	fake_set(&u, "AWS_USE_DUALSTACK_ENDPOINT", "true");
	load(&s, NULL, &u);
	assert_string_equal(s.region, "eu-west-2");
	assert_string_equal(s.ca_bundle, "/d");
	assert_int_equal(s.max_attempts, 1);
	assert_false(s.fips);
	assert_true(s.dualstack);
	awsq_settings_free(&s);
	fake_set(&u, "AWS_REGION", "eu-west-3");
	load(&s, NULL, &u);
	assert_string_equal(s.region, "eu-west-3");
	awsq_settings_free(&s);
	fake_end(&u);
}

static void test_empty_variables_are_absent(void **state)
{
	struct awsq_settings s;
	struct fake_user u;

	(void)state;
	fake_begin(&u);
	fake_file(&u, ".aws/config", "[default]\nregion = eu-west-1\nmax_attempts =\n");
	fake_set(&u, "AWS_REGION", "");
	fake_set(&u, "AWS_DEFAULT_REGION", "");
	fake_set(&u, "AWS_PROFILE", "");
	fake_set(&u, "AWS_CONFIG_FILE", "");
	fake_set(&u, "AWS_USE_FIPS_ENDPOINT", "");
	load(&s, NULL, &u);
	assert_string_equal(s.region, "eu-west-1");
	assert_int_equal(s.max_attempts, 0);
	awsq_settings_free(&s);
	fake_end(&u);
}

static void test_which_profile(void **state)
{
	struct awsq_settings s;
	struct fake_user u;

	(void)state;
	fake_begin(&u);
	fake_file(&u, ".aws/config", "[profile a]\n[profile b]\n[profile c]\n[d]\n");
	fake_set(&u, "AWS_PROFILE", "a");
	load(&s, NULL, &u);
	assert_string_equal(s.profile, "a");
	awsq_settings_free(&s);
	fake_set(&u, "AWS_DEFAULT_PROFILE", "b");
	load(&s, NULL, &u);
	assert_string_equal(s.profile, "b");
	awsq_settings_free(&s);
	load(&s, "c", &u);
	assert_string_equal(s.profile, "c");
	awsq_settings_free(&s);
	load(&s, "default", &u);
	awsq_settings_free(&s);
	refuses(&u, "d", AWSQ_EINVAL, "there is no profile 'd' in '/tmp/awsq-test-");
	refuses(&u, "", AWSQ_EINVAL, "there is no profile '' in '/tmp/awsq-test-");
	fake_end(&u);
}

static void check_endpoints(struct fake_user *u, const char *ec2, const char *iam)
{
	struct awsq_settings s;

	load(&s, NULL, u);
	if (ec2)
		assert_string_equal(s.endpoint_url_ec2, ec2);
	else
		assert_null(s.endpoint_url_ec2);
	if (iam)
		assert_string_equal(s.endpoint_url_iam, iam);
	else
		assert_null(s.endpoint_url_iam);
	awsq_settings_free(&s);
}

/* From the weakest to the strongest. */
static void test_endpoints(void **state)
{
	struct fake_user u;

	(void)state;
	fake_begin(&u);
	fake_file(&u, ".aws/config", "[default]\nendpoint_url = http://p\n");
	check_endpoints(&u, "http://p", "http://p");
	fake_file(&u, ".aws/config",
		"[default]\nendpoint_url = http://p\nservices = s\n"
		"[services s]\nec2 =\n  endpoint_url = http://s\n");
	check_endpoints(&u, "http://s", "http://p");
	fake_set(&u, "AWS_ENDPOINT_URL", "http://e");
	check_endpoints(&u, "http://e", "http://e");
	fake_set(&u, "AWS_ENDPOINT_URL_EC2", "http://e2");
	check_endpoints(&u, "http://e2", "http://e");
	fake_set(&u, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true");
	check_endpoints(&u, NULL, NULL);
	fake_end(&u);
}

static void test_all_services(void **state)
{
	struct awsq_settings s;
	struct fake_user u;

	(void)state;
	fake_begin(&u);
	fake_set(&u, "AWS_ENDPOINT_URL_EC2", "http://1");
	fake_set(&u, "AWS_ENDPOINT_URL_IAM", "http://2");
	fake_set(&u, "AWS_ENDPOINT_URL_STS", "http://3");
	fake_set(&u, "AWS_ENDPOINT_URL_KMS", "http://4");
	fake_set(&u, "AWS_ENDPOINT_URL_SSM", "http://6");
	fake_set(&u, "AWS_ENDPOINT_URL_SSO", "http://7");
	fake_file(&u, ".aws/config",
		"[default]\nservices = s\n"
		"[services s]\nservice_quotas =\n  endpoint_url = http://5\n"
		"sso_oidc =\n  endpoint_url = http://8\n");
	load(&s, NULL, &u);
	assert_string_equal(s.endpoint_url_ec2, "http://1");
	assert_string_equal(s.endpoint_url_iam, "http://2");
	assert_string_equal(s.endpoint_url_sts, "http://3");
	assert_string_equal(s.endpoint_url_kms, "http://4");
	assert_string_equal(s.endpoint_url_service_quotas, "http://5");
	assert_string_equal(s.endpoint_url_ssm, "http://6");
	assert_string_equal(s.endpoint_url_sso, "http://7");
	assert_string_equal(s.endpoint_url_sso_oidc, "http://8");
	awsq_settings_free(&s);
	fake_end(&u);
}

static void test_endpoint_of_a_service(void **state)
{
	struct awsq_settings s = { .endpoint_url_service_quotas = (char[]){ "http://q" },
		.endpoint_url_sso_oidc = (char[]){ "http://o" } };

	(void)state;
	assert_string_equal(awsq_settings_endpoint_url(&s, "servicequotas"), "http://q");
	assert_string_equal(awsq_settings_endpoint_url(&s, "oidc"), "http://o");
	assert_null(awsq_settings_endpoint_url(&s, "ec2"));
	assert_null(awsq_settings_endpoint_url(&s, "s3"));
}

/* Lower case first, where an empty variable says that there is none. */
static void test_proxies(void **state)
{
	struct awsq_settings s;
	struct fake_user u;

	(void)state;
	fake_begin(&u);
	fake_set(&u, "HTTP_PROXY", "one");
	fake_set(&u, "HTTPS_PROXY", "two");
	fake_set(&u, "https_proxy", "http://u:p@three");
	fake_set(&u, "NO_PROXY", "four");
	fake_set(&u, "no_proxy", "");
	load(&s, NULL, &u);
	assert_string_equal(s.http_proxy, "one");
	assert_string_equal(s.https_proxy, "http://u:p@three");
	assert_null(s.no_proxy);
	awsq_settings_free(&s);
	fake_set(&u, "REQUEST_METHOD", "GET"); /* what a CGI program has from its client */
	load(&s, NULL, &u);
	assert_null(s.http_proxy);
	awsq_settings_free(&s);
	fake_end(&u);
}

static void test_ca_bundles(void **state)
{
	struct awsq_settings s;
	struct fake_user u;

	(void)state;
	fake_begin(&u);
	fake_set(&u, "REQUESTS_CA_BUNDLE", "/weak");
	load(&s, NULL, &u);
	assert_string_equal(s.ca_bundle, "/weak");
	awsq_settings_free(&s);
	fake_file(&u, ".aws/config", "[default]\nca_bundle = /c\n");
	load(&s, NULL, &u);
	assert_string_equal(s.ca_bundle, "/c");
	awsq_settings_free(&s);
	fake_end(&u);
}

static void test_retry_modes(void **state)
{
	static const char *const modes[] = { "standard", "adaptive", "legacy" };
	struct awsq_settings s;
	struct fake_user u;

	(void)state;
	fake_begin(&u);
	fake_set(&u, "AWS_RETRY_MODE", "");
	for (size_t i = 0; i < 3; i++) {
		u.variables[1][1] = modes[i];
		load(&s, NULL, &u);
		awsq_settings_free(&s);
	}
	u.variables[1][1] = "Standard";
	refuses(&u, NULL, AWSQ_EINVAL,
		"'AWS_RETRY_MODE' is 'Standard', and should be 'standard', 'adaptive' or 'legacy'");
	fake_end(&u);
}

/* The same with this one setting in the default profile. */
static void refuses_setting(struct fake_user *u, const char *setting, const char *message)
{
	char text[128];

	(void)snprintf(text, sizeof(text), "[default]\n%s\n", setting);
	fake_file(u, ".aws/config", text);
	refuses(u, NULL, AWSQ_EINVAL, message);
}

static void test_bad_settings(void **state)
{
	struct fake_user u;

	(void)state;
	fake_begin(&u);
	refuses_setting(&u, "services = s",
		"profile 'default' names the services 's', but there is no section [services s]");
	refuses_setting(&u, "max_attempts = 0",
		"'max_attempts' is '0', and should be a number from 1 to 1000");
	refuses_setting(&u, "max_attempts = 1001", "'max_attempts' is '1001',");
	refuses_setting(&u, "max_attempts = many", "'max_attempts' is 'many',");
	refuses_setting(&u, "retry_mode = often", "'retry_mode' is 'often',");
	refuses_setting(&u, "use_fips_endpoint = yes",
		"'use_fips_endpoint' is 'yes', and should be 'true' or 'false'");
	refuses_setting(&u, "use_dualstack_endpoint = truely",
		"'use_dualstack_endpoint' is 'truely',");
	fake_set(&u, "AWS_MAX_ATTEMPTS", "x");
	refuses(&u, NULL, AWSQ_EINVAL, "'AWS_MAX_ATTEMPTS' is 'x',");
	fake_end(&u);
}

static void test_other_paths(void **state)
{
	struct awsq_settings s;
	struct fake_user u;

	(void)state;
	fake_begin(&u);
	fake_file(&u, "other", "[default]\nregion = eu-west-1\n");
	fake_set(&u, "AWS_CONFIG_FILE", "~/other");
	load(&s, NULL, &u);
	assert_string_equal(s.region, "eu-west-1");
	awsq_settings_free(&s);
	u.variables[1][1] = fake_path(&u, "other");
	load(&s, NULL, &u);
	assert_string_equal(s.region, "eu-west-1");
	awsq_settings_free(&s);
	u.variables[1][1] = "/tmp/awsq-test-no-such/config";
	load(&s, NULL, &u);
	assert_null(s.region);
	awsq_settings_free(&s);
	u.variables[1][1] = "/dev/null/config";
	load(&s, NULL, &u);
	awsq_settings_free(&s);
	fake_end(&u);
}

static void test_unusable_files(void **state)
{
	struct fake_user u;
	char message[256];

	(void)state;
	fake_begin(&u);
	fake_file(&u, ".aws/config", "[default]\nregion\n");
	(void)snprintf(message, sizeof(message), "'%s': line 2: ", fake_path(&u, ".aws/config"));
	refuses(&u, NULL, AWSQ_EPARSE, message);
	assert_int_equal(unlink(fake_path(&u, ".aws/config")), 0);
	assert_int_equal(mkdir(fake_path(&u, ".aws/config"), 0700), 0);
	(void)snprintf(message, sizeof(message), "cannot read '%s': Is a directory",
		fake_path(&u, ".aws/config"));
	refuses(&u, NULL, AWSQ_EIO, message);
	fake_set(&u, "AWS_CONFIG_FILE", "/dev/zero");
	refuses(&u, NULL, AWSQ_ETOOBIG, "'/dev/zero' is larger than 1 MiB");
	fake_end(&u);
}

/* Nobody ever writes to it, and whoever opens it waits for that. */
static void test_pipes(void **state)
{
	static const char *const variables[] = { "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE" };
	struct awsq_settings s;
	char message[256];

	(void)state;
	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
		struct fake_user u;

		fake_begin(&u);
		assert_int_equal(mkfifo(fake_path(&u, "other"), 0600), 0);
		(void)snprintf(message, sizeof(message),
			"cannot read '%s': it is not a regular file", fake_path(&u, "other"));
		fake_set(&u, variables[i], fake_path(&u, "other"));
		refuses(&u, NULL, AWSQ_EIO, message);
		/* As is usual where there is to be none. */
		u.variables[1][1] = "/dev/null";
		load(&s, NULL, &u);
		assert_null(s.region);
		awsq_settings_free(&s);
		fake_end(&u);
	}
}

static void test_process_environment(void **state)
{
	(void)state;
	assert_non_null(awsq_environment_process.get(awsq_environment_process.arg, "PATH"));
	assert_null(awsq_environment_process.get(NULL, "AWSQ_NO_SUCH_VARIABLE"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_set),
		cmocka_unit_test(test_profile_settings),
		cmocka_unit_test(test_variables_win),
		cmocka_unit_test(test_empty_variables_are_absent),
		cmocka_unit_test(test_which_profile),
		cmocka_unit_test(test_endpoints),
		cmocka_unit_test(test_all_services),
		cmocka_unit_test(test_endpoint_of_a_service),
		cmocka_unit_test(test_proxies),
		cmocka_unit_test(test_ca_bundles),
		cmocka_unit_test(test_retry_modes),
		cmocka_unit_test(test_bad_settings),
		cmocka_unit_test(test_other_paths),
		cmocka_unit_test(test_unusable_files),
		cmocka_unit_test(test_pipes),
		cmocka_unit_test(test_process_environment),
	};

	return cmocka_run_group_tests_name("settings", tests, NULL, NULL);
}
