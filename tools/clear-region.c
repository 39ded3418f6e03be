#include "banned.h"

#include "cli/ask.h"
#include "cli/everywhere.h"
#include "cli/signals.h"
#include "fleet/apply.h"
#include "fleet/state.h"

#define PROOF_LOOKS 33

/*
 * What is removed is what the inventory lists, which judges each thing by its own name and tags,
 * not by AWS's having found it.
 */
static int check_plan(struct look *l, const struct app *app, const struct region *r,
	struct awsq_err *err)
{
	struct inventory inventory;
	const char *id;
	int rc = inventory_take(&inventory, &l->observed, &app->config, r->name);

	if (rc != 0) {
		awsq_err_set(err, rc, "%s", awsq_strerror(rc));
	} else if ((id = inventory_lacks(&inventory, &l->plan)) != NULL) {
		rc = awsq_err_set(err, AWSQ_EINVAL,
			"cannot remove '%s': neither its name nor its tags say that it is the "
			"fleet's; nothing is removed here until they do, or it is out of the way",
			id);
	}
	inventory_free(&inventory);
	if (rc != 0)
		plan_free(&l->plan); /* an empty plan is one that nobody carries out */
	return rc;
}

static int look(struct look *l, struct app *app, struct region *r, struct awsq_err *err)
{
	struct plan_options options = app_plan_options(app);
	int rc;

	/* Home's name is refused, or passed over, long before: this is the last line of defence. */
	if (app_is_home(app, r->name))
		return awsq_err_set(err, AWSQ_EINVAL, "the home region is never cleared");
	rc = observed_read(&l->observed, r, OBSERVE_FLEET, err);
	if (rc == 0 && plan_teardown(&l->plan, &l->observed, &options) != 0)
		rc = awsq_err_set(err, AWSQ_ENOMEM, "out of memory");
	if (rc == 0 && l->plan.blocked[0])
		return awsq_err_set(err, AWSQ_EINVAL, "%s", l->plan.blocked);
	return rc == 0 ? check_plan(l, app, r, err) : rc;
}

static void plan_region(struct app *app, struct region *r, struct task *task)
{
	const struct look *l;

	if (plans_keep(app, r, task, look) != 0)
		return;
	l = task->data;
	task_done(task, "%s", l->plan.n ? "not removed" : "nothing to remove");
}

/* Looks again until nothing is left: AWS may show what is gone for a while. */
static int prove(struct app *app, struct region *r, struct awsq_err *err)
{
	for (int looks = 0;; looks++) {
		struct look again = { 0 };
		size_t left;
		int rc = look(&again, app, r, err);

		left = again.plan.n;
		if (rc == 0 && left > 0 && looks >= PROOF_LOOKS)
			rc = awsq_err_set(err, AWSQ_ESERVICE, "still there: %s%s",
				again.plan.actions[0].what +
					strcspn(again.plan.actions[0].what, " "),
				left > 1 ? ", and more" : "");
		look_end(&again);
		if (rc != 0 || left == 0)
			return rc;
		if (region_sleep(r, region_poll_ms(looks)) != 0)
			return awsq_err_set(err, AWSQ_ECANCELED, "canceled before the last look");
	}
}

static size_t count_removals(const struct plan *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++)
		n += action_sign(&p->actions[i]) == '-';
	return n;
}

static void carry_out(struct app *app, struct region *r, struct task *task)
{
	struct look *l = task->data;
	struct awsq_err err = { 0 };
	int rc = plan_apply(&l->plan, r, NULL, &l->observed, &err);

	if (rc == 0)
		rc = prove(app, r, &err);
	if (rc == 0)
		state_forget_tokens(r->fleet->state_dir, r->name);
	if (rc != 0)
		task_fail(app, task, EXIT_FAILED, &err);
	else
		task_done(task, "%zu removed, nothing left", count_removals(&l->plan));
}

static void clear_region(struct app *app, struct region *r, struct task *task)
{
	const struct look *l = task->data;

	if (l && l->plan.n > 0)
		app_with_lock(app, r, task, carry_out);
}

/* Home has the originals: --all and --everywhere pass over it, and by name it is refused. */
static int leave_out_home(struct app *app)
{
	size_t n = 0;

	for (size_t i = 0; i < app->n_tasks; i++) {
		if (!app_is_home(app, app->tasks[i].region)) {
			app->tasks[n++] = app->tasks[i];
			continue;
		}
		if (!app->options.all && !app->options.everywhere) {
			screen_error(app->screen, NULL,
				"'%s' is the home region, which has the originals: it is never "
				"cleared",
				app->config.home);
			return EXIT_USAGE;
		}
	}
	app->n_tasks = n;
	return EXIT_OK;
}

/* With --everywhere, first what there is; as JSON, the plan is all that there is to print. */
static int list_everywhere(struct app *app)
{
	struct inventory_totals totals;

	if (!app->options.everywhere || strcmp(app->options.output, "text") != 0)
		return EXIT_OK;
	return everywhere_print(app, &totals) == 0 ? EXIT_OK : EXIT_FAILED;
}

static int clear_all(struct app *app)
{
	size_t n = plans_count(app);

	/* What could not be shown is not removed. */
	if (plans_print(app) != 0)
		return EXIT_FAILED;
	if (app->options.dry_run) {
		int status = app_status(app);

		return status == EXIT_OK && n > 0 ? EXIT_DIFFERENCES : status;
	}
	if (n > 0 && !app->options.yes) {
		int status = ask_to_go_on(app->screen, app->cancel_fd, "Remove all this for good?");

		if (status != EXIT_OK) {
			app->canceled |= signals_caught() != 0;
			return status;
		}
	}
	for (size_t i = 0; i < app->n_tasks; i++) {
		const struct look *l = app->tasks[i].data;

		/* Until it is done, it is not. */
		if (app->tasks[i].status == EXIT_OK && l->plan.n > 0)
			app->tasks[i].status = EXIT_FAILED;
	}
	app_each(app, clear_region);
	app_summary(app, 0);
	return app_status(app);
}

static int run(struct app *app)
{
	int status = leave_out_home(app);

	if (status != EXIT_OK)
		return status;
	app_each(app, plan_region);
	status = list_everywhere(app);
	if (status == EXIT_OK)
		status = clear_all(app);
	plans_free(app);
	return status;
}

static const struct tool tool = {
	.help = { TOOL_CLEAR, "clear-region", "REGION... | --all | --everywhere",
		"Remove what regions have of the fleet: instance, image, its snapshots, key pair "
		"and\n"
		"security group, whatever there is of them. Prints what it would remove, asks, "
		"does\n"
		"it, and looks again whether nothing is left. The home region is never cleared.",
		"  clear-region us-east-1                show, ask, remove\n"
		"  clear-region --all --yes              without asking, for scripts\n"
		"  clear-region --everywhere --dry-run   what an end of the fleet would remove" },
	.needs = 0,
	.run = run,
};

int main(int argc, char **argv)
{
	return app_main(&tool, argc, argv);
}
