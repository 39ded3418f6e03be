#include "banned.h"

#include "runs/ledger.h"
#include "runs/ledger_private.h"

#include <awsq/buf.h>
#include <awsq/clock.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_PATH 4096
#define WAIT_MS  5000 /* for other threads and processes, all in all */
/* The same where the last wait was in vain, and what is to be done may be done without. */
#define SHORT_WAIT_MS 500
#define PAUSE_MS      5
#define TIMES_GONE    20 /* pauses */
/* Up to this size a ledger is checked whole when it is opened, which takes a millisecond or two. */
#define MAX_CHECKED (1024 * 1024)

struct ledger {
	char *dir, *path;
	sqlite3 *db; /* NULL: to be opened */
	pthread_mutex_t mutex;
	pthread_cond_t idle;
	int in_use;          /* by a thread; the rest belongs to that one */
	int64_t deadline_ms; /* monotonic; of what it does */
	int full_sync;       /* how db is set; -1: not known */
	int was_held;        /* by another program, for as long as it was waited for */
	char why[256];       /* what SQLite said of the last failure */
	char note[512];      /* what was moved aside, and has not been told */
};

static int time_left(const struct ledger *l)
{
	return awsq_mono_ms() < l->deadline_ms;
}

static void pause_briefly(void)
{
	(void)awsq_sleep_ms(PAUSE_MS, -1);
}

/* ---- One thread at a time, none of which waits for longer than its deadline */

static int enter(struct ledger *l, enum ledger_care care)
{
	struct timespec until;
	int64_t deadline_ms;
	int rc = 0;

	pthread_mutex_lock(&l->mutex);
	deadline_ms =
		awsq_mono_ms() + (l->was_held && care != LEDGER_SECURES ? SHORT_WAIT_MS : WAIT_MS);
	until = (struct timespec){ deadline_ms / 1000, (deadline_ms % 1000) * 1000000 };
	while (l->in_use && rc == 0)
		rc = pthread_cond_timedwait(&l->idle, &l->mutex, &until);
	if (!l->in_use) {
		rc = 0;
		l->in_use = 1;
		l->deadline_ms = deadline_ms;
	}
	pthread_mutex_unlock(&l->mutex);
	return rc == 0 ? 0 : -1;
}

static void leave(struct ledger *l)
{
	pthread_mutex_lock(&l->mutex);
	l->in_use = 0;
	pthread_cond_signal(&l->idle);
	pthread_mutex_unlock(&l->mutex);
}

static int on_busy(void *arg, int times)
{
	const struct ledger *l = arg;

	(void)times;
	if (!time_left(l))
		return 0;
	pause_briefly();
	return 1;
}

/* ---- The connection */

