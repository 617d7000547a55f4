/* SPDX-License-Identifier: Apache-2.0 */
/* caisson/advanced.h - single primitives, for those who build formats. */
#ifndef CAISSON_ADVANCED_H
#define CAISSON_ADVANCED_H

#include <caisson/crypto.h>
#include <caisson/features.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Sealing, streams, sessions and caches choose nonces, derive keys and split
 * work by themselves: most programs need nothing of this header, and
 * <caisson/caisson.h> does not include it. The caller answers for what each
 * function says that it does not check.
 */

struct csn_cachekit;	/* <caisson/cachekit.h> */
struct csn_regions;	/* <caisson/region.h> */

/* Key derivation. */

enum csn_hkdf_hash {
	CSN_HKDF_SHA3_256 = 1,	/* Caisson's own key schedules */
	CSN_HKDF_SHA256 = 2	/* foreign formats */
};

/**
 * HKDF extract and expand (RFC 5869) of key_len bytes into out_len bytes.
 * Any of salt, key and info may have length 0. out_len is 1 to 255 * 32,
 * info_len at most 32 KiB; out is zero on error. 0, CSN_E_ARG, CSN_E_LIMIT or
 * CSN_E_CRYPTO.
 */
CSN_API CSN_MUST_CHECK int csn_hkdf(struct csn_ctx *ctx, int hash,
    const uint8_t *salt, size_t salt_len, const uint8_t *key, size_t key_len,
    const uint8_t *info, size_t info_len, uint8_t *out, size_t out_len);

/* AES-256-GCM, one message (SP 800-38D). */

/**
 * Seal len bytes of in under key and nonce into out (len bytes, may be in)
 * and tag. The caller makes sure that no nonce is used twice under one key: a
 * second use reveals both plaintexts and lets anybody forge tags. 0, CSN_E_ARG
 * or CSN_E_CRYPTO; out and tag are zero on error.
 */
CSN_API CSN_MUST_CHECK int csn_aead_seal(struct csn_ctx *ctx,
    const uint8_t key[CSN_KEY_SIZE], const uint8_t nonce[CSN_NONCE_SIZE],
    const uint8_t *aad, size_t aad_len, const uint8_t *in, size_t len,
    uint8_t *out, uint8_t tag[CSN_TAG_SIZE]);

/**
 * Open what csn_aead_seal made. CSN_E_TAG where it was tampered with; out is
 * zero then.
 */
CSN_API CSN_MUST_CHECK int csn_aead_open(struct csn_ctx *ctx,
    const uint8_t key[CSN_KEY_SIZE], const uint8_t nonce[CSN_NONCE_SIZE],
    const uint8_t *aad, size_t aad_len, const uint8_t *in, size_t len,
    const uint8_t tag[CSN_TAG_SIZE], uint8_t *out);

/* Many hashes at once. */

/**
 * SHA3-256 of the same number of bytes at each of n places, into out (32
 * bytes each), in lanes: the same bytes that csn_sha3_256 gives. prefix is
 * one byte that comes before each, or -1.
 */
CSN_API CSN_MUST_CHECK int csn_sha3_256_many(struct csn_ctx *ctx,
    const uint8_t *const *data, size_t n, size_t len, int prefix,
    uint8_t *out);

/**
 * "avx512x8", "avx2x4" or "scalar": the widest kernel that csn_sha3_256_many
 * uses on this processor.
 */
CSN_API const char *csn_sha3_kernel(const struct csn_ctx *ctx);

/* Measured memory of the caller's own. */

/**
 * Say which bytes were written, where the caller tracks that itself; len 0 is
 * nothing. Once a region was touched, or said to be tracked by a touch of
 * length 0, what was not told counts as unchanged until a full round.
 * CSN_E_ARG for a provider that is not "buffer:", CSN_E_REGION for an id that
 * is not registered or a range that is not inside the region.
 */
CSN_API CSN_MUST_CHECK int csn_regions_touch_buffer(
    struct csn_regions *regions, const char *id, uint64_t offset,
    uint64_t len);

#if CAISSON_HAVE_CACHE

/* Keys of CacheKit's protocol. */

/* The protocol's three uses of a tenant's keys. */
enum csn_cachekit_domain {
	CSN_CACHEKIT_ENCRYPTION = 1,
	CSN_CACHEKIT_AUTHENTICATION = 2,
	CSN_CACHEKIT_CACHE_KEYS = 3
};

/**
 * A tenant's key of a domain, from the current master key: for what a program
 * of the protocol's derives beside. The caller wipes it.
 */
CSN_API CSN_MUST_CHECK int csn_cachekit_derive(struct csn_cachekit *kit,
    const char *tenant, size_t tenant_len, int domain,
    uint8_t out[CSN_KEY_SIZE]);

#endif

#ifdef __cplusplus
}
#endif

#endif
