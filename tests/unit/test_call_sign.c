/*
 * What calls send beside their body: signatures, dates, hosts, tokens; and what is logged of it.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <awsq/err.h>
#include <awsq/iam.h>
#include <awsq/retry.h>
#include <awsq/sigv4.h>

#include "credentials_source.h"
#include "fake_client.h"

#define TOKEN   "FwoGZXIvYXdzEXAMPLETOKEN//=="
#define NO_VPCS "<R><vpcSet/></R>"
#define FORM    "application/x-www-form-urlencoded; charset=utf-8"

#define AWS_ERROR(code)                                                              \
	"<Response><Errors><Error><Code>" code "</Code><Message>m</Message></Error>" \
	"</Errors><RequestID>r</RequestID></Response>"

/* The seconds of a request's X-Amz-Date. */
static int64_t date_of(const struct request *r)
{
	char basic[40], iso[40];
	int64_t seconds = -1;

	request_header(basic, sizeof(basic), r, "X-Amz-Date");
	assert_int_equal(strlen(basic), AWSQ_TIME_BASIC - 1);
	(void)snprintf(iso, sizeof(iso), "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", basic, basic + 4,
		basic + 6, basic + 9, basic + 11, basic + 13);
	assert_int_equal(awsq_time_parse(&seconds, iso), 0);
	return seconds;
}

/* Signs what the server received once more, with the keys that it knows, as AWS does. */
static void verify(const struct fake *f, const struct request *r, const char *region,
	const char *service)
{
	char host[100], type[100], token[100], sent[600], path[100];
	const char *const words = r->head + strlen("POST ");
	struct awsq_header headers[] = { { "Host", host }, { "Content-Type", type } };
	struct awsq_sigv4_keys keys = { "AKIDEXAMPLE", FAKE_SECRET, f->credentials.session_token };
	struct awsq_sigv4_request request = { "POST", path, NULL, headers, 2, r->body,
		strlen(r->body), region, service, 0 };
	struct awsq_sigv4 s;

	assert_memory_equal(r->head, "POST ", 5);
	(void)snprintf(path, sizeof(path), "%.*s", (int)strcspn(words, " "), words);
	request_header(host, sizeof(host), r, "Host");
	request_header(type, sizeof(type), r, "Content-Type");
	request_header(token, sizeof(token), r, "X-Amz-Security-Token");
	request_header(sent, sizeof(sent), r, "Authorization");
	assert_string_equal(type, FORM);
	assert_string_equal(token, keys.session_token ? keys.session_token : "");
	assert_int_equal(awsq_sigv4_sign(&s, &request, &keys, date_of(r)), 0);
	assert_string_equal(sent, awsq_buf_str(&s.authorization));
	awsq_sigv4_free(&s);
}

static void run_vpcs(struct fake *f, int code)
{
	struct awsq_ec2_vpcs vpcs = { 0 };
	struct awsq_call call;

	awsq_ec2_describe_vpcs(&call, &vpcs,
		(struct awsq_ec2_filter[]){
			{ "tag:a b+\xc3\xbc", { "c&d" } }, { NULL, { NULL } } });
	assert_int_equal(awsq_run_one(f->client, &call, NULL), code);
	awsq_ec2_free_vpcs(&vpcs);
}

static void test_signature(void **state)
{
	static const struct answer answers[] = { { .status = 200, .body = NO_VPCS } };
	const struct request *r;
	struct fake f;
	char host[100];

	(void)state;
	FAKE_BEGIN(&f, answers);
	run_vpcs(&f, 0);
	r = &f.server->requests[0];
	verify(&f, r, "us-west-2", "ec2");
	assert_int_equal(date_of(r), FAKE_NOW_MS / 1000);
	/* The port is part of the name that is signed. */
	request_header(host, sizeof(host), r, "Host");
	assert_string_equal(host, f.url + strlen("http://"));
	assert_null(strstr(r->head, "X-Amz-Security-Token"));
	assert_null(strstr(r->head, "Expect:"));
	fake_end(&f);
}

