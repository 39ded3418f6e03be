#include "banned.h"

#include "ec2.h"

#include <awsq/query.h>

typedef struct awsq_ec2_attachment attachment;
typedef struct awsq_ec2_volume volume;

static const struct awsq_field attachment_fields[] = {
	AWSQ_STRING(attachment, instance_id, "instanceId"),
	AWSQ_STRING(attachment, device, "device"),
	AWSQ_STRING(attachment, state, "status"),
	AWSQ_BOOL(attachment, delete_on_termination, "deleteOnTermination"),
};
static const struct awsq_shape attachment_shape = AWSQ_SHAPE(attachment, attachment_fields);

static const struct awsq_field volume_fields[] = {
	AWSQ_STRING(volume, id, "volumeId"),
	AWSQ_STRING(volume, state, "status"),
	AWSQ_INT(volume, volume_size, "size"),
	AWSQ_BOOL(volume, encrypted, "encrypted"),
	AWSQ_STRING(volume, kms_key_id, "kmsKeyId"),
	AWSQ_STRING(volume, zone, "availabilityZone"),
	AWSQ_LIST(volume, tags, n_tags, "tagSet/item", &ec2_tag_shape),
	AWSQ_LIST(volume, attachments, n_attachments, "attachmentSet/item", &attachment_shape),
};
static const struct awsq_shape volume_shape = AWSQ_SHAPE(volume, volume_fields);

static const struct awsq_field volumes_fields[] = {
	AWSQ_LIST(struct awsq_ec2_volumes, items, n, "volumeSet/item", &volume_shape),
	AWSQ_TOKEN(struct awsq_ec2_volumes, next_token, "nextToken"),
};
static const struct awsq_shape volumes_shape = AWSQ_SHAPE(struct awsq_ec2_volumes, volumes_fields);

void awsq_ec2_describe_volumes(struct awsq_call *call, struct awsq_ec2_volumes *out,
	const struct awsq_ec2_filter *filters)
{
	ec2_read(call, "DescribeVolumes", &volumes_shape, out);
	ec2_add_filters(&call->body, filters);
}

void awsq_ec2_free_volumes(struct awsq_ec2_volumes *volumes)
{
	awsq_shape_free(&volumes_shape, volumes);
}

void awsq_ec2_delete_volume(struct awsq_call *call, const char *id)
{
	ec2_write(call, "DeleteVolume", NULL, NULL);
	/* Of one that is gone the answer says so, which is as good as having deleted it. */
	call->repeatable = 1;
	awsq_query_add(&call->body, id, "VolumeId");
}
