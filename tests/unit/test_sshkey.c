/* Keys made by ssh-keygen and openssl, in every format, whole and broken. */
#include "banned.h"

#include "ssh/sshkey.h"
#include "ssh/sshwire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[] = "/tmp/awsq-sshkey-XXXXXX";

/* Runs a command in the tests' folder; its first line of output goes to line. */
static void run(char *line, int size, const char *command)
{
	char text[512];
	FILE *p;

	(void)snprintf(text, sizeof(text), "cd %s && %s", dir, command);
	p = popen(text, "r");
	assert_non_null(p);
	if (!fgets(line, size, p))
		*line = '\0';
	line[strcspn(line, "\n")] = '\0';
	assert_int_equal(pclose(p), 0);
}

static const char *path_of(const char *name)
{
	static char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void write_file(const char *name, const char *data, size_t len, mode_t mode)
{
	FILE *f = fopen(path_of(name), "w");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path_of(name), mode), 0);
}

static size_t read_file(char *data, size_t size, const char *name)
{
	FILE *f = fopen(path_of(name), "r");
	size_t len;

	assert_non_null(f);
	len = fread(data, 1, size, f);
	assert_int_equal(fclose(f), 0);
	return len;
}

static int load(struct sshkey **key, const char *name, struct awsq_err *err)
{
	*key = NULL;
	return sshkey_load(key, path_of(name), err);
}

/* Loads a file that has to be refused with code and with words in the message. */
static void refuse(const char *name, int code, const char *words)
{
	struct sshkey *key;
	struct awsq_err err;

	assert_int_equal(load(&key, name, &err), code);
	assert_null(key);
	assert_int_equal(err.code, code);
	assert_non_null(strstr(err.message, path_of(name)));
	if (!strstr(err.message, words))
		fail_msg("no '%s' in '%s'", words, err.message);
}

/* Loads a file and compares its public half with a line from elsewhere. */
static void accept(const char *name, const char *type, const char *expected)
{
	struct awsq_buf line = AWSQ_BUF_INIT(SSHKEY_MAX);
	struct sshkey *key;
	struct awsq_err err = { .message = "" };

	if (load(&key, name, &err) != 0)
		fail_msg("%s", err.message);
	assert_string_equal(sshkey_type(key), type);
	assert_int_equal(sshkey_public(&line, key), 0);
	assert_memory_equal(line.data, expected, line.len);
	assert_true(expected[line.len] == '\0' || expected[line.len] == ' ');
	assert_true(sshkey_same_public(awsq_buf_str(&line), expected));
	awsq_buf_free(&line);
	sshkey_free(key);
}

struct format {
	const char *name;
	const char *make; /* makes the private key in the file of that name */
	const char *type;
};

static const struct format formats[] = {
	{ "rsa-pem", "ssh-keygen -q -t rsa -b 2048 -N '' -m PEM -f rsa-pem", "ssh-rsa" },
	{ "rsa-pkcs8", "ssh-keygen -q -t rsa -b 2048 -N '' -m PKCS8 -f rsa-pkcs8", "ssh-rsa" },
	{ "rsa-openssh", "ssh-keygen -q -t rsa -b 2048 -N '' -f rsa-openssh", "ssh-rsa" },
	{ "p256-pem", "ssh-keygen -q -t ecdsa -b 256 -N '' -m PEM -f p256-pem",
		"ecdsa-sha2-nistp256" },
	{ "p384-pem", "ssh-keygen -q -t ecdsa -b 384 -N '' -m PEM -f p384-pem",
		"ecdsa-sha2-nistp384" },
	{ "p521-pkcs8", "ssh-keygen -q -t ecdsa -b 521 -N '' -m PKCS8 -f p521-pkcs8",
		"ecdsa-sha2-nistp521" },
	{ "p256-openssh", "ssh-keygen -q -t ecdsa -b 256 -N '' -f p256-openssh",
		"ecdsa-sha2-nistp256" },
	{ "p384-openssh", "ssh-keygen -q -t ecdsa -b 384 -N '' -f p384-openssh",
		"ecdsa-sha2-nistp384" },
	{ "p521-openssh", "ssh-keygen -q -t ecdsa -b 521 -N '' -f p521-openssh",
		"ecdsa-sha2-nistp521" },
	{ "ed25519-openssh", "ssh-keygen -q -t ed25519 -N '' -f ed25519-openssh", "ssh-ed25519" },
	/* With its parameters in front, and a compressed point: openssl's ways. */
	{ "p256-openssl",
		"openssl ecparam -name prime256v1 -genkey -conv_form compressed -out p256-openssl",
		"ecdsa-sha2-nistp256" },
};