static void test_session_token(void **state)
{
	static const struct answer answers[] = { { .status = 200, .body = NO_VPCS },
		{ .status = 200, .body = NO_VPCS } };
	struct fake f;

	(void)state;
	fake_prepare(&f, answers, 2);
	(void)snprintf(f.token, sizeof(f.token), TOKEN);
	f.credentials.session_token = f.token;
	fake_open(&f);
	run_vpcs(&f, 0);
	verify(&f, &f.server->requests[0], "us-west-2", "ec2");
	/* An empty one is none. */
	f.token[0] = '\0';
	run_vpcs(&f, 0);
	assert_null(strstr(f.server->requests[1].head, "X-Amz-Security-Token"));
	fake_end(&f);
}

/* IAM is signed for its own region, STS for the client's. */
static void test_other_services(void **state)
{
	static const struct answer answers[] = {
		{ .status = 200, .body = "<R><GetInstanceProfileResult/></R>" },
		{ .status = 200, .body = "<R><GetCallerIdentityResult/></R>" },
	};
	struct awsq_iam_instance_profile profile = { 0 };
	struct awsq_sts_identity identity = { 0 };
	struct awsq_call call;
	struct fake f;

	(void)state;
	FAKE_BEGIN(&f, answers);
	awsq_iam_get_instance_profile(&call, &profile, "p");
	assert_int_equal(awsq_run_one(f.client, &call, NULL), 0);
	awsq_sts_get_caller_identity(&call, &identity);
	assert_int_equal(awsq_run_one(f.client, &call, NULL), 0);
	verify(&f, &f.server->requests[0], "us-east-1", "iam");
	verify(&f, &f.server->requests[1], "us-west-2", "sts");
	fake_end(&f);
}

/* An endpoint with a path: it is sent, and it is signed. */
static void test_path(void **state)
{
	static const struct answer answers[] = { { .status = 200, .body = NO_VPCS } };
	struct fake f;
	size_t len;

	(void)state;
	fake_prepare(&f, answers, 1);
	len = strlen(f.url);
	(void)snprintf(f.url + len, sizeof(f.url) - len, "/a/pa%%20th/");
	fake_open(&f);
	run_vpcs(&f, 0);
	assert_memory_equal(f.server->requests[0].head, "POST /a/pa%20th/ HTTP/1.1\r\n", 27);
	verify(&f, &f.server->requests[0], "us-west-2", "ec2");
	fake_end(&f);
}

/* A signature is good for minutes only, and a retry may come later: each attempt has its own. */
static void test_each_attempt_is_signed(void **state)
{
	static const struct answer answers[] = {
		{ .status = 503, .body = AWS_ERROR("Unavailable") },
		{ .status = 500 },
		{ .status = 200, .body = "<R><vpcSet/><nextToken>2</nextToken></R>" },
		{ .status = 200, .body = NO_VPCS },
	};
	struct fake f;

	(void)state;
	fake_prepare(&f, answers, 4);
	f.wall_step_ms = 60000;
	fake_open(&f);
	run_vpcs(&f, 0);
	assert_int_equal(f.server->n_requests, 4);
	for (int i = 0; i < 4; i++) {
		verify(&f, &f.server->requests[i], "us-west-2", "ec2");
		if (i > 0)
			assert_true(date_of(&f.server->requests[i]) >=
				    date_of(&f.server->requests[i - 1]) + 60);
	}
	fake_end(&f);
}

/* ---- A clock that is wrong */

