/*
 * The cache of tokens that `aws sso login` fills, ~/.aws/sso/cache: a file for each session, named
 * for it.
 */
#include "banned.h"

#include "credentials_answer.h"
#include "credentials_sso.h"

#include <awsq/hash.h>
#include <awsq/json.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define CACHE    "/.aws/sso/cache/"
#define MAX_PATH 8192
#define WINDOW_S (15 * 60) /* renewed when it has less left */

static const struct awsq_field token_fields[] = {
	AWSQ_STRING(struct sso_token, access_token, "accessToken"),
	AWSQ_STRING(struct sso_token, expires_at, "expiresAt"),
	AWSQ_STRING(struct sso_token, client_id, "clientId"),
	AWSQ_STRING(struct sso_token, client_secret, "clientSecret"),
	AWSQ_STRING(struct sso_token, registration_expires_at, "registrationExpiresAt"),
	AWSQ_STRING(struct sso_token, refresh_token, "refreshToken"),
};
static const struct awsq_shape token_shape = AWSQ_SHAPE(struct sso_token, token_fields);

/* A message that ends with what a person has to do. */
static int log_in(const struct sso *sso, const char *what, const char *detail)
{
	return awsq_err_set(sso->s->err, AWSQ_ECREDENTIALS,
		"profile '%s': %s%s: run 'aws sso login --profile %s'", sso->profile, what, detail,
		sso->profile);
}

static int no_memory(const struct sso *sso)
{
	return awsq_err_set(sso->s->err, AWSQ_ENOMEM, "out of memory");
}

/* ---- The file */

/* Where the token is: dir, in which a new one can be made, and path. */
static int find_file(struct awsq_buf *dir, struct awsq_buf *path, const struct sso *sso)
{
	const char *name = sso->session ? sso->session : sso->start_url;
	const char *home = environment_get(sso->s->env, "HOME");
	uint8_t digest[AWSQ_SHA1_LEN];
	char hex[AWSQ_SHA1_HEX];

	if (!home)
		return awsq_err_set(sso->s->err, AWSQ_ECREDENTIALS,
			"profile '%s' needs the SSO tokens in '~" CACHE "', but 'HOME' is not set",
			sso->profile);
	if (awsq_sha1(digest, name, strlen(name)) != 0)
		return no_memory(sso);
	awsq_hex(hex, digest, sizeof(digest));
	awsq_buf_addf(dir, "%s" CACHE, home);
	awsq_buf_addf(path, "%s%s.json", awsq_buf_str(dir), hex);
	return awsq_buf_error(dir) || awsq_buf_error(path) ? no_memory(sso) : 0;
}

/* Reads the file into token, which holds nothing. Without one that is of use: AWSQ_ECREDENTIALS. */
static int read_token(struct sso_token *token, const char *path, const struct sso *sso)
{
	struct awsq_buf text = AWSQ_BUF_INIT(USER_FILES_MAX);
	struct awsq_err why;
	int rc;

	awsq_err_clear(&why);
	rc = user_files_read(&text, path, &why);
	if (rc == AWSQ_ENOTFOUND) {
		rc = log_in(sso, "there is no SSO token in ", path);
	} else if (rc != 0) {
		rc = log_in(sso, "the SSO token: ", why.message);
	} else {
		rc = awsq_json_fill(&token_shape, token, awsq_buf_str(&text), text.len);
		if (rc == AWSQ_ENOMEM)
			rc = no_memory(sso);
		else if (rc != 0 || !token->access_token || !token->expires_at)
			rc = log_in(sso, "there is no SSO token of a right form in ", path);
	}
	awsq_buf_wipe(&text);
	return rc;
}

static void write_text(struct awsq_buf *out, const struct sso *sso, const struct sso_token *token)
{
	awsq_json_add(out, sso->start_url, "startUrl");
	awsq_json_add(out, sso->region, "region");
	awsq_json_add(out, token->access_token, "accessToken");
	awsq_json_add(out, token->expires_at, "expiresAt");
	awsq_json_add(out, token->client_id, "clientId");
	awsq_json_add(out, token->client_secret, "clientSecret");
	awsq_json_add(out, token->registration_expires_at, "registrationExpiresAt");
	awsq_json_add(out, token->refresh_token, "refreshToken");
	awsq_json_end(out);
}

static int write_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return AWSQ_EIO;
		data += n;
		len -= (size_t)n;
	}
	return fsync(fd) == 0 ? 0 : AWSQ_EIO;
}

/*
 * Puts a new file, which only its owner may read, in the old one's place, whole at any moment.
 * Where that cannot be, the token is as good for now: it is only told of.
 */
static void write_token(const struct awsq_buf *dir, const char *path, const struct sso *sso,
	const struct sso_token *token)
{
	struct awsq_buf text = AWSQ_BUF_INIT(USER_FILES_MAX), temporary = AWSQ_BUF_INIT(MAX_PATH);
	int fd = -1, rc;

	write_text(&text, sso, token);
	awsq_buf_addf(&temporary, "%s.awsq-XXXXXX", awsq_buf_str(dir));
	rc = awsq_buf_error(&text) || awsq_buf_error(&temporary) ? AWSQ_ENOMEM : 0;
	if (rc == 0) {
		fd = mkstemp(temporary.data);
		rc = fd < 0 ? AWSQ_EIO : write_all(fd, text.data, text.len);
	}
	if (fd >= 0 && close(fd) != 0)
		rc = AWSQ_EIO;
	if (rc == 0 && rename(temporary.data, path) != 0)
		rc = AWSQ_EIO;
	if (rc != 0) {
		awsq_log(sso->s->log, AWSQ_LOG_WARN,
			"credentials: cannot write the SSO token that was renewed to '%s'", path);
		if (fd >= 0)
			(void)unlink(temporary.data);
	}
	awsq_buf_wipe(&text);
	awsq_buf_free(&temporary);
}

