/* SPDX-License-Identifier: Apache-2.0 */
/* platform/claim.c - a platform's evidence within a report, verified. */
#include <stdio.h>
#include <string.h>

#include <caisson/platform.h>

#include "base/alloc.h"
#include "evidence/result.h"
#include "platform/claim.h"

/* A policy that asks for what cannot be verified must not pass. */
static int
unknown(const struct csn_platform_claim *claim, const char *name,
    struct csn_result *result)
{
	const char *why = "this build cannot verify evidence of this platform";

	if (claim->policy != NULL)
		return csn_result_add(result, name, CSN_CHECK_FAILED,
		    CSN_E_POLICY, why);
	return csn_result_add(result, name, CSN_CHECK_SKIPPED, 0, why);
}

/* Every check of from, named as one of this platform. */
static int
copy(const struct csn_result *from, const char *name, struct csn_result *to)
{
	const char *check, *detail;
	char full[160];
	int status, code, rc = 0;
	size_t i;

	for (i = 0; rc == 0 && csn_result_item(from, i, &check, &status,
	    &code, &detail) == 0; i++) {
		(void)snprintf(full, sizeof(full), "%s %.90s", name, check);
		rc = csn_result_add(to, full, status, code, detail);
	}
	return rc;
}

/* The policy as csn_platform_verify() reads it; csn_free. */
static char *
document(const char *platform)
{
	static const char fmt[] = "{\"platform\":%s}";
	size_t cap = strlen(platform) + sizeof(fmt);
	char *text = csn_calloc(cap, 1);

	if (text != NULL)
		(void)snprintf(text, cap, fmt, platform);
	return text;
}

/* What comes with the evidence, and what the verifier has. */
struct given {
	struct csn_bytes certs[1 + 2 * CSN_ENDORSEMENTS_MAX];
	size_t ncerts;
	struct csn_bytes collateral[1 + CSN_ENDORSEMENTS_MAX];
	size_t ncollateral;
};

static void
take(struct given *g, const struct csn_endorsements *own,
    enum csn_endorsement kind)
{
	size_t i;

	for (i = 0; own != NULL && i < own->n[kind]; i++)
		if (kind == CSN_ENDORSED_JSON)
			g->collateral[g->ncollateral++] =
			    own->blobs[kind][i];
		else
			g->certs[g->ncerts++] = own->blobs[kind][i];
}

/*
 * Collateral that a report brings is signed and dated as any, but its bearer
 * chose among what is still of its time: where the verifier has its own, that
 * one counts alone.
 */
static void
gather(const struct csn_platform_claim *claim, int platform,
    struct given *g)
{
	const struct csn_bytes brought = { claim->certs, claim->certs_len };

	if (brought.len == 0)
		;
	else if (platform != CSN_PLATFORM_TDX || csn_endorsement_kind(
	    brought.p, brought.len) != CSN_ENDORSED_JSON)
		g->certs[g->ncerts++] = brought;
	else if (claim->own == NULL || claim->own->n[CSN_ENDORSED_JSON] == 0)
		g->collateral[g->ncollateral++] = brought;
	take(g, claim->own, CSN_ENDORSED_CERTS);
	if (platform == CSN_PLATFORM_SEV_SNP)
		take(g, claim->own, CSN_ENDORSED_TABLE);
	if (platform == CSN_PLATFORM_TDX)
		take(g, claim->own, CSN_ENDORSED_JSON);
}

int
csn_platform_check(struct csn_ctx *ctx,
    const struct csn_platform_claim *claim, struct csn_result *result)
{
	struct given given = { .ncerts = 0 };
	struct csn_platform_options o = {
		.size = sizeof(o),
		.require = CSN_REQUIRE_NONCE | claim->require,
		.certs = given.certs, .collateral = given.collateral,
		.nonce = claim->report_data, .nonce_len = 64,
		.at_ms = claim->at_ms, .cache = claim->cache
	};
	int platform = csn_platform_parse(claim->platform), rc;
	struct csn_result *checks = NULL;
	char name[64], *policy = NULL;

	(void)snprintf(name, sizeof(name), "platform %.40s",
	    claim->platform);
	if (platform == 0)
		return unknown(claim, name, result);
	gather(claim, platform, &given);
	o.ncerts = given.ncerts;
	o.ncollateral = given.ncollateral;
	/* A GPU and a TPM take 32 bytes: the hash, without the zeros. */
	if (platform == CSN_PLATFORM_NVIDIA || platform == CSN_PLATFORM_TPM2)
		o.nonce_len = CSN_HASH_SIZE;
	if (claim->policy != NULL) {
		if ((policy = document(claim->policy)) == NULL)
			return CSN_E_NOMEM;
		o.policy_json = policy;
		o.policy_len = strlen(policy);
		o.require |= CSN_REQUIRE_POLICY;
	}
	if ((rc = csn_result_new(ctx, &checks)) != 0)
		goto out;
	rc = csn_platform_verify(ctx, platform, claim->evidence, claim->len,
	    &o, checks);
	if (rc != 0 && csn_result_code(checks) == 0) {
		/* Nothing was decided: a bad policy, or no memory. */
		if (rc == CSN_E_ARG)
			rc = csn_result_add(result, name, CSN_CHECK_FAILED,
			    CSN_E_POLICY, csn_ctx_message(ctx));
		goto out;
	}
	rc = copy(checks, name, result);
out:
	csn_result_free(checks);
	csn_free(policy);
	return rc;
}
