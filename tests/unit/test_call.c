/*
 * Calls that end well, or at once: one, many, page by page, side by side.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <awsq/err.h>
#include <awsq/query.h>

#include "fake_client.h"

#define VPC(id)    "<item><vpcId>" id "</vpcId><isDefault>true</isDefault></item>"
#define VPCS(text) "<DescribeVpcsResponse><vpcSet>" text "</vpcSet></DescribeVpcsResponse>"
#define PAGE(text, token)                                                  \
	"<DescribeVpcsResponse><vpcSet>" text "</vpcSet><nextToken>" token \
	"</nextToken></DescribeVpcsResponse>"
#define DENIED                                                                             \
	"<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>You are not " \
	"authorized</Message></Error></Errors><RequestID>r-1</RequestID></Response>"

static void test_success(void **state)
{
	static const struct answer answers[] = { { .status = 200, .body = VPCS(VPC("vpc-1")) } };
	struct awsq_ec2_vpcs vpcs = { 0 };
	struct awsq_call call;
	struct awsq_err err;
	struct fake f;

	(void)state;
	FAKE_BEGIN(&f, answers);
	assert_string_equal(awsq_client_region(f.client), "us-west-2");
	memset(&err, 0x5a, sizeof(err));
	awsq_ec2_describe_vpcs(&call, &vpcs, NULL);
	assert_int_equal(awsq_run_one(f.client, &call, &err), 0);
	assert_int_equal(err.code, 0);
	assert_int_equal(err.http_status, 0);
	assert_string_equal(err.message, "");
	assert_string_equal(err.action, "");
	assert_int_equal(call.attempts, 1);
	assert_int_equal(vpcs.n, 1);
	assert_string_equal(vpcs.items[0].id, "vpc-1");
	assert_int_equal(vpcs.items[0].is_default, 1);
	assert_int_equal(f.server->n_requests, 1);
	assert_string_equal(f.server->requests[0].body, "Action=DescribeVpcs&Version=2016-11-15");
	awsq_ec2_free_vpcs(&vpcs);
	fake_end(&f);
}

/* A call of which nothing but success matters: whatever the answer's body is. */
static void test_without_a_shape(void **state)
{
	static const struct answer answers[] = { { .status = 200, .body = "<R><return>true</R>" },
		{ .status = 200 }, { .status = 204 } };
	struct awsq_call call;
	struct fake f;

	(void)state;
	FAKE_BEGIN(&f, answers);
	for (int i = 0; i < 3; i++) {
		awsq_ec2_disassociate_profile(&call, "iip-assoc-1");
		assert_int_equal(awsq_run_one(f.client, &call, NULL), 0);
	}
	assert_int_equal(f.server->n_requests, 3);
	/* Each write has a connection of its own: on an idle dead one it would be sent twice. */
	assert_int_equal(f.server->n_connections, 3);
	fake_end(&f);
}

static void test_an_error_answer(void **state)
{
	static const struct answer answers[] = { { .status = 403, .body = DENIED },
		{ .status = 404, .body = "<html>not here</html>" }, { .status = 302 } };
	struct awsq_ec2_vpcs vpcs = { 0 };
	struct awsq_call call;
	struct awsq_err err;
	struct fake f;

	(void)state;
	FAKE_BEGIN(&f, answers);
	awsq_ec2_describe_vpcs(&call, &vpcs, NULL);
	assert_int_equal(awsq_run_one(f.client, &call, &err), AWSQ_ESERVICE);
	assert_int_equal(err.code, AWSQ_ESERVICE);
	assert_int_equal(err.http_status, 403);
	assert_string_equal(err.aws_code, "UnauthorizedOperation");
	assert_string_equal(err.message, "You are not authorized");
	assert_string_equal(err.request_id, "r-1");
	/* Answers that AWS did not write, say from a proxy. */
	awsq_ec2_describe_vpcs(&call, &vpcs, NULL);
	assert_int_equal(awsq_run_one(f.client, &call, &err), AWSQ_ESERVICE);
	assert_int_equal(err.http_status, 404);
	assert_string_equal(err.aws_code, "");
	assert_non_null(strstr(err.message, "404"));
	assert_non_null(strstr(err.message, f.url));
	awsq_ec2_describe_vpcs(&call, &vpcs, NULL);
	assert_int_equal(awsq_run_one(f.client, &call, &err), AWSQ_ESERVICE);
	assert_int_equal(err.http_status, 302);
	assert_null(vpcs.items);
	fake_end(&f);
}

