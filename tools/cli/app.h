/*
 * app.h: the way through every executable: command line, configuration, credentials, one worker
 * thread for each region, and the exit status.
 */
#ifndef CLI_APP_H
#define CLI_APP_H

#include "cli/exit.h"
#include "cli/json.h"
#include "cli/options.h"
#include "cli/screen.h"
#include "fleet/desired.h"
#include "fleet/plan.h"
#include "fleet/region.h"
#include "runs/ledger.h"

/*
 * An account that the fleet is in, and all that its regions share. Where regions.cfg lists none,
 * there is one without a name: that of the credentials.
 */
struct account {
	const struct config_account *config; /* NULL: none */
	const char *name;                    /* NULL: none */
	int chosen;                          /* it is one of those that the tool works on */
	int loaded;                          /* settings and credentials are */
	struct awsq_settings settings;
	struct awsq_credentials_source *source;
	char *state_dir;       /* NULL where nothing can be kept, for a tool that needs nothing */
	struct ledger *ledger; /* NULL when it cannot be opened */
	char no_ledger[512];   /* why not */
	struct fleet fleet;
	struct desired desired;
	struct awsq_ec2_regions regions; /* with --everywhere */
	struct awsq_err err;             /* why nothing can be done in it; its code is 0: it can */
};

/* One region's part of the work, and what became of it. */
struct task {
	struct account *account;
	const char *region;
	char name[64];     /* what is told is told of this: "us-east-1", "prod/us-east-1" */
	int status;        /* exit status of this region */
	char detail[1280]; /* one line for the summary */
	void *data;        /* the tool's own */
	int told;          /* detail stands on stderr already */
	int canceled;      /* the user ended it, or kept it from beginning */
};

struct app {
	const struct tool *tool;
	struct options options;
	struct screen *screen;
	struct awsq_log log;
	struct config config;
	struct sshkey *key;
	int cancel_fd; /* readable once the user wants to stop; -1: signals do as always */
	struct account *accounts;
	size_t n_accounts;                    /* at least one */
	struct awsq_credentials_source *base; /* what the accounts' roles are assumed with */
	int canceled;                         /* before any region was begun */
	struct task *tasks;
	size_t n_tasks;
};

/* What a tool needs before it runs, unless --everywhere or --preflight is given. */
enum needs {
	NEEDS_KEY = 1 << 0,      /* the private key */
	NEEDS_DESIRED = 1 << 1,  /* what the home region says */
	NEEDS_LISTED = 1 << 2,   /* regions have to be those of regions.cfg */
	NEEDS_NO_STATE = 1 << 3, /* works where nothing can be kept on this machine, too */
	NEEDS_LOGIN = 1 << 5,    /* jobs on instances: the private key, unless they go by SSM */
	NEEDS_NO_AWS = 1 << 4    /* works without credentials; its arguments are no regions */
};

struct tool {
	struct tool_help help;
	int needs;
	int (*run)(struct app *app); /* its result is the exit status */
};

/* All of main. */
int app_main(const struct tool *tool, int argc, char **argv);

/*
 * Does work for every region at once (up to --jobs), each with a client of its own, and returns
 * when all are done. A region's status stays as it was (at first EXIT_FAILED, "not begun") until
 * work sets it; the user's cancellation keeps those from beginning that have not begun.
 */
void app_each(struct app *app, void (*work)(struct app *app, struct region *r, struct task *task));

/*
 * For a worker: does work under the region's lock; where another run has it, the region's part has
 * failed with EXIT_BUSY, and nothing was touched.
 */
void app_with_lock(struct app *app, struct region *r, struct task *task,
	void (*work)(struct app *app, struct region *r, struct task *task));

/* Makes its name of the account's and the region's. */
void app_name_task(struct task *task);

/* For a worker: how its region's part failed. Says it, and keeps it for the summary. */
void task_fail(struct app *app, struct task *task, int status, const struct awsq_err *err);

/* For a worker: how it went well. */
void task_done(struct task *task, const char *format, ...) AWSQ_PRINTF(2, 3);

/*
 * Prints a line for each region, unless told to be quiet. For a job (job is true) with its exit
 * status, and to stderr, as stdout is for the job's output; else to stdout, with a word for it.
 */
void app_summary(struct app *app, int job);

/*
 * Prints a report to stdout and frees it. rc is how making it has ended; when that, or the text, is
 * an error, nothing is printed but that. 0, or the code, for an exit with EXIT_FAILED.
 */
int app_print(struct app *app, struct awsq_buf *text, int rc);

/*
 * Says what is wrong with the command line, as options_parse does, and returns EXIT_USAGE. What is
 * wrong with regions.cfg is screen_error's to say: --help is of no help there.
 */
int app_usage(struct app *app, const char *format, ...) AWSQ_PRINTF(2, 3);

/*
 * Whether stdout is a pipe that nobody reads any more, as behind head(1): no error for who prints
 * results only, that has to be told.
 */
int app_reader_is_gone(void);

/*
 * The exit status of all regions together: that of the only one; with several, EXIT_FAILED when any
 * failed, else EXIT_DIFFERENCES when any has some, else EXIT_OK.
 */
int app_status(const struct app *app);

/* What the command line and regions.cfg say of plans. */
struct plan_options app_plan_options(const struct app *app);

/*
 * A report in JSON (NULL without memory), and that what is added to it from now on is of this
 * account, if it has a name. Whose it is, is known after app_each.
 */
struct json_report *app_new_json(const struct app *app);
void app_json_of(struct json_report *j, const struct account *account);

/* The account that a worker's region is of. */
struct account *app_account(const struct app *app, const struct region *r);

/* Why a chosen account has no ledger; NULL: each has one. */
const char *app_no_ledger(const struct app *app);

/* What --metrics asks for, of all accounts: the file is the fleet's. As metrics_write. */
int app_write_metrics(const struct app *app, struct awsq_err *err);

/*
 * The same as ledger_find and ledger_list, in the ledgers of all chosen accounts: the latest run of
 * them, whose it is in *whose; and the latest first, whosever it is.
 */
int app_find_run(struct ledger_run *out, struct account **whose, const struct app *app,
	const struct ledger_filter *filter, struct awsq_err *err);
int app_list_runs(const struct app *app, const struct ledger_filter *filter,
	int (*each)(void *arg, struct account *account, const struct ledger_run *run), void *arg,
	struct awsq_err *err);

/* Whether region is the home region. */
int app_is_home(const struct app *app, const char *region);

#endif
