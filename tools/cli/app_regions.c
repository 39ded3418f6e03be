#include "banned.h"

#include "cli/app_private.h"

void app_name_task(struct task *task)
{
	const char *account = task->account->name;

	(void)snprintf(task->name, sizeof(task->name), "%s%s%s", account ? account : "",
		account ? "/" : "", task->region);
}

static void add_task(struct app *app, struct account *account, const char *region)
{
	struct task *task = &app->tasks[app->n_tasks];

	for (size_t i = 0; i < app->n_tasks; i++) {
		if (app->tasks[i].account == account && strcmp(app->tasks[i].region, region) == 0)
			return;
	}
	*task = (struct task){
		.account = account, .region = region, .status = EXIT_FAILED, .detail = "not begun"
	};
	app_name_task(task);
	app->n_tasks++;
}

/* The named regions of each chosen account; those are all good names. */
static void add_tasks(struct app *app, struct account *account)
{
	const struct options *o = &app->options;

	for (size_t i = 0; account->chosen && o->all && i < app->config.n_regions; i++)
		add_task(app, account, app->config.regions[i].name);
	for (size_t i = 0; account->chosen && i < o->n_regions; i++)
		add_task(app, account, o->regions[i]);
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
	for (size_t i = 0; i < o->n_regions; i++) {
		if (check_region(app, o->regions[i]) != 0)
			return EXIT_USAGE;
	}
	app->tasks = calloc(room * app->n_accounts, sizeof(*app->tasks));
	if (!app->tasks)
		return EXIT_FAILED;
	for (size_t i = 0; i < app->n_accounts; i++)
		add_tasks(app, &app->accounts[i]);
	return 0;
}

/* Which regions the account has enabled, and whose it is. */
static int read_account(const struct app *app, struct account *account, struct awsq_err *err)
{
	struct awsq_call call;
	struct region home;
	int rc = region_open(&home, &account->fleet, app->config.home, err);

	if (rc == 0) {
		awsq_ec2_describe_regions(&call, &account->regions, 0);
		rc = region_call(&home, &call, err);
		if (rc != 0)
			region_explain(&home, err, "list the account's regions");
	}
	if (rc == 0) {
		awsq_sts_get_caller_identity(&call, &account->desired.identity);
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

static int is_usable(const struct awsq_ec2_region *r)
{
	return !r->opt_in_status || strcmp(r->opt_in_status, "not-opted-in") != 0;
}

/* In the order of their names: AWS's own is none. */
static void add_account(struct app *app, struct account *account)
{
	size_t first = app->n_tasks;

	for (size_t i = 0; i < account->regions.n; i++) {
		const struct awsq_ec2_region *r = &account->regions.items[i];

		/* One with an odd name, or none, is an error of its own: never passed over. */
		if (is_usable(r))
			add_task(app, account, r->name ? r->name : "");
	}
	qsort(app->tasks + first, app->n_tasks - first, sizeof(*app->tasks), compare_tasks);
	/* What is not known of an account shows as a region that failed. */
	if (account->err.code != 0)
		add_task(app, account, app->config.home);
}

static int choose_everywhere(struct app *app, struct account *account, struct awsq_err *err)
{
	int rc = read_account(app, account, err);
	size_t n = 0;

	for (size_t i = 0; i < account->regions.n; i++)
		n += is_usable(&account->regions.items[i]) ? 1 : 0;
	if (rc == 0 && n == 0)
		rc = awsq_err_set(err, AWSQ_EPARSE,
			"cannot list the account's regions: AWS names none");
	return rc;
}

int app_choose_everywhere(struct app *app)
{
	size_t room = 1; /* never none, for which calloc may say NULL */
	int rc = app_prepare(app, choose_everywhere);

	if (rc != 0)
		return rc;
	for (size_t i = 0; i < app->n_accounts; i++)
		room += app->accounts[i].regions.n + 1;
	app->n_tasks = 0;
	app->tasks = calloc(room, sizeof(*app->tasks));
	if (!app->tasks)
		return EXIT_FAILED;
	for (size_t i = 0; i < app->n_accounts; i++)
		add_account(app, &app->accounts[i]);
	return 0;
}
