#include "banned.h"

#include "fleet/grow.h"
#include "runs/metrics.h"
#include "runs/write_all.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_TEXT (16 * 1024 * 1024)
#define MAX_PATH 4096

struct entry {
	const char *account;
	struct ledger_sum sum;
	struct ledger_run last; /* with sum.last_id */
};

struct book {
	struct entry *entries; /* a region of an account each */
	const char *account;   /* whose are read */
	size_t n;
	const char *fleet;
};

/* ---- What is known */

static int add_entry(void *arg, const struct ledger_sum *sum)
{
	struct book *book = arg;
	struct entry *more = grow(book->entries, book->n, sizeof(*more));

	if (!more)
		return AWSQ_ENOMEM;
	book->entries = more;
	more[book->n++] = (struct entry){ .account = book->account, .sum = *sum };
	return 0;
}

static int read_part(struct book *book, const struct metrics_part *part, int64_t now_ms,
	struct awsq_err *err)
{
	size_t first = book->n;
	int rc;

	book->account = part->account;
	rc = ledger_sums(part->ledger, now_ms, add_entry, book, err);
	if (rc == AWSQ_ENOMEM)
		awsq_err_set(err, rc, "out of memory");
	for (size_t i = first; rc == 0 && i < book->n; i++) {
		struct entry *r = &book->entries[i];

		if (r->sum.last_id[0])
			rc = ledger_find(&r->last, part->ledger,
				&(struct ledger_filter){ .id = r->sum.last_id }, err);
	}
	return rc;
}

/* ---- The text: all lines of a metric stand together, below what it is */

static void add_head(struct awsq_buf *out, const char *name, const char *type, const char *help)
{
	awsq_buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void add_label(struct awsq_buf *out, const char *name, const char *value)
{
	awsq_buf_addf(out, "%s=\"", name);
	for (; *value; value++) {
		if (*value == '\n')
			awsq_buf_adds(out, "\\n");
		else if (*value == '\\' || *value == '"')
			awsq_buf_addf(out, "\\%c", *value);
		else
			awsq_buf_addc(out, *value);
	}
	awsq_buf_addc(out, '"');
}

/* What comes before a value; one more label where label is not NULL. */
static void add_name(struct awsq_buf *out, const struct book *book, const struct entry *r,
	const char *name, const char *label, const char *value)
{
	awsq_buf_addf(out, "%s{", name);
	add_label(out, "fleet", book->fleet);
	awsq_buf_addc(out, ',');
	if (r->account) {
		add_label(out, "account", r->account);
		awsq_buf_addc(out, ',');
	}
	add_label(out, "region", r->sum.region);
	if (label && value) {
		awsq_buf_addc(out, ',');
		add_label(out, label, value);
	}
	awsq_buf_adds(out, "} ");
}

static void add_count(struct awsq_buf *out, int64_t n)
{
	awsq_buf_addf(out, "%" PRId64 "\n", n);
}

static void add_seconds(struct awsq_buf *out, int64_t ms)
{
	awsq_buf_addf(out, "%" PRId64 ".%03d\n", ms / 1000, (int)(ms % 1000));
}

static void add_runs(struct awsq_buf *out, const struct book *book)
{
	static const char name[] = "awsq_runs_total";

	add_head(out, name, "counter", "Runs that have ended, by how.");
	for (size_t i = 0; i < book->n; i++) {
		for (int state = LEDGER_OPEN + 1; state < LEDGER_STATES; state++) {
			add_name(out, book, &book->entries[i], name, "state",
				ledger_state_name((enum ledger_state)state));
			add_count(out, book->entries[i].sum.runs[state]);
		}
	}
}

static void add_counts(struct awsq_buf *out, const struct book *book)
{
	static const struct {
		const char *name, *type, *help;
		size_t offset;
	} rows[] = {
		{ "awsq_runs_open", "gauge", "Runs under way, or left by a controller that died.",
			offsetof(struct ledger_sum, runs[LEDGER_OPEN]) },
		{ "awsq_runs_overdue", "gauge",
			"Open runs whose instance should be off by now: should be 0.",
			offsetof(struct ledger_sum, overdue) },
		{ "awsq_billed_seconds_total", "counter",
			"Seconds that EC2 bills for the instances of all runs.",
			offsetof(struct ledger_sum, billed_s) },
	};

	for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
		add_head(out, rows[k].name, rows[k].type, rows[k].help);
		for (size_t i = 0; i < book->n; i++) {
			int64_t n;

			memcpy(&n, (const char *)&book->entries[i].sum + rows[k].offset, sizeof(n));
			add_name(out, book, &book->entries[i], rows[k].name, NULL, NULL);
			add_count(out, n);
		}
	}
}

