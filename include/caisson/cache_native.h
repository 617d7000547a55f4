/* SPDX-License-Identifier: Apache-2.0 */
/* caisson/cache_native.h - Caisson's own cache entries. */
#ifndef CAISSON_CACHE_NATIVE_H
#define CAISSON_CACHE_NATIVE_H

#include <caisson/identity.h>
#include <caisson/seal.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * For those who need not share entries with CacheKit (docs/wire/cache.md has
 * each byte). Beside it, this format
 *
 * - names the master key's epoch, so nothing is tried out,
 * - binds tenant, cache key, format, version and expiry in Caisson's envelope,
 * - commits to its key, and gives each writer a key of its own,
 * - refuses an older value of a key than the newest that this reader has seen
 *   or written, and one past its expiry.
 *
 * Master keys are random and travel as files sealed to the ML-KEM keys of
 * their readers and signed by who made them. The versions that were seen are
 * kept in memory: a reader that starts anew believes the first value that it
 * is given, as does one that had to forget a key among too many (it then
 * refuses values older than the newest that it forgot, which are misses).
 * Versions follow the writers' clocks: of two writers whose clocks differ, the
 * one that is behind is refused until it has seen an entry of the other's.
 *
 * Any number of threads. In a forked child CSN_E_FORK. Buffers are the caller's
 * own while a call runs, as caisson/seal.h has it.
 */
struct csn_cache_native;

#define CSN_CACHE_NATIVE_OVERHEAD (CSN_SEAL_OVERHEAD + 32)
#define CSN_CACHE_NATIVE_MASTERS 16	/* at a time */
#define CSN_CACHE_NATIVE_KEY_MAX 4096	/* bytes of a cache key */

/* What a sealed master key says it is. */
#define CSN_CACHE_MASTER_TYPE "application/caisson-cache-master"

/**
 * A fresh random master key of an epoch (1 and up), sealed to the recipients
 * and signed: csn_sealed_make, with its errors. CSN_E_ARG for epoch 0.
 */
CSN_API CSN_MUST_CHECK int csn_cache_native_make_master(struct csn_ctx *ctx,
    const struct csn_identity *signer,
    const struct csn_document *const *recipients, size_t nrecipients,
    uint32_t epoch, uint8_t **out, size_t *out_len);

struct csn_cache_native_options {
	uint32_t size;
	uint32_t writers;	/* keys kept at a time; 0 for 1,024 */
	uint32_t versions;	/* of entries, kept; 0 for 65,536 */
};

/** options may be NULL. */
CSN_API CSN_MUST_CHECK int csn_cache_native_new(struct csn_ctx *ctx,
    const struct csn_cache_native_options *options,
    struct csn_cache_native **out);
/**
 * Take a sealed master key: opened with identity, its signer in trust for
 * CSN_PURPOSE_SEALER. The newest epoch seals from now on, all of them open.
 * CSN_E_EXISTS where that epoch has another key, CSN_E_LIMIT, and the errors
 * of csn_sealed_open. The same key again is fine.
 */
CSN_API CSN_MUST_CHECK int csn_cache_native_add(
    struct csn_cache_native *native, const struct csn_identity *identity,
    struct csn_trust *trust, const uint8_t *sealed, size_t len);
/** A master key from elsewhere, such as a keystore: id is random, public. */
CSN_API CSN_MUST_CHECK int csn_cache_native_add_key(
    struct csn_cache_native *native, uint32_t epoch, const uint8_t id[16],
    const uint8_t key[CSN_KEY_SIZE]);
/** Wipe an epoch's key and all that came of it. CSN_E_EPOCH: no such one. */
CSN_API CSN_MUST_CHECK int csn_cache_native_drop(
    struct csn_cache_native *native, uint32_t epoch);
/** The epoch that seals; 0: none yet. */
CSN_API uint32_t csn_cache_native_epoch(
    const struct csn_cache_native *native);
CSN_API void csn_cache_native_free(struct csn_cache_native *native);

/* What an entry is of. */
struct csn_cache_native_bind {
	const char *tenant;	/* 1 to CSN_TENANT_ID_MAX bytes of UTF-8 */
	const char *key;	/* 1 to CSN_CACHE_NATIVE_KEY_MAX bytes */
	size_t key_len;
	const char *format;	/* 1 to 32 bytes */
};

/**
 * Seal len bytes into out, len + CSN_CACHE_NATIVE_OVERHEAD bytes. From now on
 * older values of the key are refused here. expires_ms is Unix time, 0 for
 * never. in may be out + CSN_CACHE_NATIVE_OVERHEAD. CSN_E_EPOCH (no master
 * key), CSN_E_ARG, CSN_E_LIMIT (4 GiB), CSN_E_FORK, CSN_E_RANDOM,
 * CSN_E_NOMEM, CSN_E_CRYPTO; out is zero on error.
 */
CSN_API CSN_MUST_CHECK int csn_cache_native_seal(
    struct csn_cache_native *native,
    const struct csn_cache_native_bind *bind, uint64_t expires_ms,
    const uint8_t *in, size_t len, uint8_t *out);
/**
 * Open into out, len - CSN_CACHE_NATIVE_OVERHEAD bytes, which may be
 * in + CSN_CACHE_NATIVE_OVERHEAD. Checked in this order: form (CSN_E_FORM,
 * CSN_E_VERSION, CSN_E_SUITE), CSN_E_FORK, CSN_E_TENANT, the key and format
 * (CSN_E_TAG), CSN_E_EPOCH (that master key is not here), commitment and tag
 * (CSN_E_TAG), CSN_E_EXPIRED, CSN_E_REPLAY. *old, where given, is 1 for an
 * entry of an older epoch than the one that seals. out is zero on error.
 */
CSN_API CSN_MUST_CHECK int csn_cache_native_open(
    struct csn_cache_native *native,
    const struct csn_cache_native_bind *bind, const uint8_t *in, size_t len,
    uint8_t *out, int *old);
/** The key was deleted: no value that is there now opens here any more. */
CSN_API CSN_MUST_CHECK int csn_cache_native_forget(
    struct csn_cache_native *native,
    const struct csn_cache_native_bind *bind);

#ifdef __cplusplus
}
#endif

#endif
