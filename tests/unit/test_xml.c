#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <unistd.h>

#include <awsq/buf.h>
#include <awsq/client.h>
#include <awsq/err.h>
#include <awsq/xml.h>

/* ---- A shape with all that a field table can say: lists three deep, text, numbers, times */

struct leaf {
	char *text;
};

struct branch {
	char *name;
	struct leaf *leaves;
	size_t n_leaves;
};

struct tree {
	char *id;
	char *kind;
	int64_t height;
	int64_t planted;
	int evergreen;
	struct branch *branches;
	size_t n_branches;
	struct leaf *fallen; /* directly inside the tree, without an element around them */
	size_t n_fallen;
};

struct forest {
	char *name;
	char *next_token;
	struct tree *trees;
	size_t n_trees;
};

static const struct awsq_field leaf_fields[] = { AWSQ_STRING(struct leaf, text, "") };
static const struct awsq_shape leaf_shape = AWSQ_SHAPE(struct leaf, leaf_fields);

static const struct awsq_field branch_fields[] = {
	AWSQ_STRING(struct branch, name, "name"),
	AWSQ_LIST(struct branch, leaves, n_leaves, "leaves/item", &leaf_shape),
};
static const struct awsq_shape branch_shape = AWSQ_SHAPE(struct branch, branch_fields);

static const struct awsq_field tree_fields[] = {
	AWSQ_STRING(struct tree, id, "id"),
	AWSQ_STRING(struct tree, kind, "kind/latin/name"),
	AWSQ_INT(struct tree, height, "height"),
	AWSQ_TIME(struct tree, planted, "planted"),
	AWSQ_BOOL(struct tree, evergreen, "evergreen"),
	AWSQ_LIST(struct tree, branches, n_branches, "branches/item", &branch_shape),
	AWSQ_LIST(struct tree, fallen, n_fallen, "fallen", &leaf_shape),
};
static const struct awsq_shape tree_shape = AWSQ_SHAPE(struct tree, tree_fields);

static const struct awsq_field forest_fields[] = {
	AWSQ_STRING(struct forest, name, "name"),
	AWSQ_TOKEN(struct forest, next_token, "nextToken"),
	/* Two lists in one path, as reservations hold instances. */
	AWSQ_LIST(struct forest, trees, n_trees, "stands/item/trees/item", &tree_shape),
};
static const struct awsq_shape forest_shape = AWSQ_SHAPE(struct forest, forest_fields);

static const char sample[] =
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	"<Forest xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">\n"
	"  <id>not a tree's</id>\n"
	"  <name>Black &amp; &lt;Bavarian&gt; &#8364;&#x20AC;</name>\n"
	"  <stands>\n"
	"    <item>\n"
	"      <name>not the forest's</name>\n"
	"      <trees>\n"
	"        <item attribute=\"is passed over\">\n"
	"          <id>t-1</id>\n"
	"          <kind><english><name>oak</name></english><latin><name>Quercus</name></latin>"
	"</kind>\n"
	"          <height>-30</height>\n"
	"          <planted>2015-08-30T12:36:00.000Z</planted>\n"
	"          <evergreen>false</evergreen>\n"
	"          <branches>\n"
	"            <item><name>low</name><leaves><item>a</item><item/><item>b c</item></leaves>"
	"</item>\n"
	"            <item><leaves/><name></name></item>\n"
	"          </branches>\n"
	"          <fallen>one</fallen><fallen>two</fallen>\n"
	"        </item>\n"
	"        <item/>\n"
	"      </trees>\n"
	"    </item>\n"
	"    <item><trees/></item>\n"
	"    <item><trees><item><id><![CDATA[<t>&amp;2]]></id><evergreen>true</evergreen>"
	"<!-- a comment --></item></trees></item>\n"
	"  </stands>\n"
	"  <nextToken> \xc3\xa9\xf0\x9f\x8c\xb2 </nextToken>\n"
	"</Forest>";

