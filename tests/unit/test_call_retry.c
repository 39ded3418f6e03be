/*
 * Calls that fail: what is tried again and how often, and how they end that never would.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <awsq/err.h>
#include <awsq/retry.h>

#include "fake_client.h"

/* tcpmux: nobody has it. */
#define NOBODY "http://127.0.0.1:1"

#define VPCS                                                                       \
	"<DescribeVpcsResponse><vpcSet><item><vpcId>vpc-1</vpcId></item></vpcSet>" \
	"</DescribeVpcsResponse>"
#define AWS_ERROR(code)                                                              \
	"<Response><Errors><Error><Code>" code "</Code><Message>m</Message></Error>" \
	"</Errors><RequestID>r</RequestID></Response>"

/* Runs a read, which may be repeated; out is checked to be filled, or empty. */
static int run_read(struct fake *f, struct awsq_err *err, int *attempts)
{
	struct awsq_ec2_vpcs vpcs = { 0 };
	struct awsq_call call;
	int rc;

	awsq_ec2_describe_vpcs(&call, &vpcs, NULL);
	rc = awsq_run(f->client, &call, 1);
	*err = call.err;
	*attempts = call.attempts;
	assert_int_equal(rc, err->code);
	assert_string_equal(err->action, rc == 0 ? "" : "ec2:DescribeVpcs");
	assert_int_equal(vpcs.n, rc == 0 ? 1 : 0);
	assert_int_equal(vpcs.items != NULL, rc == 0);
	awsq_call_free(&call);
	awsq_ec2_free_vpcs(&vpcs);
	return rc;
}

/* Runs a write, which may not be repeated. */
static int run_write(struct fake *f, struct awsq_err *err, int *attempts)
{
	struct awsq_call call;
	int rc;

	awsq_ec2_disassociate_profile(&call, "iip-assoc-1");
	assert_false(call.repeatable);
	rc = awsq_run_one(f->client, &call, err);
	assert_string_equal(err->action, rc == 0 ? "" : "ec2:DisassociateIamInstanceProfile");
	*attempts = call.attempts;
	return rc;
}

typedef int run_call(struct fake *f, struct awsq_err *err, int *attempts);

struct retried {
	run_call *run;
	struct answer answers[4];
	int code;
	int attempts;
};

static const struct retried cases[] = {
	{ run_read,
		{ { .status = 503, .body = AWS_ERROR("Unavailable") }, { .status = 503 },
			{ .status = 200, .body = VPCS } },
		0, 3 },
	{ run_read,
		{ { .status = 500 }, { .status = 502 }, { .status = 504 },
			{ .status = 200, .body = VPCS } },
		AWSQ_ESERVICE, 3 },
	{ run_read, { { .status = 400, .body = AWS_ERROR("InvalidVpcID.NotFound") } },
		AWSQ_ESERVICE, 1 },
	{ run_read, { { .status = 500, .body = AWS_ERROR("InsufficientInstanceCapacity") } },
		AWSQ_ESERVICE, 1 },
	/* Cut off: by the connection, or before it was sent. Malformed: by a proxy. */
	{ run_read,
		{ { .status = 200, .body = VPCS, .missing = 5 },
			{ .status = 200, .body = "<R><vpcSet><item><vpcId>vpc-9</vpcId></item>" },
			{ .status = 200, .body = VPCS } },
		0, 3 },
	{ run_read,
		{ { .status = 200, .body = "" }, { .status = 200, .body = "<html><br></html>" },
			{ .status = 200, .body = "<!DOCTYPE html><html></html>" } },
		AWSQ_EPARSE, 3 },
	{ run_read, { { .status = 0 }, { .status = 0 }, { .status = 200, .body = VPCS } }, 0, 3 },
	{ run_read, { { .status = 0 }, { .status = 0 }, { .status = 0 } }, AWSQ_ENET, 3 },
	{ run_read, { { .status = 503, .missing = 1, .fill = 9 }, { .status = 200, .body = VPCS } },
		0, 2 },
	/* What may not be repeated is not, when it may have been carried out. */
	{ run_write, { { .status = 500 }, { .status = 200 } }, AWSQ_ESERVICE, 1 },
	{ run_write, { { .status = 503, .body = AWS_ERROR("Unavailable") }, { .status = 200 } },
		AWSQ_ESERVICE, 1 },
	{ run_write, { { .status = 0 }, { .status = 200 } }, AWSQ_ENET, 1 },
	{ run_write, { { .status = 200, .fill = 100, .missing = 1 }, { .status = 200 } }, AWSQ_ENET,
		1 },
	/* It is when AWS says that it was not. */
	{ run_write,
		{ { .status = 503, .body = AWS_ERROR("RequestLimitExceeded") },
			{ .status = 400, .body = AWS_ERROR("Throttling") }, { .status = 200 } },
		0, 3 },
};

