/*
 * log.h: where the library's remarks go. It prints nothing itself.
 */
#ifndef AWSQ_LOG_H
#define AWSQ_LOG_H

#include <awsq/common.h>

enum awsq_log_level {
	AWSQ_LOG_NONE,
	AWSQ_LOG_WARN, /* something the user should know though it went on */
	AWSQ_LOG_INFO, /* retries, waits */
	AWSQ_LOG_DEBUG /* every request and answer, without secrets */
};

struct awsq_log {
	enum awsq_log_level level; /* remarks up to this level */
	/* Is given the line, without its end, for the time of the call. NULL drops it. */
	void (*write)(void *arg, enum awsq_log_level level, const char *line);
	void *arg;
};

AWSQ_BEGIN_DECLS

/*
 * Formats a remark and hands it on as one line, without control characters, if log (may be NULL)
 * wants it.
 */
void awsq_log(const struct awsq_log *log, enum awsq_log_level level, const char *format, ...)
	AWSQ_PRINTF(3, 4);

AWSQ_END_DECLS

#endif
