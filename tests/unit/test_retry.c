#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <awsq/retry.h>

#define MINUTE 60000

/* How a call stands when its attempt fails. */
enum call {
	READ,      /* may be repeated */
	WRITE,     /* may not */
	WRITE_CUT, /* may not, and no connection came about */
	CORRECTED  /* may be repeated, and its clock was set right before */
};

struct row {
	int code;
	int status;
	const char *aws_code;
	enum call call;
	int64_t skew_ms;
	enum awsq_verdict verdict;
};

static const struct row rows[] = {
	/* The network. */
	{ AWSQ_ENET, 0, "", READ, 0, AWSQ_RETRY },
	{ AWSQ_ENET, 0, "", WRITE, 0, AWSQ_GIVE_UP },
	{ AWSQ_ENET, 0, "", WRITE_CUT, 0, AWSQ_RETRY },
	{ AWSQ_ETIMEDOUT, 0, "", READ, 0, AWSQ_RETRY },
	{ AWSQ_ETIMEDOUT, 0, "", WRITE, 0, AWSQ_GIVE_UP },
	{ AWSQ_ETIMEDOUT, 0, "", WRITE_CUT, 0, AWSQ_RETRY },
	{ AWSQ_EPARSE, 200, "", READ, 0, AWSQ_RETRY },
	{ AWSQ_EPARSE, 200, "", WRITE, 0, AWSQ_GIVE_UP },
	/* What no second attempt mends. */
	{ AWSQ_ETLS, 0, "", READ, 0, AWSQ_GIVE_UP },
	{ AWSQ_ECANCELED, 0, "", READ, 0, AWSQ_GIVE_UP },
	{ AWSQ_ENOMEM, 0, "", READ, 0, AWSQ_GIVE_UP },
	{ AWSQ_ETOOBIG, 200, "", READ, 0, AWSQ_GIVE_UP },
	{ AWSQ_ECREDENTIALS, 0, "", READ, 0, AWSQ_GIVE_UP },
	{ AWSQ_EINVAL, 0, "", WRITE_CUT, 0, AWSQ_GIVE_UP },
	/* A service in trouble, with and without a code. */
	{ AWSQ_ESERVICE, 500, "InternalError", READ, 0, AWSQ_RETRY },
	{ AWSQ_ESERVICE, 503, "Unavailable", READ, 0, AWSQ_RETRY },
	{ AWSQ_ESERVICE, 503, "Unavailable", WRITE, 0, AWSQ_GIVE_UP },
	{ AWSQ_ESERVICE, 502, "", READ, 0, AWSQ_RETRY },
	{ AWSQ_ESERVICE, 504, "", READ, 0, AWSQ_RETRY },
	{ AWSQ_ESERVICE, 504, "", WRITE, 0, AWSQ_GIVE_UP },
	{ AWSQ_ESERVICE, 501, "", READ, 0, AWSQ_GIVE_UP },
	{ AWSQ_ESERVICE, 400, "RequestTimeout", READ, 0, AWSQ_RETRY },
	{ AWSQ_ESERVICE, 400, "RequestTimeoutException", READ, 0, AWSQ_RETRY },
	{ AWSQ_ESERVICE, 400, "RequestTimeout", WRITE, 0, AWSQ_GIVE_UP },
	/* Asked too often: nothing was carried out, so that a write goes again too. */
	{ AWSQ_ESERVICE, 503, "RequestLimitExceeded", READ, 0, AWSQ_RETRY },
	{ AWSQ_ESERVICE, 503, "RequestLimitExceeded", WRITE, 0, AWSQ_RETRY },
	{ AWSQ_ESERVICE, 400, "Throttling", WRITE, 0, AWSQ_RETRY },
	{ AWSQ_ESERVICE, 400, "ThrottlingException", WRITE, 0, AWSQ_RETRY },
	{ AWSQ_ESERVICE, 400, "ThrottledException", WRITE, 0, AWSQ_RETRY },
	{ AWSQ_ESERVICE, 400, "RequestThrottledException", WRITE, 0, AWSQ_RETRY },
	{ AWSQ_ESERVICE, 400, "TooManyRequestsException", WRITE, 0, AWSQ_RETRY },
	{ AWSQ_ESERVICE, 400, "ProvisionedThroughputExceededException", WRITE, 0, AWSQ_RETRY },
	{ AWSQ_ESERVICE, 400, "TransactionInProgressException", WRITE, 0, AWSQ_RETRY },
	{ AWSQ_ESERVICE, 400, "BandwidthLimitExceeded", WRITE, 0, AWSQ_RETRY },
	{ AWSQ_ESERVICE, 400, "LimitExceededException", WRITE, 0, AWSQ_RETRY },
	{ AWSQ_ESERVICE, 400, "RequestThrottled", WRITE, 0, AWSQ_RETRY },
	{ AWSQ_ESERVICE, 503, "SlowDown", WRITE, 0, AWSQ_RETRY },
	{ AWSQ_ESERVICE, 400, "PriorRequestNotComplete", WRITE, 0, AWSQ_RETRY },
	{ AWSQ_ESERVICE, 400, "EC2ThrottledException", WRITE, 0, AWSQ_RETRY },
	/* No room, though it looks like trouble. */
	{ AWSQ_ESERVICE, 500, "InsufficientInstanceCapacity", READ, 0, AWSQ_GIVE_UP },
	{ AWSQ_ESERVICE, 500, "InsufficientHostCapacity", READ, 0, AWSQ_GIVE_UP },
	{ AWSQ_ESERVICE, 500, "InsufficientReservedInstanceCapacity", READ, 0, AWSQ_GIVE_UP },
	{ AWSQ_ESERVICE, 500, "InsufficientCapacity", READ, 0, AWSQ_GIVE_UP },
	{ AWSQ_ESERVICE, 500, "Unsupported", READ, 0, AWSQ_GIVE_UP },
	/* Answers. */
	{ AWSQ_ESERVICE, 400, "InvalidInstanceID.NotFound", READ, 0, AWSQ_GIVE_UP },
	{ AWSQ_ESERVICE, 403, "UnauthorizedOperation", READ, 0, AWSQ_GIVE_UP },
	{ AWSQ_ESERVICE, 412, "DryRunOperation", READ, 0, AWSQ_GIVE_UP },
	{ AWSQ_ESERVICE, 404, "", READ, 0, AWSQ_GIVE_UP },
	/* Wrong keys are final, unless it is the clock that is wrong. */
	{ AWSQ_ESERVICE, 401, "AuthFailure", READ, 0, AWSQ_GIVE_UP },
	{ AWSQ_ESERVICE, 403, "InvalidClientTokenId", READ, 60 * MINUTE, AWSQ_GIVE_UP },
	{ AWSQ_ESERVICE, 403, "SignatureDoesNotMatch", READ, 0, AWSQ_GIVE_UP },
	{ AWSQ_ESERVICE, 403, "SignatureDoesNotMatch", READ, 3 * MINUTE, AWSQ_GIVE_UP },
	{ AWSQ_ESERVICE, 403, "SignatureDoesNotMatch", READ, 4 * MINUTE, AWSQ_RETRY_WITH_SKEW },
	{ AWSQ_ESERVICE, 403, "SignatureDoesNotMatch", WRITE, -4 * MINUTE, AWSQ_RETRY_WITH_SKEW },
	{ AWSQ_ESERVICE, 401, "AuthFailure", READ, -60 * MINUTE, AWSQ_RETRY_WITH_SKEW },
	{ AWSQ_ESERVICE, 403, "InvalidSignatureException", READ, 6 * MINUTE, AWSQ_RETRY_WITH_SKEW },
	{ AWSQ_ESERVICE, 400, "RequestExpired", WRITE, 6 * MINUTE, AWSQ_RETRY_WITH_SKEW },
	{ AWSQ_ESERVICE, 403, "RequestTimeTooSkewed", READ, 6 * MINUTE, AWSQ_RETRY_WITH_SKEW },
	{ AWSQ_ESERVICE, 400, "RequestInTheFuture", READ, -6 * MINUTE, AWSQ_RETRY_WITH_SKEW },
	/* RequestExpired also means that a session token has run out. */
	{ AWSQ_ESERVICE, 400, "RequestExpired", READ, 0, AWSQ_GIVE_UP },
	{ AWSQ_ESERVICE, 400, "RequestExpired", CORRECTED, 6 * MINUTE, AWSQ_GIVE_UP },
	{ AWSQ_ESERVICE, 403, "UnauthorizedOperation", READ, 6 * MINUTE, AWSQ_GIVE_UP },
	/* A skewed clock does not matter to what has another cause. */
	{ AWSQ_ESERVICE, 503, "RequestLimitExceeded", READ, 6 * MINUTE, AWSQ_RETRY },
};

