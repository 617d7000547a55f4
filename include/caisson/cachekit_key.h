/* SPDX-License-Identifier: Apache-2.0 */
/* caisson/cachekit_key.h - CacheKit's cache keys, from typed arguments. */
#ifndef CAISSON_CACHEKIT_KEY_H
#define CAISSON_CACHEKIT_KEY_H

#include <caisson/context.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A key names a call: a function and the BLAKE2b-256 hash of its arguments in
 * MessagePack. The arguments are given one after the other, in the order of
 * the call; lists, maps and sets nest. Two modes:
 *
 * CSN_CACHEKIT_KEY_INTEROP, "{namespace}:{operation}:{hash}", the same in every
 * language: whole floats are integers, times are UTC seconds, UUIDs are text,
 * sets are sorted, NaN and infinities are refused.
 *
 * CSN_CACHEKIT_KEY_AUTO, "ns:{namespace}:func:{module}.{qualname}:args:{hash}:
 * {1|0}{code}", as the Python SDK makes them from a decorated function: floats
 * stay floats, times are ISO 8601 text with their offset, sets are refused,
 * and arguments given by name follow the others (csn_cachekit_key_name).
 *
 * A builder is used by one thread at a time. After a failure it refuses all
 * but csn_cachekit_key_reset and _free, so a chain may check the last call
 * only: the first failure's code comes back, and its sentence is kept. Map keys
 * must differ. Strings are UTF-8 (CSN_E_FORM) and not NUL-terminated. It holds
 * what it was given until reset, which wipes it.
 */
struct csn_cachekit_key;

enum csn_cachekit_key_mode {
	CSN_CACHEKIT_KEY_AUTO = 1,
	CSN_CACHEKIT_KEY_INTEROP = 2
};

#define CSN_CACHEKIT_KEY_SIZE 1024	/* holds every key and its NUL */
#define CSN_CACHEKIT_KEY_DEPTH 64		/* of lists, maps and sets */
#define CSN_CACHEKIT_KEY_ARGS_MAX (64u << 20)	/* bytes of arguments */

CSN_API CSN_MUST_CHECK int csn_cachekit_key_new(struct csn_ctx *ctx, int mode,
    struct csn_cachekit_key **out);
/** Wipe what was given and begin again, in the same mode. */
CSN_API void csn_cachekit_key_reset(struct csn_cachekit_key *key);
CSN_API void csn_cachekit_key_free(struct csn_cachekit_key *key); /* wipes */

/*
 * One value each. CSN_E_ARG where none may stand (a map wants a key first),
 * CSN_E_LIMIT (size), CSN_E_FORM (not UTF-8), CSN_E_NOMEM, CSN_E_POLICY (what
 * the mode refuses).
 */
CSN_API CSN_MUST_CHECK int csn_cachekit_key_null(struct csn_cachekit_key *key);
CSN_API CSN_MUST_CHECK int csn_cachekit_key_bool(struct csn_cachekit_key *key,
    int value);
CSN_API CSN_MUST_CHECK int csn_cachekit_key_int(struct csn_cachekit_key *key,
    int64_t value);
CSN_API CSN_MUST_CHECK int csn_cachekit_key_uint(struct csn_cachekit_key *key,
    uint64_t value);
CSN_API CSN_MUST_CHECK int csn_cachekit_key_float(struct csn_cachekit_key *key,
    double value);
CSN_API CSN_MUST_CHECK int csn_cachekit_key_str(struct csn_cachekit_key *key,
    const char *value, size_t len);
CSN_API CSN_MUST_CHECK int csn_cachekit_key_bytes(struct csn_cachekit_key *key,
    const void *value, size_t len);
/**
 * An instant in microseconds since 1970, UTC. offset_min, the time zone's
 * distance from UTC in minutes (below a day), shows in auto mode alone, where
 * the years 1 to 9999 can be written: CSN_E_POLICY otherwise.
 */
CSN_API CSN_MUST_CHECK int csn_cachekit_key_time(struct csn_cachekit_key *key,
    int64_t unix_us, int offset_min);
CSN_API CSN_MUST_CHECK int csn_cachekit_key_uuid(struct csn_cachekit_key *key,
    const uint8_t uuid[16]);

/* Containers: what comes between begin and end is in them. */
CSN_API CSN_MUST_CHECK int csn_cachekit_key_list_begin(
    struct csn_cachekit_key *key);
CSN_API CSN_MUST_CHECK int csn_cachekit_key_list_end(struct csn_cachekit_key
    *key);
CSN_API CSN_MUST_CHECK int csn_cachekit_key_map_begin(struct csn_cachekit_key
    *key);
/** The next value's name in the map, in any order. */
CSN_API CSN_MUST_CHECK int csn_cachekit_key_map_key(struct csn_cachekit_key
    *key, const char *name, size_t len);
/** CSN_E_POLICY where two keys are the same. */
CSN_API CSN_MUST_CHECK int csn_cachekit_key_map_end(struct csn_cachekit_key
    *key);
/** Equal members count once. CSN_E_POLICY in auto mode. */
CSN_API CSN_MUST_CHECK int csn_cachekit_key_set_begin(struct csn_cachekit_key
    *key);
CSN_API CSN_MUST_CHECK int csn_cachekit_key_set_end(struct csn_cachekit_key
    *key);

/**
 * Auto mode: the next value is the argument of that name. From the first
 * one on, all are given by name, in any order. CSN_E_POLICY in interop mode,
 * where every argument stands in the place that its function declares.
 */
CSN_API CSN_MUST_CHECK int csn_cachekit_key_name(struct csn_cachekit_key *key,
    const char *name, size_t len);

/**
 * The arguments' MessagePack as it is hashed; valid until the next call.
 * CSN_E_ARG where a container is still open.
 */
CSN_API CSN_MUST_CHECK int csn_cachekit_key_args(struct csn_cachekit_key *key,
    const uint8_t **p, size_t *len);

/**
 * The interop key of the arguments so far, NUL-terminated. Both segments
 * match [a-z0-9][a-z0-9._-]{0,63} as a whole and hold no "..", and the
 * namespace is neither "ns" nor "nsapi": CSN_E_POLICY. CSN_E_ARG in auto mode.
 */
CSN_API CSN_MUST_CHECK int csn_cachekit_key_interop(struct csn_cachekit_key
    *key, const char *name_space, const char *operation,
    char out[CSN_CACHEKIT_KEY_SIZE]);

/**
 * The auto key of the arguments so far. name_space may be NULL; module and
 * qualname are the Python function's __module__ and __qualname__. integrity
 * says whether values carry checksums. serializer is a name: "default" (or
 * "std"), "auto", "orjson", "arrow"; any other gets the five-character code
 * that the Python SDK gives it. CSN_E_ARG in interop mode, for an empty
 * module, qualname or serializer, CSN_E_FORM for what is not UTF-8.
 */
CSN_API CSN_MUST_CHECK int csn_cachekit_key_auto(struct csn_cachekit_key *key,
    const char *name_space, const char *module, const char *qualname,
    int integrity, const char *serializer, char out[CSN_CACHEKIT_KEY_SIZE]);

#ifdef __cplusplus
}
#endif

#endif
