#include "banned.h"

#include "ssh/sshkey.h"
#include "ssh/sshpair.h"
#include "ssh/sshwire.h"

#include <awsq/hash.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX 65536

struct sshkey {
	struct sshpair *pair;
	struct awsq_buf blob; /* the public half */
};

/* ---- The file */

static int read_all(struct awsq_buf *text, int fd)
{
	char chunk[4096];
	ssize_t n;

	while ((n = read(fd, chunk, sizeof(chunk))) > 0)
		awsq_buf_add(text, chunk, (size_t)n);
	awsq_wipe(chunk, sizeof(chunk));
	return n < 0 ? AWSQ_EIO : awsq_buf_error(text);
}

/* What ssh checks, too: a key of ours that others can read is as good as lost. */
static int check_file(int fd, const char *path, struct awsq_err *err)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return awsq_err_set(err, AWSQ_EIO, "cannot read the private key '%s': %s", path,
			strerror(errno));
	if (!S_ISREG(st.st_mode))
		return awsq_err_set(err, AWSQ_EINVAL,
			"cannot use the private key '%s': it is not a regular file", path);
	if (st.st_uid == getuid() && (st.st_mode & 077) != 0)
		return awsq_err_set(err, AWSQ_EINVAL,
			"will not use the private key '%s': its permissions %04o let others at it; "
			"run chmod 600 '%s'",
			path, (unsigned)(st.st_mode & 07777), path);
	return 0;
}

