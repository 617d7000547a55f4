/* SPDX-License-Identifier: Apache-2.0 */
/* cache/kit.h - tenants' keys, derived once and kept in a bounded table. */
#ifndef CSN_CACHE_KIT_H
#define CSN_CACHE_KIT_H

#include <caisson/cachekit.h>

#include "cache/held.h"
#include "cache/master.h"
#include "crypto/keyring.h"

#define CSN_KIT_NONCE_PREFIX 8
/* Of one tenant's key under one prefix: messages, and AES blocks (1 TiB). */
#define CSN_KIT_MESSAGES ((uint64_t)1 << 32)
#define CSN_KIT_BLOCKS ((uint64_t)1 << 36)
#define CSN_KIT_FORMAT_MAX 32
#define CSN_KIT_TYPE_MAX 256

/* A frame's bytes before the payload, which are the same in many entries. */
#define CSN_KIT_FRAMES 8

struct csn_kit_frame {
	size_t len;
	uint8_t p[];
};

/*
 * What a tenant's messages are sealed with. A tenant that was evicted and
 * comes back gets a fresh prefix, so no nonce is used twice.
 */
struct csn_kit_tenant {
	struct csn_held held;		/* first */
	_Atomic uint64_t messages;	/* and the next nonce's counter */
	_Atomic uint64_t blocks;
	uint8_t prefix[CSN_KIT_NONCE_PREFIX];
	size_t nkeys;
	struct csn_key keys[CSN_MASTER_COUNT];
	uint8_t fingerprints[CSN_MASTER_COUNT][CSN_FINGERPRINT_SIZE];
	/* Made when first wanted, under the current key; by shape. */
	struct csn_kit_frame *_Atomic frames[CSN_KIT_FRAMES];
	size_t name_len;
	char name[];
};

struct csn_cachekit {
	struct csn_ctx *ctx;
	struct csn_cachekit_ring *keys;
	uint64_t generation;		/* of the process (base/context.h) */
	struct csn_held_table tenants;
};

/*
 * Hold the tenant's keys, deriving them where they are not there. CSN_E_ARG
 * (no name, or too long), CSN_E_FORK, CSN_E_NOMEM, CSN_E_RANDOM,
 * CSN_E_CRYPTO.
 */
CSN_MUST_CHECK int csn_kit_hold(struct csn_cachekit *kit, const char *name,
    size_t len, struct csn_kit_tenant **out);
/* CSN_E_FORK, with its sentence. */
int csn_kit_forked(const struct csn_cachekit *kit);
void csn_kit_release(struct csn_cachekit *kit, struct csn_kit_tenant *t);

/* HKDF-SHA256 of a master key for a domain and tenant, as the protocol says. */
CSN_MUST_CHECK int csn_kit_derive(struct csn_ctx *ctx, const uint8_t *master,
    size_t master_len, const char *domain, const char *tenant,
    size_t tenant_len, uint8_t out[CSN_KEY_SIZE]);

/* AAD version 3. */
#define CSN_KIT_AAD_MAX (1 + 5 * 4 + CSN_CACHEKIT_TENANT_MAX + \
    CSN_CACHEKIT_KEY_MAX + CSN_KIT_FORMAT_MAX + 5 + CSN_KIT_TYPE_MAX)
CSN_MUST_CHECK int csn_kit_aad(const struct csn_ctx *ctx,
    const struct csn_cachekit_bind *bind, uint8_t out[CSN_KIT_AAD_MAX],
    size_t *len);

/*
 * csn_cachekit_seal and _open for a tenant that is held. head stands before
 * the rest of the plaintext: a checksum, at its own place; it may be empty.
 */
CSN_MUST_CHECK int csn_kit_seal(struct csn_cachekit *kit,
    struct csn_kit_tenant *t, const struct csn_cachekit_bind *bind,
    const uint8_t *head, size_t head_len, const uint8_t *in, size_t len,
    uint8_t *out);
/* len is the whole entry's; out gets what is behind the head. */
CSN_MUST_CHECK int csn_kit_open(struct csn_cachekit *kit,
    struct csn_kit_tenant *t, const struct csn_cachekit_bind *bind,
    const uint8_t *fingerprint, const uint8_t *in, size_t len, uint8_t *head,
    size_t head_len, uint8_t *out, size_t *which);

#endif
