#include "banned.h"

#include "fleet/state.h"

#include <awsq/buf.h>
#include <awsq/clock.h>
#include <awsq/hash.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_PATH    4096
#define NONCE_BYTES 16
#define LOCK_TRIES  10
#define LOCK_TRY_MS 20

/* mkdir -p; only the last folder's failure counts, since those above need not be ours to make. */
static int make_folders(char *path)
{
	for (char *p = path + 1; *p; p++) {
		if (*p == '/') {
			*p = '\0';
			(void)mkdir(path, 0777);
			*p = '/';
		}
	}
	return mkdir(path, 0700) == 0 || errno == EEXIST ? 0 : AWSQ_EIO;
}

int state_open(char **dir, const char *option, const char *fleet_name, struct awsq_err *err)
{
	const char *state_home = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");
	struct awsq_buf path = AWSQ_BUF_INIT(MAX_PATH);

	*dir = NULL;
	if (option)
		awsq_buf_addf(&path, "%s/%s", option, fleet_name);
	else if (state_home && state_home[0] == '/')
		awsq_buf_addf(&path, "%s/awsq/%s", state_home, fleet_name);
	else if (home && home[0] == '/')
		awsq_buf_addf(&path, "%s/.local/state/awsq/%s", home, fleet_name);
	else
		return awsq_err_set(err, AWSQ_EINVAL,
			"no place for locks and known hosts: set HOME, or use --state-dir");
	*dir = awsq_buf_take(&path);
	if (!*dir)
		return awsq_err_set(err, AWSQ_ENOMEM, "out of memory");
	if (make_folders(*dir) != 0 || access(*dir, W_OK | X_OK) != 0) {
		awsq_err_set(err, AWSQ_EIO,
			"cannot write to '%s': %s; --state-dir names another folder", *dir,
			strerror(errno));
		free(*dir);
		*dir = NULL;
		return AWSQ_EIO;
	}
	return 0;
}

char *state_path(const char *dir, const char *file)
{
	struct awsq_buf path = AWSQ_BUF_INIT(MAX_PATH);

	awsq_buf_addf(&path, "%s/%s", dir, file);
	return awsq_buf_take(&path);
}

static char *region_path(const char *dir, const char *region, const char *suffix)
{
	char file[128];

	(void)snprintf(file, sizeof(file), "%s.%s", region, suffix);
	return state_path(dir, file);
}

static int io_error(struct awsq_err *err, const char *path)
{
	return awsq_err_set(err, AWSQ_EIO, "cannot use '%s': %s", path, strerror(errno));
}

/*
 * flock belongs to the open file: it also keeps two threads of one process apart. Who only wants to
 * know whether it is free (state_is_locked) holds it for a moment: that is waited out.
 */
static int take_lock(int fd)
{
	for (int tries = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; tries++) {
		if (errno != EWOULDBLOCK || tries == LOCK_TRIES)
			return -1;
		(void)awsq_sleep_ms(LOCK_TRY_MS, -1);
	}
	return 0;
}

int state_lock(int *fd, const char *dir, const char *region, struct awsq_err *err)
{
	char *path = region_path(dir, region, "lock");
	int rc = 0;

	*fd = -1;
	if (!path)
		return awsq_err_set(err, AWSQ_ENOMEM, "out of memory");
	*fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (*fd < 0) {
		rc = io_error(err, path);
	} else if (take_lock(*fd) != 0) {
		rc = errno == EWOULDBLOCK ? 0 : io_error(err, path);
		(void)close(*fd);
		*fd = -1;
	} else {
		/* The note of who had it before. */
		(void)!ftruncate(*fd, 0);
	}
	free(path);
	return rc;
}

void state_unlock(int fd)
{
	if (fd >= 0)
		(void)close(fd);
}

int state_is_locked(const char *dir, const char *region)
{
	char *path = region_path(dir, region, "lock");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	int locked = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;

	state_unlock(fd);
	free(path);
	return locked;
}

/*
 * When a process began, in ticks since the boot, which tells it from a later one of its number: the
 * 22nd field of /proc/PID/stat, of which the second, in parentheses, may have anything in it. 0
 * when there is none, or no /proc.
 */
static int64_t began(int64_t pid)
{
	char path[64], text[1024];
	const char *at;
	long long ticks = 0;
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%lld/stat", (long long)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	(void)close(fd);
	text[n > 0 ? n : 0] = '\0';
	at = strrchr(text, ')');
	for (int field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	return at && sscanf(at, " %lld", &ticks) == 1 ? ticks : 0;
}

void state_note_run(int fd, int alone)
{
	char text[64];
	int n = snprintf(text, sizeof(text), "run %lld %lld %d\n", (long long)getpid(),
		(long long)began(getpid()), alone != 0);

	/* Best effort: without it this run cannot be replaced. */
	(void)!pwrite(fd, text, (size_t)n, 0);
}

void state_find_run(int64_t *pid, int *alone, const char *dir, const char *region)
{
	char *path = region_path(dir, region, "lock");
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	long long number, start;
	char text[64] = "";

	*pid = 0;
	*alone = 0;
	if (fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK &&
		pread(fd, text, sizeof(text) - 1, 0) > 0 &&
		sscanf(text, "run %lld %lld %d\n", &number, &start, alone) == 3 && number > 1 &&
		began(number) == start)
		*pid = number;
	state_unlock(fd);
	free(path);
}

static void forget(const char *dir, const char *region, const char *suffix)
{
	char *path = region_path(dir, region, suffix);

	if (path)
		(void)unlink(path);
	free(path);
}

/* Reads the nonce at path, or makes it; it is on disk, whole, before it is used. */
static int read_nonce(uint8_t nonce[NONCE_BYTES], const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ssize_t n;
	int rc = -1;

	if (fd < 0)
		return -1;
	n = read(fd, nonce, NONCE_BYTES);
	if (n == NONCE_BYTES ||
		(n >= 0 && awsq_random_bytes(nonce, NONCE_BYTES) == 0 &&
			pwrite(fd, nonce, NONCE_BYTES, 0) == NONCE_BYTES && fsync(fd) == 0))
		rc = 0;
	(void)close(fd);
	return rc;
}

int state_token(char token[STATE_TOKEN_SIZE], const char *dir, const char *region, const char *text,
	struct awsq_err *err)
{
	char *path = region_path(dir, region, "nonce");
	struct awsq_buf seed = AWSQ_BUF_INIT(1024 * 1024);
	uint8_t nonce[NONCE_BYTES], digest[AWSQ_SHA256_LEN];
	int rc;

	if (!path)
		return awsq_err_set(err, AWSQ_ENOMEM, "out of memory");
	if (read_nonce(nonce, path) != 0) {
		rc = io_error(err, path);
		free(path);
		return rc;
	}
	awsq_buf_add(&seed, nonce, sizeof(nonce));
	awsq_buf_adds(&seed, text);
	rc = awsq_buf_error(&seed);
	if (rc == 0)
		rc = awsq_sha256(digest, seed.data, seed.len);
	if (rc == 0)
		awsq_hex(token, digest, (STATE_TOKEN_SIZE - 1) / 2);
	else
		awsq_err_set(err, rc, "%s", awsq_strerror(rc));
	awsq_buf_free(&seed);
	free(path);
	return rc;
}

void state_forget_tokens(const char *dir, const char *region)
{
	forget(dir, region, "nonce");
}
