/*
 * What plans say fits its room in whole characters, and what they act on is never cut.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fleet/plan_private.h"
#include "fleet/text.h"
#include "plan_world.h"

static void is_whole(const char *text, size_t least)
{
	char copy[1024];

	assert_true(strlen(text) >= least && strlen(text) < sizeof(copy));
	(void)snprintf(copy, sizeof(copy), "%s", text);
	text_mend(copy);
	assert_string_equal(text, copy);
	assert_null(strchr(text, '?'));
}

/* Long enough for all of the arrays; by one byte more, each of them is cut at another place. */
static void test_texts_are_cut_between_characters(void **state)
{
	char text[1000];

	(void)state;
	for (size_t first = 0; first < 3; first++) {
		struct plan p = { 0 };
		struct action *a;

		(void)snprintf(text, sizeof(text), "%.*s", (int)first, "ab");
		for (size_t n = first; n + 3 < sizeof(text); n += 3)
			(void)snprintf(text + n, sizeof(text) - n, "€");
		assert_int_equal(plan_add(&p, &a, ACTION_TAG, "i-1", "%s", text), 0);
		plan_say(a, "%s", text);
		plan_block(&p, "%s", text);
		assert_int_equal(plan_differs(&p, &(struct differs){ REMEDY_APPLY, text, NULL, text,
							  text, text, text }),
			0);
		is_whole(a->why, sizeof(a->why) - 3);
		is_whole(a->what, sizeof(a->what) - 3);
		is_whole(p.blocked, sizeof(p.blocked) - 3);
		is_whole(p.differences[0].subject, sizeof(p.differences[0].subject) - 3);
		is_whole(p.differences[0].member, sizeof(p.differences[0].member) - 3);
		is_whole(p.differences[0].wanted, sizeof(p.differences[0].wanted) - 3);
		is_whole(p.differences[0].found, sizeof(p.differences[0].found) - 3);
		is_whole(p.differences[0].hint, sizeof(p.differences[0].hint) - 3);
		plan_free(&p);
	}
}

/* AWS takes names of up to 255 characters for key pairs, which are deleted by name. */
static void test_a_name_is_whole_or_nothing_is_done(void **state)
{
	static const struct plan_options options = { 0 };
	char name[300];
	struct plan p;
	struct world w;

	(void)state;
	memset(name, 'n', sizeof(name));
	name[255] = '\0';
	world_begin(&w);
	world_key(&w, KEY)->name = name;
	assert_int_equal(plan_teardown(&p, &w.o, &options), 0);
	assert_string_equal(p.blocked, "");
	assert_int_equal(p.n, 1);
	assert_string_equal(p.actions[0].id, name);
	assert_non_null(strstr(p.actions[0].what, name));
	plan_free(&p);

	name[255] = 'n';
	name[260] = '\0';
	assert_int_equal(plan_teardown(&p, &w.o, &options), 0);
	assert_int_equal(p.n, 0);
	assert_non_null(strstr(p.blocked, "a name of 260 bytes"));
	plan_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts_are_cut_between_characters),
		cmocka_unit_test(test_a_name_is_whole_or_nothing_is_done),
	};

	return cmocka_run_group_tests_name("plan_text", tests, NULL, NULL);
}
