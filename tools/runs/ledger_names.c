/* What of the ledger needs no database. */
#include "banned.h"

#include "runs/ledger.h"

#include <awsq/clock.h>
#include <awsq/hash.h>

#define RANDOM_BYTES   4
#define LEAST_BILLED_S 60

static const char *const state_names[] = { "open", "done", "timed-out", "canceled", "not-run",
	"no-capacity", "busy", "skipped", "lost", "reaped" };

#define N_STATES ((int)(sizeof(state_names) / sizeof(state_names[0])))

_Static_assert(sizeof(state_names) / sizeof(state_names[0]) == LEDGER_STATES,
	"every state has a name");

const char *ledger_state_name(enum ledger_state state)
{
	return (int)state >= 0 && (int)state < N_STATES ? state_names[state] : "unknown";
}

int ledger_state_of(const char *name)
{
	for (int i = 0; i < N_STATES; i++) {
		if (strcmp(name, state_names[i]) == 0)
			return i;
	}
	return -1;
}

int ledger_new_id(char id[LEDGER_ID_SIZE], int64_t now_ms)
{
	char when[AWSQ_TIME_BASIC], hex[2 * RANDOM_BYTES + 1];
	unsigned char bytes[RANDOM_BYTES];
	int rc = awsq_random_bytes(bytes, sizeof(bytes));

	if (rc != 0)
		return rc;
	awsq_time_basic(when, now_ms / 1000);
	awsq_hex(hex, bytes, sizeof(bytes));
	/* "20261122T051552Z" */
	(void)snprintf(id, LEDGER_ID_SIZE, "%.8s-%.6s-%s", when, when + 9, hex);
	return 0;
}

int64_t ledger_billed(int64_t running_ms, int64_t stop_ms)
{
	int64_t seconds;

	if (running_ms <= 0 || stop_ms <= 0)
		return 0;
	seconds = (stop_ms - running_ms + 999) / 1000;
	return seconds < LEAST_BILLED_S ? LEAST_BILLED_S : seconds;
}
