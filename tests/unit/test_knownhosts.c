/* Host keys kept in a file, alone and several of one host. */
#include "banned.h"

#include "ssh/knownhosts.h"
#include "ssh/sshkey.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define A "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define B "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"
#define C "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIC"
/* As ssh-keygen -l has it. */
#define A_PRINT "SHA256:kmYcvdi2GkPeWxB6XLjrZB8JHsy2Hm8luHMFp9GMvqk"
#define B_PRINT "SHA256:RXm/ruZ0eTzRXKwi1AQEDynB0VgHQ2ac9KPSFdf/YnA"

static char dir[] = "/tmp/awsq-knownhosts-XXXXXX";
static char path[64];
static struct awsq_buf blobs[3];
static struct sshwire keys[3];

static void write_text(const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void expect_text(const char *expected)
{
	char text[4096];
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	assert_int_equal(fclose(f), 0);
	assert_string_equal(text, expected);
}

static int check(const char *name, int key, struct awsq_err *err)
{
	return knownhosts_check(path, name, keys[key].data, keys[key].len, err);
}

static void test_all_keys_of_a_host_are_kept_at_once(void **state)
{
	struct awsq_err err;

	(void)state;
	(void)unlink(path);
	assert_int_equal(knownhosts_add(path, "i-1", keys, 2, &err), 0);
	expect_text("i-1 " A "\ni-1 " B "\n");
	assert_int_equal(check("i-1", 0, &err), 0);
	assert_int_equal(check("i-1", 1, &err), 0);
	assert_int_equal(check("i-1", 2, &err), AWSQ_EINVAL);
	assert_int_equal(check("i-2", 0, &err), AWSQ_ENOTFOUND);
}

/* Another was quicker: what is kept stays, and is right if it is one of ours. */
static void test_what_is_kept_by_now(void **state)
{
	struct awsq_err err;

	(void)state;
	write_text("i-1 " B "\n");
	assert_int_equal(knownhosts_add(path, "i-1", keys, 2, &err), 0);
	expect_text("i-1 " B "\n");
	write_text("i-1 " C "\n");
	assert_int_equal(knownhosts_add(path, "i-1", keys, 2, &err), AWSQ_EINVAL);
	expect_text("i-1 " C "\n");
	write_text("@revoked i-1 " A "\n");
	assert_int_equal(knownhosts_add(path, "i-1", keys, 1, &err), AWSQ_EINVAL);
}

static void test_what_is_said_of_a_changed_key(void **state)
{
	char command[200];
	struct awsq_err err;

	(void)state;
	write_text("i-2 " C "\n@revoked i-1 " C "\ni-1 " A "\n");
	assert_int_equal(check("i-1", 1, &err), AWSQ_EINVAL);
	assert_non_null(strstr(err.message, "it shows ssh-ed25519 " B_PRINT));
	(void)snprintf(command, sizeof(command), "line 3 of '%s' has ssh-ed25519 " A_PRINT, path);
	assert_non_null(strstr(err.message, command));
	assert_non_null(strstr(err.message, "another machine may be answering"));
	/* And the command that it names does it. */
	(void)snprintf(command, sizeof(command), "ssh-keygen -R 'i-1' -f '%s'", path);
	assert_non_null(strstr(err.message, command));
	(void)snprintf(command, sizeof(command), "ssh-keygen -R 'i-1' -f '%s' >/dev/null 2>&1",
		path);
	assert_int_equal(system(command), 0);
	assert_int_equal(check("i-1", 1, &err), AWSQ_ENOTFOUND);
	assert_int_equal(check("i-2", 2, &err), 0);
}

static void test_a_revoked_key(void **state)
{
	struct awsq_err err;

	(void)state;
	write_text("@revoked i-1 " A "\ni-1 " A "\ni-1 " B "\n");
	assert_int_equal(check("i-1", 0, &err), AWSQ_EINVAL);
	assert_non_null(strstr(err.message, "is revoked by line 1"));
	assert_non_null(strstr(err.message, A_PRINT));
	assert_int_equal(check("i-1", 1, &err), 0);
}

static void test_names_that_cannot_be_kept(void **state)
{
	static const char *const names[] = { "", "a b", "a,b", "*", "#x", "@x", "a\nb" };

	(void)state;
	write_text("");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(knownhosts_add(path, names[i], keys, 1, NULL), AWSQ_EINVAL);
	assert_int_equal(knownhosts_add(path, "i-1", &(struct sshwire){ keys[0].data, 3 }, 1, NULL),
		AWSQ_EINVAL);
	expect_text("");
}

static int prepare(void **state)
{
	static const char *const lines[] = { A, B, C };

	(void)state;
	if (!mkdtemp(dir))
		return -1;
	(void)snprintf(path, sizeof(path), "%s/known_hosts", dir);
	for (int i = 0; i < 3; i++) {
		awsq_buf_init(&blobs[i], SSHKEY_MAX);
		if (sshkey_public_blob(&blobs[i], lines[i]) != 0)
			return -1;
		keys[i] = (struct sshwire){ (const uint8_t *)blobs[i].data, blobs[i].len };
	}
	return 0;
}

static int clean_up(void **state)
{
	char command[100];

	(void)state;
	for (int i = 0; i < 3; i++)
		awsq_buf_free(&blobs[i]);
	(void)snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_keys_of_a_host_are_kept_at_once),
		cmocka_unit_test(test_what_is_kept_by_now),
		cmocka_unit_test(test_what_is_said_of_a_changed_key),
		cmocka_unit_test(test_a_revoked_key),
		cmocka_unit_test(test_names_that_cannot_be_kept),
	};

	return cmocka_run_group_tests(tests, prepare, clean_up);
}
