/*
 * num.h: the one place where text becomes a number.
 */
#ifndef AWSQ_NUM_H
#define AWSQ_NUM_H

#include <stdint.h>

#include <awsq/common.h>

AWSQ_BEGIN_DECLS

/*
 * Reads a decimal integer (an optional '-', then digits and nothing else) of at least min and at
 * most max. AWSQ_EPARSE when the text is not one, AWSQ_EINVAL when it is out of range; *out then
 * stays as it was.
 */
int awsq_parse_int(int64_t *out, const char *text, int64_t min, int64_t max);

/*
 * Reads a length of time: digits with a unit of s, m, h or d, or several, largest first ("90s",
 * "1h30m"). Seconds. AWSQ_EPARSE; AWSQ_EINVAL past max.
 */
int awsq_parse_duration(int64_t *seconds, const char *text, int64_t max);

AWSQ_END_DECLS

#endif
