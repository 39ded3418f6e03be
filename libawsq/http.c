/* The only file that includes libcurl. */
#include "banned.h"

#include "http.h"

#include <awsq/clock.h>
#include <awsq/err.h>
#include <awsq/hash.h>

#include <curl/curl.h>

#include <poll.h>
#include <unistd.h>

struct http {
	CURLM *multi;
	char *ca_bundle;
	char *user_agent;
	char *proxies[3]; /* http, https, no */
	int bundle_only;  /* whom to trust is in a bundle, and no folder is to be read beside it */
};

/* What libcurl needs for an exchange. */
struct http_transfer {
	CURL *easy;
	struct curl_slist *headers;
	struct http_exchange *exchange;
	size_t received;
	int code;    /* why we ended it ourselves; 0: we did not */
	char *proxy; /* NULL: none */
	char error[CURL_ERROR_SIZE];
};

int http_global_init(void)
{
	return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? 0 : AWSQ_ENOMEM;
}

void http_global_free(void)
{
	curl_global_cleanup();
}

/* Whether libcurl's default is, maybe among other things, a bundle that is there. */
static int has_default_bundle(void)
{
	const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);

	return info->age >= CURLVERSION_SEVENTH && info->cainfo && access(info->cainfo, R_OK) == 0;
}

/* AWSQ_ENOMEM into *rc when there is no memory. */
static char *copy(const char *text, int *rc)
{
	char *same = text ? strdup(text) : NULL;

	if (text && !same)
		*rc = AWSQ_ENOMEM;
	return same;
}

int http_new(struct http **out, const struct http_options *options)
{
	struct http *h = calloc(1, sizeof(*h));
	int rc = 0;

	*out = NULL;
	if (!h)
		return AWSQ_ENOMEM;
	h->multi = curl_multi_init();
	h->user_agent = copy(options->user_agent, &rc);
	h->ca_bundle = copy(options->ca_bundle, &rc);
	h->proxies[0] = copy(options->proxies.http, &rc);
	h->proxies[1] = copy(options->proxies.https, &rc);
	h->proxies[2] = copy(options->proxies.no, &rc);
	h->bundle_only = h->ca_bundle || has_default_bundle();
	if (!h->multi || rc != 0) {
		http_free(h);
		return AWSQ_ENOMEM;
	}
	*out = h;
	return 0;
}

void http_free(struct http *h)
{
	if (!h)
		return;
	curl_multi_cleanup(h->multi);
	for (size_t i = 0; i < 3; i++) {
		if (h->proxies[i]) /* may have a password */
			awsq_wipe(h->proxies[i], strlen(h->proxies[i]));
		free(h->proxies[i]);
	}
	free(h->ca_bundle);
	free(h->user_agent);
	free(h);
}

static size_t on_write(char *data, size_t size, size_t n, void *arg)
{
	struct http_transfer *t = arg;
	struct http_exchange *x = t->exchange;
	long status = 0;

	n *= size;
	t->received += n;
	if (t->received > x->max_answer)
		t->code = AWSQ_ETOOBIG;
	(void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	if (t->code == 0)
		t->code = x->on_body(x->arg, (int)status, data, n);
	return t->code == 0 ? n : n + 1; /* another count than n ends the transfer */
}

static size_t on_header(char *data, size_t size, size_t n, void *arg)
{
	static const char name[] = "date:";
	struct http_transfer *t = arg;
	char value[64];
	size_t len = size * n, from = sizeof(name) - 1;

	if (len > from && len - from < sizeof(value) && curl_strnequal(data, name, from)) {
		while (from < len && data[from] == ' ')
			from++;
		memcpy(value, data + from, len - from);
		value[len - from] = '\0';
		value[strcspn(value, "\r\n")] = '\0';
		(void)awsq_time_parse_http(&t->exchange->server_seconds, value);
	}
	return len;
}

static int add_header(struct http_transfer *t, const char *line)
{
	struct curl_slist *longer = curl_slist_append(t->headers, line);

	if (!longer)
		return AWSQ_ENOMEM;
	t->headers = longer;
	return 0;
}

static int add_headers(struct http_transfer *t, const struct http_exchange *x)
{
	struct awsq_buf line;
	int rc = add_header(t, "Expect:"); /* no 100-continue: it costs a round trip */

	awsq_buf_init(&line, 64 * 1024);
	for (size_t i = 0; rc == 0 && i < x->n_headers; i++) {
		awsq_buf_reset(&line);
		awsq_buf_addf(&line, "%s: %s", x->headers[i].name, x->headers[i].value);
		rc = awsq_buf_error(&line);
		if (rc == 0)
			rc = add_header(t, awsq_buf_str(&line));
	}
	awsq_buf_wipe(&line); /* a session token goes through here */
	return rc;
}

static void set_method(CURL *easy, const struct http_exchange *x)
{
	if (x->method && strcmp(x->method, "GET") == 0) {
		curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
		return;
	}
	curl_easy_setopt(easy, CURLOPT_POST, 1L);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, x->body ? x->body : "");
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)x->body_len);
	if (x->method)
		curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, x->method);
}

