/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crypto/tree.c - a Merkle tree of SHA3-256 over leaves of one size.
 *
 * Kept are the leaves' hashes and, for each chunk of 1,024 leaves, the node
 * above them. Nodes below and above those are hashed again when they are
 * asked for: of the whole tree they are one block of Keccak a leaf, where
 * the leaf itself took hundreds. A node without a sibling moves up as it is,
 * which gives the shape of RFC 9162, 2.1.1.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <caisson/tree.h>

#include "base/alloc.h"
#include "base/cursor.h"
#include "base/fail.h"
#include "base/pool.h"
#include "crypto/sha3_many.h"
#include "crypto/tree.h"

#define ROOM "crypto"
#define HASH CSN_HASH_SIZE
#define LANES CSN_SHA3_LANES
#define MIN_LEAF 4096u
#define MAX_LEAF (16u << 20)
#define MAX_LEAVES (UINT64_C(1) << 31)
#define CHUNK 1024u		/* leaves: a power of two */
#define LEAF_PREFIX 0
#define NODE_PREFIX 1
#define LABEL "caisson tree v1"
#define GRAIN (1u << 20)	/* bytes that a thread takes at a time */

struct csn_tree {
	struct csn_ctx *ctx;
	uint64_t total;
	uint32_t leaf;
	size_t n;		/* leaves */
	size_t known;		/* of them hashed */
	size_t nchunks;
	uint8_t *hashes;	/* n */
	uint8_t *known_bits;	/* n bits */
	uint8_t *chunks;	/* nchunks: the node above each chunk */
	uint8_t *stale;		/* nchunks: 1 where that node is not right */
	uint8_t *work;		/* one chunk, or all nodes above chunks */
};

/* 0 where there is no such tree. */
static uint64_t
count_leaves(uint64_t total, uint32_t leaf)
{
	return total / leaf + (total % leaf != 0);
}

static int
leaf_size_ok(uint32_t leaf)
{
	return leaf >= MIN_LEAF && leaf <= MAX_LEAF &&
	    (leaf & (leaf - 1)) == 0;
}

int
csn_tree_new(struct csn_ctx *ctx, uint64_t total, uint32_t leaf,
    struct csn_tree **out)
{
	struct csn_tree *t;
	size_t work;

	if (leaf == 0)
		leaf = CSN_TREE_LEAF;
	if (ctx == NULL || out == NULL || !leaf_size_ok(leaf))
		return csn_fail(ctx, CSN_E_ARG, ROOM, "a tree's leaf is a "
		    "power of two from %u to %u bytes, not %u", MIN_LEAF,
		    MAX_LEAF, leaf);
	if (count_leaves(total, leaf) > MAX_LEAVES)
		return csn_fail(ctx, CSN_E_LIMIT, ROOM,
		    "a tree over %llu bytes has too many leaves of %u: choose "
		    "larger ones", (unsigned long long)total, leaf);
	if ((t = csn_calloc(1, sizeof(*t))) == NULL)
		goto nomem;
	t->ctx = ctx;
	t->total = total;
	t->leaf = leaf;
	t->n = (size_t)count_leaves(total, leaf);
	t->nchunks = t->n / CHUNK + (t->n % CHUNK != 0);
	work = t->n < CHUNK ? t->n : CHUNK;
	if (work < t->nchunks)
		work = t->nchunks;
	t->hashes = csn_calloc(t->n, HASH);
	t->known_bits = csn_calloc(t->n / 8 + 1, 1);
	t->chunks = csn_calloc(t->nchunks, HASH);
	t->stale = csn_calloc(t->nchunks, 1);
	t->work = csn_calloc(work, HASH);
	if (t->hashes == NULL || t->known_bits == NULL || t->chunks == NULL ||
	    t->stale == NULL || t->work == NULL)
		goto nomem;
	memset(t->stale, 1, t->nchunks);
	*out = t;
	return 0;

nomem:
	csn_tree_free(t);
	return csn_nomem(ctx, ROOM, "a tree over %llu bytes",
	    (unsigned long long)total);
}

void
csn_tree_free(struct csn_tree *t)
{
	if (t == NULL)
		return;
	free(t->hashes);
	free(t->known_bits);
	free(t->chunks);
	free(t->stale);
	free(t->work);
	free(t);
}

uint64_t
csn_tree_total(const struct csn_tree *t)
{
	return t->total;
}

