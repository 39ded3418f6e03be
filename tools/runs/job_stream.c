#include "banned.h"

#include "runs/job_stream.h"

#include <awsq/hash.h>

#include <string.h>

/* Rare in text, so that looking for it is quick. */
#define FIRST '\036'

int job_stream_init(struct job_stream *s, const struct ssh_output *output)
{
	char token[17];
	uint8_t random[8];
	int rc;

	*s = (struct job_stream){ .output = output };
	rc = awsq_random_bytes(random, sizeof(random));
	if (rc != 0)
		return rc;
	awsq_hex(token, random, sizeof(random));
	(void)snprintf(s->mark, sizeof(s->mark), "\\036awsq-%s", token);
	(void)snprintf(s->bytes_of, sizeof(s->bytes_of), "%cawsq-%s", FIRST, token);
	return 0;
}

static void pass_on(struct job_stream *s, int is_stderr, const char *data, size_t len)
{
	if (len == 0 || s->error)
		return;
	s->bytes[is_stderr] += len;
	if (s->output->write) {
		int rc = s->output->write(s->output->arg, is_stderr, data, len);

		if (rc < 0)
			s->error = rc;
	}
}

static void release(struct job_stream *s)
{
	pass_on(s, 0, s->held, s->held_len);
	s->held_len = 0;
}

/* A whole line that begins with the mark. */
static void take_line(struct job_stream *s)
{
	size_t mark_len = strlen(s->bytes_of);
	long long number;
	char end;

	s->held[s->held_len] = '\0';
	if (sscanf(s->held + mark_len, " pid %lld%c", &number, &end) == 2 && end == '\n' &&
		number > 1 && s->pid == 0)
		s->pid = number;
	else if (sscanf(s->held + mark_len, " end %lld%c", &number, &end) == 2 && end == '\n' &&
		 number >= 0 && number <= 255 && !s->ended) {
		s->ended = 1;
		s->status = (int)number;
	} else {
		release(s);
	}
	s->held_len = 0;
}

/* One byte of what may be a line of ours. Whether it was taken; if not, the rest was released. */
static int hold(struct job_stream *s, char byte)
{
	size_t mark_len = strlen(s->bytes_of);

	if ((s->held_len < mark_len && byte != s->bytes_of[s->held_len]) ||
		s->held_len == sizeof(s->held) - 1) {
		release(s);
		return 0;
	}
	s->held[s->held_len++] = byte;
	if (byte == '\n')
		take_line(s);
	return 1;
}

/* How many of len bytes come before what may be the mark, or its start at the very end. */
static size_t before_mark(const struct job_stream *s, const char *data, size_t len)
{
	size_t mark_len = strlen(s->bytes_of), at = 0;

	while (at < len) {
		const char *found = memchr(data + at, FIRST, len - at);
		size_t left;

		if (!found)
			return len;
		at = (size_t)(found - data);
		left = len - at;
		if (memcmp(found, s->bytes_of, left < mark_len ? left : mark_len) == 0)
			return at;
		at++;
	}
	return len;
}

int job_stream_write(void *arg, int is_stderr, const void *data, size_t len)
{
	struct job_stream *s = arg;
	const char *p = data;

	if (is_stderr) {
		pass_on(s, 1, p, len);
		len = 0;
	}
	while (len > 0) {
		size_t plain = 0;

		if (s->held_len > 0) {
			plain = (size_t)hold(s, *p);
		} else {
			plain = before_mark(s, p, len);
			pass_on(s, 0, p, plain);
			if (plain < len)
				(void)hold(s, p[plain++]);
		}
		p += plain;
		len -= plain;
	}
	if (s->error)
		return s->error;
	if (s->until_pid && s->pid)
		return AWSQ_ECANCELED;
	return s->ended ? SSH_OUTPUT_LAST : 0;
}

void job_stream_end(struct job_stream *s)
{
	release(s);
}
