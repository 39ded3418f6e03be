/*
 * Requests and answers of operations on an instance's parts and on what is around it. The answers
 * are after the examples of the Amazon EC2 API Reference.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <awsq/ec2.h>
#include <awsq/err.h>
#include <awsq/sts.h>

#include "ec2_answer.h"
#include "ec2_request.h"

static void test_attributes(void **state)
{
	static const char *const names[] = { "userData", "instanceInitiatedShutdownBehavior",
		"disableApiTermination", "disableApiStop" };
	struct awsq_ec2_instance_attributes out = { 0 };
	struct awsq_call call;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char rest[100];

		(void)snprintf(rest, sizeof(rest), "InstanceId=i-1&Attribute=%s", names[i]);
		awsq_ec2_describe_instance_attribute(&call, &out, "i-1", names[i]);
		is_ec2(&call, "DescribeInstanceAttribute", rest, REPEATABLE);
	}
	/* There is no member for it. */
	awsq_ec2_describe_instance_attribute(&call, &out, "i-1", "kernel");
	assert_int_equal(awsq_buf_error(&call.body), AWSQ_EINVAL);
	awsq_call_free(&call);
}

/* Values are set whatever they were: a second time changes nothing. */
static void test_modify(void **state)
{
	char *large = test_malloc(32 * 1024 + 1);
	struct awsq_call call;

	(void)state;
	awsq_ec2_modify_instance_type(&call, "i-1", "t4g.nano");
	is_ec2(&call, "ModifyInstanceAttribute", "InstanceId=i-1&InstanceType.Value=t4g.nano",
		REPEATABLE);
	awsq_ec2_modify_user_data(&call, "i-1", "#!/bin/sh\n\xc3\xbc\n");
	is_ec2(&call, "ModifyInstanceAttribute",
		"InstanceId=i-1&UserData.Value=IyEvYmluL3NoCsO8Cg%3D%3D", REPEATABLE);
	awsq_ec2_modify_user_data(&call, "i-1", "");
	is_ec2(&call, "ModifyInstanceAttribute", "InstanceId=i-1&UserData.Value=", REPEATABLE);
	awsq_ec2_modify_shutdown_behavior(&call, "i-1", "stop");
	is_ec2(&call, "ModifyInstanceAttribute",
		"InstanceId=i-1&InstanceInitiatedShutdownBehavior.Value=stop", REPEATABLE);
	awsq_ec2_modify_instance_group(&call, "i-1", "sg-1");
	is_ec2(&call, "ModifyInstanceAttribute", "InstanceId=i-1&GroupId.1=sg-1", REPEATABLE);
	awsq_ec2_modify_termination_protection(&call, "i-1", 1);
	is_ec2(&call, "ModifyInstanceAttribute", "InstanceId=i-1&DisableApiTermination.Value=true",
		REPEATABLE);
	awsq_ec2_modify_termination_protection(&call, "i-1", 0);
	is_ec2(&call, "ModifyInstanceAttribute", "InstanceId=i-1&DisableApiTermination.Value=false",
		REPEATABLE);
	awsq_ec2_modify_stop_protection(&call, "i-1", 1);
	is_ec2(&call, "ModifyInstanceAttribute", "InstanceId=i-1&DisableApiStop.Value=true",
		REPEATABLE);
	awsq_ec2_modify_stop_protection(&call, "i-1", 0);
	is_ec2(&call, "ModifyInstanceAttribute", "InstanceId=i-1&DisableApiStop.Value=false",
		REPEATABLE);
	awsq_ec2_modify_metadata_tokens(&call, "i-1", "required");
	is_ec2(&call, "ModifyInstanceMetadataOptions",
		"InstanceId=i-1&HttpTokens=required&HttpEndpoint=enabled", REPEATABLE);
	/* Nothing is cut off. */
	memset(large, 'x', 32 * 1024);
	large[32 * 1024] = '\0';
	awsq_ec2_modify_user_data(&call, "i-1", large);
	assert_int_equal(awsq_buf_error(&call.body), AWSQ_ETOOBIG);
	awsq_call_free(&call);
	test_free(large);
}

