/*
 * The answers of operations on what a fleet is made of, after the examples of the API References,
 * taken into structs through each call's own shape; test_ec2_parts.c has those on the rest.
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

#include "ec2_answer.h"

#define INSTANCE                                                                                  \
	"<item><instanceId>i-1234567890abcdef0</instanceId><imageId>ami-bff32ccc</imageId>"       \
	"<instanceState><code>16</code><name>running</name></instanceState>"                      \
	"<privateDnsName>ip-192-168-1-88.eu-west-1.compute.internal</privateDnsName>"             \
	"<dnsName>ec2-54-194-252-215.eu-west-1.compute.amazonaws.com</dnsName><reason/>"          \
	"<keyName>my_keypair</keyName><amiLaunchIndex>0</amiLaunchIndex><productCodes/>"          \
	"<instanceType>t2.micro</instanceType><launchTime>2018-05-08T16:46:19.000Z</launchTime>"  \
	"<placement><availabilityZone>eu-west-1c</availabilityZone><groupName/>"                  \
	"<tenancy>default</tenancy></placement><monitoring><state>disabled</state></monitoring>"  \
	"<subnetId>subnet-56f5f633</subnetId><vpcId>vpc-11112222</vpcId>"                         \
	"<privateIpAddress>192.168.1.88</privateIpAddress><ipAddress>54.194.252.215</ipAddress>"  \
	"<sourceDestCheck>true</sourceDestCheck><groupSet><item><groupId>sg-e4076980</groupId>"   \
	"<groupName>SecurityGroup1</groupName></item></groupSet>"                                 \
	"<stateReason><code>Client.UserInitiatedShutdown</code><message>why</message>"            \
	"</stateReason><rootDeviceName>/dev/xvda</rootDeviceName><blockDeviceMapping><item>"      \
	"<deviceName>/dev/xvda</deviceName><ebs><volumeId>vol-1234567890abcdef0</volumeId>"       \
	"<status>attached</status><attachTime>2015-12-22T10:44:09.000Z</attachTime>"              \
	"<deleteOnTermination>true</deleteOnTermination></ebs></item></blockDeviceMapping>"       \
	"<clientToken>xMcwG14507example</clientToken><tagSet><item><key>Name</key>"               \
	"<value>Server_1</value></item><item><key>empty</key><value/></item></tagSet>"            \
	"<networkInterfaceSet><item><subnetId>subnet-no</subnetId><groupSet><item>"               \
	"<groupId>sg-no</groupId></item></groupSet><privateIpAddress>10.0.0.1</privateIpAddress>" \
	"</item></networkInterfaceSet><iamInstanceProfile>"                                       \
	"<arn>arn:aws:iam::123456789012:instance-profile/AdminRole</arn><id>ABCAJEDNCAA</id>"     \
	"</iamInstanceProfile><metadataOptions><state>applied</state>"                            \
	"<httpTokens>required</httpTokens></metadataOptions></item>"

static void check_instance(const struct awsq_ec2_instance *i)
{
	assert_string_equal(i->id, "i-1234567890abcdef0");
	assert_string_equal(i->image_id, "ami-bff32ccc");
	assert_string_equal(i->state, "running");
	assert_string_equal(i->state_reason, "why");
	assert_string_equal(i->type, "t2.micro");
	assert_string_equal(i->key_name, "my_keypair");
	assert_string_equal(i->public_ip, "54.194.252.215");
	assert_string_equal(i->private_ip, "192.168.1.88");
	assert_string_equal(i->zone, "eu-west-1c");
	assert_string_equal(i->vpc_id, "vpc-11112222");
	assert_string_equal(i->subnet_id, "subnet-56f5f633");
	assert_string_equal(i->profile_arn, "arn:aws:iam::123456789012:instance-profile/AdminRole");
	assert_string_equal(i->http_tokens, "required");
	assert_int_equal(i->launch_time, 1525797979);
	assert_int_equal(i->n_tags, 2);
	assert_string_equal(i->tags[0].key, "Name");
	assert_string_equal(i->tags[0].value, "Server_1");
	assert_string_equal(i->tags[1].value, "");
	assert_int_equal(i->n_groups, 1);
	assert_string_equal(i->groups[0].id, "sg-e4076980");
	assert_string_equal(i->groups[0].name, "SecurityGroup1");
	assert_int_equal(i->n_volumes, 1);
	assert_string_equal(i->volumes[0].device, "/dev/xvda");
	assert_string_equal(i->volumes[0].id, "vol-1234567890abcdef0");
	assert_int_equal(i->volumes[0].attach_time, 1450781049);
	assert_int_equal(i->volumes[0].delete_on_termination, 1);
}

/* Two reservations, one of two instances; a pending one has little of what others have. */
static void test_describe_instances(void **state)
{
	struct awsq_ec2_instances out = { 0 };
	struct awsq_call call;

	(void)state;
	awsq_ec2_describe_instances(&call, &out, NULL);
	answer(&call, EC2("DescribeInstances",
			      "<reservationSet><item><reservationId>r-1</reservationId>"
			      "<ownerId>123456789012</ownerId><groupSet/><instancesSet>" INSTANCE
			      "<item><instanceId>i-2</instanceId><instanceState><code>0</code>"
			      "<name>pending</name></instanceState><blockDeviceMapping/></item>"
			      "</instancesSet></item><item><instancesSet>"
			      "<item><instanceId>i-3</instanceId></item>"
			      "</instancesSet></item></reservationSet><nextToken>abc</nextToken>"));
	assert_int_equal(out.n, 3);
	check_instance(&out.items[0]);
	assert_string_equal(out.items[1].id, "i-2");
	assert_string_equal(out.items[1].state, "pending");
	assert_null(out.items[1].public_ip);
	assert_null(out.items[1].profile_arn);
	assert_int_equal(out.items[1].n_volumes, 0);
	assert_int_equal(out.items[1].launch_time, 0);
	assert_string_equal(out.items[2].id, "i-3");
	assert_string_equal(out.next_token, "abc");
	awsq_ec2_free_instances(&out);
	assert_null(out.items);
}

