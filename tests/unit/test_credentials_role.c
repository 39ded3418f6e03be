/*
 * Roles and web identities: what STS is asked for, with whose keys, and what is refused before.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <awsq/client.h>
#include <awsq/credentials.h>

#include "fake_user.h"
#include "http_server.h"

#define SESSION(name, result)                                                                 \
	"<R><" result "><Credentials><AccessKeyId>ASIA" name "</AccessKeyId>"                 \
	"<SecretAccessKey>secret-" name "</SecretAccessKey><SessionToken>token-" name         \
	"</SessionToken><Expiration>2115-08-30T12:36:00Z</Expiration></Credentials></" result \
	"></R>"
#define ROLE(name) SESSION(name, "AssumeRoleResult")
#define WEB(name)  SESSION(name, "AssumeRoleWithWebIdentityResult")

/* A user, and an STS for him. */
struct world {
	struct fake_user user;
	struct server *sts;
	struct awsq_settings settings;
	struct awsq_credentials_options options;
	struct awsq_credentials found;
	struct awsq_err err;
	char url[64], region[16], asked[256];
	int ask_result;
};

static int ask(void *arg, const char *question, char *answer, size_t size)
{
	struct world *w = arg;

	(void)snprintf(w->asked, sizeof(w->asked), "%s", question);
	(void)snprintf(answer, size, "123456");
	return w->ask_result;
}

static void begin(struct world *w, const char *config, const struct answer *answers, size_t n)
{
	memset(w, 0, sizeof(*w));
	fake_begin(&w->user);
	fake_file(&w->user, ".aws/config", config);
	w->sts = server_begin(answers, n);
	(void)snprintf(w->url, sizeof(w->url), "http://127.0.0.1:%d", w->sts->port);
	(void)snprintf(w->region, sizeof(w->region), "eu-west-3");
	w->settings.endpoint_url_sts = w->url;
	w->settings.region = w->region;
	w->options = (struct awsq_credentials_options){
		.profile = "p", .env = &w->user.env, .settings = &w->settings, .ask = ask, .arg = w
	};
}

static void end(struct world *w)
{
	awsq_credentials_free(&w->found);
	server_end(w->sts);
	fake_end(&w->user);
}

/* Expects the role's keys. */
static void finds(struct world *w, const char *key, const char *source)
{
	if (awsq_credentials_load(&w->found, &w->options, &w->err) != 0)
		fail_msg("%s", w->err.message);
	assert_string_equal(w->found.access_key_id, key);
	assert_string_equal(w->found.source, source);
	assert_int_equal(w->found.expires, INT64_C(4596611760));
}

static void refuses(struct world *w, int code, const char *part)
{
	assert_int_equal(awsq_credentials_load(&w->found, &w->options, &w->err), code);
	if (!strstr(w->err.message, part))
		fail_msg("%s", w->err.message);
	assert_null(w->found.access_key_id);
}

/* What request n has to have in its body, and whose key it has to be signed with (NULL: none). */
static void expect(const struct world *w, int n, const char *part, const char *key)
{
	const struct request *r = &w->sts->requests[n];
	char authorization[512], credential[64];

	assert_true(n < w->sts->n_requests);
	if (!strstr(r->body, part))
		fail_msg("%s is not in %s", part, r->body);
	request_header(authorization, sizeof(authorization), r, "Authorization");
	(void)snprintf(credential, sizeof(credential), " Credential=%s/", key ? key : "");
	if (key ? !strstr(authorization, credential) : authorization[0] != '\0')
		fail_msg("'%s' is not signed by %s", authorization, key ? key : "nobody");
}

