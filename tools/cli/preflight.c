#include "banned.h"

#include "cli/preflight.h"

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
}

static void add_rows(struct table *table, const char *region, const struct checks *checks)
{
	for (size_t i = 0; i < checks->n; i++) {
		const struct check *c = &checks->items[i];

		table_add(table, region, c->name, check_word(c->result), c->detail);
	}
}

static void print_text(const struct app *app, const struct checks *account, struct awsq_buf *text)
{
	struct table *table = table_new(4);

	table_add(table, "REGION", "CHECK", "RESULT", "DETAIL");
	add_rows(table, NULL, account);
	for (size_t i = 0; i < app->n_tasks; i++)
		add_rows(table, app->tasks[i].region,
			&((const struct part *)app->tasks[i].data)->checks);
	table_print(text, table);
	table_free(table);
}

int preflight_run(struct app *app)
{
	struct awsq_buf text = AWSQ_BUF_INIT(64 * 1024 * 1024);
	struct desired desired = { 0 };
	struct checks account = { 0 };
	struct part *parts = calloc(app->n_tasks, sizeof(*parts));
	int pass;

	if (!parts)
		return EXIT_FAILED;
	for (size_t i = 0; i < app->n_tasks; i++) {
		parts[i].desired = &desired;
		app->tasks[i].data = &parts[i];
	}
	preflight_account(&account, &desired, &app->fleet);
	app_each(app, work);
	print_text(app, &account, &text);
	screen_print(app->screen, awsq_buf_str(&text));
	pass = checks_pass(&account);
	for (size_t i = 0; i < app->n_tasks; i++) {
		/* A region that nobody came to has no checks: the user has ended it. */
		pass = pass && parts[i].checks.n > 0 && checks_pass(&parts[i].checks);
		checks_free(&parts[i].checks);
		app->tasks[i].data = NULL;
	}
	free(parts);
	checks_free(&account);
	desired_free(&desired);
	awsq_buf_free(&text);
	return pass ? EXIT_OK : EXIT_FAILED;
}
