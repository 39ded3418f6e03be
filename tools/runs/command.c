#include "banned.h"

#include "runs/command.h"

#define MAX_MESSAGE 8192

void command_of_config(struct command *command, const struct config *config)
{
	*command = (struct command){ .env = &config->job_env,
		.workdir = config->job_workdir,
		.image = config->job_docker_image,
		.image_args = &config->job_docker_args };
}

static void add_quoted(struct awsq_buf *script, const char *s)
{
	awsq_buf_addc(script, '\'');
	for (; *s; s++) {
		if (*s == '\'')
			awsq_buf_adds(script, "'\\''");
		else
			awsq_buf_addc(script, *s);
	}
	awsq_buf_addc(script, '\'');
}

static void add_export(struct awsq_buf *script, const char *name, const char *value)
{
	awsq_buf_addf(script, "%s=", name);
	add_quoted(script, value);
	awsq_buf_addf(script, "\nexport %s\n", name);
}

static void add_env(struct awsq_buf *script, const struct command *command)
{
	char attempt[16];

	for (size_t i = 0; command->env && i < command->env->n; i++)
		add_export(script, command->env->names[i], command->env->values[i]);
	(void)snprintf(attempt, sizeof(attempt), "%d", command->attempt);
	add_export(script, "AWSQ_RUN", command->run);
	add_export(script, "AWSQ_ATTEMPT", attempt);
}

static void add_workdir(struct awsq_buf *script, const char *workdir)
{
	struct awsq_buf message = AWSQ_BUF_INIT(MAX_MESSAGE);

	awsq_buf_adds(script, "cd ");
	/* Not for CDPATH to find elsewhere, nor to be taken for an option. */
	if (workdir[0] != '/')
		awsq_buf_adds(script, "./");
	add_quoted(script, workdir);
	/* What the shell says itself names a file of ours, and not the setting. */
	awsq_buf_addf(&message,
		"cannot work in '%s' (job.workdir): the instance has no such folder that "
		"the job's user may enter",
		workdir);
	awsq_buf_adds(script, " 2>/dev/null || { printf '%s\\n' ");
	add_quoted(script, awsq_buf_str(&message));
	awsq_buf_adds(script, " >&2; exit 125; }\n");
	awsq_buf_free(&message);
}

/*
 * An image that only the instance has, and no registry, is as good; what docker says of that is on
 * the job's stderr. Variables are passed by name, so that their values are read from the
 * environment.
 */
static void add_container(struct awsq_buf *script, const struct command *command)
{
	const struct config_strings *args = command->image_args;

	awsq_buf_adds(script, "docker pull -q ");
	add_quoted(script, command->image);
	awsq_buf_adds(script, " >/dev/null || docker image inspect ");
	add_quoted(script, command->image);
	awsq_buf_adds(script, " >/dev/null 2>&1 || exit 125\n");
	awsq_buf_addf(script, "exec docker run --rm --name awsq-%s -e AWSQ_RUN -e AWSQ_ATTEMPT",
		command->id);
	for (size_t i = 0; command->env && i < command->env->n; i++)
		awsq_buf_addf(script, " -e %s", command->env->names[i]);
	for (size_t i = 0; args && i < args->n; i++) {
		awsq_buf_addc(script, ' ');
		add_quoted(script, args->items[i]);
	}
	awsq_buf_addc(script, ' ');
	add_quoted(script, command->image);
	if (command->text && *command->text) {
		awsq_buf_adds(script, " sh -c ");
		add_quoted(script, command->text);
	}
	awsq_buf_addc(script, '\n');
}

int command_script(struct awsq_buf *script, const struct command *command)
{
	add_env(script, command);
	if (command->workdir)
		add_workdir(script, command->workdir);
	if (command->image)
		add_container(script, command);
	else if (command->text)
		awsq_buf_addf(script, "%s\n", command->text);
	return awsq_buf_error(script);
}

int command_cleanup(struct awsq_buf *script, const struct command *command)
{
	if (command->image)
		awsq_buf_addf(script, "docker rm -f awsq-%s\n", command->id);
	return awsq_buf_error(script);
}
