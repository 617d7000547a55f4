/* SPDX-License-Identifier: Apache-2.0 */
/* attest/report_write.c - a report's claims as deterministic CBOR. */
#include <string.h>

#include "attest/report.h"
#include "base/cbor.h"
#include "base/fail.h"

#define ROOM "attest"
#define LABEL "caisson v1 report data"

int
csn_platform_name_ok(const char *s, size_t len)
{
	size_t i;

	if (s == NULL || len == 0 || len > CSN_PLATFORM_NAME_MAX)
		return 0;
	for (i = 0; i < len; i++)
		if (!((s[i] >= 'a' && s[i] <= 'z') ||
		    (s[i] >= '0' && s[i] <= '9') || s[i] == '-'))
			return 0;
	return 1;
}

int
csn_report_ueid(struct csn_ctx *ctx, const struct csn_sign_key *key,
    uint8_t out[CSN_UEID_SIZE])
{
	uint8_t pk[CSN_SIGN_MAX_PUBLIC];
	int rc;

	if ((rc = csn_sign_public(ctx, key, pk, sizeof(pk))) != 0)
		return rc;
	out[0] = CSN_UEID_RAND;
	return csn_sha3_256(ctx, pk, csn_sign_public_size(csn_sign_of(key)),
	    out + 1);
}

int
csn_report_data(struct csn_ctx *ctx, const uint8_t *nonce, size_t nonce_len,
    const struct csn_sign_key *key, const uint8_t body[CSN_HASH_SIZE],
    uint8_t out[CSN_REPORT_DATA_SIZE])
{
	uint8_t pk[CSN_SIGN_MAX_PUBLIC], bytes[sizeof(LABEL) + CSN_NONCE_MAX +
	    CSN_SIGN_MAX_PUBLIC + CSN_HASH_SIZE];
	struct csn_out w;
	int rc;

	if ((rc = csn_sign_public(ctx, key, pk, sizeof(pk))) != 0)
		return rc;
	csn_out_fixed(&w, bytes, sizeof(bytes));
	csn_put_bytes(&w, LABEL, sizeof(LABEL) - 1);
	csn_put_u8(&w, (uint8_t)nonce_len);
	csn_put_bytes(&w, nonce, nonce_len);
	csn_put_bytes(&w, pk, csn_sign_public_size(csn_sign_of(key)));
	csn_put_bytes(&w, body, CSN_HASH_SIZE);
	if (!csn_out_ok(&w))
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "a nonce of %zu bytes is too long", nonce_len);
	memset(out, 0, CSN_REPORT_DATA_SIZE);
	return csn_sha3_256(ctx, bytes, w.len, out);
}

static void
put_region(struct csn_out *w, const struct csn_report_region *r)
{
	struct csn_cbor_map m;

	csn_cbor_map_begin(w, &m);
	csn_cbor_key_int(&m, CSN_REGION_ID);
	csn_cbor_textn(w, r->id.p, r->id.len);
	csn_cbor_key_int(&m, CSN_REGION_DESCRIPTION);
	csn_cbor_textn(w, r->description.p, r->description.len);
	csn_cbor_key_int(&m, CSN_REGION_ADDRESS);
	csn_cbor_uint(w, r->address);
	csn_cbor_key_int(&m, CSN_REGION_SIZE);
	csn_cbor_uint(w, r->size);
	csn_cbor_key_int(&m, CSN_REGION_PROTECTION);
	csn_cbor_text(w, csn_protection_name((int)r->protection));
	csn_cbor_key_int(&m, CSN_REGION_TAKEN);
	csn_cbor_uint(w, r->taken_ms);
	if (r->tree != NULL) {
		csn_cbor_key_int(&m, CSN_REGION_TREE);
		csn_cbor_array(w, 2);
		csn_cbor_uint(w, r->leaf);
		csn_cbor_bytes(w, r->tree, CSN_HASH_SIZE);
	}
	if (r->leaves != NULL) {
		csn_cbor_key_int(&m, CSN_REGION_LEAVES);
		csn_cbor_bytes(w, r->leaves, r->nleaves * CSN_HASH_SIZE);
	}
	if (r->immutable) {
		csn_cbor_key_int(&m, CSN_REGION_IMMUTABLE);
		csn_cbor_bool(w, 1);
	}
	csn_cbor_map_end(&m);
}

