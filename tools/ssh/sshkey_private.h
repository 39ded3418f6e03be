/*
 * sshkey_private.h: what sshkey.c and sshkey_file.c share. Others use sshkey.h.
 */
#ifndef SSH_SSHKEY_PRIVATE_H
#define SSH_SSHKEY_PRIVATE_H

#include "ssh/sshkey.h"
#include "ssh/sshpair.h"

/* Why a private half cannot be read, so that the agent has to sign. */
enum sshkey_seal {
	SSHKEY_OPEN,       /* it can */
	SSHKEY_PASSPHRASE, /* the file is encrypted */
	SSHKEY_PUBLIC      /* there is only the public half */
};

struct sshkey {
	char *path; /* as it was given */
	enum sshkey_seal seal;
	struct sshpair *pair; /* NULL when sealed */
	struct awsq_buf blob; /* the public half */
	const char *type, *algorithm;
};

/* Fills key, whose path is set, from that file; as sshkey_load, but for the freeing. */
int sshkey_read(struct sshkey *key, struct awsq_err *err);

/* Adds the key of an authorized_keys-style line to blob; it is of the type that the line says. */
int sshkey_parse_public(struct awsq_buf *blob, const char *line);

#endif
