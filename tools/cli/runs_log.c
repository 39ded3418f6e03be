#include "banned.h"

#include "cli/runs_log.h"
#include "runs/runlog.h"

#include <awsq/err.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE 65536

struct stream {
	char *path, *old_path; /* NULL: this one is not asked for */
	int fd;                /* -1: not there yet */
	int to_stderr;
};

struct runs_log {
	struct screen *screen;
	struct stream streams[2];
};

static int ask_for(struct stream *s, const char *state_dir, const char *id, const char *name)
{
	char old[8];

	(void)snprintf(old, sizeof(old), "%s.1", name);
	s->path = runlog_path(state_dir, id, name);
	s->old_path = runlog_path(state_dir, id, old);
	return s->path && s->old_path ? 0 : AWSQ_ENOMEM;
}

struct runs_log *runs_log_new(struct screen *screen, const char *state_dir, const char *id,
	const char *which)
{
	struct runs_log *log = calloc(1, sizeof(*log));
	int rc = 0;

	if (!log)
		return NULL;
	log->screen = screen;
	log->streams[0].fd = log->streams[1].fd = -1;
	log->streams[1].to_stderr = which[0] == '\0';
	if (strcmp(which, "err") != 0)
		rc = ask_for(&log->streams[0], state_dir, id, "out");
	if (rc == 0 && strcmp(which, "out") != 0)
		rc = ask_for(&log->streams[1], state_dir, id, "err");
	if (rc == 0)
		return log;
	runs_log_free(log);
	return NULL;
}

void runs_log_free(struct runs_log *log)
{
	if (!log)
		return;
	for (int i = 0; i < 2; i++) {
		if (log->streams[i].fd >= 0)
			(void)close(log->streams[i].fd);
		free(log->streams[i].path);
		free(log->streams[i].old_path);
	}
	free(log);
}

/*
 * To the file's end. Where a controller that took the run over has cut off what it will add again,
 * this is behind the end, and nothing comes until it has.
 */
static int copy(struct runs_log *log, int fd, int to_stderr)
{
	char piece[PIECE];

	for (;;) {
		ssize_t n = read(fd, piece, sizeof(piece));

		if (n == 0)
			return 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || screen_bytes(log->screen, to_stderr, piece, (size_t)n) != 0)
			return AWSQ_EIO;
	}
}

/* Whether the file of that name is another one by now: its writer has begun it anew. */
static int is_another(const char *path, int fd)
{
	struct stat now, then;

	return stat(path, &now) == 0 && fstat(fd, &then) == 0 &&
	       (now.st_ino != then.st_ino || now.st_dev != then.st_dev);
}

static int print_stream(struct runs_log *log, struct stream *s)
{
	int old, rc = 0;

	if (s->fd < 0) {
		old = open(s->old_path, O_RDONLY | O_CLOEXEC);
		s->fd = open(s->path, O_RDONLY | O_CLOEXEC);
		if (old >= 0) {
			rc = copy(log, old, s->to_stderr);
			(void)close(old);
		}
		if (s->fd < 0 && rc == 0)
			return errno == ENOENT ? AWSQ_ENOTFOUND : AWSQ_EIO;
	}
	if (rc == 0)
		rc = copy(log, s->fd, s->to_stderr);
	while (rc == 0 && is_another(s->path, s->fd)) {
		/* What was written to it before it was moved away. */
		rc = copy(log, s->fd, s->to_stderr);
		(void)close(s->fd);
		s->fd = open(s->path, O_RDONLY | O_CLOEXEC);
		if (s->fd < 0)
			return AWSQ_EIO;
		if (rc == 0)
			rc = copy(log, s->fd, s->to_stderr);
	}
	return rc;
}

int runs_log_print(struct runs_log *log)
{
	int rc = 0;

	for (int i = 0; i < 2 && rc == 0; i++) {
		if (log->streams[i].path)
			rc = print_stream(log, &log->streams[i]);
	}
	return rc;
}
