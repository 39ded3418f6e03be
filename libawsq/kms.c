#include "banned.h"

#include <awsq/json.h>
#include <awsq/kms.h>

#define KEY "KeyMetadata/"

static const struct awsq_field key_fields[] = {
	AWSQ_STRING(struct awsq_kms_key, id, KEY "KeyId"),
	AWSQ_STRING(struct awsq_kms_key, arn, KEY "Arn"),
	AWSQ_STRING(struct awsq_kms_key, state, KEY "KeyState"),
	AWSQ_STRING(struct awsq_kms_key, usage, KEY "KeyUsage"),
	AWSQ_STRING(struct awsq_kms_key, spec, KEY "KeySpec"),
	AWSQ_STRING(struct awsq_kms_key, manager, KEY "KeyManager"),
	AWSQ_BOOL(struct awsq_kms_key, enabled, KEY "Enabled"),
	AWSQ_TIME(struct awsq_kms_key, deletion_date, KEY "DeletionDate"),
};
static const struct awsq_shape key_shape = AWSQ_SHAPE(struct awsq_kms_key, key_fields);

void awsq_kms_describe_key(struct awsq_call *call, struct awsq_kms_key *out, const char *key_id)
{
	awsq_call_init_json(call, "kms", "TrentService", "DescribeKey", &key_shape, out);
	call->repeatable = 1;
	awsq_json_add(&call->body, key_id, "KeyId");
}

void awsq_kms_free_key(struct awsq_kms_key *key)
{
	awsq_shape_free(&key_shape, key);
}
