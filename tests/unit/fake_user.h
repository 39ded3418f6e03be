/*
 * fake_user.h: a user for the tests of settings and credentials, with an environment and a home
 * directory of their own.
 */
#ifndef AWSQ_TESTS_FAKE_USER_H
#define AWSQ_TESTS_FAKE_USER_H

#include <awsq/settings.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FAKE_VARIABLES 16

struct fake_user {
	char home[64];
	const char *variables[FAKE_VARIABLES][2];
	size_t n;
	struct awsq_environment env;
};

static inline const char *fake_get(void *arg, const char *name)
{
	const struct fake_user *u = arg;

	for (size_t i = 0; i < u->n; i++) {
		if (strcmp(u->variables[i][0], name) == 0)
			return u->variables[i][1];
	}
	/* Whoever is not on an instance would wait for an answer that never comes. */
	return strcmp(name, "AWS_EC2_METADATA_DISABLED") == 0 ? "true" : NULL;
}

static inline void fake_set(struct fake_user *u, const char *name, const char *value)
{
	assert_true(u->n < FAKE_VARIABLES);
	u->variables[u->n][0] = name;
	u->variables[u->n++][1] = value;
}

/* The path of a file in the home directory. Static: good until the next call. */
static inline const char *fake_path(const struct fake_user *u, const char *name)
{
	static char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", u->home, name);
	return path;
}

static inline void fake_file(const struct fake_user *u, const char *name, const char *text)
{
	FILE *f = fopen(fake_path(u, name), "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* A user with a home directory, $HOME and nothing in ~/.aws. */
static inline void fake_begin(struct fake_user *u)
{
	memset(u, 0, sizeof(*u));
	(void)snprintf(u->home, sizeof(u->home), "/tmp/awsq-test-XXXXXX");
	assert_non_null(mkdtemp(u->home));
	assert_int_equal(mkdir(fake_path(u, ".aws"), 0700), 0);
	u->env = (struct awsq_environment){ fake_get, u };
	fake_set(u, "HOME", u->home);
}

static inline void fake_end(struct fake_user *u)
{
	(void)unlink(fake_path(u, "other"));
	(void)unlink(fake_path(u, ".aws/config"));
	(void)unlink(fake_path(u, ".aws/credentials"));
	(void)rmdir(fake_path(u, ".aws/config"));
	(void)rmdir(fake_path(u, ".aws"));
	assert_int_equal(rmdir(u->home), 0);
}

#endif
