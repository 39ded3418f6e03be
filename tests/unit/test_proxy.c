/*
 * Which proxy is used, and that requests go by it. That the choice is botocore's is shown by
 * tests/integration/test_settings.py; a proxy for TLS is in tests/integration/test_reach.py.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <awsq/fetch.h>

#include "fake_client.h"
#include "proxy.h"

struct choice {
	const char *set, *no, *url;
	const char *proxy; /* NULL: what is set is refused */
	const char *user, *password;
};

static const struct choice choices[] = {
	{ NULL, NULL, "http://a", "", "", "" },
	{ "proxy:3128", NULL, "http://a", "http://proxy:3128", "", "" },
	{ "//Proxy", NULL, "http://a", "http://proxy:80", "", "" },
	{ "https://proxy/x", NULL, "http://a", "https://proxy:443", "", "" },
	{ "http://[::1]:3128/", NULL, "http://a", "http://[::1]:3128", "", "" },
	{ "http://u:p@proxy", NULL, "http://a", "http://proxy:80", "u", "p" },
	{ "http://u%40x:p%3a%zz%4@proxy", NULL, "http://a", "http://proxy:80", "u@x", "p:%zz%4" },
	{ "http://u:p@q:r@proxy", NULL, "http://a", "http://proxy:80", "u", "p@q:r" },
	{ "http://u@proxy", NULL, "http://a", "http://proxy:80", "", "" },
	{ "http://u:@proxy", NULL, "http://a", "http://proxy:80", "", "" },
	/* No proxy for some. */
	{ "proxy", "*", "http://a", "", "", "" },
	{ "proxy", "a,*", "http://b", "http://proxy:80", "", "" },
	{ "proxy", "b, a ,c", "http://a/x", "", "", "" },
	{ "proxy", ".B.c", "http://a.b.C:5000", "", "", "" },
	{ "proxy", "b.c", "http://ab.c", "http://proxy:80", "", "" },
	{ "proxy", "a:5000", "http://a:5000", "", "", "" },
	{ "proxy", "a:5000", "http://a:5001", "http://proxy:80", "", "" },
	{ "proxy", "[::1]", "http://[::1]:5000", "", "", "" },
	{ "proxy", "127.0.0.1", "http://127.0.0.1", "", "", "" },
	{ "proxy", ",. ,", "http://a", "http://proxy:80", "", "" },
	{ "proxy", NULL, "ftp://a", "", "", "" },
	/* What is none. */
	{ "socks5://proxy", NULL, "http://a", NULL, NULL, NULL },
	{ "http://", NULL, "http://a", NULL, NULL, NULL },
	{ "http://user:s3cret@", NULL, "http://a", NULL, NULL, NULL },
	{ "http://s3cret:x@proxy:99999", NULL, "http://a", NULL, NULL, NULL },
	{ "pro xy", NULL, "http://a", NULL, NULL, NULL },
};

static void test_choices(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(choices) / sizeof(*choices); i++) {
		const struct choice *c = &choices[i];
		struct proxies all = { c->set, NULL, c->no };
		struct awsq_err err;
		struct proxy p;
		int rc = proxy_choose(&p, &all, c->url, &err);

		if ((rc == 0) != (c->proxy != NULL))
			fail_msg("%zu: %d", i, rc);
		if (rc == 0) {
			assert_string_equal(p.url, c->proxy);
			assert_string_equal(awsq_buf_str(&p.user), c->user);
			assert_string_equal(awsq_buf_str(&p.password), c->password);
		} else {
			assert_int_equal(rc, AWSQ_EINVAL);
			assert_non_null(strstr(err.message, "'http_proxy'"));
			assert_null(strstr(err.message, "s3cret"));
		}
		proxy_free(&p);
	}
}

static void test_each_kind_of_url_has_its_own(void **state)
{
	struct proxies all = { "one", "two", NULL };
	struct proxy p;

	(void)state;
	assert_int_equal(proxy_choose(&p, &all, "https://a", NULL), 0);
	assert_string_equal(p.url, "http://two:80");
	proxy_free(&p);
	all.https = NULL;
	assert_int_equal(proxy_choose(&p, &all, "https://a", NULL), 0);
	assert_string_equal(p.url, "");
	proxy_free(&p);
}

/* ---- By way of a proxy: the scripted server plays one, and answers what it is asked for. */

#define VPCS                                                                       \
	"<DescribeVpcsResponse><vpcSet><item><vpcId>vpc-1</vpcId></item></vpcSet>" \
	"</DescribeVpcsResponse>"
#define ELSEWHERE "http://ec2.invalid"

static int read_vpcs(struct fake *f, struct awsq_err *err)
{
	struct awsq_ec2_vpcs vpcs = { 0 };
	struct awsq_call call;
	int rc;

	awsq_ec2_describe_vpcs(&call, &vpcs, NULL);
	rc = awsq_run_one(f->client, &call, err);
	awsq_ec2_free_vpcs(&vpcs);
	return rc;
}

/* A client of a service that only the proxy, which is as set, can find. */
static void begin(struct fake *f, const struct answer *answers, size_t n, char *set, size_t size,
	const char *user)
{
	fake_prepare(f, answers, n);
	(void)snprintf(set, size, "http://%s127.0.0.1:%d", user, f->server->port);
	(void)snprintf(f->url, sizeof(f->url), ELSEWHERE);
	f->settings.http_proxy = set;
}

