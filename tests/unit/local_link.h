/*
 * local_link.h: a link whose instance is this machine: texts are run by sh with another HOME. It
 * can break at any byte, and answer as one that does not stream.
 */
#ifndef AWSQ_TESTS_LOCAL_LINK_H
#define AWSQ_TESTS_LOCAL_LINK_H

#include "runs/link.h"

#include <awsq/buf.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct local_link {
	struct link link;
	struct link_kind own_kind;
	const char *home;
	int64_t breaks_after; /* bytes of an answer; -1: it does not break */
	int breaks;           /* how often still */
	int down;             /* how often still it cannot be reached */
	int calls;
	size_t largest;                      /* answer */
	void (*before)(void *arg, int call); /* each exec; NULL */
	void *arg;
};

static inline pid_t local_start(const struct local_link *l, const char *text, size_t len, int *out)
{
	char name[] = "/tmp/local_link.XXXXXX";
	int file = mkstemp(name), fds[2];
	pid_t pid;

	if (file < 0 || write(file, text, len) != (ssize_t)len || pipe(fds) != 0)
		abort();
	(void)lseek(file, 0, SEEK_SET);
	(void)unlink(name);
	pid = fork();
	if (pid == 0) {
		(void)setsid();
		(void)dup2(file, 0);
		(void)dup2(fds[1], 1);
		(void)close(fds[0]);
		(void)close(fds[1]);
		(void)setenv("HOME", l->home, 1);
		if (chdir(l->home) == 0)
			(void)execl("/bin/sh", "sh", "-c",
				"echo \"noise of a login shell\"; t=$(cat; echo x); "
				"exec </dev/null; eval \"${t%x}\"",
				(char *)NULL);
		_exit(126);
	}
	(void)close(file);
	(void)close(fds[1]);
	*out = fds[0];
	return pid;
}

/* Passes bytes on, until the link breaks. */
static inline int local_pass(struct local_link *l, const struct ssh_output *out, const char *data,
	size_t len, int64_t *passed, struct awsq_err *err)
{
	int breaks =
		l->breaks > 0 && l->breaks_after >= 0 && *passed + (int64_t)len > l->breaks_after;
	int rc;

	if (breaks)
		len = (size_t)(l->breaks_after - *passed);
	*passed += (int64_t)len;
	rc = len ? out->write(out->arg, 0, data, len) : 0;
	if (rc == 0 && breaks) {
		l->breaks--;
		rc = awsq_err_set(err, AWSQ_ENET, "the link broke");
	}
	return rc;
}

static inline int local_exec(struct link *link, int *status, const char *text, size_t len,
	const struct ssh_output *out, int64_t deadline_ms, int cancel_fd, struct awsq_err *err)
{
	struct local_link *l = (struct local_link *)link;
	struct awsq_buf whole = AWSQ_BUF_INIT(256 * 1024 * 1024);
	size_t most = l->link.kind->answer_max;
	int64_t passed = 0;
	char bytes[8192];
	int fd, rc = 0, ended = 0;
	ssize_t n;
	pid_t pid;

	(void)deadline_ms;
	(void)cancel_fd;
	if (l->before)
		l->before(l->arg, l->calls);
	l->calls++;
	if (l->down > 0) {
		l->down--;
		return awsq_err_set(err, AWSQ_ENET, "nobody answers");
	}
	pid = local_start(l, text, len, &fd);
	while (rc == 0 && (n = read(fd, bytes, sizeof(bytes))) > 0) {
		if (most > 0)
			awsq_buf_add(&whole, bytes, (size_t)n);
		else
			rc = local_pass(l, out, bytes, (size_t)n, &passed, err);
	}
	(void)close(fd);
	if (rc != 0)
		(void)kill(-pid, SIGKILL);
	(void)waitpid(pid, &ended, 0);
	if (whole.len > l->largest)
		l->largest = whole.len;
	if (rc == 0 && most > 0 && whole.len > most)
		rc = awsq_err_set(err, AWSQ_ETOOBIG, "the answer is cut off");
	if (rc == 0 && most > 0)
		rc = local_pass(l, out, whole.data, whole.len, &passed, err);
	awsq_buf_free(&whole);
	*status = WIFEXITED(ended) ? WEXITSTATUS(ended) : 255;
	return rc;
}

/* answer_max: 0 streams. */
static inline void local_link_init(struct local_link *l, const char *home, size_t answer_max)
{
	memset(l, 0, sizeof(*l));
	l->own_kind = (struct link_kind){ local_exec, NULL, answer_max };
	l->link.kind = &l->own_kind;
	l->home = home;
	l->breaks_after = -1;
}

#endif
