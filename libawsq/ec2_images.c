#include "banned.h"

#include "ec2.h"

#include <awsq/query.h>

typedef struct awsq_ec2_image image;
typedef struct awsq_ec2_snapshot snapshot;

static const struct awsq_field device_fields[] = {
	AWSQ_STRING(struct awsq_ec2_block_device, device, "deviceName"),
	AWSQ_STRING(struct awsq_ec2_block_device, snapshot_id, "ebs/snapshotId"),
	AWSQ_INT(struct awsq_ec2_block_device, volume_size, "ebs/volumeSize"),
	AWSQ_BOOL(struct awsq_ec2_block_device, encrypted, "ebs/encrypted"),
};
static const struct awsq_shape device_shape =
	AWSQ_SHAPE(struct awsq_ec2_block_device, device_fields);

static const struct awsq_field image_fields[] = {
	AWSQ_STRING(image, id, "imageId"),
	AWSQ_STRING(image, name, "name"),
	AWSQ_STRING(image, state, "imageState"),
	AWSQ_STRING(image, state_reason, "stateReason/message"),
	AWSQ_STRING(image, description, "description"),
	AWSQ_STRING(image, architecture, "architecture"),
	AWSQ_STRING(image, creation_date, "creationDate"),
	AWSQ_LIST(image, tags, n_tags, "tagSet/item", &ec2_tag_shape),
	AWSQ_LIST(image, devices, n_devices, "blockDeviceMapping/item", &device_shape),
	AWSQ_STRING(image, owner_id, "imageOwnerId"),
	AWSQ_STRING(image, root_device, "rootDeviceName"),
	AWSQ_STRING(image, source_image_id, "sourceImageId"),
	AWSQ_STRING(image, source_image_region, "sourceImageRegion"),
};
static const struct awsq_shape image_shape = AWSQ_SHAPE(image, image_fields);

static const struct awsq_field images_fields[] = {
	AWSQ_LIST(struct awsq_ec2_images, items, n, "imagesSet/item", &image_shape),
	AWSQ_TOKEN(struct awsq_ec2_images, next_token, "nextToken"),
};
static const struct awsq_shape images_shape = AWSQ_SHAPE(struct awsq_ec2_images, images_fields);

/* EC2 leaves them out by itself, and their snapshots are paid for all the same. */
static void include_disabled(struct awsq_call *call)
{
	awsq_query_add_bool(&call->body, 1, "IncludeDisabled");
}

void awsq_ec2_describe_images(struct awsq_call *call, struct awsq_ec2_images *out,
	const struct awsq_ec2_filter *filters)
{
	ec2_read(call, "DescribeImages", &images_shape, out);
	awsq_query_add(&call->body, "self", "Owner.1");
	include_disabled(call);
	ec2_add_filters(&call->body, filters);
}

void awsq_ec2_describe_image(struct awsq_call *call, struct awsq_ec2_images *out, const char *id)
{
	ec2_read(call, "DescribeImages", &images_shape, out);
	awsq_query_add(&call->body, id, "ImageId.1");
	include_disabled(call);
}

void awsq_ec2_free_images(struct awsq_ec2_images *images)
{
	awsq_shape_free(&images_shape, images);
}

static const struct awsq_field copied_fields[] = {
	AWSQ_STRING(struct awsq_ec2_created, id, "imageId"),
};
static const struct awsq_shape copied_shape = AWSQ_SHAPE(struct awsq_ec2_created, copied_fields);

void awsq_ec2_copy_image(struct awsq_call *call, struct awsq_ec2_created *out,
	const struct awsq_ec2_copy_image *copy)
{
	struct awsq_buf *q = &call->body;

	ec2_write(call, "CopyImage", &copied_shape, out);
	awsq_query_add(q, copy->source_region, "SourceRegion");
	awsq_query_add(q, copy->source_image_id, "SourceImageId");
	awsq_query_add(q, copy->name, "Name");
	awsq_query_add(q, copy->description, "Description");
	if (copy->encrypted)
		awsq_query_add_bool(q, 1, "Encrypted");
	awsq_query_add(q, copy->kms_key_id, "KmsKeyId");
	ec2_add_tags(q, 1, "image", copy->tags);
	ec2_add_tags(q, 2, "snapshot", copy->tags);
	ec2_add_token(call, copy->client_token);
}

