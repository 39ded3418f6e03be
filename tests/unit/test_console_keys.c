/* Host keys out of consoles as they look on real images, and out of hostile ones. */
#include "banned.h"

#include "fleet/console_keys.h"
#include "ssh/sshkey.h"

#include <awsq/hash.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Made by ssh-keygen 9.2, with their fingerprints by ssh-keygen -l. */
#define ECDSA                                                                    \
	"ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAA" \
	"BBBGU4JMdpO/XNbGWh63xqHp/FlKwNo1dD8pY2uxytHjSNFr+NMrVxxak9hN4v1hSRYgjc" \
	"J2J7Fs3eBTLEt0h8f/I="
#define ECDSA_PRINT "SHA256:dM6TJd8UWfQO4NL17FZ4l/HQ146OqazUe4tTlQ6nzy4"
#define ED25519                                                                  \
	"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICXLla6IpsPWijfKHyxQG/+nr/LuB6P0gv" \
	"8WniYhmOb4"
#define ED25519_PRINT "SHA256:JZwr6Qj8sz/jloT3AFo7gZEGEgwflcqtYrPU6LLdBXU"
#define RSA                                                                      \
	"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQCYpRMsifsZlBjhUnz6oVJC9rPzqQC8zt" \
	"fGGrdp26yQqxoeQU3dOzJgv6cNxCw8iKWbT5NydM3ST/ILqI2yepZfhDcgxZE2Iq+PPifg" \
	"S12VlEhkgsByYg07WAr+RMdMS2fRZjZdvwjWJmMoxFjewR+zT09cx364Kq8jT6rFOB2B/d" \
	"QLmOP0bCjgQJij6mEvAVQacczMHGkof1lxhbsO70sNuC8INN/hwT6QCzRb0NVHNUGSyZb0" \
	"x6nmw9jPzkSKUfcCf5y9iq+VNoMjO9kKHtpaYl5pgfO9D35E7lWgd/ruPOlBq253hS1H1J" \
	"C1BnAxea3m70HJAuQkrKuOxcWPDLoD"
#define RSA_PRINT "SHA256:ZMuU+wRY96Qfi3Bc9rfZslzFkTdkZ5MNwseSvxu5s+A"

#define MARK(what) "-----" what " SSH HOST KEY "

/* Reads a console; the keys as authorized_keys has them, each with a comma, have to be those. */
static void expect_bytes(const char *text, size_t len, const char *expected, int booted)
{
	struct awsq_buf lines = AWSQ_BUF_INIT(65536);
	struct console_keys keys;
	char *copy = test_malloc(len > 0 ? len : 1);

	/* Of its own size, so that the sanitizers see a byte too many. */
	memcpy(copy, text, len);
	assert_int_equal(console_keys_read(&keys, copy, len), 0);
	test_free(copy);
	for (size_t i = 0; i < keys.n; i++) {
		const char *type;

		assert_int_equal(sshkey_public_type(&type, &keys.keys[i]), 0);
		awsq_buf_addf(&lines, "%s ", type);
		awsq_base64_add(&lines, keys.keys[i].data, keys.keys[i].len);
		awsq_buf_addc(&lines, ',');
	}
	assert_string_equal(awsq_buf_str(&lines), expected);
	assert_int_equal(keys.booted, booted);
	awsq_buf_free(&lines);
	console_keys_free(&keys);
}

static void expect(const char *text, const char *expected)
{
	expect_bytes(text, strlen(text), expected, 0);
}

#define ALL ECDSA "," ED25519 "," RSA ","

/* ---- Real ones */

#define AMAZON_STAMP "<14>Nov 22 05:15:58 cloud-init: "

static void test_amazon_linux_2023(void **state)
{
	static const char text[] =
		"[    0.000000] Linux version 6.1.112-122.189.amzn2023.x86_64\r\n"
		"[    9.021844] cloud-init[1583]: Cloud-init v. 22.2.2 running 'init' at Sun\r\n"
		"ci-info: | ssh-ed25519 | SHA256:9Jx0v8bE0nS | - | NAVO |\r\n" AMAZON_STAMP
		"#############################################################\r\n" AMAZON_STAMP
		"-----BEGIN SSH HOST KEY FINGERPRINTS-----\r\n" AMAZON_STAMP "256 " ECDSA_PRINT
		" root@ip-172-31-20-7.ec2.internal (ECDSA)\r\n" AMAZON_STAMP "256 " ED25519_PRINT
		" root@ip-172-31-20-7.ec2.internal (ED25519)\r\n" AMAZON_STAMP "3072 " RSA_PRINT
		" root@ip-172-31-20-7.ec2.internal (RSA)\r\n" AMAZON_STAMP
		"-----END SSH HOST KEY FINGERPRINTS-----\r\n" AMAZON_STAMP
		"#############################################################\r\n"
		"-----BEGIN SSH HOST KEY KEYS-----\r\n" ECDSA
		" root@ip-172-31-20-7.ec2.internal\r\n" ED25519
		" root@ip-172-31-20-7.ec2.internal\r\n" RSA " root@ip-172-31-20-7.ec2.internal\r\n"
		"-----END SSH HOST KEY KEYS-----\r\n"
		"[   13.376540] cloud-init[1640]: Cloud-init v. 22.2.2 finished at Sun, 22 Nov\r\n"
		"\r\nAmazon Linux 2023\r\nKernel 6.1.112 on an x86_64 (-)\r\n\r\nlogin: ";

	(void)state;
	expect(text, ALL);
}

