/*
 * A look for credentials that its caller has ended: as he sees it, and those who share the source.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <unistd.h>

#include "credentials_source.h"
#include "fake_client.h"

#define MINUTE  INT64_C(60000)
#define START   (INT64_C(1440938160) * 1000)
#define LONG_MS 20000 /* nobody waits so long here */
#define SOON_MS 10000

/* ---- A source */

/* A provider that hangs, where its caller can end that. */
struct scene {
	struct awsq_credentials_source *source;
	struct awsq_clock clock;
	struct awsq_log log;
	int64_t now_ms, life_ms;
	int hangs;
	int fails;    /* at once, and whoever looks */
	int end_code; /* how a look ends that fails or is canceled */
	int begun;    /* looks */
	int found;
	int warned;
	int fds[2];
};

static int64_t now_ms(void *arg)
{
	return ((struct scene *)arg)->now_ms;
}

static void write_line(void *arg, enum awsq_log_level level, const char *line)
{
	(void)level;
	(void)line;
	((struct scene *)arg)->warned++;
}

static int load(void *arg, struct awsq_credentials *out, int first, int cancel_fd,
	struct awsq_err *err)
{
	struct scene *s = arg;
	struct awsq_credentials found = { .source = "test" };
	char key[32];

	(void)first;
	__atomic_add_fetch(&s->begun, 1, __ATOMIC_SEQ_CST);
	if (s->hangs && cancel_fd >= 0 && awsq_sleep_ms(LONG_MS, cancel_fd) != 0)
		return awsq_err_set(err, s->end_code, "that way");
	if (s->fails)
		return awsq_err_set(err, s->end_code, "no code");
	(void)snprintf(key, sizeof(key), "KEY%d", ++s->found);
	found.access_key_id = found.secret_access_key = key;
	found.expires = s->life_ms ? (s->now_ms + s->life_ms) / 1000 : 0;
	return awsq_credentials_copy(out, &found);
}

static void leave(void *arg)
{
	(void)arg;
}

static void begin(struct scene *s, int64_t life_ms)
{
	struct credentials_maker maker = { load, leave, NULL };

	memset(s, 0, sizeof(*s));
	maker.arg = s;
	s->now_ms = START;
	s->life_ms = life_ms;
	s->end_code = AWSQ_ENET;
	s->clock = (struct awsq_clock){ .wall_ms = now_ms, .mono_ms = now_ms, .arg = s };
	s->log = (struct awsq_log){ AWSQ_LOG_WARN, write_line, s };
	assert_int_equal(pipe(s->fds), 0);
	assert_int_equal(credentials_source_make(&s->source, &maker, NULL, &s->clock, &s->log,
				 NULL),
		0);
}

static void end(struct scene *s)
{
	awsq_credentials_source_free(s->source);
	(void)close(s->fds[0]);
	(void)close(s->fds[1]);
}

static void cancel(const struct scene *s)
{
	assert_int_equal(write(s->fds[1], "", 1), 1);
}

static int looks(const struct scene *s)
{
	return __atomic_load_n(&s->begun, __ATOMIC_SEQ_CST);
}

static void wait_for_looks(const struct scene *s, int n)
{
	while (looks(s) < n)
		(void)awsq_sleep_ms(1, -1);
}

/* A thread that gets them. */
struct getter {
	struct scene *s;
	int fd;
	const struct awsq_credentials *refused; /* NULL: none were, and it gets them */
	pthread_t thread;
	int rc;
	char key[32], message[1024];
};

static void *get(void *arg)
{
	struct getter *g = arg;
	struct awsq_credentials c;
	struct awsq_err err = { 0 };

	if (g->refused) {
		g->rc = credentials_source_renew(g->s->source, g->fd, g->refused);
		return NULL;
	}
	g->rc = awsq_credentials_source_get_until(g->s->source, g->fd, &c, &err);
	(void)snprintf(g->key, sizeof(g->key), "%s", c.access_key_id ? c.access_key_id : "");
	(void)snprintf(g->message, sizeof(g->message), "%s", err.message);
	awsq_credentials_free(&c);
	return NULL;
}

static void start(struct getter *g, struct scene *s, int fd)
{
	*g = (struct getter){ .s = s, .fd = fd };
	assert_int_equal(pthread_create(&g->thread, NULL, get, g), 0);
}

