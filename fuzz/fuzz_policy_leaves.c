/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_policy_leaves.c - a file of leaf hashes that a policy names, and the
 * region that it is of: sizes first, then the file.
 */
#include "attest/policy.h"
#include "base/cursor.h"
#include "folder.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct csn_ctx *ctx = fuzz_ctx();
	struct csn_reference ref = { .has_tree = 0 };
	struct csn_policy_region region = { .refs = &ref, .nrefs = 1 };
	struct csn_reader r;
	int rc;

	csn_reader_init(&r, data, len);
	ref.has_tree = csn_read_u8(&r) & 1;
	region.leaf = 1u << csn_read_u8(&r) % 32;
	region.size = csn_read_u32(&r);
	if (!csn_reader_ok(&r) || region.size == 0)
		return 0;
	rc = csn_ref_read_leaves(ctx, fuzz_file("leaves", r.p, r.left),
	    &region);
	check(rc == 0 || rc == CSN_E_FORM || rc == CSN_E_ARG ||
	    rc == CSN_E_LIMIT);
	if (rc == 0) {
		check(region.nleaves == (region.size - 1) / region.leaf + 1);
		check(region.nleaves * CSN_HASH_SIZE == r.left);
		check(memcmp(region.leaves, r.p, r.left) == 0);
		check(ref.has_tree);
	}
	csn_free(region.leaves);
	return 0;
}
