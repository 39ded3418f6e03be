/*
 * console_keys.h: the host keys in what an instance wrote to its serial console. Pure.
 *
 * At an instance's first boot cloud-init writes its keys there (its helper
 * write-ssh-key-fingerprints): a block of fingerprints, then one of keys, each between lines that
 * say so.
 */
#ifndef FLEET_CONSOLE_KEYS_H
#define FLEET_CONSOLE_KEYS_H

#include <stddef.h>

#include <awsq/buf.h>

#define CONSOLE_KEYS_MAX 8

struct console_keys {
	struct awsq_buf keys[CONSOLE_KEYS_MAX]; /* in SSH's wire form */
	size_t n;
	int booted; /* cloud-init has said that it is done: none will follow that is not there */
};

/*
 * Fills *out, which is for console_keys_free, from len bytes of a console, whatever they are. Lines
 * may have a time and cloud-init's name in front, and end in CR LF. A line that anything else has
 * written counts for nothing, though it has such a block's words in it: what a stranger sends may
 * come to be logged. The first whole block of keys counts; of it, keys of types that we speak,
 * undamaged, and not of another fingerprint than the block of fingerprints has for their type.
 * AWSQ_ENOMEM.
 */
int console_keys_read(struct console_keys *out, const char *text, size_t len);

void console_keys_free(struct console_keys *keys);

#endif