static void test_what_is_tried_again(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct awsq_err err;
		struct fake f;
		int rc, attempts;

		fake_begin(&f, cases[i].answers, 4);
		rc = cases[i].run(&f, &err, &attempts);
		if (rc != cases[i].code || attempts != cases[i].attempts)
			fail_msg("case %zu: %d after %d attempts, %s", i, rc, attempts,
				err.message);
		assert_int_equal(f.server->n_requests, attempts);
		fake_end(&f);
	}
}

static void test_attempts_can_be_set(void **state)
{
	static const struct answer answers[6] = { { .status = 503 }, { .status = 503 },
		{ .status = 503 }, { .status = 503 }, { .status = 503 }, { .status = 503 } };

	(void)state;
	for (int max = 1; max <= 5; max += 2) {
		struct awsq_err err;
		struct fake f;
		int attempts;

		fake_prepare(&f, answers, 6);
		f.settings.max_attempts = max;
		fake_open(&f);
		assert_int_equal(run_read(&f, &err, &attempts), AWSQ_ESERVICE);
		assert_int_equal(attempts, max);
		assert_int_equal(err.http_status, 503);
		fake_end(&f);
	}
}

/* Each page has all its attempts. */
static void test_pages_are_tried_again(void **state)
{
	static const struct answer answers[] = {
		{ .status = 503 },
		{ .status = 503 },
		{ .status = 200, .body = "<R><vpcSet/><nextToken>2</nextToken></R>" },
		{ .status = 503 },
		{ .status = 200, .body = VPCS, .missing = 1 },
		{ .status = 200, .body = VPCS },
	};
	struct awsq_err err;
	struct fake f;
	int attempts;

	(void)state;
	FAKE_BEGIN(&f, answers);
	assert_int_equal(run_read(&f, &err, &attempts), 0);
	assert_int_equal(attempts, 6);
	assert_non_null(strstr(f.server->requests[5].body, "NextToken=2"));
	assert_null(strstr(f.server->requests[2].body, "NextToken"));
	fake_end(&f);
}

/* Half of the first delay's second is waited for. */
static void test_a_retry_waits(void **state)
{
	static const struct answer answers[] = { { .status = 503 },
		{ .status = 200, .body = VPCS } };
	struct awsq_err err;
	struct fake f;
	int64_t began;
	int attempts;

	(void)state;
	fake_prepare(&f, answers, 2);
	f.clock.chance = fake_half;
	fake_open(&f);
	began = fake_mono_ms(NULL);
	assert_int_equal(run_read(&f, &err, &attempts), 0);
	assert_in_range(fake_mono_ms(NULL) - began, 500, 20000);
	fake_end(&f);
}

