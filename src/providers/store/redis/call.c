/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis/call.c - a command brought to the server that has its slot.
 *
 * A cluster changes while it is used: servers say where a slot has gone
 * (MOVED), where this one key may be already (ASK), or that it is not to be
 * had just now (TRYAGAIN, CLUSTERDOWN, LOADING). All of that is followed and
 * waited for within one deadline, and a bounded number of times.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "providers/store/redis/redis.h"

#define MAX_HOPS 8
#define MAX_WAITS 6		/* 10, 20 ... 320 ms */
#define MAX_DIALS 4

static const char asking[] = "*1\r\n$6\r\nASKING\r\n";

void
csn_redis_arg(struct csn_redis_call *call, const void *p, size_t len)
{
	call->argv[call->argc] = p;
	call->lens[call->argc++] = len;
}

void
csn_redis_word(struct csn_redis_call *call, const char *word)
{
	csn_redis_arg(call, word, strlen(word));
}

uint64_t
csn_redis_deadline(const struct csn_redis *r)
{
	return csn_net_deadline(r->config.timeout_ms);
}

/*
 * A command as it goes over the wire (RESP): what is short is copied into
 * text, what is long stays where it is.
 */
#define TEXT 4096
#define SHORT 832
#define MAX_PARTS (2 * CSN_REDIS_MAX_ARGS + 1)

struct wire {
	struct iovec part[MAX_PARTS];
	size_t n;
	size_t used;
	char text[TEXT];
};

static void
put(struct wire *w, const void *p, size_t len)
{
	struct iovec *last = w->n > 0 ? &w->part[w->n - 1] : NULL;

	if (last == NULL || (char *)last->iov_base + last->iov_len !=
	    w->text + w->used) {
		last = &w->part[w->n++];
		last->iov_base = w->text + w->used;
		last->iov_len = 0;
	}
	if (len > 0)
		memcpy(w->text + w->used, p, len);
	w->used += len;
	last->iov_len += len;
}

static void
put_count(struct wire *w, char kind, size_t count)
{
	char text[24], *p = text + sizeof(text);

	*--p = '\n';
	*--p = '\r';
	do
		*--p = (char)('0' + count % 10);
	while ((count /= 10) > 0);
	*--p = kind;
	put(w, p, (size_t)(text + sizeof(text) - p));
}

static void
put_arg(struct wire *w, const void *p, size_t len)
{
	put_count(w, '$', len);
	if (len <= SHORT) {
		put(w, p, len);
	} else {
		w->part[w->n].iov_base = (void *)(uintptr_t)p;
		w->part[w->n++].iov_len = len;
	}
	put(w, "\r\n", 2);
}

/* Room for a key twice, a script and a value that are short, and words. */
_Static_assert(4 * SHORT + 512 <= TEXT, "what is short fits into the text");

static void
put_command(struct wire *w, const struct csn_redis_call *call)
{
	static const char multi[] = "*1\r\n$5\r\nMULTI\r\n";
	static const char exec[] = "*1\r\n$4\r\nEXEC\r\n";
	int i;

	w->n = w->used = 0;
	if (call->with_ttl)
		put(w, multi, sizeof(multi) - 1);
	put_count(w, '*', (size_t)call->argc);
	for (i = 0; i < call->argc; i++)
		put_arg(w, call->argv[i], call->lens[i]);
	if (!call->with_ttl)
		return;
	put_count(w, '*', 2);
	put_arg(w, "PTTL", 4);
	put_arg(w, call->argv[1], call->lens[1]);
	put(w, exec, sizeof(exec) - 1);
}

struct state {
	struct csn_redis *r;
	struct csn_redis_net *net;
	struct csn_redis_call *call;
	struct csn_redis_node *node;
	uint64_t deadline;
	int ask;		/* node has the slot only for who asks so */
	int sent;		/* in the last try, something was */
	unsigned hops, waits, dials, breaks;
	struct wire wire;	/* last: it is not zeroed */
};

/*
 * The four replies to MULTI, the command, PTTL and EXEC. Within a transaction
 * the first three are words: another reply is one to something else. Where EXEC
 * has no result, the reply is the error that says why: the first, or what
 * EXECABORT repeats of it ("EXECABORT Transaction discarded because of: MOVED 1
 * a:1").
 * *open is set where the connection may still be in the transaction: what
 * comes next on it would be queued, and "OK" would be said of nothing.
 */
