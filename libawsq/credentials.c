#include "banned.h"

#include "user_files.h"

#include <awsq/clock.h>
#include <awsq/credentials.h>
#include <awsq/hash.h>

#include <stdlib.h>
#include <string.h>

#define TRIED_MAX 16384

struct search {
	struct awsq_credentials *out;
	const struct user_files *files;
	const struct awsq_environment *env;
	int named; /* the caller named the profile */
	struct awsq_err *err;
	struct awsq_buf tried; /* why each provider so far had nothing */
};

/* What a provider found; borrowed. */
struct found {
	const char *key_id;
	const char *secret;
	const char *token;
};

static const char *or_null(const char *value)
{
	return value && *value ? value : NULL;
}

/* Where to say why provider had nothing. */
static struct awsq_buf *tried(struct search *s, const char *provider)
{
	awsq_buf_addf(&s->tried, "%s%s: ", s->tried.len ? "; " : "", provider);
	return &s->tried;
}

/* They go into header lines, where a value that runs over several lines would do harm. */
static int is_clean(const char *value)
{
	for (; value && *value; value++) {
		if ((unsigned char)*value < ' ' || *value == '\x7f')
			return 0;
	}
	return 1;
}

static int take(struct search *s, const struct found *f, const char *source)
{
	struct awsq_credentials *c = s->out;

	if (!is_clean(f->key_id) || !is_clean(f->secret) || !is_clean(f->token))
		return awsq_err_set(s->err, AWSQ_ECREDENTIALS,
			"%s: a key or the session token has a line break or a control character in "
			"it",
			source);
	c->source = source;
	c->access_key_id = strdup(f->key_id);
	c->secret_access_key = strdup(f->secret);
	if (f->token)
		c->session_token = strdup(f->token);
	if (!c->access_key_id || !c->secret_access_key || (f->token && !c->session_token))
		return awsq_err_set(s->err, AWSQ_ENOMEM, "out of memory");
	return 0;
}

static int from_environment(struct search *s, const char *name)
{
	const char *expires = environment_get(s->env, "AWS_CREDENTIAL_EXPIRATION");
	struct found f = { environment_get(s->env, "AWS_ACCESS_KEY_ID"),
		environment_get(s->env, "AWS_SECRET_ACCESS_KEY"),
		environment_get(s->env, "AWS_SECURITY_TOKEN") };

	if (s->named || !f.key_id) {
		awsq_buf_adds(tried(s, name), s->named ? "passed over for the profile asked for"
						       : "'AWS_ACCESS_KEY_ID' is not set");
		return AWSQ_ENOTFOUND;
	}
	if (!f.secret)
		return awsq_err_set(s->err, AWSQ_ECREDENTIALS,
			"'AWS_ACCESS_KEY_ID' is set, but 'AWS_SECRET_ACCESS_KEY' is not");
	/* The older name first, as botocore has it. */
	if (!f.token)
		f.token = environment_get(s->env, "AWS_SESSION_TOKEN");
	if (expires && awsq_time_parse(&s->out->expires, expires) != 0)
		return awsq_err_set(s->err, AWSQ_ECREDENTIALS,
			"'AWS_CREDENTIAL_EXPIRATION' is '%s', and should be a time such as "
			"2030-01-31T12:00:00Z",
			expires);
	return take(s, &f, name);
}

static int from_file(struct search *s, const char *name, const struct awsq_profiles *p,
	const char *path)
{
	const char *profile = s->files->profile;
	struct found f = {
		or_null(awsq_profiles_get(p, AWSQ_SECTION_PROFILE, profile, "aws_access_key_id")),
		or_null(awsq_profiles_get(p, AWSQ_SECTION_PROFILE, profile,
			"aws_secret_access_key")),
		or_null(awsq_profiles_get(p, AWSQ_SECTION_PROFILE, profile, "aws_security_token")),
	};

	if (!path)
		awsq_buf_adds(tried(s, name), "'HOME' is not set");
	else if (!p)
		awsq_buf_addf(tried(s, name), "'%s' is not there", path);
	else if (!f.key_id)
		awsq_buf_addf(tried(s, name), "'%s' has no 'aws_access_key_id' for profile '%s'",
			path, profile);
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
	return take(s, &f, name);
}

