/*
 * retry.h: the judge of whether a failed attempt is made again, and when. Pure: it neither sleeps
 * nor sends.
 *
 * Source: the standard retry mode of the "AWS SDKs and Tools Reference Guide" (Retry behavior), as
 * botocore 1.43.11 has it (botocore/retries/standard.py). Stricter here: capacity errors, which EC2
 * sends as HTTP 500, are an answer and not a hiccup; and a call that may not be repeated is made
 * again only when it is certain that nothing was carried out. Added here: the correction of a wrong
 * local clock, which botocore lacks.
 */
#ifndef AWSQ_RETRY_H
#define AWSQ_RETRY_H

#include <stdint.h>

#include <awsq/common.h>
#include <awsq/err.h>

/* Attempts in all, where nothing else is set. */
#define AWSQ_MAX_ATTEMPTS_DEFAULT 3

/* The difference between two clocks from which it counts as the cause of a refused signature. */
#define AWSQ_SKEW_LIMIT_MS 240000

/*
 * A client's allowance for retries, so that a service in trouble is not kept there: when it is used
 * up, failures are final until successes have filled it again.
 */
struct awsq_retry_bucket {
	int tokens; /* 500 when full */
};

/* An attempt that failed. */
struct awsq_attempt {
	int number;     /* of this call, from 1 */
	int repeatable; /* the call only reads, or carries a token, or does the same when repeated
	                 */
	/* No connection came about, so that the service cannot have seen the request. */
	int nothing_sent;
	/*
	 * What went wrong. AWSQ_ESERVICE with http_status and aws_code ("" if the answer had none);
	 * AWSQ_ENET and AWSQ_ETIMEDOUT; AWSQ_EPARSE for an answer cut short. Every other code is
	 * final, AWSQ_ETLS among them: it means a peer not trusted, while a handshake that was cut
	 * off is AWSQ_ENET.
	 */
	const struct awsq_err *err;
	int64_t skew_ms;    /* the answer's Date minus the time signed with; 0: not known */
	int skew_corrected; /* this call has been told AWSQ_RETRY_WITH_SKEW before */
	int64_t left_ms;    /* until the caller's deadline; 0: there is none */
};

enum awsq_verdict {
	AWSQ_GIVE_UP,
	AWSQ_RETRY,          /* after delay_ms */
	AWSQ_RETRY_WITH_SKEW /* at once, signed with a clock set right by skew_ms */
};

/* What a verdict brings with it. Zeroed by the caller before a call's first attempt. */
struct awsq_retry {
	int64_t delay_ms; /* to wait first */
	int64_t skew_ms;  /* AWSQ_RETRY_WITH_SKEW: to add to the clock that was signed with */
	int cost; /* tokens taken from the bucket for the call's latest retry; 0: none yet */
};

AWSQ_BEGIN_DECLS

/* Fills the bucket. */
void awsq_retry_bucket_init(struct awsq_retry_bucket *bucket);

/*
 * Judges attempt, filling out and taking a retry's cost out of bucket. chance (at least 0, below 1)
 * spreads the delay, which is chance * min(2^(number - 1), 20) seconds; a retry that would come
 * after the deadline is given up at once, and costs nothing.
 */
enum awsq_verdict awsq_retry_judge(struct awsq_retry *out, struct awsq_retry_bucket *bucket,
	const struct awsq_attempt *attempt, int max_attempts, double chance);

/* After a call that succeeded: gives back its latest retry's cost, or 1 when there was none. */
void awsq_retry_success(struct awsq_retry_bucket *bucket, const struct awsq_retry *retry);

/* Whether AWS says that it has no room (or no such type, here): try elsewhere, not again. */
int awsq_err_is_capacity(const struct awsq_err *err);

/* Whether AWS says that it was asked too often. */
int awsq_err_is_throttle(const struct awsq_err *err);

AWSQ_END_DECLS

#endif
