#include "banned.h"

#include "ssh/knownhosts.h"
#include "ssh/sshkey.h"

#include <awsq/hash.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define FILE_MAX ((size_t)16 << 20)
#define KEY_MAX  ((size_t)16384)

static const char space[] = " \t\r";

/* A stretch of text, not terminated. */
struct span {
	const char *text;
	size_t len;
};

struct entry {
	struct span marker; /* "@revoked"; empty when there is none */
	struct span names;  /* separated by commas */
	struct span type;
	struct span base64;
	int line; /* from 1 */
};

/* ---- Reading lines */

static int is(struct span s, const char *text)
{
	return s.len == strlen(text) && memcmp(s.text, text, s.len) == 0;
}

static struct span next_word(struct span *line)
{
	struct span word = { line->text, 0 };

	while (line->len > 0 && memchr(space, *line->text, sizeof(space) - 1)) {
		line->text++;
		line->len--;
	}
	word.text = line->text;
	while (word.len < line->len && !memchr(space, word.text[word.len], sizeof(space) - 1))
		word.len++;
	line->text += word.len;
	line->len -= word.len;
	return word;
}

static int has_name(struct span names, const char *name)
{
	while (names.len > 0) {
		const char *comma = memchr(names.text, ',', names.len);
		struct span one = { names.text, comma ? (size_t)(comma - names.text) : names.len };

		if (is(one, name))
			return 1;
		names.text += one.len + (comma != NULL);
		names.len -= one.len + (comma != NULL);
	}
	return 0;
}

/* Takes entries off rest until one is for name: whether there was one. *line counts on. */
static int next_entry(struct entry *out, struct span *rest, int *line, const char *name)
{
	while (rest->len > 0) {
		const char *end = memchr(rest->text, '\n', rest->len);
		struct span text = { rest->text, end ? (size_t)(end - rest->text) : rest->len };

		rest->text += text.len + (end != NULL);
		rest->len -= text.len + (end != NULL);
		(*line)++;
		*out = (struct entry){ .names = next_word(&text), .line = *line };
		if (out->names.len > 0 && *out->names.text == '@') {
			out->marker = out->names;
			out->names = next_word(&text);
		}
		out->type = next_word(&text);
		out->base64 = next_word(&text);
		if (out->base64.len > 0 && has_name(out->names, name) &&
			(out->marker.len == 0 || is(out->marker, "@revoked")))
			return 1;
	}
	return 0;
}

/* The entry's key, unless the line is damaged. */
static int decode(struct awsq_buf *key, const struct entry *e)
{
	struct sshwire w, type;

	awsq_buf_reset(key);
	if (awsq_base64_decode(key, e->base64.text, e->base64.len) != 0)
		return AWSQ_EPARSE;
	w = (struct sshwire){ (const uint8_t *)awsq_buf_str(key), key->len };
	if (sshwire_get_string(&type, &w) != 0 || type.len != e->type.len ||
		memcmp(type.data, e->type.text, type.len) != 0)
		return AWSQ_EPARSE;
	return 0;
}

/* ---- The file */

static int cannot(const char *what, const char *path, struct awsq_err *err)
{
	return awsq_err_set(err, AWSQ_EIO, "cannot %s the known hosts '%s': %s", what, path,
		strerror(errno));
}

static int lock(int fd, int how)
{
	while (flock(fd, how) != 0) {
		if (errno != EINTR)
			return -1;
	}
	return 0;
}

static int read_all(struct awsq_buf *text, int fd, const char *path, struct awsq_err *err)
{
	char chunk[8192];
	ssize_t n;

	while ((n = read(fd, chunk, sizeof(chunk))) > 0)
		awsq_buf_add(text, chunk, (size_t)n);
	if (n < 0)
		return cannot("read", path, err);
	if (awsq_buf_error(text) != 0)
		return awsq_err_set(err, AWSQ_EIO, "cannot read the known hosts '%s': %s", path,
			awsq_strerror(awsq_buf_error(text)));
	return 0;
}