static struct awsq_err to_err(const struct row *r)
{
	struct awsq_err err;

	(void)awsq_err_set(&err, r->code, "it failed");
	err.http_status = r->status;
	(void)snprintf(err.aws_code, sizeof(err.aws_code), "%s", r->aws_code);
	return err;
}

static struct awsq_attempt to_attempt(const struct row *r, const struct awsq_err *err, int number)
{
	return (struct awsq_attempt){
		.number = number,
		.repeatable = r->call == READ || r->call == CORRECTED,
		.nothing_sent = r->call == WRITE_CUT,
		.err = err,
		.skew_ms = r->skew_ms,
		.skew_corrected = r->call == CORRECTED,
	};
}

static void test_verdicts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct awsq_err err = to_err(&rows[i]);
		struct awsq_attempt attempt = to_attempt(&rows[i], &err, 1);
		struct awsq_retry_bucket bucket;
		struct awsq_retry retry = { 0 };
		enum awsq_verdict v;

		awsq_retry_bucket_init(&bucket);
		v = awsq_retry_judge(&retry, &bucket, &attempt, 3, 0.5);
		if (v != rows[i].verdict)
			fail_msg("row %zu, %s: %d", i, rows[i].aws_code, (int)v);
		assert_int_equal(retry.delay_ms, v == AWSQ_RETRY ? 500 : 0);
		assert_int_equal(retry.skew_ms, v == AWSQ_RETRY_WITH_SKEW ? rows[i].skew_ms : 0);
		assert_int_equal(bucket.tokens, 500 - retry.cost);
		assert_int_equal(retry.cost != 0, v != AWSQ_GIVE_UP);
	}
}

