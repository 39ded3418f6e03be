/*
 * xml.h: a response in XML, parsed as it arrives, straight into the struct that a shape describes.
 *
 * A document that is cut short, not well formed, or that has a document type declaration (AWS sends
 * none, and entities are how XML is made to explode) is AWSQ_EPARSE.
 */
#ifndef AWSQ_XML_H
#define AWSQ_XML_H

#include <stddef.h>

#include <awsq/common.h>
#include <awsq/err.h>
#include <awsq/shape.h>

struct awsq_xml;

AWSQ_BEGIN_DECLS

/*
 * Starts a document. The shape's paths are relative to the root element; what is found goes to
 * value, a zeroed struct of the shape, which the caller frees with awsq_shape_free, after an error
 * too. Both are borrowed until awsq_xml_free(). AWSQ_ENOMEM.
 */
int awsq_xml_new(struct awsq_xml **out, const struct awsq_shape *shape, void *value);

/*
 * The next bytes of the document. After an error the rest is ignored and the error repeated:
 * AWSQ_EPARSE when it is not well formed or does not fit the shape, AWSQ_ETOOBIG, AWSQ_ENOMEM.
 */
int awsq_xml_feed(struct awsq_xml *x, const char *data, size_t len);

/* Says that the document is complete. The same errors: AWSQ_EPARSE when it is not. */
int awsq_xml_finish(struct awsq_xml *x);

/* Frees the parser, not what it put into value. NULL is allowed. */
void awsq_xml_free(struct awsq_xml *x);

/*
 * Reads an error document, of EC2's or of IAM's and STS's shape: the first error's Code, Message
 * and RequestID or RequestId go to err, whose code becomes AWSQ_ESERVICE. AWSQ_EPARSE, with err
 * untouched, when it is no such document.
 */
int awsq_xml_error(struct awsq_err *err, const char *data, size_t len);

AWSQ_END_DECLS

#endif
