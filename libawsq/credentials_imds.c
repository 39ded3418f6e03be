/*
 * The role of an EC2 instance, from its metadata service (IMDS): version 2, which wants a token, or
 * version 1, which does not.
 *
 * Source: "Use the Instance Metadata Service" of the EC2 User Guide; "IMDS credential provider" of
 * the AWS SDKs and Tools Reference Guide; IMDSFetcher and InstanceMetadataFetcher of botocore
 * 1.43.11 (botocore/utils.py). Unlike there, no proxy is ever asked: it would answer for its own
 * instance.
 */
#include "banned.h"

#include "authority.h"
#include "credentials_answer.h"

#include <awsq/num.h>

#include <strings.h>

#define SOURCE       "instance metadata"
#define ENDPOINT     "AWS_EC2_METADATA_SERVICE_ENDPOINT"
#define MODE         "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"
#define IPV4         "http://169.254.169.254/"
#define IPV6         "http://[fd00:ec2::254]/"
#define TOKEN_PATH   "latest/api/token"
#define ROLE_PATH    "latest/meta-data/iam/security-credentials/"
#define MAX_TIMEOUT  3600
#define MAX_ATTEMPTS 1000
#define MAX_TEXT     ((size_t)64 * 1024)

/* When new ones are looked for, and by how much that is spread, so that not all do at once. */
#define REFRESH_S    (15 * 60)
#define SPREAD_MIN_S 120
#define SPREAD_MAX_S 600

/* An instance that is asked. */
struct imds {
	struct search *s;
	const char *base;
	int64_t timeout_ms;
	int attempts;
	int v1_disabled;
	struct awsq_buf url;
	struct awsq_buf token; /* empty: version 1 */
	struct awsq_err why;   /* nothing was found */
};

/* ---- Settings */

/* As botocore, those of the profile in use, whoever's source_profile is looked at. */
static const char *setting(struct search *s, const char *variable, const char *key)
{
	const char *value = environment_get(s->env, variable);

	return value ? value : credentials_setting(s, s->files->profile, key);
}

/* As botocore has it, all but "true" is false here. */
static int is_true(const char *value)
{
	return value && strcasecmp(value, "true") == 0;
}

static int get_number(int64_t *out, struct search *s, const char *variable, const char *key,
	int64_t max)
{
	const char *value = setting(s, variable, key);

	*out = 1;
	if (value && awsq_parse_int(out, value, 1, max) != 0)
		return awsq_err_set(s->err, AWSQ_EINVAL,
			"'%s' is '%s', and should be a number from 1 to %d",
			environment_get(s->env, variable) ? variable : key, value, (int)max);
	return 0;
}

static int is_url(const char *text)
{
	char host[AUTHORITY_HOST_SIZE];
	int64_t port;
	size_t scheme = strncmp(text, "https://", 8) == 0 ? 8 : 7;

	if (scheme == 7 && strncmp(text, "http://", 7) != 0)
		return 0;
	for (const char *c = text; *c; c++) {
		if (*c <= ' ' || *c > '~' || *c == '?' || *c == '#')
			return 0;
	}
	text += scheme;
	return authority_parse(host, &port, text, strcspn(text, "/")) == 0;
}

static int get_base(struct imds *m)
{
	struct search *s = m->s;
	const char *endpoint = setting(s, ENDPOINT, "ec2_metadata_service_endpoint");
	const char *mode = setting(s, MODE, "ec2_metadata_service_endpoint_mode");
	int ipv6 = mode ? strcasecmp(mode, "ipv6") == 0
	                : is_true(setting(s, "AWS_IMDS_USE_IPV6", "imds_use_ipv6"));

	if (mode && !ipv6 && strcasecmp(mode, "ipv4") != 0)
		return awsq_err_set(s->err, AWSQ_EINVAL,
			"'" MODE "' is '%s', and should be 'ipv4' or 'ipv6'", mode);
	if (endpoint && !is_url(endpoint))
		return awsq_err_set(s->err, AWSQ_EINVAL,
			"'" ENDPOINT "' is '%s', and should be 'http://HOST[:PORT]'", endpoint);
	m->base = endpoint ? endpoint : ipv6 ? IPV6 : IPV4;
	return 0;
}

