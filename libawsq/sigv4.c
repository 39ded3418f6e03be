#include "banned.h"

#include <awsq/err.h>
#include <awsq/sigv4.h>

#include <stdlib.h>
#include <string.h>

#define ALGORITHM  "AWS4-HMAC-SHA256"
#define TERMINATOR "aws4_request"
#define DATE_LEN   8 /* of the 20150830 in 20150830T123600Z */

/* A piece of text that belongs to the request. */
struct span {
	const char *at;
	size_t len;
};

/* A header to be signed. */
struct entry {
	const char *name;
	const char *value;
	size_t position; /* as given: repeated names keep their order */
};

/* A query parameter. */
struct pair {
	struct span name;
	struct span value;
};

/* What is being signed, by the names that the specification gives the parts. */
struct job {
	struct awsq_sigv4 *out;
	const struct awsq_sigv4_request *req;
	const struct awsq_sigv4_keys *keys;
	struct entry *headers; /* sorted */
	size_t n_headers;
	struct awsq_buf scope;          /* credential scope: 20150830/us-east-1/iam/aws4_request */
	struct awsq_buf signed_headers; /* content-type;host;x-amz-date */
};

/* ASCII whatever the locale is. */
static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* By lower-case letters; 0 when the names are the same. */
static int compare_names(const char *a, const char *b)
{
	while (*a && lower(*a) == lower(*b)) {
		a++;
		b++;
	}
	return (unsigned char)lower(*a) - (unsigned char)lower(*b);
}

static int same_name(const char *a, const char *b)
{
	return compare_names(a, b) == 0;
}

static int is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* A token of RFC 9110, section 5.6.2: what a header's name has to be. */
static int is_token(const char *s)
{
	if (*s == '\0')
		return 0;
	for (; *s; s++) {
		if (!is_alnum(*s) && !strchr("!#$%&'*+-.^_`|~", *s))
			return 0;
	}
	return 1;
}

static int is_one_of(const char *name, const char *const *list)
{
	for (; *list; list++) {
		if (same_name(name, *list))
			return 1;
	}
	return 0;
}

/* Adds text percent-encoded, but for RFC 3986's unreserved characters and '/'. */
static void add_encoded(struct awsq_buf *out, const char *text, size_t len)
{
	static const char digits[] = "0123456789ABCDEF";

	for (; len > 0; text++, len--) {
		unsigned char c = (unsigned char)*text;

		if (is_alnum(*text) || (c && strchr("-._~/", c))) {
			awsq_buf_addc(out, *text);
		} else {
			awsq_buf_addc(out, '%');
			awsq_buf_addc(out, digits[c >> 4]);
			awsq_buf_addc(out, digits[c & 15]);
		}
	}
}

/*
 * The canonical URI: without empty and dot segments, and encoded once more than on the request
 * line. As botocore, and unlike RFC 3986, a last segment of "." or ".." leaves no slash at the end.
 */
static int add_path(struct awsq_buf *out, const char *path)
{
	size_t len = strlen(path), n = 0;
	struct span *segments = malloc((len + 1) * sizeof(*segments));

	if (!segments)
		return AWSQ_ENOMEM;
	for (const char *p = path; *p; p += *p == '/') {
		struct span s = { p, strcspn(p, "/") };

		p += s.len;
		if (s.len == 0 || (s.len == 1 && s.at[0] == '.'))
			continue;
		if (s.len == 2 && s.at[0] == '.' && s.at[1] == '.')
			n -= n > 0;
		else
			segments[n++] = s;
	}
	if (len == 0 || path[0] == '/')
		awsq_buf_addc(out, '/');
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			awsq_buf_addc(out, '/');
		add_encoded(out, segments[i].at, segments[i].len);
	}
	if (n > 0 && path[len - 1] == '/')
		awsq_buf_addc(out, '/');
	free(segments);
	return 0;
}

/* By bytes, which in UTF-8 is by code points. */
static int compare_spans(const struct span *a, const struct span *b)
{
	int order = memcmp(a->at, b->at, a->len < b->len ? a->len : b->len);

	if (order != 0)
		return order;
	return (a->len > b->len) - (a->len < b->len);
}

static int compare_pairs(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;
	int order = compare_spans(&x->name, &y->name);

	return order != 0 ? order : compare_spans(&x->value, &y->value);
}

/*
 * The canonical query: sorted by name, then value, each with a '='. As botocore, the parameters are
 * taken as they are on the request line, encoded already, and an empty one ("a=1&&b=2") stays.
 */
static int add_query(struct awsq_buf *out, const char *query)
{
	struct pair *pairs;
	size_t n = 0, room = 1;

	if (!query || *query == '\0')
		return 0;
	for (const char *p = query; *p; p++)
		room += *p == '&';
	pairs = malloc(room * sizeof(*pairs));
	if (!pairs)
		return AWSQ_ENOMEM;
	for (const char *p = query; n < room; n++) {
		size_t len = strcspn(p, "&"), name = strcspn(p, "=&");

		pairs[n].name = (struct span){ p, name };
		pairs[n].value = (struct span){ p + len, 0 };
		if (name < len)
			pairs[n].value = (struct span){ p + name + 1, len - name - 1 };
		p += len + (p[len] == '&');
	}
	qsort(pairs, n, sizeof(*pairs), compare_pairs);
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			awsq_buf_addc(out, '&');
		awsq_buf_add(out, pairs[i].name.at, pairs[i].name.len);
		awsq_buf_addc(out, '=');
		awsq_buf_add(out, pairs[i].value.at, pairs[i].value.len);
	}
	free(pairs);
	return 0;
}

