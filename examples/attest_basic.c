/* SPDX-License-Identifier: Apache-2.0 */
/*
 * examples/attest_basic.c - say what two regions of memory hold, and check it.
 *
 * An attester measures and signs; a verifier, which could be another machine,
 * trusts its key, gives it a nonce and compares with hashes of its own. The
 * program ends by itself, with 0 where everything was as it says.
 */
#include <stdio.h>
#include <string.h>

#include <caisson/caisson.h>

#define WORKLOAD "model-serving-1"
#define SIZE (1u << 20)

static uint8_t weights[SIZE], code[SIZE / 4];

/* Everything that is made, so that it is freed in one place. */
struct all {
	struct csn_ctx *ctx;
	struct csn_identity *identity;
	struct csn_trust *trust;
	struct csn_regions *regions;
	struct csn_attester *attester;
	struct csn_policy *policy;
	struct csn_verifier *verifier;
	struct csn_result *result;
	uint8_t *report;
};

static int
add(struct all *a, const char *id, uint64_t address, const void *p,
    size_t size, int protection)
{
	struct csn_region r = {
		.size_of = sizeof(r), .id = id, .description = "example",
		.address = address, .size = size,
		.protection = (uint32_t)protection,
	};

	return csn_regions_add_buffer(a->regions, &r, p);
}

/* The workload's side: its memory, and who measures it. */
static int
start_attester(struct all *a)
{
	struct csn_identity_options who = {
		.size = sizeof(who), .name = "llama-host-attester",
	};
	struct csn_attester_options o = {
		.size = sizeof(o), .workload = WORKLOAD,
	};
	int rc;

	if ((rc = csn_identity_new(a->ctx, &who, &a->identity)) != 0 ||
	    (rc = csn_regions_open(a->ctx, "buffer:", &a->regions)) != 0 ||
	    (rc = add(a, "weights", 0x100000, weights, sizeof(weights),
	    CSN_PROT_RO)) != 0 ||
	    (rc = add(a, "code", 0x400000, code, sizeof(code),
	    CSN_PROT_RX)) != 0)
		return rc;
	o.identity = a->identity;
	return csn_attester_new(a->ctx, a->regions, &o, &a->attester);
}

/* The root over the bytes as the verifier's owner knows them, in hex. */
static int
root_of(struct csn_ctx *ctx, const void *p, size_t len, char hex[65])
{
	uint8_t root[CSN_HASH_SIZE];
	struct csn_tree *tree;
	int i, rc;

	if ((rc = csn_tree_new(ctx, len, 0, &tree)) != 0)
		return rc;
	if ((rc = csn_tree_set(tree, NULL, 0, p, len)) == 0)
		rc = csn_tree_root(tree, root);
	csn_tree_free(tree);
	for (i = 0; rc == 0 && i < CSN_HASH_SIZE; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", root[i]);
	return rc;
}

/* The verifier's side: whom it trusts, and what the memory should hold. */
static int
start_verifier(struct all *a)
{
	struct csn_trust_entry trusted = {
		.size = sizeof(trusted), .purposes = CSN_PURPOSE_REPORT,
		.label = "the host's attester",
		.key = csn_identity_sign_key(a->identity),
	};
	struct csn_verifier_options o = { .size = sizeof(o) };
	char json[512], w[65], c[65];
	int rc;

	if ((rc = root_of(a->ctx, weights, sizeof(weights), w)) != 0 ||
	    (rc = root_of(a->ctx, code, sizeof(code), c)) != 0)
		return rc;
	(void)snprintf(json, sizeof(json),
	    "{\"version\": 1, \"workload\": \"" WORKLOAD "\", \"regions\": ["
	    "{\"id\": \"weights\", \"tree\": \"%s\", \"protection\": \"RO\"},"
	    "{\"id\": \"code\", \"tree\": \"%s\"}]}", w, c);
	if ((rc = csn_trust_new(a->ctx, &a->trust)) != 0 ||
	    (rc = csn_trust_add(a->ctx, a->trust, &trusted)) != 0 ||
	    (rc = csn_policy_parse(a->ctx, json, strlen(json), NULL,
	    &a->policy)) != 0)
		return rc;
	o.trust = a->trust;
	o.policy = a->policy;
	return csn_verifier_new(a->ctx, &o, &a->verifier);
}

static void
show(const struct csn_result *result)
{
	static const char *const words[] = { "ok", "FAILED", "not checked" };
	const char *name, *detail;
	int status;
	size_t i;

	for (i = 0; csn_result_get(result, i, &name, &status, &detail) == 0;
	    i++)
		printf("  %-16s %s%s%s\n", name, words[status],
		    detail != NULL ? ": " : "", detail != NULL ? detail : "");
}

static int
challenge_and_check(struct all *a)
{
	uint8_t nonce[32];
	size_t len;
	int rc;

	if ((rc = csn_verifier_challenge(a->verifier, nonce)) != 0 ||
	    (rc = csn_attester_measure(a->attester, 0)) != 0 ||
	    (rc = csn_attester_report(a->attester, nonce, sizeof(nonce),
	    &a->report, &len)) != 0 ||
	    (rc = csn_result_new(a->ctx, &a->result)) != 0)
		return rc;
	printf("A report of %zu regions, %zu bytes, signed with ML-DSA-65:\n",
	    csn_attester_count(a->attester), len);
	rc = csn_verifier_check(a->verifier, WORKLOAD, a->report, len, 0, 0,
	    a->result);
	show(a->result);
	if (rc != 0)
		return rc;
	/* A nonce is good for one report: shown again it is a replay. */
	rc = csn_verifier_check(a->verifier, WORKLOAD, a->report, len, 0, 0,
	    NULL);
	printf("The same report again: %s.\n", csn_error_name(rc));
	return rc == CSN_E_REPLAY ? 0 : CSN_E_REPLAY;
}

int
main(void)
{
	struct all a = { 0 };
	int rc;

	memset(weights, 0xaa, sizeof(weights));
	memset(code, 0x90, sizeof(code));
	if ((rc = csn_ctx_new(NULL, &a.ctx)) == 0 &&
	    (rc = start_attester(&a)) == 0 && (rc = start_verifier(&a)) == 0)
		rc = challenge_and_check(&a);
	if (rc != 0)
		fprintf(stderr, "failed: %s (%s)\n", csn_message(),
		    csn_error_name(rc));
	csn_free(a.report);
	csn_result_free(a.result);
	csn_verifier_free(a.verifier);
	csn_policy_free(a.policy);
	csn_attester_free(a.attester);
	csn_regions_close(a.regions);
	csn_trust_free(a.trust);
	csn_identity_free(a.identity);
	csn_ctx_free(a.ctx);
	return rc != 0;
}
