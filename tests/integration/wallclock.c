/*
 * wallclock.c: loaded before libc (LD_PRELOAD), it lets a process believe that it is some other
 * time of day, while the clocks that only measure go on as they were. The file $WALLCLOCK holds by
 * how many seconds, as an int64_t; it may be changed at any time, which is how a clock jumps.
 */
#include "banned.h"

#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* POSIX has none, and the wrapper for the clock is the function that is replaced here. */
long syscall(long number, ...);

static const volatile int64_t *ahead;

__attribute__((constructor)) static void find_ahead(void)
{
	const char *path = getenv("WALLCLOCK");
	int fd = path ? open(path, O_RDONLY) : -1;
	void *map = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(*ahead), PROT_READ, MAP_SHARED, fd, 0);

	if (fd >= 0)
		(void)close(fd);
	if (map != MAP_FAILED)
		ahead = map;
}

int clock_gettime(clockid_t clock_id, struct timespec *tp)
{
	int rc = (int)syscall(SYS_clock_gettime, clock_id, tp);

	if (rc == 0 && clock_id == CLOCK_REALTIME && ahead)
		tp->tv_sec += (time_t)*ahead;
	return rc;
}

int gettimeofday(struct timeval *restrict tv, void *restrict tz)
{
	struct timespec exact;

	(void)tz;
	if (clock_gettime(CLOCK_REALTIME, &exact) != 0)
		return -1;
	tv->tv_sec = exact.tv_sec;
	tv->tv_usec = exact.tv_nsec / 1000;
	return 0;
}

time_t time(time_t *timer)
{
	struct timespec now;

	if (clock_gettime(CLOCK_REALTIME, &now) != 0)
		return (time_t)-1;
	if (timer)
		*timer = now.tv_sec;
	return now.tv_sec;
}