static void test_profiles_tags_and_volumes(void **state)
{
	struct awsq_call call;

	(void)state;
	awsq_ec2_describe_profile_associations(&call, NULL, "i-1");
	is_ec2(&call, "DescribeIamInstanceProfileAssociations",
		"Filter.1.Name=instance-id&Filter.1.Value.1=i-1", REPEATABLE);
	awsq_ec2_associate_profile(&call, "i-1", "ro+le");
	is_ec2(&call, "AssociateIamInstanceProfile",
		"InstanceId=i-1&IamInstanceProfile.Name=ro%2Ble", ONCE);
	awsq_ec2_replace_profile_association(&call, "iip-assoc-1", "role");
	is_ec2(&call, "ReplaceIamInstanceProfileAssociation",
		"AssociationId=iip-assoc-1&IamInstanceProfile.Name=role", ONCE);
	awsq_ec2_disassociate_profile(&call, "iip-assoc-1");
	is_ec2(&call, "DisassociateIamInstanceProfile", "AssociationId=iip-assoc-1", ONCE);
	awsq_ec2_create_tags(&call, "i-1", tags);
	is_ec2(&call, "CreateTags",
		"ResourceId.1=i-1&Tag.1.Key=Name&Tag.1.Value=NAVO&Tag.2.Key=awsq%3Afleet&"
		"Tag.2.Value=a%20b%26c",
		REPEATABLE);
	awsq_ec2_describe_volumes(&call, NULL, filters);
	is_ec2(&call, "DescribeVolumes", FILTERS, REPEATABLE);
	awsq_ec2_delete_volume(&call, "vol-1");
	is_ec2(&call, "DeleteVolume", "VolumeId=vol-1", REPEATABLE);
}

static void test_regions_and_networks(void **state)
{
	struct awsq_call call;

	(void)state;
	awsq_ec2_describe_regions(&call, NULL, 1);
	is_ec2(&call, "DescribeRegions", "AllRegions=true", REPEATABLE);
	awsq_ec2_describe_regions(&call, NULL, 0);
	is_ec2(&call, "DescribeRegions", "AllRegions=false", REPEATABLE);
	awsq_ec2_describe_instance_type_offerings(&call, NULL, "availability-zone", filters);
	is_ec2(&call, "DescribeInstanceTypeOfferings", "LocationType=availability-zone&" FILTERS,
		REPEATABLE);
	awsq_ec2_describe_subnets(&call, NULL, filters);
	is_ec2(&call, "DescribeSubnets", FILTERS, REPEATABLE);
	awsq_ec2_describe_managed_prefix_lists(&call, NULL, filters);
	is_ec2(&call, "DescribeManagedPrefixLists", FILTERS, REPEATABLE);
}

/* A call that has no such parameter would be carried out: it must not be sent. */
static void test_dry_run(void **state)
{
	const struct awsq_ec2_run_instance least = { .image_id = "ami-1", .client_token = "t-2" };
	struct awsq_call calls[5];

	(void)state;
	awsq_ec2_delete_snapshot(&calls[0], "snap-1");
	awsq_ec2_dry_run(&calls[0]);
	is_ec2(&calls[0], "DeleteSnapshot", "SnapshotId=snap-1&DryRun=true", REPEATABLE);
	awsq_ec2_run_instances(&calls[0], NULL, &least);
	awsq_ec2_dry_run(&calls[0]);
	is_ec2(&calls[0], "RunInstances",
		"MinCount=1&MaxCount=1&ImageId=ami-1&ClientToken=t-2&DryRun=true", REPEATABLE);
	awsq_ec2_describe_profile_associations(&calls[0], NULL, "i-1");
	awsq_ec2_associate_profile(&calls[1], "i-1", "role");
	awsq_ec2_replace_profile_association(&calls[2], "iip-assoc-1", "role");
	awsq_ec2_disassociate_profile(&calls[3], "iip-assoc-1");
	awsq_sts_get_caller_identity(&calls[4], NULL);
	for (int i = 0; i < 5; i++) {
		awsq_ec2_dry_run(&calls[i]);
		assert_int_equal(awsq_buf_error(&calls[i].body), AWSQ_EINVAL);
		awsq_call_free(&calls[i]);
	}
}

