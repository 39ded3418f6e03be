/*
 * A source of credentials: what was found last, and when to look again.
 */
#include "banned.h"

#include "credentials_source.h"

#include <awsq/hash.h>

#include <pthread.h>
#include <time.h>

/* As in botocore; parts of their life where they live for a shorter time than this is made for. */
#define ADVISORY_MS  (15 * 60 * 1000)
#define MANDATORY_MS (10 * 60 * 1000)
#define EXPIRED_MS   5000 /* a request is on its way for a moment */

/* How long to wait before looking again after that has brought nothing new. */
#define AGAIN_MIN_MS 1000
#define AGAIN_MAX_MS 60000

#define REFUSED_MS 10000

#define LISTEN_MS 100 /* how often who waits for another's look listens for his own end */

struct awsq_credentials_source {
	struct credentials_maker maker;
	const struct awsq_clock *clock;
	const struct awsq_log *log;
	const struct awsq_settings *settings; /* may be NULL */
	pthread_mutex_t mutex;                /* of all that follows */
	pthread_cond_t done;                  /* nobody loads any more */
	int loading;                          /* some thread does, without holding the mutex */
	struct awsq_credentials now;          /* empty: none yet */
	int64_t life_ms;        /* from when they were found until they expire; 0: for ever */
	int64_t again_ms;       /* on the wall clock, when it may be looked again; 0: any time */
	int64_t renewed_ms;     /* on mono_ms, when it was looked after a refusal; 0: never */
	struct awsq_err failed; /* how the latest look has ended */
};

/* What the credentials at hand are good for. */
enum state {
	FRESH,     /* no need to look for others */
	ADVISORY,  /* good, but one thread should look for others */
	MANDATORY, /* the same, and all should wait for it */
	EXPIRED    /* or there are none */
};

static int64_t smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t wall_ms(const struct awsq_credentials_source *s)
{
	return s->clock->wall_ms(s->clock->arg);
}

static enum state judge(const struct awsq_credentials_source *s)
{
	int64_t left;

	if (!s->now.access_key_id)
		return EXPIRED;
	if (s->now.expires == 0)
		return FRESH;
	left = s->now.expires * 1000 - wall_ms(s);
	if (left <= smaller(EXPIRED_MS, s->life_ms / 10))
		return EXPIRED;
	if (left < smaller(MANDATORY_MS, s->life_ms / 3))
		return MANDATORY;
	return left < smaller(ADVISORY_MS, s->life_ms / 2) ? ADVISORY : FRESH;
}

