/* SPDX-License-Identifier: Apache-2.0 */
/* memory.c - the store in RAM: its functions as a provider. */

#include <string.h>

#include <caisson/crypto.h>

#include "providers/store/memory/memory.h"
#include "providers/store/provider.h"

static int
fail_full(struct csn_mem *m, size_t len)
{
	return csn_fail(m->ctx, CSN_E_QUOTA, "store", "no room for %zu bytes: "
	    "the memory store holds %llu at most and nothing in it can be "
	    "evicted for them", len, (unsigned long long)m->limit);
}

static int
fail_missing(struct csn_mem *m)
{
	return csn_fail(m->ctx, CSN_E_NOT_FOUND, "store",
	    "the memory store has nothing under this key");
}

static void
memory_close(void *state)
{
	struct csn_mem *m = state;

	/* The arena is unmapped, so nothing in it needs wiping first. */
	csn_mem_index_free(m);
	csn_mem_spaces_free(m);
	csn_mem_chunks_free(m);
	csn_mem_arena_free(&m->arena);
	csn_free(m);
}

static int
memory_open(struct csn_ctx *ctx, const char *rest, void **state)
{
	struct csn_mem_config config;
	struct csn_mem *m;
	int rc, rc2, rc3;

	if ((rc = csn_mem_config_parse(ctx, rest, &config)) != 0)
		return rc;
	if ((m = csn_calloc(1, sizeof(*m))) == NULL)
		return csn_nomem(ctx, "store", "a memory store");
	m->ctx = ctx;
	m->limit = config.bytes;
	m->share = config.share;
	if ((rc = csn_random(ctx, m->hash_key, sizeof(m->hash_key))) != 0 ||
	    (rc = csn_mem_arena_init(&m->arena, (size_t)config.bytes,
	    config.slab)) != 0) {
		csn_free(m);
		return csn_fail(ctx, rc, "store", "the system would not "
		    "reserve %llu bytes of addresses for the memory store",
		    (unsigned long long)config.bytes * 3);
	}
	/* An even multiplier folds bits away. */
	m->hash_key[1] |= 1;
	rc = csn_mem_chunks_init(m);
	rc2 = csn_mem_spaces_init(m);
	rc3 = csn_mem_index_init(m);
	if (rc != 0 || rc2 != 0 || rc3 != 0) {
		memory_close(m);
		return csn_nomem(ctx, "store", "a memory store");
	}
	*state = m;
	return 0;
}

static int
take(struct csn_mem *m, size_t len, size_t key_room,
    struct csn_mem_entry **out)
{
	struct csn_mem_entry *e;

	if (len > m->share || len > m->limit)
		return csn_fail(m->ctx, CSN_E_QUOTA, "store", "a value of %zu "
		    "bytes is larger than the memory store's %s of %llu", len,
		    len > m->limit ? "limit" : "share for one tenant",
		    (unsigned long long)(len > m->limit ? m->limit :
		    m->share));
	if ((e = csn_mem_chunk_take(m, len, key_room)) == NULL &&
	    (e = csn_mem_evict_for(m, len, key_room)) == NULL)
		return fail_full(m, len);
	*out = e;
	return 0;
}

static int
key_set(struct csn_mem *m, struct csn_mem_entry *e, const uint8_t *key,
    size_t key_len)
{
	uint8_t *copy;

	if ((e->flags & CSN_MEM_ENDS) != 0) {
		/* put_whole() took room for both. */
		memcpy((uint8_t *)e - CSN_MEM_END_ROOM - key_len, key,
		    key_len);
	} else if (e->len + key_len + sizeof(*e) <=
	    csn_mem_chunk_size(m, e)) {
		memcpy((uint8_t *)e - key_len, key, key_len);
	} else {
		if ((copy = csn_memdup(key, key_len)) == NULL)
			return csn_nomem(m->ctx, "store", "a key of %zu bytes",
			    key_len);
		memcpy((uint8_t *)e - sizeof(copy), &copy, sizeof(copy));
		e->flags |= CSN_MEM_KEY_OUTSIDE;
		atomic_fetch_add_explicit(&m->index_bytes, key_len,
		    memory_order_relaxed);
	}
	e->key_len = (uint16_t)key_len;
	return 0;
}