#define ATTRIBUTE(text) EC2("DescribeInstanceAttribute", "<instanceId>i-1</instanceId>" text)

/* One struct takes four answers, each of which has its one member. */
static void test_attributes_answered(void **state)
{
	struct awsq_ec2_instance_attributes out = { 0 };
	struct awsq_call call;

	(void)state;
	awsq_ec2_describe_instance_attribute(&call, &out, "i-1", AWSQ_EC2_USER_DATA);
	answer(&call, ATTRIBUTE("<userData><value>IyEvYmluL3NoCg==</value></userData>"));
	awsq_ec2_describe_instance_attribute(&call, &out, "i-1", AWSQ_EC2_DISABLE_API_STOP);
	answer(&call, ATTRIBUTE("<disableApiStop><value>true</value></disableApiStop>"));
	assert_int_equal(out.disable_api_termination, 0);
	awsq_ec2_describe_instance_attribute(&call, &out, "i-1", AWSQ_EC2_DISABLE_API_TERMINATION);
	answer(&call, ATTRIBUTE("<disableApiTermination><value>true</value>"
				"</disableApiTermination>"));
	awsq_ec2_describe_instance_attribute(&call, &out, "i-1", AWSQ_EC2_SHUTDOWN_BEHAVIOR);
	answer(&call, ATTRIBUTE("<instanceInitiatedShutdownBehavior><value>stop</value>"
				"</instanceInitiatedShutdownBehavior>"));
	assert_string_equal(out.user_data, "IyEvYmluL3NoCg==");
	assert_string_equal(out.shutdown_behavior, "stop");
	assert_int_equal(out.disable_api_stop, 1);
	assert_int_equal(out.disable_api_termination, 1);
	awsq_ec2_describe_instance_attribute(&call, &out, "i-1", AWSQ_EC2_DISABLE_API_STOP);
	answer(&call, ATTRIBUTE("<disableApiStop><value>false</value></disableApiStop>"));
	assert_int_equal(out.disable_api_stop, 0);
	assert_int_equal(out.disable_api_termination, 1);
	awsq_ec2_free_instance_attributes(&out);
	assert_null(out.user_data);
	assert_null(out.shutdown_behavior);
	assert_int_equal(out.disable_api_termination, 0);
	awsq_ec2_describe_instance_attribute(&call, &out, "i-1", AWSQ_EC2_USER_DATA);
	answer(&call, ATTRIBUTE("<userData/>"));
	assert_null(out.user_data);
	awsq_ec2_free_instance_attributes(NULL);
}

static void test_profile_associations(void **state)
{
	struct awsq_ec2_profile_associations out = { 0 };
	struct awsq_call call;

	(void)state;
	awsq_ec2_describe_profile_associations(&call, &out, "i-1");
	answer(&call,
		EC2("DescribeIamInstanceProfileAssociations",
			"<iamInstanceProfileAssociationSet><item><associationId>iip-assoc-0db2"
			"</associationId><iamInstanceProfile><arn>arn:aws:iam::123456789012:"
			"instance-profile/AdminRole</arn><id>AIPAJEDNCAA64SSD265D6</id>"
			"</iamInstanceProfile><instanceId>i-09eb</instanceId><state>associated"
			"</state></item></iamInstanceProfileAssociationSet>"));
	assert_int_equal(out.n, 1);
	assert_string_equal(out.items[0].id, "iip-assoc-0db2");
	assert_string_equal(out.items[0].instance_id, "i-09eb");
	assert_string_equal(out.items[0].profile_arn,
		"arn:aws:iam::123456789012:instance-profile/AdminRole");
	assert_string_equal(out.items[0].state, "associated");
	awsq_ec2_free_profile_associations(&out);
	assert_null(out.items);
}

