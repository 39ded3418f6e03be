#include "banned.h"

#include "runs/job_text.h"

#include <string.h>

/*
 * Text for the user's login shell, which sshd starts as the leader of a new session, and which
 * makes way for sh. That stays, to tell the end: over SSH a status of 0 cannot be told from none
 * with libssh2, nor the job's end from that of the last thing it left in the background. Its own
 * stderr is closed to it, since shells remark on children that a signal ended.
 */
static const char run_head[] = "exec sh -c '"
			       "printf \"%s pid %%d\\n\" $$; "
			       "exec 3>&2 2>/dev/null; "
			       "(exec sh -c \"$1\" 2>&3 3>&-); "
			       "s=$?; "
			       "printf \"%s end %%d\\n\" $s; "
			       "exit $s' awsq ";

/*
 * The session and not only the process group, since timeout(1) or a shell with job control make
 * groups of their own. From /proc, as not every image has pkill: what follows the last ") " of
 * /proc/N/stat is state, parent, group, session. "each SIGNAL" is true if any process was there.
 */
static const char kill_text[] =
	"exec sh -c '"
	"s=$0; "
	"each() { sig=$1; found=1; "
	"for p in /proc/[0-9]*; do "
	"{ read -r line < $p/stat; } 2>/dev/null || continue; "
	"set -- ${line##*\") \"}; "
	"[ \"$4\" = $s ] && [ \"$1\" != Z ] && [ \"$1\" != X ] || continue; "
	"found=0; "
	"[ $sig = 0 ] || kill -$sig ${p#/proc/}; "
	"done; return $found; }; "
	"exec 2>/dev/null; "
	"kill -TERM -$s; each TERM; "
	"i=0; "
	"while each 0 && [ $i -lt 50 ]; do sleep 0.1 || sleep 1; i=$((i+1)); done; "
	"kill -KILL -$s; each KILL && sleep 0.2; "
	"each 0 && exit 1; exit 0' ";

static void add_quoted(struct awsq_buf *text, const char *s)
{
	awsq_buf_addc(text, '\'');
	for (; *s; s++) {
		if (*s == '\'')
			awsq_buf_adds(text, "'\\''");
		else
			awsq_buf_addc(text, *s);
	}
	awsq_buf_addc(text, '\'');
}

int job_text_run(struct awsq_buf *text, const char *mark, const char *command)
{
	awsq_buf_addf(text, run_head, mark, mark);
	add_quoted(text, command);
	return awsq_buf_error(text);
}

int job_text_kill(struct awsq_buf *text, int64_t pid)
{
	awsq_buf_adds(text, kill_text);
	awsq_buf_addf(text, "%lld", (long long)pid);
	return awsq_buf_error(text);
}

int job_text_signal(const char *name)
{
	static const struct {
		const char *name;
		int number;
	} signals[] = {
		{ "HUP", 1 },
		{ "INT", 2 },
		{ "QUIT", 3 },
		{ "ILL", 4 },
		{ "ABRT", 6 },
		{ "FPE", 8 },
		{ "KILL", 9 },
		{ "USR1", 10 },
		{ "SEGV", 11 },
		{ "USR2", 12 },
		{ "PIPE", 13 },
		{ "ALRM", 14 },
		{ "TERM", 15 },
	};

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		if (strcmp(name, signals[i].name) == 0)
			return signals[i].number;
	}
	return 0;
}
