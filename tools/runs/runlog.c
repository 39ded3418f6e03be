#include "banned.h"

#include "runs/runlog.h"

#include <awsq/buf.h>
#include <awsq/num.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_PATH 4096

struct stream {
	char *path, *old_path; /* "out" and "out.1" */
	int fd;
	int64_t size;    /* of the file */
	uint64_t base;   /* how many bytes of all attempts had come before the file */
	uint64_t before; /* how many of them are of earlier attempts */
	uint64_t passed; /* of this attempt */
};

struct runlog {
	struct stream streams[2];
	int64_t max_file; /* 0: none */
	int attempt;
	int notes; /* the file `passed`, or -1 */
	int failed;
};

/* ---- Paths */

char *runlog_path(const char *state_dir, const char *id, const char *file)
{
	struct awsq_buf path = AWSQ_BUF_INIT(MAX_PATH);

	awsq_buf_addf(&path, "%s/runs/%s%s%s", state_dir, id, file ? "/" : "", file ? file : "");
	return awsq_buf_take(&path);
}

static int make_folder(const char *state_dir, const char *id, struct awsq_err *err)
{
	char *all = runlog_path(state_dir, "", NULL);
	char *own = runlog_path(state_dir, id, NULL);
	int rc = 0;

	if (!all || !own)
		rc = awsq_err_set(err, AWSQ_ENOMEM, "out of memory");
	else if ((mkdir(all, 0700) != 0 && errno != EEXIST) ||
		 (mkdir(own, 0700) != 0 && errno != EEXIST))
		rc = awsq_err_set(err, AWSQ_EIO, "cannot make the run's folder '%s': %s", own,
			strerror(errno));
	free(all);
	free(own);
	return rc;
}

/* ---- What has been passed on */

/*
 * Always of one length, so that it is overwritten in place: that needs no room on a full disk, and
 * no kill leaves half of it.
 */
#define NOTES_FORMAT                                                                    \
	"%010d %020" PRIu64 " %020" PRIu64 " %020" PRIu64 " %020" PRIu64 " %020" PRIu64 \
	" %020" PRIu64 "\n"
#define NOTES_SIZE (11 + 6 * 21 + 1)

static void write_notes(const struct runlog *log)
{
	const struct stream *o = &log->streams[0], *e = &log->streams[1];
	char text[NOTES_SIZE];
	int n = snprintf(text, sizeof(text), NOTES_FORMAT, log->attempt, o->passed, e->passed,
		o->before, e->before, o->base, e->base);

	if (log->notes >= 0)
		(void)!pwrite(log->notes, text, (size_t)n, 0);
}

/* A file that is not such a line counts as none: all is 0 then. */
static void read_notes(struct runlog *log)
{
	struct stream *o = &log->streams[0], *e = &log->streams[1];
	uint64_t *fields[] = { &o->passed, &e->passed, &o->before, &e->before, &o->base, &e->base };
	int64_t values[1 + sizeof(fields) / sizeof(fields[0])];
	char text[NOTES_SIZE] = "";
	size_t n = 0;

	if (log->notes < 0 || pread(log->notes, text, sizeof(text) - 1, 0) != NOTES_SIZE - 1)
		return;
	for (char *word = text; n < sizeof(values) / sizeof(values[0]); n++) {
		size_t len = strcspn(word, " \n");
		int64_t most = n == 0 ? INT_MAX : INT64_MAX;

		word[len] = '\0';
		if (awsq_parse_int(&values[n], word, 0, most) != 0)
			return;
		word += word + len + 1 < text + sizeof(text) ? len + 1 : len;
	}
	log->attempt = (int)values[0];
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		*fields[i] = (uint64_t)values[i + 1];
}

void runlog_attempt(struct runlog *log, int attempt)
{
	if (!log || log->attempt == attempt)
		return;
	log->attempt = attempt;
	for (int i = 0; i < 2; i++) {
		log->streams[i].before += log->streams[i].passed;
		log->streams[i].passed = 0;
	}
	write_notes(log);
}

void runlog_passed(const struct runlog *log, uint64_t bytes[2])
{
	for (int i = 0; i < 2; i++)
		bytes[i] = log ? log->streams[i].passed : 0;
}

void runlog_note(struct runlog *log, const uint64_t bytes[2])
{
	if (!log)
		return;
	for (int i = 0; i < 2; i++)
		log->streams[i].passed = bytes[i];
	write_notes(log);
}

/* ---- The streams' files */

static int io_error(struct runlog *log, const char *path, struct awsq_err *err)
{
	log->failed = 1;
	return awsq_err_set(err, AWSQ_EIO, "cannot keep the output in '%s': %s", path,
		strerror(errno));
}

