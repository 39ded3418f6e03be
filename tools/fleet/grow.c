#include "banned.h"

#include "fleet/grow.h"

#include <stdlib.h>

void *grow(void *items, size_t n, size_t size)
{
	/* Doubled, whenever the room before, which is the count, is used up. */
	if ((n & (n - 1)) != 0)
		return items;
	return realloc(items, (n ? 2 * n : 1) * size);
}
