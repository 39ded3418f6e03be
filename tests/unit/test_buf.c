#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <awsq/buf.h>
#include <awsq/err.h>

static void test_an_empty_buffer(void **state)
{
	struct awsq_buf b = AWSQ_BUF_INIT(10);

	(void)state;
	assert_string_equal(awsq_buf_str(&b), "");
	assert_int_equal(awsq_buf_error(&b), 0);
	assert_null(b.data);
	awsq_buf_add(&b, NULL, 0);
	assert_string_equal(awsq_buf_str(&b), "");
	awsq_buf_truncate(&b, 5);
	assert_int_equal(b.len, 0);
	awsq_buf_free(&b);
	awsq_buf_free(&b);
	awsq_buf_wipe(&b);
}

/* Every length from nothing to past several reallocations: the bytes stay, the NUL is there. */
static void test_growth(void **state)
{
	struct awsq_buf b = AWSQ_BUF_INIT(5000);

	(void)state;
	for (size_t n = 0; n < 5000; n++) {
		awsq_buf_addc(&b, (char)(n % 251));
		assert_int_equal(b.len, n + 1);
		assert_true(b.cap > b.len);
		assert_int_equal(b.data[b.len], '\0');
	}
	for (size_t n = 0; n < 5000; n++)
		assert_int_equal((unsigned char)b.data[n], n % 251);
	assert_int_equal(awsq_buf_error(&b), 0);
	awsq_buf_free(&b);
	assert_null(b.data);
	assert_int_equal(b.max, 5000);
}

static void test_one_addition_larger_than_all_before(void **state)
{
	static char block[100000];
	struct awsq_buf b = AWSQ_BUF_INIT(sizeof(block) + 3);

	(void)state;
	memset(block, 'x', sizeof(block));
	awsq_buf_adds(&b, "abc");
	awsq_buf_add(&b, block, sizeof(block));
	assert_int_equal(b.len, sizeof(block) + 3);
	assert_memory_equal(b.data, "abcxx", 5);
	assert_memory_equal(b.data + 3, block, sizeof(block));
	awsq_buf_free(&b);
}

static void test_the_maximum_is_allowed_and_no_byte_more(void **state)
{
	struct awsq_buf b = AWSQ_BUF_INIT(4);

	(void)state;
	awsq_buf_adds(&b, "abcd");
	assert_string_equal(awsq_buf_str(&b), "abcd");
	awsq_buf_adds(&b, "");
	assert_int_equal(awsq_buf_error(&b), 0);
	awsq_buf_addc(&b, 'e');
	assert_int_equal(awsq_buf_error(&b), AWSQ_ETOOBIG);
	awsq_buf_free(&b);
	awsq_buf_init(&b, 0);
	awsq_buf_adds(&b, "");
	assert_int_equal(awsq_buf_error(&b), 0);
	awsq_buf_addc(&b, 'a');
	assert_int_equal(awsq_buf_error(&b), AWSQ_ETOOBIG);
	awsq_buf_free(&b);
	/* A length that would overflow the sum is past every maximum. */
	awsq_buf_init(&b, 16);
	awsq_buf_addc(&b, 'a');
	awsq_buf_add(&b, "", SIZE_MAX);
	assert_int_equal(awsq_buf_error(&b), AWSQ_ETOOBIG);
	awsq_buf_free(&b);
}

/* After an error the buffer is empty, stays empty, and hands nothing over, until it is reset. */
static void test_errors_stick(void **state)
{
	struct awsq_buf b = AWSQ_BUF_INIT(8);

	(void)state;
	awsq_buf_adds(&b, "abc");
	awsq_buf_adds(&b, "defghi");
	assert_int_equal(awsq_buf_error(&b), AWSQ_ETOOBIG);
	assert_string_equal(awsq_buf_str(&b), "");
	assert_int_equal(b.len, 0);
	awsq_buf_adds(&b, "z");
	awsq_buf_addc(&b, 'z');
	awsq_buf_addf(&b, "%d", 1);
	awsq_buf_add(&b, "", 0);
	assert_string_equal(awsq_buf_str(&b), "");
	assert_int_equal(awsq_buf_error(&b), AWSQ_ETOOBIG);
	assert_null(awsq_buf_take(&b));
	assert_int_equal(awsq_buf_error(&b), AWSQ_ETOOBIG);
	awsq_buf_reset(&b);
	assert_int_equal(awsq_buf_error(&b), 0);
	awsq_buf_adds(&b, "again");
	assert_string_equal(awsq_buf_str(&b), "again");
	awsq_buf_free(&b);
}

