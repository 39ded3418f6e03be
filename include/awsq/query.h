/*
 * query.h: the body of a request in AWS's query protocol, form-encoded.
 *
 * Sources: "Making API requests" in the Amazon EC2 API Reference; RFC 3986, section 2.3, for what
 * stays unescaped. Nothing here fails: a buffer remembers its error (buf.h).
 */
#ifndef AWSQ_QUERY_H
#define AWSQ_QUERY_H

#include <stdint.h>

#include <awsq/buf.h>
#include <awsq/common.h>

AWSQ_BEGIN_DECLS

/* Adds text with every byte escaped that RFC 3986 does not call unreserved. */
void awsq_query_escape(struct awsq_buf *q, const char *text);

/*
 * Adds one parameter, whose name is a printf format so that members of lists read as they stand on
 * the wire: awsq_query_add(q, zone, "Filter.%zu.Value.1", i). A NULL value adds nothing.
 */
void awsq_query_add(struct awsq_buf *q, const char *value, const char *name, ...) AWSQ_PRINTF(3, 4);
void awsq_query_add_int(struct awsq_buf *q, int64_t value, const char *name, ...) AWSQ_PRINTF(3, 4);
void awsq_query_add_bool(struct awsq_buf *q, int value, const char *name, ...) AWSQ_PRINTF(3, 4);

AWSQ_END_DECLS

#endif
