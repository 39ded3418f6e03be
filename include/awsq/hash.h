/*
 * hash.h: digests, encodings and random bytes (OpenSSL's libcrypto behind a few plain functions).
 */
#ifndef AWSQ_HASH_H
#define AWSQ_HASH_H

#include <stddef.h>
#include <stdint.h>

#include <awsq/buf.h>
#include <awsq/common.h>

#define AWSQ_SHA256_LEN 32
#define AWSQ_SHA256_HEX (2 * AWSQ_SHA256_LEN + 1)
#define AWSQ_SHA1_LEN   20
#define AWSQ_SHA1_HEX   (2 * AWSQ_SHA1_LEN + 1)

AWSQ_BEGIN_DECLS

/* SHA-256 of len bytes (FIPS 180-4). AWSQ_ENOMEM when libcrypto cannot. */
int awsq_sha256(uint8_t out[AWSQ_SHA256_LEN], const void *data, size_t len);

/*
 * SHA-1 of len bytes (FIPS 180-4), for names that others have made by it: it is no protection any
 * more. AWSQ_ENOMEM when libcrypto cannot.
 */
int awsq_sha1(uint8_t out[AWSQ_SHA1_LEN], const void *data, size_t len);

/* HMAC with SHA-256 (RFC 2104). AWSQ_ENOMEM when libcrypto cannot. */
int awsq_hmac_sha256(uint8_t out[AWSQ_SHA256_LEN], const void *key, size_t key_len,
	const void *data, size_t len);

/* Writes len bytes as 2*len lower-case hexadecimal digits and a NUL to out. */
void awsq_hex(char *out, const void *data, size_t len);

/* Adds data to out in base64 (RFC 4648, section 4), with padding and without line breaks. */
void awsq_base64_add(struct awsq_buf *out, const void *data, size_t len);

/* Adds what the base64 text stands for to out, passing over white space. AWSQ_EPARSE if malformed.
 */
int awsq_base64_decode(struct awsq_buf *out, const char *text, size_t len);

/* Fills out with len bytes from the system's secure generator. AWSQ_EIO when it has none. */
int awsq_random_bytes(void *out, size_t len);

AWSQ_END_DECLS

#endif
