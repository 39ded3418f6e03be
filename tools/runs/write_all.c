#include "banned.h"

#include "runs/write_all.h"

#include <awsq/err.h>

#include <errno.h>
#include <unistd.h>

int write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno != EINTR)
			return AWSQ_EIO;
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
	}
	return 0;
}
