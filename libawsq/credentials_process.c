/*
 * credential_process: a command that prints credentials. It is run without a shell.
 *
 * Source: "Process credential provider" of the AWS SDKs and Tools Reference Guide, and
 * ProcessProvider of botocore 1.43.11 (botocore/credentials.py).
 */
#include "banned.h"

#include "credentials_answer.h"
#include "credentials_spawn.h"
#include "words.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define SOURCE      "credential_process"
#define MAX_OUTPUT  ((size_t)64 * 1024)
#define MAX_SAID    ((size_t)4096)
#define MAX_COMMAND ((size_t)1024 * 1024)
#define TIMEOUT_MS  ((int64_t)5 * 60 * 1000) /* some open a browser, in which a person logs in */
#define RENEWAL_MS  20000                    /* the same where others wait: nobody is asked then */
#define LOOK_MS     100                      /* how often to look whether it has ended */
#define HEAR_MS     200                      /* from its end by a signal to that signal here */
#define TERM_MS     500                      /* from SIGTERM to SIGKILL */
#define QUOTED      300                      /* bytes of what it said, in an error */
#define NOT_ENDED   (-1)

/* A command under way. */
struct process {
	pid_t pid;
	int fds[2];             /* its stdout and stderr; -1: closed */
	struct awsq_buf output; /* to stdout */
	struct awsq_buf said;   /* to stderr, the beginning of it */
	int status;             /* as waitpid has it; NOT_ENDED */
	int64_t limit_ms;       /* it may take */
	int alone;              /* as credentials_spawn has it */
	int cancel_fd;          /* as of the search */
};

/* ---- Starting it */

