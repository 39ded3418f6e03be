#include "banned.h"

#include "ssh/ssh.h"
#include "ssh/ssh_net.h"
#include "ssh/ssh_session.h"

#include <awsq/clock.h>

#include <stdlib.h>
#include <string.h>

/* How long a command's stragglers are listened to once its status is known. */
#define QUIET_MS 1000

#define CHUNK 65536

struct ssh_command {
	struct ssh *ssh;
	LIBSSH2_CHANNEL *channel;
	int64_t heard_ms; /* when output last came */
	int64_t known_ms; /* when the status was first known; 0: not yet */
	char chunk[CHUNK];
};

/* ---- Starting */

static int open_channel(struct ssh_command *c, int64_t deadline_ms, int cancel_fd)
{
	int rc, waited;

	SSH_REPEAT(rc, waited, c->ssh, deadline_ms, cancel_fd,
		(c->channel = libssh2_channel_open_session(c->ssh->session))
			? 0
			: libssh2_session_last_errno(c->ssh->session));
	return waited ? waited : rc == 0 ? 0 : AWSQ_ENET;
}

static int request(struct ssh_command *c, const char *command, int64_t deadline_ms, int cancel_fd)
{
	int rc, waited;

	SSH_REPEAT(rc, waited, c->ssh, deadline_ms, cancel_fd,
		libssh2_channel_exec(c->channel, command));
	return waited ? waited : rc == 0 ? 0 : AWSQ_ENET;
}

static int send_input(struct ssh_command *c, const char *input, size_t len, int64_t deadline_ms,
	int cancel_fd)
{
	ssize_t rc = 0;
	int waited = 0;

	while (len > 0) {
		SSH_REPEAT(rc, waited, c->ssh, deadline_ms, cancel_fd,
			libssh2_channel_write(c->channel, input, len));
		if (rc < 0)
			return waited ? waited : AWSQ_ENET;
		input += rc;
		len -= (size_t)rc;
	}
	/* What reads on is not to hang. */
	SSH_REPEAT(rc, waited, c->ssh, deadline_ms, cancel_fd,
		libssh2_channel_send_eof(c->channel));
	return waited ? waited : rc == 0 ? 0 : AWSQ_ENET;
}

int ssh_start(struct ssh_command **out, struct ssh *s, const char *command, const char *input,
	size_t len, int64_t deadline_ms, int cancel_fd, struct awsq_err *err)
{
	struct ssh_command *c;
	int rc;

	if (strlen(command) > SSH_COMMAND_MAX)
		return awsq_err_set(err, AWSQ_ETOOBIG,
			"the command is longer than %d bytes: put it into a file on the instance",
			SSH_COMMAND_MAX);
	c = calloc(1, sizeof(*c));
	if (!c)
		return awsq_err_set(err, AWSQ_ENOMEM, "out of memory");
	c->ssh = s;
	rc = open_channel(c, deadline_ms, cancel_fd);
	if (rc == 0)
		rc = request(c, command, deadline_ms, cancel_fd);
	if (rc == 0)
		rc = send_input(c, input, len, deadline_ms, cancel_fd);
	if (rc != 0) {
		(void)ssh_fail(s, rc, "starting a command on", err);
		ssh_command_free(c);
		return rc;
	}
	c->heard_ms = awsq_mono_ms();
	*out = c;
	return 0;
}

void ssh_command_free(struct ssh_command *c)
{
	if (!c)
		return;
	/* One try: what cannot be sent at once goes with the session. */
	if (c->channel)
		(void)libssh2_channel_free(c->channel);
	free(c);
}

/* ---- Following */

static int pass_on(struct ssh_command *c, const struct ssh_output *out, int is_stderr, size_t len,
	struct awsq_err *err)
{
	int rc;

	c->heard_ms = awsq_mono_ms();
	rc = out && out->write ? out->write(out->arg, is_stderr, c->chunk, len) : 0;
	if (rc < 0)
		return awsq_err_set(err, rc, "cannot pass the output on: %s", awsq_strerror(rc));
	return 0;
}

/*
 * Passes on what is there of both streams. *more: there may be more without waiting, which the
 * socket cannot tell, since reading one stream also takes in what belongs to the other.
 */
static int pump(struct ssh_command *c, const struct ssh_output *out, int *more,
	struct awsq_err *err)
{
	unsigned long queued = 0;

