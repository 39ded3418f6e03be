#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <awsq/err.h>
#include <awsq/query.h>

/* RFC 3986, section 2.3: ALPHA / DIGIT / "-" / "." / "_" / "~". */
static int is_unreserved(int c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '.' || c == '_' || c == '~';
}

static void test_every_byte(void **state)
{
	(void)state;
	for (int c = 1; c < 256; c++) {
		struct awsq_buf q = AWSQ_BUF_INIT(10);
		char text[2] = { (char)c, '\0' }, expected[4];

		if (is_unreserved(c))
			(void)snprintf(expected, sizeof(expected), "%c", c);
		else
			(void)snprintf(expected, sizeof(expected), "%%%02X", (unsigned)c & 255U);
		awsq_query_escape(&q, text);
		assert_string_equal(awsq_buf_str(&q), expected);
		awsq_buf_free(&q);
	}
}

static void test_text_around_escapes(void **state)
{
	struct awsq_buf q = AWSQ_BUF_INIT(100);

	(void)state;
	awsq_query_escape(&q, "");
	assert_string_equal(awsq_buf_str(&q), "");
	awsq_query_escape(&q, "a b+c/\xc3\xbc~100%&=\n");
	assert_string_equal(awsq_buf_str(&q), "a%20b%2Bc%2F%C3%BC~100%25%26%3D%0A");
	awsq_buf_free(&q);
}

static void test_parameters(void **state)
{
	struct awsq_buf q = AWSQ_BUF_INIT(1000);

	(void)state;
	awsq_query_add(&q, NULL, "Absent");
	assert_string_equal(awsq_buf_str(&q), "");
	awsq_query_add(&q, "DescribeVpcs", "Action");
	awsq_query_add(&q, NULL, "Absent");
	awsq_query_add(&q, "", "Empty");
	awsq_query_add_int(&q, 0, "Zero");
	awsq_query_add_int(&q, INT64_MIN, "Least");
	awsq_query_add_int(&q, INT64_MAX, "Most");
	awsq_query_add_bool(&q, 1, "Yes");
	awsq_query_add_bool(&q, 2, "AlsoYes");
	awsq_query_add_bool(&q, 0, "No");
	assert_string_equal(awsq_buf_str(&q),
		"Action=DescribeVpcs&Empty=&Zero=0&Least=-9223372036854775808&"
		"Most=9223372036854775807&Yes=true&AlsoYes=true&No=false");
	awsq_buf_free(&q);
}

static void test_names_of_list_members(void **state)
{
	struct awsq_buf q = AWSQ_BUF_INIT(1000);

	(void)state;
	for (size_t i = 1; i <= 2; i++) {
		awsq_query_add(&q, "tag:Name", "Filter.%zu.Name", i);
		for (size_t k = 9; k <= 10; k++)
			awsq_query_add(&q, "a&b", "Filter.%zu.Value.%zu", i, k);
	}
	awsq_query_add_int(&q, 22, "IpPermissions.%d.%s", 3, "FromPort");
	awsq_query_add_bool(&q, 1, "X.member.%d", 12);
	assert_string_equal(awsq_buf_str(&q),
		"Filter.1.Name=tag%3AName&Filter.1.Value.9=a%26b&Filter.1.Value.10=a%26b&"
		"Filter.2.Name=tag%3AName&Filter.2.Value.9=a%26b&Filter.2.Value.10=a%26b&"
		"IpPermissions.3.FromPort=22&X.member.12=true");
	awsq_buf_free(&q);
}

/* A body that does not fit is empty and says so, never one that lacks its end. */
static void test_a_body_that_is_too_large(void **state)
{
	struct awsq_buf q = AWSQ_BUF_INIT(12);

	(void)state;
	awsq_query_add(&q, "1", "First");
	awsq_query_add(&q, "\xff\xff", "B");
	assert_int_equal(awsq_buf_error(&q), AWSQ_ETOOBIG);
	awsq_query_add(&q, "3", "C");
	assert_string_equal(awsq_buf_str(&q), "");
	assert_int_equal(awsq_buf_error(&q), AWSQ_ETOOBIG);
	awsq_buf_free(&q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_text_around_escapes),
		cmocka_unit_test(test_parameters),
		cmocka_unit_test(test_names_of_list_members),
		cmocka_unit_test(test_a_body_that_is_too_large),
	};

	return cmocka_run_group_tests_name("query", tests, NULL, NULL);
}