static void check_sample(const struct forest *f)
{
	const struct tree *t = f->trees;

	assert_string_equal(f->name, "Black & <Bavarian> \xe2\x82\xac\xe2\x82\xac");
	assert_string_equal(f->next_token, " \xc3\xa9\xf0\x9f\x8c\xb2 ");
	assert_int_equal(f->n_trees, 3);
	assert_string_equal(t[0].id, "t-1");
	assert_string_equal(t[0].kind, "Quercus");
	assert_int_equal(t[0].height, -30);
	assert_int_equal(t[0].planted, 1440938160);
	assert_int_equal(t[0].evergreen, 0);
	assert_int_equal(t[0].n_branches, 2);
	assert_string_equal(t[0].branches[0].name, "low");
	assert_int_equal(t[0].branches[0].n_leaves, 3);
	assert_string_equal(t[0].branches[0].leaves[0].text, "a");
	assert_string_equal(t[0].branches[0].leaves[1].text, "");
	assert_string_equal(t[0].branches[0].leaves[2].text, "b c");
	assert_string_equal(t[0].branches[1].name, "");
	assert_int_equal(t[0].branches[1].n_leaves, 0);
	assert_int_equal(t[0].n_fallen, 2);
	assert_string_equal(t[0].fallen[0].text, "one");
	assert_string_equal(t[0].fallen[1].text, "two");
	assert_null(t[1].id);
	assert_int_equal(t[1].height, 0);
	assert_null(t[1].branches);
	assert_string_equal(t[2].id, "<t>&amp;2");
	assert_int_equal(t[2].evergreen, 1);
	assert_int_equal(t[2].n_fallen, 0);
}

/* ---- Feeding */

/* Feeds pieces whose lengths seed decides; 0: all at once, 1: byte by byte. Its result. */
static int parse(struct forest *f, const char *text, size_t len, unsigned seed)
{
	struct awsq_xml *x;
	int rc;

	memset(f, 0, sizeof(*f));
	assert_int_equal(awsq_xml_new(&x, &forest_shape, f), 0);
	rc = 0;
	for (size_t at = 0; at < len && rc == 0;) {
		size_t n = len;

		if (seed == 1) {
			n = 1;
		} else if (seed > 1) {
			seed = seed * 1103515245U + 12345U;
			n = (seed >> 16) % 40;
		}
		if (n > len - at)
			n = len - at;
		rc = awsq_xml_feed(x, text + at, n);
		at += n;
	}
	if (rc == 0)
		rc = awsq_xml_finish(x);
	awsq_xml_free(x);
	return rc;
}

static void test_all_at_once(void **state)
{
	struct forest f;

	(void)state;
	assert_int_equal(parse(&f, sample, sizeof(sample) - 1, 0), 0);
	check_sample(&f);
	awsq_shape_free(&forest_shape, &f);
}

static void test_in_pieces(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed < 500; seed++) {
		struct forest f;

		assert_int_equal(parse(&f, sample, sizeof(sample) - 1, seed), 0);
		check_sample(&f);
		awsq_shape_free(&forest_shape, &f);
	}
}

/* Every other place to end is an error, and what was there by then is freed without a leak. */
static void test_truncated_at_every_byte(void **state)
{
	(void)state;
	for (size_t len = 0; len < sizeof(sample) - 1; len++) {
		struct forest f;

		if (parse(&f, sample, len, len % 3 ? (unsigned)len : 0) != AWSQ_EPARSE)
			fail_msg("%zu bytes were taken for the whole", len);
		awsq_shape_free(&forest_shape, &f);
	}
}

static void test_freed_in_the_middle(void **state)
{
	(void)state;
	for (size_t len = 0; len < sizeof(sample) - 1; len += 7) {
		struct forest f = { 0 };
		struct awsq_xml *x;

		assert_int_equal(awsq_xml_new(&x, &forest_shape, &f), 0);
		assert_int_equal(awsq_xml_feed(x, sample, len), 0);
		awsq_xml_free(x);
		awsq_shape_free(&forest_shape, &f);
	}
	awsq_xml_free(NULL);
}

/* ---- Single documents */

