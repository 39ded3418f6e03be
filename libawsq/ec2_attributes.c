#include "banned.h"

#include "ec2.h"

#include <awsq/err.h>
#include <awsq/query.h>

typedef struct awsq_ec2_instance_attributes attributes;

/*
 * Each attribute has a shape of its member alone. A call fills, and empties when it fails, all that
 * its shape covers; so those that share a struct leave each other's members be.
 */
struct text {
	char *value;
};

struct flag {
	int value;
};

static const struct awsq_field user_data_fields[] = {
	AWSQ_STRING(struct text, value, AWSQ_EC2_USER_DATA "/value"),
};
static const struct awsq_shape user_data_shape = AWSQ_SHAPE(struct text, user_data_fields);

static const struct awsq_field behavior_fields[] = {
	AWSQ_STRING(struct text, value, AWSQ_EC2_SHUTDOWN_BEHAVIOR "/value"),
};
static const struct awsq_shape behavior_shape = AWSQ_SHAPE(struct text, behavior_fields);

static const struct awsq_field termination_fields[] = {
	AWSQ_BOOL(struct flag, value, AWSQ_EC2_DISABLE_API_TERMINATION "/value"),
};
static const struct awsq_shape termination_shape = AWSQ_SHAPE(struct flag, termination_fields);

static const struct awsq_field stop_fields[] = {
	AWSQ_BOOL(struct flag, value, AWSQ_EC2_DISABLE_API_STOP "/value"),
};
static const struct awsq_shape stop_shape = AWSQ_SHAPE(struct flag, stop_fields);

static const struct {
	const char *name;
	const struct awsq_shape *shape;
	size_t offset;
} known[] = {
	{ AWSQ_EC2_USER_DATA, &user_data_shape, offsetof(attributes, user_data) },
	{ AWSQ_EC2_SHUTDOWN_BEHAVIOR, &behavior_shape, offsetof(attributes, shutdown_behavior) },
	{ AWSQ_EC2_DISABLE_API_TERMINATION, &termination_shape,
		offsetof(attributes, disable_api_termination) },
	{ AWSQ_EC2_DISABLE_API_STOP, &stop_shape, offsetof(attributes, disable_api_stop) },
};

void awsq_ec2_describe_instance_attribute(struct awsq_call *call, attributes *out, const char *id,
	const char *attribute)
{
	size_t i = 0, n = sizeof(known) / sizeof(*known);

	while (i < n && strcmp(attribute, known[i].name) != 0)
		i++;
	if (i < n) {
		ec2_read(call, "DescribeInstanceAttribute", known[i].shape,
			(char *)out + known[i].offset);
	} else {
		ec2_read(call, "DescribeInstanceAttribute", NULL, NULL);
		call->body.error = AWSQ_EINVAL;
	}
	awsq_query_add(&call->body, id, "InstanceId");
	awsq_query_add(&call->body, attribute, "Attribute");
}

/* Only the memory counts here. */
static const struct awsq_field attributes_fields[] = {
	AWSQ_STRING(attributes, user_data, ""),
	AWSQ_STRING(attributes, shutdown_behavior, ""),
};
static const struct awsq_shape attributes_shape = AWSQ_SHAPE(attributes, attributes_fields);

void awsq_ec2_free_instance_attributes(attributes *a)
{
	awsq_shape_free(&attributes_shape, a);
}

/* Begins a call that gives something a value, whatever it was before: it can be repeated. */
static void modify(struct awsq_call *call, const char *action, const char *id)
{
	ec2_write(call, action, NULL, NULL);
	call->repeatable = 1;
	awsq_query_add(&call->body, id, "InstanceId");
}

void awsq_ec2_modify_instance_type(struct awsq_call *call, const char *id, const char *type)
{
	modify(call, "ModifyInstanceAttribute", id);
	awsq_query_add(&call->body, type, "InstanceType.Value");
}

void awsq_ec2_modify_user_data(struct awsq_call *call, const char *id, const char *text)
{
	modify(call, "ModifyInstanceAttribute", id);
	ec2_add_base64(&call->body, text, EC2_MAX_USER_DATA, "UserData.Value");
}

void awsq_ec2_modify_shutdown_behavior(struct awsq_call *call, const char *id, const char *behavior)
{
	modify(call, "ModifyInstanceAttribute", id);
	awsq_query_add(&call->body, behavior, "InstanceInitiatedShutdownBehavior.Value");
}

void awsq_ec2_modify_instance_group(struct awsq_call *call, const char *id, const char *group_id)
{
	modify(call, "ModifyInstanceAttribute", id);
	awsq_query_add(&call->body, group_id, "GroupId.1");
}

void awsq_ec2_modify_termination_protection(struct awsq_call *call, const char *id, int on)
{
	modify(call, "ModifyInstanceAttribute", id);
	awsq_query_add_bool(&call->body, on, "DisableApiTermination.Value");
}

void awsq_ec2_modify_stop_protection(struct awsq_call *call, const char *id, int on)
{
	modify(call, "ModifyInstanceAttribute", id);
	awsq_query_add_bool(&call->body, on, "DisableApiStop.Value");
}

void awsq_ec2_modify_metadata_tokens(struct awsq_call *call, const char *id, const char *tokens)
{
	modify(call, "ModifyInstanceMetadataOptions", id);
	awsq_query_add(&call->body, tokens, "HttpTokens");
	awsq_query_add(&call->body, "enabled", "HttpEndpoint");
}
