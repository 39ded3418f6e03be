/*
 * ssm.h: operations of AWS Systems Manager (API version 2014-11-06): shell scripts run by the agent
 * on an instance, as root, without a connection to it. The conventions are ec2.h's. Source: the
 * Systems Manager API Reference, https://docs.aws.amazon.com/systems-manager/latest/APIReference/,
 * and the document AWS-RunShellScript.
 */
#ifndef AWSQ_SSM_H
#define AWSQ_SSM_H

#include <stddef.h>
#include <stdint.h>

#include <awsq/client.h>
#include <awsq/common.h>

/*
 * How much of a script's output is kept, in characters (StandardOutputContent and
 * StandardErrorContent of GetCommandInvocation). Of more, the beginning is given, and an end in its
 * place that says so.
 */
#define AWSQ_SSM_MAX_STDOUT 24000
#define AWSQ_SSM_MAX_STDERR 8000
#define AWSQ_SSM_TRUNCATED  "--output truncated--"

/* How long a script may be, with some room: the request's document may have 64 KiB. */
#define AWSQ_SSM_MAX_SCRIPT 48000

/* Bounds of the two times of a script, in seconds. */
#define AWSQ_SSM_MIN_DELIVERY  30
#define AWSQ_SSM_MIN_EXECUTION 5
#define AWSQ_SSM_MAX_EXECUTION 172800

/* A script to be run on one instance. */
struct awsq_ssm_script {
	const char *instance_id;
	/*
	 * For sh, as a file. "{{ssm:NAME}}" in it would be replaced by the account's parameter of
	 * that name. It is kept by AWS in the account's command history for 30 days.
	 */
	const char *text;
	const char *comment; /* at most 100 characters, for who reads the history; NULL */
	int64_t delivery_s;  /* one that the agent has not begun by then is never run */
	int64_t execution_s; /* from then on its process group is killed */
};

struct awsq_ssm_command {
	char *id;
	char *status;
};

/* What has become of a script. */
struct awsq_ssm_invocation {
	/*
	 * Pending, InProgress, Delayed, Cancelling: not ended yet. Success, Failed (a status other
	 * than 0, or it could not be run), TimedOut, Cancelled: ended.
	 */
	char *status;
	char *details;    /* says more: DeliveryTimedOut, Undeliverable, Terminated, ... */
	int64_t exit;     /* the script's exit status; -1: it was not run, or has not ended */
	char *output;     /* what it wrote; set once it has ended */
	char *error_text; /* the same of stderr */
};

/* An instance whose agent has once been in touch. */
struct awsq_ssm_node {
	char *id;
	char *ping;        /* Online, ConnectionLost, Inactive */
	int64_t last_ping; /* when it was heard of last; Online is said for minutes after a stop */
	char *agent;       /* its version */
	char *platform;    /* Linux, Windows, MacOS */
};

struct awsq_ssm_nodes {
	struct awsq_ssm_node *items;
	size_t n;
	char *next_token;
};

AWSQ_BEGIN_DECLS

/*
 * Has the agent run a script. There is no token: repeating it runs the script again.
 * InvalidInstanceId: the agent is not connected, or the instance is not running.
 */
void awsq_ssm_send_command(struct awsq_call *call, struct awsq_ssm_command *out,
	const struct awsq_ssm_script *script);
void awsq_ssm_free_command(struct awsq_ssm_command *command);

/* InvocationDoesNotExist means "not yet" when the command was sent a moment ago. */
void awsq_ssm_get_command_invocation(struct awsq_call *call, struct awsq_ssm_invocation *out,
	const char *command_id, const char *instance_id);
void awsq_ssm_free_invocation(struct awsq_ssm_invocation *invocation);

/* Asks for it: a script that was begun may come to its own end all the same. */
void awsq_ssm_cancel_command(struct awsq_call *call, const char *command_id,
	const char *instance_id);

/* None, when the agent was never in touch. */
void awsq_ssm_describe_instance_information(struct awsq_call *call, struct awsq_ssm_nodes *out,
	const char *instance_id);
void awsq_ssm_free_nodes(struct awsq_ssm_nodes *nodes);

AWSQ_END_DECLS

#endif
