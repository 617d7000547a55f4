/* SPDX-License-Identifier: Apache-2.0 */
/* tests/lib/liar.c - an HTTP server that answers whatever it is told. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/liar.h"

#define MAX_KEPT 64
#define MAX_HEAD 16384

struct liar {
	const struct liar_answer *answers;
	size_t n;
	int listener;
	int stop;		/* an eventfd */
	unsigned port;
	pthread_t thread;
	pthread_mutex_t lock;
	size_t requests;
	size_t connections;
	char *kept[MAX_KEPT];
};

/* 1 where fd can be read (or has ended), 0 where the liar is to stop. */
static int
wait_for(struct liar *l, int fd, int timeout)
{
	struct pollfd p[2] = { { .fd = l->stop, .events = POLLIN },
	    { .fd = fd, .events = POLLIN } };

	(void)poll(p, 2, timeout);
	return (p[0].revents & POLLIN) == 0;
}

/* Read a request; its head is in head. 0 where the connection ended. */
static int
read_request(struct liar *l, int fd, char *head)
{
	size_t used = 0, body, have;
	char *end = NULL, *at;
	char rest[4096];
	ssize_t n;

	while (end == NULL) {
		if (used + 1 >= MAX_HEAD || !wait_for(l, fd, -1))
			return 0;
		n = recv(fd, head + used, MAX_HEAD - 1 - used, 0);
		if (n <= 0)
			return 0;
		used += (size_t)n;
		head[used] = '\0';
		end = strstr(head, "\r\n\r\n");
	}
	have = used - (size_t)(end + 4 - head);
	end[2] = '\0';
	at = strcasestr(head, "\r\nContent-Length:");
	body = at == NULL ? 0 : strtoul(at + 17, NULL, 10);
	while (have < body) {
		if (!wait_for(l, fd, -1) ||
		    (n = recv(fd, rest, sizeof(rest), 0)) <= 0)
			return 0;
		have += (size_t)n;
	}
	return 1;
}

static int
send_all(struct liar *l, int fd, const struct liar_answer *a)
{
	size_t len = a->len != 0 ? a->len : strlen(a->bytes), sent = 0;
	ssize_t n;

	while (sent < len) {
		n = send(fd, a->bytes + sent, a->drip_ms != 0 ? 1 :
		    len - sent, MSG_NOSIGNAL);
		if (n <= 0)
			return 0;
		sent += (size_t)n;
		if (a->drip_ms != 0) {
			struct pollfd p = { .fd = l->stop, .events = POLLIN };

			if (poll(&p, 1, (int)a->drip_ms) > 0)
				return 0;
		}
	}
	return 1;
}

static void
serve(struct liar *l, int fd, char *head)
{
	const struct linger rst = { .l_onoff = 1, .l_linger = 0 };
	const struct liar_answer *a;
	char byte;

	while (read_request(l, fd, head)) {
		(void)pthread_mutex_lock(&l->lock);
		a = &l->answers[l->requests < l->n ? l->requests : l->n - 1];
		if (l->requests < MAX_KEPT)
			l->kept[l->requests] = strdup(head);
		l->requests++;
		(void)pthread_mutex_unlock(&l->lock);
		if (!send_all(l, fd, a))
			return;
		if (a->then == LIAR_HANG) {
			while (wait_for(l, fd, -1) &&
			    recv(fd, &byte, 1, 0) > 0)
				;
			return;
		}
		if (a->then == LIAR_RESET)
			(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &rst,
			    sizeof(rst));
		if (a->then != LIAR_KEEP)
			return;
	}
}

static void *
run(void *arg)
{
	struct liar *l = arg;
	char *head = malloc(MAX_HEAD);
	int fd, on = 1;

	while (head != NULL && wait_for(l, l->listener, -1)) {
		if ((fd = accept(l->listener, NULL, NULL)) < 0)
			continue;
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on,
		    sizeof(on));
		(void)pthread_mutex_lock(&l->lock);
		l->connections++;
		(void)pthread_mutex_unlock(&l->lock);
		serve(l, fd, head);
		(void)close(fd);
	}
	free(head);
	return NULL;
}

struct liar *
liar_start(const struct liar_answer *answers, size_t n)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);
	struct liar *l;

	if ((l = calloc(1, sizeof(*l))) == NULL)
		return NULL;
	l->answers = answers;
	l->n = n;
	l->stop = eventfd(0, EFD_CLOEXEC);
	l->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)pthread_mutex_init(&l->lock, NULL);
	if (l->stop < 0 || l->listener < 0 ||
	    bind(l->listener, (struct sockaddr *)&in, sizeof(in)) != 0 ||
	    listen(l->listener, 16) != 0 ||
	    getsockname(l->listener, (struct sockaddr *)&in, &len) != 0 ||
	    pthread_create(&l->thread, NULL, run, l) != 0) {
		free(l);
		return NULL;
	}
	l->port = ntohs(in.sin_port);
	return l;
}

unsigned
liar_port(const struct liar *l)
{
	return l->port;
}

const char *
liar_request(struct liar *l, size_t i)
{
	const char *s;

	(void)pthread_mutex_lock(&l->lock);
	s = i < MAX_KEPT && l->kept[i] != NULL ? l->kept[i] : "";
	(void)pthread_mutex_unlock(&l->lock);
	return s;
}

static size_t
look(struct liar *l, const size_t *what)
{
	size_t n;

	(void)pthread_mutex_lock(&l->lock);
	n = *what;
	(void)pthread_mutex_unlock(&l->lock);
	return n;
}

size_t
liar_requests(struct liar *l)
{
	return look(l, &l->requests);
}

size_t
liar_connections(struct liar *l)
{
	return look(l, &l->connections);
}

void
liar_stop(struct liar *l)
{
	uint64_t one = 1;
	size_t i;

	if (l == NULL)
		return;
	if (write(l->stop, &one, sizeof(one)) != sizeof(one))
		abort();
	(void)pthread_join(l->thread, NULL);
	(void)close(l->listener);
	(void)close(l->stop);
	(void)pthread_mutex_destroy(&l->lock);
	for (i = 0; i < MAX_KEPT; i++)
		free(l->kept[i]);
	free(l);
}
