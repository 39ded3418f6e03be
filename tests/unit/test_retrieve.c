/*
 * A job's files on their way home: the real shell text, run by the sh of this machine over a link
 * that breaks, and the store. tests/integration/test_retrieve.py does it on the test cloud.
 */
#include "banned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "runs/retrieve.h"
#include "runs/retrieve_text.h"

#include <awsq/clock.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "local_link.h"

#define RUN "20261122-051552-7f3a9c01"

struct world {
	char folder[64], home[80], state[80];
	char *patterns[8];
	struct config config;
	struct local_link link;
	struct retrieve_result result;
	struct awsq_err err;
};

static int shell(const struct world *w, const char *command)
{
	char text[2048];

	(void)snprintf(text, sizeof(text), "cd '%s' && %s", w->folder, command);
	return system(text);
}

static void begin(struct world *w, size_t answer_max)
{
	memset(w, 0, sizeof(*w));
	(void)snprintf(w->folder, sizeof(w->folder), "/tmp/test_retrieve.XXXXXX");
	assert_non_null(mkdtemp(w->folder));
	(void)snprintf(w->home, sizeof(w->home), "%s/home", w->folder);
	(void)snprintf(w->state, sizeof(w->state), "%s/state", w->folder);
	assert_int_equal(shell(w, "mkdir home state"), 0);
	local_link_init(&w->link, w->home, answer_max);
	w->config.job_retrieve.items = w->patterns;
}

static void end(struct world *w)
{
	assert_int_equal(shell(w, "cd / && rm -rf \"$OLDPWD\""), 0);
}

/* Borrows the pattern. */
static void want(struct world *w, const char *pattern)
{
	w->patterns[w->config.job_retrieve.n++] = (char *)pattern;
}

static int retrieve(struct world *w)
{
	const struct awsq_clock *clock = &awsq_clock_system;

	return retrieve_files(&w->link.link, &w->config, w->state, RUN,
		clock->mono_ms(clock->arg) + 60000, -1, &w->result, &w->err);
}

/* What has come is what is there, and nothing else is left of it. */
static void expect_same(const struct world *w, const char *below)
{
	char command[300];

	(void)snprintf(command, sizeof(command),
		"diff -r --no-dereference -x .awsq home/%s state/runs/" RUN
		"/files && [ ! -e state/runs/" RUN "/files.part ]",
		below);
	assert_int_equal(shell(w, command), 0);
}

static void test_nothing_to_do(void **state)
{
	struct world w;

	(void)state;
	begin(&w, 0);
	assert_int_equal(retrieve(&w), 0);
	assert_int_equal(w.link.calls, 0);
	end(&w);
}

static void make_odd_files(const struct world *w)
{
	assert_int_equal(
		shell(w, "mkdir -p home/out/deep/er && cd home/out && echo 1 >plain.txt && "
			 "echo 2 >'with blank' && echo 3 >\"it's\" && echo 4 >'say \"hi\"' && "
			 "echo 5 >'new\nline' && echo 6 >-rf && echo 7 >'$(touch evil)' && "
			 "echo 8 >'back\\slash' && echo 9 >'star*' && echo 10 >.hidden && "
			 "echo 11 >\"$(printf '\\303\\251\\377')\" && : >empty && "
			 "head -c 3000000 /dev/urandom >deep/er/large && "
			 "printf 'no newline' >deep/'a;b|c&d'"),
		0);
}

static void test_odd_names(void **state)
{
	static const size_t answers[] = { 0, 23000 };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct world w;

		begin(&w, answers[i]);
		make_odd_files(&w);
		if (answers[i]) /* a few dozen answers more */
			assert_int_equal(shell(&w, "head -c 200000 /dev/urandom "
						   ">home/out/deep/er/large"),
				0);
		w.config.job_workdir = (char *)"out";
		want(&w, "*");
		want(&w, ".hidden");
		want(&w, "deep/er/../er/large"); /* no config has it: not taken */
		want(&w, "plain.txt");
		assert_int_equal(retrieve(&w), 0);
		assert_int_equal(w.result.failed, 1);
		assert_string_equal(w.result.message,
			"'./deep/er/../er/large' is not below the job's folder");
		assert_int_equal(w.result.files, 14);
		expect_same(&w, "out");
		assert_true(w.link.largest <= answers[i]);
		assert_int_equal(shell(&w, "[ ! -e home/evil ] && [ ! -e home/out/evil ]"), 0);
		end(&w);
	}
}

