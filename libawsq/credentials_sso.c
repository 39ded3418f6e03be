#include "banned.h"

#include "credentials_sso.h"

#define SOURCE    "SSO"
#define MAX_TOKEN ((size_t)256 * 1024)

/* A setting of the session, if the profile names one. */
static const char *of_session(const struct sso *sso, const char *key)
{
	const char *value = sso->session ? awsq_profiles_get(sso->s->files->config,
						   AWSQ_SECTION_SSO_SESSION, sso->session, key)
	                                 : NULL;

	return value && *value ? value : NULL;
}

/* The session's before the profile's. Both have to agree, or it is not clear who is meant. */
static int get(const char **out, const struct sso *sso, const char *key)
{
	const char *here = credentials_setting(sso->s, sso->profile, key);
	const char *there = of_session(sso, key);

	*out = there ? there : here;
	if (here && there && strcmp(here, there) != 0)
		return awsq_err_set(sso->s->err, AWSQ_ECREDENTIALS,
			"'%s' is '%s' for profile '%s', but '%s' for its session '%s'", key, here,
			sso->profile, there, sso->session);
	return 0;
}

/* A setting that has to be there. */
static int want(const char **out, const struct sso *sso, const char *key)
{
	int rc = get(out, sso, key);

	if (rc == 0 && !*out)
		return awsq_err_set(sso->s->err, AWSQ_ECREDENTIALS,
			"profile '%s' asks for SSO, but there is no '%s'", sso->profile, key);
	return rc;
}

/* The same of one that has to be the session's own, if there is one. */
static int want_of_session(const char **out, const struct sso *sso, const char *key)
{
	int rc = want(out, sso, key);

	if (rc == 0 && sso->session && !of_session(sso, key))
		return awsq_err_set(sso->s->err, AWSQ_ECREDENTIALS, "[sso-session %s] has no '%s'",
			sso->session, key);
	return rc;
}

static int read_settings(struct sso *sso)
{
	struct search *s = sso->s;
	const char *scopes;
	int rc;

	sso->session = credentials_setting(s, sso->profile, "sso_session");
	if (sso->session &&
		!awsq_profiles_has(s->files->config, AWSQ_SECTION_SSO_SESSION, sso->session))
		return awsq_err_set(s->err, AWSQ_ECREDENTIALS,
			"profile '%s' names the SSO session '%s', but there is no section "
			"[sso-session %s]",
			sso->profile, sso->session, sso->session);
	rc = want_of_session(&sso->start_url, sso, "sso_start_url");
	if (rc == 0)
		rc = want_of_session(&sso->region, sso, "sso_region");
	if (rc == 0)
		rc = want(&sso->account, sso, "sso_account_id");
	if (rc == 0)
		rc = want(&sso->role, sso, "sso_role_name");
	if (rc == 0)
		rc = get(&scopes, sso, "sso_registration_scopes");
	return rc == 0 ? credentials_settings(&sso->settings, s) : rc;
}

/* What a portal that knows the token no more says is of less help than what to do. */
static int refused(const struct sso *sso, const struct awsq_err *why)
{
	if (why->code == AWSQ_ENOMEM)
		return awsq_err_set(sso->s->err, AWSQ_ENOMEM, "out of memory");
	if (why->http_status == 401 || awsq_err_is(why, "UnauthorizedException"))
		return awsq_err_set(sso->s->err, AWSQ_ECREDENTIALS,
			"profile '%s': the SSO session has ended (%.300s): run 'aws sso login "
			"--profile %s'",
			sso->profile, why->message, sso->profile);
	return awsq_err_set(sso->s->err, AWSQ_ECREDENTIALS,
		"profile '%s': SSO gives no credentials for role '%s' of account '%s': "
		"%s%s%.400s",
		sso->profile, sso->role, sso->account, why->aws_code, why->aws_code[0] ? ": " : "",
		why->message);
}

int credentials_from_sso(struct awsq_credentials *out, struct search *s, const char *profile)
{
	struct awsq_buf token = AWSQ_BUF_INIT(MAX_TOKEN);
	struct sso sso = { .s = s, .profile = profile };
	struct awsq_err why;
	int rc;

	if (!credentials_setting(s, profile, "sso_account_id") &&
		!credentials_setting(s, profile, "sso_role_name")) {
		awsq_buf_adds(credentials_tried(s, SOURCE), "no 'sso_account_id'");
		return AWSQ_ENOTFOUND;
	}
	rc = read_settings(&sso);
	if (rc == 0)
		rc = sso_token_get(&token, &sso);
	if (rc == 0 && sso_get_role_credentials(out, &sso, awsq_buf_str(&token), SOURCE, &why) != 0)
		rc = refused(&sso, &why);
	awsq_buf_wipe(&token);
	return rc;
}
