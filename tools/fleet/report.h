/*
 * report.h: what a story tells while it goes on. The fleet says it; who listens decides how, and
 * whether, it is shown. Called from several threads at once.
 */
#ifndef FLEET_REPORT_H
#define FLEET_REPORT_H

struct report {
	/* Something happened, or was found: a line for the record. */
	void (*event)(void *arg, const char *region, const char *text);
	/* Something that the user must see, also when told to be quiet. */
	void (*warning)(void *arg, const char *region, const char *text);
	/* What is being waited for just now; "" when nothing is any more. */
	void (*status)(void *arg, const char *region, const char *text);
	void *arg;
};

#endif
