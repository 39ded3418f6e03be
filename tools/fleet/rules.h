/*
 * rules.h: the rules of security groups as sets, so that two groups can be compared whatever the
 * order and grouping in which AWS keeps them.
 */
#ifndef FLEET_RULES_H
#define FLEET_RULES_H

#include <awsq/buf.h>
#include <awsq/ec2.h>

enum rule_kind { RULE_IPV4, RULE_IPV6, RULE_PREFIX_LIST, RULE_GROUP };

/* The target of a rule that refers to the group it stands in. */
#define RULE_SELF "self"

/* One rule: one direction, one range of ports, one target. The strings are borrowed. */
struct rule {
	int egress;
	const char *protocol;       /* "tcp", "udp", "icmp", "icmpv6", a number, or "-1" for all */
	int64_t from_port, to_port; /* 0 for all protocols */
	enum rule_kind kind;
	const char *target;      /* CIDR block, prefix list id, group id, or RULE_SELF */
	const char *user_id;     /* of another group: the account it belongs to */
	const char *description; /* never NULL */
};

struct rules {
	struct rule *items;
	size_t n;
};

/* All rules of a group, which must outlive them. AWSQ_ENOMEM. */
int rules_of_group(struct rules *out, const struct awsq_ec2_security_group *group);

/* The rules that EC2 gives a new group by itself. AWSQ_ENOMEM. */
int rules_of_new_group(struct rules *out);

/* The rules of one direction that a has and b has not, leaving out regional ones. AWSQ_ENOMEM. */
int rules_minus(struct rules *out, const struct rules *a, const struct rules *b, int egress);

void rules_free(struct rules *rules);

/* Whether a rule means something in its own region only: another group, or a prefix list. */
int rule_is_regional(const struct rule *rule);

/* Adds a rule in words: `ingress tcp/22 198.51.100.0/24 "office"`. */
void rule_describe(struct awsq_buf *out, const struct rule *rule);

/*
 * The rules as EC2 wants them in a call for the group group_id. Both arrays have rules->n items and
 * are freed by the caller with free(); they borrow from the rules. AWSQ_ENOMEM.
 */
int rules_to_permissions(struct awsq_ec2_ip_permission **permissions,
	struct awsq_ec2_rule_target **targets, const struct rules *rules, const char *group_id);

#endif
