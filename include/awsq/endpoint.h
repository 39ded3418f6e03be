/*
 * endpoint.h: where a service answers for a region, and which region its requests are signed for.
 *
 * Source: AWS's partition table and the endpoint rule sets of EC2, STS, SSM, KMS, Service Quotas,
 * SSO, SSO OIDC and IAM, as botocore 1.43.11 carries them (data/partitions.json,
 * data/SERVICE/.../endpoint-rule-set-1.json). Two differences are meant: STS is always asked in its
 * region, never at the legacy global sts.amazonaws.com; and pseudo-regions ("aws-global"), which no
 * instance can run in, are refused.
 */
#ifndef AWSQ_ENDPOINT_H
#define AWSQ_ENDPOINT_H

#include <awsq/common.h>
#include <awsq/err.h>

/* Room for a region's name: one host label (RFC 1123, section 2.1) and its NUL. */
#define AWSQ_REGION_SIZE 64

struct awsq_endpoint_options {
	int fips;        /* the FIPS 140 endpoint */
	int dualstack;   /* the endpoint that answers over IPv6 as well */
	const char *url; /* an endpoint to use instead, such as http://localhost:5000; NULL: none */
};

struct awsq_endpoint {
	/* "https://host", or the URL given: host as below and path, no slash at the end. */
	char url[544];
	char host[264]; /* for the Host header: in lower case; with the port if it has to be */
	char path[256]; /* what the URL given has after the host, to go before each path, or "" */
	char signing_region[AWSQ_REGION_SIZE];
};

AWSQ_BEGIN_DECLS

/* Whether region could be a region's name: a host label in lower case, and no pseudo-region. */
int awsq_region_valid(const char *region);

/*
 * Finds the endpoint of service ("ec2", "sts", "ssm", "iam", "kms", "servicequotas", "sso" or
 * "oidc") for region. options may be NULL. A region that is not in the table is taken to be a new
 * one of the "aws" partition. A URL of the options is taken as it is: as in botocore, fips and
 * dualstack have no say then. AWSQ_EINVAL, and err says so, when region or that URL is not usable.
 */
int awsq_endpoint_resolve(struct awsq_endpoint *out, const char *service, const char *region,
	const struct awsq_endpoint_options *options, struct awsq_err *err);

AWSQ_END_DECLS

#endif
