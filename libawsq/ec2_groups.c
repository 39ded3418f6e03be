#include "banned.h"

#include "ec2.h"

#include <awsq/query.h>

typedef struct awsq_ec2_ip_permission permission;
typedef struct awsq_ec2_rule_target target;
typedef struct awsq_ec2_security_group group;

static const struct awsq_field ipv4_fields[] = {
	AWSQ_STRING(target, name, "cidrIp"),
	AWSQ_STRING(target, description, "description"),
};
static const struct awsq_shape ipv4_shape = AWSQ_SHAPE(target, ipv4_fields);

static const struct awsq_field ipv6_fields[] = {
	AWSQ_STRING(target, name, "cidrIpv6"),
	AWSQ_STRING(target, description, "description"),
};
static const struct awsq_shape ipv6_shape = AWSQ_SHAPE(target, ipv6_fields);

static const struct awsq_field prefix_list_fields[] = {
	AWSQ_STRING(target, name, "prefixListId"),
	AWSQ_STRING(target, description, "description"),
};
static const struct awsq_shape prefix_list_shape = AWSQ_SHAPE(target, prefix_list_fields);

static const struct awsq_field pair_fields[] = {
	AWSQ_STRING(target, name, "groupId"),
	AWSQ_STRING(target, user_id, "userId"),
	AWSQ_STRING(target, description, "description"),
};
static const struct awsq_shape pair_shape = AWSQ_SHAPE(target, pair_fields);

static const struct awsq_field permission_fields[] = {
	AWSQ_STRING(permission, protocol, "ipProtocol"),
	AWSQ_INT(permission, from_port, "fromPort"),
	AWSQ_INT(permission, to_port, "toPort"),
	AWSQ_LIST(permission, ipv4, n_ipv4, "ipRanges/item", &ipv4_shape),
	AWSQ_LIST(permission, ipv6, n_ipv6, "ipv6Ranges/item", &ipv6_shape),
	AWSQ_LIST(permission, prefix_lists, n_prefix_lists, "prefixListIds/item",
		&prefix_list_shape),
	AWSQ_LIST(permission, groups, n_groups, "groups/item", &pair_shape),
};
static const struct awsq_shape permission_shape = AWSQ_SHAPE(permission, permission_fields);

static const struct awsq_field group_fields[] = {
	AWSQ_STRING(group, id, "groupId"),
	AWSQ_STRING(group, name, "groupName"),
	AWSQ_STRING(group, description, "groupDescription"),
	AWSQ_STRING(group, vpc_id, "vpcId"),
	AWSQ_STRING(group, owner_id, "ownerId"),
	AWSQ_LIST(group, tags, n_tags, "tagSet/item", &ec2_tag_shape),
	AWSQ_LIST(group, ingress, n_ingress, "ipPermissions/item", &permission_shape),
	AWSQ_LIST(group, egress, n_egress, "ipPermissionsEgress/item", &permission_shape),
};
static const struct awsq_shape group_shape = AWSQ_SHAPE(group, group_fields);

static const struct awsq_field groups_fields[] = {
	AWSQ_LIST(struct awsq_ec2_security_groups, items, n, "securityGroupInfo/item",
		&group_shape),
	AWSQ_TOKEN(struct awsq_ec2_security_groups, next_token, "nextToken"),
};
static const struct awsq_shape groups_shape =
	AWSQ_SHAPE(struct awsq_ec2_security_groups, groups_fields);

void awsq_ec2_describe_security_groups(struct awsq_call *call, struct awsq_ec2_security_groups *out,
	const struct awsq_ec2_filter *filters)
{
	ec2_read(call, "DescribeSecurityGroups", &groups_shape, out);
	ec2_add_filters(&call->body, filters);
}

void awsq_ec2_free_security_groups(struct awsq_ec2_security_groups *groups)
{
	awsq_shape_free(&groups_shape, groups);
}

