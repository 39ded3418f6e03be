/*
 * What config-region plans where a region has several instances: those that are missing, those that
 * are too many, and new ones for all.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plan_expect.h"

/* A complete region that is to have `wanted` instances, and has i-5 and `more` as its like. */
static void begin(struct want *x, struct world *w, int wanted, int more)
{
	static const char *const ordinals[] = { "2", "3", "4", "5", "6" };

	want_begin(x);
	x->config.elsewhere.count = wanted;
	world_complete(w, x);
	for (int i = 0; i < more; i++) {
		struct awsq_ec2_instance *new = world_instance(w, "stopped", 1000);

		TAG(w, new, TAG_ORDINAL, ordinals[i]);
		w->attributes[new - w->instances].user_data = S(x->user_data);
	}
}

static void append(char *out, size_t size, const char *text)
{
	size_t len = strlen(out);

	(void)snprintf(out + len, size - len, "%s", text);
}

/*
 * Expects these new instances, each as "NUMBER" or "NUMBER=REPLACED", in this order; and each of
 * them to be stopped.
 */
static void assert_new(const struct want *x, const struct world *w, const char *expected)
{
	char told[200] = "", made[100] = "", stopped[100] = "", number[16];
	struct plan p;

	assert_int_equal(plan_provision(&p, &x->d, &w->o, &w->region, &x->options), 0);
	for (size_t i = 0; i < p.n; i++) {
		const struct action *a = &p.actions[i];
		size_t len = strlen(told);

		(void)snprintf(number, sizeof(number), " %d", a->ordinal);
		if (a->kind == ACTION_RUN_INSTANCE) {
			(void)snprintf(told + len, sizeof(told) - len, "%s%s%s", number,
				a->value[0] ? "=" : "", a->value);
			append(made, sizeof(made), number);
		} else if (a->kind == ACTION_STOP_INSTANCE && !a->id[0]) {
			append(stopped, sizeof(stopped), number);
		}
	}
	assert_string_equal(told, expected);
	assert_string_equal(stopped, made);
	plan_free(&p);
}

static void test_all_there(void **state)
{
	struct want x;
	struct world w;

	(void)state;
	begin(&x, &w, 3, 2);
	plans(&x, &w, "", "");
	x.options.replace = 1;
	plans(&x, &w, "", "");
}

static void test_missing(void **state)
{
	struct want x;
	struct world w;
	struct plan p;

	(void)state;
	begin(&x, &w, 3, 0);
	plans(&x, &w, "run-instance run-instance stop-instance stop-instance",
		"instances count: 1 -> 3 (apply)\n");
	assert_new(&x, &w, " 2 3");
	/* A gap is filled, whichever it is. */
	begin(&x, &w, 3, 2);
	w.instances[1].state = S("terminated");
	plans(&x, &w, "run-instance stop-instance", "instances count: 2 -> 3 (apply)\n");
	assert_new(&x, &w, " 2");
	w.instances[0].state = S("shutting-down");
	assert_new(&x, &w, " 1 2");
	/* None at all. */
	w.instances[2].state = S("terminated");
	plans(&x, &w,
		"run-instance run-instance run-instance stop-instance stop-instance stop-instance",
		"instances count: 0 -> 3 (apply)\n");
	assert_new(&x, &w, " 1 2 3");
	assert_int_equal(plan_provision(&p, &x.d, &w.o, &w.region, &x.options), 0);
	assert_string_equal(p.actions[1].why, "of 3 instances, number 2 is missing");
	plan_free(&p);
}

/* One that was made by hand is one of them; and so is any that was made as none of these. */
static void test_others_take_a_place(void **state)
{
	struct want x;
	struct world w;

	(void)state;
	begin(&x, &w, 3, 1);
	w.instances[0].n_tags = 1;
	plans(&x, &w, "tag(i-5)=awsq:fleet:NAVO run-instance stop-instance",
		"instances count: 2 -> 3 (apply)\n"
		"instance i-5 tags: none -> awsq:fleet=NAVO (apply)\n");
	assert_new(&x, &w, " 3");
	begin(&x, &w, 2, 2);
	w.instances[0].state = S("terminated");
	plans(&x, &w, "", "");
}

/* Each is compared. */
static void test_each_is_repaired(void **state)
{
	struct want x;
	struct world w;

	(void)state;
	begin(&x, &w, 3, 2);
	w.instances[0].type = S("t2.nano");
	w.instances[1].http_tokens = S("optional");
	w.instances[2].state = S("running");
	w.instances[2].type = S("t2.nano");
	plans(&x, &w, "modify-type(i-5)=t3.micro modify-metadata(i-7)=required",
		"instance i-5 type: t2.nano -> t3.micro or t3a.micro (apply)\n"
		"instance i-7 metadata tokens (IMDSv2): optional -> required (apply)\n"
		"instance i-9 state: running -> stopped (by-hand)\n"
		"instance i-9 type: t2.nano -> t3.micro or t3a.micro (by-hand)\n");
}

