/* SPDX-License-Identifier: Apache-2.0 */
/* memcached.c - the store in memcached: opened, dropped from, counted. */

#include <stdio.h>
#include <string.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/context.h"
#include "providers/store/memcached/memcached.h"

static int
drop_call(struct csn_mc *m, struct csn_mc_conn *c, struct csn_mc_call *call)
{
	int rc = csn_mc_delete(m, c, call->key.mark, "");

	return rc == CSN_E_NOT_FOUND ? 0 : rc;
}

static int
mc_drop(void *state, const uint8_t *space, size_t space_len)
{
	CSN_UNCANCELLED;
	struct csn_mc *m = state;
	struct csn_mc_call call = { .len = 0 };
	int rc, first = 0;
	size_t i;

	if ((rc = csn_mc_mark_key(m, space, space_len, call.key.mark)) != 0)
		return rc;
	/* As many as answer: and the first that did not is told. */
	for (i = 0; i < m->nhosts; i++) {
		call.key.host = &m->hosts[i];
		rc = csn_mc_run(m, &call, drop_call, 1);
		if (first == 0)
			first = rc;
	}
	return first == 0 ? 0 : csn_fail(m->ctx, first, "store", "the space "
	    "was not dropped on every memcached: one does not answer");
}

static int
mc_list(void *state, const uint8_t *space, size_t space_len,
    int (*visit)(void *arg, const uint8_t *key, size_t key_len,
    size_t value_len), void *arg)
{
	CSN_UNCANCELLED;
	struct csn_mc *m = state;

	(void)space;
	(void)space_len;
	(void)visit;
	(void)arg;
	return csn_fail(m->ctx, CSN_E_BACKEND, "store", "memcached cannot "
	    "list its keys: use another store where you need that");
}

struct count {
	const char *name;
	uint64_t *to;
};

static int
stat_call(struct csn_mc *m, struct csn_mc_conn *c, struct csn_mc_call *call)
{
	struct csn_store_stat *out = (void *)call->out;
	const struct count counts[] = {
		{ "curr_items ", &out->entries }, { "bytes ", &out->bytes },
		{ "limit_maxbytes ", &out->limit },
		{ "evictions ", &out->evictions },
	};
	struct csn_mc_reply r;
	unsigned long long v;
	size_t i, n;
	int rc;

	if ((rc = csn_mc_send(m, c, "stats\r\n", NULL, NULL, 0, 0)) != 0)
		return rc;
	for (n = 0; n < 1000; n++) {
		if ((rc = csn_mc_receive(m, c, 0, &r)) != 0)
			return rc;
		if (r.kind == CSN_MC_END)
			return 0;
		if (r.kind != CSN_MC_STAT)
			break;
		for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
			if (strncmp(r.text, counts[i].name,
			    strlen(counts[i].name)) == 0 &&
			    sscanf(r.text + strlen(counts[i].name), "%19llu",
			    &v) == 1)
				*counts[i].to += v;
		}
	}
	return csn_mc_nonsense(m, c);
}

static int
mc_stat(void *state, const uint8_t *space, size_t space_len,
    struct csn_store_stat *out)
{
	CSN_UNCANCELLED;
	struct csn_mc *m = state;
	struct csn_mc_call call = { .out = (void *)out };
	size_t i;
	int rc;

	(void)space_len;
	if (space != NULL)
		return csn_fail(m->ctx, CSN_E_BACKEND, "store", "memcached "
		    "cannot tell what one space holds: ask for the whole "
		    "store");
	for (i = 0; i < m->nhosts; i++) {
		call.key.host = &m->hosts[i];
		if ((rc = csn_mc_run(m, &call, stat_call, 0)) != 0)
			return rc;
	}
	out->memory = out->bytes;
	out->hits = atomic_load(&m->hits);
	out->misses = atomic_load(&m->misses);
	out->puts = atomic_load(&m->puts);
	out->deletes = atomic_load(&m->deletes);
	return 0;
}

static uint32_t
mc_server(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len)
{
	CSN_UNCANCELLED;
	struct csn_mc *m = state;
	struct csn_mc_key k;

	if (m->nhosts < 2 ||
	    csn_mc_key(m, space, space_len, key, key_len, &k) != 0)
		return 0;
	return (uint32_t)(k.host - m->hosts);
}

static void
mc_close(void *state)
{
	CSN_UNCANCELLED;
	struct csn_mc *m = state;

	csn_mc_close_all(m);
	(void)pthread_cond_destroy(&m->freed);
	(void)pthread_mutex_destroy(&m->lock);
	csn_free(m);
}

static int
mc_open(struct csn_ctx *ctx, const char *rest, void **state)
{
	CSN_UNCANCELLED;
	struct csn_mc *m;
	int rc;

	if ((m = csn_calloc(1, sizeof(*m))) == NULL)
		return csn_nomem(ctx, "store", "a memcached store");
	m->ctx = ctx;
	m->generation = csn_fork_generation(ctx);
	(void)pthread_mutex_init(&m->lock, NULL);
	(void)csn_cond_init(&m->freed);
	if ((rc = csn_mc_parse(ctx, rest, m)) != 0) {
		mc_close(m);
		return rc;
	}
	*state = m;
	return 0;
}

const struct csn_store_provider csn_store_memcached = {
	.abi = CSN_STORE_ABI,
	.name = "memcached",
	.open = mc_open,
	.put = csn_mc_put,
	.get = csn_mc_get,
	.remove = csn_mc_remove,
	.drop = mc_drop,
	.list = mc_list,
	.stat = mc_stat,
	.close = mc_close,
	.put_for = csn_mc_put_for,
	.ttl = csn_mc_ttl,
	.get_for = csn_mc_get_for,
	.server = mc_server,
	.add_for = csn_mc_add_for,
	.remove_if = csn_mc_remove_if,
};
