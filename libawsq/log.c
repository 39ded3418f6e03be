#include "banned.h"

#include <awsq/log.h>

#include <stdarg.h>
#include <stdio.h>

void awsq_log(const struct awsq_log *log, enum awsq_log_level level, const char *format, ...)
{
	char line[1024];
	va_list ap;

	if (!log || !log->write || level > log->level)
		return;
	va_start(ap, format);
	(void)vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	for (char *c = line; *c; c++) {
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = ' ';
	}
	log->write(log->arg, level, line);
}
