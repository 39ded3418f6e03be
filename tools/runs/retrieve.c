#include "banned.h"

#include "runs/frames.h"
#include "runs/retrieve.h"
#include "runs/retrieve_store.h"
#include "runs/script.h"
#include "runs/write_all.h"

#include <awsq/clock.h>

#include <errno.h>
#include <unistd.h>

#define MAX_LIST     (16 * 1024 * 1024)
#define MAX_TEXT     (512 * 1024)
#define MAX_PIECES   1000
#define IDLE_MS      20000 /* a link that is quiet for so long is broken: there are beats */
#define PAUSE_MS     500   /* before the next try over it */
#define PIECE_FRAMES 400   /* characters around a piece of an answer, and to spare */
#define MAX_VAIN     20    /* tries in a row that bring nothing, though the link says it is well */

/* How it stands with a file of the list. */
enum standing { WANTED, THERE, UNREADABLE, OUTSIDE, CHANGED, UNWRITABLE };

static const char *const troubles[] = {
	[UNREADABLE] = "cannot be read there",
	[OUTSIDE] = "is not below the job's folder",
	[CHANGED] = "has changed while it was read",
	[UNWRITABLE] = "cannot be written here",
};

struct retrieval {
	struct link *link;
	const struct config *config;
	const char *run_id;
	int64_t deadline_ms;
	int cancel_fd;
	struct retrieve_store store;
	struct retrieve_list list;
	enum standing *standing; /* of each of its files */
	struct awsq_err *err;
	struct awsq_err cause; /* why we ended an answer */

	/* The present answer. */
	char mark[SCRIPT_MARK_SIZE];
	struct frames frames;
	struct awsq_buf listing;
	int listed; /* the list is made, and where it does not stream, its size known: */
	uint64_t listing_size;
	size_t current; /* the file whose bytes come, from 1; 0: the list */
	int fd;         /* its part; -1: none */
	int ended;
	int brought; /* there was anything in it */
};

/* ---- What arrives */

/* Why an answer is not taken any further: what the link says of that is not the reason. */
static int refuse(struct retrieval *t, int code, const char *why)
{
	return awsq_err_set(&t->cause, code, "%s", why);
}

/* A disk that cannot be written ends all; what a name does not allow is that file's affair. */
static void settle(struct retrieval *t, size_t i)
{
	int rc = retrieve_store_keep(&t->store, &t->list.files[i], NULL);

	if (rc == 0)
		t->standing[i] = THERE;
	else
		t->standing[i] = rc == AWSQ_EPARSE ? CHANGED : UNWRITABLE;
}

/* The present file has had its last bytes in this answer. */
static int end_file(struct retrieval *t)
{
	size_t i = t->current - 1;
	int fd = t->fd;

	t->fd = -1;
	if (fd < 0)
		return 0;
	if (close(fd) != 0)
		return refuse(t, AWSQ_EIO, strerror(errno));
	if (retrieve_store_part(&t->store, &t->list.files[i]) == t->list.files[i].size)
		settle(t, i);
	return 0;
}

static int begin_file(struct retrieval *t, int64_t number, int64_t at)
{
	t->current = (size_t)number;
	if (number == 0 && !t->listed)
		t->listing_size = (uint64_t)at;
	if (number == 0)
		return t->listed && (uint64_t)at != t->listing.len ? AWSQ_EPARSE : 0;
	if ((uint64_t)number > t->list.n || t->standing[number - 1] != WANTED ||
		(uint64_t)at != retrieve_store_part(&t->store, &t->list.files[number - 1]))
		return AWSQ_EPARSE;
	return retrieve_store_write(&t->fd, &t->store, &t->list.files[number - 1], (uint64_t)at,
		&t->cause);
}

static int take_frame(void *arg, const struct frame *frame)
{
	struct retrieval *t = arg;
	int rc = frame->kind == FRAME_BEAT ? 0 : end_file(t);

	if (rc != 0)
		return rc;
	t->brought |= frame->kind != FRAME_BEAT;
	switch (frame->kind) {
	case FRAME_BEAT:
		return 0;
	case FRAME_STARTED:
		return begin_file(t, frame->number[0], frame->number[1]);
	case FRAME_GONE:
		if (t->current == 0)
			return AWSQ_EPARSE;
		t->standing[t->current - 1] = UNREADABLE;
		return 0;
	case FRAME_END:
		t->ended = 1;
		return 0;
	case FRAME_REFUSED:
		return refuse(t, AWSQ_EINVAL, frame->text);
	default:
		return AWSQ_EPARSE;
	}
}