/* Put a filled entry under its key. It is used up, whatever comes of it. */
static int
publish(struct csn_mem *m, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, struct csn_mem_entry *e, int fresh)
{
	struct csn_mem_space *s = NULL;
	size_t size = csn_mem_chunk_size(m, e);
	int rc;

	if ((rc = key_set(m, e, key, key_len)) != 0)
		goto err;
	s = csn_mem_space_get(m, space, space_len, 1);
	if (s == NULL) {
		rc = csn_nomem(m->ctx, "store", "another space");
		goto err;
	}
	if (size > m->share) {
		rc = csn_fail(m->ctx, CSN_E_QUOTA, "store", "a value of %llu "
		    "bytes takes more than a tenant's share of %llu",
		    (unsigned long long)e->len, (unsigned long long)m->share);
		goto err;
	}
	while (m->share < m->limit && atomic_load_explicit(&s->memory,
	    memory_order_relaxed) + size > m->share) {
		if (!csn_mem_evict_from(m, s))
			break;
	}
	if ((rc = csn_mem_insert(m, s, e, fresh)) == CSN_E_EXISTS) {
		rc = csn_fail(m->ctx, rc, "store",
		    "the memory store has a value under this key already");
		goto err;
	}
	if (rc != 0) {
		/* The space is being dropped: it came just before. */
		e->flags |= CSN_MEM_WIPE;
		csn_mem_unpin(m, e);
	}
	atomic_fetch_add_explicit(&s->puts, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&m->puts, 1, memory_order_relaxed);
	csn_mem_space_put(m, s);
	return 0;

err:
	if (s != NULL)
		csn_mem_space_put(m, s);
	csn_mem_unpin(m, e);
	return rc;
}

static int
put_whole(struct csn_mem *m, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, const uint8_t *value, size_t len,
    uint64_t ttl_ms, int fresh)
{
	struct csn_mem_entry *e = NULL;
	uint64_t end;
	int rc;

	if ((rc = take(m, len, key_len + (ttl_ms > 0 ? CSN_MEM_END_ROOM : 0),
	    &e)) != 0)
		return rc;
	if (len > 0)
		memcpy(csn_mem_value(m, e), value, len);
	if (ttl_ms > 0) {
		end = csn_ctx_boot_ms(m->ctx);
		end = ttl_ms < UINT64_MAX - end ? end + ttl_ms : UINT64_MAX;
		memcpy((uint8_t *)e - sizeof(end), &end, sizeof(end));
		e->flags |= CSN_MEM_ENDS;
	}
	return publish(m, space, space_len, key, key_len, e, fresh);
}

static int
memory_put(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, const uint8_t *value, size_t len)
{
	return put_whole(state, space, space_len, key, key_len, value, len,
	    0, 0);
}

/* A table only grows stale by values that end: each makes up for one. */
static void
sweep(struct csn_mem *m, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len)
{
	csn_mem_sweep(m, (uint32_t)csn_mem_hash(m, space, space_len, key,
	    key_len));
}

static int
memory_put_for(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, const uint8_t *value, size_t len,
    uint64_t ttl_ms)
{
	sweep(state, space, space_len, key, key_len);
	return put_whole(state, space, space_len, key, key_len, value, len,
	    ttl_ms, 0);
}

static int
memory_add_for(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, const uint8_t *value, size_t len,
    uint64_t ttl_ms)
{
	sweep(state, space, space_len, key, key_len);
	return put_whole(state, space, space_len, key, key_len, value, len,
	    ttl_ms, 1);
}

/* It was there: at least its last millisecond is left. */
static uint64_t
left_of(const struct csn_mem *m, const struct csn_mem_entry *e)
{
	uint64_t end = csn_mem_end(e), now;

	if (end == UINT64_MAX)
		return 0;
	now = csn_ctx_boot_ms(m->ctx);
	return end > now ? end - now : 1;
}

static int
memory_ttl(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, uint64_t *ttl_ms)
{
	struct csn_mem *m = state;
	struct csn_mem_entry *e;

	if ((e = csn_mem_find(m, space, space_len, key, key_len, 0)) == NULL)
		return fail_missing(m);
	*ttl_ms = left_of(m, e);
	csn_mem_unpin(m, e);
	return 0;
}

