/*
 * sshagent.h: signatures by the user's ssh-agent, the one at SSH_AUTH_SOCK, for keys whose private
 * half cannot be read here (draft-miller-ssh-agent; RFC 8332 for its RSA flags). A connection each
 * time, so that threads do not share one.
 *
 * Deadlines and cancel_fd are as in ssh.h; an agent that says nothing is given up well before a
 * deadline that is far off. Errors: AWSQ_ENOTFOUND when there is no agent or it lacks the key,
 * AWSQ_ENET when it hangs up, AWSQ_EPARSE when it answers nonsense, AWSQ_ECREDENTIALS when it
 * refuses, AWSQ_ETIMEDOUT, AWSQ_ECANCELED, AWSQ_ENOMEM. err then has the middle of a sentence:
 * "the ssh-agent at '/tmp/x' does not have it".
 */
#ifndef SSH_SSHAGENT_H
#define SSH_SSHAGENT_H

#include <stddef.h>
#include <stdint.h>

#include <awsq/buf.h>
#include <awsq/err.h>

/* 0 when the agent has the key, of which blob is the public half in SSH's wire form. */
int sshagent_find(const struct awsq_buf *blob, int64_t deadline_ms, int cancel_fd,
	struct awsq_err *err);

/* Adds a signature of data as sshkey_sign does. algorithm is sshkey_algorithm's. */
int sshagent_sign(struct awsq_buf *signature, const struct awsq_buf *blob, const char *algorithm,
	const void *data, size_t len, int64_t deadline_ms, int cancel_fd, struct awsq_err *err);

#endif
