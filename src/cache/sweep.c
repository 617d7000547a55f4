/* SPDX-License-Identifier: Apache-2.0 */
/* cache/sweep.c - over all entries of a namespace: clearing, resealing. */
#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "base/fail.h"
#include "base/sized.h"
#include "cache/internal.h"

#define ROOM CSN_CACHE_ROOM
#define LOCK ":lock"

/* What is looked for: keys that begin with either, after their scope. */
struct prefix {
	size_t len;		/* 0: all keys */
	/* "ns:{namespace}:", and behind "ns:" what other keys begin with. */
	char automatic[CSN_STORE_MAX_KEY + 8];
};

/*
 * A walk over the backend's keys. Each is dealt with as it is found: a
 * backend that never ends is left when the program says so, and its names
 * take no memory.
 */
struct walk {
	struct csn_cache *cache;
	struct csn_call *call;
	const struct prefix *prefix;
	size_t skip;		/* bytes of "t:{tenant}:" before a key */
	const char *scope;
	/* A key of the namespace, with a NUL; other than 0 ends the walk. */
	int (*each)(struct walk *w, const char *key, size_t len);
	void *arg;
	uint64_t done;
};

static int
prefix_of(struct csn_cache *cache, const char *name_space, struct prefix *p)
{
	size_t len = name_space != NULL ? strnlen(name_space,
	    CSN_STORE_MAX_KEY) : 0;

	p->len = 0;
	if (name_space == NULL) {
		if (cache->config.space_len == 0 &&
		    cache->config.store != NULL)
			return csn_fail(cache->ctx, CSN_E_POLICY, ROOM, "the "
			    "cache has no space of its own in the store, "
			    "where others may have keys: name a namespace");
		return 0;
	}
	if (len == 0 || len == CSN_STORE_MAX_KEY)
		return csn_fail(cache->ctx, CSN_E_ARG, ROOM,
		    "a namespace has 1 to %d bytes", CSN_STORE_MAX_KEY - 1);
	memcpy(p->automatic, "ns:", 3);
	memcpy(p->automatic + 3, name_space, len);
	p->automatic[len + 3] = ':';
	p->len = len + 1;
	return 0;
}

static int
matches(const struct prefix *p, const char *key, size_t len)
{
	size_t longer = p->len + 3;

	return p->len == 0 ||
	    (len >= p->len && memcmp(key, p->automatic + 3, p->len) == 0) ||
	    (len >= longer && /* public */
	    memcmp(key, p->automatic, longer) == 0);
}

/* The scope of any tenant's key, "t:…:"; 0 where it has none. */
static size_t
scope_len(const char *key, size_t len)
{
	const char *colon;

	if (len < 3 || key[0] != 't' || key[1] != ':' ||
	    (colon = memchr(key + 2, ':', len - 2)) == NULL)
		return 0;
	return (size_t)(colon - key) + 1;
}

static int
visit(void *arg, const uint8_t *key, size_t key_len, size_t value_len)
{
	struct walk *w = arg;
	char name[CSN_STORE_MAX_KEY + 1];
	size_t at = 0;

	(void)value_len;
	/* No key of a cache has a NUL in it. */
	if (key_len > CSN_STORE_MAX_KEY || memchr(key, '\0', key_len) != NULL)
		return 0;
	memcpy(name, key, key_len);
	name[key_len] = '\0';
	if (w->scope != NULL) {
		at = w->skip != 0 ? w->skip : scope_len(name, key_len);
		if (at == 0 || at >= key_len ||
		    /* public */
		    (w->skip != 0 && memcmp(name, w->scope, at) != 0))
			return 0;
	}
	if (!matches(w->prefix, name + at, key_len - at))
		return 0;
	return w->each(w, name, key_len);
}

static int
walk(struct walk *w)
{
	CSN_UNCANCELLED;
	const struct csn_cache *cache = w->cache;

	return csn_store_each(cache->config.store, cache->space,
	    cache->config.space_len, visit, w);
}

