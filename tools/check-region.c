#include "banned.h"

#include "cli/everywhere.h"
#include "cli/json.h"
#include "cli/show.h"
#include "fleet/state.h"

static int compare(struct finding *f, struct app *app, struct region *r)
{
	const struct awsq_ec2_security_group *group;
	struct plan_options options = app_plan_options(app);
	struct rule_names names;
	int rc = plan_provision(&f->plan, &app_account(app, r)->desired, &f->observed, r, &options);

	names = observed_rule_names(&f->observed, r->name, f->plan.vpc_id);
	group = chosen_group(&f->observed, f->plan.vpc_id);
	return rc == 0 && group ? rules_of_group(&f->rules, group, &names) : rc;
}

static int look(struct finding *f, struct app *app, struct region *r, struct awsq_err *err)
{
	size_t n;
	int rc, differ;

	rc = observed_read(&f->observed, r, OBSERVE_ALL, err);

	if (rc != 0)
		return rc;
	f->role = chosen_profile(&f->observed.instances, &n, &differ);
	f->observed.in_use = r->fleet->state_dir && state_is_locked(r->fleet->state_dir, r->name);
	rc = compare(f, app, r);
	return rc == 0 ? 0 : awsq_err_set(err, rc, "%s", awsq_strerror(rc));
}

static void work(struct app *app, struct region *r, struct task *task)
{
	struct finding *f = calloc(1, sizeof(*f));
	struct awsq_err err = { 0 };

	if (!f) {
		awsq_err_set(&err, AWSQ_ENOMEM, "out of memory");
		task_fail(app, task, EXIT_FAILED, &err);
		return;
	}
	task->data = f;
	f->region = task->region;
	f->name = task->name;
	if (look(f, app, r, &err) != 0) {
		task_fail(app, task, EXIT_FAILED, &err);
		f->error = task->detail;
	} else {
		task_done(task, "%zu differences", finding_differences(f));
		if (finding_differences(f) > 0)
			task->status = EXIT_DIFFERENCES;
	}
}

static void free_finding(struct finding *f)
{
	if (!f)
		return;
	plan_free(&f->plan);
	rules_free(&f->rules);
	observed_free(&f->observed);
	free(f);
}

/* Of a region that nobody came to. */
static struct finding unread(const struct task *task)
{
	return (struct finding){
		.region = task->region, .name = task->name, .error = task->detail
	};
}

static int print_table(struct app *app, struct awsq_buf *text)
{
	struct table *t = show_new_table();

	for (size_t i = 0; i < app->n_tasks; i++) {
		struct finding none = unread(&app->tasks[i]);

		show_finding(t, app->tasks[i].data ? app->tasks[i].data : &none);
	}
	table_show(text, t, 0, 0);
	table_free(t);
	return t ? 0 : AWSQ_ENOMEM;
}

static int print_json(struct app *app, struct awsq_buf *text)
{
	struct json_report *j = app_new_json(app);
	int rc;

	for (size_t i = 0; j && i < app->n_tasks; i++) {
		struct finding none = unread(&app->tasks[i]);

		app_json_of(j, app->tasks[i].account);
		json_add_finding(j, app->tasks[i].data ? app->tasks[i].data : &none);
	}
	rc = j ? json_print(text, j) : AWSQ_ENOMEM;
	json_free(j);
	return rc;
}

static int run(struct app *app)
{
	struct awsq_buf text = AWSQ_BUF_INIT(64 * 1024 * 1024);
	int rc;

	if (app->options.everywhere)
		return everywhere_check(app);
	app_each(app, work);
	if (strcmp(app->options.output, "json") == 0)
		rc = print_json(app, &text);
	else
		rc = print_table(app, &text);
	rc = app_print(app, &text, rc);
	for (size_t i = 0; i < app->n_tasks; i++)
		free_finding(app->tasks[i].data);
	return rc == 0 ? app_status(app) : EXIT_FAILED;
}

static const struct tool tool = {
	.help = { TOOL_CHECK, "check-region", "REGION... | --all | --everywhere | --identity",
		"Show what regions have of the fleet, and what differs from what they should "
		"have.\n"
		"Ends with 0 when nothing differs, with 3 when something does, and with 1 when\n"
		"something could not be read: then nothing is taken for absent.\n"
		"With --everywhere: all that there is of the fleet in the account, and 3 when "
		"some\n"
		"of it is outside home and the regions that regions.cfg lists.",
		"  check-region us-east-1                    one region, as a table\n"
		"  check-region --all --output=json | jq .   all regions, for programs\n"
		"  check-region --everywhere                 what is paid for, wherever it is" },
	.needs = NEEDS_KEY | NEEDS_DESIRED | NEEDS_NO_STATE,
	.run = run,
};

int main(int argc, char **argv)
{
	return app_main(&tool, argc, argv);
}