static void ends(struct getter *g, int rc, const char *key)
{
	assert_int_equal(pthread_join(g->thread, NULL), 0);
	assert_int_equal(g->rc, rc);
	assert_string_equal(g->key, key);
	if (rc == AWSQ_ECANCELED)
		assert_string_equal(g->message, "canceled");
}

/* Gets them here and now, whoever is canceled. */
static void gets(struct scene *s, int64_t at_ms, const char *key)
{
	struct getter g = { .s = s, .fd = -1 };

	s->now_ms = START + at_ms;
	(void)get(&g);
	if (g.rc != 0)
		fail_msg("%s", g.message);
	assert_string_equal(g.key, key);
}

/* One of those who share it is canceled: the others look themselves. */
static void test_a_shared_source(void **state)
{
	struct getter looking, other;
	struct scene s;
	int64_t began;

	(void)state;
	begin(&s, 0);
	s.hangs = 1;
	start(&looking, &s, s.fds[0]);
	wait_for_looks(&s, 1);
	start(&other, &s, -1);
	(void)awsq_sleep_ms(30, -1);
	assert_int_equal(looks(&s), 1);
	began = awsq_mono_ms();
	cancel(&s);
	ends(&looking, AWSQ_ECANCELED, "");
	ends(&other, 0, "KEY1");
	assert_in_range(awsq_mono_ms() - began, 0, SOON_MS);
	/* Who comes too late to be canceled gets them as well. */
	start(&looking, &s, s.fds[0]);
	ends(&looking, 0, "KEY1");
	assert_int_equal(looks(&s), 2);
	end(&s);
}

/* Who waits is canceled while the look goes on for the one who looks. */
static void test_a_waiter(void **state)
{
	struct getter looking, waiting;
	struct scene s;
	int fds[2];

	(void)state;
	begin(&s, 0);
	assert_int_equal(pipe(fds), 0);
	s.hangs = 1;
	start(&looking, &s, fds[0]);
	wait_for_looks(&s, 1);
	start(&waiting, &s, s.fds[0]);
	(void)awsq_sleep_ms(30, -1);
	cancel(&s);
	ends(&waiting, AWSQ_ECANCELED, "");
	assert_int_equal(looks(&s), 1);
	assert_int_equal(write(fds[1], "", 1), 1);
	ends(&looking, AWSQ_ECANCELED, "");
	(void)close(fds[0]);
	(void)close(fds[1]);
	end(&s);
}

/* Nothing is remembered of it: neither that there were none, nor a time to wait. */
static void test_nothing_is_remembered(void **state)
{
	struct getter g;
	struct scene s;

	(void)state;
	begin(&s, 60 * MINUTE);
	cancel(&s);
	s.hangs = 1;
	start(&g, &s, s.fds[0]);
	ends(&g, AWSQ_ECANCELED, "");
	gets(&s, 0, "KEY1");
	/* The keys at hand stay, and the next one looks for others at once. */
	s.now_ms = START + 51 * MINUTE;
	start(&g, &s, s.fds[0]);
	ends(&g, AWSQ_ECANCELED, "");
	assert_string_equal(awsq_credentials_source_name(s.source), "test");
	assert_int_equal(looks(&s), 3);
	gets(&s, 51 * MINUTE, "KEY2");
	assert_int_equal(looks(&s), 4);
	assert_int_equal(s.warned, 0);
	end(&s);
}

/* A person who gives no code has canceled nothing else: it is an answer, and not asked again. */
static void test_an_answer_of_a_person(void **state)
{
	struct getter g;
	struct scene s;

	(void)state;
	begin(&s, 0);
	s.end_code = AWSQ_ECANCELED;
	s.fails = 1;
	for (int i = 0; i < 2; i++) {
		g = (struct getter){ .s = &s, .fd = s.fds[0] };
		(void)get(&g);
		assert_int_equal(g.rc, AWSQ_ECANCELED);
		assert_string_equal(g.message, "no code");
	}
	assert_int_equal(looks(&s), 1);
	/* With a signal meanwhile it still tells more than "canceled" would. */
	s.now_ms += MINUTE;
	cancel(&s);
	(void)get(&g);
	assert_int_equal(g.rc, AWSQ_ECANCELED);
	assert_string_equal(g.message, "no code");
	assert_int_equal(looks(&s), 2);
	s.fails = 0;
	gets(&s, MINUTE, "KEY1");
	end(&s);
}

