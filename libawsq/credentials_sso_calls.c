/*
 * The two calls that SSO takes. They are not signed, and of a protocol (REST with JSON) that no
 * other call of the library is of.
 */
#include "banned.h"

#include "credentials_answer.h"
#include "credentials_sso.h"

#include <awsq/endpoint.h>
#include <awsq/json.h>
#include <awsq/query.h>
#include <awsq/retry.h>

#define MAX_TEXT   ((size_t)256 * 1024)
#define TIMEOUT_MS 30000

static int no_memory(struct awsq_err *why)
{
	return awsq_err_set(why, AWSQ_ENOMEM, "out of memory");
}

/* Puts the service's URL into out; the rest of it is the caller's. */
static int begin_url(struct awsq_buf *out, const struct sso *sso, const char *service,
	struct awsq_err *why)
{
	const struct awsq_endpoint_options options = { sso->settings->fips,
		sso->settings->dualstack, awsq_settings_endpoint_url(sso->settings, service) };
	struct awsq_endpoint endpoint;
	int rc = awsq_endpoint_resolve(&endpoint, service, sso->region, &options, why);

	if (rc == 0)
		awsq_buf_adds(out, endpoint.url);
	return rc;
}

/* What an answer that is an error says. */
static int read_error(struct awsq_err *why, int status, const struct awsq_buf *body)
{
	awsq_err_clear(why);
	if (awsq_json_error(why, awsq_buf_str(body), body->len) != 0)
		(void)awsq_err_set(why, AWSQ_ESERVICE, "HTTP status %d%s%.200s", status,
			body->len ? ": " : "", awsq_buf_str(body));
	why->http_status = status;
	return why->code;
}

/* Sends it, again where that may help, and leaves a successful answer in body. */
static int send_call(struct awsq_buf *body, const struct sso *sso, const struct awsq_fetch *http,
	struct awsq_err *why)
{
	const struct awsq_clock *clock = sso->s->clock;
	int most = sso->settings->max_attempts ? sso->settings->max_attempts
	                                       : AWSQ_MAX_ATTEMPTS_DEFAULT;
	struct awsq_attempt attempt = { .repeatable = 1, .err = why };
	struct awsq_retry_bucket bucket;
	struct awsq_retry retry = { 0 };

	awsq_retry_bucket_init(&bucket);
	for (;;) {
		int status, rc;

		awsq_buf_reset(body);
		rc = awsq_fetch(&status, body, http, why);
		if (rc == 0 && status == 200)
			return 0;
		if (rc == 0)
			rc = read_error(why, status, body);
		attempt.number++;
		if (awsq_retry_judge(&retry, &bucket, &attempt, most, clock->chance(clock->arg)) !=
			AWSQ_RETRY)
			return rc;
		awsq_log(sso->s->log, AWSQ_LOG_INFO, "credentials: SSO: %s %s; again in %d ms",
			why->aws_code, why->message, (int)retry.delay_ms);
		(void)clock->sleep_ms(clock->arg, retry.delay_ms, http->cancel_fd);
	}
}

static int parse(void *out, const struct awsq_shape *shape, const struct awsq_buf *body,
	struct awsq_err *why)
{
	int rc = awsq_json_fill(shape, out, awsq_buf_str(body), body->len);

	if (rc == AWSQ_ENOMEM)
		return no_memory(why);
	return rc == 0 ? 0 : awsq_err_set(why, rc, "an answer that is no JSON object");
}

/* ---- CreateToken */

static const struct awsq_field grant_fields[] = {
	AWSQ_STRING(struct sso_grant, access_token, "accessToken"),
	AWSQ_STRING(struct sso_grant, refresh_token, "refreshToken"),
	AWSQ_INT(struct sso_grant, expires_in, "expiresIn"),
};
static const struct awsq_shape grant_shape = AWSQ_SHAPE(struct sso_grant, grant_fields);

void sso_grant_free(struct sso_grant *grant)
{
	credentials_wipe(&grant_shape, grant);
}