static void add_success(struct awsq_buf *out, const struct book *book)
{
	static const char name[] = "awsq_last_success_timestamp_seconds";

	add_head(out, name, "gauge", "When the latest job that ended with status 0 ended.");
	for (size_t i = 0; i < book->n; i++) {
		if (book->entries[i].sum.success_ms == 0)
			continue;
		add_name(out, book, &book->entries[i], name, NULL, NULL);
		add_seconds(out, book->entries[i].sum.success_ms);
	}
}

static void add_last(struct awsq_buf *out, const struct book *book)
{
	static const char when[] = "awsq_last_run_timestamp_seconds";
	static const char status[] = "awsq_last_run_status";

	add_head(out, when, "gauge", "When the latest run that has ended was begun.");
	for (size_t i = 0; i < book->n; i++) {
		if (!book->entries[i].sum.last_id[0])
			continue;
		add_name(out, book, &book->entries[i], when, NULL, NULL);
		add_seconds(out, book->entries[i].last.asked_ms);
	}
	add_head(out, status, "gauge", "Its exit status.");
	for (size_t i = 0; i < book->n; i++) {
		if (!book->entries[i].sum.last_id[0] || book->entries[i].last.status < 0)
			continue;
		add_name(out, book, &book->entries[i], status, NULL, NULL);
		add_count(out, book->entries[i].last.status);
	}
}

/* A phase that the latest run did not come to, or not to the end of, is left out. */
static void add_phase(struct awsq_buf *out, const struct book *book, const struct entry *r,
	const char *phase, int64_t from_ms, int64_t to_ms)
{
	if (from_ms == 0 || to_ms == 0)
		return;
	add_name(out, book, r, "awsq_last_run_phase_seconds", "phase", phase);
	add_seconds(out, to_ms > from_ms ? to_ms - from_ms : 0);
}

static void add_phases(struct awsq_buf *out, const struct book *book)
{
	add_head(out, "awsq_last_run_phase_seconds", "gauge",
		"How long it took to start, to answer by SSH, to do the job, and to stop.");
	for (size_t i = 0; i < book->n; i++) {
		const struct entry *r = &book->entries[i];
		const struct ledger_run *last = &r->last;

		add_phase(out, book, r, "start", last->started_ms, last->running_ms);
		add_phase(out, book, r, "ssh", last->running_ms, last->ssh_ms);
		add_phase(out, book, r, "job", last->job_start_ms, last->job_end_ms);
		add_phase(out, book, r, "stop", last->stop_ms, last->stopped_ms);
	}
}

int metrics_text(struct awsq_buf *out, const struct metrics_part *parts, size_t n,
	const char *fleet, int64_t now_ms, struct awsq_err *err)
{
	struct book book = { .fleet = fleet };
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = read_part(&book, &parts[i], now_ms, err);
	if (rc == 0) {
		add_runs(out, &book);
		add_counts(out, &book);
		add_success(out, &book);
		add_last(out, &book);
		add_phases(out, &book);
		rc = awsq_buf_error(out);
		if (rc != 0)
			awsq_err_set(err, rc, "%s", awsq_strerror(rc));
	}
	free(book.entries);
	return rc;
}

/* ---- The file */

static int replace_file(const char *path, const struct awsq_buf *text, struct awsq_err *err)
{
	char temporary[MAX_PATH];
	int fd, failed;

	/* No name that the collector reads: those end with .prom. */
	if (snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path) >= MAX_PATH)
		return awsq_err_set(err, AWSQ_EIO, "cannot write '%s': the path is too long", path);
	fd = mkstemp(temporary);
	if (fd < 0)
		return awsq_err_set(err, AWSQ_EIO, "cannot write '%s': %s", path, strerror(errno));
	failed = fchmod(fd, 0644) != 0 || write_all(fd, awsq_buf_str(text), text->len) != 0;
	if (close(fd) != 0 || failed || rename(temporary, path) != 0) {
		awsq_err_set(err, AWSQ_EIO, "cannot write '%s': %s", path, strerror(errno));
		(void)unlink(temporary);
		return AWSQ_EIO;
	}
	return 0;
}

int metrics_write(const char *path, const struct metrics_part *parts, size_t n, const char *fleet,
	int64_t now_ms, struct awsq_err *err)
{
	struct awsq_buf text = AWSQ_BUF_INIT(MAX_TEXT);
	int rc = metrics_text(&text, parts, n, fleet, now_ms, err);

	if (rc == 0)
		rc = replace_file(path, &text, err);
	awsq_buf_free(&text);
	return rc;
}