static void test_a_refusal(void **state)
{
	struct awsq_credentials refused;
	struct getter g = { 0 };
	struct scene s;

	(void)state;
	begin(&s, 0);
	assert_int_equal(awsq_credentials_source_get(s.source, &refused, NULL), 0);
	s.hangs = 1;
	cancel(&s);
	g = (struct getter){ .s = &s, .fd = s.fds[0], .refused = &refused };
	(void)get(&g);
	assert_int_equal(g.rc, AWSQ_ECANCELED);
	gets(&s, 0, "KEY1");
	/* That was no look that the next one would have to wait ten seconds after. */
	assert_int_equal(awsq_credentials_source_renew(s.source, &refused), 1);
	gets(&s, 0, "KEY2");
	awsq_credentials_free(&refused);
	end(&s);
}

/* ---- A client */

#define EXPIRED                                                                    \
	"<Response><Errors><Error><Code>RequestExpired</Code><Message>m</Message>" \
	"</Error></Errors><RequestID>r</RequestID></Response>"

/* Its calls end by its descriptor, whatever they wait for; the next client's do not. */
static void test_calls(void **state)
{
	static const struct answer answers[] = { { .status = 400, .body = EXPIRED },
		{ .status = 200 } };
	struct awsq_err err;
	struct awsq_call call;
	struct scene s;
	struct fake f;

	(void)state;
	begin(&s, 0);
	s.hangs = 1;
	fake_prepare(&f, answers, 2);
	f.options.credentials = NULL;
	f.options.source = s.source;
	fake_open(&f);
	cancel(&s);
	awsq_client_set_cancel_fd(f.client, s.fds[0]);
	awsq_ec2_disassociate_profile(&call, "iip-assoc-1");
	assert_int_equal(awsq_run_one(f.client, &call, &err), AWSQ_ECANCELED);
	assert_int_equal(err.code, AWSQ_ECANCELED);
	assert_int_equal(f.server->n_requests, 0);
	awsq_client_set_cancel_fd(f.client, -1);
	awsq_ec2_disassociate_profile(&call, "iip-assoc-1");
	assert_int_equal(awsq_run_one(f.client, &call, &err), 0);
	assert_int_equal(f.server->n_requests, 2);
	assert_int_equal(s.found, 2);
	fake_end(&f);
	end(&s);
}

static void *cancel_the_second_look(void *arg)
{
	wait_for_looks(arg, 2);
	cancel(arg);
	return NULL;
}

/* Keys are refused, and others looked for, as the signal comes: that is what the call ends by. */
static void test_a_call_that_was_refused(void **state)
{
	static const struct answer answers[] = { { .status = 400, .body = EXPIRED } };
	struct awsq_err err;
	struct awsq_call call;
	pthread_t thread;
	struct scene s;
	struct fake f;

	(void)state;
	begin(&s, 0);
	gets(&s, 0, "KEY1");
	s.hangs = 1;
	fake_prepare(&f, answers, 1);
	f.options.credentials = NULL;
	f.options.source = s.source;
	fake_open(&f);
	awsq_client_set_cancel_fd(f.client, s.fds[0]);
	assert_int_equal(pthread_create(&thread, NULL, cancel_the_second_look, &s), 0);
	awsq_ec2_disassociate_profile(&call, "iip-assoc-1");
	assert_int_equal(awsq_run_one(f.client, &call, &err), AWSQ_ECANCELED);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(err.code, AWSQ_ECANCELED);
	assert_string_equal(err.message, "canceled");
	assert_int_equal(f.server->n_requests, 1);
	fake_end(&f);
	end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_shared_source),
		cmocka_unit_test(test_a_waiter),
		cmocka_unit_test(test_nothing_is_remembered),
		cmocka_unit_test(test_an_answer_of_a_person),
		cmocka_unit_test(test_a_refusal),
		cmocka_unit_test(test_calls),
		cmocka_unit_test(test_a_call_that_was_refused),
	};

	return cmocka_run_group_tests_name("credentials, canceled", tests, fake_global_begin,
		fake_global_end);
}
