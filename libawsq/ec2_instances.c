#include "banned.h"

#include "ec2.h"

#include <awsq/query.h>

typedef struct awsq_ec2_instance instance;

static const struct awsq_field group_fields[] = {
	AWSQ_STRING(struct awsq_ec2_group_ref, id, "groupId"),
	AWSQ_STRING(struct awsq_ec2_group_ref, name, "groupName"),
};
static const struct awsq_shape group_shape = AWSQ_SHAPE(struct awsq_ec2_group_ref, group_fields);

static const struct awsq_field volume_fields[] = {
	AWSQ_STRING(struct awsq_ec2_volume_ref, device, "deviceName"),
	AWSQ_STRING(struct awsq_ec2_volume_ref, id, "ebs/volumeId"),
	AWSQ_TIME(struct awsq_ec2_volume_ref, attach_time, "ebs/attachTime"),
	AWSQ_BOOL(struct awsq_ec2_volume_ref, delete_on_termination, "ebs/deleteOnTermination"),
};
static const struct awsq_shape volume_shape = AWSQ_SHAPE(struct awsq_ec2_volume_ref, volume_fields);

static const struct awsq_field instance_fields[] = {
	AWSQ_STRING(instance, id, "instanceId"),
	AWSQ_STRING(instance, image_id, "imageId"),
	AWSQ_STRING(instance, state, "instanceState/name"),
	AWSQ_STRING(instance, state_reason, "stateReason/message"),
	AWSQ_STRING(instance, type, "instanceType"),
	AWSQ_STRING(instance, key_name, "keyName"),
	AWSQ_STRING(instance, public_ip, "ipAddress"),
	AWSQ_STRING(instance, private_ip, "privateIpAddress"),
	AWSQ_STRING(instance, zone, "placement/availabilityZone"),
	AWSQ_STRING(instance, vpc_id, "vpcId"),
	AWSQ_STRING(instance, subnet_id, "subnetId"),
	AWSQ_STRING(instance, profile_arn, "iamInstanceProfile/arn"),
	AWSQ_STRING(instance, http_tokens, "metadataOptions/httpTokens"),
	AWSQ_STRING(instance, http_endpoint, "metadataOptions/httpEndpoint"),
	AWSQ_STRING(instance, root_device, "rootDeviceName"),
	AWSQ_TIME(instance, launch_time, "launchTime"),
	AWSQ_LIST(instance, tags, n_tags, "tagSet/item", &ec2_tag_shape),
	AWSQ_LIST(instance, groups, n_groups, "groupSet/item", &group_shape),
	AWSQ_LIST(instance, volumes, n_volumes, "blockDeviceMapping/item", &volume_shape),
};
static const struct awsq_shape instance_shape = AWSQ_SHAPE(instance, instance_fields);

/* DescribeInstances has instances inside reservations; RunInstances answers with one of these. */
static const struct awsq_field described_fields[] = {
	AWSQ_LIST(struct awsq_ec2_instances, items, n, "reservationSet/item/instancesSet/item",
		&instance_shape),
	AWSQ_TOKEN(struct awsq_ec2_instances, next_token, "nextToken"),
};
static const struct awsq_shape described_shape =
	AWSQ_SHAPE(struct awsq_ec2_instances, described_fields);

static const struct awsq_field run_fields[] = {
	AWSQ_LIST(struct awsq_ec2_instances, items, n, "instancesSet/item", &instance_shape),
};
static const struct awsq_shape run_shape = AWSQ_SHAPE(struct awsq_ec2_instances, run_fields);

void awsq_ec2_describe_instances(struct awsq_call *call, struct awsq_ec2_instances *out,
	const struct awsq_ec2_filter *filters)
{
	ec2_read(call, "DescribeInstances", &described_shape, out);
	ec2_add_filters(&call->body, filters);
}

void awsq_ec2_describe_instance(struct awsq_call *call, struct awsq_ec2_instances *out,
	const char *id)
{
	ec2_read(call, "DescribeInstances", &described_shape, out);
	awsq_query_add(&call->body, id, "InstanceId.1");
}

void awsq_ec2_free_instances(struct awsq_ec2_instances *instances)
{
	awsq_shape_free(&described_shape, instances);
}

void awsq_ec2_run_instances(struct awsq_call *call, struct awsq_ec2_instances *out,
	const struct awsq_ec2_run_instance *i)
{
	struct awsq_buf *q = &call->body;

	ec2_write(call, "RunInstances", &run_shape, out);
	awsq_query_add_int(q, 1, "MinCount");
	awsq_query_add_int(q, 1, "MaxCount");
	awsq_query_add(q, i->image_id, "ImageId");
	awsq_query_add(q, i->type, "InstanceType");
	awsq_query_add(q, i->key_name, "KeyName");
	awsq_query_add(q, i->group_id, "SecurityGroupId.1");
	awsq_query_add(q, i->subnet_id, "SubnetId");
	awsq_query_add(q, i->profile_name, "IamInstanceProfile.Name");
	awsq_query_add(q, i->shutdown_behavior, "InstanceInitiatedShutdownBehavior");
	awsq_query_add(q, i->http_tokens, "MetadataOptions.HttpTokens");
	ec2_add_base64(q, i->user_data, EC2_MAX_USER_DATA, "UserData");
	ec2_add_tags(q, 1, "instance", i->tags);
	ec2_add_tags(q, 2, "volume", i->tags);
	ec2_add_token(call, i->client_token);
}

static const struct awsq_field change_fields[] = {
	AWSQ_STRING(struct awsq_ec2_state_change, id, "instanceId"),
	AWSQ_STRING(struct awsq_ec2_state_change, previous, "previousState/name"),
	AWSQ_STRING(struct awsq_ec2_state_change, current, "currentState/name"),
};
static const struct awsq_shape change_shape =
	AWSQ_SHAPE(struct awsq_ec2_state_change, change_fields);

static const struct awsq_field changes_fields[] = {
	AWSQ_LIST(struct awsq_ec2_state_changes, items, n, "instancesSet/item", &change_shape),
};
static const struct awsq_shape changes_shape =
	AWSQ_SHAPE(struct awsq_ec2_state_changes, changes_fields);

/* Starting, stopping and terminating change nothing when they are repeated. */
static void change_state(struct awsq_call *call, const char *action,
	struct awsq_ec2_state_changes *out, const char *id)
{
	ec2_write(call, action, &changes_shape, out);
	call->repeatable = 1;
	awsq_query_add(&call->body, id, "InstanceId.1");
}

void awsq_ec2_start_instance(struct awsq_call *call, struct awsq_ec2_state_changes *out,
	const char *id)
{
	change_state(call, "StartInstances", out, id);
	/* Who was the first to ask is told by the first answer only. */
	call->counted = 1;
}

void awsq_ec2_stop_instance(struct awsq_call *call, struct awsq_ec2_state_changes *out,
	const char *id)
{
	change_state(call, "StopInstances", out, id);
}

void awsq_ec2_terminate_instance(struct awsq_call *call, struct awsq_ec2_state_changes *out,
	const char *id)
{
	change_state(call, "TerminateInstances", out, id);
}

void awsq_ec2_free_state_changes(struct awsq_ec2_state_changes *changes)
{
	awsq_shape_free(&changes_shape, changes);
}
