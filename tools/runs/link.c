#include "banned.h"

#include "runs/link.h"

void link_close(struct link *link)
{
	if (link)
		link->kind->close(link);
}
