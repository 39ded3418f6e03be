/*
 * Texts that are cut, or no UTF-8.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fleet/text.h"

static void test_cut_where_a_character_ends(void **state)
{
	static const struct {
		size_t size;
		const char *expected;
	} cases[] = {
		/* "aé€𝄞z": characters of one, two, three, four bytes and one. */
		{ 12, "aé€𝄞z" },
		{ 11, "aé€𝄞" },
		{ 10, "aé€" },
		{ 9, "aé€" },
		{ 8, "aé€" },
		{ 7, "aé€" },
		{ 6, "aé" },
		{ 5, "aé" },
		{ 4, "aé" },
		{ 3, "a" },
		{ 2, "a" },
		{ 1, "" },
	};
	char out[16];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(out, 'x', sizeof(out));
		text_format(out, cases[i].size, "%s", "aé€𝄞z");
		assert_string_equal(out, cases[i].expected);
	}
	/* What a precision cuts stands in the midst: that something is missing is to be seen. */
	text_format(out, sizeof(out), "'%.2s'", "aé");
	assert_string_equal(out, "'a?'");
	text_format(out, sizeof(out), "%.2s", "aé");
	assert_string_equal(out, "a?");
}

static void test_what_is_no_utf_8(void **state)
{
	static const struct {
		const char *bad, *expected;
	} cases[] = {
		{ "", "" },
		{ "plain \x7f text", "plain \x7f text" },
		{ "\xc2\x80 \xdf\xbf \xe0\xa0\x80 \xed\x9f\xbf \xee\x80\x80 \xef\xbf\xbf",
			"\xc2\x80 \xdf\xbf \xe0\xa0\x80 \xed\x9f\xbf \xee\x80\x80 \xef\xbf\xbf" },
		{ "\xf0\x90\x80\x80 \xf4\x8f\xbf\xbf", "\xf0\x90\x80\x80 \xf4\x8f\xbf\xbf" },
		{ "caf\xe9", "caf?" }, /* ISO 8859-1 */
		{ "caf\xe9 au lait", "caf? au lait" },
		{ "\x80", "?" }, /* goes on with nothing */
		{ "\xbf\xbf", "??" },
		{ "\xc0\xaf", "??" }, /* longer than need be */
		{ "\xc1\xbf", "??" },
		{ "\xe0\x9f\xbf", "???" },
		{ "\xf0\x8f\xbf\xbf", "????" },
		{ "\xed\xa0\x80", "???" },      /* a surrogate */
		{ "\xf4\x90\x80\x80", "????" }, /* past the last one */
		{ "\xf5\x80\xff\xfe", "????" },
		{ "\xe2\x82", "?" }, /* parts of one are one mark */
		{ "\xe2\x82"
		  "e\xcc\x81",
			"?e\xcc\x81" },
		{ "\xf0\x9d\x84\xe2\x82\xac", "?\xe2\x82\xac" },
	};
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		(void)snprintf(text, sizeof(text), "%s", cases[i].bad);
		text_mend(text);
		assert_string_equal(text, cases[i].expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut_where_a_character_ends),
		cmocka_unit_test(test_what_is_no_utf_8),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
