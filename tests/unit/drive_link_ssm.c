/*
 * drive_link_ssm REGION INSTANCE USER MS [FD]: runs the text on stdin on an instance, over Systems
 * Manager, with the environment's credentials and endpoint, for MS milliseconds at the most or
 * until FD can be read. Its output goes to stdout; at last stderr gets "CODE STATUS SENT MESSAGE".
 * With AWSQ_JOB in the environment, the text is run as the job of that id; with AWSQ_OFFSET, too,
 * that job is taken up, after so many bytes of its stdout.
 */
#include "banned.h"

#include <unistd.h>

#include <awsq/num.h>

#include "runs/job.h"
#include "fleet/region.h"

static int64_t number(const char *text)
{
	int64_t n;

	if (awsq_parse_int(&n, text, 0, 100000000) != 0)
		exit(2);
	return n;
}

static int write_out(void *arg, int is_stderr, const void *data, size_t len)
{
	FILE *to = is_stderr ? stderr : stdout;

	(void)arg;
	return fwrite(data, 1, len, to) == len && fflush(to) == 0 ? 0 : AWSQ_EIO;
}

static void write_log(void *arg, enum awsq_log_level level, const char *line)
{
	(void)arg;
	(void)level;
	(void)fprintf(stderr, "# %s\n", line);
}

static void quiet(void *arg, const char *region, const char *text)
{
	(void)arg;
	(void)region;
	(void)text;
}

static int run_job(int *status, struct link *link, const char *text, int64_t ms, int fd,
	struct awsq_err *err)
{
	const char *offset = getenv("AWSQ_OFFSET");
	struct job_request request = { .link = link,
		.host = "the instance",
		.id = getenv("AWSQ_JOB"),
		.script = offset ? NULL : text,
		.timeout_ms = ms,
		.connect_timeout_ms = 20000,
		.cancel_fd = fd,
		.offset = { offset ? (uint64_t)number(offset) : 0, 0 },
		.output = { .write = write_out } };
	struct job_result result;
	int rc = job_run(&result, &request, err);

	*status = result.status;
	return rc;
}

static int run(const struct fleet *fleet, char **argv, int fd, const struct awsq_buf *text)
{
	const struct ssh_output output = { .write = write_out };
	struct awsq_err err = { 0 };
	struct link *link = NULL;
	struct region r = { 0 };
	int rc, status = -1;

	rc = region_open(&r, fleet, argv[1], &err);
	if (rc == 0)
		rc = link_ssm_new(&link, &r, argv[2], &err);
	if (rc == 0 && getenv("AWSQ_JOB"))
		rc = run_job(&status, link, awsq_buf_str(text), number(argv[4]), fd, &err);
	else if (rc == 0)
		rc = link->kind->exec(link, &status, awsq_buf_str(text), text->len, &output,
			region_now_ms(&r) + number(argv[4]), fd, &err);
	(void)fprintf(stderr, "%d %d %d %s\n", rc, status, link ? link->sent : 0, err.message);
	link_close(link);
	region_close(&r);
	return rc == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	const struct report report = { quiet, quiet, quiet, NULL };
	struct awsq_log log = { AWSQ_LOG_DEBUG, write_log, NULL };
	struct awsq_buf text = AWSQ_BUF_INIT(1024 * 1024);
	struct awsq_credentials_source *source = NULL;
	struct awsq_settings settings = { 0 };
	struct config config = { 0 };
	struct fleet fleet = { .config = &config,
		.settings = &settings,
		.report = &report,
		.log = &log,
		.cancel_fd = -1 };
	char data[4096];
	size_t n;
	int rc;

	if (argc < 5)
		return 2;
	config.job_user = argv[3];
	while ((n = fread(data, 1, sizeof(data), stdin)) > 0)
		awsq_buf_add(&text, data, n);
	rc = awsq_global_init();
	if (rc == 0)
		rc = awsq_settings_load(&settings, NULL, &awsq_environment_process, NULL);
	if (rc == 0)
		rc = awsq_credentials_source_new(&source, NULL, NULL);
	fleet.source = source;
	if (rc == 0)
		rc = run(&fleet, argv, argc > 5 ? (int)number(argv[5]) : -1, &text);
	awsq_credentials_source_free(source);
	awsq_settings_free(&settings);
	awsq_buf_free(&text);
	awsq_global_free();
	return rc == 0 ? 0 : 1;
}
