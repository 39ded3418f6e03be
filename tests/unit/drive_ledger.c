/*
 * drive_ledger: writes runs as controllers do, to be killed at it, and says on stdout what it was
 * told: a line for each call that returned well.
 *
 *     drive_ledger DIR COUNT    that many runs (0: until killed), the ledger opened for each
 *
 * "begun ID", "closed ID"; "note TEXT"; and "error TEXT", on which it ends with 1.
 */
#include "banned.h"

#include <awsq/clock.h>
#include <awsq/num.h>

#include <unistd.h>

#include "runs/ledger.h"

static int64_t now_ms(void)
{
	return awsq_clock_system.wall_ms(awsq_clock_system.arg);
}

/* In one write, so that what a killed process has said is whole. */
static void say(const char *what, const char *text)
{
	char line[1200];
	int n = snprintf(line, sizeof(line), "%s %s\n", what, text);

	(void)!write(STDOUT_FILENO, line, (size_t)n);
}

static int one_run(struct ledger *l, struct awsq_err *err)
{
	struct ledger_run run = { .tool = "drive", .region = "eu-west-3", .status = -1 };
	int64_t *const phases[] = { &run.started_ms, &run.running_ms, &run.ssh_ms,
		&run.job_start_ms, &run.job_end_ms, &run.stop_ms, &run.stopped_ms };
	int rc;

	run.asked_ms = now_ms();
	rc = ledger_new_id(run.id, run.asked_ms);
	if (rc == 0)
		rc = ledger_begin(l, &run, err);
	if (rc == 0)
		say("begun", run.id);
	for (size_t i = 0; i < sizeof(phases) / sizeof(phases[0]) && rc == 0; i++) {
		*phases[i] = now_ms();
		rc = ledger_update(l, &run, err);
	}
	run.state = LEDGER_DONE;
	run.status = 0;
	run.closed = 1;
	run.billed_s = ledger_billed(run.running_ms, run.stop_ms);
	if (rc == 0)
		rc = ledger_update(l, &run, err);
	if (rc == 0)
		say("closed", run.id);
	return rc;
}

int main(int argc, char **argv)
{
	struct awsq_err err = { 0 };
	int64_t count = 0;
	int rc = 0;

	if (argc != 3 || awsq_parse_int(&count, argv[2], 0, 1000000) != 0) {
		fprintf(stderr, "usage: drive_ledger DIR COUNT\n");
		return 2;
	}
	for (int64_t i = 0; (count == 0 || i < count) && rc == 0; i++) {
		struct ledger *l = NULL;
		char note[600];

		rc = ledger_open(&l, argv[1], note, sizeof(note), &err);
		if (note[0])
			say("note", note);
		if (rc == 0)
			rc = one_run(l, &err);
		ledger_close(l);
	}
	if (rc != 0)
		say("error", err.message);
	return rc == 0 ? 0 : 1;
}