/* What Python's str.split() takes for white space, as far as it is ASCII. */
static int is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r') || (c >= '\x1c' && c <= '\x1f');
}

/* Trimall: nothing at the ends and one blank for each run, also (as botocore) within quotes. */
static void add_trimmed(struct awsq_buf *out, const char *value)
{
	int first = 1;

	for (;;) {
		size_t len = 0;

		while (is_space(*value))
			value++;
		if (*value == '\0')
			return;
		while (value[len] && !is_space(value[len]))
			len++;
		if (!first)
			awsq_buf_addc(out, ' ');
		first = 0;
		awsq_buf_add(out, value, len);
		value += len;
	}
}

static int compare_entries(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int order = compare_names(x->name, y->name);

	if (order != 0)
		return order;
	return (x->position > y->position) - (x->position < y->position);
}

static void sign_header(struct job *job, const char *name, const char *value)
{
	job->headers[job->n_headers] = (struct entry){ name, value, job->n_headers };
	job->n_headers++;
}

/* Chooses the headers to be signed, the signer's own among them, and sorts them. */
static int choose_headers(struct job *job)
{
	static const char *const ours[] = { "authorization", "x-amz-date", "x-amz-security-token",
		NULL };
	static const char *const unsigned_ones[] = { "connection", "expect", "keep-alive",
		"proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding",
		"upgrade", "user-agent", "x-amzn-trace-id", NULL };
	const struct awsq_sigv4_request *req = job->req;
	const char *token = job->keys->session_token;
	int has_host = 0;

	job->headers = calloc(req->n_headers + 2, sizeof(*job->headers));
	if (!job->headers)
		return AWSQ_ENOMEM;
	for (size_t i = 0; i < req->n_headers; i++) {
		const char *name = req->headers[i].name;

		if (!is_token(name) || is_one_of(name, ours))
			return AWSQ_EINVAL;
		has_host |= same_name(name, "host");
		if (!is_one_of(name, unsigned_ones))
			sign_header(job, name, req->headers[i].value);
	}
	if (!has_host)
		return AWSQ_EINVAL;
	sign_header(job, "x-amz-date", job->out->date);
	if (token && *token)
		sign_header(job, "x-amz-security-token", token);
	qsort(job->headers, job->n_headers, sizeof(*job->headers), compare_entries);
	return 0;
}

/* The canonical headers, a line for each name, and on the side the list of the names. */
static void add_headers(struct job *job, struct awsq_buf *out)
{
	for (size_t i = 0; i < job->n_headers; i++) {
		const struct entry *h = &job->headers[i];

		if (i > 0 && same_name(job->headers[i - 1].name, h->name)) {
			awsq_buf_addc(out, ',');
			add_trimmed(out, h->value);
			continue;
		}
		if (i > 0) {
			awsq_buf_addc(out, '\n');
			awsq_buf_addc(&job->signed_headers, ';');
		}
		for (const char *c = h->name; *c; c++) {
			awsq_buf_addc(out, lower(*c));
			awsq_buf_addc(&job->signed_headers, lower(*c));
		}
		awsq_buf_addc(out, ':');
		add_trimmed(out, h->value);
	}
	awsq_buf_addc(out, '\n');
}

/* The hashed payload, or what a header says in its place, such as UNSIGNED-PAYLOAD. */
static int add_payload(struct job *job, struct awsq_buf *out)
{
	uint8_t hash[AWSQ_SHA256_LEN];
	char hex[AWSQ_SHA256_HEX];

	for (size_t i = 0; i < job->n_headers; i++) {
		if (same_name(job->headers[i].name, "x-amz-content-sha256")) {
			awsq_buf_adds(out, job->headers[i].value);
			return 0;
		}
	}
	if (awsq_sha256(hash, job->req->body_len ? job->req->body : "", job->req->body_len) != 0)
		return AWSQ_ENOMEM;
	awsq_hex(hex, hash, sizeof(hash));
	awsq_buf_adds(out, hex);
	return 0;
}

static int make_canonical_request(struct job *job)
{
	struct awsq_buf *out = &job->out->canonical_request;
	int rc = 0;

	for (const char *c = job->req->method; *c; c++)
		awsq_buf_addc(out, *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c);
	awsq_buf_addc(out, '\n');
	if (job->req->flags & AWSQ_SIGV4_S3)
		awsq_buf_adds(out, job->req->path);
	else
		rc = add_path(out, job->req->path);
	awsq_buf_addc(out, '\n');
	if (rc == 0)
		rc = add_query(out, job->req->query);
	awsq_buf_addc(out, '\n');
	add_headers(job, out);
	awsq_buf_addc(out, '\n');
	awsq_buf_adds(out, awsq_buf_str(&job->signed_headers));
	awsq_buf_addc(out, '\n');
	if (rc == 0)
		rc = add_payload(job, out);
	return rc != 0 ? rc : awsq_buf_error(out);
}

