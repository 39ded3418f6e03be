/*
 * runs_show.h: what a person or a program sees of runs and of bills: rows of a table, one run with
 * all that is known of it, and records (records.h). list-runs(1) says what each member means.
 */
#ifndef CLI_RUNS_SHOW_H
#define CLI_RUNS_SHOW_H

#include "cli/records.h"
#include "cli/table.h"
#include "runs/ledger.h"

#define RUNS_MEMBERS  27
#define BILLS_MEMBERS 4
#define RUNS_TIME     32 /* "2026-11-22T05:15:52.123Z" */

/* The values point into the run, and into the rest of the struct. */
struct runs_record {
	struct record_value values[RUNS_MEMBERS];
	char times[RUNS_MEMBERS][RUNS_TIME];
};

void runs_record(struct runs_record *out, const struct ledger_run *run);
void bills_record(struct record_value out[BILLS_MEMBERS], const struct ledger_bill *bill);

/*
 * Tables with their header, and their rows; place is what the region is called. NULL without
 * memory, as all of table.h takes it.
 */
struct table *runs_new_table(void);
void runs_show(struct table *t, const struct ledger_run *run, const char *place, int64_t now_ms);
struct table *bills_new_table(void);
void bills_show(struct table *t, const struct ledger_bill *bill, const char *place);

/* Adds lines with all that is known of a run. folder: where its log is; NULL: nowhere. */
void runs_show_one(struct awsq_buf *out, const struct ledger_run *run, const char *place,
	const char *folder, int64_t now_ms);

#endif
