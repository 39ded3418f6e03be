/*
 * The credentials that ECS, EKS and others hand to a container, at an address that its environment
 * names.
 *
 * Source: "Container credential provider" of the AWS SDKs and Tools Reference Guide, and
 * ContainerProvider and ContainerMetadataFetcher of botocore 1.43.11.
 */
#include "banned.h"

#include "authority.h"
#include "credentials_answer.h"

#include <arpa/inet.h>

#define SOURCE     "container"
#define RELATIVE   "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
#define FULL       "AWS_CONTAINER_CREDENTIALS_FULL_URI"
#define TOKEN      "AWS_CONTAINER_AUTHORIZATION_TOKEN"
#define TOKEN_FILE "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"
#define BASE       "http://169.254.170.2"
#define MAX_URL    ((size_t)16 * 1024)
#define MAX_ANSWER ((size_t)64 * 1024)
#define ATTEMPTS   3
#define PAUSE_MS   1000
#define TIMEOUT_MS 2000

/* ---- Where to ask */

/* Whether host is this machine, or one of the addresses that AWS has for this. */
static int is_local(const char *host)
{
	static const char *const v4[] = { "169.254.170.2", "169.254.170.23" };
	static const char *const v6[] = { "::1", "fd00:ec2::23" };
	struct in6_addr allowed, address;
	char text[AUTHORITY_HOST_SIZE];
	struct in_addr plain;
	size_t len = strlen(host);

	if (strcmp(host, "localhost") == 0)
		return 1;
	for (size_t i = 0; i < sizeof(v4) / sizeof(*v4); i++) {
		if (strcmp(host, v4[i]) == 0)
			return 1;
	}
	if (inet_pton(AF_INET, host, &plain) == 1)
		return ntohl(plain.s_addr) >> 24 == 127;
	if (host[0] != '[')
		return 0;
	(void)snprintf(text, sizeof(text), "%.*s", (int)len - 2, host + 1);
	for (size_t i = 0; inet_pton(AF_INET6, text, &address) == 1 && i < sizeof(v6) / sizeof(*v6);
		i++) {
		if (inet_pton(AF_INET6, v6[i], &allowed) == 1 &&
			memcmp(&allowed, &address, sizeof(address)) == 0)
			return 1;
	}
	return 0;
}

/*
 * Without TLS only where nobody on the way could read the token or answer in the endpoint's place.
 * User and password are refused there, since not all agree on where they end.
 */
static int is_allowed(const char *url)
{
	char host[AUTHORITY_HOST_SIZE];
	int64_t port;

	for (const char *c = url; *c; c++) {
		if (*c <= ' ' || *c > '~' || *c == '\\')
			return 0;
	}
	if (strncmp(url, "https://", 8) == 0)
		return 1;
	if (strncmp(url, "http://", 7) != 0)
		return 0;
	url += 7;
	return authority_parse(host, &port, url, strcspn(url, "/?#")) == 0 && is_local(host);
}

/* ---- The token */

/* What is in the variables or the file, or nothing. */
static int find_token(struct awsq_buf *token, struct search *s)
{
	const char *path = environment_get(s->env, TOKEN_FILE);
	const char *given = environment_get(s->env, TOKEN);
	struct awsq_err why;
	int rc = 0;

	awsq_err_clear(&why);
	if (path)
		rc = user_files_read(token, path, &why);
	else if (given)
		awsq_buf_adds(token, given);
	if (rc == AWSQ_ENOTFOUND)
		return awsq_err_set(s->err, AWSQ_ECREDENTIALS,
			SOURCE ": '%s' of '" TOKEN_FILE "' is not there", path);
	if (rc != 0)
		return awsq_err_set(s->err, AWSQ_ECREDENTIALS, SOURCE ": " TOKEN_FILE ": %s",
			why.message);
	if (awsq_buf_error(token))
		return awsq_err_set(s->err, awsq_buf_error(token), SOURCE ": '" TOKEN "': %s",
			awsq_strerror(awsq_buf_error(token)));
	if (strpbrk(awsq_buf_str(token), "\r\n") || strlen(awsq_buf_str(token)) != token->len)
		return awsq_err_set(s->err, AWSQ_ECREDENTIALS,
			SOURCE ": the token in '%s' has a line break in it, which a header cannot",
			path ? TOKEN_FILE : TOKEN);
	return 0;
}

/* ---- Asking */

static int ask(struct awsq_credentials *out, struct search *s, const char *url, const char *token)
{
	const struct awsq_header headers[] = { { "Accept", "application/json" },
		{ "Authorization", token } };
	struct credentials_fetch f = { .attempts = ATTEMPTS, .pause_ms = PAUSE_MS };
	struct credentials_answer answer = { 0 };
	struct awsq_buf body = AWSQ_BUF_INIT(MAX_ANSWER);
	const struct awsq_settings *settings;
	struct awsq_err why;
	int rc = credentials_settings(&settings, s);

	if (rc != 0)
		return rc;
	f.http = (struct awsq_fetch){ .url = url,
		.headers = headers,
		.n_headers = *token ? 2 : 1,
		.timeout_ms = TIMEOUT_MS,
		.direct = 1,
		.ca_bundle = settings->ca_bundle };
	rc = credentials_fetch(&body, &answer, &f, s, &why);
	if (rc != 0)
		rc = awsq_err_set(s->err, AWSQ_ECREDENTIALS,
			SOURCE ": no credentials from '%s': %s", url, why.message);
	else if (credentials_answer_lacks(&answer))
		rc = awsq_err_set(s->err, AWSQ_ECREDENTIALS,
			SOURCE ": the answer from '%s' has no '%s'%s%.200s", url,
			credentials_answer_lacks(&answer), answer.message ? ": " : "",
			answer.message ? answer.message : "");
	else
		rc = credentials_answer_take(out, s, &answer, SOURCE);
	credentials_answer_free(&answer);
	awsq_buf_wipe(&body);
	return rc;
}

int credentials_from_container(struct awsq_credentials *out, struct search *s, const char *profile)
{
	const char *relative = environment_get(s->env, RELATIVE);
	const char *full = environment_get(s->env, FULL);
	struct awsq_buf url = AWSQ_BUF_INIT(MAX_URL), token = AWSQ_BUF_INIT(USER_FILES_MAX);
	int rc;

	(void)profile;
	if (!relative && !full) {
		awsq_buf_adds(credentials_tried(s, SOURCE), "'" RELATIVE "' is not set");
		return AWSQ_ENOTFOUND;
	}
	awsq_buf_addf(&url, "%s%s", relative ? BASE : "", relative ? relative : full);
	if (awsq_buf_error(&url) || !is_allowed(awsq_buf_str(&url)))
		rc = awsq_err_set(s->err, AWSQ_ECREDENTIALS,
			SOURCE ": '%s' is '%.300s', and credentials are asked for only by https, "
			       "of this machine, or of 169.254.170.2, 169.254.170.23 and "
			       "[fd00:ec2::23]",
			relative ? RELATIVE : FULL, relative ? relative : full);
	else
		rc = find_token(&token, s);
	if (rc == 0)
		rc = ask(out, s, awsq_buf_str(&url), awsq_buf_str(&token));
	awsq_buf_free(&url);
	awsq_buf_wipe(&token);
	return rc;
}
