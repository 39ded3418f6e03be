/*
 * ec2.h: operations of Amazon EC2 (API version 2016-11-15).
 *
 * Each function describes one call (client.h), to be carried out with awsq_run; it copies what it
 * is given and cannot fail. The names and the meaning of parameters are those of the Amazon EC2 API
 * Reference (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/), under the operation's name.
 * Where a call has an `out` (ec2_types.h), that struct must be zeroed before, belongs to the
 * caller, and is freed with the awsq_ec2_free_... function named for it, which leaves it zeroed and
 * takes NULL. Errors are those of awsq_run().
 */
#ifndef AWSQ_EC2_H
#define AWSQ_EC2_H

#include <stddef.h>

#include <awsq/client.h>
#include <awsq/common.h>
#include <awsq/ec2_types.h>

AWSQ_BEGIN_DECLS

/* The value of a tag, owned by the tags; NULL when there is no such key. */
const char *awsq_ec2_tag_value(const struct awsq_ec2_tag *tags, size_t n, const char *key);

/*
 * Turns a call just described, whose out may be NULL, into one that only asks whether it is
 * permitted. It never succeeds: "yes" is the error DryRunOperation (HTTP status 412), "no" one that
 * awsq_err_is_denied knows; any other error says nothing of permissions. Operations that have no
 * DryRun parameter (those on associations of instance profiles) are not sent: AWSQ_EINVAL.
 */
void awsq_ec2_dry_run(struct awsq_call *call);

/* Sets tags, over those of the same keys, on a resource of any kind. */
void awsq_ec2_create_tags(struct awsq_call *call, const char *resource_id,
	const struct awsq_ec2_new_tag *tags);

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

/*
 * Fills the one member of out that the attribute stands for (AWSQ_EC2_USER_DATA, ...; any other is
 * AWSQ_EINVAL) and touches no other, so that calls run together may fill one struct. A call that
 * fails leaves its member NULL or 0.
 */
void awsq_ec2_describe_instance_attribute(struct awsq_call *call,
	struct awsq_ec2_instance_attributes *out, const char *id, const char *attribute);
void awsq_ec2_free_instance_attributes(struct awsq_ec2_instance_attributes *attributes);

/*
 * What the instance wrote to its serial console, 64 KiB at the most. With latest, that of this
 * moment, which only instances on Nitro have (else the error UnsupportedOperation); without, that
 * which EC2 took down some minutes after the last start, stop or restart.
 */
void awsq_ec2_get_console_output(struct awsq_call *call, struct awsq_ec2_console_output *out,
	const char *id, int latest);
void awsq_ec2_free_console_output(struct awsq_ec2_console_output *output);

/* Set one attribute. The type and the user data can be set only while the instance is stopped. */
void awsq_ec2_modify_instance_type(struct awsq_call *call, const char *id, const char *type);
/* text is encoded here. */
void awsq_ec2_modify_user_data(struct awsq_call *call, const char *id, const char *text);
void awsq_ec2_modify_shutdown_behavior(struct awsq_call *call, const char *id,
	const char *behavior);
/* To this one group and no other. */
void awsq_ec2_modify_instance_group(struct awsq_call *call, const char *id, const char *group_id);
void awsq_ec2_modify_termination_protection(struct awsq_call *call, const char *id, int on);
void awsq_ec2_modify_stop_protection(struct awsq_call *call, const char *id, int on);
/* And has the metadata endpoint answer, if it does not. */
void awsq_ec2_modify_metadata_tokens(struct awsq_call *call, const char *id, const char *tokens);

/* Of one instance: none, or one, and for a while those that are being replaced. */
void awsq_ec2_describe_profile_associations(struct awsq_call *call,
	struct awsq_ec2_profile_associations *out, const char *instance_id);
void awsq_ec2_associate_profile(struct awsq_call *call, const char *instance_id,
	const char *profile_name);
/* The association's id changes with it. */
void awsq_ec2_replace_profile_association(struct awsq_call *call, const char *association_id,
	const char *profile_name);
void awsq_ec2_disassociate_profile(struct awsq_call *call, const char *association_id);
void awsq_ec2_free_profile_associations(struct awsq_ec2_profile_associations *associations);

void awsq_ec2_describe_volumes(struct awsq_call *call, struct awsq_ec2_volumes *out,
	const struct awsq_ec2_filter *filters);
void awsq_ec2_delete_volume(struct awsq_call *call, const char *id);
void awsq_ec2_free_volumes(struct awsq_ec2_volumes *volumes);

/* Of the caller's own account. */
void awsq_ec2_describe_images(struct awsq_call *call, struct awsq_ec2_images *out,
	const struct awsq_ec2_filter *filters);
/* By id, of whatever account. */
void awsq_ec2_describe_image(struct awsq_call *call, struct awsq_ec2_images *out, const char *id);
void awsq_ec2_free_images(struct awsq_ec2_images *images);

/* To the client's region; out gets the new image's id. */
void awsq_ec2_copy_image(struct awsq_call *call, struct awsq_ec2_created *out,
	const struct awsq_ec2_copy_image *copy);
/* Deletes its snapshots, too, and those that other images use are skipped: out tells of each. */
void awsq_ec2_deregister_image(struct awsq_call *call, struct awsq_ec2_deleted_snapshots *out,
	const char *id);
void awsq_ec2_free_deleted_snapshots(struct awsq_ec2_deleted_snapshots *deleted);

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

void awsq_ec2_describe_subnets(struct awsq_call *call, struct awsq_ec2_subnets *out,
	const struct awsq_ec2_filter *filters);
void awsq_ec2_free_subnets(struct awsq_ec2_subnets *subnets);

void awsq_ec2_describe_managed_prefix_lists(struct awsq_call *call,
	struct awsq_ec2_prefix_lists *out, const struct awsq_ec2_filter *filters);
void awsq_ec2_free_prefix_lists(struct awsq_ec2_prefix_lists *lists);

/* Those the account may use; with all, those not opted in to as well. */
void awsq_ec2_describe_regions(struct awsq_call *call, struct awsq_ec2_regions *out, int all);
void awsq_ec2_free_regions(struct awsq_ec2_regions *regions);

/* location_type: "region", "availability-zone" or "availability-zone-id". */
void awsq_ec2_describe_instance_type_offerings(struct awsq_call *call,
	struct awsq_ec2_offerings *out, const char *location_type,
	const struct awsq_ec2_filter *filters);
void awsq_ec2_free_offerings(struct awsq_ec2_offerings *offerings);

void awsq_ec2_free_created(struct awsq_ec2_created *created);

AWSQ_END_DECLS

#endif
