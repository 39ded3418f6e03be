/*
 * Calls: sign, send, judge, retry, parse; and many at once. What a call is at any time stands in a
 * struct running; awsq_run moves all of them on until none is left.
 */
#include "banned.h"

#include "call_private.h"

#include <awsq/json.h>
#include <awsq/query.h>
#include <awsq/xml.h>

#include <inttypes.h>

#define MAX_BODY_BYTES  (4 * 1024 * 1024)
#define MAX_ERROR_BYTES (64 * 1024)
#define MAX_JSON_BYTES  (4 * 1024 * 1024)

void awsq_call_init_json(struct awsq_call *call, const char *service, const char *target,
	const char *action, const struct awsq_shape *shape, void *out)
{
	memset(call, 0, sizeof(*call));
	call->service = service;
	call->target = target;
	call->action = action;
	call->shape = shape;
	call->out = out;
	awsq_buf_init(&call->body, MAX_BODY_BYTES);
}

void awsq_call_init(struct awsq_call *call, const char *service, const char *version,
	const char *action, const struct awsq_shape *shape, void *out)
{
	awsq_call_init_json(call, service, NULL, action, shape, out);
	awsq_query_add(&call->body, action, "Action");
	awsq_query_add(&call->body, version, "Version");
}

void awsq_call_free(struct awsq_call *call)
{
	awsq_buf_wipe(&call->body);
}

static int64_t now_ms(const struct awsq_client *c)
{
	return c->options.clock->mono_ms(c->options.clock->arg);
}

/* ---- One attempt */

static int on_body(void *arg, int status, const char *data, size_t len)
{
	struct running *r = arg;

	if (status >= 200 && status < 300 && r->call->target) {
		awsq_buf_add(&r->json, data, len);
		return awsq_buf_error(&r->json);
	}
	if (status >= 200 && status < 300)
		return r->xml ? awsq_xml_feed(r->xml, data, len) : 0;
	/* The start of an error is enough, however long it is. */
	if (r->error_body.len + len <= r->error_body.max)
		awsq_buf_add(&r->error_body, data, len);
	return 0;
}

static void end_attempt(struct running *r)
{
	http_end(r->client->http, &r->exchange);
	awsq_xml_free(r->xml);
	r->xml = NULL;
	awsq_buf_reset(&r->json);
	awsq_buf_reset(&r->error_body);
	if (r->call->shape)
		awsq_shape_free(r->call->shape, r->page);
}

/* Names the call in its err, as policies do: these services' names are their prefixes there. */
static void name_action(struct awsq_call *call)
{
	(void)snprintf(call->err.action, sizeof(call->err.action), "%s:%s", call->service,
		call->action);
}

static void end_call(struct running *r, int code)
{
	struct awsq_call *call = r->call;

	end_attempt(r);
	r->phase = ENDED;
	awsq_credentials_free(&r->own);
	r->keys = NULL;
	awsq_buf_truncate(&call->body, r->base_len);
	if (code == 0) {
		awsq_err_clear(&call->err);
		return;
	}
	if (call->err.code != code)
		awsq_err_set(&call->err, code, "%s", awsq_strerror(code));
	name_action(call);
	if (call->shape)
		awsq_shape_free(call->shape, call->out);
}

static void begin_attempt(struct running *r, int64_t deadline_ms)
{
	struct awsq_client *c = r->client;
	int64_t left = deadline_ms - now_ms(c);
	int rc = 0;

	r->attempt++;
	r->call->attempts++;
	if (left > c->options.attempt_timeout_ms)
		left = c->options.attempt_timeout_ms;
	if (r->call->shape && !r->call->target)
		rc = awsq_xml_new(&r->xml, r->call->shape, r->page);
	if (rc == 0)
		rc = call_send(r, on_body, left);
	if (rc != 0) {
		end_call(r, rc);
		return;
	}
	r->phase = FLYING;
	awsq_log(c->options.log, AWSQ_LOG_DEBUG, "%s: %s %s, attempt %d", c->region,
		r->call->service, r->call->action, r->attempt);
}

/* ---- Judging what came back */

/* Reads the end of an answer that is a success. */
static int finish_answer(struct running *r)
{
	if (r->xml)
		return awsq_xml_finish(r->xml);
	if (!r->call->target || !r->call->shape)
		return 0;
	return awsq_json_fill(r->call->shape, r->page, awsq_buf_str(&r->json), r->json.len);
}

/* JSON APIs, too, may have their errors in XML, when it is the signature that is wrong. */
static int read_error(struct running *r, struct awsq_err *err)
{
	const char *text = awsq_buf_str(&r->error_body);

	if (r->call->target && awsq_json_error(err, text, r->error_body.len) == 0)
		return 0;
	return awsq_xml_error(err, text, r->error_body.len);
}

