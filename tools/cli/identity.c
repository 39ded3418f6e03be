#include "banned.h"

#include "cli/identity.h"
#include "cli/records.h"

#include <awsq/sts.h>

#define MAX_TEXT ((size_t)1024 * 1024)

struct seen {
	struct awsq_sts_identity identity;
	const char *provider;        /* "": none had any */
	const char *profile;         /* that this was told by; NULL: by none */
	char expires[AWSQ_TIME_ISO]; /* "" where it is not known, or never */
};

const char *identity_region(const struct app *app, const struct account *account)
{
	if (app->config.home)
		return app->config.home;
	return account->settings.region ? account->settings.region : "us-east-1";
}

/* Those that go by what a profile says; others never look at it, or need not. */
static int is_of_profile(const char *provider)
{
	static const char *const names[] = { "assumed role", "SSO", "shared credentials file",
		"credential_process", "config file" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i], provider) == 0)
			return 1;
	}
	return 0;
}

/* Where a role of regions.cfg was not assumed, it is those that it was tried with. */
static void name_provider(struct seen *s, const struct app *app, const struct account *account)
{
	int is_role = account->config && account->config->role_arn;

	s->provider = awsq_credentials_source_name(account->source);
	if (is_role && !s->provider[0]) {
		s->provider = awsq_credentials_source_name(app->base);
		is_role = 0;
	}
	s->profile = !is_role && is_of_profile(s->provider) ? account->settings.profile : NULL;
}

static int look(struct seen *s, struct app *app, struct account *account, struct awsq_err *err)
{
	struct fleet fleet = { .config = &app->config,
		.settings = &account->settings,
		.source = account->source,
		.report = screen_report(app->screen),
		.log = &app->log,
		.cancel_fd = app->cancel_fd,
		.account = account->name };
	struct awsq_credentials used = { 0 };
	struct awsq_call call;
	struct region r;
	int rc = region_open(&r, &fleet, identity_region(app, account), err);

	if (rc == 0) {
		awsq_sts_get_caller_identity(&call, &s->identity);
		rc = region_call(&r, &call, err);
		if (rc != 0)
			region_explain(&r, err, "tell whose credentials these are");
	}
	region_close(&r);
	if (rc == 0)
		rc = awsq_credentials_source_get_until(account->source, app->cancel_fd, &used, err);
	if (used.expires)
		awsq_time_iso(s->expires, used.expires);
	awsq_credentials_free(&used);
	return rc;
}

static void add_text(struct awsq_buf *out, const struct account *account, const struct seen *s)
{
	if (out->len > 0)
		awsq_buf_addc(out, '\n');
	if (account->name)
		awsq_buf_addf(out, "name      %s\n", account->name);
	if (s->identity.account)
		awsq_buf_addf(out, "account   %s\narn       %s\n", s->identity.account,
			s->identity.arn);
	awsq_buf_addf(out, "provider  %s\n", s->provider);
	if (s->profile)
		awsq_buf_addf(out, "profile   %s\n", s->profile);
	if (s->expires[0])
		awsq_buf_addf(out, "expires   %s\n", s->expires);
}

static struct record_value text_or_null(const char *name, const char *text)
{
	return (struct record_value){ name, text && *text ? RECORD_TEXT : RECORD_NULL, text, 0 };
}

/* error may be NULL. */
static int add_json(struct awsq_buf *out, const struct account *account, const struct seen *s,
	const char *error, int is_first)
{
	const struct record_value values[] = {
		text_or_null("name", account->name),
		text_or_null("account", s->identity.account),
		text_or_null("arn", s->identity.arn),
		text_or_null("user_id", s->identity.user_id),
		text_or_null("provider", s->provider),
		text_or_null("profile", s->profile),
		text_or_null("expires", s->expires),
		text_or_null("error", error),
	};

	return record_json(out, values, sizeof(values) / sizeof(values[0]), is_first);
}

/* Asks, unless it could not be entered, which has been said. */
static int ask(struct seen *s, struct app *app, struct account *account, struct awsq_err *err)
{
	int rc;

	*err = account->err;
	if (err->code != 0)
		return err->code;
	rc = look(s, app, account, err);
	if (rc == 0 && (!s->identity.account || !s->identity.arn))
		rc = awsq_err_set(err, AWSQ_EPARSE, "AWS does not say whose credentials these are");
	if (rc != 0) {
		awsq_sts_free_identity(&s->identity);
		if (!err->message[0])
			(void)awsq_err_set(err, rc, "%s", awsq_strerror(rc));
		screen_error(app->screen, account->name, "%s", err->message);
	}
	app->canceled |= rc == AWSQ_ECANCELED;
	return rc;
}

/* One account's part: 0, or why it could not be told. */
static int show(struct awsq_buf *out, struct app *app, struct account *account, int as_json,
	int is_first)
{
	struct seen s = { .provider = "" };
	struct awsq_err err;
	int rc = ask(&s, app, account, &err);

	name_provider(&s, app, account);
	if (as_json) {
		int failed = add_json(out, account, &s, rc == 0 ? NULL : err.message, is_first);

		rc = rc == 0 ? failed : rc;
	} else if (rc == 0 || s.provider[0]) {
		add_text(out, account, &s);
	}
	awsq_sts_free_identity(&s.identity);
	return rc;
}

int identity_show(struct app *app)
{
	struct awsq_buf text = AWSQ_BUF_INIT(MAX_TEXT);
	int as_json = strcmp(app->options.output, "json") == 0;
	int status = EXIT_OK, shown = 0, rc = 0;

	if (as_json)
		rc = record_json_begin(&text, app->config.name, "identities");
	for (size_t i = 0; rc == 0 && i < app->n_accounts; i++) {
		if (!app->accounts[i].chosen)
			continue;
		if (show(&text, app, &app->accounts[i], as_json, shown++ == 0) != 0)
			status = EXIT_FAILED;
	}
	if (as_json && rc == 0)
		record_json_end(&text);
	if (app_print(app, &text, rc) != 0)
		status = EXIT_FAILED;
	return status;
}
