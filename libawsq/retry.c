#include "banned.h"

#include <awsq/retry.h>

#include <string.h>

#define BUCKET_FULL  500
#define COST         5
#define COST_TIMEOUT 10
#define REFUND_SMALL 1 /* for a call that succeeded at once */
#define MAX_DELAY_MS 20000
#define DOUBLINGS    4 /* of a second, before the delay is at its maximum */

static const char *const throttle_codes[] = { "BandwidthLimitExceeded", "EC2ThrottledException",
	"LimitExceededException", "PriorRequestNotComplete",
	"ProvisionedThroughputExceededException", "RequestLimitExceeded", "RequestThrottled",
	"RequestThrottledException", "SlowDown", "ThrottledException", "Throttling",
	"ThrottlingException", "TooManyRequestsException", "TransactionInProgressException", NULL };

/* The first one: STS did not reach who vouches for a web identity. */
static const char *const transient_codes[] = { "IDPCommunicationError", "RequestTimeout",
	"RequestTimeoutException", NULL };

/*
 * Of the "Error codes for the Amazon EC2 API" those that say no to a request for room. Several
 * come as HTTP 500, and retrying those like hiccups has kept users of SDKs waiting for the better
 * part of an hour.
 */
static const char *const capacity_codes[] = { "InsufficientAddressCapacity", "InsufficientCapacity",
	"InsufficientCapacityOnHost", "InsufficientHostCapacity", "InsufficientInstanceCapacity",
	"InsufficientReservedInstanceCapacity", "InsufficientVolumeCapacity",
	"ReservationCapacityExceeded", "Unsupported", NULL };

/*
 * What AWS says to a signature that is too old, too new or, since the time is part of what is
 * signed, wrong. They also have other causes: only the clocks tell.
 */
static const char *const skew_codes[] = { "AuthFailure", "InvalidSignatureException",
	"RequestExpired", "RequestInTheFuture", "RequestTimeTooSkewed", "SignatureDoesNotMatch",
	NULL };

static int is_one_of(const struct awsq_err *err, const char *const *codes)
{
	for (; *codes; codes++) {
		if (awsq_err_is(err, *codes))
			return 1;
	}
	return 0;
}

int awsq_err_is_capacity(const struct awsq_err *err)
{
	return is_one_of(err, capacity_codes);
}

int awsq_err_is_throttle(const struct awsq_err *err)
{
	return is_one_of(err, throttle_codes);
}

static int is_server_trouble(int status)
{
	return status == 500 || status == 502 || status == 503 || status == 504;
}

/* Whether the same request could well succeed a little later. */
static int is_transient(const struct awsq_err *err)
{
	switch (err->code) {
	case AWSQ_ENET:
	case AWSQ_ETIMEDOUT:
	case AWSQ_EPARSE:
		return 1;
	case AWSQ_ESERVICE:
		return is_server_trouble(err->http_status) || is_one_of(err, transient_codes);
	default:
		return 0;
	}
}

static int is_skewed(const struct awsq_attempt *a)
{
	return !a->skew_corrected && is_one_of(a->err, skew_codes) &&
	       (a->skew_ms >= AWSQ_SKEW_LIMIT_MS || a->skew_ms <= -AWSQ_SKEW_LIMIT_MS);
}

/* Whether it is right to try again, the bucket and the number of attempts aside. */
static enum awsq_verdict verdict(const struct awsq_attempt *a)
{
	if (awsq_err_is_capacity(a->err))
		return AWSQ_GIVE_UP;
	/* These two are refusals: nothing was carried out, whatever the call is. */
	if (is_skewed(a))
		return AWSQ_RETRY_WITH_SKEW;
	if (awsq_err_is_throttle(a->err))
		return AWSQ_RETRY;
	if (is_transient(a->err) && (a->repeatable || a->nothing_sent))
		return AWSQ_RETRY;
	return AWSQ_GIVE_UP;
}

static int64_t delay_ms(int number, double chance)
{
	int doublings = number - 1;
	int64_t most = doublings <= DOUBLINGS ? (int64_t)1000 << doublings : MAX_DELAY_MS;

	return (int64_t)(chance * (double)most);
}

void awsq_retry_bucket_init(struct awsq_retry_bucket *bucket)
{
	bucket->tokens = BUCKET_FULL;
}

enum awsq_verdict awsq_retry_judge(struct awsq_retry *out, struct awsq_retry_bucket *bucket,
	const struct awsq_attempt *attempt, int max_attempts, double chance)
{
	enum awsq_verdict v = verdict(attempt);
	int cost = attempt->err->code == AWSQ_ETIMEDOUT ? COST_TIMEOUT : COST;
	int64_t delay = v == AWSQ_RETRY ? delay_ms(attempt->number, chance) : 0;

	out->delay_ms = 0;
	out->skew_ms = 0;
	if (v == AWSQ_GIVE_UP || attempt->number >= max_attempts || cost > bucket->tokens)
		return AWSQ_GIVE_UP;
	if (attempt->left_ms != 0 && delay >= attempt->left_ms)
		return AWSQ_GIVE_UP;
	bucket->tokens -= cost;
	out->cost = cost;
	out->delay_ms = delay;
	if (v == AWSQ_RETRY_WITH_SKEW)
		out->skew_ms = attempt->skew_ms;
	return v;
}

void awsq_retry_success(struct awsq_retry_bucket *bucket, const struct awsq_retry *retry)
{
	bucket->tokens += retry->cost > 0 ? retry->cost : REFUND_SMALL;
	if (bucket->tokens > BUCKET_FULL)
		bucket->tokens = BUCKET_FULL;
}
