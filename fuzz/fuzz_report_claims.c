/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_report_claims.c - a report that fulfils its policy, whose claims are
 * edited before they are signed: each region is held against its references,
 * and each platform against what it names.
 */
#include <stdio.h>

#include "attest/policy.h"
#include "base/text.h"
#include "report.h"
#include "resign.h"

#define NOW 1767225600000u
#define LEAVES 4
#define LEAF 4096u

static struct csn_sign_key *key;
static struct csn_trust *trust;
static struct csn_policy *policies[3];
static struct csn_verifier *verifiers[3];
static uint8_t *report;
static size_t report_len;
static uint8_t root[CSN_HASH_SIZE];	/* of the region "weights" */

static void
finish(void)
{
	size_t i;

	for (i = 0; i < 3; i++) {
		csn_verifier_free(verifiers[i]);
		csn_policy_free(policies[i]);
	}
	csn_free(report);
	csn_trust_free(trust);
	csn_sign_free(key);
	key = NULL;
}

static void
make_report(struct csn_ctx *ctx)
{
	static const uint8_t leaves[LEAVES * CSN_HASH_SIZE] = { 1, 2, 3 };
	static const uint8_t flat[CSN_HASH_SIZE] = { 4 }, nonce[32] = { 5 };
	struct csn_report_region regions[2] = {
		{ .id = { "weights", 7 }, .description = { "w", 1 },
		    .address = 1u << 20, .size = LEAVES * LEAF - 5,
		    .taken_ms = NOW, .protection = CSN_PROT_RO,
		    .leaf = LEAF, .immutable = 1, .tree = root,
		    .leaves = leaves, .nleaves = LEAVES },
		{ .id = { "config", 6 }, .description = { "", 0 },
		    .address = 0, .size = 100, .taken_ms = NOW - 1000,
		    .protection = CSN_PROT_R, .flat = flat },
	};
	struct csn_report_evidence evidence = {
		.platform = { "tpm2", 4 }, .p = flat, .len = sizeof(flat)
	};
	struct csn_report_facts f = { .iss = NULL, .workload = "w",
	    .platform = "fuzz", .nonce = nonce, .nonce_len = sizeof(nonce),
	    .issued_ms = NOW, .expires_ms = NOW + 60000, .round = 3,
	    .full = 1, .regions = regions, .nregions = 2 };
	uint8_t ueid[CSN_UEID_SIZE];
	char alias[CSN_ALIAS_SIZE];
	struct csn_tree *tree;
	struct csn_out body, all;

	check(csn_tree_new(ctx, regions[0].size, LEAF, &tree) == 0);
	check(csn_tree_set_hashes(tree, 0, leaves, LEAVES) == 0);
	check(csn_tree_root(tree, root) == 0);
	csn_tree_free(tree);
	check(csn_did_alias(ctx, key, alias, sizeof(alias)) == 0);
	check(csn_report_ueid(ctx, key, ueid) == 0);
	f.iss = alias;
	f.ueid = ueid;
	csn_out_init(&body);
	csn_out_init(&all);
	check(csn_report_write(ctx, &f, &body) == 0);
	check(csn_report_write_evidence(ctx, &body, &evidence, 1, &all) == 0);
	check(csn_cose_sign(ctx, key, alias, CSN_REPORT_TYP, all.p, all.len,
	    &report, &report_len) == 0);
	csn_out_wipe(&body);
	csn_out_wipe(&all);
}

static void
make_verifiers(struct csn_ctx *ctx)
{
	static const char *const forms[2] = {
		"{\"version\":1,\"workload\":\"w\",\"complete\":true,"
		"\"regions\":[{\"id\":\"weights\",\"tree\":\"%s\"},"
		"{\"id\":\"config\",\"flat\":\"%s\"}]}",
		"{\"version\":1,\"workload\":\"w\",\"drift\":\"lenient\","
		"\"regions\":[{\"id\":\"config\",\"any\":["
		"{\"tree\":\"%s\"},{\"flat\":\"%s\"}]}]}",
	};
	static const uint8_t flat[CSN_HASH_SIZE] = { 4 };
	char flat_hex[2 * CSN_HASH_SIZE + 1];
	struct csn_verifier_options o = { .size = sizeof(o), .trust = trust,
	    .max_challenges = 4 };
	char hex[2 * CSN_HASH_SIZE + 1], *text;
	size_t i;

	csn_hex_encode(root, CSN_HASH_SIZE, hex);
	csn_hex_encode(flat, sizeof(flat), flat_hex);
	for (i = 0; i < 3; i++) {
		if (i < 2) {
			check(asprintf(&text, forms[i], hex, flat_hex) > 0);
			check(csn_policy_parse(ctx, text, strlen(text), NULL,
			    &policies[i]) == 0);
			free(text);
		}
		o.policy = policies[i];
		check(csn_verifier_new(ctx, &o, &verifiers[i]) == 0);
	}
}

static void
start(struct csn_ctx *ctx)
{
	struct csn_trust_entry e = { .size = sizeof(e),
	    .purposes = CSN_PURPOSE_REPORT };

	if (key != NULL)
		return;
	e.key = key = fuzz_key(ctx, CSN_SIGN_ML_DSA_44, 9);
	check(csn_trust_new(ctx, &trust) == 0);
	check(csn_trust_add(ctx, trust, &e) == 0);
	make_report(ctx);
	make_verifiers(ctx);
	check(atexit(finish) == 0);
}

/* A region passes where its bytes are those of the policy, and only there. */
static void
weights(struct csn_ctx *ctx, const struct csn_result *result,
    const uint8_t *msg, size_t len)
{
	const struct csn_report_region *g;
	struct csn_report r;
	const char *name;
	int status, same;
	size_t i;

	if (csn_report_parse(ctx, msg, len, &r) != 0)
		return;
	g = csn_report_find(&r, "weights");
	same = g != NULL && g->tree != NULL &&
	    memcmp(g->tree, root, sizeof(root)) == 0;
	for (i = 0; csn_result_get(result, i, &name, &status, NULL) == 0; i++)
		if (strcmp(name, "region weights") == 0)
			check((status == CSN_CHECK_PASSED) == same);
	csn_report_free(&r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct csn_ctx *ctx = fuzz_ctx();
	struct csn_result *result;
	struct csn_reader r;
	uint8_t what, *msg;
	size_t n;
	int rc;

	start(ctx);
	csn_reader_init(&r, data, len);
	what = csn_read_u8(&r);
	(void)fuzz_resign(ctx, key, report, report_len, &r, &msg, &n);
	fuzz_report(ctx, msg, n);
	check(csn_result_new(ctx, &result) == 0);
	rc = csn_verifier_check(verifiers[what % 3], "w", msg, n, NOW,
	    CSN_VERIFY_ARCHIVED | (what & 4 ? CSN_VERIFY_LENIENT : 0),
	    result);
	check(rc == csn_result_code(result));
	/* The evidence of its platform is none. */
	check(rc != 0 || csn_result_count(result) >= 10);
	if (what % 3 == 0)
		weights(ctx, result, msg, n);
	csn_result_free(result);
	csn_free(msg);
	return 0;
}
