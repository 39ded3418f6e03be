#include "banned.h"

#include "http.h"

#include <awsq/clock.h>
#include <awsq/fetch.h>

#define DEFAULT_TIMEOUT_MS 10000
#define DEFAULT_MAX_ANSWER ((size_t)64 * 1024)

static int is_method(const char *method)
{
	static const char *const methods[] = { "GET", "PUT", "POST", "DELETE" };

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (strcmp(method, methods[i]) == 0)
			return 1;
	}
	return 0;
}

/* A value that runs over several lines would be further headers. */
static int are_clean(const struct awsq_header *headers, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strpbrk(headers[i].value, "\r\n"))
			return 0;
	}
	return 1;
}

static int take_body(void *arg, int status, const char *data, size_t len)
{
	struct awsq_buf *body = arg;

	(void)status;
	if (!body)
		return 0;
	awsq_buf_add(body, data, len);
	return awsq_buf_error(body);
}

/* Waits until the exchange is done: cancel_fd, or its own deadline, ends it. */
static int carry_out(struct http *http, struct http_exchange *x, int cancel_fd)
{
	int rc = http_start(http, x);

	while (rc == 0 && !x->done)
		rc = http_wait(http, x->timeout_ms, cancel_fd);
	http_end(http, x);
	return rc;
}

int awsq_fetch(int *status, struct awsq_buf *body, const struct awsq_fetch *request,
	struct awsq_err *err)
{
	struct http_options options = { .ca_bundle = request->ca_bundle,
		.user_agent = "awsq/" AWSQ_VERSION };
	struct http_exchange x = { 0 };
	struct http *http;
	int rc;

	*status = 0;
	x.url = request->url;
	x.method = request->method ? request->method : "GET";
	x.headers = request->headers;
	x.n_headers = request->n_headers;
	x.body = request->body;
	x.body_len = request->body_len;
	x.timeout_ms = request->timeout_ms > 0 ? request->timeout_ms : DEFAULT_TIMEOUT_MS;
	x.connect_timeout_ms = x.timeout_ms;
	x.max_answer = request->max_answer > 0 ? request->max_answer : DEFAULT_MAX_ANSWER;
	x.direct = request->direct;
	x.on_body = take_body;
	x.arg = body;
	if (!x.url || !is_method(x.method))
		return awsq_err_set(err, AWSQ_EINVAL, "not a URL and a method to fetch it by");
	if (!are_clean(x.headers, x.n_headers))
		return awsq_err_set(err, AWSQ_EINVAL, "a header's value has a line break in it");
	proxies_find(&options.proxies, &awsq_environment_process);
	rc = http_new(&http, &options);
	if (rc == 0)
		rc = carry_out(http, &x, request->cancel_fd > 0 ? request->cancel_fd : -1);
	http_free(http);
	if (rc == 0)
		rc = x.result;
	*status = x.status;
	if (rc == 0) {
		awsq_err_clear(err);
		return 0;
	}
	return awsq_err_set(err, rc, "%s", x.message[0] ? x.message : awsq_strerror(rc));
}
