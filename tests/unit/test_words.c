/*
 * Words as a shell cuts them. What is expected was taken from Python's shlex.split().
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <awsq/err.h>

#include "words.h"

static void test_words(void **state)
{
	/* The line, and its words with a '|' after each. */
	static const char *const cases[][2] = {
		{ "", "" },
		{ " \t\r\n ", "" },
		{ "a", "a|" },
		{ " a  bc\td\n", "a|bc|d|" },
		{ "'a b' \"c d\"", "a b|c d|" },
		{ "''", "|" },
		{ "'' \"\" a", "||a|" },
		{ "a''b\"c\"d", "abcd|" },
		{ "a\\ b \\\"c\\\\", "a b|\"c\\|" },
		{ "\"a\\\"b\\\\c\\d\\'e\"", "a\"b\\c\\d\\'e|" },
		{ "'a\\b\"c'", "a\\b\"c|" },
		{ "\"it's\"", "it's|" },
		{ "a#b # c", "a#b|#|c|" },
		{ "$HOME `x` a|b ~ *", "$HOME|`x`|a|b|~|*|" },
		{ "\xc3\xa4 \x01", "\xc3\xa4|\x01|" },
	};
	struct awsq_buf word = AWSQ_BUF_INIT(100), all = AWSQ_BUF_INIT(100);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *at = cases[i][0];
		int rc;

		awsq_buf_reset(&all);
		while ((rc = words_next(&at, &word)) == 1)
			awsq_buf_addf(&all, "%s|", awsq_buf_str(&word));
		assert_int_equal(rc, 0);
		assert_string_equal(awsq_buf_str(&all), cases[i][1]);
	}
	awsq_buf_free(&word);
	awsq_buf_free(&all);
}

static void test_what_is_not_closed(void **state)
{
	static const char *const bad[] = { "'", "\"", "'a\"", "\"a'", "a\\", "\"a\\\"", "\"a\\" };
	struct awsq_buf word = AWSQ_BUF_INIT(100);

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		const char *at = bad[i];

		assert_int_equal(words_next(&at, &word), AWSQ_EPARSE);
	}
	awsq_buf_free(&word);
}

static void test_a_word_too_long(void **state)
{
	struct awsq_buf word = AWSQ_BUF_INIT(3);
	const char *at = "abcd ef";

	(void)state;
	assert_int_equal(words_next(&at, &word), 1);
	assert_int_equal(awsq_buf_error(&word), AWSQ_ETOOBIG);
	assert_int_equal(words_next(&at, &word), 1);
	assert_int_equal(awsq_buf_error(&word), 0);
	assert_string_equal(awsq_buf_str(&word), "ef");
	awsq_buf_free(&word);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_what_is_not_closed),
		cmocka_unit_test(test_a_word_too_long),
	};

	return cmocka_run_group_tests_name("words", tests, NULL, NULL);
}
