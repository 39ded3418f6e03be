#include "banned.h"

#include "runs/link.h"

#include <awsq/buf.h>
#include <awsq/clock.h>
#include <awsq/hash.h>

#include <stdlib.h>
#include <string.h>

#define CONNECT_MS 20000 /* for an attempt to connect, unless told */
#define START_MS   20000 /* for the text to be taken, unless told how long is too quiet */

/* From write to ssh_follow: stop, since a deadline was moved. No code of awsq's is that low. */
#define MOVED (-1000)

struct link_ssh {
	struct link link;
	struct ssh_target target;
	struct ssh *ssh; /* NULL: not connected */
};

/* One call of exec. */
struct exec {
	struct link_ssh *l;
	const struct ssh_output *out;
	int64_t deadline_ms;
	int64_t limit_ms; /* of the present call of ssh_follow */
	int64_t heard_ms;
	int broken; /* the connection is of no use any more */
};

static void disconnect(struct link_ssh *l)
{
	ssh_close(l->ssh);
	l->ssh = NULL;
}

/* When the text's time is over, quiet or not. */
static int64_t end_of(const struct exec *x)
{
	int64_t until_ms = x->l->link.until_ms;

	return until_ms > 0 ? earlier(until_ms, x->deadline_ms) : x->deadline_ms;
}

static int on_output(void *arg, int is_stderr, const void *data, size_t len)
{
	struct exec *x = arg;
	int rc;

	if (is_stderr) {
		awsq_log(x->l->target.log, AWSQ_LOG_DEBUG, "'%s' says: %.*s", x->l->target.host_id,
			(int)earlier((int64_t)len, 500), (const char *)data);
		return 0;
	}
	rc = x->out && x->out->write ? x->out->write(x->out->arg, 0, data, len) : 0;
	/* Taking it may have lasted long, with nothing heard in between. */
	x->heard_ms = awsq_mono_ms();
	if (rc == 0 && end_of(x) < x->limit_ms)
		return MOVED;
	return rc;
}

/* When it has been quiet for too long. */
static int64_t quiet_at(const struct exec *x)
{
	int64_t idle_ms = x->l->link.idle_ms;

	return idle_ms > 0 ? x->heard_ms + idle_ms : INT64_MAX;
}

static int follow(struct ssh_result *result, struct exec *x, struct ssh_command *command,
	int cancel_fd, struct awsq_err *err)
{
	const struct ssh_output output = { .write = on_output, .arg = x };
	int rc;

	x->heard_ms = awsq_mono_ms();
	do {
		x->limit_ms = earlier(end_of(x), quiet_at(x));
		rc = ssh_follow(result, command, &output, x->limit_ms, cancel_fd, err);
	} while (rc == MOVED ||
		 (rc == AWSQ_ETIMEDOUT && awsq_mono_ms() < earlier(end_of(x), quiet_at(x))));
	x->broken = rc == AWSQ_ENET;
	if (rc == AWSQ_ETIMEDOUT && awsq_mono_ms() < end_of(x)) {
		x->broken = 1;
		return awsq_err_set(err, rc, "nothing was heard from '%s' for %lld s",
			x->l->target.host, (long long)(x->l->link.idle_ms / 1000));
	}
	return rc;
}

static int connect_host(struct link_ssh *l, int64_t deadline_ms, int cancel_fd,
	struct awsq_err *err)
{
	int64_t attempt_ms = l->link.connect_ms > 0 ? l->link.connect_ms : CONNECT_MS;

	if (l->ssh)
		return 0;
	return ssh_open(&l->ssh, &l->target, earlier(deadline_ms, awsq_mono_ms() + attempt_ms),
		cancel_fd, err);
}

/*
 * The text goes to stdin, where no process list shows it. It is run once its last line has come:
 * what a broken link cut off is not.
 */
static int start(struct ssh_command **command, struct link_ssh *l, const char *text, size_t len,
	int64_t deadline_ms, int cancel_fd, struct awsq_err *err)
{
	int64_t limit_ms = awsq_mono_ms() + (l->link.idle_ms > 0 ? l->link.idle_ms : START_MS);
	struct awsq_buf input = AWSQ_BUF_INIT(len + 64);
	char line[128], token[17];
	uint8_t random[8];
	int rc;

	if (awsq_random_bytes(random, sizeof(random)) != 0)
		return awsq_err_set(err, AWSQ_EIO, "cannot run anything: no random bytes");
	awsq_hex(token, random, sizeof(random));
	(void)snprintf(line, sizeof(line),
		"exec sh -c 't=$(cat); case $t in *\"#%s\") eval \"$t\";; *) exit 255;; esac'",
		token);
	awsq_buf_add(&input, text, len);
	awsq_buf_addf(&input, "\n#%s", token);
	rc = awsq_buf_error(&input);
	if (rc == 0)
		rc = ssh_start(command, l->ssh, line, input.data, input.len,
			earlier(deadline_ms, limit_ms), cancel_fd, err);
	else
		(void)awsq_err_set(err, rc, "out of memory");
	awsq_buf_wipe(&input);
	return rc;
}

static int exec(struct link *link, int *status, const char *text, size_t len,
	const struct ssh_output *out, int64_t deadline_ms, int cancel_fd, struct awsq_err *err)
{
	struct link_ssh *l = (struct link_ssh *)link;
	struct exec x = { .l = l, .out = out, .deadline_ms = deadline_ms };
	struct ssh_command *command = NULL;
	struct ssh_result result;
	int rc;

	link->sent = 0;
	rc = connect_host(l, deadline_ms, cancel_fd, err);
	if (rc != 0)
		return rc;
	rc = start(&command, l, text, len, deadline_ms, cancel_fd, err);
	if (rc == 0) {
		link->sent = 1;
		rc = follow(&result, &x, command, cancel_fd, err);
	} else {
		/* The last of the text may have got there, and only word of that been lost. */
		link->sent = rc == AWSQ_ENET || rc == AWSQ_ETIMEDOUT || rc == AWSQ_ECANCELED;
		x.broken = 1;
	}
	if (rc == 0)
		*status = result.ending == SSH_EXITED ? result.status : 255;
	ssh_command_free(command);
	if (x.broken)
		disconnect(l);
	return rc;
}

static void close_link(struct link *link)
{
	struct link_ssh *l = (struct link_ssh *)link;

	disconnect(l);
	free(l);
}

int link_ssh_new(struct link **out, const struct ssh_target *target, struct awsq_err *err)
{
	static const struct link_kind kind = { exec, close_link, 0 };
	struct link_ssh *l = calloc(1, sizeof(*l));

	*out = NULL;
	if (!l)
		return awsq_err_set(err, AWSQ_ENOMEM, "out of memory");
	l->link.kind = &kind;
	l->target = *target;
	*out = &l->link;
	return 0;
}
