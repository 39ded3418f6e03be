/*
 * words.h: a line cut into words the way that a shell cuts it, without anything else of a shell.
 *
 * Source: Python's shlex.split(), by which botocore reads section headers and credential_process.
 */
#ifndef WORDS_H
#define WORDS_H

#include <awsq/buf.h>

/*
 * Takes the next word off the front of *at. In '' everything stands for itself, in "" a backslash
 * keeps its meaning before another one and before '"'; outside, it makes the character after it an
 * ordinary one. 1: there was a word, which may be ""; 0: there was none left; AWSQ_EPARSE: a quote
 * is not closed, or nothing follows a backslash. An error of word is for the caller to look at.
 */
int words_next(const char **at, struct awsq_buf *word);

#endif