/* A flat hash as a measured component, which others can read too. */
static void
put_measured(struct csn_out *w, const struct csn_report_region *r)
{
	struct csn_cbor_map m;
	struct csn_out c;

	csn_out_init(&c);
	csn_cbor_map_begin(&c, &m);
	csn_cbor_key_int(&m, CSN_MEASURED_ID);
	csn_cbor_array(&c, 1);
	csn_cbor_textn(&c, r->id.p, r->id.len);
	csn_cbor_key_int(&m, CSN_MEASURED_DIGEST);
	csn_cbor_array(&c, 2);
	csn_cbor_uint(&c, CSN_DIGEST_SHA3_256);
	csn_cbor_bytes(&c, r->flat, CSN_HASH_SIZE);
	csn_cbor_map_end(&m);
	csn_cbor_array(w, 2);
	csn_cbor_uint(w, CSN_CONTENT_MEASURED);
	csn_cbor_bytes(w, c.p, c.len);
	if (!csn_out_ok(&c))
		w->bad = 1;
	csn_out_wipe(&c);
}

static void
put_measurements(struct csn_cbor_map *m, const struct csn_report_facts *f)
{
	size_t i, n = 0;

	for (i = 0; i < f->nregions; i++)
		n += f->regions[i].flat != NULL;
	if (n == 0)
		return;
	csn_cbor_key_int(m, CSN_CLAIM_MEASUREMENTS);
	csn_cbor_array(m->w, n);
	for (i = 0; i < f->nregions; i++)
		if (f->regions[i].flat != NULL)
			put_measured(m->w, &f->regions[i]);
}

static int
written(struct csn_ctx *ctx, const struct csn_out *w)
{
	if (!csn_out_ok(w))
		return csn_nomem(ctx, ROOM, "a report");
	if (w->len > CSN_REPORT_MAX)
		return csn_fail(ctx, CSN_E_LIMIT, ROOM, "a report of %zu "
		    "bytes is too long: leave the leaf hashes out", w->len);
	return 0;
}

int
csn_report_write(struct csn_ctx *ctx, const struct csn_report_facts *f,
    struct csn_out *w)
{
	struct csn_cbor_map m;
	size_t i;

	csn_cbor_map_begin(w, &m);
	csn_cbor_key_int(&m, CSN_CLAIM_ISS);
	csn_cbor_text(w, f->iss);
	csn_cbor_key_int(&m, CSN_CLAIM_EXP);
	csn_cbor_uint(w, f->expires_ms / 1000);
	csn_cbor_key_int(&m, CSN_CLAIM_IAT);
	csn_cbor_uint(w, f->issued_ms / 1000);
	if (f->nonce != NULL) {
		csn_cbor_key_int(&m, CSN_CLAIM_EAT_NONCE);
		csn_cbor_bytes(w, f->nonce, f->nonce_len);
	}
	csn_cbor_key_int(&m, CSN_CLAIM_UEID);
	csn_cbor_bytes(w, f->ueid, CSN_UEID_SIZE);
	put_measurements(&m, f);
	csn_cbor_key_int(&m, CSN_CLAIM_VERSION);
	csn_cbor_uint(w, CSN_CLAIMS_VERSION);
	csn_cbor_key_int(&m, CSN_CLAIM_WORKLOAD);
	csn_cbor_text(w, f->workload);
	csn_cbor_key_int(&m, CSN_CLAIM_PLATFORM);
	csn_cbor_text(w, f->platform);
	csn_cbor_key_int(&m, CSN_CLAIM_REGIONS);
	csn_cbor_array(w, f->nregions);
	for (i = 0; i < f->nregions; i++)
		put_region(w, &f->regions[i]);
	csn_cbor_key_int(&m, CSN_CLAIM_ROUND);
	csn_cbor_uint(w, f->round);
	csn_cbor_key_int(&m, CSN_CLAIM_FULL);
	csn_cbor_bool(w, f->full);
	csn_cbor_map_end(&m);
	return written(ctx, w);
}

int
csn_report_write_evidence(struct csn_ctx *ctx, const struct csn_out *body,
    const struct csn_report_evidence *evidence, size_t n, struct csn_out *w)
{
	struct csn_cbor_map m;
	struct csn_reader r;
	size_t i, claims;

	csn_reader_init(&r, body->p, body->len);
	claims = csn_cbor_get_map(&r);
	csn_cbor_map_begin(w, &m);
	csn_put_bytes(w, r.p, r.left);
	m.n = claims;
	csn_cbor_key_int(&m, CSN_CLAIM_EVIDENCE);
	csn_cbor_array(w, n);
	for (i = 0; i < n; i++) {
		csn_cbor_array(w, 3);
		csn_cbor_textn(w, evidence[i].platform.p,
		    evidence[i].platform.len);
		csn_cbor_bytes(w, evidence[i].p, evidence[i].len);
		csn_cbor_bytes(w, evidence[i].certs, evidence[i].certs_len);
	}
	csn_cbor_map_end(&m);
	return written(ctx, w);
}
