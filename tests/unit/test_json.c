/*
 * JSON read into structs by the same tables as XML, written as requests, and errors in it.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <awsq/json.h>

struct leaf {
	char *text;
};

struct tree {
	char *id;
	char *latin;
	int64_t height;
	int64_t planted;
	int evergreen;
	struct leaf *leaves;
	size_t n_leaves;
};

struct forest {
	char *name;
	char *next_token;
	struct tree *trees;
	size_t n_trees;
};

static const struct awsq_field leaf_fields[] = { AWSQ_STRING(struct leaf, text, "") };
static const struct awsq_shape leaf_shape = AWSQ_SHAPE(struct leaf, leaf_fields);

static const struct awsq_field tree_fields[] = {
	AWSQ_STRING(struct tree, id, "Id"),
	AWSQ_STRING(struct tree, latin, "Kind/Latin/Name"),
	AWSQ_INT(struct tree, height, "Height"),
	AWSQ_TIME(struct tree, planted, "Planted"),
	AWSQ_BOOL(struct tree, evergreen, "Evergreen"),
	AWSQ_LIST(struct tree, leaves, n_leaves, "Leaves", &leaf_shape),
};
static const struct awsq_shape tree_shape = AWSQ_SHAPE(struct tree, tree_fields);

static const struct awsq_field forest_fields[] = {
	AWSQ_STRING(struct forest, name, "Name"),
	AWSQ_TOKEN(struct forest, next_token, "NextToken"),
	AWSQ_LIST(struct forest, trees, n_trees, "Land/Trees", &tree_shape),
};
static const struct awsq_shape forest_shape = AWSQ_SHAPE(struct forest, forest_fields);

static const char whole[] =
	"{\"Name\": \"Schw\\u00e4bischer \\\"Wald\\\"\", \"NextToken\": \"n\", \"Other\": [{}, "
	"1],\n"
	" \"Land\": {\"Trees\": [\n"
	"  {\"Id\": \"t-1\", \"Kind\": {\"Latin\": {\"Name\": \"Abies alba\"}}, \"Height\": 42,\n"
	"   \"Planted\": 1.5E9, \"Evergreen\": true, \"Leaves\": [\"a\", \"b\", 7]},\n"
	"  {\"Id\": null, \"Kind\": \"none\", \"Height\": 32.0, \"Planted\": 1500000000.75,\n"
	"   \"Evergreen\": false, \"Leaves\": []},\n"
	"  {\"Id\": {\"no\": \"text\"}, \"Planted\": \"2017-07-14T02:40:00Z\", \"Leaves\": "
	"null}]}}";

static int fill(struct forest *f, const char *text)
{
	memset(f, 0, sizeof(*f));
	return awsq_json_fill(&forest_shape, f, text, strlen(text));
}

static void test_fill(void **state)
{
	struct forest f;

	(void)state;
	assert_int_equal(fill(&f, whole), 0);
	assert_string_equal(f.name, "Schw\xc3\xa4"
				    "bischer \"Wald\"");
	assert_string_equal(awsq_shape_token(&forest_shape, &f), "n");
	assert_int_equal(f.n_trees, 3);
	assert_string_equal(f.trees[0].id, "t-1");
	assert_string_equal(f.trees[0].latin, "Abies alba");
	assert_int_equal(f.trees[0].height, 42);
	assert_int_equal(f.trees[0].planted, 1500000000);
	assert_int_equal(f.trees[0].evergreen, 1);
	assert_int_equal(f.trees[0].n_leaves, 3);
	assert_string_equal(f.trees[0].leaves[1].text, "b");
	assert_string_equal(f.trees[0].leaves[2].text, "7");
	assert_null(f.trees[1].id);
	assert_null(f.trees[1].latin);
	assert_int_equal(f.trees[1].height, 32);
	assert_int_equal(f.trees[1].planted, 1500000000);
	assert_int_equal(f.trees[1].evergreen, 0);
	assert_int_equal(f.trees[1].n_leaves, 0);
	assert_null(f.trees[2].id);
	assert_int_equal(f.trees[2].planted, 1500000000);
	assert_int_equal(f.trees[2].n_leaves, 0);
	awsq_shape_free(&forest_shape, &f);
}

/* Nothing of a document that is cut short is taken for the whole. */
static void test_truncated_at_every_byte(void **state)
{
	struct forest f = { 0 };

	(void)state;
	for (size_t len = 0; len < sizeof(whole) - 1; len++) {
		assert_int_equal(awsq_json_fill(&forest_shape, &f, whole, len), AWSQ_EPARSE);
		awsq_shape_free(&forest_shape, &f);
	}
}

