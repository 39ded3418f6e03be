#include "banned.h"

#include "ssh/ssh_net.h"
#include "ssh/sshagent.h"
#include "ssh/sshwire.h"

#include <awsq/clock.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Message numbers and flags (draft-miller-ssh-agent, section 6). */
enum {
	FAILURE = 5,
	REQUEST_IDENTITIES = 11,
	IDENTITIES_ANSWER = 12,
	SIGN_REQUEST = 13,
	SIGN_RESPONSE = 14
};
#define FLAG_RSA_SHA2_512 4

#define FIND_MS    5000
#define SIGN_MS    15000 /* it may ask its user first */
#define RETRY_MS   50
#define ANSWER_MAX ((size_t)256 * 1024) /* as in OpenSSH */

struct agent {
	const char *path;
	int fd;
	int64_t deadline_ms;
	int cancel_fd;
	struct awsq_err *err;
};

static int unreachable(const struct agent *a, int code, const char *why)
{
	return awsq_err_set(a->err, code, "the ssh-agent at '%s' cannot be reached: %s", a->path,
		why);
}

/* ---- Connecting, and messages either way */

/* After a wait that did not end well. */
static int waited(const struct agent *a, int code)
{
	if (code == AWSQ_ECANCELED)
		return awsq_err_set(a->err, code, "asking the ssh-agent was canceled");
	return awsq_err_set(a->err, code, "the ssh-agent at '%s' does not answer", a->path);
}

/* A queue that is full, of an agent that hangs, is no error to the kernel: it says to try again. */
static int try_connect(const struct agent *a, const struct sockaddr_un *address)
{
	int rc;

	while (connect(a->fd, (const struct sockaddr *)address, sizeof(*address)) != 0) {
		if (errno != EAGAIN && errno != EINTR)
			return unreachable(a, AWSQ_ENOTFOUND, strerror(errno));
		rc = ssh_net_check(a->deadline_ms, a->cancel_fd);
		if (rc == 0)
			rc = awsq_sleep_ms(RETRY_MS, a->cancel_fd);
		if (rc != 0)
			return waited(a, rc);
	}
	return 0;
}

static int open_agent(struct agent *a)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	a->path = getenv("SSH_AUTH_SOCK");
	if (!a->path || !*a->path)
		return awsq_err_set(a->err, AWSQ_ENOTFOUND,
			"there is no ssh-agent (SSH_AUTH_SOCK is not set)");
	if (strlen(a->path) >= sizeof(address.sun_path))
		return unreachable(a, AWSQ_ENOTFOUND, "the path is too long for a socket");
	memcpy(address.sun_path, a->path, strlen(a->path));
	a->fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (a->fd < 0 || fcntl(a->fd, F_SETFD, FD_CLOEXEC) != 0 ||
		fcntl(a->fd, F_SETFL, O_NONBLOCK) != 0)
		return unreachable(a, AWSQ_ENET, strerror(errno));
	return try_connect(a, &address);
}

/* Sends len bytes, or takes as many in. */
static int transfer(const struct agent *a, int sending, char *data, size_t len)
{
	while (len > 0) {
		ssize_t n =
			sending ? send(a->fd, data, len, MSG_NOSIGNAL) : recv(a->fd, data, len, 0);
		int rc;

		if (n > 0) {
			len -= (size_t)n;
			data += n;
			continue;
		}
		if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
			return unreachable(a, AWSQ_ENET, n == 0 ? "it hung up" : strerror(errno));
		rc = ssh_net_wait(a->fd, sending ? POLLOUT : POLLIN, a->deadline_ms, a->cancel_fd);
		if (rc != 0)
			return waited(a, rc);
	}
	return 0;
}

static int nonsense(const struct agent *a)
{
	return awsq_err_set(a->err, AWSQ_EPARSE,
		"what answers at '%s' (SSH_AUTH_SOCK) is not an ssh-agent", a->path);
}

/* Takes in a message into answer: its number, and what follows that. */
static int receive(const struct agent *a, int *type, struct awsq_buf *answer)
{
	char header[5], chunk[4096];
	struct sshwire w = { (const uint8_t *)header, 4 };
	uint32_t left;
	int rc = transfer(a, 0, header, sizeof(header));

	if (rc != 0)
		return rc;
	if (sshwire_get_u32(&left, &w) != 0 || left < 1 || left > ANSWER_MAX)
		return nonsense(a);
	*type = (uint8_t)header[4];
	for (left--; left > 0;) {
		uint32_t n = left < sizeof(chunk) ? left : (uint32_t)sizeof(chunk);

		rc = transfer(a, 0, chunk, n);
		if (rc != 0)
			return rc;
		awsq_buf_add(answer, chunk, n);
		left -= n;
	}
	return 0;
}

/* Sends a request and takes the answer, whose number has to be as expected, or FAILURE. */
static int ask(struct agent *a, const struct awsq_buf *request, int expected,
	struct awsq_buf *answer)
{
	struct awsq_buf message = AWSQ_BUF_INIT(ANSWER_MAX);
	int type = 0, rc;

