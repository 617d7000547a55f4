/* cache/sweep.c - over all entries of a namespace: clearing, resealing. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "base/sized.h"
#include "cache/internal.h"

#define ROOM CSN_CACHE_ROOM
#define LOCK ":lock"

/* What is looked for: keys that begin with either, after their scope. */
struct prefix {
	size_t len;		/* 0: all keys */
	char plain[CSN_STORE_MAX_KEY + 8];	/* "{namespace}:" */
	char automatic[CSN_STORE_MAX_KEY + 8];	/* "ns:{namespace}:" */
};

struct keys {
	const struct prefix *prefix;
	size_t skip;		/* bytes of "t:{tenant}:" before a key */
	const char *scope;
	char **list;
	size_t n;
	size_t cap;
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
	memcpy(p->plain, p->automatic + 3, len + 1);
	p->len = len + 1;
	return 0;
}

static int
matches(const struct prefix *p, const char *key, size_t len)
{
	size_t longer = p->len + 3;

	return p->len == 0 ||
	    (len >= p->len && memcmp(key, p->plain, p->len) == 0) ||
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
keep(struct keys *k, const char *key, size_t len)
{
	char **grown;

	if (k->n == k->cap) {
		k->cap = k->cap * 2 + 64;
		grown = csn_realloc(k->list, k->cap, sizeof(*k->list));
		if (grown == NULL)
			return CSN_E_NOMEM;
		k->list = grown;
	}
	if ((k->list[k->n] = csn_memdup(key, len)) == NULL)
		return CSN_E_NOMEM;
	k->n++;
	return 0;
}

static int
visit(void *arg, const uint8_t *key, size_t key_len, size_t value_len)
{
	struct keys *k = arg;
	const char *name = (const char *)key;
	size_t at = 0;

	(void)value_len;
	/* No key of a cache has a NUL in it. */
	if (memchr(name, '\0', key_len) != NULL)
		return 0;
	if (k->scope != NULL) {
		at = k->skip != 0 ? k->skip : scope_len(name, key_len);
		if (at == 0 || at >= key_len ||
		    /* public */
		    (k->skip != 0 && memcmp(name, k->scope, at) != 0))
			return 0;
	}
	if (!matches(k->prefix, name + at, key_len - at))
		return 0;
	return keep(k, name, key_len);
}

static void
free_keys(struct keys *k)
{
	while (k->n > 0)
		free(k->list[--k->n]);
	free(k->list);
}

/* All keys on the backend; a store may not be changed while it is listed. */
static int
list(struct csn_cache *cache, struct csn_call *call, struct keys *k)
{
	struct csn_backend_call bc;
	int rc;

	if ((rc = csn_backend_begin(cache, &bc)) != 0)
		return rc;
	/* Listing takes what it takes: it is not called slow. */
	rc = csn_store_list(cache->config.store, cache->space,
	    cache->config.space_len, visit, k);
	bc.began = csn_meter_now();
	rc = csn_backend_end(cache, call, &bc, rc, 0);
	if (rc == CSN_E_NOMEM)
		return csn_fail(cache->ctx, rc, ROOM,
		    "out of memory for a list of %zu keys", k->n);
	return rc;
}

static int
match_l1(void *arg, const struct csn_l1_name *n)
{
	return matches(arg, n->key, n->key_len);
}

int
csn_cache_clear(struct csn_cache *cache, const char *name_space,
    uint64_t *removed)
{
	/* All tenants' entries: the extractor is not asked whose. */
	struct csn_cache_how how = { .size = sizeof(how),
	    .tenant = cache != NULL ? cache->tenant : NULL };
	struct prefix prefix;
	struct keys keys = { .prefix = &prefix };
	struct csn_call call;
	uint64_t gone, done = 0;
	size_t i;
	int rc, one;

	if ((rc = csn_call_begin(cache, "*", &how, &call)) != 0 ||
	    (rc = prefix_of(cache, name_space, &prefix)) != 0)
		return rc;
	if ((cache->config.flags & CSN_CACHE_SCOPED) != 0)
		keys.scope = "t:";
	gone = csn_l1_clear(cache->l1, match_l1, &prefix);
	if (cache->config.store == NULL) {
		if (removed != NULL)
			*removed = gone;
		return 0;
	}
	rc = list(cache, &call, &keys);
	for (i = 0; i < keys.n && (rc == 0 || rc == CSN_E_NOT_FOUND); i++) {
		call.store_key = keys.list[i];
		call.store_len = strlen(keys.list[i]);
		one = csn_backend_remove(cache, &call);
		if (one == 0)
			done++;
		rc = one == CSN_E_NOT_FOUND ? 0 : one;
	}
	free_keys(&keys);
	/* What was read from the store while it was being cleared. */
	(void)csn_l1_clear(cache->l1, match_l1, &prefix);
	if (removed != NULL)
		*removed = done;
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
	const struct csn_cache_config *c = &cache->config;
	const uint8_t *key = (const uint8_t *)call->store_key;
	struct csn_backend_call bc;
	uint32_t ticket;
	int rc;

	if ((rc = csn_backend_begin(cache, &bc)) != 0)
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
	struct csn_l1_entry *e = NULL;
	struct csn_backend_call bc;
	uint64_t left = 0;
	size_t which = 0;
	int rc;

	if ((rc = csn_backend_begin(cache, &bc)) != 0)
		return rc;
	rc = csn_backend_read(cache, call, &e);
	if (rc == 0 && (cache->abilities & CSN_STORE_TTL) != 0)
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

int
csn_cache_reseal(struct csn_cache *cache, const char *name_space,
    const struct csn_cache_how *how, int (*progress)(void *arg,
    const struct csn_cache_reseal *so_far), void *arg,
    struct csn_cache_reseal *out)
{
	struct csn_cache_reseal r = { .size = sizeof(r) };
	struct csn_cache_buffer b = { 0 };
	struct prefix prefix;
	struct keys keys = { .prefix = &prefix };
	struct csn_call call;
	size_t i, len;
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
		keys.scope = call.scoped;
		keys.skip = call.store_len - 1;
	}
	rc = list(cache, &call, &keys);
	r.total = keys.n;
	for (i = 0; i < keys.n && rc == 0; i++) {
		len = strlen(keys.list[i]);
		call.store_key = keys.list[i];
		call.store_len = len;
		call.name.key = keys.list[i] + keys.skip;
		call.name.key_len = (uint32_t)(len - keys.skip);
		call.name.hash = csn_l1_hash(cache->l1, &call.name);
		rc = reseal_one(cache, &call, is_lock(keys.list[i], len), &b,
		    &r);
		if (rc == 1) {
			r.total--;
			rc = 0;
			continue;
		}
		r.seen++;
		if (rc == 0 && progress != NULL)
			rc = progress(arg, &r);
	}
	free_keys(&keys);
	csn_cache_buffer_free(&b);
	if (out != NULL)
		CSN_GIVE(out, &r, csn_cache_reseal);
	return rc;
}