static int
match_l1(void *arg, const struct csn_l1_name *n)
{
	return matches(arg, n->key, n->key_len);
}

static int
remove_one(struct walk *w, const char *key, size_t len)
{
	int rc;

	w->call->store_key = key;
	w->call->store_len = len;
	if ((rc = csn_backend_remove(w->cache, w->call)) == 0)
		w->done++;
	return rc == CSN_E_NOT_FOUND ? 0 : rc;
}

int
csn_cache_clear(struct csn_cache *cache, const char *name_space,
    uint64_t *removed)
{
	/* All tenants' entries: the extractor is not asked whose. */
	struct csn_cache_call_options how = { .size = sizeof(how),
	    .tenant = cache != NULL ? cache->tenant : NULL };
	struct csn_call call;
	struct prefix prefix;
	struct walk w = { .cache = cache, .call = &call, .prefix = &prefix,
	    .each = remove_one };
	uint64_t gone;
	int rc;

	if ((rc = csn_call_begin(cache, "*", &how, &call)) != 0 ||
	    (rc = prefix_of(cache, name_space, &prefix)) != 0)
		return rc;
	if ((cache->config.flags & CSN_CACHE_SCOPED) != 0)
		w.scope = "t:";
	gone = csn_l1_clear(cache->l1, match_l1, &prefix);
	if (cache->config.store != NULL) {
		rc = walk(&w);
		gone = w.done;
		/* What was read from the store while it was being cleared. */
		(void)csn_l1_clear(cache->l1, match_l1, &prefix);
	}
	if (removed != NULL)
		*removed = gone;
	return rc;
}

/*
 * Put new where old still is. With the store's conditions nothing that
 * somebody puts meanwhile is lost: at worst the entry is gone, a miss.
 */
static int
replace(struct csn_cache *cache, struct csn_call *call,
    const struct csn_l1_entry *old, const struct csn_cache_buffer *new_,
    uint64_t left)
{
	CSN_UNCANCELLED;
	const struct csn_cache_options *c = &cache->config;
	const uint8_t *key = (const uint8_t *)call->store_key;
	struct csn_backend_call bc;
	uint32_t ticket;
	int rc;

	if ((rc = csn_backend_begin(cache, call->store_key, call->store_len,
	    &bc)) != 0)
		return rc;
	ticket = csn_l1_begin(cache->l1, &call->name);
	if ((cache->abilities & CSN_STORE_LOCK) == 0) {
		rc = csn_store_put_for(c->store, cache->space, c->space_len,
		    key, call->store_len, new_->p, new_->len, left);
	} else if ((rc = csn_store_remove_if(c->store, cache->space,
	    c->space_len, key, call->store_len, old->bytes, old->len)) == 0) {
		rc = csn_store_add_for(c->store, cache->space, c->space_len,
		    key, call->store_len, new_->p, new_->len, left);
	}
	rc = csn_backend_end(cache, call, &bc, rc, 0);
	(void)csn_l1_end(cache->l1, &call->name, ticket, NULL);
	return rc;
}

/*
 * One key: counted where it was dealt with, an error where it cannot be. 1
 * where it looked like a lock's and no entry is under it.
 */
static int
reseal_one(struct csn_cache *cache, struct csn_call *call, int lock,
    struct csn_cache_buffer *b, struct csn_cache_reseal *out)
{
	CSN_UNCANCELLED;
	struct csn_l1_entry *e = NULL;
	struct csn_backend_call bc;
	uint64_t left = 0;
	size_t which = 0;
	int rc;