static int read_file(struct awsq_buf *text, const char *path, struct awsq_err *err)
{
	/* O_NONBLOCK: a pipe by mistake must not hang us before we have seen what it is. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int rc;

	if (fd < 0)
		return awsq_err_set(err, errno == ENOENT ? AWSQ_ENOTFOUND : AWSQ_EIO,
			"cannot read the private key '%s': %s", path, strerror(errno));
	rc = check_file(fd, path, err);
	if (rc != 0)
		goto out;
	rc = read_all(text, fd);
	if (rc == AWSQ_ETOOBIG)
		rc = awsq_err_set(err, AWSQ_EPARSE,
			"cannot use '%s' as a private key: it is larger than any key", path);
	else if (rc != 0)
		rc = awsq_err_set(err, rc, "cannot read the private key '%s': %s", path,
			rc == AWSQ_EIO ? strerror(errno) : awsq_strerror(rc));
out:
	(void)close(fd);
	return rc;
}

/* ---- What is in it */

/* The code is about a key pair; the words are for the person whose file it is. */
static int explain(int code, const char *path, struct awsq_err *err)
{
	switch (code) {
	case 0:
		return 0;
	case AWSQ_ECREDENTIALS:
		return awsq_err_set(err, AWSQ_EINVAL,
			"cannot use the private key '%s': it has a passphrase, and ssh-agent "
			"support "
			"comes with passphrases later; use a key without one",
			path);
	case AWSQ_EINVAL:
		return awsq_err_set(err, AWSQ_EPARSE,
			"cannot use the private key '%s': it is neither RSA nor ed25519 nor ECDSA "
			"on "
			"nistp256, nistp384 or nistp521",
			path);
	case AWSQ_EPARSE:
		return awsq_err_set(err, code,
			"cannot use the private key '%s': it is damaged or cut off", path);
	default:
		return awsq_err_set(err, code, "cannot use the private key '%s': %s", path,
			awsq_strerror(code));
	}
}

static int read_secret(struct sshpair **out, struct sshwire w)
{
	struct sshwire comment;
	uint32_t check1, check2;
	int rc;

	if (sshwire_get_u32(&check1, &w) != 0 || sshwire_get_u32(&check2, &w) != 0 ||
		check1 != check2)
		return AWSQ_EPARSE;
	rc = sshpair_read_fields(out, &w);
	if (rc != 0)
		return rc;
	if (sshwire_get_string(&comment, &w) != 0)
		return AWSQ_EPARSE;
	for (size_t i = 0; i < w.len; i++) {
		if (w.data[i] != i + 1)
			return AWSQ_EPARSE;
	}
	return 0;
}

/* The file says its public half twice over, in the open and by the private half. */
static int is_public_half(const struct sshpair *pair, const struct sshwire *expected)
{
	struct awsq_buf blob = AWSQ_BUF_INIT(SSHKEY_MAX);
	int same;

	same = sshpair_blob(&blob, pair) == 0 && blob.len == expected->len &&
	       memcmp(blob.data, expected->data, blob.len) == 0;
	awsq_buf_free(&blob);
	return same;
}

/* The binary form (openssh/PROTOCOL.key). */
static int read_openssh(struct sshpair **out, struct sshwire w)
{
	static const char magic[] = "openssh-key-v1";
	struct sshwire cipher, field, public, secret;
	uint32_t count;
	int rc;

	if (w.len < sizeof(magic) || memcmp(w.data, magic, sizeof(magic)) != 0)
		return AWSQ_EPARSE;
	w.data += sizeof(magic);
	w.len -= sizeof(magic);
	if (sshwire_get_string(&cipher, &w) != 0 || sshwire_get_string(&field, &w) != 0 ||
		sshwire_get_string(&field, &w) != 0 || sshwire_get_u32(&count, &w) != 0 ||
		count != 1 || sshwire_get_string(&public, &w) != 0 ||
		sshwire_get_string(&secret, &w) != 0)
		return AWSQ_EPARSE;
	if (!sshwire_equals(&cipher, "none"))
		return AWSQ_ECREDENTIALS;
	rc = w.len == 0 ? read_secret(out, secret) : AWSQ_EPARSE;
	return rc == 0 && !is_public_half(*out, &public) ? AWSQ_EPARSE : rc;
}

static int read_openssh_text(struct sshpair **out, const char *body)
{
	const char *end = strstr(body, "-----END OPENSSH PRIVATE KEY-----");
	struct awsq_buf bytes = AWSQ_BUF_INIT(FILE_MAX);
	int rc;

	rc = end ? awsq_base64_decode(&bytes, body, (size_t)(end - body)) : AWSQ_EPARSE;
	if (rc == 0)
		rc = read_openssh(out,
			(struct sshwire){ (const uint8_t *)awsq_buf_str(&bytes), bytes.len });
	awsq_buf_wipe(&bytes);
	return rc;
}

/* What people give in place of a private key. */
static int explain_other(const char *text, const char *path, struct awsq_err *err)
{
	const char *what = "it is not a private key";

	if (strncmp(text, "PuTTY-User-Key-File", 19) == 0)
		what = "it is in PuTTY's format; puttygen FILE -O private-openssh converts it";
	else if (strncmp(text, "ssh-", 4) == 0 || strncmp(text, "ecdsa-", 6) == 0 ||
		 strstr(text, "-----BEGIN PUBLIC KEY-----") || strstr(text, "BEGIN SSH2 PUBLIC"))
		what = "it is a public key; give the file of its private half";
	else if (strstr(text, "-----BEGIN CERTIFICATE-----"))
		what = "it is a certificate";
	return awsq_err_set(err, AWSQ_EPARSE, "cannot use '%s' as a private key: %s", path, what);
}

static int read_text(struct sshpair **out, const char *text, size_t len, const char *path,
	struct awsq_err *err)
{
	static const char openssh[] = "-----BEGIN OPENSSH PRIVATE KEY-----";
	const char *start = strstr(text, openssh);

	if (start)
		return explain(read_openssh_text(out, start + strlen(openssh)), path, err);
	if (strstr(text, "-----BEGIN ") && strstr(text, "PRIVATE KEY-----"))
		return explain(sshpair_read_pem(out, text, len), path, err);
	return explain_other(text, path, err);
}

/* ---- The key */

int sshkey_load(struct sshkey **out, const char *path, struct awsq_err *err)
{
	struct awsq_buf text = AWSQ_BUF_INIT(FILE_MAX);
	struct sshkey *key = calloc(1, sizeof(*key));
	int rc;

	if (!key)
		return explain(AWSQ_ENOMEM, path, err);
	awsq_buf_init(&key->blob, SSHKEY_MAX);
	rc = read_file(&text, path, err);
	if (rc == 0)
		rc = read_text(&key->pair, awsq_buf_str(&text), text.len, path, err);
	if (rc == 0)
		rc = explain(sshpair_blob(&key->blob, key->pair), path, err);
	awsq_buf_wipe(&text);
	if (rc != 0) {
		sshkey_free(key);
		return rc;
	}
	*out = key;
	return 0;
}

void sshkey_free(struct sshkey *key)
{
	if (!key)
		return;
	sshpair_free(key->pair);
	awsq_buf_free(&key->blob);
	free(key);
}

const char *sshkey_type(const struct sshkey *key)
{
	return sshpair_type(key->pair);
}

int sshkey_is_importable(const struct sshkey *key)
{
	return strncmp(sshkey_type(key), "ssh-", 4) == 0;
}

int sshkey_fingerprint(struct awsq_buf *out, const struct sshkey *key)
{
	struct awsq_buf blob = AWSQ_BUF_INIT(SSHKEY_MAX), text = AWSQ_BUF_INIT(256);
	uint8_t digest[AWSQ_SHA256_LEN];
	int rc = sshkey_blob(&blob, key);

	if (rc == 0)
		rc = awsq_sha256(digest, blob.data, blob.len);
	if (rc == 0) {
		awsq_base64_add(&text, digest, sizeof(digest));
		awsq_buf_addf(out, "SHA256:%.*s", (int)strcspn(awsq_buf_str(&text), "="),
			awsq_buf_str(&text));
	}
	awsq_buf_free(&text);
	awsq_buf_free(&blob);
	return rc;
}

const char *sshkey_algorithm(const struct sshkey *key)
{
	return sshpair_algorithm(key->pair);
}

int sshkey_sign(struct awsq_buf *signature, const struct sshkey *key, const void *data, size_t len)
{
	return sshpair_sign(signature, key->pair, data, len);
}

int sshkey_blob(struct awsq_buf *blob, const struct sshkey *key)
{
	awsq_buf_add(blob, key->blob.data, key->blob.len);
	return awsq_buf_error(blob);
}

int sshkey_public(struct awsq_buf *line, const struct sshkey *key)
{
	awsq_buf_addf(line, "%s ", sshkey_type(key));
	awsq_base64_add(line, key->blob.data, key->blob.len);
	return awsq_buf_error(line);
}

/* The blob of an authorized_keys-style line, which has to be of the type the line says. */
static int parse_public(struct awsq_buf *blob, const char *line)
{
	static const char space[] = " \t\r\n";
	const char *type = line + strspn(line, space);
	size_t type_len = strcspn(type, space);
	const char *base64 = type + type_len + strspn(type + type_len, space);
	struct sshwire w, inner;
	int rc = awsq_base64_decode(blob, base64, strcspn(base64, space));

	if (rc != 0)
		return rc;
	w = (struct sshwire){ (const uint8_t *)awsq_buf_str(blob), blob->len };
	if (sshwire_get_string(&inner, &w) != 0 || inner.len != type_len ||
		memcmp(inner.data, type, type_len) != 0)
		return AWSQ_EPARSE;
	return 0;
}

int sshkey_same_public(const char *a, const char *b)
{
	struct awsq_buf blob_a = AWSQ_BUF_INIT(SSHKEY_MAX), blob_b = AWSQ_BUF_INIT(SSHKEY_MAX);
	int same;

	same = parse_public(&blob_a, a) == 0 && parse_public(&blob_b, b) == 0 &&
	       blob_a.len == blob_b.len && memcmp(blob_a.data, blob_b.data, blob_a.len) == 0;
	awsq_buf_free(&blob_a);
	awsq_buf_free(&blob_b);
	return same;
}
