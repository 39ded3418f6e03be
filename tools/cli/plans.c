#include "banned.h"

#include "cli/plans.h"

#include "cli/show.h"

void look_end(struct look *l)
{
	plan_free(&l->plan);
	observed_free(&l->observed);
}

int plans_keep(struct app *app, struct region *r, struct task *task,
	int (*fill)(struct look *l, struct app *app, struct region *r, struct awsq_err *err))
{
	struct look *l = calloc(1, sizeof(*l));
	struct awsq_err err = { 0 };
	int rc = l ? fill(l, app, r, &err) : awsq_err_set(&err, AWSQ_ENOMEM, "out of memory");

	task->data = l;
	if (rc != 0)
		task_fail(app, task, EXIT_FAILED, &err);
	return rc;
}

/* What is known of a region that has failed, if it is not that its plan is blocked. */
static const char *error_of(const struct task *task)
{
	const struct look *l = task->data;

	if (task->status != EXIT_FAILED && task->status != EXIT_BUSY)
		return NULL;
	return l && l->plan.blocked[0] ? NULL : task->detail;
}

static void print_text(const struct app *app, struct awsq_buf *text)
{
	for (size_t i = 0; i < app->n_tasks; i++) {
		const struct look *l = app->tasks[i].data;

		if (l && !error_of(&app->tasks[i]))
			show_plan(text, app->tasks[i].name, &l->plan);
	}
}

static int print_json(const struct app *app, struct awsq_buf *text)
{
	struct json_report *j = app_new_json(app);
	int rc;

	for (size_t i = 0; j && i < app->n_tasks; i++) {
		const struct look *l = app->tasks[i].data;

		app_json_of(j, app->tasks[i].account);
		json_add_plan(j, app->tasks[i].region, error_of(&app->tasks[i]),
			l ? &l->plan : NULL);
	}
	rc = j ? json_print(text, j) : AWSQ_ENOMEM;
	json_free(j);
	return rc;
}

int plans_print(struct app *app)
{
	struct awsq_buf text = AWSQ_BUF_INIT(64 * 1024 * 1024);
	int rc = 0;

	if (strcmp(app->options.output, "json") == 0)
		rc = print_json(app, &text);
	else
		print_text(app, &text);
	return app_print(app, &text, rc);
}

size_t plans_count(const struct app *app)
{
	size_t n = 0;

	for (size_t i = 0; i < app->n_tasks; i++) {
		const struct look *l = app->tasks[i].data;

		n += l ? l->plan.n : 0;
	}
	return n;
}

void plans_free(struct app *app)
{
	for (size_t i = 0; i < app->n_tasks; i++) {
		if (app->tasks[i].data)
			look_end(app->tasks[i].data);
		free(app->tasks[i].data);
		app->tasks[i].data = NULL;
	}
}
