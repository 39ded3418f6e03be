/*
 * sts.h: operations of the AWS Security Token Service (API version 2011-06-15). The conventions are
 * ec2.h's. Source: the STS API Reference, https://docs.aws.amazon.com/STS/latest/APIReference/.
 */
#ifndef AWSQ_STS_H
#define AWSQ_STS_H

#include <awsq/client.h>
#include <awsq/common.h>

struct awsq_sts_identity {
	char *account; /* twelve digits */
	char *arn;
	char *user_id;
};

AWSQ_BEGIN_DECLS

/* Who the credentials belong to. Needs no permission. */
void awsq_sts_get_caller_identity(struct awsq_call *call, struct awsq_sts_identity *out);
void awsq_sts_free_identity(struct awsq_sts_identity *identity);

AWSQ_END_DECLS

#endif
