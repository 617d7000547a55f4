/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net_resolve.c - names to addresses, on a thread that may be left behind.
 *
 * The system's resolver takes as long as it likes. It runs on a thread of
 * its own, and who comes last, that thread or the one that asked, frees
 * what they share. Numeric addresses need neither.
 */

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "net/resolve.h"

struct question {
	pthread_mutex_t lock;
	pthread_cond_t answered;
	int refs, done, rc;
	char *host;
	char port[6];
	size_t count;
	struct csn_net_address found[CSN_NET_ADDRESSES];
};

static int
ask(const char *host, const char *port, int flags,
    struct csn_net_address *out, size_t *count)
{
	struct addrinfo hints = {
		.ai_flags = flags | AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM,
	};
	struct addrinfo *list, *a;
	int rc;

	*count = 0;
	rc = getaddrinfo(host, port, &hints, &list);
	if (rc != 0)
		return rc == EAI_MEMORY ? ENOMEM : EHOSTUNREACH;
	for (a = list; a != NULL && *count < CSN_NET_ADDRESSES;
	    a = a->ai_next) {
		if (a->ai_addrlen > sizeof(out->at))
			continue;
		memset(&out[*count], 0, sizeof(*out));
		memcpy(&out[*count].at, a->ai_addr, a->ai_addrlen);
		out[(*count)++].len = a->ai_addrlen;
	}
	freeaddrinfo(list);
	return *count > 0 ? 0 : EHOSTUNREACH;
}

/* With the lock held; gives it up. */
static void
leave(struct question *q)
{
	int last = --q->refs == 0;

	(void)pthread_mutex_unlock(&q->lock);
	if (!last)
		return;
	(void)pthread_cond_destroy(&q->answered);
	(void)pthread_mutex_destroy(&q->lock);
	csn_free(q->host);
	csn_free(q);
}

static void *
resolver(void *arg)
{
	struct question *q = arg;
	struct csn_net_address found[CSN_NET_ADDRESSES];
	size_t count;
	int rc;

	rc = ask(q->host, q->port, AI_ADDRCONFIG, found, &count);
	(void)pthread_mutex_lock(&q->lock);
	memcpy(q->found, found, count * sizeof(found[0]));
	q->count = count;
	q->rc = rc;
	q->done = 1;
	(void)pthread_cond_signal(&q->answered);
	leave(q);
	return NULL;
}

static struct question *
question_new(const char *host, const char *port)
{
	struct question *q;

	if ((q = csn_calloc(1, sizeof(*q))) == NULL)
		return NULL;
	if ((q->host = csn_strdup(host)) == NULL) {
		csn_free(q);
		return NULL;
	}
	(void)snprintf(q->port, sizeof(q->port), "%s", port);
	(void)pthread_mutex_init(&q->lock, NULL);
	(void)csn_cond_init(&q->answered);
	q->refs = 1;
	return q;
}

/* The program's signals are not for this thread. */
static int
launch(struct question *q)
{
	sigset_t all, before;
	pthread_t thread;
	int rc;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&thread, NULL, resolver, q);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc == 0)
		(void)pthread_detach(thread);
	return rc;
}

int
csn_net_resolve(const char *host, uint16_t port, uint64_t deadline,
    struct csn_net_address *out, size_t *count)
{
	struct question *q;
	char service[6];
	int rc;

	(void)snprintf(service, sizeof(service), "%u", (unsigned)port);
	if ((rc = ask(host, service, AI_NUMERICHOST, out, count)) == 0)
		return 0;
	if ((q = question_new(host, service)) == NULL)
		return ENOMEM;
	(void)pthread_mutex_lock(&q->lock);
	q->refs++;
	if ((rc = launch(q)) != 0) {
		q->refs--;
		goto out;
	}
	while (!q->done && rc == 0)
		rc = csn_cond_wait(&q->answered, &q->lock, deadline);
	if (q->done) {
		rc = q->rc;
		*count = q->count;
		memcpy(out, q->found, q->count * sizeof(*out));
	}
out:
	leave(q);
	return rc;
}
