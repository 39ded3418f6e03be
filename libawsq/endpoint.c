#include "banned.h"

#include "authority.h"

#include <awsq/endpoint.h>

#include <stdio.h>
#include <string.h>

struct partition {
	const char *prefix;    /* of its regions' names */
	const char *suffix[2]; /* of its hosts' names: plain, dual-stack */
	int fips_is_plain;     /* without dual stack, the plain hosts are the FIPS ones */
	/* IAM answers in one place per partition, which its rule set names one by one. */
	const char *iam[2];        /* plain, dual-stack */
	const char *iam_fips[2];   /* plain, dual-stack */
	const char *iam_region[2]; /* to sign for: plain, FIPS */
};

/* As botocore 1.43.11 has them. The last one also stands for every region that is not known. */
static const struct partition partitions[] = {
	{
		.prefix = "cn-",
		.suffix = { "amazonaws.com.cn", "api.amazonwebservices.com.cn" },
		.iam = { "iam.cn-north-1.amazonaws.com.cn",
			"iam.global.api.amazonwebservices.com.cn" },
		.iam_fips = { "iam-fips.amazonaws.com.cn",
			"iam-fips.api.amazonwebservices.com.cn" },
		.iam_region = { "cn-north-1", "cn-northwest-1" },
	},
	{
		.prefix = "us-gov-",
		.suffix = { "amazonaws.com", "api.aws" },
		.fips_is_plain = 1,
		.iam = { "iam.us-gov.amazonaws.com", "iam.us-gov.api.aws" },
		.iam_fips = { "iam.us-gov.amazonaws.com", "iam.us-gov.api.aws" },
		.iam_region = { "us-gov-west-1", "us-gov-west-1" },
	},
	{
		.prefix = "us-iso-",
		.suffix = { "c2s.ic.gov", "api.aws.ic.gov" },
		.iam = { "iam.us-iso-east-1.c2s.ic.gov", "iam.api.aws.ic.gov" },
		.iam_fips = { "iam-fips.us-iso-east-1.c2s.ic.gov", "iam-fips.api.aws.ic.gov" },
		.iam_region = { "us-iso-east-1", "us-iso-east-1" },
	},
	{
		.prefix = "us-isob-",
		.suffix = { "sc2s.sgov.gov", "api.aws.scloud" },
		.iam = { "iam.us-isob-east-1.sc2s.sgov.gov", "iam.api.aws.scloud" },
		.iam_fips = { "iam-fips.us-isob-east-1.sc2s.sgov.gov", "iam-fips.api.aws.scloud" },
		.iam_region = { "us-isob-east-1", "us-isob-east-1" },
	},
	{
		.prefix = "eu-isoe-",
		.suffix = { "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk" },
		.iam = { "iam.eu-isoe-west-1.cloud.adc-e.uk", "iam.api.cloud-aws.adc-e.uk" },
		.iam_fips = { "iam-fips.cloud.adc-e.uk", "iam-fips.api.cloud-aws.adc-e.uk" },
		.iam_region = { "eu-isoe-west-1", "eu-isoe-west-1" },
	},
	{
		.prefix = "us-isof-",
		.suffix = { "csp.hci.ic.gov", "api.aws.hci.ic.gov" },
		.iam = { "iam.us-isof-south-1.csp.hci.ic.gov", "iam.api.aws.hci.ic.gov" },
		.iam_fips = { "iam-fips.csp.hci.ic.gov", "iam-fips.api.aws.hci.ic.gov" },
		.iam_region = { "us-isof-south-1", "us-isof-south-1" },
	},
	{
		.prefix = "eusc-de-",
		.suffix = { "amazonaws.eu", "api.amazonwebservices.eu" },
		.iam = { "iam.eusc-de-east-1.amazonaws.eu", "iam.api.amazonwebservices.eu" },
		.iam_fips = { "iam-fips.amazonaws.eu", "iam-fips.api.amazonwebservices.eu" },
		.iam_region = { "eusc-de-east-1", "eusc-de-east-1" },
	},
	{
		.prefix = "",
		.suffix = { "amazonaws.com", "api.aws" },
		.iam = { "iam.amazonaws.com", "iam.global.api.aws" },
		.iam_fips = { "iam-fips.amazonaws.com", "iam-fips.global.api.aws" },
		.iam_region = { "us-east-1", "us-east-1" },
	},
};

