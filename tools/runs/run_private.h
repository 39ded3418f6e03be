/*
 * run_private.h: a run of one instance, and the steps that run.c makes of it. Each step is told of
 * in the ledger; the first thing that goes wrong is kept in the result, and later ones are
 * warnings.
 */
#ifndef RUNS_RUN_PRIVATE_H
#define RUNS_RUN_PRIVATE_H

#include "runs/job.h"
#include "runs/ledger.h"
#include "runs/link.h"
#include "runs/run.h"
#include "runs/runlog.h"

#define START_WAIT_MS (10 * 60 * 1000)
#define MAX_MARGIN_MS (60 * 1000)
#define JOB_ID_SIZE   (LEDGER_ID_SIZE + 8)

struct run {
	struct run_result *out;
	struct region *r;
	const struct run_request *request;
	struct ssh_output output; /* where the job's goes */
	struct instance *i;       /* out's */
	struct ledger_run row;
	struct ledger_run orphan; /* the run that this one takes over from; id is "" when none */

	int64_t begin_ms;     /* on region_now_ms's clock, when the row's asked_ms was */
	int64_t wait_ms;      /* until then another run's end is waited for */
	int is_known;         /* the ledger has the row */
	int hooked;           /* job.before was run: job.after is to be */
	int maybe_on;         /* it was asked to start, or may have been */
	int is_unsure;        /* and whether it was by this run is not known */
	int code;             /* of the error that the result tells of */
	int64_t job_begin_ms; /* when the present attempt was first heard of; 0: never yet */
	int taken_up;         /* that was begun by another controller */
	int no_script;        /* and what its script was is not known: no other attempt */

	struct runlog *log;
	int log_failed, ledger_failed; /* which has been said */
	uint64_t passed[2];            /* bytes of stdout and stderr, of all attempts */
	uint64_t attempt_passed[2];    /* of the present one */

	struct link *link;
	struct ssh_target target;
	char *known_hosts;
};

/* ---- run_book.c: what is written down */

/* A run of instance that has not begun; the result is zeroed, but for the instance. */
void run_init(struct run *run, struct run_result *out, struct region *r,
	const struct run_request *request, const struct instance *instance);
void run_free(struct run *run);

/* The wall clock, as it goes since the run began: whatever is set meanwhile changes no duration. */
int64_t run_stamp(const struct run *run);

/* Keeps why it failed; what comes first is what counts. */
void run_fail(struct run *run, enum ledger_state state, int status, const struct awsq_err *err);

/* Writes the intent. When that cannot be done the run is over. */
int run_begin(struct run *run);

/* Writes that the instance is about to be started. When that cannot be done the run is over. */
int run_intend(struct run *run);

/* Writes how far it has come; that it cannot be written is a warning. */
int run_note(struct run *run);

/* Another run has it: the result says so, and the ledger, if it can. */
void run_pass_over(struct run *run, const char *format, ...) AWSQ_PRINTF(2, 3);

/* Writes a run that is over before it was begun, if that can be done. */
void run_record(struct run *run);

/*
 * Its end: closes the row, unless the instance may still be on, and does what is to be done after.
 */
void run_close(struct run *run);

/* ---- run_power.c: the instance */

/* A start that came to nothing, as another run was quicker. */
#define RUN_LOST_RACE 1

/* Brings the instance to where SSH answers. RUN_LOST_RACE; -1 when it failed, and is told. */
int run_power_on(struct run *run);

/* Stops the instance until that is observed, if this run is to stop it. */
void run_power_off(struct run *run);

/* ---- run_work.c: the job */

/* The link to the instance. -1 when there is none, and that is told. */
int run_connect(struct run *run);

/* Runs the job, again where regions.cfg says so, and brings its files. attach: it runs already. */
void run_work(struct run *run, int attach);

/* Ends the job of the run that this one takes over from. */
void run_end_orphan(struct run *run);

/* ---- overlap.c: what is done where another run has the region */

/*
 * Takes the region's lock by job.overlap; *lock is -1, and run is over, when it is not to be had.
 */
void overlap_lock(int *lock, struct run *run);

/*
 * Whether the instance is this run's to start: it is off, or on for a run of which nothing else is
 * left (run->orphan). Else it is waited for, or the run is over: then the result is -1.
 */
int overlap_enter(struct run *run);

#endif
