/*
 * The tools' JSON: nothing that was found is left out of it, whatever bytes it has; or there is
 * none.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>

#include "cli/json.h"
#include "fleet/plan_private.h"
#include "plan_world.h"

#define FIFTY_ACCENTS "éééééééééééééééééééééééééééééééééééééééééééééééééé"
#define BAD           "caf\xe9"

/* The report as a reader has it. */
static json_t *parse(const struct json_report *j)
{
	struct awsq_buf text = AWSQ_BUF_INIT(1024 * 1024);
	json_t *report;

	assert_int_equal(json_print(&text, j), 0);
	report = json_loads(awsq_buf_str(&text), 0, NULL);
	assert_non_null(report);
	awsq_buf_free(&text);
	return report;
}

static const json_t *the_region(const json_t *report)
{
	const json_t *regions = json_object_get(report, "regions");

	assert_int_equal(json_array_size(regions), 1);
	return json_array_get(regions, 0);
}

static void has_text(const json_t *object, const char *key, const char *expected)
{
	const json_t *value = json_object_get(object, key);

	if (expected)
		assert_string_equal(json_string_value(value), expected);
	else
		assert_true(json_is_null(value));
}

/* A Name tag of which the planner's formats and arrays cut through a character. */
static void test_a_long_name_in_a_plan(void **state)
{
	struct json_report *j = json_new(FLEET_NAME, "123456789012");
	const json_t *actions, *differences;
	struct plan p;
	struct world w;
	struct want x;
	json_t *report;

	(void)state;
	want_begin(&x);
	world_complete(&w, &x);
	TAG(&w, &w.instances[0], TAG_NAME, "x" FIFTY_ACCENTS FIFTY_ACCENTS FIFTY_ACCENTS);
	assert_int_equal(plan_provision(&p, &x.d, &w.o, &w.region, &x.options), 0);
	assert_int_equal(p.n, 1);
	json_add_plan(j, REGION, NULL, &p);
	report = parse(j);
	actions = json_object_get(the_region(report), "actions");
	differences = json_object_get(the_region(report), "differences");
	assert_int_equal(json_array_size(actions), 1);
	assert_int_equal(json_array_size(differences), 1);
	has_text(json_array_get(actions, 0), "api", "CreateTags");
	/* 255 bytes hold the x and 127 characters of two. */
	has_text(json_array_get(differences, 0), "found",
		"x" FIFTY_ACCENTS FIFTY_ACCENTS "ééééééééééééééééééééééééééé");
	json_decref(report);
	json_free(j);
	plan_free(&p);
}

static void test_bytes_that_are_no_utf_8(void **state)
{
	struct awsq_ec2_image image = { .id = S("ami-1"), .name = S(BAD), .state = S(BAD) };
	struct awsq_ec2_snapshot snapshot = { .id = S("snap-1"), .state = S(BAD) };
	struct awsq_ec2_key_pair key = { .id = S("key-1"), .name = S(BAD), .type = S(BAD) };
	struct awsq_ec2_instance instance = {
		.id = S("i-1"), .state = S("stopped"), .type = S(BAD)
	};
	struct finding f = { .region = REGION, .role = BAD, .observed.fleet = FLEET_NAME };
	static const char *const lists[] = { "images", "snapshots", "key_pairs", "instances" };
	struct json_report *j = json_new(FLEET_NAME, BAD);
	json_t *report;

	(void)state;
	f.observed.images = (struct awsq_ec2_images){ .items = &image, .n = 1 };
	f.observed.snapshots = (struct awsq_ec2_snapshots){ .items = &snapshot, .n = 1 };
	f.observed.key_pairs = (struct awsq_ec2_key_pairs){ .items = &key, .n = 1 };
	f.observed.instances = (struct awsq_ec2_instances){ .items = &instance, .n = 1 };
	json_add_finding(j, &f);
	report = parse(j);
	has_text(report, "account", "caf?");
	has_text(the_region(report), "role", "caf?");
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		const json_t *list = json_object_get(the_region(report), lists[i]);

		assert_int_equal(json_array_size(list), 1);
		has_text(json_array_get(list, 0), i == 1 || i == 0 ? "state" : "type", "caf?");
	}
	json_decref(report);
	json_free(j);
}

