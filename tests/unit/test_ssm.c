/*
 * Operations of Systems Manager: what they send, which is what botocore 1.43.11 sends for the same
 * calls, and what they make of the answers.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <awsq/json.h>
#include <awsq/ssm.h>

#include "fake_client.h"

#define INSTANCE "i-0123456789abcdef0"
#define COMMAND  "0831e1a8-a1ac-4257-a1fd-c831b48c4107"

static void check_target(const struct request *r, const char *action)
{
	char text[600], expected[64];

	request_header(text, sizeof(text), r, "X-Amz-Target");
	(void)snprintf(expected, sizeof(expected), "AmazonSSM.%s", action);
	assert_string_equal(text, expected);
	request_header(text, sizeof(text), r, "Content-Type");
	assert_string_equal(text, "application/x-amz-json-1.1");
	request_header(text, sizeof(text), r, "Authorization");
	assert_non_null(strstr(text, "/us-west-2/ssm/aws4_request"));
}

static void test_send_command(void **state)
{
	static const struct answer answers[] = { { .status = 200,
		.body = "{\"Command\":{\"CommandId\":\"" COMMAND "\",\"Status\":\"Pending\","
			"\"InstanceIds\":[\"" INSTANCE "\"],\"Parameters\":{\"commands\":[\"x\"]},"
			"\"RequestedDateTime\":1.5E9,\"TargetCount\":1}}" } };
	struct awsq_ssm_script script = { INSTANCE, "echo \"a\\b\"\nexit\t3\n", "a run", 30, 600 };
	struct awsq_ssm_command command = { 0 };
	struct awsq_call call;
	struct fake f;

	(void)state;
	FAKE_BEGIN(&f, answers);
	awsq_ssm_send_command(&call, &command, &script);
	assert_int_equal(call.repeatable, 0);
	assert_int_equal(awsq_run_one(f.client, &call, NULL), 0);
	assert_string_equal(command.id, COMMAND);
	assert_string_equal(command.status, "Pending");
	check_target(&f.server->requests[0], "SendCommand");
	assert_string_equal(f.server->requests[0].body,
		"{\"DocumentName\":\"AWS-RunShellScript\",\"InstanceIds\":[\"" INSTANCE "\"],"
		"\"Parameters\":{\"commands\":[\"echo \\\"a\\\\b\\\"\\nexit\\t3\\n\"],"
		"\"executionTimeout\":[\"600\"]},\"TimeoutSeconds\":30,\"Comment\":\"a run\"}");
	awsq_ssm_free_command(&command);
	assert_null(command.id);
	fake_end(&f);
}

/* What is no text cannot be sent as such, and says so. */
static void test_unsendable(void **state)
{
	struct awsq_ssm_script script = { INSTANCE, "echo \xff", NULL, 30, 600 };
	static const struct answer answers[] = { { .status = 200 } };
	struct awsq_ssm_command command = { 0 };
	struct awsq_call call;
	char *much;
	struct fake f;

	(void)state;
	FAKE_BEGIN(&f, answers);
	awsq_ssm_send_command(&call, &command, &script);
	assert_int_equal(awsq_run_one(f.client, &call, NULL), AWSQ_EINVAL);
	much = calloc(1, (size_t)5 * AWSQ_SSM_MAX_SCRIPT);
	assert_non_null(much);
	memset(much, 'x', (size_t)5 * AWSQ_SSM_MAX_SCRIPT - 1);
	script.text = much;
	awsq_ssm_send_command(&call, &command, &script);
	assert_int_equal(awsq_run_one(f.client, &call, NULL), AWSQ_ETOOBIG);
	assert_int_equal(f.server->n_requests, 0);
	free(much);
	fake_end(&f);
}

static void test_get_command_invocation(void **state)
{
	static const struct answer answers[] = {
		{ .status = 400,
			.body = "{\"__type\":\"InvocationDoesNotExist\",\"message\":\"\"}" },
		{ .status = 200,
			.body = "{\"CommandId\":\"" COMMAND "\",\"ResponseCode\":-1,"
				"\"Status\":\"InProgress\",\"StatusDetails\":\"InProgress\","
				"\"StandardOutputContent\":\"\",\"StandardErrorContent\":\"\"}" },
		{ .status = 200,
			.body = "{\"ResponseCode\":3,\"Status\":\"Failed\",\"StatusDetails\":"
				"\"Failed\",\"StandardOutputContent\":\"a\\n\\u00e4\","
				"\"StandardErrorContent\":\"oh\",\"Comment\":null}" },
	};
	struct awsq_ssm_invocation inv = { 0 };
	struct awsq_call call;
	struct awsq_err err;
	struct fake f;

	(void)state;
	FAKE_BEGIN(&f, answers);
	awsq_ssm_get_command_invocation(&call, &inv, COMMAND, INSTANCE);
	assert_int_equal(call.repeatable, 1);
	assert_int_equal(awsq_run_one(f.client, &call, &err), AWSQ_ESERVICE);
	assert_string_equal(err.aws_code, "InvocationDoesNotExist");
	assert_string_equal(err.action, "ssm:GetCommandInvocation");

	awsq_ssm_get_command_invocation(&call, &inv, COMMAND, INSTANCE);
	assert_int_equal(awsq_run_one(f.client, &call, &err), 0);
	assert_string_equal(inv.status, "InProgress");
	assert_int_equal(inv.exit, -1);
	awsq_ssm_free_invocation(&inv);

	awsq_ssm_get_command_invocation(&call, &inv, COMMAND, INSTANCE);
	assert_int_equal(awsq_run_one(f.client, &call, &err), 0);
	assert_string_equal(inv.status, "Failed");
	assert_string_equal(inv.details, "Failed");
	assert_int_equal(inv.exit, 3);
	assert_string_equal(inv.output, "a\n\xc3\xa4");
	assert_string_equal(inv.error_text, "oh");
	check_target(&f.server->requests[2], "GetCommandInvocation");
	assert_string_equal(f.server->requests[2].body,
		"{\"CommandId\":\"" COMMAND "\",\"InstanceId\":\"" INSTANCE "\"}");
	awsq_ssm_free_invocation(&inv);
	assert_null(inv.output);
	fake_end(&f);
}