static const struct answer three_pages[] = {
	{ .status = 200, .body = PAGE(VPC("vpc-1") VPC("vpc-2"), "to ken+1") },
	{ .status = 200, .body = PAGE("", "2") },
	{ .status = 200, .body = PAGE(VPC("vpc-3"), "") },
};

static void test_pages_into_one_list(void **state)
{
	static const char first[] = "Action=DescribeVpcs&Version=2016-11-15&"
				    "Filter.1.Name=isDefault&Filter.1.Value.1=true";
	struct awsq_ec2_vpcs vpcs = { 0 };
	struct awsq_call call;
	struct fake f;
	char second[200], third[200];

	(void)state;
	FAKE_BEGIN(&f, three_pages);
	awsq_ec2_describe_vpcs(&call, &vpcs,
		(struct awsq_ec2_filter[]){ { "isDefault", { "true" } }, { NULL, { NULL } } });
	assert_int_equal(awsq_run(f.client, &call, 1), 0);
	assert_int_equal(call.attempts, 3);
	assert_int_equal(vpcs.n, 3);
	assert_string_equal(vpcs.items[0].id, "vpc-1");
	assert_string_equal(vpcs.items[2].id, "vpc-3");
	/* Each request is the first one and the token of the page before. */
	(void)snprintf(second, sizeof(second), "%s&NextToken=to%%20ken%%2B1", first);
	(void)snprintf(third, sizeof(third), "%s&NextToken=2", first);
	assert_string_equal(f.server->requests[0].body, first);
	assert_string_equal(f.server->requests[1].body, second);
	assert_string_equal(f.server->requests[2].body, third);
	assert_string_equal(awsq_buf_str(&call.body), first);
	awsq_call_free(&call);
	awsq_ec2_free_vpcs(&vpcs);
	fake_end(&f);
}

struct pages {
	size_t seen, items;
	int result, at; /* at the page number at, the result is given */
};

static int take_page(void *arg, void *page)
{
	const struct awsq_ec2_vpcs *vpcs = page;
	struct pages *p = arg;

	p->seen++;
	p->items += vpcs->n;
	for (size_t i = 0; i < vpcs->n; i++)
		assert_non_null(vpcs->items[i].id);
	return (int)p->seen == p->at ? p->result : 0;
}

static void test_page_by_page(void **state)
{
	struct awsq_ec2_vpcs vpcs = { 0 };
	struct pages pages = { 0 };
	struct awsq_call call;
	struct fake f;

	(void)state;
	FAKE_BEGIN(&f, three_pages);
	awsq_ec2_describe_vpcs(&call, &vpcs, NULL);
	call.on_page = take_page;
	call.arg = &pages;
	assert_int_equal(awsq_run_one(f.client, &call, NULL), 0);
	assert_int_equal(pages.seen, 3);
	assert_int_equal(pages.items, 3);
	/* Nothing gathers. */
	assert_null(vpcs.items);
	assert_null(vpcs.next_token);
	fake_end(&f);
}

static void test_a_page_ends_the_call(void **state)
{
	struct awsq_ec2_vpcs vpcs = { 0 };
	struct pages pages = { 0, 0, AWSQ_EIO, 2 };
	struct awsq_call call;
	struct awsq_err err;
	struct fake f;

	(void)state;
	FAKE_BEGIN(&f, three_pages);
	awsq_ec2_describe_vpcs(&call, &vpcs, NULL);
	call.on_page = take_page;
	call.arg = &pages;
	assert_int_equal(awsq_run_one(f.client, &call, &err), AWSQ_EIO);
	assert_int_equal(err.code, AWSQ_EIO);
	assert_int_equal(pages.seen, 2);
	assert_int_equal(f.server->n_requests, 2);
	fake_end(&f);
}

