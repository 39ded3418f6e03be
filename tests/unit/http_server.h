/*
 * http_server.h: a server of scripted answers for the tests of calls, on a port of its own of the
 * loopback interface, with a thread for each connection.
 *
 * Each request takes the first answer of the script that is not taken yet and whose action is its
 * own (or that has none). What was received can be looked at once the calls have ended.
 */
#ifndef AWSQ_TESTS_HTTP_SERVER_H
#define AWSQ_TESTS_HTTP_SERVER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <awsq/buf.h>
#include <awsq/clock.h>

#define SERVER_MAX 16

struct answer {
	const char *action; /* of the request that it is for; NULL: any */
	int status;         /* 0: the connection is closed without an answer */
	const char *body;   /* NULL: "" */
	const char *date;   /* the Date header; NULL: none */
	size_t fill;        /* so many blanks more at the body's end */
	size_t missing;     /* so many bytes fewer than Content-Length says, then it is closed */
	int delay_ms;       /* before the answer; -1: there never is one */
	int close;          /* the connection, after the answer */
};

struct request {
	char head[8192]; /* with the empty line at its end */
	char body[8192];
	int connection; /* which, from 0 */
};

struct server {
	const struct answer *answers;
	size_t n_answers;
	int taken[SERVER_MAX];
	struct request requests[SERVER_MAX];
	int n_requests;
	int refused; /* requests for which no answer was left */
	int port;
	int listener;
	int stop[2];
	pthread_mutex_t lock;
	pthread_t acceptor;
	struct server_connection {
		struct server *server;
		pthread_t thread;
		int fd, number;
	} connections[SERVER_MAX];
	int n_connections;
};

/* Waits until fd is readable (-1: for the time only); 0 when the server is to stop. */
static inline int server_wait(struct server *s, int fd, int ms)
{
	struct pollfd p[2] = { { s->stop[0], POLLIN, 0 }, { fd, POLLIN, 0 } };

	return poll(p, 2, ms) >= 0 && !p[0].revents;
}

static inline int server_send(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n <= 0)
			return -1;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

/* One request, which has a Content-Length. 0 when the connection has ended. */
static inline int server_receive(struct server *s, int fd, struct request *r)
{
	size_t len = 0, want = 0;
	char *end = NULL, *length;

	memset(r, 0, sizeof(*r));
	while (!end || strlen(end) < want) {
		ssize_t n;

		if (!server_wait(s, fd, -1) || len >= sizeof(r->head) - 1)
			return 0;
		n = recv(fd, r->head + len, sizeof(r->head) - 1 - len, 0);
		if (n <= 0)
			return 0;
		len += (size_t)n;
		end = strstr(r->head, "\r\n\r\n");
		if (!end)
			continue;
		end += 4;
		length = strstr(r->head, "Content-Length: ");
		want = length ? strtoul(length + 16, NULL, 10) : 0;
	}
	(void)snprintf(r->body, sizeof(r->body), "%s", end);
	*end = '\0';
	return 1;
}

static inline const struct answer *server_choose(struct server *s, const struct request *r)
{
	const struct answer *found = NULL;

	(void)pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < s->n_answers && !found; i++) {
		char action[80];

		(void)snprintf(action, sizeof(action), "Action=%s&", s->answers[i].action);
		if (s->taken[i] || (s->answers[i].action && !strstr(r->body, action)))
			continue;
		s->taken[i] = 1;
		found = &s->answers[i];
	}
	if (s->n_requests < SERVER_MAX)
		s->requests[s->n_requests++] = *r;
	s->refused += !found;
	(void)pthread_mutex_unlock(&s->lock);
	return found;
}

