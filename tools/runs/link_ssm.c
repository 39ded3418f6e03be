/*
 * A link over Systems Manager: each text is a command that the agent on the instance is sent, and
 * asked about until it has ended. Nothing is connected, so nothing can break; but an answer is
 * short, comes at the end, and takes a second or more.
 */
#include "banned.h"

#include "runs/link.h"
#include "runs/ssm_text.h"
#include "fleet/region.h"

#include <awsq/hash.h>
#include <awsq/retry.h>
#include <awsq/ssm.h>

#include <string.h>

/* Of a text's answer, with room for characters that a count may see in another way. */
#define ANSWER_MAX 23000

#define SETTLE_MS   20000 /* within which AWS knows a new command everywhere */
#define SILENCE_MS  20000 /* without an answer from AWS: the link is down */
#define POLL_MIN_MS 300
#define POLL_MAX_MS 1000
#define TEXT_MS     60000 /* for a text that is to end soon */
#define CANCEL_MS   5000  /* for asking that a command is not run after all */
#define EXTRA_S     5     /* for a command, past the time that there is for its answer */
#define MAX_SCRIPT  ((size_t)2 * SSM_TEXT_PART)

struct link_ssm {
	struct link link;
	struct region *region;
	const char *instance;
};

/* One command. */
struct order {
	struct link_ssm *l;
	int64_t deadline_ms;
	int cancel_fd;
	struct awsq_ssm_command command;
	struct awsq_ssm_invocation seen;
	int64_t sent_ms;
	int64_t heard_ms; /* when AWS last said how it stands */
};

/* ---- Calls */

/* The region's client serves others before and after, by the region's own rules. */
static int call_by(struct link_ssm *l, struct awsq_call *call, int64_t deadline_ms, int cancel_fd,
	struct awsq_err *err)
{
	struct region *r = l->region;
	int before = r->cancel_fd;
	int rc;

	r->cancel_fd = cancel_fd;
	awsq_client_set_cancel_fd(r->client, cancel_fd);
	awsq_client_set_deadline(r->client, deadline_ms);
	rc = region_call(r, call, err);
	r->cancel_fd = before;
	awsq_client_set_cancel_fd(r->client, before);
	awsq_client_set_deadline(r->client, 0);
	return rc;
}

/* There may be newer credentials later, which the client's source looks for. */
static int is_expired(const struct awsq_err *err)
{
	return err->code == AWSQ_ECREDENTIALS || awsq_err_is(err, "ExpiredTokenException") ||
	       awsq_err_is(err, "ExpiredToken") || awsq_err_is(err, "RequestExpired");
}

/* Whether asking again a little later may do. */
static int is_passing(const struct awsq_err *err)
{
	return is_expired(err) || err->code == AWSQ_ENET || err->code == AWSQ_ETIMEDOUT ||
	       err->code == AWSQ_EPARSE || awsq_err_is_throttle(err) ||
	       (err->code == AWSQ_ESERVICE && err->http_status >= 500);
}

/* Of a command that was sent a moment ago. */
static int is_unsettled(const struct awsq_err *err)
{
	return awsq_err_is(err, "InvocationDoesNotExist");
}

/* What a failed call means for who uses the link. */
static int judge(const struct link_ssm *l, struct awsq_err *err)
{
	const char *id = l->instance;
	int passing = is_passing(err);

	if (err->code == AWSQ_ECANCELED)
		return awsq_err_set(err, AWSQ_ECANCELED, "canceled");
	if (awsq_err_is(err, "InvalidInstanceId"))
		return awsq_err_set(err, AWSQ_ENET,
			"Systems Manager does not reach the agent on '%s'", id);
	(void)region_explain(l->region, err, "run a script on '%s' by Systems Manager", id);
	if (passing)
		err->code = err->code == AWSQ_ETIMEDOUT ? AWSQ_ETIMEDOUT : AWSQ_ENET;
	return err->code;
}

/* ---- A command's way */

/*
 * Whether a command that AWS did not confirm may be run all the same: its answer was lost, or not
 * waited for. It is sent again only after a refusal.
 */
static int may_be_taken(const struct awsq_err *err)
{
	return err->http_status >= 500 || err->code == AWSQ_ENET || err->code == AWSQ_ETIMEDOUT ||
	       err->code == AWSQ_EPARSE || err->code == AWSQ_ECANCELED;
}

