#include "banned.h"

#include "cli/stream.h"

#include <awsq/err.h>

/* A longer line is broken here. */
#define MAX_LINE_BYTES (64 * 1024)

void stream_open(struct stream *s, struct screen *screen, const char *region, int several)
{
	memset(s, 0, sizeof(*s));
	s->screen = screen;
	s->patience.cancel_fd = -1;
	for (int i = 0; i < 2; i++)
		s->pens[i] = screen_pen(screen, i);
	if (several)
		(void)snprintf(s->prefix, sizeof(s->prefix), "%s", region);
	awsq_buf_init(&s->line[0], MAX_LINE_BYTES);
	awsq_buf_init(&s->line[1], MAX_LINE_BYTES);
}

static int put(struct stream *s, int to_stderr, const char *data, size_t len)
{
	if (!s->pens[to_stderr])
		return AWSQ_ENOMEM;
	return screen_put(s->screen, to_stderr, s->pens[to_stderr], data, len, s->patience.until_ms,
		s->patience.cancel_fd);
}

/* Prints the line begun, with its end. */
static int flush(struct stream *s, int to_stderr)
{
	struct awsq_buf *line = &s->line[to_stderr];
	int rc;

	awsq_buf_addc(line, '\n');
	rc = put(s, to_stderr, awsq_buf_str(line), line->len);
	awsq_buf_reset(line);
	return rc;
}

static int write_lines(struct stream *s, int to_stderr, const char *data, size_t len)
{
	struct awsq_buf *line = &s->line[to_stderr];
	int rc = 0;

	while (rc == 0 && len > 0) {
		const char *end = memchr(data, '\n', len);
		size_t n = end ? (size_t)(end - data) : len, room;

		if (line->len == 0)
			awsq_buf_addf(line, "%s: ", s->prefix);
		room = MAX_LINE_BYTES - 1 - line->len;
		awsq_buf_add(line, data, n < room ? n : room);
		if (n > room || end)
			rc = flush(s, to_stderr);
		n = n < room ? n : room;
		data += n;
		len -= n;
		if (len > 0 && *data == '\n' && end == data) {
			data++;
			len--;
		}
	}
	return rc;
}

static int on_write(void *arg, int is_stderr, const void *data, size_t len)
{
	struct stream *s = arg;

	if (s->prefix[0])
		return write_lines(s, is_stderr ? 1 : 0, data, len);
	return put(s, is_stderr ? 1 : 0, data, len);
}

struct ssh_output stream_output(struct stream *s)
{
	return (struct ssh_output){ on_write, s, &s->patience };
}

int stream_branch(struct stream *s, struct ssh_output *out, const char *region,
	const char *instance_id)
{
	struct stream *branch = calloc(1, sizeof(*branch));

	if (!branch)
		return AWSQ_ENOMEM;
	stream_open(branch, s->screen, region, 1);
	(void)snprintf(branch->prefix, sizeof(branch->prefix), "%s/%s", region, instance_id);
	branch->next = s->branches;
	s->branches = branch;
	*out = stream_output(branch);
	return 0;
}

void stream_close(struct stream *s)
{
	while (s->branches) {
		struct stream *branch = s->branches;

		s->branches = branch->next;
		stream_close(branch);
		free(branch);
	}
	/* Nothing is to wait for a reader any more. */
	s->patience.until_ms = 1;
	for (int i = 0; i < 2; i++) {
		if (s->line[i].len > 0)
			(void)flush(s, i);
		awsq_buf_free(&s->line[i]);
		outlet_give_back(s->pens[i]);
	}
}