	sshwire_add_string(&message, request->data, request->len);
	rc = awsq_buf_error(request) != 0 ? awsq_buf_error(request) : awsq_buf_error(&message);
	if (rc != 0)
		rc = awsq_err_set(a->err, rc, "the ssh-agent could not be asked: %s",
			awsq_strerror(rc));
	else
		rc = open_agent(a);
	if (rc == 0)
		rc = transfer(a, 1, message.data, message.len);
	if (rc == 0)
		rc = receive(a, &type, answer);
	if (rc == 0 && awsq_buf_error(answer) != 0)
		rc = awsq_err_set(a->err, AWSQ_ENOMEM, "out of memory");
	if (rc == 0 && type == FAILURE)
		rc = awsq_err_set(a->err, AWSQ_ECREDENTIALS,
			"the ssh-agent at '%s' refuses: it may not have the key, be locked, or "
			"have asked its user",
			a->path);
	else if (rc == 0 && type != expected)
		rc = nonsense(a);
	awsq_buf_free(&message);
	if (a->fd >= 0)
		(void)close(a->fd);
	a->fd = -1;
	return rc;
}

static struct agent agent_of(int64_t limit_ms, int64_t deadline_ms, int cancel_fd,
	struct awsq_err *err)
{
	int64_t end = awsq_mono_ms() + limit_ms;

	return (struct agent){ "", -1, end < deadline_ms ? end : deadline_ms, cancel_fd, err };
}

/* ---- The two questions */

int sshagent_find(const struct awsq_buf *blob, int64_t deadline_ms, int cancel_fd,
	struct awsq_err *err)
{
	struct awsq_buf request = AWSQ_BUF_INIT(16), answer = AWSQ_BUF_INIT(ANSWER_MAX);
	struct agent a = agent_of(FIND_MS, deadline_ms, cancel_fd, err);
	struct sshwire w, key, comment;
	uint32_t n = 0;
	int rc, found = 0;

	awsq_buf_addc(&request, REQUEST_IDENTITIES);
	rc = ask(&a, &request, IDENTITIES_ANSWER, &answer);
	w = (struct sshwire){ (const uint8_t *)awsq_buf_str(&answer), answer.len };
	if (rc == 0 && sshwire_get_u32(&n, &w) != 0)
		rc = nonsense(&a);
	for (uint32_t i = 0; i < n && rc == 0 && !found; i++) {
		if (sshwire_get_string(&key, &w) != 0 || sshwire_get_string(&comment, &w) != 0)
			rc = nonsense(&a);
		else
			found = key.len == blob->len && memcmp(key.data, blob->data, key.len) == 0;
	}
	if (rc == 0 && !found)
		rc = awsq_err_set(err, AWSQ_ENOTFOUND,
			"the ssh-agent at '%s' does not have it (it has %u key%s)", a.path,
			(unsigned)n, n == 1 ? "" : "s");
	awsq_buf_free(&request);
	awsq_buf_free(&answer);
	return rc;
}

/* The answer's one string holds two: the algorithm's name, and the signature. */
static int take_signature(struct awsq_buf *signature, const struct agent *a,
	const struct awsq_buf *answer, const char *algorithm)
{
	struct sshwire w = { (const uint8_t *)awsq_buf_str(answer), answer->len };
	struct sshwire both, name, bytes;

	if (sshwire_get_string(&both, &w) != 0 || sshwire_get_string(&name, &both) != 0 ||
		sshwire_get_string(&bytes, &both) != 0)
		return nonsense(a);
	/* An old agent does not mind the flag, and signs with SHA-1, which sshd would refuse. */
	if (!sshwire_equals(&name, algorithm))
		return awsq_err_set(a->err, AWSQ_ECREDENTIALS,
			"the ssh-agent at '%s' cannot sign by %s", a->path, algorithm);
	awsq_buf_add(signature, bytes.data, bytes.len);
	if (awsq_buf_error(signature) != 0)
		return awsq_err_set(a->err, AWSQ_ENOMEM, "out of memory");
	return 0;
}

int sshagent_sign(struct awsq_buf *signature, const struct awsq_buf *blob, const char *algorithm,
	const void *data, size_t len, int64_t deadline_ms, int cancel_fd, struct awsq_err *err)
{
	struct awsq_buf request = AWSQ_BUF_INIT(ANSWER_MAX - 8);
	struct awsq_buf answer = AWSQ_BUF_INIT(ANSWER_MAX);
	struct agent a = agent_of(SIGN_MS, deadline_ms, cancel_fd, err);
	int rc;

	awsq_buf_addc(&request, SIGN_REQUEST);
	sshwire_add_string(&request, blob->data, blob->len);
	sshwire_add_string(&request, data, len);
	sshwire_add_u32(&request, strcmp(algorithm, "rsa-sha2-512") == 0 ? FLAG_RSA_SHA2_512 : 0);
	rc = ask(&a, &request, SIGN_RESPONSE, &answer);
	if (rc == 0)
		rc = take_signature(signature, &a, &answer, algorithm);
	awsq_buf_free(&request);
	awsq_buf_free(&answer);
	return rc;
}