/* Fills the call's err from an answer that is an error, or from the lack of an answer; its code. */
static int outcome(struct running *r)
{
	struct http_exchange *x = &r->exchange;
	struct awsq_err *err = &r->call->err;
	int rc = x->result;

	awsq_err_clear(err);
	if (rc == 0 && x->status >= 200 && x->status < 300) {
		rc = finish_answer(r);
		if (rc == 0)
			return 0;
	}
	if (rc == AWSQ_EPARSE)
		awsq_err_set(err, rc, "the answer from %s was cut short or malformed",
			r->endpoint.url);
	else if (rc != 0)
		awsq_err_set(err, rc, "no answer from %s: %s%s", r->endpoint.url,
			x->message[0] ? x->message : awsq_strerror(rc),
			rc == AWSQ_ETLS ? ": AWS_CA_BUNDLE says whom to trust" : "");
	else if (read_error(r, err) != 0)
		awsq_err_set(err, AWSQ_ESERVICE, "HTTP status %d from %s", x->status,
			r->endpoint.url);
	err->http_status = x->status;
	call_mask_keys(r, err);
	return err->code;
}

/* Makes the body that of the page which token (NULL: none) asks for. */
static void complete_body(struct running *r, const char *token)
{
	struct awsq_buf *body = &r->call->body;

	awsq_buf_truncate(body, r->base_len);
	if (!r->call->target) {
		awsq_query_add(body, token, "NextToken");
		return;
	}
	awsq_json_add(body, token, "NextToken");
	awsq_json_end(body);
}

/* Takes over a page. Whether another one follows is for the token to say. */
static void page_done(struct running *r)
{
	struct awsq_call *call = r->call;
	const char *token;
	int rc = 0;

	awsq_retry_success(&r->client->bucket, &r->retry);
	if (!call->shape) {
		end_call(r, 0);
		return;
	}
	token = awsq_shape_token(call->shape, r->page);
	complete_body(r, token);
	if (call->on_page)
		rc = call->on_page(call->arg, r->page);
	else
		rc = awsq_shape_join(call->shape, call->out, r->page);
	if (rc == 0)
		rc = awsq_buf_error(&call->body);
	if (rc != 0 || !token) {
		end_call(r, rc);
		return;
	}
	end_attempt(r);
	r->phase = WAITING;
	r->attempt = 0;
	r->due_ms = now_ms(r->client);
	memset(&r->retry, 0, sizeof(r->retry));
}

/*
 * What AWS says to one call concerns all of the client: until this one's retry is due, or a moment
 * has passed since it gave up, no other begins.
 */
static void heed_throttle(struct running *r, double chance)
{
	struct awsq_client *c = r->client;
	int64_t delay = r->retry.delay_ms > 0 ? r->retry.delay_ms : (int64_t)(chance * 1000);

	if (awsq_err_is_throttle(&r->call->err) && now_ms(c) + delay > c->quiet_until_ms)
		c->quiet_until_ms = now_ms(c) + delay;
}

static void attempt_done(struct running *r)
{
	struct awsq_client *c = r->client;
	const struct awsq_settings *settings = c->options.settings;
	const struct awsq_clock *clock = c->options.clock;
	struct awsq_attempt attempt = { .number = r->attempt,
		.repeatable = r->call->repeatable,
		.nothing_sent = r->exchange.nothing_sent,
		.err = &r->call->err,
		.skew_corrected = r->skew_corrected };
	int max = settings && settings->max_attempts ? settings->max_attempts
	                                             : AWSQ_MAX_ATTEMPTS_DEFAULT;
	double chance = clock->chance(clock->arg);
	int64_t left = c->run_ends_ms - now_ms(c);
	int rc = outcome(r);
	enum awsq_verdict verdict;

	if (rc == 0) {
		page_done(r);
		return;
	}
	attempt.left_ms = left > 0 ? left : 1; /* 0 means that there is no deadline */
	if (r->exchange.server_seconds)
		attempt.skew_ms = r->exchange.server_seconds * 1000 - r->signed_at_ms;
	verdict = awsq_retry_judge(&r->retry, &c->bucket, &attempt, max, chance);
	heed_throttle(r, chance);
	awsq_log(c->options.log, verdict == AWSQ_GIVE_UP ? AWSQ_LOG_DEBUG : AWSQ_LOG_INFO,
		"%s: %s: %s%s%s%s", c->region, r->call->action, r->call->err.aws_code,
		r->call->err.aws_code[0] ? ": " : "", r->call->err.message,
		verdict == AWSQ_GIVE_UP ? "" : " (trying again)");
	if (verdict == AWSQ_GIVE_UP && call_renew_keys(r)) {
		/* Refused as it was, it does not count; where one came before, who knows. */
		r->attempt--;
		if (r->call->attempts == 1)
			r->call->attempts = 0;
		r->retry.delay_ms = 0;
	} else if (verdict == AWSQ_GIVE_UP) {
		end_call(r, r->call->err.code);
		return;
	}
	if (verdict == AWSQ_RETRY_WITH_SKEW) {
		/* Not added to the client's: calls that were signed together fail together. */
		c->skew_ms = r->skew_ms + r->retry.skew_ms;
		r->skew_corrected = 1;
	}
	end_attempt(r);
	r->phase = WAITING;
	r->due_ms = now_ms(c) + r->retry.delay_ms;
}

