/*
 * When a source looks for credentials: with a clock of which the tests decide the time, and a
 * provider that is a counter.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>

#include "credentials_source.h"

#define MINUTE INT64_C(60000)
#define START  (INT64_C(1440938160) * 1000)

struct scene {
	struct awsq_credentials_source *source;
	struct awsq_clock clock;
	struct awsq_log log;
	int64_t now_ms;
	int64_t life_ms;  /* of what is found; 0: for ever */
	int same;         /* the same is found again */
	int failing;      /* nothing is */
	int loads, first; /* how often it was looked, and how often for the first time */
	int freed;
	char logged[512];
	char key[32];
	int64_t expires;
	pthread_mutex_t gate; /* held: who looks has to wait */
	int waiting;          /* who looks, or did */
};

static int64_t now_ms(void *arg)
{
	return ((struct scene *)arg)->now_ms;
}

static void write_line(void *arg, enum awsq_log_level level, const char *line)
{
	struct scene *s = arg;

	assert_int_equal(level, AWSQ_LOG_WARN);
	(void)snprintf(s->logged, sizeof(s->logged), "%s", line);
}

static int load(void *arg, struct awsq_credentials *out, int first, int cancel_fd,
	struct awsq_err *err)
{
	struct scene *s = arg;
	struct awsq_credentials found = { s->key, s->key, NULL, 0, "test" };

	(void)cancel_fd;
	__atomic_add_fetch(&s->waiting, 1, __ATOMIC_SEQ_CST);
	(void)pthread_mutex_lock(&s->gate);
	(void)pthread_mutex_unlock(&s->gate);
	s->loads++;
	s->first += first;
	if (s->failing)
		return awsq_err_set(err, AWSQ_ENET, "nobody is there");
	if (!s->same) {
		(void)snprintf(s->key, sizeof(s->key), "KEY%d", s->loads);
		s->expires = s->life_ms ? (s->now_ms + s->life_ms) / 1000 : 0;
	}
	found.expires = s->expires;
	return awsq_credentials_copy(out, &found);
}

static void free_arg(void *arg)
{
	((struct scene *)arg)->freed++;
}

static void begin(struct scene *s, int64_t life_ms)
{
	struct credentials_maker maker = { load, free_arg, s };

	memset(s, 0, sizeof(*s));
	s->now_ms = START;
	s->life_ms = life_ms;
	s->clock = (struct awsq_clock){ .wall_ms = now_ms, .mono_ms = now_ms, .arg = s };
	s->log = (struct awsq_log){ AWSQ_LOG_WARN, write_line, s };
	assert_int_equal(pthread_mutex_init(&s->gate, NULL), 0);
	assert_int_equal(credentials_source_make(&s->source, &maker, NULL, &s->clock, &s->log,
				 NULL),
		0);
}

static void end(struct scene *s)
{
	awsq_credentials_source_free(s->source);
	assert_int_equal(s->freed, 1);
	assert_int_equal(pthread_mutex_destroy(&s->gate), 0);
}

/* Gets the credentials at a time after the start, and expects them to be these. */
static void gets(struct scene *s, int64_t at_ms, const char *key)
{
	struct awsq_credentials c;
	struct awsq_err err = { 0 };

	s->now_ms = START + at_ms;
	if (awsq_credentials_source_get(s->source, &c, &err) != 0)
		fail_msg("%s", err.message);
	assert_string_equal(c.access_key_id, key);
	assert_string_equal(c.source, "test");
	/* What was signed a moment ago is good, too. */
	assert_true(c.expires == 0 || c.expires * 1000 > s->now_ms);
	awsq_credentials_free(&c);
}

static void fails(struct scene *s, int64_t at_ms, int code, const char *part)
{
	struct awsq_credentials c;
	struct awsq_err err = { 0 };

	s->now_ms = START + at_ms;
	assert_int_equal(awsq_credentials_source_get(s->source, &c, &err), code);
	assert_int_equal(err.code, code);
	if (!strstr(err.message, part))
		fail_msg("%s", err.message);
	assert_null(c.access_key_id);
}

static void test_for_ever(void **state)
{
	struct scene s;

	(void)state;
	begin(&s, 0);
	assert_int_equal(s.loads, 0);
	gets(&s, 0, "KEY1");
	gets(&s, 100000 * MINUTE, "KEY1");
	assert_int_equal(s.loads, 1);
	end(&s);
}

