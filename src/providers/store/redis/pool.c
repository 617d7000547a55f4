/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis/pool.c - connections lent out, and taken back.
 *
 * The last that came back is lent first, so that those which a quiet time
 * leaves over go stale together.
 */

#include "base/clock.h"
#include "providers/store/redis/redis.h"

int
csn_redis_wait(struct csn_redis_net *net, uint64_t deadline)
{

	return csn_cond_wait(&net->changed, &net->lock, deadline);
}

int
csn_redis_borrow(struct csn_redis *r, struct csn_redis_net *net,
    struct csn_redis_node *node, uint64_t deadline,
    struct csn_redis_conn **out)
{
	struct csn_redis_conn *conn = NULL;
	int rc = 0;

	(void)pthread_mutex_lock(&net->lock);
	for (;;) {
		if ((conn = node->idle) != NULL) {
			node->idle = conn->next;
			(void)pthread_mutex_unlock(&net->lock);
			if (csn_redis_conn_alive(conn)) {
				*out = conn;
				return 0;
			}
			csn_redis_conn_close(conn);
			(void)pthread_mutex_lock(&net->lock);
			node->open--;
			continue;
		}
		if (node->open < r->config.pool)
			break;
		if (csn_redis_wait(net, deadline) != 0 && node->idle == NULL &&
		    node->open >= r->config.pool) {
			(void)pthread_mutex_unlock(&net->lock);
			return csn_fail(r->config.ctx, CSN_E_BACKEND, "store",
			    "all %u connections to %s stayed in use: allow "
			    "more with pool=N", r->config.pool, node->name);
		}
	}
	node->open++;
	(void)pthread_mutex_unlock(&net->lock);
	if ((rc = csn_redis_conn_open(r, node, deadline, out)) == 0)
		return 0;
	(void)pthread_mutex_lock(&net->lock);
	node->open--;
	(void)pthread_cond_broadcast(&net->changed);
	(void)pthread_mutex_unlock(&net->lock);
	return rc;
}

void
csn_redis_give_back(struct csn_redis_net *net, struct csn_redis_conn *conn,
    int whole)
{
	struct csn_redis_node *node = conn->node;
	struct csn_redis_conn *ended = NULL, *next;

	(void)pthread_mutex_lock(&net->lock);
	if (whole) {
		conn->next = node->idle;
		node->idle = conn;
	} else {
		/* What broke one has most likely broken them all. */
		ended = conn;
		conn->next = node->idle;
		node->idle = NULL;
		for (conn = ended; conn != NULL; conn = conn->next)
			node->open--;
	}
	(void)pthread_cond_broadcast(&net->changed);
	(void)pthread_mutex_unlock(&net->lock);
	for (; ended != NULL; ended = next) {
		next = ended->next;
		csn_redis_conn_close(ended);
	}
}
