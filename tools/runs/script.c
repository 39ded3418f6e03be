#include "banned.h"

#include "runs/script.h"
#include "runs/script_shell.h"

#include <awsq/hash.h>

#include <string.h>

int script_mark(char mark[SCRIPT_MARK_SIZE])
{
	uint8_t random[8];
	char token[17];
	int rc = awsq_random_bytes(random, sizeof(random));

	if (rc != 0)
		return rc;
	awsq_hex(token, random, sizeof(random));
	(void)snprintf(mark, SCRIPT_MARK_SIZE, "awsq-%s", token);
	return 0;
}

static void add_begin(struct awsq_buf *text, const char *id)
{
	awsq_buf_addf(text, "id=%s\n", id);
	awsq_buf_adds(text, shell_common);
}

/* Frames may follow. */
static void add_mark(struct awsq_buf *text, const char *mark)
{
	awsq_buf_addf(text, "mark=%s\nprintf '%%s\\n' \"$mark\"\n", mark);
}

/* max: how many bytes of output are looked at in one round, or fit into the answer. */
static void add_follow(struct awsq_buf *text, const struct script_view *view, int wait_s)
{
	/* base64 makes lines of 77 characters of 57 bytes; some are for the frames around it. */
	const size_t frames = 300;
	size_t max = view->answer_max > frames ? (view->answer_max - frames) / 77 * 57 : 0;

	if (view->answer_max == 0)
		awsq_buf_adds(text, "stream=1 max=1048576 wait=0\n");
	else
		awsq_buf_addf(text, "stream= max=%zu wait=%d\n", max, max ? wait_s : 0);
	awsq_buf_addf(text, "o=%llu e=%llu after=%lld\n", (unsigned long long)view->offset[0],
		(unsigned long long)view->offset[1], (long long)view->off_after_s);
	awsq_buf_adds(text, shell_follow);
}

/* A file in the job's folder, which is the working directory. */
static void add_file(struct awsq_buf *text, const char *name, const char *mark, const char *before,
	const char *content)
{
	size_t len = strlen(content);

	awsq_buf_addf(text, "cat >%s <<'%s' || return\n", name, mark);
	awsq_buf_adds(text, before);
	awsq_buf_adds(text, content);
	awsq_buf_addf(text, "%s%s\n", len > 0 && content[len - 1] != '\n' ? "\n" : "", mark);
}

int script_launch(struct awsq_buf *text, const struct script_job *job,
	const struct script_view *view)
{
	add_begin(text, view->id);
	add_mark(text, view->mark);
	/* Its block is what the status will be written to. */
	awsq_buf_adds(text, "files() {\nmkfifo o e && : >out && : >err && "
			    "echo '   ' >status.new || return\n");
	add_file(text, "super", view->mark, shell_common, shell_super);
	if (job->cleanup)
		add_file(text, "cleanup", view->mark, "", job->cleanup);
	if (job->watch)
		add_file(text, "watch", view->mark, "", job->watch);
	add_file(text, "job", view->mark, "", job->script);
	awsq_buf_adds(text, "}\n");
	awsq_buf_addf(text,
		"grace=%lld limit=%lld most=%lld margin=%lld arm=%d off=%d after=%lld\n",
		(long long)job->watch_grace_s,
		(long long)(job->timeout_s > 0 ? job->timeout_s + job->spare_s : 0),
		(long long)job->max_uptime_s, (long long)job->margin_s, job->arm,
		job->off_when_done, (long long)view->off_after_s);
	awsq_buf_adds(text, shell_launch);
	/* When it was started is to be known soon. */
	add_follow(text, view, 1);
	return awsq_buf_error(text);
}

int script_follow(struct awsq_buf *text, const struct script_view *view)
{
	add_begin(text, view->id);
	add_mark(text, view->mark);
	add_follow(text, view, SCRIPT_WAIT_S);
	return awsq_buf_error(text);
}

int script_probe(struct awsq_buf *text, const char *mark, const char *id)
{
	/* No room for output, and no time to wait for any. */
	const struct script_view view = { .mark = mark, .id = id, .answer_max = 1 };

	return script_follow(text, &view);
}

int script_kill(struct awsq_buf *text, const char *mark, const char *id)
{
	add_begin(text, id);
	add_mark(text, mark);
	awsq_buf_adds(text, shell_kill);
	return awsq_buf_error(text);
}

int script_forget(struct awsq_buf *text, const char *id)
{
	add_begin(text, id);
	awsq_buf_adds(text, "cd \"$runs/$id\" 2>/dev/null || exit 0\n"
			    "known && alive && [ ! -e status ] && exit 1\n"
			    "cd \"$runs\" || exit\n"
			    "echo >\"$id.over\"\n"
			    "rm -rf \"$id\"\n");
	return awsq_buf_error(text);
}

int script_hold(struct awsq_buf *text, const char *id, int64_t seconds)
{
	add_begin(text, id);
	awsq_buf_addf(text, "cd \"$runs/$id\" && now && echo $((now + %lld)) >until\n",
		(long long)seconds);
	return awsq_buf_error(text);
}

int script_disarm(struct awsq_buf *text, const char *id)
{
	add_begin(text, id);
	awsq_buf_adds(text, "read -r last <\"$runs/current\" && [ \"$last\" = \"$id\" ] || exit 0\n"
			    "sudo -n shutdown -c || shutdown -c\n");
	return awsq_buf_error(text);
}
