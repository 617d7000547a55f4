/* SPDX-License-Identifier: Apache-2.0 */
/* platform/claim.c - a platform's evidence within a report, verified. */
#include <stdio.h>

#include "evidence/result.h"
#include "platform/claim.h"
#include "platform/vendor.h"

/* A policy that asks for what cannot be verified must not pass. */
static int
unknown(const struct csn_platform_claim *claim, const char *name,
    struct csn_result *result)
{
	const char *why = "this build cannot verify evidence of this platform";

	if (claim->rules != NULL)
		return csn_result_add(result, name, CSN_CHECK_FAILED,
		    CSN_E_POLICY, why);
	return csn_result_add(result, name, CSN_CHECK_SKIPPED, 0, why);
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
gather(const struct csn_platform_claim *claim, const struct csn_vendor *v,
    struct given *g)
{
	const struct csn_bytes brought = { claim->certs, claim->certs_len };
	int kind;

	if (brought.len == 0)
		;
	else if ((v->endorsed & 1u << CSN_ENDORSED_JSON) == 0 ||
	    csn_endorsement_kind(brought.p, brought.len) != CSN_ENDORSED_JSON)
		g->certs[g->ncerts++] = brought;
	else if (claim->own == NULL || claim->own->n[CSN_ENDORSED_JSON] == 0)
		g->collateral[g->ncollateral++] = brought;
	for (kind = 0; kind < CSN_ENDORSED_KINDS; kind++)
		if ((v->endorsed & 1u << kind) != 0)
			take(g, claim->own, (enum csn_endorsement)kind);
}

int
csn_platform_check(struct csn_ctx *ctx,
    const struct csn_platform_claim *claim, struct csn_result *result)
{
	const struct csn_vendor *v =
	    csn_vendor_of(csn_platform_parse(claim->platform));
	struct given given = { .ncerts = 0 };
	struct csn_appraisal a = {
		.ctx = ctx, .result = result, .vendor = v,
		.evidence = claim->evidence, .len = claim->len,
		.rules = claim->rules, .policy_given = claim->rules != NULL,
		.o = {
			.require = CSN_REQUIRE_NONCE | claim->require |
			    (claim->rules != NULL ? CSN_REQUIRE_POLICY : 0),
			.certs = given.certs, .collateral = given.collateral,
			.nonce = claim->report_data,
			.at_ms = claim->at_ms, .cache = claim->cache
		}
	};
	char prefix[64];
	int rc;

	(void)snprintf(prefix, sizeof(prefix), "platform %.40s",
	    claim->platform);
	if (v == NULL)
		return unknown(claim, prefix, result);
	(void)snprintf(prefix, sizeof(prefix), "platform %s ", v->name);
	a.prefix = prefix;
	gather(claim, v, &given);
	a.o.ncerts = given.ncerts;
	a.o.ncollateral = given.ncollateral;
	a.o.nonce_len = v->report_nonce;
	rc = csn_appraise(&a);
	/* What is wrong with the evidence is in the result, where it fit. */
	return a.broken == 0 && a.first != 0 ? 0 : rc;
}
