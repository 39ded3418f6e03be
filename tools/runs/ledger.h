/*
 * ledger.h: the book of runs: what was asked of which instance, when each phase of it was reached,
 * and how it ended. SQLite behind a few plain functions, in the fleet's state folder.
 *
 * A struct ledger may be shared by threads, and the file by processes, killed at any moment.
 *
 * The ledger serves the runs and never the other way round: every function takes NULL for a ledger
 * that could not be opened, and an error from any but ledger_begin is one to warn of, and to go on
 * from, since an instance has to be stopped whether or not that can be written down.
 */
#ifndef RUNS_LEDGER_H
#define RUNS_LEDGER_H

#include <stddef.h>
#include <stdint.h>

#include <awsq/err.h>

#define LEDGER_ID_SIZE 32

#define LEDGER_FILE "ledger.sqlite"

/* How far a run has come, or how it ended. Kept in the file by name ("open", "timed-out"). */
enum ledger_state {
	LEDGER_OPEN,        /* intended or under way, or left by a controller that was killed */
	LEDGER_DONE,        /* the job came to its own end, whatever its status */
	LEDGER_TIMED_OUT,   /* the job was ended at its timeout */
	LEDGER_CANCELED,    /* by a signal to the controller */
	LEDGER_NOT_RUN,     /* the job could not be run: no SSH, a failed start, a failed hook */
	LEDGER_NO_CAPACITY, /* EC2 had none of the instance types: a rotation's debt */
	LEDGER_BUSY,        /* another run has the region */
	LEDGER_SKIPPED,     /* overlap = "skip" */
	LEDGER_LOST,        /* the job's end was never seen */
	LEDGER_REAPED,      /* its controller was killed; a later invocation stopped the instance */
	LEDGER_STATES       /* how many there are: none of them */
};

/* A run: one instance, one job, its attempts. Times are wall clock, ms since 1970; 0: not yet. */
struct ledger_run {
	char id[LEDGER_ID_SIZE]; /* ledger_new_id */
	char tool[24];           /* "run-region", "run-job", "rotate-regions" */
	char region[32];
	char instance[32];
	char type[40];     /* the instance type it ran on */
	char command[512]; /* as the user gave it, cut off */
	enum ledger_state state;
	int owns;           /* the run is to stop the instance */
	int64_t asked_ms;   /* the intent was written */
	int64_t started_ms; /* StartInstances was accepted */
	int64_t running_ms; /* seen running */
	int64_t ssh_ms;     /* its SSH server answered */
	int64_t job_start_ms, job_end_ms;
	int64_t stop_ms;    /* the stop was asked for */
	int64_t stopped_ms; /* seen stopped */
	int64_t overdue_ms; /* from then on, if nobody is at work on it, it is to be stopped */
	int64_t launch_ms;  /* EC2's LaunchTime of this boot: tells it from any later one */
	int64_t before_ms;  /* and of the boot before, as it was when the start was asked for */
	int64_t timeout_ms; /* of an attempt */
	int attempts;       /* of the job */
	int status;         /* exit status; -1: none yet */
	int suspicious;     /* succeeded in less than job.min_duration */
	int left_on;        /* the instance could not be seen stopped */
	int closed;         /* nothing is left to be done for it */
	uint64_t bytes_out, bytes_err;
	int64_t billed_s;  /* ledger_billed; 0: not owned */
	char message[512]; /* why it is not done; "" */
};

struct ledger;

/*
 * A new id: the time and a random part, "20261122-051552-7f3a9c01". A file name; all are of one
 * length. AWSQ_EIO without randomness.
 */
int ledger_new_id(char id[LEDGER_ID_SIZE], int64_t now_ms);

/*
 * Opens or makes DIR/LEDGER_FILE. One that is no database, or a broken one, is moved aside, and a
 * new one begun with what can be read of its open runs (note then says so, in a buffer of
 * note_size; else it is ""). AWSQ_EIO (also for the ledger of a newer awsq), AWSQ_ENOMEM: *out is
 * NULL.
 */