/* systemd puts the unit's name and a stamp in front of all of it. */
static void test_debian(void **state)
{
#define STAMP "[   14.218801] cloud-init[588]: "
	static const char text[] = STAMP
		"<14>Nov 22 05:16:01 cloud-init: -----BEGIN SSH HOST KEY FINGERPRINTS-----\n" STAMP
		"<14>Nov 22 05:16:01 cloud-init: 256 " ED25519_PRINT " root@ip (ED25519)\n" STAMP
		"<14>Nov 22 05:16:01 cloud-init: -----END SSH HOST KEY FINGERPRINTS-----\n" STAMP
		"-----BEGIN SSH HOST KEY KEYS-----\n" STAMP ECDSA " root@ip-172-31-3-9\n"
		"[   14.250000] audit: type=1400 audit(1763788561.1:20): "
		"apparmor=\"STATUS\"\n" STAMP ED25519 " root@ip-172-31-3-9\n" STAMP
		"-----END SSH HOST KEY KEYS-----\n";
#undef STAMP

	(void)state;
	expect(text, ECDSA "," ED25519 ",");
}

static void test_ubuntu(void **state)
{
	static const char text[] =
		"ec2: \n"
		"ec2: #############################################################\n"
		"ec2: -----BEGIN SSH HOST KEY FINGERPRINTS-----\n"
		"ec2: 1024 SHA256:0mMRhUuZ0rV2B2cUoWyIIpeBiAcJbBnRrGvCBPgOJ1M root@ip (DSA)\n"
		"ec2: 256 " ED25519_PRINT " root@ip-10-0-0-5 (ED25519)\n"
		"ec2: -----END SSH HOST KEY FINGERPRINTS-----\n"
		"ec2: #############################################################\n"
		"-----BEGIN SSH HOST KEY KEYS-----\n"
		"ssh-dss AAAAB3NzaC1kc3MAAACBAKx root@ip-10-0-0-5\n" ED25519 " root@ip-10-0-0-5\n"
		"-----END SSH HOST KEY KEYS-----\n";

	(void)state;
	expect(text, ED25519 ",");
}

/* ---- What there may be instead */

static void test_none(void **state)
{
	static const char later[] =
		"[   11.1] cloud-init[640]: Cloud-init v. 24.1 finished at Sun, 22 Nov 2026\n";

	(void)state;
	expect("", "");
	expect("[    0.000000] Linux version 6.1\r\n", "");
	expect(MARK("BEGIN") "KEYS-----\n" MARK("END") "KEYS-----\n", "");
	expect(MARK("BEGIN") "FINGERPRINTS-----\n256 " ED25519_PRINT
			     " root (ED25519)\n" MARK("END") "FINGERPRINTS-----\n",
		"");
	expect_bytes(later, strlen(later), "", 1);
}

/* Of the 64 KiB that are kept the beginning may be gone, or the end still to come. */
static void test_cut_off(void **state)
{
	static const char block[] =
		"\n" MARK("BEGIN") "KEYS-----\n" ED25519 " c\n" MARK("END") "KEYS-----\nmore\n";
	const char *begin = strstr(block, MARK("BEGIN")), *end = strstr(block, MARK("END"));
	size_t whole = (size_t)(end - block) + strlen(MARK("END") "KEYS-----");

	(void)state;
	for (size_t len = 0; len <= strlen(block); len++)
		expect_bytes(block, len, len >= whole ? ED25519 "," : "", 0);
	for (const char *from = begin + 1; from <= end; from++)
		expect(from, "");
}

static void test_a_block_that_was_begun_twice(void **state)
{
	(void)state;
	expect(MARK("BEGIN") "KEYS-----\n" RSA
			     " cut off by a reboot\n" MARK("BEGIN") "KEYS-----\n" ED25519
								    "\n" MARK("END") "KEYS-----\n",
		ED25519 ",");
}

