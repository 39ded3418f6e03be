#include "banned.h"

#include "fleet/config_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_MAX  ((size_t)1 << 20)
#define PATHS_MAX ((size_t)1 << 16)

static const char *variable(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

/* The user's own file, "" when there is no telling where it would be. */
static void add_user_path(struct awsq_buf *out)
{
	const char *xdg = variable("XDG_CONFIG_HOME"), *home = variable("HOME");

	/* The XDG specification has relative paths ignored. */
	if (xdg && xdg[0] == '/')
		awsq_buf_addf(out, "%s/awsq/regions.cfg", xdg);
	else if (home)
		awsq_buf_addf(out, "%s/.config/awsq/regions.cfg", home);
}

int config_find(char **path, const char *option, struct awsq_err *err)
{
	const char *named = option ? option : variable("AWSQ_CONFIG");
	struct awsq_buf user = AWSQ_BUF_INIT(PATHS_MAX);
	const char *places[3] = { "regions.cfg", NULL, "/etc/awsq/regions.cfg" };
	int rc = AWSQ_ENOMEM;

	*path = NULL;
	add_user_path(&user);
	if (awsq_buf_error(&user))
		goto out;
	places[1] = awsq_buf_str(&user);
	/* One that is there but cannot be read is to be complained about, not passed over. */
	for (size_t i = 0; !named && i < 3; i++) {
		if (access(places[i], F_OK) == 0)
			named = places[i];
	}
	if (named) {
		*path = strdup(named);
		rc = *path ? 0 : AWSQ_ENOMEM;
		goto out;
	}
	rc = awsq_err_set(err, AWSQ_ENOTFOUND,
		"no configuration: looked for 'regions.cfg' here%s%s%s and for '%s'; write one "
		"(regions.cfg(5) tells how), or name one with --config or $AWSQ_CONFIG",
		user.len > 0 ? ", for '" : "", places[1], user.len > 0 ? "'" : "", places[2]);
out:
	if (rc == AWSQ_ENOMEM)
		(void)awsq_err_set(err, rc, "cannot look for regions.cfg: %s", awsq_strerror(rc));
	awsq_buf_free(&user);
	return rc;
}

static int read_all(struct awsq_buf *text, int fd)
{
	char chunk[8192];
	ssize_t got;

	for (;;) {
		got = read(fd, chunk, sizeof(chunk));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return AWSQ_EIO;
		if (got == 0)
			return awsq_buf_error(text);
		awsq_buf_add(text, chunk, (size_t)got);
		if (awsq_buf_error(text))
			return awsq_buf_error(text);
	}
}

/*
 * What libconfig should not meet: a NUL, where it would take the text to end, and "@include", for
 * messages to name one file, and since libconfig 1.5 ends the program when it includes a folder.
 */
static int refuse_oddities(const struct awsq_buf *text, const char *path, struct awsq_err *err)
{
	static const char include[] = "@include";
	const char *line = awsq_buf_str(text), *end = line + text->len;

	for (size_t number = 1; line < end; number++) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		size_t len = (size_t)((newline ? newline : end) - line);

		if (memchr(line, '\0', len))
			return awsq_err_set(err, AWSQ_EPARSE, "%s:%zu: not a text: it has a NUL",
				path, number);
		if (strncmp(line + strspn(line, " \t"), include, sizeof(include) - 1) == 0)
			return awsq_err_set(err, AWSQ_EPARSE,
				"%s:%zu: '@include' is not supported: write the settings here",
				path, number);
		line += len + 1;
	}
	return 0;
}

int config_slurp(struct awsq_buf *text, const char *path, struct awsq_err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc = 0;

	if (fd >= 0)
		rc = read_all(text, fd);
	if (fd < 0 || rc == AWSQ_EIO)
		rc = awsq_err_set(err, errno == ENOENT ? AWSQ_ENOTFOUND : AWSQ_EIO,
			"cannot read '%s': %s", path, strerror(errno));
	else if (rc == AWSQ_ETOOBIG)
		(void)awsq_err_set(err, rc, "'%s' is larger than a configuration can be, 1 MiB",
			path);
	else if (rc != 0)
		(void)awsq_err_set(err, rc, "cannot read '%s': %s", path, awsq_strerror(rc));
	else
		rc = refuse_oddities(text, path, err);
	if (fd >= 0)
		(void)close(fd);
	return rc;
}

int config_resolve(char **out, const char *path, const char *config_path)
{
	const char *home = variable("HOME"), *slash = strrchr(config_path, '/');
	struct awsq_buf b = AWSQ_BUF_INIT(PATHS_MAX);

	if (path[0] == '~' && !home)
		return AWSQ_EINVAL;
	if (path[0] == '~')
		awsq_buf_addf(&b, "%s/%s", home, path + 2);
	else if (path[0] == '/' || !slash)
		awsq_buf_adds(&b, path);
	else
		awsq_buf_addf(&b, "%.*s/%s", (int)(slash - config_path), config_path, path);
	*out = awsq_buf_take(&b);
	return *out ? 0 : AWSQ_ENOMEM;
}