static void test_patterns(void **state)
{
	struct world w;

	(void)state;
	begin(&w, 0);
	assert_int_equal(shell(&w, "cd home && mkdir -p 'my results'/b && touch a1 a2 b1 c-1 c]1 "
				   "'my results'/x1.csv 'my results'/y1.csv 'my results'/b/z"),
		0);
	want(&w, "[ab]1");
	want(&w, "c[!x]1");
	want(&w, "my results/?1.csv");
	want(&w, "none*");
	assert_int_equal(retrieve(&w), 0);
	assert_int_equal(w.result.files, 6);
	assert_int_equal(w.result.failed, 0); /* of a pattern there may be none */
	assert_string_equal(w.result.message, "");
	assert_int_equal(shell(&w, "cd state/runs/" RUN "/files && ls -d a1 b1 c-1 c]1 "
				   "'my results'/[xy]1.csv >/dev/null && [ ! -e a2 ]"),
		0);
	w.config.job_retrieve.n = 0;
	want(&w, "$(touch evil)");
	want(&w, "`touch evil`*");
	want(&w, "gone.txt");
	assert_int_equal(retrieve(&w), 0);
	assert_int_equal(w.result.failed, 2);
	assert_string_equal(w.result.message,
		"'$(touch evil)' is not there; 'gone.txt' is not there");
	assert_int_equal(shell(&w, "[ ! -e home/evil ]"), 0);
	end(&w);
}

static void test_links_and_folders(void **state)
{
	struct world w;

	(void)state;
	begin(&w, 0);
	/* Over there a link is followed when it is what fits; here never. */
	assert_int_equal(shell(&w,
				 "mkdir -p home/d/sub home/real outside && echo x >home/real/f && "
				 "ln -s ../real home/d/link && ln -s real home/alias && "
				 "ln -s real/f home/one && echo y >home/d/sub/g && "
				 "ln -s nowhere home/dangling && mkfifo home/d/pipe"),
		0);
	want(&w, "d");
	want(&w, "alias");
	want(&w, "one");
	want(&w, "dangling");
	assert_int_equal(retrieve(&w), 0);
	assert_int_equal(w.result.files, 3);
	assert_string_equal(w.result.message, "'dangling' is not there");
	w.config.job_retrieve.n--;
	assert_int_equal(shell(&w,
				 "cd state/runs/" RUN "/files && [ -f d/sub/g ] && [ -f alias/f ] "
				 "&& [ -f one ] && [ ! -L one ] && [ ! -e d/link ]"),
		0);
	/* Someone has put links in the way. */
	assert_int_equal(shell(&w, "cd state/runs/" RUN "/files && rm -r d one && ln -s "
				   "../../../../outside d && ln -s ../../../../outside/one one"),
		0);
	assert_int_equal(retrieve(&w), 0);
	assert_int_equal(w.result.failed, 1);
	assert_non_null(strstr(w.result.message, "'./d/sub/g' cannot be written here"));
	assert_int_equal(shell(&w, "[ -z \"$(ls outside)\" ] && [ -f state/runs/" RUN
				   "/files/one ] && "
				   "[ ! -L state/runs/" RUN "/files/one ]"),
		0);
	end(&w);
}

