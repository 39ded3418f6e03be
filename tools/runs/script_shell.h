/*
 * script_shell.h: the parts of script.h's texts, in shell. What the variables stand for that
 * script.c sets before them is told there.
 */
#ifndef RUNS_SCRIPT_SHELL_H
#define RUNS_SCRIPT_SHELL_H

extern const char shell_common[]; /* functions for all of the others */
extern const char shell_super[];  /* the supervisor: id, and its settings as arguments */
extern const char shell_launch[];
extern const char shell_follow[];
extern const char shell_kill[];

#endif
