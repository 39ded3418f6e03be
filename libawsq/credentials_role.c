/*
 * The provider of roles: a profile with role_arn, whose keys are those of another profile, which
 * may have a role too, or those of the environment, the container or the instance.
 */
#include "banned.h"

#include "credentials_private.h"

#include <awsq/hash.h>
#include <awsq/num.h>

#define CHAIN_MAX 16
#define CODE_SIZE 64

/* From the profile in use to the one whose keys the last role is assumed with. */
struct chain {
	const char *profiles[CHAIN_MAX]; /* with roles */
	size_t n;
	provider_load *named; /* the credential_source of the last one; NULL: */
	const char *base;     /* its source_profile, without a role */
};

/* What credential_source may name, in these letters. */
static const struct {
	const char *name;
	provider_load *load;
} named_sources[] = {
	{ "Environment", credentials_from_environment },
	{ "EcsContainer", credentials_from_container },
	{ "Ec2InstanceMetadata", credentials_from_imds },
};

/* Web identity has a role_arn as well. */
static int has_role(const struct search *s, const char *profile)
{
	return credentials_setting(s, profile, "role_arn") &&
	       !credentials_setting(s, profile, "web_identity_token_file");
}

static int has_keys(const struct search *s, const char *profile)
{
	return credentials_setting(s, profile, "aws_access_key_id") ||
	       credentials_setting(s, profile, "aws_secret_access_key");
}

static int was_visited(const struct chain *c, const char *profile)
{
	for (size_t i = 0; i < c->n; i++) {
		if (strcmp(c->profiles[i], profile) == 0)
			return 1;
	}
	return 0;
}

static int end_by_name(struct chain *c, struct search *s, const char *profile, const char *name)
{
	for (size_t i = 0; i < sizeof(named_sources) / sizeof(named_sources[0]); i++) {
		if (strcmp(named_sources[i].name, name) == 0) {
			c->named = named_sources[i].load;
			return 0;
		}
	}
	return awsq_err_set(s->err, AWSQ_ECREDENTIALS,
		"profile '%s': 'credential_source' is '%s', and should be Environment, "
		"EcsContainer or Ec2InstanceMetadata",
		profile, name);
}

/* A profile that names itself is right, if it is for its own keys; all other rings never end. */
static int check_source(const struct chain *c, struct search *s, const char *profile,
	const char *source)
{
	if (!user_files_has(s->files, source))
		return awsq_err_set(s->err, AWSQ_ECREDENTIALS,
			"profile '%s': its 'source_profile' is '%s', which is not there", profile,
			source);
	if (!was_visited(c, source) || (strcmp(source, profile) == 0 && has_keys(s, source)))
		return 0;
	return awsq_err_set(s->err, AWSQ_ECREDENTIALS,
		"profile '%s': its 'source_profile' is '%s', which leads back to it: one of them "
		"has to have keys",
		profile, source);
}

/* Finds the way from profile to keys. */
static int follow(struct chain *c, struct search *s, const char *profile)
{
	for (;;) {
		const char *source = credentials_setting(s, profile, "source_profile");
		const char *name = credentials_setting(s, profile, "credential_source");
		int rc;

		if (c->n == CHAIN_MAX)
			return awsq_err_set(s->err, AWSQ_ECREDENTIALS,
				"profile '%s': more than %d roles, one after the other", profile,
				CHAIN_MAX);
		c->profiles[c->n++] = profile;
		if (!source == !name)
			return awsq_err_set(s->err, AWSQ_ECREDENTIALS,
				"profile '%s' has 'role_arn' and %s: it has to have one of them",
				profile,
				source ? "both 'source_profile' and 'credential_source'"
				       : "neither 'source_profile' nor 'credential_source'");
		if (name)
			return end_by_name(c, s, profile, name);
		rc = check_source(c, s, profile, source);
		if (rc != 0)
			return rc;
		if (has_keys(s, source) || !has_role(s, source)) {
			c->base = source;
			return 0;
		}
		profile = source;
	}
}