static int
memory_get_for(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, uint8_t *value, size_t *len,
    uint64_t *ttl_ms)
{
	struct csn_mem *m = state;
	struct csn_mem_entry *e;
	size_t cap = *len;
	int rc = 0;

	e = csn_mem_find(m, space, space_len, key, key_len, 1);
	if (e == NULL)
		return fail_missing(m);
	*len = e->len;
	if (e->len > cap)
		rc = csn_fail(m->ctx, CSN_E_BUFFER, "store", "the value has "
		    "%llu bytes, the buffer %zu", (unsigned long long)e->len,
		    cap);
	else if (e->len > 0)
		memcpy(value, csn_mem_value(m, e), e->len);
	if (ttl_ms != NULL)
		*ttl_ms = left_of(m, e);
	csn_mem_unpin(m, e);
	return rc;
}

static int
memory_get(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, uint8_t *value, size_t *len)
{
	return memory_get_for(state, space, space_len, key, key_len, value,
	    len, NULL);
}

/* Remove a pinned entry, and unpin it: 0 where another was quicker. */
static int
remove_entry(struct csn_mem *m, struct csn_mem_entry *e)
{
	int done;

	if ((done = csn_mem_remove(m, e, 0)) != 0) {
		atomic_fetch_add_explicit(&m->deletes, 1,
		    memory_order_relaxed);
		atomic_fetch_add_explicit(&e->space->deletes, 1,
		    memory_order_relaxed);
	}
	csn_mem_unpin(m, e);
	return done;
}

static int
memory_remove(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len)
{
	struct csn_mem *m = state;
	struct csn_mem_entry *e;

	e = csn_mem_find(m, space, space_len, key, key_len, 0);
	if (e == NULL || !remove_entry(m, e))
		return fail_missing(m);
	return 0;
}

/* An entry never changes: comparing and then removing it is atomic. */
static int
memory_remove_if(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, const uint8_t *value, size_t len)
{
	struct csn_mem *m = state;
	struct csn_mem_entry *e;

	e = csn_mem_find(m, space, space_len, key, key_len, 0);
	if (e != NULL && (e->len != len ||
	    !csn_equal(csn_mem_value(m, e), value, len))) {
		csn_mem_unpin(m, e);
		return csn_fail(m->ctx, CSN_E_NOT_FOUND, "store",
		    "the memory store has other bytes under this key");
	}
	if (e == NULL || !remove_entry(m, e))
		return fail_missing(m);
	return 0;
}

static int
memory_drop(void *state, const uint8_t *space, size_t space_len)
{
	struct csn_mem *m = state;
	struct csn_mem_entry *pins[64];
	struct csn_mem_space *s;
	size_t i, n;

	if ((s = csn_mem_space_kill(m, space, space_len)) == NULL)
		return 0;
	while ((n = csn_mem_space_pin(m, s, pins, 64, 0)) > 0) {
		for (i = 0; i < n; i++) {
			if (csn_mem_remove(m, pins[i], 1))
				atomic_fetch_add_explicit(&m->deletes, 1,
				    memory_order_relaxed);
			csn_mem_unpin(m, pins[i]);
		}
	}
	csn_mem_space_put(m, s);
	return 0;
}

static int
memory_list(void *state, const uint8_t *space, size_t space_len,
    int (*visit)(void *arg, const uint8_t *key, size_t key_len,
    size_t value_len), void *arg)
{
	struct csn_mem *m = state;
	struct csn_mem_entry **pins = NULL;
	struct csn_mem_space *s;
	uint64_t now = csn_ctx_boot_ms(m->ctx);
	size_t i, n, cap;
	int rc = 0;

	if ((s = csn_mem_space_get(m, space, space_len, 0)) == NULL)
		return 0;
	cap = (size_t)atomic_load(&s->entries) + 16;
	if ((pins = csn_calloc(cap, sizeof(*pins))) == NULL) {
		csn_mem_space_put(m, s);
		return csn_nomem(m->ctx, "store", "listing %zu keys", cap);
	}
	n = csn_mem_space_pin(m, s, pins, cap, 0);
	for (i = 0; i < n; i++) {
		if (rc == 0 && now < csn_mem_end(pins[i]) &&
		    atomic_load(&pins[i]->state) == CSN_MEM_LIVE)
			rc = visit(arg, csn_mem_key(pins[i]),
			    pins[i]->key_len, pins[i]->len);
		csn_mem_unpin(m, pins[i]);
	}
	csn_free(pins);
	csn_mem_space_put(m, s);
	return rc;
}