/* What a list lacks is not a list: an error in the middle leaves nothing. */
static void test_an_error_in_the_second_page(void **state)
{
	static const struct answer answers[] = {
		{ .status = 200, .body = PAGE(VPC("vpc-1"), "2") },
		{ .status = 403, .body = DENIED },
	};
	struct awsq_ec2_vpcs vpcs = { 0 };
	struct awsq_call call;
	struct awsq_err err;
	struct fake f;

	(void)state;
	FAKE_BEGIN(&f, answers);
	awsq_ec2_describe_vpcs(&call, &vpcs, NULL);
	assert_int_equal(awsq_run_one(f.client, &call, &err), AWSQ_ESERVICE);
	assert_string_equal(err.aws_code, "UnauthorizedOperation");
	assert_null(vpcs.items);
	assert_int_equal(vpcs.n, 0);
	assert_null(vpcs.next_token);
	fake_end(&f);
}

/* Five calls of 400 ms each take together much less than two seconds. */
static void test_calls_overlap(void **state)
{
	static const struct answer answers[] = {
		{ .action = "DescribeVpcs",
			.status = 200,
			.body = VPCS(VPC("vpc-1")),
			.delay_ms = 800 },
		{ .action = "DescribeImages",
			.status = 200,
			.body = "<R><imagesSet><item><imageId>ami-1</imageId></item>"
				"</imagesSet></R>",
			.delay_ms = 800 },
		{ .action = "DescribeKeyPairs",
			.status = 200,
			.body = "<R><keySet/></R>",
			.delay_ms = 800 },
		{ .action = "GetCallerIdentity",
			.status = 200,
			.body = "<R><GetCallerIdentityResult><Account>123456789012"
				"</Account></GetCallerIdentityResult></R>",
			.delay_ms = 800 },
		{ .action = "DeleteSnapshot", .status = 200, .body = "<R/>", .delay_ms = 800 },
	};
	struct awsq_ec2_vpcs vpcs = { 0 };
	struct awsq_ec2_images images = { 0 };
	struct awsq_ec2_key_pairs key_pairs = { 0 };
	struct awsq_sts_identity identity = { 0 };
	struct awsq_call calls[5];
	struct fake f;
	int64_t began;

	(void)state;
	FAKE_BEGIN(&f, answers);
	awsq_ec2_describe_vpcs(&calls[0], &vpcs, NULL);
	awsq_ec2_describe_images(&calls[1], &images, NULL);
	awsq_ec2_describe_key_pairs(&calls[2], &key_pairs, NULL);
	awsq_sts_get_caller_identity(&calls[3], &identity);
	awsq_ec2_delete_snapshot(&calls[4], "snap-1");
	began = fake_mono_ms(NULL);
	assert_int_equal(awsq_run(f.client, calls, 5), 0);
	assert_in_range(fake_mono_ms(NULL) - began, 800, 3800);
	assert_string_equal(vpcs.items[0].id, "vpc-1");
	assert_string_equal(images.items[0].id, "ami-1");
	assert_int_equal(key_pairs.n, 0);
	assert_string_equal(identity.account, "123456789012");
	for (int i = 0; i < 5; i++)
		awsq_call_free(&calls[i]);
	awsq_ec2_free_vpcs(&vpcs);
	awsq_ec2_free_images(&images);
	awsq_ec2_free_key_pairs(&key_pairs);
	awsq_sts_free_identity(&identity);
	fake_end(&f);
}

