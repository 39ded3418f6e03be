/*
 * drive_credentials: finds credentials in the environment that it is started in, for tests that
 * compare with another chain. The profile may be given; who is asked for a code of an MFA device
 * answers $MFA_CODE. A line of JSON says what was found, or how it failed. Of the secret it has a
 * hash; with $IDENTITY set, it has what STS says whose they are.
 */
#include "banned.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <awsq/buf.h>
#include <awsq/client.h>
#include <awsq/credentials.h>
#include <awsq/hash.h>
#include <awsq/json.h>
#include <awsq/settings.h>
#include <awsq/sts.h>

static int answer_code(void *arg, const char *question, char *answer, size_t size)
{
	const char *code = getenv("MFA_CODE");

	(void)arg, (void)question;
	if (!code || strlen(code) >= size)
		return AWSQ_ECANCELED;
	(void)snprintf(answer, size, "%s", code);
	return 0;
}

static void say_found(struct awsq_buf *out, const struct awsq_credentials *found)
{
	uint8_t digest[AWSQ_SHA256_LEN];
	char hex[AWSQ_SHA256_HEX];

	if (awsq_sha256(digest, found->secret_access_key, strlen(found->secret_access_key)) != 0)
		abort();
	awsq_hex(hex, digest, sizeof(digest));
	awsq_json_add(out, found->access_key_id, "key");
	awsq_json_add(out, hex, "secret");
	awsq_json_add(out, found->session_token, "token");
	awsq_json_add_int(out, found->expires, "expires");
	awsq_json_add(out, found->source, "source");
}

static int say_identity(struct awsq_buf *out, struct awsq_credentials_source *source,
	const char *profile, struct awsq_err *err)
{
	struct awsq_client_options options = { .source = source };
	struct awsq_sts_identity identity = { 0 };
	struct awsq_settings settings;
	struct awsq_client *client = NULL;
	struct awsq_call call;
	int rc = awsq_settings_load(&settings, profile, &awsq_environment_process, err);

	options.settings = &settings;
	options.region = settings.region;
	if (rc == 0)
		rc = awsq_client_new(&client, &options, err);
	if (rc == 0) {
		awsq_sts_get_caller_identity(&call, &identity);
		rc = awsq_run_one(client, &call, err);
		awsq_json_add(out, identity.arn, "arn");
	}
	awsq_sts_free_identity(&identity);
	awsq_client_free(client);
	awsq_settings_free(&settings);
	return rc;
}

static void say_failed(struct awsq_buf *out, const struct awsq_err *err)
{
	awsq_json_add_int(out, err->code, "code");
	awsq_json_add(out, awsq_strerror(err->code), "error");
	awsq_json_add(out, err->aws_code, "aws_code");
	awsq_json_add(out, err->message, "text");
}

int main(int argc, char **argv)
{
	struct awsq_credentials_options options = { .ask = answer_code };
	struct awsq_credentials_source *source = NULL;
	struct awsq_credentials found = { 0 };
	struct awsq_buf out = AWSQ_BUF_INIT(65536);
	struct awsq_err err = { 0 };
	int rc;

	if (argc > 2 || awsq_global_init() != 0)
		return 2;
	options.profile = argc == 2 ? argv[1] : NULL;
	rc = awsq_credentials_source_new(&source, &options, &err);
	if (rc == 0)
		rc = awsq_credentials_source_get(source, &found, &err);
	if (rc == 0)
		say_found(&out, &found);
	if (rc == 0 && getenv("IDENTITY"))
		rc = say_identity(&out, source, options.profile, &err);
	if (rc != 0)
		say_failed(&out, &err);
	awsq_json_end(&out);
	if (awsq_buf_error(&out) != 0)
		return 2;
	(void)puts(awsq_buf_str(&out));
	awsq_credentials_free(&found);
	awsq_credentials_source_free(source);
	awsq_buf_free(&out);
	awsq_global_free();
	return 0;
}
