/*
 * outlet.h: a descriptor that is written to by a thread of its own, so that a reader who does not
 * read (a pager that waits, a stopped terminal, a mailer that hangs) holds up nobody who has
 * something better to do.
 */
#ifndef CLI_OUTLET_H
#define CLI_OUTLET_H

#include <stddef.h>
#include <stdint.h>

struct outlet;

/*
 * One who writes to it. What waits for the reader is bounded for each pen, so none waits for the
 * room that another has taken. A pen's bytes stay in order, and those of one call together.
 */
struct outlet_pen;

/* NULL without memory. */
struct outlet *outlet_new(int fd);

/* What the reader does not take is left behind, to the end of the process. NULL is allowed. */
void outlet_free(struct outlet *o);

/* Freed with the outlet, or handed on to another once it was given back. NULL without memory. */
struct outlet_pen *outlet_pen(struct outlet *o);
void outlet_give_back(struct outlet_pen *pen);

/*
 * Has the bytes written, and returns when they are: or when the reader has taken none for a second,
 * as long as there is room for those that wait (256 KiB). Else it waits for room until until_ms (on
 * the monotonic clock; 0: always; one in the past: not at all) or until cancel_fd is readable (-1:
 * none). 0; AWSQ_ETIMEDOUT or AWSQ_ECANCELED: the bytes (if they were more than 256 KiB: some) are
 * dropped; AWSQ_EIO: there is no reader any more, or the disk is full; AWSQ_ENOMEM.
 */
int outlet_put(struct outlet_pen *pen, const void *data, size_t len, int64_t until_ms,
	int cancel_fd);

/* Whether the reader has taken nothing for a second, though there is something. */
int outlet_is_stuck(struct outlet *o);

/*
 * Waits until all is written: without limit if it is worth_waiting, but, once cancel_fd is readable
 * or anything was dropped, only while the reader takes something each second. 0, or AWSQ_EIO: not
 * all was.
 */
int outlet_finish(struct outlet *o, int worth_waiting, int cancel_fd);

#endif
