/* SPDX-License-Identifier: Apache-2.0 */
/* cache/internal.h - a cache's insides, for its parts. */
#ifndef CSN_CACHE_INTERNAL_H
#define CSN_CACHE_INTERNAL_H

#include "base/context.h"
#include "base/pool.h"
#include "cache/breaker.h"
#include "cache/flight.h"
#include "cache/kit.h"
#include "cache/l1.h"
#include "cache/metrics.h"

#define CSN_CACHE_ROOM "cache"
#define CSN_CACHE_SCRATCH 16u	/* a power of two */
#define CSN_CACHE_BREAKERS 32u	/* past so many servers, some share one */

/*
 * Immutable after csn_cache_new() but for what its parts guard themselves.
 * No lock is held while the store, a computation, a callback or AES runs.
 */
struct csn_cache {
	struct csn_ctx *ctx;
	uint64_t made_in;		/* the process that made it */
	struct csn_cache_options config;	/* whole, defaults filled in */
	/* Compatible mode's, with the keys of the tenant that is not asked
	 * for; native mode's; neither where nothing is sealed. */
	struct csn_cachekit *kit;
	struct csn_kit_tenant *held;
	struct csn_cache_native *native;
	struct csn_l1 *l1;
	struct csn_flights *flights;
	struct csn_meter *meter;
	/* One for each of the backend's servers, by csn_store_server(). */
	struct csn_breaker breaker[CSN_CACHE_BREAKERS];
	uint32_t abilities;		/* the store's */
	char *tenant;			/* copies, where config has pointers */
	uint32_t tenant_len;
	uint64_t tenant_seed;
	uint8_t *space;
	_Atomic size_t guess;		/* the size of what was last read */
	/* What packing left, for the next: a slot a thread. */
	struct {
		_Alignas(64) struct csn_cache_buffer *_Atomic buffer;
	} scratch[CSN_CACHE_SCRATCH];
	pthread_mutex_t refresh_lock;
	pthread_cond_t refreshed;
	size_t refreshing;		/* under refresh_lock */
};

/* One call: what it names and asks for. Lives on the caller's stack. */
struct csn_call {
	struct csn_l1_name name;	/* points to the caller's key */
	uint32_t flags;			/* of how */
	uint32_t format;
	uint64_t ttl_ms;
	uint64_t began;			/* 0: not measured */
	int in_l1;			/* where what is opened comes from */
	int refused;			/* what the store had, once */
	int sealed;			/* the value was, whatever came then */
	int dead;			/* the backend: not asked again */
	const char *store_key;		/* on the backend */
	size_t store_len;
	char scoped[CSN_STORE_MAX_KEY + 1];	/* where it is another one */
	char tenant[CSN_CACHEKIT_TENANT_MAX + 1]; /* where it was asked for */
};

/* call.c: 0, CSN_E_FORK, CSN_E_ARG, CSN_E_UNKNOWN_TENANT. */
CSN_MUST_CHECK int csn_call_begin(struct csn_cache *cache, const char *key,
    const struct csn_cache_call_options *how, struct csn_call *call);
/* Tell on_event, if there is one. */
void csn_call_tell(struct csn_cache *cache, const struct csn_call *call,
    uint32_t kind, int code, uint64_t bytes);
/* 1 where the code says that stored bytes are not what they should be. */
int csn_refused(int rc);
/* 1 where that may be somebody's fault, and not the course of things. */
int csn_suspect(int rc);
/*
 * An entry was opened, or refused with rc: count it, leave a record. 0, or
 * why the record could not be written where every open must leave one.
 */
CSN_MUST_CHECK int csn_call_opened(struct csn_cache *cache,
    const struct csn_call *call, int rc, uint64_t bytes);

/* codec.c: between values and entries; who calls it counts and logs. */
CSN_MUST_CHECK int csn_codec_check(struct csn_cache *cache, uint32_t format);
/* The entry is the caller's, pinned once. */
CSN_MUST_CHECK int csn_codec_seal(struct csn_cache *cache,
    const struct csn_call *call, const uint8_t *p, size_t len,
    struct csn_l1_entry **out);
CSN_MUST_CHECK int csn_codec_open(struct csn_cache *cache,
    const struct csn_call *call, const uint8_t *stored, size_t len,
    struct csn_cache_value *out);