/* The keys for the last role of the chain. */
static int load_base(struct awsq_credentials *out, struct search *s, const struct chain *c)
{
	const char *last = c->profiles[c->n - 1];
	int rc;

	/* What was tried until here has nothing to do with it. */
	awsq_buf_reset(&s->tried);
	rc = c->named ? c->named(out, s, last) : credentials_of_source_profile(out, s, c->base);
	if (rc != AWSQ_ENOTFOUND)
		return rc;
	return awsq_err_set(s->err, AWSQ_ECREDENTIALS,
		"profile '%s': its '%s' '%s' has no credentials (%s)", last,
		c->named ? "credential_source" : "source_profile",
		credentials_setting(s, last, c->named ? "credential_source" : "source_profile"),
		awsq_buf_str(&s->tried));
}

static int ask_for_code(char code[CODE_SIZE], struct search *s, const char *profile,
	const char *serial)
{
	const struct awsq_credentials_options *o = s->options;
	char question[256];
	int rc;

	if (!o->ask)
		return awsq_err_set(s->err, AWSQ_ECREDENTIALS,
			"the role of profile '%s' wants a code of the MFA device '%s', and there "
			"is nobody to ask for it",
			profile, serial);
	(void)snprintf(question, sizeof(question), "Enter MFA code for %s: ", serial);
	rc = o->ask(o->arg, question, code, CODE_SIZE);
	return rc == 0 ? 0
	               : awsq_err_set(s->err, rc, "no code of the MFA device '%s' was given",
				 serial);
}

/* Goes on from keys, which it replaces, to those of the role of profile. */
static int assume(struct awsq_credentials *keys, struct search *s, const char *profile)
{
	struct assume how = {
		.role = { .arn = credentials_setting(s, profile, "role_arn"),
			.session_name = credentials_setting(s, profile, "role_session_name"),
			.external_id = credentials_setting(s, profile, "external_id") },
		.profile = profile,
		.keys = keys,
		.mfa_serial = credentials_setting(s, profile, "mfa_serial"),
		.region = s->options->region,
		.cancel_fd = s->cancel_fd,
		.clock = s->clock,
		.log = s->log
	};
	const char *duration = credentials_setting(s, profile, "duration_seconds");
	struct awsq_credentials found = { 0 };
	char code[CODE_SIZE] = "";
	int rc = credentials_settings(&how.settings, s);

	/* As botocore: what is no number is passed over, and a number judged by STS. */
	if (duration && awsq_parse_int(&how.role.duration_seconds, duration, 1, INT32_MAX) != 0)
		awsq_log(s->log, AWSQ_LOG_WARN,
			"profile '%s': 'duration_seconds' is '%s', which is no number of seconds",
			profile, duration);
	if (rc == 0 && how.mfa_serial)
		rc = ask_for_code(code, s, profile, how.mfa_serial);
	how.mfa_code = how.mfa_serial ? code : NULL;
	if (rc == 0)
		rc = credentials_assume(&found, &how, "assumed role", s->err);
	awsq_wipe(code, sizeof(code));
	if (rc != 0)
		return rc;
	awsq_credentials_free(keys);
	*keys = found;
	return 0;
}

int credentials_from_role(struct awsq_credentials *out, struct search *s, const char *profile)
{
	struct chain c = { .n = 0 };
	int rc;

	if (!has_role(s, profile)) {
		awsq_buf_adds(credentials_tried(s, "assumed role"), "no 'role_arn'");
		return AWSQ_ENOTFOUND;
	}
	rc = follow(&c, s, profile);
	if (rc == 0)
		rc = load_base(out, s, &c);
	for (size_t i = c.n; rc == 0 && i > 0; i--)
		rc = assume(out, s, c.profiles[i - 1]);
	return rc;
}
