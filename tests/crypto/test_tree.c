/* SPDX-License-Identifier: Apache-2.0 */
/* The tree against RFC 9162's recursive definition, and its proofs. */
#include <caisson/tree.h>

#include "lib/test.h"

#define LEAF 4096u
#define MOST (2100u * LEAF)
#define HASH CSN_HASH_SIZE

static struct csn_ctx *ctx;
static struct csn_pool *pool;
static uint8_t *bytes;

BEFORE_ALL
{
	uint64_t x = 7;
	size_t i;

	assert_int_equal(csn_ctx_new(NULL, &ctx), 0);
	assert_int_equal(csn_pool_new(ctx, 2, &pool), 0);
	assert_non_null(bytes = malloc(MOST));
	for (i = 0; i < MOST; i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		bytes[i] = (uint8_t)(x >> 56);
	}
}

AFTER_ALL
{
	free(bytes);
	csn_pool_free(pool);
	csn_ctx_free(ctx);
}

/* MTH of RFC 9162, 2.1.1, as it is written there. */
static void
mth(const uint8_t *p, uint64_t len, uint32_t leaf, uint8_t out[HASH])
{
	uint64_t n = (len + leaf - 1) / leaf, k = 1;
	uint8_t node[1 + 2 * HASH], *one;

	if (n == 0) {
		assert_int_equal(csn_sha3_256(ctx, "", 0, out), 0);
		return;
	}
	if (n == 1) {
		assert_non_null(one = malloc(len + 1));
		one[0] = 0;
		memcpy(one + 1, p, len);
		assert_int_equal(csn_sha3_256(ctx, one, len + 1, out), 0);
		free(one);
		return;
	}
	while (k * 2 < n)
		k *= 2;
	node[0] = 1;
	mth(p, k * leaf, leaf, node + 1);
	mth(p + k * leaf, len - k * leaf, leaf, node + 1 + HASH);
	assert_int_equal(csn_sha3_256(ctx, node, sizeof(node), out), 0);
}

static void
naive_root(const uint8_t *p, uint64_t len, uint32_t leaf, uint8_t out[HASH])
{
	uint8_t all[15 + 12 + HASH];
	int i;

	memcpy(all, "caisson tree v1", 15);
	for (i = 0; i < 8; i++)
		all[15 + i] = (uint8_t)(len >> (8 * i));
	for (i = 0; i < 4; i++)
		all[23 + i] = (uint8_t)(leaf >> (8 * i));
	mth(p, len, leaf, all + 27);
	assert_int_equal(csn_sha3_256(ctx, all, sizeof(all), out), 0);
}

static struct csn_tree *
tree_over(const uint8_t *p, uint64_t len, struct csn_pool *with,
    uint8_t root[HASH])
{
	struct csn_tree *t;

	assert_int_equal(csn_tree_new(ctx, len, LEAF, &t), 0);
	assert_int_equal(csn_tree_set(t, with, 0, p, len), 0);
	assert_int_equal(csn_tree_root(t, root), 0);
	return t;
}

static const struct {
	uint32_t leaves;
	uint32_t rest;		/* bytes of a short leaf behind them */
} shapes[] = {
	{ 0, 0 }, { 0, 1 }, { 1, 0 }, { 1, 4095 }, { 2, 0 }, { 3, 0 },
	{ 3, 100 }, { 4, 0 }, { 5, 0 }, { 5, 136 }, { 7, 0 }, { 8, 0 },
	{ 8, 1 }, { 9, 0 }, { 33, 0 }, { 33, 2048 }, { 1023, 0 },
	{ 1024, 0 }, { 1024, 9 }, { 1025, 0 }, { 2047, 77 }, { 2048, 0 },
	{ 2099, 500 },
};
#define SHAPES (sizeof(shapes) / sizeof(shapes[0]))

static uint64_t
shape_len(size_t i)
{
	return (uint64_t)shapes[i].leaves * LEAF + shapes[i].rest;
}

TEST(roots_are_those_of_rfc_9162)
{
	uint8_t root[HASH], naive[HASH];
	struct csn_tree *t;
	uint64_t len;
	size_t i;

	for (i = 0; i < SHAPES; i++) {
		len = shape_len(i);
		t = tree_over(bytes, len, i % 2 ? pool : NULL, root);
		naive_root(bytes, len, LEAF, naive);
		assert_memory_equal(root, naive, HASH);
		assert_int_equal(csn_tree_total(t), len);
		assert_int_equal(csn_tree_leaves(t),
		    shapes[i].leaves + (shapes[i].rest != 0));
		assert_int_equal(csn_tree_leaf_size(t), LEAF);
		csn_tree_free(t);
	}
}

