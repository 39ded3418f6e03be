#include "banned.h"

#include "cli/preflight.h"

#include "cli/json.h"
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

/* Of permissions, only those that are missing have a row each. */
static void add_permissions(struct table *table, const char *region, const struct checks *checks)
{
	struct awsq_buf text = AWSQ_BUF_INIT(16384);
	size_t n = list_permissions(NULL, checks, CHECK_PASS);
	char permitted[64];

	(void)snprintf(permitted, sizeof(permitted), "%zu permitted", n);
	if (n > 0)
		table_add(table, region, "permissions", check_word(CHECK_PASS), permitted);
	if (list_permissions(NULL, checks, CHECK_UNKNOWN) > 0) {
		awsq_buf_adds(&text, "not told by AWS (--output=json has why): ");
		(void)list_permissions(&text, checks, CHECK_UNKNOWN);
		table_add(table, region, "permissions", check_word(CHECK_UNKNOWN),
			awsq_buf_str(&text));
	}
	awsq_buf_free(&text);
}

static void add_rows(struct table *table, const char *region, const struct checks *checks)
{
	for (size_t i = 0; i < checks->n; i++) {
		const struct check *c = &checks->items[i];

		if (!c->is_permission || c->result == CHECK_FAIL)
			table_add(table, region, c->name, check_word(c->result), c->detail);
	}
	add_permissions(table, region, checks);
}

static const struct checks *checks_of(const struct app *app, size_t i)
{
	return &((const struct part *)app->tasks[i].data)->checks;
}

static void print_text(const struct app *app, const struct checks *account, struct awsq_buf *text)
{
	struct table *table = table_new(4);

	table_add(table, "REGION", "CHECK", "RESULT", "DETAIL");
	add_rows(table, NULL, account);
	for (size_t i = 0; i < app->n_tasks; i++)
		add_rows(table, app->tasks[i].region, checks_of(app, i));
	table_print(text, table);
	table_free(table);
}

static int print_json(const struct app *app, const struct checks *account, const char *account_id,
	struct awsq_buf *text)
{
	struct json_report *j = json_new(app->config.name, account_id);
	int rc;

	if (j)
		json_add_checks(j, NULL, account);
	for (size_t i = 0; j && i < app->n_tasks; i++)
		json_add_checks(j, app->tasks[i].region, checks_of(app, i));
	rc = j ? json_print(text, j) : AWSQ_ENOMEM;
	json_free(j);
	return rc;
}

int preflight_run(struct app *app)
{
	struct awsq_buf text = AWSQ_BUF_INIT(64 * 1024 * 1024);
	struct desired desired = { 0 };
	struct checks account = { 0 };
	struct part *parts = calloc(app->n_tasks, sizeof(*parts));
	int pass, rc = 0;

	if (!parts)
		return EXIT_FAILED;
	for (size_t i = 0; i < app->n_tasks; i++) {
		parts[i].desired = &desired;
		app->tasks[i].data = &parts[i];
	}
	preflight_account(&account, &desired, &app->fleet);
	if (signals_caught() == 0)
		app_each(app, work);
	app->canceled |= signals_caught() != 0;
	if (strcmp(app->options.output, "json") == 0)
		rc = print_json(app, &account, desired.identity.account, &text);
	else
		print_text(app, &account, &text);
	pass = app_print(app, &text, rc) == 0 && checks_pass(&account);
	for (size_t i = 0; i < app->n_tasks; i++) {
		/* A region that nobody came to has no checks: the user has ended it. */
		pass = pass && parts[i].checks.n > 0 && checks_pass(&parts[i].checks);
		checks_free(&parts[i].checks);
		app->tasks[i].data = NULL;
	}
	free(parts);
	checks_free(&account);
	desired_free(&desired);
	return pass ? EXIT_OK : EXIT_FAILED;
}