static const struct {
	const char *text;
	int code;
	const char *name; /* of the forest, after success */
} documents[] = {
	{ "<F/>", 0, NULL },
	{ "<F/>\n\n", 0, NULL },
	{ "<F><name/></F>", 0, "" },
	{ "<F><name>x</name></F>", 0, "x" },
	/* The last one counts; text around children is no member's. */
	{ "<F><name>x</name><name>y</name></F>", 0, "y" },
	{ "<F>text<name>x</name>text</F>", 0, "x" },
	{ "<F><name>x<b/>y</name></F>", 0, NULL },
	{ "<F><name>a<!-- c -->b<?pi c?>c<![CDATA[<d>]]>e</name></F>", 0, "abc<d>e" },
	{ "<F><name> \t </name></F>", 0, " \t " },
	{ "<F><name>a\r\nb</name></F>", 0, "a\nb" },
	/* Prefixes of namespaces do not count, only local names do. */
	{ "<n:F xmlns:n='u:n'><n:name>x</n:name></n:F>", 0, "x" },
	{ "<F><name a='1' b=\"2\">x</name></F>", 0, "x" },
	{ "<F><Name>x</Name></F>", 0, NULL },
	{ "<F><other><name>x</name></other></F>", 0, NULL },
	{ "<F><name><name>x</name></name></F>", 0, NULL },
	{ "<F><name>&quot;&apos;&#65;</name></F>", 0, "\"'A" },
	/* All is read as UTF-8, whatever the declaration says. */
	{ "<?xml version='1.0' encoding='ISO-8859-1'?><F><name>\xc3\xa9</name></F>", 0,
		"\xc3\xa9" },
	{ "<?xml version='1.0' encoding='nonesuch'?><F><name>x</name></F>", 0, "x" },
	{ "<?xml version='1.0' encoding='ISO-8859-1'?><F><name>\xe9</name></F>", AWSQ_EPARSE,
		NULL },
	{ "\xef\xbb\xbf<F><name>x</name></F>", AWSQ_EPARSE, NULL },
	/* Not well formed. */
	{ "", AWSQ_EPARSE, NULL },
	{ " ", AWSQ_EPARSE, NULL },
	{ "no xml", AWSQ_EPARSE, NULL },
	{ "{\"name\": \"x\"}", AWSQ_EPARSE, NULL },
	{ "<F><name>x</F></name>", AWSQ_EPARSE, NULL },
	{ "<F><name>x</name></F><F/>", AWSQ_EPARSE, NULL },
	{ "<F><name>x</name></F>tail", AWSQ_EPARSE, NULL },
	{ "<F><name>a & b</name></F>", AWSQ_EPARSE, NULL },
	{ "<F><name>&unknown;</name></F>", AWSQ_EPARSE, NULL },
	{ "<F><name>&#0;</name></F>", AWSQ_EPARSE, NULL },
	{ "<F><name>\x01</name></F>", AWSQ_EPARSE, NULL },
	{ "<F><name>\xff\xfe</name></F>", AWSQ_EPARSE, NULL },
	{ "<F><name a=1>x</name></F>", AWSQ_EPARSE, NULL },
	{ "<html><body><p>Bad gateway<br></body></html>", AWSQ_EPARSE, NULL },
	/* With a document type, whatever is in it. */
	{ "<!DOCTYPE F><F><name>x</name></F>", AWSQ_EPARSE, NULL },
	{ "<!DOCTYPE F [<!ENTITY e \"x\">]><F><name>&e;</name></F>", AWSQ_EPARSE, NULL },
	{ "<!DOCTYPE F SYSTEM \"file:///etc/passwd\"><F/>", AWSQ_EPARSE, NULL },
	{ "<!DOCTYPE html><html><body/></html>", AWSQ_EPARSE, NULL },
};

