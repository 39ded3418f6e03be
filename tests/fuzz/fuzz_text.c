/*
 * Small texts: times, numbers, lengths of time, base64, escapes, endpoints. What is read and can be
 * written again must be the same when it is read again.
 */
#include "banned.h"

#include <stddef.h>
#include <stdint.h>

#include <awsq/clock.h>
#include <awsq/endpoint.h>
#include <awsq/err.h>
#include <awsq/hash.h>
#include <awsq/num.h>
#include <awsq/query.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void times(const char *text)
{
	char iso[AWSQ_TIME_ISO], basic[AWSQ_TIME_BASIC];
	int64_t seconds = -1, again = -2;

	if (awsq_time_parse_http(&seconds, text) == 0 && seconds < 0)
		abort();
	if (awsq_time_parse(&seconds, text) != 0)
		return;
	awsq_time_basic(basic, seconds);
	awsq_time_iso(iso, seconds);
	if (seconds <= INT64_C(253402300799) &&
		(awsq_time_parse(&again, iso) != 0 || again != seconds))
		abort();
}

static void numbers(const char *text)
{
	int64_t n = 0, again = 1, duration;
	char digits[24];

	if (awsq_parse_duration(&duration, text, 604800) == 0 &&
		(duration < 0 || duration > 604800))
		abort();
	if (awsq_parse_int(&n, text, INT64_MIN, INT64_MAX) != 0)
		return;
	(void)snprintf(digits, sizeof(digits), "%lld", (long long)n);
	if (awsq_parse_int(&again, digits, n, n) != 0 || again != n)
		abort();
}

static void encodings(const char *text, size_t size)
{
	struct awsq_buf bytes = AWSQ_BUF_INIT(1 << 20), encoded = AWSQ_BUF_INIT(1 << 22);
	struct awsq_buf again = AWSQ_BUF_INIT(1 << 20);

	if (awsq_base64_decode(&bytes, text, size) == 0) {
		awsq_base64_add(&encoded, awsq_buf_str(&bytes), bytes.len);
		if (awsq_base64_decode(&again, awsq_buf_str(&encoded), encoded.len) != 0 ||
			again.len != bytes.len ||
			memcmp(awsq_buf_str(&again), awsq_buf_str(&bytes), bytes.len) != 0)
			abort();
	}
	awsq_buf_reset(&encoded);
	awsq_query_escape(&encoded, text);
	if (awsq_buf_str(&encoded)[strcspn(awsq_buf_str(&encoded), " &=+/\n")] != '\0')
		abort();
	awsq_buf_free(&bytes);
	awsq_buf_free(&encoded);
	awsq_buf_free(&again);
}

static void endpoints(const char *text)
{
	const struct awsq_endpoint_options given = { 0, 0, text };
	struct awsq_endpoint endpoint, again;
	struct awsq_err err;

	(void)awsq_endpoint_resolve(&endpoint, "ec2", text, NULL, &err);
	if (awsq_endpoint_resolve(&endpoint, "ec2", "us-west-2", &given, &err) != 0)
		return;
	/* What was made of it is an endpoint too, and stays as it is. */
	if (awsq_endpoint_resolve(&again, "ec2", "us-west-2",
		    &(struct awsq_endpoint_options){ 0, 0, endpoint.url }, &err) != 0 ||
		strcmp(again.url, endpoint.url) != 0 || strcmp(again.host, endpoint.host) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (!text)
		return 0;
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	times(text);
	numbers(text);
	encodings(text, size);
	endpoints(text);
	free(text);
	return 0;
}
