#include "banned.h"

#include "fleet/config_private.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/*
 * How many letters to add, drop or change to make one word of the other (Levenshtein's distance, a
 * row at a time); of long words only the beginnings are compared.
 */
static size_t distance(const char *a, const char *b)
{
	size_t row[33], la = strlen(a), lb = strlen(b);

	if (la >= COUNT(row))
		la = COUNT(row) - 1;
	if (lb >= COUNT(row))
		lb = COUNT(row) - 1;
	for (size_t j = 0; j <= lb; j++)
		row[j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			size_t best = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[lb];
}

void config_add_hint(struct awsq_buf *out, const char *word, const struct config_strings *names)
{
	size_t best = 2 + strlen(word) / 4; /* anything further off is no slip */
	const char *meant = NULL;

	for (size_t i = 0; i < names->n; i++) {
		size_t d = distance(word, names->items[i]);

		if (d < best) {
			best = d;
			meant = names->items[i];
		}
	}
	if (meant) {
		awsq_buf_addf(out, "did you mean '%s'?", meant);
		return;
	}
	for (size_t i = 0; i < names->n; i++)
		awsq_buf_addf(out, "%s'%s'", i > 0 ? ", " : "known here: ", names->items[i]);
}

void config_add_quoted(struct awsq_buf *out, const char *text)
{
	size_t len = strlen(text), shown = len;

	if (len > 60) {
		shown = 60;
		/* Not through the middle of a UTF-8 character. */
		while (shown > 0 && ((unsigned char)text[shown] & 0xC0) == 0x80)
			shown--;
	}
	awsq_buf_addc(out, '"');
	awsq_buf_add(out, text, shown);
	awsq_buf_adds(out, shown < len ? "...\"" : "\"");
}

int config_line_has(const char *text, unsigned number, const char *what)
{
	const char *found;

	for (; number > 1 && *text; number--) {
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	found = strstr(text, what);
	return found && found < text + strcspn(text, "\n");
}
