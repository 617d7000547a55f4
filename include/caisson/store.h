/* SPDX-License-Identifier: Apache-2.0 */
/* caisson/store.h - what carries sealed bytes: the contract of a store. */
#ifndef CAISSON_STORE_H
#define CAISSON_STORE_H

#include <caisson/context.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A store keeps values under (space, key), where a space is one tenant's (or
 * any other group that is dropped as a whole). It sees ciphertext only and
 * knows nothing of sessions or caching. Keys are bytes, values are bytes.
 * Providers sit behind struct csn_store_provider, are registered by name and
 * opened by URL. Stores are safe from many threads.
 *
 * A space's name may have no bytes: its keys are outside any space, and a
 * backend that others use too holds them under exactly these bytes. They are
 * removed one by one; there is no drop for them. docs/STORES.md says what
 * each store promises and what it cannot do.
 *
 * "memory:?bytes=4G&share=0.25&slab=2M" is the store in RAM. bytes (1M to
 * 4T; 1G where absent) bounds the memory that values take, overhead in slabs
 * included; the least recently used are evicted under it. share (a fraction
 * with a point in it, or bytes) bounds one space's part: past it, a space
 * evicts its own; threads that put into one space at once may each pass it
 * by a value. slab (64K to 32M, a power of two) is the unit in which small
 * values of a size are kept together; at 2M, the default from 512M on, slabs
 * are huge pages where the kernel gives them.
 */
#define CSN_STORE_ABI 1
#define CSN_STORE_MAX_SPACE 64
#define CSN_STORE_MAX_KEY 2048

struct csn_store;

/* Bytes under a name that the store chose to give up (its limit). */
typedef void (*csn_store_evicted)(void *arg, const uint8_t *space,
    size_t space_len, const uint8_t *key, size_t key_len);

struct csn_store_stat {
	uint32_t size;
	uint32_t reserved;
	uint64_t entries;
	uint64_t bytes;		/* of values */
	uint64_t memory;	/* bytes held for them, with overhead */
	uint64_t limit;		/* bytes allowed; 0 for none */
	uint64_t hits;		/* hits and misses: of the whole store only */
	uint64_t misses;
	uint64_t puts;
	uint64_t deletes;
	uint64_t evictions;
	uint64_t connects;	/* connections made to servers so far */
	uint64_t classical;	/* of them TLS, but not post-quantum */
};

/*
 * A value being written in place (reserve, then commit or abort), or one
 * being read in place (borrow, then release). The handle is the provider's
 * and is never NULL. p is aligned to 64 bytes; a borrowed value is not
 * written to, and stays whole until release, whatever happens to its name.
 */
struct csn_store_buf {
	uint8_t *p;
	size_t len;
	void *handle;
};

#define CSN_STORE_PRIVATE 1u	/* only this process writes to its buffers */

struct csn_store_provider {
	uint32_t abi;		/* CSN_STORE_ABI */
	/*
	 * CSN_STORE_PRIVATE where nobody but this process can write to what
	 * reserve and borrow give. Memory of a mapped file, shared memory and
	 * what a device can write to is not that: there AES works by way of a
	 * copy in pieces. 0 where in doubt.
	 */
	uint32_t flags;
	const char *name;	/* the URL's scheme */
	int (*open)(struct csn_ctx *ctx, const char *rest, void **state);
	/*
	 * Replaces atomically. CSN_E_QUOTA (no room even after evicting),
	 * CSN_E_NOMEM, CSN_E_BACKEND…
	 */
	int (*put)(void *state, const uint8_t *space, size_t space_len,
	    const uint8_t *key, size_t key_len, const uint8_t *value,
	    size_t len);
	/* *len is the cap on entry and the value's length on return, also
	 * with CSN_E_BUFFER. CSN_E_NOT_FOUND. */
	int (*get)(void *state, const uint8_t *space, size_t space_len,
	    const uint8_t *key, size_t key_len, uint8_t *value, size_t *len);
	int (*remove)(void *state, const uint8_t *space, size_t space_len,
	    const uint8_t *key, size_t key_len);
	/* Drop a whole space; its memory is overwritten or unmapped. */
	int (*drop)(void *state, const uint8_t *space, size_t space_len);
	/* Visit the keys of a space as they are found; a non-zero return
	 * stops and is returned. visit may put and remove. A key that is
	 * there all along is visited once; where a server's list has it
	 * several times, that holds for the first few million keys. */
	int (*list)(void *state, const uint8_t *space, size_t space_len,
	    int (*visit)(void *arg, const uint8_t *key, size_t key_len,
	    size_t value_len), void *arg);
	/*
	 * Fill *out, which is zero but for its size; all zero for a space
	 * that holds nothing. space NULL: the whole store.
	 */
	int (*stat)(void *state, const uint8_t *space, size_t space_len,
	    struct csn_store_stat *out);
	void (*close)(void *state);

