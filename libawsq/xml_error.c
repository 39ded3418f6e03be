#include "banned.h"

#include <awsq/err.h>
#include <awsq/xml.h>

/*
 * The two families of error documents, as the wire has them. EC2: Response/{Errors/Error/{Code,
 * Message}, RequestID}. IAM and STS: ErrorResponse/{Error/{Code, Message}, RequestId}. Some
 * services leave the wrapping away. One table names every place; where there are several errors,
 * the first counts.
 */
struct error {
	char *code;
	char *message;
};

struct document {
	struct error *errors;
	size_t n_errors;
	struct error root; /* what stands at the root itself */
	char *request_id;
};

static const struct awsq_field error_fields[] = {
	AWSQ_STRING(struct error, code, "Code"),
	AWSQ_STRING(struct error, message, "Message"),
};
static const struct awsq_shape error_shape = AWSQ_SHAPE(struct error, error_fields);

static const struct awsq_field fields[] = {
	AWSQ_LIST(struct document, errors, n_errors, "Errors/Error", &error_shape),
	AWSQ_LIST(struct document, errors, n_errors, "Error", &error_shape),
	AWSQ_STRING(struct document, root.code, "Code"),
	AWSQ_STRING(struct document, root.message, "Message"),
	AWSQ_STRING(struct document, request_id, "RequestID"),
	AWSQ_STRING(struct document, request_id, "RequestId"),
};
static const struct awsq_shape shape = AWSQ_SHAPE(struct document, fields);

static void copy(char *out, size_t size, const char *text)
{
	(void)snprintf(out, size, "%s", text ? text : "");
}

int awsq_xml_error(struct awsq_err *err, const char *data, size_t len)
{
	struct document d = { 0 };
	const struct error *error;
	struct awsq_xml *x = NULL;
	int rc;

	rc = awsq_xml_new(&x, &shape, &d);
	if (rc == 0)
		rc = awsq_xml_feed(x, data, len);
	if (rc == 0)
		rc = awsq_xml_finish(x);
	error = d.n_errors > 0 ? &d.errors[0] : &d.root;
	if (rc == 0 && (!error->code || !*error->code))
		rc = AWSQ_EPARSE;
	if (rc == 0) {
		err->code = AWSQ_ESERVICE;
		copy(err->aws_code, sizeof(err->aws_code), error->code);
		copy(err->message, sizeof(err->message), error->message);
		copy(err->request_id, sizeof(err->request_id), d.request_id);
	}
	awsq_xml_free(x);
	awsq_shape_free(&shape, &d);
	return rc;
}