static int get_settings(struct imds *m)
{
	int64_t timeout, attempts;
	int rc = get_base(m);

	if (rc == 0)
		rc = get_number(&timeout, m->s, "AWS_METADATA_SERVICE_TIMEOUT",
			"metadata_service_timeout", MAX_TIMEOUT);
	if (rc == 0)
		rc = get_number(&attempts, m->s, "AWS_METADATA_SERVICE_NUM_ATTEMPTS",
			"metadata_service_num_attempts", MAX_ATTEMPTS);
	if (rc != 0)
		return rc;
	m->timeout_ms = timeout * 1000;
	m->attempts = (int)attempts;
	m->v1_disabled =
		is_true(setting(m->s, "AWS_EC2_METADATA_V1_DISABLED", "ec2_metadata_v1_disabled"));
	return 0;
}

/* ---- Asking */

/* A request for what is at path, and below. */
static struct awsq_fetch request(struct imds *m, const char *path, const char *below,
	const struct awsq_header *header)
{
	size_t len = strlen(m->base);

	awsq_buf_reset(&m->url);
	awsq_buf_addf(&m->url, "%s%s%s%s", m->base, m->base[len - 1] == '/' ? "" : "/", path,
		below);
	return (struct awsq_fetch){ .url = awsq_buf_str(&m->url),
		.headers = header,
		.n_headers = header ? 1 : 0,
		.timeout_ms = m->timeout_ms,
		.cancel_fd = m->s->cancel_fd,
		.direct = 1 };
}

/*
 * Gets a token, or none: older instances know only version 1, and an answer that is lost on the
 * way is what a container one hop too far away sees. AWSQ_ENOTFOUND: version 1 is not to be used.
 */
static int get_token(struct imds *m)
{
	static const struct awsq_header ttl = { "X-aws-ec2-metadata-token-ttl-seconds", "21600" };
	struct awsq_fetch http = request(m, TOKEN_PATH, "", &ttl);
	int status = 0, rc = AWSQ_ENET;
	struct awsq_err why;

	http.method = "PUT";
	for (int i = 0; i < m->attempts && rc != AWSQ_ETIMEDOUT && rc != AWSQ_ECANCELED; i++) {
		awsq_buf_reset(&m->token);
		rc = awsq_fetch(&status, &m->token, &http, &why);
		if (rc == 0 && status == 200)
			return 0;
		if (rc == 0)
			(void)awsq_err_set(&why, AWSQ_ESERVICE, "HTTP status %d", status);
		if (rc == 0 && (status == 400 || status == 403 || status == 404 || status == 405))
			break;
	}
	awsq_buf_reset(&m->token);
	if (m->v1_disabled || (rc == 0 && status == 400))
		return awsq_err_set(&m->why, AWSQ_ENOTFOUND, "'%s' gives no token: %.200s%s",
			m->base, why.message, m->v1_disabled ? ", and version 1 is disabled" : "");
	return 0;
}

/* What is at path and below; answer is as for credentials_fetch(). */
static int get(struct awsq_buf *body, struct credentials_answer *answer, struct imds *m,
	const char *path, const char *below)
{
	const struct awsq_header token = { "X-aws-ec2-metadata-token", awsq_buf_str(&m->token) };
	struct credentials_fetch f = { .attempts = m->attempts };
	struct awsq_err why;
	int rc;

	f.http = request(m, path, below, m->token.len ? &token : NULL);
	rc = credentials_fetch(body, answer, &f, m->s, &why);
	if (rc != 0)
		return awsq_err_set(&m->why, AWSQ_ENOTFOUND, "'%s': %s", f.http.url, why.message);
	return 0;
}