static int
memory_stat(void *state, const uint8_t *space, size_t space_len,
    struct csn_store_stat *out)
{
	struct csn_mem *m = state;
	struct csn_mem_space *s;
	size_t i;

	if (space != NULL) {
		out->limit = m->share;
		s = csn_mem_space_get(m, space, space_len, 0);
		if (s == NULL)
			return 0;
		out->entries = atomic_load(&s->entries);
		out->bytes = atomic_load(&s->bytes);
		out->memory = atomic_load(&s->memory);
		out->puts = atomic_load(&s->puts);
		out->deletes = atomic_load(&s->deletes);
		out->evictions = atomic_load(&s->evictions);
		csn_mem_space_put(m, s);
		return 0;
	}
	out->limit = m->limit;
	for (i = 0; i < CSN_MEM_SHARDS; i++) {
		(void)pthread_mutex_lock(&m->shards[i].lock);
		out->entries += m->shards[i].count;
		out->bytes += m->shards[i].bytes;
		out->hits += m->shards[i].hits;
		out->misses += m->shards[i].misses;
		(void)pthread_mutex_unlock(&m->shards[i].lock);
	}
	out->memory = csn_mem_arena_resident(&m->arena) +
	    atomic_load(&m->index_bytes) + sizeof(*m);
	out->puts = atomic_load(&m->puts);
	out->deletes = atomic_load(&m->deletes);
	out->evictions = atomic_load(&m->evictions);
	return 0;
}

static int
memory_reserve(void *state, const uint8_t *space, size_t space_len,
    size_t len, struct csn_store_buf *out)
{
	struct csn_mem *m = state;
	struct csn_mem_entry *e = NULL;
	int rc;

	(void)space;
	(void)space_len;
	if ((rc = take(m, len, CSN_MEM_KEY_ROOM, &e)) != 0)
		return rc;
	out->p = csn_mem_value(m, e);
	out->len = len;
	out->handle = e;
	return 0;
}

static int
memory_commit(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, struct csn_store_buf *buf)
{
	return publish(state, space, space_len, key, key_len, buf->handle, 0);
}

/* What was half written may be anything: it goes as a dropped value does. */
static void
memory_abort(void *state, struct csn_store_buf *buf)
{
	struct csn_mem_entry *e = buf->handle;

	e->flags |= CSN_MEM_WIPE;
	csn_mem_unpin(state, e);
}

static int
memory_borrow(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, struct csn_store_buf *out)
{
	struct csn_mem *m = state;
	struct csn_mem_entry *e;

	e = csn_mem_find(m, space, space_len, key, key_len, 1);
	if (e == NULL)
		return fail_missing(m);
	out->p = csn_mem_value(m, e);
	out->len = e->len;
	out->handle = e;
	return 0;
}

static void
memory_release(void *state, struct csn_store_buf *buf)
{
	csn_mem_unpin(state, buf->handle);
}

static void
memory_on_evict(void *state, csn_store_evicted fn, void *arg)
{
	struct csn_mem *m = state;

	m->evicted_arg = arg;
	atomic_store(&m->evicted, fn);
}

const struct csn_store_provider csn_store_memory = {
	.abi = CSN_STORE_ABI,
	.flags = CSN_STORE_PRIVATE,
	.name = "memory",
	.open = memory_open,
	.put = memory_put,
	.get = memory_get,
	.remove = memory_remove,
	.drop = memory_drop,
	.list = memory_list,
	.stat = memory_stat,
	.close = memory_close,
	.reserve = memory_reserve,
	.commit = memory_commit,
	.abort = memory_abort,
	.borrow = memory_borrow,
	.release = memory_release,
	.on_evict = memory_on_evict,
	.put_for = memory_put_for,
	.ttl = memory_ttl,
	.get_for = memory_get_for,
	.add_for = memory_add_for,
	.remove_if = memory_remove_if,
};