static int same_text(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

static int same_keys(const struct awsq_credentials *a, const struct awsq_credentials *b)
{
	return same_text(a->access_key_id, b->access_key_id) &&
	       same_text(a->secret_access_key, b->secret_access_key) &&
	       same_text(a->session_token, b->session_token);
}

/* Some providers go on handing out what they have: not to be asked at each request. */
static void wait_before_again(struct awsq_credentials_source *s)
{
	int64_t now = wall_ms(s);
	int64_t left = s->now.access_key_id ? s->now.expires * 1000 - now : 0;

	s->again_ms = now + AGAIN_MIN_MS;
	if (left / 4 > AGAIN_MIN_MS)
		s->again_ms = now + smaller(left / 4, AGAIN_MAX_MS);
}

static void take(struct awsq_credentials_source *s, struct awsq_credentials *found)
{
	if (s->now.access_key_id && same_keys(&s->now, found) && s->now.expires == found->expires) {
		awsq_credentials_free(found);
		wait_before_again(s);
		return;
	}
	awsq_credentials_free(&s->now);
	s->now = *found;
	memset(found, 0, sizeof(*found));
	s->life_ms = s->now.expires ? s->now.expires * 1000 - wall_ms(s) : 0;
	s->again_ms = 0;
}

/* Who renews stays with the provider: another one's keys may be those of another account. */
static int check_provider(const struct awsq_credentials_source *s,
	const struct awsq_credentials *found, struct awsq_err *err)
{
	if (!s->now.source || same_text(found->source, s->now.source))
		return 0;
	return awsq_err_set(err, AWSQ_ECREDENTIALS,
		"those found now are from another place (%s), and may be another account's",
		found->source);
}

static int is_canceled(int cancel_fd)
{
	return awsq_sleep_ms(0, cancel_fd) != 0;
}

static int canceled(struct awsq_err *err)
{
	return awsq_err_set(err, AWSQ_ECANCELED, "%s", awsq_strerror(AWSQ_ECANCELED));
}

/* How a look has ended, for all who use the source. */
static void settle(struct awsq_credentials_source *s, struct awsq_credentials *found, int rc,
	struct awsq_err *err)
{
	int first = !s->now.access_key_id;

	if (rc == 0)
		rc = check_provider(s, found, err);
	s->failed = *err;
	s->failed.code = rc;
	if (rc == 0)
		take(s, found);
	else
		wait_before_again(s);
	if (rc != 0 && !first)
		awsq_log(s->log, AWSQ_LOG_WARN, "cannot renew the credentials (%s): %s",
			s->now.source, err->message);
}

/*
 * Looks for credentials; called and left with the mutex held, which is not held meanwhile.
 * AWSQ_ECANCELED: then the source is as it was, since that is the caller's affair alone, and those
 * who wait look themselves. Else 0, however the look has ended.
 */
static int load(struct awsq_credentials_source *s, int cancel_fd, struct awsq_err *err)
{
	struct awsq_credentials found = { 0 };
	struct awsq_err why = { 0 };
	int first = !s->now.access_key_id;
	int rc, is_over;

	s->loading = 1;
	(void)pthread_mutex_unlock(&s->mutex);
	rc = s->maker.load(s->maker.arg, &found, first, cancel_fd, &why);
	is_over = rc != 0 && is_canceled(cancel_fd);
	(void)pthread_mutex_lock(&s->mutex);
	s->loading = 0;
	if (!is_over)
		settle(s, &found, rc, &why);
	awsq_credentials_free(&found);
	(void)pthread_cond_broadcast(&s->done);
	if (!is_over)
		return 0;
	/* Whatever else went wrong then went wrong for that. */
	if (rc != AWSQ_ECANCELED)
		return canceled(err);
	if (err)
		*err = why;
	return rc;
}

/* Waits until another thread's look is over, or not so long: the caller asks again. */
static int wait_for_others(struct awsq_credentials_source *s, int cancel_fd)
{
	struct timespec until;

	if (cancel_fd < 0) {
		(void)pthread_cond_wait(&s->done, &s->mutex);
		return 0;
	}
	if (is_canceled(cancel_fd))
		return AWSQ_ECANCELED;
	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += LISTEN_MS * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	(void)pthread_cond_timedwait(&s->done, &s->mutex, &until);
	return 0;
}

/* Waits for what another thread finds, or looks itself where it is time for that. */
static int look(struct awsq_credentials_source *s, int cancel_fd, struct awsq_err *err)
{
	enum state state = judge(s);

	while (s->loading && state >= MANDATORY) {
		if (wait_for_others(s, cancel_fd) != 0)
			return canceled(err);
		state = judge(s);
	}
	if (state == FRESH || s->loading || wall_ms(s) < s->again_ms)
		return 0;
	return load(s, cancel_fd, err);
}

/* Why there is nothing to hand out. */
static int explain(const struct awsq_credentials_source *s, struct awsq_err *err)
{
	char when[AWSQ_TIME_ISO];

	if (!s->now.access_key_id) {
		if (err)
			*err = s->failed;
		return s->failed.code;
	}
	awsq_time_iso(when, s->now.expires);
	return awsq_err_set(err, AWSQ_ECREDENTIALS, "the credentials (%s) expired at %s: %s",
		s->now.source, when,
		s->failed.code ? s->failed.message : "new ones were looked for, and are the same");
}

int awsq_credentials_source_get_until(struct awsq_credentials_source *source, int cancel_fd,
	struct awsq_credentials *out, struct awsq_err *err)
{
	int rc;

	memset(out, 0, sizeof(*out));
	(void)pthread_mutex_lock(&source->mutex);
	rc = look(source, cancel_fd, err);
	if (rc == 0 && judge(source) == EXPIRED)
		rc = explain(source, err);
	else if (rc == 0 && awsq_credentials_copy(out, &source->now) != 0)
		rc = awsq_err_set(err, AWSQ_ENOMEM, "out of memory");
	(void)pthread_mutex_unlock(&source->mutex);
	return rc;
}

int awsq_credentials_source_get(struct awsq_credentials_source *source,
	struct awsq_credentials *out, struct awsq_err *err)
{
	return awsq_credentials_source_get_until(source, -1, out, err);
}

/* Called and left with the mutex held. */
static int renew(struct awsq_credentials_source *s, int cancel_fd,
	const struct awsq_credentials *refused)
{
	int64_t now = s->clock->mono_ms(s->clock->arg), before;

	while (s->loading) {
		if (wait_for_others(s, cancel_fd) != 0)
			return AWSQ_ECANCELED;
	}
	if (s->now.access_key_id && !same_keys(&s->now, refused))
		return 1;
	before = s->renewed_ms;
	if (before && now - before < REFUSED_MS)
		return 0;
	s->renewed_ms = now;
	if (load(s, cancel_fd, NULL) != 0) {
		s->renewed_ms = before;
		return AWSQ_ECANCELED;
	}
	return s->failed.code == 0 && !same_keys(&s->now, refused);
}

int credentials_source_renew(struct awsq_credentials_source *source, int cancel_fd,
	const struct awsq_credentials *refused)
{
	int rc;

	(void)pthread_mutex_lock(&source->mutex);
	rc = renew(source, cancel_fd, refused);
	(void)pthread_mutex_unlock(&source->mutex);
	return rc;
}

int awsq_credentials_source_renew(struct awsq_credentials_source *source,
	const struct awsq_credentials *refused)
{
	return credentials_source_renew(source, -1, refused);
}

const char *awsq_credentials_source_name(struct awsq_credentials_source *source)
{
	const char *name;

	if (!source)
		return "";
	(void)pthread_mutex_lock(&source->mutex);
	name = source->now.source ? source->now.source : "";
	(void)pthread_mutex_unlock(&source->mutex);
	return name;
}

/* Its waits end by a clock that nobody sets. */
static int make_condition(pthread_cond_t *condition)
{
	pthread_condattr_t attributes;
	int rc = pthread_condattr_init(&attributes);

	if (rc != 0)
		return rc;
	rc = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	if (rc == 0)
		rc = pthread_cond_init(condition, &attributes);
	(void)pthread_condattr_destroy(&attributes);
	return rc;
}

int credentials_source_make(struct awsq_credentials_source **out,
	const struct credentials_maker *maker, const struct awsq_settings *settings,
	const struct awsq_clock *clock, const struct awsq_log *log, struct awsq_err *err)
{
	struct awsq_credentials_source *s = calloc(1, sizeof(*s));

	*out = NULL;
	if (!s || pthread_mutex_init(&s->mutex, NULL) != 0) {
		free(s);
		maker->free(maker->arg);
		return awsq_err_set(err, AWSQ_ENOMEM, "out of memory");
	}
	if (make_condition(&s->done) != 0) {
		(void)pthread_mutex_destroy(&s->mutex);
		free(s);
		maker->free(maker->arg);
		return awsq_err_set(err, AWSQ_ENOMEM, "out of memory");
	}
	s->maker = *maker;
	s->clock = clock ? clock : &awsq_clock_system;
	s->log = log;
	s->settings = settings;
	*out = s;
	return 0;
}

const struct awsq_settings *
credentials_source_settings(const struct awsq_credentials_source *source)
{
	return source->settings;
}

void awsq_credentials_source_free(struct awsq_credentials_source *source)
{
	if (!source)
		return;
	awsq_credentials_free(&source->now);
	source->maker.free(source->maker.arg);
	(void)pthread_cond_destroy(&source->done);
	(void)pthread_mutex_destroy(&source->mutex);
	free(source);
}

/* ---- The value */

static char *copy_text(const char *text, int *failed)
{
	char *copy = text ? strdup(text) : NULL;

	*failed |= text && !copy;
	return copy;
}

int awsq_credentials_copy(struct awsq_credentials *out, const struct awsq_credentials *from)
{
	int failed = 0;

	out->access_key_id = copy_text(from->access_key_id, &failed);
	out->secret_access_key = copy_text(from->secret_access_key, &failed);
	out->session_token = copy_text(from->session_token, &failed);
	out->expires = from->expires;
	out->source = from->source;
	if (!failed)
		return 0;
	awsq_credentials_free(out);
	return AWSQ_ENOMEM;
}

static void wipe_and_free(char *secret)
{
	if (secret)
		awsq_wipe(secret, strlen(secret));
	free(secret);
}

void awsq_credentials_free(struct awsq_credentials *c)
{
	if (!c)
		return;
	wipe_and_free(c->access_key_id);
	wipe_and_free(c->secret_access_key);
	wipe_and_free(c->session_token);
	memset(c, 0, sizeof(*c));
}