	/*
	 * Optional, all or none: in place, without a copy. commit uses the
	 * buffer up also where it fails.
	 */
	int (*reserve)(void *state, const uint8_t *space, size_t space_len,
	    size_t len, struct csn_store_buf *out);
	int (*commit)(void *state, const uint8_t *space, size_t space_len,
	    const uint8_t *key, size_t key_len, struct csn_store_buf *buf);
	void (*abort)(void *state, struct csn_store_buf *buf);
	int (*borrow)(void *state, const uint8_t *space, size_t space_len,
	    const uint8_t *key, size_t key_len, struct csn_store_buf *out);
	void (*release)(void *state, struct csn_store_buf *buf);

	/* Optional: told of evictions, called with no lock held. */
	void (*on_evict)(void *state, csn_store_evicted fn, void *arg);

	/*
	 * Optional, both or none: values that expire. put_for is
	 * put with a time to live, 0 for ever; what has expired is not found
	 * by anything. ttl gives what is left of a value's time, 0 where it
	 * has no end; CSN_E_NOT_FOUND. So it also says whether one exists.
	 */
	int (*put_for)(void *state, const uint8_t *space, size_t space_len,
	    const uint8_t *key, size_t key_len, const uint8_t *value,
	    size_t len, uint64_t ttl_ms);
	int (*ttl)(void *state, const uint8_t *space, size_t space_len,
	    const uint8_t *key, size_t key_len, uint64_t *ttl_ms);
	/*
	 * Optional, both or none, and atomic: what a lock between processes
	 * is made of. add_for puts where nothing is, else CSN_E_EXISTS;
	 * remove_if removes a value of exactly these bytes, else
	 * CSN_E_NOT_FOUND.
	 */
	int (*add_for)(void *state, const uint8_t *space, size_t space_len,
	    const uint8_t *key, size_t key_len, const uint8_t *value,
	    size_t len, uint64_t ttl_ms);
	int (*remove_if)(void *state, const uint8_t *space, size_t space_len,
	    const uint8_t *key, size_t key_len, const uint8_t *value,
	    size_t len);
	/*
	 * Optional: get and ttl of one moment. *ttl_ms is as ttl gives it, or
	 * CSN_STORE_TTL_UNKNOWN where the backend could not tell it of that
	 * very value.
	 */
	int (*get_for)(void *state, const uint8_t *space, size_t space_len,
	    const uint8_t *key, size_t key_len, uint8_t *value, size_t *len,
	    uint64_t *ttl_ms);
	/*
	 * Optional: a number for the one of several servers that has the key
	 * now, without asking any. A cache counts failures by it, so that one
	 * server that is dead does not stand for all.
	 */
	uint32_t (*server)(void *state, const uint8_t *space,
	    size_t space_len, const uint8_t *key, size_t key_len);
};

/**
 * The structure stays valid for the life of the process. CSN_E_ARG (another
 * abi, unknown flags, a NULL function, a bad name), CSN_E_EXISTS,
 * CSN_E_LIMIT.
 */
CSN_API CSN_MUST_CHECK int csn_store_register(
    const struct csn_store_provider *provider);

/** CSN_E_UNKNOWN_BACKEND names the schemes that there are. */
CSN_API CSN_MUST_CHECK int csn_store_open(struct csn_ctx *ctx,
    const char *url, struct csn_store **out);
CSN_API CSN_MUST_CHECK int csn_store_put(struct csn_store *store,
    const uint8_t *space, size_t space_len, const uint8_t *key,
    size_t key_len, const uint8_t *value, size_t len);
CSN_API CSN_MUST_CHECK int csn_store_get(struct csn_store *store,
    const uint8_t *space, size_t space_len, const uint8_t *key,
    size_t key_len, uint8_t *value, size_t *len);
CSN_API CSN_MUST_CHECK int csn_store_remove(struct csn_store *store,
    const uint8_t *space, size_t space_len, const uint8_t *key,
    size_t key_len);
CSN_API CSN_MUST_CHECK int csn_store_drop(struct csn_store *store,
    const uint8_t *space, size_t space_len);
