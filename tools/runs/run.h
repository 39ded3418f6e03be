/*
 * run.h: a job on a region's instance; and a run: start, job, stop, where the stop happens whatever
 * becomes of the rest.
 */
#ifndef RUNS_RUN_H
#define RUNS_RUN_H

#include "fleet/instance.h"
#include "fleet/region.h"
#include "ssh/ssh.h"

/* Statuses of what could not be run: timeout(1)'s, and sysexits.h's EX_TEMPFAIL. */
#define RUN_NOT_RUN 125
#define RUN_BUSY    75

struct run_request {
	const char *command;
	int64_t timeout_ms;
	struct ssh_output output;
};

struct run_result {
	int status;   /* the job's own, or 124, 125, 75 */
	int canceled; /* the user ended it */
	int left_on;  /* the instance could not be seen stopped */
	struct instance instance;
	int64_t job_ms;     /* how long the job ran */
	int64_t on_ms;      /* from asking it to start until it was seen stopped; 0 for run_job */
	char message[1200]; /* why status is not the job's own; "" when it is */
	int told;           /* message has been said: the stop may take long */
};

/* Runs the job on the instance, which has to be running already. */
void run_job(struct run_result *out, struct region *r, const struct run_request *request);

/* Starts the instance, runs the job, and stops the instance. */
void run_region(struct run_result *out, struct region *r, const struct run_request *request);

#endif