static void test_no_instances(void **state)
{
	struct awsq_ec2_instances out = { 0 };
	struct awsq_call call;

	(void)state;
	awsq_ec2_describe_instance(&call, &out, "i-1");
	answer(&call, EC2("DescribeInstances", "<reservationSet/>"));
	assert_int_equal(out.n, 0);
	assert_null(out.items);
	assert_null(out.next_token);
	awsq_ec2_free_instances(&out);
	awsq_ec2_free_instances(NULL);
}

/* One reservation, without a list around it; freed by the same function. */
static void test_run_instances(void **state)
{
	struct awsq_ec2_run_instance what = { .image_id = "ami-1" };
	struct awsq_ec2_instances out = { 0 };
	struct awsq_call call;

	(void)state;
	awsq_ec2_run_instances(&call, &out, &what);
	answer(&call, EC2("RunInstances", "<reservationId>r-1</reservationId><ownerId>1</ownerId>"
					  "<groupSet/><instancesSet>" INSTANCE "</instancesSet>"));
	assert_int_equal(out.n, 1);
	check_instance(&out.items[0]);
	awsq_ec2_free_instances(&out);
}

static void test_state_changes(void **state)
{
	struct awsq_ec2_state_changes out = { 0 };
	struct awsq_call call;

	(void)state;
	awsq_ec2_start_instance(&call, &out, "i-1");
	answer(&call, EC2("StartInstances",
			      "<instancesSet><item><instanceId>i-1</instanceId><currentState>"
			      "<code>0</code><name>pending</name></currentState><previousState>"
			      "<code>80</code><name>stopped</name></previousState></item>"
			      "</instancesSet>"));
	assert_int_equal(out.n, 1);
	assert_string_equal(out.items[0].id, "i-1");
	assert_string_equal(out.items[0].previous, "stopped");
	assert_string_equal(out.items[0].current, "pending");
	awsq_ec2_free_state_changes(&out);
}