TEST(the_default_leaf_is_64_kib)
{
	uint8_t root[HASH], naive[HASH];
	struct csn_tree *t;

	assert_int_equal(csn_tree_new(ctx, 5 * 65536 + 3, 0, &t), 0);
	assert_int_equal(csn_tree_leaf_size(t), 65536);
	assert_int_equal(csn_tree_set(t, pool, 0, bytes, 5 * 65536 + 3), 0);
	assert_int_equal(csn_tree_root(t, root), 0);
	naive_root(bytes, 5 * 65536 + 3, 65536, naive);
	assert_memory_equal(root, naive, HASH);
	csn_tree_free(t);
}

TEST(piece_by_piece_is_the_same)
{
	uint64_t len = 33 * LEAF + 100;
	uint8_t root[HASH], again[HASH];
	struct csn_tree *t;

	csn_tree_free(tree_over(bytes, len, NULL, root));
	assert_int_equal(csn_tree_new(ctx, len, LEAF, &t), 0);
	assert_int_equal(csn_tree_set(t, NULL, 30, bytes + 30 * LEAF,
	    3 * LEAF + 100), 0);
	assert_int_equal(csn_tree_root(t, again), CSN_E_ARG);
	assert_int_equal(csn_tree_set(t, NULL, 7, bytes + 7 * LEAF,
	    23 * LEAF), 0);
	assert_int_equal(csn_tree_set(t, NULL, 0, bytes, 7 * LEAF), 0);
	assert_int_equal(csn_tree_root(t, again), 0);
	assert_memory_equal(root, again, HASH);
	csn_tree_free(t);
}

/* Change leaves here and there; the same tree must follow, in any way. */
TEST(incremental_equals_full)
{
	uint64_t len = 2099 * LEAF + 500, x = 3, index[64];
	uint8_t root[HASH], again[HASH], *copy;
	const void *leaf[64];
	struct csn_tree *t;
	size_t i, n, round;

	assert_non_null(copy = malloc(len));
	memcpy(copy, bytes, len);
	t = tree_over(copy, len, pool, root);
	for (round = 0; round < 30; round++) {
		n = 0;
		for (i = round % 5; i < 2100 && n < 64; n++) {
			index[n] = i;
			leaf[n] = copy + i * LEAF;
			copy[i * LEAF + round] ^= 0x80;
			x = x * 6364136223846793005u + 1442695040888963407u;
			i += 1 + (x >> 40) % 90;
		}
		/* The short last leaf is among them in each second round. */
		if (round % 2 == 0) {
			index[n - 1] = 2099;
			leaf[n - 1] = copy + 2099 * LEAF;
			copy[len - 1] ^= 1;
		}
		assert_int_equal(csn_tree_set_some(t, round % 3 ? pool : NULL,
		    index, leaf, n), 0);
		/* A leaf may have changed that was not set: set it all. */
		assert_int_equal(csn_tree_root(t, root), 0);
		if (round % 2 == 0)
			assert_int_equal(csn_tree_set(t, pool, 0, copy, len),
			    0);
		assert_int_equal(csn_tree_root(t, root), 0);
		csn_tree_free(tree_over(copy, len, NULL, again));
		assert_memory_equal(root, again, HASH);
	}
	csn_tree_free(t);
	free(copy);
}

TEST(known_hashes_give_the_same_root)
{
	uint64_t len = 1025 * LEAF + 1;
	uint8_t root[HASH], again[HASH], one[HASH];
	struct csn_tree *t, *u;

	t = tree_over(bytes, len, NULL, root);
	assert_int_equal(csn_tree_new(ctx, len, LEAF, &u), 0);
	assert_int_equal(csn_tree_leaf(u, 0, one), CSN_E_ARG);
	assert_int_equal(csn_tree_set_hashes(u, 0, csn_tree_leaf_hashes(t),
	    1026), 0);
	assert_int_equal(csn_tree_root(u, again), 0);
	assert_memory_equal(root, again, HASH);
	assert_int_equal(csn_tree_leaf(u, 1025, one), 0);
	assert_memory_equal(one, csn_tree_leaf_hashes(t) + 1025 * HASH, HASH);
	assert_int_equal(csn_tree_set_hashes(u, 1, csn_tree_leaf_hashes(t),
	    1026), CSN_E_ARG);
	csn_tree_free(t);
	csn_tree_free(u);
}