static int
receive_moment(struct csn_redis_conn *conn, struct csn_redis_sink *sink,
    uint64_t deadline, struct csn_redis_reply **out, int *open)
{
	static const char because[] = "because of: ";
	struct csn_redis_reply *first = NULL, *reply = NULL;
	const char *why;
	unsigned i;
	int rc = 0;

	for (i = 0; i < 3 && rc == 0; i++) {
		if ((rc = csn_redis_receive(conn, NULL, deadline,
		    &reply)) != 0)
			break;
		if (i == 0)
			*open = reply->type != CSN_REDIS_ERROR;
		if (*open && (reply->type & (CSN_REDIS_STATUS |
		    CSN_REDIS_ERROR)) == 0)
			rc = csn_redis_odd(conn->r, "MULTI");
		if (first == NULL && reply->type == CSN_REDIS_ERROR)
			first = reply;
		else
			csn_redis_reply_free(reply);
	}
	if (rc == 0)
		rc = csn_redis_receive(conn, sink, deadline, &reply);
	if (rc != 0) {
		csn_redis_reply_free(first);
		return rc;
	}
	if (reply->type != CSN_REDIS_ERROR ||
	    csn_redis_is_error(reply, "EXECABORT") ||
	    csn_redis_is_error(reply, "MOVED") ||
	    csn_redis_is_error(reply, "ASK"))
		*open = 0;
	if (first != NULL && reply->type == CSN_REDIS_ERROR) {
		csn_redis_reply_free(reply);
		reply = first;
	} else {
		csn_redis_reply_free(first);
	}
	if (csn_redis_is_error(reply, "EXECABORT") &&
	    (why = strstr((const char *)reply->p, because)) != NULL) {
		why += sizeof(because) - 1;
		reply->len -= (size_t)(why - (const char *)reply->p);
		memmove(reply->p, why, reply->len + 1);
	}
	/* The command's own error lies inside the result. */
	if (reply->type == CSN_REDIS_ARRAY && reply->len > 0 &&
	    reply->item[0]->type == CSN_REDIS_ERROR) {
		*out = reply->item[0];
		reply->item[0] = NULL;
		csn_redis_reply_free(reply);
		return 0;
	}
	*out = reply;
	return 0;
}

static int
send_command(struct state *s, struct csn_redis_conn *conn)
{
	struct iovec part[MAX_PARTS];

	/* Sending uses them up, and there may be another try. */
	memcpy(part, s->wire.part, s->wire.n * sizeof(part[0]));
	return csn_redis_send_parts(conn, part, s->wire.n, s->deadline);
}

/* One try. */
static int
exchange(struct state *s, struct csn_redis_reply **out)
{
	struct csn_redis_conn *conn;
	struct csn_redis_reply *ok = NULL;
	int rc, whole, open = 0;

	s->sent = 0;
	if ((rc = csn_redis_borrow(s->r, s->net, s->node, s->deadline,
	    &conn)) != 0)
		return rc;
	s->sent = 1;
	if (s->ask)
		rc = csn_redis_send(conn, asking, sizeof(asking) - 1,
		    s->deadline);
	if (rc == 0)
		rc = send_command(s, conn);
	if (rc == 0 && s->ask) {
		rc = csn_redis_receive(conn, NULL, s->deadline, &ok);
		if (rc == 0 && (ok->type & (CSN_REDIS_STATUS |
		    CSN_REDIS_ERROR)) == 0)
			rc = csn_redis_odd(s->r, "ASKING");
		csn_redis_reply_free(ok);
	}
	if (rc == 0)
		rc = s->call->with_ttl ? receive_moment(conn, s->call->sink,
		    s->deadline, out, &open) : csn_redis_receive(conn,
		    s->call->sink, s->deadline, out);
	/* A replica may be a master's name that has moved on: look again. */
	whole = rc == 0 && !open && !csn_redis_is_error(*out, "READONLY") &&
	    ((*out)->type & (s->call->types | CSN_REDIS_ERROR)) != 0;
	csn_redis_give_back(s->net, conn, whole);
	return rc;
}

/* 1 after a pause, each twice the last; 0 where there is no time for it. */
static int
pause_fits(struct state *s, unsigned n)
{
	int ms = 10 << n;

	if (csn_net_deadline((uint64_t)ms) >= s->deadline)
		return 0;
	(void)poll(NULL, 0, ms);
	return 1;
}

/* Nothing came back: is there a point in another try? */
static int
try_again(struct state *s, int rc)
{
	if (rc != CSN_E_BACKEND || csn_net_deadline(0) >= s->deadline)
		return 0;
	if (s->r->config.cluster)
		csn_redis_moved(s->net, CSN_REDIS_ANY, NULL);
	if (s->sent) {
		if (!s->call->repeatable || s->breaks++ > 0)
			return 0;
		s->call->repeated = 1;
		return 1;
	}
	return s->r->config.cluster && s->dials < MAX_DIALS &&
	    pause_fits(s, s->dials++);
}

