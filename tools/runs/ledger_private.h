/*
 * ledger_private.h: how the parts of the ledger (tools/runs/ledger*.c) come to its database.
 */
#ifndef RUNS_LEDGER_PRIVATE_H
#define RUNS_LEDGER_PRIVATE_H

#include <awsq/buf.h>

#include "runs/ledger.h"

struct sqlite3;
struct sqlite3_stmt;

/*
 * A piece of work in one connection that no other thread uses meanwhile. Its result is SQLite's;
 * it is called again from its beginning when the database was busy, or was begun anew.
 */
typedef int ledger_work(struct sqlite3 *db, void *arg);

enum ledger_care {
	LEDGER_READS,
	LEDGER_WRITES, /* whole whatever is killed; a power failure may lose it */
	LEDGER_SECURES /* on the disk when it returns */
};

/* Does the work within a few seconds. 0 for SQLITE_OK and SQLITE_DONE, else AWSQ_EIO. */
int ledger_do(struct ledger *l, enum ledger_care care, ledger_work *work, void *arg,
	struct awsq_err *err);

/* Makes the tables, or brings those of an older awsq up to date. SQLite's result. */
int ledger_migrate(struct sqlite3 *db);

/* The version of the tables that this awsq knows. */
int ledger_version(void);

/*
 * A run's row: the names of its columns, as SELECT wants them; the row that a SELECT of them stands
 * at; and written, whether or not it is there. SQLite's result.
 */
void ledger_add_columns(struct awsq_buf *sql);
void ledger_read_row(struct ledger_run *run, struct sqlite3_stmt *stmt);
int ledger_write_row(struct sqlite3 *db, const struct ledger_run *run);

/*
 * Copies to db what can still be read of the open runs in the broken ledger at path: an instance
 * may be on for one. How many those are.
 */
int ledger_salvage(struct sqlite3 *db, const char *path);

/* Prepares, steps once and ends a statement without parameters. *value: its first column. */
int ledger_ask(struct sqlite3 *db, const char *sql, int64_t *value);

#endif
