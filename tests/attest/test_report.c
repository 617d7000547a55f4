/* SPDX-License-Identifier: Apache-2.0 */
/* A report's form: reports that a trusted key signed, and are none. */
#include "attest/scene.h"
#include "lib/test.h"

#include "attest/report.h"
#include "base/cbor.h"

/* What is wrong with the report that make() writes; each is one case. */
enum flaw {
	NOTHING, NO_ISS, NO_EXP, NO_IAT, NO_UEID, NO_VERSION, NO_WORKLOAD,
	NO_PLATFORM, NO_REGIONS, NO_ROUND, NO_FULL, CLAIM_UNKNOWN,
	VERSION_OTHER, EXP_BEFORE_IAT, EXP_FAR, NONCE_SHORT, NONCE_LONG,
	NONCE_TEXT, UEID_TYPE, UEID_SHORT, WORKLOAD_EMPTY, WORKLOAD_LONG,
	WORKLOAD_CONTROL, PLATFORM_CAPITAL, FULL_NUMBER, REGIONS_MAP,
	REGION_TWICE, REGION_OVERLAP, REGION_ZERO, REGION_OVERFLOW,
	REGION_NO_ID, REGION_ID_EMPTY, REGION_NO_ADDRESS, REGION_NO_TAKEN,
	REGION_TAKEN_FAR, REGION_PROTECTION, REGION_EXTRA, REGION_MUTABLE,
	REGION_UNMEASURED, TREE_LEAF, TREE_SHORT, TREE_THREE, LEAVES_MORE,
	LEAVES_ODD, LEAVES_WITHOUT_TREE, FLAT_OTHER_ID, FLAT_ORDER,
	FLAT_TWICE, FLAT_NONE, FLAT_FORMAT, FLAT_ALGORITHM, FLAT_SHORT,
	FLAT_EXTRA, EVIDENCE_NONE, EVIDENCE_TWO, EVIDENCE_EMPTY,
	EVIDENCE_NAME, EVIDENCE_MANY, PAYLOAD_BEHIND, PAYLOAD_ARRAY, FLAWS,
	REGION_VAST,		/* strange, and no flaw */
	REGION_TAKEN_WITHIN, REGION_TAKEN_AFTER	/* of another second */
};

static const uint8_t bytes[96];

static void
put_region(struct csn_out *w, enum flaw f, const char *id, uint64_t address,
    int second)
{
	struct csn_cbor_map m;
	uint64_t size = 3 * 4096;

	if (f == REGION_ZERO && second)
		size = 0;
	if (f == REGION_OVERFLOW && second)
		address = UINT64_MAX - size + 2;
	if (f == REGION_VAST && second)
		size = (UINT64_C(1) << 63) + 4096;
	csn_cbor_map_begin(w, &m);
	if (f != REGION_NO_ID) {
		csn_cbor_key_int(&m, CSN_REGION_ID);
		csn_cbor_text(w, f == REGION_ID_EMPTY && second ? "" : id);
	}
	csn_cbor_key_int(&m, CSN_REGION_DESCRIPTION);
	csn_cbor_text(w, "d");
	if (f != REGION_NO_ADDRESS) {
		csn_cbor_key_int(&m, CSN_REGION_ADDRESS);
		csn_cbor_uint(w, address);
	}
	csn_cbor_key_int(&m, CSN_REGION_SIZE);
	csn_cbor_uint(w, size);
	csn_cbor_key_int(&m, CSN_REGION_PROTECTION);
	csn_cbor_text(w, f == REGION_PROTECTION ? "WX" : "RW");
	if (f != REGION_NO_TAKEN) {
		csn_cbor_key_int(&m, CSN_REGION_TAKEN);
		csn_cbor_uint(w, f == REGION_TAKEN_FAR ? UINT64_MAX :
		    f == REGION_TAKEN_WITHIN ? PEOPLE_START + 999 :
		    f == REGION_TAKEN_AFTER ? PEOPLE_START + 1000 :
		    PEOPLE_START);
	}
	if (f != REGION_UNMEASURED && f != LEAVES_WITHOUT_TREE) {
		csn_cbor_key_int(&m, CSN_REGION_TREE);
		csn_cbor_array(w, f == TREE_THREE ? 3 : 2);
		csn_cbor_uint(w, f == TREE_LEAF ? 4097 : 4096);
		csn_cbor_bytes(w, bytes, f == TREE_SHORT ? 31 : 32);
		if (f == TREE_THREE)
			csn_put_u8(w, 0xf6);	/* null */
	}
	if (f != REGION_VAST) {
		csn_cbor_key_int(&m, CSN_REGION_LEAVES);
		csn_cbor_bytes(w, bytes, f == LEAVES_MORE ? 64 :
		    f == LEAVES_ODD ? 95 : 96);
	}
	if (f == REGION_MUTABLE) {
		csn_cbor_key_int(&m, CSN_REGION_IMMUTABLE);
		csn_cbor_bool(w, 0);
	}
	if (f == REGION_EXTRA) {
		csn_cbor_key_int(&m, 10);
		csn_cbor_bool(w, 1);
	}
	csn_cbor_map_end(&m);
}