static void test_describe_images(void **state)
{
	struct awsq_ec2_images out = { 0 };
	struct awsq_call call;

	(void)state;
	awsq_ec2_describe_images(&call, &out, NULL);
	answer(&call,
		EC2("DescribeImages",
			"<imagesSet><item><imageId>ami-1a2b3c4d</imageId><imageLocation>"
			"123456789012/getting-started</imageLocation><imageState>failed"
			"</imageState><imageOwnerId>123456789012</imageOwnerId>"
			"<creationDate>2023-01-02T03:04:05.000Z</creationDate>"
			"<isPublic>false</isPublic><architecture>arm64</architecture>"
			"<name>getting-started</name><description>Image Description</description>"
			"<stateReason><code>Client.InvalidSnapshot</code><message>Key is disabled"
			"</message></stateReason><blockDeviceMapping><item>"
			"<deviceName>/dev/sda1</deviceName><ebs><snapshotId>snap-1234</snapshotId>"
			"<volumeSize>15</volumeSize><deleteOnTermination>false"
			"</deleteOnTermination><encrypted>true</encrypted></ebs></item><item>"
			"<deviceName>/dev/sdb</deviceName>"
			"<virtualName>ephemeral0</virtualName></item></blockDeviceMapping>"
			"<tagSet><item><key>awsq:fleet</key><value>NAVO</value></item></tagSet>"
			"<rootDeviceName>/dev/sda1</rootDeviceName><sourceImageId>ami-0f0f"
			"</sourceImageId><sourceImageRegion>us-west-2</sourceImageRegion>"
			"</item></imagesSet>"));
	assert_int_equal(out.n, 1);
	assert_string_equal(out.items[0].id, "ami-1a2b3c4d");
	assert_string_equal(out.items[0].name, "getting-started");
	assert_string_equal(out.items[0].state, "failed");
	assert_string_equal(out.items[0].state_reason, "Key is disabled");
	assert_string_equal(out.items[0].description, "Image Description");
	assert_string_equal(out.items[0].architecture, "arm64");
	assert_string_equal(out.items[0].creation_date, "2023-01-02T03:04:05.000Z");
	assert_string_equal(out.items[0].tags[0].key, "awsq:fleet");
	assert_int_equal(out.items[0].n_devices, 2);
	assert_string_equal(out.items[0].devices[0].device, "/dev/sda1");
	assert_string_equal(out.items[0].devices[0].snapshot_id, "snap-1234");
	assert_int_equal(out.items[0].devices[0].volume_size, 15);
	assert_int_equal(out.items[0].devices[0].encrypted, 1);
	assert_null(out.items[0].devices[1].snapshot_id);
	assert_int_equal(out.items[0].devices[1].encrypted, 0);
	assert_string_equal(out.items[0].owner_id, "123456789012");
	assert_string_equal(out.items[0].root_device, "/dev/sda1");
	assert_string_equal(out.items[0].source_image_id, "ami-0f0f");
	assert_string_equal(out.items[0].source_image_region, "us-west-2");
	awsq_ec2_free_images(&out);
}

static void test_created(void **state)
{
	struct awsq_ec2_copy_image copy = { .source_region = "us-west-2", .name = "NAVO" };
	struct awsq_ec2_created out = { 0 };
	struct awsq_call call;

	(void)state;
	awsq_ec2_copy_image(&call, &out, &copy);
	answer(&call, EC2("CopyImage", "<imageId>ami-4d3c2b1a</imageId>"));
	assert_string_equal(out.id, "ami-4d3c2b1a");
	awsq_ec2_free_created(&out);
	assert_null(out.id);
	awsq_ec2_create_security_group(&call, &out, "n", "d", "vpc-1", NULL);
	answer(&call, EC2("CreateSecurityGroup", "<return>true</return><groupId>sg-1a2b</groupId>"
						 "<securityGroupArn>arn</securityGroupArn>"));
	assert_string_equal(out.id, "sg-1a2b");
	awsq_ec2_free_created(&out);
}