/* Judges one failure of a kind that is retried, as the number-th attempt. */
static enum awsq_verdict judge(struct awsq_retry *retry, struct awsq_retry_bucket *bucket, int code,
	int number, int max, double chance)
{
	struct row r = { code, 0, "", READ, 0, AWSQ_RETRY };
	struct awsq_err err = to_err(&r);
	struct awsq_attempt attempt = to_attempt(&r, &err, number);

	return awsq_retry_judge(retry, bucket, &attempt, max, chance);
}

static void test_attempts_are_counted(void **state)
{
	static const struct {
		int number;
		int max;
		enum awsq_verdict verdict;
	} cases[] = { { 1, 3, AWSQ_RETRY }, { 2, 3, AWSQ_RETRY }, { 3, 3, AWSQ_GIVE_UP },
		{ 1, 1, AWSQ_GIVE_UP }, { 999, 1000, AWSQ_RETRY } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct awsq_retry_bucket bucket = { 500 };
		struct awsq_retry retry = { 0 };

		assert_int_equal(judge(&retry, &bucket, AWSQ_ENET, cases[i].number, cases[i].max,
					 0.5),
			cases[i].verdict);
	}
}

static void test_delays(void **state)
{
	static const int64_t most[] = { 1000, 2000, 4000, 8000, 16000, 20000, 20000 };
	struct awsq_retry_bucket bucket = { 500 };
	struct awsq_retry retry = { 0 };

	(void)state;
	for (int i = 0; i < 7; i++) {
		(void)judge(&retry, &bucket, AWSQ_ENET, i + 1, 1000, 0.25);
		assert_int_equal(retry.delay_ms, most[i] / 4);
		(void)judge(&retry, &bucket, AWSQ_ENET, i + 1, 1000, 0.0);
		assert_int_equal(retry.delay_ms, 0);
	}
	(void)judge(&retry, &bucket, AWSQ_ENET, INT32_MAX - 1, INT32_MAX, 0.999999);
	assert_in_range(retry.delay_ms, 19999, 20000);
}