static void
put_component(struct csn_out *w, enum flaw f, const char *id)
{
	struct csn_cbor_map m;
	struct csn_out c;

	csn_out_init(&c);
	csn_cbor_map_begin(&c, &m);
	csn_cbor_key_int(&m, CSN_MEASURED_ID);
	csn_cbor_array(&c, 1);
	csn_cbor_text(&c, id);
	csn_cbor_key_int(&m, CSN_MEASURED_DIGEST);
	csn_cbor_array(&c, 2);
	csn_cbor_uint(&c, f == FLAT_ALGORITHM ? 1 : CSN_DIGEST_SHA3_256);
	csn_cbor_bytes(&c, bytes, f == FLAT_SHORT ? 31 : 32);
	if (f == FLAT_EXTRA) {
		csn_cbor_key_int(&m, 4);
		csn_cbor_bytes(&c, bytes, 8);
	}
	csn_cbor_map_end(&m);
	csn_cbor_array(w, 2);
	csn_cbor_uint(w, f == FLAT_FORMAT ? 258 : CSN_CONTENT_MEASURED);
	csn_cbor_bytes(w, c.p, c.len);
	csn_out_wipe(&c);
}

static void
put_measured(struct csn_cbor_map *m, enum flaw f)
{
	csn_cbor_key_int(m, CSN_CLAIM_MEASUREMENTS);
	if (f == FLAT_NONE) {
		csn_cbor_array(m->w, 0);
		return;
	}
	csn_cbor_array(m->w, f == FLAT_ORDER || f == FLAT_TWICE ? 2 : 1);
	if (f == FLAT_TWICE)
		put_component(m->w, f, "a");
	if (f == FLAT_ORDER)
		put_component(m->w, f, "b");
	put_component(m->w, f, f == FLAT_OTHER_ID ? "c" : "a");
}

static void
put_evidence(struct csn_cbor_map *m, enum flaw f)
{
	size_t i, n;

	n = f == EVIDENCE_NONE ? 0 : f == EVIDENCE_MANY ? 9 : 1;
	csn_cbor_key_int(m, CSN_CLAIM_EVIDENCE);
	csn_cbor_array(m->w, n);
	for (i = 0; i < n; i++) {
		csn_cbor_array(m->w, f == EVIDENCE_TWO ? 2 : 3);
		csn_cbor_text(m->w, f == EVIDENCE_NAME ? "Gpu" : "gpu");
		csn_cbor_bytes(m->w, bytes, f == EVIDENCE_EMPTY ? 0 : 9);
		if (f != EVIDENCE_TWO)
			csn_cbor_bytes(m->w, bytes, 0);
	}
}

static void
put_regions(struct csn_cbor_map *m, enum flaw f)
{
	csn_cbor_key_int(m, CSN_CLAIM_REGIONS);
	if (f == REGIONS_MAP) {
		struct csn_cbor_map none;

		csn_cbor_map_begin(m->w, &none);
		csn_cbor_map_end(&none);
		return;
	}
	csn_cbor_array(m->w, 2);
	put_region(m->w, f, "a", 0, 0);
	put_region(m->w, f, f == REGION_TWICE ? "a" : "b",
	    f == REGION_OVERLAP ? 3 * 4096 - 1 : 3 * 4096, 1);
}

static void
put_ours(struct csn_cbor_map *m, enum flaw f)
{
	struct csn_out *w = m->w;

	if (f != NO_VERSION) {
		csn_cbor_key_int(m, CSN_CLAIM_VERSION);
		csn_cbor_uint(w, f == VERSION_OTHER ? 2 : 1);
	}
	if (f != NO_WORKLOAD) {
		csn_cbor_key_int(m, CSN_CLAIM_WORKLOAD);
		csn_cbor_text(w, f == WORKLOAD_EMPTY ? "" :
		    f == WORKLOAD_CONTROL ? "a\tb" : f == WORKLOAD_LONG ?
		    "wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww"
		    "wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww"
		    "wwwwwwwwwwwwwwwwwwwww" : SCENE_WORKLOAD);
	}
	if (f != NO_PLATFORM) {
		csn_cbor_key_int(m, CSN_CLAIM_PLATFORM);
		csn_cbor_text(w, f == PLATFORM_CAPITAL ? "Buffer" : "buffer");
	}
	if (f != NO_REGIONS)
		put_regions(m, f);
	if (f != NO_ROUND) {
		csn_cbor_key_int(m, CSN_CLAIM_ROUND);
		csn_cbor_uint(w, 1);
	}
	if (f != NO_FULL) {
		csn_cbor_key_int(m, CSN_CLAIM_FULL);
		if (f == FULL_NUMBER)
			csn_cbor_uint(w, 1);
		else
			csn_cbor_bool(w, 1);
	}
	if (f == CLAIM_UNKNOWN) {
		csn_cbor_key_int(m, 7);
		csn_cbor_bytes(w, bytes, 16);
	}
}

