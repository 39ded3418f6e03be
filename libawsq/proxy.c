#include "banned.h"

#include "proxy.h"

#include <stdio.h>
#include <string.h>

#define MAX_SECRET 4096

/* The lower-case variable counts even when it is empty: then there is none. */
static const char *variable(const struct awsq_environment *env, const char *lower,
	const char *upper)
{
	const char *value = env->get(env->arg, lower);

	if (!value && upper)
		value = env->get(env->arg, upper);
	return value && *value ? value : NULL;
}

void proxies_find(struct proxies *out, const struct awsq_environment *env)
{
	/* In a CGI program HTTP_PROXY is what the client's "Proxy:" header says. */
	int is_cgi = env->get(env->arg, "REQUEST_METHOD") != NULL;

	out->http = variable(env, "http_proxy", is_cgi ? NULL : "HTTP_PROXY");
	out->https = variable(env, "https_proxy", "HTTPS_PROXY");
	out->no = variable(env, "no_proxy", "NO_PROXY");
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static int same(const char *a, const char *b, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (lower(a[i]) != lower(b[i]))
			return 0;
	}
	return 1;
}

/* Whether host, of host_len bytes, is name or in the domain of that name. */
static int is_within(const char *host, size_t host_len, const char *name, size_t len)
{
	if (host_len < len || !same(host + host_len - len, name, len))
		return 0;
	return host_len == len || host[host_len - len - 1] == '.';
}

/* Whether no_proxy has the authority (HOST or HOST:PORT), of len bytes. */
static int needs_none(const char *no_proxy, const char *authority, size_t len)
{
	static const char blanks[] = " \t\r\n\v\f";
	size_t host_len = len, n;

	if (strcmp(no_proxy, "*") == 0)
		return 1;
	while (host_len > 0 && authority[host_len - 1] >= '0' && authority[host_len - 1] <= '9')
		host_len--;
	if (host_len > 1 && host_len < len && authority[host_len - 1] == ':')
		host_len--;
	else
		host_len = len;
	for (const char *at = no_proxy; *at; at += n + (at[n] == ',')) {
		const char *name = at;
		size_t name_len;

		n = name_len = strcspn(at, ",");
		while (name_len > 0 && strchr(blanks, name[name_len - 1]))
			name_len--;
		while (name_len > 0 && strchr(blanks, *name))
			name++, name_len--;
		while (name_len > 0 && *name == '.')
			name++, name_len--;
		if (name_len > 0 && (is_within(authority, host_len, name, name_len) ||
					    is_within(authority, len, name, name_len)))
			return 1;
	}
	return 0;
}

static int hex_digit(char c)
{
	c = lower(c);
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent-encoding is undone where it is one, and else left as it is. */
static void decode(struct awsq_buf *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		int high = text[i] == '%' && i + 2 < len ? hex_digit(text[i + 1]) : -1;
		int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
		char c = text[i];

		if (low >= 0) {
			c = (char)(high * 16 + low);
			i += 2;
		}
		awsq_buf_add(out, &c, 1);
	}
}

/* Takes the user and password, "USER:PASSWORD", over: a proxy that wants them wants both. */
static int take_user(struct proxy *out, const char *text, size_t len)
{
	const char *colon = memchr(text, ':', len);
	size_t user_len = colon ? (size_t)(colon - text) : len;

	if (!colon || user_len == 0 || user_len + 1 == len)
		return 0;
	decode(&out->user, text, user_len);
	decode(&out->password, colon + 1, len - user_len - 1);
	return awsq_buf_error(&out->user) ? awsq_buf_error(&out->user)
	                                  : awsq_buf_error(&out->password);
}

/* The last "@": a password may have others in it. */
static size_t user_length(const char *text, size_t len)
{
	while (len > 0 && text[len - 1] != '@')
		len--;
	return len > 0 ? len - 1 : 0;
}

/* Reads "[http[s]:]//[USER:PASSWORD@]HOST[:PORT][/...]" or the same without what is before USER. */
static int parse(struct proxy *out, const char *text)
{
	char host[AUTHORITY_HOST_SIZE];
	size_t len, user_len;
	int64_t port;
	int tls = strncmp(text, "https:", 6) == 0;
	int rc;

	if (tls || strncmp(text, "http:", 5) == 0)
		text += tls ? 6 : 5;
	else if (strstr(text, "://"))
		return AWSQ_EINVAL;
	if (strncmp(text, "//", 2) == 0)
		text += 2;
	len = strcspn(text, "/?#");
	user_len = user_length(text, len);
	rc = take_user(out, text, user_len);
	if (rc != 0)
		return rc;
	if (user_len < len && text[user_len] == '@')
		user_len++;
	if (authority_parse(host, &port, text + user_len, len - user_len) != 0)
		return AWSQ_EINVAL;
	/* Named always: libcurl's default is 1080. */
	(void)snprintf(out->url, sizeof(out->url), "http%s://%s:%d", tls ? "s" : "", host,
		port  ? (int)port
		: tls ? 443
		      : 80);
	return 0;
}

int proxy_choose(struct proxy *out, const struct proxies *all, const char *url,
	struct awsq_err *err)
{
	int tls = strncmp(url, "https://", 8) == 0, rc;
	const char *set = tls ? all->https : all->http;
	const char *authority = url + (tls ? 8 : 7);

	memset(out, 0, sizeof(*out));
	awsq_buf_init(&out->user, MAX_SECRET);
	awsq_buf_init(&out->password, MAX_SECRET);
	if (!set || (!tls && strncmp(url, "http://", 7) != 0))
		return 0;
	if (all->no && needs_none(all->no, authority, strcspn(authority, "/?#")))
		return 0;
	rc = parse(out, set);
	if (rc == AWSQ_ENOMEM)
		return awsq_err_set(err, rc, "out of memory");
	if (rc != 0)
		return awsq_err_set(err, AWSQ_EINVAL,
			"what the variable '%s' has is not a proxy: "
			"'http://[USER:PASSWORD@]HOST[:PORT]' or 'https://...' is",
			tls ? "https_proxy" : "http_proxy");
	return 0;
}

void proxy_free(struct proxy *p)
{
	awsq_buf_wipe(&p->user);
	awsq_buf_wipe(&p->password);
}
