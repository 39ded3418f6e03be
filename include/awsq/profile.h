/*
 * profile.h: the text of ~/.aws/config and ~/.aws/credentials, as sections of settings.
 *
 * Source: the "AWS SDKs and Tools Reference Guide" (Shared config and credentials files), read as
 * botocore 1.43.11 reads it (botocore/configloader.py over Python's RawConfigParser): '=' or ':'
 * after a key, keys in any case, a comment only where '#' or ';' is a line's first character that
 * is not blank, indented lines continue the value above, and a value that begins with such lines is
 * a list of sub-settings. A section or a setting that appears twice is an error. Unlike there, a
 * byte order mark is passed over, and [DEFAULT] is a section like any other.
 *
 * Values may be secrets: free wipes them, and errors never quote them.
 */
#ifndef AWSQ_PROFILE_H
#define AWSQ_PROFILE_H

#include <stddef.h>

#include <awsq/common.h>
#include <awsq/err.h>

struct awsq_profiles;

/* The files differ in their sections: [profile NAME] or [default] in one, [NAME] in the other. */
enum awsq_profile_file { AWSQ_FILE_CONFIG, AWSQ_FILE_CREDENTIALS };

enum awsq_section {
	AWSQ_SECTION_PROFILE,     /* [profile NAME], [default]; in the credentials file [NAME] */
	AWSQ_SECTION_SERVICES,    /* [services NAME] */
	AWSQ_SECTION_SSO_SESSION, /* [sso-session NAME] */
	AWSQ_SECTION_OTHER        /* read and then of no use */
};

AWSQ_BEGIN_DECLS

/*
 * Parses len bytes of text, which may have any content. *out is the caller's to free with
 * awsq_profiles_free(); NULL after an error. AWSQ_EPARSE, and err's message is "line N: ...";
 * AWSQ_ENOMEM.
 */
int awsq_profiles_parse(struct awsq_profiles **out, const char *text, size_t len,
	enum awsq_profile_file file, struct awsq_err *err);

/* Wipes and frees p. NULL is allowed. */
void awsq_profiles_free(struct awsq_profiles *p);

/* Whether the section is there. p may be NULL, here and below: no sections. */
int awsq_profiles_has(const struct awsq_profiles *p, enum awsq_section kind, const char *name);

/* A setting's value, owned by p and without blanks at its ends; NULL when it is not there. */
const char *awsq_profiles_get(const struct awsq_profiles *p, enum awsq_section kind,
	const char *name, const char *key);

/* The same of the sub-setting sub in the lines indented below key. */
const char *awsq_profiles_get_sub(const struct awsq_profiles *p, enum awsq_section kind,
	const char *name, const char *key, const char *sub);

AWSQ_END_DECLS

#endif
