#include "banned.h"

#include "cli/wrap.h"

#define LEAST 10 /* columns for text, where the indentation leaves fewer */

/* The bytes that continue a character do not count. */
static int continues(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

size_t wrap_columns(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += !continues(*text);
	return n;
}

size_t wrap_bytes(const char *text, size_t columns)
{
	size_t n = 0;

	for (; columns > 0 && text[n]; columns--) {
		do
			n++;
		while (continues(text[n]));
	}
	return n;
}

size_t wrap_line(const char *text, size_t columns)
{
	size_t newline = strcspn(text, "\n"), n = columns > 0 ? wrap_bytes(text, columns) : newline;
	size_t blank = n;

	if (newline <= n)
		return newline;
	if (text[n] == '\0' || text[n] == ' ')
		return n;
	while (blank > 0 && text[blank - 1] != ' ')
		blank--;
	while (blank > 0 && text[blank - 1] == ' ')
		blank--;
	/* A word that is longer than the line is broken. */
	return blank > 0 ? blank : n;
}

const char *wrap_skip(const char *text, size_t bytes)
{
	text += bytes;
	if (*text == '\n')
		return text + 1;
	return text + strspn(text, " ");
}

void wrap_add(struct awsq_buf *out, const char *text, size_t columns, size_t used, size_t indent)
{
	for (;;) {
		size_t room = columns > used + LEAST ? columns - used : LEAST;
		size_t bytes = wrap_line(text, columns > 0 ? room : 0);

		awsq_buf_add(out, text, bytes);
		awsq_buf_addc(out, '\n');
		text = wrap_skip(text, bytes);
		if (!*text)
			return;
		for (used = 0; used < indent; used++)
			awsq_buf_addc(out, ' ');
	}
}