/* The role's name, cut out of body: the first line. */
static int get_role(struct awsq_buf *body, struct imds *m)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789+=,.@_-";
	int rc = get(body, NULL, m, ROLE_PATH, "");
	size_t len = strspn(awsq_buf_str(body), allowed);

	if (rc != 0)
		return rc;
	if (len == 0 || !strchr("\r\n", awsq_buf_str(body)[len]))
		return awsq_err_set(&m->why, AWSQ_ENOTFOUND,
			"what '%s' gives is not the name of a role", awsq_buf_str(&m->url));
	awsq_buf_truncate(body, len);
	return 0;
}

/*
 * When the service has trouble, instances are left with credentials that should have ended, and AWS
 * takes them: so, as in botocore, those that are about to expire are taken for good until it is
 * time to look again.
 */
static int64_t extended(struct search *s, int64_t expires)
{
	double spread =
		SPREAD_MIN_S + s->clock->chance(s->clock->arg) * (SPREAD_MAX_S - SPREAD_MIN_S);
	int64_t offset = REFRESH_S + (int64_t)spread;
	int64_t now = s->clock->wall_ms(s->clock->arg) / 1000;

	if (now < expires - offset)
		return expires;
	awsq_log(s->log, AWSQ_LOG_INFO,
		"credentials: the instance's are about to expire or have; they are used on for %d "
		"minutes",
		(int)(offset / 60));
	return now + offset;
}

static int take(struct awsq_credentials *out, struct imds *m,
	const struct credentials_answer *answer)
{
	const char *lacks = credentials_answer_lacks(answer);
	int rc;

	if (lacks)
		return awsq_err_set(&m->why, AWSQ_ENOTFOUND, "'%s' gives no '%s'%s%.80s%s%.200s",
			awsq_buf_str(&m->url), lacks, answer->code ? ": " : "",
			answer->code ? answer->code : "", answer->message ? ": " : "",
			answer->message ? answer->message : "");
	rc = credentials_answer_take(out, m->s, answer, SOURCE);
	if (rc == 0)
		out->expires = extended(m->s, out->expires);
	return rc;
}

static int ask(struct awsq_credentials *out, struct imds *m)
{
	struct awsq_buf role = AWSQ_BUF_INIT(MAX_TEXT), body = AWSQ_BUF_INIT(MAX_TEXT);
	struct credentials_answer answer = { 0 };
	int rc = get_token(m);

	if (rc == 0)
		rc = get_role(&role, m);
	if (rc == 0)
		rc = get(&body, &answer, m, ROLE_PATH, awsq_buf_str(&role));
	if (rc == 0)
		rc = take(out, m, &answer);
	credentials_answer_free(&answer);
	awsq_buf_free(&role);
	awsq_buf_wipe(&body);
	return rc;
}

int credentials_from_imds(struct awsq_credentials *out, struct search *s, const char *profile)
{
	struct imds m = {
		.s = s, .url = AWSQ_BUF_INIT(MAX_TEXT), .token = AWSQ_BUF_INIT(MAX_TEXT)
	};
	int rc;

	(void)profile;
	if (is_true(environment_get(s->env, "AWS_EC2_METADATA_DISABLED"))) {
		awsq_buf_adds(credentials_tried(s, SOURCE), "'AWS_EC2_METADATA_DISABLED' is set");
		return AWSQ_ENOTFOUND;
	}
	rc = get_settings(&m);
	if (rc == 0)
		rc = ask(out, &m);
	/* Not to be on an instance, or without a role, is no reason to fail by itself. */
	if (rc == AWSQ_ENOTFOUND)
		awsq_buf_adds(credentials_tried(s, SOURCE), m.why.message);
	awsq_buf_free(&m.url);
	awsq_buf_wipe(&m.token);
	return rc;
}
