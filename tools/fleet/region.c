#include "banned.h"

#include "fleet/region.h"

#include <stdarg.h>

#define SETTLE_MS 60000

static void log_for_region(void *arg, enum awsq_log_level level, const char *line)
{
	const struct region *r = arg;

	awsq_log(r->fleet->log, level, "%s: %s", r->label, line);
}

static void name_label(struct region *r, const char *instance_id)
{
	const char *account = r->fleet->account;

	(void)snprintf(r->label, sizeof(r->label), "%s%s%s%s%s", account ? account : "",
		account ? "/" : "", r->name, instance_id ? "/" : "",
		instance_id ? instance_id : "");
}

int region_open(struct region *r, const struct fleet *fleet, const char *name, struct awsq_err *err)
{
	struct awsq_client_options options = { .region = name,
		.source = fleet->source,
		.settings = fleet->settings,
		.log = fleet->log,
		.run_timeout_ms = fleet->run_timeout_ms };
	int rc;

	memset(r, 0, sizeof(*r));
	r->fleet = fleet;
	r->name = name;
	r->config = config_region(fleet->config, name);
	r->cancel_fd = fleet->cancel_fd;
	r->log = (struct awsq_log){ fleet->log->level, log_for_region, r };
	name_label(r, NULL);
	rc = awsq_client_new(&r->client, &options, err);
	if (rc == 0)
		awsq_client_set_cancel_fd(r->client, r->cancel_fd);
	return rc;
}

void region_speak_of(struct region *r, const char *instance_id)
{
	name_label(r, instance_id);
}

void region_close(struct region *r)
{
	awsq_client_free(r->client);
	r->client = NULL;
}

void region_ignore_cancel(struct region *r)
{
	r->cancel_fd = -1;
	awsq_client_set_cancel_fd(r->client, -1);
}

void region_heed_cancel(struct region *r)
{
	r->cancel_fd = r->fleet->cancel_fd;
	awsq_client_set_cancel_fd(r->client, r->cancel_fd);
}

static void tell(const struct region *r,
	void (*to)(void *arg, const char *region, const char *text), const char *format, va_list ap)
{
	char text[2048];

	(void)vsnprintf(text, sizeof(text), format, ap);
	to(r->fleet->report->arg, r->label, text);
}

void region_event(const struct region *r, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	tell(r, r->fleet->report->event, format, ap);
	va_end(ap);
}

void region_warning(const struct region *r, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	tell(r, r->fleet->report->warning, format, ap);
	va_end(ap);
}

void region_status(const struct region *r, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	tell(r, r->fleet->report->status, format, ap);
	va_end(ap);
}

int64_t region_now_ms(const struct region *r)
{
	(void)r;
	return awsq_mono_ms();
}

int region_sleep(const struct region *r, int64_t ms)
{
	return awsq_sleep_ms(ms, r->cancel_fd);
}

int64_t region_poll_ms(int n)
{
	if (n < 4)
		return 250;
	if (n < 60)
		return 1000;
	return n < 120 ? 5000 : 15000;
}

/* ---- Calls */

int region_call(struct region *r, struct awsq_call *call, struct awsq_err *err)
{
	int rc = awsq_run(r->client, call, 1);

	*err = call->err;
	awsq_call_free(call);
	return rc;
}

/* What AWS says of something that was created a moment ago and is not known everywhere yet. */
static int is_unsettled(const struct awsq_err *err)
{
	static const char *const codes[] = { "InvalidInstanceID.NotFound", "InvalidGroup.NotFound",
		"InvalidGroupId.NotFound", "InvalidAMIID.NotFound", "InvalidAMIID.Unavailable",
		"InvalidSnapshot.NotFound", "InvalidKeyPair.NotFound" };

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (awsq_err_is(err, codes[i]))
			return 1;
	}
	/* The one case that has no code of its own: a new instance profile. */
	return awsq_err_is(err, "InvalidParameterValue") &&
	       strstr(err->message, "IAM Instance Profile") != NULL;
}

int region_call_settling(struct region *r, struct awsq_call *call, struct awsq_err *err)
{
	int64_t end = region_now_ms(r) + SETTLE_MS;
	int rc;

	for (int tries = 0;; tries++) {
		rc = awsq_run(r->client, call, 1);
		if (rc == 0 || !is_unsettled(&call->err) || region_now_ms(r) >= end)
			break;
		if (region_sleep(r, region_poll_ms(tries)) != 0) {
			rc = awsq_err_set(&call->err, AWSQ_ECANCELED, "canceled");
			break;
		}
	}
	*err = call->err;
	awsq_call_free(call);
	return rc;
}

/* What to do about an error, by AWS's code. */
static const struct {
	const char *code;
	int of_credentials; /* where they came from is of help */
	const char *hint;
} hints[] = {
	{ "AuthFailure", 1, "check the access key and its secret, and that the region is enabled" },
	{ "InvalidClientTokenId", 1, "check the access key" },
	{ "SignatureDoesNotMatch", 1, "check the secret access key" },
	{ "UnrecognizedClientException", 1, "check the access key" },
	{ "ExpiredToken", 1, "the session token has expired: get a new one" },
	{ "RequestExpired", 1, "check this machine's clock, and the session token" },
	{ "OptInRequired", 0, "enable the region for the account first" },
};

/* Adds what to do about err, if anything is known. */
static void add_hint(struct awsq_buf *out, const struct region *r, const struct awsq_err *err)
{
	for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
		if (!awsq_err_is(err, hints[i].code))
			continue;
		awsq_buf_addf(out, "; %s", hints[i].hint);
		if (hints[i].of_credentials)
			awsq_buf_addf(out, " (from: %s)",
				awsq_credentials_source_name(r->fleet->source));
	}
	if (awsq_err_is_denied(err)) {
		char missing[64];

		awsq_err_missing_permission(missing, sizeof(missing), err);
		awsq_buf_addf(out,
			"; the policy lacks { \"Effect\": \"Allow\", \"Action\": \"%s\", "
			"\"Resource\": \"*\" }",
			missing);
	}
}

int region_explain(const struct region *r, struct awsq_err *err, const char *format, ...)
{
	struct awsq_buf text = AWSQ_BUF_INIT(8192);
	char what[256];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(what, sizeof(what), format, ap);
	va_end(ap);
	awsq_buf_addf(&text, "cannot %s: %s%s%.500s", what, err->aws_code,
		err->aws_code[0] && err->message[0] ? ": " : "", err->message);
	add_hint(&text, r, err);
	(void)snprintf(err->message, sizeof(err->message), "%s", awsq_buf_str(&text));
	awsq_buf_free(&text);
	return err->code;
}
