/*
 * config_case.h: for the tests of regions.cfg: files of a few lines, each in a folder of its own,
 * that are taken or refused.
 */
#ifndef AWSQ_TESTS_CONFIG_CASE_H
#define AWSQ_TESTS_CONFIG_CASE_H

#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <awsq/err.h>

#include "fleet/config.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static char root[] = "/tmp/test_config.XXXXXX", checkout[PATH_MAX];

static inline void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* In the folder of its own where each test has been put. */
static inline void load_text(struct config *c, const char *text)
{
	struct awsq_err err;
	int rc;

	write_file("regions.cfg", text);
	awsq_err_clear(&err);
	rc = config_load(c, "regions.cfg", &err);
	if (rc != 0)
		fail_msg("%s", err.message);
}

static inline void assert_strings(const struct config_strings *s, const char *const *expected,
	size_t n)
{
	assert_int_equal(s->n, n);
	for (size_t i = 0; i < n; i++)
		assert_string_equal(s->items[i], expected[i]);
}

#define FLEET                                                                              \
	"fleet = { name = \"NAVO\"; home = \"us-west-2\"; instance_type = \"t3.micro\";\n" \
	"key = \"/k.pem\"; max_uptime = \"2h\";\n"
#define REGIONS "regions = [ \"eu-west-3\" ];\n"

/* A file whose fleet group has one line of its own, the third, and one whose job group has. */
#define IN_FLEET(line) FLEET line "\n};\n" REGIONS
#define IN_JOB(line)   FLEET "};\njob = {\n" line "\n};\n" REGIONS

struct bad {
	const char *text;
	const char *message; /* without the file's name */
};

static inline void assert_refused(const struct bad *cases, size_t n, int code)
{
	for (size_t i = 0; i < n; i++) {
		struct awsq_err err;
		struct config c;
		char expected[1024];

		write_file("regions.cfg", cases[i].text);
		awsq_err_clear(&err);
		if (config_load(&c, "regions.cfg", &err) != code)
			fail_msg("%s\ngave %d: '%s'", cases[i].text, err.code, err.message);
		(void)snprintf(expected, sizeof(expected), "regions.cfg:%s", cases[i].message);
		assert_string_equal(err.message, expected);
		assert_null(c.path);
		assert_null(c.regions);
	}
}

/* Each test starts in an empty folder and without the variables that count. */
static inline int enter(void **state)
{
	char dir[sizeof(root) + 16];
	static int number;

	(void)state;
	(void)snprintf(dir, sizeof(dir), "%s/%d", root, number++);
	(void)unsetenv("AWSQ_CONFIG");
	(void)unsetenv("XDG_CONFIG_HOME");
	return mkdir(dir, 0700) != 0 || chdir(dir) != 0;
}

static inline int make_root(void **state)
{
	(void)state;
	return !getcwd(checkout, sizeof(checkout)) || !mkdtemp(root);
}

static inline int remove_root(void **state)
{
	char command[64];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -rf %s", root);
	return chdir(checkout) != 0 || system(command) != 0;
}

#define KEY_ID  "1234abcd-12ab-34cd-56ef-1234567890ab"
#define MRK_ID  "mrk-1234abcd12ab34cd56ef1234567890ab"
#define KEY_ARN "arn:aws-us-gov:kms:us-west-2:123456789012:key/" MRK_ID

/* As many instance types as one filter takes. */
#define SIXTEEN                                                                       \
	"\"t1.x\", \"t2.x\", \"t3.x\", \"t4.x\", \"t5.x\", \"t6.x\", \"t7.x\", "      \
	"\"t8.x\", \"t9.x\", \"t10.x\", \"t11.x\", \"t12.x\", \"t13.x\", \"t14.x\", " \
	"\"t15.x\", \"t16.x\""

#define TEST(name) cmocka_unit_test_setup(name, enter)

#endif
