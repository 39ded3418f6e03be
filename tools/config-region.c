#include "banned.h"

#include "cli/app.h"
#include "cli/show.h"
#include "fleet/apply.h"

#define MAX_LOOKS 15

/* What is not to be repaired is said, and the plan is carried out all the same. */
static int carry_out(struct app *app, struct region *r, struct task *task, const struct plan *p,
	const struct observed *o, struct awsq_err *err)
{
	int rc;

	for (size_t i = 0; i < p->n_notes; i++)
		region_warning(r, "%s", p->notes[i]);
	rc = plan_apply(p, r, &app->desired, o, err);
	if (rc != 0)
		return rc;
	if (p->n > 0) {
		task_done(task, "%zu action%s done", p->n, p->n == 1 ? "" : "s");
	} else {
		task_done(task, "nothing to do");
	}
	return 0;
}

static void dry_run(struct app *app, struct task *task, const struct plan *p)
{
	struct awsq_buf text = AWSQ_BUF_INIT(16 * 1024 * 1024);

	show_plan(&text, task->region, p);
	screen_print(app->screen, awsq_buf_str(&text));
	awsq_buf_free(&text);
	task_done(task, "%zu action%s to do", p->n, p->n == 1 ? "" : "s");
	if (p->n > 0)
		task->status = EXIT_DIFFERENCES;
}

/* One look at the region, and what follows from it. */
static int look_and_act(struct app *app, struct region *r, struct task *task, struct awsq_err *err)
{
	struct observed o = { 0 };
	struct plan p = { 0 };
	int rc = observed_read(&o, r, err);

	if (rc == 0 && plan_provision(&p, &app->desired, &o, r) != 0)
		rc = awsq_err_set(err, AWSQ_ENOMEM, "out of memory");
	if (rc == 0 && p.blocked[0])
		rc = awsq_err_set(err, AWSQ_EINVAL, "%s", p.blocked);
	if (rc == 0 && app->options.dry_run)
		dry_run(app, task, &p);
	else if (rc == 0)
		rc = carry_out(app, r, task, &p, &o, err);
	plan_free(&p);
	observed_free(&o);
	return rc;
}

/* Whether AWS says that what was to be made is there, though the last look did not show it. */
static int is_duplicate(const struct awsq_err *err)
{
	return awsq_err_is(err, "InvalidGroup.Duplicate") ||
	       awsq_err_is(err, "InvalidKeyPair.Duplicate") ||
	       awsq_err_is(err, "InvalidPermission.Duplicate");
}

/* An interrupted run's last call may show only after a while: then look again, and plan anew. */
static void provision(struct app *app, struct region *r, struct task *task)
{
	struct awsq_err err = { 0 };

	for (int looks = 0;; looks++) {
		int rc = look_and_act(app, r, task, &err);

		if (rc == 0)
			return;
		if (!is_duplicate(&err) || looks >= MAX_LOOKS ||
			region_sleep(r, region_poll_ms(looks)) != 0)
			break;
	}
	task_fail(app, task, EXIT_FAILED, &err);
}

static void work(struct app *app, struct region *r, struct task *task)
{
	app_with_lock(app, r, task, provision);
}

static int run(struct app *app)
{
	app_each(app, work);
	app_summary(app, 0);
	return app_status(app);
}

static const struct tool tool = {
	.help = { TOOL_CONFIG, "config-region", "REGION... | --all",
		"Set regions up: copy the image, key pair and security group of the home region,\n"
		"and make one stopped instance. What is there already, and right, is left alone;\n"
		"a run that was interrupted is finished by the same command.",
		"  config-region us-east-1        set up one region\n"
		"  config-region --all --dry-run  show what is missing anywhere" },
	.needs = NEEDS_KEY | NEEDS_DESIRED | NEEDS_LISTED,
	.run = run,
};

int main(int argc, char **argv)
{
	return app_main(&tool, argc, argv);
}