static int from_credentials_file(struct search *s, const char *name)
{
	return from_file(s, name, s->files->credentials, s->files->credentials_path);
}

static int from_config_file(struct search *s, const char *name)
{
	return from_file(s, name, s->files->config, s->files->config_path);
}

/*
 * Who is asked, in botocore's order. Where there is no function, the setting or the variable asks
 * for a provider that is not written yet: to pass over it could mean to act with the wrong keys.
 */
static const struct provider {
	const char *name; /* for the function */
	int (*load)(struct search *s, const char *name);
	const char *setting;
	const char *variable;
	int not_if_named; /* a profile named by the caller drops the variable */
} providers[] = {
	{ .name = "environment", .load = from_environment },
	{ .setting = "role_arn" },
	{ .setting = "web_identity_token_file" },
	{ .variable = "AWS_WEB_IDENTITY_TOKEN_FILE", .not_if_named = 1 },
	{ .setting = "sso_session" },
	{ .setting = "sso_start_url" },
	{ .name = "shared credentials file", .load = from_credentials_file },
	{ .setting = "login_session" },
	{ .setting = "credential_process" },
	{ .name = "config file", .load = from_config_file },
	{ .variable = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI" },
	{ .variable = "AWS_CONTAINER_CREDENTIALS_FULL_URI" },
};

static int is_asked_for(struct search *s, const struct provider *p)
{
	if (p->setting && user_files_get(s->files, p->setting))
		return awsq_err_set(s->err, AWSQ_ECREDENTIALS,
			"profile '%s' has '%s', which is not supported yet: it has to have keys of "
			"its own",
			s->files->profile, p->setting);
	if (p->variable && !(p->not_if_named && s->named) && environment_get(s->env, p->variable))
		return awsq_err_set(s->err, AWSQ_ECREDENTIALS,
			"'%s' is set, which is not supported yet", p->variable);
	return AWSQ_ENOTFOUND;
}

static int ask_all(struct search *s)
{
	int rc = AWSQ_ENOTFOUND;

	for (size_t i = 0; rc == AWSQ_ENOTFOUND && i < sizeof(providers) / sizeof(*providers); i++)
		rc = providers[i].load ? providers[i].load(s, providers[i].name)
		                       : is_asked_for(s, &providers[i]);
	if (rc == AWSQ_ENOTFOUND)
		rc = awsq_err_set(s->err, AWSQ_ECREDENTIALS, "no credentials found (%s)",
			awsq_buf_str(&s->tried));
	return rc;
}

int awsq_credentials_load(struct awsq_credentials *out, const char *profile,
	const struct awsq_environment *env, struct awsq_err *err)
{
	struct user_files files;
	struct search s = { .out = out,
		.files = &files,
		.env = env,
		.named = profile != NULL,
		.err = err,
		.tried = AWSQ_BUF_INIT(TRIED_MAX) };
	int rc = user_files_load(&files, profile, env, err);

	memset(out, 0, sizeof(*out));
	if (rc == 0)
		rc = ask_all(&s);
	if (rc != 0)
		awsq_credentials_free(out);
	awsq_buf_free(&s.tried);
	user_files_free(&files);
	return rc;
}

static void wipe_and_free(char *secret)
{
	if (secret)
		awsq_wipe(secret, strlen(secret));
	free(secret);
}

void awsq_credentials_free(struct awsq_credentials *c)
{
	if (!c)
		return;
	wipe_and_free(c->access_key_id);
	wipe_and_free(c->secret_access_key);
	wipe_and_free(c->session_token);
	memset(c, 0, sizeof(*c));
}
