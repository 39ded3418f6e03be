/*
 * One exchange without a service behind it: methods, headers, statuses, caps, deadlines.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <awsq/client.h>
#include <awsq/err.h>
#include <awsq/fetch.h>

#include <unistd.h>

#include "http_server.h"

struct fixture {
	struct server *server;
	char url[80];
	struct awsq_fetch fetch;
	struct awsq_buf body;
	struct awsq_err err;
	int status;
};

static void begin(struct fixture *f, const struct answer *answers, size_t n)
{
	memset(f, 0, sizeof(*f));
	f->server = server_begin(answers, n);
	(void)snprintf(f->url, sizeof(f->url), "http://127.0.0.1:%d/a/b?c=d", f->server->port);
	f->fetch.url = f->url;
	f->fetch.direct = 1;
	awsq_buf_init(&f->body, 1024 * 1024);
}

#define BEGIN(f, answers) begin(f, answers, sizeof(answers) / sizeof((answers)[0]))

static void end(struct fixture *f)
{
	awsq_buf_free(&f->body);
	server_end(f->server);
}

static int fetch(struct fixture *f)
{
	return awsq_fetch(&f->status, &f->body, &f->fetch, &f->err);
}

static void test_get(void **state)
{
	static const struct answer answers[] = { { .status = 200, .body = "OK" },
		{ .status = 404, .body = "not here" }, { .status = 301 } };
	struct fixture f;
	char value[80];

	(void)state;
	BEGIN(&f, answers);
	assert_int_equal(fetch(&f), 0);
	assert_int_equal(f.status, 200);
	assert_string_equal(awsq_buf_str(&f.body), "OK");
	assert_int_equal(strncmp(f.server->requests[0].head, "GET /a/b?c=d HTTP/1.1\r\n", 23), 0);
	assert_string_equal(f.server->requests[0].body, "");
	request_header(value, sizeof(value), &f.server->requests[0], "User-Agent");
	assert_int_equal(strncmp(value, "awsq/", 5), 0);
	awsq_buf_reset(&f.body);
	assert_int_equal(fetch(&f), 0); /* an answer, whatever it says */
	assert_int_equal(f.status, 404);
	assert_string_equal(awsq_buf_str(&f.body), "not here");
	/* Not followed; and nobody wants its body. */
	assert_int_equal(awsq_fetch(&f.status, NULL, &f.fetch, &f.err), 0);
	assert_int_equal(f.status, 301);
	assert_int_equal(f.server->n_requests, 3);
	end(&f);
}

static void test_put_and_headers(void **state)
{
	static const struct answer answers[] = { { .status = 200, .body = "token" },
		{ .status = 200 } };
	static const struct awsq_header headers[] = { { "X-aws-ec2-metadata-token-ttl-seconds",
		"21600" } };
	struct fixture f;
	char value[80];

	(void)state;
	BEGIN(&f, answers);
	f.fetch.method = "PUT";
	f.fetch.headers = headers;
	f.fetch.n_headers = 1;
	assert_int_equal(fetch(&f), 0);
	assert_string_equal(awsq_buf_str(&f.body), "token");
	assert_int_equal(strncmp(f.server->requests[0].head, "PUT /a/b?c=d ", 13), 0);
	request_header(value, sizeof(value), &f.server->requests[0], headers[0].name);
	assert_string_equal(value, "21600");
	request_header(value, sizeof(value), &f.server->requests[0], "Content-Length");
	assert_string_equal(value, "0");
	f.fetch.method = "POST";
	f.fetch.body = "x=1";
	f.fetch.body_len = 3;
	assert_int_equal(fetch(&f), 0);
	assert_int_equal(strncmp(f.server->requests[1].head, "POST ", 5), 0);
	assert_string_equal(f.server->requests[1].body, "x=1");
	end(&f);
}