uint32_t
csn_tree_leaf_size(const struct csn_tree *t)
{
	return t->leaf;
}

uint64_t
csn_tree_leaves(const struct csn_tree *t)
{
	return t->n;
}

const uint8_t *
csn_tree_leaf_hashes(const struct csn_tree *t)
{
	return t->hashes;
}

static int
is_known(const struct csn_tree *t, size_t i)
{
	return (t->known_bits[i / 8] >> (i % 8)) & 1;
}

/* Leaf i has a new hash, or none any more. */
static void
mark(struct csn_tree *t, size_t i, int known)
{
	uint8_t bit = (uint8_t)(1u << (i % 8));

	if (is_known(t, i) != known) {
		t->known_bits[i / 8] ^= bit;
		if (known)
			t->known++;
		else
			t->known--;
	}
	t->stale[i / CHUNK] = 1;
}

/* The bytes of leaf i: all are full but perhaps the last. */
static size_t
leaf_len(const struct csn_tree *t, size_t i)
{
	uint64_t at = (uint64_t)i * t->leaf;

	return t->total - at < t->leaf ? (size_t)(t->total - at) : t->leaf;
}

/* --- hashing leaves ----------------------------------------------------- */

/* Leaves in a row from first on at p, or those of index, each at leaf[i]. */
struct leaves {
	struct csn_tree *tree;
	const uint64_t *index;
	const void *const *leaf;
	size_t first;
	const uint8_t *p;
	size_t n;
	_Atomic int rc;
};

static size_t
leaf_at(const struct leaves *l, size_t i, const uint8_t **p)
{
	if (l->index != NULL) {
		*p = l->leaf[i];
		return (size_t)l->index[i];
	}
	*p = l->p + i * l->tree->leaf;
	return l->first + i;
}

static void
hash_leaves(void *arg, size_t from, size_t to)
{
	struct leaves *l = arg;
	struct csn_tree *t = l->tree;
	const uint8_t *in[LANES];
	uint8_t *out[LANES];
	struct csn_many m;
	size_t i, k, at, len;
	int rc = 0;

	csn_many_start(&m, t->ctx);
	for (i = from * LANES; i < to * LANES && i < l->n && rc == 0; i += k) {
		len = 0;
		for (k = 0; k < LANES && i + k < l->n; k++) {
			at = leaf_at(l, i + k, &in[k]);
			/* The short one cannot go beside full ones. */
			if (k > 0 && leaf_len(t, at) != len)
				break;
			len = leaf_len(t, at);
			out[k] = t->hashes + at * HASH;
		}
		rc = csn_many_hash(&m, in, k, len, LEAF_PREFIX, out);
	}
	csn_many_end(&m);
	if (rc != 0)
		atomic_store(&l->rc, rc);
}

static int
run(struct leaves *l, struct csn_pool *pool)
{
	size_t groups, grain, i;
	const uint8_t *p;
	int rc;

	groups = l->n / LANES + (l->n % LANES != 0);
	grain = GRAIN / (LANES * (size_t)l->tree->leaf);
	csn_pool_run(pool, groups, grain, hash_leaves, l);
	rc = atomic_load(&l->rc);
	for (i = 0; i < l->n; i++)
		mark(l->tree, leaf_at(l, i, &p), rc == 0);
	/* The sentence may have been another thread's. */
	return rc == 0 ? 0 : csn_fail(l->tree->ctx, rc, ROOM,
	    "hashing the leaves of a tree: %s", csn_error_text(rc));
}

int
csn_tree_set(struct csn_tree *t, struct csn_pool *pool, uint64_t first,
    const void *p, size_t len)
{
	struct leaves l = { .tree = t, .p = p };
	uint64_t at;

	if (t == NULL || (p == NULL && len != 0))
		return csn_fail(NULL, CSN_E_ARG, ROOM,
		    "a tree's leaves need a tree and their bytes");
	if (first > t->n)
		goto outside;
	at = first * t->leaf;
	if (at > t->total)
		at = t->total;
	if (len > t->total - at ||
	    (len % t->leaf != 0 && len != t->total - at))
		goto outside;
	l.first = (size_t)first;
	l.n = len / t->leaf + (len % t->leaf != 0);
	return run(&l, pool);

outside:
	return csn_fail(t->ctx, CSN_E_ARG, ROOM, "%zu bytes from leaf %llu on "
	    "are not whole leaves of the tree", len,
	    (unsigned long long)first);
}

