/*
 * measure COMMAND...: runs a command and adds a line to the file $MEASURE: its user and system time
 * in microseconds and its peak memory in KiB, as the kernel counted them for that process alone.
 *
 * A program of its own because a child's peak begins with that of the process it was forked from: a
 * launcher in Python would lend its own size to whatever it measures.
 */
#include "banned.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static long long microseconds(struct timeval t)
{
	return (long long)t.tv_sec * 1000000 + t.tv_usec;
}

int main(int argc, char **argv)
{
	const char *path = getenv("MEASURE");
	struct rusage usage = { 0 };
	int status = 0;
	pid_t child;
	FILE *out;

	if (argc < 2 || !path)
		return 125;
	child = fork();
	if (child == 0) {
		(void)execvp(argv[1], argv + 1);
		_exit(127);
	}
	if (child < 0 || waitpid(child, &status, 0) < 0 || getrusage(RUSAGE_CHILDREN, &usage) != 0)
		return 125;
	out = fopen(path, "a");
	if (!out)
		return 125;
	fprintf(out, "%lld %lld %ld\n", microseconds(usage.ru_utime), microseconds(usage.ru_stime),
		usage.ru_maxrss);
	if (fclose(out) != 0)
		return 125;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
