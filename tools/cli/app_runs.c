#include "banned.h"

#include "cli/app_private.h"
#include "fleet/grow.h"
#include "runs/metrics.h"

const char *app_no_ledger(const struct app *app)
{
	for (size_t i = 0; i < app->n_accounts; i++) {
		if (app->accounts[i].chosen && !app->accounts[i].ledger)
			return app->accounts[i].no_ledger;
	}
	return NULL;
}

int app_write_metrics(const struct app *app, struct awsq_err *err)
{
	struct metrics_part *parts = calloc(app->n_accounts, sizeof(*parts));
	int64_t now = awsq_wall_ms();
	int rc;

	if (!parts)
		return awsq_err_set(err, AWSQ_ENOMEM, "out of memory");
	for (size_t i = 0; i < app->n_accounts; i++) {
		parts[i].account = app->accounts[i].name;
		parts[i].ledger = app->accounts[i].ledger;
	}
	rc = metrics_write(app->options.metrics, parts, app->n_accounts, app->config.name, now,
		err);
	free(parts);
	return rc;
}

int app_find_run(struct ledger_run *out, struct account **whose, const struct app *app,
	const struct ledger_filter *filter, struct awsq_err *err)
{
	struct awsq_err one = { 0 };
	struct ledger_run run;

	*whose = NULL;
	for (size_t i = 0; i < app->n_accounts; i++) {
		struct account *account = &app->accounts[i];
		int rc = account->chosen ? ledger_find(&run, account->ledger, filter, &one)
		                         : AWSQ_ENOTFOUND;

		if (rc != 0 && rc != AWSQ_ENOTFOUND) {
			*err = one;
			return rc;
		}
		if (rc == 0 && *whose && filter->id)
			return awsq_err_set(err, AWSQ_EINVAL,
				"'%s' is the beginning of several runs' ids, such as '%s' and '%s'",
				filter->id, out->id, run.id);
		if (rc == 0 && (!*whose || run.asked_ms > out->asked_ms)) {
			*whose = account;
			*out = run;
		}
	}
	if (*whose)
		return 0;
	*err = one;
	return AWSQ_ENOTFOUND;
}

/* ---- Lists */

struct found {
	struct account *account;
	struct ledger_run run;
};

struct merging {
	struct account *account;
	struct found *found;
	size_t n;
	int (*each)(void *arg, struct account *account, const struct ledger_run *run);
	void *arg;
};

static int pass_on(void *arg, const struct ledger_run *run)
{
	const struct merging *m = arg;

	return m->each(m->arg, m->account, run);
}

static int keep(void *arg, const struct ledger_run *run)
{
	struct merging *m = arg;
	struct found *more = grow(m->found, m->n, sizeof(*more));

	if (!more)
		return AWSQ_ENOMEM;
	m->found = more;
	m->found[m->n++] = (struct found){ m->account, *run };
	return 0;
}

/* The latest first; of one moment, as the accounts are in regions.cfg. */
static int compare(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	if (x->run.asked_ms != y->run.asked_ms)
		return x->run.asked_ms < y->run.asked_ms ? 1 : -1;
	return x->account == y->account ? 0 : (x->account < y->account ? -1 : 1);
}

/* All are kept until all are there: each ledger has its own order alone. */
static int merge(struct merging *m, const struct app *app, const struct ledger_filter *filter,
	struct awsq_err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < app->n_accounts; i++) {
		m->account = &app->accounts[i];
		if (m->account->chosen)
			rc = ledger_list(m->account->ledger, filter, keep, m, err);
	}
	if (rc == AWSQ_ENOMEM)
		awsq_err_set(err, rc, "out of memory");
	if (rc == 0 && m->n > 0)
		qsort(m->found, m->n, sizeof(*m->found), compare);
	if (filter->limit > 0 && m->n > (size_t)filter->limit)
		m->n = (size_t)filter->limit;
	for (size_t i = 0; rc == 0 && i < m->n; i++)
		rc = m->each(m->arg, m->found[i].account, &m->found[i].run);
	free(m->found);
	return rc;
}

int app_list_runs(const struct app *app, const struct ledger_filter *filter,
	int (*each)(void *arg, struct account *account, const struct ledger_run *run), void *arg,
	struct awsq_err *err)
{
	struct merging m = { .account = &app->accounts[0], .each = each, .arg = arg };

	if (app->n_accounts > 1)
		return merge(&m, app, filter, err);
	return ledger_list(m.account->ledger, filter, pass_on, &m, err);
}
