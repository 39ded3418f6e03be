#include "banned.h"

#include "cli/app_private.h"
#include "cli/ask.h"
#include "cli/identity.h"
#include "fleet/state.h"

#include <awsq/endpoint.h>

#include <pthread.h>

/*
 * For a round of calls, of which a look makes two, in a region that nobody has asked for by name:
 * one that cannot be reached holds up the end for a moment only, and lists of any length fit.
 */
#define EVERYWHERE_ROUND_MS 20000

/* ---- Which there are */

static void no_account(const struct app *app, const char *name, int len)
{
	const char *path = app->config.path;

	if (path)
		screen_error(app->screen, NULL, "'%.*s' is not among the accounts of %s%s", len,
			name, path, app->config.n_accounts ? "" : ", which has none");
	else
		screen_error(app->screen, NULL,
			"'%.*s' is no account: they are those of a regions.cfg, and none was "
			"found; name one with --config or $AWSQ_CONFIG",
			len, name);
}

/* Chooses those in a list of names with commas between them. */
static int choose(struct app *app, const char *names)
{
	size_t len;

	for (const char *name = names;; name += len + 1) {
		size_t i = 0;

		len = strcspn(name, ",");
		while (i < app->config.n_accounts &&
			(strncmp(app->accounts[i].name, name, len) != 0 ||
				app->accounts[i].name[len]))
			i++;
		if (i == app->config.n_accounts) {
			no_account(app, name, (int)len);
			return EXIT_USAGE;
		}
		app->accounts[i].chosen = 1;
		if (!name[len])
			return 0;
	}
}

int app_choose_accounts(struct app *app)
{
	const struct options_list *names = &app->options.accounts;
	const struct config *c = &app->config;
	int rc = 0;

	app->n_accounts = c->n_accounts ? c->n_accounts : 1;
	app->accounts = calloc(app->n_accounts, sizeof(*app->accounts));
	if (!app->accounts)
		return EXIT_FAILED;
	for (size_t i = 0; i < app->n_accounts; i++) {
		app->accounts[i].config = c->n_accounts ? &c->accounts[i] : NULL;
		app->accounts[i].name = c->n_accounts ? c->accounts[i].name : NULL;
		app->accounts[i].chosen = names->n == 0;
	}
	for (size_t i = 0; rc == 0 && i < names->n; i++)
		rc = choose(app, names->items[i]);
	return rc;
}

void app_free_accounts(struct app *app)
{
	for (size_t i = 0; i < app->n_accounts; i++) {
		struct account *account = &app->accounts[i];

		desired_free(&account->desired);
		awsq_ec2_free_regions(&account->regions);
		awsq_credentials_source_free(account->source);
		ledger_close(account->ledger);
		free(account->state_dir);
	}
	awsq_credentials_source_free(app->base);
	/* What the sources used to the last. */
	for (size_t i = 0; i < app->n_accounts; i++)
		awsq_settings_free(&app->accounts[i].settings);
	free(app->accounts);
}

struct account *app_account(const struct app *app, const struct region *r)
{
	size_t i = 0;

	while (i + 1 < app->n_accounts && &app->accounts[i].fleet != r->fleet)
		i++;
	return &app->accounts[i];
}

struct json_report *app_new_json(const struct app *app)
{
	const struct account *only = &app->accounts[0];

	return json_new(app->config.name, only->name ? NULL : only->desired.identity.account);
}

void app_json_of(struct json_report *j, const struct account *account)
{
	if (account->name)
		json_set_account(j, account->name, account->desired.identity.account);
}

/* ---- Settings and credentials */

/* One URL for all services, in the place of whatever the settings say. */
static int override_endpoints(struct awsq_settings *s, const char *url)
{
	char **urls[] = { &s->endpoint_url_ec2, &s->endpoint_url_iam, &s->endpoint_url_sts,
		&s->endpoint_url_kms, &s->endpoint_url_service_quotas, &s->endpoint_url_ssm };

	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		free(*urls[i]);
		*urls[i] = strdup(url);
		if (!*urls[i])
			return AWSQ_ENOMEM;
	}
	return 0;
}

/* That there are some is better said at once, and a code asked for before anything begins. */
static int look_once(const struct app *app, struct awsq_credentials_source *source,
	struct awsq_err *err)
{
	struct awsq_credentials first = { 0 };
	int rc = awsq_credentials_source_get_until(source, app->cancel_fd, &first, err);

	awsq_credentials_free(&first);
	return rc;
}

/* A role's are looked for by who needs them: its account alone is lost when it is refused. */
static int make_source(struct app *app, struct account *account,
	const struct awsq_credentials_options *options, struct awsq_err *err)
{
	const struct config_account *config = account->config;
	int rc = 0;

	if (!config || !config->role_arn) {
		rc = awsq_credentials_source_new(&account->source, options, err);
		return rc == 0 ? look_once(app, account->source, err) : rc;
	}
	if (!app->base)
		rc = awsq_credentials_source_new(&app->base, options, err);
	if (rc == 0)
		rc = look_once(app, app->base, err);
	if (rc == 0)
		rc = awsq_credentials_source_new_role(&account->source, app->base,
			&(struct awsq_role){
				.arn = config->role_arn, .external_id = config->external_id },
			options, err);
	return rc;
}

