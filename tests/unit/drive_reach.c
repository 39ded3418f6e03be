/*
 * drive_reach: asks STS who it is, in the environment that it is started in, with keys of no value.
 * Prints the ARN; or, ending with 1, the number of attempts, the kind of the failure and its text.
 */
#include "banned.h"

#include <awsq/client.h>
#include <awsq/settings.h>
#include <awsq/sts.h>

#include <stdio.h>

static int ask(struct awsq_client *client)
{
	struct awsq_sts_identity who = { 0 };
	struct awsq_call call;
	int rc;

	awsq_sts_get_caller_identity(&call, &who);
	rc = awsq_run(client, &call, 1);
	if (rc == 0)
		(void)printf("%s\n", who.arn ? who.arn : "");
	else
		(void)printf("%d attempts: %s: %s\n", call.attempts, awsq_strerror(rc),
			call.err.message);
	awsq_call_free(&call);
	awsq_sts_free_identity(&who);
	return rc;
}

int main(void)
{
	struct awsq_credentials keys = { .access_key_id = (char[]){ "AKIDEXAMPLE" },
		.secret_access_key = (char[]){ "secret" } };
	struct awsq_settings settings = { 0 };
	struct awsq_client_options options = {
		.region = "us-east-1", .credentials = &keys, .settings = &settings
	};
	struct awsq_client *client = NULL;
	struct awsq_err err;
	int rc;

	if (awsq_global_init() != 0)
		return 2;
	rc = awsq_settings_load(&settings, NULL, &awsq_environment_process, &err);
	if (rc == 0)
		rc = awsq_client_new(&client, &options, &err);
	if (rc == 0)
		rc = ask(client);
	else
		(void)printf("0 attempts: %s: %s\n", awsq_strerror(rc), err.message);
	awsq_client_free(client);
	awsq_settings_free(&settings);
	awsq_global_free();
	return rc == 0 ? 0 : 1;
}
