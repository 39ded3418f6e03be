/*
 * drive_settings: finds out how AWS would be reached in the environments on stdin, for tests that
 * compare with what others find. Each line has, parted by tabs, a URL and the variables, each as
 * NAME=VALUE. It is answered by a line of NAME=VALUE, parted the same way:
 *
 *     SERVICE      its endpoint in us-east-1, or "!" where what is set is not one
 *     ca_bundle, max_attempts
 *     proxy, user, password    for the URL; the first is "!" when what is set is not one
 *
 * or by "error=" and the message, where the settings cannot be used.
 */
#include "banned.h"

#include "proxy.h"

#include <awsq/endpoint.h>
#include <awsq/settings.h>

#include <stdio.h>
#include <string.h>

#define MAX_VARIABLES 32

struct environment {
	const char *variables[MAX_VARIABLES]; /* NAME=VALUE */
	size_t n;
};

static const char *get(void *arg, const char *name)
{
	const struct environment *e = arg;
	size_t len = strlen(name);

	for (size_t i = 0; i < e->n; i++) {
		if (strncmp(e->variables[i], name, len) == 0 && e->variables[i][len] == '=')
			return e->variables[i] + len + 1;
	}
	return NULL;
}

static void print_endpoints(const struct awsq_settings *s)
{
	static const char *const services[] = { "ec2", "iam", "sts", "kms", "servicequotas", "ssm",
		"sso", "oidc" };

	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
		struct awsq_endpoint_options o = { s->fips, s->dualstack,
			awsq_settings_endpoint_url(s, services[i]) };
		struct awsq_endpoint e;
		int rc = awsq_endpoint_resolve(&e, services[i], "us-east-1", &o, NULL);

		(void)printf("%s=%s\t", services[i], rc == 0 ? e.url : "!");
	}
}

static void print_proxy(const struct awsq_settings *s, const char *url)
{
	struct proxies all = { s->http_proxy, s->https_proxy, s->no_proxy };
	struct proxy p;
	int rc = proxy_choose(&p, &all, url, NULL);

	(void)printf("proxy=%s\tuser=%s\tpassword=%s\n", rc == 0 ? p.url : "!",
		awsq_buf_str(&p.user), awsq_buf_str(&p.password));
	proxy_free(&p);
}

static void answer(const char *url, struct environment *e)
{
	struct awsq_environment env = { get, e };
	struct awsq_settings s;
	struct awsq_err err;

	if (awsq_settings_load(&s, NULL, &env, &err) != 0) {
		(void)printf("error=%s\n", err.message);
		return;
	}
	print_endpoints(&s);
	(void)printf("ca_bundle=%s\tmax_attempts=%d\t", s.ca_bundle ? s.ca_bundle : "",
		s.max_attempts);
	print_proxy(&s, url);
	awsq_settings_free(&s);
}

int main(void)
{
	char line[8192];

	while (fgets(line, sizeof(line), stdin)) {
		struct environment e = { .n = 0 };

		line[strcspn(line, "\n")] = '\0';
		for (char *at = strchr(line, '\t'); at; at = strchr(at, '\t')) {
			if (e.n == MAX_VARIABLES)
				return 1;
			*at++ = '\0';
			e.variables[e.n++] = at;
		}
		answer(line, &e);
	}
	return 0;
}
