/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis/net.c - the servers that there are, and the connections to them.
 *
 * One lock serves a store: it is held for looking and for moving pointers,
 * never while a word goes over the network.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/context.h"
#include "base/crc32.h"
#include "providers/store/redis/redis.h"

static struct csn_redis_net *
net_new(struct csn_redis *r, struct csn_redis_net *older)
{
	struct csn_redis_net *net;

	if ((net = csn_calloc(1, sizeof(*net))) == NULL)
		return NULL;
	net->generation = csn_fork_generation(r->config.ctx);
	net->older = older;
	if (csn_cond_init(&net->changed) != 0)
		goto err_net;
	if (pthread_mutex_init(&net->lock, NULL) != 0) {
		(void)pthread_cond_destroy(&net->changed);
		goto err_net;
	}
	return net;

err_net:
	csn_free(net);
	return NULL;
}

static void
net_wipe(struct csn_redis_net *net, void (*end)(struct csn_redis_conn *))
{
	struct csn_redis_conn *conn;
	size_t i;

	for (i = 0; i < net->nnodes; i++) {
		while ((conn = net->nodes[i]->idle) != NULL) {
			net->nodes[i]->idle = conn->next;
			end(conn);
		}
		csn_free(net->nodes[i]);
	}
	net->nnodes = 0;
}

/*
 * A parent's thread may have held the lock when this process was forked off.
 * Then its lists may be half changed, and its sockets are left to the end of
 * the process.
 */
static void
disown(struct csn_redis_net *net)
{
	if (pthread_mutex_trylock(&net->lock) == 0) {
		net_wipe(net, csn_redis_conn_abandon);
		(void)pthread_mutex_unlock(&net->lock);
	}
}

struct csn_redis_net *
csn_redis_net(struct csn_redis *r)
{
	struct csn_redis_net *now = atomic_load(&r->net), *made;

	if (now != NULL && csn_fork_check(r->config.ctx,
	    now->generation) == 0)
		return now;
	if ((made = net_new(r, now)) == NULL) {
		(void)csn_nomem(r->config.ctx, "store",
		    "a Redis store's connections");
		return NULL;
	}
	if (atomic_compare_exchange_strong(&r->net, &now, made)) {
		if (made->older != NULL)
			disown(made->older);
		return made;
	}
	made->older = NULL;
	csn_redis_net_free(made);
	return now;
}

void
csn_redis_net_free(struct csn_redis_net *net)
{
	struct csn_redis_net *older;

	if (net == NULL)
		return;
	net_wipe(net, csn_redis_conn_close);
	(void)pthread_cond_destroy(&net->changed);
	(void)pthread_mutex_destroy(&net->lock);
	/* A parent's lock may be held for ever: only its memory is freed. */
	while (net != NULL) {
		older = net->older;
		csn_free(net);
		net = older;
	}
}

/* --- Nodes --------------------------------------------------------------- */

static struct csn_redis_node *
find(struct csn_redis_net *net, const struct csn_redis_host *host)
{
	size_t i;

	for (i = 0; i < net->nnodes; i++) {
		if (net->nodes[i]->host.port == host->port &&
		    strcmp(net->nodes[i]->host.name, host->name) == 0)
			return net->nodes[i];
	}
	return NULL;
}

/* Find or make; locked. NULL with *rc and a sentence. */
static struct csn_redis_node *
node_have(struct csn_redis *r, struct csn_redis_net *net,
    const struct csn_redis_host *host, int *rc)
{
	struct csn_redis_node *node = find(net, host);

	if (node != NULL)
		return node;
	if (net->nnodes == CSN_REDIS_MAX_NODES) {
		*rc = csn_fail(r->config.ctx, CSN_E_BACKEND, "store",
		    "the Redis cluster names more than %d servers",
		    CSN_REDIS_MAX_NODES);
		return NULL;
	}
	if ((node = csn_calloc(1, sizeof(*node))) == NULL) {
		*rc = csn_nomem(r->config.ctx, "store",
		    "a Redis server's address");
		return NULL;
	}
	node->host = *host;
	(void)snprintf(node->name, sizeof(node->name),
	    strchr(host->name, ':') != NULL ? "[%s]:%u" : "%s:%u",
	    host->name, (unsigned)host->port);
	net->nodes[net->nnodes++] = node;
	return node;
}