static void test_an_hour(void **state)
{
	struct scene s;

	(void)state;
	begin(&s, 60 * MINUTE);
	gets(&s, 0, "KEY1");
	gets(&s, 45 * MINUTE, "KEY1");
	gets(&s, 45 * MINUTE + 1, "KEY2");
	gets(&s, 90 * MINUTE, "KEY2");
	gets(&s, 91 * MINUTE, "KEY3");
	assert_int_equal(s.loads, 3);
	assert_int_equal(s.first, 1);
	end(&s);
}

/* Good ones go on while there are no others, and it is tried once a minute. */
static void test_nobody_renews(void **state)
{
	struct scene s;

	(void)state;
	begin(&s, 60 * MINUTE);
	gets(&s, 0, "KEY1");
	s.failing = 1;
	for (int64_t at = 45 * MINUTE + 1; at < 60 * MINUTE - 5000; at += 1000)
		gets(&s, at, "KEY1");
	if (s.loads < 15 || s.loads > 30)
		fail_msg("looked %d times", s.loads);
	assert_string_equal(s.logged, "cannot renew the credentials (test): nobody is there");
	s.loads = 0;
	fails(&s, 60 * MINUTE - 4000, AWSQ_ECREDENTIALS,
		"the credentials (test) expired at 2015-08-30T13:36:00Z: nobody is there");
	fails(&s, 60 * MINUTE, AWSQ_ECREDENTIALS, "nobody is there");
	fails(&s, 60 * MINUTE + 1, AWSQ_ECREDENTIALS, "nobody is there");
	assert_true(s.loads <= 2);
	s.failing = 0;
	gets(&s, 61 * MINUTE, "KEY3");
	assert_int_equal(s.first, 1);
	end(&s);
}

static void test_nobody_has_any(void **state)
{
	struct scene s;

	(void)state;
	begin(&s, 0);
	s.failing = 1;
	fails(&s, 0, AWSQ_ENET, "nobody is there");
	fails(&s, 10, AWSQ_ENET, "nobody is there");
	assert_int_equal(s.loads, 1);
	assert_string_equal(s.logged, "");
	s.failing = 0;
	gets(&s, 2000, "KEY2");
	/* Not before it had some it is over that there is nobody to ask. */
	assert_int_equal(s.first, 2);
	end(&s);
}

/* Whatever their life, each is used for a good part of it, and none too long. */
static void test_short_lives(void **state)
{
	static const int64_t lives[] = { 2000, 5000, 60000, 5 * MINUTE, 16 * MINUTE };

	(void)state;
	for (size_t i = 0; i < sizeof(lives) / sizeof(*lives); i++) {
		struct scene s;
		char key[32] = "";

		begin(&s, lives[i]);
		for (int64_t at = 0; at < 10 * lives[i]; at += lives[i] / 100) {
			struct awsq_credentials c;

			s.now_ms = START + at;
			assert_int_equal(awsq_credentials_source_get(s.source, &c, NULL), 0);
			assert_true(c.expires * 1000 > s.now_ms);
			(void)snprintf(key, sizeof(key), "%s", c.access_key_id);
			awsq_credentials_free(&c);
		}
		if (s.loads < 10 || s.loads > 40)
			fail_msg("%d s: looked %d times", (int)(lives[i] / 1000), s.loads);
		end(&s);
	}
}

/* Who hands out what he has until the end, as many brokers do, is not asked at each request. */
static void test_the_same_again(void **state)
{
	struct scene s;

	(void)state;
	begin(&s, 5 * MINUTE);
	gets(&s, 0, "KEY1");
	s.same = 1;
	for (int64_t at = 0; at < 5 * MINUTE - 5000; at += 100)
		gets(&s, at, "KEY1");
	if (s.loads < 3 || s.loads > 40)
		fail_msg("looked %d times", s.loads);
	fails(&s, 5 * MINUTE, AWSQ_ECREDENTIALS,
		"expired at 2015-08-30T12:41:00Z: new ones were looked for, and are the same");
	end(&s);
}

