/*
 * credentials_answer.h: the JSON object in which processes, containers and instances hand out
 * credentials, and how it is fetched from a local endpoint.
 *
 * Source: "Process credential provider", "Container credential provider" and "IMDS credential
 * provider" of the AWS SDKs and Tools Reference Guide; botocore 1.43.11 (botocore/credentials.py,
 * botocore/utils.py).
 */
#ifndef CREDENTIALS_ANSWER_H
#define CREDENTIALS_ANSWER_H

#include "credentials_private.h"

#include <awsq/fetch.h>
#include <awsq/shape.h>

/* What stood in the object; NULL and 0: nothing. */
struct credentials_answer {
	int64_t version;
	char *key_id;
	char *secret;
	char *token;         /* of an endpoint */
	char *session_token; /* of a process */
	char *expiration;
	char *code; /* "Success", or what went wrong */
	char *message;
};

/* Reads the object into answer, whatever it was zeroed or held. AWSQ_EPARSE; AWSQ_ENOMEM. */
int credentials_answer_parse(struct credentials_answer *answer, const struct awsq_buf *text);

/* The name of a member that an endpoint's answer has to have, and has not; NULL: it has all. */
const char *credentials_answer_lacks(const struct credentials_answer *answer);

/*
 * Hands the answer over, as credentials_take() does. AWSQ_ECREDENTIALS too when its expiration is
 * no time.
 */
int credentials_answer_take(struct awsq_credentials *out, struct search *s,
	const struct credentials_answer *answer, const char *source);

/* Wipes and frees what answer holds. */
void credentials_answer_free(struct credentials_answer *answer);

/* The same of a struct of any shape that has strings, and numbers, but no lists. */
void credentials_wipe(const struct awsq_shape *shape, void *value);

/* What to fetch from an endpoint that may need some patience. */
struct credentials_fetch {
	struct awsq_fetch http;
	int attempts;
	int64_t pause_ms; /* between them */
};

/*
 * Fetches until the answer is one of status 200 with something in it: with an object, if answer is
 * not NULL. body gets it, and may not be empty before. The code of the last attempt, AWSQ_ESERVICE
 * when it was answered otherwise; why then says so in a few words.
 */
int credentials_fetch(struct awsq_buf *body, struct credentials_answer *answer,
	const struct credentials_fetch *f, struct search *s, struct awsq_err *why);

#endif