/* Whom to trust: the server, and a proxy that speaks TLS as well. */
static void set_trust(CURL *easy, const struct http *h)
{
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(easy, CURLOPT_PROXY_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(easy, CURLOPT_PROXY_SSL_VERIFYHOST, 2L);
	if (h->ca_bundle) {
		curl_easy_setopt(easy, CURLOPT_CAINFO, h->ca_bundle);
		curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, h->ca_bundle);
	}
	/*
	 * Debian's default is a bundle and a folder with the same in it, and libcurl keeps what it
	 * has read only of a bundle that stands alone: else it reads 50 ms for each connection.
	 */
	if (h->bundle_only) {
		curl_easy_setopt(easy, CURLOPT_CAPATH, (char *)NULL);
		curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, (char *)NULL);
	}
}

/* By way of which proxy; libcurl is kept from looking into the environment itself. */
static int set_proxy(const struct http *h, struct http_transfer *t)
{
	struct http_exchange *x = t->exchange;
	struct proxies set = { h->proxies[0], h->proxies[1], h->proxies[2] };
	struct awsq_err err = { 0 };
	struct proxy proxy;
	int rc;

	if (x->direct)
		memset(&set, 0, sizeof(set));
	rc = proxy_choose(&proxy, &set, x->url, &err);
	if (rc != 0)
		(void)snprintf(x->message, sizeof(x->message), "%.255s", err.message);
	if (rc == 0 && proxy.url[0])
		t->proxy = copy(proxy.url, &rc);
	curl_easy_setopt(t->easy, CURLOPT_PROXY, proxy.url);
	curl_easy_setopt(t->easy, CURLOPT_NOPROXY, "");
	curl_easy_setopt(t->easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L); /* its Date is not AWS's */
	if (proxy.user.len > 0) {
		curl_easy_setopt(t->easy, CURLOPT_PROXYUSERNAME, awsq_buf_str(&proxy.user));
		curl_easy_setopt(t->easy, CURLOPT_PROXYPASSWORD, awsq_buf_str(&proxy.password));
	}
	proxy_free(&proxy);
	return rc;
}

static void set_options(const struct http *h, struct http_transfer *t)
{
	const struct http_exchange *x = t->exchange;
	CURL *easy = t->easy;

	curl_easy_setopt(easy, CURLOPT_URL, x->url);
#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
	curl_easy_setopt(easy, CURLOPT_USERAGENT, h->user_agent);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, t->headers);
	set_method(easy, x);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)x->connect_timeout_ms);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)x->timeout_ms);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, x->only_once ? 1L : 0L);
	set_trust(easy, h);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_write);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, t->error);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, t);
}

