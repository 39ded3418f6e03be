#include "banned.h"

#include "cli/app_private.h"
#include "fleet/state.h"

#include <awsq/buf.h>

#include <dirent.h>
#include <errno.h>
#include <unistd.h>

#define MAX_LIST 300 /* bytes of instances' names, beyond which there are "..." */

/*
 * Each account has a ledger in a folder of its name, and the names come and go in regions.cfg. What
 * a killed run has left open in one that no account of today has, nothing can stop any more: the
 * credentials are not known. It can only be told, again and again.
 */

struct orphans {
	const char *dir;
	struct awsq_buf list;
	size_t n;
};

static void keep(void *arg, const struct ledger_run *run)
{
	struct orphans *o = arg;

	if (state_is_locked(o->dir, run->region))
		return; /* it is at work, by the regions.cfg of before */
	if (o->list.len < MAX_LIST)
		awsq_buf_addf(&o->list, "%s%s%s%s", o->n > 0 ? ", " : "", run->region,
			run->instance[0] ? " " : "", run->instance);
	o->n++;
}

static void tell(const struct app *app, const char *dir, const char *account)
{
	struct orphans o = { dir, AWSQ_BUF_INIT(4096), 0 };
	struct awsq_err err = { 0 };
	char *path = state_path(dir, LEDGER_FILE);
	int rc = 0;

	if (path && (access(path, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR)))
		rc = ledger_peek(path, keep, &o, &err);
	if (rc != 0)
		screen_error(app->screen, account,
			"%s; what killed runs may have left on there is not known", err.message);
	if (o.n > 0)
		screen_error(app->screen, account,
			"NOT LOOKED AFTER, and may be on: %s%s. regions.cfg %s: put that back and "
			"run 'list-runs', or see to them in EC2 and remove '%s'",
			awsq_buf_str(&o.list), o.list.len < MAX_LIST ? "" : " ...",
			account ? "does not list this account any more"
				: "had no accounts when they were started",
			path);
	awsq_buf_free(&o.list);
	free(path);
}

static int is_of_today(const struct app *app, const char *name)
{
	for (size_t i = 0; i < app->n_accounts; i++) {
		if (app->accounts[i].name && strcmp(app->accounts[i].name, name) == 0)
			return 1;
	}
	return 0;
}

static void tell_of_accounts(const struct app *app, const char *fleet_dir)
{
	struct dirent **entries = NULL;
	int n = scandir(fleet_dir, &entries, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		const char *name = entries[i]->d_name;
		char *dir = name[0] == '.' || is_of_today(app, name) ? NULL
		                                                     : state_path(fleet_dir, name);

		if (dir)
			tell(app, dir, name);
		free(dir);
		free(entries[i]);
	}
	free(entries);
}

void app_tell_orphans(const struct app *app)
{
	const struct account *first = &app->accounts[0];
	char *fleet_dir;

	if (!first->state_dir)
		return;
	fleet_dir = strdup(first->state_dir);
	if (fleet_dir && first->name) {
		*strrchr(fleet_dir, '/') = '\0';
		tell(app, fleet_dir, NULL);
	}
	if (fleet_dir)
		tell_of_accounts(app, fleet_dir);
	free(fleet_dir);
}
