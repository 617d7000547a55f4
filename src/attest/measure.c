/* SPDX-License-Identifier: Apache-2.0 */
/* attest/measure.c - one region's bytes into its tree and its flat hash. */
#include <stdlib.h>
#include <string.h>

#include "attest/attester.h"
#include "base/alloc.h"
#include "base/fail.h"
#include "crypto/crypto.h"

#define ROOM "attest"
#define BLOCK (4u << 20)	/* bytes that are read at a time */
#define STRETCH (64u << 20)	/* bytes of a map that are hashed at a time */
#define BATCH 256		/* leaves that are hashed at a time */

/* Bytes of a block: whole leaves, four of them at least. */
static size_t
block_size(const struct csn_attester *a)
{
	size_t leaf = a->o.leaf;

	return leaf * 4 > BLOCK ? leaf * 4 : BLOCK;
}

static int
wants(const struct csn_attester *a, unsigned which)
{
	return (a->o.measure & which) != 0;
}

static void *
block_new(struct csn_attester *a, size_t len)
{
	void *p;

	if ((p = csn_realloc(NULL, len, 1)) == NULL)
		(void)csn_nomem(a->ctx, ROOM, "reading a region's bytes");
	return p;
}

int
csn_measure_go_on(const struct csn_attester *a)
{
	if (a->o.cancelled == NULL ||
	    a->o.cancelled(a->o.cancelled_arg) == 0)
		return 0;
	return csn_fail(a->ctx, CSN_E_CANCELLED, ROOM,
	    "the measurement was called off");
}

/*
 * Each byte is read once, block by block, for both hashes: into block, or
 * where map has it.
 */
static int
blocks(struct csn_attester *a, struct csn_measured *m, const uint8_t *map,
    uint8_t *block, size_t size)
{
	struct csn_hash *flat = NULL;
	const uint8_t *p = block;
	uint64_t at;
	size_t len;
	int rc = 0;

	if (wants(a, CSN_MEASURE_FLAT) &&
	    ((rc = csn_hash_new(a->ctx, &flat)) != 0 ||
	    (rc = csn_hash_start(flat)) != 0))
		goto out;
	for (at = 0; at < m->region.size; at += len) {
		len = m->region.size - at < size ?
		    (size_t)(m->region.size - at) : size;
		if ((rc = csn_measure_go_on(a)) != 0)
			goto out;
		if (map != NULL)
			p = map + at;
		else if ((rc = csn_regions_read(a->regions, &m->region, at,
		    block, len)) != 0)
			goto out;
		if (wants(a, CSN_MEASURE_TREE) && (rc = csn_tree_set(m->tree,
		    a->o.pool, at / a->o.leaf, p, len)) != 0)
			goto out;
		if (flat != NULL &&
		    (rc = csn_hash_update(flat, p, len)) != 0)
			goto out;
	}
	if (flat != NULL)
		rc = csn_hash_final(flat, m->flat);
out:
	csn_hash_free(flat);
	return rc;
}

static int
whole(struct csn_attester *a, struct csn_measured *m)
{
	size_t size = block_size(a);
	const void *map;
	uint8_t *block;
	int rc;

	a->hashed += m->region.size;
	if ((map = csn_regions_map(a->regions, &m->region)) != NULL)
		return blocks(a, m, map, NULL, STRETCH);
	if (m->region.size < size)
		size = (size_t)m->region.size;
	if ((block = block_new(a, size)) == NULL)
		return CSN_E_NOMEM;
	rc = blocks(a, m, NULL, block, size);
	csn_wipe_free(block, size);
	return rc;
}

/* --- what was written --------------------------------------------------- */

/* Leaves to hash again, a bit each. */
struct some {
	uint8_t *bits;
	size_t n;		/* leaves of the region */
	size_t next;		/* where to look on */
};

static int
some_mark(struct some *s, const struct csn_measured *m, uint32_t leaf,
    const struct csn_range *r)
{
	uint64_t i;

	if (r->offset > m->region.size ||
	    r->len > m->region.size - r->offset)
		return 0;
	if (r->len == 0)
		return 1;
	for (i = r->offset / leaf; i <= (r->offset + r->len - 1) / leaf; i++)
		s->bits[i / 8] |= (uint8_t)(1u << (i % 8));
	return 1;
}

/* The next leaves to hash, at most max of them. */
static size_t
some_next(struct some *s, uint64_t *index, size_t max)
{
	size_t n = 0;

	for (; s->next < s->n && n < max; s->next++) {
		if (s->next % 8 == 0 && s->bits[s->next / 8] == 0)
			s->next += 7;
		else if ((s->bits[s->next / 8] >> (s->next % 8)) & 1)
			index[n++] = s->next;
	}
	return n;
}

