/* What is expected here is what botocore 1.43.11 makes of the same text, unless said otherwise. */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <awsq/buf.h>
#include <awsq/profile.h>

static struct awsq_profiles *parse(const char *text, enum awsq_profile_file file)
{
	struct awsq_profiles *p;
	struct awsq_err err;

	if (awsq_profiles_parse(&p, text, strlen(text), file, &err) != 0)
		fail_msg("%s", err.message);
	return p;
}

static const char *get(const struct awsq_profiles *p, const char *profile, const char *key)
{
	return awsq_profiles_get(p, AWSQ_SECTION_PROFILE, profile, key);
}

static void gives(const char *text, const char *value)
{
	struct awsq_profiles *p = parse(text, AWSQ_FILE_CREDENTIALS);
	const char *got = get(p, "a", "k");

	if (!value)
		assert_null(got);
	else if (!got || strcmp(got, value) != 0)
		fail_msg("'%s' gives '%s'", text, got ? got : "(nothing)");
	awsq_profiles_free(p);
}

static void test_values(void **state)
{
	(void)state;
	gives("[a]\nk = v", "v");
	gives("[a]\nk=v\n", "v");
	gives("[a]\r\nk=v\r\n", "v");
	gives("[a]\rk=v\r", "v");
	gives("\xef\xbb\xbf[a]\nk=v", "v"); /* botocore refuses a byte order mark */
	gives("[a]\n\tk\t:\tv\t", "v");
	gives("[a]\nK = V", "V");
	gives("[a]\nk = a = b : c", "a = b : c");
	gives("[a]\nk : a = b", "a = b");
	gives("[a]\nk =", "");
	gives("[a]\nk = \"v\"", "\"v\"");
	gives("[a]\nk = v # not a comment", "v # not a comment");
	gives("[a]\nk = v ; not a comment", "v ; not a comment");
	gives("# c\n ; c\n[a]\n  # c\nk = v\n", "v");
	gives("[a] tail\nk = v", "v");
	gives("  [a]\n  k = v\n  l = w", "v");
	gives("[a]\nl = w", NULL);
	gives("", NULL);
	gives("\n\n", NULL);
	gives("[b]\nk = v", NULL);
}

static void test_continued_values(void **state)
{
	(void)state;
	gives("[a]\nk = v\n  w\n", "v\nw");
	gives("[a]\nk = v\n\n  w\n\n", "v\n\nw");
	gives("[a]\nk = v\n# c\n  w", "v\nw");
	gives("[a]\n  k = v\n  l = w", "v");
	gives("[a]\nk = v\n  [b]\n", "v\n[b]");
	gives("[a]\nk =\n\n\nl = w", "");
}

/* Temporary credentials come with tokens of several kB. */
static void test_long_lines(void **state)
{
	struct awsq_buf text = AWSQ_BUF_INIT(1048576);
	struct awsq_profiles *p;
	const char *token;

	(void)state;
	awsq_buf_adds(&text, "[a]\naws_session_token = ");
	for (int i = 0; i < 20000; i++)
		awsq_buf_adds(&text, "0123456789");
	awsq_buf_adds(&text, "\nk = v\n");
	p = parse(awsq_buf_str(&text), AWSQ_FILE_CREDENTIALS);
	token = get(p, "a", "aws_session_token");
	assert_int_equal(strlen(token), 200000);
	assert_string_equal(token + 199990, "0123456789");
	assert_string_equal(get(p, "a", "k"), "v");
	awsq_profiles_free(p);
	awsq_buf_free(&text);
}

static void test_sections_of_the_config_file(void **state)
{
	static const char text[] = "[default]\nk = 1\n"
				   "[profile a]\nk = 2\n"
				   "[profile \"b c\"]\nk = 3\n"
				   "[profile 'd']\nk = 4\n"
				   "[profile\te\\ f]\nk = 5\n"
				   "[p3]\nk = 6\n"
				   "[profile g h]\nk = 7\n"
				   "[profile 'open]\nk = 8\n"
				   "[profile]\nk = 9\n"
				   "[services a]\nk = 10\n"
				   "[sso-session a]\nk = 11\n"
				   "[ default ]\nk = 12\n"
				   "[profile \"a\"]\nl = 13\n";
	struct awsq_profiles *p = parse(text, AWSQ_FILE_CONFIG);

	(void)state;
	assert_string_equal(get(p, "default", "k"), "1");
	assert_string_equal(get(p, "b c", "k"), "3");
	assert_string_equal(get(p, "d", "k"), "4");
	assert_string_equal(get(p, "e f", "k"), "5");
	assert_false(awsq_profiles_has(p, AWSQ_SECTION_PROFILE, "p3"));
	assert_false(awsq_profiles_has(p, AWSQ_SECTION_PROFILE, "g"));
	assert_false(awsq_profiles_has(p, AWSQ_SECTION_PROFILE, "g h"));
	assert_false(awsq_profiles_has(p, AWSQ_SECTION_PROFILE, "open"));
	assert_false(awsq_profiles_has(p, AWSQ_SECTION_PROFILE, ""));
	assert_string_equal(awsq_profiles_get(p, AWSQ_SECTION_SERVICES, "a", "k"), "10");
	assert_string_equal(awsq_profiles_get(p, AWSQ_SECTION_SSO_SESSION, "a", "k"), "11");
	/* The same profile under two headers: the last one replaces the first. */
	assert_null(get(p, "a", "k"));
	assert_string_equal(get(p, "a", "l"), "13");
	awsq_profiles_free(p);
}

