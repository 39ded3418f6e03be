#include "banned.h"

#include "cli/preflight.h"

#include "cli/signals.h"
#include "cli/table.h"
#include "fleet/preflight.h"

/* A task's data: its region's checks, and what they begin with. */
struct part {
	const struct desired *desired;
	struct checks checks;
};

static void work(struct app *app, struct region *r, struct task *task)
{
	struct part *part = task->data;

	(void)app;
	preflight_region(&part->checks, part->desired, r);
	task->canceled = signals_caught() != 0;
}

/* The names of the permissions with that result, or (names is NULL) only how many they are. */
static size_t list_permissions(struct awsq_buf *names, const struct checks *checks,
	enum check_result result)
{
	size_t n = 0;

	for (size_t i = 0; i < checks->n; i++) {
		const struct check *c = &checks->items[i];

		if (!c->is_permission || c->result != result)
			continue;
		if (names)
			awsq_buf_addf(names, "%s%s", n ? ", " : "", c->name);
		n++;
	}
	return n;
}

static void add_row(struct table *table, const char *region, const char *name,
	enum check_result result, const char *detail)
{
	static const enum paint paints[] = {
		[CHECK_PASS] = PAINT_GOOD,
		[CHECK_FAIL] = PAINT_BAD,
		[CHECK_UNKNOWN] = PAINT_CARE,
	};

	table_add(table, region, name, check_word(result), detail);
	table_paint(table, 2, paints[result]);
}

/* Of permissions, only those that are missing have a row each. */
static void add_permissions(struct table *table, const char *region, const struct checks *checks)
{
	struct awsq_buf text = AWSQ_BUF_INIT(16384);
	size_t n = list_permissions(NULL, checks, CHECK_PASS);
	char permitted[64];

	(void)snprintf(permitted, sizeof(permitted), "%zu permitted", n);
	if (n > 0)
		add_row(table, region, "permissions", CHECK_PASS, permitted);
	if (list_permissions(NULL, checks, CHECK_UNKNOWN) > 0) {
		awsq_buf_adds(&text, "not told by AWS (--output=json has why): ");
		(void)list_permissions(&text, checks, CHECK_UNKNOWN);
		add_row(table, region, "permissions", CHECK_UNKNOWN, awsq_buf_str(&text));
	}
	awsq_buf_free(&text);
}

static void add_rows(struct table *table, const char *region, const struct checks *checks)
{
	for (size_t i = 0; i < checks->n; i++) {
		const struct check *c = &checks->items[i];

		if (!c->is_permission || c->result == CHECK_FAIL)
			add_row(table, region, c->name, c->result, c->detail);
	}
	add_permissions(table, region, checks);
}

/* All that was checked: of each account (chosen or not), and what hangs on it. */
struct preflight {
	struct checks *accounts;
	struct part *parts; /* a task's each */
};

static void print_text(const struct app *app, const struct preflight *p, struct awsq_buf *text)
{
	struct table *table = table_new(4);

	table_add(table, "REGION", "CHECK", "RESULT", "DETAIL");
	for (size_t i = 0; i < app->n_accounts; i++)
		add_rows(table, app->accounts[i].name, &p->accounts[i]);
	for (size_t i = 0; i < app->n_tasks; i++)
		add_rows(table, app->tasks[i].name, &p->parts[i].checks);
	table_show(text, table, 0, 0);
	table_free(table);
}

static int print_json(const struct app *app, const struct preflight *p, struct awsq_buf *text)
{
	struct json_report *j = app_new_json(app);
	int rc;

	for (size_t i = 0; j && i < app->n_accounts; i++) {
		app_json_of(j, &app->accounts[i]);
		if (app->accounts[i].chosen)
			json_add_checks(j, NULL, &p->accounts[i]);
	}
	for (size_t i = 0; j && i < app->n_tasks; i++) {
		app_json_of(j, app->tasks[i].account);
		json_add_checks(j, app->tasks[i].region, &p->parts[i].checks);
	}
	rc = j ? json_print(text, j) : AWSQ_ENOMEM;
	json_free(j);
	return rc;
}

static int print(struct app *app, const struct preflight *p)
{
	struct awsq_buf text = AWSQ_BUF_INIT(64 * 1024 * 1024);
	int rc = 0;

	if (strcmp(app->options.output, "json") == 0)
		rc = print_json(app, p, &text);
	else
		print_text(app, p, &text);
	return app_print(app, &text, rc);
}

static void check(struct app *app, struct preflight *p)
{
	for (size_t i = 0; i < app->n_tasks; i++) {
		struct task *task = &app->tasks[i];

		p->parts[i].desired = &task->account->desired;
		task->data = &p->parts[i];
	}
	for (size_t i = 0; i < app->n_accounts; i++) {
		struct account *account = &app->accounts[i];

		if (account->chosen && signals_caught() == 0)
			preflight_account(&p->accounts[i], &account->desired, &account->fleet);
	}
	if (signals_caught() == 0)
		app_each(app, work);
	app->canceled |= signals_caught() != 0;
}

int preflight_run(struct app *app)
{
	struct preflight p = { calloc(app->n_accounts, sizeof(*p.accounts)),
		calloc(app->n_tasks, sizeof(*p.parts)) };
	int pass = 0;

	if (p.accounts && p.parts) {
		check(app, &p);
		pass = print(app, &p) == 0;
	}
	for (size_t i = 0; p.accounts && i < app->n_accounts; i++) {
		pass = pass && checks_pass(&p.accounts[i]);
		checks_free(&p.accounts[i]);
	}
	for (size_t i = 0; p.accounts && p.parts && i < app->n_tasks; i++) {
		/* A region that nobody came to has no checks: the user has ended it. */
		pass = pass && p.parts[i].checks.n > 0 && checks_pass(&p.parts[i].checks);
		checks_free(&p.parts[i].checks);
		app->tasks[i].data = NULL;
	}
	free(p.accounts);
	free(p.parts);
	return pass ? EXIT_OK : EXIT_FAILED;
}
