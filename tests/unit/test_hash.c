/*
 * Digests and encodings against published vectors: FIPS 180-4's examples (NIST, "SHA-256"), RFC
 * 4231 for HMAC and RFC 4648, section 10, for base64.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <awsq/err.h>
#include <awsq/hash.h>

static void digest_is(const void *data, size_t len, const char *hex)
{
	uint8_t digest[AWSQ_SHA256_LEN];
	char text[AWSQ_SHA256_HEX];

	assert_int_equal(awsq_sha256(digest, data, len), 0);
	awsq_hex(text, digest, sizeof(digest));
	assert_string_equal(text, hex);
}

static void test_sha256(void **state)
{
	char *million = test_malloc(1000000);

	(void)state;
	memset(million, 'a', 1000000);
	digest_is("", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	digest_is(NULL, 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	digest_is("abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	digest_is("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56,
		"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
	digest_is(million, 1000000,
		"cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
	test_free(million);
}

static void test_sha1(void **state)
{
	static const char *const cases[][2] = {
		{ "", "da39a3ee5e6b4b0d3255bfef95601890afd80709" },
		{ "abc", "a9993e364706816aba3e25717850c26c9cd0d89d" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
			"84983e441c3bd26ebaae4aa1f95129e5e54670f1" },
	};
	uint8_t digest[AWSQ_SHA1_LEN];
	char text[AWSQ_SHA1_HEX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(awsq_sha1(digest, cases[i][0], strlen(cases[i][0])), 0);
		awsq_hex(text, digest, sizeof(digest));
		assert_string_equal(text, cases[i][1]);
	}
}

struct hmac {
	uint8_t key_byte;
	size_t key_len;
	const char *key; /* or key_len times key_byte */
	const char *data;
	uint8_t data_byte; /* or data_len times data_byte */
	size_t data_len;
	const char *hex;
};