	*more = 0;
	for (int stream = 0; stream <= SSH_EXTENDED_DATA_STDERR; stream++) {
		ssize_t n = libssh2_channel_read_ex(c->channel, stream, c->chunk, CHUNK);

		if (n < 0 && n != LIBSSH2_ERROR_EAGAIN)
			return ssh_fail(c->ssh, AWSQ_ENET, "the command ran on", err);
		if (n > 0) {
			int rc = pass_on(c, out, stream != 0, (size_t)n, err);

			if (rc != 0)
				return rc;
		}
	}
	(void)libssh2_channel_window_read_ex(c->channel, &queued, NULL);
	*more = queued > 0;
	return 0;
}

static void read_signal(struct ssh_result *result, struct ssh_command *c)
{
	LIBSSH2_SESSION *session = c->ssh->session;
	char *name = NULL;
	size_t len = 0;

	if (libssh2_channel_get_exit_signal(c->channel, &name, &len, NULL, NULL, NULL, NULL) != 0 ||
		!name)
		return;
	result->ending = SSH_SIGNALLED;
	(void)snprintf(result->signal, sizeof(result->signal), "%.*s", (int)len, name);
	libssh2_free(session, name);
}

/* What the server has said so far. A status of 0 is also what libssh2 has before any was said. */
static int status_is_known(struct ssh_result *result, struct ssh_command *c)
{
	*result = (struct ssh_result){ .ending = SSH_UNKNOWN };
	read_signal(result, c);
	if (result->ending == SSH_SIGNALLED)
		return 1;
	result->status = libssh2_channel_get_exit_status(c->channel) & 255;
	if (result->status != 0)
		result->ending = SSH_EXITED;
	return result->status != 0;
}

/* After the end of output: the status may still be to come, and is there when the server closes. */
static int finish(struct ssh_result *result, struct ssh_command *c, int64_t deadline_ms,
	int cancel_fd, struct awsq_err *err)
{
	int rc, waited;

	SSH_REPEAT(rc, waited, c->ssh, deadline_ms, cancel_fd,
		libssh2_channel_wait_closed(c->channel));
	if (rc != 0)
		return ssh_fail(c->ssh, waited ? waited : AWSQ_ENET, "the command ran on", err);
	(void)status_is_known(result, c);
	if (result->ending == SSH_UNKNOWN)
		result->ending = SSH_EXITED;
	return 0;
}

/*
 * Waits for output, or for a reason to stop waiting. *done: the command has ended, and what it left
 * in the background has been quiet.
 */
static int wait_for_more(struct ssh_command *c, int *done, int64_t deadline_ms, int cancel_fd)
{
	struct ssh_result said;
	int64_t quiet_ms, now = awsq_mono_ms();
	int rc;

	if (!status_is_known(&said, c)) {
		c->known_ms = 0;
		return ssh_wait(c->ssh, deadline_ms, cancel_fd);
	}
	if (c->known_ms == 0)
		c->known_ms = now;
	quiet_ms = (c->heard_ms > c->known_ms ? c->heard_ms : c->known_ms) + QUIET_MS;
	*done = now >= quiet_ms;
	rc = ssh_wait(c->ssh, quiet_ms < deadline_ms ? quiet_ms : deadline_ms, cancel_fd);
	return rc == AWSQ_ETIMEDOUT && now < deadline_ms ? 0 : rc;
}

int ssh_follow(struct ssh_result *result, struct ssh_command *c, const struct ssh_output *out,
	int64_t deadline_ms, int cancel_fd, struct awsq_err *err)
{
	int more = 0, done = 0, rc = 0;

	*result = (struct ssh_result){ .ending = SSH_UNKNOWN };
	while (rc == 0 && !done) {
		rc = pump(c, out, &more, err);
		if (rc != 0)
			return rc;
		if (!more && libssh2_channel_eof(c->channel))
			return finish(result, c, deadline_ms, cancel_fd, err);
		if (!more)
			rc = wait_for_more(c, &done, deadline_ms, cancel_fd);
		/* Steady output leaves no time to wait in, and so to notice these. */
		if (rc == 0)
			rc = ssh_net_check(deadline_ms, cancel_fd);
	}
	if (rc != 0)
		return ssh_fail(c->ssh, rc, "the command ran on", err);
	(void)status_is_known(result, c);
	return 0;
}

int ssh_exec(struct ssh_result *result, struct ssh *s, const char *command,
	const struct ssh_output *out, int64_t deadline_ms, int cancel_fd, struct awsq_err *err)
{
	struct ssh_command *c = NULL;
	int rc;

	rc = ssh_start(&c, s, command, "", 0, deadline_ms, cancel_fd, err);
	if (rc == 0)
		rc = ssh_follow(result, c, out, deadline_ms, cancel_fd, err);
	ssh_command_free(c);
	return rc;
}
