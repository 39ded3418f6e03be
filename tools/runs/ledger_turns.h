/*
 * ledger_turns.h: in the ledger's file, for each region of a rotation, which turn its last visit
 * has taken. It could be told from all visits there ever were; this saves to read them.
 */
#ifndef RUNS_LEDGER_TURNS_H
#define RUNS_LEDGER_TURNS_H

#include "runs/ledger.h"

struct ledger_turn {
	char region[32];
	int64_t began_ms; /* the visit, wall clock */
	int64_t turn;     /* its number on the grid: */
	int64_t every_ms, phase_ms;
};

/* Calls each for every region there is, in no order. AWSQ_EIO. */
int ledger_turns(struct ledger *l, void (*each)(void *arg, const struct ledger_turn *turn),
	void *arg, struct awsq_err *err);

/* Writes it in the place of the region's last one, unless that is of a later visit. AWSQ_EIO. */
int ledger_note_turn(struct ledger *l, const struct ledger_turn *turn, struct awsq_err *err);

#endif
