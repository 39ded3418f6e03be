/*
 * drive_retry: puts the failures on stdin to the judge of retries, for tests that compare with
 * another one. The lines, each answered by one:
 *
 *     bucket TOKENS       makes the bucket have so many     TOKENS
 *     call                begins a call                     TOKENS
 *     success             ends it well                      TOKENS
 *     fail NUMBER MAX CHANCE REPEATABLE NOTHING_SENT SKEW_MS KIND STATUS CODE
 *                         its attempt of that number fails  VERDICT DELAY_MS TOKENS
 *
 * KIND is one of `kinds`, CODE AWS's or "-", VERDICT "no", "retry" or "skew".
 */
#include "banned.h"

#include <awsq/retry.h>

#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	int code;
} kinds[] = { { "service", AWSQ_ESERVICE }, { "net", AWSQ_ENET }, { "timeout", AWSQ_ETIMEDOUT },
	{ "tls", AWSQ_ETLS }, { "malformed", AWSQ_EPARSE }, { "invalid", AWSQ_EINVAL } };

static int code_of(const char *kind)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].name, kind) == 0)
			return kinds[i].code;
	}
	return 0;
}

static int judge(struct awsq_retry *retry, struct awsq_retry_bucket *bucket, const char *line)
{
	static const char *const verdicts[] = { "no", "retry", "skew" };
	struct awsq_attempt a = { 0 };
	struct awsq_err err = { 0 };
	char kind[16], aws_code[64];
	enum awsq_verdict v;
	double chance;
	long long skew;
	int max;

	if (sscanf(line, "fail %d %d %lf %d %d %lld %15s %d %63s", &a.number, &max, &chance,
		    &a.repeatable, &a.nothing_sent, &skew, kind, &err.http_status, aws_code) != 9 ||
		code_of(kind) == 0)
		return -1;
	err.code = code_of(kind);
	if (strcmp(aws_code, "-") != 0)
		(void)snprintf(err.aws_code, sizeof(err.aws_code), "%s", aws_code);
	a.skew_ms = skew;
	a.err = &err;
	v = awsq_retry_judge(retry, bucket, &a, max, chance);
	(void)printf("%s %lld %d\n", verdicts[v], (long long)retry->delay_ms, bucket->tokens);
	return 0;
}

int main(void)
{
	struct awsq_retry_bucket bucket;
	struct awsq_retry retry = { 0 };
	char line[256];

	awsq_retry_bucket_init(&bucket);
	while (fgets(line, sizeof(line), stdin)) {
		if (strncmp(line, "fail ", 5) == 0) {
			if (judge(&retry, &bucket, line) != 0)
				return 1;
			continue;
		}
		if (strcmp(line, "call\n") == 0)
			memset(&retry, 0, sizeof(retry));
		else if (strcmp(line, "success\n") == 0)
			awsq_retry_success(&bucket, &retry);
		else if (sscanf(line, "bucket %d", &bucket.tokens) != 1)
			return 1;
		(void)printf("%d\n", bucket.tokens);
	}
	return 0;
}
