#include "banned.h"

#include <awsq/err.h>
#include <awsq/xml.h>

/*
 * The two families of error documents, as the wire has them. EC2: Response/{Errors/Error/{Code,
 * Message}, RequestID}. IAM and STS: ErrorResponse/{Error/{Code, Message}, RequestId}. Some
 * services leave the wrapping away. One table names every place, and the first that is filled
 * counts.
 */
struct document {
	char *code[3];
	char *message[3];
	char *request_id[2];
};

static const struct awsq_field fields[] = {
	AWSQ_STRING(struct document, code[0], "Errors/Error/Code"),
	AWSQ_STRING(struct document, code[1], "Error/Code"),
	AWSQ_STRING(struct document, code[2], "Code"),
	AWSQ_STRING(struct document, message[0], "Errors/Error/Message"),
	AWSQ_STRING(struct document, message[1], "Error/Message"),
	AWSQ_STRING(struct document, message[2], "Message"),
	AWSQ_STRING(struct document, request_id[0], "RequestID"),
	AWSQ_STRING(struct document, request_id[1], "RequestId"),
};
static const struct awsq_shape shape = AWSQ_SHAPE(struct document, fields);

static const char *first(char *const strings[], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strings[i] && *strings[i])
			return strings[i];
	}
	return "";
}

int awsq_xml_error(struct awsq_err *err, const char *data, size_t len)
{
	struct document d = { 0 };
	struct awsq_xml *x = NULL;
	const char *code;
	int rc;

	rc = awsq_xml_new(&x, &shape, &d);
	if (rc == 0)
		rc = awsq_xml_feed(x, data, len);
	if (rc == 0)
		rc = awsq_xml_finish(x);
	code = first(d.code, 3);
	if (rc == 0 && *code == '\0')
		rc = AWSQ_EPARSE;
	if (rc == 0) {
		err->code = AWSQ_ESERVICE;
		(void)snprintf(err->aws_code, sizeof(err->aws_code), "%s", code);
		(void)snprintf(err->message, sizeof(err->message), "%s", first(d.message, 3));
		(void)snprintf(err->request_id, sizeof(err->request_id), "%s",
			first(d.request_id, 2));
	}
	awsq_xml_free(x);
	awsq_shape_free(&shape, &d);
	return rc;
}
