#include "banned.h"

#include "ec2.h"

#include <awsq/query.h>

typedef struct awsq_ec2_console_output console_output;

static const struct awsq_field console_fields[] = {
	AWSQ_STRING(console_output, instance_id, "instanceId"),
	AWSQ_TIME(console_output, timestamp, "timestamp"),
	AWSQ_STRING(console_output, output, "output"),
};
static const struct awsq_shape console_shape = AWSQ_SHAPE(console_output, console_fields);

void awsq_ec2_get_console_output(struct awsq_call *call, struct awsq_ec2_console_output *out,
	const char *id, int latest)
{
	ec2_read(call, "GetConsoleOutput", &console_shape, out);
	awsq_query_add(&call->body, id, "InstanceId");
	if (latest)
		awsq_query_add_bool(&call->body, 1, "Latest");
}

void awsq_ec2_free_console_output(struct awsq_ec2_console_output *output)
{
	awsq_shape_free(&console_shape, output);
}