static void test_a_wrong_clock_is_corrected_once(void **state)
{
	static const struct answer answers[] = {
		{ .status = 400,
			.body = AWS_ERROR("RequestExpired"),
			.date = "Sun, 30 Aug 2015 13:36:00 GMT" },
		{ .status = 200, .body = NO_VPCS, .date = "Sun, 30 Aug 2015 13:36:00 GMT" },
		{ .status = 200, .body = NO_VPCS },
	};
	struct fake f;

	(void)state;
	FAKE_BEGIN(&f, answers);
	run_vpcs(&f, 0);
	assert_int_equal(f.server->n_requests, 2);
	assert_int_equal(date_of(&f.server->requests[0]), FAKE_NOW_MS / 1000);
	assert_int_equal(date_of(&f.server->requests[1]), FAKE_NOW_MS / 1000 + 3600);
	verify(&f, &f.server->requests[1], "us-west-2", "ec2");
	/* The next call of the client knows. */
	run_vpcs(&f, 0);
	assert_int_equal(date_of(&f.server->requests[2]), FAKE_NOW_MS / 1000 + 3600);
	fake_end(&f);
}

/* A clock ahead; and if the corrected signature is refused as well, time is not the cause. */
static void test_a_correction_that_does_not_help(void **state)
{
	static const struct answer answers[] = {
		{ .status = 403,
			.body = AWS_ERROR("SignatureDoesNotMatch"),
			.date = "Sun, 30 Aug 2015 12:06:00 GMT" },
		{ .status = 403,
			.body = AWS_ERROR("SignatureDoesNotMatch"),
			.date = "Sun, 30 Aug 2015 11:06:00 GMT" },
	};
	struct fake f;

	(void)state;
	FAKE_BEGIN(&f, answers);
	run_vpcs(&f, AWSQ_ESERVICE);
	assert_int_equal(f.server->n_requests, 2);
	assert_int_equal(date_of(&f.server->requests[1]), FAKE_NOW_MS / 1000 - 1800);
	fake_end(&f);
}

/* Without a Date, or with one that agrees, there is nothing to correct. */
static void test_a_right_clock_is_left_alone(void **state)
{
	static const struct answer answers[] = {
		{ .status = 400, .body = AWS_ERROR("RequestExpired") },
		{ .status = 400, .body = AWS_ERROR("RequestExpired"), .date = "soon" },
		{ .status = 400,
			.body = AWS_ERROR("RequestExpired"),
			.date = "Sun, 30 Aug 2015 12:36:05 GMT" },
	};
	struct fake f;

	(void)state;
	FAKE_BEGIN(&f, answers);
	for (int i = 0; i < 3; i++)
		run_vpcs(&f, AWSQ_ESERVICE);
	assert_int_equal(f.server->n_requests, 3);
	fake_end(&f);
}

/* Signed together, they are refused together: the correction counts once. */
static void test_calls_with_a_wrong_clock(void **state)
{
	static const char late[] = "Sun, 30 Aug 2015 13:36:00 GMT";
	static const struct answer answers[] = {
		{ .status = 400,
			.body = AWS_ERROR("RequestExpired"),
			.date = late,
			.delay_ms = 300 },
		{ .status = 400,
			.body = AWS_ERROR("RequestExpired"),
			.date = late,
			.delay_ms = 300 },
		{ .status = 400,
			.body = AWS_ERROR("RequestExpired"),
			.date = late,
			.delay_ms = 400 },
		{ .status = 200, .body = NO_VPCS },
		{ .status = 200, .body = NO_VPCS },
		{ .status = 200, .body = NO_VPCS },
	};
	struct awsq_ec2_vpcs vpcs[3] = { { 0 } };
	struct awsq_call calls[3];
	struct fake f;

	(void)state;
	FAKE_BEGIN(&f, answers);
	for (int i = 0; i < 3; i++)
		awsq_ec2_describe_vpcs(&calls[i], &vpcs[i], NULL);
	assert_int_equal(awsq_run(f.client, calls, 3), 0);
	assert_int_equal(f.server->n_requests, 6);
	for (int i = 0; i < 6; i++) {
		int64_t date = date_of(&f.server->requests[i]) - FAKE_NOW_MS / 1000;

		assert_true(date == 0 || date == 3600);
	}
	for (int i = 0; i < 3; i++) {
		assert_int_equal(calls[i].attempts, 2);
		awsq_call_free(&calls[i]);
		awsq_ec2_free_vpcs(&vpcs[i]);
	}
	fake_end(&f);
}