static void test_documents(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(documents) / sizeof(*documents); i++) {
		for (unsigned seed = 0; seed < 3; seed++) {
			struct forest f;
			int rc = parse(&f, documents[i].text, strlen(documents[i].text), seed);

			if (rc != documents[i].code)
				fail_msg("%s: %d", documents[i].text, rc);
			if (rc == 0 && documents[i].name)
				assert_string_equal(f.name, documents[i].name);
			else if (rc == 0)
				assert_null(f.name);
			awsq_shape_free(&forest_shape, &f);
		}
	}
}

static void test_bad_members(void **state)
{
	static const char *const bad[] = { "<height>tall</height>",
		"<height>9223372036854775808</height>", "<height> 1</height>",
		"<planted>yesterday</planted>" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char text[200];
		struct forest f;

		(void)snprintf(text, sizeof(text),
			"<F><stands><item><trees><item><id>t</id>%s</item></trees></item></"
			"stands></F>",
			bad[i]);
		if (parse(&f, text, strlen(text), 0) != AWSQ_EPARSE)
			fail_msg("%s was taken", bad[i]);
		awsq_shape_free(&forest_shape, &f);
	}
}

/* After an error everything else is ignored, and the error is repeated. */
static void test_an_error_stays(void **state)
{
	struct forest f = { 0 };
	struct awsq_xml *x;

	(void)state;
	assert_int_equal(awsq_xml_new(&x, &forest_shape, &f), 0);
	assert_int_equal(awsq_xml_feed(x, "<F><name>x</nam>", 16), AWSQ_EPARSE);
	assert_int_equal(awsq_xml_feed(x, "<name>y</name></F>", 18), AWSQ_EPARSE);
	assert_int_equal(awsq_xml_finish(x), AWSQ_EPARSE);
	awsq_xml_free(x);
	assert_null(f.name);
	awsq_shape_free(&forest_shape, &f);
}

/* ---- Sizes */

static int parse_repeated(const char *before, const char *middle, size_t times, const char *after)
{
	struct awsq_buf text = AWSQ_BUF_INIT(32 * 1024 * 1024);
	struct forest f;
	int rc;

	awsq_buf_adds(&text, before);
	for (size_t i = 0; i < times; i++)
		awsq_buf_adds(&text, middle);
	awsq_buf_adds(&text, after);
	assert_int_equal(awsq_buf_error(&text), 0);
	rc = parse(&f, text.data, text.len, 0);
	awsq_shape_free(&forest_shape, &f);
	awsq_buf_free(&text);
	return rc;
}

static void test_long_texts(void **state)
{
	const size_t mebibyte = 1024 * 1024;

	(void)state;
	assert_int_equal(parse_repeated("<F><name>", "x", mebibyte, "</name></F>"), 0);
	assert_int_equal(parse_repeated("<F><name>", "x", mebibyte + 1, "</name></F>"),
		AWSQ_ETOOBIG);
	/* However it comes; and where no field wants it, too. */
	assert_int_equal(parse_repeated("<F><name>", "<![CDATA[x]]>", mebibyte + 1, "</name></F>"),
		AWSQ_ETOOBIG);
	assert_int_equal(parse_repeated("<F><no>", "x", mebibyte + 1, "</no></F>"), AWSQ_ETOOBIG);
	/* Between elements there is no limit. */
	assert_int_equal(parse_repeated("<F>", "<a/>          ", 200000, "</F>"), 0);
}

/* Elements that no field names, nested without end, neither crash nor succeed. */
static void test_deep_nesting(void **state)
{
	(void)state;
	assert_int_equal(parse_repeated("<F>", "<a>", 100000, "</F>"), AWSQ_EPARSE);
	assert_int_equal(parse_repeated("<F>", "<abcdefghijklmnopqrstuvwxyz>", 100, "</F>"),
		AWSQ_EPARSE);
}

struct nest {
	struct nest *inner;
	size_t n_inner;
};

static const struct awsq_shape nest_shape;
static const struct awsq_field nest_fields[] = {
	AWSQ_LIST(struct nest, inner, n_inner, "a", &nest_shape),
};
static const struct awsq_shape nest_shape = AWSQ_SHAPE(struct nest, nest_fields);

