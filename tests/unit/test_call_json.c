/*
 * Calls of AWS's JSON protocol: what they send, and what becomes of the answers. The expected
 * requests are botocore 1.43.11's for the same calls.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <awsq/json.h>
#include <awsq/kms.h>
#include <awsq/quotas.h>

#include "fake_client.h"

static void check_header(const struct request *r, const char *name, const char *value)
{
	char text[600];

	request_header(text, sizeof(text), r, name);
	assert_string_equal(text, value);
}

static void test_describe_key(void **state)
{
	static const struct answer answers[] = { { .status = 200,
		.body = "{\"KeyMetadata\": {\"KeyId\": \"k-1\", \"Arn\": \"arn:k-1\", \"Enabled\": "
			"false, \"KeyState\": \"PendingDeletion\", \"DeletionDate\": 1.5E9, "
			"\"KeyUsage\": \"ENCRYPT_DECRYPT\", \"KeySpec\": \"SYMMETRIC_DEFAULT\", "
			"\"KeyManager\": \"CUSTOMER\", \"MultiRegion\": false}}" } };
	struct awsq_kms_key key = { 0 };
	struct awsq_call call;
	char signature[600];
	struct fake f;

	(void)state;
	FAKE_BEGIN(&f, answers);
	awsq_kms_describe_key(&call, &key, "alias/\"mine\"");
	assert_int_equal(call.repeatable, 1);
	assert_int_equal(awsq_run_one(f.client, &call, NULL), 0);
	assert_string_equal(key.id, "k-1");
	assert_string_equal(key.arn, "arn:k-1");
	assert_string_equal(key.state, "PendingDeletion");
	assert_string_equal(key.usage, "ENCRYPT_DECRYPT");
	assert_string_equal(key.spec, "SYMMETRIC_DEFAULT");
	assert_string_equal(key.manager, "CUSTOMER");
	assert_int_equal(key.enabled, 0);
	assert_int_equal(key.deletion_date, 1500000000);
	assert_string_equal(f.server->requests[0].body, "{\"KeyId\":\"alias/\\\"mine\\\"\"}");
	check_header(&f.server->requests[0], "Content-Type", "application/x-amz-json-1.1");
	check_header(&f.server->requests[0], "X-Amz-Target", "TrentService.DescribeKey");
	request_header(signature, sizeof(signature), &f.server->requests[0], "Authorization");
	assert_non_null(strstr(signature, "/us-west-2/kms/aws4_request"));
	assert_non_null(strstr(signature, "content-type;host;x-amz-date;x-amz-target"));
	awsq_kms_free_key(&key);
	assert_null(key.id);
	fake_end(&f);
}

static void test_get_service_quota(void **state)
{
	static const struct answer answers[] = { { .status = 200,
		.body = "{\"Quota\": {\"QuotaCode\": \"L-1216C47A\", \"QuotaName\": \"Running\", "
			"\"Value\": 32.0, \"Unit\": \"None\", \"Adjustable\": true}}" } };
	struct awsq_quota quota = { 0 };
	struct awsq_call call;
	struct fake f;

	(void)state;
	FAKE_BEGIN(&f, answers);
	awsq_quotas_get_service_quota(&call, &quota, "ec2", AWSQ_QUOTA_STANDARD_VCPUS);
	assert_int_equal(call.repeatable, 1);
	assert_int_equal(awsq_run_one(f.client, &call, NULL), 0);
	assert_string_equal(quota.code, "L-1216C47A");
	assert_string_equal(quota.name, "Running");
	assert_string_equal(quota.unit, "None");
	assert_int_equal(quota.value, 32);
	assert_int_equal(quota.adjustable, 1);
	assert_string_equal(f.server->requests[0].body,
		"{\"ServiceCode\":\"ec2\",\"QuotaCode\":\"L-1216C47A\"}");
	check_header(&f.server->requests[0], "X-Amz-Target",
		"ServiceQuotasV20190624.GetServiceQuota");
	awsq_quotas_free_quota(&quota);
	fake_end(&f);
}

static void check_failure(struct fake *f, int code, const char *aws_code, const char *message)
{
	struct awsq_kms_key key = { 0 };
	struct awsq_call call;
	struct awsq_err err;

	awsq_kms_describe_key(&call, &key, "k-1");
	assert_int_equal(awsq_run_one(f->client, &call, &err), code);
	assert_string_equal(err.aws_code, aws_code);
	assert_non_null(strstr(err.message, message));
	assert_string_equal(err.action, "kms:DescribeKey");
	assert_null(key.id);
}

static void test_failures(void **state)
{
	static const struct answer answers[] = {
		{ .status = 400,
			.body = "{\"__type\":\"NotFoundException\",\"message\":\"none\"}" },
		{ .status = 400,
			.body = "{\"__type\":\"a#AccessDeniedException\",\"Message\":\"not "
				"authorized to perform: kms:DescribeKey on\"}" },
		{ .status = 403,
			.body = "<ErrorResponse><Error><Code>InvalidClientTokenId</"
				"Code><Message>who"
				"</Message></Error></ErrorResponse>" },
		{ .status = 404, .body = "<html>not here</html>" },
	};
	struct fake f;

	(void)state;
	FAKE_BEGIN(&f, answers);
	check_failure(&f, AWSQ_ESERVICE, "NotFoundException", "none");
	check_failure(&f, AWSQ_ESERVICE, "AccessDeniedException", "kms:DescribeKey");
	check_failure(&f, AWSQ_ESERVICE, "InvalidClientTokenId", "who");
	check_failure(&f, AWSQ_ESERVICE, "", "404");
	fake_end(&f);
}

/* Throttled, malformed and cut off: each attempt sends the same body, and is signed. */
static void test_retried(void **state)
{
	static const struct answer answers[] = {
		{ .status = 400,
			.body = "{\"__type\":\"ThrottlingException\",\"message\":\"slow\"}" },
		{ .status = 200, .body = "{\"KeyMetadata\": {\"KeyId\": \"k-1\"}}", .missing = 5 },
		{ .status = 200, .body = "{\"KeyMetadata\": {\"KeyId\": \"k-2\"}}" },
	};
	struct awsq_kms_key key = { 0 };
	struct awsq_call call;
	struct fake f;

	(void)state;
	FAKE_BEGIN(&f, answers);
	awsq_kms_describe_key(&call, &key, "k");
	assert_int_equal(awsq_run(f.client, &call, 1), 0);
	assert_int_equal(call.attempts, 3);
	assert_string_equal(key.id, "k-2");
	for (int i = 0; i < 3; i++)
		assert_string_equal(f.server->requests[i].body, "{\"KeyId\":\"k\"}");
	awsq_call_free(&call);
	awsq_kms_free_key(&key);
	fake_end(&f);
}