CSN_MUST_CHECK int csn_codec_reseal(struct csn_cache *cache,
    const struct csn_call *call, const uint8_t *stored, size_t len,
    struct csn_cache_buffer *out, size_t *which);
/*
 * What is left of an entry that was opened: of its own authenticated end,
 * where it has one and that is sooner than left.
 */
uint64_t csn_codec_left(struct csn_cache *cache, const uint8_t *stored,
    size_t len, uint64_t left);
/* The key was deleted: what the backend may put back is old. */
void csn_codec_forget(struct csn_cache *cache, const struct csn_call *call);
/* A value that holds nothing but keeps its memory. */
void csn_value_clear(struct csn_cache_value *v);
struct csn_cache_buffer *csn_scratch_take(struct csn_cache *cache);
void csn_scratch_give(struct csn_cache *cache, struct csn_cache_buffer *b);

/*
 * backend.c: the store behind the breaker. Each takes its place, is timed
 * and counted; what is no answer of the store's is CSN_E_BUSY, CSN_E_RATE, or
 * its failure.
 */
struct csn_backend_call {
	struct csn_breaker *breaker;
	struct csn_breaker_pass pass;
	uint64_t began;
};
CSN_MUST_CHECK int csn_backend_begin(struct csn_cache *cache,
    const char *store_key, size_t store_len, struct csn_backend_call *bc);
/* 1 where rc says that the backend is not to be had just now. */
int csn_backend_dead(int rc);
/* 1 where one of the backend's servers has both keys, as far as it tells. */
int csn_backend_one(struct csn_cache *cache, const char *a, size_t a_len,
    const char *b, size_t b_len);
/* refused: the bytes it gave were not what they should be. Returns rc. */
int csn_backend_end(struct csn_cache *cache, const struct csn_call *call,
    const struct csn_backend_call *bc, int rc, int refused);
/*
 * Between begin and end: the stored bytes as an entry of the caller's, and
 * what was left of their time at that moment: 0 for ever,
 * CSN_STORE_TTL_UNKNOWN where the backend does not tell.
 */
CSN_MUST_CHECK int csn_backend_read(struct csn_cache *cache,
    const struct csn_call *call, struct csn_l1_entry **out, uint64_t *left);
CSN_MUST_CHECK int csn_backend_put(struct csn_cache *cache,
    const struct csn_call *call, const uint8_t *p, size_t len);
CSN_MUST_CHECK int csn_backend_remove(struct csn_cache *cache,
    const struct csn_call *call);
CSN_MUST_CHECK int csn_backend_ttl(struct csn_cache *cache,
    const struct csn_call *call, uint64_t *ttl_ms);

/* lock.c: of many processes that want one value, one computes it. */
struct csn_cachelock {
	int held;
	size_t len;
	char key[CSN_STORE_MAX_KEY + 1];
	char token[33];
};
/* Try once. 0 where it is held, CSN_E_EXISTS where another holds it. */
CSN_MUST_CHECK int csn_cachelock_try(struct csn_cache *cache,
    const struct csn_call *call, struct csn_cachelock *lock);
/*
 * Wait for it, or for the value, which is then in out: 0, and lock->held is
 * 0. Else CSN_E_NOT_FOUND: compute, whether it is held or could not be had.
 */
CSN_MUST_CHECK int csn_cachelock_wait(struct csn_cache *cache,
    struct csn_call *call, struct csn_cachelock *lock,
    struct csn_cache_value *out);
void csn_cachelock_release(struct csn_cache *cache,
    const struct csn_call *call, struct csn_cachelock *lock);

/* cache.c: the levels. As csn_cache_get(); *negative: known not to exist. */
CSN_MUST_CHECK int csn_lookup_l1(struct csn_cache *cache,
    struct csn_call *call, struct csn_cache_value *out, int *negative);
CSN_MUST_CHECK int csn_lookup_l2(struct csn_cache *cache,
    struct csn_call *call, struct csn_cache_value *out);
CSN_MUST_CHECK int csn_store_value(struct csn_cache *cache,
    struct csn_call *call, const uint8_t *p, size_t len);
/* Set when an entry ends that had so much left (0: no end) at boot_ms. */
void csn_l1_set_end(const struct csn_cache *cache, struct csn_l1_entry *e,
    uint64_t boot_ms, uint64_t ttl_ms);

#endif