/* Those that neither map nor URL names, and that nobody holds; locked. */
static struct csn_redis_conn *
nodes_sweep(struct csn_redis_net *net)
{
	struct csn_redis_conn *conn, *ended = NULL;
	struct csn_redis_node *node;
	size_t i, k = 0;

	for (i = 0; i < net->nnodes; i++) {
		node = net->nodes[i];
		if (node->listed || node->users > 0) {
			net->nodes[k++] = node;
			continue;
		}
		while ((conn = node->idle) != NULL) {
			node->idle = conn->next;
			conn->next = ended;
			ended = conn;
		}
		csn_free(node);
	}
	net->nnodes = k;
	return ended;
}

int
csn_redis_node_at(struct csn_redis *r, struct csn_redis_net *net,
    const struct csn_redis_host *host, struct csn_redis_node **out)
{
	struct csn_redis_node *node;
	int rc = 0;

	(void)pthread_mutex_lock(&net->lock);
	if ((node = node_have(r, net, host, &rc)) != NULL)
		node->users++;
	(void)pthread_mutex_unlock(&net->lock);
	*out = node;
	return rc;
}

void
csn_redis_node_done(struct csn_redis_net *net, struct csn_redis_node *node)
{
	(void)pthread_mutex_lock(&net->lock);
	node->users--;
	(void)pthread_mutex_unlock(&net->lock);
}

/* The owner of a slot, or, where none is known, of any; locked. */
static struct csn_redis_node *
owner(const struct csn_redis_net *net, unsigned slot)
{
	unsigned i;

	if (slot < CSN_REDIS_SLOTS && net->slots[slot] != NULL)
		return net->slots[slot];
	for (i = 0; i < CSN_REDIS_SLOTS; i++) {
		if (net->slots[i] != NULL)
			return net->slots[i];
	}
	return NULL;
}

int
csn_redis_node_of(struct csn_redis *r, struct csn_redis_net *net,
    unsigned slot, uint64_t deadline, struct csn_redis_node **out)
{
	struct csn_redis_node *node;
	int rc;

	if (!r->config.cluster)
		return csn_redis_node_at(r, net, &r->config.hosts[0], out);
	if ((rc = csn_redis_refresh(r, net, deadline)) != 0)
		return rc;
	(void)pthread_mutex_lock(&net->lock);
	if ((node = owner(net, slot)) != NULL)
		node->users++;
	(void)pthread_mutex_unlock(&net->lock);
	if (node == NULL)
		return csn_fail(r->config.ctx, CSN_E_BACKEND, "store",
		    "no server of the Redis cluster has any slots");
	*out = node;
	return 0;
}

uint32_t
csn_redis_node_number(struct csn_redis *r, unsigned slot)
{
	struct csn_redis_net *net = atomic_load(&r->net);
	const struct csn_redis_node *node;
	uint32_t n = 0;

	if (net == NULL || !r->config.cluster ||
	    csn_fork_check(r->config.ctx, net->generation) != 0)
		return 0;
	(void)pthread_mutex_lock(&net->lock);
	if ((node = owner(net, slot)) != NULL)
		n = csn_crc32(0, node->name, strlen(node->name));
	(void)pthread_mutex_unlock(&net->lock);
	return n;
}

int
csn_redis_masters(struct csn_redis *r, struct csn_redis_net *net,
    unsigned first, uint64_t deadline, struct csn_redis_node ***out,
    size_t *n)
{
	struct csn_redis_node **nodes, *node;
	size_t i, k, count;
	int rc;

	if ((nodes = csn_calloc(CSN_REDIS_MAX_NODES, sizeof(node))) == NULL)
		return csn_nomem(r->config.ctx, "store",
		    "a Redis cluster's servers");
	if ((rc = csn_redis_node_of(r, net, first, deadline, &nodes[0])) !=
	    0) {
		csn_free(nodes);
		return rc;
	}
	count = 1;
	(void)pthread_mutex_lock(&net->lock);
	for (i = 0; r->config.cluster && i < CSN_REDIS_SLOTS; i++) {
		node = net->slots[i];
		for (k = 0; k < count && nodes[k] != node; k++)
			;
		if (node != NULL && k == count) {
			node->users++;
			nodes[count++] = node;
		}
	}
	(void)pthread_mutex_unlock(&net->lock);
	*out = nodes;
	*n = count;
	return 0;
}