/* The link breaks again and again: what was had is not asked for once more. */
static void test_breaks(void **state)
{
	struct world w;

	(void)state;
	begin(&w, 0);
	assert_int_equal(shell(&w, "cd home && head -c 20000000 /dev/urandom >large && i=0 && "
				   "while [ $i -lt 200 ]; do echo $i >small.$i; i=$((i+1)); done"),
		0);
	want(&w, "large");
	want(&w, "small.*");
	w.link.down = 1;
	w.link.breaks = 4;
	w.link.breaks_after = 6000000;
	assert_int_equal(retrieve(&w), 0);
	assert_string_equal(w.result.message, "");
	assert_int_equal(w.result.files, 201);
	assert_int_equal(w.result.bytes, 20000000 + 10 * 2 + 90 * 3 + 100 * 4);
	/* Down; the list; three times 6 MB, and the rest; never a byte twice. */
	assert_int_equal(w.link.calls, 6);
	assert_int_equal(w.link.breaks, 1);
	expect_same(&w, "");
	/* And again: it is all there. */
	assert_int_equal(retrieve(&w), 0);
	assert_int_equal(w.result.files, 201);
	assert_int_equal(w.link.calls, 7);
	end(&w);
}

static void stop_at_fifth(void *arg, int call)
{
	struct world *w = arg;

	if (call == 2)
		w->link.breaks = 0;
}

/* Given up, and taken up again by a later call. */
/* They share what has been brought of them. */
static void test_equal_files(void **state)
{
	static const size_t answers[] = { 0, 23000 };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct world w;

		begin(&w, answers[i]);
		assert_int_equal(shell(&w, "mkdir home/out && head -c 200000 /dev/urandom "
					   ">home/out/best && cp home/out/best home/out/last"),
			0);
		want(&w, "out");
		if (answers[i] == 0) {
			w.link.breaks = 1;
			w.link.breaks_after = 100000;
		}
		assert_int_equal(retrieve(&w), 0);
		assert_int_equal(w.result.files, 2);
		expect_same(&w, "");
		end(&w);
	}
}

static void test_resumed(void **state)
{
	struct world w;
	int cancel[2];

	(void)state;
	begin(&w, 0);
	assert_int_equal(shell(&w, "head -c 5000000 /dev/urandom >home/large"), 0);
	want(&w, "large");
	assert_int_equal(pipe(cancel), 0);
	assert_int_equal(write(cancel[1], "x", 1), 1);
	w.link.breaks = 1;
	w.link.breaks_after = 3000000;
	assert_int_equal(retrieve_files(&w.link.link, &w.config, w.state, RUN, INT64_MAX, cancel[0],
				 &w.result, &w.err),
		AWSQ_ECANCELED);
	assert_int_equal(w.result.files, 0);
	assert_int_equal(shell(&w,
				 "[ $(cat state/runs/" RUN "/files.part/* | wc -c) -gt 2900000 ]"),
		0);
	w.link.calls = 0;
	w.link.before = stop_at_fifth;
	w.link.arg = &w;
	w.link.breaks = 1;
	w.link.breaks_after = 2500000; /* what is left is less */
	assert_int_equal(retrieve(&w), 0);
	assert_int_equal(w.link.calls, 2);
	expect_same(&w, "");
	(void)close(cancel[0]);
	(void)close(cancel[1]);
	end(&w);
}

static void write_on(void *arg, int call)
{
	const struct world *w = arg;

	if (call > 0)
		assert_int_equal(shell(w,
					 "echo more >>home/log; date +%N >home/clock; : >home/cut"),
			0);
}

static void test_changing_files(void **state)
{
	struct world w;

	(void)state;
	begin(&w, 0);
	assert_int_equal(shell(&w, "cd home; echo first >log; echo 000000000 >clock; "
				   "head -c 900000 /dev/zero >cut; echo still >still"),
		0);
	want(&w, "*");
	w.link.before = write_on;
	w.link.arg = &w;
	assert_int_equal(retrieve(&w), 0);
	/* What was only added to is as it was; the empty one is, at the second time. */
	assert_int_equal(w.result.files, 3);
	assert_int_equal(w.result.failed, 1);
	assert_string_equal(w.result.message, "'./clock' has changed while it was read");
	assert_int_equal(shell(&w, "cd state/runs/" RUN "/files && [ ! -e clock ] && "
				   "[ ! -s cut ] && grep -q still still && grep -q first log"),
		0);
	end(&w);
}

static void test_unreadable(void **state)
{
	struct world w;

	(void)state;
	begin(&w, 0);
	w.config.job_workdir = (char *)"no such";
	want(&w, "*");
	assert_int_equal(retrieve(&w), AWSQ_EINVAL);
	assert_string_equal(w.err.message,
		"cannot bring the job's files: there is no folder ./no such");
	end(&w);
}

