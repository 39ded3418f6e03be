/*
 * The providers whose keys stand somewhere as they are: the environment and the two files.
 */
#include "banned.h"

#include "credentials_private.h"

#include <awsq/clock.h>

/* They go into header lines, where a value that runs over several lines would do harm. */
static int is_clean(const char *value)
{
	for (; value && *value; value++) {
		if ((unsigned char)*value < ' ' || *value == '\x7f')
			return 0;
	}
	return 1;
}

int credentials_take(struct awsq_credentials *out, struct search *s, const struct found *f,
	const char *source)
{
	struct awsq_credentials borrowed = { .expires = out->expires, .source = source };

	if (!is_clean(f->key_id) || !is_clean(f->secret) || !is_clean(f->token))
		return awsq_err_set(s->err, AWSQ_ECREDENTIALS,
			"%s: a key or the session token has a line break or a control character in "
			"it",
			source);
	/* Copied at once; the casts take const away from what nobody changes. */
	borrowed.access_key_id = (char *)(uintptr_t)f->key_id;
	borrowed.secret_access_key = (char *)(uintptr_t)f->secret;
	borrowed.session_token = (char *)(uintptr_t)f->token;
	if (awsq_credentials_copy(out, &borrowed) != 0)
		return awsq_err_set(s->err, AWSQ_ENOMEM, "out of memory");
	return 0;
}

int credentials_from_environment(struct awsq_credentials *out, struct search *s,
	const char *profile)
{
	const char *expires = environment_get(s->env, "AWS_CREDENTIAL_EXPIRATION");
	struct found f = { environment_get(s->env, "AWS_ACCESS_KEY_ID"),
		environment_get(s->env, "AWS_SECRET_ACCESS_KEY"),
		environment_get(s->env, "AWS_SECURITY_TOKEN") };

	(void)profile;
	if (!f.key_id) {
		awsq_buf_adds(credentials_tried(s, "environment"),
			"'AWS_ACCESS_KEY_ID' is not set");
		return AWSQ_ENOTFOUND;
	}
	if (!f.secret)
		return awsq_err_set(s->err, AWSQ_ECREDENTIALS,
			"'AWS_ACCESS_KEY_ID' is set, but 'AWS_SECRET_ACCESS_KEY' is not");
	/* The older name first, as botocore has it. */
	if (!f.token)
		f.token = environment_get(s->env, "AWS_SESSION_TOKEN");
	if (expires && awsq_time_parse(&out->expires, expires) != 0)
		return awsq_err_set(s->err, AWSQ_ECREDENTIALS,
			"'AWS_CREDENTIAL_EXPIRATION' is '%s', and should be a time such as "
			"2030-01-31T12:00:00Z",
			expires);
	return credentials_take(out, s, &f, "environment");
}

static const char *or_null(const char *value)
{
	return value && *value ? value : NULL;
}

static int from_file(struct awsq_credentials *out, struct search *s, const char *profile,
	const char *name, const struct awsq_profiles *p, const char *path)
{
	struct found f = {
		or_null(awsq_profiles_get(p, AWSQ_SECTION_PROFILE, profile, "aws_access_key_id")),
		or_null(awsq_profiles_get(p, AWSQ_SECTION_PROFILE, profile,
			"aws_secret_access_key")),
		or_null(awsq_profiles_get(p, AWSQ_SECTION_PROFILE, profile, "aws_security_token")),
	};

	if (!path)
		awsq_buf_adds(credentials_tried(s, name), "'HOME' is not set");
	else if (!p)
		awsq_buf_addf(credentials_tried(s, name), "'%s' is not there", path);
	else if (!f.key_id)
		awsq_buf_addf(credentials_tried(s, name), "'%s' has no 'aws_access_key_id' for it",
			path);
	if (!f.key_id)
		return AWSQ_ENOTFOUND;
	if (!f.secret)
		return awsq_err_set(s->err, AWSQ_ECREDENTIALS,
			"'%s': profile '%s' has an 'aws_access_key_id', but no "
			"'aws_secret_access_key'",
			path, profile);
	if (!f.token)
		f.token = or_null(awsq_profiles_get(p, AWSQ_SECTION_PROFILE, profile,
			"aws_session_token"));
	return credentials_take(out, s, &f, name);
}

int credentials_from_shared_file(struct awsq_credentials *out, struct search *s,
	const char *profile)
{
	return from_file(out, s, profile, "shared credentials file", s->files->credentials,
		s->files->credentials_path);
}

int credentials_from_config_file(struct awsq_credentials *out, struct search *s,
	const char *profile)
{
	return from_file(out, s, profile, "config file", s->files->config, s->files->config_path);
}