static int
increasing(const struct csn_tree *t, const uint64_t *index, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (index[i] >= t->n || (i > 0 && index[i] <= index[i - 1]))
			return 0;
	return 1;
}

int
csn_tree_set_some(struct csn_tree *t, struct csn_pool *pool,
    const uint64_t *index, const void *const *leaf, size_t n)
{
	struct leaves l = { .tree = t, .index = index, .leaf = leaf, .n = n };

	if (t == NULL || (n != 0 && (index == NULL || leaf == NULL)))
		return csn_fail(NULL, CSN_E_ARG, ROOM,
		    "a tree's leaves need a tree and their bytes");
	if (!increasing(t, index, n))
		return csn_fail(t->ctx, CSN_E_ARG, ROOM,
		    "leaves are named in order, each once, none past the end");
	return n == 0 ? 0 : run(&l, pool);
}

int
csn_tree_set_hashes(struct csn_tree *t, uint64_t first,
    const uint8_t *hashes, size_t n)
{
	size_t i;

	if (t == NULL || (n != 0 && hashes == NULL) || first > t->n ||
	    n > t->n - first)
		return csn_fail(NULL, CSN_E_ARG, ROOM,
		    "hashes are given for leaves that the tree has");
	for (i = 0; i < n; i++) {
		memcpy(t->hashes + ((size_t)first + i) * HASH,
		    hashes + i * HASH, HASH);
		mark(t, (size_t)first + i, 1);
	}
	return 0;
}

int
csn_tree_leaf(const struct csn_tree *t, uint64_t i, uint8_t hash[HASH])
{
	if (t == NULL || i >= t->n || !is_known(t, (size_t)i))
		return csn_fail(t == NULL ? NULL : t->ctx, CSN_E_ARG, ROOM,
		    "leaf %llu of the tree is not there",
		    (unsigned long long)i);
	memcpy(hash, t->hashes + (size_t)i * HASH, HASH);
	return 0;
}

/* --- nodes -------------------------------------------------------------- */

/* One level up, in place; n becomes the number of nodes there. */
static int
level_up(struct csn_many *m, uint8_t *h, size_t *n)
{
	const uint8_t *in[LANES];
	uint8_t *out[LANES];
	size_t i, k, part, pairs = *n / 2;
	int rc;

	for (i = 0; i < pairs; i += part) {
		part = pairs - i < LANES ? pairs - i : LANES;
		for (k = 0; k < part; k++) {
			in[k] = h + (i + k) * 2 * HASH;
			out[k] = h + (i + k) * HASH;
		}
		if ((rc = csn_many_hash(m, in, part, 2 * HASH, NODE_PREFIX,
		    out)) != 0)
			return rc;
	}
	if (*n % 2 != 0)
		memmove(h + pairs * HASH, h + (*n - 1) * HASH, HASH);
	*n = pairs + *n % 2;
	return 0;
}

/* The node above n, into the first's place. */
static int
reduce(struct csn_many *m, uint8_t *h, size_t n)
{
	int rc;

	while (n > 1)
		if ((rc = level_up(m, h, &n)) != 0)
			return rc;
	return 0;
}

int
csn_tree_top(struct csn_many *m, const uint8_t *p, size_t len, size_t leaf,
    uint8_t *work, uint8_t top[HASH])
{
	size_t n = len / leaf, i, k, part;
	const uint8_t *in[LANES];
	uint8_t *out[LANES];
	int rc;

	for (i = 0; i < n; i += part) {
		part = n - i < LANES ? n - i : LANES;
		for (k = 0; k < part; k++) {
			in[k] = p + (i + k) * leaf;
			out[k] = work + (i + k) * HASH;
		}
		if ((rc = csn_many_hash(m, in, part, leaf, LEAF_PREFIX,
		    out)) != 0)
			return rc;
	}
	if (len % leaf != 0) {
		in[0] = p + n * leaf;
		out[0] = work + n++ * HASH;
		if ((rc = csn_many_hash(m, in, 1, len % leaf, LEAF_PREFIX,
		    out)) != 0)
			return rc;
	}
	if (n == 0)
		return csn_sha3_256(m->ctx, "", 0, top);
	if ((rc = reduce(m, work, n)) == 0)
		memcpy(top, work, HASH);
	return rc;
}