CSN_API CSN_MUST_CHECK int csn_store_each(struct csn_store *store,
    const uint8_t *space, size_t space_len, int (*visit)(void *arg,
    const uint8_t *key, size_t key_len, size_t value_len), void *arg);
CSN_API CSN_MUST_CHECK int csn_store_stat(struct csn_store *store,
    const uint8_t *space, size_t space_len, struct csn_store_stat *out);
/*
 * Values that expire, and what locks are made of: as the
 * provider's functions of these names say. CSN_E_BACKEND where it has none;
 * a csn_store_put_for() without an end is then a csn_store_put(). Times are
 * in milliseconds; a store whose clock is coarser rounds them up.
 */
CSN_API CSN_MUST_CHECK int csn_store_put_for(struct csn_store *store,
    const uint8_t *space, size_t space_len, const uint8_t *key,
    size_t key_len, const uint8_t *value, size_t len, uint64_t ttl_ms);
CSN_API CSN_MUST_CHECK int csn_store_ttl(struct csn_store *store,
    const uint8_t *space, size_t space_len, const uint8_t *key,
    size_t key_len, uint64_t *ttl_ms);
CSN_API CSN_MUST_CHECK int csn_store_add_for(struct csn_store *store,
    const uint8_t *space, size_t space_len, const uint8_t *key,
    size_t key_len, const uint8_t *value, size_t len, uint64_t ttl_ms);
CSN_API CSN_MUST_CHECK int csn_store_remove_if(struct csn_store *store,
    const uint8_t *space, size_t space_len, const uint8_t *key,
    size_t key_len, const uint8_t *value, size_t len);

/**
 * A value and what is left of its time, of one moment: asked for one after
 * the other, the time may be that of a value that was put in between.
 * *ttl_ms is 0 where the value has no end, and CSN_STORE_TTL_UNKNOWN where
 * the backend does not tell the two together. As csn_store_get() else.
 */
CSN_API CSN_MUST_CHECK int csn_store_get_for(struct csn_store *store,
    const uint8_t *space, size_t space_len, const uint8_t *key,
    size_t key_len, uint8_t *value, size_t *len, uint64_t *ttl_ms);
#define CSN_STORE_TTL_UNKNOWN UINT64_MAX
/** Which of its servers has the key: a number, 0 where there is one only. */
CSN_API uint32_t csn_store_server(struct csn_store *store,
    const uint8_t *space, size_t space_len, const uint8_t *key,
    size_t key_len);

#define CSN_STORE_TTL 1u	/* put_for and ttl */
#define CSN_STORE_LOCK 2u	/* add_for and remove_if */
/** Which of them this store has: CSN_STORE_TTL | CSN_STORE_LOCK. */
CSN_API uint32_t csn_store_abilities(const struct csn_store *store);
/** 1 where nobody but this process can write to what reserve and borrow give;
 * 0 where the provider does not say so, and for NULL. */
CSN_API int csn_store_is_private(const struct csn_store *store);
/*
 * In place where the provider can; else through a buffer of the store's own,
 * so callers need not care. commit (whatever it returns) and abort end a
 * reserve, release ends a borrow; each sets *buf to zero.
 */
CSN_API CSN_MUST_CHECK int csn_store_reserve(struct csn_store *store,
    const uint8_t *space, size_t space_len, size_t len,
    struct csn_store_buf *out);
CSN_API CSN_MUST_CHECK int csn_store_commit(struct csn_store *store,
    const uint8_t *space, size_t space_len, const uint8_t *key,
    size_t key_len, struct csn_store_buf *buf);
CSN_API void csn_store_abort(struct csn_store *store,
    struct csn_store_buf *buf);
CSN_API CSN_MUST_CHECK int csn_store_borrow(struct csn_store *store,
    const uint8_t *space, size_t space_len, const uint8_t *key,
    size_t key_len, struct csn_store_buf *out);
CSN_API void csn_store_release(struct csn_store *store,
    struct csn_store_buf *buf);
/**
 * Be told of evictions as well, whoever else is, on the thread whose put
 * caused them; fn may use the store, but not these two calls. Ask before the
 * store is shared. CSN_E_BACKEND where the provider has none.
 */
CSN_API CSN_MUST_CHECK int csn_store_on_evict(struct csn_store *store,
    csn_store_evicted fn, void *arg);
/** No more: fn does not run for arg when this returns. */
CSN_API void csn_store_off_evict(struct csn_store *store,
    csn_store_evicted fn, void *arg);
CSN_API void csn_store_close(struct csn_store *store);

#ifdef __cplusplus
}
#endif

#endif
