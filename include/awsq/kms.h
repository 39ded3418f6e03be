/*
 * kms.h: operations of the AWS Key Management Service (API version 2014-11-01). The conventions are
 * ec2.h's. Source: the KMS API Reference, https://docs.aws.amazon.com/kms/latest/APIReference/.
 */
#ifndef AWSQ_KMS_H
#define AWSQ_KMS_H

#include <stdint.h>

#include <awsq/client.h>
#include <awsq/common.h>

struct awsq_kms_key {
	char *id;
	char *arn;
	char *state;   /* Enabled, Disabled, PendingDeletion, PendingImport, Unavailable, ... */
	char *usage;   /* ENCRYPT_DECRYPT, SIGN_VERIFY, ... */
	char *spec;    /* SYMMETRIC_DEFAULT, RSA_2048, ... */
	char *manager; /* AWS or CUSTOMER */
	int enabled;
	int64_t deletion_date; /* 0: it is not to be deleted */
};

AWSQ_BEGIN_DECLS

/*
 * key_id: id, ARN, "alias/..." or an alias's ARN. A key that is not in the client's region is the
 * error NotFoundException, one of another partition may be InvalidArnException.
 */
void awsq_kms_describe_key(struct awsq_call *call, struct awsq_kms_key *out, const char *key_id);
void awsq_kms_free_key(struct awsq_kms_key *key);

AWSQ_END_DECLS

#endif
