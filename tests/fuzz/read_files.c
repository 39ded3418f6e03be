/*
 * read_files: reads files that people write, named on stdin by lines of "regions PATH",
 * "config PATH" and "credentials PATH"; it is built with the sanitizers. For each it prints the
 * result code and the error's message, and of the latter two some values of the profiles [default]
 * and [work], which a test compares with another reader's. Each is on a line of its own: its length
 * (-1: there is none), a blank, and as many bytes.
 */
#include "banned.h"

#include "fleet/config.h"
#include "user_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <awsq/settings.h>

static void say(const char *text)
{
	(void)printf("%d %s\n", text ? (int)strlen(text) : -1, text ? text : "");
}

static void say_result(int rc, const struct awsq_err *err)
{
	char code[16];

	(void)snprintf(code, sizeof(code), "%d", rc);
	say(code);
	say(rc == 0 ? NULL : err->message);
	if (rc != 0 && err->code != rc)
		abort();
}

/* An environment of nothing but one of the two files. */
struct world {
	const char *variable;
	const char *path;
};

static const char *look_up(void *arg, const char *name)
{
	const struct world *w = arg;

	return strcmp(name, w->variable) == 0 ? w->path : NULL;
}

static void say_profiles(const struct awsq_profiles *p)
{
	static const char *const names[] = { "default", "work" };
	static const char *const keys[] = { "aws_access_key_id", "aws_secret_access_key", "region",
		"output" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		say(awsq_profiles_has(p, AWSQ_SECTION_PROFILE, names[i]) ? "there" : NULL);
		for (size_t k = 0; k < sizeof(keys) / sizeof(*keys); k++)
			say(awsq_profiles_get(p, AWSQ_SECTION_PROFILE, names[i], keys[k]));
		say(awsq_profiles_get_sub(p, AWSQ_SECTION_PROFILE, names[i], "s3", "max"));
	}
}

static void read_profiles(const char *path, int is_config)
{
	struct world w = { is_config ? "AWS_CONFIG_FILE" : "AWS_SHARED_CREDENTIALS_FILE", path };
	const struct awsq_environment env = { look_up, &w };
	struct awsq_settings settings;
	struct user_files files;
	struct awsq_err err = { 0 };
	int rc = user_files_load(&files, NULL, &env, &err);

	say_result(rc, &err);
	say_profiles(rc != 0 ? NULL : is_config ? files.config : files.credentials);
	user_files_free(&files);
	/* What is made of them, too: a setting may not be usable. */
	awsq_err_clear(&err);
	rc = awsq_settings_load(&settings, NULL, &env, &err);
	say_result(rc, &err);
	awsq_settings_free(&settings);
}

static void read_regions(const char *path)
{
	struct awsq_err err = { 0 };
	struct config c;

	say_result(config_load(&c, path, &err), &err);
	config_free(&c);
}

int main(void)
{
	char kind[16], path[1024];

	while (scanf("%15s %1023s", kind, path) == 2) {
		if (strcmp(kind, "regions") == 0)
			read_regions(path);
		else
			read_profiles(path, strcmp(kind, "config") == 0);
	}
	return 0;
}
