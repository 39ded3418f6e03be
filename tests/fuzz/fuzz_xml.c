/*
 * Answers in XML, in pieces whose length the first byte says, into nested lists; and the same bytes
 * as an error document. In pieces and as a whole they must come to the same end.
 */
#include "banned.h"

#include <stddef.h>
#include <stdint.h>

#include <awsq/client.h>
#include <awsq/ec2.h>
#include <awsq/err.h>
#include <awsq/xml.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	return awsq_global_init();
}

static int parse(struct awsq_call *call, const char *text, size_t len, size_t step)
{
	struct awsq_xml *x;
	int rc = awsq_xml_new(&x, call->shape, call->out);

	for (size_t at = 0; rc == 0 && at < len; at += step)
		rc = awsq_xml_feed(x, text + at, len - at < step ? len - at : step);
	if (rc == 0)
		rc = awsq_xml_finish(x);
	awsq_xml_free(x);
	return rc;
}

/* Lists of lists, numbers, times, truth values: between them the operations have them all. */
static void parse_as(void (*describe)(struct awsq_call *call, void *out), void *out,
	const char *text, size_t len, size_t step)
{
	struct awsq_call call;
	int whole, pieces;

	describe(&call, out);
	whole = parse(&call, text, len, len);
	awsq_shape_free(call.shape, out);
	pieces = parse(&call, text, len, step);
	if (whole != pieces && whole != AWSQ_ENOMEM && pieces != AWSQ_ENOMEM)
		abort();
	(void)awsq_shape_token(call.shape, out);
	awsq_shape_free(call.shape, out);
	awsq_call_free(&call);
}

static void instances(struct awsq_call *call, void *out)
{
	awsq_ec2_describe_instances(call, out, NULL);
}

static void groups(struct awsq_call *call, void *out)
{
	awsq_ec2_describe_security_groups(call, out, NULL);
}

static void vpcs(struct awsq_call *call, void *out)
{
	awsq_ec2_describe_vpcs(call, out, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct awsq_ec2_instances some_instances = { 0 };
	struct awsq_ec2_security_groups some_groups = { 0 };
	struct awsq_ec2_vpcs some_vpcs = { 0 };
	struct awsq_err err;
	const char *text;
	size_t step;

	if (size < 2)
		return 0;
	step = data[0] % 64 + 1U;
	text = (const char *)data + 1;
	size--;
	parse_as(instances, &some_instances, text, size, step);
	parse_as(groups, &some_groups, text, size, step);
	parse_as(vpcs, &some_vpcs, text, size, step);
	if (awsq_xml_error(&err, text, size) == 0 && err.aws_code[0] == '\0')
		abort();
	return 0;
}
