#include "banned.h"

#include "cli/outlet.h"

#include <awsq/buf.h>
#include <awsq/clock.h>
#include <awsq/err.h>

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#define ROOM        ((size_t)256 * 1024) /* what of one pen's may wait */
#define PIECE       ((size_t)16 * 1024)  /* one write: how finely it is seen that a reader reads */
#define PATIENCE_MS 1000
#define LOOK_MS     50 /* how soon a cancellation is noticed */
#define STACK_SIZE  ((size_t)256 * 1024)

struct outlet_pen {
	struct outlet *outlet;
	struct awsq_buf queue;
	uint64_t put, written; /* bytes, ever */
	uint64_t turn;         /* when its queue was begun, as a number */
	int is_free;
	struct outlet_pen *next;
};

struct outlet {
	int fd;
	pthread_mutex_t mutex;
	pthread_cond_t more;    /* there is something to be written */
	pthread_cond_t changed; /* something was */
	pthread_t thread;
	int has_thread, quit;
	int busy;    /* not all is written */
	int writing; /* the thread is in a write, which may not return */
	int error;   /* a write failed: nothing is written any more */
	int dropped;
	int64_t moved_ms; /* when it last got on */
	uint64_t turns;
	struct awsq_buf page; /* what the thread writes */
	struct outlet_pen *pens;
};

/* ---- The thread. It asks for no memory: that would reserve a heap of its own for it. */

static struct outlet_pen *longest_waiting(const struct outlet *o)
{
	struct outlet_pen *found = NULL;

	for (struct outlet_pen *pen = o->pens; pen; pen = pen->next) {
		if (pen->queue.len > 0 && (!found || pen->turn < found->turn))
			found = pen;
	}
	return found;
}

/* The lock is held, but not while this writes. */
static void write_page(struct outlet *o, struct outlet_pen *pen)
{
	const char *at = o->page.data, *end = at + o->page.len;

	while (at < end && !o->error && !o->quit) {
		size_t n = (size_t)(end - at) < PIECE ? (size_t)(end - at) : PIECE;
		struct pollfd p = { .fd = o->fd, .events = POLLOUT };
		ssize_t written;
		int why;

		o->writing = 1;
		pthread_mutex_unlock(&o->mutex);
		written = write(o->fd, at, n);
		why = errno;
		/* Whoever shares it may have made it one that does not block. */
		if (written < 0 && why == EAGAIN)
			(void)poll(&p, 1, -1);
		pthread_mutex_lock(&o->mutex);
		o->writing = 0;
		if (written < 0 && why != EINTR && why != EAGAIN)
			o->error = 1;
		if (written > 0) {
			at += written;
			pen->written += (uint64_t)written;
			o->moved_ms = awsq_mono_ms();
		}
		pthread_cond_broadcast(&o->changed);
	}
	awsq_buf_reset(&o->page);
}

static void *work(void *arg)
{
	struct outlet *o = arg;

	pthread_mutex_lock(&o->mutex);
	while (!o->quit) {
		struct outlet_pen *pen = o->error ? NULL : longest_waiting(o);
		struct awsq_buf page = o->page;

		if (pen) {
			o->page = pen->queue;
			pen->queue = page;
			write_page(o, pen);
			continue;
		}
		o->busy = 0;
		pthread_cond_broadcast(&o->changed);
		pthread_cond_wait(&o->more, &o->mutex);
	}
	pthread_mutex_unlock(&o->mutex);
	return NULL;
}

static int start(struct outlet *o)
{
	pthread_attr_t attributes;

	if (o->has_thread)
		return 0;
	if (pthread_attr_init(&attributes) != 0)
		return AWSQ_ENOMEM;
	(void)pthread_attr_setstacksize(&attributes, STACK_SIZE);
	o->has_thread = pthread_create(&o->thread, &attributes, work, o) == 0;
	(void)pthread_attr_destroy(&attributes);
	return o->has_thread ? 0 : AWSQ_ENOMEM;
}

/* ---- Those who wait; the lock is held */

static int is_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return fd >= 0 && poll(&p, 1, 0) > 0;
}

static void wait_a_little(struct outlet *o)
{
	struct timespec until = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += LOOK_MS * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000L;
	}
	(void)pthread_cond_timedwait(&o->changed, &o->mutex, &until);
}

static int stands_still(const struct outlet *o)
{
	return o->busy && awsq_mono_ms() - o->moved_ms >= PATIENCE_MS;
}

static int wait_for_room(struct outlet_pen *pen, size_t len, int64_t until_ms, int cancel_fd)
{
	struct outlet *o = pen->outlet;

	while (!o->error && pen->queue.len + len > ROOM) {
		if (until_ms > 0 && awsq_mono_ms() >= until_ms)
			return AWSQ_ETIMEDOUT;
		if (is_readable(cancel_fd))
			return AWSQ_ECANCELED;
		wait_a_little(o);
	}
	return o->error ? AWSQ_EIO : 0;
}

