#include "banned.h"

#include "ec2.h"

#include <awsq/err.h>
#include <awsq/hash.h>
#include <awsq/query.h>

#define VERSION    "2016-11-15"
#define MAX_VALUES (sizeof((struct awsq_ec2_filter){ 0 }.values) / sizeof(char *))

static const struct awsq_field tag_fields[] = {
	AWSQ_STRING(struct awsq_ec2_tag, key, "key"),
	AWSQ_STRING(struct awsq_ec2_tag, value, "value"),
};
const struct awsq_shape ec2_tag_shape = AWSQ_SHAPE(struct awsq_ec2_tag, tag_fields);

void ec2_read(struct awsq_call *call, const char *action, const struct awsq_shape *shape, void *out)
{
	ec2_write(call, action, shape, out);
	call->repeatable = 1;
}

void ec2_write(struct awsq_call *call, const char *action, const struct awsq_shape *shape,
	void *out)
{
	awsq_call_init(call, "ec2", VERSION, action, shape, out);
}

void ec2_add_filters(struct awsq_buf *q, const struct awsq_ec2_filter *filters)
{
	for (size_t i = 0; filters && filters[i].name; i++) {
		awsq_query_add(q, filters[i].name, "Filter.%zu.Name", i + 1);
		for (size_t k = 0; k < MAX_VALUES && filters[i].values[k]; k++)
			awsq_query_add(q, filters[i].values[k], "Filter.%zu.Value.%zu", i + 1,
				k + 1);
	}
}

void ec2_add_tags(struct awsq_buf *q, int n, const char *resource_type,
	const struct awsq_ec2_new_tag *tags)
{
	if (!tags)
		return;
	awsq_query_add(q, resource_type, "TagSpecification.%d.ResourceType", n);
	for (size_t i = 0; tags[i].key; i++) {
		awsq_query_add(q, tags[i].key, "TagSpecification.%d.Tag.%zu.Key", n, i + 1);
		awsq_query_add(q, tags[i].value, "TagSpecification.%d.Tag.%zu.Value", n, i + 1);
	}
}

void ec2_add_base64(struct awsq_buf *q, const char *text, size_t max, const char *name)
{
	struct awsq_buf encoded = AWSQ_BUF_INIT(max);

	if (!text)
		return;
	awsq_base64_add(&encoded, text, strlen(text));
	if (awsq_buf_error(&encoded))
		q->error = awsq_buf_error(&encoded);
	awsq_query_add(q, awsq_buf_str(&encoded), "%s", name);
	awsq_buf_wipe(&encoded);
}

void ec2_add_token(struct awsq_call *call, const char *token)
{
	awsq_query_add(&call->body, token, "ClientToken");
	call->repeatable = token != NULL;
}

const char *awsq_ec2_tag_value(const struct awsq_ec2_tag *tags, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++) {
		if (tags[i].key && strcmp(tags[i].key, key) == 0)
			return tags[i].value ? tags[i].value : "";
	}
	return NULL;
}

/* Without the parameter to hold it back, the call would be carried out. */
static int has_dry_run(const struct awsq_call *call)
{
	static const char *const without[] = { "AssociateIamInstanceProfile",
		"DescribeIamInstanceProfileAssociations", "DisassociateIamInstanceProfile",
		"ReplaceIamInstanceProfileAssociation" };

	for (size_t i = 0; i < sizeof(without) / sizeof(*without); i++) {
		if (strcmp(call->action, without[i]) == 0)
			return 0;
	}
	return strcmp(call->service, "ec2") == 0;
}

void awsq_ec2_dry_run(struct awsq_call *call)
{
	if (!has_dry_run(call))
		call->body.error = AWSQ_EINVAL;
	awsq_query_add_bool(&call->body, 1, "DryRun");
	call->repeatable = 1;
	/* There will be no answer to fill it with. */
	call->shape = NULL;
	call->out = NULL;
}

void awsq_ec2_create_tags(struct awsq_call *call, const char *resource_id,
	const struct awsq_ec2_new_tag *tags)
{
	ec2_write(call, "CreateTags", NULL, NULL);
	/* The same tags over themselves change nothing. */
	call->repeatable = 1;
	awsq_query_add(&call->body, resource_id, "ResourceId.1");
	for (size_t i = 0; tags[i].key; i++) {
		awsq_query_add(&call->body, tags[i].key, "Tag.%zu.Key", i + 1);
		awsq_query_add(&call->body, tags[i].value, "Tag.%zu.Value", i + 1);
	}
}

/* Only the memory counts here, and it is the same whichever element the id came from. */
static const struct awsq_field created_fields[] = {
	AWSQ_STRING(struct awsq_ec2_created, id, ""),
};
static const struct awsq_shape created_shape = AWSQ_SHAPE(struct awsq_ec2_created, created_fields);

void awsq_ec2_free_created(struct awsq_ec2_created *created)
{
	awsq_shape_free(&created_shape, created);
}
