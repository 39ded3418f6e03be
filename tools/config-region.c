#include "banned.h"

#include "cli/plans.h"
#include "cli/preflight.h"
#include "fleet/apply.h"
#include "fleet/state.h"

#define MAX_LOOKS 18

/* What no action repairs; said once, as it comes again with each look. */
static void tell_rest(const struct region *r, const struct plan *p)
{
	struct awsq_buf text = AWSQ_BUF_INIT(4096);

	for (size_t i = 0; i < p->n_differences; i++) {
		if (p->differences[i].remedy == REMEDY_APPLY)
			continue;
		awsq_buf_reset(&text);
		difference_describe(&text, &p->differences[i]);
		region_warning(r, "%s", awsq_buf_str(&text));
	}
	awsq_buf_free(&text);
}

/* What a plan leaves. */
struct rest {
	int unreplaced; /* an instance, though --replace was given */
	int differs;
};

static struct rest rest_of(const struct app *app, const struct plan *p)
{
	struct rest rest = { 0, 0 };

	for (size_t i = 0; i < p->n_differences; i++) {
		enum remedy remedy = p->differences[i].remedy;

		rest.differs |= remedy != REMEDY_APPLY;
		rest.unreplaced |= remedy == REMEDY_REPLACE && app->options.replace;
	}
	return rest;
}

/* What a summary ends with, as what has nothing to be done may differ all the same. */
static const char *rest_word(const struct rest *rest)
{
	if (rest->unreplaced)
		return "; not replaced";
	return rest->differs ? "; differences stay" : "";
}

static int look(struct look *l, struct app *app, struct region *r, struct awsq_err *err)
{
	struct plan_options options = app_plan_options(app);
	int rc = observed_read(&l->observed, r, OBSERVE_ALL, err);

	/* A plan that is only shown is made without the lock, which may be another's. */
	l->observed.in_use = app->options.dry_run && state_is_locked(r->fleet->state_dir, r->name);
	if (rc == 0 && plan_provision(&l->plan, &app_account(app, r)->desired, &l->observed, r,
			       &options) != 0)
		rc = awsq_err_set(err, AWSQ_ENOMEM, "out of memory");
	if (rc == 0 && l->plan.blocked[0])
		rc = awsq_err_set(err, AWSQ_EINVAL, "%s", l->plan.blocked);
	return rc;
}

static void dry_run(struct app *app, struct region *r, struct task *task)
{
	const struct plan *p;
	struct rest rest;

	if (plans_keep(app, r, task, look) != 0)
		return;
	p = &((struct look *)task->data)->plan;
	rest = rest_of(app, p);
	task_done(task, "%zu action%s to do%s", p->n, p->n == 1 ? "" : "s", rest_word(&rest));
	if (p->n > 0)
		task->status = EXIT_DIFFERENCES;
}

/* One look at the region, and what follows from it: *n actions, and the *rest for the summary. */
static int look_and_act(struct app *app, struct region *r, int first, size_t *n, struct rest *rest,
	struct awsq_err *err)
{
	struct look l = { 0 };
	int rc = look(&l, app, r, err);

	*n = l.plan.n;
	*rest = rest_of(app, &l.plan);
	if (rc == 0 && first)
		tell_rest(r, &l.plan);
	if (rc == 0)
		rc = plan_apply(&l.plan, r, &app_account(app, r)->desired, &l.observed, err);
	look_end(&l);
	return rc;
}

/*
 * Whether AWS says that what was to be made is there, or what was to be removed is gone, though the
 * last look did not show it.
 */
static int is_stale(const struct awsq_err *err)
{
	static const char *const codes[] = { "IdempotentParameterMismatch",
		"InvalidGroup.Duplicate", "InvalidKeyPair.Duplicate", "InvalidPermission.Duplicate",
		"InvalidPermission.NotFound", "InvalidAssociationID.NotFound",
		/* "There is an existing association for instance ..." */
		"IncorrectState" };

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (awsq_err_is(err, codes[i]))
			return 1;
	}
	return 0;
}

/* After a look that is not to be the last, which ended with rc. 0 when it is time for the next. */
static int wait_to_look(struct region *r, int looks, int rc, struct awsq_err *err)
{
	if (rc != 0 && (!is_stale(err) || looks >= MAX_LOOKS))
		return rc;
	if (looks >= MAX_LOOKS)
		return awsq_err_set(err, AWSQ_ESERVICE,
			"something is still to be done after %d looks: --dry-run says what", looks);
	if (looks > 0 && region_sleep(r, region_poll_ms(looks)) != 0)
		return awsq_err_set(err, AWSQ_ECANCELED, "canceled; the same command goes on");
	return 0;
}

/*
 * Looks and acts until a look shows that there is nothing left to do: what was made, or what an
 * interrupted run made, may show only after a while. Acting twice makes nothing twice, as creations
 * carry the same tokens until then.
 */
static void provision(struct app *app, struct region *r, struct task *task)
{
	struct awsq_err err = { 0 };
	struct rest rest = { 0, 0 };
	size_t n, total = 0;

	for (int looks = 0;; looks++) {
		int rc = look_and_act(app, r, looks == 0, &n, &rest, &err);

		if (rc == 0 && n == 0)
			break;
		total += rc == 0 ? n : 0;
		if (wait_to_look(r, looks, rc, &err) != 0) {
			task_fail(app, task, EXIT_FAILED, &err);
			return;
		}
	}
	state_forget_tokens(r->fleet->state_dir, r->name);
	if (total > 0)
		task_done(task, "%zu action%s done%s", total, total == 1 ? "" : "s",
			rest_word(&rest));
	else
		task_done(task, "nothing to do%s", rest_word(&rest));
	/* What was asked for and not done is no success; what else differs is only told of. */
	if (rest.unreplaced)
		task->status = EXIT_FAILED;
}

static void work(struct app *app, struct region *r, struct task *task)
{
	if (app->options.dry_run)
		dry_run(app, r, task);
	else
		app_with_lock(app, r, task, provision);
}

static int run(struct app *app)
{
	int status = EXIT_OK;

	if (app->options.preflight)
		return preflight_run(app);
	app_each(app, work);
	if (app->options.dry_run && plans_print(app) != 0)
		status = EXIT_FAILED;
	/* JSON is for programs: nothing else stands on stdout with it. */
	if (strcmp(app->options.output, "json") != 0)
		app_summary(app, 0);
	plans_free(app);
	return status == EXIT_OK ? app_status(app) : status;
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
