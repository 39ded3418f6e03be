/*
 * run.h: a job on a region's instances; and a run: start, job, stop, where the stop happens
 * whatever becomes of the rest. A run is in the ledger before its instance is started.
 */
#ifndef RUNS_RUN_H
#define RUNS_RUN_H

#include "fleet/instance.h"
#include "fleet/region.h"
#include "runs/ledger.h"
#include "ssh/ssh.h"

/* Statuses of what could not be run: timeout(1)'s, and sysexits.h's EX_TEMPFAIL. */
#define RUN_NOT_RUN 125
#define RUN_BUSY    75

struct run_request {
	const char *tool;      /* for the ledger: "run-region", ... */
	struct ledger *ledger; /* NULL: there is none, and so nothing is begun */
	const char *no_ledger; /* why not */
	const char *command;   /* NULL: only what regions.cfg says, such as job.watch */
	const char *watch;     /* an ERE: the job lasts as long as processes match; NULL */
	int64_t timeout_ms;    /* of an attempt; for run_attach 0: that of the run */
	int alone;             /* nothing else is run by this process: it may be told to end */
	struct ssh_output output;
	/*
	 * Where there are several instances: each one's own output, for as long as output lives.
	 * Called from one thread, before any of them writes.
	 */
	int (*branch)(const struct run_request *request, struct ssh_output *out, const char *region,
		const char *instance_id);
};

/* How it went; with several instances, how it went with all of them. */
struct run_result {
	int status;      /* the job's own, or 124, 125, 75; of several 0 if each is 0, else 1 */
	int canceled;    /* the user ended it */
	int left_on;     /* an instance could not be seen stopped */
	int no_capacity; /* EC2 had no room for any of the types: nothing was started */
	int busy;        /* another run has the region: nothing was touched */
	int skipped;     /* the same, with job.overlap = "skip": status is 0 */
	size_t n;        /* how many instances it is of */
	struct instance instance; /* the only one; or the first left on, else that failed */
	char run[LEDGER_ID_SIZE]; /* its id, or the first's; "" when nothing was begun */
	int64_t job_ms;           /* how long the job ran, its last attempt */
	int64_t on_ms;      /* from asking it to start until it was seen stopped; 0 for run_job */
	int attempts;       /* of the job */
	char message[1200]; /* why status is not the job's own; "" when it is */
	int told;           /* message has been said: the stop may take long */
};

/* Runs the job on the instances that are running already. */
void run_job(struct run_result *out, struct region *r, const struct run_request *request);

/* Starts the instances, runs the job, and stops the instances. */
void run_region(struct run_result *out, struct region *r, const struct run_request *request);

/*
 * Takes over a run whose controller has died (a row of the ledger, not closed): goes on with its
 * output from the byte to which it had been passed on, and ends it as it was to be ended.
 */
void run_attach(struct run_result *out, struct region *r, const struct run_request *request,
	const struct ledger_run *left);

#endif
