/* The only file of the library that includes jansson. */
#include "banned.h"

#include <awsq/clock.h>
#include <awsq/json.h>

#include <inttypes.h>

#include <jansson.h>

/* Beyond this, doubles are not exact, and no time or count of AWS's is there. */
#define MAX_EXACT 9007199254740992.0

/* ---- Requests */

/* Adds value in quotes. It may be a secret, of which no copies are to stay behind. */
static void add_string(struct awsq_buf *out, const char *value)
{
	json_t *string = json_string(value);
	char *text = string ? json_dumps(string, JSON_ENCODE_ANY) : NULL;

	if (text)
		awsq_buf_adds(out, text);
	else if (!out->error)
		out->error = AWSQ_EINVAL;
	if (text)
		awsq_wipe(text, strlen(text));
	free(text);
	if (string)
		awsq_wipe((char *)json_string_value(string), json_string_length(string));
	json_decref(string);
}

/* Names are ours, and need no escaping. */
static void add_name(struct awsq_buf *object, const char *name)
{
	awsq_buf_addf(object, "%c\"%s\":", object->len ? ',' : '{', name);
}

void awsq_json_add(struct awsq_buf *object, const char *value, const char *name)
{
	if (!value)
		return;
	add_name(object, name);
	add_string(object, value);
}

void awsq_json_add_list(struct awsq_buf *object, const char *const *values, size_t n,
	const char *name)
{
	add_name(object, name);
	awsq_buf_addc(object, '[');
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			awsq_buf_addc(object, ',');
		add_string(object, values[i]);
	}
	awsq_buf_addc(object, ']');
}

void awsq_json_add_int(struct awsq_buf *object, int64_t value, const char *name)
{
	add_name(object, name);
	awsq_buf_addf(object, "%" PRId64, value);
}

void awsq_json_add_object(struct awsq_buf *object, struct awsq_buf *member, int in_list,
	const char *name)
{
	int rc;

	awsq_json_end(member);
	rc = awsq_buf_error(member);
	add_name(object, name);
	if (in_list)
		awsq_buf_addc(object, '[');
	awsq_buf_add(object, awsq_buf_str(member), member->len);
	if (in_list)
		awsq_buf_addc(object, ']');
	if (rc != 0 && !object->error)
		object->error = rc;
	awsq_buf_wipe(member);
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
	if (json_is_string(from) && field->type == AWSQ_FIELD_INT)
		return AWSQ_EPARSE;
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

/* Answers may be secrets, of which no copies are to stay behind. jansson bounds the depth. */
static void wipe(json_t *from)
{
	void *at = json_object_iter(from);

	if (json_is_string(from))
		awsq_wipe((char *)json_string_value(from), json_string_length(from));
	for (; at; at = json_object_iter_next(from, at))
		wipe(json_object_iter_value(at));
	for (size_t i = 0; i < json_array_size(from); i++)
		wipe(json_array_get(from, i));
}

int awsq_json_fill(const struct awsq_shape *shape, void *value, const char *data, size_t len)
{
	json_t *document = json_loadb(data, len, 0, NULL);
	int rc = json_is_object(document) ? fill(shape, value, document) : AWSQ_EPARSE;

	wipe(document);
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
