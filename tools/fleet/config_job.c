/* The settings of a job. */
#include "banned.h"

#include "fleet/config_private.h"

#include <regex.h>
#include <string.h>

#define LETTER "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGIT  "0123456789"
#define BLANK  " \t\r\n"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define DAY          INT64_C(86400)

/* What a kernel takes as one variable, and a little less (Linux: MAX_ARG_STRLEN, 128 KiB). */
#define VALUE_MAX   ((size_t)65536)
#define COMMAND_MAX ((size_t)262144)

/* One line, of what can be seen. */
static int is_line(const char *text, size_t max)
{
	for (const char *c = text; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == '\177')
			return 0;
	}
	return !config_made_of(text, BLANK) && strlen(text) <= max;
}

static int is_user_name(const char *text)
{
	return config_one_of(text[0], LETTER "_") && config_made_of(text, LETTER DIGIT "._-") &&
	       strlen(text) <= 32;
}

static int is_command(const char *text)
{
	return !config_made_of(text, BLANK) && strlen(text) <= COMMAND_MAX;
}

int config_env_name(const char *text)
{
	return config_one_of(text[0], LETTER "_") && config_made_of(text, LETTER DIGIT "_") &&
	       strlen(text) <= 128 && strncmp(text, "AWSQ_", 5) != 0;
}

static int is_env_value(const char *text)
{
	return strlen(text) <= VALUE_MAX;
}

/* Quoted for the shell, so that a "~" would stand for itself. */
static int is_workdir(const char *text)
{
	return is_line(text, 1024) && (text[0] != '~' || (text[1] == '/' && text[2] != '\0'));
}

/* The expression itself is looked at in the end: see config_job_flaw(). */
static int is_watch(const char *text)
{
	return is_line(text, 1024);
}

/* The reference of docker: [HOST[:PORT]/]PATH[:TAG][@DIGEST]. */
static int is_docker_image(const char *text)
{
	return config_one_of(text[0], LETTER DIGIT) &&
	       config_made_of(text, LETTER DIGIT "._/:@-") && strlen(text) <= 512;
}

static int is_docker_arg(const char *text)
{
	return is_line(text, 4096);
}

/* A host, and no blank or control character anywhere. */
static int is_ping_url(const char *text)
{
	size_t scheme = strncmp(text, "https://", 8) == 0 ? 8 : 7;

	if (scheme == 7 && strncmp(text, "http://", 7) != 0)
		return 0;
	for (const char *c = text; *c; c++) {
		if (*c <= ' ' || *c >= '\177' || *c == '#')
			return 0;
	}
	return strcspn(text + scheme, "/?") > 0 && strlen(text) <= 2000;
}

/* Below the folder that the job works in, and no way out of it. */
static int is_retrieved(const char *text)
{
	const char *part = text;

	if (!is_line(text, 1024) || text[0] == '/' || text[0] == '~')
		return 0;
	for (; *part; part += *part == '/') {
		if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || part[2] == '\0'))
			return 0;
		part += strcspn(part, "/");
	}
	return 1;
}

#define IN(member) offsetof(struct config_draft, config.member)

/* As the enums have them. */
static const char *const transports[] = { "ssh", "ssm", NULL };
static const char *const overlaps[] = { "forbid", "queue", "skip", "replace", NULL };

static const struct config_rule docker_rules[] = {
	{
		.name = "image",
		.offset = IN(job_docker_image),
		.valid = is_docker_image,
		.expected = "the name of an image such as \"debian:12\" or "
			    "\"registry.example.com/navo:1\"",
		.example = "image = \"debian:12\"",
	},
	{
		.name = "args",
		.kind = CONFIG_TEXTS,
		.offset = IN(job_docker_args),
		.valid = is_docker_arg,
		.most = 100,
		.repeats = 1,
		.expected = "an option of docker run such as \"--gpus=all\", each word by itself",
	},
};

static const struct config_table docker_table = { docker_rules, COUNT(docker_rules) };