static void test_a_role(void **state)
{
	static const struct answer answers[] = {
		{ .action = "AssumeRole", .status = 200, .body = ROLE("1") }
	};
	struct world w;

	(void)state;
	begin(&w,
		"[profile p]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = base\n"
		"external_id = x:1\nrole_session_name = me\nduration_seconds = 900\n"
		"[profile base]\naws_access_key_id = AKIABASE\naws_secret_access_key = s\n",
		answers, 1);
	finds(&w, "ASIA1", "assumed role");
	assert_string_equal(w.found.secret_access_key, "secret-1");
	assert_string_equal(w.found.session_token, "token-1");
	expect(&w, 0, "&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr&", "AKIABASE");
	expect(&w, 0, "&RoleSessionName=me&", "AKIABASE");
	expect(&w, 0, "&DurationSeconds=900&", "AKIABASE");
	expect(&w, 0, "&ExternalId=x%3A1", "AKIABASE");
	assert_null(strstr(w.sts->requests[0].body, "SerialNumber"));
	assert_non_null(strstr(w.sts->requests[0].head, "/eu-west-3/sts/aws4_request"));
	end(&w);
}

/* The region of the caller's clients, before that of the settings; a number that is none. */
static void test_region_and_name(void **state)
{
	static const struct answer answers[] = { { .status = 200, .body = ROLE("1") } };
	struct world w;

	(void)state;
	begin(&w,
		"[profile p]\nrole_arn = r\nsource_profile = p\nduration_seconds = long\n"
		"aws_access_key_id = AKIAOWN\naws_secret_access_key = s\n",
		answers, 1);
	w.options.region = "us-west-2";
	finds(&w, "ASIA1", "assumed role");
	assert_non_null(strstr(w.sts->requests[0].head, "/us-west-2/sts/aws4_request"));
	expect(&w, 0, "&RoleSessionName=awsq-", "AKIAOWN");
	assert_null(strstr(w.sts->requests[0].body, "DurationSeconds"));
	end(&w);
}

static void test_a_chain_of_roles(void **state)
{
	static const struct answer answers[] = { { .status = 200, .body = ROLE("1") },
		{ .status = 200, .body = ROLE("2") } };
	struct world w;
	char token[64];

	(void)state;
	begin(&w,
		"[profile p]\nrole_arn = outer\nsource_profile = q\n"
		"[profile q]\nrole_arn = inner\nsource_profile = base\n"
		"[profile base]\naws_access_key_id = C\naws_secret_access_key = s\n",
		answers, 2);
	/* The credentials file has the last word on a profile. */
	fake_file(&w.user, ".aws/credentials",
		"[base]\naws_access_key_id = AKIABASE\naws_secret_access_key = s\n");
	finds(&w, "ASIA2", "assumed role");
	expect(&w, 0, "&RoleArn=inner&", "AKIABASE");
	expect(&w, 1, "&RoleArn=outer&", "ASIA1");
	request_header(token, sizeof(token), &w.sts->requests[1], "X-Amz-Security-Token");
	assert_string_equal(token, "token-1");
	end(&w);
}

/* Keys of its own end the chain, though the profile has a role too. */
static void test_keys_before_the_role_of_a_source(void **state)
{
	static const struct answer answers[] = { { .status = 200, .body = ROLE("1") } };
	struct world w;

	(void)state;
	begin(&w,
		"[profile p]\nrole_arn = outer\nsource_profile = q\n"
		"[profile q]\nrole_arn = inner\nsource_profile = p\n"
		"aws_access_key_id = AKIAQ\naws_secret_access_key = s\n",
		answers, 1);
	finds(&w, "ASIA1", "assumed role");
	expect(&w, 0, "&RoleArn=outer&", "AKIAQ");
	assert_int_equal(w.sts->n_requests, 1);
	end(&w);
}

static void test_credential_source(void **state)
{
	static const struct answer answers[] = { { .status = 200, .body = ROLE("1") } };
	struct world w;

	(void)state;
	begin(&w, "[profile p]\nrole_arn = r\ncredential_source = Environment\n", answers, 1);
	refuses(&w, AWSQ_ECREDENTIALS,
		"profile 'p': its 'credential_source' 'Environment' has no credentials "
		"(environment: 'AWS_ACCESS_KEY_ID' is not set)");
	fake_set(&w.user, "AWS_ACCESS_KEY_ID", "AKIAENV");
	fake_set(&w.user, "AWS_SECRET_ACCESS_KEY", "s");
	fake_set(&w.user, "AWS_SESSION_TOKEN", "t");
	finds(&w, "ASIA1", "assumed role");
	expect(&w, 0, "&RoleArn=r&", "AKIAENV");
	end(&w);
}