static void test_too_many(void **state)
{
	struct want x;
	struct world w;
	struct plan p;

	(void)state;
	begin(&x, &w, 2, 3);
	w.instances[3].state = S("running");
	w.o.in_use = 1;
	plans(&x, &w, "", "instances count: 4 -> 2 (by-hand)\n");
	assert_int_equal(plan_provision(&p, &x.d, &w.o, &w.region, &x.options), 0);
	assert_string_equal(p.differences[0].hint,
		"i-5 is stopped, i-7 is stopped, i-9 is stopped, i-11 is running; terminate those "
		"that nobody needs");
	plan_free(&p);
	/* Nothing is made anew while it is open which are to stay. */
	x.options.replace = 1;
	w.instances[0].image_id = S("ami-old");
	plans(&x, &w, "",
		"instances count: 4 -> 2 (by-hand)\n"
		"instance i-5 image: ami-old -> ami-1 (replace)\n");
	/* One that someone made by hand may be none of the fleet's, and is left alone. */
	w.instances[0].n_tags = 1;
	plans(&x, &w, "", "instances count: 4 -> 2 (by-hand)\n");
	/* What was begun is finished all the same, and once. */
	TAG(&w, &w.instances[1], TAG_REPLACES, "i-5");
	TAG(&w, &w.instances[2], TAG_REPLACES, "i-5");
	plans(&x, &w, "terminate-instance(i-5)",
		"instances count: 3 -> 2 (by-hand)\n"
		"instance i-5: stopped -> none (apply)\n");
}

/* All new ones are made, then all are stopped, and only then the old ones go. */
static void test_all_are_replaced(void **state)
{
	struct want x;
	struct world w;

	(void)state;
	begin(&x, &w, 3, 2);
	x.options.replace = 1;
	for (int i = 0; i < 3; i++)
		w.instances[i].image_id = S("ami-old");
	plans(&x, &w,
		"run-instance=i-5 run-instance=i-7 run-instance=i-9 stop-instance stop-instance "
		"stop-instance terminate-instance(i-5) terminate-instance(i-7) "
		"terminate-instance(i-9)",
		"instance i-5 image: ami-old -> ami-1 (apply)\n"
		"instance i-7 image: ami-old -> ami-1 (apply)\n"
		"instance i-9 image: ami-old -> ami-1 (apply)\n");
	assert_new(&x, &w, " 1=i-5 2=i-7 3=i-9");
	/* One that runs stays, and one that is missing is made beside. */
	w.instances[1].state = S("terminated");
	w.instances[2].state = S("running");
	w.o.in_use = 1;
	plans(&x, &w,
		"run-instance=i-5 run-instance stop-instance stop-instance terminate-instance(i-5)",
		"instances count: 2 -> 3 (apply)\n"
		"instance i-5 image: ami-old -> ami-1 (apply)\n"
		"instance i-9 image: ami-old -> ami-1 (replace)\n");
	assert_new(&x, &w, " 1=i-5 2");
}

/* The old image goes with the last of those that were made of it. */
static void test_the_old_image_goes_with_the_last(void **state)
{
	struct want x;
	struct world w;
	struct awsq_ec2_image *old;

	(void)state;
	begin(&x, &w, 2, 1);
	old = world_image(&w, "available", "ami-older");
	w.instances[0].image_id = w.instances[1].image_id = old->id;
	old->creation_date = S("2025-01-01T00:00:00.000Z");
	x.options.replace = 1;
	w.instances[1].state = S("running");
	w.o.in_use = 1;
	plans(&x, &w, "run-instance=i-5 stop-instance terminate-instance(i-5)",
		"instance i-5 image: ami-9 -> ami-1 (apply)\n"
		"instance i-7 image: ami-9 -> ami-1 (replace)\n");
	w.instances[1].state = S("stopped");
	plans(&x, &w,
		"run-instance=i-5 run-instance=i-7 stop-instance stop-instance "
		"terminate-instance(i-5) terminate-instance(i-7) deregister-image(ami-9)",
		"instance i-5 image: ami-9 -> ami-1 (apply)\n"
		"instance i-7 image: ami-9 -> ami-1 (apply)\n"
		"image ami-9: it is an older copy -> none (apply)\n");
}

/* Home's own instance is never replaced; those beside it, made of its image, are. */
static void test_at_home(void **state)
{
	struct want x;
	struct world w;

	(void)state;
	begin(&x, &w, 2, 1);
	w.region.name = HOME;
	w.images[0].id = S(HOME_IMAGE);
	w.images[0].n_tags = 0;
	w.instances[0].image_id = w.instances[1].image_id = S("ami-old");
	plans(&x, &w, "", "instance i-7 image: ami-old -> ami-home (replace)\n");
	x.options.replace = 1;
	plans(&x, &w, "run-instance=i-7 stop-instance terminate-instance(i-7)",
		"instance i-7 image: ami-old -> ami-home (apply)\n");
	assert_new(&x, &w, " 2=i-7");
	x.options.replace = 0;
	w.instances[0].key_name = w.instances[1].key_name = S("mine");
	w.instances[1].image_id = S(HOME_IMAGE);
	plans(&x, &w, "",
		"instance i-5 key pair: mine -> NAVO (by-hand)\n"
		"instance i-7 key pair: mine -> NAVO (replace)\n");
}

static void test_no_type_is_offered(void **state)
{
	struct want x;
	struct world w;

	(void)state;
	begin(&x, &w, 3, 0);
	w.o.offerings.n = 0;
	is_blocked(&x, &w,
		"no type of instance_type is offered in eu-west-3: t3.micro, t3a.micro; name "
		"another one");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_there),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_others_take_a_place),
		cmocka_unit_test(test_each_is_repaired),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_all_are_replaced),
		cmocka_unit_test(test_the_old_image_goes_with_the_last),
		cmocka_unit_test(test_at_home),
		cmocka_unit_test(test_no_type_is_offered),
	};

	return cmocka_run_group_tests_name("plan_count", tests, NULL, NULL);
}
