/*
 * rules.h: the rules of security groups as sets, so that two groups can be compared whatever the
 * region they are in and the order, grouping and spelling in which AWS keeps them.
 *
 * A rule's target is what it means in every region. Other groups and prefix lists, which have an id
 * of their own in each region, are known by their names for that (rule_names.h).
 */
#ifndef FLEET_RULES_H
#define FLEET_RULES_H

#include <awsq/buf.h>
#include <awsq/ec2.h>

#include "fleet/rule_names.h"

enum rule_kind { RULE_IPV4, RULE_IPV6, RULE_PREFIX_LIST, RULE_GROUP };

/* The target of a rule that refers to the group it stands in. No group can have this name. */
#define RULE_SELF "<self>"

/* One rule: one direction, one range of ports, one target. The strings are borrowed, but `made`. */
struct rule {
	int egress;
	const char *protocol;       /* "tcp", "udp", "icmp", "icmpv6", a number, or "-1" for all */
	int64_t from_port, to_port; /* or ICMP type and code, -1 for all; 0 without ports */
	enum rule_kind kind;
	const char *target;      /* CIDR block as AWS spells it, list or group name, RULE_SELF */
	const char *user_id;     /* of another group: the account it belongs to */
	const char *description; /* never NULL */
	const char *id;          /* the target as its own region has it: CIDR block or id */
	int foreign;             /* the target has no name, or not one of its own: it is the id */
	char *made;              /* the target, if it had to be made: the set owns it */
};

struct rules {
	struct rule *items;
	size_t n;
};

/*
 * All rules of a group, each once; names are those of its region and VPC. The group and what names
 * points to must outlive the rules. Foreign are groups that are gone, of another VPC or account, or
 * not alone in their name, and such prefix lists; with NULL for names all groups (but itself) and
 * lists. AWSQ_ENOMEM.
 */
int rules_of_group(struct rules *out, const struct awsq_ec2_security_group *group,
	const struct rule_names *names);

/* The rules that EC2 gives a new group by itself. AWSQ_ENOMEM. */
int rules_of_new_group(struct rules *out);

/*
 * The rules of one direction that a has and b has not, by their targets, in a's order: foreign ones
 * too, which no group of another region has. They outlive a and b, if not the groups and names that
 * these were made from. AWS takes rules that differ in nothing but their description, which are two
 * here, for one: what is to go must be revoked before what is to come is authorized. AWSQ_ENOMEM.
 */
int rules_minus(struct rules *out, const struct rules *a, const struct rules *b, int egress);

void rules_free(struct rules *rules);

/*
 * What a region calls a rule's target: an id of names, in the VPC of names; the target itself if it
 * is a CIDR block or RULE_SELF. AWSQ_ENOTFOUND when that region has no group or list of that name,
 * or two, and for a foreign rule. *id is borrowed from the rule or names.
 */
int rule_resolve(const struct rule *rule, const struct rule_names *names, const char **id);

/*
 * Adds a rule in words: `ingress tcp/22 198.51.100.0/24 "office"`, `egress all group web`. Control
 * characters become question marks.
 */
void rule_describe(struct awsq_buf *out, const struct rule *rule);

/*
 * The rules as EC2 wants them in a call for the group group_id: to authorize them in the region of
 * names, or, with NULL for names, to revoke them where they were found. Both arrays have rules->n
 * items and are freed by the caller with free(); they borrow from the rules and names. AWSQ_ENOMEM;
 * AWSQ_ENOTFOUND as rule_resolve.
 */
int rules_to_permissions(struct awsq_ec2_ip_permission **permissions,
	struct awsq_ec2_rule_target **targets, const struct rules *rules, const char *group_id,
	const struct rule_names *names);

#endif
