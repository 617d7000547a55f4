/* SPDX-License-Identifier: Apache-2.0 */
/* caisson/cache.h - a cache whose backend sees ciphertext only. */
#ifndef CAISSON_CACHE_H
#define CAISSON_CACHE_H

#include <caisson/audit.h>
#include <caisson/cachekit_key.h>
#include <caisson/cache_native.h>
#include <caisson/cachekit.h>
#include <caisson/pool.h>
#include <caisson/store.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A cache keeps results of calls under text keys, in two levels: L1, sealed
 * bytes in this process, and L2, any store. Values are sealed before they
 * leave the caller's hands and opened when they are read; both levels hold
 * ciphertext. Any number of threads may use one cache. In a forked child
 * every call gives CSN_E_FORK: make another cache there.
 *
 * A value is what the caller's serializer made, bytes of a format; the cache
 * binds the format's name, the tenant and the key to them and does not look
 * inside (interop mode checks that they are one MessagePack document).
 */
struct csn_cache;

enum csn_cache_mode {
	/* Entries that CacheKit's SDKs read and write. No replay protection:
	 * the format cannot tell an older value of a key from the newest. */
	CSN_CACHE_COMPATIBLE = 0,
	/* Caisson's own entries (<caisson/cache_native.h>), with epochs,
	 * expiry and replay protection; no SDK reads them. */
	CSN_CACHE_NATIVE = 1,
	/* Not sealed at all. Only for what anybody may read and change. */
	CSN_CACHE_PLAIN = 2
};

enum csn_cache_form {
	CSN_CACHE_AUTO = 0,	/* framed, as decorated Python functions */
	CSN_CACHE_INTEROP = 1	/* MessagePack alone, any language */
};

enum csn_cache_format {
	CSN_CACHE_MSGPACK = 0,
	CSN_CACHE_JSON = 1,	/* "orjson"; not in interop form */
	CSN_CACHE_ARROW = 2,	/* Arrow IPC; not in interop form */
	/* As they are, neither framed nor checked, under the name "bytes":
	 * the fastest; no SDK reads them. */
	CSN_CACHE_BYTES = 3
};

enum csn_cache_source {
	CSN_CACHE_FROM_L1 = 1,
	CSN_CACHE_FROM_L2 = 2,
	CSN_CACHE_COMPUTED = 3,	/* by this call */
	CSN_CACHE_SHARED = 4	/* by another thread, whom this one awaited */
};

enum csn_cache_breaker {
	CSN_CACHE_BREAKER_CLOSED = 0,
	CSN_CACHE_BREAKER_HALF_OPEN = 1,
	CSN_CACHE_BREAKER_OPEN = 2
};

/*
 * A value that was read, or that a computation makes. Zeroed but for size at
 * first; a thread that keeps one for its calls allocates nothing once it has
 * grown. data.p and data.len are the bytes; csn_cache_value_free() wipes
 * them, and so does each call that fills it anew as far as it needs.
 */
struct csn_cache_value {
	uint32_t size;
	uint32_t source;	/* enum csn_cache_source */
	uint32_t stale;		/* 1: a refresh is under way */
	uint32_t which;		/* master key it was sealed under; 0: current;
				 * native mode: 1 for any older epoch */
	uint64_t ttl_ms;	/* what is left; 0: no end */
	struct csn_cache_buffer data;
};

/** Room for len bytes in v->data, whose former bytes are wiped. CSN_E_NOMEM. */
CSN_API CSN_MUST_CHECK int csn_cache_value_room(struct csn_cache_value *v,
    size_t len);
/** Copy len bytes in. CSN_E_NOMEM. */
CSN_API CSN_MUST_CHECK int csn_cache_value_set(struct csn_cache_value *v,
    const void *p, size_t len);
CSN_API void csn_cache_value_free(struct csn_cache_value *v);

/**
 * The tenant of a call: write a NUL-terminated id of at most cap - 1 bytes to
 * out and return 0; anything else fails the call with CSN_E_UNKNOWN_TENANT.
 * tenant_arg is the call's (struct csn_cache_call_options), arg the
 * configuration's.
 */
typedef int (*csn_cache_tenant_fn)(void *arg, const void *tenant_arg,
    const char *key, char *out, size_t cap);

