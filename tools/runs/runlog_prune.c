#include "banned.h"

#include "runs/runlog.h"

#include <awsq/clock.h>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_DEPTH 64 /* a folder of a run is as deep as what was brought back into it */
#define DAY_MS    (86400 * INT64_C(1000))

/* POSIX lets threads call it, each with a DIR of its own; and there is no readdir_r any more. */
static const struct dirent *next_entry(DIR *dir)
{
	return readdir(dir); /* cppcheck-suppress readdirCalled */
}

static void remove_tree(int parent, const char *name, int depth);

static void remove_entry(int folder, const char *name, int depth)
{
	struct stat st;

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return;
	/* What a link points to is not ours: the link alone goes. */
	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode))
		remove_tree(folder, name, depth);
	else
		(void)unlinkat(folder, name, 0);
}

static void remove_tree(int parent, const char *name, int depth)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;

	if (!dir) {
		if (fd >= 0)
			(void)close(fd);
		return;
	}
	while (depth < MAX_DEPTH && (entry = next_entry(dir)) != NULL)
		remove_entry(fd, entry->d_name, depth + 1);
	(void)closedir(dir);
	(void)unlinkat(parent, name, AT_REMOVEDIR);
}

/* When a run was begun, by its id "20261122-051552-7f3a9c01"; 0 when it is none. */
static int64_t begun_ms(const char *id)
{
	char text[AWSQ_TIME_ISO];
	int64_t seconds;

	if (strlen(id) < 16 || id[8] != '-' || id[15] != '-')
		return 0;
	(void)snprintf(text, sizeof(text), "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", id, id + 4, id + 6,
		id + 9, id + 11, id + 13);
	return awsq_time_parse(&seconds, text) == 0 ? seconds * 1000 : 0;
}

void runlog_prune(const char *state_dir, int64_t now_ms, int days)
{
	char *path = runlog_path(state_dir, "", NULL);
	DIR *dir = path ? opendir(path) : NULL;
	const struct dirent *entry;

	free(path);
	while (dir && (entry = next_entry(dir)) != NULL) {
		int64_t begun = begun_ms(entry->d_name);

		if (begun > 0 && now_ms - begun > days * DAY_MS)
			remove_tree(dirfd(dir), entry->d_name, 0);
	}
	if (dir)
		(void)closedir(dir);
}