static void test_console_output(void **state)
{
	struct awsq_ec2_console_output out = { 0 };
	struct awsq_call call;

	(void)state;
	awsq_ec2_get_console_output(&call, &out, "i-1", 1);
	is_ec2(&call, "GetConsoleOutput", "InstanceId=i-1&Latest=true", REPEATABLE);
	awsq_ec2_get_console_output(&call, &out, "i-1", 0);
	is_ec2(&call, "GetConsoleOutput", "InstanceId=i-1", REPEATABLE);
	awsq_ec2_get_console_output(&call, &out, "i-1", 0);
	answer(&call, EC2("GetConsoleOutput", "<instanceId>i-1234567890abcdef0</instanceId>"
					      "<timestamp>2010-10-14T01:12:41.000Z</timestamp>"
					      "<output>TGludXggdmVyc2lvbg\n  0KTGludQ==</output>"));
	assert_string_equal(out.instance_id, "i-1234567890abcdef0");
	assert_int_equal(out.timestamp, 1287018761);
	assert_string_equal(out.output, "TGludXggdmVyc2lvbg\n  0KTGludQ==");
	awsq_ec2_free_console_output(&out);
	/* A machine that has said nothing yet. */
	awsq_ec2_get_console_output(&call, &out, "i-1", 1);
	answer(&call, EC2("GetConsoleOutput", "<instanceId>i-1</instanceId>"
					      "<timestamp>2010-10-14T01:12:41.000Z</timestamp>"));
	assert_null(out.output);
	awsq_ec2_free_console_output(&out);
}

static void test_volumes(void **state)
{
	struct awsq_ec2_volumes out = { 0 };
	const struct awsq_ec2_attachment *a;
	struct awsq_call call;

	(void)state;
	awsq_ec2_describe_volumes(&call, &out, NULL);
	answer(&call,
		EC2("DescribeVolumes",
			"<volumeSet><item><volumeId>vol-1234</volumeId><size>80</size>"
			"<snapshotId>snap-1</snapshotId><availabilityZone>us-east-1a"
			"</availabilityZone><status>in-use</status><createTime>"
			"2013-12-18T22:35:00.084Z</createTime><attachmentSet><item>"
			"<volumeId>vol-1234</volumeId><instanceId>i-1234</instanceId>"
			"<device>/dev/sdh</device><status>attached</status><attachTime>"
			"2013-12-18T22:35:00.000Z</attachTime><deleteOnTermination>true"
			"</deleteOnTermination></item></attachmentSet><tagSet><item><key>Name"
			"</key><value>NAVO</value></item></tagSet><volumeType>gp3</volumeType>"
			"<encrypted>true</encrypted><kmsKeyId>arn:aws:kms:us-east-1:1:key/k"
			"</kmsKeyId></item><item><volumeId>vol-5</volumeId><size>8</size>"
			"<status>available</status><attachmentSet/><encrypted>false</encrypted>"
			"</item></volumeSet><nextToken>n</nextToken>"));
	assert_int_equal(out.n, 2);
	assert_string_equal(out.items[0].id, "vol-1234");
	assert_string_equal(out.items[0].state, "in-use");
	assert_int_equal(out.items[0].volume_size, 80);
	assert_int_equal(out.items[0].encrypted, 1);
	assert_string_equal(out.items[0].kms_key_id, "arn:aws:kms:us-east-1:1:key/k");
	assert_string_equal(out.items[0].zone, "us-east-1a");
	assert_int_equal(out.items[0].n_tags, 1);
	assert_string_equal(out.items[0].tags[0].value, "NAVO");
	assert_int_equal(out.items[0].n_attachments, 1);
	a = out.items[0].attachments;
	assert_string_equal(a->instance_id, "i-1234");
	assert_string_equal(a->device, "/dev/sdh");
	assert_string_equal(a->state, "attached");
	assert_int_equal(a->delete_on_termination, 1);
	assert_string_equal(out.items[1].state, "available");
	assert_int_equal(out.items[1].n_attachments, 0);
	assert_int_equal(out.items[1].encrypted, 0);
	assert_null(out.items[1].kms_key_id);
	assert_string_equal(out.next_token, "n");
	awsq_ec2_free_volumes(&out);
	assert_null(out.items);
}

