#include "banned.h"

#include "cli/screen.h"
#include "cli/signals.h"
#include "cli/view.h"
#include "cli/wrap.h"

#include <awsq/buf.h>
#include <awsq/clock.h>
#include <awsq/err.h>

#include <pthread.h>
#include <stdarg.h>
#include <unistd.h>

#define MAX_REGIONS    64
#define MAX_LINE_BYTES 8192
#define SHARE_COLUMNS  38    /* what a region's status takes at least */
#define REMIND_MS      60000 /* how often a log is told what is still being waited for */
#define INDENT         4     /* of a line that goes on with the one before */
#define AT_ONCE        1     /* as a time: long past */

struct status {
	char region[64];
	char text[160];
	int64_t told_ms; /* when a line was last printed of it, where there is no terminal */
};

struct screen {
	pthread_mutex_t mutex;
	const char *name;
	int quiet;
	struct outlet *outlets[2]; /* stdout, stderr */
	struct outlet_pen *pens[2];
	int is_tty[2];
	int terminal; /* stderr is one that can redraw a line */
	int drawn;    /* the status line stands on the terminal */
	int mid_line; /* a job's output on the terminal has not come to the end of its line */
	int writers;  /* how many write to the terminal just now, where no line is to be drawn */
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

static void write_stderr(struct screen *s, const char *data, size_t len)
{
	(void)outlet_put(s->pens[1], data, len, AT_ONCE, -1);
}

static void erase(struct screen *s)
{
	if (s->drawn)
		write_stderr(s, "\r\033[K", 4);
	s->drawn = 0;
}

static size_t width(void)
{
	size_t columns = view_of(STDERR_FILENO).columns;

	return columns > 10 ? columns : 80;
}

/* What the regions wait for, side by side; those for which there is no room are counted. */
static void compose(struct awsq_buf *line, const struct screen *s)
{
	size_t active = 0, shown = 0, room = width() - 1, fits, share;

	for (size_t i = 0; i < s->n_statuses; i++)
		active += s->statuses[i].text[0] != '\0';
	fits = room / SHARE_COLUMNS > 0 ? room / SHARE_COLUMNS : 1;
	if (active <= fits)
		fits = active;
	share = fits > 0 ? room / fits : room;
	for (size_t i = 0; i < s->n_statuses && shown < fits; i++) {
		char text[sizeof(struct status)];

		if (!s->statuses[i].text[0])
			continue;
		(void)snprintf(text, sizeof(text), "%s%s: %s", shown ? "| " : "",
			s->statuses[i].region, s->statuses[i].text);
		/* Room for a blank, and at the end for the number of the others. */
		awsq_buf_add(line, text,
			wrap_bytes(text, share - (++shown == fits && active > fits ? 5 : 1)));
		if (shown < fits)
			awsq_buf_addc(line, ' ');
	}
	if (active > shown)
		awsq_buf_addf(line, " +%zu", active - shown);
}

static void draw(struct screen *s)
{
	struct awsq_buf line = AWSQ_BUF_INIT(MAX_REGIONS * sizeof(struct status) * 2);

	if (!s->terminal || s->quiet || s->mid_line || s->writers > 0 ||
		outlet_is_stuck(s->outlets[1]))
		return;
	erase(s);
	compose(&line, s);
	if (line.len > 0) {
		write_stderr(s, line.data, line.len);
		s->drawn = 1;
	}
	awsq_buf_free(&line);
}

/* Adds "SUBJECT: text", in lines of whole words where it goes to a terminal. */
static void add_line(struct awsq_buf *out, const char *subject, const char *text, enum paint paint)
{
	struct view view = view_of(STDERR_FILENO);
	size_t used = wrap_columns(subject) + 2;

	awsq_buf_addf(out, "%s%s:%s ", paint_begin(&view, paint), subject, paint_end(&view, paint));
	wrap_add(out, text, view.columns > 2 * used ? view.columns : 0, used, INDENT);
}

static void print_line(struct screen *s, const char *subject, const char *text, enum paint paint)
{
	struct awsq_buf lines = AWSQ_BUF_INIT(4 * MAX_LINE_BYTES);
	char whole[MAX_LINE_BYTES], who[sizeof(s->statuses[0].region)];

	(void)snprintf(who, sizeof(who), "%s", subject);
	(void)snprintf(whole, sizeof(whole), "%s", text);
	screen_scrub(who);
	screen_scrub(whole);
	if (s->mid_line)
		awsq_buf_addc(&lines, '\n');
	add_line(&lines, who, whole, paint);
	erase(s);
	if (awsq_buf_error(&lines) == 0) {
		write_stderr(s, lines.data, lines.len);
	} else {
		/* Without memory it is said all the same. */
		write_stderr(s, whole, strlen(whole));
		write_stderr(s, "\n", 1);
	}
	awsq_buf_free(&lines);
	s->mid_line = 0;
	draw(s);
}

/* Where no line can be redrawn, a log that would say nothing for long is told now and then. */
static void remind(struct screen *s, struct status *status)
{
	int64_t now = awsq_mono_ms();

	if (s->terminal || s->quiet || !status->text[0])
		return;
	if (status->told_ms == 0) {
		status->told_ms = now;
	} else if (now - status->told_ms >= REMIND_MS) {
		print_line(s, status->region, status->text, PAINT_NONE);
		status->told_ms = now;
	}
}

static struct status *find_status(struct screen *s, const char *region)
{
	for (size_t i = 0; i < s->n_statuses; i++) {
		if (strcmp(s->statuses[i].region, region) == 0)
			return &s->statuses[i];
	}
	if (s->n_statuses == MAX_REGIONS)
		return NULL;
	(void)snprintf(s->statuses[s->n_statuses].region, sizeof(s->statuses[0].region), "%s",
		region);
	return &s->statuses[s->n_statuses++];
}

static void set_status(void *arg, const char *region, const char *text)
{
	struct screen *s = arg;
	struct status *status;

	pthread_mutex_lock(&s->mutex);
	status = find_status(s, region);
	if (status && strcmp(status->text, text) != 0) {
		(void)snprintf(status->text, sizeof(status->text), "%s", text);
		screen_scrub(status->text);
		draw(s);
	}
	if (status)
		remind(s, status);
	pthread_mutex_unlock(&s->mutex);
}

/* ---- Lines */

static void put_line(struct screen *s, const char *subject, const char *text, enum paint paint)
{
	pthread_mutex_lock(&s->mutex);
	print_line(s, subject, text, paint);
	pthread_mutex_unlock(&s->mutex);
}

static void on_event(void *arg, const char *region, const char *text)
{
	struct screen *s = arg;

	if (!s->quiet)
		put_line(s, region, text, PAINT_NONE);
}

static void on_warning(void *arg, const char *region, const char *text)
{
	put_line(arg, region, text, PAINT_CARE);
}

static void on_log(void *arg, enum awsq_log_level level, const char *line)
{
	struct screen *s = arg;

	put_line(s, s->name, line, level == AWSQ_LOG_WARN ? PAINT_CARE : PAINT_NONE);
}

void screen_error(struct screen *s, const char *region, const char *format, ...)
{
	char text[MAX_LINE_BYTES];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	put_line(s, region ? region : s->name, text, PAINT_BAD);
}

struct outlet_pen *screen_pen(struct screen *s, int to_stderr)
{
	return outlet_pen(s->outlets[to_stderr ? 1 : 0]);
}

int screen_put(struct screen *s, int to_stderr, struct outlet_pen *pen, const void *data,
	size_t len, int64_t until_ms, int cancel_fd)
{
	int is_shown = s->terminal && s->is_tty[to_stderr ? 1 : 0], rc;

	if (is_shown) {
		pthread_mutex_lock(&s->mutex);
		erase(s);
		s->writers++;
		pthread_mutex_unlock(&s->mutex);
	}
	/* Not under the lock: other regions have events to tell meanwhile. */
	rc = outlet_put(pen, data, len, until_ms, cancel_fd);
	if (is_shown) {
		pthread_mutex_lock(&s->mutex);
		s->writers--;
		if (rc == 0 && len > 0)
			s->mid_line = ((const char *)data)[len - 1] != '\n';
		draw(s);
		pthread_mutex_unlock(&s->mutex);
	}
	return rc;
}

int screen_bytes(struct screen *s, int to_stderr, const void *data, size_t len)
{
	int rc = screen_put(s, to_stderr, s->pens[to_stderr ? 1 : 0], data, len,
		to_stderr ? AT_ONCE : 0, signals_fd());

	return rc == 0 ? 0 : AWSQ_EIO;
}

void screen_print(struct screen *s, const char *text)
{
	(void)screen_bytes(s, 0, text, strlen(text));
}

int screen_finish(struct screen *s)
{
	pthread_mutex_lock(&s->mutex);
	erase(s);
	pthread_mutex_unlock(&s->mutex);
	return outlet_finish(s->outlets[0], 1, signals_fd());
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
	for (int i = 0; i < 2; i++) {
		s->is_tty[i] = isatty(i ? STDERR_FILENO : STDOUT_FILENO);
		s->outlets[i] = outlet_new(i ? STDERR_FILENO : STDOUT_FILENO);
		s->pens[i] = s->outlets[i] ? outlet_pen(s->outlets[i]) : NULL;
	}
	s->terminal = s->is_tty[1] && term && strcmp(term, "dumb") != 0;
	s->report = (struct report){ on_event, on_warning, set_status, s };
	if (s->pens[0] && s->pens[1])
		return s;
	screen_free(s);
	return NULL;
}

void screen_free(struct screen *s)
{
	if (!s)
		return;
	if (s->outlets[1])
		(void)outlet_finish(s->outlets[1], 0, -1);
	for (int i = 0; i < 2; i++)
		outlet_free(s->outlets[i]);
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
