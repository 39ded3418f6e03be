/*
 * ssm_text.h: the scripts that Systems Manager's agent is sent, which runs them as root: they have
 * a text of the link's run by a user. Pure.
 *
 * The text goes there in base64: its bytes may be any, and AWS puts the account's parameters in the
 * place of every "{{ssm:NAME}}" that it sees.
 */
#ifndef RUNS_SSM_TEXT_H
#define RUNS_SSM_TEXT_H

#include <stddef.h>

#include <awsq/buf.h>

/* How much of a text fits into one script. */
#define SSM_TEXT_PART 30000

/*
 * Adds the script that has sh run the len bytes at part, as sshd would: by user, in the home, as
 * the leader of a session of its own, its stdin at its end. Where the text began with other parts,
 * file is the name they were kept under, which is removed; else NULL. The buffer's error.
 */
int ssm_text_run(struct awsq_buf *script, const char *user, const char *file, const void *part,
	size_t len);

/* Adds the script that keeps a part for it, after those kept before. file: letters and digits. */
int ssm_text_keep(struct awsq_buf *script, const char *user, const char *file, const void *part,
	size_t len);

#endif