static void test_cancel_command(void **state)
{
	static const struct answer answers[] = { { .status = 200, .body = "{}" } };
	struct awsq_call call;
	struct fake f;

	(void)state;
	FAKE_BEGIN(&f, answers);
	awsq_ssm_cancel_command(&call, COMMAND, INSTANCE);
	assert_int_equal(call.repeatable, 1);
	assert_int_equal(awsq_run_one(f.client, &call, NULL), 0);
	check_target(&f.server->requests[0], "CancelCommand");
	assert_string_equal(f.server->requests[0].body,
		"{\"CommandId\":\"" COMMAND "\",\"InstanceIds\":[\"" INSTANCE "\"]}");
	fake_end(&f);
}

static void test_describe_instance_information(void **state)
{
	static const struct answer answers[] = {
		{ .status = 200,
			.body = "{\"InstanceInformationList\":[{\"InstanceId\":\"" INSTANCE "\","
				"\"PingStatus\":\"Online\",\"LastPingDateTime\":1.5005E9,"
				"\"AgentVersion\":\"3.3.0.0\",\"PlatformType\":\"Linux\","
				"\"IsLatestVersion\":true}],\"NextToken\":\"t\"}" },
		{ .status = 200, .body = "{\"InstanceInformationList\":[]}" },
	};
	struct awsq_ssm_nodes nodes = { 0 };
	struct awsq_call call;
	struct fake f;

	(void)state;
	FAKE_BEGIN(&f, answers);
	awsq_ssm_describe_instance_information(&call, &nodes, INSTANCE);
	assert_int_equal(call.repeatable, 1);
	assert_int_equal(awsq_run_one(f.client, &call, NULL), 0);
	assert_int_equal(nodes.n, 1);
	assert_string_equal(nodes.items[0].id, INSTANCE);
	assert_string_equal(nodes.items[0].ping, "Online");
	assert_int_equal(nodes.items[0].last_ping, 1500500000);
	assert_string_equal(nodes.items[0].agent, "3.3.0.0");
	assert_string_equal(nodes.items[0].platform, "Linux");
	check_target(&f.server->requests[1], "DescribeInstanceInformation");
	assert_string_equal(f.server->requests[0].body,
		"{\"Filters\":[{\"Key\":\"InstanceIds\",\"Values\":[\"" INSTANCE "\"]}]}");
	assert_string_equal(f.server->requests[1].body,
		"{\"Filters\":[{\"Key\":\"InstanceIds\",\"Values\":[\"" INSTANCE "\"]}],"
		"\"NextToken\":\"t\"}");
	awsq_ssm_free_nodes(&nodes);
	assert_int_equal(nodes.n, 0);
	fake_end(&f);
}

/* An error of a part is one of the whole, and a part is left empty. */
static void test_objects(void **state)
{
	static const char *const words[] = { "a", "\"" };
	struct awsq_buf object = AWSQ_BUF_INIT(100), part = AWSQ_BUF_INIT(10);

	(void)state;
	awsq_json_add_list(&object, words, 2, "L");
	awsq_json_add_list(&object, words, 0, "N");
	awsq_json_add_int(&object, -7, "I");
	awsq_json_add_object(&object, &part, 1, "O");
	awsq_json_end(&object);
	assert_string_equal(awsq_buf_str(&object),
		"{\"L\":[\"a\",\"\\\"\"],\"N\":[],\"I\":-7,\"O\":[{}]}");
	awsq_buf_free(&object);
	awsq_json_add(&part, "more than fits", "M");
	awsq_json_add_object(&object, &part, 0, "O");
	assert_int_equal(awsq_buf_error(&object), AWSQ_ETOOBIG);
	assert_int_equal(awsq_buf_error(&part), 0);
	assert_int_equal(part.len, 0);
	awsq_buf_free(&object);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_send_command),
		cmocka_unit_test(test_unsendable),
		cmocka_unit_test(test_get_command_invocation),
		cmocka_unit_test(test_cancel_command),
		cmocka_unit_test(test_describe_instance_information),
		cmocka_unit_test(test_objects),
	};

	return cmocka_run_group_tests_name("ssm", tests, fake_global_begin, fake_global_end);
}