enum csn_cache_event_kind {
	CSN_CACHE_EVENT_L1_HIT = 1,
	CSN_CACHE_EVENT_L2_HIT,
	CSN_CACHE_EVENT_MISS,
	CSN_CACHE_EVENT_NEGATIVE_HIT,
	CSN_CACHE_EVENT_SET,
	CSN_CACHE_EVENT_DELETE,
	CSN_CACHE_EVENT_COMPUTE,
	CSN_CACHE_EVENT_REFUSED,	/* a tag failed, or it was in plain */
	CSN_CACHE_EVENT_BACKEND_ERROR,
	CSN_CACHE_EVENT_BREAKER		/* it changed: see state */
};

struct csn_cache_event {
	uint32_t size;
	uint32_t kind;		/* enum csn_cache_event_kind */
	int32_t code;		/* 0 or a CSN_E_* */
	uint32_t breaker;	/* enum csn_cache_breaker */
	uint64_t ns;		/* the call's time; 0 where not measured */
	uint64_t bytes;
	const char *key;
	const char *tenant;	/* NULL where not known */
};

/* flags */
#define CSN_CACHE_NO_L1 1u	/* keep nothing in this process */
#define CSN_CACHE_NO_LOCK 2u	/* no lock between processes */
#define CSN_CACHE_AUDIT_OPENS 4u /* each open leaves a record, not failures
				  * alone; one that cannot is not answered */
#define CSN_CACHE_SCOPED 8u	/* "t:{tenant}:{key}" on the backend, and so
				 * bound, as the Python SDK's Redis backend
				 * has it */
#define CSN_CACHE_NO_INTEGRITY 16u /* auto form without checksum (":0s") */

struct csn_cache_options {
	uint32_t size;
	uint32_t mode;		/* enum csn_cache_mode */
	uint32_t form;		/* enum csn_cache_form */
	uint32_t format;	/* enum csn_cache_format, where none is asked */
	uint32_t flags;		/* CSN_CACHE_* */
	uint32_t stale_percent;	/* past so much of its TTL a value is stale:
				 * served and refreshed; 0: never */
	/* The master keys of compatible mode, of no other. May be freed
	 * after csn_cache_new(). */
	const struct csn_cachekit_ring *keys;
	/* The epochs of native mode, of no other; outlives the cache. */
	struct csn_cache_native *native;
	struct csn_store *store; /* L2; outlives the cache; NULL: L1 alone */
	/* The store's space; 0 bytes: none, the keys as SDKs share them. */
	const uint8_t *space;
	size_t space_len;
	const char *tenant;	/* NULL: "default" */
	csn_cache_tenant_fn tenant_of;	/* asked where a call names none */
	void *tenant_of_arg;
	uint64_t ttl_ms;	/* of values set without one; 0: no end */
	uint64_t negative_ttl_ms; /* of "there is none", kept in L1; 0: not */
	uint64_t l1_bytes;	/* 0: 64 MiB */
	uint64_t l1_ttl_ms;	/* values stay in L1 at most so long, where
				 * other processes write too; 0: as in L2 */
	uint32_t l1_shards;	/* a power of two; 0: 64 */
	uint32_t tenants;	/* whose keys stay derived; 0: 1,024 */
	/* A breaker for each of the backend's servers: so many failures in a
	 * row open it (0: 5) for so long (0: 30 s), then so many trials
	 * decide (0: 3). */
	uint32_t breaker_failures;
	uint32_t breaker_trials;
	uint64_t breaker_open_ms;
	/* Calls to a server in flight (0: 256); how long one waits for a
	 * place (0: 100 ms); what takes longer is a failure (0: 2 s). */
	uint32_t inflight_max;
	uint32_t queue_ms;
	uint64_t slow_ms;
	/* The lock between processes expires (0: 30 s); how long one
	 * waits for it (0: 5 s), and for another thread of this process (0:
	 * 30 s), before computing anyway. */
	uint64_t lock_ms;
	uint64_t lock_wait_ms;
	uint64_t flight_wait_ms;
	struct csn_pool *pool;	/* for refreshes; NULL: none */
	struct csn_audit *audit; /* NULL: none */
	/* Told of each event, on the thread that caused it, with no lock
	 * held; strings last as long as the call. NULL: nobody. */
	void (*on_event)(void *arg, const struct csn_cache_event *event);
	void *on_event_arg;
};