static void test_disk_that_cannot_be_written(void **state)
{
	struct world w;

	(void)state;
	begin(&w, 0);
	assert_int_equal(shell(&w, "echo x >home/x; rmdir state; echo >state"), 0);
	want(&w, "*");
	assert_int_equal(retrieve(&w), AWSQ_EIO);
	assert_int_equal(w.link.calls, 0);
	end(&w);
}

/* A link that is well, but brings nothing, does not keep us for ever. */
static void test_link_that_is_down(void **state)
{
	const struct awsq_clock *clock = &awsq_clock_system;
	struct world w;
	int64_t begun = clock->mono_ms(clock->arg);

	(void)state;
	begin(&w, 0);
	want(&w, "*");
	w.link.down = 1000;
	assert_int_equal(retrieve_files(&w.link.link, &w.config, w.state, RUN, begun + 2500, -1,
				 &w.result, &w.err),
		AWSQ_ETIMEDOUT);
	assert_string_equal(w.err.message, "cannot bring the job's files: nobody answers");
	assert_in_range(clock->mono_ms(clock->arg) - begun, 2000, 60000);
	end(&w);
}

/* ---- The list */

#define SUM "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void test_list(void **state)
{
	struct retrieve_list list;

	(void)state;
	assert_int_equal(retrieve_list_read(&list,
				 SUM " 0 ./b//./c\n" SUM " 12 x2e2f610a\n- 3 -\n"
				     "? - ./locked\n" SUM " 0 ./b/c\n" SUM " 1 ./../up\n\n",
				 10),
		0);
	assert_int_equal(list.n, 4);
	assert_null(list.files[0].path);
	assert_string_equal(list.files[1].path, "a\n");
	assert_int_equal(list.files[1].size, 12);
	assert_string_equal(list.files[1].sha256, SUM);
	assert_string_equal(list.files[2].path, "b/c");
	assert_string_equal(list.files[3].path, "locked");
	assert_false(list.files[3].readable);
	assert_int_equal(list.n_unmatched, 1);
	assert_int_equal(list.unmatched[0], 3);
	retrieve_list_free(&list);
	assert_int_equal(retrieve_list_read(&list, "\n", 10), 0);
	assert_int_equal(list.n, 0);
	retrieve_list_free(&list);
}

static void test_lists_that_are_none(void **state)
{
	static const char *const bad[] = { "", SUM " 0 ./a\n", SUM " 0 ./a", "\nmore\n",
		"e3b0 0 ./a\n\n", SUM " -1 ./a\n\n", SUM " 0\n\n", SUM " 0 ./a b\n\n",
		SUM "  ./a\n\n", SUM " 0 /etc/passwd\n\n", SUM " 0 x2e2\n\n", SUM " 0 x2e2f00\n\n",
		SUM " 0 x2e2g\n\n", SUM " 9999999999999999999 ./a\n\n",
		"../../../../../../../../../../../../../../../../../../../../../x 0 ./a\n\n",
		"- x -\n\n", " \n\n" };
	struct retrieve_list list;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (retrieve_list_read(&list, bad[i], 10) != AWSQ_EPARSE)
			fail_msg("taken for a list: '%s'", bad[i]);
		retrieve_list_free(&list);
	}
	assert_int_equal(retrieve_list_read(&list, SUM " 0 ./a\n" SUM " 0 ./b\n\n", 1),
		AWSQ_ETOOBIG);
	retrieve_list_free(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_to_do),
		cmocka_unit_test(test_odd_names),
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_links_and_folders),
		cmocka_unit_test(test_breaks),
		cmocka_unit_test(test_equal_files),
		cmocka_unit_test(test_resumed),
		cmocka_unit_test(test_changing_files),
		cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_disk_that_cannot_be_written),
		cmocka_unit_test(test_link_that_is_down),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_lists_that_are_none),
	};

	return cmocka_run_group_tests_name("retrieve", tests, NULL, NULL);
}
