/* Sums over all runs. */
#include "banned.h"

#include "fleet/grow.h"
#include "fleet/text.h"
#include "runs/ledger_private.h"

#include <awsq/buf.h>

#include <sqlite3.h>

/* ---- Rows of any kind, in memory, so that the ledger is free while they are looked at */

struct rows {
	const char *sql;
	size_t size; /* of one */
	void (*read)(void *row, sqlite3_stmt *stmt);
	char *items;
	size_t n;
};

static int add_row(struct rows *rows, sqlite3_stmt *stmt)
{
	char *items = grow(rows->items, rows->n, rows->size);

	if (!items)
		return SQLITE_NOMEM;
	rows->items = items;
	memset(rows->items + rows->n * rows->size, 0, rows->size);
	rows->read(rows->items + rows->n * rows->size, stmt);
	rows->n++;
	return SQLITE_OK;
}

static int read_rows(struct sqlite3 *db, void *arg)
{
	struct rows *rows = arg;
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(db, rows->sql, -1, &stmt, NULL);

	rows->n = 0;
	while (rc == SQLITE_OK) {
		rc = sqlite3_step(stmt);
		if (rc != SQLITE_ROW)
			break;
		rc = add_row(rows, stmt);
	}
	(void)sqlite3_finalize(stmt);
	return rc;
}

static void read_text(char *out, size_t size, sqlite3_stmt *stmt, int column)
{
	const char *text = (const char *)sqlite3_column_text(stmt, column);

	text_format(out, size, "%s", text ? text : "");
}

/* ---- Bills */

static void read_bill(void *row, sqlite3_stmt *stmt)
{
	struct ledger_bill *bill = row;

	read_text(bill->month, sizeof(bill->month), stmt, 0);
	read_text(bill->region, sizeof(bill->region), stmt, 1);
	bill->runs = sqlite3_column_int64(stmt, 2);
	bill->seconds = sqlite3_column_int64(stmt, 3);
}

int ledger_bills(struct ledger *l, int (*each)(void *arg, const struct ledger_bill *bill),
	void *arg, struct awsq_err *err)
{
	struct rows rows = {
		.sql = "SELECT strftime('%Y-%m', CASE WHEN running_ms > 0 THEN running_ms"
		       " ELSE asked_ms END / 1000, 'unixepoch') AS month, region, count(*),"
		       " sum(billed_s) FROM runs WHERE billed_s > 0"
		       " GROUP BY month, region ORDER BY month DESC, region",
		.size = sizeof(struct ledger_bill),
		.read = read_bill,
	};
	int rc = ledger_do(l, LEDGER_READS, read_rows, &rows, err);

	for (size_t i = 0; rc == 0 && i < rows.n; i++)
		rc = each(arg, (const struct ledger_bill *)(void *)(rows.items + i * rows.size));
	free(rows.items);
	return rc;
}

/* ---- Sums by region */

static void read_sum(void *row, sqlite3_stmt *stmt)
{
	struct ledger_sum *sum = row;
	int column = 0;

	read_text(sum->region, sizeof(sum->region), stmt, column++);
	for (int i = 0; i < LEDGER_STATES; i++)
		sum->runs[i] = sqlite3_column_int64(stmt, column++);
	sum->overdue = sqlite3_column_int64(stmt, column++);
	sum->billed_s = sqlite3_column_int64(stmt, column++);
	sum->success_ms = sqlite3_column_int64(stmt, column++);
	read_text(sum->last_id, sizeof(sum->last_id), stmt, column);
}

static void sums_text(struct awsq_buf *sql, int64_t now_ms)
{
	awsq_buf_adds(sql, "SELECT region");
	/* What is not closed may have a state already, and is to be counted once. */
	awsq_buf_adds(sql, ", sum(closed = 0)");
	for (int i = LEDGER_OPEN + 1; i < LEDGER_STATES; i++)
		awsq_buf_addf(sql, ", sum(closed <> 0 AND state = '%s')",
			ledger_state_name((enum ledger_state)i));
	awsq_buf_addf(sql,
		", sum(closed = 0 AND overdue_ms BETWEEN 1 AND %lld), sum(billed_s),"
		" max(CASE WHEN state = 'done' AND status = 0 THEN job_end_ms ELSE 0 END),"
		" (SELECT id FROM runs AS late WHERE late.region = runs.region AND closed <> 0"
		" AND state NOT IN ('busy', 'skipped') ORDER BY asked_ms DESC, id DESC LIMIT 1)"
		" FROM runs GROUP BY region ORDER BY region",
		(long long)now_ms);
}

int ledger_sums(struct ledger *l, int64_t now_ms, int (*each)(void *arg, const struct ledger_sum *),
	void *arg, struct awsq_err *err)
{
	struct awsq_buf sql = AWSQ_BUF_INIT(4096);
	struct rows rows = { .size = sizeof(struct ledger_sum), .read = read_sum };
	int rc;

	sums_text(&sql, now_ms);
	rows.sql = awsq_buf_str(&sql);
	rc = awsq_buf_error(&sql);
	if (rc != 0)
		awsq_err_set(err, rc, "%s", awsq_strerror(rc));
	else
		rc = ledger_do(l, LEDGER_READS, read_rows, &rows, err);
	for (size_t i = 0; rc == 0 && i < rows.n; i++)
		rc = each(arg, (const struct ledger_sum *)(void *)(rows.items + i * rows.size));
	free(rows.items);
	awsq_buf_free(&sql);
	return rc;
}
