/* SPDX-License-Identifier: Apache-2.0 */
/* memcached/call.c - connections, commands and answers. */

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/context.h"
#include "providers/store/memcached/memcached.h"

static int
fail_net(struct csn_mc *m, const struct csn_mc_conn *c, int errnum,
    const char *what)
{
	return csn_fail_errno(m->ctx, CSN_E_BACKEND, "store", errnum,
	    "memcached at %s: %s; see that it runs and is not overloaded",
	    c->host->name, what);
}

int
csn_mc_nonsense(struct csn_mc *m, const struct csn_mc_conn *c)
{
	return csn_fail(m->ctx, CSN_E_BACKEND, "store", "memcached at %s: its "
	    "answer makes no sense; see what listens there", c->host->name);
}

static void
conn_free(struct csn_mc_conn *c)
{
	csn_net_close(&c->net);
	csn_free(c);
}

/* Connections that lie idle and were closed over there. With the lock. */
static struct csn_mc_conn *
take_idle(struct csn_mc_host *h)
{
	struct csn_mc_conn *c;

	while ((c = h->idle) != NULL) {
		h->idle = c->next;
		c->next = NULL;
		if (csn_net_idle_ok(&c->net))
			return c;
		h->open--;
		conn_free(c);
	}
	return NULL;
}

/* An idle one, or leave (counted) to make one. */
static int
take(struct csn_mc *m, struct csn_mc_host *h, uint64_t deadline,
    struct csn_mc_conn **out)
{
	int rc = 0;

	(void)pthread_mutex_lock(&m->lock);
	while ((*out = take_idle(h)) == NULL && h->open >= m->pool && rc == 0)
		rc = csn_cond_wait(&m->freed, &m->lock, deadline);
	if (*out == NULL && rc == 0)
		h->open++;
	if (*out != NULL)
		rc = 0;
	(void)pthread_mutex_unlock(&m->lock);
	return rc == 0 ? 0 : csn_fail(m->ctx, CSN_E_BUSY, "store",
	    "memcached at %s: all %u connections are in use; open the store "
	    "with a larger pool", h->name, m->pool);
}

static void
give_up(struct csn_mc *m, struct csn_mc_host *h)
{
	(void)pthread_mutex_lock(&m->lock);
	h->open--;
	(void)pthread_cond_broadcast(&m->freed);
	(void)pthread_mutex_unlock(&m->lock);
}

int
csn_mc_begin(struct csn_mc *m, struct csn_mc_host *h, uint64_t deadline,
    struct csn_mc_conn **out)
{
	struct csn_mc_conn *c;
	uint64_t until;
	int rc;

	if (csn_fork_check(m->ctx, m->generation) != 0)
		return csn_fail(m->ctx, CSN_E_FORK, "store", "the memcached "
		    "store was opened before a fork: open it anew in the "
		    "child");
	if ((rc = take(m, h, deadline, &c)) != 0)
		return rc;
	if (c == NULL) {
		if ((c = csn_calloc(1, sizeof(*c))) == NULL) {
			give_up(m, h);
			return csn_nomem(m->ctx, "store", "a connection");
		}
		c->host = h;
		c->fresh = 1;
		until = csn_net_deadline(m->connect_ms);
		if (until > deadline)
			until = deadline;
		rc = h->port == 0 ?
		    csn_net_connect_unix(&c->net, h->host, until) :
		    csn_net_connect(&c->net, h->host, h->port, until);
		if (rc != 0) {
			rc = rc == ENOMEM ? csn_nomem(m->ctx, "store",
			    "a connection") :
			    fail_net(m, c, rc, "no connection");
			csn_free(c);
			give_up(m, h);
			return rc;
		}
	}
	c->deadline = deadline;
	*out = c;
	return 0;
}

