#include "banned.h"

#include "cli/run_tool.h"

static int run(struct app *app)
{
	return app->options.attach ? run_tool_attach(app) : run_tool(app, run_job);
}

static const struct tool tool = {
	.help = { TOOL_JOB, "run-job", "REGION... | --all | --attach[=RUN] [-- COMMAND...]",
		"Run the job of regions.cfg, or COMMAND, on the running instances of regions. Its\n"
		"output is shown as it comes; with several regions each line begins with the\n"
		"region's name. The exit status is the job's own, 124 when it ran out of time, "
		"and\n"
		"125 when it could not be run; with several regions 0 if every job ended with 0.",
		"  run-job us-east-1              the configured job\n"
		"  run-job us-east-1 -- uptime    another command\n"
		"  run-job --attach               go on with a run whose controller was killed" },
	.needs = NEEDS_LOGIN | NEEDS_LISTED,
	.run = run,
};

int main(int argc, char **argv)
{
	return app_main(&tool, argc, argv);
}