/* What is wrong is told before anybody is asked for anything. */
static void test_wrong_profiles(void **state)
{
	static const struct {
		const char *config, *part;
	} cases[] = {
		{ "[profile p]\nrole_arn = r\n",
			"profile 'p' has 'role_arn' and neither 'source_profile' nor" },
		{ "[profile p]\nrole_arn = r\nsource_profile = p\ncredential_source = x\n",
			"and both 'source_profile' and 'credential_source'" },
		{ "[profile p]\nrole_arn = r\ncredential_source = environment\n",
			"'credential_source' is 'environment', and should be Environment" },
		{ "[profile p]\nrole_arn = r\nsource_profile = q\n",
			"its 'source_profile' is 'q', which is not there" },
		{ "[profile p]\nrole_arn = r\nsource_profile = q\n[profile q]\nregion = x\n",
			"profile 'p': its 'source_profile' 'q' has no credentials (web "
			"identity: " },
		{ "[profile p]\nrole_arn = r\nsource_profile = p\n",
			"its 'source_profile' is 'p', which leads back to it" },
		{ "[profile p]\nrole_arn = r\nsource_profile = q\n"
		  "[profile q]\nrole_arn = r\nsource_profile = o\n"
		  "[profile o]\nrole_arn = r\nsource_profile = q\n",
			"profile 'o': its 'source_profile' is 'q', which leads back to it" },
		{ "[profile p]\nrole_arn = r\nsource_profile = q\n"
		  "[profile q]\naws_access_key_id = A\n",
			"has an 'aws_access_key_id', but no 'aws_secret_access_key'" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct world w;

		begin(&w, cases[i].config, NULL, 0);
		refuses(&w, AWSQ_ECREDENTIALS, cases[i].part);
		assert_int_equal(w.sts->n_requests, 0);
		end(&w);
	}
}

static void test_too_long_a_chain(void **state)
{
	char text[4096] = "";
	struct world w;
	size_t len = 0;

	(void)state;
	for (int i = 0; i < 40; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
			"[profile p%.0d]\nrole_arn = r\nsource_profile = p%d\n", i, i + 1);
	begin(&w, text, NULL, 0);
	refuses(&w, AWSQ_ECREDENTIALS, "profile 'p16': more than 16 roles, one after the other");
	end(&w);
}

#define MFA                                                                                  \
	"[profile p]\nrole_arn = r\nsource_profile = p\nmfa_serial = arn:aws:iam::1:mfa/m\n" \
	"aws_access_key_id = AKIA\naws_secret_access_key = s\n"

static void test_mfa(void **state)
{
	static const struct answer answers[] = { { .status = 200, .body = ROLE("1") } };
	struct world w;

	(void)state;
	begin(&w, MFA, answers, 1);
	finds(&w, "ASIA1", "assumed role");
	assert_string_equal(w.asked, "Enter MFA code for arn:aws:iam::1:mfa/m: ");
	expect(&w, 0, "&SerialNumber=arn%3Aaws%3Aiam%3A%3A1%3Amfa%2Fm&TokenCode=123456", "AKIA");
	awsq_credentials_free(&w.found);
	w.ask_result = AWSQ_ECANCELED;
	refuses(&w, AWSQ_ECANCELED, "no code of the MFA device 'arn:aws:iam::1:mfa/m' was given");
	w.options.ask = NULL;
	refuses(&w, AWSQ_ECREDENTIALS, "and there is nobody to ask for it");
	assert_int_equal(w.sts->n_requests, 1);
	end(&w);
}

/* A source asks once: later there is nobody who would know that he is asked. */
static void test_mfa_of_a_source(void **state)
{
	static const struct answer answers[] = { { .status = 200, .body = ROLE("1") } };
	struct awsq_credentials_source *source;
	struct awsq_credentials copy;
	struct world w;

	(void)state;
	begin(&w, MFA, answers, 1);
	assert_int_equal(awsq_credentials_source_new(&source, &w.options, NULL), 0);
	assert_string_equal(awsq_credentials_source_name(source), "");
	assert_int_equal(w.sts->n_requests, 0);
	assert_int_equal(awsq_credentials_source_get(source, &w.found, NULL), 0);
	assert_string_equal(awsq_credentials_source_name(source), "assumed role");
	w.asked[0] = '\0';
	assert_false(awsq_credentials_source_renew(source, &w.found));
	assert_string_equal(w.asked, "");
	/* They have not expired: AWS may have been wrong. */
	assert_int_equal(awsq_credentials_source_get(source, &copy, NULL), 0);
	assert_string_equal(copy.access_key_id, "ASIA1");
	awsq_credentials_free(&copy);
	awsq_credentials_source_free(source);
	end(&w);
}

static void test_refused_by_sts(void **state)
{
	static const struct answer answers[] = {
		{ .status = 403,
			.body = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not "
				"you</Message></Error><RequestId>id-1</RequestId></"
				"ErrorResponse>" },
		{ .status = 200, .body = "<R><AssumeRoleResult/></R>" },
	};
	struct world w;

	(void)state;
	begin(&w,
		"[profile p]\nrole_arn = arn:r\nsource_profile = p\n"
		"aws_access_key_id = AKIA\naws_secret_access_key = s\n",
		answers, 2);
	refuses(&w, AWSQ_ECREDENTIALS,
		"profile 'p': cannot assume the role 'arn:r': AccessDenied: not you (from: config "
		"file)");
	assert_string_equal(w.err.aws_code, "AccessDenied");
	assert_string_equal(w.err.request_id, "id-1");
	assert_string_equal(w.err.action, "sts:AssumeRole");
	assert_int_equal(w.err.http_status, 403);
	refuses(&w, AWSQ_EPARSE, "STS has answered without credentials");
	w.settings.region = NULL;
	refuses(&w, AWSQ_ECREDENTIALS, "there is no region to ask STS in: set 'AWS_REGION'");
	w.options.settings = NULL;
	refuses(&w, AWSQ_ECREDENTIALS, "there is no region to ask STS in");
	end(&w);
}

static void test_web_identity(void **state)
{
	static const struct answer answers[] = { { .status = 200, .body = WEB("1") },
		{ .status = 200, .body = WEB("2") }, { .status = 200, .body = WEB("3") } };
	struct world w;
	char config[256], path[128];

	(void)state;
	begin(&w, "", answers, 3);
	(void)snprintf(path, sizeof(path), "%s", fake_path(&w.user, "other"));
	(void)snprintf(config, sizeof(config),
		"[profile p]\nrole_arn = arn:p\nweb_identity_token_file = %s\n"
		"role_session_name = me\nsource_profile = nobody\n",
		path);
	fake_file(&w.user, ".aws/config", config);
	fake_file(&w.user, "other", "j.w.t==\n");
	finds(&w, "ASIA1", "web identity");
	assert_string_equal(w.found.session_token, "token-1");
	expect(&w, 0, "Action=AssumeRoleWithWebIdentity&", NULL);
	expect(&w, 0, "&RoleArn=arn%3Ap&RoleSessionName=me&WebIdentityToken=j.w.t%3D%3D", NULL);
	awsq_credentials_free(&w.found);
	/* Variables: not where a profile is asked for, and each of them for itself otherwise. */
	fake_set(&w.user, "AWS_ROLE_ARN", "arn:e");
	finds(&w, "ASIA2", "web identity");
	expect(&w, 1, "&RoleArn=arn%3Ap&", NULL);
	awsq_credentials_free(&w.found);
	fake_set(&w.user, "AWS_PROFILE", "p");
	w.options.profile = NULL;
	finds(&w, "ASIA3", "web identity");
	expect(&w, 2, "&RoleArn=arn%3Ae&RoleSessionName=me&", NULL);
	end(&w);
}

static void test_wrong_web_identity(void **state)
{
	struct world w;

	(void)state;
	begin(&w, "[profile p]\nweb_identity_token_file = /nowhere/token\n", NULL, 0);
	refuses(&w, AWSQ_ECREDENTIALS,
		"'/nowhere/token', but no role for it: set 'AWS_ROLE_ARN', or 'role_arn' in "
		"profile 'p'");
	fake_file(&w.user, ".aws/config",
		"[profile p]\nweb_identity_token_file = /nowhere/token\nrole_arn = r\n");
	refuses(&w, AWSQ_ECREDENTIALS, "the web identity token file '/nowhere/token' is not there");
	fake_file(&w.user, ".aws/config",
		"[profile p]\nweb_identity_token_file = /dev/null\nrole_arn = r\n");
	refuses(&w, AWSQ_ECREDENTIALS, "the web identity token file '/dev/null' is empty");
	assert_int_equal(w.sts->n_requests, 0);
	end(&w);
}

/* A source of one role, for which another source has the keys. */
static void test_a_source_of_a_role(void **state)
{
	static const struct answer answers[] = { { .status = 200, .body = ROLE("1") },
		{ .status = 200, .body = ROLE("2") } };
	struct awsq_credentials_source *base, *source;
	struct awsq_role role = { "arn:r", NULL, "x", 0 };
	struct awsq_credentials copy;
	struct world w;

	(void)state;
	begin(&w, "[profile p]\naws_access_key_id = AKIABASE\naws_secret_access_key = s\n", answers,
		2);
	assert_int_equal(awsq_credentials_source_new(&base, &w.options, NULL), 0);
	assert_int_equal(awsq_credentials_source_new_role(&source, base, &role, &w.options, NULL),
		0);
	role.external_id = NULL;
	assert_int_equal(awsq_credentials_source_get(source, &w.found, NULL), 0);
	assert_string_equal(w.found.access_key_id, "ASIA1");
	expect(&w, 0, "&ExternalId=x", "AKIABASE");
	/* Once they are refused there are others; who was refused with the first ones has them. */
	assert_true(awsq_credentials_source_renew(source, &w.found));
	assert_true(awsq_credentials_source_renew(source, &w.found));
	assert_int_equal(awsq_credentials_source_get(source, &copy, NULL), 0);
	assert_string_equal(copy.access_key_id, "ASIA2");
	assert_int_equal(w.sts->n_requests, 2);
	/* And those are not looked for again at once. */
	assert_false(awsq_credentials_source_renew(source, &copy));
	awsq_credentials_free(&copy);
	awsq_credentials_source_free(source);
	awsq_credentials_source_free(base);
	end(&w);
}

static int global_begin(void **state)
{
	(void)state;
	return awsq_global_init();
}

static int global_end(void **state)
{
	(void)state;
	awsq_global_free();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_role),
		cmocka_unit_test(test_region_and_name),
		cmocka_unit_test(test_a_chain_of_roles),
		cmocka_unit_test(test_keys_before_the_role_of_a_source),
		cmocka_unit_test(test_credential_source),
		cmocka_unit_test(test_wrong_profiles),
		cmocka_unit_test(test_too_long_a_chain),
		cmocka_unit_test(test_mfa),
		cmocka_unit_test(test_mfa_of_a_source),
		cmocka_unit_test(test_refused_by_sts),
		cmocka_unit_test(test_web_identity),
		cmocka_unit_test(test_wrong_web_identity),
		cmocka_unit_test(test_a_source_of_a_role),
	};

	return cmocka_run_group_tests_name("roles", tests, global_begin, global_end);
}