static void test_refused(void **state)
{
	struct awsq_credentials c;
	struct scene s;

	(void)state;
	begin(&s, 0);
	assert_int_equal(awsq_credentials_source_get(s.source, &c, NULL), 0);
	s.same = 1;
	assert_false(awsq_credentials_source_renew(s.source, &c));
	assert_false(awsq_credentials_source_renew(s.source, &c));
	assert_int_equal(s.loads, 2);
	s.now_ms += 10000;
	s.same = 0;
	assert_true(awsq_credentials_source_renew(s.source, &c));
	assert_int_equal(s.loads, 3);
	/* The next one who was refused with the old ones. */
	assert_true(awsq_credentials_source_renew(s.source, &c));
	assert_int_equal(s.loads, 3);
	gets(&s, 10000, "KEY3");
	awsq_credentials_free(&c);
	assert_int_equal(awsq_credentials_source_get(s.source, &c, NULL), 0);
	s.now_ms += 10000;
	s.failing = 1;
	assert_false(awsq_credentials_source_renew(s.source, &c));
	gets(&s, 20000, "KEY3");
	awsq_credentials_free(&c);
	end(&s);
}

static void *get_late(void *arg)
{
	struct scene *s = arg;
	struct awsq_credentials c;
	int rc = awsq_credentials_source_get(s->source, &c, NULL);
	int is_new = rc == 0 && strcmp(c.access_key_id, "KEY2") == 0;

	awsq_credentials_free(&c);
	return is_new ? s : NULL;
}

/* Starts a thread that looks, and waits until it does. */
static pthread_t start_looking(struct scene *s, int64_t at_ms)
{
	pthread_t thread;

	s->now_ms = START + at_ms;
	assert_int_equal(pthread_mutex_lock(&s->gate), 0);
	assert_int_equal(pthread_create(&thread, NULL, get_late, s), 0);
	while (__atomic_load_n(&s->waiting, __ATOMIC_SEQ_CST) < 2)
		(void)awsq_clock_system.sleep_ms(NULL, 1, -1);
	return thread;
}

static void test_threads(void **state)
{
	struct scene s;
	pthread_t looking, other;
	void *is_new;

	(void)state;
	begin(&s, 60 * MINUTE);
	gets(&s, 0, "KEY1");
	looking = start_looking(&s, 46 * MINUTE);
	/* Others go on while one looks. */
	gets(&s, 46 * MINUTE, "KEY1");
	assert_int_equal(pthread_mutex_unlock(&s.gate), 0);
	assert_int_equal(pthread_join(looking, &is_new), 0);
	assert_ptr_equal(is_new, &s);
	end(&s);

	/* Or wait, once it is late: for the one that looks. */
	begin(&s, 60 * MINUTE);
	gets(&s, 0, "KEY1");
	looking = start_looking(&s, 51 * MINUTE);
	assert_int_equal(pthread_create(&other, NULL, get_late, &s), 0);
	(void)awsq_clock_system.sleep_ms(NULL, 20, -1);
	assert_int_equal(s.loads, 1);
	assert_int_equal(pthread_mutex_unlock(&s.gate), 0);
	assert_int_equal(pthread_join(looking, &is_new), 0);
	assert_ptr_equal(is_new, &s);
	assert_int_equal(pthread_join(other, &is_new), 0);
	assert_ptr_equal(is_new, &s);
	assert_int_equal(s.loads, 2);
	end(&s);
}

static void test_the_value(void **state)
{
	struct awsq_credentials from = { .access_key_id = (char *)(uintptr_t) "A",
		.secret_access_key = (char *)(uintptr_t) "S",
		.expires = 7,
		.source = "test" };
	struct awsq_credentials copy;

	(void)state;
	assert_int_equal(awsq_credentials_copy(&copy, &from), 0);
	assert_string_equal(copy.access_key_id, "A");
	assert_ptr_not_equal(copy.access_key_id, from.access_key_id);
	assert_string_equal(copy.secret_access_key, "S");
	assert_null(copy.session_token);
	assert_int_equal(copy.expires, 7);
	awsq_credentials_free(&copy);
	assert_null(copy.access_key_id);
	awsq_credentials_source_free(NULL);
	assert_string_equal(awsq_credentials_source_name(NULL), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_for_ever),
		cmocka_unit_test(test_an_hour),
		cmocka_unit_test(test_nobody_renews),
		cmocka_unit_test(test_nobody_has_any),
		cmocka_unit_test(test_short_lives),
		cmocka_unit_test(test_the_same_again),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_the_value),
	};

	return cmocka_run_group_tests_name("sources", tests, NULL, NULL);
}
