/* Tables and lines as wide as a terminal, and as wide as what is in them. */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/table.h"
#include "cli/wrap.h"

static void expect(struct table *t, size_t columns, int color, size_t lines, const char *expected)
{
	struct awsq_buf text = AWSQ_BUF_INIT(65536);

	table_fit(t, &(struct view){ columns, color }, lines);
	table_print(&text, t);
	assert_string_equal(awsq_buf_str(&text), expected);
	awsq_buf_free(&text);
}

static struct table *two_rows(const char *last)
{
	struct table *t = table_new(3);

	table_add(t, "REGION", "STATE", "RESULT");
	table_add(t, "us-east-1", "", last);
	table_add(t, "eu-west-3", "failed", (const char *)NULL);
	table_paint(t, 1, PAINT_BAD);
	return t;
}

static void test_any_width(void **state)
{
	struct table *t =
		two_rows("é \001 of any length, which is longer than most terminals are wide");

	(void)state;
	expect(t, 0, 0, 0,
		"REGION     STATE   RESULT\n"
		"us-east-1  -       é ? of any length, which is longer than most terminals are "
		"wide\n"
		"eu-west-3  failed  -\n");
	expect(t, 200, 1, 0,
		"REGION     STATE   RESULT\n"
		"us-east-1  -       é ? of any length, which is longer than most terminals are "
		"wide\n"
		"eu-west-3  \033[31mfailed\033[0m  -\n");
	table_free(t);
}

static void test_beside(void **state)
{
	struct table *t = two_rows("fifteen letters and more of them, which is more than one line");

	(void)state;
	expect(t, 56, 0, 0,
		"REGION     STATE   RESULT\n"
		"us-east-1  -       fifteen letters and more of them,\n"
		"                   which is more than one line\n"
		"eu-west-3  failed  -\n");
	expect(t, 56, 0, 1,
		"REGION     STATE   RESULT\n"
		"us-east-1  -       fifteen letters and more of them, ...\n"
		"eu-west-3  failed  -\n");
	table_free(t);
}

static void test_below(void **state)
{
	struct table *t = two_rows("fifteen letters and more of them, which is more than one line");

	(void)state;
	expect(t, 40, 0, 0,
		"REGION     STATE   RESULT\n"
		"us-east-1  -\n"
		"    fifteen letters and more of them,\n"
		"    which is more than one line\n"
		"eu-west-3  failed  -\n");
	expect(t, 40, 0, 1,
		"REGION     STATE   RESULT\n"
		"us-east-1  -\n"
		"    fifteen letters and more of ...\n"
		"eu-west-3  failed  -\n");
	/* No room for anything beside: neither header nor dash have a line of their own. */
	expect(t, 18, 0, 1,
		"REGION     STATE\n"
		"us-east-1  -\n"
		"    fifteen ...\n"
		"eu-west-3  failed\n");
	table_free(t);
}

/* Where cells are empty, their room is the text's. */
static void test_empty_cells(void **state)
{
	struct table *t = table_new(4);

	(void)state;
	table_add(t, "REGION", "RESOURCE", "ID", "DETAIL");
	table_add(t, "eu-west-3", "image", "ami-0123456789abcdef0", "copy of ami-0123");
	table_add(t, "eu-west-3", "difference", "", "image: wanted another one, found that one");
	expect(t, 60, 0, 0,
		"REGION     RESOURCE    ID                     DETAIL\n"
		"eu-west-3  image       ami-0123456789abcdef0\n"
		"           copy of ami-0123\n"
		"eu-west-3  difference  image: wanted another one, found that\n"
		"                       one\n");
	table_free(t);
}

static void test_narrow(void **state)
{
	struct table *t = table_new(3);

	(void)state;
	table_add(t, "production/ap-northeast-1", "2026-11-22 05:15 UTC", "x");
	expect(t, 40, 0, 0, "production/ap-north 2026-11-22 05:15 UTC\neast-1\n");
	table_free(t);
	table_print(NULL, NULL);
	table_show(NULL, NULL, 0, 0);
}

static void test_lines(void **state)
{
	static const struct {
		const char *text;
		size_t columns, used, indent;
		const char *expected;
	} cases[] = {
		{ "", 80, 0, 0, "\n" }, { "one two", 0, 5, 5, "one two\n" },
		{ "one two three four", 14, 2, 4, "one two\n    three four\n" },
		{ "one two\nthree", 80, 0, 2, "one two\n  three\n" },
		{ "onetwothreefourfive", 12, 0, 2, "onetwothreef\n  ourfive\n" },
		{ "ééééé ééééé ééééé", 11, 0, 0, "ééééé ééééé\nééééé\n" },
		{ "one  two", 4, 0, 0, "one  two\n" }, /* never less than ten */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct awsq_buf text = AWSQ_BUF_INIT(1024);

		wrap_add(&text, cases[i].text, cases[i].columns, cases[i].used, cases[i].indent);
		assert_string_equal(awsq_buf_str(&text), cases[i].expected);
		awsq_buf_free(&text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_width),
		cmocka_unit_test(test_beside),
		cmocka_unit_test(test_below),
		cmocka_unit_test(test_empty_cells),
		cmocka_unit_test(test_narrow),
		cmocka_unit_test(test_lines),
	};

	return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
