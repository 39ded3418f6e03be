/*
 * command.h: the script of a job, made of its settings: environment, folder, command, container.
 */
#ifndef RUNS_COMMAND_H
#define RUNS_COMMAND_H

#include <awsq/buf.h>

#include "fleet/config.h"

struct command {
	const char *text; /* for sh; NULL or "": none (the image's own, or nothing at all) */
	const char *run;  /* AWSQ_RUN in its environment */
	int attempt;      /* AWSQ_ATTEMPT */
	const char *id;   /* of the job: part of the container's name */
	const struct config_pairs *env; /* names of letters, digits and "_"; values are any text */
	const char *workdir; /* below the home folder unless it begins with "/"; NULL: home */
	const char *image;   /* the container to run it in, by docker; NULL: none */
	const struct config_strings *image_args; /* more options of docker run */
};

/* What settings say of a job's script; the caller sets text, run, attempt and id. */
void command_of_config(struct command *command, const struct config *config);

/*
 * Adds the script, for struct job_request. It ends with 125 when its folder or image is not to be
 * had. The values of the environment are in no process's arguments; a container's command is in
 * docker's. The buffer's error.
 */
int command_script(struct awsq_buf *script, const struct command *command);

/*
 * Adds what is to be done when the job was ended from outside: its container goes on without it.
 * Nothing where there is no container. The buffer's error.
 */
int command_cleanup(struct awsq_buf *script, const struct command *command);

#endif