/* --- The map of slots ---------------------------------------------------- */

void
csn_redis_moved(struct csn_redis_net *net, unsigned slot,
    struct csn_redis_node *to)
{
	(void)pthread_mutex_lock(&net->lock);
	if (to != NULL && slot < CSN_REDIS_SLOTS) {
		net->slots[slot] = to;
		to->listed = 1;
	}
	net->stale = 1;
	(void)pthread_mutex_unlock(&net->lock);
}

/* All of it or nothing; the ended connections are the caller's to close. */
static int
map_apply(struct csn_redis *r, struct csn_redis_net *net,
    const struct csn_redis_range *ranges, size_t n,
    struct csn_redis_conn **ended)
{
	struct csn_redis_node *node;
	size_t i;
	unsigned slot;
	int rc = 0;

	(void)pthread_mutex_lock(&net->lock);
	for (i = 0; i < n && rc == 0; i++)
		(void)node_have(r, net, &ranges[i].master, &rc);
	if (rc == 0) {
		for (i = 0; i < net->nnodes; i++)
			net->nodes[i]->listed = 0;
		for (i = 0; i < r->config.nhosts; i++) {
			node = find(net, &r->config.hosts[i]);
			if (node != NULL)
				node->listed = 1;
		}
		memset(net->slots, 0, sizeof(net->slots));
		for (i = 0; i < n; i++) {
			node = find(net, &ranges[i].master);
			node->listed = 1;
			for (slot = ranges[i].from; slot <= ranges[i].to;
			    slot++)
				net->slots[slot] = node;
		}
		net->version++;
		net->stale = 0;
	}
	*ended = nodes_sweep(net);
	(void)pthread_mutex_unlock(&net->lock);
	return rc;
}

/* Ask one server for the map. */
static int
map_ask(struct csn_redis *r, struct csn_redis_net *net,
    struct csn_redis_node *node, uint64_t deadline)
{
	static const char ask[] = "*2\r\n$7\r\nCLUSTER\r\n$5\r\nSLOTS\r\n";
	struct csn_redis_conn *conn, *ended = NULL, *next;
	struct csn_redis_reply *reply = NULL;
	struct csn_redis_range *ranges = NULL;
	size_t n = 0;
	int rc;

	if ((rc = csn_redis_borrow(r, net, node, deadline, &conn)) != 0)
		return rc;
	if ((rc = csn_redis_send(conn, ask, sizeof(ask) - 1,
	    deadline)) == 0)
		rc = csn_redis_receive(conn, NULL, deadline, &reply);
	if (rc == 0 && reply->type == CSN_REDIS_ERROR) {
		rc = csn_redis_error(r, node, reply);
	} else if (rc == 0) {
		rc = csn_redis_map_read(reply, &node->host, &ranges, &n);
		if (rc == CSN_E_NOMEM)
			(void)csn_fail(r->config.ctx, rc, "store",
			    "no memory for a Redis cluster's map");
		else if (rc != 0)
			rc = csn_fail(r->config.ctx, CSN_E_BACKEND, "store",
			    "what %s says of its cluster's slots does not "
			    "read", node->name);
		else if (n == 0)
			rc = csn_fail(r->config.ctx, CSN_E_BACKEND, "store",
			    "the Redis cluster at %s serves no slots: finish "
			    "creating it, or give it time", node->name);
	}
	/* A map that does not read may be a reply to something else. */
	csn_redis_give_back(net, conn, ranges != NULL || (reply != NULL &&
	    reply->type == CSN_REDIS_ERROR));
	if (rc == 0)
		rc = map_apply(r, net, ranges, n, &ended);
	for (; ended != NULL; ended = next) {
		next = ended->next;
		csn_redis_conn_close(ended);
	}
	csn_free(ranges);
	csn_redis_reply_free(reply);
	return rc;
}