static int take_data(void *arg, int is_stderr, const void *data, size_t len)
{
	struct retrieval *t = arg;

	(void)is_stderr;
	t->brought = 1;
	if (t->current == 0) {
		awsq_buf_add(&t->listing, data, len);
		if (awsq_buf_error(&t->listing) != 0)
			return refuse(t, awsq_buf_error(&t->listing), "the list is too long");
		return 0;
	}
	if (t->fd < 0)
		return AWSQ_EPARSE;
	if (write_all(t->fd, data, len) != 0)
		return refuse(t, AWSQ_EIO, strerror(errno));
	return 0;
}

static int take_output(void *arg, int is_stderr, const void *data, size_t len)
{
	struct retrieval *t = arg;

	return is_stderr ? 0 : frames_take(&t->frames, data, len);
}

/* ---- Asking */

static int coded(const struct retrieval *t)
{
	return t->link->kind->answer_max > 0;
}

/* How many bytes fit into one coded answer. */
static uint64_t room(const struct retrieval *t)
{
	return (t->link->kind->answer_max - PIECE_FRAMES) / 65 * 48;
}

/*
 * Runs text once. 0 when its answer came to its end, AWSQ_ENET when it broke off, in which case
 * another try may do, and goes on from where this one came to; else that is all.
 */
static int ask(struct retrieval *t, const struct awsq_buf *text)
{
	const struct frames_sink sink = { take_data, take_frame, t };
	const struct ssh_output output = { .write = take_output, .arg = t };
	int status, rc, kept;

	if (awsq_buf_error(text) != 0)
		return awsq_err_set(t->err, awsq_buf_error(text), "out of memory");
	t->ended = t->brought = 0;
	awsq_err_clear(&t->cause);
	t->current = 0;
	frames_init(&t->frames, t->mark, &sink);
	rc = t->link->kind->exec(t->link, &status, text->data, text->len, &output, t->deadline_ms,
		t->cancel_fd, t->err);
	kept = end_file(t);
	if (t->cause.code != 0)
		*t->err = t->cause;
	if (t->cause.code != 0)
		return t->cause.code;
	if (rc == 0)
		rc = kept;
	if (rc == AWSQ_EPARSE)
		return awsq_err_set(t->err, rc, "the instance's answer makes no sense");
	if (rc == AWSQ_ETIMEDOUT && awsq_mono_ms() < t->deadline_ms)
		rc = AWSQ_ENET;
	if (rc == 0 && !t->ended)
		rc = awsq_err_set(t->err, AWSQ_ENET, "the answer broke off");
	return rc;
}

/* After a try that may be repeated: 0, or why it is not. vain counts those that brought nothing. */
static int may_repeat(struct retrieval *t, int *vain)
{
	*vain = t->brought ? 0 : *vain + 1;
	if (awsq_mono_ms() >= t->deadline_ms)
		return AWSQ_ETIMEDOUT;
	if (*vain >= MAX_VAIN)
		return AWSQ_ENET;
	if (awsq_sleep_ms(PAUSE_MS, t->cancel_fd) == AWSQ_ECANCELED)
		return awsq_err_set(t->err, AWSQ_ECANCELED, "ended by the user");
	return 0;
}

/* Has the list made; or, where it does not come by itself then, asks for its next piece. */
static int ask_for_list(struct retrieval *t)
{
	struct awsq_buf text = AWSQ_BUF_INIT(MAX_TEXT);
	int rc;

	if (t->listed) {
		uint64_t left = t->listing_size - t->listing.len, most = room(t);
		struct retrieve_piece piece = { 0, NULL, t->listing.len,
			left < most ? left : most };

		(void)retrieve_text_pieces(&text, t->mark, t->run_id, NULL, &piece, 1, 1);
	} else {
		(void)retrieve_text_list(&text, t->mark, t->run_id, t->config->job_workdir,
			&t->config->job_retrieve, coded(t));
	}
	rc = ask(t, &text);
	awsq_buf_free(&text);
	return rc;
}

