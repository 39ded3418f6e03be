/* What an instance answers, whole, in pieces, and as garbage. */
#include "banned.h"

#include "runs/frames.h"

#include <awsq/buf.h>
#include <awsq/err.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What frames_take made of its input: "out(...)", "err(...)" with all bytes that came in a row. */
struct heard {
	struct awsq_buf text;
	int last; /* 'o' or 'e': the text ends in that stream's bytes; 0 */
	int stop; /* for a callback to return at the next END */
};

static void close_bytes(struct heard *h)
{
	if (h->last)
		awsq_buf_addc(&h->text, ')');
	h->last = 0;
}

static int on_data(void *arg, int is_stderr, const void *data, size_t len)
{
	struct heard *h = arg;
	int which = is_stderr ? 'e' : 'o';

	assert_true(len > 0);
	if (h->last != which) {
		close_bytes(h);
		awsq_buf_adds(&h->text, is_stderr ? "err(" : "out(");
	}
	h->last = which;
	awsq_buf_add(&h->text, data, len);
	return 0;
}

static int on_frame(void *arg, const struct frame *f)
{
	static const char *const names[] = { "beat", "start", "end", "gone", "more", "no", "late",
		"none" };
	struct heard *h = arg;

	/* A beat between two pieces of one stream is no end of that. */
	close_bytes(h);
	awsq_buf_addf(&h->text, "%s %lld %lld %s;", names[f->kind], (long long)f->number[0],
		(long long)f->number[1], f->text);
	return f->kind == FRAME_END ? h->stop : 0;
}

/* Takes input in pieces of so many bytes; the result is the first that is not 0. */
static int hear(struct heard *h, const char *input, size_t len, size_t piece)
{
	const struct frames_sink sink = { on_data, on_frame, h };
	struct frames f;
	int rc = 0;

	awsq_buf_init(&h->text, 1 << 20);
	h->last = 0;
	frames_init(&f, "MARK-1", &sink);
	for (size_t at = 0; at < len && rc == 0; at += piece)
		rc = frames_take(&f, input + at, len - at < piece ? len - at : piece);
	close_bytes(h);
	return rc;
}

static void expect_bytes(const char *input, size_t len, const char *expected, int code)
{
	static const size_t pieces[] = { 1, 2, 3, 5, 7, 64, 1 << 20 };
	struct heard h = { .stop = 0 };

	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		assert_int_equal(hear(&h, input, len, pieces[i]), code);
		assert_string_equal(awsq_buf_str(&h.text), expected);
		awsq_buf_free(&h.text);
	}
}

static void expect(const char *input, const char *expected, int code)
{
	expect_bytes(input, strlen(input), expected, code);
}

static void test_a_whole_job(void **state)
{
	(void)state;
	expect("MARK-1\ns 61 0\no 3\na\nbe 2\ncdt\no 1\n\nend 7 0\n",
		"start 61 0 ;out(a\nb)err(cd)beat 0 0 ;out(\n)end 7 0 ;", 0);
}

static void test_every_frame(void **state)
{
	(void)state;
	expect("MARK-1\nt\ns 1 2\nend 255 1\ngone\nmore\nlate 99\nnone\nno room, none at all\n",
		"beat 0 0 ;start 1 2 ;end 255 1 ;gone 0 0 ;more 0 0 ;late 99 0 ;none 0 0 ;"
		"no 0 0 room, none at all;",
		0);
}

static void test_noise_before_the_mark(void **state)
{
	(void)state;
	expect("Welcome!\nend 0 0\nMARK-MARK-1MMARK-1\ngone\n", "gone 0 0 ;", 0);
	expect("no mark at all\nend 0 0\nMARK-2\n", "", 0);
	expect("", "", 0);
}

static void test_output_may_be_anything(void **state)
{
	static const char input[] = "MARK-1\no 19\nend 0 0\nMARK-1\ntx\0y\ngone\n";

	(void)state;
	expect("MARK-1\no 15\nend 0 0\nMARK-1\ngone\n", "out(end 0 0\nMARK-1\n)gone 0 0 ;", 0);
	/* What is compared ends at the NUL, which is a byte like any other. */
	expect_bytes(input, sizeof(input) - 1, "out(end 0 0\nMARK-1\ntx", AWSQ_EPARSE);
}

static void test_base64(void **state)
{
	(void)state;
	expect("MARK-1\nO 5\naGVsbG8=\n.\nE 1\neA==\n.\nmore\n", "out(hello)err(x)more 0 0 ;", 0);
	expect("MARK-1\nO 6\naGVs\nbG8h\n.\nend 0 0\n", "out(hello!)end 0 0 ;", 0);
	expect("MARK-1\nO 5\naGVs\n.\n", "out(hel)", AWSQ_EPARSE);
	expect("MARK-1\nO 2\naGVs\n.\n", "", AWSQ_EPARSE);
	expect("MARK-1\nO 3\na*V\n.\n", "", AWSQ_EPARSE);
}

static void test_garbage(void **state)
{
	static const char *const garbage[] = { "", " ", "x", "o", "o ", "o x", "o -1", "o 1 2",
		"o 99999999999999999999", "end", "end 1", "end 1 2 3", "end x 0", "end 1  2",
		"s 1 2 ", "t 1", "gone 1", "no", "Gone", "late" };
	char input[64];

	(void)state;
	for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
		(void)snprintf(input, sizeof(input), "MARK-1\n%s\ngone\n", garbage[i]);
		expect(input, "", AWSQ_EPARSE);
	}
}

static void test_a_long_line_is_cut_off(void **state)
{
	char input[1024], expected[1024];

	(void)state;
	(void)snprintf(input, sizeof(input), "MARK-1\nno %0500d\ngone\n", 0);
	(void)snprintf(expected, sizeof(expected), "no 0 0 %0252d;gone 0 0 ;", 0);
	expect(input, expected, 0);
}

static void test_a_callback_ends_it(void **state)
{
	static const char input[] = "MARK-1\nend 3 0\ngone\n";
	struct heard h = { .stop = -77 };

	(void)state;
	assert_int_equal(hear(&h, input, strlen(input), 1000), -77);
	assert_string_equal(awsq_buf_str(&h.text), "end 3 0 ;");
	awsq_buf_free(&h.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_whole_job),
		cmocka_unit_test(test_every_frame),
		cmocka_unit_test(test_noise_before_the_mark),
		cmocka_unit_test(test_output_may_be_anything),
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_a_long_line_is_cut_off),
		cmocka_unit_test(test_a_callback_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
