/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/test.h"
#include "providers/redis_stub.h"

struct redis_stub {
	const struct stub_answer *answers;
	size_t n;
	const char *map;
	int listener, stop;
	uint16_t port;
	pthread_t thread;
	_Atomic size_t connections, commands;
};

/* 1 where fd can be read (or has ended), 0 where the stub is to stop. */
static int
wait_for(struct redis_stub *s, int fd)
{
	struct pollfd p[2] = { { .fd = s->stop, .events = POLLIN },
	    { .fd = fd, .events = POLLIN } };

	(void)poll(p, 2, -1);
	return (p[0].revents & POLLIN) == 0;
}

static int
send_some(struct redis_stub *s, int fd, const char *p, size_t len,
    unsigned drip_ms)
{
	struct pollfd stop = { .fd = s->stop, .events = POLLIN };
	ssize_t n;

	for (; len > 0; p += n, len -= (size_t)n) {
		n = send(fd, p, drip_ms > 0 ? 1 : len, MSG_NOSIGNAL);
		if (n <= 0 || (drip_ms > 0 && poll(&stop, 1,
		    (int)drip_ms) > 0))
			return 0;
	}
	return 1;
}

/* With PORT replaced by the number. */
static int
answer(struct redis_stub *s, int fd, const char *bytes, unsigned drip_ms)
{
	const char *at;
	char port[8];

	snprintf(port, sizeof(port), "%u", s->port);
	for (; (at = strstr(bytes, "PORT")) != NULL; bytes = at + 4) {
		if (!send_some(s, fd, bytes, (size_t)(at - bytes), drip_ms) ||
		    !send_some(s, fd, port, strlen(port), drip_ms))
			return 0;
	}
	return send_some(s, fd, bytes, strlen(bytes), drip_ms);
}

/* Is there a command at p: "*" and a digit at a line's start? */
static int
begins(const char *all, const char *p)
{
	return p[0] == '*' && p[1] >= '0' && p[1] <= '9' &&
	    (p == all || p[-1] == '\n');
}

static void
serve(struct redis_stub *s, int fd)
{
	const struct stub_answer *a;
	char in[8192], *p;
	ssize_t n;
	size_t i;

	while (wait_for(s, fd) &&
	    (n = recv(fd, in, sizeof(in) - 1, 0)) > 0) {
		in[n] = '\0';
		for (p = in; *p != '\0'; p++) {
			if (!begins(in, p))
				continue;
			if (s->map != NULL && strncmp(p + 4, "$7\r\nCLUSTER",
			    11) == 0) {
				if (!answer(s, fd, s->map, 0))
					return;
				continue;
			}
			i = atomic_fetch_add(&s->commands, 1);
			a = &s->answers[i < s->n ? i : s->n - 1];
			if (!answer(s, fd, a->bytes, a->drip_ms) ||
			    a->then == STUB_CLOSE)
				return;
			while (a->then == STUB_HANG) {
				if (!wait_for(s, fd) ||
				    recv(fd, in, sizeof(in), 0) <= 0)
					return;
			}
		}
	}
}

static void *
run(void *arg)
{
	struct redis_stub *s = arg;
	int fd, on = 1;

	while (wait_for(s, s->listener)) {
		if ((fd = accept(s->listener, NULL, NULL)) < 0)
			continue;
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on,
		    sizeof(on));
		atomic_fetch_add(&s->connections, 1);
		serve(s, fd);
		(void)close(fd);
	}
	return NULL;
}

struct redis_stub *
redis_stub_start(const struct stub_answer *answers, size_t n,
    const char *map)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);
	struct redis_stub *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->answers = answers;
	s->n = n;
	s->map = map;
	s->stop = eventfd(0, EFD_CLOEXEC);
	s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(s->stop >= 0 && s->listener >= 0);
	assert_int_equal(bind(s->listener, (struct sockaddr *)&in,
	    sizeof(in)), 0);
	assert_int_equal(listen(s->listener, 16), 0);
	assert_int_equal(getsockname(s->listener, (struct sockaddr *)&in,
	    &len), 0);
	s->port = ntohs(in.sin_port);
	assert_int_equal(pthread_create(&s->thread, NULL, run, s), 0);
	return s;
}

uint16_t
redis_stub_port(const struct redis_stub *s)
{
	return s->port;
}

size_t
redis_stub_connections(struct redis_stub *s)
{
	return atomic_load(&s->connections);
}

size_t
redis_stub_commands(struct redis_stub *s)
{
	return atomic_load(&s->commands);
}

void
redis_stub_stop(struct redis_stub *s)
{
	(void)eventfd_write(s->stop, 1);
	(void)pthread_join(s->thread, NULL);
	(void)close(s->listener);
	(void)close(s->stop);
	free(s);
}
