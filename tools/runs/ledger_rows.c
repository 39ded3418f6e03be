/* Runs into the ledger's table, and out of it. */
#include "banned.h"

#include "fleet/text.h"
#include "runs/ledger_private.h"

#include <awsq/buf.h>

#include <sqlite3.h>
#include <stddef.h>

#define MAX_SQL 8192
#define BATCH   32 /* runs that are read at once: the ledger is free while they are looked at */

enum kind { TEXT, NUMBER, LARGE, STATE }; /* char[], int, int64_t or uint64_t, enum ledger_state */

static const struct field {
	const char *name; /* of the column, and of the member */
	enum kind kind;
	size_t offset, size;
} fields[] = {
/* clang-format off */
#define FIELD(kind, m) \
	{ #m, kind, offsetof(struct ledger_run, m), sizeof(((struct ledger_run *)NULL)->m) }
	/* clang-format on */
	FIELD(TEXT, id),
	FIELD(TEXT, tool),
	FIELD(TEXT, region),
	FIELD(TEXT, instance),
	FIELD(TEXT, type),
	FIELD(TEXT, command),
	FIELD(STATE, state),
	FIELD(NUMBER, owns),
	FIELD(LARGE, asked_ms),
	FIELD(LARGE, started_ms),
	FIELD(LARGE, running_ms),
	FIELD(LARGE, ssh_ms),
	FIELD(LARGE, job_start_ms),
	FIELD(LARGE, job_end_ms),
	FIELD(LARGE, stop_ms),
	FIELD(LARGE, stopped_ms),
	FIELD(LARGE, overdue_ms),
	FIELD(LARGE, launch_ms),
	FIELD(LARGE, before_ms),
	FIELD(LARGE, timeout_ms),
	FIELD(NUMBER, attempts),
	FIELD(NUMBER, status),
	FIELD(NUMBER, suspicious),
	FIELD(NUMBER, left_on),
	FIELD(NUMBER, closed),
	FIELD(LARGE, bytes_out),
	FIELD(LARGE, bytes_err),
	FIELD(LARGE, billed_s),
	FIELD(TEXT, message),
#undef FIELD
};

#define N_FIELDS ((int)(sizeof(fields) / sizeof(fields[0])))

/* ---- One run */

static int bind_field(sqlite3_stmt *stmt, int i, const struct ledger_run *run)
{
	const char *member = (const char *)run + fields[i].offset;
	int64_t large = 0;
	int number = 0;

	switch (fields[i].kind) {
	case TEXT:
		return sqlite3_bind_text(stmt, i + 1, member, -1, SQLITE_STATIC);
	case STATE:
		return sqlite3_bind_text(stmt, i + 1, ledger_state_name(run->state), -1,
			SQLITE_STATIC);
	case NUMBER:
		memcpy(&number, member, sizeof(number));
		return sqlite3_bind_int(stmt, i + 1, number);
	case LARGE:
		memcpy(&large, member, sizeof(large));
		return sqlite3_bind_int64(stmt, i + 1, large);
	}
	return SQLITE_MISUSE;
}

static void read_field(struct ledger_run *run, sqlite3_stmt *stmt, int i)
{
	char *member = (char *)run + fields[i].offset;
	const char *text;
	int64_t large;
	int number;

	switch (fields[i].kind) {
	case TEXT:
		text = (const char *)sqlite3_column_text(stmt, i);
		text_format(member, fields[i].size, "%s", text ? text : "");
		break;
	case STATE:
		text = (const char *)sqlite3_column_text(stmt, i);
		number = text ? ledger_state_of(text) : -1;
		/* Only another hand can have written what is no state's name. */
		run->state = number < 0 ? LEDGER_LOST : (enum ledger_state)number;
		break;
	case NUMBER:
		number = sqlite3_column_int(stmt, i);
		memcpy(member, &number, sizeof(number));
		break;
	case LARGE:
		large = sqlite3_column_int64(stmt, i);
		memcpy(member, &large, sizeof(large));
		break;
	}
}

void ledger_add_columns(struct awsq_buf *sql)
{
	for (int i = 0; i < N_FIELDS; i++)
		awsq_buf_addf(sql, "%s%s", i ? ", " : "", fields[i].name);
}

void ledger_read_row(struct ledger_run *run, struct sqlite3_stmt *stmt)
{
	for (int i = 0; i < N_FIELDS; i++)
		read_field(run, stmt, i);
}

/* ---- Writing */

struct writing {
	const struct ledger_run *run;
	int is_new;
};

static void writing_text(struct awsq_buf *sql, int is_new)
{
	awsq_buf_adds(sql, "INSERT INTO runs (");
	ledger_add_columns(sql);
	awsq_buf_adds(sql, ") VALUES (");
	for (int i = 0; i < N_FIELDS; i++)
		awsq_buf_adds(sql, i ? ", ?" : "?");
	awsq_buf_adds(sql, ")");
	if (is_new)
		return;
	/* A run whose ledger was moved aside meanwhile is made known to the new one. */
	awsq_buf_adds(sql, " ON CONFLICT (id) DO UPDATE SET ");
	for (int i = 1; i < N_FIELDS; i++)
		awsq_buf_addf(sql, "%s%s = excluded.%s", i > 1 ? ", " : "", fields[i].name,
			fields[i].name);
}

static int write_run(struct sqlite3 *db, void *arg)
{
	const struct writing *w = arg;
	struct awsq_buf sql = AWSQ_BUF_INIT(MAX_SQL);
	sqlite3_stmt *stmt = NULL;
	int rc;

	writing_text(&sql, w->is_new);
	rc = awsq_buf_error(&sql) != 0
	             ? SQLITE_NOMEM
	             : sqlite3_prepare_v2(db, awsq_buf_str(&sql), -1, &stmt, NULL);
	for (int i = 0; i < N_FIELDS && rc == SQLITE_OK; i++)
		rc = bind_field(stmt, i, w->run);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	(void)sqlite3_finalize(stmt);
	awsq_buf_free(&sql);
	return rc;
}

int ledger_write_row(struct sqlite3 *db, const struct ledger_run *run)
{
	return write_run(db, &(struct writing){ .run = run, .is_new = 0 });
}

int ledger_begin(struct ledger *l, const struct ledger_run *run, struct awsq_err *err)
{
	return ledger_do(l, LEDGER_SECURES, write_run, &(struct writing){ .run = run, .is_new = 1 },
		err);
}

/* Whether a power cut may not undo it: an instance is about to be started; or all is over. */
static int is_grave(const struct ledger_run *run)
{
	return run->closed || (run->owns && run->started_ms && !run->launch_ms);
}

int ledger_update(struct ledger *l, const struct ledger_run *run, struct awsq_err *err)
{
	return ledger_do(l, is_grave(run) ? LEDGER_SECURES : LEDGER_WRITES, write_run,
		&(struct writing){ .run = run, .is_new = 0 }, err);
}

/* ---- Reading */

struct reading {
	const struct ledger_filter *filter;
	struct ledger_run *runs; /* room for max */
	int n, max;
	int goes_on; /* after the run that is at last_ms, last_id */
	int64_t last_ms;
	char last_id[LEDGER_ID_SIZE];
};

static void reading_text(struct awsq_buf *sql, const struct reading *r)
{
	const struct ledger_filter *f = r->filter;

	awsq_buf_adds(sql, "SELECT ");
	ledger_add_columns(sql);
	awsq_buf_adds(sql, " FROM runs WHERE 1");
	if (f->region)
		awsq_buf_adds(sql, " AND region = :region");
	if (f->id)
		awsq_buf_adds(sql, " AND id >= :id AND substr(id, 1, length(:id)) = :id");
	if (f->open_only)
		awsq_buf_adds(sql, " AND closed = 0");
	if (f->failed_only)
		awsq_buf_adds(sql, " AND closed <> 0 AND state <> 'skipped'"
				   " AND NOT (state = 'done' AND status = 0)");
	if (f->since_ms)
		awsq_buf_adds(sql, " AND asked_ms >= :since");
	if (f->until_ms)
		awsq_buf_adds(sql, " AND asked_ms < :until");
	if (r->goes_on)
		awsq_buf_adds(sql, " AND (asked_ms, id) < (:last_ms, :last_id)");
	awsq_buf_adds(sql, " ORDER BY asked_ms DESC, id DESC LIMIT :max");
}

/* What the text does not have is left out. */
static int bind_text(sqlite3_stmt *stmt, const char *name, const char *text)
{
	int i = sqlite3_bind_parameter_index(stmt, name);

	return i == 0 ? SQLITE_OK : sqlite3_bind_text(stmt, i, text, -1, SQLITE_STATIC);
}

static int bind_number(sqlite3_stmt *stmt, const char *name, int64_t number)
{
	int i = sqlite3_bind_parameter_index(stmt, name);

	return i == 0 ? SQLITE_OK : sqlite3_bind_int64(stmt, i, number);
}

static int bind_reading(sqlite3_stmt *stmt, const struct reading *r)
{
	const struct ledger_filter *f = r->filter;
	int rc = bind_text(stmt, ":region", f->region);

	if (rc == SQLITE_OK)
		rc = bind_text(stmt, ":id", f->id);
	if (rc == SQLITE_OK)
		rc = bind_number(stmt, ":since", f->since_ms);
	if (rc == SQLITE_OK)
		rc = bind_number(stmt, ":until", f->until_ms);
	if (rc == SQLITE_OK)
		rc = bind_number(stmt, ":last_ms", r->last_ms);
	if (rc == SQLITE_OK)
		rc = bind_text(stmt, ":last_id", r->last_id);
	if (rc == SQLITE_OK)
		rc = bind_number(stmt, ":max", r->max);
	return rc;
}

static int read_runs(struct sqlite3 *db, void *arg)
{
	struct reading *r = arg;
	struct awsq_buf sql = AWSQ_BUF_INIT(MAX_SQL);
	sqlite3_stmt *stmt = NULL;
	int rc;

	r->n = 0;
	reading_text(&sql, r);
	rc = awsq_buf_error(&sql) != 0
	             ? SQLITE_NOMEM
	             : sqlite3_prepare_v2(db, awsq_buf_str(&sql), -1, &stmt, NULL);
	if (rc == SQLITE_OK)
		rc = bind_reading(stmt, r);
	while (rc == SQLITE_OK && r->n < r->max) {
		rc = sqlite3_step(stmt);
		if (rc != SQLITE_ROW)
			break;
		ledger_read_row(&r->runs[r->n++], stmt);
		rc = SQLITE_OK;
	}
	(void)sqlite3_finalize(stmt);
	awsq_buf_free(&sql);
	return rc;
}

/* The next batch, at most limit (0: none) runs. Its length is r->n. */
static int next_batch(struct reading *r, struct ledger *l, int64_t limit, struct awsq_err *err)
{
	if (r->n > 0) {
		const struct ledger_run *last = &r->runs[r->n - 1];

		r->goes_on = 1;
		r->last_ms = last->asked_ms;
		(void)snprintf(r->last_id, sizeof(r->last_id), "%s", last->id);
	}
	r->max = limit > 0 && limit < BATCH ? (int)limit : BATCH;
	return ledger_do(l, LEDGER_READS, read_runs, r, err);
}

int ledger_list(struct ledger *l, const struct ledger_filter *filter,
	int (*each)(void *arg, const struct ledger_run *run), void *arg, struct awsq_err *err)
{
	struct reading r = { .filter = filter };
	int64_t left = filter->limit;
	int rc;

	r.runs = calloc(BATCH, sizeof(*r.runs));
	if (!r.runs)
		return awsq_err_set(err, AWSQ_ENOMEM, "out of memory");
	do {
		rc = next_batch(&r, l, left, err);
		for (int i = 0; rc == 0 && i < r.n; i++)
			rc = each(arg, &r.runs[i]);
		left -= r.n;
	} while (rc == 0 && r.n == r.max && (filter->limit == 0 || left > 0));
	free(r.runs);
	return rc;
}

int ledger_find(struct ledger_run *out, struct ledger *l, const struct ledger_filter *filter,
	struct awsq_err *err)
{
	struct ledger_run found[2] = { 0 };
	struct reading r = { .filter = filter, .runs = found, .max = filter->id ? 2 : 1 };
	int rc = ledger_do(l, LEDGER_READS, read_runs, &r, err);

	if (rc != 0)
		return rc;
	if (r.n == 0 && filter->id)
		return awsq_err_set(err, AWSQ_ENOTFOUND, "there is no %srun '%s'",
			filter->open_only ? "open " : "", filter->id);
	if (r.n == 0)
		return awsq_err_set(err, AWSQ_ENOTFOUND, "there is no such run");
	/* All ids are of one length: none is the beginning of another. */
	if (r.n == 2)
		return awsq_err_set(err, AWSQ_EINVAL,
			"'%s' is the beginning of several runs' ids, such as '%s' and '%s'",
			filter->id, found[0].id, found[1].id);
	*out = found[0];
	return 0;
}