/* Nothing was sent, so that even a write is tried again; and the user is told of what. */
static void test_no_connection(void **state)
{
	struct awsq_err err;
	struct fake f;
	int attempts;

	(void)state;
	fake_prepare(&f, NULL, 0);
	(void)snprintf(f.url, sizeof(f.url), NOBODY);
	fake_open(&f);
	assert_int_equal(run_write(&f, &err, &attempts), AWSQ_ENET);
	assert_int_equal(attempts, 3);
	assert_int_equal(err.http_status, 0);
	assert_string_equal(err.aws_code, "");
	assert_non_null(strstr(err.message, "no answer from"));
	assert_non_null(strstr(err.message, f.url));
	assert_non_null(strstr(err.message, "onnect"));
	fake_end(&f);
}

static void test_an_answer_that_is_too_large(void **state)
{
	static const struct answer answers[] = { { .status = 200, .fill = 65 * 1024 * 1024 },
		{ .status = 200, .body = "<R>", .fill = 65 * 1024 * 1024 } };
	struct awsq_err err;
	struct fake f;
	int attempts;

	(void)state;
	fake_prepare(&f, answers, 2);
	f.options.attempt_timeout_ms = f.options.run_timeout_ms = 60000; /* for a busy machine */
	fake_open(&f);
	assert_int_equal(run_write(&f, &err, &attempts), AWSQ_ETOOBIG);
	assert_int_equal(attempts, 1);
	/* A text of that length is not even read to the cap. */
	assert_int_equal(run_read(&f, &err, &attempts), AWSQ_ETOOBIG);
	assert_int_equal(attempts, 1);
	fake_end(&f);
}

/* An error's text may be of any length: its code counts, or at least its status. */
static void test_a_long_error(void **state)
{
	static const struct answer answers[] = {
		{ .status = 403, .body = AWS_ERROR("AuthFailure"), .fill = 60000 },
		{ .status = 403, .body = AWS_ERROR("AuthFailure"), .fill = 5000000 },
	};
	struct awsq_err err;
	struct fake f;
	int attempts;

	(void)state;
	FAKE_BEGIN(&f, answers);
	assert_int_equal(run_read(&f, &err, &attempts), AWSQ_ESERVICE);
	assert_string_equal(err.aws_code, "AuthFailure");
	assert_int_equal(run_read(&f, &err, &attempts), AWSQ_ESERVICE);
	assert_int_equal(err.http_status, 403);
	assert_int_equal(attempts, 1);
	fake_end(&f);
}

/* The allowance is used up by failures: from then on the first one is final. */
static void test_a_service_in_trouble_is_left_alone(void **state)
{
	struct awsq_err err;
	struct fake f;
	int attempts, last = 3;

	(void)state;
	fake_prepare(&f, NULL, 0);
	(void)snprintf(f.url, sizeof(f.url), NOBODY);
	f.settings.max_attempts = 1000;
	fake_open(&f);
	assert_int_equal(run_write(&f, &err, &attempts), AWSQ_ENET);
	assert_int_equal(attempts, 101); /* 500 tokens, of which each retry costs 5 */
	assert_int_equal(run_write(&f, &err, &last), AWSQ_ENET);
	assert_int_equal(last, 1);
	fake_end(&f);
}

/* ---- Time */

static void test_an_attempt_times_out(void **state)
{
	static const struct answer answers[] = { { .status = 200, .delay_ms = -1 },
		{ .status = 200, .body = VPCS }, { .status = 200, .delay_ms = -1 },
		{ .status = 200 } };
	struct awsq_err err;
	struct fake f;
	int attempts;

	(void)state;
	fake_prepare(&f, answers, 4);
	f.options.attempt_timeout_ms = 200;
	fake_open(&f);
	assert_int_equal(run_read(&f, &err, &attempts), 0);
	assert_int_equal(attempts, 2);
	/* It may have been carried out. */
	assert_int_equal(run_write(&f, &err, &attempts), AWSQ_ETIMEDOUT);
	assert_int_equal(attempts, 1);
	assert_non_null(strstr(err.message, f.url));
	fake_end(&f);
}