static void
put_claims(struct scene *s, struct csn_out *w, enum flaw f)
{
	uint8_t ueid[CSN_UEID_SIZE];
	struct csn_cbor_map m;

	assert_int_equal(csn_report_ueid(s->ctx,
	    csn_identity_sign_key(s->alice), ueid), 0);
	if (f == UEID_TYPE)
		ueid[0] = 2;
	csn_cbor_map_begin(w, &m);
	if (f != NO_ISS) {
		csn_cbor_key_int(&m, CSN_CLAIM_ISS);
		csn_cbor_text(w, csn_identity_alias(s->alice));
	}
	if (f != NO_EXP) {
		csn_cbor_key_int(&m, CSN_CLAIM_EXP);
		csn_cbor_uint(w, f == EXP_FAR ? 253402300800u :
		    PEOPLE_START / 1000 + (f == EXP_BEFORE_IAT ? 0 : 60));
	}
	if (f != NO_IAT) {
		csn_cbor_key_int(&m, CSN_CLAIM_IAT);
		csn_cbor_uint(w, PEOPLE_START / 1000);
	}
	csn_cbor_key_int(&m, CSN_CLAIM_EAT_NONCE);
	if (f == NONCE_TEXT)
		csn_cbor_text(w, "sixteen-of-these");
	else
		csn_cbor_bytes(w, bytes, f == NONCE_SHORT ? 15 :
		    f == NONCE_LONG ? 65 : 32);
	if (f != NO_UEID) {
		csn_cbor_key_int(&m, CSN_CLAIM_UEID);
		csn_cbor_bytes(w, ueid, f == UEID_SHORT ? 32 : 33);
	}
	if (f != REGION_UNMEASURED)
		put_measured(&m, f);
	put_ours(&m, f);
	put_evidence(&m, f);
	csn_cbor_map_end(&m);
}

/* A report with that flaw, with a signature that verifies. */
static uint8_t *
make(struct scene *s, enum flaw f, size_t *len)
{
	uint8_t *report;
	struct csn_out w;

	csn_out_init(&w);
	if (f == PAYLOAD_ARRAY)
		csn_cbor_array(&w, 0);
	else
		put_claims(s, &w, f);
	if (f == PAYLOAD_BEHIND)
		csn_put_u8(&w, 0xf6);	/* null */
	assert_true(csn_out_ok(&w));
	assert_int_equal(csn_cose_sign(s->ctx,
	    csn_identity_sign_key(s->alice), csn_identity_alias(s->alice),
	    CSN_REPORT_TYP, w.p, w.len, &report, len), 0);
	csn_out_wipe(&w);
	return report;
}

FIXTURE(struct scene, scene_start, scene_end);

TEST(every_flaw_is_refused_though_it_is_signed, struct scene *s)
{
	uint8_t *report;
	size_t len;
	int f, rc;

	scene_policy(s, NULL);
	for (f = NOTHING; f < FLAWS; f++) {
		report = make(s, (enum flaw)f, &len);
		rc = scene_verify(s, report, len, CSN_VERIFY_ARCHIVED);
		if (rc != (f == NOTHING ? 0 :
		    f == VERSION_OTHER ? CSN_E_VERSION : CSN_E_FORM))
			fail_msg("flaw %d gave %s: %s", f, csn_error_name(rc),
			    csn_message());
		csn_free(report);
	}
}

/* Reports are issued in whole seconds, memory is read in milliseconds. */
TEST(memory_is_read_before_the_report_is_issued, struct scene *s)
{
	uint8_t *report;
	size_t len;

	scene_policy(s, NULL);
	report = make(s, REGION_TAKEN_WITHIN, &len);
	assert_int_equal(scene_verify(s, report, len, CSN_VERIFY_ARCHIVED),
	    0);
	csn_free(report);
	report = make(s, REGION_TAKEN_AFTER, &len);
	assert_int_equal(scene_verify(s, report, len, CSN_VERIFY_ARCHIVED),
	    CSN_E_POLICY);
	assert_check(s, "measured", CSN_CHECK_FAILED);
	assert_non_null(strstr(csn_message(),
	    "region a was measured after the report was issued"));
	csn_free(report);
}