static void test_requests_go_by_the_proxy(void **state)
{
	static const struct answer answers[] = { { .status = 200, .body = VPCS } };
	struct awsq_err err;
	struct fake f;
	char set[80], value[80];

	(void)state;
	begin(&f, answers, 1, set, sizeof(set), "us%65r:s3cr%65t@");
	fake_open(&f);
	assert_int_equal(read_vpcs(&f, &err), 0);
	assert_int_equal(strncmp(f.server->requests[0].head, "POST " ELSEWHERE "/ HTTP/1.1\r\n",
				 33),
		0);
	request_header(value, sizeof(value), &f.server->requests[0], "Host");
	assert_string_equal(value, "ec2.invalid");
	request_header(value, sizeof(value), &f.server->requests[0], "Proxy-Authorization");
	assert_string_equal(value, "Basic dXNlcjpzM2NyZXQ=");
	assert_null(strstr(awsq_buf_str(&f.logged), "s3cret"));
	fake_end(&f);
}

static void test_a_proxy_that_is_not_there(void **state)
{
	char set[] = "http://user:s3cret@127.0.0.1:1", bad[] = "http://user:s3cret@";
	struct awsq_err err;
	struct fake f;

	(void)state;
	fake_prepare(&f, NULL, 0);
	(void)snprintf(f.url, sizeof(f.url), ELSEWHERE);
	f.settings.http_proxy = set;
	fake_open(&f);
	assert_int_equal(read_vpcs(&f, &err), AWSQ_ENET);
	assert_non_null(strstr(err.message, "(by way of the proxy 'http://127.0.0.1:1')"));
	assert_null(strstr(err.message, "s3cret"));
	assert_null(strstr(awsq_buf_str(&f.logged), "s3cret"));
	fake_end(&f);
	fake_prepare(&f, NULL, 0);
	f.settings.http_proxy = bad;
	fake_open(&f);
	assert_int_equal(read_vpcs(&f, &err), AWSQ_EINVAL);
	assert_non_null(strstr(err.message, "'http_proxy'"));
	assert_null(strstr(err.message, "s3cret"));
	fake_end(&f);
}

/* What is set in the environment alone is not libcurl's to read: settings decide. */
static void test_the_environment_is_not_asked_twice(void **state)
{
	static const struct answer answers[] = { { .status = 200, .body = VPCS },
		{ .status = 200, .body = VPCS } };
	char set[80], all[] = "*";
	struct awsq_err err;
	struct fake f;

	(void)state;
	assert_int_equal(setenv("no_proxy", "ec2.invalid", 1), 0);
	begin(&f, answers, 1, set, sizeof(set), "");
	fake_open(&f);
	assert_int_equal(read_vpcs(&f, &err), 0);
	fake_end(&f);
	assert_int_equal(unsetenv("no_proxy"), 0);
	assert_int_equal(setenv("http_proxy", "http://127.0.0.1:1", 1), 0);
	assert_int_equal(setenv("ALL_PROXY", "http://127.0.0.1:1", 1), 0);
	FAKE_BEGIN(&f, answers);
	assert_int_equal(read_vpcs(&f, &err), 0);
	fake_end(&f);
	fake_prepare(&f, answers, 1);
	f.settings.http_proxy = getenv("http_proxy");
	f.settings.no_proxy = all;
	fake_open(&f);
	assert_int_equal(read_vpcs(&f, &err), 0);
	fake_end(&f);
	assert_int_equal(unsetenv("http_proxy"), 0);
	assert_int_equal(unsetenv("ALL_PROXY"), 0);
}

/* Without settings, as for a ping, it is the environment's; and there may be none at all. */
static void test_fetch(void **state)
{
	static const struct answer answers[] = { { .status = 204 }, { .status = 204 } };
	struct server *server = server_begin(answers, 2);
	struct awsq_fetch fetch = { .url = ELSEWHERE "/x" };
	struct awsq_err err;
	char set[80];
	int status;

	(void)state;
	(void)snprintf(set, sizeof(set), "127.0.0.1:%d", server->port);
	assert_int_equal(setenv("HTTP_PROXY", set, 1), 0);
	assert_int_equal(awsq_fetch(&status, NULL, &fetch, &err), 0);
	assert_int_equal(status, 204);
	assert_int_equal(strncmp(server->requests[0].head, "GET " ELSEWHERE "/x ", 25), 0);
	fetch.direct = 1;
	assert_int_equal(awsq_fetch(&status, NULL, &fetch, &err), AWSQ_ENET);
	assert_null(strstr(err.message, "proxy"));
	assert_int_equal(unsetenv("HTTP_PROXY"), 0);
	server_end(server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_choices),
		cmocka_unit_test(test_each_kind_of_url_has_its_own),
		cmocka_unit_test(test_requests_go_by_the_proxy),
		cmocka_unit_test(test_a_proxy_that_is_not_there),
		cmocka_unit_test(test_the_environment_is_not_asked_twice),
		cmocka_unit_test(test_fetch),
	};

	return cmocka_run_group_tests_name("proxy", tests, fake_global_begin, fake_global_end);
}
