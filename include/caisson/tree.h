/* SPDX-License-Identifier: Apache-2.0 */
/* caisson/tree.h - hash trees over memory, in lanes and on all cores. */
#ifndef CAISSON_TREE_H
#define CAISSON_TREE_H

#include <caisson/crypto.h>
#include <caisson/pool.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A Merkle tree of SHA3-256 (FIPS 202) with RFC 9162's prefixes:
 *
 *   leaf   SHA3-256(0x00, bytes of the leaf), the last one may be short
 *   node   SHA3-256(0x01, left, right), split as RFC 9162 2.1.1 splits
 *   root   SHA3-256("caisson tree v1", u64 total length, u32 leaf size, top)
 *
 * integers little-endian; no leaves: top is SHA3-256 of nothing. So two trees
 * of other shapes never have one root, one leaf can be proven without the
 * rest, and only what changed is hashed again.
 *
 * Each byte is read once. Several leaves at a time go through the vector
 * lanes of one core where it has them (AVX2: 4), and through all cores of a
 * pool. A tree holds 32 bytes a leaf, less than one per cent more for what
 * lies above, and a constant.
 */
struct csn_tree;

#define CSN_TREE_LEAF 65536u	/* the default leaf, in bytes */

/**
 * A tree for `total` bytes in leaves of leaf bytes (a power of two from 4 KiB
 * to 16 MiB; 0 for the default). Nothing is hashed yet.
 * 0, CSN_E_ARG, CSN_E_LIMIT (more than 2^31 leaves), CSN_E_NOMEM.
 */
CSN_API CSN_MUST_CHECK int csn_tree_new(struct csn_ctx *ctx, uint64_t total,
    uint32_t leaf, struct csn_tree **out);
CSN_API void csn_tree_free(struct csn_tree *tree);
CSN_API uint64_t csn_tree_total(const struct csn_tree *tree);
CSN_API uint32_t csn_tree_leaf_size(const struct csn_tree *tree);
CSN_API uint64_t csn_tree_leaves(const struct csn_tree *tree);

/**
 * Hash the leaves from `first` on that `len` bytes at p hold; len is a whole
 * number of leaves, or reaches the end. pool may be NULL. One thread at a
 * time for one tree.
 */
CSN_API CSN_MUST_CHECK int csn_tree_set(struct csn_tree *tree,
    struct csn_pool *pool, uint64_t first, const void *p, size_t len);

/**
 * Hash n leaves from anywhere: leaf index[i] has its bytes at leaf[i]. The
 * indices are increasing (CSN_E_ARG). For what changed here and there.
 */
CSN_API CSN_MUST_CHECK int csn_tree_set_some(struct csn_tree *tree,
    struct csn_pool *pool, const uint64_t *index, const void *const *leaf,
    size_t n);
/** Leaves whose hashes (n times 32 bytes) are known already. */
CSN_API CSN_MUST_CHECK int csn_tree_set_hashes(struct csn_tree *tree,
    uint64_t first, const uint8_t *hashes, size_t n);

/**
 * The root over what was set; CSN_E_ARG while a leaf is missing. Only above
 * leaves that changed since the last root are nodes hashed again, by the
 * thousand leaves.
 */
CSN_API CSN_MUST_CHECK int csn_tree_root(struct csn_tree *tree,
    uint8_t root[CSN_HASH_SIZE]);
/** One leaf's hash. */
CSN_API CSN_MUST_CHECK int csn_tree_leaf(const struct csn_tree *tree,
    uint64_t i, uint8_t hash[CSN_HASH_SIZE]);
/** All leaf hashes, 32 bytes each, the tree's own. */
CSN_API const uint8_t *csn_tree_leaf_hashes(const struct csn_tree *tree);

/**
 * The path that proves leaf i: *n hashes of 32 bytes, at most cap (31 are
 * always enough), from the leaf's sibling upwards. CSN_E_ARG while a leaf is
 * missing, CSN_E_BUFFER.
 */
CSN_API CSN_MUST_CHECK int csn_tree_prove(struct csn_tree *tree, uint64_t i,
    uint8_t *path, size_t cap, size_t *n);
/**
 * 0 where the leaf's bytes are leaf i of the tree with that root, n hashes in
 * path and none too many; CSN_E_DRIFT where not.
 */
CSN_API CSN_MUST_CHECK int csn_tree_check(struct csn_ctx *ctx,
    const uint8_t root[CSN_HASH_SIZE], uint64_t total, uint32_t leaf_size,
    uint64_t i, const void *leaf, size_t leaf_len, const uint8_t *path,
    size_t n);

#ifdef __cplusplus
}
#endif

#endif
