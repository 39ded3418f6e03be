/* The ledger's tables. What has been released is never changed: a later version is a step more. */
#include "banned.h"

#include "runs/ledger_private.h"

#include <sqlite3.h>

/* Step n brings a database from version n to n + 1. */
static const char *const steps[] = {
	"CREATE TABLE runs ("
	" id TEXT NOT NULL PRIMARY KEY, tool TEXT NOT NULL, region TEXT NOT NULL,"
	" instance TEXT NOT NULL, type TEXT NOT NULL, command TEXT NOT NULL, state TEXT NOT NULL,"
	" owns INTEGER NOT NULL, asked_ms INTEGER NOT NULL, started_ms INTEGER NOT NULL,"
	" running_ms INTEGER NOT NULL, ssh_ms INTEGER NOT NULL, job_start_ms INTEGER NOT NULL,"
	" job_end_ms INTEGER NOT NULL, stop_ms INTEGER NOT NULL, stopped_ms INTEGER NOT NULL,"
	" overdue_ms INTEGER NOT NULL, launch_ms INTEGER NOT NULL, attempts INTEGER NOT NULL,"
	" status INTEGER NOT NULL, suspicious INTEGER NOT NULL, left_on INTEGER NOT NULL,"
	" closed INTEGER NOT NULL, bytes_out INTEGER NOT NULL, bytes_err INTEGER NOT NULL,"
	" billed_s INTEGER NOT NULL, message TEXT NOT NULL);"
	"CREATE INDEX runs_by_time ON runs (asked_ms, id);"
	"CREATE INDEX runs_by_region ON runs (region, asked_ms, id);"
	/* What every tool looks for when it begins: a handful among years of runs. */
	"CREATE INDEX runs_open ON runs (asked_ms, id) WHERE closed = 0;",
	/* For who comes after a killed controller: whose boot it is, and how long a job has. */
	"ALTER TABLE runs ADD COLUMN before_ms INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE runs ADD COLUMN timeout_ms INTEGER NOT NULL DEFAULT 0;",
};

#define N_STEPS ((int)(sizeof(steps) / sizeof(steps[0])))

int ledger_version(void)
{
	return N_STEPS;
}

int ledger_ask(struct sqlite3 *db, const char *sql, int64_t *value)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

	*value = 0;
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW) {
		*value = sqlite3_column_int64(stmt, 0);
		rc = SQLITE_OK;
	}
	(void)sqlite3_finalize(stmt);
	return rc;
}

static int take_steps(struct sqlite3 *db)
{
	int64_t version;
	char text[64];
	/* Asked for once more: another process may have taken the steps meanwhile. */
	int rc = ledger_ask(db, "PRAGMA user_version", &version);

	while (rc == SQLITE_OK && version < N_STEPS) {
		rc = sqlite3_exec(db, steps[version], NULL, NULL, NULL);
		version++;
	}
	if (rc != SQLITE_OK)
		return rc;
	(void)snprintf(text, sizeof(text), "PRAGMA user_version=%d", N_STEPS);
	return sqlite3_exec(db, text, NULL, NULL, NULL);
}

int ledger_migrate(struct sqlite3 *db)
{
	int rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);

	if (rc != SQLITE_OK)
		return rc;
	rc = take_steps(db);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	/* Without the tables the connection is of no use: closing it takes all of it back. */
	return rc;
}