static void wait_until_written(struct outlet_pen *pen, int64_t until_ms, int cancel_fd)
{
	struct outlet *o = pen->outlet;
	int64_t now = awsq_mono_ms();

	if (until_ms > 0 && until_ms < now + PATIENCE_MS)
		until_ms = now + PATIENCE_MS;
	while (!o->error && pen->written < pen->put && !stands_still(o) &&
		(until_ms == 0 || awsq_mono_ms() < until_ms) && !is_readable(cancel_fd))
		wait_a_little(o);
}

static int add(struct outlet_pen *pen, const char *data, size_t len)
{
	struct outlet *o = pen->outlet;

	if (pen->queue.len == 0)
		pen->turn = o->turns++;
	awsq_buf_add(&pen->queue, data, len);
	if (awsq_buf_error(&pen->queue) != 0) {
		o->error = 1;
		return AWSQ_ENOMEM;
	}
	pen->put += len;
	if (!o->busy)
		o->moved_ms = awsq_mono_ms();
	o->busy = 1;
	pthread_cond_signal(&o->more);
	return 0;
}

int outlet_put(struct outlet_pen *pen, const void *data, size_t len, int64_t until_ms,
	int cancel_fd)
{
	struct outlet *o = pen->outlet;
	const char *p = data;
	int rc;

	pthread_mutex_lock(&o->mutex);
	rc = start(o);
	while (rc == 0 && len > 0) {
		size_t n = len < ROOM ? len : ROOM;

		rc = wait_for_room(pen, n, until_ms, cancel_fd);
		if (rc == 0)
			rc = add(pen, p, n);
		p += n;
		len -= n;
	}
	if (rc == 0)
		wait_until_written(pen, until_ms, cancel_fd);
	o->dropped |= rc == AWSQ_ETIMEDOUT || rc == AWSQ_ECANCELED;
	if (rc == 0 && o->error)
		rc = AWSQ_EIO;
	pthread_mutex_unlock(&o->mutex);
	return rc;
}

int outlet_is_stuck(struct outlet *o)
{
	int is_stuck;

	pthread_mutex_lock(&o->mutex);
	is_stuck = stands_still(o);
	pthread_mutex_unlock(&o->mutex);
	return is_stuck;
}

int outlet_finish(struct outlet *o, int worth_waiting, int cancel_fd)
{
	int rc;

	pthread_mutex_lock(&o->mutex);
	while (o->busy && !o->error &&
		!((!worth_waiting || o->dropped || is_readable(cancel_fd)) && stands_still(o)))
		wait_a_little(o);
	rc = o->busy || o->error || o->dropped ? AWSQ_EIO : 0;
	pthread_mutex_unlock(&o->mutex);
	return rc;
}

/* ---- Pens, and the whole */

struct outlet_pen *outlet_pen(struct outlet *o)
{
	struct outlet_pen *pen;

	pthread_mutex_lock(&o->mutex);
	for (pen = o->pens; pen && (!pen->is_free || pen->written < pen->put); pen = pen->next)
		continue;
	if (pen) {
		pen->is_free = 0;
	} else {
		pen = calloc(1, sizeof(*pen));
		if (pen) {
			awsq_buf_init(&pen->queue, ROOM + 1);
			pen->outlet = o;
			pen->next = o->pens;
			o->pens = pen;
		}
	}
	pthread_mutex_unlock(&o->mutex);
	return pen;
}

void outlet_give_back(struct outlet_pen *pen)
{
	if (!pen)
		return;
	pthread_mutex_lock(&pen->outlet->mutex);
	pen->is_free = 1;
	pthread_mutex_unlock(&pen->outlet->mutex);
}

struct outlet *outlet_new(int fd)
{
	struct outlet *o = calloc(1, sizeof(*o));
	pthread_condattr_t attributes;

	if (!o)
		return NULL;
	o->fd = fd;
	awsq_buf_init(&o->page, ROOM + 1);
	(void)pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_mutex_init(&o->mutex, NULL);
	(void)pthread_cond_init(&o->more, &attributes);
	(void)pthread_cond_init(&o->changed, &attributes);
	(void)pthread_condattr_destroy(&attributes);
	return o;
}

void outlet_free(struct outlet *o)
{
	int writing;

	if (!o)
		return;
	pthread_mutex_lock(&o->mutex);
	writing = o->writing;
	o->quit = 1;
	pthread_cond_signal(&o->more);
	pthread_mutex_unlock(&o->mutex);
	/* A thread in a write that does not return cannot be waited for. */
	if (writing)
		return;
	if (o->has_thread)
		(void)pthread_join(o->thread, NULL);
	while (o->pens) {
		struct outlet_pen *pen = o->pens;

		o->pens = pen->next;
		awsq_buf_free(&pen->queue);
		free(pen);
	}
	awsq_buf_free(&o->page);
	(void)pthread_cond_destroy(&o->more);
	(void)pthread_cond_destroy(&o->changed);
	(void)pthread_mutex_destroy(&o->mutex);
	free(o);
}