static void test_describe_snapshots(void **state)
{
	struct awsq_ec2_snapshots out = { 0 };
	struct awsq_call call;

	(void)state;
	awsq_ec2_describe_snapshots(&call, &out, NULL);
	answer(&call,
		EC2("DescribeSnapshots",
			"<snapshotSet><item><snapshotId>snap-1</snapshotId><volumeId>vol-1"
			"</volumeId><status>pending</status><startTime>2014-02-28T21:28:32.000Z"
			"</startTime><progress>30%</progress><ownerId>111122223333</ownerId>"
			"<volumeSize>15</volumeSize><description>Daily &amp; more</description>"
			"<encrypted>true</encrypted><kmsKeyId>arn:aws:kms:eu-west-1:1:key/k"
			"</kmsKeyId><tagSet><item><key>k</key><value>v</value>"
			"</item></tagSet></item><item><snapshotId>snap-2</snapshotId></item>"
			"</snapshotSet><nextToken>n</nextToken>"));
	assert_int_equal(out.n, 2);
	assert_string_equal(out.items[0].id, "snap-1");
	assert_string_equal(out.items[0].state, "pending");
	assert_string_equal(out.items[0].progress, "30%");
	assert_string_equal(out.items[0].description, "Daily & more");
	assert_int_equal(out.items[0].volume_size, 15);
	assert_int_equal(out.items[0].start_time, 1393622912);
	assert_string_equal(out.items[0].tags[0].value, "v");
	assert_int_equal(out.items[0].encrypted, 1);
	assert_string_equal(out.items[0].kms_key_id, "arn:aws:kms:eu-west-1:1:key/k");
	assert_string_equal(out.items[1].id, "snap-2");
	assert_int_equal(out.items[1].encrypted, 0);
	assert_null(out.items[1].kms_key_id);
	assert_string_equal(out.next_token, "n");
	awsq_ec2_free_snapshots(&out);
}

static void test_describe_key_pairs(void **state)
{
	struct awsq_ec2_key_pairs out = { 0 };
	struct awsq_call call;

	(void)state;
	awsq_ec2_describe_key_pairs(&call, &out, NULL);
	answer(&call,
		EC2("DescribeKeyPairs",
			"<keySet><item><keyPairId>key-1</keyPairId><keyType>ed25519</keyType>"
			"<keyName>my key</keyName><keyFingerprint>1f:51:ae</keyFingerprint>"
			"<publicKey>ssh-ed25519 AAAA me\n</publicKey><tagSet/></item></keySet>"));
	assert_int_equal(out.n, 1);
	assert_string_equal(out.items[0].id, "key-1");
	assert_string_equal(out.items[0].type, "ed25519");
	assert_string_equal(out.items[0].name, "my key");
	assert_string_equal(out.items[0].fingerprint, "1f:51:ae");
	assert_string_equal(out.items[0].public_key, "ssh-ed25519 AAAA me\n");
	assert_int_equal(out.items[0].n_tags, 0);
	awsq_ec2_free_key_pairs(&out);
}

