#include "banned.h"

#include <awsq/json.h>
#include <awsq/ssm.h>

/* A part of a request: a script, and what JSON makes of it. */
#define MAX_PART (4 * AWSQ_SSM_MAX_SCRIPT)

static const struct awsq_field command_fields[] = {
	AWSQ_STRING(struct awsq_ssm_command, id, "Command/CommandId"),
	AWSQ_STRING(struct awsq_ssm_command, status, "Command/Status"),
};
static const struct awsq_shape command_shape = AWSQ_SHAPE(struct awsq_ssm_command, command_fields);

static const struct awsq_field invocation_fields[] = {
	AWSQ_STRING(struct awsq_ssm_invocation, status, "Status"),
	AWSQ_STRING(struct awsq_ssm_invocation, details, "StatusDetails"),
	AWSQ_INT(struct awsq_ssm_invocation, exit, "ResponseCode"),
	AWSQ_STRING(struct awsq_ssm_invocation, output, "StandardOutputContent"),
	AWSQ_STRING(struct awsq_ssm_invocation, error_text, "StandardErrorContent"),
};
static const struct awsq_shape invocation_shape =
	AWSQ_SHAPE(struct awsq_ssm_invocation, invocation_fields);

static const struct awsq_field node_fields[] = {
	AWSQ_STRING(struct awsq_ssm_node, id, "InstanceId"),
	AWSQ_STRING(struct awsq_ssm_node, ping, "PingStatus"),
	AWSQ_TIME(struct awsq_ssm_node, last_ping, "LastPingDateTime"),
	AWSQ_STRING(struct awsq_ssm_node, agent, "AgentVersion"),
	AWSQ_STRING(struct awsq_ssm_node, platform, "PlatformType"),
};
static const struct awsq_shape node_shape = AWSQ_SHAPE(struct awsq_ssm_node, node_fields);

static const struct awsq_field nodes_fields[] = {
	AWSQ_LIST(struct awsq_ssm_nodes, items, n, "InstanceInformationList", &node_shape),
	AWSQ_TOKEN(struct awsq_ssm_nodes, next_token, "NextToken"),
};
static const struct awsq_shape nodes_shape = AWSQ_SHAPE(struct awsq_ssm_nodes, nodes_fields);

static void init(struct awsq_call *call, const char *action, const struct awsq_shape *shape,
	void *out)
{
	awsq_call_init_json(call, "ssm", "AmazonSSM", action, shape, out);
}

/* ---- Scripts */

void awsq_ssm_send_command(struct awsq_call *call, struct awsq_ssm_command *out,
	const struct awsq_ssm_script *script)
{
	struct awsq_buf parameters = AWSQ_BUF_INIT(MAX_PART);
	char digits[32];
	const char *seconds = digits;

	(void)snprintf(digits, sizeof(digits), "%lld", (long long)script->execution_s);
	init(call, "SendCommand", &command_shape, out);
	awsq_json_add(&call->body, "AWS-RunShellScript", "DocumentName");
	awsq_json_add_list(&call->body, &script->instance_id, 1, "InstanceIds");
	awsq_json_add_list(&parameters, &script->text, 1, "commands");
	awsq_json_add_list(&parameters, &seconds, 1, "executionTimeout");
	awsq_json_add_object(&call->body, &parameters, 0, "Parameters");
	awsq_json_add_int(&call->body, script->delivery_s, "TimeoutSeconds");
	awsq_json_add(&call->body, script->comment, "Comment");
}

void awsq_ssm_free_command(struct awsq_ssm_command *command)
{
	awsq_shape_free(&command_shape, command);
}

void awsq_ssm_get_command_invocation(struct awsq_call *call, struct awsq_ssm_invocation *out,
	const char *command_id, const char *instance_id)
{
	init(call, "GetCommandInvocation", &invocation_shape, out);
	call->repeatable = 1;
	awsq_json_add(&call->body, command_id, "CommandId");
	awsq_json_add(&call->body, instance_id, "InstanceId");
}

void awsq_ssm_free_invocation(struct awsq_ssm_invocation *invocation)
{
	awsq_shape_free(&invocation_shape, invocation);
}

void awsq_ssm_cancel_command(struct awsq_call *call, const char *command_id,
	const char *instance_id)
{
	init(call, "CancelCommand", NULL, NULL);
	call->repeatable = 1;
	awsq_json_add(&call->body, command_id, "CommandId");
	awsq_json_add_list(&call->body, &instance_id, 1, "InstanceIds");
}

/* ---- Agents */

void awsq_ssm_describe_instance_information(struct awsq_call *call, struct awsq_ssm_nodes *out,
	const char *instance_id)
{
	struct awsq_buf filter = AWSQ_BUF_INIT(MAX_PART);

	init(call, "DescribeInstanceInformation", &nodes_shape, out);
	call->repeatable = 1;
	awsq_json_add(&filter, "InstanceIds", "Key");
	awsq_json_add_list(&filter, &instance_id, 1, "Values");
	awsq_json_add_object(&call->body, &filter, 1, "Filters");
}

void awsq_ssm_free_nodes(struct awsq_ssm_nodes *nodes)
{
	awsq_shape_free(&nodes_shape, nodes);
}
