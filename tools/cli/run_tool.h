/*
 * run_tool.h: what run-job and run-region share: a story that runs a job in each region.
 */
#ifndef CLI_RUN_TOOL_H
#define CLI_RUN_TOOL_H

#include "cli/app.h"
#include "runs/run.h"

typedef void run_story(struct run_result *out, struct region *r, const struct run_request *request);

/*
 * Tells story in each region, with the command and timeout of the command line or of regions.cfg,
 * and prints a summary when there are several. The exit status: the job's own with one region;
 * with several, 0 if every job ended with 0, else 1.
 */
int run_tool(struct app *app, run_story *story);

#endif
