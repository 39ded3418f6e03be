#include "banned.h"

#include "cli/signals.h"

#include <awsq/err.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

static int ends[2] = { -1, -1 };
static volatile sig_atomic_t caught;

static void on_signal(int number)
{
	int saved = errno;

	/* Again and again, and it changes nothing: what is being stopped will be stopped. */
	if (caught == 0) {
		caught = number;
		(void)!write(ends[1], "", 1);
	}
	errno = saved;
}

int signals_open(int *fd)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { 0 };

	if (pipe(ends) != 0 || fcntl(ends[0], F_SETFD, FD_CLOEXEC) != 0 ||
		fcntl(ends[1], F_SETFD, FD_CLOEXEC) != 0)
		return AWSQ_EIO;
	action.sa_handler = on_signal;
	action.sa_flags = SA_RESTART;
	(void)sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct sigaction old;

		/* What nohup(1) ignores stays ignored. */
		if (sigaction(numbers[i], NULL, &old) == 0 && old.sa_handler == SIG_IGN)
			continue;
		if (sigaction(numbers[i], &action, NULL) != 0)
			return AWSQ_EIO;
	}
	/* A reader of our output that goes away is an error of write, not our death. */
	action.sa_handler = SIG_IGN;
	if (sigaction(SIGPIPE, &action, NULL) != 0)
		return AWSQ_EIO;
	/* So is a limit to the size of files: an instance is still to be stopped. */
	if (sigaction(SIGXFSZ, &action, NULL) != 0)
		return AWSQ_EIO;
	/* What began us may ignore this one, and nobody would hear how a hook ended. */
	action.sa_handler = SIG_DFL;
	if (sigaction(SIGCHLD, &action, NULL) != 0)
		return AWSQ_EIO;
	*fd = ends[0];
	return 0;
}

int signals_fd(void)
{
	return ends[0];
}

int signals_caught(void)
{
	return caught;
}
