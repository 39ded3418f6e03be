#include "banned.h"

#include "cli/screen.h"

#include <awsq/buf.h>
#include <awsq/err.h>

#include <pthread.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define MAX_REGIONS    64
#define MAX_LINE_BYTES 8192

struct status {
	char region[32];
	char text[160];
};

struct screen {
	pthread_mutex_t mutex;
	const char *name;
	int quiet;
	int terminal; /* stderr is one that can redraw a line */
	int failed;   /* something could not be written to stdout */
	int drawn;    /* the status line stands on the terminal */
	struct status statuses[MAX_REGIONS];
	size_t n_statuses;
	struct report report;
};

void screen_scrub(char *s)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s, next = (unsigned char)s[1];

		if (c < 0x20 || c == 0x7f)
			*s = '?';
		else if (c == 0xc2 && next >= 0x80 && next < 0xa0)
			s[0] = s[1] = '?'; /* the control characters above ASCII, in UTF-8 */
	}
}

/* ---- The status line; the mutex is held. */

static void erase(struct screen *s)
{
	if (s->drawn)
		(void)!write(STDERR_FILENO, "\r\033[K", 4);
	s->drawn = 0;
}

static size_t width(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 10)
		return size.ws_col;
	return 80;
}

static void draw(struct screen *s)
{
	struct awsq_buf line = AWSQ_BUF_INIT(MAX_REGIONS * sizeof(struct status) * 2);

	if (!s->terminal || s->quiet)
		return;
	erase(s);
	for (size_t i = 0; i < s->n_statuses; i++) {
		if (s->statuses[i].text[0])
			awsq_buf_addf(&line, "%s%s: %s", line.len ? " | " : "",
				s->statuses[i].region, s->statuses[i].text);
	}
	awsq_buf_truncate(&line, width() - 1);
	if (line.len > 0) {
		(void)!write(STDERR_FILENO, line.data, line.len);
		s->drawn = 1;
	}
	awsq_buf_free(&line);
}

static void set_status(void *arg, const char *region, const char *text)
{
	struct screen *s = arg;
	size_t i;

	pthread_mutex_lock(&s->mutex);
	for (i = 0; i < s->n_statuses; i++) {
		if (strcmp(s->statuses[i].region, region) == 0)
			break;
	}
	if (i == s->n_statuses && i < MAX_REGIONS)
		(void)snprintf(s->statuses[s->n_statuses++].region, sizeof(s->statuses[0].region),
			"%s", region);
	if (i < MAX_REGIONS && strcmp(s->statuses[i].text, text) != 0) {
		(void)snprintf(s->statuses[i].text, sizeof(s->statuses[i].text), "%s", text);
		screen_scrub(s->statuses[i].text);
		draw(s);
	}
	pthread_mutex_unlock(&s->mutex);
}

/* ---- Lines */

static void put_line(struct screen *s, const char *subject, const char *text)
{
	char line[MAX_LINE_BYTES];

	(void)snprintf(line, sizeof(line), "%s: %s", subject, text);
	screen_scrub(line);
	pthread_mutex_lock(&s->mutex);
	erase(s);
	fprintf(stderr, "%s\n", line);
	draw(s);
	pthread_mutex_unlock(&s->mutex);
}

static void on_event(void *arg, const char *region, const char *text)
{
	struct screen *s = arg;

	if (!s->quiet)
		put_line(s, region, text);
}

static void on_warning(void *arg, const char *region, const char *text)
{
	put_line(arg, region, text);
}

static void on_log(void *arg, enum awsq_log_level level, const char *line)
{
	struct screen *s = arg;

	(void)level;
	put_line(s, s->name, line);
}

void screen_error(struct screen *s, const char *region, const char *format, ...)
{
	char text[MAX_LINE_BYTES];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	put_line(s, region ? region : s->name, text);
}

int screen_bytes(struct screen *s, int to_stderr, const void *data, size_t len)
{
	FILE *f = to_stderr ? stderr : stdout;
	int failed;

	pthread_mutex_lock(&s->mutex);
	erase(s);
	failed = fwrite(data, 1, len, f) != len || fflush(f) != 0;
	if (failed && !to_stderr)
		s->failed = 1;
	draw(s);
	pthread_mutex_unlock(&s->mutex);
	return failed ? AWSQ_EIO : 0;
}

void screen_print(struct screen *s, const char *text)
{
	(void)screen_bytes(s, 0, text, strlen(text));
}

int screen_finish(struct screen *s)
{
	pthread_mutex_lock(&s->mutex);
	erase(s);
	if (fflush(stdout) != 0)
		s->failed = 1;
	pthread_mutex_unlock(&s->mutex);
	return s->failed ? AWSQ_EIO : 0;
}

/* ---- The whole */

struct screen *screen_new(const char *name, int quiet)
{
	struct screen *s = calloc(1, sizeof(*s));
	const char *term = getenv("TERM");

	if (!s)
		return NULL;
	pthread_mutex_init(&s->mutex, NULL);
	s->name = name;
	s->quiet = quiet;
	s->terminal = isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
	s->report = (struct report){ on_event, on_warning, set_status, s };
	return s;
}

void screen_free(struct screen *s)
{
	if (!s)
		return;
	pthread_mutex_destroy(&s->mutex);
	free(s);
}

const struct report *screen_report(struct screen *s)
{
	return &s->report;
}

void screen_log(struct awsq_log *out, struct screen *s, enum awsq_log_level level)
{
	out->level = level;
	out->write = on_log;
	out->arg = s;
}
