#include "banned.h"

#include "runs/instances.h"

#include <pthread.h>

struct worker {
	struct region region;
	struct instance *instance;
	size_t k;
	instance_story *story;
	void *arg;
	pthread_t thread;
	int started;
};

static void *work(void *arg)
{
	struct worker *w = arg;

	w->story(w->arg, &w->region, w->instance, w->k);
	return NULL;
}

/* A region as r is, for one instance. */
static int branch(struct region *out, const struct region *r, const struct instance *i)
{
	if (region_open(out, r->fleet, r->name, NULL) != 0)
		return -1;
	region_speak_of(out, i->id);
	if (r->cancel_fd < 0)
		region_ignore_cancel(out);
	return 0;
}

void instances_each(struct region *r, struct instance *list, size_t n, instance_story *story,
	void *arg)
{
	struct worker *workers = n > 1 ? calloc(n, sizeof(*workers)) : NULL;

	for (size_t k = 0; workers && k < n; k++) {
		struct worker *w = &workers[k];

		w->instance = &list[k];
		w->k = k;
		w->story = story;
		w->arg = arg;
		w->started = branch(&w->region, r, &list[k]) == 0 &&
		             pthread_create(&w->thread, NULL, work, w) == 0;
	}
	/* The only one; and those for which there was no thread to be had. */
	for (size_t k = 0; k < n; k++) {
		if (!workers || !workers[k].started)
			story(arg, r, &list[k], k);
	}
	for (size_t k = 0; workers && k < n; k++) {
		if (workers[k].started)
			(void)pthread_join(workers[k].thread, NULL);
		region_close(&workers[k].region);
	}
	free(workers);
}
