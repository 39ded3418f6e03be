#include "banned.h"

#include "fleet/console_keys.h"
#include "ssh/sshkey.h"

#include <awsq/err.h>

#include <ctype.h>
#include <string.h>

#define LINE_MAX_BYTES ((size_t)SSHKEY_MAX)
#define PRINT_SIZE     64
#define MARK(what)     "-----" what "-----"

static const char begin_keys[] = MARK("BEGIN SSH HOST KEY KEYS");
static const char end_keys[] = MARK("END SSH HOST KEY KEYS");
static const char begin_prints[] = MARK("BEGIN SSH HOST KEY FINGERPRINTS");
static const char end_prints[] = MARK("END SSH HOST KEY FINGERPRINTS");

/* A fingerprint, and what ssh-keygen calls the kind of key that it is of. */
struct print {
	char kind[16];
	char text[PRINT_SIZE];
};

enum part { OUTSIDE, IN_KEYS, IN_PRINTS };

struct reader {
	struct console_keys *out;
	struct print prints[CONSOLE_KEYS_MAX];
	size_t n_prints;
	enum part part;
	int rc;
};

/* ---- Words */

static int is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static size_t word_length(const char *text)
{
	size_t n = 0;

	while (text[n] && !is_blank(text[n]))
		n++;
	return n;
}

static const char *skip_blanks(const char *text)
{
	while (is_blank(*text))
		text++;
	return text;
}

static int is_word(const char *word, size_t len, const char *expected)
{
	return len == strlen(expected) && memcmp(word, expected, len) == 0;
}

/* "cloud-init:", "cloud-init[812]:", and "ec2:" as it was once. */
static int is_tag(const char *word, size_t len)
{
	static const char name[] = "cloud-init[";
	size_t n = sizeof(name) - 1;

	if (is_word(word, len, "ec2:") || is_word(word, len, "cloud-init:"))
		return 1;
	if (len < n + 3 || memcmp(word, name, n) != 0)
		return 0;
	while (n < len && isdigit((unsigned char)word[n]))
		n++;
	return len - n == 2 && memcmp(word + n, "]:", 2) == 0;
}

/* Parts of a time or of a kernel's stamp: "[", "12.345678]", "<14>Nov", "22", "05:15:55". */
static int is_time(const char *word, size_t len)
{
	size_t letters = 0;

	for (size_t i = 0; i < len; i++) {
		if (isalpha((unsigned char)word[i]))
			letters++;
		else if (!isdigit((unsigned char)word[i]) && !strchr("<>[].:", word[i]))
			return 0;
	}
	return letters == 0 ||
	       (letters == 3 && len > 3 ? word[len - 4] == '>' : letters == len && len == 3);
}

/* What is behind the words that cloud-init's lines may begin with. */
static const char *skip_prefix(const char *line)
{
	size_t len;

	for (line = skip_blanks(line); *line; line = skip_blanks(line + len)) {
		len = word_length(line);
		if (!is_tag(line, len) && !is_time(line, len))
			break;
	}
	return line;
}

/* ---- Lines inside the blocks */

static const char *kind_of(const char *type)
{
	if (strcmp(type, "ssh-rsa") == 0)
		return "(RSA)";
	return strcmp(type, "ssh-ed25519") == 0 ? "(ED25519)" : "(ECDSA)";
}

/* "256 SHA256:... root@host (ECDSA)"; the number has gone with the prefix. */
static void read_print(struct reader *r, const char *text)
{
	size_t len = word_length(text), kind_len;
	struct print *p = &r->prints[r->n_prints];
	const char *kind = text;

	for (const char *at = text; *at; at = skip_blanks(at + word_length(at)))
		kind = at;
	kind_len = word_length(kind);
	if (strncmp(text, "SHA256:", 7) != 0 || r->n_prints == CONSOLE_KEYS_MAX ||
		len >= sizeof(p->text) || kind_len >= sizeof(p->kind))
		return;
	(void)snprintf(p->text, sizeof(p->text), "%.*s", (int)len, text);
	(void)snprintf(p->kind, sizeof(p->kind), "%.*s", (int)kind_len, kind);
	r->n_prints++;
}

