#include "banned.h"

#include "credentials_answer.h"

#include <awsq/json.h>

static const struct awsq_field answer_fields[] = {
	AWSQ_INT(struct credentials_answer, version, "Version"),
	AWSQ_STRING(struct credentials_answer, key_id, "AccessKeyId"),
	AWSQ_STRING(struct credentials_answer, secret, "SecretAccessKey"),
	AWSQ_STRING(struct credentials_answer, token, "Token"),
	AWSQ_STRING(struct credentials_answer, session_token, "SessionToken"),
	AWSQ_STRING(struct credentials_answer, expiration, "Expiration"),
	AWSQ_STRING(struct credentials_answer, code, "Code"),
	AWSQ_STRING(struct credentials_answer, message, "Message"),
};
static const struct awsq_shape answer_shape = AWSQ_SHAPE(struct credentials_answer, answer_fields);

void credentials_wipe(const struct awsq_shape *shape, void *value)
{
	for (size_t i = 0; i < shape->n_fields; i++) {
		char *text = NULL;

		if (shape->fields[i].type == AWSQ_FIELD_STRING)
			memcpy(&text, (char *)value + shape->fields[i].offset, sizeof(text));
		if (text)
			awsq_wipe(text, strlen(text));
	}
	awsq_shape_free(shape, value);
}

void credentials_answer_free(struct credentials_answer *answer)
{
	credentials_wipe(&answer_shape, answer);
}

int credentials_answer_parse(struct credentials_answer *answer, const struct awsq_buf *text)
{
	int rc;

	credentials_answer_free(answer);
	rc = awsq_json_fill(&answer_shape, answer, awsq_buf_str(text), text->len);
	if (rc != 0)
		credentials_answer_free(answer);
	return rc;
}

const char *credentials_answer_lacks(const struct credentials_answer *answer)
{
	if (!answer->key_id || *answer->key_id == '\0')
		return "AccessKeyId";
	if (!answer->secret || *answer->secret == '\0')
		return "SecretAccessKey";
	if (!answer->token)
		return "Token";
	return answer->expiration ? NULL : "Expiration";
}

int credentials_answer_take(struct awsq_credentials *out, struct search *s,
	const struct credentials_answer *answer, const char *source)
{
	const char *token = answer->token ? answer->token : answer->session_token;
	const struct found f = { answer->key_id, answer->secret, token && *token ? token : NULL };

	if (answer->expiration && awsq_time_parse(&out->expires, answer->expiration) != 0)
		return awsq_err_set(s->err, AWSQ_ECREDENTIALS,
			"%s: the 'Expiration' of the credentials is '%s', and should be a time "
			"such as 2030-01-31T12:00:00Z",
			source, answer->expiration);
	return credentials_take(out, s, &f, source);
}

/* Once. An answer that is none of a right form may come of a service that is only starting. */
static int fetch_once(struct awsq_buf *body, struct credentials_answer *answer,
	const struct awsq_fetch *http, struct awsq_err *why)
{
	int status, rc;

	awsq_buf_reset(body);
	rc = awsq_fetch(&status, body, http, why);
	if (rc != 0)
		return rc;
	if (status != 200)
		return awsq_err_set(why, AWSQ_ESERVICE, "it answered with HTTP status %d%s%.200s",
			status, body->len ? ": " : "", awsq_buf_str(body));
	if (body->len == 0)
		return awsq_err_set(why, AWSQ_ESERVICE, "its answer was empty");
	rc = answer ? credentials_answer_parse(answer, body) : 0;
	if (rc == AWSQ_EPARSE)
		return awsq_err_set(why, AWSQ_ESERVICE, "its answer was not a JSON object");
	return rc == 0 ? 0 : awsq_err_set(why, rc, "%s", awsq_strerror(rc));
}

int credentials_fetch(struct awsq_buf *body, struct credentials_answer *answer,
	const struct credentials_fetch *f, struct search *s, struct awsq_err *why)
{
	int rc = awsq_err_set(why, AWSQ_EINVAL, "no attempts");
	struct awsq_fetch http = f->http;

	http.cancel_fd = s->cancel_fd;
	for (int i = 0; i < f->attempts; i++) {
		if (i > 0)
			(void)s->clock->sleep_ms(s->clock->arg, f->pause_ms, s->cancel_fd);
		rc = fetch_once(body, answer, &http, why);
		if (rc == 0 || rc == AWSQ_EINVAL || rc == AWSQ_ENOMEM || rc == AWSQ_ECANCELED)
			break;
		awsq_log(s->log, AWSQ_LOG_DEBUG, "credentials: attempt %d of %d: %s", i + 1,
			f->attempts, why->message);
	}
	return rc;
}
