/* SPDX-License-Identifier: Apache-2.0 */
/* crypto/tree.h - parts of a hash tree, for who hashes as bytes come. */
#ifndef CSN_CRYPTO_TREE_H
#define CSN_CRYPTO_TREE_H

#include <caisson/tree.h>

#include "crypto/sha3_many.h"

/*
 * The node above the leaves of len bytes, of which the last may be short; of
 * no bytes SHA3-256 of nothing. work has room for 32 bytes a leaf.
 */
CSN_MUST_CHECK int csn_tree_top(struct csn_many *m, const uint8_t *p,
    size_t len, size_t leaf, uint8_t *work, uint8_t top[CSN_HASH_SIZE]);

/*
 * Nodes over equal powers of two of leaves, of which the last may be over
 * fewer, become the tree's top one after another, in constant memory. Begins
 * zeroed.
 */
#define CSN_PEAKS 32
struct csn_peaks {
	uint64_t n;
	uint8_t at[CSN_PEAKS][CSN_HASH_SIZE];
};
CSN_MUST_CHECK int csn_peaks_add(struct csn_peaks *peaks, struct csn_many *m,
    const uint8_t top[CSN_HASH_SIZE]);
CSN_MUST_CHECK int csn_peaks_top(const struct csn_peaks *peaks,
    struct csn_many *m, uint8_t top[CSN_HASH_SIZE]);

/* The root that has the tree's top, bytes and leaf size in it. */
CSN_MUST_CHECK int csn_tree_root_of(struct csn_ctx *ctx, uint64_t total,
    uint32_t leaf, const uint8_t top[CSN_HASH_SIZE],
    uint8_t root[CSN_HASH_SIZE]);

#endif