/* Whether the connection goes on. */
static inline int server_answer(struct server *s, int fd, const struct answer *a)
{
	struct awsq_buf text = AWSQ_BUF_INIT(128 * 1024 * 1024);
	char blanks[1024];
	size_t len = (a->body ? strlen(a->body) : 0) + a->fill, head;
	int ok;

	if (a->delay_ms != 0 && !server_wait(s, -1, a->delay_ms))
		return 0;
	if (a->status == 0)
		return 0;
	awsq_buf_addf(&text, "HTTP/1.1 %d Scripted\r\nContent-Length: %zu\r\n", a->status, len);
	if (a->date)
		awsq_buf_addf(&text, "Date: %s\r\n", a->date);
	awsq_buf_addf(&text, "%s\r\n", a->close ? "Connection: close\r\n" : "");
	head = text.len;
	if (a->body)
		awsq_buf_adds(&text, a->body);
	memset(blanks, ' ', sizeof(blanks));
	for (size_t left = a->fill, n; left > 0; left -= n) {
		n = left < sizeof(blanks) ? left : sizeof(blanks);
		awsq_buf_add(&text, blanks, n);
	}
	ok = a->missing <= text.len - head &&
	     server_send(fd, text.data, text.len - a->missing) == 0;
	awsq_buf_free(&text);
	return ok && a->missing == 0 && !a->close;
}

static inline void *server_serve(void *arg)
{
	struct server_connection *c = arg;
	struct request *r = calloc(1, sizeof(*r));
	int going_on = r != NULL;

	while (going_on && server_receive(c->server, c->fd, r)) {
		const struct answer *a;

		r->connection = c->number;
		a = server_choose(c->server, r);
		going_on = a && server_answer(c->server, c->fd, a);
	}
	free(r);
	(void)shutdown(c->fd, SHUT_RDWR);
	return NULL;
}

static inline void *server_accept(void *arg)
{
	struct server *s = arg;

	while (s->n_connections < SERVER_MAX && server_wait(s, s->listener, -1)) {
		struct server_connection *c = &s->connections[s->n_connections];

		c->server = s;
		c->number = s->n_connections;
		c->fd = accept(s->listener, NULL, NULL);
		if (c->fd >= 0 && pthread_create(&c->thread, NULL, server_serve, c) == 0)
			s->n_connections++;
	}
	return NULL;
}

/* Starts a server, which the caller owns and stops with server_end. */
static inline struct server *server_begin(const struct answer *answers, size_t n)
{
	struct server *s = calloc(1, sizeof(*s));
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);

	assert_non_null(s);
	assert_true(n <= SERVER_MAX);
	s->answers = answers;
	s->n_answers = n;
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s->listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(s->listener, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(s->listener, SERVER_MAX), 0);
	assert_int_equal(getsockname(s->listener, (struct sockaddr *)&at, &len), 0);
	s->port = ntohs(at.sin_port);
	assert_int_equal(pipe(s->stop), 0);
	assert_int_equal(pthread_mutex_init(&s->lock, NULL), 0);
	assert_int_equal(pthread_create(&s->acceptor, NULL, server_accept, s), 0);
	return s;
}

static inline void server_end(struct server *s)
{
	assert_int_equal(write(s->stop[1], "x", 1), 1);
	(void)pthread_join(s->acceptor, NULL);
	for (int i = 0; i < s->n_connections; i++) {
		(void)shutdown(s->connections[i].fd, SHUT_RDWR);
		(void)pthread_join(s->connections[i].thread, NULL);
		(void)close(s->connections[i].fd);
	}
	(void)close(s->listener);
	(void)close(s->stop[0]);
	(void)close(s->stop[1]);
	(void)pthread_mutex_destroy(&s->lock);
	free(s);
}

/* A header's value in out; "" when it is not there. Names are compared as they are sent. */
static inline const char *request_header(char *out, size_t size, const struct request *r,
	const char *name)
{
	char line[80];
	const char *at;

	(void)snprintf(line, sizeof(line), "\r\n%s: ", name);
	at = strstr(r->head, line);
	out[0] = '\0';
	if (at) {
		at += strlen(line);
		(void)snprintf(out, size, "%.*s", (int)strcspn(at, "\r"), at);
	}
	return out;
}

#endif