/* ---- The log */

static void test_no_secret_is_logged(void **state)
{
	static const struct answer answers[] = {
		{ .status = 503, .body = AWS_ERROR("RequestLimitExceeded") },
		{ .status = 200, .body = "<cut" },
		{ .status = 403, .body = AWS_ERROR("SignatureDoesNotMatch") },
	};
	struct awsq_ec2_run_instance what = { .image_id = "ami-1",
		.user_data = "PASSWORD=hunter2" };
	struct awsq_ec2_instances made = { 0 };
	struct awsq_call call;
	struct fake f;
	char authorization[600];
	const char *text;

	(void)state;
	fake_prepare(&f, answers, 3);
	(void)snprintf(f.token, sizeof(f.token), TOKEN);
	f.credentials.session_token = f.token;
	fake_open(&f);
	what.client_token = "t";
	awsq_ec2_run_instances(&call, &made, &what);
	assert_int_equal(awsq_run_one(f.client, &call, NULL), AWSQ_ESERVICE);
	assert_int_equal(f.server->n_requests, 3);
	text = awsq_buf_str(&f.logged);
	assert_non_null(strstr(text, "us-west-2"));
	assert_non_null(strstr(text, "RunInstances"));
	assert_non_null(strstr(text, "attempt 3"));
	assert_non_null(strstr(text, "RequestLimitExceeded"));
	assert_non_null(strstr(text, "SignatureDoesNotMatch"));
	assert_null(strstr(text, FAKE_SECRET));
	assert_null(strstr(text, TOKEN));
	assert_null(strstr(text, "UserData"));
	for (int i = 0; i < 3; i++) {
		request_header(authorization, sizeof(authorization), &f.server->requests[i],
			"Authorization");
		assert_null(strstr(text, strstr(authorization, "Signature=")));
	}
	fake_end(&f);
}

/* Retries are told at the level of remarks on retries, requests only at that of everything. */
static void test_log_levels(void **state)
{
	static const struct answer answers[] = { { .status = 503 },
		{ .status = 200, .body = NO_VPCS }, { .status = 503 },
		{ .status = 200, .body = NO_VPCS } };
	struct fake f;

	(void)state;
	fake_prepare(&f, answers, 4);
	f.log.level = AWSQ_LOG_INFO;
	fake_open(&f);
	run_vpcs(&f, 0);
	assert_null(strstr(awsq_buf_str(&f.logged), "attempt 1"));
	assert_non_null(strstr(awsq_buf_str(&f.logged), "503"));
	awsq_buf_reset(&f.logged);
	f.log.level = AWSQ_LOG_WARN;
	run_vpcs(&f, 0);
	assert_string_equal(awsq_buf_str(&f.logged), "");
	fake_end(&f);
}

#define AWS_ERROR(code)                                                              \
	"<Response><Errors><Error><Code>" code "</Code><Message>m</Message></Error>" \
	"</Errors><RequestID>r</RequestID></Response>"

/* KEY1, then KEY2 and so on, until there are no more. */
struct keys {
	int n, last;
};

static int load_key(void *arg, struct awsq_credentials *out, int first, int cancel_fd,
	struct awsq_err *err)
{
	struct keys *k = arg;
	char key[16], secret[] = FAKE_SECRET;

	(void)first;
	(void)cancel_fd;
	if (k->n == k->last) {
		(void)awsq_err_set(err, AWSQ_ECREDENTIALS, "no more keys");
		(void)snprintf(err->aws_code, sizeof(err->aws_code), "AccessDenied");
		return AWSQ_ECREDENTIALS;
	}
	(void)snprintf(key, sizeof(key), "KEY%d", ++k->n);
	return awsq_credentials_copy(out,
		&(struct awsq_credentials){ key, secret, NULL, 0, "counter" });
}