	if ((rc = csn_backend_begin(cache, call->store_key, call->store_len,
	    &bc)) != 0)
		return rc;
	rc = csn_backend_read(cache, call, &e, &left);
	/* Told apart from the value, where there is no other way: the value
	 * is only replaced where it still is the one that was read. */
	if (rc == 0 && left == CSN_STORE_TTL_UNKNOWN)
		rc = csn_store_ttl(cache->config.store, cache->space,
		    cache->config.space_len, (const uint8_t *)call->store_key,
		    call->store_len, &left);
	rc = csn_backend_end(cache, call, &bc, rc, 0);
	call->ttl_ms = left;
	if (rc == 0) {
		rc = csn_codec_reseal(cache, call, e->bytes, e->len, b,
		    &which);
		if (rc == 0 && which == 0) {
			out->current++;
		} else if (rc == 0 && (rc = replace(cache, call, e, b,
		    left)) == 0) {
			out->moved++;
		} else if (rc == CSN_E_EXPIRED || rc == CSN_E_REPLAY) {
			rc = CSN_E_NOT_FOUND;
		} else if (csn_refused(rc) && lock) {
			rc = 1;
		} else if (csn_refused(rc)) {
			rc = csn_call_opened(cache, call, rc, 0);
			out->refused++;
		}
	}
	csn_l1_unpin(e);
	if (rc == CSN_E_NOT_FOUND && lock)
		return 1;
	if (rc == CSN_E_NOT_FOUND || rc == CSN_E_EXISTS) {
		out->skipped++;
		rc = 0;
	}
	return rc;
}

static int
is_lock(const char *key, size_t len)
{
	return len > sizeof(LOCK) - 1 &&
	    strcmp(key + len - (sizeof(LOCK) - 1), LOCK) == 0;
}

/* What resealing hands to its walks. */
struct reseal {
	struct csn_cache_reseal so_far;
	struct csn_cache_buffer buffer;
	int (*progress)(void *arg, const struct csn_cache_reseal *so_far);
	void *arg;
};

static int
count_one(struct walk *w, const char *key, size_t len)
{
	struct reseal *r = w->arg;

	r->so_far.total += !is_lock(key, len);
	return 0;
}

static int
reseal_walked(struct walk *w, const char *key, size_t len)
{
	struct csn_call *call = w->call;
	struct reseal *r = w->arg;
	int rc, lock = is_lock(key, len);

	call->store_key = key;
	call->store_len = len;
	call->name.key = key + w->skip;
	call->name.key_len = (uint32_t)(len - w->skip);
	call->name.hash = csn_l1_hash(w->cache->l1, &call->name);
	if ((rc = reseal_one(w->cache, call, lock, &r->buffer,
	    &r->so_far)) == 1)
		return 0;
	/* A lock's name may be a value's too, and values come meanwhile. */
	if (++r->so_far.seen > r->so_far.total)
		r->so_far.total = r->so_far.seen;
	return rc == 0 && r->progress != NULL ?
	    r->progress(r->arg, &r->so_far) : rc;
}

int
csn_cache_reseal(struct csn_cache *cache, const char *name_space,
    const struct csn_cache_call_options *how, int (*progress)(void *arg,
    const struct csn_cache_reseal *so_far), void *arg,
    struct csn_cache_reseal *out)
{
	struct reseal r = { .so_far = { .size = sizeof(r.so_far) },
	    .progress = progress, .arg = arg };
	struct csn_call call;
	struct prefix prefix;
	struct walk w = { .cache = cache, .call = &call, .prefix = &prefix,
	    .each = count_one, .arg = &r };
	int rc;

	if ((rc = csn_call_begin(cache, "*", how, &call)) != 0 ||
	    (out != NULL &&
	    (rc = CSN_GIVE_CHECK(out, csn_cache_reseal, total)) != 0) ||
	    (rc = prefix_of(cache, name_space, &prefix)) != 0)
		return rc;
	if ((cache->kit == NULL && cache->native == NULL) ||
	    cache->config.store == NULL)
		return csn_fail(cache->ctx, CSN_E_ARG, ROOM, "only a secure "
		    "cache with a store has entries to seal anew");
	if (call.store_key == call.scoped) {
		w.scope = call.scoped;
		w.skip = call.store_len - 1;
	}
	if ((rc = walk(&w)) == 0) {
		w.each = reseal_walked;
		rc = walk(&w);
	}
	csn_cache_buffer_free(&r.buffer);
	if (out != NULL)
		CSN_GIVE(out, &r.so_far, csn_cache_reseal);
	return rc;
}
