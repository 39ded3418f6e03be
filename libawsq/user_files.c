#include "banned.h"

#include "user_files.h"

#include <awsq/buf.h>
#include <awsq/hash.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *environment_get(const struct awsq_environment *env, const char *name)
{
	const char *value = env->get(env->arg, name);

	return value && *value ? value : NULL;
}

static int cannot_read(struct awsq_err *err, const char *path, int error)
{
	char why[128] = "";

	(void)strerror_r(error, why, sizeof(why));
	return awsq_err_set(err, AWSQ_EIO, "cannot read '%s': %s", path, why);
}

/* Adds text with the variables within it, $NAME and ${NAME}; those not set stay as they are. */
static void add_expanded(struct awsq_buf *out, const char *text, const struct awsq_environment *env)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
	char name[128];

	while (*text) {
		int braced = strncmp(text, "${", 2) == 0;
		const char *from = text + 1 + braced, *value = NULL;
		size_t len = *text == '$' ? strspn(from, letters) : 0;

		if (len > 0 && len < sizeof(name) && (!braced || from[len] == '}')) {
			memcpy(name, from, len);
			name[len] = '\0';
			value = env->get(env->arg, name);
		}
		if (value)
			awsq_buf_adds(out, value);
		else
			awsq_buf_addc(out, *text);
		text = value ? from + len + braced : text + 1;
	}
}

/* The path that a variable gives, or the usual one. NULL into path where $HOME is needed for it. */
static int find_path(char **path, const struct awsq_environment *env, const char *variable,
	const char *usual, struct awsq_err *err)
{
	struct awsq_buf b = AWSQ_BUF_INIT(USER_FILES_MAX), expanded = AWSQ_BUF_INIT(USER_FILES_MAX);
	const char *given = environment_get(env, variable);
	const char *home = environment_get(env, "HOME");

	add_expanded(&expanded, given ? given : usual, env);
	given = awsq_buf_str(&expanded);
	if (strncmp(given, "~/", 2) == 0 && !home) {
		awsq_buf_free(&expanded);
		return 0;
	}
	if (strncmp(given, "~/", 2) == 0) {
		awsq_buf_adds(&b, home);
		given++;
	}
	awsq_buf_adds(&b, given);
	*path = awsq_buf_error(&expanded) == 0 ? awsq_buf_take(&b) : NULL;
	awsq_buf_free(&b);
	awsq_buf_free(&expanded);
	return *path ? 0 : awsq_err_set(err, AWSQ_ENOMEM, "out of memory");
}

/*
 * Whether it holds what can be read, again and again, without waiting. What else there is, botocore
 * takes for a file that is not there. /dev/null is a device; of a folder read() itself tells.
 */
static int is_readable(int fd)
{
	struct stat s;

	return fstat(fd, &s) == 0 &&
	       (S_ISREG(s.st_mode) || S_ISCHR(s.st_mode) || S_ISDIR(s.st_mode));
}

/* Without stdio, whose buffers would keep the secrets; open() would wait for a pipe's writer. */
int user_files_read(struct awsq_buf *out, const char *path, struct awsq_err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), error = errno;
	char chunk[4096];
	ssize_t n;

	if (fd < 0 && (error == ENOENT || error == ENOTDIR))
		return AWSQ_ENOTFOUND;
	if (fd < 0)
		return cannot_read(err, path, error);
	if (!is_readable(fd)) {
		(void)close(fd);
		return awsq_err_set(err, AWSQ_EIO, "cannot read '%s': it is not a regular file",
			path);
	}
	do {
		n = read(fd, chunk, sizeof(chunk));
		error = errno;
		if (n > 0)
			awsq_buf_add(out, chunk, (size_t)n);
	} while (awsq_buf_error(out) == 0 && (n > 0 || (n < 0 && error == EINTR)));
	(void)close(fd);
	awsq_wipe(chunk, sizeof(chunk));
	if (awsq_buf_error(out) == AWSQ_ENOMEM)
		return awsq_err_set(err, AWSQ_ENOMEM, "out of memory");
	if (awsq_buf_error(out))
		return awsq_err_set(err, AWSQ_ETOOBIG, "'%s' is larger than 1 MiB", path);
	return n < 0 ? cannot_read(err, path, error) : 0;
}

static int load_file(struct awsq_profiles **out, const char *path, enum awsq_profile_file kind,
	struct awsq_err *err)
{
	struct awsq_buf text = AWSQ_BUF_INIT(USER_FILES_MAX);
	struct awsq_err inner;
	int rc;

	if (!path)
		return 0;
	rc = user_files_read(&text, path, err);
	if (rc == 0) {
		rc = awsq_profiles_parse(out, awsq_buf_str(&text), text.len, kind, &inner);
		if (rc != 0)
			(void)awsq_err_set(err, rc, "'%s': %s", path, inner.message);
	}
	awsq_buf_wipe(&text);
	return rc == AWSQ_ENOTFOUND ? 0 : rc;
}

/* botocore looks at AWS_DEFAULT_PROFILE first, so that the older name wins. */
static int choose_profile(struct user_files *f, const char *profile,
	const struct awsq_environment *env, struct awsq_err *err)
{
	if (!profile)
		profile = environment_get(env, "AWS_DEFAULT_PROFILE");
	if (!profile)
		profile = environment_get(env, "AWS_PROFILE");
	f->profile = strdup(profile ? profile : "default");
	if (!f->profile)
		return awsq_err_set(err, AWSQ_ENOMEM, "out of memory");
	if (strcmp(f->profile, "default") == 0 || user_files_has(f, f->profile))
		return 0;
	return awsq_err_set(err, AWSQ_EINVAL, "there is no profile '%s' in '%s' or in '%s'",
		f->profile, f->config_path ? f->config_path : "~/.aws/config",
		f->credentials_path ? f->credentials_path : "~/.aws/credentials");
}

int user_files_load(struct user_files *f, const char *profile, const struct awsq_environment *env,
	struct awsq_err *err)
{
	int rc;

	memset(f, 0, sizeof(*f));
	rc = find_path(&f->config_path, env, "AWS_CONFIG_FILE", "~/.aws/config", err);
	if (rc == 0)
		rc = find_path(&f->credentials_path, env, "AWS_SHARED_CREDENTIALS_FILE",
			"~/.aws/credentials", err);
	if (rc == 0)
		rc = load_file(&f->config, f->config_path, AWSQ_FILE_CONFIG, err);
	if (rc == 0)
		rc = load_file(&f->credentials, f->credentials_path, AWSQ_FILE_CREDENTIALS, err);
	if (rc == 0)
		rc = choose_profile(f, profile, env, err);
	return rc;
}

int user_files_has(const struct user_files *f, const char *profile)
{
	return awsq_profiles_has(f->config, AWSQ_SECTION_PROFILE, profile) ||
	       awsq_profiles_has(f->credentials, AWSQ_SECTION_PROFILE, profile);
}

const char *user_files_get_of(const struct user_files *f, const char *profile, const char *key)
{
	const char *value = awsq_profiles_get(f->credentials, AWSQ_SECTION_PROFILE, profile, key);

	if (!value || *value == '\0')
		value = awsq_profiles_get(f->config, AWSQ_SECTION_PROFILE, profile, key);
	return value && *value ? value : NULL;
}

const char *user_files_get(const struct user_files *f, const char *key)
{
	return user_files_get_of(f, f->profile, key);
}

void user_files_free(struct user_files *f)
{
	free(f->profile);
	free(f->config_path);
	free(f->credentials_path);
	awsq_profiles_free(f->config);
	awsq_profiles_free(f->credentials);
	memset(f, 0, sizeof(*f));
}