static void test_bad_documents(void **state)
{
	static const char *const bad[] = { "", "null", "[]", "\"text\"", "{} {}", "{\"Name\": }",
		"{\"Name\": \"\xff\"}", "{\"Name\": \"a\\u0000b\"}", "{\"Land\": {\"Trees\": {}}}",
		"{\"Land\": {\"Trees\": \"t-1\"}}", "{\"Land\": {\"Trees\": [{\"Height\": 1.5}]}}",
		"{\"Land\": {\"Trees\": [{\"Height\": \"tall\"}]}}",
		"{\"Land\": {\"Trees\": [{\"Height\": \"42\"}]}}",
		"{\"Land\": {\"Trees\": [{\"Height\": 1e300}]}}",
		"{\"Land\": {\"Trees\": [{\"Planted\": \"yesterday\"}]}}",
		"{\"Land\": {\"Trees\": [{\"Planted\": -1e300}]}}" };
	struct forest f;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (fill(&f, bad[i]) != AWSQ_EPARSE)
			fail_msg("not refused: %s", bad[i]);
		awsq_shape_free(&forest_shape, &f);
	}
	assert_int_equal(fill(&f, "{}"), 0);
	assert_null(f.name);
	assert_int_equal(fill(&f, "{\"Land\": {\"Trees\": [1, null]}}"), 0);
	assert_int_equal(f.n_trees, 2);
	assert_null(f.trees[0].id);
	awsq_shape_free(&forest_shape, &f);
}

static void test_requests(void **state)
{
	struct awsq_buf b = AWSQ_BUF_INIT(1000);

	(void)state;
	awsq_json_end(&b);
	assert_string_equal(awsq_buf_str(&b), "{}");
	awsq_buf_reset(&b);
	awsq_json_add(&b, "a\"b\\c\n\xc3\xa4", "First");
	awsq_json_add(&b, NULL, "Absent");
	awsq_json_add(&b, "", "Second");
	awsq_json_end(&b);
	assert_string_equal(awsq_buf_str(&b),
		"{\"First\":\"a\\\"b\\\\c\\n\xc3\xa4\",\"Second\":\"\"}");
	awsq_buf_reset(&b);
	awsq_json_add(&b, "not \xff UTF-8", "Bad");
	assert_int_equal(awsq_buf_error(&b), AWSQ_EINVAL);
	awsq_buf_free(&b);
}

static void check_error(const char *document, const char *code, const char *message)
{
	struct awsq_err err = { .http_status = 400 };
	int rc = awsq_json_error(&err, document, strlen(document));

	assert_int_equal(rc, code ? 0 : AWSQ_EPARSE);
	assert_int_equal(err.code, code ? AWSQ_ESERVICE : 0);
	assert_int_equal(err.http_status, 400);
	assert_string_equal(err.aws_code, code ? code : "");
	assert_string_equal(err.message, message);
}

static void test_errors(void **state)
{
	(void)state;
	check_error("{\"__type\":\"com.amazonaws.kms#NotFoundException\",\"message\":\"gone\"}",
		"NotFoundException", "gone");
	check_error("{\"__type\":\"AccessDeniedException\",\"Message\":\"no\"}",
		"AccessDeniedException", "no");
	check_error("{\"code\":\"Throttled:http://internal/\",\"message\":null}", "Throttled", "");
	check_error("{\"__type\":\"A#B:c\",\"code\":\"D\"}", "B", "");
	check_error("{\"message\":\"no code\"}", NULL, "");
	check_error("{\"__type\":\"a#\"}", NULL, "");
	check_error("<ErrorResponse/>", NULL, "");
	check_error("", NULL, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fill),
		cmocka_unit_test(test_truncated_at_every_byte),
		cmocka_unit_test(test_bad_documents),
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_errors),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
