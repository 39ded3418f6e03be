/* The only file of libawsq that includes OpenSSL. */
#include "banned.h"

#include <awsq/err.h>
#include <awsq/hash.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

int awsq_sha256(uint8_t out[AWSQ_SHA256_LEN], const void *data, size_t len)
{
	return EVP_Digest(data, len, out, NULL, EVP_sha256(), NULL) == 1 ? 0 : AWSQ_ENOMEM;
}

int awsq_sha1(uint8_t out[AWSQ_SHA1_LEN], const void *data, size_t len)
{
	return EVP_Digest(data, len, out, NULL, EVP_sha1(), NULL) == 1 ? 0 : AWSQ_ENOMEM;
}

int awsq_hmac_sha256(uint8_t out[AWSQ_SHA256_LEN], const void *key, size_t key_len,
	const void *data, size_t len)
{
	if (!HMAC(EVP_sha256(), key, (int)key_len, data, len, out, NULL))
		return AWSQ_ENOMEM;
	return 0;
}

void awsq_hex(char *out, const void *data, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *bytes = data;

	for (size_t i = 0; i < len; i++) {
		*out++ = digits[bytes[i] >> 4];
		*out++ = digits[bytes[i] & 15];
	}
	*out = '\0';
}

static const char base64_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void awsq_base64_add(struct awsq_buf *out, const void *data, size_t len)
{
	const uint8_t *p = data;

	for (; len > 0; p += 3) {
		size_t n = len < 3 ? len : 3;
		uint32_t v = (uint32_t)p[0] << 16;

		if (n > 1)
			v |= (uint32_t)p[1] << 8;
		if (n > 2)
			v |= p[2];
		awsq_buf_addc(out, base64_digits[v >> 18]);
		awsq_buf_addc(out, base64_digits[(v >> 12) & 63]);
		awsq_buf_addc(out, n > 1 ? base64_digits[(v >> 6) & 63] : '=');
		awsq_buf_addc(out, n > 2 ? base64_digits[v & 63] : '=');
		len -= n;
	}
}

int awsq_base64_decode(struct awsq_buf *out, const char *text, size_t len)
{
	uint32_t v = 0;
	unsigned digits = 0, padding = 0;

	for (size_t i = 0; i < len; i++) {
		const char *digit;

		if (text[i] == ' ' || (text[i] >= '\t' && text[i] <= '\r'))
			continue;
		if (text[i] == '=') {
			padding++;
			continue;
		}
		digit = text[i] ? strchr(base64_digits, text[i]) : NULL;
		if (!digit || padding > 0)
			return AWSQ_EPARSE;
		v = v << 6 | (uint32_t)(digit - base64_digits);
		if (++digits % 4 == 0) {
			awsq_buf_addc(out, (char)(v >> 16 & 255));
			awsq_buf_addc(out, (char)(v >> 8 & 255));
			awsq_buf_addc(out, (char)(v & 255));
		}
	}
	if ((digits + padding) % 4 != 0 || padding > 2 || (padding > 0 && digits % 4 == 0))
		return AWSQ_EPARSE;
	if (digits % 4 == 2)
		awsq_buf_addc(out, (char)(v >> 4 & 255));
	if (digits % 4 == 3) {
		awsq_buf_addc(out, (char)(v >> 10 & 255));
		awsq_buf_addc(out, (char)(v >> 2 & 255));
	}
	return awsq_buf_error(out);
}

int awsq_random_bytes(void *out, size_t len)
{
	return RAND_bytes(out, (int)len) == 1 ? 0 : AWSQ_EIO;
}
