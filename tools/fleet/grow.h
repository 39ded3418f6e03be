/*
 * grow.h: lists that grow one by one.
 */
#ifndef FLEET_GROW_H
#define FLEET_GROW_H

#include <stddef.h>

/*
 * For a list of n items of size bytes: the list with room for one more, which moves only when the
 * count is a power of two. NULL without memory: the old one is still there then.
 */
void *grow(void *items, size_t n, size_t size);

#endif
