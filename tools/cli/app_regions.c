#include "banned.h"

#include "cli/app_private.h"

static void add_task(struct app *app, const char *region)
{
	for (size_t i = 0; i < app->n_tasks; i++) {
		if (strcmp(app->tasks[i].region, region) == 0)
			return;
	}
	app->tasks[app->n_tasks] = (struct task){ region, EXIT_FAILED, "not begun", NULL, 0, 0 };
	app->n_tasks++;
}

static int check_region(struct app *app, const char *region)
{
	if (!config_region_name(region))
		return app_usage(app, "'%s' is not a region", region);
	if ((app->tool->needs & NEEDS_LISTED) && !config_region(&app->config, region)) {
		screen_error(app->screen, NULL, "'%s' is not among the regions of %s", region,
			app->config.path);
		return EXIT_USAGE;
	}
	return 0;
}

int app_choose_regions(struct app *app)
{
	const struct options *o = &app->options;
	size_t room = o->all ? app->config.n_regions : o->n_regions;

	/* When they can be asked for; or the run's. */
	if (o->everywhere || (o->attach && o->n_regions == 0 && !o->all))
		return 0;
	if (room == 0 || (o->all && o->n_regions > 0))
		return app_usage(app, "name one or more regions, or use --all%s",
			o->all ? ", not both" : "");
	app->n_tasks = 0;
	app->tasks = calloc(room, sizeof(*app->tasks));
	if (!app->tasks)
		return EXIT_FAILED;
	for (size_t i = 0; i < room; i++) {
		const char *name = o->all ? app->config.regions[i].name : o->regions[i];

		if (check_region(app, name) != 0)
			return EXIT_USAGE;
		add_task(app, name);
	}
	return 0;
}

/* Which regions the account has enabled, and whose it is. */
static int read_account(struct app *app, struct awsq_err *err)
{
	struct awsq_call call;
	struct region home;
	int rc = region_open(&home, &app->fleet, app->config.home, err);

	if (rc == 0) {
		awsq_ec2_describe_regions(&call, &app->regions, 0);
		rc = region_call(&home, &call, err);
		if (rc != 0)
			region_explain(&home, err, "list the account's regions");
	}
	if (rc == 0) {
		awsq_sts_get_caller_identity(&call, &app->desired.identity);
		rc = region_call(&home, &call, err);
		if (rc != 0)
			region_explain(&home, err, "tell whose credentials these are");
	}
	region_close(&home);
	return rc;
}

static int compare_tasks(const void *a, const void *b)
{
	return strcmp(((const struct task *)a)->region, ((const struct task *)b)->region);
}

/* In the order of their names: AWS's own is none. */
int app_choose_everywhere(struct app *app, struct awsq_err *err)
{
	int rc = read_account(app, err);

	if (rc != 0)
		return rc;
	app->n_tasks = 0;
	app->tasks = calloc(app->regions.n + 1, sizeof(*app->tasks));
	if (!app->tasks)
		return awsq_err_set(err, AWSQ_ENOMEM, "out of memory");
	for (size_t i = 0; i < app->regions.n; i++) {
		const struct awsq_ec2_region *r = &app->regions.items[i];

		/* One with an odd name, or none, is an error of its own: never passed over. */
		if (!r->opt_in_status || strcmp(r->opt_in_status, "not-opted-in") != 0)
			add_task(app, r->name ? r->name : "");
	}
	if (app->n_tasks == 0)
		return awsq_err_set(err, AWSQ_EPARSE,
			"cannot list the account's regions: AWS names none");
	qsort(app->tasks, app->n_tasks, sizeof(*app->tasks), compare_tasks);
	return 0;
}