/* ---- Pages, and an answer that is too long: of an API that lists */

struct thing {
	char *id;
};

struct things {
	struct thing *items;
	size_t n;
	char *next_token;
};

static const struct awsq_field thing_fields[] = { AWSQ_STRING(struct thing, id, "Id") };
static const struct awsq_shape thing_shape = AWSQ_SHAPE(struct thing, thing_fields);
static const struct awsq_field things_fields[] = {
	AWSQ_LIST(struct things, items, n, "Things", &thing_shape),
	AWSQ_TOKEN(struct things, next_token, "NextToken"),
};
static const struct awsq_shape things_shape = AWSQ_SHAPE(struct things, things_fields);

static void test_pages(void **state)
{
	static const struct answer answers[] = {
		{ .status = 200,
			.body = "{\"Things\": [{\"Id\": \"1\"}], \"NextToken\": \"t\\\"1\"}" },
		{ .status = 200, .body = "{\"Things\": [{\"Id\": \"2\"}]}" },
	};
	struct things things = { 0 };
	struct awsq_call call;
	struct fake f;

	(void)state;
	FAKE_BEGIN(&f, answers);
	awsq_call_init_json(&call, "kms", "Lister", "ListThings", &things_shape, &things);
	assert_int_equal(awsq_run_one(f.client, &call, NULL), 0);
	assert_int_equal(things.n, 2);
	assert_string_equal(things.items[0].id, "1");
	assert_string_equal(things.items[1].id, "2");
	assert_string_equal(f.server->requests[0].body, "{}");
	assert_string_equal(f.server->requests[1].body, "{\"NextToken\":\"t\\\"1\"}");
	awsq_shape_free(&things_shape, &things);
	fake_end(&f);
}

static void test_too_long(void **state)
{
	static const struct answer answers[] = {
		{ .status = 200, .body = "{\"Things\": []}", .fill = (size_t)5 * 1024 * 1024 }
	};
	struct things things = { 0 };
	struct awsq_call call;
	struct awsq_err err;
	struct fake f;

	(void)state;
	FAKE_BEGIN(&f, answers);
	awsq_call_init_json(&call, "kms", "Lister", "ListThings", &things_shape, &things);
	assert_int_equal(awsq_run_one(f.client, &call, &err), AWSQ_ETOOBIG);
	assert_int_equal(call.attempts, 1);
	fake_end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_describe_key),
		cmocka_unit_test(test_get_service_quota),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_retried),
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_too_long),
	};

	return cmocka_run_group_tests_name("call_json", tests, fake_global_begin, fake_global_end);
}