static int make_string_to_sign(struct job *job)
{
	const struct awsq_buf *canonical = &job->out->canonical_request;
	struct awsq_buf *out = &job->out->string_to_sign;
	uint8_t hash[AWSQ_SHA256_LEN];
	char hex[AWSQ_SHA256_HEX];

	if (awsq_sha256(hash, canonical->data, canonical->len) != 0)
		return AWSQ_ENOMEM;
	awsq_hex(hex, hash, sizeof(hash));
	awsq_buf_addf(&job->scope, "%.*s/%s/%s/" TERMINATOR, DATE_LEN, job->out->date,
		job->req->region, job->req->service);
	awsq_buf_addf(out, ALGORITHM "\n%s\n%s\n%s", job->out->date, awsq_buf_str(&job->scope),
		hex);
	return awsq_buf_error(&job->scope) ? awsq_buf_error(&job->scope) : awsq_buf_error(out);
}

/* One link of the chain that derives the signing key: key = HMAC(key, text). */
static int derive(uint8_t key[AWSQ_SHA256_LEN], const char *text, size_t len)
{
	uint8_t next[AWSQ_SHA256_LEN];
	int rc = awsq_hmac_sha256(next, key, AWSQ_SHA256_LEN, text, len);

	if (rc == 0)
		memcpy(key, next, sizeof(next));
	awsq_wipe(next, sizeof(next));
	return rc;
}

static int make_signature(struct job *job)
{
	const struct awsq_sigv4_request *req = job->req;
	struct awsq_buf *to_sign = &job->out->string_to_sign;
	struct awsq_buf secret = AWSQ_BUF_INIT(4 + AWSQ_SIGV4_SECRET_MAX);
	uint8_t key[AWSQ_SHA256_LEN];
	int rc;

	awsq_buf_adds(&secret, "AWS4");
	awsq_buf_adds(&secret, job->keys->secret_access_key);
	rc = awsq_buf_error(&secret);
	if (rc == 0)
		rc = awsq_hmac_sha256(key, secret.data, secret.len, job->out->date, DATE_LEN);
	if (rc == 0)
		rc = derive(key, req->region, strlen(req->region));
	if (rc == 0)
		rc = derive(key, req->service, strlen(req->service));
	if (rc == 0)
		rc = derive(key, TERMINATOR, strlen(TERMINATOR));
	if (rc == 0)
		rc = derive(key, to_sign->data, to_sign->len);
	/* The last link is no key any more but the signature. */
	if (rc == 0)
		awsq_hex(job->out->signature, key, sizeof(key));
	awsq_wipe(key, sizeof(key));
	awsq_buf_wipe(&secret);
	return rc;
}

static int make_authorization(struct job *job)
{
	awsq_buf_addf(&job->out->authorization,
		ALGORITHM " Credential=%s/%s, SignedHeaders=%s, Signature=%s",
		job->keys->access_key_id, awsq_buf_str(&job->scope),
		awsq_buf_str(&job->signed_headers), job->out->signature);
	return awsq_buf_error(&job->out->authorization);
}

static void init(struct awsq_sigv4 *s)
{
	memset(s, 0, sizeof(*s));
	awsq_buf_init(&s->canonical_request, AWSQ_SIGV4_MAX);
	awsq_buf_init(&s->string_to_sign, AWSQ_SIGV4_MAX);
	awsq_buf_init(&s->authorization, AWSQ_SIGV4_MAX);
}

int awsq_sigv4_sign(struct awsq_sigv4 *out, const struct awsq_sigv4_request *req,
	const struct awsq_sigv4_keys *keys, int64_t now_seconds)
{
	struct job job = { .out = out, .req = req, .keys = keys };
	int rc = 0;

	awsq_buf_init(&job.scope, AWSQ_SIGV4_MAX);
	awsq_buf_init(&job.signed_headers, AWSQ_SIGV4_MAX);
	init(out);
	awsq_time_basic(out->date, now_seconds);
	/* Shorter before the year 1000, "?" after 9999. */
	if (strlen(out->date) != AWSQ_TIME_BASIC - 1)
		rc = AWSQ_EINVAL;
	if (rc == 0)
		rc = choose_headers(&job);
	if (rc == 0)
		rc = make_canonical_request(&job);
	if (rc == 0)
		rc = make_string_to_sign(&job);
	if (rc == 0)
		rc = make_signature(&job);
	if (rc == 0)
		rc = make_authorization(&job);
	free(job.headers);
	awsq_buf_free(&job.scope);
	awsq_buf_free(&job.signed_headers);
	if (rc != 0)
		awsq_sigv4_free(out);
	return rc;
}

void awsq_sigv4_free(struct awsq_sigv4 *s)
{
	if (!s)
		return;
	awsq_buf_wipe(&s->canonical_request);
	awsq_buf_wipe(&s->string_to_sign);
	awsq_buf_wipe(&s->authorization);
	init(s);
}
