/*
 * rule_names.h: what the targets of a security group's rules are called. Ids differ from region to
 * region, and blocks of addresses have several spellings; a name stands for the same thing in each
 * region.
 */
#ifndef FLEET_RULE_NAMES_H
#define FLEET_RULE_NAMES_H

#include <awsq/ec2.h>

/*
 * What a region calls its security groups and managed prefix lists. All is borrowed. NULL for a
 * list, or for the VPC whose groups are meant, makes everything of that kind nameless.
 */
struct rule_names {
	const char *region; /* "us-west-2" */
	const char *vpc_id;
	const struct awsq_ec2_security_groups *groups;    /* all of the region */
	const struct awsq_ec2_prefix_lists *prefix_lists; /* AWS's, own and shared ones */
};

/*
 * The name of a group of the VPC, given its id and its owner's account (NULL: any), and the other
 * way round. Borrowed from names; NULL when there is none, or when two groups of the VPC have that
 * name. Names that differ only in case are the same name (CreateSecurityGroup).
 */
const char *rule_names_group(const struct rule_names *names, const char *id, const char *owner);
const char *rule_names_group_id(const struct rule_names *names, const char *name);

/*
 * The name of a prefix list, given its id, and the other way round; NULL when there is none, or
 * when two lists have that name, as EC2 allows. The region in the name of a list of AWS reads
 * REGION: "com.amazonaws.REGION.s3". *name is borrowed from names unless it is *made, which then
 * has to be freed. AWSQ_ENOMEM.
 */
int rule_names_list(const char **name, char **made, const struct rule_names *names, const char *id);
const char *rule_names_list_id(const struct rule_names *names, const char *name);

/*
 * A CIDR block as EC2 spells it: without bits below the prefix, IPv6 as in RFC 5952; cidr itself if
 * it cannot be read as one. *name is borrowed from cidr unless it is *made, as above. AWSQ_ENOMEM.
 */
int rule_names_cidr(const char **name, char **made, const char *cidr, int ipv6);

#endif