/* ---- All of them */

static int begin_call(struct running *r, struct awsq_client *c, struct awsq_call *call)
{
	int rc;

	r->client = c;
	r->call = call;
	r->phase = WAITING;
	r->due_ms = now_ms(c);
	r->base_len = call->body.len;
	complete_body(r, NULL);
	awsq_buf_init(&r->json, MAX_JSON_BYTES);
	awsq_buf_init(&r->error_body, MAX_ERROR_BYTES);
	awsq_err_clear(&call->err);
	rc = awsq_buf_error(&call->body);
	if (rc != 0)
		return awsq_err_set(&call->err, rc, "cannot make the request of %s: %s",
			call->action, awsq_strerror(rc));
	if (call->shape) {
		r->page = calloc(1, call->shape->size);
		if (!r->page)
			return AWSQ_ENOMEM;
	}
	return client_endpoint(&r->endpoint, c, call->service, &call->err);
}

/* Ends every call that is not done; the last thing that went wrong says more than the time does. */
static void end_all(struct running *all, size_t n, int code)
{
	for (size_t i = 0; i < n; i++) {
		struct awsq_err *err = &all[i].call->err;

		if (all[i].phase == ENDED)
			continue;
		if (code == AWSQ_ETIMEDOUT && err->code != 0)
			end_call(&all[i], err->code);
		else
			end_call(&all[i], code);
	}
}

/* A call that has not begun, or goes on to a page, is put off while AWS asks for less. */
static void put_off(struct running *r, int64_t deadline_ms)
{
	int64_t until = r->client->quiet_until_ms;

	/* Rather too soon than never. */
	if (r->phase == WAITING && r->attempt == 0 && r->due_ms < until && until < deadline_ms)
		r->due_ms = until;
}

/* Sends what is due; how long to wait for something to happen, or -1 when all is done. */
static int64_t send_due(struct running *all, size_t n, int64_t now, int64_t deadline_ms)
{
	int64_t wait = -1;

	for (size_t i = 0; i < n; i++) {
		struct running *r = &all[i];
		int64_t until;

		put_off(r, deadline_ms);
		if (r->phase == WAITING && r->due_ms <= now)
			begin_attempt(r, deadline_ms);
		if (r->phase == ENDED)
			continue;
		until = r->phase == WAITING && r->due_ms < deadline_ms ? r->due_ms : deadline_ms;
		if (wait < 0 || until - now < wait)
			wait = until > now ? until - now : 0;
	}
	return wait;
}

static void run_all(struct awsq_client *c, struct running *all, size_t n)
{
	int64_t deadline_ms = now_ms(c) + c->options.run_timeout_ms;

	if (c->deadline_ms && c->deadline_ms < deadline_ms)
		deadline_ms = c->deadline_ms;
	c->run_ends_ms = deadline_ms;
	for (;;) {
		int64_t now = now_ms(c);
		int64_t wait;
		int rc;

		if (now >= deadline_ms)
			end_all(all, n, AWSQ_ETIMEDOUT);
		wait = send_due(all, n, now, deadline_ms);
		if (wait < 0)
			return;
		rc = http_wait(c->http, wait, c->cancel_fd);
		for (size_t i = 0; i < n; i++) {
			if (all[i].phase == FLYING && all[i].exchange.done)
				attempt_done(&all[i]);
		}
		if (rc != 0) {
			end_all(all, n, rc);
			return;
		}
	}
}

int awsq_run(struct awsq_client *client, struct awsq_call *calls, size_t n)
{
	struct running *all = calloc(n ? n : 1, sizeof(*all));
	int first = 0;

	if (!all) {
		for (size_t i = 0; i < n; i++) {
			awsq_err_set(&calls[i].err, AWSQ_ENOMEM, "out of memory");
			name_action(&calls[i]);
		}
		return n ? AWSQ_ENOMEM : 0;
	}
	for (size_t i = 0; i < n; i++) {
		int rc = begin_call(&all[i], client, &calls[i]);

		if (rc != 0)
			end_call(&all[i], rc);
	}
	run_all(client, all, n);
	for (size_t i = 0; i < n; i++) {
		if (first == 0)
			first = calls[i].err.code;
		awsq_buf_free(&all[i].json);
		awsq_buf_free(&all[i].error_body);
		free(all[i].page);
	}
	free(all);
	return first;
}

int awsq_run_one(struct awsq_client *client, struct awsq_call *call, struct awsq_err *err)
{
	int rc = awsq_run(client, call, 1);

	if (err)
		*err = call->err;
	awsq_call_free(call);
	return rc;
}