/* A table that refers to itself: some lists in lists are taken, too many are refused. */
static void test_lists_in_lists(void **state)
{
	(void)state;
	for (size_t depth = 1; depth < 40; depth++) {
		struct awsq_buf text = AWSQ_BUF_INIT(1000);
		struct nest nest = { NULL, 0 };
		struct awsq_xml *x;
		int rc;

		awsq_buf_adds(&text, "<F>");
		for (size_t i = 0; i < depth; i++)
			awsq_buf_adds(&text, "<a>");
		for (size_t i = 0; i < depth; i++)
			awsq_buf_adds(&text, "</a>");
		awsq_buf_adds(&text, "</F>");
		assert_int_equal(awsq_xml_new(&x, &nest_shape, &nest), 0);
		rc = awsq_xml_feed(x, text.data, text.len);
		if (rc == 0)
			rc = awsq_xml_finish(x);
		assert_true(rc == (depth < 8 ? 0 : AWSQ_EPARSE));
		awsq_xml_free(x);
		awsq_shape_free(&nest_shape, &nest);
		awsq_buf_free(&text);
	}
}

/* As a client does with a list in pages. */
static void test_pages_join(void **state)
{
	struct forest all = { 0 };

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct forest page;

		assert_int_equal(parse(&page, sample, sizeof(sample) - 1, (unsigned)i), 0);
		assert_int_equal(awsq_shape_join(&forest_shape, &all, &page), 0);
	}
	assert_int_equal(all.n_trees, 9);
	assert_string_equal(all.trees[6].branches[0].leaves[2].text, "b c");
	assert_string_equal(all.trees[8].id, "<t>&amp;2");
	awsq_shape_free(&forest_shape, &all);
}

/* The library prints nothing: not of an encoding that breaks off either, nor of one unknown. */
static void test_nothing_is_printed(void **state)
{
	static const struct {
		const char *text;
		size_t len;
	} bad[] = {
		{ "\xfe\xff\0<\0F\0>\xd8\0\0<\0\xdc\0\0\0", 16 },
		{ "<\0\0\0F\0\0\0>\0\0\0\xff\xff\xff\xff\0\0\0\0", 20 },
		{ "<?xml version='1.0' encoding='nonesuch'?><F/>", 45 },
		{ "<?xml version='1.0' encoding='UTF-16'?><F>\xff</F>", 47 },
		{ "<F><name>\xff</name></F>", 22 },
		{ "<F><<<&&&", 9 },
	};
	int was = dup(STDERR_FILENO), fds[2];
	char text[200];
	ssize_t n;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_true(dup2(fds[1], STDERR_FILENO) >= 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct forest f;

		(void)parse(&f, bad[i].text, bad[i].len, 0);
		awsq_shape_free(&forest_shape, &f);
		(void)parse(&f, bad[i].text, bad[i].len, 1);
		awsq_shape_free(&forest_shape, &f);
	}
	assert_true(dup2(was, STDERR_FILENO) >= 0);
	(void)close(was);
	(void)close(fds[1]);
	n = read(fds[0], text, sizeof(text) - 1);
	(void)close(fds[0]);
	if (n > 0)
		fail_msg("%.*s", (int)n, text);
}

static int begin(void **state)
{
	(void)state;
	return awsq_global_init();
}

static int end(void **state)
{
	(void)state;
	awsq_global_free();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_at_once),
		cmocka_unit_test(test_in_pieces),
		cmocka_unit_test(test_truncated_at_every_byte),
		cmocka_unit_test(test_freed_in_the_middle),
		cmocka_unit_test(test_documents),
		cmocka_unit_test(test_bad_members),
		cmocka_unit_test(test_an_error_stays),
		cmocka_unit_test(test_long_texts),
		cmocka_unit_test(test_deep_nesting),
		cmocka_unit_test(test_lists_in_lists),
		cmocka_unit_test(test_pages_join),
		cmocka_unit_test(test_nothing_is_printed),
	};

	return cmocka_run_group_tests_name("xml", tests, begin, end);
}
