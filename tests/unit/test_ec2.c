/*
 * The requests of operations on what a fleet is made of; test_ec2_parts.c has the others.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <awsq/ec2.h>
#include <awsq/iam.h>
#include <awsq/sts.h>

#include "ec2_request.h"

static void test_instances(void **state)
{
	struct awsq_call call;

	(void)state;
	awsq_ec2_describe_instances(&call, NULL, filters);
	is_ec2(&call, "DescribeInstances", FILTERS, REPEATABLE);
	awsq_ec2_describe_instances(&call, NULL, NULL);
	is_ec2(&call, "DescribeInstances", "", REPEATABLE);
	awsq_ec2_describe_instance(&call, NULL, "i-1");
	is_ec2(&call, "DescribeInstances", "InstanceId.1=i-1", REPEATABLE);
	/* Starting what has started changes nothing. */
	awsq_ec2_start_instance(&call, NULL, "i-1");
	is_ec2(&call, "StartInstances", "InstanceId.1=i-1", REPEATABLE);
	awsq_ec2_stop_instance(&call, NULL, "i-1");
	is_ec2(&call, "StopInstances", "InstanceId.1=i-1", REPEATABLE);
	awsq_ec2_terminate_instance(&call, NULL, "i-1");
	is_ec2(&call, "TerminateInstances", "InstanceId.1=i-1", REPEATABLE);
}

static void test_run_instances(void **state)
{
	static const struct awsq_ec2_run_instance all = {
		.image_id = "ami-1",
		.type = "t3.micro",
		.key_name = "NAVO",
		.group_id = "sg-1",
		.subnet_id = "subnet-1",
		.profile_name = "role",
		.shutdown_behavior = "stop",
		.http_tokens = "required",
		.user_data = "#!/bin/sh\nshutdown -h +60 # \xc3\xbc\n",
		.client_token = "t-1",
		.tags = tags,
	};
	struct awsq_ec2_run_instance least = { .image_id = "ami-1", .client_token = "t-2" };
	struct awsq_call call;

	(void)state;
	awsq_ec2_run_instances(&call, NULL, &all);
	is_ec2(&call, "RunInstances",
		"MinCount=1&MaxCount=1&ImageId=ami-1&InstanceType=t3.micro&KeyName=NAVO&"
		"SecurityGroupId.1=sg-1&SubnetId=subnet-1&IamInstanceProfile.Name=role&"
		"InstanceInitiatedShutdownBehavior=stop&MetadataOptions.HttpTokens=required&"
		"UserData=IyEvYmluL3NoCnNodXRkb3duIC1oICs2MCAjIMO8Cg%3D%3D&ClientToken=t-1&" TAGS(
			"1", "instance") "&" TAGS("2", "volume"),
		REPEATABLE);
	awsq_ec2_run_instances(&call, NULL, &least);
	is_ec2(&call, "RunInstances", "MinCount=1&MaxCount=1&ImageId=ami-1&ClientToken=t-2",
		REPEATABLE);
	/* Without a token a second one might run. */
	least.client_token = NULL;
	awsq_ec2_run_instances(&call, NULL, &least);
	is_ec2(&call, "RunInstances", "MinCount=1&MaxCount=1&ImageId=ami-1", ONCE);
}

static void test_images_and_snapshots(void **state)
{
	struct awsq_ec2_copy_image copy = {
		.source_region = "us-west-2",
		.source_image_id = "ami-1",
		.name = "NAVO",
		.description = "NAVO, copied",
		.client_token = "t-1",
		.tags = tags,
	};
	struct awsq_call call;

	(void)state;
	awsq_ec2_describe_images(&call, NULL, filters);
	is_ec2(&call, "DescribeImages", "Owner.1=self&IncludeDisabled=true&" FILTERS, REPEATABLE);
	awsq_ec2_describe_image(&call, NULL, "ami-1");
	is_ec2(&call, "DescribeImages", "ImageId.1=ami-1&IncludeDisabled=true", REPEATABLE);
	awsq_ec2_copy_image(&call, NULL, &copy);
	is_ec2(&call, "CopyImage",
		"SourceRegion=us-west-2&SourceImageId=ami-1&Name=NAVO&"
		"Description=NAVO%2C%20copied&ClientToken=t-1&" TAGS("1", "image") "&" TAGS("2",
			"snapshot"),
		REPEATABLE);
	copy.client_token = NULL;
	copy.tags = NULL;
	awsq_ec2_copy_image(&call, NULL, &copy);
	is_ec2(&call, "CopyImage",
		"SourceRegion=us-west-2&SourceImageId=ami-1&Name=NAVO&"
		"Description=NAVO%2C%20copied",
		ONCE);
	copy.description = NULL;
	copy.encrypted = 1;
	copy.kms_key_id = "alias/k e";
	awsq_ec2_copy_image(&call, NULL, &copy);
	is_ec2(&call, "CopyImage",
		"SourceRegion=us-west-2&SourceImageId=ami-1&Name=NAVO&Encrypted=true&"
		"KmsKeyId=alias%2Fk%20e",
		ONCE);
	awsq_ec2_deregister_image(&call, NULL, "ami-1");
	is_ec2(&call, "DeregisterImage", "ImageId=ami-1&DeleteAssociatedSnapshots=true",
		REPEATABLE);
	awsq_ec2_describe_snapshots(&call, NULL, filters);
	is_ec2(&call, "DescribeSnapshots", "Owner.1=self&" FILTERS, REPEATABLE);
	awsq_ec2_delete_snapshot(&call, "snap-1");
	is_ec2(&call, "DeleteSnapshot", "SnapshotId=snap-1", REPEATABLE);
}

