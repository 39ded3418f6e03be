/*
 * drive_job HOST PORT USER KEYFILE KNOWN_HOSTS HOST_ID TIMEOUT COMMAND: runs COMMAND as a job, for
 * tests/integration/test_ssh.py and test_job.py, and ends with its status. TIMEOUT in seconds, with
 * a fraction; 0: none. TERM and INT cancel.
 *
 * COMMAND "?" only asks whether the port answers, and "!CMD" runs CMD by ssh_exec, without job.c.
 * The last line of stderr is a summary of the result. The environment has the rest:
 *
 *   AWSQ_CONNECT_TIMEOUT  seconds to connect in (5)
 *   AWSQ_TRUST            enum ssh_trust, as a number
 *   AWSQ_JOB              the job's id (j-PID)
 *   AWSQ_DO               "attach": COMMAND runs already; "stop", "probe", "forget", "hold" (for
 *                         TIMEOUT seconds): no COMMAND
 *   AWSQ_OFFSET           "OUT ERR": bytes that were had before
 *   AWSQ_FLAGS            words: "arm", "disarm", "off", "keep" (the folder), "quiet"
 *   AWSQ_WATCH, AWSQ_CLEANUP, AWSQ_GRACE, AWSQ_MAX_UPTIME, AWSQ_OFF_AFTER, AWSQ_STILL_ON (a file:
 *                         the instance is on while it is there)
 */
#include "banned.h"

#include "runs/job.h"
#include "runs/write_all.h"
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

static int write_out(void *arg, int is_stderr, const void *data, size_t len)
{
	(void)arg;
	return write_all(is_stderr ? 2 : 1, data, len);
}

static const char *env(const char *name, const char *otherwise)
{
	const char *value = getenv(name);

	return value ? value : otherwise;
}

static int has_flag(const char *name)
{
	return strstr(env("AWSQ_FLAGS", ""), name) != NULL;
}

static int64_t milliseconds(const char *seconds)
{
	return (int64_t)(strtod(seconds, NULL) * 1000);
}

static int64_t env_ms(const char *name)
{
	return milliseconds(env(name, "0"));
}

static void write_log(void *arg, enum awsq_log_level level, const char *line)
{
	(void)arg;
	(void)level;
	(void)fprintf(stderr, "drive_job: %s\n", line);
}

static void on_event(void *arg, enum job_event event, const char *text)
{
	static const char *const names[] = { "started", "lost", "back" };

	(void)arg;
	if (!has_flag("quiet"))
		(void)fprintf(stderr, "drive_job: event %s %s\n", names[event], text);
}

static int is_still_on(void *arg, struct awsq_err *err)
{
	(void)arg;
	if (access(env("AWSQ_STILL_ON", ""), F_OK) == 0)
		return 0;
	return awsq_err_set(err, AWSQ_ENOTFOUND, "the instance is off");
}

static int run_plain(const struct ssh_target *target, const struct job_request *r,
	const char *command, struct awsq_err *err)
{
	struct ssh *ssh = NULL;
	struct ssh_result result = { .ending = SSH_UNKNOWN };
	int64_t now = awsq_clock_system.mono_ms(NULL);
	int rc;

	rc = ssh_open(&ssh, target, now + r->connect_timeout_ms, r->cancel_fd, err);
	if (rc == 0)
		rc = ssh_exec(&result, ssh, command, &r->output,
			now + (r->timeout_ms ? r->timeout_ms : 60000), r->cancel_fd, err);
	ssh_close(ssh);
	(void)fprintf(stderr, "drive_job: rc=%d ending=%d status=%d signal=%s message=%s\n", rc,
		result.ending, result.status, result.signal, rc ? err->message : "");
	return rc ? 125 : result.status;
}

static int run_job(struct job_request *r, struct awsq_err *err)
{
	struct job_result j;
	int rc = job_run(&j, r, err);

	if (rc == 0 && !has_flag("keep") &&
		job_forget(r->link, r->id, awsq_clock_system.mono_ms(NULL) + 10000, err) != 0)
		return 2;
	(void)fprintf(stderr,
		"drive_job: rc=%d status=%d signal=%d timed_out=%d canceled=%d started=%d "
		"unknown=%d left_over=%d cut=%d reconnects=%d uptime=%lld out=%llu err=%llu "
		"ms=%lld message=%s\n",
		rc, j.status, j.signal, j.timed_out, j.canceled, j.started, j.unknown, j.left_over,
		j.cut, j.reconnects, (long long)j.uptime_ms, (unsigned long long)j.bytes[0],
		(unsigned long long)j.bytes[1], (long long)(j.ended_ms - j.started_ms),
		rc ? err->message : "");
	return j.status;
}

