#include "banned.h"

#include "ssh/knownhosts.h"
#include "ssh/sshwire.h"

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

static int refuse(int revoked, int line, const char *path, const char *name, struct awsq_err *err)
{
	if (revoked)
		return awsq_err_set(err, AWSQ_EINVAL,
			"the host key of '%s' is revoked by line %d of '%s'", name, line, path);
	return awsq_err_set(err, AWSQ_EINVAL,
		"the host key of '%s' is not the one in line %d of '%s': another machine may be "
		"answering in its place; if you know why the key changed, remove the old one with "
		"ssh-keygen -R '%s' -f '%s'",
		name, line, path, name, path);
}

static int check_text(const struct awsq_buf *text, const char *path, const char *name,
	const void *key, size_t len, struct awsq_err *err)
{
	struct awsq_buf kept = AWSQ_BUF_INIT(KEY_MAX);
	struct span rest = { awsq_buf_str(text), text->len };
	struct entry e;
	int line = 0, found = 0, other = 0, revoked = 0;

	while (next_entry(&e, &rest, &line, name)) {
		int same;

		if (decode(&kept, &e) != 0)
			continue;
		same = kept.len == len && memcmp(kept.data, key, len) == 0;
		if (e.marker.len > 0 && same)
			revoked = e.line;
		else if (e.marker.len == 0 && same)
			found = e.line;
		else if (e.marker.len == 0 && !other)
			other = e.line;
	}
	awsq_buf_free(&kept);
	if (revoked || (other && !found))
		return refuse(revoked, revoked ? revoked : other, path, name, err);
	return found ? 0 : AWSQ_ENOTFOUND;
}

int knownhosts_check(const char *path, const char *name, const void *key, size_t len,
	struct awsq_err *err)
{
	struct awsq_buf text = AWSQ_BUF_INIT(FILE_MAX);
	int rc;

	rc = read_file(&text, path, err);
	if (rc == 0)
		rc = check_text(&text, path, name, key, len, err);
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

int knownhosts_add(const char *path, const char *name, const void *key, size_t len,
	struct awsq_err *err)
{
	struct awsq_buf text = AWSQ_BUF_INIT(FILE_MAX), line = AWSQ_BUF_INIT(2 * KEY_MAX);
	struct sshwire type, w = { key, len };
	int fd, rc;

	if (!is_plain(name) || sshwire_get_string(&type, &w) != 0)
		return awsq_err_set(err, AWSQ_EINVAL, "cannot keep a host key under the name '%s'",
			name);
	fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return cannot("write", path, err);
	rc = lock(fd, LOCK_EX) == 0 ? read_all(&text, fd, path, err) : cannot("lock", path, err);
	if (rc == 0)
		rc = check_text(&text, path, name, key, len, err);
	if (rc != AWSQ_ENOTFOUND)
		goto out;
	/* A last line without its end would otherwise swallow ours. */
	if (text.len > 0 && text.data[text.len - 1] != '\n')
		awsq_buf_addc(&line, '\n');
	awsq_buf_addf(&line, "%s ", name);
	awsq_buf_add(&line, type.data, type.len);
	awsq_buf_addc(&line, ' ');
	awsq_base64_add(&line, key, len);
	awsq_buf_addc(&line, '\n');
	rc = append(fd, &line, path, err);
out:
	(void)close(fd);
	awsq_buf_free(&text);
	awsq_buf_free(&line);
	return rc;
}
