/*
 * The signature of a call's attempts, and the keys for it.
 */
#include "banned.h"

#include "call_private.h"
#include "credentials_source.h"

#include <awsq/sigv4.h>

#define MAX_ANSWER_BYTES (64 * 1024 * 1024)
#define MAX_HEADERS      5

/* The header lines of an attempt. */
struct lines {
	struct awsq_header to_send[MAX_HEADERS];
	size_t n;
	char target[128];
};

static int take_keys(struct running *r)
{
	const struct awsq_client_options *o = &r->client->options;
	struct awsq_err *err = &r->call->err;
	int rc;

	awsq_credentials_free(&r->own);
	r->keys = NULL;
	if (r->call->anonymous)
		return 0;
	r->keys = o->credentials;
	if (r->keys)
		return 0;
	if (!o->source)
		return awsq_err_set(err, AWSQ_ECREDENTIALS, "the client has no credentials");
	r->keys = &r->own;
	rc = awsq_credentials_source_get_until(o->source, r->client->cancel_fd, &r->own, err);
	if (rc != 0) {
		/* Of STS, perhaps, and not of what was to be called. */
		err->aws_code[0] = '\0';
		err->http_status = 0;
	}
	return rc;
}

/* Signs as of this moment, and adds the lines that say so. */
static int sign(struct awsq_sigv4 *s, struct lines *lines, struct running *r)
{
	struct awsq_client *c = r->client;
	const struct awsq_clock *clock = c->options.clock;
	struct awsq_sigv4_keys keys = { r->keys->access_key_id, r->keys->secret_access_key,
		r->keys->session_token };
	struct awsq_header to_sign[3] = { { "Host", r->endpoint.host } };
	char path[sizeof(r->endpoint.path) + 1];
	size_t n = 1;
	int rc;

	/* Content-Type and X-Amz-Target, all that is there as yet. */
	for (size_t i = 0; i < lines->n; i++)
		to_sign[n++] = lines->to_send[i];
	(void)snprintf(path, sizeof(path), "%s/", r->endpoint.path);
	r->skew_ms = c->skew_ms;
	r->signed_at_ms = clock->wall_ms(clock->arg) + r->skew_ms;
	rc = awsq_sigv4_sign(s,
		&(struct awsq_sigv4_request){ "POST", path, NULL, to_sign, n, r->call->body.data,
			r->call->body.len, r->endpoint.signing_region, r->call->service, 0 },
		&keys, r->signed_at_ms / 1000);
	if (rc != 0)
		return rc;
	lines->to_send[lines->n++] = (struct awsq_header){ "X-Amz-Date", s->date };
	lines->to_send[lines->n++] =
		(struct awsq_header){ "Authorization", awsq_buf_str(&s->authorization) };
	if (keys.session_token && *keys.session_token)
		lines->to_send[lines->n++] =
			(struct awsq_header){ "X-Amz-Security-Token", keys.session_token };
	return 0;
}

int call_send(struct running *r,
	int (*on_body)(void *arg, int status, const char *data, size_t len), int64_t timeout_ms)
{
	struct lines lines = { .n = 0 };
	struct awsq_client *c = r->client;
	struct awsq_sigv4 s = { 0 };
	char url[sizeof(r->endpoint.url) + 1];
	int rc;

	(void)snprintf(url, sizeof(url), "%s/", r->endpoint.url);
	lines.to_send[lines.n++] = (struct awsq_header){ "Content-Type",
		r->call->target ? "application/x-amz-json-1.1"
				: "application/x-www-form-urlencoded; charset=utf-8" };
	if (r->call->target) {
		(void)snprintf(lines.target, sizeof(lines.target), "%s.%s", r->call->target,
			r->call->action);
		lines.to_send[lines.n++] = (struct awsq_header){ "X-Amz-Target", lines.target };
	}
	rc = take_keys(r);
	if (rc == 0 && r->keys)
		rc = sign(&s, &lines, r);
	if (rc != 0)
		return rc;
	r->exchange = (struct http_exchange){ .url = url,
		.headers = lines.to_send,
		.n_headers = lines.n,
		.body = r->call->body.data,
		.body_len = r->call->body.len,
		.connect_timeout_ms = c->options.connect_timeout_ms,
		.timeout_ms = timeout_ms,
		.max_answer = MAX_ANSWER_BYTES,
		.only_once = !r->call->repeatable || r->call->counted,
		.on_body = on_body,
		.arg = r };
	/* The header lines are copied by it. */
	rc = http_start(c->http, &r->exchange);
	if (rc != 0 && r->exchange.message[0])
		awsq_err_set(&r->call->err, rc, "%s", r->exchange.message);
	awsq_sigv4_free(&s);
	return rc;
}

/* What AWS says to credentials that have expired, or were withdrawn. */
static int is_refused(const struct awsq_err *err)
{
	static const char *const codes[] = { "ExpiredToken", "ExpiredTokenException",
		"RequestExpired", "InvalidClientTokenId", "UnrecognizedClientException",
		"AuthFailure" };

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (awsq_err_is(err, codes[i]))
			return 1;
	}
	return 0;
}

int call_renew_keys(struct running *r)
{
	const struct awsq_client_options *o = &r->client->options;
	int rc;

	if (r->renewed || r->keys != &r->own || !is_refused(&r->call->err))
		return 0;
	r->renewed = 1;
	rc = credentials_source_renew(o->source, r->client->cancel_fd, r->keys);
	if (rc == AWSQ_ECANCELED)
		(void)awsq_err_set(&r->call->err, rc, "%s", awsq_strerror(rc));
	if (rc != 1)
		return 0;
	awsq_log(o->log, AWSQ_LOG_WARN,
		"%s: AWS takes the credentials no more (%s): going on with those found now (%s)",
		r->client->region, r->call->err.aws_code, awsq_credentials_source_name(o->source));
	return 1;
}

void call_mask_keys(const struct running *r, struct awsq_err *err)
{
	const char *token = r->keys ? r->keys->session_token : NULL;
	size_t len = token ? strlen(token) : 0;
	char *at;

	/* The message may have been cut off within the token. */
	at = strstr(err->message, "x-amz-security-token:");
	if (at)
		*at = '\0';
	while (len > 0 && (at = strstr(err->message, token)) != NULL)
		memset(at, '*', len);
}