static int read_list(struct retrieval *t)
{
	int rc = retrieve_list_read(&t->list, awsq_buf_str(&t->listing), RETRIEVE_MAX);

	if (rc == AWSQ_ETOOBIG)
		return awsq_err_set(t->err, rc, "job.retrieve fits more than %d files",
			RETRIEVE_MAX);
	if (rc != 0)
		return awsq_err_set(t->err, rc, "the instance's list of files makes no sense");
	t->standing = calloc(t->list.n + 1, sizeof(*t->standing));
	if (!t->standing)
		return awsq_err_set(t->err, AWSQ_ENOMEM, "out of memory");
	for (size_t i = 0; i < t->list.n; i++) {
		const struct retrieve_file *file = &t->list.files[i];

		if (!file->readable)
			t->standing[i] = UNREADABLE;
		else if (!file->path)
			t->standing[i] = OUTSIDE;
		else if (retrieve_store_has(&t->store, file))
			t->standing[i] = THERE;
	}
	return 0;
}

/* The list, from its beginning, however often the link breaks. */
static int get_list(struct retrieval *t)
{
	int vain = 0, again, rc;

	retrieve_list_free(&t->list);
	free(t->standing);
	t->standing = NULL;
	awsq_buf_reset(&t->listing);
	t->listed = 0;
	do {
		rc = ask_for_list(t);
		if (rc == AWSQ_ENET) {
			if (!t->listed)
				awsq_buf_reset(&t->listing); /* half of one */
			rc = may_repeat(t, &vain);
			again = 1;
		} else {
			t->listed = rc == 0;
			again = coded(t) && t->listing.len < t->listing_size;
		}
	} while (rc == 0 && again);
	return rc == 0 ? read_list(t) : rc;
}

/* ---- The files */

/* Of equal files the second is begun when the first is whole: they have one part between them. */
static int is_asked_for(const struct retrieval *t, const struct retrieve_piece *pieces, int n,
	const struct retrieve_file *file)
{
	for (int k = 0; k < n; k++) {
		if (strcmp(t->list.files[pieces[k].number - 1].sha256, file->sha256) == 0)
			return 1;
	}
	return 0;
}

/*
 * What to ask for next, of what is wanted: as much as one answer, or one text, may hold. What is
 * whole already, as an empty file is, is put in its place. The number of pieces, or a code.
 */
static int choose_pieces(struct retrieval *t, struct retrieve_piece *pieces)
{
	uint64_t left = coded(t) ? room(t) : UINT64_MAX;
	size_t text = 0;
	int n = 0;

	for (size_t i = 0; i < t->list.n; i++) {
		const struct retrieve_file *file = &t->list.files[i];
		uint64_t at, len;

		if (t->standing[i] != WANTED || is_asked_for(t, pieces, n, file))
			continue;
		at = retrieve_store_part(&t->store, file);
		if (at == file->size) {
			int rc = begin_file(t, (int64_t)i + 1, (int64_t)at);

			rc = rc == 0 ? end_file(t) : rc;
			if (rc != 0)
				return rc;
			continue;
		}
		len = file->size - at < left ? file->size - at : left;
		text += 100 + 4 * strlen(file->name);
		if (n == MAX_PIECES || text > MAX_TEXT / 2 || len == 0)
			return n;
		pieces[n++] = (struct retrieve_piece){ i + 1, file->name, at, len };
		if (coded(t))
			left = left > len + PIECE_FRAMES ? left - len - PIECE_FRAMES : 0;
	}
	return n;
}

static int get_files(struct retrieval *t, struct retrieve_piece *pieces)
{
	int vain = 0, n, rc = 0;

	while (rc == 0 && (n = choose_pieces(t, pieces)) != 0) {
		struct awsq_buf text = AWSQ_BUF_INIT(MAX_TEXT);

		if (n < 0)
			return n;
		(void)retrieve_text_pieces(&text, t->mark, t->run_id, t->config->job_workdir,
			pieces, (size_t)n, coded(t));
		rc = ask(t, &text);
		awsq_buf_free(&text);
		if (rc == AWSQ_ENET)
			rc = may_repeat(t, &vain);
		else if (rc == 0 && !t->brought)
			rc = awsq_err_set(t->err, AWSQ_EPARSE,
				"the instance's answer makes no sense");
	}
	return rc;
}

