#include "banned.h"

#include "cli/view.h"

#include <sys/ioctl.h>
#include <unistd.h>

static int wants_color(void)
{
	const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");

	return term && *term && strcmp(term, "dumb") != 0 && !(no_color && *no_color);
}

struct view view_of(int fd)
{
	struct view view = { 0, isatty(fd) && wants_color() };
	struct winsize size;

	if (ioctl(fd, TIOCGWINSZ, &size) == 0)
		view.columns = size.ws_col;
	return view;
}

const char *paint_begin(const struct view *view, enum paint paint)
{
	static const char *const begins[] = { "", "\033[32m", "\033[33m", "\033[31m" };

	return view->color ? begins[paint] : "";
}

const char *paint_end(const struct view *view, enum paint paint)
{
	return view->color && paint != PAINT_NONE ? "\033[0m" : "";
}
