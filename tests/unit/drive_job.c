/*
 * drive_job HOST PORT USER KEYFILE KNOWN_HOSTS HOST_ID TIMEOUT COMMAND: runs COMMAND as a job, for
 * tests/integration/test_ssh.py, and ends with its status. TIMEOUT in seconds, with a fraction; 0:
 * none. TERM and INT cancel. AWSQ_CONNECT_TIMEOUT: seconds to connect in (5).
 *
 * COMMAND "?" only asks whether the port answers, and "!CMD" runs CMD by ssh_exec, without job.c.
 * The last line of stderr is a summary of the result.
 */
#include "banned.h"

#include "runs/job_old.h"
#include "ssh/sshkey.h"

#include <awsq/clock.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int cancel_pipe[2];

static void on_signal(int number)
{
	int saved = errno;

	(void)number;
	(void)!write(cancel_pipe[1], "", 1);
	errno = saved;
}

static int write_all(void *arg, int is_stderr, const void *data, size_t len)
{
	const char *p = data;

	(void)arg;
	while (len > 0) {
		ssize_t n = write(is_stderr ? 2 : 1, p, len);

		if (n < 0 && errno != EINTR)
			return AWSQ_EIO;
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

static void write_log(void *arg, enum awsq_log_level level, const char *line)
{
	(void)arg;
	(void)level;
	(void)fprintf(stderr, "drive_job: %s\n", line);
}

static int run_plain(const struct job_request *r, const char *command, struct awsq_err *err)
{
	struct ssh *ssh = NULL;
	struct ssh_result result = { .ending = SSH_UNKNOWN };
	int64_t now = awsq_clock_system.mono_ms(NULL);
	int rc;

	rc = ssh_open(&ssh, r->target, now + r->connect_timeout_ms, r->cancel_fd, err);
	if (rc == 0)
		rc = ssh_exec(&result, ssh, command, &r->output,
			now + (r->timeout_ms ? r->timeout_ms : 60000), r->cancel_fd, err);
	ssh_close(ssh);
	(void)fprintf(stderr, "drive_job: rc=%d ending=%d status=%d signal=%s message=%s\n", rc,
		result.ending, result.status, result.signal, rc ? err->message : "");
	return rc ? 125 : result.status;
}

static int run_job(const struct job_request *r, struct awsq_err *err)
{
	struct job_result j;
	int rc = job_run(&j, r, err);

	(void)fprintf(stderr,
		"drive_job: rc=%d status=%d signal=%d timed_out=%d canceled=%d started=%d "
		"unknown=%d left_over=%d out=%llu err=%llu ms=%lld message=%s\n",
		rc, j.status, j.signal, j.timed_out, j.canceled, j.started, j.unknown, j.left_over,
		(unsigned long long)j.bytes_out, (unsigned long long)j.bytes_err,
		(long long)(j.ended_ms - j.started_ms), rc ? err->message : "");
	return j.status;
}

static int64_t milliseconds(const char *seconds)
{
	return (int64_t)(strtod(seconds, NULL) * 1000);
}

int main(int argc, char **argv)
{
	const struct awsq_log log = { AWSQ_LOG_DEBUG, write_log, NULL };
	const char *connect_timeout = getenv("AWSQ_CONNECT_TIMEOUT");
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	struct sshkey *key = NULL;
	struct awsq_err err = { .code = 0 };
	int status, port;

	if (argc != 9 || pipe(cancel_pipe) != 0)
		return 2;
	(void)sigaction(SIGTERM, &action, NULL);
	(void)sigaction(SIGINT, &action, NULL);
	port = (int)strtol(argv[2], NULL, 10);
	if (strcmp(argv[8], "?") == 0)
		return -ssh_port_answers(argv[1], port, (int)milliseconds(argv[7]), cancel_pipe[0]);
	if (sshkey_load(&key, argv[4], &err) != 0) {
		(void)fprintf(stderr, "drive_job: message=%s\n", err.message);
		return 2;
	}
	struct ssh_target target = { .host = argv[1],
		.port = port,
		.user = argv[3],
		.key = key,
		.known_hosts = argv[5],
		.host_id = argv[6],
		.trust = (enum ssh_trust)(getenv("AWSQ_TRUST")
						  ? milliseconds(getenv("AWSQ_TRUST")) / 1000
						  : 0),
		.log = &log };
	struct job_request request = { &target, argv[8], milliseconds(argv[7]),
		milliseconds(connect_timeout ? connect_timeout : "5"), cancel_pipe[0],
		{ write_all, NULL } };
	status = argv[8][0] == '!' ? run_plain(&request, argv[8] + 1, &err)
	                           : run_job(&request, &err);
	sshkey_free(key);
	return status;
}
