#include "banned.h"

#include "runs/ledger_private.h"

#include <sqlite3.h>

#define MAX_RUNS "512"

/* What is broken may read as anything: a row that is none would be looked after for ever. */
static int is_a_run(const struct ledger_run *run)
{
	return strlen(run->id) == strspn(run->id, "0123456789abcdef-") && run->id[0] &&
	       strlen(run->region) ==
	               strspn(run->region, "abcdefghijklmnopqrstuvwxyz0123456789-") &&
	       run->region[0] && run->asked_ms > 0;
}

/* The table itself, as an index may be what is broken; from its end, where the open ones are. */
static int copy_open_runs(struct sqlite3 *to, struct sqlite3 *from)
{
	struct awsq_buf sql = AWSQ_BUF_INIT(4096);
	sqlite3_stmt *stmt = NULL;
	int n = 0;

	awsq_buf_adds(&sql, "SELECT ");
	ledger_add_columns(&sql);
	awsq_buf_adds(&sql, " FROM runs NOT INDEXED WHERE closed = 0"
			    " ORDER BY rowid DESC LIMIT " MAX_RUNS);
	if (awsq_buf_error(&sql) == 0 &&
		sqlite3_prepare_v2(from, awsq_buf_str(&sql), -1, &stmt, NULL) == SQLITE_OK) {
		while (sqlite3_step(stmt) == SQLITE_ROW) {
			struct ledger_run run = { 0 };

			ledger_read_row(&run, stmt);
			if (is_a_run(&run) && ledger_write_row(to, &run) == SQLITE_DONE)
				n++;
		}
	}
	(void)sqlite3_finalize(stmt);
	awsq_buf_free(&sql);
	return n;
}

int ledger_salvage(struct sqlite3 *db, const char *path)
{
	sqlite3 *from = NULL;
	int n = 0;

	if (sqlite3_open_v2(path, &from, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK)
		n = copy_open_runs(db, from);
	(void)sqlite3_close(from);
	return n;
}
