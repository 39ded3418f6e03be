/*
 * The provider of web identity: a token in a file, which somebody renews, for a role's session.
 */
#include "banned.h"

#include "credentials_private.h"

/* What the variable says, where variables have a say, or else the profile's setting. */
static const char *find(const struct search *s, const char *profile, const char *variable,
	const char *key)
{
	const char *value = credentials_by_variables(s) ? environment_get(s->env, variable) : NULL;

	return value ? value : credentials_setting(s, profile, key);
}

static int read_token(struct awsq_buf *out, struct search *s, const char *path)
{
	int rc = user_files_read(out, path, s->err);
	size_t len = out->len;

	if (rc == AWSQ_ENOTFOUND)
		return awsq_err_set(s->err, AWSQ_ECREDENTIALS,
			"the web identity token file '%s' is not there", path);
	while (rc == 0 && len > 0 && strchr(" \r\n\t", out->data[len - 1]))
		len--;
	awsq_buf_truncate(out, len);
	if (rc == 0 && len == 0)
		return awsq_err_set(s->err, AWSQ_ECREDENTIALS,
			"the web identity token file '%s' is empty", path);
	return rc;
}

int credentials_from_web_identity(struct awsq_credentials *out, struct search *s,
	const char *profile)
{
	const char *path =
		find(s, profile, "AWS_WEB_IDENTITY_TOKEN_FILE", "web_identity_token_file");
	struct awsq_buf token = AWSQ_BUF_INIT(USER_FILES_MAX);
	struct assume how = { .role = { .arn = find(s, profile, "AWS_ROLE_ARN", "role_arn"),
				      .session_name = find(s, profile, "AWS_ROLE_SESSION_NAME",
					      "role_session_name") },
		.region = s->options->region,
		.cancel_fd = s->cancel_fd,
		.clock = s->clock,
		.log = s->log };
	int rc;

	if (!path) {
		awsq_buf_adds(credentials_tried(s, "web identity"), "no 'web_identity_token_file'");
		return AWSQ_ENOTFOUND;
	}
	if (!how.role.arn)
		return awsq_err_set(s->err, AWSQ_ECREDENTIALS,
			"there is a web identity token file, '%s', but no role for it: set "
			"'AWS_ROLE_ARN', or 'role_arn' in profile '%s'",
			path, profile);
	rc = credentials_settings(&how.settings, s);
	if (rc == 0)
		rc = read_token(&token, s, path);
	how.web_token = awsq_buf_str(&token);
	if (rc == 0)
		rc = credentials_assume(out, &how, "web identity", s->err);
	awsq_buf_wipe(&token);
	return rc;
}
