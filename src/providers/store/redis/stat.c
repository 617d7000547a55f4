/* SPDX-License-Identifier: Apache-2.0 */
/* redis/stat.c - what a Redis store counts, and what its servers count. */
#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "providers/store/redis/redis.h"

/* Three questions in one go. */
static const char ask[] = "*1\r\n$6\r\nDBSIZE\r\n"
    "*2\r\n$4\r\nINFO\r\n$6\r\nmemory\r\n"
    "*2\r\n$4\r\nINFO\r\n$5\r\nstats\r\n";

/* "name:123" at the start of a line; 0 where it is not there. */
static uint64_t
info_number(const struct csn_redis_reply *info, const char *name)
{
	const char *p = (const char *)info->p;
	const size_t len = strlen(name);

	if (info->type != CSN_REDIS_STRING)
		return 0;
	while (p != NULL && *p != '\0') {
		if (strncmp(p, name, len) == 0 && p[len] == ':')
			return strtoull(p + len + 1, NULL, 10);
		if ((p = strchr(p, '\n')) != NULL)
			p++;
	}
	return 0;
}

/* One server's part. A user who may not ask for INFO gets zeroes. */
static int
ask_node(struct csn_redis *r, struct csn_redis_net *net,
    struct csn_redis_node *node, struct csn_store_stat *out)
{
	uint64_t deadline = csn_redis_deadline(r);
	struct csn_redis_reply *reply[3] = { NULL };
	struct csn_redis_conn *conn;
	size_t i;
	int rc, whole;

	if ((rc = csn_redis_borrow(r, net, node, deadline, &conn)) != 0)
		return rc;
	rc = csn_redis_send(conn, ask, sizeof(ask) - 1, deadline);
	for (i = 0; i < 3 && rc == 0; i++)
		rc = csn_redis_receive(conn, NULL, deadline, &reply[i]);
	whole = rc == 0 && (reply[0]->type & (CSN_REDIS_INTEGER |
	    CSN_REDIS_ERROR)) && (reply[1]->type & (CSN_REDIS_STRING |
	    CSN_REDIS_ERROR)) && (reply[2]->type & (CSN_REDIS_STRING |
	    CSN_REDIS_ERROR));
	csn_redis_give_back(net, conn, whole);
	if (rc == 0 && reply[0]->type != CSN_REDIS_INTEGER)
		rc = csn_redis_error(r, node, reply[0]);
	if (rc == 0) {
		out->entries += (uint64_t)reply[0]->integer;
		out->memory += info_number(reply[1], "used_memory");
		out->limit += info_number(reply[1], "maxmemory");
		out->evictions += info_number(reply[2], "evicted_keys");
	}
	for (i = 0; i < 3; i++)
		csn_redis_reply_free(reply[i]);
	return rc;
}

static int
count(void *arg, const uint8_t *key, size_t key_len, size_t value_len)
{
	struct csn_store_stat *out = arg;

	(void)key;
	out->entries++;
	out->bytes += value_len;
	out->memory += key_len + value_len;
	return 0;
}

int
csn_redis_stat(void *state, const uint8_t *space, size_t space_len,
    struct csn_store_stat *out)
{
	CSN_UNCANCELLED;
	struct csn_redis *r = state;
	struct csn_redis_net *net;
	struct csn_redis_node **nodes;
	size_t n = 0, i;
	int rc;

	if (space != NULL)
		return csn_redis_list(state, space, space_len, count, out);
	out->hits = atomic_load(&r->hits);
	out->misses = atomic_load(&r->misses);
	out->puts = atomic_load(&r->puts);
	out->deletes = atomic_load(&r->deletes);
	out->connects = atomic_load(&r->connects);
	out->classical = atomic_load(&r->classical);
	if ((net = csn_redis_net(r)) == NULL)
		return CSN_E_NOMEM;
	if ((rc = csn_redis_masters(r, net, CSN_REDIS_ANY,
	    csn_redis_deadline(r), &nodes, &n)) != 0)
		return rc;
	for (i = 0; i < n; i++) {
		if (rc == 0)
			rc = ask_node(r, net, nodes[i], out);
		csn_redis_node_done(net, nodes[i]);
	}
	csn_free(nodes);
	return rc;
}