int
csn_peaks_add(struct csn_peaks *peaks, struct csn_many *m,
    const uint8_t top[HASH])
{
	uint8_t pair[2 * HASH], *out[1] = { pair + HASH };
	const uint8_t *in[1] = { pair };
	size_t level;
	int rc;

	memcpy(pair + HASH, top, HASH);
	for (level = 0; (peaks->n >> level & 1) != 0; level++) {
		memcpy(pair, peaks->at[level], HASH);
		if ((rc = csn_many_hash(m, in, 1, sizeof(pair), NODE_PREFIX,
		    out)) != 0)
			return rc;
	}
	memcpy(peaks->at[level], pair + HASH, HASH);
	peaks->n++;
	return 0;
}

int
csn_peaks_top(const struct csn_peaks *peaks, struct csn_many *m,
    uint8_t top[HASH])
{
	uint8_t pair[2 * HASH], *out[1] = { pair + HASH };
	const uint8_t *in[1] = { pair };
	size_t level;
	int any = 0, rc;

	if (peaks->n == 0)
		return csn_sha3_256(m->ctx, "", 0, top);
	for (level = 0; level < CSN_PEAKS; level++) {
		if ((peaks->n >> level & 1) == 0)
			continue;
		memcpy(any ? pair : pair + HASH, peaks->at[level], HASH);
		if (any && (rc = csn_many_hash(m, in, 1, sizeof(pair),
		    NODE_PREFIX, out)) != 0)
			return rc;
		any = 1;
	}
	memcpy(top, pair + HASH, HASH);
	return 0;
}

static size_t
chunk_leaves(const struct csn_tree *t, size_t c)
{
	return t->n - c * CHUNK < CHUNK ? t->n - c * CHUNK : CHUNK;
}

/* The nodes above all chunks that changed. */
static int
renew_chunks(struct csn_tree *t, struct csn_many *m)
{
	size_t c, n;
	int rc;

	for (c = 0; c < t->nchunks; c++) {
		if (!t->stale[c])
			continue;
		n = chunk_leaves(t, c);
		memcpy(t->work, t->hashes + c * CHUNK * HASH, n * HASH);
		if ((rc = reduce(m, t->work, n)) != 0)
			return rc;
		memcpy(t->chunks + c * HASH, t->work, HASH);
		t->stale[c] = 0;
	}
	return 0;
}

int
csn_tree_root_of(struct csn_ctx *ctx, uint64_t total, uint32_t leaf,
    const uint8_t top[HASH], uint8_t root[HASH])
{
	uint8_t bytes[sizeof(LABEL) - 1 + 8 + 4 + HASH];
	struct csn_out w;

	csn_out_fixed(&w, bytes, sizeof(bytes));
	csn_put_bytes(&w, LABEL, sizeof(LABEL) - 1);
	csn_put_u64(&w, total);
	csn_put_u32(&w, leaf);
	csn_put_bytes(&w, top, HASH);
	return csn_sha3_256(ctx, bytes, w.len, root);
}

static int
complete(const struct csn_tree *t)
{
	if (t != NULL && t->known == t->n)
		return 0;
	return csn_fail(t == NULL ? NULL : t->ctx, CSN_E_ARG, ROOM,
	    "the tree has leaves that were not hashed yet");
}

int
csn_tree_root(struct csn_tree *t, uint8_t root[HASH])
{
	struct csn_many m;
	uint8_t top[HASH];
	int rc;

	if ((rc = complete(t)) != 0)
		return rc;
	csn_many_start(&m, t->ctx);
	if (t->n == 0) {
		rc = csn_sha3_256(t->ctx, "", 0, top);
	} else if ((rc = renew_chunks(t, &m)) == 0) {
		memcpy(t->work, t->chunks, t->nchunks * HASH);
		rc = reduce(&m, t->work, t->nchunks);
		memcpy(top, t->work, HASH);
	}
	csn_many_end(&m);
	return rc != 0 ? rc : csn_tree_root_of(t->ctx, t->total, t->leaf, top,
	    root);
}

/* --- proofs ------------------------------------------------------------- */

struct path {
	uint8_t *p;
	size_t cap;
	size_t n;
};

