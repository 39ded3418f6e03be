/*
 * When AWS asks for less, all calls of a client take heed, not only the one that was told.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_client.h"

#define THROTTLED                                                                        \
	"<Response><Errors><Error><Code>RequestLimitExceeded</Code><Message>m</Message>" \
	"</Error></Errors><RequestID>r</RequestID></Response>"
#define UNAVAILABLE                                                                     \
	"<Response><Errors><Error><Code>Unavailable</Code><Message>m</Message></Error>" \
	"</Errors><RequestID>r</RequestID></Response>"

/* When each page came. */
struct pages {
	int64_t at_ms[4];
	size_t n;
};

static int on_page(void *arg, void *page)
{
	struct pages *p = arg;

	(void)page;
	assert_true(p->n < 4);
	p->at_ms[p->n++] = fake_mono_ms(NULL);
	return 0;
}

/* A list of two pages beside a call that fails once, with this error. When its pages came. */
static struct pages run_beside(const char *error)
{
	const struct answer answers[] = {
		{ .action = "DescribeKeyPairs", .status = 503, .body = error },
		{ .action = "DescribeVpcs",
			.status = 200,
			.delay_ms = 150,
			.body = "<R><vpcSet/><nextToken>2</nextToken></R>" },
		{ .action = "DescribeVpcs", .status = 200, .body = "<R><vpcSet/></R>" },
		{ .action = "DescribeKeyPairs", .status = 200, .body = "<R/>" },
	};
	struct awsq_ec2_key_pairs key_pairs = { 0 };
	struct awsq_ec2_vpcs vpcs = { 0 };
	struct pages pages = { .n = 0 };
	struct awsq_call calls[2];
	struct fake f;
	int64_t began;

	fake_prepare(&f, answers, 4);
	f.clock.chance = fake_half;
	fake_open(&f);
	awsq_ec2_describe_key_pairs(&calls[0], &key_pairs, NULL);
	awsq_ec2_describe_vpcs(&calls[1], &vpcs, NULL);
	calls[1].on_page = on_page;
	calls[1].arg = &pages;
	began = fake_mono_ms(NULL);
	assert_int_equal(awsq_run(f.client, calls, 2), 0);
	assert_int_equal(pages.n, 2);
	for (size_t i = 0; i < pages.n; i++)
		pages.at_ms[i] -= began;
	awsq_call_free(&calls[0]);
	awsq_call_free(&calls[1]);
	fake_end(&f);
	return pages;
}

/* The other one asks for its next page only when the throttled one's retry is due. */
static void test_pages_wait(void **state)
{
	struct pages pages = run_beside(THROTTLED);

	(void)state;
	assert_in_range(pages.at_ms[0], 150, 450);
	assert_in_range(pages.at_ms[1], 500, 3000);
	/* Trouble of another kind is that call's own. */
	pages = run_beside(UNAVAILABLE);
	assert_in_range(pages.at_ms[1], 150, 450);
}

/* One call, tried once; how long it took. */
static int64_t take(struct fake *f, int code)
{
	struct awsq_ec2_vpcs vpcs = { 0 };
	struct awsq_call call;
	struct awsq_err err;
	int64_t began = fake_mono_ms(NULL);

	awsq_ec2_describe_vpcs(&call, &vpcs, NULL);
	assert_int_equal(awsq_run_one(f->client, &call, &err), code);
	awsq_ec2_free_vpcs(&vpcs);
	return fake_mono_ms(NULL) - began;
}

/* When the throttled call gives up, the next one is not sent at once. */
static void test_the_next_run_waits(void **state)
{
	static const struct answer answers[] = { { .status = 503, .body = THROTTLED },
		{ .status = 200, .body = "<R><vpcSet/></R>" },
		{ .status = 200, .body = "<R><vpcSet/></R>" } };
	struct fake f;

	(void)state;
	fake_prepare(&f, answers, 3);
	f.settings.max_attempts = 1;
	f.clock.chance = fake_half;
	fake_open(&f);
	assert_in_range(take(&f, AWSQ_ESERVICE), 0, 400);
	assert_in_range(take(&f, 0), 400, 3000);
	assert_in_range(take(&f, 0), 0, 400); /* over */
	fake_end(&f);
}

/* But it is sent, when otherwise it never would be. */
static void test_no_wait_past_the_deadline(void **state)
{
	static const struct answer answers[] = { { .status = 503, .body = THROTTLED },
		{ .status = 200, .body = "<R><vpcSet/></R>" } };
	struct fake f;

	(void)state;
	fake_prepare(&f, answers, 2);
	f.settings.max_attempts = 1;
	f.options.run_timeout_ms = 600;
	f.clock.chance = fake_almost_one;
	fake_open(&f);
	assert_in_range(take(&f, AWSQ_ESERVICE), 0, 300);
	assert_in_range(take(&f, 0), 0, 300);
	fake_end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pages_wait),
		cmocka_unit_test(test_the_next_run_waits),
		cmocka_unit_test(test_no_wait_past_the_deadline),
	};

	return cmocka_run_group_tests_name("call_throttle", tests, fake_global_begin,
		fake_global_end);
}
