/* SPDX-License-Identifier: Apache-2.0 */
/* providers/keystore/provider.h - what a keystore of ours includes. */
#ifndef CSN_PROVIDERS_KEYSTORE_PROVIDER_H
#define CSN_PROVIDERS_KEYSTORE_PROVIDER_H

#include <caisson/keystore.h>

#include "base/alloc.h"
#include "base/fail.h"
#include "base/forkguard.h"
#include "crypto/keyring.h"

/* Named here and in registry.c, nowhere else. */
extern const struct csn_keystore_provider csn_keystore_memory;
extern const struct csn_keystore_provider csn_keystore_file;
extern const struct csn_keystore_provider csn_keystore_tpm;

/*
 * A wrap of ours, 73 bytes: the format (1), the key wrapped by RFC 3394,
 * and a commitment to all that went in.
 *
 *   digest     = SHA3-256(aad)
 *   wrap key   = HKDF-Expand(kek, "caisson keystore wrap" || digest)
 *   wrapped    = AES-256-KW(wrap key, key)
 *   commitment = HKDF-Expand(kek, "caisson keystore commitment" || digest
 *                || wrapped)
 *
 * The commitment is compared before AES runs: a wrap opens under one key
 * and one aad only.
 */
#define CSN_KS_WRAP_SIZE (1 + CSN_WRAP_SIZE + CSN_HASH_SIZE)

CSN_MUST_CHECK int csn_ks_wrap(struct csn_ctx *ctx,
    const uint8_t kek[CSN_KEY_SIZE], const uint8_t *aad, size_t aad_len,
    const uint8_t key[CSN_KEY_SIZE], uint8_t out[CSN_KS_WRAP_SIZE]);
/* CSN_E_TAG, or CSN_E_FORM for another length or format. */
CSN_MUST_CHECK int csn_ks_unwrap(struct csn_ctx *ctx,
    const uint8_t kek[CSN_KEY_SIZE], const uint8_t *aad, size_t aad_len,
    const uint8_t *in, size_t len, uint8_t key[CSN_KEY_SIZE]);

/* The same under a key at rest. */
CSN_MUST_CHECK int csn_ks_wrap_masked(struct csn_ctx *ctx,
    const struct csn_key *kek, const uint8_t *aad, size_t aad_len,
    const uint8_t key[CSN_KEY_SIZE], uint8_t *out, size_t *out_len);
CSN_MUST_CHECK int csn_ks_unwrap_masked(struct csn_ctx *ctx,
    const struct csn_key *kek, const uint8_t *aad, size_t aad_len,
    const uint8_t *in, size_t len, uint8_t key[CSN_KEY_SIZE]);

int csn_ks_fail_locked(struct csn_ctx *ctx);
int csn_ks_fail_missing(struct csn_ctx *ctx, const char *key_name);
int csn_ks_fail_exists(struct csn_ctx *ctx, const char *key_name);

#endif