/* The siblings on the way up from place i of n nodes, which are reduced. */
static int
climb(struct csn_many *m, uint8_t *h, size_t n, size_t i, struct path *path)
{
	int rc;

	for (; n > 1; i /= 2) {
		if ((i ^ 1) < n) {
			if (path->n == path->cap)
				return csn_fail(m->ctx, CSN_E_BUFFER, ROOM,
				    "a proof has more than %zu hashes",
				    path->cap);
			memcpy(path->p + path->n++ * HASH,
			    h + (i ^ 1) * HASH, HASH);
		}
		if ((rc = level_up(m, h, &n)) != 0)
			return rc;
	}
	return 0;
}

int
csn_tree_prove(struct csn_tree *t, uint64_t i, uint8_t *path, size_t cap,
    size_t *n)
{
	struct path found = { .p = path, .cap = cap };
	struct csn_many m;
	size_t c;
	int rc;

	if ((rc = complete(t)) != 0)
		return rc;
	if (i >= t->n || path == NULL || n == NULL)
		return csn_fail(t->ctx, CSN_E_ARG, ROOM, "leaf %llu is not in "
		    "the tree, or there is no room for its proof",
		    (unsigned long long)i);
	csn_many_start(&m, t->ctx);
	if ((rc = renew_chunks(t, &m)) != 0)
		goto out;
	c = (size_t)i / CHUNK;
	memcpy(t->work, t->hashes + c * CHUNK * HASH,
	    chunk_leaves(t, c) * HASH);
	if ((rc = climb(&m, t->work, chunk_leaves(t, c), (size_t)i % CHUNK,
	    &found)) != 0)
		goto out;
	memcpy(t->work, t->chunks, t->nchunks * HASH);
	if ((rc = climb(&m, t->work, t->nchunks, c, &found)) == 0)
		*n = found.n;
out:
	csn_many_end(&m);
	return rc;
}

/* From a leaf's hash to the top; *used counts the hashes of the path. */
static int
fold(struct csn_many *m, uint64_t i, uint64_t n, const uint8_t *path,
    size_t len, uint8_t hash[HASH], size_t *used)
{
	uint8_t pair[2 * HASH], *out[1] = { hash };
	const uint8_t *in[1] = { pair };
	int rc;

	for (*used = 0; n > 1; i /= 2, n = n / 2 + n % 2) {
		if ((i ^ 1) >= n)
			continue;
		if (*used == len)
			return CSN_E_DRIFT;
		memcpy(pair + (i % 2 == 0 ? 0 : HASH), hash, HASH);
		memcpy(pair + (i % 2 == 0 ? HASH : 0),
		    path + (*used)++ * HASH, HASH);
		if ((rc = csn_many_hash(m, in, 1, sizeof(pair), NODE_PREFIX,
		    out)) != 0)
			return rc;
	}
	return *used == len ? 0 : CSN_E_DRIFT;
}

int
csn_tree_check(struct csn_ctx *ctx, const uint8_t root[HASH], uint64_t total,
    uint32_t leaf_size, uint64_t i, const void *leaf, size_t len,
    const uint8_t *path, size_t n)
{
	uint8_t hash[HASH], found[HASH], *out[1] = { hash };
	const uint8_t *in[1] = { leaf };
	struct csn_many m;
	uint64_t want;
	size_t used;
	int rc;

	if (ctx == NULL || root == NULL || leaf == NULL ||
	    (path == NULL && n != 0))
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "a proof is checked with a root, a leaf and a path");
	if (!leaf_size_ok(leaf_size) || i >= count_leaves(total, leaf_size))
		goto differs;
	want = total - i * leaf_size;
	if (len != (want < leaf_size ? want : leaf_size))
		goto differs;
	csn_many_start(&m, ctx);
	if ((rc = csn_many_hash(&m, in, 1, len, LEAF_PREFIX, out)) == 0)
		rc = fold(&m, i, count_leaves(total, leaf_size), path, n, hash,
		    &used);
	csn_many_end(&m);
	if (rc == CSN_E_DRIFT)
		goto differs;
	if (rc != 0 || (rc = csn_tree_root_of(ctx, total, leaf_size, hash,
	    found)) != 0)
		return rc;
	if (csn_equal(found, root, HASH))
		return 0;
differs:
	return csn_fail(ctx, CSN_E_DRIFT, ROOM, "the bytes are not leaf %llu "
	    "of the tree with that root", (unsigned long long)i);
}