/* Locked for reading, since half a line of someone else's would look like a changed key. */
static int read_file(struct awsq_buf *text, const char *path, struct awsq_err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int rc;

	if (fd < 0)
		return errno == ENOENT ? 0 : cannot("read", path, err);
	rc = lock(fd, LOCK_SH) == 0 ? read_all(text, fd, path, err) : cannot("lock", path, err);
	(void)close(fd);
	return rc;
}

/* ---- The operations */

int knownhosts_types(struct awsq_buf *types, const char *path, const char *name,
	struct awsq_err *err)
{
	struct awsq_buf text = AWSQ_BUF_INIT(FILE_MAX), key = AWSQ_BUF_INIT(KEY_MAX);
	struct span rest;
	struct entry e;
	int line = 0, rc;

	rc = read_file(&text, path, err);
	if (rc != 0)
		goto out;
	rest = (struct span){ awsq_buf_str(&text), text.len };
	while (next_entry(&e, &rest, &line, name)) {
		if (e.marker.len > 0 || decode(&key, &e) != 0)
			continue;
		awsq_buf_add(types, e.type.text, e.type.len);
		awsq_buf_addc(types, ',');
	}
	rc = awsq_buf_error(types);
out:
	awsq_buf_free(&text);
	awsq_buf_free(&key);
	return rc;
}

static void add_print(struct awsq_buf *text, struct sshwire key)
{
	struct sshwire w = key, type;

	if (sshwire_get_string(&type, &w) == 0)
		awsq_buf_addf(text, "%.*s ", (int)(type.len < 40 ? type.len : 40),
			(const char *)type.data);
	(void)sshkey_print(text, key.data, key.len);
}

/* What is wrong with a key that is shown: line is that of the key on record, or that revokes it. */
static int refuse(int revoked, int line, const char *path, const char *name,
	const struct sshwire *shown, const struct awsq_buf *kept, struct awsq_err *err)
{
	struct awsq_buf now = AWSQ_BUF_INIT(256), was = AWSQ_BUF_INIT(256);

	add_print(&now, *shown);
	if (revoked) {
		(void)awsq_err_set(err, AWSQ_EINVAL,
			"the host key of '%s', %s, is revoked by line %d of '%s'", name,
			awsq_buf_str(&now), line, path);
	} else {
		add_print(&was, (struct sshwire){ (const uint8_t *)kept->data, kept->len });
		(void)awsq_err_set(err, AWSQ_EINVAL,
			"the host key of '%s' is not the one on record: it shows %s, and line %d "
			"of '%s' has %s; another machine may be answering in its place, or its "
			"keys were made anew; if you know that they were, remove the old one with "
			"ssh-keygen -R '%s' -f '%s'",
			name, awsq_buf_str(&now), line, path, awsq_buf_str(&was), name, path);
	}
	awsq_buf_free(&now);
	awsq_buf_free(&was);
	return AWSQ_EINVAL;
}

/* A host has several keys and shows one of them: it is enough that this one is on record. */
static int check_text(const struct awsq_buf *text, const char *path, const char *name,
	const struct sshwire *key, struct awsq_err *err)
{
	struct awsq_buf kept = AWSQ_BUF_INIT(KEY_MAX), first = AWSQ_BUF_INIT(KEY_MAX);
	struct span rest = { awsq_buf_str(text), text->len };
	struct entry e;
	int line = 0, found = 0, other = 0, revoked = 0, rc;

	while (next_entry(&e, &rest, &line, name)) {
		int same;

		if (decode(&kept, &e) != 0)
			continue;
		same = kept.len == key->len && memcmp(kept.data, key->data, key->len) == 0;
		if (e.marker.len > 0 && same)
			revoked = e.line;
		else if (e.marker.len == 0 && same)
			found = e.line;
		else if (e.marker.len == 0 && !other) {
			other = e.line;
			awsq_buf_add(&first, kept.data, kept.len);
		}
	}
	rc = found ? 0 : AWSQ_ENOTFOUND;
	if (revoked || (other && !found))
		rc = refuse(revoked, revoked ? revoked : other, path, name, key, &first, err);
	awsq_buf_free(&kept);
	awsq_buf_free(&first);
	return rc;
}

