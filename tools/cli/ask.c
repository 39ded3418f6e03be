#include "banned.h"

#include "cli/ask.h"
#include "cli/exit.h"

#include <awsq/err.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <termios.h>
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

int ask_is_possible(void)
{
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return 0;
	(void)close(fd);
	return 1;
}

/* Reads a line, which a terminal hands over whole. */
static int read_line(int fd, int cancel_fd, char *answer, size_t size)
{
	struct pollfd p[] = { { fd, POLLIN, 0 }, { cancel_fd, POLLIN, 0 } };
	ssize_t n;

	while (poll(p, 2, -1) < 0 && errno == EINTR)
		continue;
	if (p[1].revents)
		return AWSQ_ECANCELED;
	n = read(fd, answer, size - 1);
	if (n < 0)
		return AWSQ_EIO;
	answer[n] = '\0';
	answer[strcspn(answer, "\r\n")] = '\0';
	return answer[0] ? 0 : AWSQ_ECANCELED;
}

int ask_for_code(void *arg, const char *question, char *answer, size_t size)
{
	const int *cancel_fd = arg;
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	struct termios before, quiet;
	int rc = AWSQ_EIO;

	if (fd < 0)
		return AWSQ_EIO;
	if (tcgetattr(fd, &before) == 0) {
		quiet = before;
		quiet.c_lflag &= ~(tcflag_t)ECHO;
		quiet.c_lflag |= ICANON;
		if (tcsetattr(fd, TCSAFLUSH, &quiet) == 0 &&
			write(fd, question, strlen(question)) > 0)
			rc = read_line(fd, *cancel_fd, answer, size);
		(void)tcsetattr(fd, TCSAFLUSH, &before);
		(void)!write(fd, "\n", 1);
	}
	(void)close(fd);
	return rc;
}