static void read_key(struct reader *r, const char *text)
{
	struct console_keys *out = r->out;
	struct awsq_buf blob = AWSQ_BUF_INIT(SSHKEY_MAX);

	if (out->n < CONSOLE_KEYS_MAX && sshkey_public_blob(&blob, text) == 0)
		out->keys[out->n++] = blob;
	else
		awsq_buf_free(&blob);
}

/* Whether the fingerprints have one for a key's kind, and it is another. */
static int is_contradicted(struct reader *r, const struct awsq_buf *key)
{
	struct awsq_buf print = AWSQ_BUF_INIT(PRINT_SIZE);
	const char *type = NULL;
	int listed = 0, same = 0;

	if (sshkey_public_type(&type, key) != 0 || sshkey_print(&print, key->data, key->len) != 0)
		r->rc = AWSQ_ENOMEM;
	for (size_t i = 0; i < r->n_prints && r->rc == 0; i++) {
		if (strcmp(r->prints[i].kind, kind_of(type)) != 0)
			continue;
		listed = 1;
		same |= strcmp(r->prints[i].text, awsq_buf_str(&print)) == 0;
	}
	awsq_buf_free(&print);
	return listed && !same;
}

/* A serial line loses bytes now and then: what is left may be base64 all the same. */
static void drop_contradicted(struct reader *r)
{
	struct console_keys *out = r->out;
	size_t kept = 0;

	for (size_t i = 0; i < out->n; i++) {
		struct awsq_buf key = out->keys[i];

		if (is_contradicted(r, &key))
			awsq_buf_free(&key);
		else
			out->keys[kept++] = key;
	}
	out->n = kept;
}

/* ---- The whole */

static void forget_keys(struct console_keys *keys)
{
	for (size_t i = 0; i < keys->n; i++)
		awsq_buf_free(&keys->keys[i]);
	keys->n = 0;
}

/* Whether the block of keys is at its end, and has any. */
static int read_line(struct reader *r, const char *line)
{
	const char *text = skip_prefix(line);
	size_t len = strlen(text);

	while (len > 0 && is_blank(text[len - 1]))
		len--;
	if (is_word(text, len, begin_keys)) {
		forget_keys(r->out);
		r->part = IN_KEYS;
	} else if (is_word(text, len, begin_prints)) {
		r->n_prints = 0;
		r->part = IN_PRINTS;
	} else if (is_word(text, len, end_prints)) {
		r->part = OUTSIDE;
	} else if (is_word(text, len, end_keys) && r->part == IN_KEYS) {
		r->part = OUTSIDE;
		drop_contradicted(r);
		return r->out->n > 0;
	} else if (r->part == IN_KEYS) {
		read_key(r, text);
	} else if (r->part == IN_PRINTS) {
		read_print(r, text);
	} else if (strncmp(text, "Cloud-init v. ", 14) == 0 && strstr(text, " finished at ")) {
		r->out->booted = 1;
	}
	return 0;
}

int console_keys_read(struct console_keys *out, const char *text, size_t len)
{
	struct reader r = { .out = out };
	struct awsq_buf line = AWSQ_BUF_INIT(LINE_MAX_BYTES);
	const char *end = text + len;
	int whole = 0;

	memset(out, 0, sizeof(*out));
	while (text < end && !whole && r.rc == 0) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		size_t n = (size_t)((newline ? newline : end) - text);

		awsq_buf_reset(&line);
		awsq_buf_add(&line, text, n);
		/* One that is longer than any key, or has a NUL, is no line of ours. */
		if (awsq_buf_error(&line) == AWSQ_ENOMEM)
			r.rc = AWSQ_ENOMEM;
		else if (awsq_buf_error(&line) == 0 && !memchr(text, '\0', n))
			whole = read_line(&r, awsq_buf_str(&line));
		text += n + (newline != NULL);
	}
	awsq_buf_free(&line);
	if (!whole || r.rc != 0)
		forget_keys(out);
	return r.rc;
}

void console_keys_free(struct console_keys *keys)
{
	forget_keys(keys);
}