/* One that fails costs the others nothing; the result is that of the first in the array. */
static void test_one_of_many_fails(void **state)
{
	static const struct answer answers[] = {
		{ .action = "DescribeVpcs",
			.status = 200,
			.body = VPCS(VPC("vpc-1")),
			.delay_ms = 100 },
		{ .action = "DescribeImages", .status = 403, .body = DENIED },
		{ .action = "DescribeSnapshots", .status = 200, .body = "not xml" },
		{ .action = "DescribeSnapshots", .status = 200, .body = "not xml" },
		{ .action = "DescribeSnapshots", .status = 200, .body = "not xml" },
	};
	struct awsq_ec2_vpcs vpcs = { 0 };
	struct awsq_ec2_images images = { 0 };
	struct awsq_ec2_snapshots snapshots = { 0 };
	struct awsq_call calls[3];
	struct fake f;

	(void)state;
	FAKE_BEGIN(&f, answers);
	awsq_ec2_describe_vpcs(&calls[0], &vpcs, NULL);
	awsq_ec2_describe_images(&calls[1], &images, NULL);
	awsq_ec2_describe_snapshots(&calls[2], &snapshots, NULL);
	assert_int_equal(awsq_run(f.client, calls, 3), AWSQ_ESERVICE);
	assert_int_equal(calls[0].err.code, 0);
	assert_string_equal(vpcs.items[0].id, "vpc-1");
	assert_string_equal(calls[0].err.action, "");
	assert_string_equal(calls[1].err.aws_code, "UnauthorizedOperation");
	assert_string_equal(calls[1].err.action, "ec2:DescribeImages");
	assert_int_equal(calls[2].err.code, AWSQ_EPARSE);
	assert_string_equal(calls[2].err.action, "ec2:DescribeSnapshots");
	assert_null(images.items);
	assert_null(snapshots.items);
	for (int i = 0; i < 3; i++)
		awsq_call_free(&calls[i]);
	awsq_ec2_free_vpcs(&vpcs);
	fake_end(&f);
}

#define ATTRIBUTES                                                                       \
	"<R><userData><value>Zm9v</value></userData><instanceInitiatedShutdownBehavior>" \
	"<value>stop</value></instanceInitiatedShutdownBehavior><disableApiTermination>" \
	"<value>true</value></disableApiTermination><disableApiStop><value>true</value>" \
	"</disableApiStop></R>"

/* Four calls fill a struct, and then fail, one after the other or at once: each for itself. */
static void test_calls_that_share_a_struct(void **state)
{
	static const char *const names[] = { AWSQ_EC2_USER_DATA, AWSQ_EC2_SHUTDOWN_BEHAVIOR,
		AWSQ_EC2_DISABLE_API_TERMINATION, AWSQ_EC2_DISABLE_API_STOP };
	static const struct answer answers[] = {
		{ .status = 200, .body = ATTRIBUTES, .delay_ms = 30 },
		{ .status = 403, .body = DENIED, .delay_ms = 20 },
		{ .status = 200, .body = ATTRIBUTES, .delay_ms = 10 },
		{ .status = 200, .body = ATTRIBUTES },
		{ .status = 403, .body = DENIED },
		{ .status = 403, .body = DENIED },
	};
	struct awsq_ec2_instance_attributes a = { 0 };
	struct awsq_call calls[4];
	struct fake f;
	int failed = 0;

	(void)state;
	FAKE_BEGIN(&f, answers);
	for (int i = 0; i < 4; i++)
		awsq_ec2_describe_instance_attribute(&calls[i], &a, "i-1", names[i]);
	assert_int_equal(awsq_run(f.client, calls, 4), AWSQ_ESERVICE);
	for (int i = 0; i < 4; i++) {
		failed += calls[i].err.code != 0;
		awsq_call_free(&calls[i]);
	}
	/* Which of them got the denial is not determined. */
	assert_int_equal(failed, 1);
	assert_int_equal(a.user_data != NULL, calls[0].err.code == 0);
	assert_int_equal(a.shutdown_behavior != NULL, calls[1].err.code == 0);
	assert_int_equal(a.disable_api_termination, calls[2].err.code == 0);
	assert_int_equal(a.disable_api_stop, calls[3].err.code == 0);
	for (int i = 0; i < 2; i++) {
		struct awsq_ec2_instance_attributes before = a;

		awsq_ec2_describe_instance_attribute(&calls[i], &a, "i-1", names[2 * i]);
		assert_int_equal(awsq_run_one(f.client, &calls[i], NULL), AWSQ_ESERVICE);
		assert_null(a.user_data);
		assert_ptr_equal(a.shutdown_behavior, before.shutdown_behavior);
		assert_int_equal(a.disable_api_stop, before.disable_api_stop);
	}
	assert_int_equal(a.disable_api_termination, 0);
	awsq_ec2_free_instance_attributes(&a);
	fake_end(&f);
}

