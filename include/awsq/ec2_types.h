/*
 * ec2_types.h: what the operations of Amazon EC2 (ec2.h, which includes this) take and answer.
 *
 * The meaning of members is that of the Amazon EC2 API Reference. Times are seconds since the
 * epoch, UTC. Strings that AWS did not send are NULL.
 */
#ifndef AWSQ_EC2_TYPES_H
#define AWSQ_EC2_TYPES_H

#include <stddef.h>
#include <stdint.h>

/* A filter of a Describe operation; an array of them ends with one whose name is NULL. */
struct awsq_ec2_filter {
	const char *name;
	const char *values[16]; /* any of them matches; ends with NULL unless full */
};

struct awsq_ec2_tag {
	char *key;
	char *value;
};

/* A tag to be put on what a call creates; an array of them ends with one whose key is NULL. */
struct awsq_ec2_new_tag {
	const char *key;
	const char *value;
};

/* ---- Instances */

struct awsq_ec2_group_ref {
	char *id;
	char *name;
};

struct awsq_ec2_volume_ref {
	char *device;
	char *id;
	int64_t attach_time;
	int delete_on_termination;
};

struct awsq_ec2_instance {
	char *id;
	char *image_id;
	char *state; /* pending, running, shutting-down, terminated, stopping, stopped */
	char *state_reason;
	char *type;
	char *key_name;
	char *public_ip;
	char *private_ip;
	char *zone;
	char *vpc_id;
	char *subnet_id;
	char *profile_arn;
	char *http_tokens;   /* of the metadata options: "required" is IMDSv2 only */
	char *http_endpoint; /* "enabled" or "disabled" */
	char *root_device;   /* the name of the root volume's device */
	int64_t launch_time;
	struct awsq_ec2_tag *tags;
	size_t n_tags;
	struct awsq_ec2_group_ref *groups;
	size_t n_groups;
	struct awsq_ec2_volume_ref *volumes;
	size_t n_volumes;
};

struct awsq_ec2_instances {
	struct awsq_ec2_instance *items;
	size_t n;
	char *next_token;
};

/* What StartInstances, StopInstances and TerminateInstances answer for each instance. */
struct awsq_ec2_state_change {
	char *id;
	char *previous;
	char *current;
};

struct awsq_ec2_state_changes {
	struct awsq_ec2_state_change *items;
	size_t n;
};

/* What an instance is made from; NULL members are left to EC2. */
struct awsq_ec2_run_instance {
	const char *image_id;
	const char *type;
	const char *key_name;
	const char *group_id;
	const char *subnet_id;
	const char *profile_name;            /* of the instance profile */
	const char *shutdown_behavior;       /* "stop" or "terminate" */
	const char *http_tokens;             /* "required" or "optional" */
	const char *user_data;               /* text; encoded here */
	const char *client_token;            /* makes the call repeatable; at most 64 characters */
	const struct awsq_ec2_new_tag *tags; /* on the instance and its volumes */
};

/* What DescribeInstances does not tell: each member is read by a call of its own. */
struct awsq_ec2_instance_attributes {
	char *user_data; /* base64, as AWS has it; NULL when the instance has none */
	char *shutdown_behavior;
	int disable_api_termination;
	int disable_api_stop;
};

struct awsq_ec2_console_output {
	char *instance_id;
	int64_t timestamp; /* when the output was last brought up to date */
	char *output;      /* base64, as AWS has it; NULL when there is none yet */
};

/* The names of the attributes. */
#define AWSQ_EC2_USER_DATA               "userData"
#define AWSQ_EC2_SHUTDOWN_BEHAVIOR       "instanceInitiatedShutdownBehavior"
#define AWSQ_EC2_DISABLE_API_TERMINATION "disableApiTermination"
#define AWSQ_EC2_DISABLE_API_STOP        "disableApiStop"

/* That an instance has an instance profile. */
struct awsq_ec2_profile_association {
	char *id;
	char *instance_id;
	char *profile_arn;
	char *state; /* associating, associated, disassociating, disassociated */
};

struct awsq_ec2_profile_associations {
	struct awsq_ec2_profile_association *items;
	size_t n;
	char *next_token;
};

/* ---- Volumes */

struct awsq_ec2_attachment {
	char *instance_id;
	char *device;
	char *state; /* attaching, attached, detaching, detached, busy */
	int delete_on_termination;
};

struct awsq_ec2_volume {
	char *id;
	char *state;         /* creating, available, in-use, deleting, deleted, error */
	int64_t volume_size; /* GiB */
	int encrypted;
	char *kms_key_id; /* the key's ARN */
	char *zone;
	struct awsq_ec2_tag *tags;
	size_t n_tags;
	struct awsq_ec2_attachment *attachments;
	size_t n_attachments;
};

struct awsq_ec2_volumes {
	struct awsq_ec2_volume *items;
	size_t n;
	char *next_token;
};

/* ---- Images and snapshots */

struct awsq_ec2_block_device {
	char *device;
	char *snapshot_id;
	int64_t volume_size; /* GiB */
	int encrypted;       /* with which key, its snapshot tells */
};

