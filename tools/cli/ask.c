#include "banned.h"

#include "cli/ask.h"
#include "cli/exit.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

int ask_to_go_on(struct screen *s, int cancel_fd, const char *question)
{
	struct pollfd p[] = { { STDIN_FILENO, POLLIN, 0 }, { cancel_fd, POLLIN, 0 } };
	char answer[16] = "";

	if (!isatty(STDIN_FILENO)) {
		screen_error(s, NULL,
			"there is no terminal to ask on; --yes goes on without asking");
		return EXIT_USAGE;
	}
	fprintf(stderr, "%s [y/N] ", question);
	(void)fflush(stderr);
	while (poll(p, 2, -1) < 0 && errno == EINTR)
		continue;
	if (p[1].revents)
		fputc('\n', stderr);
	else if (fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y'))
		return EXIT_OK;
	screen_error(s, NULL, "nothing was changed");
	return EXIT_FAILED;
}
