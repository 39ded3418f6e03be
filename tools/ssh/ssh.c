#include "banned.h"

#include "ssh/knownhosts.h"
#include "ssh/ssh.h"
#include "ssh/ssh_net.h"
#include "ssh/ssh_session.h"
#include "ssh/sshkey.h"
#include "ssh/sshwire.h"

#include <awsq/buf.h>

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* In the order of preference where no key is on record. */
static const char *const host_key_types[] = { "ssh-ed25519", "ecdsa-sha2-nistp256",
	"ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "rsa-sha2-512", "rsa-sha2-256", "ssh-rsa" };

#define HOST_KEY_TYPES (sizeof(host_key_types) / sizeof(host_key_types[0]))

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int init_code;

static void init_library(void)
{
	init_code = libssh2_init(0);
}

int ssh_wait(struct ssh *s, int64_t deadline_ms, int cancel_fd)
{
	int directions = libssh2_session_block_directions(s->session);
	short events = 0;

	if (directions & LIBSSH2_SESSION_BLOCK_INBOUND || directions == 0)
		events |= POLLIN;
	if (directions & LIBSSH2_SESSION_BLOCK_OUTBOUND)
		events |= POLLOUT;
	return ssh_net_wait(s->fd, events, deadline_ms, cancel_fd);
}

int ssh_fail(struct ssh *s, int code, const char *what, struct awsq_err *err)
{
	char *reason = NULL;

	if (code == AWSQ_ECANCELED)
		return awsq_err_set(err, code, "canceled while %s '%s'", what, s->host);
	if (code == AWSQ_ETIMEDOUT)
		return awsq_err_set(err, code, "timed out while %s '%s'", what, s->host);
	(void)libssh2_session_last_error(s->session, &reason, NULL, 0);
	return awsq_err_set(err, AWSQ_ENET, "the connection broke while %s '%s': %s", what, s->host,
		reason && *reason ? reason : "unknown error");
}

/* ---- The host's key */

/* Whether a key that signs by this method may be the one of a list of types, each with a comma. */
static int is_listed(const char *method, const char *types)
{
	char type[32];

	/* An RSA key is kept as ssh-rsa whatever it signs with. */
	(void)snprintf(type, sizeof(type), "%s,",
		strncmp(method, "rsa-", 4) == 0 ? "ssh-rsa" : method);
	return strstr(types, type) != NULL;
}

/*
 * Adds the methods for types on record, or for the others. Those that libssh2 lacks are left out
 * here, since 1.10 corrupts a list that it has to leave some out of.
 */
static void add_methods(struct awsq_buf *methods, const char *types, int on_record,
	const char **supported, int count)
{
	for (size_t i = 0; i < HOST_KEY_TYPES; i++) {
		if (is_listed(host_key_types[i], types) != on_record)
			continue;
		for (int k = 0; k < count; k++) {
			if (strcmp(supported[k], host_key_types[i]) != 0)
				continue;
			awsq_buf_addf(methods, "%s%s", methods->len > 0 ? "," : "",
				host_key_types[i]);
			break;
		}
	}
}

/*
 * The types on record first: libssh2 would otherwise settle on its own favourite, which a host that
 * has several keys would answer with one that we do not have.
 */
static int prefer_known(struct ssh *s, const struct ssh_target *target, struct awsq_err *err)
{
	struct awsq_buf types = AWSQ_BUF_INIT(65536), methods = AWSQ_BUF_INIT(1024);
	const char **supported = NULL;
	int count, rc;

	rc = knownhosts_types(&types, target->known_hosts, target->host_id, err);
	if (rc != 0)
		goto out;
	count = libssh2_session_supported_algs(s->session, LIBSSH2_METHOD_HOSTKEY, &supported);
	add_methods(&methods, awsq_buf_str(&types), 1, supported, count);
	add_methods(&methods, awsq_buf_str(&types), 0, supported, count);
	if (count <= 0 || libssh2_session_method_pref(s->session, LIBSSH2_METHOD_HOSTKEY,
				  awsq_buf_str(&methods)) != 0)
		rc = awsq_err_set(err, AWSQ_ENOMEM, "cannot set up SSH to '%s'", s->host);
	if (supported)
		libssh2_free(s->session, supported);
out:
	awsq_buf_free(&types);
	awsq_buf_free(&methods);
	return rc;
}

static const char *host_key(struct ssh *s, size_t *len)
{
	int type;

	return libssh2_session_hostkey(s->session, len, &type);
}

/* Whether a host of which no key is on record may be trusted at first sight. */
static int judge_stranger(const struct ssh_target *target, const char *key, size_t len,
	struct awsq_err *err)
{
	struct awsq_buf print = AWSQ_BUF_INIT(128);

	if (target->trust == SSH_TRUST_FIRST)
		return AWSQ_ENOTFOUND;
	(void)sshkey_print(&print, key, len);
	if (target->trust == SSH_TRUST_CONSOLE)
		(void)awsq_err_set(err, AWSQ_EINVAL,
			"will not trust '%s' at '%s', whose host key is %s: no key of it has been "
			"taken from its console",
			target->host_id, target->host, awsq_buf_str(&print));
	else
		(void)awsq_err_set(err, AWSQ_EINVAL,
			"will not trust '%s' at '%s', whose host key is %s: none of its keys is on "
			"record, and host_key is \"strict\"; put its line into '%s' yourself, as "
			"ssh-keyscan prints it, but with '%s' as the host's name, or take it from "
			"the console with host_key = \"console\"",
			target->host_id, target->host, awsq_buf_str(&print), target->known_hosts,
			target->host_id);
	awsq_buf_free(&print);
	return AWSQ_EINVAL;
}

/* 0 or AWSQ_ENOTFOUND: the key is not refused. */
static int check_host(struct ssh *s, const struct ssh_target *target, struct awsq_err *err)
{
	size_t len = 0;
	const char *key = host_key(s, &len);
	int rc;

	if (!key)
		return ssh_fail(s, AWSQ_ENET, "asking for the host key of", err);
	rc = knownhosts_check(target->known_hosts, target->host_id, key, len, err);
	return rc == AWSQ_ENOTFOUND ? judge_stranger(target, key, len, err) : rc;
}

static int trust_host(struct ssh *s, const struct ssh_target *target, struct awsq_err *err)
{
	struct awsq_buf print = AWSQ_BUF_INIT(128);
	size_t len = 0;
	const char *key = host_key(s, &len);
	int rc;

	rc = knownhosts_add(target->known_hosts, target->host_id,
		&(struct sshwire){ (const uint8_t *)key, len }, 1, err);
	if (rc == 0 && sshkey_print(&print, key, len) == 0)
		awsq_log(target->log, AWSQ_LOG_INFO,
			"first connection to '%s': its host key %s is trusted from now on",
			target->host_id, awsq_buf_str(&print));
	awsq_buf_free(&print);
	return rc;
}

/* ---- Setting up */

static int handshake(struct ssh *s, int64_t deadline_ms, int cancel_fd, struct awsq_err *err)
{
	int rc, waited;

	SSH_REPEAT(rc, waited, s, deadline_ms, cancel_fd,
		libssh2_session_handshake(s->session, s->fd));
	if (rc == 0)
		return 0;
	/* libssh2 has one code for a broken link and for having no algorithm in common. */
	if (waited == 0 && rc == LIBSSH2_ERROR_KEX_FAILURE && !ssh_net_is_broken(s->fd))
		return awsq_err_set(err, AWSQ_EINVAL,
			"cannot agree with '%s' on how to encrypt: it lacks what libssh2 %s offers "
			"(a "
			"host with nothing but an RSA host key needs libssh2 1.11)",
			s->host, libssh2_version(0));
	return ssh_fail(s, waited, "setting up SSH to", err);
}

/* What a signature needs, and why there is none. */
struct signing {
	const struct sshkey *key;
	int64_t deadline_ms;
	int cancel_fd;
	struct awsq_err *err;
	int rc;
};

/* libssh2 asks for the signature here. It frees *signature with free, its default. */
static int on_sign(LIBSSH2_SESSION *session, unsigned char **signature, size_t *len,
	const unsigned char *data, size_t data_len, void **abstract)
{
	struct signing *how = *(struct signing **)abstract;
	struct awsq_buf out = AWSQ_BUF_INIT(SSHKEY_MAX);

	(void)session;
	how->rc = sshkey_sign(&out, how->key, data, data_len, how->deadline_ms, how->cancel_fd,
		how->err);
	if (how->rc != 0) {
		awsq_buf_free(&out);
		return -1;
	}
	*len = out.len;
	*signature = (unsigned char *)awsq_buf_take(&out);
	return *signature ? 0 : -1;
}

/*
 * The public key under the name of its signature algorithm: libssh2 takes the method's name from
 * the blob, and 1.10 would sign ssh-rsa with SHA-1, which OpenSSH refuses since 8.8. OpenSSH knows
 * an RSA key by the name rsa-sha2-512 as well.
 */
static int method_blob(struct awsq_buf *out, const struct sshkey *key)
{
	struct awsq_buf blob = AWSQ_BUF_INIT(SSHKEY_MAX);
	struct sshwire w, type;
	int rc;

	rc = sshkey_blob(&blob, key);
	w = (struct sshwire){ (const uint8_t *)awsq_buf_str(&blob), blob.len };
	if (rc == 0)
		rc = sshwire_get_string(&type, &w);
	if (rc == 0) {
		sshwire_add_string(out, sshkey_algorithm(key), strlen(sshkey_algorithm(key)));
		awsq_buf_add(out, w.data, w.len);
		rc = awsq_buf_error(out);
	}
	awsq_buf_free(&blob);
	return rc;
}

static int authenticate(struct ssh *s, const struct ssh_target *target, int64_t deadline_ms,
	int cancel_fd, struct awsq_err *err)
{
	struct awsq_buf blob = AWSQ_BUF_INIT(SSHKEY_MAX);
	const struct sshkey *key = target->key;
	struct signing how = { key, deadline_ms, cancel_fd, err, 0 }, *abstract = &how;
	int rc, waited = 0;

	rc = method_blob(&blob, key);
	if (rc != 0) {
		awsq_buf_free(&blob);
		return awsq_err_set(err, rc, "cannot use the key: %s", awsq_strerror(rc));
	}
	SSH_REPEAT(rc, waited, s, deadline_ms, cancel_fd,
		libssh2_userauth_publickey(s->session, target->user,
			(const unsigned char *)blob.data, blob.len, on_sign, (void **)&abstract));
	awsq_buf_free(&blob);
	if (rc == 0 || how.rc != 0)
		return how.rc;
	if (waited == 0 &&
		(rc == LIBSSH2_ERROR_AUTHENTICATION_FAILED ||
			(rc == LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED && !ssh_net_is_broken(s->fd))))
		return awsq_err_set(err, AWSQ_ECREDENTIALS,
			"'%s' does not let '%s' in with the %s key given: check the image's user "
			"name "
			"and the key the instance was made with",
			s->host, target->user, sshkey_type(key));
	return ssh_fail(s, waited, "authenticating to", err);
}

static int open_session(struct ssh *s, const struct ssh_target *target, int64_t deadline_ms,
	int cancel_fd, struct awsq_err *err)
{
	int rc, known;

	(void)pthread_once(&once, init_library);
	s->host = strdup(target->host);
	s->session = init_code == 0 ? libssh2_session_init() : NULL;
	if (!s->host || !s->session)
		return awsq_err_set(err, AWSQ_ENOMEM, "cannot set up SSH: out of memory");
	libssh2_session_set_blocking(s->session, 0);
	rc = prefer_known(s, target, err);
	if (rc == 0)
		rc = ssh_net_connect(&s->fd, target->host, target->port, deadline_ms, cancel_fd,
			err);
	if (rc == 0)
		rc = handshake(s, deadline_ms, cancel_fd, err);
	if (rc != 0)
		return rc;
	known = check_host(s, target, err);
	if (known != 0 && known != AWSQ_ENOTFOUND)
		return known;
	rc = authenticate(s, target, deadline_ms, cancel_fd, err);
	/* Only now, since a stranger at a reused address would not have taken our key. */
	if (rc == 0 && known == AWSQ_ENOTFOUND)
		rc = trust_host(s, target, err);
	return rc;
}

int ssh_open(struct ssh **out, const struct ssh_target *target, int64_t deadline_ms, int cancel_fd,
	struct awsq_err *err)
{
	struct ssh *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return awsq_err_set(err, AWSQ_ENOMEM, "cannot set up SSH: out of memory");
	s->fd = -1;
	rc = open_session(s, target, deadline_ms, cancel_fd, err);
	if (rc != 0) {
		ssh_close(s);
		return rc;
	}
	*out = s;
	return 0;
}

void ssh_close(struct ssh *s)
{
	if (!s)
		return;
	if (s->session && s->fd >= 0)
		(void)libssh2_session_disconnect(s->session, "done");
	/* With the socket shut, freeing has nothing left to wait for; it ends after a few rounds.
	 */
	if (s->fd >= 0)
		(void)shutdown(s->fd, SHUT_RDWR);
	for (int i = 0; s->session && i < 100; i++) {
		if (libssh2_session_free(s->session) != LIBSSH2_ERROR_EAGAIN)
			break;
	}
	if (s->fd >= 0)
		(void)close(s->fd);
	free(s->host);
	free(s);
}
