/*
 * sshkey.h: the key that instances are reached with.
 *
 * Reads PEM files (PKCS#1, PKCS#8, SEC 1: what EC2 hands out) and OpenSSH's own format
 * (openssh/PROTOCOL.key): RSA, ed25519 and ECDSA on the three NIST curves. Of a file with a
 * passphrase only the public half is read, which OpenSSH's format has in the open; PEM's has not,
 * and then it is taken from the file beside, PATH.pub. That may be all there is, too. With such a
 * key the user's ssh-agent signs.
 * A loaded key never changes, so threads may share one. Private parts are wiped on free.
 */
#ifndef SSH_SSHKEY_H
#define SSH_SSHKEY_H

#include <stddef.h>
#include <stdint.h>

#include <awsq/buf.h>
#include <awsq/err.h>

struct sshkey;

/* Room that is enough for any public key, as a blob or as a line, and for any signature. */
#define SSHKEY_MAX 16384

/*
 * Loads the key in the file at path; *out is for sshkey_free. Whether there is an agent is not
 * asked: the public half is enough for much. AWSQ_ENOTFOUND when there is no such file, AWSQ_EIO
 * when it cannot be read, AWSQ_EINVAL when it is not a regular file, when it is private, ours, and
 * others have access to it (as ssh has it), or when it has a passphrase and its public half is
 * nowhere, AWSQ_EPARSE when it is not a key or a damaged one, AWSQ_ENOMEM. err names the file.
 */
int sshkey_load(struct sshkey **out, const char *path, struct awsq_err *err);

void sshkey_free(struct sshkey *key);

/*
 * The key's type as SSH names it: "ssh-rsa", "ssh-ed25519", "ecdsa-sha2-nistp256", "-nistp384" or
 * "-nistp521". Static.
 */
const char *sshkey_type(const struct sshkey *key);

/* Whether EC2's ImportKeyPair takes such a key: RSA and ed25519, not ECDSA. */
int sshkey_is_importable(const struct sshkey *key);

/* Adds the public half to line as authorized_keys has it, "TYPE BASE64": no comment, no newline. */
int sshkey_public(struct awsq_buf *line, const struct sshkey *key);

/* Adds the public half to blob in SSH's wire form (RFC 4253, section 6.6). */
int sshkey_blob(struct awsq_buf *blob, const struct sshkey *key);

/* Adds the public half's fingerprint as OpenSSH writes it: "SHA256:" and base64 without padding. */
int sshkey_fingerprint(struct awsq_buf *out, const struct sshkey *key);

/* The same of any public key in SSH's wire form. */
int sshkey_print(struct awsq_buf *out, const void *blob, size_t len);

/* The signature algorithm that sshkey_sign uses: "rsa-sha2-512" for RSA, else the type. Static. */
const char *sshkey_algorithm(const struct sshkey *key);

/*
 * Whether sshkey_sign can do its work, as far as can be told without it: 0 at once with a private
 * half, else when the agent has the key. AWSQ_EINVAL when it is of no use (err says what to do),
 * AWSQ_ECANCELED. An agent that hangs costs some seconds.
 */
int sshkey_ready(const struct sshkey *key, int cancel_fd, struct awsq_err *err);

/*
 * Adds the signature of data to signature: the inner bytes, without the algorithm's name (RFC 8332,
 * RFC 8709; for ECDSA the two mpints of RFC 5656). deadline_ms and cancel_fd, as in ssh.h, are for
 * the agent, which gets 15 s at the most. AWSQ_EINVAL when it does not sign, AWSQ_ECANCELED,
 * AWSQ_ENOMEM when libcrypto cannot.
 */
int sshkey_sign(struct awsq_buf *signature, const struct sshkey *key, const void *data, size_t len,
	int64_t deadline_ms, int cancel_fd, struct awsq_err *err);

/*
 * A public key of another's: adds the wire form of that in an authorized_keys-style line to blob,
 * which has to be empty, and gives the type of one in wire form (static). AWSQ_EINVAL when it is of
 * a type that sshkey_type does not name, AWSQ_EPARSE when it is damaged or not a key, AWSQ_ENOMEM.
 */
int sshkey_public_blob(struct awsq_buf *blob, const char *line);
int sshkey_public_type(const char **type, const struct awsq_buf *blob);

/*
 * Whether two authorized_keys-style lines hold the same public key, whatever their comments and
 * spacing. A line that is not a key equals nothing.
 */
int sshkey_same_public(const char *a, const char *b);

#endif
