#include "banned.h"

#include "fleet/text.h"

/* How many bytes a character has that begins with first; 0: none begins so. */
static size_t length(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first < 0xc2) /* goes on with another one, or is longer than it need be */
		return 0;
	if (first < 0xe0)
		return 2;
	if (first < 0xf0)
		return 3;
	return first < 0xf5 ? 4 : 0;
}

/* The second byte also tells what is too long, a surrogate, or past the last character. */
static int goes_on(const unsigned char *s, size_t i)
{
	unsigned char least = 0x80, most = 0xbf;

	if (i == 1 && s[0] == 0xe0)
		least = 0xa0;
	else if (i == 1 && s[0] == 0xed)
		most = 0x9f;
	else if (i == 1 && s[0] == 0xf0)
		least = 0x90;
	else if (i == 1 && s[0] == 0xf4)
		most = 0x8f;
	return s[i] >= least && s[i] <= most;
}

/* Of a text that was cut off, the character that the cut went through is left out. */
static void mend(char *s, int is_cut)
{
	const unsigned char *in = (const unsigned char *)s;
	char *out = s;

	while (*in) {
		size_t whole = length(*in), n = 1;

		while (n < whole && goes_on(in, n))
			n++;
		if (n == whole) {
			memmove(out, in, n);
			out += n;
		} else if (!is_cut || in[n]) {
			*out++ = '?';
		}
		in += n;
	}
	*out = '\0';
}

void text_mend(char *s)
{
	mend(s, 0);
}

void text_vformat(char *out, size_t size, const char *format, va_list ap)
{
	int n;

	out[0] = '\0';
	n = vsnprintf(out, size, format, ap);
	mend(out, n < 0 || (size_t)n >= size);
}

void text_format(char *out, size_t size, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	text_vformat(out, size, format, ap);
	va_end(ap);
}
