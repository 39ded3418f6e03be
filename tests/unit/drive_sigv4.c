/*
 * drive_sigv4: signs the requests on stdin, for tests that compare with another signer.
 *
 * Everything is fields: four bytes of length, the most significant first, then that many bytes. A
 * request is: flags, time, method, path, query, region, service, access key id, secret access key,
 * session token, body, number of headers, then each header's name and value. The answer is: result
 * code, date, canonical request, string to sign, authorization.
 */
#include "banned.h"

#include <awsq/num.h>
#include <awsq/sigv4.h>

#include <stdio.h>
#include <stdlib.h>

enum field {
	FLAGS,
	TIME,
	METHOD,
	PATH,
	QUERY,
	REGION,
	SERVICE,
	KEY_ID,
	SECRET,
	TOKEN,
	BODY,
	N_HEADERS,
	N_FIELDS
};

static void die(const char *why)
{
	(void)fprintf(stderr, "drive_sigv4: %s\n", why);
	exit(1);
}

/* The next field as a C string to be freed; NULL at the end of the input. */
static char *read_field(size_t *len)
{
	unsigned char head[4];
	char *data;
	size_t n = fread(head, 1, sizeof(head), stdin);

	if (n == 0)
		return NULL;
	*len = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
	data = malloc(*len + 1);
	if (n != sizeof(head) || !data || fread(data, 1, *len, stdin) != *len)
		die("the input ends within a request");
	data[*len] = '\0';
	return data;
}

static void write_field(const void *data, size_t len)
{
	unsigned char head[4] = { (unsigned char)(len >> 24), (unsigned char)(len >> 16),
		(unsigned char)(len >> 8), (unsigned char)len };

	(void)fwrite(head, 1, sizeof(head), stdout);
	(void)fwrite(data, 1, len, stdout);
}

static int64_t number(const char *text)
{
	int64_t n = 0;

	if (awsq_parse_int(&n, text, INT64_MIN, INT64_MAX) != 0)
		die("a number is not one");
	return n;
}

static void answer(const struct awsq_sigv4_request *req, const struct awsq_sigv4_keys *keys,
	int64_t now)
{
	struct awsq_sigv4 s;
	char code[16];
	int rc = awsq_sigv4_sign(&s, req, keys, now);

	(void)snprintf(code, sizeof(code), "%d", rc);
	write_field(code, strlen(code));
	write_field(s.date, strlen(s.date));
	write_field(awsq_buf_str(&s.canonical_request), s.canonical_request.len);
	write_field(awsq_buf_str(&s.string_to_sign), s.string_to_sign.len);
	write_field(awsq_buf_str(&s.authorization), s.authorization.len);
	(void)fflush(stdout);
	awsq_sigv4_free(&s);
}

static int one_request(void)
{
	char *f[N_FIELDS] = { NULL };
	size_t len[N_FIELDS] = { 0 }, n;
	struct awsq_header *headers;

	for (int i = 0; i < N_FIELDS; i++) {
		f[i] = read_field(&len[i]);
		if (!f[i])
			return 0;
	}
	n = (size_t)number(f[N_HEADERS]);
	headers = calloc(n + 1, sizeof(*headers));
	if (!headers)
		die("out of memory");
	for (size_t i = 0; i < n; i++) {
		size_t unused;

		headers[i].name = read_field(&unused);
		headers[i].value = read_field(&unused);
	}
	answer(&(struct awsq_sigv4_request){ f[METHOD], f[PATH], f[QUERY], headers, n, f[BODY],
		       len[BODY], f[REGION], f[SERVICE], (unsigned)number(f[FLAGS]) },
		&(struct awsq_sigv4_keys){ f[KEY_ID], f[SECRET], f[TOKEN] }, number(f[TIME]));
	for (size_t i = 0; i < n; i++) {
		free((char *)headers[i].name);
		free((char *)headers[i].value);
	}
	free(headers);
	for (int i = 0; i < N_FIELDS; i++)
		free(f[i]);
	return 1;
}

int main(void)
{
	while (one_request())
		;
	return 0;
}