static void leave(void *arg)
{
	(void)arg;
}

static void begin_with_source(struct fake *f, struct keys *k, const struct answer *answers,
	size_t n)
{
	struct credentials_maker maker = { load_key, leave, k };

	fake_prepare(f, answers, n);
	f->options.credentials = NULL;
	assert_int_equal(credentials_source_make(&f->options.source, &maker, NULL, NULL, NULL,
				 NULL),
		0);
	fake_open(f);
}

/* What is refused for its keys was not carried out: it goes again, once, and does not count. */
static void test_refused_keys(void **state)
{
	static const struct answer answers[] = {
		{ .status = 400, .body = AWS_ERROR("RequestExpired") },
		{ .status = 200 },
		{ .status = 401, .body = AWS_ERROR("AuthFailure") },
		{ .status = 401, .body = AWS_ERROR("AuthFailure") },
	};
	struct keys k = { 0, 3 };
	struct awsq_call call;
	struct fake f;

	(void)state;
	begin_with_source(&f, &k, answers, 4);
	awsq_ec2_disassociate_profile(&call, "iip-assoc-1");
	assert_false(call.repeatable);
	assert_int_equal(awsq_run(f.client, &call, 1), 0);
	assert_int_equal(call.attempts, 1);
	awsq_call_free(&call);
	assert_int_equal(f.server->n_requests, 2);
	assert_non_null(strstr(f.server->requests[0].head, "Credential=KEY1/"));
	assert_non_null(strstr(f.server->requests[1].head, "Credential=KEY2/"));
	assert_string_equal(f.server->requests[0].body, f.server->requests[1].body);
	assert_non_null(strstr(awsq_buf_str(&f.logged),
		"us-west-2: AWS takes the credentials no more (RequestExpired): going on with "
		"those found now (counter)"));
	/* Not looked for again within ten seconds. */
	awsq_ec2_disassociate_profile(&call, "iip-assoc-1");
	assert_int_equal(awsq_run(f.client, &call, 1), AWSQ_ESERVICE);
	assert_int_equal(call.attempts, 1);
	assert_string_equal(call.err.aws_code, "AuthFailure");
	awsq_call_free(&call);
	assert_int_equal(f.server->n_requests, 3);
	awsq_credentials_source_free(f.options.source);
	fake_end(&f);
}

static void test_no_keys(void **state)
{
	struct keys k = { 0, 0 };
	struct awsq_err err;
	struct awsq_call call;
	struct fake f;

	(void)state;
	begin_with_source(&f, &k, NULL, 0);
	awsq_ec2_disassociate_profile(&call, "iip-assoc-1");
	assert_int_equal(awsq_run_one(f.client, &call, &err), AWSQ_ECREDENTIALS);
	assert_string_equal(err.message, "no more keys");
	assert_string_equal(err.action, "ec2:DisassociateIamInstanceProfile");
	assert_string_equal(err.aws_code, "");
	assert_int_equal(f.server->n_requests, 0);
	awsq_credentials_source_free(f.options.source);
	fake_end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signature),
		cmocka_unit_test(test_session_token),
		cmocka_unit_test(test_other_services),
		cmocka_unit_test(test_path),
		cmocka_unit_test(test_each_attempt_is_signed),
		cmocka_unit_test(test_a_wrong_clock_is_corrected_once),
		cmocka_unit_test(test_a_correction_that_does_not_help),
		cmocka_unit_test(test_a_right_clock_is_left_alone),
		cmocka_unit_test(test_calls_with_a_wrong_clock),
		cmocka_unit_test(test_no_secret_is_logged),
		cmocka_unit_test(test_log_levels),
		cmocka_unit_test(test_refused_keys),
		cmocka_unit_test(test_no_keys),
	};

	return cmocka_run_group_tests_name("call_sign", tests, fake_global_begin, fake_global_end);
}
