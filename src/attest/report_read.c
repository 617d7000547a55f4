/* SPDX-License-Identifier: Apache-2.0 */
/* attest/report_read.c - a report taken apart, strictly. */
#include <stdlib.h>
#include <string.h>

#include "attest/report.h"
#include "base/alloc.h"
#include "base/cbor.h"
#include "base/fail.h"
#include "base/text.h"

#define ROOM "attest"
#define MAX_DESCRIPTION 256
#define MAX_ALIAS (CSN_ALIAS_SIZE - 1)

/* The claims that there must be. */
enum {
	HAS_ISS = 1, HAS_EXP = 2, HAS_IAT = 4, HAS_UEID = 8, HAS_VERSION = 16,
	HAS_WORKLOAD = 32, HAS_PLATFORM = 64, HAS_REGIONS = 128,
	HAS_ROUND = 256, HAS_FULL = 512, HAS_ALL = 1023
};

struct parse {
	struct csn_ctx *ctx;
	struct csn_report *r;
	struct csn_reader in;
	const uint8_t *measured;	/* claim 273's item, or NULL */
	size_t measured_len;
	unsigned has;
	uint64_t version;
};

/* --- regions ------------------------------------------------------------ */

static void
read_tree(struct csn_reader *in, struct csn_report_region *g)
{
	uint64_t leaf;

	if (csn_cbor_get_array(in) != 2)
		in->bad = 1;
	leaf = csn_cbor_get_uint(in);
	g->tree = csn_claim_bytes(in, CSN_HASH_SIZE);
	if (leaf < 4096 || leaf > 16u << 20 || (leaf & (leaf - 1)) != 0)
		in->bad = 1;
	else
		g->leaf = (uint32_t)leaf;
}

static void
read_protection(struct csn_reader *in, struct csn_report_region *g)
{
	struct csn_view v = csn_claim_text(in, 1, 2);
	char name[3] = { 0 };

	if (v.p != NULL)
		memcpy(name, v.p, v.len);
	g->protection = (uint32_t)csn_protection_parse(name);
	if (g->protection == 0)
		in->bad = 1;
}

static void
read_member(struct csn_reader *in, int64_t key, struct csn_report_region *g)
{
	switch (key) {
	case CSN_REGION_ID:
		g->id = csn_claim_text(in, 1, CSN_REGION_ID_MAX);
		break;
	case CSN_REGION_DESCRIPTION:
		g->description = csn_claim_text(in, 0, MAX_DESCRIPTION);
		break;
	case CSN_REGION_ADDRESS:
		g->address = csn_cbor_get_uint(in);
		break;
	case CSN_REGION_SIZE:
		g->size = csn_cbor_get_uint(in);
		break;
	case CSN_REGION_PROTECTION:
		read_protection(in, g);
		break;
	case CSN_REGION_TAKEN:
		g->taken_ms = csn_cbor_get_uint(in);
		break;
	case CSN_REGION_TREE:
		read_tree(in, g);
		break;
	case CSN_REGION_LEAVES:
		g->leaves = csn_cbor_get_bytes(in, &g->nleaves);
		break;
	case CSN_REGION_IMMUTABLE:
		g->immutable = csn_cbor_get_bool(in);
		/* Said only where it is so: one spelling. */
		if (!g->immutable)
			in->bad = 1;
		break;
	default:
		in->bad = 1;
	}
}

/* What a region must be by itself, once its members were read. */
static int
region_ok(struct csn_report_region *g)
{
	uint64_t leaves;

	if (g->id.p == NULL || g->description.p == NULL ||
	    g->protection == 0 || g->size == 0 ||
	    g->address > UINT64_MAX - (g->size - 1) ||
	    g->taken_ms / 1000 > CSN_CLAIM_LAST_TIME)
		return 0;
	if (g->leaves == NULL)
		return 1;
	if (g->tree == NULL || g->nleaves % CSN_HASH_SIZE != 0)
		return 0;
	g->nleaves /= CSN_HASH_SIZE;
	leaves = g->size / g->leaf + (g->size % g->leaf != 0);
	return g->nleaves == leaves;
}

