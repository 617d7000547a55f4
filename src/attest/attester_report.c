/* SPDX-License-Identifier: Apache-2.0 */
/* attest/attester_report.c - what was measured, signed. */
#include <stdlib.h>
#include <string.h>

#include "attest/attester.h"
#include "base/alloc.h"
#include "base/fail.h"

#define ROOM "attest"

static void
region_facts(const struct csn_attester *a, const struct csn_measured *m,
    struct csn_report_region *g)
{
	g->id.p = m->region.id;
	g->id.len = strlen(m->region.id);
	g->description.p = m->region.description;
	g->description.len = strlen(m->region.description);
	g->address = m->region.address;
	g->size = m->region.size;
	g->taken_ms = m->taken_ms;
	g->protection = m->region.protection;
	g->immutable = m->region.immutable != 0;
	if ((a->o.measure & CSN_MEASURE_TREE) != 0) {
		g->leaf = a->o.leaf;
		g->tree = m->root;
	}
	if ((a->o.measure & CSN_MEASURE_FLAT) != 0)
		g->flat = m->flat;
	if (a->o.leaves) {
		g->leaves = csn_tree_leaf_hashes(m->tree);
		g->nleaves = (size_t)csn_tree_leaves(m->tree);
	}
}

/* The platforms' evidence over data, which is gathered in e. */
struct gathered {
	struct csn_report_evidence e[CSN_EVIDENCE_MAX];
	uint8_t *bytes[CSN_EVIDENCE_MAX];
	uint8_t *certs[CSN_EVIDENCE_MAX];
	size_t n;
};

static void
keep(struct gathered *g, const char *platform, uint8_t *p, size_t len,
    uint8_t *certs, size_t certs_len)
{
	g->bytes[g->n] = p;
	g->certs[g->n] = certs;
	g->e[g->n].platform.p = platform;
	g->e[g->n].platform.len = strlen(platform);
	g->e[g->n].p = p;
	g->e[g->n].len = len;
	g->e[g->n].certs = certs;
	g->e[g->n].certs_len = certs != NULL ? certs_len : 0;
	g->n++;
}

static int
gather(struct csn_attester *a, const uint8_t data[CSN_REPORT_DATA_SIZE],
    struct gathered *g)
{
	uint8_t *p, *certs;
	size_t i, len, certs_len;
	int rc;

	if (csn_regions_has_evidence(a->regions)) {
		p = certs = NULL;
		len = certs_len = 0;
		if ((rc = csn_regions_evidence(a->regions, data, &p, &len,
		    &certs, &certs_len)) != 0)
			return rc;
		keep(g, csn_regions_platform(a->regions), p, len, certs,
		    certs_len);
	}
	for (i = 0; i < a->nsources; i++) {
		p = certs = NULL;
		len = certs_len = 0;
		if ((rc = a->sources[i].fn(a->sources[i].arg, data, &p, &len,
		    &certs, &certs_len)) != 0) {
			csn_free(p);
			csn_free(certs);
			return csn_fail(a->ctx, rc, ROOM,
			    "no evidence from %s: %s", a->sources[i].platform,
			    csn_error_text(rc));
		}
		keep(g, a->sources[i].platform, p, len, certs, certs_len);
	}
	for (i = 0; i < g->n; i++)
		if (g->e[i].p == NULL || g->e[i].len == 0)
			return csn_fail(a->ctx, CSN_E_BACKEND, ROOM,
			    "the evidence from %s is empty",
			    g->e[i].platform.p);
	return 0;
}

/* The evidence that belongs to body, and both in *whole. */
static int
with_evidence(struct csn_attester *a, const struct csn_report_facts *f,
    const struct csn_out *body, struct csn_out *all)
{
	uint8_t hash[CSN_HASH_SIZE], data[CSN_REPORT_DATA_SIZE];
	struct gathered g = { .n = 0 };
	size_t i;
	int rc;

	if ((rc = csn_sha3_256(a->ctx, body->p, body->len, hash)) == 0 &&
	    (rc = csn_report_data(a->ctx, f->nonce, f->nonce_len,
	    csn_identity_sign_key(a->o.identity), hash, data)) == 0 &&
	    (rc = gather(a, data, &g)) == 0)
		rc = csn_report_write_evidence(a->ctx, body, g.e, g.n, all);
	for (i = 0; i < g.n; i++) {
		csn_free(g.bytes[i]);
		csn_free(g.certs[i]);
	}
	return rc;
}

static int
make(struct csn_attester *a, const struct csn_report_facts *f, uint8_t **out,
    size_t *len)
{
	struct csn_out body, all;
	const struct csn_out *claims = &body;
	int rc;

	csn_out_init(&body);
	csn_out_init(&all);
	if ((rc = csn_report_write(a->ctx, f, &body)) != 0)
		goto out;
	if (a->nsources > 0 || csn_regions_has_evidence(a->regions)) {
		if ((rc = with_evidence(a, f, &body, &all)) != 0)
			goto out;
		claims = &all;
	}
	rc = csn_cose_sign_max(a->ctx, csn_identity_sign_key(a->o.identity),
	    csn_identity_alias(a->o.identity), CSN_REPORT_TYP, claims->p,
	    claims->len, CSN_REPORT_MAX, out, len);
out:
	csn_out_wipe(&body);
	csn_out_wipe(&all);
	return rc;
}

int
csn_attester_report(struct csn_attester *a, const uint8_t *nonce,
    size_t nonce_len, uint8_t **out, size_t *len)
{
	struct csn_report_region *regions;
	uint8_t ueid[CSN_UEID_SIZE];
	struct csn_report_facts f = { 0 };
	uint64_t now;
	size_t i;
	int rc;

	if (a == NULL || out == NULL || len == NULL)
		return csn_fail(NULL, CSN_E_ARG, ROOM,
		    "a report needs an attester and a place to go");
	if (nonce != NULL &&
	    (nonce_len < CSN_NONCE_MIN || nonce_len > CSN_NONCE_MAX))
		return csn_fail(a->ctx, CSN_E_ARG, ROOM, "a nonce has %d to "
		    "%d bytes, not %zu", CSN_NONCE_MIN, CSN_NONCE_MAX,
		    nonce_len);
	if (!a->valid)
		return csn_fail(a->ctx, CSN_E_ARG, ROOM,
		    "there is nothing to report: measure first");
	if (a->o.identity == NULL)
		return csn_fail(a->ctx, CSN_E_ARG, ROOM,
		    "this attester has no identity to sign reports with");
	if ((rc = csn_report_ueid(a->ctx,
	    csn_identity_sign_key(a->o.identity), ueid)) != 0)
		return rc;
	if ((regions = csn_calloc(a->n, sizeof(*regions))) == NULL)
		return csn_nomem(a->ctx, ROOM, "a report");
	for (i = 0; i < a->n; i++)
		region_facts(a, &a->items[i], &regions[i]);
	now = csn_ctx_wall_ms(a->ctx);
	f.iss = csn_identity_alias(a->o.identity);
	f.workload = a->o.workload;
	f.platform = csn_regions_platform(a->regions);
	f.ueid = ueid;
	f.nonce = nonce;
	f.nonce_len = nonce != NULL ? nonce_len : 0;
	f.issued_ms = now;
	/* Times are whole seconds: the end is not before it was asked for. */
	f.expires_ms = now / 1000 * 1000 + (a->o.lifetime_ms + 999);
	f.round = a->round;
	f.full = a->full;
	f.regions = regions;
	f.nregions = a->n;
	rc = make(a, &f, out, len);
	free(regions);
	return rc;
}
