/*
 * text.h: texts in arrays of fixed size that are whole in every character. What AWS and the user
 * write may be longer than the room for it, cut off by a format's precision, or no UTF-8 (RFC 3629)
 * at all; and JSON takes nothing else.
 */
#ifndef FLEET_TEXT_H
#define FLEET_TEXT_H

#include <stdarg.h>
#include <stddef.h>

#include <awsq/common.h>

/*
 * As snprintf, but what does not fit is cut off where a character ends, and what is no UTF-8 is
 * mended. size is at least 1. Not for what is sent to AWS: compare the result with size there.
 */
void text_format(char *out, size_t size, const char *format, ...) AWSQ_PRINTF(3, 4);
void text_vformat(char *out, size_t size, const char *format, va_list ap);

/* Puts a question mark in the place of each byte and part of a character that is no UTF-8. */
void text_mend(char *s);

#endif