/* The settings of all roles' accounts are the same, since they are those of --profile. */
static int load_credentials(struct app *app, struct account *account, const char *profile,
	struct awsq_err *err)
{
	struct awsq_credentials_options options = { .profile = profile,
		.settings = &account->settings,
		.region = identity_region(app, account),
		.log = &app->log,
		.ask = ask_is_possible() ? ask_for_code : NULL,
		.arg = &app->cancel_fd };
	int rc = make_source(app, account, &options, err);

	/* It may be loaded again: to reap what is left behind. */
	if (rc != 0) {
		awsq_credentials_source_free(account->source);
		account->source = NULL;
	}
	return rc;
}

int app_load_aws(struct app *app, struct account *account, struct awsq_err *err)
{
	const struct options *o = &app->options;
	struct awsq_settings *settings = &account->settings;
	const char *profile =
		account->config && account->config->profile ? account->config->profile : o->profile;
	struct awsq_endpoint endpoint;
	int rc;

	awsq_settings_free(settings); /* of a time before, which failed */
	rc = awsq_settings_load(settings, profile, &awsq_environment_process, err);
	if (rc == 0 && o->endpoint_url && override_endpoints(settings, o->endpoint_url) != 0)
		rc = awsq_err_set(err, AWSQ_ENOMEM, "out of memory");
	/* A URL that is of no use is better said before anything begins. */
	if (rc == 0 && app->config.home)
		rc = awsq_endpoint_resolve(&endpoint, "ec2", app->config.home,
			&(struct awsq_endpoint_options){
				settings->fips, settings->dualstack, settings->endpoint_url_ec2 },
			err);
	if (rc == 0)
		rc = load_credentials(app, account, profile, err);
	account->fleet.source = account->source;
	account->loaded = rc == 0;
	return rc;
}

/* ---- What their regions share */

/* Its own folder is in the fleet's, which is made first, as it is nobody else's business either. */
static int open_state(struct app *app, struct account *account, struct awsq_err *err)
{
	const char *option = app->options.state_dir;
	char name[256];
	int rc = state_open(&account->state_dir, option, app->config.name, err);

	if (rc != 0 || !account->name)
		return rc;
	free(account->state_dir);
	(void)snprintf(name, sizeof(name), "%s/%s", app->config.name, account->name);
	return state_open(&account->state_dir, option, name, err);
}

static int open_account(struct app *app, struct account *account, struct awsq_err *err)
{
	const struct options *o = &app->options;

	if (open_state(app, account, err) != 0 && !(app->tool->needs & NEEDS_NO_STATE))
		return -1;
	account->fleet = (struct fleet){ .config = &app->config,
		.settings = &account->settings,
		.source = account->source,
		.report = screen_report(app->screen),
		.log = &app->log,
		.state_dir = account->state_dir,
		.cancel_fd = app->cancel_fd,
		.run_timeout_ms = o->everywhere ? EVERYWHERE_ROUND_MS : 0,
		.account = account->name };
	return 0;
}

int app_open_accounts(struct app *app, struct awsq_err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < app->n_accounts; i++)
		rc = open_account(app, &app->accounts[i], err);
	return rc;
}

/* ---- All at once */

struct preparation {
	struct app *app;
	struct account *account;
	int (*prepare)(struct app *app, struct account *account, struct awsq_err *err);
	pthread_t thread;
	int started;
};

static void *work(void *arg)
{
	struct preparation *p = arg;
	struct account *account = p->account;

	if (p->prepare(p->app, account, &account->err) != 0 && account->name)
		screen_error(p->app->screen, account->name, "%s", account->err.message);
	return NULL;
}

/* One that could not be entered has said so. */
static int is_wanted(const struct account *account)
{
	return account->chosen && account->err.code == 0;
}

int app_prepare(struct app *app,
	int (*prepare)(struct app *app, struct account *account, struct awsq_err *err))
{
	struct preparation *all = calloc(app->n_accounts, sizeof(*all));

	if (!all)
		return EXIT_FAILED;
	for (size_t i = 0; i < app->n_accounts; i++) {
		all[i] = (struct preparation){ app, &app->accounts[i], prepare, 0, 0 };
		/* The last one needs no other thread than this. */
		all[i].started = i + 1 < app->n_accounts && is_wanted(all[i].account) &&
		                 pthread_create(&all[i].thread, NULL, work, &all[i]) == 0;
	}
	for (size_t i = app->n_accounts; i-- > 0;) {
		if (all[i].started)
			(void)pthread_join(all[i].thread, NULL);
		else if (is_wanted(all[i].account))
			(void)work(&all[i]);
	}
	free(all);
	if (!app->accounts[0].name && app->accounts[0].err.code != 0)
		return app_fail(app, EXIT_FAILED, &app->accounts[0].err);
	return 0;
}