static int
read_region(struct parse *p, struct csn_report_region *g)
{
	size_t i, n;
	int64_t key;
	unsigned seen = 0;

	n = csn_cbor_get_map(&p->in);
	for (i = 0; i < n && csn_reader_ok(&p->in); i++) {
		key = csn_cbor_get_int(&p->in);
		if (key >= CSN_REGION_ID && key <= CSN_REGION_IMMUTABLE)
			seen |= 1u << key;
		read_member(&p->in, key, g);
	}
	/* The first six are always there. */
	return csn_reader_ok(&p->in) && (seen & 0x7e) == 0x7e && region_ok(g);
}

static int
read_regions(struct parse *p)
{
	struct csn_report *r = p->r;
	size_t i, n;

	n = csn_cbor_get_array(&p->in);
	if (n > CSN_REGIONS_MAX)
		return csn_fail(p->ctx, CSN_E_LIMIT, ROOM, "a report has at "
		    "most %d regions, not %zu", CSN_REGIONS_MAX, n);
	if ((r->regions = csn_calloc(n, sizeof(*r->regions))) == NULL)
		return csn_nomem(p->ctx, ROOM, "a report's regions");
	for (i = 0; i < n; i++) {
		if (!read_region(p, &r->regions[i]))
			return csn_fail(p->ctx, CSN_E_FORM, ROOM,
			    "region %zu of the report is not well formed", i);
		r->nregions++;
	}
	return 0;
}

static int
view_compare(const struct csn_view *a, const struct csn_view *b)
{
	int c;

	c = memcmp(a->p, b->p,	/* public */
	    a->len < b->len ? a->len : b->len);
	return c != 0 ? c : (a->len > b->len) - (a->len < b->len);
}

static int
by_id(const void *a, const void *b)
{
	const struct csn_report_region *const *x = a, *const *y = b;

	return view_compare(&(*x)->id, &(*y)->id);
}

static int
by_address(const void *a, const void *b)
{
	const struct csn_report_region *const *x = a, *const *y = b;

	return ((*x)->address > (*y)->address) -
	    ((*x)->address < (*y)->address);
}

/* No id twice, no byte in two regions. */
static int
check_together(struct parse *p)
{
	const struct csn_report_region **s;
	size_t i, n = p->r->nregions;
	int rc = 0;

	if ((s = csn_calloc(n, sizeof(*s))) == NULL)
		return csn_nomem(p->ctx, ROOM, "a report's regions");
	for (i = 0; i < n; i++)
		s[i] = &p->r->regions[i];
	qsort(s, n, sizeof(*s), by_id);
	for (i = 1; i < n && rc == 0; i++)
		if (by_id(&s[i - 1], &s[i]) == 0)
			rc = csn_fail(p->ctx, CSN_E_FORM, ROOM,
			    "the report has two regions %.*s",
			    (int)s[i]->id.len, s[i]->id.p);
	qsort(s, n, sizeof(*s), by_address);
	for (i = 1; i < n && rc == 0; i++)
		if (s[i]->address <= s[i - 1]->address +
		    (s[i - 1]->size - 1))
			rc = csn_fail(p->ctx, CSN_E_FORM, ROOM,
			    "two regions of the report overlap");
	free(s);
	return rc;
}

/* --- flat hashes: measured components, in the order of their regions ---- */

static int
read_component(struct csn_reader *list, struct csn_ctx *ctx,
    struct csn_view *id, const uint8_t **hash)
{
	const uint8_t *bytes;
	struct csn_reader in;
	size_t len;

	if (csn_cbor_get_array(list) != 2 ||
	    csn_cbor_get_uint(list) != CSN_CONTENT_MEASURED)
		return 0;
	bytes = csn_cbor_get_bytes(list, &len);
	if (!csn_reader_ok(list) || csn_cbor_check(ctx, bytes, len) != 0)
		return 0;
	csn_reader_init(&in, bytes, len);
	if (csn_cbor_get_map(&in) != 2 ||
	    csn_cbor_get_int(&in) != CSN_MEASURED_ID ||
	    csn_cbor_get_array(&in) != 1)
		return 0;
	*id = csn_claim_text(&in, 1, CSN_REGION_ID_MAX);
	if (csn_cbor_get_int(&in) != CSN_MEASURED_DIGEST ||
	    csn_cbor_get_array(&in) != 2 ||
	    csn_cbor_get_uint(&in) != CSN_DIGEST_SHA3_256)
		return 0;
	*hash = csn_claim_bytes(&in, CSN_HASH_SIZE);
	return csn_reader_done(&in);
}

