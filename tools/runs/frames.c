#include "banned.h"

#include "runs/frames.h"

#include <awsq/buf.h>
#include <awsq/err.h>
#include <awsq/hash.h>
#include <awsq/num.h>

#include <string.h>

void frames_init(struct frames *f, const char *mark, const struct frames_sink *sink)
{
	*f = (struct frames){ .sink = sink };
	(void)snprintf(f->mark, sizeof(f->mark), "%s\n", mark);
}

int frames_begun(const struct frames *f)
{
	return f->mark[f->matched] == '\0';
}

/* One byte of what comes before the frames. A random mark does not come twice, not even half. */
static void look_for_mark(struct frames *f, char byte)
{
	if (byte == f->mark[f->matched])
		f->matched++;
	else
		f->matched = byte == f->mark[0];
}

/* Reads count numbers, each after a space; nothing else may be left. */
static int read_numbers(int64_t *out, int count, char *text)
{
	for (int i = 0; i < count; i++) {
		char *number = text + 1, *end;

		if (*text != ' ')
			return AWSQ_EPARSE;
		end = number + strcspn(number, " ");
		text = end;
		if (*end == ' ' && i + 1 < count) {
			*end = '\0';
			if (awsq_parse_int(&out[i], number, 0, INT64_MAX) != 0)
				return AWSQ_EPARSE;
			*end = ' ';
		} else if (awsq_parse_int(&out[i], number, 0, INT64_MAX) != 0) {
			return AWSQ_EPARSE;
		}
	}
	return *text == '\0' ? 0 : AWSQ_EPARSE;
}

/* The line that begins output. */
static int begin_output(struct frames *f, char kind)
{
	int64_t len;

	if (read_numbers(&len, 1, f->line + 1) != 0)
		return AWSQ_EPARSE;
	f->left = (uint64_t)len;
	f->is_stderr = kind == 'e' || kind == 'E';
	f->is_base64 = kind == 'O' || kind == 'E';
	return 0;
}

static int take_frame(struct frames *f)
{
	static const struct {
		const char *name;
		enum frame_kind kind;
		int numbers;
	} kinds[] = {
		{ "t", FRAME_BEAT, 0 },
		{ "s", FRAME_STARTED, 2 },
		{ "end", FRAME_END, 2 },
		{ "gone", FRAME_GONE, 0 },
		{ "more", FRAME_MORE, 0 },
		{ "late", FRAME_LATE, 1 },
		{ "none", FRAME_NONE, 0 },
	};
	size_t name_len = strcspn(f->line, " ");
	struct frame frame = { .text = "" };

	if (name_len == 1 && strchr("oeOE", f->line[0]))
		return begin_output(f, f->line[0]);
	if (strncmp(f->line, "no ", 3) == 0) {
		frame.kind = FRAME_REFUSED;
		frame.text = f->line + 3;
		return f->sink->frame(f->sink->arg, &frame);
	}
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strlen(kinds[i].name) != name_len ||
			memcmp(f->line, kinds[i].name, name_len) != 0)
			continue;
		frame.kind = kinds[i].kind;
		if (read_numbers(frame.number, kinds[i].numbers, f->line + name_len) != 0)
			return AWSQ_EPARSE;
		return f->sink->frame(f->sink->arg, &frame);
	}
	return AWSQ_EPARSE;
}

/* A line of base64, or the dot after the last. */
static int take_coded(struct frames *f)
{
	struct awsq_buf bytes = AWSQ_BUF_INIT(sizeof(f->line));
	int rc;

	if (strcmp(f->line, ".") == 0) {
		f->is_base64 = 0;
		return f->left == 0 ? 0 : AWSQ_EPARSE;
	}
	rc = awsq_base64_decode(&bytes, f->line, f->len);
	if (rc == 0 && bytes.len > f->left)
		rc = AWSQ_EPARSE;
	if (rc == 0 && bytes.len > 0) {
		f->left -= bytes.len;
		rc = f->sink->data(f->sink->arg, f->is_stderr, bytes.data, bytes.len);
	}
	awsq_buf_free(&bytes);
	return rc;
}

static int take_byte_of_line(struct frames *f, char byte)
{
	int rc;

	if (byte != '\n') {
		/* Only what an instance says of itself is so long: its end can do without. */
		if (f->len < sizeof(f->line) - 1)
			f->line[f->len++] = byte;
		return 0;
	}
	f->line[f->len] = '\0';
	rc = f->is_base64 ? take_coded(f) : take_frame(f);
	f->len = 0;
	return rc;
}

int frames_take(struct frames *f, const void *data, size_t len)
{
	const char *p = data, *end = p + len;

	while (p < end) {
		int rc = 0;

		if (!frames_begun(f)) {
			look_for_mark(f, *p++);
		} else if (f->left > 0 && !f->is_base64) {
			size_t n =
				(uint64_t)(end - p) < f->left ? (size_t)(end - p) : (size_t)f->left;

			f->left -= n;
			rc = f->sink->data(f->sink->arg, f->is_stderr, p, n);
			p += n;
		} else {
			rc = take_byte_of_line(f, *p++);
		}
		if (rc != 0)
			return rc;
	}
	return 0;
}
