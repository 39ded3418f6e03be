#include "banned.h"

#include "cli/identity.h"
#include "cli/records.h"

#include <awsq/sts.h>

#define MAX_TEXT ((size_t)1024 * 1024)

struct seen {
	struct awsq_sts_identity identity;
	const char *provider;
	char expires[AWSQ_TIME_ISO]; /* "" where it is not known, or never */
};

/* Any region of the partition can tell; without a configuration the user's own, or the first. */
static const char *region_of(const struct app *app, const struct account *account)
{
	if (app->config.home)
		return app->config.home;
	return account->settings.region ? account->settings.region : "us-east-1";
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
	int rc = region_open(&r, &fleet, region_of(app, account), err);

	if (rc == 0) {
		awsq_sts_get_caller_identity(&call, &s->identity);
		rc = region_call(&r, &call, err);
		if (rc != 0)
			region_explain(&r, err, "tell whose credentials these are");
	}
	region_close(&r);
	if (rc == 0)
		rc = awsq_credentials_source_get(account->source, &used, err);
	s->provider = used.source;
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
	awsq_buf_addf(out, "account   %s\narn       %s\nprovider  %s\n", s->identity.account,
		s->identity.arn, s->provider);
	if (s->expires[0])
		awsq_buf_addf(out, "expires   %s\n", s->expires);
}

static int add_json(struct awsq_buf *out, const struct account *account, const struct seen *s,
	int is_first)
{
	const struct record_value values[] = {
		{ "name", account->name ? RECORD_TEXT : RECORD_NULL, account->name, 0 },
		{ "account", RECORD_TEXT, s->identity.account, 0 },
		{ "arn", RECORD_TEXT, s->identity.arn, 0 },
		{ "user_id", s->identity.user_id ? RECORD_TEXT : RECORD_NULL, s->identity.user_id,
			0 },
		{ "provider", RECORD_TEXT, s->provider, 0 },
		{ "expires", s->expires[0] ? RECORD_TEXT : RECORD_NULL, s->expires, 0 },
	};

	return record_json(out, values, sizeof(values) / sizeof(values[0]), is_first);
}

/* One account's part; whether it could be told. */
static int show(struct awsq_buf *out, struct app *app, struct account *account, int as_json,
	int is_first)
{
	struct seen s = { .provider = "" };
	struct awsq_err err = { 0 };
	int rc = look(&s, app, account, &err);

	if (rc == 0 && (!s.identity.account || !s.identity.arn))
		rc = awsq_err_set(&err, AWSQ_EPARSE,
			"AWS does not say whose credentials these are");
	if (rc == 0 && as_json)
		rc = add_json(out, account, &s, is_first);
	else if (rc == 0)
		add_text(out, account, &s);
	if (rc != 0)
		screen_error(app->screen, account->name, "%s",
			err.message[0] ? err.message : awsq_strerror(rc));
	app->canceled |= rc == AWSQ_ECANCELED;
	awsq_sts_free_identity(&s.identity);
	return rc == 0;
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
		/* One that could not be entered has said why. */
		if (app->accounts[i].err.code == 0 &&
			show(&text, app, &app->accounts[i], as_json, shown == 0))
			shown++;
		else
			status = EXIT_FAILED;
	}
	if (as_json && rc == 0)
		record_json_end(&text);
	if (app_print(app, &text, rc) != 0)
		status = EXIT_FAILED;
	return status;
}
