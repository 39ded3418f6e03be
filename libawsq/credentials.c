/*
 * The chain: who is asked for credentials, and in which order.
 */
#include "banned.h"

#include "credentials_private.h"
#include "credentials_source.h"

#include <awsq/hash.h>

#define TRIED_MAX 16384

struct awsq_buf *credentials_tried(struct search *s, const char *provider)
{
	awsq_buf_addf(&s->tried, "%s%s: ", s->tried.len ? "; " : "", provider);
	return &s->tried;
}

const char *credentials_setting(const struct search *s, const char *profile, const char *key)
{
	return user_files_get_of(s->files, profile, key);
}

int credentials_by_variables(const struct search *s)
{
	return !s->options->profile && !s->in_source_profile;
}

int credentials_settings(const struct awsq_settings **out, struct search *s)
{
	*out = s->options->settings;
	if (*out)
		return 0;
	*out = &s->own;
	return s->own.profile ? 0 : awsq_settings_load(&s->own, s->files->profile, s->env, s->err);
}

/*
 * Who is asked, in botocore's order. Where there is no function, the setting or the variable asks
 * for a provider that is not written yet: to pass over it could mean to act with the wrong keys.
 */
static const struct provider {
	provider_load *load;
	int of_profile;   /* has a part in the chain of a source_profile */
	int if_unnamed;   /* not where the caller has named a profile */
	const char *name; /* for if_unnamed */
	const char *setting;
	const char *variable;
} providers[] = {
	{ .load = credentials_from_environment, .if_unnamed = 1, .name = "environment" },
	{ .load = credentials_from_role },
	{ .load = credentials_from_web_identity, .of_profile = 1 },
	{ .load = credentials_from_sso, .of_profile = 1 },
	{ .load = credentials_from_shared_file, .of_profile = 1 },
	{ .setting = "login_session", .of_profile = 1 },
	{ .load = credentials_from_process, .of_profile = 1 },
	{ .load = credentials_from_config_file, .of_profile = 1 },
	{ .load = credentials_from_container },
	{ .load = credentials_from_imds },
};

static int is_asked_for(struct search *s, const struct provider *p, const char *profile)
{
	if (p->setting && credentials_setting(s, profile, p->setting))
		return awsq_err_set(s->err, AWSQ_ECREDENTIALS,
			"profile '%s' has '%s', which is not supported yet: it has to have keys of "
			"its own",
			profile, p->setting);
	if (p->variable && environment_get(s->env, p->variable))
		return awsq_err_set(s->err, AWSQ_ECREDENTIALS,
			"'%s' is set, which is not supported yet", p->variable);
	return AWSQ_ENOTFOUND;
}

static int ask(struct awsq_credentials *out, struct search *s, const struct provider *p,
	const char *profile)
{
	if (p->if_unnamed && s->options->profile) {
		awsq_buf_adds(credentials_tried(s, p->name),
			"passed over for the profile asked for");
		return AWSQ_ENOTFOUND;
	}
	return p->load ? p->load(out, s, profile) : is_asked_for(s, p, profile);
}

static int ask_all(struct awsq_credentials *out, struct search *s, const char *profile)
{
	int rc = AWSQ_ENOTFOUND;

	for (size_t i = 0; rc == AWSQ_ENOTFOUND && i < sizeof(providers) / sizeof(*providers);
		i++) {
		if (!s->in_source_profile || providers[i].of_profile)
			rc = ask(out, s, &providers[i], profile);
	}
	return rc;
}

int credentials_of_source_profile(struct awsq_credentials *out, struct search *s,
	const char *profile)
{
	int rc;

	s->in_source_profile++;
	rc = ask_all(out, s, profile);
	s->in_source_profile--;
	return rc;
}

/* What has expired is of no use, and asking again would find the same. */
static int check_expiry(const struct awsq_credentials *found, struct search *s)
{
	char when[AWSQ_TIME_ISO];

	if (found->expires == 0 || found->expires * 1000 > s->clock->wall_ms(s->clock->arg))
		return 0;
	awsq_time_iso(when, found->expires);
	return awsq_err_set(s->err, AWSQ_ECREDENTIALS,
		"the credentials found (%s) expired at %s: get new ones", found->source, when);
}

static int load(struct awsq_credentials *out, const struct awsq_credentials_options *options,
	int renewing, int cancel_fd, struct awsq_err *err)
{
	static const struct awsq_credentials_options none;
	struct user_files files;
	struct search s = { .options = options ? options : &none,
		.files = &files,
		.err = err,
		.tried = AWSQ_BUF_INIT(TRIED_MAX),
		.renewing = renewing,
		.cancel_fd = cancel_fd };
	int rc;

	s.env = s.options->env ? s.options->env : &awsq_environment_process;
	s.clock = s.options->clock ? s.options->clock : &awsq_clock_system;
	s.log = s.options->log;
	memset(out, 0, sizeof(*out));
	rc = user_files_load(&files, s.options->profile, s.env, err);
	if (rc == 0)
		rc = ask_all(out, &s, files.profile);
	if (rc == AWSQ_ENOTFOUND)
		rc = awsq_err_set(err, AWSQ_ECREDENTIALS,
			"no credentials found for profile '%s' (%s)", files.profile,
			awsq_buf_str(&s.tried));
	if (rc == 0)
		rc = check_expiry(out, &s);
	if (rc != 0)
		awsq_credentials_free(out);
	awsq_buf_free(&s.tried);
	awsq_settings_free(&s.own);
	user_files_free(&files);
	return rc;
}

int awsq_credentials_load(struct awsq_credentials *out,
	const struct awsq_credentials_options *options, struct awsq_err *err)
{
	return load(out, options, 0, -1, err);
}

/* ---- As a source */

struct chain {
	struct awsq_credentials_options options;
	struct awsq_settings own; /* where the options have none */
};

static int load_for_source(void *arg, struct awsq_credentials *out, int first, int cancel_fd,
	struct awsq_err *err)
{
	struct awsq_credentials_options options = ((struct chain *)arg)->options;

	if (!first)
		options.ask = NULL;
	return load(out, &options, !first, cancel_fd, err);
}

static void free_chain(void *arg)
{
	struct chain *c = arg;

	awsq_settings_free(&c->own);
	free(c);
}

static int load_settings(struct chain *c, struct awsq_err *err)
{
	const struct awsq_credentials_options *o = &c->options;
	int rc;

	if (o->settings)
		return 0;
	rc = awsq_settings_load(&c->own, o->profile, o->env ? o->env : &awsq_environment_process,
		err);
	c->options.settings = &c->own;
	return rc;
}

int awsq_credentials_source_new(struct awsq_credentials_source **out,
	const struct awsq_credentials_options *options, struct awsq_err *err)
{
	struct credentials_maker maker = { load_for_source, free_chain, NULL };
	struct chain *c = calloc(1, sizeof(*c));
	int rc;

	*out = NULL;
	if (!c)
		return awsq_err_set(err, AWSQ_ENOMEM, "out of memory");
	if (options)
		c->options = *options;
	rc = load_settings(c, err);
	if (rc != 0) {
		free_chain(c);
		return rc;
	}
	maker.arg = c;
	return credentials_source_make(out, &maker, c->options.settings, c->options.clock,
		c->options.log, err);
}