static void test_a_run_times_out(void **state)
{
	static const struct answer answers[] = { { .status = 200, .delay_ms = -1 },
		{ .status = 200, .delay_ms = -1 } };
	struct awsq_err err;
	struct fake f;
	int64_t began;
	int attempts;

	(void)state;
	fake_prepare(&f, answers, 2);
	f.options.run_timeout_ms = 300;
	fake_open(&f);
	began = fake_mono_ms(NULL);
	assert_int_equal(run_read(&f, &err, &attempts), AWSQ_ETIMEDOUT);
	assert_in_range(fake_mono_ms(NULL) - began, 300, 4500);
	fake_end(&f);
}

/* A time set for all runs of a client counts where it comes before their own. */
static void test_a_deadline(void **state)
{
	static const struct answer answers[] = { { .status = 200, .delay_ms = -1 },
		{ .status = 200, .body = VPCS } };
	struct awsq_err err;
	struct fake f;
	int64_t began;
	int attempts;

	(void)state;
	FAKE_BEGIN(&f, answers);
	began = fake_mono_ms(NULL);
	awsq_client_set_deadline(f.client, began + 300);
	assert_int_equal(run_read(&f, &err, &attempts), AWSQ_ETIMEDOUT);
	assert_in_range(fake_mono_ms(NULL) - began, 300, 4500);
	assert_int_equal(run_read(&f, &err, &attempts), AWSQ_ETIMEDOUT);
	assert_int_equal(attempts, 0);
	awsq_client_set_deadline(f.client, 0);
	assert_int_equal(run_read(&f, &err, &attempts), 0);
	fake_end(&f);
}

/* When a retry would come too late, the call ends at once, with what went wrong. */
static void test_a_run_ends_before_its_retry(void **state)
{
	static const struct answer answers[] = {
		{ .status = 503, .body = AWS_ERROR("Unavailable") },
		{ .status = 503, .body = AWS_ERROR("Unavailable") },
	};
	struct awsq_err err;
	struct fake f;
	int64_t began;
	int attempts;

	(void)state;
	/* The first is 500 ms later, and the second would be after another 1000. */
	fake_prepare(&f, answers, 2);
	f.options.run_timeout_ms = 1300;
	f.clock.chance = fake_half;
	fake_open(&f);
	began = fake_mono_ms(NULL);
	assert_int_equal(run_read(&f, &err, &attempts), AWSQ_ESERVICE);
	assert_string_equal(err.aws_code, "Unavailable");
	assert_int_equal(attempts, 2);
	assert_in_range(fake_mono_ms(NULL) - began, 500, 1250);
	fake_end(&f);
}

/* ---- Cancellation */

struct later {
	int fd;
	pthread_t thread;
};

static void *write_later(void *arg)
{
	struct later *l = arg;

	(void)awsq_clock_system.sleep_ms(NULL, 200, -1);
	if (write(l->fd, "x", 1) != 1)
		return arg;
	return NULL;
}

