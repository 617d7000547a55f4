/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz/server.h - a server on a unix socket, or on a port of this machine,
 * that says the input to whoever comes, whatever they say, and then nothing
 * more.
 */
#ifndef FUZZ_SERVER_H
#define FUZZ_SERVER_H

#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "folder.h"

static int fuzz_listener = -1;
static pthread_t fuzz_thread;
static pthread_mutex_t fuzz_saying_lock = PTHREAD_MUTEX_INITIALIZER;
static const uint8_t *fuzz_saying;
static size_t fuzz_saying_len;

static inline void *
fuzz_serve(void *arg)
{
	char heard[4096];
	size_t at, len;
	ssize_t n;
	int fd;

	(void)arg;
	while ((fd = accept4(fuzz_listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		/* Nobody changes it while somebody is connected. */
		(void)pthread_mutex_lock(&fuzz_saying_lock);
		len = fuzz_saying_len;
		for (at = 0; at < len; at += (size_t)n)
			if ((n = send(fd, fuzz_saying + at, len - at,
			    MSG_NOSIGNAL)) <= 0)
				break;
		(void)shutdown(fd, SHUT_WR);
		while (recv(fd, heard, sizeof(heard), 0) > 0)
			;
		(void)pthread_mutex_unlock(&fuzz_saying_lock);
		(void)close(fd);
	}
	return NULL;
}

static inline void
fuzz_server_finish(void)
{
	(void)shutdown(fuzz_listener, SHUT_RDWR);
	(void)pthread_join(fuzz_thread, NULL);
	(void)close(fuzz_listener);
}

/* Listen at a, and say these bytes from now on. */
static inline void
fuzz_server_at(void *a, socklen_t a_len, const uint8_t *data, size_t len)
{
	const struct sockaddr *at = a;

	if (fuzz_listener < 0 && at != NULL) {
		fuzz_listener = socket(at->sa_family,
		    SOCK_STREAM | SOCK_CLOEXEC, 0);
		check(fuzz_listener >= 0);
		check(bind(fuzz_listener, at, a_len) == 0);
		check(listen(fuzz_listener, 64) == 0);
		check(pthread_create(&fuzz_thread, NULL, fuzz_serve,
		    NULL) == 0);
		check(atexit(fuzz_server_finish) == 0);
	}
	(void)pthread_mutex_lock(&fuzz_saying_lock);
	fuzz_saying = data;
	fuzz_saying_len = len;
	(void)pthread_mutex_unlock(&fuzz_saying_lock);
}

/* The socket's path. */
static inline const char *
fuzz_server(const uint8_t *data, size_t len)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	const char *path = fuzz_path("socket");

	check(strlen(path) < sizeof(a.sun_path));
	memcpy(a.sun_path, path, strlen(path) + 1);
	fuzz_server_at(&a, sizeof(a), data, len);
	return path;
}

/* The port on the loopback address. */
static inline unsigned
fuzz_server_port(const uint8_t *data, size_t len)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t a_len = sizeof(a);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fuzz_server_at(&a, sizeof(a), data, len);
	check(getsockname(fuzz_listener, (struct sockaddr *)&a,
	    &a_len) == 0);
	return ntohs(a.sin_port);
}

/* Nobody is connected any more, and nothing is said to who comes late. */
static inline void
fuzz_server_quiet(void)
{
	fuzz_server_at(NULL, 0, NULL, 0);
}

#endif
