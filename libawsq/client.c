#include "banned.h"

#include "client_private.h"
#include "credentials_source.h"
#include "xml.h"

#define DEFAULT_CONNECT_TIMEOUT_MS 5000
#define DEFAULT_ATTEMPT_TIMEOUT_MS 30000
#define DEFAULT_RUN_TIMEOUT_MS     90000

int awsq_global_init(void)
{
	xml_global_init();
	return http_global_init();
}

void awsq_global_free(void)
{
	http_global_free();
}

static void fill_defaults(struct awsq_client_options *o)
{
	if (!o->settings && o->source)
		o->settings = credentials_source_settings(o->source);
	if (!o->clock)
		o->clock = &awsq_clock_system;
	if (o->connect_timeout_ms == 0)
		o->connect_timeout_ms = DEFAULT_CONNECT_TIMEOUT_MS;
	if (o->attempt_timeout_ms == 0)
		o->attempt_timeout_ms = DEFAULT_ATTEMPT_TIMEOUT_MS;
	if (o->run_timeout_ms == 0)
		o->run_timeout_ms = DEFAULT_RUN_TIMEOUT_MS;
}

int client_endpoint(struct awsq_endpoint *out, const struct awsq_client *client,
	const char *service, struct awsq_err *err)
{
	const struct awsq_settings *s = client->options.settings;
	struct awsq_endpoint_options options = { 0, 0, NULL };

	if (s) {
		options.fips = s->fips;
		options.dualstack = s->dualstack;
		options.url = awsq_settings_endpoint_url(s, service);
	}
	return awsq_endpoint_resolve(out, service, client->region, &options, err);
}

int awsq_client_new(struct awsq_client **out, const struct awsq_client_options *options,
	struct awsq_err *err)
{
	const struct awsq_settings *s;
	struct http_options http = { .user_agent = "awsq/" AWSQ_VERSION };
	struct awsq_endpoint endpoint;
	struct awsq_client *c;
	int rc;

	*out = NULL;
	if (!options->region || !awsq_region_valid(options->region))
		return awsq_err_set(err, AWSQ_EINVAL, "'%s' is not a region",
			options->region ? options->region : "");
	c = calloc(1, sizeof(*c));
	if (!c)
		return awsq_err_set(err, AWSQ_ENOMEM, "out of memory");
	(void)snprintf(c->region, sizeof(c->region), "%s", options->region);
	c->options = *options;
	fill_defaults(&c->options);
	s = c->options.settings;
	c->cancel_fd = -1;
	awsq_retry_bucket_init(&c->bucket);
	proxies_find(&http.proxies, &awsq_environment_process);
	if (s) {
		http.ca_bundle = s->ca_bundle;
		http.proxies = (struct proxies){ s->http_proxy, s->https_proxy, s->no_proxy };
	}
	rc = client_endpoint(&endpoint, c, "ec2", err);
	if (rc == 0) {
		rc = http_new(&c->http, &http);
		if (rc != 0)
			awsq_err_set(err, rc, "%s", awsq_strerror(rc));
	}
	if (rc != 0) {
		awsq_client_free(c);
		return rc;
	}
	*out = c;
	return 0;
}

void awsq_client_free(struct awsq_client *client)
{
	if (!client)
		return;
	http_free(client->http);
	free(client);
}

const char *awsq_client_region(const struct awsq_client *client)
{
	return client->region;
}

void awsq_client_set_cancel_fd(struct awsq_client *client, int fd)
{
	client->cancel_fd = fd;
}

void awsq_client_set_deadline(struct awsq_client *client, int64_t deadline_ms)
{
	client->deadline_ms = deadline_ms;
}
