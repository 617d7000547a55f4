/* SPDX-License-Identifier: Apache-2.0 */
/* serve/listen.c - where a server listens. */
#include <errno.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "serve.h"

#define BACKLOG 16

static int
fail(char why[SERVE_WHY], int rc, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static int
fail(char why[SERVE_WHY], int rc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(why, SERVE_WHY, fmt, ap);
	va_end(ap);
	return rc;
}

static int
listen_unix(const char *path, struct serve_place *out, char why[SERVE_WHY])
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	mode_t mask;
	int rc;

	if (path[0] == '\0' || strlen(path) >= sizeof(at.sun_path))
		return fail(why, CSN_E_ARG, "a socket's path has 1 to %zu "
		    "bytes", sizeof(at.sun_path) - 1);
	memcpy(at.sun_path, path, strlen(path) + 1);
	out->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	/* Its owner's alone; who else may connect is chmod's to say. */
	mask = umask(0177);
	rc = out->fd < 0 ? -1 : bind(out->fd, (const struct sockaddr *)&at,
	    sizeof(at));
	umask(mask);
	/* From here on the path is ours to remove, and not before. */
	if (rc == 0 && (out->path = strdup(path)) == NULL) {
		(void)unlink(path);
		return fail(why, CSN_E_NOMEM, "out of memory");
	}
	if (rc != 0 || listen(out->fd, BACKLOG) != 0)
		return fail(why, CSN_E_IO, "cannot listen at unix:%s: %s",
		    path, strerror(errno));
	out->loopback = 1;
	if (asprintf(&out->text, "unix:%s", path) < 0) {
		out->text = NULL;
		return fail(why, CSN_E_NOMEM, "out of memory");
	}
	return 0;
}

/* "HOST:PORT" in two; IPv6 in brackets. 0 or -1. */
static int
split(const char *where, char host[256], const char **port)
{
	const char *end, *from = where;
	size_t n;

	if (where[0] == '[') {
		from = where + 1;
		if ((end = strchr(from, ']')) == NULL || end[1] != ':')
			return -1;
		*port = end + 2;
	} else {
		if ((end = strrchr(where, ':')) == NULL)
			return -1;
		*port = end + 1;
	}
	n = (size_t)(end - from);
	if (n == 0 || n > 255 || (*port)[0] == '\0')
		return -1;
	memcpy(host, from, n);
	host[n] = '\0';
	/* getaddrinfo() would take 65536 for 0. */
	n = strspn(*port, "0123456789");
	return (*port)[n] == '\0' && n <= 5 &&
	    strtoul(*port, NULL, 10) <= 65535 ? 0 : -1;
}

/* The address that it really has, as a URL. */
static int
describe(int tls, struct serve_place *out, char why[SERVE_WHY])
{
	struct sockaddr_storage at;
	socklen_t len = sizeof(at);
	char host[64], port[16];
	const char *name = host;
	const struct in6_addr *six;

	if (getsockname(out->fd, (struct sockaddr *)&at, &len) != 0 ||
	    getnameinfo((struct sockaddr *)&at, len, host, sizeof(host),
	    port, sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return fail(why, CSN_E_IO, "cannot listen: %s",
		    strerror(errno));
	if (at.ss_family == AF_INET6) {
		six = &((const struct sockaddr_in6 *)&at)->sin6_addr;
		out->loopback = IN6_IS_ADDR_LOOPBACK(six);
	} else {
		out->loopback = strncmp(name, "127.", 4) == 0;
	}
	if (asprintf(&out->text, at.ss_family == AF_INET6 ?
	    "%s://[%s]:%s" : "%s://%s:%s", tls ? "https" : "http", host,
	    port) < 0) {
		out->text = NULL;
		return fail(why, CSN_E_NOMEM, "out of memory");
	}
	return 0;
}

static int
listen_tcp(const char *where, int tls, struct serve_place *out,
    char why[SERVE_WHY])
{
	const struct addrinfo hints = { .ai_flags = AI_PASSIVE |
	    AI_NUMERICSERV, .ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	const int on = 1;
	const char *port;
	char host[256];
	int code, rc;

	if (split(where, host, &port) != 0)
		return fail(why, CSN_E_ARG, "'%s' is no place to listen: it "
		    "must be HOST:PORT, [IPv6]:PORT or unix:PATH", where);
	if ((code = getaddrinfo(host, port, &hints, &found)) != 0)
		return fail(why, CSN_E_ARG, "cannot listen at '%s': %s",
		    where, gai_strerror(code));
	out->fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	rc = out->fd < 0 ? -1 : setsockopt(out->fd, SOL_SOCKET, SO_REUSEADDR,
	    &on, sizeof(on));
	if (rc == 0)
		rc = bind(out->fd, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	if (rc != 0 || listen(out->fd, BACKLOG) != 0)
		return fail(why, CSN_E_IO, "cannot listen at %s: %s", where,
		    strerror(errno));
	return describe(tls, out, why);
}

int
serve_listen(const char *where, int tls, struct serve_place *out,
    char why[SERVE_WHY])
{
	int rc;

	memset(out, 0, sizeof(*out));
	out->fd = -1;
	if (strncmp(where, "unix:", 5) == 0)
		rc = listen_unix(where + 5, out, why);
	else
		rc = listen_tcp(where, tls, out, why);
	if (rc != 0)
		serve_unlisten(out);
	return rc;
}

void
serve_unlisten(struct serve_place *place)
{
	if (place->fd >= 0)
		close(place->fd);
	if (place->path != NULL)
		unlink(place->path);
	free(place->path);
	free(place->text);
	memset(place, 0, sizeof(*place));
	place->fd = -1;
}