/* Leaf i of the tree proves, and nothing that differs from it does. */
static void
prove(struct csn_tree *t, const uint8_t root[HASH], uint64_t i)
{
	uint64_t len = csn_tree_total(t), at = i * LEAF;
	size_t size = len - at < LEAF ? (size_t)(len - at) : LEAF, n, k;
	uint8_t path[32 * HASH], leaf[LEAF], other[HASH];

	memcpy(leaf, bytes + at, size);
	assert_int_equal(csn_tree_prove(t, i, path, 31, &n), 0);
	assert_int_equal(csn_tree_check(ctx, root, len, LEAF, i, leaf, size,
	    path, n), 0);
	/* bytes */
	for (k = 0; k < 8; k++) {
		leaf[k * 509 % size] ^= 4;
		assert_int_equal(csn_tree_check(ctx, root, len, LEAF, i, leaf,
		    size, path, n), CSN_E_DRIFT);
		leaf[k * 509 % size] ^= 4;
	}
	assert_int_equal(csn_tree_check(ctx, root, len, LEAF, i, leaf,
	    size - 1, path, n), CSN_E_DRIFT);
	/* each hash of the path, one more and one less */
	for (k = 0; k < n * HASH; k += 5) {
		path[k] ^= 1;
		assert_int_equal(csn_tree_check(ctx, root, len, LEAF, i, leaf,
		    size, path, n), CSN_E_DRIFT);
		path[k] ^= 1;
	}
	memset(path + n * HASH, 0, HASH);
	assert_int_equal(csn_tree_check(ctx, root, len, LEAF, i, leaf, size,
	    path, n + 1), CSN_E_DRIFT);
	if (n > 0)
		assert_int_equal(csn_tree_check(ctx, root, len, LEAF, i, leaf,
		    size, path, n - 1), CSN_E_DRIFT);
	/* place, length, leaf size, root */
	assert_int_equal(csn_tree_check(ctx, root, len, LEAF, i ^ 1, leaf,
	    size, path, n), CSN_E_DRIFT);
	assert_int_equal(csn_tree_check(ctx, root, len, LEAF, i + (1u << 20),
	    leaf, size, path, n), CSN_E_DRIFT);
	assert_int_equal(csn_tree_check(ctx, root, len + LEAF, LEAF, i, leaf,
	    size, path, n), CSN_E_DRIFT);
	assert_int_equal(csn_tree_check(ctx, root, len, 2 * LEAF, i, leaf,
	    size, path, n), CSN_E_DRIFT);
	assert_int_equal(csn_tree_check(ctx, root, len, LEAF + 1, i, leaf,
	    size, path, n), CSN_E_DRIFT);
	assert_int_equal(csn_tree_check(ctx, root, len, 0, i, leaf, size,
	    path, n), CSN_E_DRIFT);
	memcpy(other, root, HASH);
	other[31] ^= 0x10;
	assert_int_equal(csn_tree_check(ctx, other, len, LEAF, i, leaf, size,
	    path, n), CSN_E_DRIFT);
}

TEST(each_leaf_proves_and_nothing_else_does)
{
	uint8_t root[HASH];
	struct csn_tree *t;
	uint64_t k, step;
	size_t i;

	for (i = 0; i < SHAPES; i++) {
		t = tree_over(bytes, shape_len(i), pool, root);
		step = csn_tree_leaves(t) > 40 ? 97 : 1;
		for (k = 0; k < csn_tree_leaves(t); k += step)
			prove(t, root, k);
		if (k > 0)
			prove(t, root, csn_tree_leaves(t) - 1);
		csn_tree_free(t);
	}
}

TEST(a_proof_needs_room_and_a_leaf)
{
	uint8_t root[HASH], path[4 * HASH];
	struct csn_tree *t;
	size_t n;

	t = tree_over(bytes, 33 * LEAF, NULL, root);
	assert_int_equal(csn_tree_prove(t, 0, path, 4, &n), CSN_E_BUFFER);
	assert_int_equal(csn_tree_prove(t, 32, path, 4, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(csn_tree_prove(t, 33, path, 4, &n), CSN_E_ARG);
	csn_tree_free(t);
}

TEST(shapes_that_are_no_trees)
{
	const void *leaf[2] = { NULL, NULL };
	uint64_t index[2] = { 1, 1 };
	struct csn_tree *t;

	assert_int_equal(csn_tree_new(ctx, 1, 2048, &t), CSN_E_ARG);
	assert_int_equal(csn_tree_new(ctx, 1, 4097, &t), CSN_E_ARG);
	assert_int_equal(csn_tree_new(ctx, 1, 32u << 20, &t), CSN_E_ARG);
	assert_int_equal(csn_tree_new(ctx, UINT64_MAX, 16u << 20, &t),
	    CSN_E_LIMIT);
	assert_int_equal(csn_tree_new(ctx, (1ull << 43) + 1, 4096, &t),
	    CSN_E_LIMIT);
	assert_int_equal(csn_tree_new(ctx, 3 * LEAF + 1, LEAF, &t), 0);
	assert_int_equal(csn_tree_set(t, NULL, 0, bytes, LEAF + 1),
	    CSN_E_ARG);
	assert_int_equal(csn_tree_set(t, NULL, 3, bytes, 2), CSN_E_ARG);
	assert_int_equal(csn_tree_set(t, NULL, 5, bytes, 0), CSN_E_ARG);
	assert_int_equal(csn_tree_set(t, NULL, 4, bytes, 0), 0);
	leaf[0] = leaf[1] = bytes;
	assert_int_equal(csn_tree_set_some(t, NULL, index, leaf, 2),
	    CSN_E_ARG);
	index[1] = 4;
	assert_int_equal(csn_tree_set_some(t, NULL, index, leaf, 2),
	    CSN_E_ARG);
	csn_tree_free(t);
	csn_tree_free(NULL);
}
