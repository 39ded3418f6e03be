/*
 * ec2_request.h: requests of calls, compared with what botocore 1.43.11 sends for the same. The
 * expected bodies were printed, Action and Version aside, by calls of
 *
 *     import botocore.session, urllib.parse as u
 *     def body(service, operation, **arguments):
 *         client = botocore.session.get_session().create_client(service, region_name="us-west-2",
 *             aws_access_key_id="a", aws_secret_access_key="s")
 *         got = {}
 *         client.meta.events.register("before-call", lambda params, **_: (
 *             got.update(params["body"]), (type("R", (), {"status_code": 200}), {}))[1])
 *         getattr(client, operation)(**arguments)
 *         print(u.urlencode(got, quote_via=u.quote, safe=""))
 *
 * such as body("ec2", "describe_instances", InstanceIds=["i-1"]).
 */
#ifndef AWSQ_TESTS_EC2_REQUEST_H
#define AWSQ_TESTS_EC2_REQUEST_H

#include <stdlib.h>
#include <string.h>

#include <awsq/client.h>
#include <awsq/ec2_types.h>

#define MAX_PARAMETERS 60

enum { ONCE, REPEATABLE };

static const struct awsq_ec2_filter filters[] = {
	{ "tag:Name", { "NAVO" } },
	{ "instance-state-name", { "running", "stop ped" } },
	{ NULL, { NULL } },
};
#define FILTERS                                                       \
	"Filter.1.Name=tag%3AName&Filter.1.Value.1=NAVO&"             \
	"Filter.2.Name=instance-state-name&Filter.2.Value.1=running&" \
	"Filter.2.Value.2=stop%20ped"

static const struct awsq_ec2_new_tag tags[] = {
	{ "Name", "NAVO" },
	{ "awsq:fleet", "a b&c" },
	{ NULL, NULL },
};
#define TAGS(n, type)                                                                         \
	"TagSpecification." n ".ResourceType=" type "&TagSpecification." n ".Tag.1.Key=Name&" \
	"TagSpecification." n ".Tag.1.Value=NAVO&"                                            \
	"TagSpecification." n ".Tag.2.Key=awsq%3Afleet&"                                      \
	"TagSpecification." n ".Tag.2.Value=a%20b%26c"

static inline int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Cuts text at its ampersands and sorts the parts. */
static inline size_t split(char *parts[MAX_PARAMETERS], char *text)
{
	size_t n = 0;

	while (*text) {
		assert_true(n < MAX_PARAMETERS);
		parts[n++] = text;
		text += strcspn(text, "&");
		if (*text)
			*text++ = '\0';
	}
	qsort(parts, n, sizeof(*parts), compare);
	return n;
}

/* Compares the call's body, as a set of parameters, with the one expected, and ends the call. */
static inline void is(struct awsq_call *call, const char *service, const char *version,
	const char *action, const char *rest, int repeatable)
{
	struct awsq_buf expected = AWSQ_BUF_INIT(8192), actual = AWSQ_BUF_INIT(8192);
	char *want[MAX_PARAMETERS] = { NULL }, *have[MAX_PARAMETERS] = { NULL };
	size_t n;

	awsq_buf_addf(&expected, "Action=%s&Version=%s&%s", action, version, rest);
	awsq_buf_adds(&actual, awsq_buf_str(&call->body));
	n = split(want, expected.data);
	assert_int_equal(split(have, actual.data), n);
	for (size_t i = 0; i < n; i++)
		assert_string_equal(have[i], want[i]);
	assert_string_equal(call->service, service);
	assert_string_equal(call->action, action);
	assert_int_equal(call->repeatable, repeatable);
	assert_int_equal(awsq_buf_error(&call->body), 0);
	awsq_buf_free(&expected);
	awsq_buf_free(&actual);
	awsq_call_free(call);
}

static inline void is_ec2(struct awsq_call *call, const char *action, const char *rest,
	int repeatable)
{
	is(call, "ec2", "2016-11-15", action, rest, repeatable);
}

#endif
