#include "banned.h"

#include "runs/hooks.h"
#include "runs/runlog.h"
#include "runs/spawn.h"

#include <awsq/fetch.h>

#include <inttypes.h>

#define COMMAND_MS (60 * 1000)
#define PING_MS    (10 * 1000)
#define MAX_URL    8192

/* ---- Pings */

/* URL/word, the query or fragment behind it. */
static void ping_address(struct awsq_buf *out, const char *url, const char *word)
{
	size_t path = strcspn(url, "?#"), kept = path;

	while (kept > 0 && url[kept - 1] == '/')
		kept--;
	awsq_buf_add(out, url, kept);
	awsq_buf_addf(out, "/%s%s", word, url + path);
}

/* What of the URL may be shown: its host, since who knows the rest can ping too. */
static void host_of(char *out, size_t size, const char *url)
{
	const char *host = strstr(url, "://");
	size_t len, at;

	host = host ? host + 3 : url;
	len = strcspn(host, "/?#");
	for (at = len; at > 0 && host[at - 1] != '@'; at--)
		;
	(void)snprintf(out, size, "%.*s", (int)(len - at < size ? len - at : size - 1), host + at);
}

/* is_end: it tells how the run ended, which is the one that somebody waits for. */
static int ping(const struct region *r, const char *word, int is_end, int cancel_fd)
{
	const char *url = r->fleet->config->job_ping_url;
	struct awsq_buf address = AWSQ_BUF_INIT(MAX_URL);
	struct awsq_fetch fetch = { .timeout_ms = PING_MS, .cancel_fd = cancel_fd };
	struct awsq_err err = { 0 };
	char host[256];
	int status = 0, rc;

	if (!url)
		return 0;
	ping_address(&address, url, word);
	rc = awsq_buf_error(&address);
	if (rc == 0) {
		fetch.url = awsq_buf_str(&address);
		fetch.ca_bundle = r->fleet->settings ? r->fleet->settings->ca_bundle : NULL;
		rc = awsq_fetch(&status, NULL, &fetch, &err);
	} else {
		awsq_err_set(&err, rc, "%s", awsq_strerror(rc));
	}
	if (rc == 0 && status / 100 != 2)
		(void)snprintf(err.message, sizeof(err.message), "it answered %d", status);
	host_of(host, sizeof(host), url);
	if (rc != AWSQ_ECANCELED && err.message[0] && is_end)
		region_warning(r, "cannot tell '%s' of the run's end (job.ping_url): %s", host,
			err.message);
	else if (rc != AWSQ_ECANCELED && err.message[0])
		region_event(r, "cannot tell '%s' of the run's start (job.ping_url): %s", host,
			err.message);
	awsq_buf_wipe(&address);
	return rc == AWSQ_ECANCELED ? rc : 0;
}

/* ---- Commands */

static int64_t job_seconds(const struct ledger_run *run)
{
	int64_t ms = run->job_end_ms - run->job_start_ms;

	return run->job_start_ms > 0 && ms > 0 ? ms / 1000 : 0;
}

static int run_command(const struct region *r, const struct ledger_run *run, const char *command,
	int cancel_fd, struct awsq_err *err)
{
	char *log = runlog_path(r->fleet->state_dir, run->id, NULL);
	char status[24] = "", seconds[24], billed[24];
	const struct spawn_variable variables[] = {
		{ "AWSQ_RUN", run->id },
		{ "AWSQ_FLEET", r->fleet->config->name },
		{ "AWSQ_ACCOUNT", r->fleet->account ? r->fleet->account : "" },
		{ "AWSQ_REGION", run->region },
		{ "AWSQ_INSTANCE", run->instance },
		{ "AWSQ_STATE", ledger_state_name(run->state) },
		{ "AWSQ_STATUS", status },
		{ "AWSQ_SECONDS", seconds },
		{ "AWSQ_BILLED_SECONDS", billed },
		{ "AWSQ_LOG", log ? log : "" },
		{ "AWSQ_MESSAGE", run->message },
	};
	int rc;

	if (run->status >= 0)
		(void)snprintf(status, sizeof(status), "%d", run->status);
	(void)snprintf(seconds, sizeof(seconds), "%" PRId64, job_seconds(run));
	(void)snprintf(billed, sizeof(billed), "%" PRId64, run->billed_s);
	rc = spawn_shell(command, variables, sizeof(variables) / sizeof(variables[0]), COMMAND_MS,
		cancel_fd, err);
	free(log);
	return rc;
}

int hooks_before(const struct region *r, const struct ledger_run *run, struct awsq_err *err)
{
	const char *command = r->fleet->config->job_before;
	struct awsq_err why = { 0 };
	int rc = ping(r, "start", 0, r->cancel_fd);

	if (rc != 0)
		return awsq_err_set(err, rc, "ended by the user");
	if (!command)
		return 0;
	region_status(r, "job.before");
	rc = run_command(r, run, command, r->cancel_fd, &why);
	region_status(r, "%s", "");
	if (rc == 0)
		return 0;
	return awsq_err_set(err, rc, "job.before %s: the run is not begun", why.message);
}

void hooks_after(const struct region *r, const struct ledger_run *run)
{
	const char *command = r->fleet->config->job_after;
	struct awsq_err why = { 0 };
	char status[24];

	if (command) {
		region_status(r, "job.after");
		if (run_command(r, run, command, -1, &why) != 0)
			region_warning(r, "job.after %s", why.message);
		region_status(r, "%s", "");
	}
	(void)snprintf(status, sizeof(status), "%d",
		run->status >= 0 && run->status <= 255 ? run->status : 255);
	(void)ping(r, status, 1, -1);
}
