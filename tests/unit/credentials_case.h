/*
 * credentials_case.h: what the tests of providers of credentials have in common: a user, a clock
 * that goes only where it is set to, and loading with the one for the other.
 */
#ifndef AWSQ_TESTS_CREDENTIALS_CASE_H
#define AWSQ_TESTS_CREDENTIALS_CASE_H

#include <awsq/client.h>
#include <awsq/clock.h>
#include <awsq/credentials.h>
#include <awsq/log.h>

#include "fake_user.h"
#include "http_server.h"

#define KEYS_NOW 1440938160 /* 2015-08-30T12:36:00Z */

struct credentials_case {
	struct fake_user user;
	struct awsq_clock clock;
	int64_t now; /* seconds */
	int64_t slept_ms;
	int sleeps;
	void (*on_sleep)(struct credentials_case *k); /* NULL: nothing happens meanwhile */
	double chance;
	struct awsq_log log;
	char logged[2048];
	const char *profile; /* named by the caller */
	struct awsq_credentials c;
	struct awsq_err err;
	struct server *server;
	char url[64]; /* of the server */
};

static inline int64_t case_wall_ms(void *arg)
{
	return ((struct credentials_case *)arg)->now * 1000;
}

static inline int64_t case_mono_ms(void *arg)
{
	(void)arg;
	return awsq_clock_system.mono_ms(awsq_clock_system.arg);
}

static inline double case_chance(void *arg)
{
	return ((struct credentials_case *)arg)->chance;
}

static inline int case_sleep_ms(void *arg, int64_t ms, int cancel_fd)
{
	struct credentials_case *k = arg;

	(void)cancel_fd;
	k->slept_ms += ms;
	k->sleeps++;
	if (k->on_sleep)
		k->on_sleep(k);
	return 0;
}

static inline void case_log(void *arg, enum awsq_log_level level, const char *line)
{
	struct credentials_case *k = arg;
	size_t len = strlen(k->logged);

	(void)level;
	(void)snprintf(k->logged + len, sizeof(k->logged) - len, "%s\n", line);
}

/* With a server, unless there are no answers. */
static inline void case_begin(struct credentials_case *k, const struct answer *answers, size_t n)
{
	memset(k, 0, sizeof(*k));
	fake_begin(&k->user);
	k->clock = (struct awsq_clock){ case_wall_ms, case_mono_ms, case_chance, case_sleep_ms, k };
	k->now = KEYS_NOW;
	k->log = (struct awsq_log){ AWSQ_LOG_DEBUG, case_log, k };
	if (n > 0) {
		k->server = server_begin(answers, n);
		(void)snprintf(k->url, sizeof(k->url), "http://127.0.0.1:%d", k->server->port);
	}
}

#define CASE_BEGIN(k, answers) case_begin(k, answers, sizeof(answers) / sizeof((answers)[0]))

static inline void case_end(struct credentials_case *k)
{
	awsq_credentials_free(&k->c);
	if (k->server)
		server_end(k->server);
	fake_end(&k->user);
}

static inline int case_load(struct credentials_case *k)
{
	const struct awsq_credentials_options options = {
		.profile = k->profile, .env = &k->user.env, .clock = &k->clock, .log = &k->log
	};

	awsq_credentials_free(&k->c);
	k->sleeps = 0;
	k->slept_ms = 0;
	k->logged[0] = '\0';
	return awsq_credentials_load(&k->c, &options, &k->err);
}

/* Loads and expects these keys of that provider; token may be NULL, expires 0. */
static inline void case_finds(struct credentials_case *k, const char *key, const char *secret,
	const char *token, int64_t expires, const char *source)
{
	if (case_load(k) != 0)
		fail_msg("%s", k->err.message);
	assert_string_equal(k->c.access_key_id, key);
	assert_string_equal(k->c.secret_access_key, secret);
	if (token)
		assert_string_equal(k->c.session_token, token);
	else
		assert_null(k->c.session_token);
	assert_int_equal(k->c.expires, expires);
	assert_string_equal(k->c.source, source);
}

/* Loads and expects an error with this in its message. */
static inline void case_refuses(struct credentials_case *k, int code, const char *part)
{
	assert_int_equal(case_load(k), code);
	assert_int_equal(k->err.code, code);
	if (!strstr(k->err.message, part))
		fail_msg("%s", k->err.message);
	assert_null(k->c.access_key_id);
	assert_null(k->c.secret_access_key);
}

/* The request line of a request, without the version. Static: good until the next call. */
static inline const char *case_request(const struct credentials_case *k, int i)
{
	static char line[1024];
	const char *head = k->server->requests[i].head;

	assert_true(i < k->server->n_requests);
	(void)snprintf(line, sizeof(line), "%.*s", (int)(strcspn(head, "\r") - strlen(" HTTP/1.1")),
		head);
	return line;
}

/* A header of a request; "" when it is not there. Static: good until the next call. */
static inline const char *case_header(const struct credentials_case *k, int i, const char *name)
{
	static char value[1024];

	assert_true(i < k->server->n_requests);
	return request_header(value, sizeof(value), &k->server->requests[i], name);
}

static inline int case_set_up(void **state)
{
	(void)state;
	return awsq_global_init();
}

static inline int case_tear_down(void **state)
{
	(void)state;
	awsq_global_free();
	return 0;
}

#endif
