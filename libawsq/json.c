/* The only file of the library that includes jansson. */
#include "banned.h"

#include <awsq/clock.h>
#include <awsq/json.h>

#include <inttypes.h>

#include <jansson.h>

/* Beyond this, doubles are not exact, and no time or count of AWS's is there. */
#define MAX_EXACT 9007199254740992.0

/* ---- Requests */

void awsq_json_add(struct awsq_buf *object, const char *value, const char *name)
{
	json_t *string = value ? json_string(value) : NULL;
	char *text = string ? json_dumps(string, JSON_ENCODE_ANY) : NULL;

	/* Names are ours, and need no escaping. */
	if (text)
		awsq_buf_addf(object, "%c\"%s\":%s", object->len ? ',' : '{', name, text);
	else if (value && !object->error)
		object->error = AWSQ_EINVAL;
	free(text);
	json_decref(string);
}

void awsq_json_end(struct awsq_buf *object)
{
	awsq_buf_adds(object, object->len ? "}" : "{}");
}

/* ---- Answers */

static int fill(const struct awsq_shape *shape, void *value, const json_t *from);

/* What stands at a path such as "KeyMetadata/Arn"; "" is from itself. NULL: nothing. */
static const json_t *at_path(const json_t *from, const char *path)
{
	while (*path && from) {
		size_t len = strcspn(path, "/");
		char name[128];

		if (len >= sizeof(name))
			return NULL;
		(void)snprintf(name, sizeof(name), "%.*s", (int)len, path);
		from = json_object_get(from, name);
		path += path[len] == '/' ? len + 1 : len;
	}
	return from;
}

static int fill_list(const struct awsq_field *field, void *value, const json_t *from)
{
	if (!json_is_array(from))
		return AWSQ_EPARSE;
	for (size_t i = 0; i < json_array_size(from); i++) {
		void *item = awsq_shape_append(field, value);
		int rc = item ? fill(field->item, item, json_array_get(from, i)) : AWSQ_ENOMEM;

		if (rc != 0)
			return rc;
	}
	return 0;
}

/* Times have fractions of a second; other numbers that should be integers come as 32.0. */
static int fill_number(const struct awsq_field *field, void *value, double number)
{
	char text[64];
	int64_t whole;

	if (!(number > -MAX_EXACT && number < MAX_EXACT))
		return AWSQ_EPARSE;
	whole = (int64_t)number;
	if (field->type == AWSQ_FIELD_TIME)
		awsq_time_iso(text, whole);
	else if ((double)whole == number)
		(void)snprintf(text, sizeof(text), "%" PRId64, whole);
	else if (field->type == AWSQ_FIELD_STRING)
		(void)snprintf(text, sizeof(text), "%.17g", number);
	else
		return AWSQ_EPARSE;
	return awsq_shape_set(field, value, text);
}

static int fill_field(const struct awsq_field *field, void *value, const json_t *from)
{
	char digits[32];

	if (!from || json_is_null(from))
		return 0;
	if (field->type == AWSQ_FIELD_LIST)
		return fill_list(field, value, from);
	if (json_is_string(from))
		return awsq_shape_set(field, value, json_string_value(from));
	if (json_is_boolean(from))
		return awsq_shape_set(field, value, json_is_true(from) ? "true" : "false");
	if (json_is_real(from) || (json_is_integer(from) && field->type == AWSQ_FIELD_TIME))
		return fill_number(field, value, json_number_value(from));
	if (!json_is_integer(from))
		return 0;
	(void)snprintf(digits, sizeof(digits), "%" JSON_INTEGER_FORMAT, json_integer_value(from));
	return awsq_shape_set(field, value, digits);
}

static int fill(const struct awsq_shape *shape, void *value, const json_t *from)
{
	for (size_t i = 0; i < shape->n_fields; i++) {
		const struct awsq_field *field = &shape->fields[i];
		int rc = fill_field(field, value, at_path(from, field->path));

		if (rc != 0)
			return rc;
	}
	return 0;
}

int awsq_json_fill(const struct awsq_shape *shape, void *value, const char *data, size_t len)
{
	json_t *document = json_loadb(data, len, 0, NULL);
	int rc = json_is_object(document) ? fill(shape, value, document) : AWSQ_EPARSE;

	json_decref(document);
	return rc;
}

/* ---- Errors */

struct error {
	char *code;
	char *message;
};

/* Services do not agree on the message's case. */
static const struct awsq_field error_fields[] = {
	AWSQ_STRING(struct error, code, "code"),
	AWSQ_STRING(struct error, code, "__type"),
	AWSQ_STRING(struct error, message, "Message"),
	AWSQ_STRING(struct error, message, "message"),
};
static const struct awsq_shape error_shape = AWSQ_SHAPE(struct error, error_fields);

int awsq_json_error(struct awsq_err *err, const char *data, size_t len)
{
	struct error e = { 0 };
	int rc = awsq_json_fill(&error_shape, &e, data, len);
	const char *code = e.code ? e.code : "";

	/* "com.amazonaws.kms#NotFoundException", and what may follow after a colon */
	if (strrchr(code, '#'))
		code = strrchr(code, '#') + 1;
	if (rc == 0 && strcspn(code, ":") == 0)
		rc = AWSQ_EPARSE;
	if (rc == 0) {
		err->code = AWSQ_ESERVICE;
		(void)snprintf(err->aws_code, sizeof(err->aws_code), "%.*s",
			(int)strcspn(code, ":"), code);
		(void)snprintf(err->message, sizeof(err->message), "%s",
			e.message ? e.message : "");
	}
	awsq_shape_free(&error_shape, &e);
	return rc;
}
