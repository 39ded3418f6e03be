/*
 * client.h: a client for one region, and calls to make through it.
 *
 * An operation (ec2.h, iam.h, sts.h, kms.h, quotas.h, ssm.h) only describes a call; awsq_run
 * carries out one call or many at once and waits for all of them:
 *
 *     struct awsq_call calls[2];
 *     awsq_ec2_describe_vpcs(&calls[0], &vpcs, NULL);
 *     awsq_ec2_describe_images(&calls[1], &images, filters);
 *     rc = awsq_run(client, calls, 2);
 *
 * A client belongs to one thread; several may share a source of credentials. Each attempt of a call
 * is signed afresh with the clock and the credentials of that moment; where AWS refuses those and
 * the source has others, the call is sent again with them. Failures are judged by the standard
 * retry mode (retry.h); lists are read to their last page.
 */
#ifndef AWSQ_CLIENT_H
#define AWSQ_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#include <awsq/buf.h>
#include <awsq/clock.h>
#include <awsq/common.h>
#include <awsq/credentials.h>
#include <awsq/err.h>
#include <awsq/log.h>
#include <awsq/settings.h>
#include <awsq/shape.h>

struct awsq_client;

/* All pointers are borrowed and must outlive the client. Zero means the default given. */
struct awsq_client_options {
	const char *region;                         /* required */
	const struct awsq_credentials *credentials; /* to sign with, or else the source's: */
	struct awsq_credentials_source *source;     /* of that moment, for each attempt */
	/* Endpoints, CA bundle, proxies, attempts. NULL: the source's; without one, AWS's own. */
	const struct awsq_settings *settings;
	const struct awsq_clock *clock; /* NULL: the system's */
	const struct awsq_log *log;     /* NULL: none */
	int64_t connect_timeout_ms;     /* 5 seconds */
	int64_t attempt_timeout_ms;     /* 30 seconds, for each attempt */
	int64_t run_timeout_ms;         /* 90 seconds, for a whole awsq_run */
};

/* A call: filled by an operation, carried out by awsq_run, ended by awsq_call_free. */
struct awsq_call {
	const char *service;            /* as in its host's name: "ec2", "iam", "kms", ... */
	const char *action;             /* such as "DescribeInstances" */
	const char *target;             /* of a JSON API, as in X-Amz-Target; NULL: a query API */
	struct awsq_buf body;           /* the parameters: form-encoded, or an object not ended */
	const struct awsq_shape *shape; /* of the response; NULL when nothing of it matters */
	void *out;                      /* the struct of that shape to fill */
	int repeatable;                 /* repeating it does no harm: a read, or it has a token */
	int counted;                    /* attempts is to be exact: no resending by HTTP itself */
	int anonymous;                  /* not signed: needs no credentials */

	/*
	 * Set by the caller who wants a list page by page, in constant memory, instead of whole in
	 * out: is given each page, which is emptied afterwards. A result other than 0 ends the call
	 * with it.
	 */
	int (*on_page)(void *arg, void *page);
	void *arg;

	struct awsq_err err; /* how it ended */
	int attempts;        /* how many requests were sent, but for credentials refused */
};

AWSQ_BEGIN_DECLS

/*
 * Once in a program, before other threads: initialises libcurl and libxml2. AWSQ_ENOMEM when it
 * cannot. awsq_global_free undoes it, after the last client.
 */
int awsq_global_init(void);
void awsq_global_free(void);

/* AWSQ_EINVAL without region, or when it or a setting is not usable; AWSQ_ENOMEM. */
int awsq_client_new(struct awsq_client **out, const struct awsq_client_options *options,
	struct awsq_err *err);
/* NULL is allowed. */
void awsq_client_free(struct awsq_client *client);

/* The region it was made for, owned by the client. */
const char *awsq_client_region(const struct awsq_client *client);

/*
 * From now on, runs end with AWSQ_ECANCELED as soon as fd is readable; -1 for never (the default).
 * What a canceled call did at AWS's end is not known.
 */
void awsq_client_set_cancel_fd(struct awsq_client *client, int fd);

/*
 * From now on, runs end by deadline_ms on the clock's mono_ms, too, where run_timeout_ms would end
 * them later; 0 for no such time (the default).
 */
void awsq_client_set_deadline(struct awsq_client *client, int64_t deadline_ms);

/*
 * Begins a call of an AWS query API: its body so far is the action and the API's version. For
 * operations; shape and out may be NULL. Never fails: awsq_run reports a body that has no memory.
 */
void awsq_call_init(struct awsq_call *call, const char *service, const char *version,
	const char *action, const struct awsq_shape *shape, void *out);

/*
 * The same of an API of AWS's JSON protocol, such as "TrentService" of "kms": its body so far is
 * empty, and gets its members by awsq_json_add (json.h).
 */
void awsq_call_init_json(struct awsq_call *call, const char *service, const char *target,
	const char *action, const struct awsq_shape *shape, void *out);

/* Frees the call's own memory, not what it put into out. A zeroed call is allowed. */
void awsq_call_free(struct awsq_call *call);

/*
 * Carries out n calls at once and waits for all. Where a call succeeds, its out is filled (which
 * the caller frees with its operation's free function); where it fails, out is left empty and its
 * err says why. The result is 0, or the code of the first call in the array that failed:
 * AWSQ_ESERVICE, when AWS refused it; AWSQ_ENET, AWSQ_ETLS, AWSQ_ETIMEDOUT, when it was not reached
 * or did not answer in time; AWSQ_EPARSE, AWSQ_ETOOBIG, when its answer was none; AWSQ_ECREDENTIALS
 * and the other errors of awsq_credentials_source_get(); AWSQ_ECANCELED; AWSQ_EINVAL; AWSQ_ENOMEM.
 */
int awsq_run(struct awsq_client *client, struct awsq_call *calls, size_t n);

/* The same for one call, which is freed too; its err is copied to err. */
int awsq_run_one(struct awsq_client *client, struct awsq_call *call, struct awsq_err *err);

AWSQ_END_DECLS

#endif
