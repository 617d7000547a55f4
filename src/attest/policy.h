/* SPDX-License-Identifier: Apache-2.0 */
/* attest/policy.h - reference values, as the verifier holds them. */
#ifndef CSN_ATTEST_POLICY_H
#define CSN_ATTEST_POLICY_H

#include <caisson/attest.h>

/* One state that is good. A region matches where what both have agrees. */
struct csn_reference {
	int has_tree;
	int has_flat;
	uint8_t tree[CSN_HASH_SIZE];
	uint8_t flat[CSN_HASH_SIZE];
};

struct csn_policy_region {
	char *id;
	struct csn_reference *refs;
	size_t nrefs;
	uint8_t *leaves;	/* nleaves hashes, of refs[0]; or NULL */
	size_t nleaves;
	uint32_t leaf;		/* bytes, of the leaves */
	uint32_t protection;	/* 0: any */
	uint64_t size;		/* 0: any */
};

struct csn_policy {
	char *workload;
	struct csn_policy_region *regions;
	size_t n;
	int complete;		/* other regions than these fail */
	int lenient;		/* drift is reported and does not fail */
	int full;		/* an incremental report fails */
	uint64_t max_age_ms;	/* of a measurement; 0: any */
	struct json_t *platform; /* rules by name, checked; each platform that
				   is there has to be proven. NULL: none */
};

/* What kind of bytes of a file count. */
enum csn_ref_file {
	CSN_REF_WHOLE = 0,
	CSN_REF_SAFETENSORS = 1	/* the tensors, without length and header */
};

struct csn_ref_options {
	enum csn_ref_file kind;
	unsigned measure;	/* enum csn_measure */
	uint32_t leaf;
};

/*
 * Hash a file's bytes into r's first reference, its size and, for a tree, its
 * leaves. CSN_E_NOT_FOUND, CSN_E_IO, CSN_E_FORM (no safetensors file).
 */
CSN_MUST_CHECK int csn_ref_hash_file(struct csn_ctx *ctx, const char *path,
    const struct csn_ref_options *o, struct csn_policy_region *r);
/*
 * Read leaf hashes, 32 bytes each, and compute the root over them and
 * r->size. r has one reference; where that names a tree the two must agree
 * (CSN_E_FORM), else it is set.
 */
CSN_MUST_CHECK int csn_ref_read_leaves(struct csn_ctx *ctx, const char *path,
    struct csn_policy_region *r);

#endif
