#include "banned.h"

#include "runs/ledger_private.h"
#include "runs/ledger_turns.h"

#include <sqlite3.h>

/* A table of its own, which only a rotation makes: the ledger's version does not depend on it. */
#define TABLE                                                                      \
	"CREATE TABLE IF NOT EXISTS turns (region TEXT NOT NULL PRIMARY KEY,"      \
	" began_ms INTEGER NOT NULL, turn INTEGER NOT NULL, every_ms INTEGER NOT " \
	"NULL, phase_ms INTEGER NOT NULL)"
#define THERE  "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'turns'"
#define SELECT "SELECT region, began_ms, turn, every_ms, phase_ms FROM turns"
#define UPSERT                                                                        \
	"INSERT INTO turns (region, began_ms, turn, every_ms, phase_ms)"              \
	" VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (region) DO UPDATE SET"             \
	" began_ms = ?2, turn = ?3, every_ms = ?4, phase_ms = ?5 WHERE began_ms < ?2" \
	" OR every_ms <> ?4 OR phase_ms <> ?5"

struct reading {
	void (*each)(void *arg, const struct ledger_turn *turn);
	void *arg;
};

static int select_turns(struct sqlite3 *db, void *arg)
{
	const struct reading *reading = arg;
	sqlite3_stmt *stmt = NULL;
	int64_t there = 0;
	int rc = ledger_ask(db, THERE, &there);

	if (rc != SQLITE_OK || there == 0)
		return rc;
	rc = sqlite3_prepare_v2(db, SELECT, -1, &stmt, NULL);
	while (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		const char *region = (const char *)sqlite3_column_text(stmt, 0);
		struct ledger_turn turn = { .began_ms = sqlite3_column_int64(stmt, 1),
			.turn = sqlite3_column_int64(stmt, 2),
			.every_ms = sqlite3_column_int64(stmt, 3),
			.phase_ms = sqlite3_column_int64(stmt, 4) };

		(void)snprintf(turn.region, sizeof(turn.region), "%s", region ? region : "");
		reading->each(reading->arg, &turn);
		rc = SQLITE_OK;
	}
	(void)sqlite3_finalize(stmt);
	return rc;
}

int ledger_turns(struct ledger *l, void (*each)(void *arg, const struct ledger_turn *turn),
	void *arg, struct awsq_err *err)
{
	struct reading reading = { each, arg };

	return ledger_do(l, LEDGER_READS, select_turns, &reading, err);
}

static int upsert_turn(struct sqlite3 *db, void *arg)
{
	const struct ledger_turn *turn = arg;
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_exec(db, TABLE, NULL, NULL, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(db, UPSERT, -1, &stmt, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_text(stmt, 1, turn->region, -1, SQLITE_STATIC);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_int64(stmt, 2, turn->began_ms);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_int64(stmt, 3, turn->turn);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_int64(stmt, 4, turn->every_ms);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_int64(stmt, 5, turn->phase_ms);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	(void)sqlite3_finalize(stmt);
	return rc;
}

int ledger_note_turn(struct ledger *l, const struct ledger_turn *turn, struct awsq_err *err)
{
	struct ledger_turn copy = *turn;

	return ledger_do(l, LEDGER_WRITES, upsert_turn, &copy, err);
}
