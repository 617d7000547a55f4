/* SPDX-License-Identifier: Apache-2.0 */
/* cache/master.h - a ring of master keys, as the kit reads it. */
#ifndef CSN_CACHE_MASTER_H
#define CSN_CACHE_MASTER_H

#include <caisson/cachekit.h>

#define CSN_MASTER_COUNT (1 + CSN_CACHEKIT_MASTER_PREVIOUS_MAX)

/* In secret memory as a whole. */
struct csn_cachekit_ring {
	struct csn_ctx *ctx;
	size_t n;
	struct {
		size_t len;
		uint8_t p[CSN_CACHEKIT_MASTER_MAX];
	} keys[CSN_MASTER_COUNT];
};

/* SHA-256("key_fingerprint_v1" || key), its first 16 bytes. */
#define CSN_FINGERPRINT_SIZE 16
CSN_MUST_CHECK int csn_key_fingerprint(struct csn_ctx *ctx,
    const uint8_t *key, size_t len, uint8_t out[CSN_FINGERPRINT_SIZE]);

#endif
