/*
 * quotas.h: operations of Service Quotas (API version 2019-06-24). The conventions are ec2.h's.
 * Source: the Service Quotas API Reference,
 * https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/.
 */
#ifndef AWSQ_QUOTAS_H
#define AWSQ_QUOTAS_H

#include <stdint.h>

#include <awsq/client.h>
#include <awsq/common.h>

/* "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances", in vCPUs: service "ec2". */
#define AWSQ_QUOTA_STANDARD_VCPUS "L-1216C47A"

struct awsq_quota {
	char *code;
	char *name;
	char *unit;
	int64_t value;
	int adjustable; /* more can be asked for */
};

AWSQ_BEGIN_DECLS

/* The account's own value in the region; a quota that is not there is NoSuchResourceException. */
void awsq_quotas_get_service_quota(struct awsq_call *call, struct awsq_quota *out,
	const char *service_code, const char *quota_code);
void awsq_quotas_free_quota(struct awsq_quota *quota);

AWSQ_END_DECLS

#endif