static int
read_measured(struct parse *p)
{
	struct csn_report_region *g = p->r->regions;
	const struct csn_report_region *end = g + p->r->nregions;
	struct csn_reader list;
	const uint8_t *hash;
	struct csn_view id;
	size_t i, n = 0;

	if (p->measured != NULL) {
		csn_reader_init(&list, p->measured, p->measured_len);
		n = csn_cbor_get_array(&list);
		/* Said only where there are some. */
		if (n == 0)
			goto form;
	}
	for (i = 0; i < n; i++) {
		if (!read_component(&list, p->ctx, &id, &hash))
			goto form;
		while (g < end && view_compare(&g->id, &id) != 0)
			g++;
		if (g == end)
			goto form;
		g++->flat = hash;
	}
	for (g = p->r->regions; g < end; g++)
		if (g->tree == NULL && g->flat == NULL)
			return csn_fail(p->ctx, CSN_E_FORM, ROOM,
			    "region %.*s of the report has no measurement",
			    (int)g->id.len, g->id.p);
	return 0;

form:
	return csn_fail(p->ctx, CSN_E_FORM, ROOM, "the report's measured "
	    "components are not those of its regions, in their order");
}

/* --- evidence, and the rest --------------------------------------------- */

static int
read_evidence(struct parse *p)
{
	struct csn_report_evidence *e;
	size_t i, n;

	n = csn_cbor_get_array(&p->in);
	if (n == 0 || n > CSN_EVIDENCE_MAX)
		return csn_fail(p->ctx, CSN_E_FORM, ROOM,
		    "a report has evidence of 1 to %d platforms where it has "
		    "any", CSN_EVIDENCE_MAX);
	for (i = 0; i < n; i++) {
		e = &p->r->evidence[i];
		if (csn_cbor_get_array(&p->in) != 3)
			p->in.bad = 1;
		e->platform = csn_claim_text(&p->in, 1,
		    CSN_PLATFORM_NAME_MAX);
		e->p = csn_cbor_get_bytes(&p->in, &e->len);
		e->certs = csn_cbor_get_bytes(&p->in, &e->certs_len);
		if (!csn_reader_ok(&p->in) || e->len == 0 ||
		    !csn_platform_name_ok(e->platform.p, e->platform.len))
			return csn_fail(p->ctx, CSN_E_FORM, ROOM, "platform "
			    "evidence %zu of the report is not well formed",
			    i);
		p->r->nevidence++;
	}
	return 0;
}

static void
read_nonce(struct parse *p)
{
	p->r->nonce = csn_cbor_get_bytes(&p->in, &p->r->nonce_len);
	if (p->r->nonce_len < CSN_NONCE_MIN || p->r->nonce_len > CSN_NONCE_MAX)
		p->in.bad = 1;
}

static int
read_claim(struct parse *p, int64_t key)
{
	struct csn_report *r = p->r;

	switch (key) {
	case CSN_CLAIM_ISS:
		p->has |= HAS_ISS;
		r->iss = csn_claim_text(&p->in, MAX_ALIAS, MAX_ALIAS);
		return 0;
	case CSN_CLAIM_EXP:
		p->has |= HAS_EXP;
		r->expires_ms = csn_claim_time(&p->in);
		return 0;
	case CSN_CLAIM_IAT:
		p->has |= HAS_IAT;
		r->issued_ms = csn_claim_time(&p->in);
		return 0;
	case CSN_CLAIM_EAT_NONCE:
		read_nonce(p);
		return 0;
	case CSN_CLAIM_UEID:
		p->has |= HAS_UEID;
		r->ueid = csn_claim_bytes(&p->in, CSN_UEID_SIZE);
		return 0;
	case CSN_CLAIM_MEASUREMENTS:
		csn_cbor_skip(&p->in, &p->measured, &p->measured_len);
		return 0;
	case CSN_CLAIM_VERSION:
		p->has |= HAS_VERSION;
		p->version = csn_cbor_get_uint(&p->in);
		return 0;
	case CSN_CLAIM_WORKLOAD:
		p->has |= HAS_WORKLOAD;
		r->workload = csn_claim_text(&p->in, 1, CSN_WORKLOAD_MAX);
		return 0;
	case CSN_CLAIM_PLATFORM:
		p->has |= HAS_PLATFORM;
		r->platform = csn_claim_text(&p->in, 1,
		    CSN_PLATFORM_NAME_MAX);
		return 0;
	case CSN_CLAIM_REGIONS:
		p->has |= HAS_REGIONS;
		return read_regions(p);
	case CSN_CLAIM_EVIDENCE:
		return read_evidence(p);
	case CSN_CLAIM_ROUND:
		p->has |= HAS_ROUND;
		r->round = csn_cbor_get_uint(&p->in);
		return 0;
	case CSN_CLAIM_FULL:
		p->has |= HAS_FULL;
		r->full = csn_cbor_get_bool(&p->in);
		return 0;
	default:
		return csn_fail(p->ctx, CSN_E_FORM, ROOM, "the report has a "
		    "claim %lld that is not known here", (long long)key);
	}
}