static const struct awsq_field created_fields[] = {
	AWSQ_STRING(struct awsq_ec2_created, id, "groupId"),
};
static const struct awsq_shape created_shape = AWSQ_SHAPE(struct awsq_ec2_created, created_fields);

void awsq_ec2_create_security_group(struct awsq_call *call, struct awsq_ec2_created *out,
	const char *name, const char *description, const char *vpc_id,
	const struct awsq_ec2_new_tag *tags)
{
	ec2_write(call, "CreateSecurityGroup", &created_shape, out);
	awsq_query_add(&call->body, name, "GroupName");
	awsq_query_add(&call->body, description, "GroupDescription");
	awsq_query_add(&call->body, vpc_id, "VpcId");
	ec2_add_tags(&call->body, 1, "security-group", tags);
}

/* Where the wire names a kind of target: its list, and the member that holds the name. */
static void add_targets(struct awsq_buf *q, size_t permission_number, const char *list,
	const char *member, const target *targets, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		awsq_query_add(q, targets[i].name, "IpPermissions.%zu.%s.%zu.%s", permission_number,
			list, i + 1, member);
		awsq_query_add(q, targets[i].user_id, "IpPermissions.%zu.%s.%zu.UserId",
			permission_number, list, i + 1);
		awsq_query_add(q, targets[i].description, "IpPermissions.%zu.%s.%zu.Description",
			permission_number, list, i + 1);
	}
}

static void change_rules(struct awsq_call *call, const char *action, const char *group_id,
	const permission *permissions, size_t n)
{
	struct awsq_buf *q = &call->body;

	ec2_write(call, action, NULL, NULL);
	awsq_query_add(q, group_id, "GroupId");
	for (size_t i = 0; i < n; i++) {
		const permission *p = &permissions[i];

		awsq_query_add(q, p->protocol, "IpPermissions.%zu.IpProtocol", i + 1);
		if (strcmp(p->protocol, "-1") != 0) {
			awsq_query_add_int(q, p->from_port, "IpPermissions.%zu.FromPort", i + 1);
			awsq_query_add_int(q, p->to_port, "IpPermissions.%zu.ToPort", i + 1);
		}
		add_targets(q, i + 1, "IpRanges", "CidrIp", p->ipv4, p->n_ipv4);
		add_targets(q, i + 1, "Ipv6Ranges", "CidrIpv6", p->ipv6, p->n_ipv6);
		add_targets(q, i + 1, "PrefixListIds", "PrefixListId", p->prefix_lists,
			p->n_prefix_lists);
		add_targets(q, i + 1, "Groups", "GroupId", p->groups, p->n_groups);
	}
}

void awsq_ec2_authorize_ingress(struct awsq_call *call, const char *group_id,
	const permission *permissions, size_t n)
{
	change_rules(call, "AuthorizeSecurityGroupIngress", group_id, permissions, n);
}

void awsq_ec2_authorize_egress(struct awsq_call *call, const char *group_id,
	const permission *permissions, size_t n)
{
	change_rules(call, "AuthorizeSecurityGroupEgress", group_id, permissions, n);
}

void awsq_ec2_revoke_ingress(struct awsq_call *call, const char *group_id,
	const permission *permissions, size_t n)
{
	change_rules(call, "RevokeSecurityGroupIngress", group_id, permissions, n);
}

void awsq_ec2_revoke_egress(struct awsq_call *call, const char *group_id,
	const permission *permissions, size_t n)
{
	change_rules(call, "RevokeSecurityGroupEgress", group_id, permissions, n);
}

void awsq_ec2_delete_security_group(struct awsq_call *call, const char *id)
{
	ec2_write(call, "DeleteSecurityGroup", NULL, NULL);
	/* Of one that is gone the answer says so, which is as good as having deleted it. */
	call->repeatable = 1;
	awsq_query_add(&call->body, id, "GroupId");
}
