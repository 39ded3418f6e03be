#include "banned.h"

#include <awsq/err.h>
#include <awsq/num.h>

#include <stddef.h>
#include <string.h>

int awsq_parse_int(int64_t *out, const char *text, int64_t min, int64_t max)
{
	int negative = *text == '-';
	int64_t value = 0;

	text += negative;
	if (*text == '\0')
		return AWSQ_EPARSE;
	if (text[strspn(text, "0123456789")] != '\0')
		return AWSQ_EPARSE;
	/* Counted below zero, where there is room for one more than above. */
	for (; *text; text++) {
		int digit = *text - '0';

		if (value < (INT64_MIN + digit) / 10)
			return AWSQ_EINVAL;
		value = value * 10 - digit;
	}
	if (!negative && value == INT64_MIN)
		return AWSQ_EINVAL;
	if (!negative)
		value = -value;
	if (value < min || value > max)
		return AWSQ_EINVAL;
	*out = value;
	return 0;
}

int awsq_parse_duration(int64_t *seconds, const char *text, int64_t max)
{
	static const char units[] = "dhms";
	static const int64_t length[] = { 86400, 3600, 60, 1 };
	size_t next = 0;
	int64_t total = 0;

	if (*text == '\0')
		return AWSQ_EPARSE;
	while (*text) {
		int64_t n = 0;
		const char *unit;
		size_t which;

		if (*text < '0' || *text > '9')
			return AWSQ_EPARSE;
		for (; *text >= '0' && *text <= '9'; text++) {
			n = n * 10 + (*text - '0');
			if (n > INT32_MAX)
				return AWSQ_EINVAL;
		}
		unit = *text ? strchr(units + next, *text) : NULL;
		if (!unit)
			return AWSQ_EPARSE;
		which = (size_t)(unit - units);
		total += n * length[which];
		if (total > max)
			return AWSQ_EINVAL;
		next = which + 1;
		text++;
	}
	*seconds = total;
	return 0;
}