static int
read_claims(struct parse *p)
{
	size_t i, n;
	int64_t key;
	int rc;

	n = csn_cbor_get_map(&p->in);
	for (i = 0; i < n && csn_reader_ok(&p->in); i++) {
		key = csn_cbor_get_int(&p->in);
		if (!csn_reader_ok(&p->in))
			break;
		if ((rc = read_claim(p, key)) != 0)
			return rc;
	}
	if (csn_reader_ok(&p->in) && (p->has & HAS_VERSION) != 0 &&
	    p->version != CSN_CLAIMS_VERSION)
		return csn_fail(p->ctx, CSN_E_VERSION, ROOM,
		    "the report has version %llu; version %d is read here",
		    (unsigned long long)p->version, CSN_CLAIMS_VERSION);
	if (!csn_reader_done(&p->in) || p->has != HAS_ALL ||
	    p->r->ueid[0] != CSN_UEID_RAND ||
	    p->r->expires_ms <= p->r->issued_ms ||
	    !csn_platform_name_ok(p->r->platform.p, p->r->platform.len))
		return csn_fail(p->ctx, CSN_E_FORM, ROOM,
		    "the report's claims are not what a report has");
	if ((rc = check_together(p)) != 0)
		return rc;
	return read_measured(p);
}

int
csn_report_parse(struct csn_ctx *ctx, const uint8_t *bytes, size_t len,
    struct csn_report *out)
{
	struct parse p = { .ctx = ctx, .r = out };
	int rc;

	memset(out, 0, sizeof(*out));
	if ((rc = csn_cose_parse_max(ctx, bytes, len, CSN_REPORT_MAX,
	    &out->cose)) != 0 ||
	    (rc = csn_cbor_check(ctx, out->cose.payload,
	    out->cose.payload_len)) != 0)
		return rc;
	csn_reader_init(&p.in, out->cose.payload, out->cose.payload_len);
	if ((rc = read_claims(&p)) != 0)
		csn_report_free(out);
	return rc;
}

void
csn_report_free(struct csn_report *r)
{
	free(r->regions);
	r->regions = NULL;
	r->nregions = 0;
}

const struct csn_report_region *
csn_report_find(const struct csn_report *r, const char *id)
{
	struct csn_view want = { id, strlen(id) };
	size_t i;

	for (i = 0; i < r->nregions; i++)
		if (view_compare(&r->regions[i].id, &want) == 0)
			return &r->regions[i];
	return NULL;
}

int
csn_report_body_hash(struct csn_ctx *ctx, const struct csn_report *r,
    uint8_t out[CSN_HASH_SIZE])
{
	struct csn_cbor_map m;
	const uint8_t *item;
	struct csn_reader in;
	struct csn_out w;
	size_t i, n, len;
	int64_t key;
	int rc;

	csn_reader_init(&in, r->cose.payload, r->cose.payload_len);
	n = csn_cbor_get_map(&in);
	csn_out_init(&w);
	csn_cbor_map_begin(&w, &m);
	for (i = 0; i < n; i++) {
		key = csn_cbor_get_int(&in);
		csn_cbor_skip(&in, &item, &len);
		if (key == CSN_CLAIM_EVIDENCE)
			continue;
		csn_cbor_key_int(&m, key);
		csn_put_bytes(&w, item, len);
	}
	csn_cbor_map_end(&m);
	if (!csn_out_ok(&w) || !csn_reader_done(&in))
		rc = csn_nomem(ctx, ROOM, "a report's body");
	else
		rc = csn_sha3_256(ctx, w.p, w.len, out);
	csn_out_wipe(&w);
	return rc;
}
