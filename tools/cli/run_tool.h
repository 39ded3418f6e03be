/*
 * run_tool.h: what run-job and run-region share, and rotate-regions in part: a story that runs a
 * job in each region.
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

/* The same for run-job --attach: goes on with a run whose controller was killed. */
int run_tool_attach(struct app *app);

/*
 * What is wrong with the settings and options for a job, before anything is begun: 0, or the exit
 * status after having said it.
 */
int run_tool_check(struct app *app);

/* A worker's part: a run in its region, told of and summed up. tool is for the ledger. */
void run_tool_region(struct app *app, struct region *r, struct task *task,
	struct run_result *result, const char *tool);

/* At the end of all: the metrics, if they are asked for, and the logs that are too old. */
void run_tool_end(struct app *app);

#endif
