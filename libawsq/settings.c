#include "banned.h"

#include "proxy.h"
#include "user_files.h"

#include <awsq/hash.h>
#include <awsq/num.h>
#include <awsq/settings.h>

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ATTEMPTS 1000

#define URL(name) offsetof(struct awsq_settings, endpoint_url_##name)

/* Where each service's endpoint may be set, beside where that of all is. */
static const struct {
	const char *service;  /* as awsq_endpoint_resolve() names it */
	const char *variable; /* of its own */
	const char *key;      /* in a [services] section */
	size_t member;
} endpoints[] = {
	{ "ec2", "AWS_ENDPOINT_URL_EC2", "ec2", URL(ec2) },
	{ "iam", "AWS_ENDPOINT_URL_IAM", "iam", URL(iam) },
	{ "sts", "AWS_ENDPOINT_URL_STS", "sts", URL(sts) },
	{ "kms", "AWS_ENDPOINT_URL_KMS", "kms", URL(kms) },
	{ "servicequotas", "AWS_ENDPOINT_URL_SERVICE_QUOTAS", "service_quotas",
		URL(service_quotas) },
	{ "ssm", "AWS_ENDPOINT_URL_SSM", "ssm", URL(ssm) },
	{ "sso", "AWS_ENDPOINT_URL_SSO", "sso", URL(sso) },
	{ "oidc", "AWS_ENDPOINT_URL_SSO_OIDC", "sso_oidc", URL(sso_oidc) },
};

#define N_ENDPOINTS (sizeof(endpoints) / sizeof(endpoints[0]))

/* Where settings are looked up. */
struct sources {
	const struct user_files *files;
	const struct awsq_environment *env;
	struct awsq_err *err;
};

static const char *process_get(void *arg, const char *name)
{
	(void)arg;
	return getenv(name);
}

const struct awsq_environment awsq_environment_process = { process_get, NULL };

static int keep(char **out, const char *value, struct awsq_err *err)
{
	if (!value)
		return 0;
	*out = strdup(value);
	return *out ? 0 : awsq_err_set(err, AWSQ_ENOMEM, "out of memory");
}

/* The variable's value or else the profile's; *where is then the name it was found by. */
static const char *find(const struct sources *s, const char *variable, const char *key,
	const char **where)
{
	const char *value = environment_get(s->env, variable);

	*where = variable;
	if (value)
		return value;
	*where = key;
	return user_files_get(s->files, key);
}

static int get_text(char **out, const struct sources *s, const char *variable, const char *key)
{
	const char *where;

	return keep(out, find(s, variable, key, &where), s->err);
}

static int same_word(const char *a, const char *b)
{
	for (; *a && *b; a++, b++) {
		if ((*a | 0x20) != *b)
			return 0;
	}
	return *a == *b;
}

/* Stricter than botocore, where all but "true" is false: a FIPS endpoint is not lost to a typo. */
static int get_flag(int *out, const struct sources *s, const char *variable, const char *key)
{
	const char *where, *value = find(s, variable, key, &where);

	*out = value && same_word(value, "true");
	if (value && !*out && !same_word(value, "false"))
		return awsq_err_set(s->err, AWSQ_EINVAL,
			"'%s' is '%s', and should be 'true' or 'false'", where, value);
	return 0;
}

static int get_max_attempts(int *out, const struct sources *s)
{
	const char *where, *value = find(s, "AWS_MAX_ATTEMPTS", "max_attempts", &where);
	int64_t n = 0;

	if (value && awsq_parse_int(&n, value, 1, MAX_ATTEMPTS) != 0)
		return awsq_err_set(s->err, AWSQ_EINVAL,
			"'%s' is '%s', and should be a number from 1 to %d", where, value,
			MAX_ATTEMPTS);
	*out = (int)n;
	return 0;
}

/* What the [services] section that the profile names has for a service; *value NULL if nothing. */
static int find_in_services(const char **value, const struct sources *s, const char *service)
{
	const struct awsq_profiles *config = s->files->config;
	const char *name = user_files_get(s->files, "services");

	*value = NULL;
	if (!name)
		return 0;
	if (!awsq_profiles_has(config, AWSQ_SECTION_SERVICES, name))
		return awsq_err_set(s->err, AWSQ_EINVAL,
			"profile '%s' names the services '%s', but there is no section [services "
			"%s]",
			s->files->profile, name, name);
	*value =
		awsq_profiles_get_sub(config, AWSQ_SECTION_SERVICES, name, service, "endpoint_url");
	return 0;
}

static char **url_member(struct awsq_settings *s, size_t i)
{
	return (char **)(void *)((char *)s + endpoints[i].member);
}