static void test_sections_of_the_credentials_file(void **state)
{
	struct awsq_profiles *p = parse("[default]\nk = 1\n[a b]\nk = 2\n[profile c]\nk = 3\n",
		AWSQ_FILE_CREDENTIALS);

	(void)state;
	assert_string_equal(get(p, "default", "k"), "1");
	assert_string_equal(get(p, "a b", "k"), "2");
	assert_string_equal(get(p, "profile c", "k"), "3");
	assert_false(awsq_profiles_has(p, AWSQ_SECTION_PROFILE, "c"));
	awsq_profiles_free(p);
}

static const char *sub(const struct awsq_profiles *p, const char *key, const char *name)
{
	return awsq_profiles_get_sub(p, AWSQ_SECTION_SERVICES, "s", key, name);
}

static void test_sub_settings(void **state)
{
	static const char text[] = "[services s]\n"
				   "ec2 =\n"
				   "  endpoint_url = http://localhost:1\n"
				   "\n"
				   "    region=x\n"
				   "  endpoint_url = http://localhost:2\n"
				   "EC3 = \n"
				   "  a = b = c\n"
				   "plain = v\n"
				   "  a = b\n";
	struct awsq_profiles *p = parse(text, AWSQ_FILE_CONFIG);

	(void)state;
	assert_string_equal(sub(p, "ec2", "endpoint_url"), "http://localhost:2");
	assert_string_equal(sub(p, "ec2", "region"), "x");
	assert_null(sub(p, "ec2", "a"));
	assert_string_equal(sub(p, "ec3", "a"), "b = c");
	assert_null(sub(p, "plain", "a"));
	assert_string_equal(awsq_profiles_get(p, AWSQ_SECTION_SERVICES, "s", "plain"), "v\na = b");
	assert_null(awsq_profiles_get(p, AWSQ_SECTION_SERVICES, "s", "endpoint_url"));
	awsq_profiles_free(p);
}

static void refuses_bytes(const char *text, size_t len, const char *message)
{
	struct awsq_profiles *p;
	struct awsq_err err;

	assert_int_equal(awsq_profiles_parse(&p, text, len, AWSQ_FILE_CONFIG, &err), AWSQ_EPARSE);
	assert_null(p);
	assert_int_equal(err.code, AWSQ_EPARSE);
	assert_string_equal(err.message, message);
}

static void refuses(const char *text, const char *message)
{
	refuses_bytes(text, strlen(text), message);
}

static void test_errors(void **state)
{
	(void)state;
	refuses("k = v", "line 1: a setting before the first [section]");
	refuses("[]\n", "line 1: a setting before the first [section]");
	refuses("[a]\n\nsecret",
		"line 3: neither a [section] nor a setting of the form 'key = value'");
	refuses("[a]\n= v", "line 2: no key before the '='");
	refuses("[a]\n: v", "line 2: no key before the ':'");
	refuses("[a]\n[b]\r\n[a]", "line 3: the section [a] is there already");
	refuses("[a]\nk = v\nl = w\nK = x", "line 4: 'k' is set already in this section");
	refuses("[a]\nk =\n  v", "line 3: below 'k', not a setting of the form 'key = value'");
	refuses_bytes("[a]\nk = v\0w\n", 12, "line 2: a NUL byte");
}

static void test_nothing(void **state)
{
	(void)state;
	assert_null(awsq_profiles_get(NULL, AWSQ_SECTION_PROFILE, "default", "k"));
	assert_false(awsq_profiles_has(NULL, AWSQ_SECTION_PROFILE, "default"));
	awsq_profiles_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_continued_values),
		cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_sections_of_the_config_file),
		cmocka_unit_test(test_sections_of_the_credentials_file),
		cmocka_unit_test(test_sub_settings),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_nothing),
	};

	return cmocka_run_group_tests_name("profile", tests, NULL, NULL);
}
