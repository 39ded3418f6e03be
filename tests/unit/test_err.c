/*
 * What an error says of permissions. Messages are such as EC2, IAM and STS give, without their
 * ends; before 2021 EC2 named no permission.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <awsq/err.h>

#include <string.h>

#define USER "User: arn:aws:iam::123456789012:user/Alice is "

static struct awsq_err denied(const char *message)
{
	struct awsq_err err;

	awsq_err_set(&err, AWSQ_ESERVICE, "%s", message);
	(void)snprintf(err.aws_code, sizeof(err.aws_code), "UnauthorizedOperation");
	(void)snprintf(err.action, sizeof(err.action), "ec2:RunInstances");
	return err;
}

static void test_denied(void **state)
{
	static const struct {
		const char *code;
		int denied;
	} cases[] = { { "UnauthorizedOperation", 1 }, { "AccessDenied", 1 },
		{ "AccessDeniedException", 1 }, { "UnauthorizedAccess", 1 },
		{ "Client.UnauthorizedOperation", 1 }, { "DryRunOperation", 0 },
		{ "AuthFailure", 0 }, { "UnauthorizedOperationX", 0 }, { "accessdenied", 0 },
		{ "", 0 } };
	struct awsq_err err = denied("m");

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		(void)snprintf(err.aws_code, sizeof(err.aws_code), "%s", cases[i].code);
		if (awsq_err_is_denied(&err) != cases[i].denied)
			fail_msg("'%s' is judged wrongly", cases[i].code);
	}
	err = denied("m");
	err.code = AWSQ_ENET;
	assert_false(awsq_err_is_denied(&err));
	assert_false(awsq_err_is_denied(NULL));
}

static const struct {
	const char *message, *permission;
} missing[] = {
	{ "You are not authorized to perform this operation. " USER "not authorized to perform: "
	  "ec2:CreateTags on resource: arn:aws:ec2:us-east-1:123456789012:instance/* because no "
	  "identity-based policy allows the ec2:CreateTags action. Encoded authorization failure "
	  "message: 3rL",
		"ec2:CreateTags" },
	{ USER "not authorized to perform: iam:PassRole on resource: role x", "iam:PassRole" },
	{ USER "not authorized to perform: kms:Decrypt", "kms:Decrypt" },
	{ USER "not authorized to perform: ssm-messages:GetX2.", "ssm-messages:GetX2" },
	{ "You are not authorized to perform this operation.", "ec2:RunInstances" },
	{ "", "ec2:RunInstances" },
	/* What does not look like a permission is not passed on: it is a server's text. */
	{ USER "not authorized to perform: ", "ec2:RunInstances" },
	{ USER "not authorized to perform: nothing else", "ec2:RunInstances" },
	{ USER "not authorized to perform: ec2: CreateTags", "ec2:RunInstances" },
	{ USER "not authorized to perform: :CreateTags", "ec2:RunInstances" },
	{ USER "not authorized to perform: \033[2J:x", "ec2:RunInstances" },
};

static void test_missing_permission(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(missing) / sizeof(*missing); i++) {
		const struct awsq_err err = denied(missing[i].message);
		char out[64];

		memset(out, 'x', sizeof(out));
		awsq_err_missing_permission(out, sizeof(out), &err);
		assert_string_equal(out, missing[i].permission);
	}
}

static void test_little_room(void **state)
{
	struct awsq_err err = denied(missing[0].message);
	char out[8] = "xxxxxxx";

	(void)state;
	awsq_err_missing_permission(out, 0, &err);
	assert_string_equal(out, "xxxxxxx");
	awsq_err_missing_permission(out, 5, &err);
	assert_string_equal(out, "ec2:");
	assert_int_equal(out[5], 'x');
	awsq_err_missing_permission(out, sizeof(out), NULL);
	assert_string_equal(out, "");
	/* Whatever sets an err anew empties the action, too. */
	awsq_err_set(&err, AWSQ_EIO, "m");
	assert_string_equal(err.action, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_denied),
		cmocka_unit_test(test_missing_permission),
		cmocka_unit_test(test_little_room),
	};

	return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}