static void test_embedded_nuls(void **state)
{
	static const char bytes[] = { 'a', '\0', 'b', '\0' };
	struct awsq_buf b = AWSQ_BUF_INIT(100);
	char *taken;

	(void)state;
	awsq_buf_add(&b, bytes, sizeof(bytes));
	awsq_buf_addc(&b, '\0');
	awsq_buf_adds(&b, "c");
	assert_int_equal(b.len, 6);
	assert_memory_equal(b.data, "a\0b\0\0c", 7);
	taken = awsq_buf_take(&b);
	assert_memory_equal(taken, "a\0b\0\0c", 7);
	free(taken);
}

static void test_take(void **state)
{
	struct awsq_buf b = AWSQ_BUF_INIT(10);
	char *first, *second;

	(void)state;
	/* Of an empty buffer too: an empty string, which is the caller's. */
	first = awsq_buf_take(&b);
	assert_string_equal(first, "");
	free(first);
	awsq_buf_adds(&b, "first");
	first = awsq_buf_take(&b);
	assert_string_equal(awsq_buf_str(&b), "");
	assert_int_equal(b.len, 0);
	assert_int_equal(b.max, 10);
	awsq_buf_adds(&b, "second");
	second = awsq_buf_take(&b);
	assert_string_equal(first, "first");
	assert_string_equal(second, "second");
	free(first);
	free(second);
	awsq_buf_free(&b);
}

static void test_truncate(void **state)
{
	struct awsq_buf b = AWSQ_BUF_INIT(10);

	(void)state;
	awsq_buf_adds(&b, "abcdef");
	awsq_buf_truncate(&b, 7);
	assert_string_equal(awsq_buf_str(&b), "abcdef");
	awsq_buf_truncate(&b, 6);
	assert_string_equal(awsq_buf_str(&b), "abcdef");
	awsq_buf_truncate(&b, 2);
	assert_string_equal(awsq_buf_str(&b), "ab");
	awsq_buf_adds(&b, "12345678");
	assert_string_equal(awsq_buf_str(&b), "ab12345678");
	awsq_buf_truncate(&b, 0);
	assert_string_equal(awsq_buf_str(&b), "");
	awsq_buf_free(&b);
}

/* Formatted text at every size around those at which the memory grows, and at the maximum. */
static void test_formatted_text_at_exact_sizes(void **state)
{
	(void)state;
	for (int len = 0; len < 300; len++) {
		struct awsq_buf b;

		awsq_buf_init(&b, (size_t)len + 1);
		awsq_buf_addf(&b, "%0*d", len ? len : 1, 7);
		assert_int_equal(awsq_buf_error(&b), 0);
		assert_int_equal(b.len, len ? len : 1);
		assert_int_equal(strlen(awsq_buf_str(&b)), b.len);
		assert_int_equal(b.data[b.len - 1], '7');
		awsq_buf_free(&b);
		if (len < 2)
			continue;
		awsq_buf_init(&b, (size_t)len - 1);
		awsq_buf_addf(&b, "%0*d", len, 7);
		assert_int_equal(awsq_buf_error(&b), AWSQ_ETOOBIG);
		awsq_buf_free(&b);
	}
}

static void test_formatted_text_follows_what_is_there(void **state)
{
	struct awsq_buf b = AWSQ_BUF_INIT(100);

	(void)state;
	awsq_buf_addf(&b, "%s", "");
	assert_string_equal(awsq_buf_str(&b), "");
	awsq_buf_addf(&b, "a%sc", "b");
	awsq_buf_addf(&b, "-%d%%", 100);
	assert_string_equal(awsq_buf_str(&b), "abc-100%");
	awsq_buf_free(&b);
}

static void test_reset_keeps_the_memory(void **state)
{
	struct awsq_buf b = AWSQ_BUF_INIT(100);
	const char *before;

	(void)state;
	awsq_buf_adds(&b, "some text");
	before = b.data;
	awsq_buf_reset(&b);
	assert_int_equal(b.len, 0);
	assert_ptr_equal(b.data, before);
	awsq_buf_adds(&b, "other");
	assert_ptr_equal(b.data, before);
	assert_string_equal(awsq_buf_str(&b), "other");
	awsq_buf_wipe(&b);
	assert_null(b.data);
	awsq_buf_adds(&b, "usable");
	assert_string_equal(awsq_buf_str(&b), "usable");
	awsq_buf_wipe(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_empty_buffer),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_one_addition_larger_than_all_before),
		cmocka_unit_test(test_the_maximum_is_allowed_and_no_byte_more),
		cmocka_unit_test(test_errors_stick),
		cmocka_unit_test(test_embedded_nuls),
		cmocka_unit_test(test_take),
		cmocka_unit_test(test_truncate),
		cmocka_unit_test(test_formatted_text_at_exact_sizes),
		cmocka_unit_test(test_formatted_text_follows_what_is_there),
		cmocka_unit_test(test_reset_keeps_the_memory),
	};

	return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