static void test_every_format_gives_the_public_key_that_ssh_keygen_gives(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		char command[128], line[2048];

		run(line, sizeof(line), formats[i].make);
		assert_int_equal(chmod(path_of(formats[i].name), 0600), 0);
		(void)snprintf(command, sizeof(command), "ssh-keygen -y -f %s", formats[i].name);
		run(line, sizeof(line), command);
		accept(formats[i].name, formats[i].type, line);
	}
}

/* ssh-keygen 9.2 does not read this one: the public half is the last 32 bytes of its DER form. */
static void test_ed25519_in_pkcs8(void **state)
{
	struct awsq_buf blob = AWSQ_BUF_INIT(SSHKEY_MAX);
	struct sshkey *key;
	char der[128], line[8];

	(void)state;
	run(line, sizeof(line),
		"openssl genpkey -algorithm ed25519 -out ed25519-pkcs8 && chmod 600 ed25519-pkcs8 "
		"&& openssl pkey -in ed25519-pkcs8 -pubout -outform DER -out der");
	assert_int_equal(read_file(der, sizeof(der), "der"), 44);
	assert_int_equal(load(&key, "ed25519-pkcs8", NULL), 0);
	assert_string_equal(sshkey_type(key), "ssh-ed25519");
	assert_int_equal(sshkey_blob(&blob, key), 0);
	assert_int_equal(blob.len, 4 + 11 + 4 + 32);
	assert_memory_equal(blob.data + 19, der + 12, 32);
	awsq_buf_free(&blob);
	sshkey_free(key);
}

static void test_only_rsa_and_ed25519_can_be_imported(void **state)
{
	static const struct {
		const char *name;
		int importable;
	} cases[] = { { "rsa-pem", 1 }, { "ed25519-openssh", 1 }, { "p256-openssh", 0 } };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct sshkey *key;

		assert_int_equal(load(&key, cases[i].name, NULL), 0);
		assert_int_equal(sshkey_is_importable(key), cases[i].importable);
		sshkey_free(key);
	}
}