int ledger_open(struct ledger **out, const char *dir, char *note, size_t note_size,
	struct awsq_err *err);
void ledger_close(struct ledger *l);

/*
 * What was moved aside since ledger_open, or since it was last asked for: a ledger that turns out
 * to be broken only while it is used is begun anew too, and the use of it goes on. "" for nothing.
 */
void ledger_note(struct ledger *l, char *note, size_t size);

/*
 * Calls each for the open runs of a ledger that is not in use, from its file: the latest first, at
 * most 512. Nothing is changed in it, though SQLite may leave an empty -wal and -shm beside it.
 * AWSQ_EIO when it is broken, older than this awsq, or no ledger: each was called for what can be
 * read.
 */
int ledger_peek(const char *path, void (*each)(void *arg, const struct ledger_run *run), void *arg,
	struct awsq_err *err);

/* Writes a new run, on disk when it returns: from then on someone is responsible. AWSQ_EIO. */
int ledger_begin(struct ledger *l, const struct ledger_run *run, struct awsq_err *err);

/*
 * Writes a run as it is by now, on disk when it is closed. One that the ledger does not have is
 * added: the ledger may have been begun anew. AWSQ_EIO, after 5 to 6 seconds where others have it;
 * the next time, unless it is closed, after half a second, as an instance may be on meanwhile.
 */
int ledger_update(struct ledger *l, const struct ledger_run *run, struct awsq_err *err);

/* Which runs. Zero: all, the latest first. */
struct ledger_filter {
	const char *region;
	const char *id;             /* or the beginning of one */
	int open_only;              /* not closed */
	int failed_only;            /* closed, and neither done with status 0 nor skipped */
	int64_t since_ms, until_ms; /* since_ms <= asked_ms < until_ms; 0: no bound */
	int64_t limit;              /* 0: none */
};

/*
 * Calls each for every run, by asked_ms; a nonzero result of it ends the list, and is returned.
 * each may use the ledger. AWSQ_EIO, AWSQ_ENOMEM.
 */
int ledger_list(struct ledger *l, const struct ledger_filter *filter,
	int (*each)(void *arg, const struct ledger_run *run), void *arg, struct awsq_err *err);

/* The latest run that fits. AWSQ_ENOTFOUND when none does, AWSQ_EINVAL when an id fits several. */
int ledger_find(struct ledger_run *out, struct ledger *l, const struct ledger_filter *filter,
	struct awsq_err *err);

/*
 * The seconds that EC2 bills for an instance that was seen running and whose stop was asked for at
 * these times: begun seconds, at least 60. 0 while one of the two is 0.
 */
int64_t ledger_billed(int64_t running_ms, int64_t stop_ms);

/* What a region's instances were billed for in a month ("2026-11", UTC, by when they started). */
struct ledger_bill {
	char region[32];
	char month[8];
	int64_t runs;
	int64_t seconds;
};

int ledger_bills(struct ledger *l, int (*each)(void *arg, const struct ledger_bill *bill),
	void *arg, struct awsq_err *err);

/* What all runs of a region come to. */
struct ledger_sum {
	char region[32];
	int64_t runs[LEDGER_STATES]; /* closed ones, by state; LEDGER_OPEN: the others */
	int64_t overdue;             /* open ones that are past their overdue_ms */
	int64_t billed_s;
	int64_t success_ms;           /* the end of the latest job that ended with 0; 0: none */
	char last_id[LEDGER_ID_SIZE]; /* the latest closed one, busy and skipped apart; "" */
};

/* Calls each for every region, by its name, as ledger_list does. */
int ledger_sums(struct ledger *l, int64_t now_ms, int (*each)(void *arg, const struct ledger_sum *),
	void *arg, struct awsq_err *err);

/* "done", "timed-out", ... ; and back, -1 when it is no state's name. */
const char *ledger_state_name(enum ledger_state state);
int ledger_state_of(const char *name);

#endif