static const struct awsq_field deleted_fields[] = {
	AWSQ_STRING(struct awsq_ec2_deleted_snapshot, snapshot_id, "snapshotId"),
	AWSQ_STRING(struct awsq_ec2_deleted_snapshot, return_code, "returnCode"),
};
static const struct awsq_shape deleted_shape =
	AWSQ_SHAPE(struct awsq_ec2_deleted_snapshot, deleted_fields);

static const struct awsq_field deleted_list_fields[] = {
	AWSQ_LIST(struct awsq_ec2_deleted_snapshots, items, n, "deleteSnapshotResultSet/item",
		&deleted_shape),
};
static const struct awsq_shape deleted_list_shape =
	AWSQ_SHAPE(struct awsq_ec2_deleted_snapshots, deleted_list_fields);

void awsq_ec2_deregister_image(struct awsq_call *call, struct awsq_ec2_deleted_snapshots *out,
	const char *id)
{
	ec2_write(call, "DeregisterImage", &deleted_list_shape, out);
	/* Of one that is gone the answer says so, which is as good as having removed it. */
	call->repeatable = 1;
	awsq_query_add(&call->body, id, "ImageId");
	awsq_query_add_bool(&call->body, 1, "DeleteAssociatedSnapshots");
}

void awsq_ec2_free_deleted_snapshots(struct awsq_ec2_deleted_snapshots *deleted)
{
	awsq_shape_free(&deleted_list_shape, deleted);
}

static const struct awsq_field snapshot_fields[] = {
	AWSQ_STRING(snapshot, id, "snapshotId"),
	AWSQ_STRING(snapshot, state, "status"),
	AWSQ_STRING(snapshot, progress, "progress"),
	AWSQ_STRING(snapshot, description, "description"),
	AWSQ_INT(snapshot, volume_size, "volumeSize"),
	AWSQ_TIME(snapshot, start_time, "startTime"),
	AWSQ_LIST(snapshot, tags, n_tags, "tagSet/item", &ec2_tag_shape),
	AWSQ_BOOL(snapshot, encrypted, "encrypted"),
	AWSQ_STRING(snapshot, kms_key_id, "kmsKeyId"),
};
static const struct awsq_shape snapshot_shape = AWSQ_SHAPE(snapshot, snapshot_fields);

static const struct awsq_field snapshots_fields[] = {
	AWSQ_LIST(struct awsq_ec2_snapshots, items, n, "snapshotSet/item", &snapshot_shape),
	AWSQ_TOKEN(struct awsq_ec2_snapshots, next_token, "nextToken"),
};
static const struct awsq_shape snapshots_shape =
	AWSQ_SHAPE(struct awsq_ec2_snapshots, snapshots_fields);

void awsq_ec2_describe_snapshots(struct awsq_call *call, struct awsq_ec2_snapshots *out,
	const struct awsq_ec2_filter *filters)
{
	ec2_read(call, "DescribeSnapshots", &snapshots_shape, out);
	awsq_query_add(&call->body, "self", "Owner.1");
	ec2_add_filters(&call->body, filters);
}

void awsq_ec2_delete_snapshot(struct awsq_call *call, const char *id)
{
	ec2_write(call, "DeleteSnapshot", NULL, NULL);
	/* As with an image. */
	call->repeatable = 1;
	awsq_query_add(&call->body, id, "SnapshotId");
}

void awsq_ec2_free_snapshots(struct awsq_ec2_snapshots *snapshots)
{
	awsq_shape_free(&snapshots_shape, snapshots);
}