static void test_describe_security_groups(void **state)
{
	struct awsq_ec2_security_groups out = { 0 };
	const struct awsq_ec2_ip_permission *p;
	struct awsq_call call;

	(void)state;
	awsq_ec2_describe_security_groups(&call, &out, NULL);
	answer(&call,
		EC2("DescribeSecurityGroups",
			"<securityGroupInfo><item><ownerId>123456789012</ownerId>"
			"<groupId>sg-9bf6ceff</groupId><groupName>SSHAccess</groupName>"
			"<groupDescription>for SSH</groupDescription><vpcId>vpc-31896b55</vpcId>"
			"<ipPermissions><item><ipProtocol>tcp</ipProtocol><fromPort>22</fromPort>"
			"<toPort>23</toPort><groups><item><userId>210987654321</userId>"
			"<groupId>sg-1</groupId><description>them</description></item></groups>"
			"<ipRanges><item><cidrIp>0.0.0.0/0</cidrIp></item><item>"
			"<cidrIp>192.0.2.0/24</cidrIp><description>office</description></item>"
			"</ipRanges><ipv6Ranges><item><cidrIpv6>::/0</cidrIpv6></item></ipv6Ranges>"
			"<prefixListIds><item><prefixListId>pl-1</prefixListId></item>"
			"</prefixListIds></item><item><ipProtocol>icmp</ipProtocol>"
			"<fromPort>-1</fromPort><toPort>-1</toPort></item></ipPermissions>"
			"<ipPermissionsEgress><item><ipProtocol>-1</ipProtocol><groups/><ipRanges>"
			"<item><cidrIp>0.0.0.0/0</cidrIp></item></ipRanges><ipv6Ranges/>"
			"<prefixListIds/></item></ipPermissionsEgress><tagSet/></item>"
			"</securityGroupInfo>"));
	assert_int_equal(out.n, 1);
	assert_string_equal(out.items[0].id, "sg-9bf6ceff");
	assert_string_equal(out.items[0].name, "SSHAccess");
	assert_string_equal(out.items[0].description, "for SSH");
	assert_string_equal(out.items[0].vpc_id, "vpc-31896b55");
	assert_string_equal(out.items[0].owner_id, "123456789012");
	assert_int_equal(out.items[0].n_ingress, 2);
	p = out.items[0].ingress;
	assert_string_equal(p->protocol, "tcp");
	assert_int_equal(p->from_port, 22);
	assert_int_equal(p->to_port, 23);
	assert_int_equal(p->n_ipv4, 2);
	assert_string_equal(p->ipv4[0].name, "0.0.0.0/0");
	assert_null(p->ipv4[0].description);
	assert_string_equal(p->ipv4[1].description, "office");
	assert_string_equal(p->ipv6[0].name, "::/0");
	assert_string_equal(p->prefix_lists[0].name, "pl-1");
	assert_string_equal(p->groups[0].name, "sg-1");
	assert_string_equal(p->groups[0].user_id, "210987654321");
	assert_string_equal(p->groups[0].description, "them");
	assert_int_equal(p[1].from_port, -1);
	assert_int_equal(p[1].n_ipv4, 0);
	assert_int_equal(out.items[0].n_egress, 1);
	assert_string_equal(out.items[0].egress[0].protocol, "-1");
	assert_int_equal(out.items[0].egress[0].n_ipv4, 1);
	assert_int_equal(out.items[0].egress[0].from_port, 0);
	awsq_ec2_free_security_groups(&out);
}

static void test_describe_vpcs(void **state)
{
	struct awsq_ec2_vpcs out = { 0 };
	struct awsq_call call;

	(void)state;
	awsq_ec2_describe_vpcs(&call, &out, NULL);
	answer(&call,
		EC2("DescribeVpcs",
			"<vpcSet><item><vpcId>vpc-1</vpcId><state>available</state>"
			"<cidrBlock>10.0.0.0/23</cidrBlock><isDefault>false</isDefault>"
			"<tagSet><item><key>Name</key><value>lab</value></item></tagSet></item>"
			"<item><isDefault>true</isDefault><vpcId>vpc-2</vpcId></item></vpcSet>"));
	assert_int_equal(out.n, 2);
	assert_string_equal(out.items[0].id, "vpc-1");
	assert_int_equal(out.items[0].is_default, 0);
	assert_string_equal(out.items[0].state, "available");
	assert_int_equal(out.items[0].n_tags, 1);
	assert_string_equal(out.items[0].tags[0].value, "lab");
	assert_string_equal(out.items[1].id, "vpc-2");
	assert_int_equal(out.items[1].is_default, 1);
	awsq_ec2_free_vpcs(&out);
}

