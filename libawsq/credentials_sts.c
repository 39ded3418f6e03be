/*
 * Roles: assumed by STS, for a profile or for a source of their own.
 */
#include "banned.h"

#include "credentials_private.h"
#include "credentials_source.h"

#include <awsq/sts.h>

#include <inttypes.h>

#define RUN_TIMEOUT_MS 30000 /* others wait for it meanwhile */

static int is_whole(const struct awsq_sts_session *s)
{
	return s->access_key_id && s->secret_access_key && s->session_token && s->expires;
}

/* Whose keys AWS has refused the role; "" where it has not, or they are nobody's. */
static const char *refused_whom(const struct assume *how, const struct awsq_err *cause)
{
	if (cause->code != AWSQ_ESERVICE)
		return "";
	return how->keys ? how->keys->source : awsq_credentials_source_name(how->source);
}

/* Makes err say which role it was about. */
static int explain(const struct assume *how, const struct awsq_err *cause, struct awsq_err *err)
{
	int code = cause->code == AWSQ_ESERVICE ? AWSQ_ECREDENTIALS : cause->code;
	const char *whom = refused_whom(how, cause);
	char whose[128] = "";

	if (how->profile)
		(void)snprintf(whose, sizeof(whose), "profile '%.100s': ", how->profile);
	(void)awsq_err_set(err, code, "%scannot assume the role '%s': %s%s%s%s%s%s", whose,
		how->role.arn, cause->aws_code, cause->aws_code[0] && cause->message[0] ? ": " : "",
		cause->message, whom[0] ? " (from: " : "", whom, whom[0] ? ")" : "");
	if (err) {
		err->http_status = cause->http_status;
		(void)snprintf(err->aws_code, sizeof(err->aws_code), "%s", cause->aws_code);
		(void)snprintf(err->request_id, sizeof(err->request_id), "%s", cause->request_id);
		(void)snprintf(err->action, sizeof(err->action), "%s", cause->action);
	}
	return code;
}

/* Asks STS; session is to be freed after an error, too. */
static int call_sts(struct awsq_sts_session *session, const struct assume *how,
	const struct awsq_role *role, struct awsq_err *err)
{
	struct awsq_client_options options = { .region = how->region ? how->region
		                                                     : how->settings->region,
		.credentials = how->keys,
		.source = how->source,
		.settings = how->settings,
		.clock = how->clock,
		.log = how->log,
		.run_timeout_ms = RUN_TIMEOUT_MS };
	struct awsq_client *client;
	struct awsq_call call;
	int rc;

	if (!options.region)
		return awsq_err_set(err, AWSQ_ECREDENTIALS,
			"there is no region to ask STS in: set 'AWS_REGION', or 'region' in the "
			"profile");
	rc = awsq_client_new(&client, &options, err);
	if (rc != 0)
		return rc;
	awsq_client_set_cancel_fd(client, how->cancel_fd);
	if (how->web_token)
		awsq_sts_assume_role_with_web_identity(&call, session, role, how->web_token);
	else
		awsq_sts_assume_role(&call, session, role, how->mfa_serial, how->mfa_code);
	rc = awsq_run_one(client, &call, err);
	awsq_client_free(client);
	if (rc == 0 && !is_whole(session))
		rc = awsq_err_set(err, AWSQ_EPARSE, "STS has answered without credentials");
	return rc;
}

int credentials_assume(struct awsq_credentials *out, const struct assume *how, const char *source,
	struct awsq_err *err)
{
	struct awsq_sts_session session = { 0 };
	struct awsq_role role = how->role;
	struct awsq_err cause = { 0 };
	char name[64];
	int rc;

	if (!role.session_name) {
		(void)snprintf(name, sizeof(name), "awsq-%" PRId64,
			how->clock->wall_ms(how->clock->arg) / 1000);
		role.session_name = name;
	}
	rc = call_sts(&session, how, &role, &cause);
	if (rc == 0)
		rc = awsq_credentials_copy(out,
			&(struct awsq_credentials){ session.access_key_id,
				session.secret_access_key, session.session_token, session.expires,
				source });
	if (rc == AWSQ_ENOMEM)
		(void)awsq_err_set(&cause, rc, "out of memory");
	awsq_sts_free_session(&session);
	return rc == 0 ? 0 : explain(how, &cause, err);
}

/* ---- A source of its own */

struct role_source {
	struct awsq_credentials_source *base;
	struct awsq_credentials_options options;
	char *arn, *session_name, *external_id;
	int64_t duration_seconds;
};

static int load(void *arg, struct awsq_credentials *out, int first, int cancel_fd,
	struct awsq_err *err)
{
	const struct role_source *r = arg;
	const struct awsq_credentials_options *o = &r->options;
	struct assume how = { .role = { r->arn, r->session_name, r->external_id,
				      r->duration_seconds },
		.source = r->base,
		.region = o->region,
		.cancel_fd = cancel_fd,
		.settings = o->settings,
		.clock = o->clock ? o->clock : &awsq_clock_system,
		.log = o->log };

	(void)first;
	memset(out, 0, sizeof(*out));
	return credentials_assume(out, &how, "assumed role", err);
}

static void free_source(void *arg)
{
	struct role_source *r = arg;

	free(r->arn);
	free(r->session_name);
	free(r->external_id);
	free(r);
}

static char *copy_text(const char *text, int *failed)
{
	char *copy = text ? strdup(text) : NULL;

	*failed |= text && !copy;
	return copy;
}

int awsq_credentials_source_new_role(struct awsq_credentials_source **out,
	struct awsq_credentials_source *base, const struct awsq_role *role,
	const struct awsq_credentials_options *options, struct awsq_err *err)
{
	struct credentials_maker maker = { load, free_source, NULL };
	struct role_source *r = calloc(1, sizeof(*r));
	int failed = !r;

	*out = NULL;
	if (r) {
		r->base = base;
		r->duration_seconds = role->duration_seconds;
		r->arn = copy_text(role->arn, &failed);
		r->session_name = copy_text(role->session_name, &failed);
		r->external_id = copy_text(role->external_id, &failed);
		if (options)
			r->options = *options;
		if (!r->options.settings)
			r->options.settings = credentials_source_settings(base);
	}
	if (failed) {
		if (r)
			free_source(r);
		return awsq_err_set(err, AWSQ_ENOMEM, "out of memory");
	}
	maker.arg = r;
	return credentials_source_make(out, &maker, r->options.settings, r->options.clock,
		r->options.log, err);
}