/* ---- Renewing */

static int64_t now(const struct sso *sso)
{
	return sso->s->clock->wall_ms(sso->s->clock->arg) / 1000;
}

/* Whether it can be renewed; why not is left in why. */
static int can_renew(const struct sso *sso, const struct sso_token *token, struct awsq_err *why)
{
	int64_t until;

	if (!token->refresh_token || !token->client_id || !token->client_secret ||
		!token->registration_expires_at)
		(void)awsq_err_set(why, AWSQ_ECREDENTIALS, "it came without what renews it");
	else if (awsq_time_parse(&until, token->registration_expires_at) != 0 || until <= now(sso))
		(void)awsq_err_set(why, AWSQ_ECREDENTIALS, "the client's registration has expired");
	else
		return 1;
	return 0;
}

/* Replaces *old, which is wiped, by *new, which is taken. */
static void replace(char **old, char **new)
{
	if (*old)
		awsq_wipe(*old, strlen(*old));
	free(*old);
	*old = *new;
	*new = NULL;
}

/* What token is after it was renewed. */
static int adopt(struct sso_token *token, struct sso_grant *grant, int64_t expires,
	struct awsq_err *why)
{
	char text[AWSQ_TIME_ISO];
	char *copy;

	awsq_time_iso(text, expires);
	copy = strdup(text);
	if (!copy)
		return awsq_err_set(why, AWSQ_ENOMEM, "out of memory");
	replace(&token->expires_at, &copy);
	replace(&token->access_token, &grant->access_token);
	replace(&token->refresh_token, &grant->refresh_token);
	return 0;
}

/*
 * Renews token. A refresh token may be good for one time only: when another process was first, its
 * token is in the file by now.
 */
static int renew(struct sso_token *token, const struct awsq_buf *dir, const char *path,
	const struct sso *sso, struct awsq_err *why)
{
	struct sso_token others = { 0 };
	struct sso_grant grant;
	struct awsq_err ignored;
	struct search s = *sso->s;
	struct sso quiet = *sso;
	int rc = sso_create_token(&grant, sso, token, why);

	if (rc == 0) {
		rc = adopt(token, &grant, now(sso) + grant.expires_in, why);
		sso_grant_free(&grant);
		if (rc == 0)
			write_token(dir, path, sso, token);
		return rc;
	}
	s.err = &ignored;
	quiet.s = &s;
	if (read_token(&others, path, &quiet) == 0 &&
		strcmp(others.access_token, token->access_token) != 0) {
		credentials_wipe(&token_shape, token);
		*token = others;
		return 0;
	}
	credentials_wipe(&token_shape, &others);
	return rc;
}

/* Seconds since the epoch, of a token that was read. */
static int expiry(int64_t *out, const struct sso_token *token, const char *path,
	const struct sso *sso)
{
	if (awsq_time_parse(out, token->expires_at) == 0)
		return 0;
	return log_in(sso, "it is not known when the SSO token expires that is in ", path);
}

/* Sees to it that token is good for now. */
static int freshen(struct sso_token *token, const struct awsq_buf *dir, const char *path,
	const struct sso *sso)
{
	struct awsq_err why;
	int64_t expires;
	int rc = expiry(&expires, token, path, sso);

	awsq_err_clear(&why);
	if (rc == 0 && sso->session && expires - now(sso) < WINDOW_S) {
		if (can_renew(sso, token, &why) && renew(token, dir, path, sso, &why) == 0)
			rc = expiry(&expires, token, path, sso);
		else
			awsq_log(sso->s->log, AWSQ_LOG_INFO,
				"credentials: the SSO token of '%s' is not renewed: %s %s",
				sso->profile, why.aws_code, why.message);
	}
	if (rc != 0 || expires > now(sso))
		return rc;
	if (why.code == 0)
		return log_in(sso, "the SSO token has expired", "");
	return awsq_err_set(sso->s->err, AWSQ_ECREDENTIALS,
		"profile '%s': the SSO token has expired, and could not be renewed (%s%s%.300s): "
		"run 'aws sso login --profile %s'",
		sso->profile, why.aws_code, why.aws_code[0] ? ": " : "", why.message, sso->profile);
}

int sso_token_get(struct awsq_buf *out, const struct sso *sso)
{
	struct awsq_buf dir = AWSQ_BUF_INIT(MAX_PATH), path = AWSQ_BUF_INIT(MAX_PATH);
	struct sso_token token = { 0 };
	int rc = find_file(&dir, &path, sso);

	if (rc == 0)
		rc = read_token(&token, awsq_buf_str(&path), sso);
	if (rc == 0)
		rc = freshen(&token, &dir, awsq_buf_str(&path), sso);
	if (rc == 0) {
		awsq_buf_adds(out, token.access_token);
		rc = awsq_buf_error(out) ? no_memory(sso) : 0;
	}
	credentials_wipe(&token_shape, &token);
	awsq_buf_free(&dir);
	awsq_buf_free(&path);
	return rc;
}
