/* SPDX-License-Identifier: Apache-2.0 */
/* crypto/crypto.h - what the rooms above use beside <caisson/crypto.h>. */
#ifndef CSN_CRYPTO_CRYPTO_H
#define CSN_CRYPTO_CRYPTO_H

#include <caisson/crypto.h>

#include "base/context.h"

/*
 * SHA3-256, or SHA-256 (FIPS 180-4), piece by piece. The object may be reused
 * after final.
 */
struct csn_hash;
CSN_MUST_CHECK int csn_hash_new(struct csn_ctx *ctx, struct csn_hash **out);
CSN_MUST_CHECK int csn_hash_start(struct csn_hash *h);
CSN_MUST_CHECK int csn_hash_start_sha256(struct csn_hash *h);
CSN_MUST_CHECK int csn_hash_update(struct csn_hash *h, const void *p,
    size_t len);
CSN_MUST_CHECK int csn_hash_final(struct csn_hash *h,
    uint8_t out[CSN_HASH_SIZE]);
void csn_hash_free(struct csn_hash *h);

/* BLAKE2b, unkeyed, with out_len (1 to 64) bytes of output (RFC 7693). */
CSN_MUST_CHECK int csn_blake2b(struct csn_ctx *ctx, const void *data,
    size_t len, uint8_t *out, size_t out_len);

/* HMAC-SHA3-256 (FIPS 198-1) over up to four pieces of one message. */
struct csn_piece {
	const void *p;
	size_t len;
};
CSN_MUST_CHECK int csn_hmac(struct csn_ctx *ctx, const uint8_t *key,
    size_t key_len, const struct csn_piece *pieces, size_t n,
    uint8_t out[CSN_HASH_SIZE]);

/* HKDF-SHA3-256 in its two steps (RFC 5869). prk is 32 bytes. */
CSN_MUST_CHECK int csn_hkdf_extract(struct csn_ctx *ctx, const uint8_t *salt,
    size_t salt_len, const uint8_t *key, size_t key_len,
    uint8_t prk[CSN_HASH_SIZE]);
CSN_MUST_CHECK int csn_hkdf_expand(struct csn_ctx *ctx,
    const uint8_t prk[CSN_HASH_SIZE], const void *info, size_t info_len,
    uint8_t *out, size_t out_len);

/*
 * A lane of the caller's own: one AEAD state of ctx's engine, for streams
 * and other single-threaded runs under one key. Free wipes.
 */
struct csn_aead;
CSN_MUST_CHECK int csn_aead_new(struct csn_ctx *ctx,
    const uint8_t key[CSN_KEY_SIZE], struct csn_aead **out);
struct csn_aead_msg;
CSN_MUST_CHECK int csn_aead_seal_msg(struct csn_aead *a,
    const struct csn_aead_msg *msg);
CSN_MUST_CHECK int csn_aead_open_msg(struct csn_aead *a,
    const struct csn_aead_msg *msg);
void csn_aead_free(struct csn_aead *a);

/* AES-256 key wrap (RFC 3394): 32 bytes into 40. CSN_E_TAG on unwrapping. */
#define CSN_WRAP_SIZE 40
CSN_MUST_CHECK int csn_key_wrap(struct csn_ctx *ctx,
    const uint8_t kek[CSN_KEY_SIZE], const uint8_t key[CSN_KEY_SIZE],
    uint8_t out[CSN_WRAP_SIZE]);
CSN_MUST_CHECK int csn_key_unwrap(struct csn_ctx *ctx,
    const uint8_t kek[CSN_KEY_SIZE], const uint8_t in[CSN_WRAP_SIZE],
    uint8_t key[CSN_KEY_SIZE]);

/* Argon2id (RFC 9106) of a passphrase into 32 bytes. memory_kib >= 8. */
CSN_MUST_CHECK int csn_argon2id(struct csn_ctx *ctx, const void *pass,
    size_t pass_len, const uint8_t *salt, size_t salt_len,
    uint32_t memory_kib, uint32_t passes, uint32_t lanes,
    uint8_t out[CSN_KEY_SIZE]);

/*
 * PEM as `openssl pkey` writes and reads it: PKCS#8 (RFC 5958; ML-DSA RFC
 * 9881, ML-KEM RFC 9935, seed form) and SPKI. *pem is a csn_free string.
 * With a passphrase (pass not NULL): PBES2, scrypt (N 2^14, r 8, p 5, the
 * most that OpenSSL reads by default), AES-256-CBC. X-Wing keys have no
 * PKCS#8 OID that OpenSSL knows: CSN_E_ALGORITHM. CSN_E_ARG where the private
 * half is asked for and is not there. The caller wipes a private key's text.
 */
CSN_MUST_CHECK int csn_sign_to_pem(struct csn_ctx *ctx,
    const struct csn_sign_key *key, int private_half, const char *pass,
    size_t pass_len, char **pem);
CSN_MUST_CHECK int csn_kem_to_pem(struct csn_ctx *ctx,
    const struct csn_kem_key *key, int private_half, const char *pass,
    size_t pass_len, char **pem);
/*
 * Private or public, whichever the text's first block holds; nothing is ever
 * asked for on a terminal. CSN_E_FORM, CSN_E_PASSPHRASE (wrong, or needed and
 * not given), CSN_E_ALGORITHM for another kind of key or of encryption,
 * CSN_E_LIMIT where decrypting it would take minutes.
 */
CSN_MUST_CHECK int csn_sign_from_pem(struct csn_ctx *ctx, const char *pem,
    size_t len, const char *pass, size_t pass_len, struct csn_sign_key **out);
CSN_MUST_CHECK int csn_kem_from_pem(struct csn_ctx *ctx, const char *pem,
    size_t len, const char *pass, size_t pass_len, struct csn_kem_key **out);
int csn_kem_is_private(const struct csn_kem_key *key);

/* "OpenSSL 3.5.7 ..." of the library in use; CPU features as text. */
const char *csn_crypto_library(void);
void csn_cpu_features(char *out, size_t cap);

#endif
