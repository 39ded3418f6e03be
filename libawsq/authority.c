#include "banned.h"

#include "authority.h"

#include <awsq/err.h>
#include <awsq/num.h>

#include <string.h>

static int is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* How much of the authority is the host's name, or its address in brackets. */
static size_t host_length(const char *text, size_t len)
{
	static const char hex[] = "0123456789abcdefABCDEF:.";
	size_t n = 0;

	if (text[0] == '[') {
		n = 1 + strspn(text + 1, hex);
		return n > 1 && n < len && text[n] == ']' ? n + 1 : 0;
	}
	while (n < len && (is_alnum(text[n]) || strchr("-._", text[n])))
		n++;
	return n;
}

/* Reads ":5000", giving 0 when there is none. */
static int read_port(int64_t *port, const char *text, size_t len)
{
	char digits[6];

	*port = 0;
	if (len == 0)
		return 0;
	if (text[0] != ':' || text[1] == '-' || len - 1 >= sizeof(digits))
		return AWSQ_EINVAL;
	memcpy(digits, text + 1, len - 1);
	digits[len - 1] = '\0';
	return awsq_parse_int(port, digits, 1, 65535);
}

int authority_parse(char *host, int64_t *port, const char *text, size_t len)
{
	size_t n = len > 0 ? host_length(text, len) : 0;

	if (n == 0 || n >= AUTHORITY_HOST_SIZE || read_port(port, text + n, len - n) != 0)
		return AWSQ_EINVAL;
	for (size_t i = 0; i < n; i++)
		host[i] = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] - 'A' + 'a') : text[i];
	host[n] = '\0';
	return 0;
}