static void test_deleted_snapshots(void **state)
{
	struct awsq_ec2_deleted_snapshots out = { 0 };
	struct awsq_call call;

	(void)state;
	awsq_ec2_deregister_image(&call, &out, "ami-1");
	answer(&call,
		EC2("DeregisterImage",
			"<return>true</return><deleteSnapshotResultSet><item><snapshotId>snap-1"
			"</snapshotId><returnCode>success</returnCode></item><item><snapshotId>"
			"snap-2</snapshotId><returnCode>skipped</returnCode></item>"
			"</deleteSnapshotResultSet>"));
	assert_int_equal(out.n, 2);
	assert_string_equal(out.items[0].snapshot_id, "snap-1");
	assert_string_equal(out.items[0].return_code, "success");
	assert_string_equal(out.items[1].snapshot_id, "snap-2");
	assert_string_equal(out.items[1].return_code, "skipped");
	awsq_ec2_free_deleted_snapshots(&out);
	assert_null(out.items);
}

static void test_regions(void **state)
{
	struct awsq_ec2_regions out = { 0 };
	struct awsq_call call;

	(void)state;
	awsq_ec2_describe_regions(&call, &out, 1);
	answer(&call, EC2("DescribeRegions",
			      "<regionInfo><item><regionName>us-east-1</regionName><regionEndpoint>"
			      "ec2.us-east-1.amazonaws.com</regionEndpoint><optInStatus>"
			      "opt-in-not-required</optInStatus></item><item><regionName>af-south-1"
			      "</regionName><regionEndpoint>ec2.af-south-1.amazonaws.com"
			      "</regionEndpoint><optInStatus>not-opted-in</optInStatus></item>"
			      "</regionInfo>"));
	assert_int_equal(out.n, 2);
	assert_string_equal(out.items[0].name, "us-east-1");
	assert_string_equal(out.items[0].opt_in_status, "opt-in-not-required");
	assert_string_equal(out.items[0].endpoint, "ec2.us-east-1.amazonaws.com");
	assert_string_equal(out.items[1].name, "af-south-1");
	assert_string_equal(out.items[1].opt_in_status, "not-opted-in");
	awsq_ec2_free_regions(&out);
	assert_null(out.items);
}

static void test_offerings(void **state)
{
	struct awsq_ec2_offerings out = { 0 };
	struct awsq_call call;

	(void)state;
	awsq_ec2_describe_instance_type_offerings(&call, &out, "availability-zone", NULL);
	answer(&call, EC2("DescribeInstanceTypeOfferings",
			      "<instanceTypeOfferingSet><item><instanceType>t3.micro</instanceType>"
			      "<location>us-east-2a</location><locationType>availability-zone"
			      "</locationType></item><item><instanceType>t4g.nano</instanceType>"
			      "<location>us-east-2c</location></item></instanceTypeOfferingSet>"
			      "<nextToken>n</nextToken>"));
	assert_int_equal(out.n, 2);
	assert_string_equal(out.items[0].instance_type, "t3.micro");
	assert_string_equal(out.items[0].location, "us-east-2a");
	assert_string_equal(out.items[1].instance_type, "t4g.nano");
	assert_string_equal(out.items[1].location, "us-east-2c");
	assert_string_equal(out.next_token, "n");
	awsq_ec2_free_offerings(&out);
	assert_null(out.items);
}

