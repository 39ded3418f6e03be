/*
 * ec2.h: operations of Amazon EC2 (API version 2016-11-15).
 *
 * Each function describes one call (client.h), to be carried out with awsq_run; it copies what it
 * is given and cannot fail. The names and the meaning of parameters and members are those of the
 * Amazon EC2 API Reference (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/), under the
 * operation's name. Where a call has an `out`, that struct must be zeroed before and is freed with
 * the awsq_ec2_free_... function named for it. Times are seconds since the epoch, UTC. Strings that
 * AWS did not send are NULL.
 */
#ifndef AWSQ_EC2_H
#define AWSQ_EC2_H

#include <stddef.h>
#include <stdint.h>

#include <awsq/client.h>
#include <awsq/common.h>

/* A filter of a Describe operation; an array of them ends with one whose name is NULL. */
struct awsq_ec2_filter {
	const char *name;
	const char *values[8]; /* any of them matches; ends with NULL unless full */
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
	char *http_tokens; /* of the metadata options: "required" is IMDSv2 only */
	char *root_device; /* the name of the root volume's device */
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

/* ---- Images and snapshots */

struct awsq_ec2_block_device {
	char *device;
	char *snapshot_id;
	int64_t volume_size; /* GiB */
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
};

struct awsq_ec2_vpcs {
	struct awsq_ec2_vpc *items;
	size_t n;
	char *next_token;
};

/* The id of what a call created. */
struct awsq_ec2_created {
	char *id;
};

AWSQ_BEGIN_DECLS

/* The value of a tag, owned by the tags; NULL when there is no such key. */
const char *awsq_ec2_tag_value(const struct awsq_ec2_tag *tags, size_t n, const char *key);

void awsq_ec2_describe_instances(struct awsq_call *call, struct awsq_ec2_instances *out,
	const struct awsq_ec2_filter *filters);
/* By id: an unknown id is the error InvalidInstanceID.NotFound, for new ones too for a while. */
void awsq_ec2_describe_instance(struct awsq_call *call, struct awsq_ec2_instances *out,
	const char *id);
void awsq_ec2_free_instances(struct awsq_ec2_instances *instances);

/* Runs exactly one instance; out gets it as it is at first. */
void awsq_ec2_run_instances(struct awsq_call *call, struct awsq_ec2_instances *out,
	const struct awsq_ec2_run_instance *instance);

void awsq_ec2_start_instance(struct awsq_call *call, struct awsq_ec2_state_changes *out,
	const char *id);
void awsq_ec2_stop_instance(struct awsq_call *call, struct awsq_ec2_state_changes *out,
	const char *id);
void awsq_ec2_terminate_instance(struct awsq_call *call, struct awsq_ec2_state_changes *out,
	const char *id);
void awsq_ec2_free_state_changes(struct awsq_ec2_state_changes *changes);

/* Of the caller's own account. */
void awsq_ec2_describe_images(struct awsq_call *call, struct awsq_ec2_images *out,
	const struct awsq_ec2_filter *filters);
/* By id, of whatever account. */
void awsq_ec2_describe_image(struct awsq_call *call, struct awsq_ec2_images *out, const char *id);
void awsq_ec2_free_images(struct awsq_ec2_images *images);

/* To the client's region; out gets the new image's id. */
void awsq_ec2_copy_image(struct awsq_call *call, struct awsq_ec2_created *out,
	const struct awsq_ec2_copy_image *copy);
void awsq_ec2_deregister_image(struct awsq_call *call, const char *id);

/* Of the caller's own account. */
void awsq_ec2_describe_snapshots(struct awsq_call *call, struct awsq_ec2_snapshots *out,
	const struct awsq_ec2_filter *filters);
void awsq_ec2_delete_snapshot(struct awsq_call *call, const char *id);
void awsq_ec2_free_snapshots(struct awsq_ec2_snapshots *snapshots);

/* With the public keys. */
void awsq_ec2_describe_key_pairs(struct awsq_call *call, struct awsq_ec2_key_pairs *out,
	const struct awsq_ec2_filter *filters);
/* public_key: a line as in authorized_keys, RSA or ed25519. */
void awsq_ec2_import_key_pair(struct awsq_call *call, const char *name, const char *public_key,
	const struct awsq_ec2_new_tag *tags);
void awsq_ec2_delete_key_pair(struct awsq_call *call, const char *name);
void awsq_ec2_free_key_pairs(struct awsq_ec2_key_pairs *key_pairs);

void awsq_ec2_describe_security_groups(struct awsq_call *call, struct awsq_ec2_security_groups *out,
	const struct awsq_ec2_filter *filters);
/* out gets the new group's id. EC2 gives it one rule: all egress over IPv4. */
void awsq_ec2_create_security_group(struct awsq_call *call, struct awsq_ec2_created *out,
	const char *name, const char *description, const char *vpc_id,
	const struct awsq_ec2_new_tag *tags);
void awsq_ec2_authorize_ingress(struct awsq_call *call, const char *group_id,
	const struct awsq_ec2_ip_permission *permissions, size_t n);
void awsq_ec2_authorize_egress(struct awsq_call *call, const char *group_id,
	const struct awsq_ec2_ip_permission *permissions, size_t n);
void awsq_ec2_revoke_ingress(struct awsq_call *call, const char *group_id,
	const struct awsq_ec2_ip_permission *permissions, size_t n);
void awsq_ec2_revoke_egress(struct awsq_call *call, const char *group_id,
	const struct awsq_ec2_ip_permission *permissions, size_t n);
void awsq_ec2_delete_security_group(struct awsq_call *call, const char *id);
void awsq_ec2_free_security_groups(struct awsq_ec2_security_groups *groups);

void awsq_ec2_describe_vpcs(struct awsq_call *call, struct awsq_ec2_vpcs *out,
	const struct awsq_ec2_filter *filters);
void awsq_ec2_free_vpcs(struct awsq_ec2_vpcs *vpcs);

void awsq_ec2_free_created(struct awsq_ec2_created *created);

AWSQ_END_DECLS

#endif