int http_start(struct http *h, struct http_exchange *x)
{
	struct http_transfer *t = calloc(1, sizeof(*t));
	int rc = AWSQ_ENOMEM;

	if (!t)
		return rc;
	x->transfer = t;
	t->exchange = x;
	t->easy = curl_easy_init();
	if (!t->easy || add_headers(t, x) != 0)
		goto fail;
	set_options(h, t);
	rc = set_proxy(h, t);
	if (rc != 0)
		goto fail;
	if (curl_multi_add_handle(h->multi, t->easy) == CURLM_OK)
		return 0;
	rc = AWSQ_ENOMEM;
fail:
	http_end(h, x);
	return rc;
}

static int code_of(CURLcode result)
{
	switch (result) {
	case CURLE_OK:
		return 0;
	case CURLE_OPERATION_TIMEDOUT:
		return AWSQ_ETIMEDOUT;
	case CURLE_OUT_OF_MEMORY:
		return AWSQ_ENOMEM;
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
		return AWSQ_EINVAL;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_ISSUER_ERROR:
		return AWSQ_ETLS;
	default:
		return AWSQ_ENET;
	}
}

static void finish(struct http_transfer *t, CURLcode result)
{
	struct http_exchange *x = t->exchange;
	curl_off_t pretransfer = 0;
	long status = 0;
	int said = 0;

	(void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	/* The time at which sending could begin stays 0 when no connection was made. */
	(void)curl_easy_getinfo(t->easy, CURLINFO_PRETRANSFER_TIME_T, &pretransfer);
	x->status = (int)status;
	x->result = t->code ? t->code : code_of(result);
	x->nothing_sent = x->result != 0 && pretransfer == 0;
	if (x->result != 0)
		said = snprintf(x->message, sizeof(x->message), "%s",
			t->code       ? awsq_strerror(t->code)
			: t->error[0] ? t->error
				      : curl_easy_strerror(result));
	if (t->proxy && said > 0 && (size_t)said < sizeof(x->message))
		(void)snprintf(x->message + said, sizeof(x->message) - (size_t)said,
			" (by way of the proxy '%s')", t->proxy);
	x->done = 1;
}

/* Takes over the results that libcurl has ready; whether there were any. */
static int collect(struct http *h)
{
	CURLMsg *message;
	int left, any = 0;

	while ((message = curl_multi_info_read(h->multi, &left))) {
		struct http_transfer *t = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&t);
		finish(t, message->data.result);
		any = 1;
	}
	return any;
}

int http_wait(struct http *h, int64_t timeout_ms, int cancel_fd)
{
	const struct awsq_clock *clock = &awsq_clock_system;
	struct curl_waitfd extra = { .fd = cancel_fd, .events = CURL_WAIT_POLLIN, .revents = 0 };
	int64_t end = clock->mono_ms(clock->arg) + timeout_ms;

	for (;;) {
		int running;
		int64_t left;

		/* Before anything is sent: what was sent by then may be carried out. */
		if (cancel_fd >= 0 && poll(&(struct pollfd){ cancel_fd, POLLIN, 0 }, 1, 0) > 0)
			return AWSQ_ECANCELED;
		if (curl_multi_perform(h->multi, &running) != CURLM_OK)
			return AWSQ_ENOMEM;
		left = end - clock->mono_ms(clock->arg);
		if (collect(h) || left <= 0)
			return 0;
		if (curl_multi_poll(h->multi, &extra, cancel_fd >= 0,
			    (int)(left > 1000 ? 1000 : left), NULL) != CURLM_OK)
			return AWSQ_ENOMEM;
		if (extra.revents)
			return AWSQ_ECANCELED;
	}
}

void http_end(struct http *h, struct http_exchange *x)
{
	struct http_transfer *t = x->transfer;

	if (!t)
		return;
	if (t->easy) {
		(void)curl_multi_remove_handle(h->multi, t->easy);
		curl_easy_cleanup(t->easy);
	}
	curl_slist_free_all(t->headers);
	free(t->proxy);
	free(t);
	x->transfer = NULL;
}
