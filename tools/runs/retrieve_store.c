#include "banned.h"

#include "runs/retrieve_store.h"
#include "runs/runlog.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* ---- Folders */

/* Opens a folder of at's, which is made if need be; -1. */
static int enter(int at, const char *name)
{
	if (mkdirat(at, name, 0700) != 0 && errno != EEXIST)
		return -1;
	return openat(at, name, FOLDER);
}

/* The run's own, made with what is above it: nothing but awsq writes there. */
static int enter_run(const char *state_dir, const char *run_id)
{
	char *path = runlog_path(state_dir, run_id, NULL);
	char *slash = path ? strrchr(path, '/') : NULL;
	int fd = -1;

	if (slash) {
		*slash = '\0';
		(void)mkdir(path, 0700);
		*slash = '/';
		fd = enter(AT_FDCWD, path);
	}
	free(path);
	return fd;
}

int retrieve_store_open(struct retrieve_store *out, const char *state_dir, const char *run_id,
	struct awsq_err *err)
{
	*out = (struct retrieve_store){ -1, -1, -1 };
	out->run = enter_run(state_dir, run_id);
	if (out->run >= 0)
		out->files = enter(out->run, "files");
	if (out->files >= 0)
		out->parts = enter(out->run, "files.part");
	if (out->parts >= 0)
		return 0;
	return awsq_err_set(err, AWSQ_EIO, "cannot make the folders for files of run '%s': %s",
		run_id, strerror(errno));
}

static void close_fd(int fd)
{
	if (fd >= 0)
		(void)close(fd);
}

void retrieve_store_close(struct retrieve_store *store)
{
	if (store->parts >= 0)
		(void)unlinkat(store->run, "files.part", AT_REMOVEDIR);
	close_fd(store->parts);
	close_fd(store->files);
	close_fd(store->run);
}

/* ---- Contents */

/* Whether what fd has is the file that the list tells of. AWSQ_EPARSE: it is not; AWSQ_EIO. */
static int check(int fd, const struct retrieve_file *file)
{
	uint8_t digest[AWSQ_SHA256_LEN];
	char hex[AWSQ_SHA256_HEX];
	struct stat st;
	void *bytes = NULL;
	int rc;

	if (fstat(fd, &st) != 0)
		return AWSQ_EIO;
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != file->size)
		return AWSQ_EPARSE;
	if (file->size > 0) {
		bytes = mmap(NULL, (size_t)file->size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (bytes == MAP_FAILED)
			return AWSQ_EIO;
	}
	rc = awsq_sha256(digest, bytes ? bytes : "", (size_t)file->size);
	if (bytes)
		(void)munmap(bytes, (size_t)file->size);
	if (rc != 0)
		return AWSQ_EIO;
	awsq_hex(hex, digest, sizeof(digest));
	return strcmp(hex, file->sha256) == 0 ? 0 : AWSQ_EPARSE;
}

/* The folder that path's last part is in, made if need be, and that part; -1. */
static int enter_parent(const char **last, int at, const char *path)
{
	int folder = fcntl(at, F_DUPFD_CLOEXEC, 0);

	while (folder >= 0 && strchr(path, '/')) {
		char name[256];
		size_t len = strcspn(path, "/");
		int below = -1;

		if (len < sizeof(name)) {
			memcpy(name, path, len);
			name[len] = '\0';
			below = enter(folder, name);
		}
		(void)close(folder);
		folder = below;
		path += len + 1;
	}
	*last = path;
	return folder;
}

int retrieve_store_has(const struct retrieve_store *store, const struct retrieve_file *file)
{
	const char *last;
	int folder = enter_parent(&last, store->files, file->path);
	int fd = folder >= 0 ? openat(folder, last, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
	                     : -1;
	int has = fd >= 0 && check(fd, file) == 0;

	close_fd(fd);
	close_fd(folder);
	return has;
}

/* ---- Parts */

uint64_t retrieve_store_part(const struct retrieve_store *store, const struct retrieve_file *file)
{
	struct stat st;

	if (fstatat(store->parts, file->sha256, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
		!S_ISREG(st.st_mode) || (uint64_t)st.st_size > file->size)
		return 0;
	return (uint64_t)st.st_size;
}

int retrieve_store_write(int *fd, const struct retrieve_store *store,
	const struct retrieve_file *file, uint64_t size, struct awsq_err *err)
{
	*fd = openat(store->parts, file->sha256, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (*fd >= 0 && ftruncate(*fd, (off_t)size) == 0 && lseek(*fd, 0, SEEK_END) >= 0)
		return 0;
	awsq_err_set(err, AWSQ_EIO, "cannot write '%s': %s", file->path, strerror(errno));
	close_fd(*fd);
	*fd = -1;
	return AWSQ_EIO;
}

static int put(const struct retrieve_store *store, const struct retrieve_file *file)
{
	const char *last;
	int folder = enter_parent(&last, store->files, file->path);
	int rc = folder >= 0 ? renameat(store->parts, file->sha256, folder, last) : -1;
	int saved = errno;

	close_fd(folder);
	errno = saved;
	return rc;
}

int retrieve_store_keep(const struct retrieve_store *store, const struct retrieve_file *file,
	struct awsq_err *err)
{
	int fd = openat(store->parts, file->sha256, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int rc = fd >= 0 ? check(fd, file) : AWSQ_EIO;

	if (rc == 0 && put(store, file) != 0)
		rc = AWSQ_EIO;
	if (rc == AWSQ_EIO)
		awsq_err_set(err, rc, "cannot write '%s': %s", file->path, strerror(errno));
	if (rc == AWSQ_EPARSE) {
		(void)unlinkat(store->parts, file->sha256, 0);
		awsq_err_set(err, rc, "'%s' has changed while it was read", file->path);
	}
	close_fd(fd);
	return rc;
}
