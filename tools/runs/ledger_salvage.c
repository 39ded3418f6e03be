#include "banned.h"

#include "runs/ledger_private.h"

#include <sqlite3.h>

#define MAX_RUNS "512"
#define BUSY_MS  500

/* What is broken may read as anything: a row that is none would be looked after for ever. */
static int is_a_run(const struct ledger_run *run)
{
	return strlen(run->id) == strspn(run->id, "0123456789abcdef-") && run->id[0] &&
	       strlen(run->region) ==
	               strspn(run->region, "abcdefghijklmnopqrstuvwxyz0123456789-") &&
	       run->region[0] && run->asked_ms > 0;
}

/* The table itself, as an index may be what is broken; from its end, where the open ones are. */
static int prepare(sqlite3_stmt **stmt, struct sqlite3 *from)
{
	struct awsq_buf sql = AWSQ_BUF_INIT(4096);
	int rc = SQLITE_NOMEM;

	awsq_buf_adds(&sql, "SELECT ");
	ledger_add_columns(&sql);
	awsq_buf_adds(&sql, " FROM runs NOT INDEXED WHERE closed = 0"
			    " ORDER BY rowid DESC LIMIT " MAX_RUNS);
	if (awsq_buf_error(&sql) == 0)
		rc = sqlite3_prepare_v2(from, awsq_buf_str(&sql), -1, stmt, NULL);
	awsq_buf_free(&sql);
	return rc;
}

static int read_open_runs(struct sqlite3 *from,
	void (*each)(void *arg, const struct ledger_run *run), void *arg)
{
	sqlite3_stmt *stmt = NULL;
	int rc = prepare(&stmt, from);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	for (; rc == SQLITE_ROW; rc = sqlite3_step(stmt)) {
		struct ledger_run run = { 0 };

		ledger_read_row(&run, stmt);
		if (is_a_run(&run))
			each(arg, &run);
	}
	(void)sqlite3_finalize(stmt);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int ledger_peek(const char *path, void (*each)(void *arg, const struct ledger_run *run), void *arg,
	struct awsq_err *err)
{
	sqlite3 *from = NULL;
	int rc = sqlite3_open_v2(path, &from, SQLITE_OPEN_READONLY, NULL);

	if (rc == SQLITE_OK) {
		(void)sqlite3_busy_timeout(from, BUSY_MS);
		rc = read_open_runs(from, each, arg);
	}
	if (rc != SQLITE_OK)
		rc = awsq_err_set(err, AWSQ_EIO, "cannot read the ledger '%s': %s", path,
			from ? sqlite3_errmsg(from) : sqlite3_errstr(rc));
	(void)sqlite3_close(from);
	return rc;
}

struct copying {
	struct sqlite3 *to;
	int n;
};

static void copy(void *arg, const struct ledger_run *run)
{
	struct copying *c = arg;

	c->n += ledger_write_row(c->to, run) == SQLITE_DONE;
}

int ledger_salvage(struct sqlite3 *db, const char *path)
{
	struct copying c = { db, 0 };
	struct awsq_err ignored;

	(void)ledger_peek(path, copy, &c, &ignored);
	return c.n;
}
