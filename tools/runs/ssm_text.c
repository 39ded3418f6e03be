#include "banned.h"

#include "runs/ssm_text.h"

#include <awsq/hash.h>

/* Where parts are kept: the user's own folder, which the runs have there anyway. */
#define FOLDER "\"$HOME/.awsq"

/*
 * "as TEXT" runs TEXT as the user, with the user's HOME. Not every image has sudo; su does the same
 * for root.
 */
static const char become[] = "if command -v sudo >/dev/null 2>&1\n"
			     "then as() { sudo -n -H -u \"$user\" sh -c \"$1\"; }\n"
			     "else as() { su -s /bin/sh \"$user\" -c \"$1\"; }\n"
			     "fi\n";

/*
 * The agent's commands share a session with the agent: what ends a job by its session would not do
 * there. setsid(1) would not wait where it is asked to by the leader of a process group, which the
 * sh around it may be; hence the exit after it, which keeps that sh from making way for it.
 */
static const char run_home[] = "as 'cd || exit 125\n";
static const char run_head[] = "setsid sh -c '\\''eval \"exec </dev/null\n$(";
static const char run_tail[] = ")\"'\\''\n"
			       "exit $?'";

static void add_user(struct awsq_buf *script, const char *user)
{
	awsq_buf_adds(script, "user='");
	for (; *user; user++) {
		if (*user == '\'')
			awsq_buf_adds(script, "'\\''");
		else
			awsq_buf_addc(script, *user);
	}
	awsq_buf_adds(script, "'\n");
}

/* The bytes go in by a here-document, and so in no process list. */
static void add_head(struct awsq_buf *script, const char *user)
{
	add_user(script, user);
	awsq_buf_adds(script, become);
	awsq_buf_adds(script, "base64 -d <<'EOF' | ");
}

static int add_bytes(struct awsq_buf *script, const void *part, size_t len)
{
	const char *bytes = part;
	size_t line = 57; /* makes 76 characters, as MIME has it */

	awsq_buf_addc(script, '\n');
	for (size_t at = 0; at < len; at += line) {
		awsq_base64_add(script, bytes + at, len - at < line ? len - at : line);
		awsq_buf_addc(script, '\n');
	}
	awsq_buf_adds(script, "EOF\n");
	return awsq_buf_error(script);
}

int ssm_text_run(struct awsq_buf *script, const char *user, const char *file, const void *part,
	size_t len)
{
	add_head(script, user);
	awsq_buf_adds(script, run_home);
	if (file)
		awsq_buf_addf(script, "[ -f " FOLDER "/%s\" ] || exit 125\n", file);
	awsq_buf_adds(script, run_head);
	if (file)
		awsq_buf_addf(script, "cat .awsq/%s -; rm -f .awsq/%s", file, file);
	else
		awsq_buf_adds(script, "cat");
	awsq_buf_adds(script, run_tail);
	return add_bytes(script, part, len);
}

int ssm_text_keep(struct awsq_buf *script, const char *user, const char *file, const void *part,
	size_t len)
{
	add_head(script, user);
	awsq_buf_addf(script, "as 'umask 077; mkdir -p " FOLDER "\" && cat >>" FOLDER "/%s\"'",
		file);
	return add_bytes(script, part, len);
}
