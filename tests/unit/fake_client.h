/*
 * fake_client.h: a client for the tests of calls whose endpoint is a scripted server, with a clock
 * of which the tests decide the time of day and the chance, and a log that is kept.
 */
#ifndef AWSQ_TESTS_FAKE_CLIENT_H
#define AWSQ_TESTS_FAKE_CLIENT_H

#include <awsq/client.h>
#include <awsq/ec2.h>
#include <awsq/sts.h>

#include "http_server.h"

#define FAKE_SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define FAKE_NOW_MS INT64_C(1440938160000) /* 2015-08-30T12:36:00Z */

struct fake {
	struct server *server;
	struct awsq_client *client;
	struct awsq_client_options options;
	struct awsq_settings settings;
	struct awsq_credentials credentials;
	struct awsq_clock clock;
	struct awsq_log log;
	struct awsq_buf logged;
	char access_key_id[32], secret[64], token[64], url[64];
	int64_t wall_ms;
	int64_t wall_step_ms; /* that each look at the clock takes */
};

static inline int64_t fake_wall_ms(void *arg)
{
	struct fake *f = arg;

	f->wall_ms += f->wall_step_ms;
	return f->wall_ms - f->wall_step_ms;
}

/* Deadlines are real: libcurl waits in real time. */
static inline int64_t fake_mono_ms(void *arg)
{
	(void)arg;
	return awsq_clock_system.mono_ms(awsq_clock_system.arg);
}

/* Retries come at once. */
static inline double fake_chance(void *arg)
{
	(void)arg;
	return 0;
}

static inline double fake_half(void *arg)
{
	(void)arg;
	return 0.5;
}

static inline double fake_almost_one(void *arg)
{
	(void)arg;
	return 0.999;
}

static inline int fake_sleep_ms(void *arg, int64_t ms, int cancel_fd)
{
	(void)arg;
	return awsq_clock_system.sleep_ms(awsq_clock_system.arg, ms, cancel_fd);
}

static inline void fake_write(void *arg, enum awsq_log_level level, const char *line)
{
	struct fake *f = arg;

	(void)level;
	awsq_buf_addf(&f->logged, "%s\n", line);
}

/* What the tests may still change before the client is made. */
static inline void fake_prepare(struct fake *f, const struct answer *answers, size_t n)
{
	memset(f, 0, sizeof(*f));
	f->server = server_begin(answers, n);
	awsq_buf_init(&f->logged, 1024 * 1024);
	(void)snprintf(f->url, sizeof(f->url), "http://127.0.0.1:%d", f->server->port);
	(void)snprintf(f->access_key_id, sizeof(f->access_key_id), "AKIDEXAMPLE");
	(void)snprintf(f->secret, sizeof(f->secret), FAKE_SECRET);
	f->credentials.access_key_id = f->access_key_id;
	f->credentials.secret_access_key = f->secret;
	f->settings.endpoint_url_ec2 = f->url;
	f->settings.endpoint_url_iam = f->url;
	f->settings.endpoint_url_sts = f->url;
	f->settings.endpoint_url_kms = f->url;
	f->settings.endpoint_url_service_quotas = f->url;
	f->settings.endpoint_url_ssm = f->url;
	f->wall_ms = FAKE_NOW_MS;
	f->clock = (struct awsq_clock){ fake_wall_ms, fake_mono_ms, fake_chance, fake_sleep_ms, f };
	f->log = (struct awsq_log){ AWSQ_LOG_DEBUG, fake_write, f };
	f->options = (struct awsq_client_options){ .region = "us-west-2",
		.credentials = &f->credentials,
		.settings = &f->settings,
		.clock = &f->clock,
		.log = &f->log,
		.connect_timeout_ms = 5000,
		.attempt_timeout_ms = 5000,
		.run_timeout_ms = 10000 };
}

static inline void fake_open(struct fake *f)
{
	assert_int_equal(awsq_client_new(&f->client, &f->options, NULL), 0);
}

static inline void fake_begin(struct fake *f, const struct answer *answers, size_t n)
{
	fake_prepare(f, answers, n);
	fake_open(f);
}

static inline void fake_end(struct fake *f)
{
	awsq_client_free(f->client);
	server_end(f->server);
	awsq_buf_free(&f->logged);
}

#define FAKE_BEGIN(f, answers) fake_begin(f, answers, sizeof(answers) / sizeof((answers)[0]))

static inline int fake_global_begin(void **state)
{
	(void)state;
	return awsq_global_init();
}

static inline int fake_global_end(void **state)
{
	(void)state;
	awsq_global_free();
	return 0;
}

#endif