static void test_no_calls(void **state)
{
	struct awsq_call zeroed = { 0 };
	struct fake f;

	(void)state;
	fake_begin(&f, NULL, 0);
	assert_int_equal(awsq_run(f.client, NULL, 0), 0);
	awsq_call_free(&zeroed);
	awsq_client_free(NULL);
	fake_end(&f);
}

/* A body that did not fit, or may not be sent, is reported, and nothing is sent. */
static void test_a_body_that_is_too_large(void **state)
{
	struct awsq_ec2_run_instance what = { .image_id = "ami-1" };
	struct awsq_ec2_instances made = { 0 };
	char *text = test_malloc(32 * 1024 + 1);
	struct awsq_call call;
	struct awsq_err err;
	struct fake f;

	(void)state;
	memset(text, 'x', 32 * 1024);
	text[32 * 1024] = '\0';
	what.user_data = text;
	fake_begin(&f, NULL, 0);
	awsq_ec2_run_instances(&call, &made, &what);
	assert_int_equal(awsq_run_one(f.client, &call, &err), AWSQ_ETOOBIG);
	assert_int_equal(err.code, AWSQ_ETOOBIG);
	assert_string_equal(err.action, "ec2:RunInstances");
	assert_non_null(strstr(err.message, "RunInstances"));
	awsq_ec2_associate_profile(&call, "i-1", "role");
	awsq_ec2_dry_run(&call);
	assert_int_equal(awsq_run_one(f.client, &call, &err), AWSQ_EINVAL);
	assert_string_equal(err.action, "ec2:AssociateIamInstanceProfile");
	assert_int_equal(f.server->n_requests, 0);
	test_free(text);
	fake_end(&f);
}

static void test_clients_that_cannot_be(void **state)
{
	static const char *const regions[] = { "", "US-WEST-2", "us west", "aws-global", "a/b" };
	struct awsq_client *client;
	struct awsq_err err;
	struct fake f;

	(void)state;
	fake_prepare(&f, NULL, 0);
	for (size_t i = 0; i < sizeof(regions) / sizeof(*regions); i++) {
		f.options.region = regions[i];
		assert_int_equal(awsq_client_new(&client, &f.options, &err), AWSQ_EINVAL);
		assert_null(client);
		assert_non_null(strstr(err.message, regions[i]));
	}
	f.options.region = "us-west-2";
	(void)snprintf(f.url, sizeof(f.url), "ftp://localhost");
	assert_int_equal(awsq_client_new(&client, &f.options, &err), AWSQ_EINVAL);
	assert_null(client);
	fake_end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_success),
		cmocka_unit_test(test_without_a_shape),
		cmocka_unit_test(test_an_error_answer),
		cmocka_unit_test(test_pages_into_one_list),
		cmocka_unit_test(test_page_by_page),
		cmocka_unit_test(test_a_page_ends_the_call),
		cmocka_unit_test(test_an_error_in_the_second_page),
		cmocka_unit_test(test_calls_overlap),
		cmocka_unit_test(test_one_of_many_fails),
		cmocka_unit_test(test_calls_that_share_a_struct),
		cmocka_unit_test(test_no_calls),
		cmocka_unit_test(test_a_body_that_is_too_large),
		cmocka_unit_test(test_clients_that_cannot_be),
	};

	return cmocka_run_group_tests_name("call", tests, fake_global_begin, fake_global_end);
}