static int get_endpoint(struct awsq_settings *out, const struct sources *s, size_t i)
{
	const char *value = environment_get(s->env, endpoints[i].variable);
	int rc;

	if (!value)
		value = environment_get(s->env, "AWS_ENDPOINT_URL");
	if (value)
		return keep(url_member(out, i), value, s->err);
	rc = find_in_services(&value, s, endpoints[i].key);
	if (rc != 0)
		return rc;
	if (!value || *value == '\0')
		value = user_files_get(s->files, "endpoint_url");
	return keep(url_member(out, i), value, s->err);
}

static int get_endpoints(struct awsq_settings *out, const struct sources *s)
{
	int ignore = 0;
	int rc = get_flag(&ignore, s, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
		"ignore_configured_endpoint_urls");

	for (size_t i = 0; rc == 0 && !ignore && i < N_ENDPOINTS; i++)
		rc = get_endpoint(out, s, i);
	return rc;
}

/* They all mean the standard mode here; botocore refuses others, too. */
static int check_retry_mode(const struct sources *s)
{
	const char *where, *value = find(s, "AWS_RETRY_MODE", "retry_mode", &where);

	if (!value || strcmp(value, "standard") == 0 || strcmp(value, "adaptive") == 0 ||
		strcmp(value, "legacy") == 0)
		return 0;
	return awsq_err_set(s->err, AWSQ_EINVAL,
		"'%s' is '%s', and should be 'standard', 'adaptive' or 'legacy'", where, value);
}

static int get_ca_bundle(char **out, const struct sources *s)
{
	int rc = get_text(out, s, "AWS_CA_BUNDLE", "ca_bundle");

	if (rc == 0 && !*out)
		rc = keep(out, environment_get(s->env, "REQUESTS_CA_BUNDLE"), s->err);
	return rc;
}

static int get_proxies(struct awsq_settings *out, const struct sources *s)
{
	struct proxies found;
	int rc;

	proxies_find(&found, s->env);
	rc = keep(&out->http_proxy, found.http, s->err);
	if (rc == 0)
		rc = keep(&out->https_proxy, found.https, s->err);
	if (rc == 0)
		rc = keep(&out->no_proxy, found.no, s->err);
	return rc;
}

static int get_region(char **out, const struct sources *s)
{
	const char *value = environment_get(s->env, "AWS_REGION");

	/* Unlike botocore, which knows only the second one. */
	return value ? keep(out, value, s->err) : get_text(out, s, "AWS_DEFAULT_REGION", "region");
}

static int get_all(struct awsq_settings *out, const struct sources *s)
{
	int rc = keep(&out->profile, s->files->profile, s->err);

	if (rc == 0)
		rc = get_region(&out->region, s);
	if (rc == 0)
		rc = get_endpoints(out, s);
	if (rc == 0)
		rc = get_ca_bundle(&out->ca_bundle, s);
	if (rc == 0)
		rc = get_proxies(out, s);
	if (rc == 0)
		rc = get_max_attempts(&out->max_attempts, s);
	if (rc == 0)
		rc = check_retry_mode(s);
	if (rc == 0)
		rc = get_flag(&out->fips, s, "AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint");
	if (rc == 0)
		rc = get_flag(&out->dualstack, s, "AWS_USE_DUALSTACK_ENDPOINT",
			"use_dualstack_endpoint");
	return rc;
}

int awsq_settings_load(struct awsq_settings *out, const char *profile,
	const struct awsq_environment *env, struct awsq_err *err)
{
	struct user_files files;
	int rc = user_files_load(&files, profile, env, err);

	memset(out, 0, sizeof(*out));
	if (rc == 0)
		rc = get_all(out, &(struct sources){ &files, env, err });
	if (rc != 0)
		awsq_settings_free(out);
	user_files_free(&files);
	return rc;
}

/* A proxy's URL may have a password. */
static void free_secret(char *text)
{
	if (text)
		awsq_wipe(text, strlen(text));
	free(text);
}

void awsq_settings_free(struct awsq_settings *s)
{
	if (!s)
		return;
	free(s->profile);
	free(s->region);
	for (size_t i = 0; i < N_ENDPOINTS; i++)
		free(*url_member(s, i));
	free(s->ca_bundle);
	free_secret(s->http_proxy);
	free_secret(s->https_proxy);
	free(s->no_proxy);
	memset(s, 0, sizeof(*s));
}

const char *awsq_settings_endpoint_url(const struct awsq_settings *s, const char *service)
{
	for (size_t i = 0; i < N_ENDPOINTS; i++) {
		if (strcmp(endpoints[i].service, service) == 0)
			return *(char *const *)(const void *)((const char *)s +
							      endpoints[i].member);
	}
	return NULL;
}