static void test_key_pairs(void **state)
{
	struct awsq_call call;

	(void)state;
	awsq_ec2_describe_key_pairs(&call, NULL, filters);
	is_ec2(&call, "DescribeKeyPairs", "IncludePublicKey=true&" FILTERS, REPEATABLE);
	awsq_ec2_import_key_pair(&call, "NA VO", "ssh-ed25519 AAAA+/= me", tags);
	is_ec2(&call, "ImportKeyPair",
		"KeyName=NA%20VO&PublicKeyMaterial=c3NoLWVkMjU1MTkgQUFBQSsvPSBtZQ%3D%3D&" TAGS("1",
			"key-pair"),
		ONCE);
	awsq_ec2_delete_key_pair(&call, "NAVO");
	is_ec2(&call, "DeleteKeyPair", "KeyName=NAVO", REPEATABLE);
}

typedef void change_rules(struct awsq_call *call, const char *group_id,
	const struct awsq_ec2_ip_permission *permissions, size_t n);

/* Struct members are without const, since answers are parsed into them too. */
#define S(text) ((char *)(uintptr_t)(text))

static void test_rules(void **state)
{
	static const struct {
		change_rules *change;
		const char *action;
	} changes[] = {
		{ awsq_ec2_authorize_ingress, "AuthorizeSecurityGroupIngress" },
		{ awsq_ec2_authorize_egress, "AuthorizeSecurityGroupEgress" },
		{ awsq_ec2_revoke_ingress, "RevokeSecurityGroupIngress" },
		{ awsq_ec2_revoke_egress, "RevokeSecurityGroupEgress" },
	};
	struct awsq_ec2_rule_target ipv4[] = { { S("198.51.100.0/24"), S("of fice"), NULL },
		{ S("0.0.0.0/0"), NULL, NULL } };
	struct awsq_ec2_rule_target ipv6[] = { { S("::/0"), S("v6"), NULL } };
	struct awsq_ec2_rule_target lists[] = { { S("pl-1"), S("p"), NULL } };
	struct awsq_ec2_rule_target groups[] = { { S("sg-2"), S("g"), S("123456789012") },
		{ S("sg-1"), NULL, NULL } };
	const struct awsq_ec2_ip_permission permissions[] = {
		{ S("tcp"), 22, 23, ipv4, 2, ipv6, 1, NULL, 0, NULL, 0 },
		{ S("-1"), 7, 8, NULL, 0, NULL, 0, lists, 1, groups, 2 },
		{ S("icmp"), -1, -1, ipv4 + 1, 1, NULL, 0, NULL, 0, NULL, 0 },
	};
	struct awsq_call call;

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		changes[i].change(&call, "sg-1", permissions, 3);
		is_ec2(&call, changes[i].action,
			"GroupId=sg-1&IpPermissions.1.IpProtocol=tcp&IpPermissions.1.FromPort=22&"
			"IpPermissions.1.ToPort=23&"
			"IpPermissions.1.IpRanges.1.CidrIp=198.51.100.0%2F24&"
			"IpPermissions.1.IpRanges.1.Description=of%20fice&"
			"IpPermissions.1.IpRanges.2.CidrIp=0.0.0.0%2F0&"
			"IpPermissions.1.Ipv6Ranges.1.CidrIpv6=%3A%3A%2F0&"
			"IpPermissions.1.Ipv6Ranges.1.Description=v6&"
			"IpPermissions.2.IpProtocol=-1&"
			"IpPermissions.2.PrefixListIds.1.PrefixListId=pl-1&"
			"IpPermissions.2.PrefixListIds.1.Description=p&"
			"IpPermissions.2.Groups.1.GroupId=sg-2&"
			"IpPermissions.2.Groups.1.UserId=123456789012&"
			"IpPermissions.2.Groups.1.Description=g&"
			"IpPermissions.2.Groups.2.GroupId=sg-1&IpPermissions.3.IpProtocol=icmp&"
			"IpPermissions.3.FromPort=-1&IpPermissions.3.ToPort=-1&"
			"IpPermissions.3.IpRanges.1.CidrIp=0.0.0.0%2F0",
			ONCE);
	}
}

