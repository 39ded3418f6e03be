/*
 * Error documents: EC2's form, that of IAM and STS, and what else comes with a status of error.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <awsq/client.h>
#include <awsq/err.h>
#include <awsq/xml.h>

static const struct {
	const char *text;
	const char *code, *message, *request_id;
} good[] = {
	/* EC2. */
	{ "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	  "<Response><Errors><Error><Code>InvalidInstanceID.NotFound</Code><Message>The instance "
	  "ID 'i-1' does not exist</Message></Error></Errors><RequestID>59dbff89-35bd"
	  "</RequestID></Response>",
		"InvalidInstanceID.NotFound", "The instance ID 'i-1' does not exist",
		"59dbff89-35bd" },
	/* IAM, STS. */
	{ "<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">\n  <Error>\n"
	  "    <Type>Sender</Type>\n    <Code>NoSuchEntity</Code>\n    <Message>Instance Profile "
	  "x &amp; y cannot be found.</Message>\n  </Error>\n  <RequestId>7a62c49f-347e</RequestId>"
	  "\n</ErrorResponse>\n",
		"NoSuchEntity", "Instance Profile x & y cannot be found.", "7a62c49f-347e" },
	/* Without the wrapping. */
	{ "<Error><Code>AuthFailure</Code><Message>m</Message><RequestId>r</RequestId></Error>",
		"AuthFailure", "m", "r" },
	/* Messages may be empty or absent, and so may the request's id. */
	{ "<Response><Errors><Error><Code>C</Code><Message/></Error></Errors></Response>", "C", "",
		"" },
	{ "<ErrorResponse><Error><Code>C</Code></Error><RequestId/></ErrorResponse>", "C", "", "" },
	{ "<ErrorResponse><Error><Message></Message><Code>C</Code></Error></ErrorResponse>", "C",
		"", "" },
	/* Message before Code, other elements between, text of any kind. */
	{ "<Response><RequestID>r</RequestID><Errors><Error><Message>a\nb \xe2\x82\xac</Message>"
	  "<Detail><Code>no</Code></Detail><Code>C</Code></Error></Errors></Response>",
		"C", "a\nb \xe2\x82\xac", "r" },
};

static void test_error_documents(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		struct awsq_err err;

		awsq_err_clear(&err);
		if (awsq_xml_error(&err, good[i].text, strlen(good[i].text)) != 0)
			fail_msg("%s", good[i].text);
		assert_int_equal(err.code, AWSQ_ESERVICE);
		assert_string_equal(err.aws_code, good[i].code);
		assert_string_equal(err.message, good[i].message);
		assert_string_equal(err.request_id, good[i].request_id);
	}
}

static void is_untouched(const char *text, size_t len)
{
	struct awsq_err err, before;

	memset(&before, 0x5a, sizeof(before));
	err = before;
	if (awsq_xml_error(&err, text, len) != AWSQ_EPARSE)
		fail_msg("%.*s was taken", (int)len, text);
	assert_memory_equal(&err, &before, sizeof(err));
}

static void test_what_is_no_error_document(void **state)
{
	static const char *const bad[] = { "", "garbage",
		"<html><body>502 Bad Gateway</body></html>",
		"<html><head><title>502</title></head><body bgcolor=white></body></html>",
		"{\"__type\":\"UnrecognizedClientException\",\"message\":\"m\"}", "<Response/>",
		"<Response><Errors/><RequestID>r</RequestID></Response>",
		"<Response><Errors><Error><Code/><Message>m</Message></Error></Errors></Response>",
		"<Response><Errors><Error><Message>m</Message></Error></Errors></Response>",
		"<!DOCTYPE a><Response><Errors><Error><Code>C</Code></Error></Errors></Response>" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		is_untouched(bad[i], strlen(bad[i]));
}

static void test_truncated_at_every_byte(void **state)
{
	const char *text = good[0].text;

	(void)state;
	for (size_t len = 0; len < strlen(text); len++)
		is_untouched(text, len);
}

/* Longer than the room for them: cut off, and terminated. */
static void test_long_texts(void **state)
{
	char text[4096], many[1200];
	struct awsq_err err;

	(void)state;
	memset(many, 'x', sizeof(many) - 1);
	many[sizeof(many) - 1] = '\0';
	(void)snprintf(text, sizeof(text),
		"<E><Error><Code>%.200s</Code><Message>%s</Message></Error><RequestId>%.200s"
		"</RequestId></E>",
		many, many, many);
	assert_int_equal(awsq_xml_error(&err, text, strlen(text)), 0);
	assert_int_equal(strlen(err.aws_code), sizeof(err.aws_code) - 1);
	assert_int_equal(strlen(err.message), sizeof(err.message) - 1);
	assert_int_equal(strlen(err.request_id), sizeof(err.request_id) - 1);
}

static int begin(void **state)
{
	(void)state;
	return awsq_global_init();
}

static int end(void **state)
{
	(void)state;
	awsq_global_free();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_error_documents),
		cmocka_unit_test(test_what_is_no_error_document),
		cmocka_unit_test(test_truncated_at_every_byte),
		cmocka_unit_test(test_long_texts),
	};

	return cmocka_run_group_tests_name("xml_error", tests, begin, end);
}
