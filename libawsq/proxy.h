/*
 * proxy.h: the proxy that a URL is reached through, if any.
 *
 * Source: botocore 1.43.11 (get_environ_proxies in botocore/utils.py, ProxyConfiguration in
 * botocore/httpsession.py), which takes it from Python's urllib.request. libcurl's own reading of
 * the environment differs: it knows ALL_PROXY, but HTTP_PROXY in lower case alone, another port
 * where none is named, and blocks of addresses in NO_PROXY.
 */
#ifndef PROXY_H
#define PROXY_H

#include "authority.h"

#include <awsq/buf.h>
#include <awsq/err.h>
#include <awsq/settings.h>

/* What is set, borrowed; NULL: nothing. */
struct proxies {
	const char *http;  /* for http:// URLs: a URL itself, or HOST:PORT */
	const char *https; /* for https:// URLs */
	const char *no;    /* "*", or the domains and hosts, parted by commas, that need none */
};

/* The one to use. */
struct proxy {
	char url[AUTHORITY_HOST_SIZE + 16]; /* without user and password; "": none */
	struct awsq_buf user, password;     /* both empty when it wants none */
};

/* http_proxy, https_proxy and no_proxy, in lower case before upper case. */
void proxies_find(struct proxies *out, const struct awsq_environment *env);

/*
 * Chooses the proxy for url, which is http or https. out is to be freed with proxy_free(), also
 * after an error. AWSQ_EINVAL: what is set is not a proxy, and err says so without its password;
 * AWSQ_ENOMEM.
 */
int proxy_choose(struct proxy *out, const struct proxies *all, const char *url,
	struct awsq_err *err);

/* Wipes and frees what p holds. */
void proxy_free(struct proxy *p);

#endif