/* Bytes are lost on a serial line now and then, and kernels speak in the middle. */
static void test_damaged_keys_are_left_out(void **state)
{
	char text[4096], *at;

	(void)state;
	(void)snprintf(text, sizeof(text),
		MARK("BEGIN") "FINGERPRINTS-----\n256 %s root (ED25519)\n256 %s root "
			      "(ECDSA)\n" MARK("END") "FINGERPRINTS-----\n" MARK(
				      "BEGIN") "KEYS-----\n%s c\n%s c\n" MARK("END") "KEYS-----\n",
		ED25519_PRINT, ECDSA_PRINT, ECDSA, ED25519);
	expect(text, ECDSA "," ED25519 ",");
	/* One letter changed: base64 all the same, but not of that fingerprint. */
	at = strstr(text, ED25519) + strlen(ED25519) - 5;
	*at = *at == 'A' ? 'B' : 'A';
	expect(text, ECDSA ",");
	at = strstr(text, ECDSA) + 60;
	at[0] = '[';
	at[1] = ' ';
	expect(text, "");
}

/* Anyone may send sshd a user name, and have it logged. */
static void test_what_strangers_have_logged(void **state)
{
	static const char *const prefixes[] = { "sshd[99]: Invalid user ",
		"[   20.1] sshd[99]: Invalid user ", "Nov 22 05:16:01 ip-10-0-0-5 sshd[99]: ",
		"cloud-init[x]: ", "cloud-init[]: ", "cloud-inits: ", "x" };

	(void)state;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		const char *p = prefixes[i];
		char text[4096];

		(void)snprintf(text, sizeof(text),
			"%s" MARK("BEGIN") "KEYS-----\n%s%s\n%s" MARK("END") "KEYS-----\n", p,
			ED25519, p, p);
		expect(text, "");
		(void)snprintf(text, sizeof(text),
			MARK("BEGIN") "KEYS-----\n%s\n%s%s\n%s" MARK("END") "KEYS-----\n", ECDSA, p,
			ED25519, p);
		expect(text, "");
		(void)snprintf(text, sizeof(text),
			MARK("BEGIN") "KEYS-----\n%s\n%s%s\n" MARK("END") "KEYS-----\n" MARK(
				"BEGIN") "KEYS-----\n%s\n" MARK("END") "KEYS-----\n",
			ECDSA, p, ED25519, RSA);
		expect(text, ECDSA ",");
	}
}

static void test_more_than_there_is_room_for(void **state)
{
	struct awsq_buf text = AWSQ_BUF_INIT(1 << 20);
	struct console_keys keys;

	(void)state;
	awsq_buf_adds(&text, MARK("BEGIN") "FINGERPRINTS-----\n");
	for (int i = 0; i < 100; i++)
		awsq_buf_adds(&text, "256 " ED25519_PRINT " root (ED25519)\n");
	awsq_buf_adds(&text, MARK("END") "FINGERPRINTS-----\n" MARK("BEGIN") "KEYS-----\n");
	for (int i = 0; i < 100; i++)
		awsq_buf_adds(&text, ED25519 "\n");
	for (int i = 0; i < 70000; i++)
		awsq_buf_addc(&text, 'x');
	awsq_buf_adds(&text, "\n" MARK("END") "KEYS-----\n");
	assert_int_equal(console_keys_read(&keys, awsq_buf_str(&text), text.len), 0);
	assert_int_equal(keys.n, CONSOLE_KEYS_MAX);
	console_keys_free(&keys);
	awsq_buf_free(&text);
}

/* Whatever comes: no crash, and never a key that was not sent. */
static void test_hostile_bytes(void **state)
{
	static const char block[] = AMAZON_STAMP MARK(
		"BEGIN") "FINGERPRINTS-----\n" AMAZON_STAMP "256 " ED25519_PRINT
			 " root (ED25519)\n" AMAZON_STAMP MARK("END") "FINGERPRINTS-----\n" MARK(
				 "BEGIN") "KEYS-----\n" ED25519 " c\n" MARK("END") "KEYS-----\n";
	size_t len = sizeof(block) - 1, head = (size_t)(strstr(block, ED25519) - block);
	uint32_t random = 2026;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		char text[sizeof(block)];
		struct console_keys keys;

		memcpy(text, block, sizeof(block));
		for (int i = 0; i < 1 + round % 4; i++) {
			random = random * 1664525 + 1013904223;
			text[(random >> 8) % len] = (char)(random >> 24);
		}
		assert_int_equal(console_keys_read(&keys, text, len), 0);
		assert_true(keys.n <= 1);
		/* With the fingerprint unhurt, only the key that it is of. */
		if (keys.n == 1 && memcmp(text, block, head) == 0)
			assert_memory_equal(text + head, ED25519, strlen(ED25519));
		console_keys_free(&keys);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_amazon_linux_2023),
		cmocka_unit_test(test_debian),
		cmocka_unit_test(test_ubuntu),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_cut_off),
		cmocka_unit_test(test_a_block_that_was_begun_twice),
		cmocka_unit_test(test_damaged_keys_are_left_out),
		cmocka_unit_test(test_what_strangers_have_logged),
		cmocka_unit_test(test_more_than_there_is_room_for),
		cmocka_unit_test(test_hostile_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