/* Where the bytes of n leaves are: in the map, or read into block. */
static int
fetch(struct csn_attester *a, struct csn_measured *m, const uint8_t *map,
    uint8_t *block, const uint64_t *index, size_t n, const void **leaf)
{
	uint64_t at, len;
	size_t i;
	int rc;

	for (i = 0; i < n; i++) {
		at = index[i] * a->o.leaf;
		len = m->region.size - at < a->o.leaf ?
		    m->region.size - at : a->o.leaf;
		a->hashed += len;
		if (map != NULL) {
			leaf[i] = map + at;
			continue;
		}
		leaf[i] = block + i * a->o.leaf;
		if ((rc = csn_regions_read(a->regions, &m->region, at,
		    block + i * a->o.leaf, (size_t)len)) != 0)
			return rc;
	}
	return 0;
}

static int
rehash(struct csn_attester *a, struct csn_measured *m, struct some *s)
{
	const void *leaf[BATCH];
	uint64_t index[BATCH];
	const uint8_t *map;
	uint8_t *block = NULL;
	size_t n, max = BATCH;
	int rc = 0;

	if ((map = csn_regions_map(a->regions, &m->region)) == NULL) {
		max = block_size(a) / a->o.leaf;
		max = max > BATCH ? BATCH : max;
		if ((block = block_new(a, max * a->o.leaf)) == NULL)
			return CSN_E_NOMEM;
	}
	while (rc == 0 && (n = some_next(s, index, max)) != 0)
		if ((rc = csn_measure_go_on(a)) == 0 &&
		    (rc = fetch(a, m, map, block, index, n, leaf)) == 0)
			rc = csn_tree_set_some(m->tree, a->o.pool, index,
			    leaf, n);
	csn_wipe_free(block, block != NULL ? max * a->o.leaf : 0);
	return rc;
}

static int
written(struct csn_attester *a, struct csn_measured *m, size_t nranges)
{
	struct some s = { 0 };
	size_t i;
	int rc;

	if (nranges == 0)
		return 0;
	/* A flat hash has no parts. */
	if (wants(a, CSN_MEASURE_FLAT))
		return whole(a, m);
	s.n = (size_t)csn_tree_leaves(m->tree);
	if ((s.bits = csn_calloc(s.n / 8 + 1, 1)) == NULL)
		return csn_nomem(a->ctx, ROOM, "the list of what was written");
	for (i = 0; i < nranges; i++)
		if (!some_mark(&s, m, a->o.leaf, &a->ranges[i])) {
			rc = csn_fail(a->ctx, CSN_E_BACKEND, ROOM, "the "
			    "provider says that bytes past the end of "
			    "region %s were written", m->region.id);
			goto out;
		}
	rc = rehash(a, m, &s);
out:
	free(s.bits);
	return rc;
}

/*
 * What was written since the last look, always asked before the bytes are
 * read, so that a write during the reading is told the next time. *n is
 * SIZE_MAX where it is not known.
 */
static int
ask(struct csn_attester *a, const struct csn_measured *m, size_t *n)
{
	int rc;

	*n = 0;
	if (m->region.immutable)
		return 0;
	rc = csn_regions_dirty(a->regions, &m->region, a->ranges,
	    CSN_MAX_RANGES, n);
	if (rc != CSN_E_BACKEND && rc != CSN_E_BUFFER)
		return rc;
	*n = SIZE_MAX;
	return 0;
}

int
csn_measure_region(struct csn_attester *a, struct csn_measured *m, int full)
{
	uint8_t root[CSN_HASH_SIZE], flat[CSN_HASH_SIZE];
	int rc, had = m->valid;
	size_t n;

	memcpy(root, m->root, sizeof(root));
	memcpy(flat, m->flat, sizeof(flat));
	m->valid = 0;
	m->taken_ms = csn_ctx_wall_ms(a->ctx);
	if ((rc = ask(a, m, &n)) != 0)
		return rc;
	rc = full || !had || n == SIZE_MAX ? whole(a, m) : written(a, m, n);
	if (rc == 0 && wants(a, CSN_MEASURE_TREE))
		rc = csn_tree_root(m->tree, m->root);
	if (rc != 0)
		return rc;
	m->changed = !had || !csn_equal(root, m->root, sizeof(root)) ||
	    !csn_equal(flat, m->flat, sizeof(flat));
	m->valid = 1;
	return 0;
}
