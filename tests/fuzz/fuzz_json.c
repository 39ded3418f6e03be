/*
 * Answers in JSON, and the same bytes as an error document. They are read or refused, and whatever
 * was read of them can be freed.
 */
#include "banned.h"

#include <stddef.h>
#include <stdint.h>

#include <awsq/err.h>
#include <awsq/json.h>
#include <awsq/kms.h>
#include <awsq/quotas.h>
#include <awsq/ssm.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A list, which neither of the operations has. */
struct words {
	struct word {
		char *text;
		int64_t time;
	} * items;
	size_t n;
	char *next_token;
};

static const struct awsq_field word_fields[] = {
	AWSQ_STRING(struct word, text, ""),
	AWSQ_TIME(struct word, time, "T"),
};
static const struct awsq_shape word_shape = AWSQ_SHAPE(struct word, word_fields);
static const struct awsq_field words_fields[] = {
	AWSQ_LIST(struct words, items, n, "Words", &word_shape),
	AWSQ_TOKEN(struct words, next_token, "NextToken"),
};
static const struct awsq_shape words_shape = AWSQ_SHAPE(struct words, words_fields);

static void read_as(const struct awsq_shape *shape, void *out, const char *text, size_t len)
{
	int rc = awsq_json_fill(shape, out, text, len);

	if (rc != 0 && rc != AWSQ_EPARSE && rc != AWSQ_ENOMEM)
		abort();
	awsq_shape_free(shape, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct awsq_kms_key key = { 0 };
	struct awsq_quota quota = { 0 };
	struct awsq_ssm_invocation invocation = { 0 };
	struct awsq_ssm_nodes nodes = { 0 };
	struct words words = { 0 };
	struct awsq_err err = { 0 };
	struct awsq_call call;

	read_as(&words_shape, &words, text, size);
	awsq_kms_describe_key(&call, &key, "k");
	read_as(call.shape, &key, text, size);
	awsq_call_free(&call);
	awsq_quotas_get_service_quota(&call, &quota, "ec2", "q");
	read_as(call.shape, &quota, text, size);
	awsq_call_free(&call);
	awsq_ssm_get_command_invocation(&call, &invocation, "c", "i");
	read_as(call.shape, &invocation, text, size);
	awsq_call_free(&call);
	awsq_ssm_describe_instance_information(&call, &nodes, "i");
	read_as(call.shape, &nodes, text, size);
	awsq_call_free(&call);
	if (awsq_json_error(&err, text, size) == 0 ? !*err.aws_code : err.code != 0)
		abort();
	return 0;
}
