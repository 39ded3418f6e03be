/*
 * settings.h: what the environment and the user's AWS files say about how to reach AWS.
 *
 * Source: the "AWS SDKs and Tools Reference Guide" (Settings reference), as botocore 1.43.11 has it
 * (botocore/configprovider.py): a variable beats the profile, and an empty variable counts as
 * absent. The profile's settings are those of both files, ~/.aws/credentials before ~/.aws/config;
 * AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE name others, in which a leading "~/" stands for
 * $HOME, and $NAME and ${NAME} for variables. A file that is not there is empty, one that cannot be
 * read is an error. AWS_RETRY_MODE (retry_mode) may be any of botocore's, and means the standard
 * mode always (retry.h).
 */
#ifndef AWSQ_SETTINGS_H
#define AWSQ_SETTINGS_H

#include <awsq/common.h>
#include <awsq/err.h>

/* Where variables come from, as a parameter so that tests have their own. */
struct awsq_environment {
	const char *(*get)(void *arg, const char *name); /* NULL: not set */
	void *arg;
};

/* Owned by the structure; NULL where nothing is set. */
struct awsq_settings {
	char *profile;          /* never NULL: "default" where nothing else is named */
	char *region;           /* AWS_REGION, AWS_DEFAULT_REGION, region */
	char *endpoint_url_ec2; /* AWS_ENDPOINT_URL_EC2, AWS_ENDPOINT_URL, services, endpoint_url */
	char *endpoint_url_iam;
	char *endpoint_url_sts;
	char *endpoint_url_kms;
	char *endpoint_url_service_quotas;
	char *endpoint_url_ssm;
	char *endpoint_url_sso; /* the portal that hands out a role's credentials */
	char *endpoint_url_sso_oidc;
	/* AWS_CA_BUNDLE, ca_bundle, REQUESTS_CA_BUNDLE: a file of certificates in PEM form */
	char *ca_bundle;
	/*
	 * http_proxy and HTTP_PROXY, https_proxy and HTTPS_PROXY, no_proxy and NO_PROXY, as
	 * Python's urllib reads them: how to reach http:// and https:// URLs, and which hosts
	 * without a proxy. The first two may have a password in them.
	 */
	char *http_proxy;
	char *https_proxy;
	char *no_proxy;
	int max_attempts; /* AWS_MAX_ATTEMPTS, max_attempts: 1 to 1000, in all; 0: not set */
	int fips;         /* AWS_USE_FIPS_ENDPOINT, use_fips_endpoint */
	int dualstack;    /* AWS_USE_DUALSTACK_ENDPOINT, use_dualstack_endpoint */
};

AWSQ_BEGIN_DECLS

/* The process's own variables. */
extern const struct awsq_environment awsq_environment_process;

/*
 * Reads the settings of profile (NULL: AWS_DEFAULT_PROFILE, then AWS_PROFILE, then "default", which
 * alone need not exist). out is to be freed with awsq_settings_free(); after an error it is empty.
 * AWSQ_EINVAL: no such profile, or a setting is not usable; AWSQ_EPARSE, AWSQ_EIO, AWSQ_ETOOBIG (1
 * MiB): a file is not, with its name and line in err; AWSQ_ENOMEM.
 */
int awsq_settings_load(struct awsq_settings *out, const char *profile,
	const struct awsq_environment *env, struct awsq_err *err);

/* The URL that is set for service, named as for awsq_endpoint_resolve(); NULL: none. It is s's. */
const char *awsq_settings_endpoint_url(const struct awsq_settings *s, const char *service);

/* Frees what s holds and leaves it empty. NULL is allowed. */
void awsq_settings_free(struct awsq_settings *s);

AWSQ_END_DECLS

#endif