/**
 * A cache, owned by the caller; ctx, the store, the pool and the audit log
 * outlive it. CSN_E_ARG (no keys for a secure mode, keys for a plain one, a
 * refresh without a pool of two threads or more…), CSN_E_NOMEM, CSN_E_RANDOM.
 */
CSN_API CSN_MUST_CHECK int csn_cache_new(struct csn_ctx *ctx,
    const struct csn_cache_options *config, struct csn_cache **out);
/** Waits for refreshes that are under way. No other call is. NULL is fine. */
CSN_API void csn_cache_free(struct csn_cache *cache);

/* how.flags */
#define CSN_CACHE_STRICT 1u	/* say why an entry was refused; not a miss */
#define CSN_CACHE_REFRESH 2u	/* compute and its arg stay valid until
				 * csn_cache_free(): a stale value may be
				 * refreshed by another thread */
#define CSN_CACHE_TTL 4u	/* ttl_ms counts, also where it is 0 */
#define CSN_CACHE_FORMAT 8u	/* format counts, also where it is 0 */

/* What one call asks beside the configuration; NULL for nothing. */
struct csn_cache_call_options {
	uint32_t size;
	uint32_t flags;
	uint32_t format;	/* enum csn_cache_format */
	uint32_t reserved;
	uint64_t ttl_ms;
	const char *tenant;	/* NULL: the configuration's */
	const void *tenant_arg;	/* for its extractor */
};

/*
 * Keys are NUL-terminated: those that csn_cachekit_key_interop() and _auto()
 * build, or any text of the caller's. On the backend a key and, where it is
 * scoped, its tenant's name take CSN_STORE_MAX_KEY bytes at most.
 */

/**
 * Read a value into out. CSN_E_NOT_FOUND: it is not there, is known not to
 * exist, or was refused (its tag failed, it was in plain, its time was over;
 * counted and audited; CSN_E_TAG, CSN_E_POLICY, CSN_E_FORM… with
 * CSN_CACHE_STRICT). CSN_E_BACKEND, CSN_E_BUSY (the breaker is open),
 * CSN_E_RATE (too many calls in flight): the backend could not be asked. To
 * compute the value is the answer to all of them. CSN_E_NOMEM, CSN_E_ARG.
 *
 * An L1 hit takes one hash of the key, one shard's lock and one AES-GCM
 * open from L1 straight into out: no allocation, no copy (auto form: the
 * container is opened into out's spare first). An L2 hit leaves its sealed
 * bytes in L1.
 */
CSN_API CSN_MUST_CHECK int csn_cache_get(struct csn_cache *cache,
    const char *key, const struct csn_cache_call_options *how,
    struct csn_cache_value *out);

/**
 * Seal len bytes and keep them in both levels: AES-GCM from p straight into
 * L1, and from there to the store. Where the store fails the code says so
 * (as for csn_cache_get); the value is in L1 all the same. CSN_E_FORM and
 * CSN_E_LIMIT for what the format refuses.
 */
CSN_API CSN_MUST_CHECK int csn_cache_set(struct csn_cache *cache,
    const char *key, const struct csn_cache_call_options *how, const void *p,
    size_t len);

/** Remove it from both levels. CSN_E_NOT_FOUND; the store's errors. */
CSN_API CSN_MUST_CHECK int csn_cache_delete(struct csn_cache *cache,
    const char *key, const struct csn_cache_call_options *how);

/**
 * 0 where something is there, unopened: it may be refused when it is read.
 * *ttl_ms, where given, is what is left, 0 for no end. CSN_E_NOT_FOUND.
 */
CSN_API CSN_MUST_CHECK int csn_cache_exists(struct csn_cache *cache,
    const char *key, const struct csn_cache_call_options *how, uint64_t
    *ttl_ms);

/**
 * Compute the value of key into out (csn_cache_value_set, _room). 0;
 * CSN_E_NOT_FOUND: there is none, which is remembered for negative_ttl_ms;
 * anything else fails the call and is not remembered.
 */
typedef int (*csn_cache_compute_fn)(void *arg, const char *key,
    struct csn_cache_value *out);

/**
 * The value from the cache, or computed and kept. Of many threads that want
 * a missing key one computes and the others get its result; of many
 * processes, one, as long as the store's lock can be had in time. Whatever
 * happens to the backend, the answer is what compute gives: nothing but its
 * own failure, CSN_E_ARG, CSN_E_UNKNOWN_TENANT, CSN_E_FORK and CSN_E_NOMEM
 * fail this call. A value of CSN_E_NOT_FOUND may come from L1.
 */