static int has_changed(const struct retrieval *t)
{
	for (size_t i = 0; i < t->list.n; i++) {
		if (t->standing[i] == CHANGED)
			return 1;
	}
	return 0;
}

/* What has changed meanwhile has its chance once more: it may have been about to be finished. */
static int get_all(struct retrieval *t)
{
	struct retrieve_piece *pieces = calloc(MAX_PIECES, sizeof(*pieces));
	int rc = 0;

	if (!pieces)
		return awsq_err_set(t->err, AWSQ_ENOMEM, "out of memory");
	for (int round = 0; round < 2 && rc == 0; round++) {
		if (round > 0 && !has_changed(t))
			break;
		rc = get_list(t);
		if (rc == 0)
			rc = get_files(t, pieces);
	}
	free(pieces);
	return rc;
}

/* ---- The result */

/* told: how many of those failed the message has. */
static void add_failure(struct retrieve_result *out, size_t *told, const char *name,
	const char *trouble)
{
	size_t len = strlen(out->message);

	/* With room for how many more there are. */
	if (*told == out->failed &&
		len + strlen(name) + strlen(trouble) + 40 < sizeof(out->message)) {
		(void)snprintf(out->message + len, sizeof(out->message) - len, "%s'%s' %s",
			len ? "; " : "", name, trouble);
		(*told)++;
	}
	out->failed++;
}

/* Who names a file wants it; of a pattern there may be none. */
static int is_pattern(const char *text)
{
	return text[strcspn(text, "*?[")] != '\0';
}

static void sum_up(struct retrieve_result *out, const struct retrieval *t)
{
	size_t told = 0, len;

	for (size_t i = 0; i < t->list.n && t->standing; i++) {
		if (t->standing[i] == THERE) {
			out->files++;
			out->bytes += t->list.files[i].size;
		} else if (t->standing[i] != WANTED) {
			add_failure(out, &told, t->list.files[i].name, troubles[t->standing[i]]);
		}
	}
	for (size_t i = 0; i < t->list.n_unmatched; i++) {
		size_t number = t->list.unmatched[i];

		if (number < t->config->job_retrieve.n &&
			!is_pattern(t->config->job_retrieve.items[number]))
			add_failure(out, &told, t->config->job_retrieve.items[number],
				"is not there");
	}
	len = strlen(out->message);
	if (told < out->failed)
		(void)snprintf(out->message + len, sizeof(out->message) - len, "%s%zu %s",
			len ? "; and " : "", out->failed - told, len ? "more" : "files failed");
}

int retrieve_files(struct link *link, const struct config *c, const char *state_dir,
	const char *run_id, int64_t deadline_ms, int cancel_fd, struct retrieve_result *out,
	struct awsq_err *err)
{
	struct retrieval t = { .link = link,
		.config = c,
		.run_id = run_id,
		.deadline_ms = deadline_ms,
		.cancel_fd = cancel_fd,
		.fd = -1,
		.store = { -1, -1, -1 } };
	struct awsq_err own = { 0 };
	int rc;

	*out = (struct retrieve_result){ 0 };
	if (c->job_retrieve.n == 0)
		return 0;
	t.err = &own;
	awsq_buf_init(&t.listing, MAX_LIST);
	link->idle_ms = IDLE_MS;
	link->until_ms = 0;
	rc = script_mark(t.mark);
	if (rc != 0)
		awsq_err_set(&own, rc, "%s", awsq_strerror(rc));
	if (rc == 0)
		rc = retrieve_store_open(&t.store, state_dir, run_id, &own);
	if (rc == 0)
		rc = get_all(&t);
	sum_up(out, &t);
	retrieve_store_close(&t.store);
	retrieve_list_free(&t.list);
	free(t.standing);
	awsq_buf_free(&t.listing);
	if (rc == 0)
		return 0;
	return awsq_err_set(err, rc, "cannot bring the job's files: %s", own.message);
}
