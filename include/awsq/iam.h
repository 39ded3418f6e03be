/*
 * iam.h: operations of AWS Identity and Access Management (API version 2010-05-08). The conventions
 * are ec2.h's. Source: the IAM API Reference, https://docs.aws.amazon.com/IAM/latest/APIReference/.
 */
#ifndef AWSQ_IAM_H
#define AWSQ_IAM_H

#include <stddef.h>

#include <awsq/client.h>
#include <awsq/common.h>

struct awsq_iam_role {
	char *name;
	char *arn;
};

struct awsq_iam_instance_profile {
	char *id;
	char *name;
	char *arn;
	struct awsq_iam_role *roles;
	size_t n_roles;
};

AWSQ_BEGIN_DECLS

/* A profile that is not there is the error NoSuchEntity. */
void awsq_iam_get_instance_profile(struct awsq_call *call, struct awsq_iam_instance_profile *out,
	const char *name);
void awsq_iam_free_instance_profile(struct awsq_iam_instance_profile *profile);

AWSQ_END_DECLS

#endif
