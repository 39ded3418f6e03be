/*
 * regions.cfg as a file: one that is no configuration, or cannot be read, and where it is looked
 * for.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config_case.h"

static void test_text_that_is_not_a_configuration(void **state)
{
	static const struct bad cases[] = {
		{ "fleet = {\n  name = \"NAVO;\n  home = \"us-west-2\";\n};",
			"4: syntax error: look here and before for a missing quote, "
			"comma or bracket" },
		{ "fleet = {\n name = \"NAVO\";\n name = \"NAVI\";\n};",
			"3: duplicate setting name" },
		{ "regions = [ \"us-west-2\", 5 ];", "1: mismatched element type in array" },
		{ "fleet = {\n  @include \"/etc\"\n};",
			"2: '@include' is not supported: write the settings here" },
	};

	(void)state;
	assert_refused(cases, COUNT(cases), AWSQ_EPARSE);
}

static void assert_unreadable(const char *path, int code, const char *message)
{
	struct awsq_err err;
	struct config c;

	assert_int_equal(config_load(&c, path, &err), code);
	assert_string_equal(err.message, message);
}

static void test_files_that_cannot_be_read(void **state)
{
	FILE *f = fopen("big.cfg", "w");

	(void)state;
	assert_non_null(f);
	for (int i = 0; i < (1 << 20) / 16 + 1; i++)
		assert_true(fputs("# fifteen bytes\n", f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_unreadable("big.cfg", AWSQ_ETOOBIG,
		"'big.cfg' is larger than a configuration can be, 1 MiB");
	f = fopen("nul.cfg", "w");
	assert_non_null(f);
	assert_int_equal(fwrite("# a\n\0", 1, 5, f), 5);
	assert_int_equal(fclose(f), 0);
	assert_unreadable("nul.cfg", AWSQ_EPARSE, "nul.cfg:2: not a text: it has a NUL");
	assert_unreadable("none.cfg", AWSQ_ENOTFOUND,
		"cannot read 'none.cfg': No such file or directory");
	assert_unreadable(".", AWSQ_EIO, "cannot read '.': Is a directory");
}

static void assert_key(const char *config, const char *path)
{
	struct awsq_err err;
	struct config c;

	assert_int_equal(config_load(&c, config, &err), 0);
	assert_string_equal(c.key, path);
	config_free(&c);
}

static void test_where_the_key_is(void **state)
{
	static const struct bad homeless = { "fleet = { name = \"NAVO\"; home = \"us-west-2\";\n"
					     "instance_type = \"t3.micro\"; max_uptime = \"1m\";\n"
					     "key = \"~/k.pem\"; };\n" REGIONS,
		"3: fleet.key: '~' stands for $HOME, which is not set" };

	(void)state;
	(void)unsetenv("HOME");
	assert_refused(&homeless, 1, AWSQ_EINVAL);
	(void)setenv("HOME", "/home/ann", 1);
	assert_key("regions.cfg", "/home/ann/k.pem");
	assert_int_equal(mkdir("sub", 0700), 0);
	write_file("sub/a.cfg",
		"fleet = { name = \"NAVO\"; home = \"us-west-2\"; instance_type = "
		"\"t3.micro\"; max_uptime = \"7d\"; key = \"keys/k.pem\"; };" REGIONS);
	assert_key("sub/a.cfg", "sub/keys/k.pem");
	assert_int_equal(chdir("sub"), 0);
	assert_key("a.cfg", "keys/k.pem");
}

/* However a file ends, nothing leaks and something is said. */
static void test_truncated_at_every_length(void **state)
{
	static char text[8192], path[PATH_MAX + 16];
	size_t len;
	FILE *f;

	(void)state;
	(void)setenv("HOME", "/home/ann", 1);
	(void)snprintf(path, sizeof(path), "%s/regions.cfg", checkout);
	f = fopen(path, "r");
	assert_non_null(f);
	len = fread(text, 1, sizeof(text) - 1, f);
	assert_int_equal(fclose(f), 0);
	while (len-- > 0) {
		struct awsq_err err;
		struct config c;
		int rc;

		awsq_err_clear(&err);
		text[len] = '\0';
		write_file("regions.cfg", text);
		rc = config_load(&c, "regions.cfg", &err);
		assert_int_equal(rc, err.code);
		config_free(&c);
	}
}

static void assert_found(const char *option, const char *path)
{
	struct awsq_err err;
	char *found;

	assert_int_equal(config_find(&found, option, &err), 0);
	assert_string_equal(found, path);
	free(found);
}

/* Skipped where /etc/awsq/regions.cfg is: the last place cannot be moved. */
static void assert_nowhere(const char *message)
{
	struct awsq_err err;
	char *found;

	if (access("/etc/awsq/regions.cfg", F_OK) == 0)
		return;
	assert_int_equal(config_find(&found, NULL, &err), AWSQ_ENOTFOUND);
	assert_string_equal(err.message, message);
	assert_null(found);
}

static void test_where_it_is_looked_for(void **state)
{
	char here[PATH_MAX], path[PATH_MAX + 64], message[2 * PATH_MAX];

	(void)state;
	assert_non_null(getcwd(here, sizeof(here)));
	(void)unsetenv("HOME");
	assert_nowhere("no configuration: looked for 'regions.cfg' here and for "
		       "'/etc/awsq/regions.cfg'; write one (regions.cfg(5) tells how), or name "
		       "one with --config or $AWSQ_CONFIG");
	(void)setenv("HOME", here, 1);
	(void)snprintf(message, sizeof(message),
		"no configuration: looked for 'regions.cfg' here, for "
		"'%s/.config/awsq/regions.cfg' and for '/etc/awsq/regions.cfg'; write one "
		"(regions.cfg(5) tells how), or name one with --config or $AWSQ_CONFIG",
		here);
	assert_nowhere(message);

	/* From the last place to the first. */
	assert_int_equal(system("mkdir -p .config/awsq xdg/awsq"), 0);
	write_file(".config/awsq/regions.cfg", "");
	(void)snprintf(path, sizeof(path), "%s/.config/awsq/regions.cfg", here);
	assert_found(NULL, path);
	(void)setenv("XDG_CONFIG_HOME", "xdg", 1);
	assert_found(NULL, path);
	(void)snprintf(path, sizeof(path), "%s/xdg", here);
	(void)setenv("XDG_CONFIG_HOME", path, 1);
	write_file("xdg/awsq/regions.cfg", "");
	(void)snprintf(path, sizeof(path), "%s/xdg/awsq/regions.cfg", here);
	assert_found(NULL, path);
	write_file("regions.cfg", "");
	assert_found(NULL, "regions.cfg");
	(void)setenv("AWSQ_CONFIG", "", 1);
	assert_found(NULL, "regions.cfg");
	(void)setenv("AWSQ_CONFIG", "/not/there.cfg", 1);
	assert_found(NULL, "/not/there.cfg");
	assert_found("option.cfg", "option.cfg");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_text_that_is_not_a_configuration),
		TEST(test_files_that_cannot_be_read),
		TEST(test_where_the_key_is),
		TEST(test_truncated_at_every_length),
		TEST(test_where_it_is_looked_for),
	};

	return cmocka_run_group_tests(tests, make_root, remove_root);
}