/* What would come too late is given up at once, and not paid for. */
static void test_deadline(void **state)
{
	struct row r = { AWSQ_ENET, 0, "", READ, 0, AWSQ_RETRY };
	struct row skewed = { AWSQ_ESERVICE, 403, "SignatureDoesNotMatch", READ, 60 * MINUTE,
		AWSQ_RETRY_WITH_SKEW };
	struct awsq_err err = to_err(&r);
	struct awsq_attempt a = to_attempt(&r, &err, 1);
	struct awsq_retry_bucket bucket = { 500 };
	struct awsq_retry retry = { 0 };

	(void)state;
	a.left_ms = 500;
	assert_int_equal(awsq_retry_judge(&retry, &bucket, &a, 3, 0.5), AWSQ_GIVE_UP);
	assert_int_equal(retry.delay_ms, 0);
	assert_int_equal(bucket.tokens, 500);
	a.left_ms = 501;
	assert_int_equal(awsq_retry_judge(&retry, &bucket, &a, 3, 0.5), AWSQ_RETRY);
	assert_int_equal(bucket.tokens, 495);
	err = to_err(&skewed);
	a = to_attempt(&skewed, &err, 1);
	a.left_ms = 1; /* at once is soon enough */
	assert_int_equal(awsq_retry_judge(&retry, &bucket, &a, 3, 0.5), AWSQ_RETRY_WITH_SKEW);
}

static void test_bucket(void **state)
{
	struct awsq_retry_bucket bucket;
	struct awsq_retry retry = { 0 }, fresh = { 0 };

	(void)state;
	awsq_retry_bucket_init(&bucket);
	assert_int_equal(bucket.tokens, 500);
	awsq_retry_success(&bucket, &fresh);
	assert_int_equal(bucket.tokens, 500);
	(void)judge(&retry, &bucket, AWSQ_ENET, 1, 3, 0.5);
	assert_int_equal(bucket.tokens, 495);
	(void)judge(&retry, &bucket, AWSQ_ETIMEDOUT, 2, 3, 0.5);
	assert_int_equal(bucket.tokens, 485);
	/* As botocore: only what the latest retry cost comes back. */
	awsq_retry_success(&bucket, &retry);
	assert_int_equal(bucket.tokens, 495);
	awsq_retry_success(&bucket, &fresh);
	assert_int_equal(bucket.tokens, 496);
}

static void test_empty_bucket(void **state)
{
	struct awsq_retry_bucket bucket = { 9 };
	struct awsq_retry retry = { 0 }, fresh = { 0 };

	(void)state;
	assert_int_equal(judge(&retry, &bucket, AWSQ_ETIMEDOUT, 1, 3, 0.5), AWSQ_GIVE_UP);
	assert_int_equal(bucket.tokens, 9);
	assert_int_equal(judge(&retry, &bucket, AWSQ_ENET, 1, 3, 0.5), AWSQ_RETRY);
	assert_int_equal(judge(&retry, &bucket, AWSQ_ENET, 1, 3, 0.5), AWSQ_GIVE_UP);
	assert_int_equal(bucket.tokens, 4);
	awsq_retry_success(&bucket, &fresh);
	assert_int_equal(judge(&retry, &bucket, AWSQ_ENET, 1, 3, 0.5), AWSQ_RETRY);
	assert_int_equal(bucket.tokens, 0);
}

static void test_kinds_of_errors(void **state)
{
	struct row capacity = { AWSQ_ESERVICE, 500, "InsufficientInstanceCapacity", READ, 0, 0 };
	struct row throttle = { AWSQ_ESERVICE, 503, "RequestLimitExceeded", READ, 0, 0 };
	struct awsq_err err = to_err(&capacity);

	(void)state;
	assert_true(awsq_err_is_capacity(&err));
	assert_false(awsq_err_is_throttle(&err));
	err = to_err(&throttle);
	assert_false(awsq_err_is_capacity(&err));
	assert_true(awsq_err_is_throttle(&err));
	assert_false(awsq_err_is_capacity(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_attempts_are_counted),
		cmocka_unit_test(test_delays),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_bucket),
		cmocka_unit_test(test_empty_bucket),
		cmocka_unit_test(test_kinds_of_errors),
	};

	return cmocka_run_group_tests_name("retry", tests, NULL, NULL);
}
