#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fleet/grow.h"

/* Each item is where it was put, however often the list has moved. */
static void test_one_by_one(void **state)
{
	size_t *items = NULL;

	(void)state;
	for (size_t n = 0; n < 1000; n++) {
		size_t *more = grow(items, n, sizeof(*items));

		assert_non_null(more);
		items = more;
		items[n] = 7 * n;
	}
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(items[i], 7 * i);
	free(items);
}

/* What was taken off the end leaves its room. */
static void test_up_and_down(void **state)
{
	char *items = NULL;
	size_t n = 0;

	(void)state;
	for (int round = 1; round < 40; round++) {
		for (int i = 0; i < round; i++) {
			items = grow(items, n, 1);
			assert_non_null(items);
			items[n++] = (char)i;
		}
		n -= (size_t)round / 2;
	}
	free(items);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_by_one),
		cmocka_unit_test(test_up_and_down),
	};

	return cmocka_run_group_tests_name("grow", tests, NULL, NULL);
}