int knownhosts_check(const char *path, const char *name, const void *key, size_t len,
	struct awsq_err *err)
{
	struct awsq_buf text = AWSQ_BUF_INIT(FILE_MAX);
	int rc;

	rc = read_file(&text, path, err);
	if (rc == 0)
		rc = check_text(&text, path, name, &(struct sshwire){ key, len }, err);
	awsq_buf_free(&text);
	return rc;
}

/* One write, so that a reader without the lock hardly ever sees a part; taken back if cut short. */
static int append(int fd, const struct awsq_buf *line, const char *path, struct awsq_err *err)
{
	off_t end = lseek(fd, 0, SEEK_END);
	ssize_t n;

	if (awsq_buf_error(line) != 0)
		return awsq_err_set(err, AWSQ_ENOMEM, "out of memory");
	n = write(fd, line->data, line->len);
	if (n == (ssize_t)line->len)
		return 0;
	if (n >= 0) {
		if (end < 0 || ftruncate(fd, end) != 0)
			return cannot("write", path, err);
		errno = ENOSPC;
	}
	return cannot("write", path, err);
}

/* A name that would be read back as itself, and as nothing else. */
static int is_plain(const char *name)
{
	return *name && !strpbrk(name, " \t\r\n,*?!|@#");
}

/* The lines of the keys, behind a text. */
static int add_lines(struct awsq_buf *lines, const struct awsq_buf *text, const char *name,
	const struct sshwire *keys, size_t n, struct awsq_err *err)
{
	/* A last line without its end would otherwise swallow ours. */
	if (text->len > 0 && text->data[text->len - 1] != '\n')
		awsq_buf_addc(lines, '\n');
	for (size_t i = 0; i < n; i++) {
		struct sshwire type, w = keys[i];

		if (!is_plain(name) || sshwire_get_string(&type, &w) != 0)
			return awsq_err_set(err, AWSQ_EINVAL,
				"cannot keep a host key under the name '%s'", name);
		awsq_buf_addf(lines, "%s ", name);
		awsq_buf_add(lines, type.data, type.len);
		awsq_buf_addc(lines, ' ');
		awsq_base64_add(lines, keys[i].data, keys[i].len);
		awsq_buf_addc(lines, '\n');
	}
	return 0;
}

/* 0 when one of the keys is kept, AWSQ_ENOTFOUND when nothing is. */
static int check_any(const struct awsq_buf *text, const char *path, const char *name,
	const struct sshwire *keys, size_t n, struct awsq_err *err)
{
	int refused = AWSQ_ENOTFOUND;

	for (size_t i = 0; i < n; i++) {
		int rc = check_text(text, path, name, &keys[i], err);

		if (rc == 0)
			return 0;
		if (rc != AWSQ_ENOTFOUND)
			refused = rc;
	}
	return refused;
}

int knownhosts_add(const char *path, const char *name, const struct sshwire *keys, size_t n,
	struct awsq_err *err)
{
	struct awsq_buf text = AWSQ_BUF_INIT(FILE_MAX), lines = AWSQ_BUF_INIT(FILE_MAX);
	int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	int rc;

	if (fd < 0)
		return cannot("write", path, err);
	rc = lock(fd, LOCK_EX) == 0 ? read_all(&text, fd, path, err) : cannot("lock", path, err);
	if (rc == 0)
		rc = check_any(&text, path, name, keys, n, err);
	if (rc != AWSQ_ENOTFOUND)
		goto out;
	rc = add_lines(&lines, &text, name, keys, n, err);
	if (rc == 0)
		rc = append(fd, &lines, path, err);
out:
	(void)close(fd);
	awsq_buf_free(&text);
	awsq_buf_free(&lines);
	return rc;
}