/* The command's words, ending with NULL, and one allocation: the pointers are into words. */
static int split(char ***argv, struct awsq_buf *words, const char *command)
{
	struct awsq_buf word = AWSQ_BUF_INIT(MAX_COMMAND);
	size_t n = 0, at = 0;
	int rc;

	*argv = NULL;
	while ((rc = words_next(&command, &word)) == 1) {
		awsq_buf_add(words, awsq_buf_str(&word), word.len + 1);
		n++;
	}
	if (rc == 0 && n == 0)
		rc = AWSQ_EPARSE;
	if (rc == 0)
		rc = awsq_buf_error(words);
	awsq_buf_wipe(&word);
	if (rc != 0)
		return rc;
	*argv = calloc(n + 1, sizeof(**argv));
	if (!*argv)
		return AWSQ_ENOMEM;
	for (size_t i = 0; i < n; i++) {
		(*argv)[i] = words->data + at;
		at += strlen((*argv)[i]) + 1;
	}
	return 0;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

static int make_pipe(int fds[2])
{
	if (pipe(fds) != 0)
		return errno;
	(void)fcntl(fds[0], F_SETFD, FD_CLOEXEC);
	(void)fcntl(fds[1], F_SETFD, FD_CLOEXEC);
	return 0;
}

/* 0, or an errno. */
static int start(struct process *p, char *const argv[])
{
	int out[2] = { -1, -1 }, said[2] = { -1, -1 };
	int rc = make_pipe(out);

	if (rc == 0)
		rc = make_pipe(said);
	if (rc == 0)
		rc = credentials_spawn(&p->pid, argv, out[1], said[1], p->alone);
	close_fd(&out[1]);
	close_fd(&said[1]);
	p->fds[0] = out[0];
	p->fds[1] = said[0];
	return rc;
}

/* ---- Listening to it */

/* Takes what there is to read, and closes what has ended. */
static void take(int *fd, struct awsq_buf *into, int only_the_beginning)
{
	char chunk[4096];
	ssize_t n = read(*fd, chunk, sizeof(chunk));
	size_t room = into->max - into->len;

	if (n > 0 && only_the_beginning && (size_t)n > room)
		awsq_buf_add(into, chunk, room);
	else if (n > 0)
		awsq_buf_add(into, chunk, (size_t)n);
	else if (n == 0 || errno != EINTR)
		close_fd(fd);
	awsq_wipe(chunk, sizeof(chunk));
}

/* Whether it has ended. Where children are not waited for, its status is lost: what it said counts.
 */
static int has_ended(struct process *p)
{
	pid_t pid;

	if (p->status != NOT_ENDED)
		return 1;
	pid = waitpid(p->pid, &p->status, WNOHANG);
	if (pid < 0)
		p->status = 0;
	else if (pid == 0)
		p->status = NOT_ENDED;
	return pid != 0;
}

/*
 * Listens until it has closed both, or has ended and says no more: whom it left behind in the
 * background may keep them open for ever. Then waits for its end.
 */
static int listen_to(struct process *p)
{
	int64_t end = awsq_mono_ms() + p->limit_ms;

	while (p->fds[0] >= 0 || p->fds[1] >= 0 || !has_ended(p)) {
		struct pollfd polled[3] = { { p->fds[0], POLLIN, 0 }, { p->fds[1], POLLIN, 0 },
			{ p->cancel_fd, POLLIN, 0 } };
		int closed = p->fds[0] < 0 && p->fds[1] < 0;
		int n = poll(polled, 3, closed ? LOOK_MS / 10 : LOOK_MS);

		if (n > 0 && polled[2].revents)
			return AWSQ_ECANCELED;
		if (n > 0 && polled[0].revents)
			take(&p->fds[0], &p->output, 0);
		if (n > 0 && polled[1].revents)
			take(&p->fds[1], &p->said, 1);
		if (awsq_buf_error(&p->output))
			return awsq_buf_error(&p->output);
		if (n == 0 && has_ended(p))
			return 0;
		if (awsq_mono_ms() >= end)
			return AWSQ_ETIMEDOUT;
	}
	return 0;
}

/* Without reaping it, so that its number, and that of its group, stay its own. */
static int is_over(const struct process *p)
{
	siginfo_t info = { .si_pid = 0 };

	return waitid(P_PID, (id_t)p->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       info.si_pid == p->pid;
}

/* It may have a lock of its own, or a file half written: the next one would not get by that. */
static void end(struct process *p)
{
	int64_t limit = awsq_mono_ms() + TERM_MS;
	pid_t whole = p->alone ? -p->pid : p->pid;

	(void)kill(whole, SIGTERM);
	while (!is_over(p) && awsq_mono_ms() < limit)
		(void)awsq_sleep_ms(LOOK_MS / 10, -1);
	(void)kill(whole, SIGKILL); /* and what is left of it where its leader obeyed */
	(void)kill(p->pid, SIGKILL);
	while (waitpid(p->pid, &p->status, 0) < 0 && errno == EINTR)
		continue;
}

static void finish(struct process *p)
{
	close_fd(&p->fds[0]);
	close_fd(&p->fds[1]);
	if (p->pid > 0 && !has_ended(p))
		end(p);
	awsq_buf_wipe(&p->output);
	awsq_buf_wipe(&p->said);
}

/* ---- What came of it */

/* Ctrl-C ends it as well as us, and it may be the first to have heard. */
static void hear_of_signals(const struct process *p)
{
	if (p->status != 0 && p->cancel_fd >= 0)
		(void)awsq_sleep_ms(HEAR_MS, p->cancel_fd);
}

/* Where and what: of the command only its name, since there may be secrets among its arguments. */
static int failed(struct search *s, const char *profile, const char *name, const char *why)
{
	return awsq_err_set(s->err, AWSQ_ECREDENTIALS, "profile '%s': " SOURCE " '%.200s' %s",
		profile, name, why);
}

static int ended_badly(struct search *s, const char *profile, const char *name,
	const struct process *p)
{
	const char *said = awsq_buf_str(&p->said);
	size_t len = p->said.len;
	char why[QUOTED + 100];

	while (len > 0 && strchr(" \t\r\n", said[len - 1]))
		len--;
	/* The last words say most. */
	if (len > QUOTED) {
		said += len - QUOTED;
		len = QUOTED;
	}
	(void)snprintf(why, sizeof(why), "%s %d%s%.*s",
		WIFEXITED(p->status) ? "failed with status" : "was ended by signal",
		WIFEXITED(p->status) ? WEXITSTATUS(p->status) : WTERMSIG(p->status),
		len > 0 ? ": " : "", (int)len, said);
	return failed(s, profile, name, why);
}

static int judge(struct awsq_credentials *out, struct search *s, const char *profile,
	const char *name, const struct process *p)
{
	struct credentials_answer answer = { 0 };
	int rc;

	if (p->status != 0)
		return ended_badly(s, profile, name, p);
	rc = credentials_answer_parse(&answer, &p->output);
	if (rc == AWSQ_ENOMEM)
		rc = awsq_err_set(s->err, rc, "out of memory");
	else if (rc != 0 || answer.version != 1)
		rc = failed(s, profile, name,
			"did not print one JSON object with '\"Version\": 1' in it, and has to");
	else if (!answer.key_id || *answer.key_id == '\0')
		rc = failed(s, profile, name, "did not print an 'AccessKeyId'");
	else if (!answer.secret || *answer.secret == '\0')
		rc = failed(s, profile, name, "did not print a 'SecretAccessKey'");
	else
		rc = credentials_answer_take(out, s, &answer, SOURCE);
	credentials_answer_free(&answer);
	return rc;
}

static int run(struct awsq_credentials *out, struct search *s, const char *profile,
	char *const argv[])
{
	struct process p = { .fds = { -1, -1 },
		.output = AWSQ_BUF_INIT(MAX_OUTPUT),
		.said = AWSQ_BUF_INIT(MAX_SAID),
		.status = NOT_ENDED,
		.limit_ms = s->renewing ? RENEWAL_MS : TIMEOUT_MS,
		.alone = s->renewing,
		.cancel_fd = s->cancel_fd };
	char why[160] = "cannot be run: ";
	size_t len = strlen(why);
	int rc = start(&p, argv);

	if (rc != 0) {
		p.pid = 0;
		(void)strerror_r(rc, why + len, sizeof(why) - len);
		rc = failed(s, profile, argv[0], why);
	} else {
		rc = listen_to(&p);
		if (rc == AWSQ_ECANCELED)
			rc = awsq_err_set(s->err, rc, "%s", awsq_strerror(rc));
		else if (rc == AWSQ_ETIMEDOUT)
			rc = failed(s, profile, argv[0],
				s->renewing ? "did not end within 20 seconds"
					    : "did not end within 5 minutes");
		else if (rc != 0)
			rc = failed(s, profile, argv[0], "printed more than 64 KiB");
		else
			rc = judge(out, s, profile, argv[0], &p);
		if (rc == AWSQ_ECREDENTIALS)
			hear_of_signals(&p);
	}
	finish(&p);
	return rc;
}

int credentials_from_process(struct awsq_credentials *out, struct search *s, const char *profile)
{
	const char *command = credentials_setting(s, profile, SOURCE);
	struct awsq_buf words = AWSQ_BUF_INIT(MAX_COMMAND);
	char **argv;
	int rc;

	if (!command) {
		awsq_buf_adds(credentials_tried(s, SOURCE), "none");
		return AWSQ_ENOTFOUND;
	}
	rc = split(&argv, &words, command);
	if (rc == 0)
		rc = run(out, s, profile, argv);
	else if (rc == AWSQ_ENOMEM)
		(void)awsq_err_set(s->err, rc, "out of memory");
	else
		rc = awsq_err_set(s->err, AWSQ_ECREDENTIALS,
			"profile '%s': the command in '" SOURCE "' is empty, or a quote in it is "
			"not closed",
			profile);
	free(argv);
	awsq_buf_wipe(&words);
	return rc;
}