struct awsq_ec2_image {
	char *id;
	char *name;
	char *state; /* pending, available, failed, ... */
	char *state_reason;
	char *description;
	char *architecture;
	char *creation_date; /* ISO 8601, as AWS writes it */
	struct awsq_ec2_tag *tags;
	size_t n_tags;
	struct awsq_ec2_block_device *devices;
	size_t n_devices;
	char *owner_id;
	char *root_device;     /* the name of the root volume's device */
	char *source_image_id; /* of a copy, where AWS has kept it */
	char *source_image_region;
};

struct awsq_ec2_images {
	struct awsq_ec2_image *items;
	size_t n;
	char *next_token;
};

struct awsq_ec2_copy_image {
	const char *source_region;
	const char *source_image_id;
	const char *name;
	const char *description;
	const char *client_token;
	const struct awsq_ec2_new_tag *tags; /* on the image and its snapshots */
	int encrypted;          /* 0: as the source is, or as the region's default has it */
	const char *kms_key_id; /* with encrypted: id, ARN or alias; NULL: the default key */
};

struct awsq_ec2_snapshot {
	char *id;
	char *state;    /* pending, completed, error */
	char *progress; /* such as "80%" */
	char *description;
	int64_t volume_size; /* GiB */
	int64_t start_time;
	struct awsq_ec2_tag *tags;
	size_t n_tags;
	int encrypted;
	char *kms_key_id; /* the key's ARN */
};

/* What became of each snapshot of an image that was deregistered. */
struct awsq_ec2_deleted_snapshot {
	char *snapshot_id;
	char *return_code; /* success, skipped, missing-permissions, internal-error, client-error */
};

struct awsq_ec2_deleted_snapshots {
	struct awsq_ec2_deleted_snapshot *items;
	size_t n;
};

struct awsq_ec2_snapshots {
	struct awsq_ec2_snapshot *items;
	size_t n;
	char *next_token;
};

/* ---- Key pairs, security groups, networks */

struct awsq_ec2_key_pair {
	char *id;
	char *name;
	char *type; /* rsa or ed25519 */
	char *fingerprint;
	char *public_key; /* as in authorized_keys */
	struct awsq_ec2_tag *tags;
	size_t n_tags;
};

struct awsq_ec2_key_pairs {
	struct awsq_ec2_key_pair *items;
	size_t n;
};

/* Where a rule lets traffic come from or go to: one member set according to the list it is in. */
struct awsq_ec2_rule_target {
	char *name; /* CIDR block, prefix list id, or group id */
	char *description;
	char *user_id; /* of a referenced group: the account that has it */
};

struct awsq_ec2_ip_permission {
	char *protocol;    /* "tcp", "udp", "icmp", "icmpv6", a number, or "-1" for all */
	int64_t from_port; /* or ICMP type; of no meaning for all protocols */
	int64_t to_port;   /* or ICMP code */
	struct awsq_ec2_rule_target *ipv4;
	size_t n_ipv4;
	struct awsq_ec2_rule_target *ipv6;
	size_t n_ipv6;
	struct awsq_ec2_rule_target *prefix_lists;
	size_t n_prefix_lists;
	struct awsq_ec2_rule_target *groups;
	size_t n_groups;
};

struct awsq_ec2_security_group {
	char *id;
	char *name;
	char *description;
	char *vpc_id;
	char *owner_id;
	struct awsq_ec2_tag *tags;
	size_t n_tags;
	struct awsq_ec2_ip_permission *ingress;
	size_t n_ingress;
	struct awsq_ec2_ip_permission *egress;
	size_t n_egress;
};

struct awsq_ec2_security_groups {
	struct awsq_ec2_security_group *items;
	size_t n;
	char *next_token;
};

struct awsq_ec2_vpc {
	char *id;
	int is_default;
	char *state; /* pending, available */
	struct awsq_ec2_tag *tags;
	size_t n_tags;
};

struct awsq_ec2_vpcs {
	struct awsq_ec2_vpc *items;
	size_t n;
	char *next_token;
};

struct awsq_ec2_subnet {
	char *id;
	char *vpc_id;
	char *zone;
	char *state;            /* pending, available, unavailable, failed, ... */
	int64_t free_addresses; /* IPv4 */
	int is_default;         /* of its zone */
	struct awsq_ec2_tag *tags;
	size_t n_tags;
};

struct awsq_ec2_subnets {
	struct awsq_ec2_subnet *items;
	size_t n;
	char *next_token;
};

struct awsq_ec2_prefix_list {
	char *id;
	char *name;
	char *owner_id; /* "AWS" for AWS's own */
};

struct awsq_ec2_prefix_lists {
	struct awsq_ec2_prefix_list *items;
	size_t n;
	char *next_token;
};

/* ---- Regions, and what they offer */

struct awsq_ec2_region {
	char *name;
	char *opt_in_status; /* opt-in-not-required, opted-in, not-opted-in */
	char *endpoint;      /* host */
};

struct awsq_ec2_regions {
	struct awsq_ec2_region *items;
	size_t n;
};

struct awsq_ec2_offering {
	char *instance_type;
	char *location; /* region, zone or zone id */
};

struct awsq_ec2_offerings {
	struct awsq_ec2_offering *items;
	size_t n;
	char *next_token;
};

/* The id of what a call created. */
struct awsq_ec2_created {
	char *id;
};

#endif
