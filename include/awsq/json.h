/*
 * json.h: requests and answers of AWS's JSON protocol.
 *
 * Source: "AWS JSON 1.1 protocol" of the Smithy specification
 * (https://smithy.io/2.0/aws/protocols/), as botocore 1.43.11 has it. Requests are objects of
 * strings, lists of strings, integers and further objects: that is all that our calls need.
 */
#ifndef AWSQ_JSON_H
#define AWSQ_JSON_H

#include <stddef.h>
#include <stdint.h>

#include <awsq/buf.h>
#include <awsq/common.h>
#include <awsq/err.h>
#include <awsq/shape.h>

AWSQ_BEGIN_DECLS

/*
 * Adds a member to an object that is being written, beginning it where object is empty. A NULL
 * value adds nothing. One that is not UTF-8 is the buffer's error AWSQ_EINVAL.
 */
void awsq_json_add(struct awsq_buf *object, const char *value, const char *name);

/* The same of n strings, as a list, and of a number. */
void awsq_json_add_list(struct awsq_buf *object, const char *const *values, size_t n,
	const char *name);
void awsq_json_add_int(struct awsq_buf *object, int64_t value, const char *name);

/*
 * The same of an object: ends and adds member, which has its parts by then, and wipes it. As a list
 * of that one object when in_list is set. An error of member becomes object's.
 */
void awsq_json_add_object(struct awsq_buf *object, struct awsq_buf *member, int in_list,
	const char *name);

/* Ends the object. */
void awsq_json_end(struct awsq_buf *object);

/*
 * Fills value, a zeroed struct of the shape, from a document; the caller frees it with
 * awsq_shape_free, after an error too. The shape's paths are relative to the document's object; the
 * path of a list is that of its array. Times are seconds since the epoch there, or ISO 8601.
 * Members that are null, or of a kind that no text or number can be made of, count as absent.
 * AWSQ_EPARSE when it is not one whole JSON object, or does not fit the shape: a list that is no
 * array, a number that is no integer, or is text. AWSQ_ENOMEM.
 */
int awsq_json_fill(const struct awsq_shape *shape, void *value, const char *data, size_t len);

/*
 * Reads an error document: its code (without the namespace before it) and message go to err, whose
 * code becomes AWSQ_ESERVICE. AWSQ_EPARSE, with err untouched, when it is no such document.
 */
int awsq_json_error(struct awsq_err *err, const char *data, size_t len);

AWSQ_END_DECLS

#endif