static int starts_with(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* Puts text into out, which has room for size bytes; AWSQ_EINVAL when it does not fit. */
static int fill(char *out, size_t size, const char *text, size_t len)
{
	if (len >= size)
		return AWSQ_EINVAL;
	memcpy(out, text, len);
	out[len] = '\0';
	return 0;
}

static int is_label(const char *s)
{
	size_t len = strlen(s);

	return len > 0 && len < AWSQ_REGION_SIZE &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == len && s[0] != '-' &&
	       s[len - 1] != '-';
}

int awsq_region_valid(const char *region)
{
	static const char pseudo[] = "-global";
	size_t len = strlen(region), tail = sizeof(pseudo) - 1;

	return is_label(region) && !(len > tail && strcmp(region + len - tail, pseudo) == 0);
}

static const struct partition *find_partition(const char *region)
{
	const struct partition *p = partitions;

	while (!starts_with(region, p->prefix))
		p++;
	return p;
}

/* The host that AWS itself has for the service. */
static int aws_host(struct awsq_endpoint *out, const struct partition *p, const char *service,
	const char *region, const struct awsq_endpoint_options *o)
{
	int dual = o->dualstack != 0;
	/* KMS has hosts of its own for it everywhere. */
	int is_plain = !dual && p->fips_is_plain && strcmp(service, "kms") != 0;
	const char *fips = o->fips && !is_plain ? "-fips" : "";
	int len;

	if (strcmp(service, "iam") == 0)
		len = snprintf(out->host, sizeof(out->host), "%s",
			o->fips ? p->iam_fips[dual] : p->iam[dual]);
	else
		len = snprintf(out->host, sizeof(out->host), "%s%s.%s.%s", service, fips, region,
			p->suffix[dual]);
	if (len < 0 || (size_t)len >= sizeof(out->host))
		return AWSQ_EINVAL;
	(void)snprintf(out->url, sizeof(out->url), "https://%s", out->host);
	return 0;
}

/* The host and port of the URL given, as the Host header has them (RFC 9110, section 7.2). */
static int url_host(struct awsq_endpoint *out, const char *text, size_t len, int64_t default_port)
{
	char host[AUTHORITY_HOST_SIZE];
	int64_t port;

	if (authority_parse(host, &port, text, len) != 0)
		return AWSQ_EINVAL;
	if (port == 0 || port == default_port)
		(void)snprintf(out->host, sizeof(out->host), "%s", host);
	else
		(void)snprintf(out->host, sizeof(out->host), "%s:%d", host, (int)port);
	return 0;
}

/* A path in visible ASCII, and neither query nor fragment, since it goes before other paths. */
static int url_path(struct awsq_endpoint *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] <= ' ' || text[i] > '~' || text[i] == '?' || text[i] == '#')
			return AWSQ_EINVAL;
	}
	return fill(out->path, sizeof(out->path), text, len);
}

/* Rewritten with its host as in the Host header, so that what curl sends is what gets signed. */
static int url_given(struct awsq_endpoint *out, const char *url)
{
	int tls = starts_with(url, "https://");
	size_t len = strlen(url), start = tls ? 8 : 7, end;
	int rc;

	if (!tls && !starts_with(url, "http://"))
		return AWSQ_EINVAL;
	while (len > start && url[len - 1] == '/')
		len--;
	end = start + strcspn(url + start, "/?#");
	if (end > len)
		end = len;
	rc = url_host(out, url + start, end - start, tls ? 443 : 80);
	if (rc == 0)
		rc = url_path(out, url + end, len - end);
	if (rc == 0)
		(void)snprintf(out->url, sizeof(out->url), "http%s://%s%s", tls ? "s" : "",
			out->host, out->path);
	return rc;
}

int awsq_endpoint_resolve(struct awsq_endpoint *out, const char *service, const char *region,
	const struct awsq_endpoint_options *options, struct awsq_err *err)
{
	static const struct awsq_endpoint_options none = { 0, 0, NULL };
	const struct awsq_endpoint_options *o = options ? options : &none;
	const struct partition *p;
	const char *signing = region;

	memset(out, 0, sizeof(*out));
	if (!awsq_region_valid(region))
		return awsq_err_set(err, AWSQ_EINVAL, "'%s' is not the name of a region", region);
	if (!is_label(service))
		return awsq_err_set(err, AWSQ_EINVAL, "'%s' is not the name of a service", service);
	if (strcmp(service, "sso") == 0)
		service = "portal.sso"; /* the one whose hosts are not named for it */
	p = find_partition(region);
	/* Also with a URL of the user's own, where botocore signs for the region asked for: it may
	 * lead to the real IAM, which takes no other region than its own. */
	if (strcmp(service, "iam") == 0)
		signing = p->iam_region[o->fips && !o->url];
	(void)fill(out->signing_region, sizeof(out->signing_region), signing, strlen(signing));
	if (!o->url && aws_host(out, p, service, region, o) != 0)
		return awsq_err_set(err, AWSQ_EINVAL, "'%s' is too long for an endpoint", region);
	if (o->url && url_given(out, o->url) != 0)
		return awsq_err_set(err, AWSQ_EINVAL,
			"'%s' is not an endpoint: 'http://HOST[:PORT][/PATH]' or 'https://...' is",
			o->url);
	return 0;
}
