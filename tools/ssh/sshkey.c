#include "banned.h"

#include "ssh/sshagent.h"
#include "ssh/sshkey_private.h"
#include "ssh/sshwire.h"

#include <awsq/hash.h>

#include <stdlib.h>
#include <string.h>

int sshkey_load(struct sshkey **out, const char *path, struct awsq_err *err)
{
	struct sshkey *key = calloc(1, sizeof(*key));
	int rc;

	if (key)
		key->path = strdup(path);
	if (!key || !key->path) {
		free(key);
		return awsq_err_set(err, AWSQ_ENOMEM, "cannot use the key '%s': out of memory",
			path);
	}
	awsq_buf_init(&key->blob, SSHKEY_MAX);
	rc = sshkey_read(key, err);
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
	free(key->path);
	free(key);
}

const char *sshkey_type(const struct sshkey *key)
{
	return key->type;
}

int sshkey_is_importable(const struct sshkey *key)
{
	return strncmp(sshkey_type(key), "ssh-", 4) == 0;
}

int sshkey_print(struct awsq_buf *out, const void *blob, size_t len)
{
	struct awsq_buf text = AWSQ_BUF_INIT(256);
	uint8_t digest[AWSQ_SHA256_LEN];
	int rc = awsq_sha256(digest, blob, len);

	if (rc == 0) {
		awsq_base64_add(&text, digest, sizeof(digest));
		awsq_buf_addf(out, "SHA256:%.*s", (int)strcspn(awsq_buf_str(&text), "="),
			awsq_buf_str(&text));
	}
	awsq_buf_free(&text);
	return rc;
}

int sshkey_fingerprint(struct awsq_buf *out, const struct sshkey *key)
{
	return sshkey_print(out, key->blob.data, key->blob.len);
}

const char *sshkey_algorithm(const struct sshkey *key)
{
	return key->algorithm;
}

/* ---- Signing */

/* Makes err, which has why the agent is of no use, a sentence for the user; returns its code. */
static int explain_agent(const struct sshkey *key, struct awsq_err *err)
{
	struct awsq_err why = *err;

	if (why.code == AWSQ_ECANCELED)
		return why.code;
	return awsq_err_set(err, AWSQ_EINVAL,
		"cannot log in with the key '%s': %s, and %s; run ssh-add %s'%s'", key->path,
		key->seal == SSHKEY_PASSPHRASE ? "it has a passphrase"
					       : "only its public half can be read",
		why.message, key->seal == SSHKEY_PASSPHRASE ? "" : "with the private half of ",
		key->path);
}

int sshkey_ready(const struct sshkey *key, int cancel_fd, struct awsq_err *err)
{
	struct awsq_err why;

	if (key->pair || sshagent_find(&key->blob, INT64_MAX, cancel_fd, &why) == 0)
		return 0;
	(void)explain_agent(key, &why);
	if (err)
		*err = why;
	return why.code;
}

int sshkey_sign(struct awsq_buf *signature, const struct sshkey *key, const void *data, size_t len,
	int64_t deadline_ms, int cancel_fd, struct awsq_err *err)
{
	struct awsq_err why;
	int rc;

	if (key->pair) {
		rc = sshpair_sign(signature, key->pair, data, len);
		return rc == 0 ? 0
		               : awsq_err_set(err, rc, "cannot sign with the key '%s': %s",
					 key->path, awsq_strerror(rc));
	}
	rc = sshagent_sign(signature, &key->blob, key->algorithm, data, len, deadline_ms, cancel_fd,
		&why);
	if (rc != 0)
		rc = explain_agent(key, &why);
	if (rc != 0 && err)
		*err = why;
	return rc;
}

/* ---- The public half */

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

int sshkey_parse_public(struct awsq_buf *blob, const char *line)
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

int sshkey_public_type(const char **type, const struct awsq_buf *blob)
{
	const char *algorithm;

	return sshpair_describe(type, &algorithm, blob);
}

int sshkey_public_blob(struct awsq_buf *blob, const char *line)
{
	const char *type;
	int rc = sshkey_parse_public(blob, line);

	return rc == 0 ? sshkey_public_type(&type, blob) : rc;
}

int sshkey_same_public(const char *a, const char *b)
{
	struct awsq_buf blob_a = AWSQ_BUF_INIT(SSHKEY_MAX), blob_b = AWSQ_BUF_INIT(SSHKEY_MAX);
	int same;

	same = sshkey_parse_public(&blob_a, a) == 0 && sshkey_parse_public(&blob_b, b) == 0 &&
	       blob_a.len == blob_b.len && memcmp(blob_a.data, blob_b.data, blob_a.len) == 0;
	awsq_buf_free(&blob_a);
	awsq_buf_free(&blob_b);
	return same;
}
