/*
 * user_files.h: the user's two AWS files, read and parsed, and the profile that is in use. What
 * settings.c and credentials.c begin with.
 */
#ifndef AWSQ_USER_FILES_H
#define AWSQ_USER_FILES_H

#include <awsq/buf.h>
#include <awsq/err.h>
#include <awsq/profile.h>
#include <awsq/settings.h>

/* The most bytes that a file may have. */
#define USER_FILES_MAX 1048576

struct user_files {
	char *profile;                /* its name */
	char *config_path;            /* NULL: not known, for want of $HOME */
	char *credentials_path;       /* the same */
	struct awsq_profiles *config; /* NULL: the file is not there */
	struct awsq_profiles *credentials;
};

/* The variable, if it is set and not empty; else NULL. */
const char *environment_get(const struct awsq_environment *env, const char *name);

/*
 * Reads both files and settles the profile (NULL: as the environment says). To be freed also after
 * an error; the errors are those of awsq_settings_load().
 */
int user_files_load(struct user_files *f, const char *profile, const struct awsq_environment *env,
	struct awsq_err *err);

/*
 * Adds all of a file, which may be a secret, to out, which may have USER_FILES_MAX. AWSQ_ENOTFOUND,
 * with err untouched, when there is none; AWSQ_EIO; AWSQ_ETOOBIG; AWSQ_ENOMEM.
 */
int user_files_read(struct awsq_buf *out, const char *path, struct awsq_err *err);

/* A setting of the profile, the credentials file's before the config file's; NULL if empty. */
const char *user_files_get(const struct user_files *f, const char *key);

/* The same of another profile. */
const char *user_files_get_of(const struct user_files *f, const char *profile, const char *key);

/* Whether either file has the profile. */
int user_files_has(const struct user_files *f, const char *profile);

/* Wipes and frees what f holds. */
void user_files_free(struct user_files *f);

#endif