static void test_subnets(void **state)
{
	struct awsq_ec2_subnets out = { 0 };
	struct awsq_call call;

	(void)state;
	awsq_ec2_describe_subnets(&call, &out, NULL);
	answer(&call,
		EC2("DescribeSubnets",
			"<subnetSet><item><subnetId>subnet-9d4a</subnetId><state>available</state>"
			"<vpcId>vpc-1a2b</vpcId><cidrBlock>10.0.1.0/24</cidrBlock>"
			"<ipv6CidrBlockAssociationSet/><availableIpAddressCount>251"
			"</availableIpAddressCount><availabilityZone>us-east-1a</availabilityZone>"
			"<defaultForAz>true</defaultForAz><mapPublicIpOnLaunch>true"
			"</mapPublicIpOnLaunch><tagSet><item><key>awsq:fleet</key><value>NAVO"
			"</value></item></tagSet></item><item><subnetId>subnet-2</subnetId>"
			"<state>pending</state><availableIpAddressCount>0"
			"</availableIpAddressCount><defaultForAz>false</defaultForAz></item>"
			"</subnetSet><nextToken>n</nextToken>"));
	assert_int_equal(out.n, 2);
	assert_string_equal(out.items[0].id, "subnet-9d4a");
	assert_string_equal(out.items[0].vpc_id, "vpc-1a2b");
	assert_string_equal(out.items[0].zone, "us-east-1a");
	assert_string_equal(out.items[0].state, "available");
	assert_int_equal(out.items[0].free_addresses, 251);
	assert_int_equal(out.items[0].is_default, 1);
	assert_int_equal(out.items[0].n_tags, 1);
	assert_string_equal(out.items[0].tags[0].key, "awsq:fleet");
	assert_string_equal(out.items[1].state, "pending");
	assert_int_equal(out.items[1].free_addresses, 0);
	assert_int_equal(out.items[1].is_default, 0);
	assert_string_equal(out.next_token, "n");
	awsq_ec2_free_subnets(&out);
	assert_null(out.items);
}

static void test_prefix_lists(void **state)
{
	struct awsq_ec2_prefix_lists out = { 0 };
	struct awsq_call call;

	(void)state;
	awsq_ec2_describe_managed_prefix_lists(&call, &out, NULL);
	answer(&call,
		EC2("DescribeManagedPrefixLists",
			"<prefixListSet><item><addressFamily>IPv4</addressFamily><maxEntries>10"
			"</maxEntries><ownerId>123456789012</ownerId><prefixListArn>arn:aws:ec2:"
			"us-east-1:123456789012:prefix-list/pl-0123</prefixListArn>"
			"<prefixListId>pl-0123</prefixListId><prefixListName>offices"
			"</prefixListName><state>create-complete</state><version>1</version>"
			"</item><item><ownerId>AWS</ownerId><prefixListId>pl-2</prefixListId>"
			"<prefixListName>com.amazonaws.us-east-1.s3</prefixListName></item>"
			"</prefixListSet><nextToken>n</nextToken>"));
	assert_int_equal(out.n, 2);
	assert_string_equal(out.items[0].id, "pl-0123");
	assert_string_equal(out.items[0].name, "offices");
	assert_string_equal(out.items[0].owner_id, "123456789012");
	assert_string_equal(out.items[1].id, "pl-2");
	assert_string_equal(out.items[1].owner_id, "AWS");
	assert_string_equal(out.next_token, "n");
	awsq_ec2_free_prefix_lists(&out);
	assert_null(out.items);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_modify),
		cmocka_unit_test(test_profiles_tags_and_volumes),
		cmocka_unit_test(test_regions_and_networks),
		cmocka_unit_test(test_dry_run),
		cmocka_unit_test(test_attributes_answered),
		cmocka_unit_test(test_profile_associations),
		cmocka_unit_test(test_console_output),
		cmocka_unit_test(test_volumes),
		cmocka_unit_test(test_deleted_snapshots),
		cmocka_unit_test(test_regions),
		cmocka_unit_test(test_offerings),
		cmocka_unit_test(test_subnets),
		cmocka_unit_test(test_prefix_lists),
	};

	return cmocka_run_group_tests_name("ec2_parts", tests, NULL, NULL);
}