/* One that hangs and one that is done; then another, of which nothing is even sent. */
static void test_cancel(void **state)
{
	static const struct answer answers[] = {
		{ .action = "DescribeVpcs", .status = 200, .body = VPCS, .delay_ms = -1 },
		{ .action = "DescribeKeyPairs", .status = 200, .body = "<R/>" },
		{ .action = "DescribeVpcs", .status = 200, .body = VPCS },
	};
	struct awsq_ec2_vpcs vpcs = { 0 };
	struct awsq_ec2_key_pairs key_pairs = { 0 };
	struct awsq_call calls[2];
	struct awsq_err err;
	struct later later;
	struct fake f;
	int64_t began = fake_mono_ms(NULL);
	int fds[2], attempts;

	(void)state;
	FAKE_BEGIN(&f, answers);
	assert_int_equal(pipe(fds), 0);
	later.fd = fds[1];
	awsq_client_set_cancel_fd(f.client, fds[0]);
	assert_int_equal(pthread_create(&later.thread, NULL, write_later, &later), 0);
	awsq_ec2_describe_vpcs(&calls[0], &vpcs, NULL);
	awsq_ec2_describe_key_pairs(&calls[1], &key_pairs, NULL);
	assert_int_equal(awsq_run(f.client, calls, 2), AWSQ_ECANCELED);
	assert_in_range(fake_mono_ms(NULL) - began, 200, 4500);
	assert_int_equal(calls[0].err.code, AWSQ_ECANCELED);
	assert_int_equal(calls[1].err.code, 0);
	assert_null(vpcs.items);
	assert_int_equal(pthread_join(later.thread, NULL), 0);
	assert_int_equal(run_read(&f, &err, &attempts), AWSQ_ECANCELED);
	assert_int_equal(f.server->n_requests, 2);
	awsq_client_set_cancel_fd(f.client, -1);
	assert_int_equal(run_read(&f, &err, &attempts), 0);
	awsq_call_free(&calls[0]);
	awsq_call_free(&calls[1]);
	(void)close(fds[0]);
	(void)close(fds[1]);
	fake_end(&f);
}

/* While nothing is under way but a wait. */
static void test_cancel_between_attempts(void **state)
{
	static const struct answer answers[] = { { .status = 503 },
		{ .status = 200, .body = VPCS } };
	struct awsq_err err;
	struct later later;
	struct fake f;
	int64_t began;
	int fds[2], attempts;

	(void)state;
	fake_prepare(&f, answers, 2);
	f.clock.chance = fake_almost_one;
	fake_open(&f);
	assert_int_equal(pipe(fds), 0);
	later.fd = fds[1];
	awsq_client_set_cancel_fd(f.client, fds[0]);
	began = fake_mono_ms(NULL);
	assert_int_equal(pthread_create(&later.thread, NULL, write_later, &later), 0);
	assert_int_equal(run_read(&f, &err, &attempts), AWSQ_ECANCELED);
	assert_in_range(fake_mono_ms(NULL) - began, 200, 950);
	assert_int_equal(f.server->n_requests, 1);
	assert_int_equal(pthread_join(later.thread, NULL), 0);
	(void)close(fds[0]);
	(void)close(fds[1]);
	fake_end(&f);
}

/* An idle connection that dies under a write is not for libcurl to replace, and send it again. */
static void test_a_write_on_a_dead_connection(void **state)
{
	static const struct answer answers[] = { { .status = 200 }, { .status = 0 },
		{ .status = 200 } };
	struct awsq_call call;
	struct awsq_err err;
	struct fake f;

	(void)state;
	FAKE_BEGIN(&f, answers);
	awsq_ec2_disassociate_profile(&call, "iip-assoc-1");
	assert_int_equal(awsq_run_one(f.client, &call, &err), 0);
	awsq_ec2_disassociate_profile(&call, "iip-assoc-1");
	assert_int_equal(awsq_run_one(f.client, &call, &err), AWSQ_ENET);
	assert_int_equal(f.server->n_requests, 2);
	fake_end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_write_on_a_dead_connection),
		cmocka_unit_test(test_what_is_tried_again),
		cmocka_unit_test(test_attempts_can_be_set),
		cmocka_unit_test(test_pages_are_tried_again),
		cmocka_unit_test(test_a_retry_waits),
		cmocka_unit_test(test_no_connection),
		cmocka_unit_test(test_an_answer_that_is_too_large),
		cmocka_unit_test(test_a_long_error),
		cmocka_unit_test(test_a_service_in_trouble_is_left_alone),
		cmocka_unit_test(test_an_attempt_times_out),
		cmocka_unit_test(test_a_run_times_out),
		cmocka_unit_test(test_a_deadline),
		cmocka_unit_test(test_a_run_ends_before_its_retry),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_cancel_between_attempts),
	};

	return cmocka_run_group_tests_name("call_retry", tests, fake_global_begin, fake_global_end);
}
