/* SPDX-License-Identifier: Apache-2.0 */
/* A cache to test, its clock set by hand, and a faulty store. */
#ifndef CAISSON_TESTS_CACHE_CACHE_FIXTURE_H
#define CAISSON_TESTS_CACHE_CACHE_FIXTURE_H

#include <stdatomic.h>
#include <stdint.h>

#include <caisson/caisson.h>

/* Milliseconds, moved by hand; wall is boot and a constant. */
extern _Atomic uint64_t cache_ms;

/* A context under that clock; csn_ctx_free. */
struct csn_ctx *cache_ctx(void);

/* Keys of the ring: cache_keys(ctx, 'n', "om") has n's as its current key,
 * and o's and m's as former ones. */
struct csn_cachekit_ring *cache_keys(struct csn_ctx *ctx, char current,
    const char *previous);

/* A configuration of bytes in compatible mode over store. */
struct csn_cache_options cache_config(const struct csn_cachekit_ring *keys,
    struct csn_store *store);

struct cache_fixture {
	struct csn_ctx *ctx;
	struct csn_cachekit_ring *keys;
	struct csn_store *store;
	struct csn_cache *cache;
};

/* All of it over url; edit, where given, changes the configuration first. */
void cache_start(struct cache_fixture *l, const char *url,
    void (*edit)(struct csn_cache_options *c));
void cache_end(struct cache_fixture *l);

/* Another cache over the same store, as another process has it. */
struct csn_cache *cache_second(struct cache_fixture *l,
    void (*edit)(struct csn_cache_options *c));

int cache_set(struct csn_cache *cache, const char *key, const char *text);
/* 1 where key has this text; else 0, and *rc, where given, is why. */
int cache_has(struct csn_cache *cache, const char *key, const char *text,
    int *rc);
struct csn_cache_stat cache_stat(struct csn_cache *cache);

/* A computation of one text, which counts itself; arg is one of these. */
struct computation {
	const char *text;
	int rc;			/* what it returns instead, where not 0 */
	unsigned ms;		/* how long it takes */
	_Atomic unsigned made;
};
int compute_text(void *arg, const char *key, struct csn_cache_value *out);
/* By way of csn_cache_get_or_compute(); the text must be the computation's. */
int
cache_compute(struct csn_cache *cache, const char *key, struct computation *r);

/*
 * "faulty:" is a memory store behind these; all 0: it works. Shared by all
 * stores of the scheme.
 */
struct faulty {
	_Atomic int dead;		/* every call fails */
	_Atomic int silent_sets;	/* puts say 0 and keep nothing */
	_Atomic unsigned slow_ms;	/* each call takes so long */
	_Atomic int half;		/* half of each value is given */
	_Atomic int flip;		/* a bit of each value is flipped */
	_Atomic int longer;		/* lengths are too large, never right */
	_Atomic int other;		/* whatever key: that of "other" */
	_Atomic int dead_server;	/* 1 to 8: keys that begin with it;
					 * 9: locks */
	_Atomic int get_answer;		/* what each get says, where not 0 */
	_Atomic int put_answer;		/* the same of each put */
	_Atomic unsigned calls;
	_Atomic unsigned gets;
	_Atomic unsigned puts;
	_Atomic unsigned inflight;
	_Atomic unsigned most_inflight;
};
extern struct faulty faulty;
void faulty_reset(void);
/*
 * Once: "faulty:", "simple:" without lives and locks, and "apart:", which
 * tells a value and what is left of its time one after the other.
 */
void faulty_register(void);

#endif
