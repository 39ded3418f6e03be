#include "banned.h"

#include "ec2.h"

#include <awsq/query.h>

#define MAX_PUBLIC_KEY (16 * 1024)

typedef struct awsq_ec2_key_pair key_pair;

static const struct awsq_field key_pair_fields[] = {
	AWSQ_STRING(key_pair, id, "keyPairId"),
	AWSQ_STRING(key_pair, name, "keyName"),
	AWSQ_STRING(key_pair, type, "keyType"),
	AWSQ_STRING(key_pair, fingerprint, "keyFingerprint"),
	AWSQ_STRING(key_pair, public_key, "publicKey"),
	AWSQ_LIST(key_pair, tags, n_tags, "tagSet/item", &ec2_tag_shape),
};
static const struct awsq_shape key_pair_shape = AWSQ_SHAPE(key_pair, key_pair_fields);

static const struct awsq_field key_pairs_fields[] = {
	AWSQ_LIST(struct awsq_ec2_key_pairs, items, n, "keySet/item", &key_pair_shape),
};
static const struct awsq_shape key_pairs_shape =
	AWSQ_SHAPE(struct awsq_ec2_key_pairs, key_pairs_fields);

void awsq_ec2_describe_key_pairs(struct awsq_call *call, struct awsq_ec2_key_pairs *out,
	const struct awsq_ec2_filter *filters)
{
	ec2_read(call, "DescribeKeyPairs", &key_pairs_shape, out);
	awsq_query_add_bool(&call->body, 1, "IncludePublicKey");
	ec2_add_filters(&call->body, filters);
}

void awsq_ec2_import_key_pair(struct awsq_call *call, const char *name, const char *public_key,
	const struct awsq_ec2_new_tag *tags)
{
	ec2_write(call, "ImportKeyPair", NULL, NULL);
	awsq_query_add(&call->body, name, "KeyName");
	ec2_add_base64(&call->body, public_key, MAX_PUBLIC_KEY, "PublicKeyMaterial");
	ec2_add_tags(&call->body, 1, "key-pair", tags);
}

void awsq_ec2_delete_key_pair(struct awsq_call *call, const char *name)
{
	ec2_write(call, "DeleteKeyPair", NULL, NULL);
	/* Deleting a key pair that is gone succeeds. */
	call->repeatable = 1;
	awsq_query_add(&call->body, name, "KeyName");
}

void awsq_ec2_free_key_pairs(struct awsq_ec2_key_pairs *key_pairs)
{
	awsq_shape_free(&key_pairs_shape, key_pairs);
}
