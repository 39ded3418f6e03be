#include "banned.h"

#include "cli/ask.h"
#include "cli/exit.h"

#include <unistd.h>

int ask_to_go_on(struct screen *s, const char *question)
{
	char answer[16] = "";

	if (!isatty(STDIN_FILENO)) {
		screen_error(s, NULL,
			"there is no terminal to ask on; --yes goes on without asking");
		return EXIT_USAGE;
	}
	fprintf(stderr, "%s [y/N] ", question);
	(void)fflush(stderr);
	if (fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y'))
		return EXIT_OK;
	screen_error(s, NULL, "nothing was changed");
	return EXIT_FAILED;
}
