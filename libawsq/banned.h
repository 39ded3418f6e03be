/*
 * banned.h: functions that do not compile here, and what to use in their place. Included first by
 * every .c file, before the system headers that these macros would otherwise break.
 */
#ifndef AWSQ_BANNED_H
#define AWSQ_BANNED_H

/* The headers that declare them come first, so that only our own uses are caught. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BANNED(function) sorry_##function##_is_a_banned_function

#undef strcpy
#define strcpy(a, b) BANNED(strcpy) /* awsq_buf_adds, or snprintf */
#undef strcat
#define strcat(a, b) BANNED(strcat) /* awsq_buf_adds */
#undef strncpy
#define strncpy(a, b, n) BANNED(strncpy) /* snprintf: always terminates */
#undef strncat
#define strncat(a, b, n) BANNED(strncat)
#undef sprintf
#define sprintf(...) BANNED(sprintf) /* snprintf, or awsq_buf_addf */
#undef vsprintf
#define vsprintf(...) BANNED(vsprintf)
#undef strtok
#define strtok(a, b) BANNED(strtok) /* strchr, strcspn */
#undef gmtime
#define gmtime(t) BANNED(gmtime) /* gmtime_r */
#undef localtime
#define localtime(t) BANNED(localtime) /* localtime_r */
#undef ctime
#define ctime(t) BANNED(ctime)
#undef asctime
#define asctime(t) BANNED(asctime)
#undef atoi
#define atoi(s) BANNED(atoi) /* awsq_parse_int */
#undef atol
#define atol(s) BANNED(atol)
#undef atof
#define atof(s) BANNED(atof)

#endif