static void test_groups_and_vpcs(void **state)
{
	struct awsq_call call;

	(void)state;
	awsq_ec2_describe_security_groups(&call, NULL, filters);
	is_ec2(&call, "DescribeSecurityGroups", FILTERS, REPEATABLE);
	awsq_ec2_create_security_group(&call, NULL, "NAVO", "d e", "vpc-1", tags);
	is_ec2(&call, "CreateSecurityGroup",
		"GroupName=NAVO&GroupDescription=d%20e&VpcId=vpc-1&" TAGS("1", "security-group"),
		ONCE);
	awsq_ec2_delete_security_group(&call, "sg-1");
	is_ec2(&call, "DeleteSecurityGroup", "GroupId=sg-1", REPEATABLE);
	awsq_ec2_describe_vpcs(&call, NULL, filters);
	is_ec2(&call, "DescribeVpcs", FILTERS, REPEATABLE);
}

static void test_other_services(void **state)
{
	struct awsq_call call;

	(void)state;
	awsq_iam_get_instance_profile(&call, NULL, "ro+le@x");
	is(&call, "iam", "2010-05-08", "GetInstanceProfile", "InstanceProfileName=ro%2Ble%40x",
		REPEATABLE);
	awsq_sts_get_caller_identity(&call, NULL);
	is(&call, "sts", "2011-06-15", "GetCallerIdentity", "", REPEATABLE);
}

/* A filter with as many values as there is room for ends without a NULL. */
static void test_a_full_filter(void **state)
{
	static const struct awsq_ec2_filter full[] = {
		{ "f", { "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14",
			       "15", "16" } },
		{ "g", { NULL } },
		{ NULL, { NULL } },
	};
	struct awsq_call call;

	(void)state;
	awsq_ec2_describe_vpcs(&call, NULL, full);
	is_ec2(&call, "DescribeVpcs",
		"Filter.1.Name=f&Filter.1.Value.1=1&Filter.1.Value.2=2&Filter.1.Value.3=3&"
		"Filter.1.Value.4=4&Filter.1.Value.5=5&Filter.1.Value.6=6&Filter.1.Value.7=7&"
		"Filter.1.Value.8=8&Filter.1.Value.9=9&Filter.1.Value.10=10&Filter.1.Value.11=11&"
		"Filter.1.Value.12=12&Filter.1.Value.13=13&Filter.1.Value.14=14&"
		"Filter.1.Value.15=15&Filter.1.Value.16=16&Filter.2.Name=g",
		REPEATABLE);
}

/* Everything is copied: what was given may go as soon as the call is described. */
static void test_arguments_are_copied(void **state)
{
	char id[] = "snap-1";
	struct awsq_call call;

	(void)state;
	awsq_ec2_delete_snapshot(&call, id);
	memset(id, 'x', sizeof(id) - 1);
	is_ec2(&call, "DeleteSnapshot", "SnapshotId=snap-1", REPEATABLE);
}

static void test_tag_value(void **state)
{
	const struct awsq_ec2_tag some[] = { { NULL, S("v") }, { S("Name"), S("a") },
		{ S("none"), NULL }, { S("Name"), S("b") } };

	(void)state;
	assert_string_equal(awsq_ec2_tag_value(some, 4, "Name"), "a");
	assert_string_equal(awsq_ec2_tag_value(some, 4, "none"), "");
	assert_null(awsq_ec2_tag_value(some, 4, "name"));
	assert_null(awsq_ec2_tag_value(NULL, 0, "Name"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_instances),
		cmocka_unit_test(test_run_instances),
		cmocka_unit_test(test_images_and_snapshots),
		cmocka_unit_test(test_key_pairs),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_groups_and_vpcs),
		cmocka_unit_test(test_other_services),
		cmocka_unit_test(test_a_full_filter),
		cmocka_unit_test(test_arguments_are_copied),
		cmocka_unit_test(test_tag_value),
	};

	return cmocka_run_group_tests_name("ec2", tests, NULL, NULL);
}