void
csn_mc_done(struct csn_mc *m, struct csn_mc_conn *c, int rc)
{
	struct csn_mc_host *h = c->host;

	if (rc == CSN_E_BACKEND) {
		conn_free(c);
		give_up(m, h);
		return;
	}
	c->fresh = 0;
	(void)pthread_mutex_lock(&m->lock);
	c->next = h->idle;
	h->idle = c;
	(void)pthread_cond_broadcast(&m->freed);
	(void)pthread_mutex_unlock(&m->lock);
}

void
csn_mc_close_all(struct csn_mc *m)
{
	struct csn_mc_conn *c;
	size_t i;

	for (i = 0; i < m->nhosts; i++) {
		while ((c = m->hosts[i].idle) != NULL) {
			m->hosts[i].idle = c->next;
			conn_free(c);
		}
	}
}

int
csn_mc_send(struct csn_mc *m, struct csn_mc_conn *c, const char *command,
    const uint8_t *mark, const uint8_t *value, size_t len, int has_value)
{
	struct iovec iov[5];
	size_t n = 0;
	int rc;

	iov[n].iov_base = (void *)(uintptr_t)command;
	iov[n++].iov_len = strlen(command);
	if (mark != NULL) {
		iov[n].iov_base = (void *)(uintptr_t)mark;
		iov[n++].iov_len = 8;
	}
	if (len > 0) {
		iov[n].iov_base = (void *)(uintptr_t)value;
		iov[n++].iov_len = len;
	}
	if (has_value) {
		iov[n].iov_base = (void *)(uintptr_t)"\r\n";
		iov[n++].iov_len = 2;
	}
	if ((rc = csn_net_send(&c->net, iov, n, c->deadline)) != 0)
		return fail_net(m, c, rc, "sending failed");
	return 0;
}

static int
fail_told(struct csn_mc *m, const struct csn_mc_conn *c, const char *text,
    size_t len)
{
	if (strstr(text, "too large") != NULL)
		return csn_fail(m->ctx, CSN_E_LIMIT, "store", "memcached at "
		    "%s: a value of %zu bytes is above its limit; start it "
		    "with a larger -I (and -m)", c->host->name, len);
	if (strstr(text, "out of memory") != NULL)
		return csn_fail(m->ctx, CSN_E_QUOTA, "store", "memcached at "
		    "%s: it has no memory left for %zu bytes", c->host->name,
		    len);
	if (strcmp(text, "ERROR") == 0)
		return csn_fail(m->ctx, CSN_E_BACKEND, "store", "memcached at "
		    "%s: it does not know the meta commands; it must be 1.6 "
		    "or newer", c->host->name);
	return csn_fail(m->ctx, CSN_E_BACKEND, "store",
	    "memcached at %s says %.100s", c->host->name, text);
}

int
csn_mc_receive(struct csn_mc *m, struct csn_mc_conn *c, size_t len,
    struct csn_mc_reply *out)
{
	size_t line_len;
	char *line;
	int rc;

	rc = csn_net_line(&c->net, &line, &line_len, c->deadline);
	if (rc == EBADMSG || rc == EMSGSIZE)
		return csn_mc_nonsense(m, c);
	if (rc != 0)
		return fail_net(m, c, rc, "no answer");
	if (csn_mc_reply_read(line, out) != 0)
		return csn_mc_nonsense(m, c);
	if (out->kind == CSN_MC_ERROR)
		return fail_told(m, c, out->text, len);
	return 0;
}

int
csn_mc_bytes(struct csn_mc *m, struct csn_mc_conn *c, uint8_t *out,
    size_t len)
{
	int rc;

	rc = out == NULL ? csn_net_skip(&c->net, len, c->deadline) :
	    csn_net_read(&c->net, out, len, c->deadline);
	return rc == 0 ? 0 : fail_net(m, c, rc, "half an answer");
}

int
csn_mc_value_end(struct csn_mc *m, struct csn_mc_conn *c)
{
	uint8_t end[2];
	int rc;

	if ((rc = csn_mc_bytes(m, c, end, 2)) != 0)
		return rc;
	return end[0] == '\r' && end[1] == '\n' ? 0 : csn_mc_nonsense(m, c);
}