/* Go where a redirection points. */
static int
follow(struct state *s, const struct csn_redis_reply *reply)
{
	struct csn_redis_host to = { .port = 0 };
	struct csn_redis_node *next;
	unsigned slot = 0;
	int rc;

	if (++s->hops > MAX_HOPS)
		return csn_fail(s->r->config.ctx, CSN_E_BACKEND, "store",
		    "the servers of the Redis cluster send one another's "
		    "clients in a circle (%s last): is it being changed?",
		    s->node->name);
	if (csn_redis_redirect_read(reply, &s->node->host, &slot, &to) != 0)
		return csn_fail(s->r->config.ctx, CSN_E_BACKEND, "store",
		    "%s redirects to an address that does not read",
		    s->node->name);
	if ((rc = csn_redis_node_at(s->r, s->net, &to, &next)) != 0)
		return rc;
	if (csn_redis_is_error(reply, "MOVED"))
		csn_redis_moved(s->net, slot == s->call->slot ? slot :
		    CSN_REDIS_ANY, next);
	else
		s->ask = 1;
	csn_redis_node_done(s->net, s->node);
	s->node = next;
	return 0;
}

/* Does it pass by itself? */
static int
passes(const struct state *s, const struct csn_redis_reply *reply)
{
	if (csn_redis_is_error(reply, "LOADING") ||
	    csn_redis_is_error(reply, "MASTERDOWN"))
		return 1;
	return s->r->config.cluster && (csn_redis_is_error(reply,
	    "TRYAGAIN") || csn_redis_is_error(reply, "CLUSTERDOWN") ||
	    csn_redis_is_error(reply, "READONLY"));
}

/* Is it the command itself that is not to be had? */
static int
refused(const struct csn_redis_reply *reply)
{
	static const char unknown[] = "ERR unknown command";

	return csn_redis_is_error(reply, "NOPERM") ||
	    strncmp((const char *)reply->p, unknown, sizeof(unknown) - 1) == 0;
}

/* 1: the reply is the call's answer; 0: try again; or an error. */
static int
judge(struct state *s, struct csn_redis_reply *reply)
{
	if (reply->type != CSN_REDIS_ERROR)
		return 1;
	if (s->r->config.cluster && (csn_redis_is_error(reply, "MOVED") ||
	    csn_redis_is_error(reply, "ASK")))
		return follow(s, reply);
	if (passes(s, reply) && s->waits < MAX_WAITS &&
	    pause_fits(s, s->waits)) {
		s->waits++;
		if (s->r->config.cluster)
			csn_redis_moved(s->net, CSN_REDIS_ANY, NULL);
		csn_redis_node_done(s->net, s->node);
		s->node = NULL;
		return 0;
	}
	s->call->said_no = !passes(s, reply);
	return s->call->may_refuse && refused(reply) ? 1 :
	    csn_redis_error(s->r, s->node, reply);
}

/*
 * Until there is an answer. A sentence of the last try is kept where looking
 * for the next server fails.
 */
static int
run(struct state *s, struct csn_redis_reply **out)
{
	struct csn_redis_reply *reply;
	int rc;

	for (;;) {
		if (s->node == NULL && (rc = csn_redis_node_of(s->r, s->net,
		    s->call->slot, s->deadline, &s->node)) != 0)
			return rc;
		reply = NULL;
		rc = exchange(s, &reply);
		s->ask = 0;
		if (rc != 0) {
			csn_redis_node_done(s->net, s->node);
			s->node = NULL;
			if (!try_again(s, rc))
				return rc;
			continue;
		}
		if ((rc = judge(s, reply)) == 1) {
			*out = reply;
			return 0;
		}
		csn_redis_reply_free(reply);
		if (rc != 0)
			return rc;
	}
}

int
csn_redis_call(struct csn_redis *r, struct csn_redis_call *call,
    struct csn_redis_reply **out)
{
	struct state s;
	int rc;

	memset(&s, 0, offsetof(struct state, wire));
	s.r = r;
	s.call = call;
	s.deadline = csn_redis_deadline(r);
	if ((s.net = csn_redis_net(r)) == NULL)
		return CSN_E_NOMEM;
	put_command(&s.wire, call);
	rc = run(&s, out);
	if (s.node != NULL)
		csn_redis_node_done(s.net, s.node);
	return rc;
}