/* What AWSQ_DO says other than to run a job. */
static int control(const char *what, const struct job_request *r, struct awsq_err *err)
{
	int64_t deadline_ms = awsq_clock_system.mono_ms(NULL) + 20000;
	struct job_sight sight = { .state = JOB_NEVER };
	int rc = AWSQ_EINVAL;

	if (strcmp(what, "stop") == 0)
		rc = job_stop(r->link, r->id, deadline_ms, err);
	else if (strcmp(what, "probe") == 0)
		rc = job_probe(&sight, r->link, r->id, deadline_ms, r->cancel_fd, err);
	else if (strcmp(what, "forget") == 0)
		rc = job_forget(r->link, r->id, deadline_ms, err);
	else if (strcmp(what, "hold") == 0)
		rc = job_hold(r->link, r->id, r->timeout_ms, deadline_ms, err);
	(void)fprintf(stderr,
		"drive_job: rc=%d state=%d status=%d uptime=%lld age=%lld message=%s\n", rc,
		sight.state, sight.status, (long long)sight.uptime_ms, (long long)sight.age_ms,
		rc ? err->message : "");
	return rc ? 125 : 0;
}

static void fill(struct job_request *r, const char *timeout, const char *command)
{
	static const struct awsq_log log = { AWSQ_LOG_DEBUG, write_log, NULL };
	static char id[32];
	char *rest;

	(void)snprintf(id, sizeof(id), "j-%ld", (long)getpid());
	r->id = env("AWSQ_JOB", id);
	r->script = strcmp(env("AWSQ_DO", ""), "attach") == 0 ? NULL : command;
	r->cleanup = getenv("AWSQ_CLEANUP");
	r->watch = getenv("AWSQ_WATCH");
	r->watch_grace_ms = env_ms("AWSQ_GRACE");
	r->timeout_ms = milliseconds(timeout);
	r->connect_timeout_ms = milliseconds(env("AWSQ_CONNECT_TIMEOUT", "5"));
	r->max_uptime_ms = env_ms("AWSQ_MAX_UPTIME");
	r->off_after_ms = env_ms("AWSQ_OFF_AFTER");
	r->arm = has_flag("arm");
	r->disarm = has_flag("disarm");
	r->off_when_done = has_flag("off");
	r->cancel_fd = cancel_pipe[0];
	r->offset[0] = strtoull(env("AWSQ_OFFSET", "0 0"), &rest, 10);
	r->offset[1] = strtoull(rest, NULL, 10);
	r->output.write = write_out;
	r->event = on_event;
	r->still_on = getenv("AWSQ_STILL_ON") ? is_still_on : NULL;
	r->log = has_flag("quiet") ? NULL : &log;
}

static int run(const struct ssh_target *target, struct job_request *r, const char *command,
	struct awsq_err *err)
{
	const char *what = env("AWSQ_DO", "attach");
	int status;

	if (command[0] == '!')
		return run_plain(target, r, command + 1, err);
	if (link_ssh_new(&r->link, target, err) != 0)
		return 2;
	r->host = target->host_id;
	status = strcmp(what, "attach") == 0 ? run_job(r, err) : control(what, r, err);
	link_close(r->link);
	return status;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	struct job_request request = { .link = NULL };
	struct ssh_target target = { .host = argv[1] };
	struct sshkey *key = NULL;
	struct awsq_err err = { .code = 0 };
	int status;

	if (argc != 9 || pipe(cancel_pipe) != 0)
		return 2;
	(void)sigaction(SIGTERM, &action, NULL);
	(void)sigaction(SIGINT, &action, NULL);
	fill(&request, argv[7], argv[8]);
	target.port = (int)strtol(argv[2], NULL, 10);
	if (strcmp(argv[8], "?") == 0)
		return -ssh_port_answers(argv[1], target.port, (int)request.timeout_ms,
			cancel_pipe[0]);
	if (sshkey_load(&key, argv[4], &err) != 0) {
		(void)fprintf(stderr, "drive_job: message=%s\n", err.message);
		return 2;
	}
	target.user = argv[3];
	target.key = key;
	target.known_hosts = argv[5];
	target.host_id = argv[6];
	target.log = request.log;
	target.trust = (enum ssh_trust)strtol(env("AWSQ_TRUST", "0"), NULL, 10);
	status = run(&target, &request, argv[8], &err);
	sshkey_free(key);
	return status;
}
