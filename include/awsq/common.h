/*
 * common.h: what every public header of libawsq begins and ends with.
 *
 * AWSQ_BEGIN_DECLS gives C linkage under C++ and default visibility: the library is built with
 * -fvisibility=hidden, so a function is exported exactly when a header in include/awsq declares it.
 */
#ifndef AWSQ_COMMON_H
#define AWSQ_COMMON_H

#ifdef __cplusplus
#define AWSQ_BEGIN_DECLS \
	extern "C" {     \
	_Pragma("GCC visibility push(default)")
#define AWSQ_END_DECLS                \
	_Pragma("GCC visibility pop") \
	}
#else
#define AWSQ_BEGIN_DECLS _Pragma("GCC visibility push(default)")
#define AWSQ_END_DECLS   _Pragma("GCC visibility pop")
#endif

/* Lets the compiler check a printf format: f is the format's position, a the first argument's. */
#define AWSQ_PRINTF(f, a) __attribute__((format(printf, f, a)))

#endif
