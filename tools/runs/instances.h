/*
 * instances.h: the same for all of a region's instances at once.
 */
#ifndef RUNS_INSTANCES_H
#define RUNS_INSTANCES_H

#include "fleet/instance.h"
#include "fleet/region.h"

/* What is done for the k-th; r is for this instance alone. */
typedef void instance_story(void *arg, struct region *r, struct instance *i, size_t k);

/*
 * Tells the story for each of n instances: in this thread and with r where there is only one, else
 * in a thread for each, with a region of its own that speaks of that instance. Returns when all
 * have ended.
 */
void instances_each(struct region *r, struct instance *list, size_t n, instance_story *story,
	void *arg);

#endif