static void test_what_cannot_be_fetched(void **state)
{
	static const struct answer answers[] = { { .status = 0 } };
	static const char *const bad[] = { "ftp://127.0.0.1/", "no url", "" };
	struct fixture f;

	(void)state;
	BEGIN(&f, answers);
	assert_int_equal(fetch(&f), AWSQ_ENET);
	assert_int_equal(f.status, 0);
	assert_true(f.err.message[0]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		f.fetch.url = bad[i];
		assert_int_equal(fetch(&f), AWSQ_EINVAL);
	}
	f.fetch.url = f.url;
	f.fetch.method = "GET / HTTP/1.1\r\nX: ";
	assert_int_equal(fetch(&f), AWSQ_EINVAL);
	f.fetch.method = "HEAD";
	assert_int_equal(fetch(&f), AWSQ_EINVAL);
	f.fetch.method = NULL;
	f.fetch.headers = &(struct awsq_header){ "X", "a\r\nY: b" };
	f.fetch.n_headers = 1;
	assert_int_equal(fetch(&f), AWSQ_EINVAL);
	f.fetch.n_headers = 0;
	f.fetch.url = "http://127.0.0.1:1/secret-path";
	assert_int_equal(fetch(&f), AWSQ_ENET);
	assert_null(strstr(f.err.message, "secret"));
	end(&f);
}

static void test_caps(void **state)
{
	static const struct answer answers[] = { { .status = 200, .fill = 65536 },
		{ .status = 200, .fill = 65537 }, { .status = 200, .fill = 101 },
		{ .status = 200, .fill = 100 } };
	struct fixture f;

	(void)state;
	BEGIN(&f, answers);
	assert_int_equal(fetch(&f), 0);
	assert_int_equal(f.body.len, 65536);
	awsq_buf_reset(&f.body);
	assert_int_equal(fetch(&f), AWSQ_ETOOBIG);
	f.fetch.max_answer = 100;
	awsq_buf_reset(&f.body);
	assert_int_equal(fetch(&f), AWSQ_ETOOBIG);
	awsq_buf_free(&f.body);
	awsq_buf_init(&f.body, 99); /* the caller's own maximum */
	assert_int_equal(fetch(&f), AWSQ_ETOOBIG);
	end(&f);
}

static void test_deadline_and_cancellation(void **state)
{
	static const struct answer answers[] = { { .delay_ms = -1 }, { .delay_ms = -1 } };
	const struct awsq_clock *clock = &awsq_clock_system;
	struct fixture f;
	int64_t begun, took;
	int fds[2];

	(void)state;
	BEGIN(&f, answers);
	f.fetch.timeout_ms = 300;
	begun = clock->mono_ms(clock->arg);
	assert_int_equal(fetch(&f), AWSQ_ETIMEDOUT);
	took = clock->mono_ms(clock->arg) - begun;
	assert_in_range(took, 250, 8000);
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "x", 1), 1);
	f.fetch.timeout_ms = 0;
	f.fetch.cancel_fd = fds[0];
	begun = clock->mono_ms(clock->arg);
	assert_int_equal(fetch(&f), AWSQ_ECANCELED);
	assert_in_range(clock->mono_ms(clock->arg) - begun, 0, 8000);
	(void)close(fds[0]);
	(void)close(fds[1]);
	end(&f);
}

/* A proxy that nobody listens at is asked, unless the exchange is to be direct. */
static void test_proxy(void **state)
{
	static const struct answer answers[] = { { .status = 200 } };
	struct fixture f;

	(void)state;
	BEGIN(&f, answers);
	assert_int_equal(setenv("http_proxy", "http://127.0.0.1:1", 1), 0);
	f.fetch.direct = 0;
	assert_int_equal(fetch(&f), AWSQ_ENET);
	assert_int_equal(f.server->n_requests, 0);
	f.fetch.direct = 1;
	assert_int_equal(fetch(&f), 0);
	assert_int_equal(unsetenv("http_proxy"), 0);
	end(&f);
}

static int set_up(void **state)
{
	(void)state;
	return awsq_global_init();
}

static int tear_down(void **state)
{
	(void)state;
	awsq_global_free();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_get),
		cmocka_unit_test(test_put_and_headers),
		cmocka_unit_test(test_what_cannot_be_fetched),
		cmocka_unit_test(test_caps),
		cmocka_unit_test(test_deadline_and_cancellation),
		cmocka_unit_test(test_proxy),
	};

	return cmocka_run_group_tests_name("fetch", tests, set_up, tear_down);
}
