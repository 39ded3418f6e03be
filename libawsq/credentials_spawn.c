/* POSIX_SPAWN_SETSID, which is POSIX's since 2024, is there only for who asks for it. */
#define _GNU_SOURCE /* NOLINT(bugprone-reserved-identifier): the system's own */
#include "banned.h"

#include "credentials_spawn.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

/* What is ignored or blocked here would stay so there. */
static int set_signals(posix_spawnattr_t *attributes)
{
	sigset_t defaults, none;

	(void)sigemptyset(&none);
	(void)sigemptyset(&defaults);
	(void)sigaddset(&defaults, SIGPIPE);
	(void)sigaddset(&defaults, SIGXFSZ);
	return posix_spawnattr_setsigdefault(attributes, &defaults) ||
	       posix_spawnattr_setsigmask(attributes, &none);
}

int credentials_spawn(pid_t *pid, char *const argv[], int out, int said, int alone)
{
	int flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	int rc = posix_spawn_file_actions_init(&files);

	if (rc != 0)
		return rc;
	flags |= alone ? POSIX_SPAWN_SETSID : 0;
	rc = posix_spawnattr_init(&attributes);
	if (rc == 0) {
		rc = posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
		if (rc == 0)
			rc = posix_spawn_file_actions_adddup2(&files, said, STDERR_FILENO);
		if (rc == 0 && (set_signals(&attributes) ||
				       posix_spawnattr_setflags(&attributes, (short)flags)))
			rc = EINVAL;
		if (rc == 0)
			rc = posix_spawnp(pid, argv[0], &files, &attributes, argv, environ);
		(void)posix_spawnattr_destroy(&attributes);
	}
	(void)posix_spawn_file_actions_destroy(&files);
	return rc;
}
