/*
 * An outlet whose reader reads, stops, comes back, and goes away.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <awsq/clock.h>
#include <awsq/err.h>

#include "cli/outlet.h"

#define ROOM 262144 /* of a pen, as outlet.h says */

struct world {
	int reader, writer, cancel[2];
	struct outlet *outlet;
	struct outlet_pen *pen;
};

static int64_t now_ms(void)
{
	return awsq_clock_system.mono_ms(awsq_clock_system.arg);
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	int fds[2];

	assert_non_null(w);
	assert_int_equal(pipe(fds) | pipe(w->cancel), 0);
	(void)signal(SIGPIPE, SIG_IGN);
	w->reader = fds[0];
	w->writer = fds[1];
	w->outlet = outlet_new(w->writer);
	w->pen = w->outlet ? outlet_pen(w->outlet) : NULL;
	*state = w;
	return w->pen ? 0 : -1;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	/* Without a reader nothing is stuck, so all is freed. */
	if (w->reader >= 0)
		(void)close(w->reader);
	while (outlet_is_stuck(w->outlet))
		(void)awsq_clock_system.sleep_ms(awsq_clock_system.arg, 1, -1);
	(void)outlet_finish(w->outlet, 1, -1);
	outlet_free(w->outlet);
	(void)close(w->writer);
	(void)close(w->cancel[0]);
	(void)close(w->cancel[1]);
	free(w);
	return 0;
}

static char *bytes(size_t len, int byte)
{
	char *data = malloc(len);

	assert_non_null(data);
	memset(data, byte, len);
	return data;
}

/* Fills the pipe and the pen's room; each time takes no more than the second of patience. */
static void fill(struct world *w)
{
	char *data = bytes(65536, 'a');

	assert_int_equal(outlet_put(w->pen, data, 65536, 0, -1), 0);
	/* The thread holds these. */
	assert_int_equal(outlet_put(w->pen, data, 65536, 0, -1), 0);
	for (int i = 0; i < ROOM / 65536; i++)
		assert_int_equal(outlet_put(w->pen, data, 65536, 0, -1), 0);
	assert_true(outlet_is_stuck(w->outlet));
	free(data);
}

static size_t take(struct world *w, size_t len, char *last)
{
	char data[4096];
	size_t got = 0;

	while (got < len) {
		size_t wanted = len - got < sizeof(data) ? len - got : sizeof(data);
		ssize_t n = read(w->reader, data, wanted);

		if (n <= 0)
			break;
		got += (size_t)n;
		*last = data[n - 1];
	}
	return got;
}

static void test_written_when_put_returns(void **state)
{
	struct world *w = *state;
	char text[8] = "";

	assert_int_equal(outlet_put(w->pen, "hello", 5, 0, -1), 0);
	(void)fcntl(w->reader, F_SETFL, O_NONBLOCK);
	assert_int_equal(read(w->reader, text, sizeof(text)), 5);
	assert_string_equal(text, "hello");
	assert_false(outlet_is_stuck(w->outlet));
	assert_int_equal(outlet_finish(w->outlet, 1, -1), 0);
}

static void test_limits(void **state)
{
	struct world *w = *state;
	int64_t began;

	fill(w);
	began = now_ms();
	assert_int_equal(outlet_put(w->pen, "x", 1, 1, -1), AWSQ_ETIMEDOUT);
	assert_true(now_ms() - began < 900); /* the patience is a second */
	assert_int_equal(outlet_put(w->pen, "x", 1, now_ms() + 300, -1), AWSQ_ETIMEDOUT);
	assert_in_range(now_ms() - began, 300, 60000);
	assert_int_equal(write(w->cancel[1], "", 1), 1);
	began = now_ms();
	assert_int_equal(outlet_put(w->pen, "x", 1, 0, w->cancel[0]), AWSQ_ECANCELED);
	assert_true(now_ms() - began < 60000);
	/* Something was dropped: the rest is not waited for either. */
	assert_int_equal(outlet_finish(w->outlet, 1, -1), AWSQ_EIO);
}

static void test_another_pen_has_its_own_room(void **state)
{
	struct world *w = *state;
	struct outlet_pen *other = outlet_pen(w->outlet);
	int64_t began;
	char last = 0;

	fill(w);
	began = now_ms();
	for (int i = 0; i < 100; i++)
		assert_int_equal(outlet_put(other, "line b\n", 7, 0, -1), 0);
	assert_true(now_ms() - began < 60000); /* a second each, otherwise */
	/* The reader is back: all is there, each pen's in order. */
	assert_int_equal(take(w, 131072 + ROOM, &last), 131072 + ROOM);
	assert_int_equal(last, 'a');
	assert_int_equal(take(w, 700, &last), 700);
	assert_int_equal(last, '\n');
	assert_int_equal(outlet_finish(w->outlet, 1, -1), 0);
	outlet_give_back(other);
	assert_ptr_equal(outlet_pen(w->outlet), other);
}

static void test_finish_is_canceled(void **state)
{
	struct world *w = *state;
	int64_t began;

	fill(w);
	assert_int_equal(write(w->cancel[1], "", 1), 1);
	began = now_ms();
	assert_int_equal(outlet_finish(w->outlet, 1, w->cancel[0]), AWSQ_EIO);
	assert_true(now_ms() - began < 60000);
}

static void test_reader_gone(void **state)
{
	struct world *w = *state;

	(void)close(w->reader);
	w->reader = -1;
	assert_int_equal(outlet_put(w->pen, "x", 1, 0, -1), AWSQ_EIO);
	assert_int_equal(outlet_put(w->pen, "x", 1, 0, -1), AWSQ_EIO);
	assert_int_equal(outlet_finish(w->outlet, 1, -1), AWSQ_EIO);
}

static void test_does_not_block_by_itself(void **state)
{
	struct world *w = *state;
	char *data = bytes(65536, 'a');
	char last = 0;

	/* As some shells and terminals leave it. */
	(void)fcntl(w->writer, F_SETFL, O_NONBLOCK);
	for (int i = 0; i < 4; i++)
		assert_int_equal(outlet_put(w->pen, data, 65536, 0, -1), 0);
	assert_int_equal(take(w, 4 * 65536, &last), 4 * 65536);
	assert_int_equal(outlet_finish(w->outlet, 1, -1), 0);
	free(data);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_written_when_put_returns),
		TEST(test_limits),
		TEST(test_another_pen_has_its_own_room),
		TEST(test_finish_is_canceled),
		TEST(test_reader_gone),
		TEST(test_does_not_block_by_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
