/*
 * screen.h: the one way to stdout and stderr, for several threads at once.
 *
 * Results go to stdout. Events and warnings go to stderr, a line each; on a terminal a last line,
 * redrawn in place, shows what each region is waiting for. There lines are broken at words, and
 * what begins a warning is yellow, an error red (view.h). Control characters from a server never
 * reach the terminal.
 *
 * A reader who does not read keeps nobody from stopping an instance: lines are dropped when too
 * many wait for it, and results wait until a signal comes.
 */
#ifndef CLI_SCREEN_H
#define CLI_SCREEN_H

#include <stddef.h>

#include <awsq/common.h>
#include <awsq/log.h>

#include "cli/outlet.h"
#include "fleet/report.h"

struct screen;

/* quiet leaves out events and status. name is the executable's. NULL without memory. */
struct screen *screen_new(const char *name, int quiet);
void screen_free(struct screen *s);

/* Where the fleet's stories and the library's log lines go; both live as long as the screen. */
const struct report *screen_report(struct screen *s);
void screen_log(struct awsq_log *out, struct screen *s, enum awsq_log_level level);

/* Prints a line to stderr: "REGION: text", or "NAME: text" where region is NULL. */
void screen_error(struct screen *s, const char *region, const char *format, ...) AWSQ_PRINTF(3, 4);

/* Prints text to stdout. */
void screen_print(struct screen *s, const char *text);

/* Bytes to stdout or stderr, as they are. 0, or AWSQ_EIO when they could not be written. */
int screen_bytes(struct screen *s, int to_stderr, const void *data, size_t len);

/* A pen for stdout or stderr, for screen_put; see outlet.h. NULL without memory. */
struct outlet_pen *screen_pen(struct screen *s, int to_stderr);

/* screen_bytes by a pen of one's own, with outlet_put's limits and what it returns. */
int screen_put(struct screen *s, int to_stderr, struct outlet_pen *pen, const void *data,
	size_t len, int64_t until_ms, int cancel_fd);

/*
 * Waits for the reader of stdout, unless a signal comes or has come: 0 when all that was printed
 * has been written, or AWSQ_EIO.
 */
int screen_finish(struct screen *s);

/* Puts a question mark in the place of each control character. */
void screen_scrub(char *s);

#endif