static int send_script(struct order *o, const char *text, struct awsq_err *err)
{
	int64_t left_s = (o->deadline_ms - region_now_ms(o->l->region)) / 1000 + EXTRA_S;
	struct awsq_ssm_script script = { o->l->instance, text, "awsq", AWSQ_SSM_MIN_DELIVERY,
		left_s };
	struct awsq_call call;

	if (script.execution_s < AWSQ_SSM_MIN_EXECUTION)
		script.execution_s = AWSQ_SSM_MIN_EXECUTION;
	if (script.execution_s > AWSQ_SSM_MAX_EXECUTION)
		script.execution_s = AWSQ_SSM_MAX_EXECUTION;
	awsq_ssm_send_command(&call, &o->command, &script);
	if (call_by(o->l, &call, o->deadline_ms, o->cancel_fd, err) != 0) {
		o->l->link.sent = may_be_taken(err);
		return judge(o->l, err);
	}
	o->l->link.sent = 1;
	o->sent_ms = o->heard_ms = region_now_ms(o->l->region);
	if (!o->command.id)
		return awsq_err_set(err, AWSQ_ENET,
			"Systems Manager took a script for '%s' without a word", o->l->instance);
	return 0;
}

/* One that is of no use any more: had the agent not begun it yet, it would do so later. */
static void cancel(struct order *o)
{
	struct region *r = o->l->region;
	struct awsq_err err;
	struct awsq_call call;

	awsq_ssm_cancel_command(&call, o->command.id, o->l->instance);
	if (call_by(o->l, &call, region_now_ms(r) + CANCEL_MS, -1, &err) == 0)
		return;
	(void)region_explain(r, &err, "cancel a script on '%s' by Systems Manager", o->l->instance);
	if (err.code == AWSQ_ESERVICE)
		region_warning(r, "%s", err.message);
	else
		awsq_log(&r->log, AWSQ_LOG_INFO, "%s", err.message);
}

static int has_ended(const struct awsq_ssm_invocation *seen)
{
	static const char *const ends[] = { "Success", "Failed", "TimedOut", "Cancelled" };

	for (size_t i = 0; seen->status && i < sizeof(ends) / sizeof(ends[0]); i++) {
		if (strcmp(seen->status, ends[i]) == 0)
			return 1;
	}
	return 0;
}

/* Asks how it stands; 0 also when AWS does not say so just now. */
static int look(struct order *o, struct awsq_err *err)
{
	int64_t now_ms;
	struct awsq_call call;
	int rc;

	awsq_ssm_free_invocation(&o->seen);
	awsq_ssm_get_command_invocation(&call, &o->seen, o->command.id, o->l->instance);
	rc = call_by(o->l, &call, o->deadline_ms, o->cancel_fd, err);
	now_ms = region_now_ms(o->l->region);
	if (rc == 0)
		o->heard_ms = now_ms;
	if (rc == 0 || (is_unsettled(err) && now_ms < o->sent_ms + SETTLE_MS) ||
		(is_passing(err) && now_ms < o->heard_ms + SILENCE_MS))
		return 0;
	return judge(o->l, err);
}

/* A look costs a round trip, and they are counted: the longer it lasts the fewer. */
static int64_t poll_ms(const struct order *o, int64_t now_ms)
{
	int64_t wait = (now_ms - o->sent_ms) / 4;

	if (wait < POLL_MIN_MS)
		wait = POLL_MIN_MS;
	if (wait > POLL_MAX_MS)
		wait = POLL_MAX_MS;
	return earlier(wait, o->deadline_ms - now_ms);
}

static int await(struct order *o, struct awsq_err *err)
{
	for (;;) {
		int64_t now_ms = region_now_ms(o->l->region);
		int rc;

		if (now_ms >= o->deadline_ms)
			return awsq_err_set(err, AWSQ_ETIMEDOUT,
				"the agent on '%s' has not ended a script in time", o->l->instance);
		if (awsq_sleep_ms(poll_ms(o, now_ms), o->cancel_fd) != 0)
			return awsq_err_set(err, AWSQ_ECANCELED, "canceled");
		rc = look(o, err);
		if (rc != 0 || has_ended(&o->seen))
			return rc;
	}
}

/* ---- What it came to */

static void log_stderr(const struct order *o)
{
	const char *text = o->seen.error_text;

	if (text && *text)
		awsq_log(&o->l->region->log, AWSQ_LOG_DEBUG, "'%s' says: %.500s", o->l->instance,
			text);
}

/* Tells a script's exit status from the lack of one. */
static int conclude(int *status, struct order *o, struct awsq_err *err)
{
	const struct awsq_ssm_invocation *seen = &o->seen;
	const char *details = seen->details ? seen->details : seen->status;
	const char *output = seen->output ? seen->output : "";
	size_t len = strlen(output);

	log_stderr(o);
	if (strcmp(seen->status, "TimedOut") == 0)
		return awsq_err_set(err, AWSQ_ETIMEDOUT,
			"the agent on '%s' has not run a script in time (%s)", o->l->instance,
			details);
	if (strcmp(seen->status, "Cancelled") == 0 || seen->exit < 0 || seen->exit > 255 ||
		(strcmp(seen->status, "Failed") == 0 && seen->exit == 0))
		return awsq_err_set(err, AWSQ_ENET, "a script for '%s' was not run to its end (%s)",
			o->l->instance, details);
	if (len >= AWSQ_SSM_MAX_STDOUT)
		return awsq_err_set(err, AWSQ_ETOOBIG,
			"a script on '%s' has written more than Systems Manager passes on",
			o->l->instance);
	*status = (int)seen->exit;
	return 0;
}