static int is_busy(int code)
{
	/* SQLITE_PROTOCOL: others were at it all the time while the log was looked at. */
	return (code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_LOCKED ||
	       (code & 0xff) == SQLITE_PROTOCOL;
}

/* It, or while it is opened, a part of it. */
static int is_missing(const struct ledger *l, int code)
{
	return (code & 0xff) == SQLITE_CANTOPEN || (!l->db && (code & 0xff) == SQLITE_IOERR);
}

static int is_broken(int code)
{
	return (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB;
}

static int keep_why(struct ledger *l, int code)
{
	if (code != SQLITE_OK && code != SQLITE_DONE)
		(void)snprintf(l->why, sizeof(l->why), "%s",
			l->db ? sqlite3_errmsg(l->db) : sqlite3_errstr(code));
	return code;
}

static void disconnect(struct ledger *l)
{
	(void)sqlite3_close(l->db);
	l->db = NULL;
	l->full_sync = -1;
}

/* Only its owner may read what people's commands and hosts are. A new file's name is to last. */
static void make_file(const struct ledger *l)
{
	int fd = open(l->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return; /* it is there; and why it is not, SQLite will say */
	(void)close(fd);
	fd = open(l->dir, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	(void)fsync(fd);
	(void)close(fd);
}

/* All of it with thorough, which takes long with a large one; else what there is time for. */
static int check(struct ledger *l, int thorough)
{
	struct stat st;
	sqlite3_stmt *stmt = NULL;
	int rc;

	if (!thorough && (stat(l->path, &st) != 0 || st.st_size > MAX_CHECKED))
		return SQLITE_OK;
	rc = sqlite3_prepare_v2(l->db,
		thorough ? "PRAGMA integrity_check(1)" : "PRAGMA quick_check(1)", -1, &stmt, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW) {
		const char *answer = (const char *)sqlite3_column_text(stmt, 0);

		rc = SQLITE_OK;
		if (!answer || strcmp(answer, "ok") != 0) {
			(void)snprintf(l->why, sizeof(l->why), "%s", answer ? answer : "");
			rc = SQLITE_CORRUPT;
		}
		(void)sqlite3_finalize(stmt);
		return rc;
	}
	keep_why(l, rc);
	(void)sqlite3_finalize(stmt);
	return rc;
}

static int check_version(struct ledger *l)
{
	int64_t version = 0;
	int rc = ledger_ask(l->db, "PRAGMA user_version", &version);

	if (rc == SQLITE_OK && version > ledger_version()) {
		(void)snprintf(l->why, sizeof(l->why),
			"it is of a newer awsq (its version is %lld, and this awsq knows %d)",
			(long long)version, ledger_version());
		return SQLITE_MISMATCH;
	}
	if (rc == SQLITE_OK && version < ledger_version())
		rc = ledger_migrate(l->db);
	return keep_why(l, rc);
}

static int connect_db(struct ledger *l, int thorough)
{
	int64_t ignored;
	int rc;

	make_file(l);
	l->full_sync = -1;
	rc = keep_why(l, sqlite3_open_v2(l->path, &l->db, SQLITE_OPEN_READWRITE, NULL));
	if (rc == SQLITE_OK) {
		(void)sqlite3_extended_result_codes(l->db, 1);
		(void)sqlite3_busy_handler(l->db, on_busy, l);
		/* Where the file system cannot do it, SQLite's other journal serves too. */
		rc = keep_why(l, ledger_ask(l->db, "PRAGMA journal_mode=WAL", &ignored));
	}
	if (rc == SQLITE_OK)
		rc = check(l, thorough);
	if (rc == SQLITE_OK)
		rc = check_version(l);
	if (rc != SQLITE_OK)
		disconnect(l);
	return rc;
}

/* ---- A broken one is moved aside */

/* Two processes that find it broken at once would else move aside each other's new one. */
static int lock_moving(const struct ledger *l)
{
	char path[MAX_PATH];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/ledger.lock", l->dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	while (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (!time_left(l)) {
			(void)close(fd);
			return -1;
		}
		pause_briefly();
	}
	return fd;
}

/* The journals go first: a new database must never meet an old one's. */
static int move_aside(const struct ledger *l, char aside[MAX_PATH])
{
	static const char *const suffixes[] = { "-wal", "-shm", "" };
	char from[MAX_PATH], when[AWSQ_TIME_BASIC];

	awsq_time_basic(when, awsq_wall_ms() / 1000);
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		(void)snprintf(from, sizeof(from), "%s%s", l->path, suffixes[i]);
		(void)snprintf(aside, MAX_PATH, "%s.broken-%s%s", l->path, when, suffixes[i]);
		if (rename(from, aside) != 0 && errno != ENOENT)
			return -1;
	}
	return 0;
}

/* Makes one in the place of a broken one. */
static int replace_db(struct ledger *l, int broken)
{
	char aside[MAX_PATH], why[100];
	int rc;

	(void)snprintf(why, sizeof(why), "%.99s", l->why);
	for (char *p = why; *p; p++) {
		if (*p == '\n') /* a check's answer has several lines */
			*p = ' ';
	}
	if (move_aside(l, aside) != 0)
		return broken;
	rc = connect_db(l, 0);
	(void)snprintf(l->note, sizeof(l->note),
		"the ledger was broken (%s): it is now '%.300s', and a new one is begun, with %d "
		"open runs out of it",
		why, aside, rc == SQLITE_OK ? ledger_salvage(l->db, aside) : 0);
	return rc;
}

/* Opens what another process has made in its place by now, or makes that. */
static int begin_anew(struct ledger *l, int broken)
{
	int fd, rc;

	disconnect(l);
	fd = lock_moving(l);
	if (fd < 0)
		return broken;
	rc = connect_db(l, 1);
	if (is_broken(rc))
		rc = replace_db(l, rc);
	(void)close(fd);
	return rc;
}

/* ---- Work */

/* Another process may have moved the file aside, or a person removed it. */
static int has_moved(const struct ledger *l)
{
	int moved = 0;

	return sqlite3_file_control(l->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK &&
	       moved;
}

static int connect_if_needed(struct ledger *l)
{
	if (l->db && has_moved(l))
		disconnect(l);
	return l->db ? SQLITE_OK : connect_db(l, 0);
}

static int set_sync(struct ledger *l, int full)
{
	int rc = SQLITE_OK;

	if (l->full_sync != full)
		rc = sqlite3_exec(l->db,
			full ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL", NULL, NULL,
			NULL);
	if (rc == SQLITE_OK)
		l->full_sync = full;
	return rc;
}

static int attempt(struct ledger *l, enum ledger_care care, ledger_work *work, void *arg)
{
	int rc = connect_if_needed(l);

	if (rc != SQLITE_OK)
		return rc;
	if (care != LEDGER_READS)
		rc = set_sync(l, care == LEDGER_SECURES);
	if (rc == SQLITE_OK && work)
		rc = keep_why(l, work(l->db, arg));
	/* What went into a file that was moved aside meanwhile has to go into the new one too. */
	if ((rc == SQLITE_OK || rc == SQLITE_DONE) && care != LEDGER_READS && has_moved(l))
		rc = SQLITE_BUSY;
	return rc;
}

static int attempt_until_done(struct ledger *l, enum ledger_care care, ledger_work *work, void *arg)
{
	int anew = 0, gone = 0;

	for (;;) {
		int rc = attempt(l, care, work, arg);

		if (is_broken(rc) && !anew) {
			anew = 1;
			rc = begin_anew(l, rc);
			if (rc == SQLITE_OK)
				continue;
		}
		/* Between another process's moving it aside and making a new one, it is gone. */
		if (is_missing(l, rc) && gone++ < TIMES_GONE)
			rc = SQLITE_BUSY;
		if (!is_busy(rc) || !time_left(l))
			return rc;
		pause_briefly();
	}
}

static const char *remedy(int code)
{
	switch (code & 0xff) {
	case SQLITE_FULL:
		return "; make room on its disk";
	case SQLITE_IOERR:
		return "; see that its disk is sound, has room, and that no quota or ulimit is "
		       "reached";
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_PROTOCOL:
		return "; another program holds it: end that";
	case SQLITE_CANTOPEN:
	case SQLITE_READONLY:
	case SQLITE_PERM:
		return "; the folder and the file have to be writable, or --state-dir name another";
	case SQLITE_MISMATCH:
		return "; use that one, or another --state-dir";
	default:
		return "";
	}
}

int ledger_do(struct ledger *l, enum ledger_care care, ledger_work *work, void *arg,
	struct awsq_err *err)
{
	const char *doing = care == LEDGER_READS ? "read" : "write to";
	int rc;

	if (!l)
		return awsq_err_set(err, AWSQ_EIO, "there is no ledger");
	if (enter(l, care) != 0)
		return awsq_err_set(err, AWSQ_EIO, "cannot %s the ledger '%s': it is in use", doing,
			l->path);
	rc = attempt_until_done(l, care, work, arg);
	if (care != LEDGER_READS || is_busy(rc)) /* reading tells nothing of writing */
		l->was_held = is_busy(rc);
	if (rc == SQLITE_OK || rc == SQLITE_DONE)
		rc = 0;
	else
		rc = awsq_err_set(err, AWSQ_EIO, "cannot %s the ledger '%s': %s%s", doing, l->path,
			l->why, remedy(rc));
	leave(l);
	return rc;
}

void ledger_note(struct ledger *l, char *note, size_t size)
{
	(void)snprintf(note, size, "%s", "");
	if (!l || enter(l, LEDGER_READS) != 0)
		return;
	(void)snprintf(note, size, "%s", l->note);
	l->note[0] = '\0';
	leave(l);
}

/* ---- Beginning and end */

static void free_ledger(struct ledger *l)
{
	disconnect(l);
	(void)pthread_cond_destroy(&l->idle);
	(void)pthread_mutex_destroy(&l->mutex);
	free(l->path);
	free(l->dir);
	free(l);
}

static struct ledger *new_ledger(const char *dir)
{
	struct ledger *l = calloc(1, sizeof(*l));
	struct awsq_buf path = AWSQ_BUF_INIT(MAX_PATH - 64);
	pthread_condattr_t monotonic;

	if (!l)
		return NULL;
	l->full_sync = -1;
	(void)pthread_mutex_init(&l->mutex, NULL);
	(void)pthread_condattr_init(&monotonic);
	(void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&l->idle, &monotonic);
	(void)pthread_condattr_destroy(&monotonic);
	l->dir = strdup(dir);
	awsq_buf_addf(&path, "%s/" LEDGER_FILE, dir);
	l->path = awsq_buf_take(&path);
	if (l->dir && l->path)
		return l;
	free_ledger(l);
	return NULL;
}

int ledger_open(struct ledger **out, const char *dir, char *note, size_t note_size,
	struct awsq_err *err)
{
	struct ledger *l = new_ledger(dir);
	int rc;

	*out = NULL;
	if (note_size > 0)
		note[0] = '\0';
	if (!l)
		return awsq_err_set(err, AWSQ_ENOMEM, "out of memory");
	rc = ledger_do(l, LEDGER_READS, NULL, NULL, err);
	if (note_size > 0)
		ledger_note(l, note, note_size);
	if (rc == 0)
		*out = l;
	else
		free_ledger(l);
	return rc;
}

void ledger_close(struct ledger *l)
{
	if (l)
		free_ledger(l);
}