static const struct hmac hmacs[] = {
	{ 0x0b, 20, NULL, "Hi There", 0, 8,
		"b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
	{ 0, 4, "Jefe", "what do ya want for nothing?", 0, 28,
		"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
	{ 0xaa, 20, NULL, NULL, 0xdd, 50,
		"773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe" },
	{ 0xaa, 131, NULL, "Test Using Larger Than Block-Size Key - Hash Key First", 0, 54,
		"60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
	{ 0xaa, 131, NULL,
		"This is a test using a larger than block-size key and a larger than block-size "
		"data. The key needs to be hashed before being used by the HMAC algorithm.",
		0, 152, "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2" },
	/* Without key and data; not in the RFC, but well known. */
	{ 0, 0, "", "", 0, 0, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad" },
};

static void test_hmac(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(hmacs) / sizeof(*hmacs); i++) {
		const struct hmac *t = &hmacs[i];
		uint8_t key[131], data[50], out[AWSQ_SHA256_LEN];
		char text[AWSQ_SHA256_HEX];

		memset(key, t->key_byte, sizeof(key));
		memset(data, t->data_byte, sizeof(data));
		assert_int_equal(awsq_hmac_sha256(out, t->key ? (const void *)t->key : key,
					 t->key_len, t->data ? (const void *)t->data : data,
					 t->data_len),
			0);
		awsq_hex(text, out, sizeof(out));
		assert_string_equal(text, t->hex);
	}
}

static void test_hex(void **state)
{
	static const uint8_t bytes[] = { 0x00, 0x01, 0x7f, 0x80, 0xab, 0xff };
	char out[2 * sizeof(bytes) + 1] = "x";

	(void)state;
	awsq_hex(out, bytes, 0);
	assert_string_equal(out, "");
	awsq_hex(out, bytes, sizeof(bytes));
	assert_string_equal(out, "00017f80abff");
}

static const struct {
	const char *plain, *encoded;
} pairs[] = { { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" },
	{ "foob", "Zm9vYg==" }, { "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" } };

static void test_base64_of_the_rfc(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		struct awsq_buf out = AWSQ_BUF_INIT(100);

		awsq_base64_add(&out, pairs[i].plain, strlen(pairs[i].plain));
		assert_string_equal(awsq_buf_str(&out), pairs[i].encoded);
		awsq_buf_reset(&out);
		assert_int_equal(awsq_base64_decode(&out, pairs[i].encoded,
					 strlen(pairs[i].encoded)),
			0);
		assert_string_equal(awsq_buf_str(&out), pairs[i].plain);
		awsq_buf_free(&out);
	}
}

/* All bytes, at every alignment, there and back; and it adds to what is there. */
static void test_base64_there_and_back(void **state)
{
	uint8_t bytes[256];

	(void)state;
	for (int i = 0; i < 256; i++)
		bytes[i] = (uint8_t)(255 - i);
	for (size_t len = 0; len <= sizeof(bytes); len++) {
		struct awsq_buf text = AWSQ_BUF_INIT(1000), back = AWSQ_BUF_INIT(1000);

		awsq_base64_add(&text, bytes, len);
		assert_int_equal(text.len, (len + 2) / 3 * 4);
		awsq_buf_addc(&back, '>');
		assert_int_equal(awsq_base64_decode(&back, text.data ? text.data : "", text.len),
			0);
		assert_int_equal(back.len, len + 1);
		assert_memory_equal(back.data + 1, bytes, len);
		awsq_buf_free(&text);
		awsq_buf_free(&back);
	}
}

static void test_base64_passes_over_white_space(void **state)
{
	static const char text[] = " Zm\n9v\r\n\tYg =\v=\f ";
	struct awsq_buf out = AWSQ_BUF_INIT(100);

	(void)state;
	assert_int_equal(awsq_base64_decode(&out, text, sizeof(text) - 1), 0);
	assert_string_equal(awsq_buf_str(&out), "foob");
	awsq_buf_free(&out);
}

static void test_base64_that_is_malformed(void **state)
{
	static const char *const bad[] = { "Z", "Zg", "Zg=", "Zm8", "Zm9vY", "Zg===", "=", "==",
		"====", "Z===", "Zm9v=", "Zm9v==", "Zm9v====", "Zg==Zg==", "Z=g=", "=Zg=", "Zm9*",
		"Zm-v", "Zm_v", "Zm9v.", "\xc3\xbc==" };
	struct awsq_buf out = AWSQ_BUF_INIT(100);

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		if (awsq_base64_decode(&out, bad[i], strlen(bad[i])) != AWSQ_EPARSE)
			fail_msg("'%s' was taken", bad[i]);
	}
	assert_int_equal(awsq_base64_decode(&out, "Zm\0v", 4), AWSQ_EPARSE);
	awsq_buf_free(&out);
}

static void test_base64_past_the_maximum(void **state)
{
	struct awsq_buf out = AWSQ_BUF_INIT(3);

	(void)state;
	assert_int_equal(awsq_base64_decode(&out, "Zm9vYmFy", 8), AWSQ_ETOOBIG);
	awsq_buf_reset(&out);
	awsq_base64_add(&out, "f", 1);
	assert_int_equal(awsq_buf_error(&out), AWSQ_ETOOBIG);
	awsq_buf_free(&out);
}

static void test_random_and_wipe(void **state)
{
	uint8_t a[32] = { 0 }, b[32] = { 0 };
	static const uint8_t zeros[32];

	(void)state;
	assert_int_equal(awsq_random_bytes(a, sizeof(a)), 0);
	assert_int_equal(awsq_random_bytes(b, sizeof(b)), 0);
	assert_memory_not_equal(a, b, sizeof(a));
	assert_memory_not_equal(a, zeros, sizeof(a));
	awsq_wipe(a, sizeof(a) - 1);
	assert_memory_equal(a, zeros, sizeof(a) - 1);
	awsq_wipe(a, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sha256),
		cmocka_unit_test(test_sha1),
		cmocka_unit_test(test_hmac),
		cmocka_unit_test(test_hex),
		cmocka_unit_test(test_base64_of_the_rfc),
		cmocka_unit_test(test_base64_there_and_back),
		cmocka_unit_test(test_base64_passes_over_white_space),
		cmocka_unit_test(test_base64_that_is_malformed),
		cmocka_unit_test(test_base64_past_the_maximum),
		cmocka_unit_test(test_random_and_wipe),
	};

	return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}
