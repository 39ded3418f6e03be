#include "banned.h"

#include "words.h"

#include <awsq/err.h>

static const char blanks[] = " \t\r\n";

int words_next(const char **at, struct awsq_buf *word)
{
	const char *p = *at + strspn(*at, blanks);
	char quote = '\0';

	awsq_buf_reset(word);
	*at = p;
	if (*p == '\0')
		return 0;
	for (; *p && (quote || !strchr(blanks, *p)); p++) {
		if (!quote && (*p == '"' || *p == '\'')) {
			quote = *p;
		} else if (quote && *p == quote) {
			quote = '\0';
		} else if (*p == '\\' && quote != '\'' && p[1] &&
			   (!quote || p[1] == '\\' || p[1] == '"')) {
			awsq_buf_addc(word, *++p);
		} else if (*p == '\\' && !quote) {
			return AWSQ_EPARSE;
		} else {
			awsq_buf_addc(word, *p);
		}
	}
	*at = p;
	return quote ? AWSQ_EPARSE : 1;
}
