#include "banned.h"

#include "cli/rotate.h"
#include "cli/schedule.h"

#include <limits.h>
#include <pwd.h>
#include <unistd.h>

#define HOUR INT64_C(3600)

/* What the tasks are called, their regions, and whose these are. */
struct names {
	const char *const *whole, *const *regions, *const *accounts;
};

/* Where run-region is: beside this program. */
static void find_program(char out[PATH_MAX])
{
	static const char name[] = "run-region";
	ssize_t len = readlink("/proc/self/exe", out, PATH_MAX - sizeof(name) - 1);
	char *slash;

	out[len > 0 ? len : 0] = '\0';
	slash = strrchr(out, '/');
	(void)snprintf(slash ? slash + 1 : out, sizeof(name), "%s", name);
}

/* A path from anywhere, as cron and systemd begin elsewhere; NULL stays NULL. */
static const char *absolute(char out[PATH_MAX], const char *path)
{
	size_t len;

	if (!path || path[0] == '/')
		return path;
	if (!getcwd(out, PATH_MAX - 1))
		return NULL;
	len = strlen(out);
	(void)snprintf(out + len, PATH_MAX - len, "/%s", strncmp(path, "./", 2) ? path : path + 2);
	return out;
}

/* As it is now, and as libawsq finds it: where a schedule runs, nothing of it is exported. */
static const char *profile_of(const struct options *o)
{
	static const char *const names[] = { "AWS_DEFAULT_PROFILE", "AWS_PROFILE" };

	for (size_t i = 0; !o->profile && i < sizeof(names) / sizeof(names[0]); i++) {
		const char *exported = getenv(names[i]);

		if (exported && *exported)
			return exported;
	}
	return o->profile;
}

/* Where all accounts have their state. */
static const char *fleet_state(char out[PATH_MAX], const struct app *app)
{
	const struct account *account = &app->accounts[0];
	const char *path = absolute(out, account->state_dir);
	size_t len;

	if (!path || !account->name)
		return path;
	len = strlen(path) - strlen(account->name) - 1;
	memmove(out, path, len);
	out[len] = '\0';
	return out;
}

static int print_schedule(struct app *app, const struct names *names, int64_t every)
{
	const struct options *o = &app->options;
	struct awsq_buf text = AWSQ_BUF_INIT(1024 * 1024);
	char program[PATH_MAX], config[PATH_MAX], state_dir[PATH_MAX], state[PATH_MAX], self[64];
	char names_of_user[1024];
	struct passwd user, *found = NULL;
	struct awsq_err err = { 0 };
	struct schedule s = { .regions = names->regions,
		.accounts = app->accounts[0].name ? names->accounts : NULL,
		.n = app->n_tasks,
		.every = every,
		.fleet = app->config.name,
		.program = program,
		.config = absolute(config, app->config.path),
		.profile = profile_of(o),
		.state_dir = absolute(state_dir, o->state_dir),
		.state = fleet_state(state, app),
		.user = "root",
		.self = self };
	int rc;

	(void)getpwuid_r(getuid(), &user, names_of_user, sizeof(names_of_user), &found);
	if (found)
		s.user = found->pw_name;
	find_program(program);
	(void)snprintf(self, sizeof(self), "rotate-regions --print-%s",
		o->print_crontab ? "crontab" : "systemd");
	rc = o->print_crontab ? schedule_crontab(&text, &s, &err)
	                      : schedule_systemd(&text, &s, &err);
	if (rc == 0)
		return app_print(app, &text, 0) == 0 ? EXIT_OK : EXIT_FAILED;
	awsq_buf_free(&text);
	if (rc == AWSQ_EINVAL)
		return app_usage(app, "%s", err.message);
	screen_error(app->screen, NULL, "%s", awsq_strerror(rc));
	return EXIT_FAILED;
}

/* What the tool is to do with the regions, in the order of their turns. */
static int do_what_is_asked(struct app *app, const struct names *names)
{
	const struct options *o = &app->options;
	int64_t every = o->every ? o->every : (int64_t)app->n_tasks * HOUR;
	struct rotation rotation;
	int status;

	if (every * 1000 < ROTATION_MIN_MS)
		return app_usage(app, "--every: expected a time of at least 1m");
	if (o->print_crontab || o->print_systemd)
		return print_schedule(app, names, every);
	if (rotation_new(&rotation, names->whole, app->n_tasks, every * 1000) != 0)
		return EXIT_FAILED;
	/* With --dry-run: EXIT_DIFFERENCES when any is due. */
	status = o->dry_run ? rotate_show(app, &rotation) : rotate_run(app, &rotation);
	rotation_free(&rotation);
	return status;
}

static int run(struct app *app)
{
	size_t n = app->n_tasks;
	const char **all = calloc(3 * n, sizeof(*all));
	struct names names = { all, all + n, all + 2 * n };
	int status;

	if (!all)
		return EXIT_FAILED;
	for (size_t i = 0; i < n; i++) {
		all[i] = app->tasks[i].name;
		all[n + i] = app->tasks[i].region;
		all[2 * n + i] = app->tasks[i].account->name;
	}
	status = do_what_is_asked(app, &names);
	free(all);
	return status;
}

static const struct tool tool = {
	.help = { TOOL_ROTATE, "rotate-regions", "REGION... | --all",
		"Run the regions whose turn it is, as run-region does, each once every TIME, the\n"
		"longest unvisited first: a crontab's one line. A turn that comes to nothing, for\n"
		"want of capacity or of SSH, goes to the next region, and stays owed. The exit\n"
		"status is 0 if every job that was begun ended with 0, else 1.",
		"  rotate-regions --all --every=6h            each region four times a day\n"
		"  rotate-regions --all --every=6h --dry-run  what is due, and what is next" },
	.needs = NEEDS_LOGIN | NEEDS_LISTED,
	.run = run,
};

int main(int argc, char **argv)
{
	return app_main(&tool, argc, argv);
}