static void test_signatures_have_the_form_that_ssh_wants(void **state)
{
	static const struct {
		const char *name;
		const char *algorithm;
		size_t len; /* 0: two mpints */
	} cases[] = { { "rsa-pem", "rsa-sha2-512", 256 }, { "rsa-openssh", "rsa-sha2-512", 256 },
		{ "ed25519-openssh", "ssh-ed25519", 64 },
		{ "p521-openssh", "ecdsa-sha2-nistp521", 0 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct awsq_buf out = AWSQ_BUF_INIT(SSHKEY_MAX);
		struct sshwire w, r, s;
		struct sshkey *key;

		assert_int_equal(load(&key, cases[i].name, NULL), 0);
		assert_string_equal(sshkey_algorithm(key), cases[i].algorithm);
		assert_int_equal(sshkey_sign(&out, key, "data", 4, 0, -1, NULL), 0);
		w = (struct sshwire){ (const uint8_t *)out.data, out.len };
		if (cases[i].len) {
			assert_int_equal(out.len, cases[i].len);
		} else {
			assert_int_equal(sshwire_get_string(&r, &w), 0);
			assert_int_equal(sshwire_get_string(&s, &w), 0);
			assert_int_equal(w.len, 0);
		}
		awsq_buf_free(&out);
		sshkey_free(key);
	}
}

/* Its public half, which OpenSSH's format has in the open and PEM only beside it. */
static void test_a_passphrase_leaves_the_public_half(void **state)
{
	static const char *const names[] = { "locked-openssh", "locked-pem", "locked-pkcs8" };
	static const char *const types[] = { "ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256" };
	char line[2048], command[64];

	(void)state;
	run(line, sizeof(line),
		"ssh-keygen -q -t ed25519 -N secret -f locked-openssh;"
		"ssh-keygen -q -t rsa -b 1024 -N secret -m PEM -f locked-pem;"
		"ssh-keygen -q -t ecdsa -N secret -m PKCS8 -f locked-pkcs8");
	for (size_t i = 0; i < 3; i++) {
		(void)snprintf(command, sizeof(command), "cat %s.pub", names[i]);
		run(line, sizeof(line), command);
		accept(names[i], types[i], line);
	}
	run(line, sizeof(line), "mv locked-openssh.pub o; mv locked-pem.pub p");
	run(line, sizeof(line), "cat o");
	accept("locked-openssh", "ssh-ed25519", line);
	refuse("locked-pem", AWSQ_EINVAL, "ssh-keygen -y -f");
}

/* Whichever way it is named. */
static void test_a_public_half_alone(void **state)
{
	char line[2048];

	(void)state;
	run(line, sizeof(line), "cp rsa-pem.pub alone.pub; chmod 644 alone.pub; cat alone.pub");
	accept("alone", "ssh-rsa", line);
	accept("alone.pub", "ssh-rsa", line);
	write_file("of-other-type.pub", "ssh-dss AAAAB3NzaC1kc3M=\n", 25, 0644);
	refuse("of-other-type.pub", AWSQ_EPARSE, "neither RSA");
	write_file("cut.pub", line, 60, 0644);
	refuse("cut.pub", AWSQ_EPARSE, "damaged");
}

/* Nothing else answers a key whose private half is out of reach. */
static void test_without_an_agent(void **state)
{
	static const char *const names[] = { "locked-openssh", "alone" };
	static const char *const words[] = { "passphrase", "public half" };
	struct awsq_buf out = AWSQ_BUF_INIT(SSHKEY_MAX);
	struct sshkey *key;
	struct awsq_err err;

	(void)state;
	assert_int_equal(unsetenv("SSH_AUTH_SOCK"), 0);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(load(&key, names[i], NULL), 0);
		assert_int_equal(sshkey_ready(key, -1, &err), AWSQ_EINVAL);
		assert_non_null(strstr(err.message, words[i]));
		assert_non_null(strstr(err.message, "SSH_AUTH_SOCK is not set"));
		assert_non_null(strstr(err.message, "run ssh-add"));
		assert_int_equal(sshkey_sign(&out, key, "data", 4, INT64_MAX, -1, &err),
			AWSQ_EINVAL);
		assert_int_equal(out.len, 0);
		sshkey_free(key);
	}
	assert_int_equal(load(&key, "rsa-pem", NULL), 0);
	assert_int_equal(sshkey_ready(key, -1, &err), 0);
	sshkey_free(key);
}

static void test_what_is_not_a_usable_file(void **state)
{
	char text[8192];
	size_t len = read_file(text, sizeof(text), "ed25519-openssh");

	(void)state;
	write_file("open-group", text, len, 0640);
	write_file("open-others", text, len, 0604);
	refuse("open-group", AWSQ_EINVAL, "chmod 600");
	refuse("open-others", AWSQ_EINVAL, "0604");
	refuse("missing", AWSQ_ENOTFOUND, "No such file");
	refuse("", AWSQ_EINVAL, "not a regular file");
	assert_int_equal(mkfifo(path_of("pipe"), 0600), 0);
	refuse("pipe", AWSQ_EINVAL, "not a regular file");
}

static void test_what_is_not_a_private_key(void **state)
{
	static char large[70000];
	char line[8];

	(void)state;
	write_file("empty", "", 0, 0600);
	write_file("garbage", "\0\1garbage\n", 10, 0600);
	write_file("putty", "PuTTY-User-Key-File-3: ssh-ed25519\n", 35, 0600);
	memset(large, '-', sizeof(large));
	write_file("large", large, sizeof(large), 0600);
	run(line, sizeof(line),
		"ssh-keygen -e -m PKCS8 -f rsa-pem > public && chmod 600 public;"
		"openssl ecparam -name secp256k1 -genkey -out koblitz && chmod 600 koblitz");
	refuse("empty", AWSQ_EPARSE, "not a private key");
	refuse("garbage", AWSQ_EPARSE, "not a private key");
	refuse("putty", AWSQ_EPARSE, "puttygen");
	refuse("large", AWSQ_EPARSE, "larger");
	refuse("public", AWSQ_EPARSE, "is a public key");
	refuse("koblitz", AWSQ_EPARSE, "nistp256");
}

