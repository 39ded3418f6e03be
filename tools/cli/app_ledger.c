#include "banned.h"

#include "cli/app_private.h"
#include "fleet/state.h"
#include "fleet/text.h"
#include "runs/reap.h"

#define RUNS (TOOL_JOB | TOOL_RUN | TOOL_ROTATE)

void app_open_ledger(struct app *app, struct account *account)
{
	struct awsq_err err = { 0 };
	char note[512];

	if (!account->state_dir)
		return;
	if (ledger_open(&account->ledger, account->state_dir, note, sizeof(note), &err) != 0) {
		text_format(account->no_ledger, sizeof(account->no_ledger), "%s", err.message);
		if (!(app->tool->help.id & RUNS))
			screen_error(app->screen, account->name,
				"%s; what killed runs may have left on is not looked for",
				err.message);
	}
	if (note[0])
		screen_error(app->screen, account->name, "%s", note);
}

static int is_left(void *arg, const struct ledger_run *run)
{
	const struct account *account = arg;

	return !state_is_locked(account->state_dir, run->region);
}

/* Whether any run is open that nobody is at: in nearly all cases that is all there is to ask. */
static int are_left(struct account *account)
{
	struct ledger_filter filter = { .open_only = 1 };
	struct awsq_err ignored;

	return account->ledger &&
	       ledger_list(account->ledger, &filter, is_left, account, &ignored) == 1;
}

/*
 * The account's regions that the tool itself is about to look after: a run takes an instance over
 * without stopping it first. A rotation does not come to all of its regions.
 */
static size_t own_regions(const struct app *app, const struct account *account, const char **out)
{
	size_t n = 0;

	if (app->options.attach && account->chosen) {
		for (size_t i = 0; i < app->config.n_regions; i++)
			out[n++] = app->config.regions[i].name;
	} else if (app->tool->help.id & (TOOL_RUN | TOOL_STOP)) {
		for (size_t i = 0; i < app->n_tasks; i++)
			if (app->tasks[i].account == account)
				out[n++] = app->tasks[i].region;
	}
	return n;
}

static void reap(struct app *app, struct account *account, int all)
{
	const char **own;
	struct awsq_err err = { 0 };

	if (!are_left(account))
		return;
	if (!account->loaded && app_load_aws(app, account, &err) != 0) {
		screen_error(app->screen, account->name,
			"runs were left behind, and what they have left on cannot be stopped: %s",
			err.message);
		app->canceled |= err.code == AWSQ_ECANCELED;
		return;
	}
	own = calloc(app->config.n_regions + app->n_tasks + 1, sizeof(*own));
	if (own)
		reap_overdue(account->ledger, &account->fleet, own,
			all ? 0 : own_regions(app, account, own));
	free(own);
}

/* In the accounts that are not chosen too: nothing stays on for that. */
void app_reap(struct app *app, int all)
{
	for (size_t i = 0; i < app->n_accounts; i++)
		reap(app, &app->accounts[i], all);
}
