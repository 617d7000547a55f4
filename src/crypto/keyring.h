/* SPDX-License-Identifier: Apache-2.0 */
/* crypto/keyring.h - keys at rest, and the bounded pool of expanded ones. */
#ifndef CSN_CRYPTO_KEYRING_H
#define CSN_CRYPTO_KEYRING_H

#include <openssl/evp.h>

#include "base/context.h"
#include "crypto/crypto.h"

/*
 * 100,000 sessions hold a few keys each, more than the locked-memory limit
 * allows. So a key is kept as struct csn_key: AES-256-CTR ciphertext of
 * the 32 bytes under one process key that lives in locked memory. Its counter
 * block is (salt, id): the id never repeats in a process, and the salt is
 * random and drawn again in a forked child, so no block is used twice. To use
 * a key, a lane is acquired: an AEAD state that the key is expanded into.
 * Lanes are few (csn_ctx_options.lanes, and a guest lane for each of 16
 * threads), in sets of CSN_LANE_WAYS; each is held by one thread at a time by
 * an atomic flag, so there is no lock that all threads share. A hit costs two
 * atomic operations, a miss an unwrap and a key expansion.
 *
 * In a forked child the flags of lanes that other threads held would never
 * clear: csn_keyring_adopt() clears them all. csn_fork_generation calls it,
 * and so does the first of csn_key_mask, csn_key_unmask, csn_key_wipe and
 * csn_lane_acquire that the child calls.
 */
#define CSN_LANE_WAYS 4

struct csn_key {
	uint64_t id;		/* 0: no key */
	uint64_t salt;
	uint8_t wrapped[CSN_KEY_SIZE];
};

struct csn_lane;

int csn_keyring_new(struct csn_ctx *ctx, uint32_t lanes,
    struct csn_keyring **out);
void csn_keyring_free(struct csn_keyring *ring);
void csn_keyring_adopt(struct csn_keyring *ring);

/*
 * The two blocks of AES-256-CTR that a key is masked with: the counter blocks
 * encrypted by a context of AES-256-ECB, which costs a third of giving a
 * context of AES-256-CTR a new counter. 0 or CSN_E_CRYPTO.
 */
CSN_MUST_CHECK int csn_key_pad(EVP_CIPHER_CTX *ecb, uint64_t salt,
    uint64_t id, uint8_t out[CSN_KEY_SIZE]);

/* Wrap a key; the caller wipes its plain copy. 0 or CSN_E_CRYPTO. */
CSN_MUST_CHECK int csn_key_mask(struct csn_ctx *ctx,
    const uint8_t plain[CSN_KEY_SIZE], struct csn_key *out);

/* Unwrap for a derivation; the caller wipes plain. 0 or CSN_E_CRYPTO. */
CSN_MUST_CHECK int csn_key_unmask(struct csn_ctx *ctx,
    const struct csn_key *key, uint8_t plain[CSN_KEY_SIZE]);

/*
 * Wipe the key and every lane that it is expanded in, waiting for a thread
 * that is sealing with it. No thread may acquire a lane for it meanwhile.
 */
void csn_key_wipe(struct csn_ctx *ctx, struct csn_key *key);

/* Hold a lane with key expanded in it. 0 or CSN_E_CRYPTO. */
CSN_MUST_CHECK int csn_lane_acquire(struct csn_ctx *ctx,
    const struct csn_key *key, struct csn_lane **out);
void csn_lane_release(struct csn_lane *lane);

struct csn_aead_msg;
CSN_MUST_CHECK int csn_lane_seal(struct csn_lane *lane,
    const struct csn_aead_msg *msg);
CSN_MUST_CHECK int csn_lane_open(struct csn_lane *lane,
    const struct csn_aead_msg *msg);

/* What keys at rest are masked with: "AES-256" or "SHA3-256". */
const char *csn_keyring_mask(const struct csn_ctx *ctx);

/* Lanes that hold a key now, and all lanes. */
void csn_keyring_stat(const struct csn_ctx *ctx, uint32_t *used,
    uint32_t *all);

#endif
