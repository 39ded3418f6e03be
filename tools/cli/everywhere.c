#include "banned.h"

#include "cli/everywhere.h"

#include "cli/table.h"
#include "cli/wrap.h"
#include "fleet/text.h"

#include <inttypes.h>
#include <unistd.h>

/* ---- A report, as text or JSON */

struct report_of_all {
	struct table *table;   /* text */
	struct json_report *j; /* or JSON; the other one is NULL */
	struct inventory_totals totals;
};

static void add_rows(struct table *table, const char *region, enum place place,
	const struct inventory *inventory)
{
	static const char *const places[] = { "home: kept", "in regions.cfg",
		"not in regions.cfg" };

	for (size_t i = 0; i < inventory->n; i++) {
		const struct item *item = &inventory->items[i];
		char gib[24] = "", why[400];

		if (item_takes_space(item->kind))
			(void)snprintf(gib, sizeof(gib), "%" PRId64, item->gib);
		text_format(why, sizeof(why), "%s%s%s; %s", item->why, item->remark[0] ? "; " : "",
			item->remark, places[place]);
		table_add(table, region, item_kind_word(item->kind), item->id, item->state, gib,
			why);
		if (place == PLACE_STRAY)
			table_paint(table, 5, PAINT_CARE);
	}
}

static void add_error(struct report_of_all *all, const struct task *task)
{
	const struct inventory none = { NULL, 0 };

	all->totals.regions_unread++;
	if (all->j) {
		json_add_inventory(all->j, task->region, task->detail, PLACE_STRAY, &none);
	} else {
		table_add(all->table, task->name, "error", "", "", "", task->detail);
		table_paint(all->table, 1, PAINT_BAD);
	}
}

/* A region that has nothing is counted and not shown. */
static int add_region(struct report_of_all *all, const struct app *app, const struct task *task)
{
	enum place place = inventory_place(&app->config, task->region);
	const struct look *look = task->data;
	struct inventory inventory;
	int rc;

	/* A plan that is blocked is no reason to doubt what it was made from. */
	if (all->j)
		app_json_of(all->j, task->account);
	if (!look || (task->status != EXIT_OK && !look->plan.blocked[0])) {
		add_error(all, task);
		return 0;
	}
	rc = inventory_take(&inventory, &look->observed, &app->config, task->region);
	inventory_count(&all->totals, &inventory, place);
	if (inventory.n > 0 && all->j)
		json_add_inventory(all->j, task->region, NULL, place, &inventory);
	else
		add_rows(all->table, task->name, place, &inventory);
	inventory_free(&inventory);
	return rc;
}

static void add_totals(struct awsq_buf *text, const struct inventory_totals *t)
{
	struct awsq_buf line = AWSQ_BUF_INIT(1024);

	awsq_buf_addf(&line,
		"total: %" PRId64 " GiB in volumes, %" PRId64
		" GiB in snapshots; outside home and regions.cfg: %zu of %zu; regions read: "
		"%zu of %zu",
		t->volumes_gib, t->snapshots_gib, t->strays, t->items, t->regions_read,
		t->regions_read + t->regions_unread);
	wrap_add(text, awsq_buf_str(&line), view_of(STDOUT_FILENO).columns, 0, 4);
	awsq_buf_free(&line);
}

static int print(struct app *app, struct report_of_all *all)
{
	struct awsq_buf text = AWSQ_BUF_INIT(64 * 1024 * 1024);
	int rc = all->j || all->table ? 0 : AWSQ_ENOMEM;

	for (size_t i = 0; rc == 0 && i < app->n_tasks; i++)
		rc = add_region(all, app, &app->tasks[i]);
	if (rc == 0 && all->j) {
		json_set_totals(all->j, &all->totals);
		rc = json_print(&text, all->j);
	} else if (rc == 0) {
		table_show(&text, all->table, 0, 0);
		add_totals(&text, &all->totals);
	}
	return app_print(app, &text, rc);
}

int everywhere_print(struct app *app, struct inventory_totals *totals)
{
	struct report_of_all all = { 0 };
	int rc;

	if (strcmp(app->options.output, "json") == 0) {
		all.j = app_new_json(app);
	} else {
		all.table = table_new(6);
		table_add(all.table, "REGION", "KIND", "ID", "STATE", "GIB", "WHY");
	}
	rc = print(app, &all);
	*totals = all.totals;
	table_free(all.table);
	json_free(all.j);
	return rc;
}

/* ---- check-region */

static int read_region(struct look *l, struct app *app, struct region *r, struct awsq_err *err)
{
	(void)app;
	return observed_read(&l->observed, r, OBSERVE_FLEET, err);
}

static void look_at(struct app *app, struct region *r, struct task *task)
{
	if (plans_keep(app, r, task, read_region) == 0)
		task_done(task, "looked at");
}

int everywhere_check(struct app *app)
{
	struct inventory_totals totals;
	int status, rc;

	app_each(app, look_at);
	rc = everywhere_print(app, &totals);
	status = rc == 0 ? app_status(app) : EXIT_FAILED;
	plans_free(app);
	return status == EXIT_OK && totals.strays > 0 ? EXIT_DIFFERENCES : status;
}