int sso_create_token(struct sso_grant *out, const struct sso *sso, const struct sso_token *token,
	struct awsq_err *why)
{
	static const struct awsq_header type = { "Content-Type", "application/json" };
	struct awsq_buf url = AWSQ_BUF_INIT(MAX_TEXT), text = AWSQ_BUF_INIT(MAX_TEXT);
	struct awsq_buf body = AWSQ_BUF_INIT(MAX_TEXT);
	struct awsq_fetch http = { .method = "POST",
		.headers = &type,
		.n_headers = 1,
		.timeout_ms = TIMEOUT_MS,
		.cancel_fd = sso->s->cancel_fd };
	int rc = begin_url(&url, sso, "oidc", why);

	memset(out, 0, sizeof(*out));
	awsq_buf_adds(&url, "/token");
	awsq_json_add(&text, "refresh_token", "grantType");
	awsq_json_add(&text, token->client_id, "clientId");
	awsq_json_add(&text, token->client_secret, "clientSecret");
	awsq_json_add(&text, token->refresh_token, "refreshToken");
	awsq_json_end(&text);
	if (rc == 0 && (awsq_buf_error(&text) || awsq_buf_error(&url)))
		rc = no_memory(why);
	http.url = awsq_buf_str(&url);
	http.body = awsq_buf_str(&text);
	http.body_len = text.len;
	http.ca_bundle = sso->settings->ca_bundle;
	if (rc == 0)
		rc = send_call(&body, sso, &http, why);
	if (rc == 0)
		rc = parse(out, &grant_shape, &body, why);
	if (rc == 0 && (!out->access_token || out->expires_in <= 0))
		rc = awsq_err_set(why, AWSQ_EPARSE, "an answer without a token");
	if (rc != 0)
		sso_grant_free(out);
	awsq_buf_free(&url);
	awsq_buf_wipe(&text);
	awsq_buf_wipe(&body);
	return rc;
}

/* ---- GetRoleCredentials */

struct role_credentials {
	char *key_id;
	char *secret;
	char *token;
	int64_t expiration; /* milliseconds since the epoch */
};

#define ROLE "roleCredentials/"

static const struct awsq_field role_fields[] = {
	AWSQ_STRING(struct role_credentials, key_id, ROLE "accessKeyId"),
	AWSQ_STRING(struct role_credentials, secret, ROLE "secretAccessKey"),
	AWSQ_STRING(struct role_credentials, token, ROLE "sessionToken"),
	AWSQ_INT(struct role_credentials, expiration, ROLE "expiration"),
};
static const struct awsq_shape role_shape = AWSQ_SHAPE(struct role_credentials, role_fields);

/* s->err is filled by whoever takes them, why by us. */
static int take(struct awsq_credentials *out, const struct sso *sso,
	const struct role_credentials *role, const char *source, struct awsq_err *why)
{
	const struct found found = { role->key_id, role->secret, role->token };
	struct search s = *sso->s;

	if (!role->key_id || !role->secret || !role->token || role->expiration <= 0)
		return awsq_err_set(why, AWSQ_EPARSE, "an answer without credentials");
	s.err = why;
	out->expires = role->expiration / 1000;
	return credentials_take(out, &s, &found, source);
}

int sso_get_role_credentials(struct awsq_credentials *out, const struct sso *sso,
	const char *access_token, const char *source, struct awsq_err *why)
{
	const struct awsq_header bearer = { "x-amz-sso_bearer_token", access_token };
	struct awsq_buf url = AWSQ_BUF_INIT(MAX_TEXT), body = AWSQ_BUF_INIT(MAX_TEXT);
	struct awsq_fetch http = { .headers = &bearer,
		.n_headers = 1,
		.timeout_ms = TIMEOUT_MS,
		.cancel_fd = sso->s->cancel_fd };
	struct role_credentials role = { 0 };
	int rc = begin_url(&url, sso, "sso", why);

	awsq_buf_adds(&url, "/federation/credentials?role_name=");
	awsq_query_escape(&url, sso->role);
	awsq_buf_adds(&url, "&account_id=");
	awsq_query_escape(&url, sso->account);
	if (rc == 0 && awsq_buf_error(&url))
		rc = no_memory(why);
	http.url = awsq_buf_str(&url);
	http.ca_bundle = sso->settings->ca_bundle;
	if (rc == 0)
		rc = send_call(&body, sso, &http, why);
	if (rc == 0)
		rc = parse(&role, &role_shape, &body, why);
	if (rc == 0)
		rc = take(out, sso, &role, source, why);
	credentials_wipe(&role_shape, &role);
	awsq_buf_free(&url);
	awsq_buf_wipe(&body);
	return rc;
}