static void test_get_instance_profile(void **state)
{
	struct awsq_iam_instance_profile out = { 0 };
	struct awsq_call call;

	(void)state;
	awsq_iam_get_instance_profile(&call, &out, "Webserver");
	answer(&call,
		"<GetInstanceProfileResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">\n"
		"<GetInstanceProfileResult><InstanceProfile>"
		"<InstanceProfileId>AIPAD5ARO2C5EXAMPLE3G</InstanceProfileId><Roles><member>"
		"<Path>/application_abc/</Path><Arn>arn:aws:iam::123456789012:role/S3Access</Arn>"
		"<RoleName>S3Access</RoleName><AssumeRolePolicyDocument>%7B%7D"
		"</AssumeRolePolicyDocument><RoleId>AROACVYKSVTSZFEXAMPLE</RoleId></member></Roles>"
		"<InstanceProfileName>Webserver</InstanceProfileName><Path>/application_abc/</Path>"
		"<Arn>arn:aws:iam::123456789012:instance-profile/Webserver</Arn>"
		"<CreateDate>2012-05-09T16:11:10Z</CreateDate></InstanceProfile>"
		"</GetInstanceProfileResult><ResponseMetadata><RequestId>37289fda</RequestId>"
		"</ResponseMetadata></GetInstanceProfileResponse>");
	assert_string_equal(out.id, "AIPAD5ARO2C5EXAMPLE3G");
	assert_string_equal(out.name, "Webserver");
	assert_string_equal(out.arn, "arn:aws:iam::123456789012:instance-profile/Webserver");
	assert_int_equal(out.n_roles, 1);
	assert_string_equal(out.roles[0].name, "S3Access");
	assert_string_equal(out.roles[0].arn, "arn:aws:iam::123456789012:role/S3Access");
	awsq_iam_free_instance_profile(&out);
	assert_null(out.roles);
}

static void test_get_caller_identity(void **state)
{
	struct awsq_sts_identity out = { 0 };
	struct awsq_call call;

	(void)state;
	awsq_sts_get_caller_identity(&call, &out);
	answer(&call,
		"<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n"
		"  <GetCallerIdentityResult>\n   <Arn>arn:aws:iam::123456789012:user/Alice</Arn>\n"
		"    <UserId>AIDACKCEVSQ6C2EXAMPLE</UserId>\n    <Account>123456789012</Account>\n"
		"  </GetCallerIdentityResult>\n  <ResponseMetadata>\n    <RequestId>01234567"
		"</RequestId>\n  </ResponseMetadata>\n</GetCallerIdentityResponse>\n");
	assert_string_equal(out.account, "123456789012");
	assert_string_equal(out.arn, "arn:aws:iam::123456789012:user/Alice");
	assert_string_equal(out.user_id, "AIDACKCEVSQ6C2EXAMPLE");
	awsq_sts_free_identity(&out);
	assert_null(out.account);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_describe_instances),
		cmocka_unit_test(test_no_instances),
		cmocka_unit_test(test_run_instances),
		cmocka_unit_test(test_state_changes),
		cmocka_unit_test(test_describe_images),
		cmocka_unit_test(test_created),
		cmocka_unit_test(test_describe_snapshots),
		cmocka_unit_test(test_describe_key_pairs),
		cmocka_unit_test(test_describe_security_groups),
		cmocka_unit_test(test_describe_vpcs),
		cmocka_unit_test(test_get_instance_profile),
		cmocka_unit_test(test_get_caller_identity),
	};

	return cmocka_run_group_tests_name("ec2_answers", tests, NULL, NULL);
}