static const struct config_rule job_rules[] = {
	{
		.name = "user",
		.offset = IN(job_user),
		.valid = is_user_name,
		.preset = "ec2-user",
		.expected = "the name of a user on the instance such as \"ec2-user\"",
	},
	{
		.name = "port",
		.kind = CONFIG_NUMBER,
		.offset = IN(job_port),
		.min = 1,
		.max = 65535,
		.preset = "22",
		.expected = "a port from 1 to 65535, such as 22",
	},
	{
		.name = "command",
		.offset = IN(job_command),
		.valid = is_command,
		.expected = "a shell command of at most 262144 bytes",
	},
	{
		.name = "timeout",
		.kind = CONFIG_DURATION,
		.offset = IN(job_timeout),
		.min = 1,
		.max = 7 * DAY,
		.expected = "a time from \"1s\" to the fleet's max_uptime, such as \"30m\"",
	},
	{
		.name = "connect_timeout",
		.kind = CONFIG_DURATION,
		.offset = IN(job_connect_timeout),
		.min = 1,
		.max = 3600,
		.preset = "3m",
		.expected = "a time from \"1s\" to \"1h\", such as \"3m\"",
	},
	{
		.name = "env",
		.kind = CONFIG_PAIRS,
		.offset = IN(job_env),
		.valid = is_env_value,
		.valid_name = config_env_name,
		.most = 256,
		.expected = "a text of at most 65536 bytes, in quotes",
		.expected_name = "a name of letters, digits and \"_\" that does not begin with "
				 "\"AWSQ_\"",
		.is_secret = 1,
	},
	{
		.name = "workdir",
		.offset = IN(job_workdir),
		.valid = is_workdir,
		.expected = "the path of a folder on the instance such as \"ServiceMon\", which is "
			    "in the user's home",
	},
	{
		.name = "watch",
		.offset = IN(job_watch),
		.valid = is_watch,
		.expected = "an extended regular expression for command lines, such as "
			    "\"ServiceMon/worker\"",
	},
	{
		.name = "docker",
		.kind = CONFIG_GROUP,
		.table = &docker_table,
	},
	{
		.name = "retries",
		.kind = CONFIG_NUMBER,
		.offset = IN(job_retries),
		.max = 100,
		.preset = "0",
		.expected = "a number from 0 to 100",
	},
	{
		.name = "retry_backoff",
		.kind = CONFIG_DURATION,
		.offset = IN(job_retry_backoff),
		.min = 1,
		.max = 600,
		.preset = "10s",
		.expected = "a time from \"1s\" to \"10m\", such as \"10s\"",
	},
	{
		.name = "retry_on",
		.kind = CONFIG_NUMBERS,
		.offset = IN(job_retry_on),
		.min = 1,
		.max = 255,
		.expected = "an exit status from 1 to 255",
	},
	{
		.name = "min_duration",
		.kind = CONFIG_DURATION,
		.offset = IN(job_min_duration),
		.min = 1,
		.max = 7 * DAY,
		.expected = "a time from \"1s\" on, such as \"1m\"",
	},
	{
		.name = "before",
		.offset = IN(job_before),
		.valid = is_command,
		.expected = "a shell command of at most 262144 bytes",
	},
	{
		.name = "after",
		.offset = IN(job_after),
		.valid = is_command,
		.expected = "a shell command of at most 262144 bytes",
	},
	{
		.name = "ping_url",
		.offset = IN(job_ping_url),
		.valid = is_ping_url,
		.expected = "an address that begins with \"https://\" or \"http://\", without "
			    "blanks and \"#\"",
		.is_secret = 1,
	},
	{
		.name = "retrieve",
		.kind = CONFIG_TEXTS,
		.offset = IN(job_retrieve),
		.valid = is_retrieved,
		.most = 64,
		.expected = "a pattern of files such as \"results/*.csv\", relative to the job's "
			    "folder and without \"..\"",
	},
	{
		.name = "transport",
		.kind = CONFIG_WORD,
		.offset = IN(job_transport),
		.words = transports,
		.preset = "ssh",
		.expected = "\"ssh\" or \"ssm\"",
	},
	{
		.name = "overlap",
		.kind = CONFIG_WORD,
		.offset = IN(job_overlap),
		.words = overlaps,
		.preset = "forbid",
		.expected = "\"forbid\", \"queue\", \"skip\" or \"replace\"",
	},
	{
		.name = "max_wait",
		.kind = CONFIG_DURATION,
		.offset = IN(job_max_wait),
		.min = 1,
		.max = 7 * DAY,
		.preset = "1h",
		.expected = "a time from \"1s\" to \"7d\", such as \"1h\"",
	},
};

const struct config_table config_job = { job_rules, COUNT(job_rules) };

/* One that an empty text matches is found in every command line, so that no job would ever end. */
static int is_flawed(const char *watch, struct awsq_buf *text)
{
	char reason[128];
	regex_t compiled;
	int rc = regcomp(&compiled, watch, REG_EXTENDED | REG_NOSUB), matches_all;

	if (rc != 0) {
		(void)regerror(rc, &compiled, reason, sizeof(reason));
		awsq_buf_addf(text, "no extended regular expression: %s", reason);
		return 1;
	}
	matches_all = regexec(&compiled, "", 0, NULL, 0) == 0;
	regfree(&compiled);
	if (matches_all)
		awsq_buf_adds(text, "an expression that matches every process: none would end it");
	return matches_all;
}

const char *config_job_flaw(const struct config *c, struct awsq_buf *text)
{
	if (c->job_watch && is_flawed(c->job_watch, text))
		return "job.watch";
	if (c->job_min_duration > 0 && c->job_min_duration >= c->job_timeout) {
		awsq_buf_adds(text, "as long as the job's timeout or longer: no run would do");
		return "job.min_duration";
	}
	return NULL;
}
