/*
 * ssh.h: connections to an instance, and commands run over them (libssh2 behind a few plain
 * functions). A connection belongs to one thread.
 *
 * Deadlines are times of awsq_mono_ms. Whatever waits also ends when cancel_fd (-1:
 * none) is readable, with AWSQ_ECANCELED; nothing is read from cancel_fd.
 */
#ifndef SSH_SSH_H
#define SSH_SSH_H

#include <stddef.h>
#include <stdint.h>

#include <awsq/err.h>
#include <awsq/log.h>

struct ssh;
struct ssh_command;
struct sshkey;

/* What to make of a host of which no key is on record. A key that is not the one on record is
 * refused whatever is said here. */
enum ssh_trust {
	SSH_TRUST_FIRST,   /* its first key is trusted, and kept, once it has accepted ours */
	SSH_TRUST_CONSOLE, /* it is refused: its keys come from its console, by other hands */
	SSH_TRUST_STRICT   /* it is refused: its keys come from the user */
};

struct ssh_target {
	const char *host; /* address or name */
	int port;
	const char *user;
	const struct sshkey *key;
	const char *known_hosts; /* file; created when missing, its folder is not */
	const char *host_id;     /* name its host key is kept under: the instance id */
	enum ssh_trust trust;
	const struct awsq_log *log; /* may be NULL */
};

/*
 * Connects and authenticates; *out is for ssh_close. AWSQ_ENET when refused, unreachable or broken
 * off and AWSQ_ETIMEDOUT (both worth trying again), AWSQ_ENOTFOUND when the name does not resolve,
 * AWSQ_ECREDENTIALS when our key is refused, AWSQ_EINVAL when the host's key is not the one on
 * record, when there is none and target->trust refuses that, when the host has no algorithm in
 * common with us, or when the agent does not sign (sshkey.h), AWSQ_EIO when known_hosts cannot be
 * read or written, AWSQ_ECANCELED, AWSQ_ENOMEM. Looking up a name (not an address) may outlast the
 * deadline.
 */
int ssh_open(struct ssh **out, const struct ssh_target *target, int64_t deadline_ms, int cancel_fd,
	struct awsq_err *err);

/* Ends the connection without waiting for the other side. */
void ssh_close(struct ssh *s);

/*
 * 0 when host and port answer within timeout_ms, and an SSH server there soon after; else
 * AWSQ_ENET, AWSQ_ETIMEDOUT, AWSQ_ENOTFOUND or AWSQ_ECANCELED. One attempt: waiting for a boot
 * means calling it again.
 */
int ssh_port_answers(const char *host, int port, int timeout_ms, int cancel_fd);

/* How long may be waited for whoever reads the output. */
struct ssh_patience {
	int64_t until_ms; /* on the monotonic clock; 0: no limit */
	int cancel_fd;    /* ends the wait when it is readable; -1: none */
};

/* Where a command's output goes. */
struct ssh_output {
	/* Takes len bytes as they came. 0; a negative code ends ssh_follow, and is returned. */
	int (*write)(void *arg, int is_stderr, const void *data, size_t len);
	void *arg;
	/*
	 * What write keeps to, and whoever calls it may change: it then returns AWSQ_ETIMEDOUT or
	 * AWSQ_ECANCELED, and has taken nothing. NULL: write does not wait.
	 */
	struct ssh_patience *patience;
};

enum ssh_ending {
	SSH_UNKNOWN,  /* the server did not say */
	SSH_EXITED,   /* status */
	SSH_SIGNALLED /* signal */
};

struct ssh_result {
	enum ssh_ending ending;
	int status;      /* 0 to 255 */
	char signal[16]; /* SSH's name for it, without SIG: "TERM" (RFC 4254, section 6.10) */
};

/* The longest command, in bytes: it has to fit into one SSH packet. */
#define SSH_COMMAND_MAX 30000

/*
 * Starts a command in the user's login shell, with len bytes of input as its stdin, which have been
 * sent when it returns; *out is for ssh_command_free. AWSQ_ETOOBIG, AWSQ_ENET, AWSQ_ETIMEDOUT,
 * AWSQ_ECANCELED, AWSQ_ENOMEM.
 */
int ssh_start(struct ssh_command **out, struct ssh *s, const char *command, const char *input,
	size_t len, int64_t deadline_ms, int cancel_fd, struct awsq_err *err);

/*
 * Passes a started command's output on as it arrives, until it ends: *result then says how. After
 * AWSQ_ETIMEDOUT, AWSQ_ECANCELED and a code of write's the command still runs, and may be followed
 * again. AWSQ_ENET when the connection broke: the command's fate is unknown.
 *
 * A command has ended when its output has; also when its status is known, as it is not 0, and
 * nothing more came for a second, since what it left in the background may hold its output open for
 * ever.
 */
int ssh_follow(struct ssh_result *result, struct ssh_command *c, const struct ssh_output *out,
	int64_t deadline_ms, int cancel_fd, struct awsq_err *err);

/* Lets go of a command, which goes on if it still runs. To be called before ssh_close. */
void ssh_command_free(struct ssh_command *c);

/* All three in one, with an empty stdin. out may be NULL: output is dropped. */
int ssh_exec(struct ssh_result *result, struct ssh *s, const char *command,
	const struct ssh_output *out, int64_t deadline_ms, int cancel_fd, struct awsq_err *err);

#endif
