#include "banned.h"

#include "runs/spawn.h"

#include <awsq/buf.h>
#include <awsq/clock.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#define KILL_AFTER_MS 5000
#define FIRST_POLL_MS 5
#define POLL_MS       100
#define MAX_VARIABLE  (64 * 1024)
#define MAX_FD        1024

extern char **environ;

/* ---- The environment */

static int is_given(const char *entry, const struct spawn_variable *variables, size_t n)
{
	size_t len = strcspn(entry, "=");

	for (size_t i = 0; i < n; i++) {
		if (strlen(variables[i].name) == len && memcmp(variables[i].name, entry, len) == 0)
			return 1;
	}
	return 0;
}

/* Only the first n are ours; the others are environ's. */
static void free_environment(char **env, size_t n)
{
	for (size_t i = 0; env && i < n; i++)
		free(env[i]);
	free(env);
}

static char **make_environment(const struct spawn_variable *variables, size_t n)
{
	size_t inherited = 0, filled = n;
	char **env;

	while (environ && environ[inherited])
		inherited++;
	env = calloc(n + inherited + 1, sizeof(*env));
	if (!env)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		struct awsq_buf entry = AWSQ_BUF_INIT(MAX_VARIABLE);

		awsq_buf_addf(&entry, "%s=%s", variables[i].name, variables[i].value);
		env[i] = awsq_buf_take(&entry);
		if (!env[i]) {
			free_environment(env, n);
			return NULL;
		}
	}
	for (size_t i = 0; i < inherited; i++) {
		if (!is_given(environ[i], variables, n))
			env[filled++] = environ[i];
	}
	return env;
}

/* ---- The process */

/* What was ignored or blocked here would stay so there. */
static int set_signals(posix_spawnattr_t *attributes)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGXFSZ,
		SIGCHLD };
	sigset_t defaults, none;

	(void)sigemptyset(&none);
	(void)sigemptyset(&defaults);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		(void)sigaddset(&defaults, numbers[i]);
	return posix_spawnattr_setsigdefault(attributes, &defaults) ||
	       posix_spawnattr_setsigmask(attributes, &none) ||
	       posix_spawnattr_setpgroup(attributes, 0) ||
	       posix_spawnattr_setflags(attributes,
		       POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
}

/*
 * Of what is open here nothing is the command's. Ours are closed by exec, but not all of libraries
 * are; one that another thread closes first costs nothing.
 */
static int close_others(posix_spawn_file_actions_t *files)
{
	int rc = 0;

	for (int fd = 3; fd < MAX_FD && rc == 0; fd++) {
		int flags = fcntl(fd, F_GETFD);

		if (flags >= 0 && !(flags & FD_CLOEXEC))
			rc = posix_spawn_file_actions_addclose(files, fd);
	}
	return rc;
}

/* 0, or an errno. */
static int start(pid_t *pid, const char *command, char **env)
{
	char *const argv[] = { "sh", "-c", (char *)command, NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	int rc = posix_spawn_file_actions_init(&files);

	if (rc != 0)
		return rc;
	rc = posix_spawnattr_init(&attributes);
	if (rc == 0) {
		rc = posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
		if (rc == 0)
			rc = posix_spawn_file_actions_adddup2(&files, 2, 1);
		if (rc == 0)
			rc = close_others(&files);
		if (rc == 0 && set_signals(&attributes) != 0)
			rc = EINVAL;
		if (rc == 0)
			rc = posix_spawn(pid, "/bin/sh", &files, &attributes, argv, env);
		(void)posix_spawnattr_destroy(&attributes);
	}
	(void)posix_spawn_file_actions_destroy(&files);
	return rc;
}

/*
 * Waits for its end until limit_ms: 0, AWSQ_ETIMEDOUT, AWSQ_ECANCELED, or AWSQ_EIO. It is not
 * reaped, so that its number, and that of its group, stay its own.
 */
static int wait_for(pid_t pid, int64_t limit_ms, int cancel_fd)
{
	int64_t end = awsq_mono_ms() + limit_ms, poll_ms = FIRST_POLL_MS;

	for (;;) {
		siginfo_t info = { .si_pid = 0 };

		if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0) {
			if (errno != EINTR)
				return AWSQ_EIO;
		} else if (info.si_pid == pid) {
			return 0;
		}
		if (awsq_mono_ms() >= end)
			return AWSQ_ETIMEDOUT;
		if (awsq_sleep_ms(poll_ms, cancel_fd) == AWSQ_ECANCELED)
			return AWSQ_ECANCELED;
		poll_ms = 2 * poll_ms < POLL_MS ? 2 * poll_ms : POLL_MS;
	}
}

static void kill_group(pid_t pid)
{
	(void)kill(-pid, SIGTERM);
	(void)wait_for(pid, KILL_AFTER_MS, -1);
	(void)kill(-pid, SIGKILL); /* and what is left of it where its leader obeyed */
}

static int reap(int *status, pid_t pid)
{
	while (waitpid(pid, status, 0) < 0) {
		if (errno != EINTR)
			return AWSQ_EIO;
	}
	return 0;
}

static int judge(int status, struct awsq_err *err)
{
	if (WIFSIGNALED(status))
		return awsq_err_set(err, AWSQ_EINVAL, "was ended by signal %d", WTERMSIG(status));
	if (WEXITSTATUS(status) != 0)
		return awsq_err_set(err, AWSQ_EINVAL, "ended with %d", WEXITSTATUS(status));
	return 0;
}

int spawn_shell(const char *command, const struct spawn_variable *variables, size_t n,
	int64_t limit_ms, int cancel_fd, struct awsq_err *err)
{
	char **env = make_environment(variables, n);
	int rc, status = 0;
	pid_t pid;

	if (!env)
		return awsq_err_set(err, AWSQ_ENOMEM, "could not be run: out of memory");
	rc = start(&pid, command, env);
	free_environment(env, n);
	if (rc != 0)
		return awsq_err_set(err, AWSQ_EIO, "could not be run: %s", strerror(rc));
	rc = wait_for(pid, limit_ms, cancel_fd);
	if (rc != 0)
		kill_group(pid);
	if (reap(&status, pid) != 0)
		return awsq_err_set(err, AWSQ_EIO, "ended in a way that is not known");
	if (rc == 0 || rc == AWSQ_EIO)
		return judge(status, err);
	if (rc == AWSQ_ECANCELED)
		return awsq_err_set(err, rc, "was ended by the user");
	return awsq_err_set(err, rc, "had not ended after %d seconds, and was killed",
		(int)(limit_ms / 1000));
}