/* The file ends where passed is, unless what should be in it could not be written. */
static int fit_to_passed(struct stream *s)
{
	uint64_t passed = s->before + s->passed;
	int64_t wanted = (int64_t)(passed - s->base);
	struct stat old;

	if (passed < s->base) {
		/* It was begun after what was passed on: that ends in the file before it. */
		if (stat(s->old_path, &old) == 0 && old.st_size > -wanted)
			(void)truncate(s->old_path, old.st_size + wanted);
		wanted = 0;
	}
	if (s->size > wanted) {
		if (ftruncate(s->fd, wanted) != 0)
			return -1;
		s->size = wanted;
	}
	s->base = passed - (uint64_t)s->size;
	return 0;
}

static int open_stream(struct runlog *log, struct stream *s, struct awsq_err *err)
{
	struct stat st;

	s->fd = open(s->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (s->fd < 0 || fstat(s->fd, &st) != 0)
		return io_error(log, s->path, err);
	s->size = st.st_size;
	return fit_to_passed(s) == 0 ? 0 : io_error(log, s->path, err);
}

/* The full file becomes the one before, and what was that is gone. */
static int begin_file(struct runlog *log, struct stream *s, struct awsq_err *err)
{
	if (rename(s->path, s->old_path) != 0)
		return io_error(log, s->path, err);
	(void)close(s->fd);
	s->fd = open(s->path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	if (s->fd < 0)
		return io_error(log, s->path, err);
	s->base += (uint64_t)s->size;
	s->size = 0;
	write_notes(log);
	return 0;
}

int runlog_write(struct runlog *log, int is_stderr, const void *data, size_t len,
	struct awsq_err *err)
{
	struct stream *s = log ? &log->streams[is_stderr ? 1 : 0] : NULL;
	const char *p = data;

	if (!s || log->failed)
		return 0;
	while (len > 0) {
		size_t n = len;
		ssize_t written;

		if (log->max_file > 0 && s->size >= log->max_file) {
			int rc = begin_file(log, s, err);

			if (rc != 0)
				return rc;
		}
		if (log->max_file > 0 && (int64_t)n > log->max_file - s->size)
			n = (size_t)(log->max_file - s->size);
		written = write(s->fd, p, n);
		if (written < 0 && errno != EINTR)
			return io_error(log, s->path, err);
		if (written > 0) {
			p += written;
			len -= (size_t)written;
			s->size += written;
		}
	}
	return 0;
}

/* ---- Beginning and end */

/* Older files may go in the middle of a run; what stays is at least half of the maximum. */
static int64_t half(int64_t max_bytes)
{
	return max_bytes > 1 ? max_bytes / 2 : max_bytes;
}

static int find_paths(struct runlog *log, const char *state_dir, const char *id)
{
	log->streams[0].path = runlog_path(state_dir, id, "out");
	log->streams[0].old_path = runlog_path(state_dir, id, "out.1");
	log->streams[1].path = runlog_path(state_dir, id, "err");
	log->streams[1].old_path = runlog_path(state_dir, id, "err.1");
	for (int i = 0; i < 2; i++) {
		if (!log->streams[i].path || !log->streams[i].old_path)
			return AWSQ_ENOMEM;
	}
	return 0;
}

static int open_all(struct runlog *log, const char *state_dir, const char *id, struct awsq_err *err)
{
	char *notes = runlog_path(state_dir, id, "passed");
	int rc = 0;

	if (!notes || find_paths(log, state_dir, id) != 0)
		rc = awsq_err_set(err, AWSQ_ENOMEM, "out of memory");
	if (rc == 0) {
		log->notes = open(notes, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		if (log->notes < 0)
			rc = io_error(log, notes, err);
	}
	if (rc == 0) {
		read_notes(log);
		rc = open_stream(log, &log->streams[0], err);
	}
	if (rc == 0)
		rc = open_stream(log, &log->streams[1], err);
	if (rc == 0)
		write_notes(log);
	free(notes);
	return rc;
}

int runlog_open(struct runlog **out, const char *state_dir, const char *id, int64_t max_bytes,
	struct awsq_err *err)
{
	struct runlog *log;
	int rc;

	*out = NULL;
	if (id[0] == '\0' || id[0] == '.' || strchr(id, '/'))
		return awsq_err_set(err, AWSQ_EINVAL, "'%s' is not the id of a run", id);
	log = calloc(1, sizeof(*log));
	if (!log)
		return awsq_err_set(err, AWSQ_ENOMEM, "out of memory");
	log->streams[0].fd = log->streams[1].fd = log->notes = -1;
	log->attempt = 1;
	log->max_file = half(max_bytes);
	rc = make_folder(state_dir, id, err);
	if (rc == 0)
		rc = open_all(log, state_dir, id, err);
	if (rc == 0)
		*out = log;
	else
		runlog_close(log);
	return rc;
}

void runlog_close(struct runlog *log)
{
	if (!log)
		return;
	for (int i = 0; i < 2; i++) {
		if (log->streams[i].fd >= 0)
			(void)close(log->streams[i].fd);
		free(log->streams[i].path);
		free(log->streams[i].old_path);
	}
	if (log->notes >= 0)
		(void)close(log->notes);
	free(log);
}