/*
 * Those worth asking: with an open connection first, for they are likely to
 * be there; then the others of the map and those of the URL, from another one
 * on each time, so that no two that swallow every packet take all the time
 * there ever is. Returns how many.
 */
static size_t
candidates(struct csn_redis *r, struct csn_redis_net *net,
    struct csn_redis_host *out)
{
	struct csn_redis_host *rest;
	size_t n = 0, k = 0, i, turn;

	rest = out + CSN_REDIS_MAX_NODES + CSN_REDIS_MAX_HOSTS;
	(void)pthread_mutex_lock(&net->lock);
	for (i = 0; i < net->nnodes; i++) {
		if (!net->nodes[i]->listed)
			continue;
		if (net->nodes[i]->idle != NULL)
			out[n++] = net->nodes[i]->host;
		else
			rest[k++] = net->nodes[i]->host;
	}
	for (i = 0; i < r->config.nhosts; i++)
		rest[k++] = r->config.hosts[i];
	turn = net->turn++;
	(void)pthread_mutex_unlock(&net->lock);
	for (i = 0; i < k; i++)
		out[n++] = rest[(turn + i) % k];
	return n;
}

/* Ask one after another, none for longer than a connection may take. */
static int
map_fetch(struct csn_redis *r, struct csn_redis_net *net, uint64_t deadline)
{
	struct csn_redis_host *hosts;
	struct csn_redis_node *node;
	uint64_t until;
	size_t n, i;
	int rc = CSN_E_BACKEND;

	hosts = csn_calloc(2 * (CSN_REDIS_MAX_NODES + CSN_REDIS_MAX_HOSTS),
	    sizeof(*hosts));
	if (hosts == NULL)
		return csn_nomem(r->config.ctx, "store",
		    "a Redis cluster's servers");
	n = candidates(r, net, hosts);
	for (i = 0; i < n && rc != 0; i++) {
		if (i > 0 && csn_net_deadline(0) >= deadline)
			break;
		until = csn_net_deadline(r->config.connect_ms);
		if ((rc = csn_redis_node_at(r, net, &hosts[i], &node)) != 0)
			break;
		rc = map_ask(r, net, node, until < deadline ? until :
		    deadline);
		csn_redis_node_done(net, node);
	}
	csn_free(hosts);
	return rc;
}

/* How long a map that turned out wrong is kept all the same. */
#define REFRESH_MS 50

int
csn_redis_refresh(struct csn_redis *r, struct csn_redis_net *net,
    uint64_t deadline)
{
	uint64_t now = csn_net_deadline(0);
	int rc = 0, first;

	(void)pthread_mutex_lock(&net->lock);
	first = net->version == 0;
	/* Without a map there is nothing to do but wait for it. */
	while (first && net->asking && net->version == 0 && rc == 0)
		rc = csn_redis_wait(net, deadline);
	first = net->version == 0;
	if (rc != 0) {
		(void)pthread_mutex_unlock(&net->lock);
		return csn_fail(r->config.ctx, CSN_E_BACKEND, "store",
		    "no server of the Redis cluster told its slots in time");
	}
	if (net->asking || (!first && (!net->stale ||
	    now < net->asked_ms + REFRESH_MS))) {
		(void)pthread_mutex_unlock(&net->lock);
		return 0;
	}
	net->asking = 1;
	net->asked_ms = now;
	(void)pthread_mutex_unlock(&net->lock);
	rc = map_fetch(r, net, deadline);
	(void)pthread_mutex_lock(&net->lock);
	net->asking = 0;
	(void)pthread_cond_broadcast(&net->changed);
	(void)pthread_mutex_unlock(&net->lock);
	/* An old map may still serve; the redirections say otherwise. */
	return first || rc == CSN_E_NOMEM ? rc : 0;
}