CSN_API CSN_MUST_CHECK int csn_cache_get_or_compute(struct csn_cache *cache,
    const char *key, const struct csn_cache_call_options *how,
    csn_cache_compute_fn compute, void *arg, struct csn_cache_value *out);

/**
 * Remove every entry of a namespace ("{namespace}:…" and
 * "ns:{namespace}:…"), whoever's; NULL: every key of the cache's space,
 * which must be one of its own (CSN_E_POLICY where there is none). *removed,
 * where given, counts them. The errors of the store.
 */
CSN_API CSN_MUST_CHECK int csn_cache_clear(struct csn_cache *cache,
    const char *name_space, uint64_t *removed);

struct csn_cache_reseal {
	uint32_t size;
	uint32_t reserved;
	uint64_t seen;		/* entries looked at */
	uint64_t moved;		/* sealed anew under the current key */
	uint64_t current;	/* were under it already */
	uint64_t skipped;	/* changed, ended or taken meanwhile */
	uint64_t refused;	/* none of the keys opens them, or in plain */
	uint64_t total;		/* keys listed */
};

/**
 * Seal every entry of the namespace (NULL: of the space) that is under a
 * former master key under the current one; its time to live stays. The
 * tenant is how's, or the configuration's: entries of others count as
 * refused. An entry that somebody else changes meanwhile keeps the change,
 * where the store can compare (CSN_STORE_LOCK). progress, where given, is
 * told after each entry; what it returns other than 0 stops and is returned.
 * In native mode it is the older epochs' entries that move.
 */
CSN_API CSN_MUST_CHECK int csn_cache_reseal(struct csn_cache *cache,
    const char *name_space, const struct csn_cache_call_options *how,
    int (*progress)(void *arg, const struct csn_cache_reseal *so_far),
    void *arg, struct csn_cache_reseal *out);

/* Times are in buckets: bucket i counts those below 256 ns << 2 * i. */
#define CSN_CACHE_BUCKETS 14

struct csn_cache_times {
	uint64_t count;
	uint64_t sum_ns;
	uint64_t buckets[CSN_CACHE_BUCKETS];	/* the last: all above */
};

struct csn_cache_stat {
	uint32_t size;
	uint32_t breaker;	/* enum csn_cache_breaker, as of now */
	uint64_t l1_hits;
	uint64_t l2_hits;
	uint64_t negative_hits;
	uint64_t stale_hits;
	uint64_t misses;
	uint64_t sets;
	uint64_t deletes;
	uint64_t computes;
	uint64_t compute_errors;
	uint64_t backend_errors;
	uint64_t slow_calls;
	uint64_t tag_failures;
	uint64_t plain_refused;	/* unencrypted entries in a secure cache */
	uint64_t form_refused;	/* no entry at all, or of another format */
	uint64_t replays;	/* native: older than what was seen before */
	uint64_t rejected;	/* calls that the breaker did not let pass */
	uint64_t shed;		/* calls too many */
	uint64_t breaker_opens;
	uint64_t shared;	/* results of another thread's computation */
	uint64_t flight_timeouts;
	uint64_t locks;		/* taken between processes */
	uint64_t lock_waits;
	uint64_t lock_timeouts;
	uint64_t refreshes;
	uint64_t refresh_errors;
	uint64_t audit_errors;
	uint64_t former_key_hits; /* opened under a former master key */
	uint64_t l1_entries;
	uint64_t l1_bytes;
	uint64_t l1_evictions;
	/* Of every call but L1's hits and sealing, of which one in 64 is
	 * measured. */
	struct csn_cache_times l1_times;
	struct csn_cache_times l2_times;
	struct csn_cache_times compute_times;
	struct csn_cache_times seal_times;
	struct csn_cache_times open_times;
};

CSN_API CSN_MUST_CHECK int csn_cache_stat(struct csn_cache *cache,
    struct csn_cache_stat *out);

/**
 * The same as Prometheus's text format 0.0.4; csn_free. name tells several
 * caches apart (label cache="name"); NULL: no label. CSN_E_NOMEM, CSN_E_ARG.
 */
CSN_API CSN_MUST_CHECK int csn_cache_prometheus(struct csn_cache *cache,
    const char *name, char **text);

#ifdef __cplusplus
}
#endif

#endif
