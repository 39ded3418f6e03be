/* Files that hold a private key, or as much of one as tells its public half. */
#include "banned.h"

#include "ssh/sshkey_private.h"
#include "ssh/sshwire.h"

#include <awsq/hash.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX 65536

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

static int check_file(struct stat *st, int fd, const char *path, struct awsq_err *err)
{
	if (fstat(fd, st) != 0)
		return awsq_err_set(err, AWSQ_EIO, "cannot read the key '%s': %s", path,
			strerror(errno));
	if (!S_ISREG(st->st_mode))
		return awsq_err_set(err, AWSQ_EINVAL,
			"cannot use the key '%s': it is not a regular file", path);
	return 0;
}

static int read_file(struct awsq_buf *text, struct stat *st, const char *path, struct awsq_err *err)
{
	/* O_NONBLOCK: a pipe by mistake must not hang us before we have seen what it is. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int rc;

	if (fd < 0)
		return awsq_err_set(err, errno == ENOENT ? AWSQ_ENOTFOUND : AWSQ_EIO,
			"cannot read the key '%s': %s", path, strerror(errno));
	rc = check_file(st, fd, path, err);
	if (rc != 0)
		goto out;
	rc = read_all(text, fd);
	if (rc == AWSQ_ETOOBIG)
		rc = awsq_err_set(err, AWSQ_EPARSE,
			"cannot use '%s' as a key: it is larger than any key", path);
	else if (rc != 0)
		rc = awsq_err_set(err, rc, "cannot read the key '%s': %s", path,
			rc == AWSQ_EIO ? strerror(errno) : awsq_strerror(rc));
out:
	(void)close(fd);
	return rc;
}

/* What ssh checks, too: a private key of ours that others can read is as good as lost. */
static int check_access(const struct stat *st, const char *path, struct awsq_err *err)
{
	if (st->st_uid == getuid() && (st->st_mode & 077) != 0)
		return awsq_err_set(err, AWSQ_EINVAL,
			"will not use the private key '%s': its permissions %04o let others at it; "
			"run chmod 600 '%s'",
			path, (unsigned)(st->st_mode & 07777), path);
	return 0;
}

/* ---- What is in it */

/* The code is about a key; the words are for the person whose file it is. */
static int explain(int code, const char *path, struct awsq_err *err)
{
	switch (code) {
	case 0:
		return 0;
	case AWSQ_EINVAL:
		return awsq_err_set(err, AWSQ_EPARSE,
			"cannot use the key '%s': it is neither RSA nor ed25519 nor ECDSA on "
			"nistp256, nistp384 or nistp521",
			path);
	case AWSQ_EPARSE:
		return awsq_err_set(err, code, "cannot use the key '%s': it is damaged or cut off",
			path);
	default:
		return awsq_err_set(err, code, "cannot use the key '%s': %s", path,
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

/* The public half by the private one. */
static int take_pair(struct sshkey *key)
{
	awsq_buf_reset(&key->blob);
	return sshpair_blob(&key->blob, key->pair);
}

/*
 * The binary form (openssh/PROTOCOL.key), which says its public half in the open, also where there
 * is a passphrase.
 */
static int read_openssh(struct sshkey *key, struct sshwire w)
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
	if (!sshwire_equals(&cipher, "none")) {
		key->seal = SSHKEY_PASSPHRASE;
		awsq_buf_add(&key->blob, public.data, public.len);
		return awsq_buf_error(&key->blob);
	}
	rc = w.len == 0 ? read_secret(&key->pair, secret) : AWSQ_EPARSE;
	if (rc == 0)
		rc = take_pair(key);
	if (rc == 0 && (key->blob.len != public.len ||
			       memcmp(key->blob.data, public.data, public.len) != 0))
		rc = AWSQ_EPARSE;
	return rc;
}

static int read_openssh_text(struct sshkey *key, const char *body)
{
	const char *end = strstr(body, "-----END OPENSSH PRIVATE KEY-----");
	struct awsq_buf bytes = AWSQ_BUF_INIT(FILE_MAX);
	int rc;

	rc = end ? awsq_base64_decode(&bytes, body, (size_t)(end - body)) : AWSQ_EPARSE;
	if (rc == 0)
		rc = read_openssh(key,
			(struct sshwire){ (const uint8_t *)awsq_buf_str(&bytes), bytes.len });
	awsq_buf_wipe(&bytes);
	return rc;
}

/* The file of the public half that ssh-keygen puts beside a key. AWSQ_ENOTFOUND without one. */
static int read_beside(struct sshkey *key, struct awsq_err *err)
{
	struct awsq_buf path = AWSQ_BUF_INIT(8192), text = AWSQ_BUF_INIT(FILE_MAX);
	struct stat st;
	int rc;

	awsq_buf_addf(&path, "%s.pub", key->path);
	rc = explain(awsq_buf_error(&path), key->path, err);
	if (rc == 0)
		rc = read_file(&text, &st, awsq_buf_str(&path), err);
	if (rc == 0)
		rc = explain(sshkey_parse_public(&key->blob, awsq_buf_str(&text)),
			awsq_buf_str(&path), err);
	awsq_buf_free(&path);
	awsq_buf_free(&text);
	return rc;
}

/* PEM has all of an encrypted key inside. */
static int read_pem(struct sshkey *key, const char *text, size_t len, struct awsq_err *err)
{
	int rc = sshpair_read_pem(&key->pair, text, len);

	if (rc == 0)
		rc = take_pair(key);
	if (rc != AWSQ_ECREDENTIALS)
		return explain(rc, key->path, err);
	key->seal = SSHKEY_PASSPHRASE;
	rc = read_beside(key, err);
	if (rc == AWSQ_ENOTFOUND)
		rc = awsq_err_set(err, AWSQ_EINVAL,
			"cannot use the private key '%s': it has a passphrase, and its public half "
			"is not beside it; ssh-keygen -y -f '%s' > '%s.pub' puts it there",
			key->path, key->path, key->path);
	return rc;
}

/* What people give in place of a private key. */
static int explain_other(const char *text, const char *path, struct awsq_err *err)
{
	const char *what = "it is not a private key";

	if (strncmp(text, "PuTTY-User-Key-File", 19) == 0)
		what = "it is in PuTTY's format; puttygen FILE -O private-openssh converts it";
	else if (strstr(text, "-----BEGIN PUBLIC KEY-----") || strstr(text, "BEGIN SSH2 PUBLIC"))
		what = "it is a public key; give the file of its private half";
	else if (strstr(text, "-----BEGIN CERTIFICATE-----"))
		what = "it is a certificate";
	return awsq_err_set(err, AWSQ_EPARSE, "cannot use '%s' as a private key: %s", path, what);
}

static int read_text(struct sshkey *key, const struct awsq_buf *bytes, const struct stat *st,
	struct awsq_err *err)
{
	static const char openssh[] = "-----BEGIN OPENSSH PRIVATE KEY-----";
	const char *text = awsq_buf_str(bytes), *start = strstr(text, openssh);
	int rc = 0;

	if (strncmp(text, "ssh-", 4) == 0 || strncmp(text, "ecdsa-", 6) == 0) {
		key->seal = SSHKEY_PUBLIC;
		return explain(sshkey_parse_public(&key->blob, text), key->path, err);
	}
	rc = check_access(st, key->path, err);
	if (rc != 0)
		return rc;
	if (start)
		return explain(read_openssh_text(key, start + strlen(openssh)), key->path, err);
	if (strstr(text, "-----BEGIN ") && strstr(text, "PRIVATE KEY-----"))
		return read_pem(key, text, bytes->len, err);
	return explain_other(text, key->path, err);
}

int sshkey_read(struct sshkey *key, struct awsq_err *err)
{
	struct awsq_buf text = AWSQ_BUF_INIT(FILE_MAX);
	struct stat st;
	int rc = read_file(&text, &st, key->path, err);

	if (rc == 0) {
		rc = read_text(key, &text, &st, err);
	} else if (rc == AWSQ_ENOTFOUND) {
		struct awsq_err beside;

		key->seal = SSHKEY_PUBLIC;
		rc = read_beside(key, &beside);
		/* Of two files that are not there, the one that was named. */
		if (rc != 0 && rc != AWSQ_ENOTFOUND && err)
			*err = beside;
	}
	if (rc == 0)
		rc = explain(sshpair_describe(&key->type, &key->algorithm, &key->blob), key->path,
			err);
	awsq_buf_wipe(&text);
	return rc;
}
