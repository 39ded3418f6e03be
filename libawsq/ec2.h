/*
 * ec2.h (private): what the ec2_*.c files share.
 */
#ifndef EC2_H
#define EC2_H

#include <awsq/ec2.h>

extern const struct awsq_shape ec2_tag_shape;

/* Encoded; EC2's limit is 16 KiB before encoding. */
#define EC2_MAX_USER_DATA ((size_t)32 * 1024)

/* Begin a call that only reads, and one that changes something. */
void ec2_read(struct awsq_call *call, const char *action, const struct awsq_shape *shape,
	void *out);
void ec2_write(struct awsq_call *call, const char *action, const struct awsq_shape *shape,
	void *out);

/* Filter.N.Name and Filter.N.Value.M; filters may be NULL. */
void ec2_add_filters(struct awsq_buf *q, const struct awsq_ec2_filter *filters);

/* TagSpecification.N for one type of resource; tags may be NULL. */
void ec2_add_tags(struct awsq_buf *q, int n, const char *resource_type,
	const struct awsq_ec2_new_tag *tags);

/* Text in base64, of at most max bytes then; it may be NULL. */
void ec2_add_base64(struct awsq_buf *q, const char *text, size_t max, const char *name);

/* ClientToken, which makes the call repeatable; token may be NULL. */
void ec2_add_token(struct awsq_call *call, const char *token);

#endif