/* AWS may leave anything out of an answer. */
static void test_a_group_without_ids(void **state)
{
	struct awsq_ec2_security_group group = { .name = S(FLEET_NAME) };
	struct finding f = { .region = REGION, .observed.fleet = FLEET_NAME };
	struct json_report *j = json_new(FLEET_NAME, NULL);
	struct awsq_buf text = AWSQ_BUF_INIT(65536);
	struct table *table = show_new_table();
	const json_t *groups;
	json_t *report;

	(void)state;
	f.observed.groups = (struct awsq_ec2_security_groups){ .items = &group, .n = 1 };
	json_add_finding(j, &f);
	report = parse(j);
	groups = json_object_get(the_region(report), "security_groups");
	assert_int_equal(json_array_size(groups), 1);
	has_text(json_array_get(groups, 0), "id", NULL);
	has_text(json_array_get(groups, 0), "vpc_id", NULL);
	show_finding(table, &f);
	table_print(&text, table);
	assert_non_null(strstr(awsq_buf_str(&text), "in ?\n"));
	awsq_buf_free(&text);
	table_free(table);
	json_decref(report);
	json_free(j);
}

/* ---- Out of memory, for each allocation in turn */

static size_t made, to_fail;

static void *scarce_malloc(size_t size)
{
	return made++ == to_fail ? NULL : malloc(size);
}

/* All kinds of report in one; *text is what is printed, or NULL when that fails. */
static void print_all(char **text, const struct finding *f, const struct checks *checks)
{
	static struct item item = { .kind = ITEM_VOLUME, .id = "vol-1", .why = "because" };
	const struct inventory inventory = { &item, 1 };
	const struct inventory_totals totals = { 1, 1, 1, 1, 8, 8 };
	struct awsq_buf out = AWSQ_BUF_INIT(1024 * 1024);
	struct json_report *j = json_new(FLEET_NAME, "123456789012");

	*text = NULL;
	if (!j)
		return;
	json_add_finding(j, f);
	json_add_plan(j, "us-east-1", NULL, &f->plan);
	json_add_plan(j, "us-east-2", "an error", NULL);
	json_add_checks(j, NULL, checks);
	json_add_checks(j, "eu-west-1", checks);
	json_add_inventory(j, "eu-west-2", NULL, PLACE_STRAY, &inventory);
	json_set_totals(j, &totals);
	if (json_print(&out, j) == 0)
		*text = awsq_buf_take(&out);
	awsq_buf_free(&out);
	json_free(j);
}

static void test_out_of_memory(void **state)
{
	struct check check = { .name = "identity", .detail = "found" };
	const struct checks checks = { &check, 1, 0 };
	struct finding f = { .region = REGION, .role = "role" };
	char *whole, *text;
	size_t failures = 0;
	struct want x;
	struct world w, empty;

	(void)state;
	want_begin(&x);
	world_complete(&w, &x);
	world_begin(&empty);
	f.observed = w.o;
	assert_int_equal(plan_provision(&f.plan, &x.d, &empty.o, &empty.region, &x.options), 0);
	print_all(&whole, &f, &checks);
	assert_non_null(whole);
	json_set_alloc_funcs(scarce_malloc, free);
	to_fail = 0;
	do {
		made = 0;
		print_all(&text, &f, &checks);
		/* All of it, or an error. */
		if (text)
			assert_string_equal(text, whole);
		failures += !text;
		free(text);
	} while (made > to_fail++);
	json_set_alloc_funcs(malloc, free);
	assert_true(failures > 100);
	free(whole);
	plan_free(&f.plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_long_name_in_a_plan),
		cmocka_unit_test(test_bytes_that_are_no_utf_8),
		cmocka_unit_test(test_a_group_without_ids),
		cmocka_unit_test(test_out_of_memory),
	};

	return cmocka_run_group_tests_name("json_report", tests, NULL, NULL);
}