/* Has one script run, from its sending to its end. */
static int run_script(int *status, struct link_ssm *l, const char *script,
	const struct ssh_output *out, int64_t deadline_ms, int cancel_fd, struct awsq_err *err)
{
	struct order o = { .l = l, .deadline_ms = deadline_ms, .cancel_fd = cancel_fd };
	int rc = send_script(&o, script, err);

	if (rc == 0) {
		rc = await(&o, err);
		if (rc != 0)
			cancel(&o);
		else
			rc = conclude(status, &o, err);
	}
	if (rc == 0 && out && out->write && o.seen.output && *o.seen.output)
		rc = out->write(out->arg, 0, o.seen.output, strlen(o.seen.output));
	awsq_ssm_free_command(&o.command);
	awsq_ssm_free_invocation(&o.seen);
	return rc;
}

/* ---- Texts */

/* A name under which a long text's parts are kept on the instance. */
static int part_name(char name[64], struct awsq_err *err)
{
	unsigned char random[8];
	char digits[17];

	if (awsq_random_bytes(random, sizeof(random)) != 0)
		return awsq_err_set(err, AWSQ_EIO, "cannot run anything: no random bytes");
	awsq_hex(digits, random, sizeof(random));
	(void)snprintf(name, 64, "ssm%s", digits);
	return 0;
}

/*
 * Until when a text's end is waited for. Who wants to hear something every few seconds has sent one
 * that ends soon: if that does not, the agent has died, and AWS would not say so for minutes.
 */
static int64_t limit(const struct link_ssm *l, int64_t deadline_ms)
{
	const struct link *link = &l->link;

	if (link->idle_ms > 0)
		deadline_ms = earlier(deadline_ms, region_now_ms(l->region) + TEXT_MS);
	return link->until_ms > 0 ? earlier(deadline_ms, link->until_ms) : deadline_ms;
}

/* Sends all of a long text ahead but for its last part, which starts at *at. */
static int send_parts(size_t *at, struct link_ssm *l, const char *name, const char *text,
	size_t len, int64_t deadline_ms, int cancel_fd, struct awsq_err *err)
{
	const char *user = l->region->fleet->config->job_user;
	struct awsq_buf script = AWSQ_BUF_INIT(MAX_SCRIPT);
	int rc = 0, status = 0;

	for (*at = 0; rc == 0 && len - *at > SSM_TEXT_PART; *at += SSM_TEXT_PART) {
		awsq_buf_reset(&script);
		rc = ssm_text_keep(&script, user, name, text + *at, SSM_TEXT_PART);
		if (rc != 0)
			awsq_err_set(err, rc, "out of memory");
		else
			rc = run_script(&status, l, awsq_buf_str(&script), NULL, deadline_ms,
				cancel_fd, err);
		if (rc == 0 && status != 0)
			rc = awsq_err_set(err, AWSQ_EIO,
				"cannot keep a script on '%s' in '~%s/.awsq' (status %d)",
				l->instance, user, status);
	}
	awsq_buf_wipe(&script);
	return rc;
}

static int exec(struct link *link, int *status, const char *text, size_t len,
	const struct ssh_output *out, int64_t deadline_ms, int cancel_fd, struct awsq_err *err)
{
	struct link_ssm *l = (struct link_ssm *)link;
	const char *user = l->region->fleet->config->job_user;
	struct awsq_buf script = AWSQ_BUF_INIT(MAX_SCRIPT);
	struct awsq_err own;
	size_t at = 0;
	char name[64];
	int rc;

	if (!err)
		err = &own;
	deadline_ms = limit(l, deadline_ms);
	rc = part_name(name, err);
	if (rc == 0)
		rc = send_parts(&at, l, name, text, len, deadline_ms, cancel_fd, err);
	/* Parts alone are not the text. */
	link->sent = 0;
	if (rc != 0)
		return rc;
	rc = ssm_text_run(&script, user, at > 0 ? name : NULL, text + at, len - at);
	if (rc != 0)
		awsq_err_set(err, rc, "out of memory");
	else
		rc = run_script(status, l, awsq_buf_str(&script), out, deadline_ms, cancel_fd, err);
	awsq_buf_wipe(&script);
	return rc;
}

static void close_link(struct link *link)
{
	free(link);
}

int link_ssm_new(struct link **out, struct region *r, const char *instance_id, struct awsq_err *err)
{
	static const struct link_kind kind = { exec, close_link, ANSWER_MAX };
	struct link_ssm *l = calloc(1, sizeof(*l));

	*out = NULL;
	if (!l)
		return awsq_err_set(err, AWSQ_ENOMEM, "out of memory");
	l->link.kind = &kind;
	l->region = r;
	l->instance = instance_id;
	*out = &l->link;
	return 0;
}
