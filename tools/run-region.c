#include "banned.h"

#include "cli/run_tool.h"

static int run(struct app *app)
{
	return run_tool(app, run_region);
}

static const struct tool tool = {
	.help = { TOOL_RUN, "run-region", "REGION... | --all [-- COMMAND...]",
		"Start the instance of regions, run the job of regions.cfg, or COMMAND, and stop "
		"the\n"
		"instance, whatever the job, the link, or SIGINT, SIGTERM and SIGHUP do. The exit\n"
		"status is the job's own, 124 when it ran out of time, 125 when it could not be\n"
		"run, and 75 when another run has the region; with several regions 0 if every job\n"
		"ended with 0, else 1.",
		"  run-region us-east-1                    the configured job\n"
		"  run-region --all --timeout=10m -- uptime   another, everywhere at once" },
	.needs = NEEDS_LOGIN | NEEDS_LISTED,
	.run = run,
};

int main(int argc, char **argv)
{
	return app_main(&tool, argc, argv);
}