/* Cut off at every length: refused, unless nothing but the last line's end is missing. */
static void test_truncated_at_every_length(void **state)
{
	static const char *const names[] = { "ed25519-openssh", "p256-openssh", "rsa-openssh",
		"p256-pem", "rsa-pem", "ed25519-pkcs8" };
	char text[8192];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t len = read_file(text, sizeof(text), names[i]);

		for (size_t cut = 0; cut < len; cut++) {
			struct sshkey *key;
			int rc;

			write_file("cut", text, cut, 0600);
			rc = load(&key, "cut", NULL);
			if (rc == 0)
				assert_true(cut + 1 >= len);
			else
				assert_int_equal(rc, AWSQ_EPARSE);
			sshkey_free(key);
		}
	}
}

/* One character changed at every place: never a crash, and never another key. */
static void test_damaged_at_every_place(void **state)
{
	static const char *const names[] = { "ed25519-openssh", "p256-openssh" };
	struct awsq_buf line = AWSQ_BUF_INIT(SSHKEY_MAX);
	char text[8192], public[8192];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t len = read_file(text, sizeof(text), names[i]);
		char command[64];

		(void)snprintf(command, sizeof(command), "ssh-keygen -y -f %s", names[i]);
		run(public, sizeof(public), command);
		for (size_t at = 0; at < len; at++) {
			struct sshkey *key;
			char was = text[at];

			text[at] = was == 'A' ? 'B' : 'A';
			write_file("damaged", text, len, 0600);
			text[at] = was;
			if (load(&key, "damaged", NULL) != 0)
				continue;
			awsq_buf_reset(&line);
			assert_int_equal(sshkey_public(&line, key), 0);
			assert_true(sshkey_same_public(awsq_buf_str(&line), public));
			sshkey_free(key);
		}
	}
	awsq_buf_free(&line);
}

static void test_public_keys_are_compared_by_material(void **state)
{
	char line[1024], other[1024], spaced[1100];
	char *base64;

	(void)state;
	run(line, sizeof(line), "cut -d' ' -f1,2 ed25519-openssh.pub");
	run(other, sizeof(other), "cut -d' ' -f1,2 p256-openssh.pub");
	base64 = strchr(line, ' ') + 1;
	(void)snprintf(spaced, sizeof(spaced), " ssh-ed25519 \t%s  name with spaces\r\n", base64);
	assert_true(sshkey_same_public(line, line));
	assert_true(sshkey_same_public(line, spaced));
	assert_false(sshkey_same_public(line, other));
	(void)snprintf(spaced, sizeof(spaced), "ssh-rsa %s", base64);
	assert_false(sshkey_same_public(spaced, spaced));
	assert_false(sshkey_same_public("", ""));
	assert_false(sshkey_same_public("ssh-ed25519", "ssh-ed25519"));
	assert_false(sshkey_same_public("ssh-ed25519 !", "ssh-ed25519 !"));
}

static int make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	char command[128];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

int main(void)
{
	/* In this order: the first one makes the keys that the others take. */
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_format_gives_the_public_key_that_ssh_keygen_gives),
		cmocka_unit_test(test_ed25519_in_pkcs8),
		cmocka_unit_test(test_only_rsa_and_ed25519_can_be_imported),
		cmocka_unit_test(test_signatures_have_the_form_that_ssh_wants),
		cmocka_unit_test(test_a_passphrase_leaves_the_public_half),
		cmocka_unit_test(test_a_public_half_alone),
		cmocka_unit_test(test_without_an_agent),
		cmocka_unit_test(test_what_is_not_a_usable_file),
		cmocka_unit_test(test_what_is_not_a_private_key),
		cmocka_unit_test(test_truncated_at_every_length),
		cmocka_unit_test(test_damaged_at_every_place),
		cmocka_unit_test(test_public_keys_are_compared_by_material),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