TEST(a_report_is_what_was_measured, struct scene *s)
{
	struct csn_attester_options o = scene_options(s);
	struct csn_snapshot snap = { .size_of = sizeof(snap) };
	const struct csn_report_region *g;
	uint8_t nonce[20] = { 9, 8, 7 }, *report;
	struct csn_attester *a;
	struct csn_report r;
	size_t len;

	o.measure = CSN_MEASURE_BOTH;
	o.lifetime_ms = 1500;
	a = scene_attester(s, &o);
	report = scene_report_of(a, nonce, sizeof(nonce), &len);
	assert_int_equal(csn_report_parse(s->ctx, report, len, &r), 0);
	assert_int_equal(r.iss.len, strlen(csn_identity_alias(s->alice)));
	assert_int_equal(r.workload.len, strlen(SCENE_WORKLOAD));
	assert_memory_equal(r.platform.p, "buffer", 6);
	assert_int_equal(r.nonce_len, sizeof(nonce));
	assert_memory_equal(r.nonce, nonce, sizeof(nonce));
	assert_int_equal(r.issued_ms, PEOPLE_START);
	assert_int_equal(r.expires_ms, PEOPLE_START + 2000);
	assert_int_equal(r.round, 1);
	assert_int_equal(r.full, 1);
	assert_int_equal(r.nregions, 2);
	assert_int_equal(r.nevidence, 0);
	assert_non_null(g = csn_report_find(&r, "code"));
	assert_int_equal(csn_attester_snapshot(a, 1, &snap), 0);
	assert_int_equal(g->address, 0x100000);
	assert_int_equal(g->size, SCENE_CODE);
	assert_int_equal(g->protection, CSN_PROT_RX);
	assert_int_equal(g->taken_ms, PEOPLE_START);
	assert_int_equal(g->leaf, SCENE_LEAF);
	assert_int_equal(g->nleaves, 3);
	assert_memory_equal(g->tree, snap.tree, CSN_HASH_SIZE);
	assert_memory_equal(g->flat, snap.flat, CSN_HASH_SIZE);
	assert_null(csn_report_find(&r, "cod"));
	csn_report_free(&r);
	csn_free(report);
	csn_attester_free(a);
}

TEST(a_report_is_shown_as_json, struct scene *s)
{
	static const char *const parts[] = {
		"\"workload\":\"model-serving-1\"", "\"id\":\"weights\"",
		"\"address\":\"0x10000\"", "\"protection\":\"RX\"",
		"\"size\":82020", "\"leaf\":4096", "\"full\":true",
		"\"issued\":\"2026-01-01T00:00:00.000Z\"",
		"\"evidence\":[]"
	};
	uint8_t *report;
	char *json;
	size_t len, i;

	report = scene_report(s, &len);
	assert_int_equal(csn_report_json(s->ctx, report, len, &json), 0);
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		assert_non_null(strstr(json, parts[i]));
	csn_free(json);
	assert_int_equal(csn_report_json(s->ctx, report, len - 1, &json),
	    CSN_E_FORM);
	csn_free(report);
}

TEST(a_size_past_what_json_holds_is_text, struct scene *s)
{
	uint8_t *report;
	size_t len;
	char *json;

	report = make(s, REGION_VAST, &len);
	assert_int_equal(csn_report_json(s->ctx,
	    report, len, &json), 0);
	assert_non_null(strstr(json, "\"size\":12288"));
	assert_non_null(strstr(json, "\"size\":\"9223372036854779904\""));
	csn_free(json);
	csn_free(report);
}

/* As many regions as there may be, each with both hashes. */
TEST(a_report_holds_4096_regions, struct scene *s)
{
	struct csn_attester_options o = scene_options(s);
	struct csn_attester *a;
	uint8_t *report;
	char id[16];
	size_t len;
	unsigned i;

	o.measure = CSN_MEASURE_BOTH;
	for (i = 2; i < CSN_REGIONS_MAX; i++) {
		(void)snprintf(id, sizeof(id), "region-%u", i);
		assert_int_equal(scene_add(s, id, 0x1000000 + i * 100,
		    s->weights + i, 100, CSN_PROT_RW), 0);
	}
	a = scene_attester(s, &o);
	report = scene_report_of(a, NULL, 0, &len);
	assert_int_equal(scene_verify(s, report, len, CSN_VERIFY_ARCHIVED),
	    0);
	assert_check(s, "region weights", CSN_CHECK_PASSED);
	assert_check(s, "region region-4095", CSN_CHECK_SKIPPED);
	csn_free(report);
	csn_attester_free(a);
}
