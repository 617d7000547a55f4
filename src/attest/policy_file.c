/* SPDX-License-Identifier: Apache-2.0 */
/* attest/policy_file.c - the bytes of a file as a policy's reference. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attest/policy.h"
#include "base/alloc.h"
#include "base/cursor.h"
#include "base/fail.h"
#include "base/file.h"
#include "crypto/crypto.h"

#define ROOM "attest"
#define MAX_LEAVES_FILE (512u << 20)
#define MAX_HEADER (100u << 20)	/* safetensors' own limit */
#define BLOCK (16u << 20)	/* a multiple of every leaf size */

struct source {
	struct csn_ctx *ctx;
	const char *path;
	int fd;
	uint64_t start;
	uint64_t size;
};

static int
read_at(const struct source *s, uint64_t at, uint8_t *p, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = pread(s->fd, p, len, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return csn_fail_errno(s->ctx, CSN_E_IO, ROOM, errno,
			    "cannot read %s", s->path);
		if (n == 0)
			return csn_fail(s->ctx, CSN_E_IO, ROOM,
			    "%s became shorter while it was read", s->path);
		p += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

/* Leave out what comes before the tensors: a length, and a JSON header. */
static int
skip_header(struct source *s)
{
	uint8_t head[8];
	struct csn_reader r;
	uint64_t len;
	int rc;

	if (s->size < sizeof(head))
		goto form;
	if ((rc = read_at(s, 0, head, sizeof(head))) != 0)
		return rc;
	csn_reader_init(&r, head, sizeof(head));
	len = csn_read_u64(&r);
	if (len < 2 || len > MAX_HEADER || len > s->size - sizeof(head))
		goto form;
	if ((rc = read_at(s, sizeof(head), head, 1)) != 0)
		return rc;
	if (head[0] != '{')
		goto form;
	s->start = sizeof(head) + len;
	s->size -= s->start;
	return 0;

form:
	return csn_fail(s->ctx, CSN_E_FORM, ROOM,
	    "%s is no safetensors file", s->path);
}

static int
source_open(struct csn_ctx *ctx, const char *path, enum csn_ref_file kind,
    struct source *s)
{
	struct stat st;
	int rc = 0;

	memset(s, 0, sizeof(*s));
	s->ctx = ctx;
	s->path = path;
	if ((s->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)) < 0)
		return csn_fail_errno(ctx, errno == ENOENT ? CSN_E_NOT_FOUND :
		    CSN_E_IO, ROOM, errno, "cannot open %s", path);
	if (fstat(s->fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		rc = csn_fail(ctx, CSN_E_IO, ROOM, "%s is not a file", path);
	} else {
		s->size = (uint64_t)st.st_size;
		if (kind == CSN_REF_SAFETENSORS)
			rc = skip_header(s);
		if (rc == 0 && s->size == 0)
			rc = csn_fail(ctx, CSN_E_FORM, ROOM,
			    "%s has no bytes to compare with", path);
	}
	if (rc != 0)
		(void)close(s->fd);
	return rc;
}

static int
hash_source(const struct source *s, struct csn_tree *tree, uint32_t leaf,
    struct csn_hash *flat)
{
	uint8_t *block;
	uint64_t at;
	size_t len;
	int rc = 0;

	if ((block = csn_realloc(NULL, BLOCK, 1)) == NULL)
		return csn_nomem(s->ctx, ROOM, "reading %s", s->path);
	for (at = 0; at < s->size && rc == 0; at += len) {
		len = s->size - at < BLOCK ? (size_t)(s->size - at) : BLOCK;
		rc = read_at(s, s->start + at, block, len);
		if (rc == 0 && tree != NULL)
			rc = csn_tree_set(tree, NULL, at / leaf, block, len);
		if (rc == 0 && flat != NULL)
			rc = csn_hash_update(flat, block, len);
	}
	free(block);
	return rc;
}

/* The tree's root and leaves become the region's. */
static int
take_tree(struct csn_ctx *ctx, struct csn_tree *tree,
    struct csn_policy_region *r)
{
	int rc;

	if ((rc = csn_tree_root(tree, r->refs[0].tree)) != 0)
		return rc;
	r->nleaves = (size_t)csn_tree_leaves(tree);
	r->leaf = csn_tree_leaf_size(tree);
	r->leaves = csn_memdup(csn_tree_leaf_hashes(tree),
	    r->nleaves * CSN_HASH_SIZE);
	if (r->leaves == NULL)
		return csn_nomem(ctx, ROOM, "a region's leaves");
	r->refs[0].has_tree = 1;
	return 0;
}

int
csn_ref_hash_file(struct csn_ctx *ctx, const char *path,
    const struct csn_ref_options *o, struct csn_policy_region *r)
{
	struct csn_hash *flat = NULL;
	struct csn_tree *tree = NULL;
	struct source s;
	int rc;

	if ((rc = source_open(ctx, path, o->kind, &s)) != 0)
		return rc;
	if ((o->measure & CSN_MEASURE_TREE) != 0 &&
	    (rc = csn_tree_new(ctx, s.size, o->leaf, &tree)) != 0)
		goto out;
	if ((o->measure & CSN_MEASURE_FLAT) != 0 &&
	    ((rc = csn_hash_new(ctx, &flat)) != 0 ||
	    (rc = csn_hash_start(flat)) != 0))
		goto out;
	if ((rc = hash_source(&s, tree, o->leaf, flat)) != 0)
		goto out;
	if (r->size != 0 && r->size != s.size) {
		rc = csn_fail(ctx, CSN_E_FORM, ROOM, "%s has %llu bytes, the "
		    "policy says %llu", path, (unsigned long long)s.size,
		    (unsigned long long)r->size);
		goto out;
	}
	r->size = s.size;
	if (tree != NULL && (rc = take_tree(ctx, tree, r)) != 0)
		goto out;
	if (flat != NULL) {
		rc = csn_hash_final(flat, r->refs[0].flat);
		r->refs[0].has_flat = rc == 0;
	}
out:
	csn_tree_free(tree);
	csn_hash_free(flat);
	(void)close(s.fd);
	return rc;
}

int
csn_ref_read_leaves(struct csn_ctx *ctx, const char *path,
    struct csn_policy_region *r)
{
	struct csn_tree *tree = NULL;
	uint8_t said[CSN_HASH_SIZE], *bytes;
	int rc, had = r->refs[0].has_tree;
	size_t len;

	memcpy(said, r->refs[0].tree, sizeof(said));
	if ((rc = csn_file_read_trusted(ctx, path, MAX_LEAVES_FILE, &bytes,
	    &len)) != 0)
		return rc;
	if ((rc = csn_tree_new(ctx, r->size, r->leaf, &tree)) != 0)
		goto out;
	if (len != csn_tree_leaves(tree) * CSN_HASH_SIZE) {
		rc = csn_fail(ctx, CSN_E_FORM, ROOM, "%s has %zu bytes: a "
		    "region of %llu bytes has %llu leaf hashes of 32", path,
		    len, (unsigned long long)r->size,
		    (unsigned long long)csn_tree_leaves(tree));
		goto out;
	}
	if ((rc = csn_tree_set_hashes(tree, 0, bytes,
	    len / CSN_HASH_SIZE)) != 0 ||
	    (rc = take_tree(ctx, tree, r)) != 0)
		goto out;
	if (had && !csn_equal(said, r->refs[0].tree, sizeof(said)))
		rc = csn_fail(ctx, CSN_E_FORM, ROOM,
		    "the leaf hashes in %s are not those of \"tree\"", path);
out:
	csn_tree_free(tree);
	free(bytes);
	return rc;
}
