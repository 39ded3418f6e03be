/*
 * The text of the user's own files, as config and as credentials.
 */
#include "banned.h"

#include <stddef.h>
#include <stdint.h>

#include <awsq/err.h>
#include <awsq/profile.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_up(const struct awsq_profiles *p)
{
	static const char *const keys[] = { "region", "aws_access_key_id", "services", "a" };

	for (int kind = AWSQ_SECTION_PROFILE; kind <= AWSQ_SECTION_OTHER; kind++) {
		enum awsq_section section = (enum awsq_section)kind;

		(void)awsq_profiles_has(p, section, "default");
		for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
			const char *value = awsq_profiles_get(p, section, "default", keys[i]);

			/* Without blanks at its ends. */
			if (value && *value && (*value == ' ' || value[strlen(value) - 1] == ' '))
				abort();
			(void)awsq_profiles_get_sub(p, section, "a", keys[i], "endpoint_url");
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (int file = AWSQ_FILE_CONFIG; file <= AWSQ_FILE_CREDENTIALS; file++) {
		struct awsq_profiles *p = NULL;
		struct awsq_err err;
		int rc = awsq_profiles_parse(&p, (const char *)data, size,
			(enum awsq_profile_file)file, &err);

		if ((rc == 0) != (p != NULL) || (rc != 0 && err.code != rc))
			abort();
		if (rc == AWSQ_EPARSE && strncmp(err.message, "line ", 5) != 0)
			abort();
		look_up(p);
		awsq_profiles_free(p);
	}
	return 0;
}
