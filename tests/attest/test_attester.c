/* SPDX-License-Identifier: Apache-2.0 */
/* Measuring: exact, incremental, and honest about which it was. */
#include <caisson/advanced.h>

#include "attest/scene.h"
#include "lib/test.h"

#include "attest/report.h"

static void
snapshot(const struct csn_attester *a, size_t i, struct csn_snapshot *out)
{
	memset(out, 0, sizeof(*out));
	out->size_of = sizeof(*out);
	assert_int_equal(csn_attester_snapshot(a, i, out), 0);
}

static void
work(const struct csn_attester *a, uint64_t hashed, uint64_t total)
{
	uint64_t h, t;

	csn_attester_work(a, &h, &t);
	assert_int_equal(h, hashed);
	assert_int_equal(t, total);
}

FIXTURE(struct scene, scene_start, scene_end);

TEST(the_flat_hash_is_sha3_256_of_the_exact_bytes, struct scene *s)
{
	struct csn_attester_options o = scene_options(s);
	uint8_t flat[CSN_HASH_SIZE], root[CSN_HASH_SIZE];
	struct csn_snapshot snap;
	struct csn_attester *a;
	struct csn_tree *t;
	size_t n;

	o.measure = CSN_MEASURE_BOTH;
	a = scene_attester(s, &o);
	assert_int_equal(csn_attester_measure(a, 0), 0);
	assert_int_equal(csn_attester_count(a), 2);
	snapshot(a, 0, &snap);
	assert_string_equal(snap.region, "weights");
	assert_int_equal(snap.measure, CSN_MEASURE_BOTH);
	assert_int_equal(snap.size, SCENE_WEIGHTS);
	assert_int_equal(snap.address, 0x10000);
	assert_int_equal(snap.protection, CSN_PROT_RO);
	assert_int_equal(snap.taken_ms, people_now);
	assert_int_equal(csn_sha3_256(s->ctx, s->weights, SCENE_WEIGHTS,
	    flat), 0);
	assert_memory_equal(snap.flat, flat, sizeof(flat));
	assert_int_equal(csn_tree_new(s->ctx, SCENE_WEIGHTS, SCENE_LEAF, &t),
	    0);
	assert_int_equal(csn_tree_set(t, NULL, 0, s->weights,
	    SCENE_WEIGHTS), 0);
	assert_int_equal(csn_tree_root(t, root), 0);
	assert_memory_equal(snap.tree, root, sizeof(root));
	assert_memory_equal(csn_attester_leaves(a, 0, &n),
	    csn_tree_leaf_hashes(t), 21 * CSN_HASH_SIZE);
	assert_int_equal(n, 21);
	csn_tree_free(t);
	csn_attester_free(a);
}

TEST(only_what_was_touched_is_hashed_again, struct scene *s)
{
	uint64_t all = SCENE_WEIGHTS + SCENE_CODE;
	struct csn_snapshot first, snap;
	struct csn_attester *fresh;
	struct csn_attester_options o = scene_options(s);

	assert_int_equal(csn_regions_touch_buffer(s->regions, "weights", 0,
	    0), 0);
	assert_int_equal(csn_regions_touch_buffer(s->regions, "code", 0, 0),
	    0);
	assert_int_equal(csn_attester_measure(s->attester, 1), 0);
	assert_int_equal(csn_attester_was_full(s->attester), 1);
	work(s->attester, all, all);
	snapshot(s->attester, 0, &first);
	assert_int_equal(first.changed, 1);

	assert_int_equal(csn_attester_measure(s->attester, 1), 0);
	assert_int_equal(csn_attester_was_full(s->attester), 0);
	work(s->attester, 0, all);
	snapshot(s->attester, 0, &snap);
	assert_int_equal(snap.changed, 0);
	assert_memory_equal(snap.tree, first.tree, CSN_HASH_SIZE);

	/* Two leaves, and the short one at the end. */
	memset(s->weights + 3 * SCENE_LEAF - 2, 0xee, 4);
	s->weights[SCENE_WEIGHTS - 1] ^= 1;
	assert_int_equal(csn_regions_touch_buffer(s->regions, "weights",
	    3 * SCENE_LEAF - 2, 4), 0);
	assert_int_equal(csn_regions_touch_buffer(s->regions, "weights",
	    SCENE_WEIGHTS - 1, 1), 0);
	assert_int_equal(csn_attester_measure(s->attester, 1), 0);
	work(s->attester, 2 * SCENE_LEAF + 100, all);
	snapshot(s->attester, 0, &snap);
	assert_int_equal(snap.changed, 1);
	fresh = scene_attester(s, &o);
	assert_int_equal(csn_attester_measure(fresh, 0), 0);
	snapshot(fresh, 0, &first);
	assert_memory_equal(snap.tree, first.tree, CSN_HASH_SIZE);
	csn_attester_free(fresh);
	snapshot(s->attester, 1, &snap);
	assert_int_equal(snap.changed, 0);
}

/*
 * A write that nobody told of: tracking is no evidence. Rounds that believe
 * it miss the write, and say that they were no full ones; the full round
 * finds it.
 */
TEST(what_tracking_misses_the_full_round_finds, struct scene *s)
{
	struct csn_attester_options o = scene_options(s);
	struct csn_attester *a;
	uint8_t *report, nonce[32];
	size_t len;
	int round, rc;

	o.full_every = 4;
	a = scene_attester(s, &o);
	assert_int_equal(csn_regions_touch_buffer(s->regions, "weights", 0,
	    0), 0);
	for (round = 0; round < 9; round++) {
		if (round == 1)
			s->weights[4 * SCENE_LEAF] ^= 1;	/* untold */
		assert_int_equal(csn_verifier_challenge(s->verifier, nonce),
		    0);
		assert_int_equal(csn_attester_measure(a, 1), 0);
		assert_int_equal(csn_attester_was_full(a), round % 4 == 0);
		assert_int_equal(csn_attester_report(a, nonce, 32, &report,
		    &len), 0);
		rc = scene_verify(s, report, len, 0);
		assert_int_equal(rc, round < 4 ? 0 : CSN_E_DRIFT);
		csn_free(report);
	}
	csn_attester_free(a);
}

/* Nobody tells of writes to this region: each round reads all of it. */
TEST(without_tracking_everything_is_read_each_time, struct scene *s)
{
	uint64_t all = SCENE_WEIGHTS + SCENE_CODE;

	assert_int_equal(csn_attester_measure(s->attester, 1), 0);
	s->weights[0] ^= 1;
	assert_int_equal(csn_attester_measure(s->attester, 1), 0);
	work(s->attester, all, all);
}

TEST(regions_may_come_and_go, struct scene *s)
{
	struct csn_snapshot snap;

	assert_int_equal(csn_attester_measure(s->attester, 1), 0);
	assert_int_equal(scene_add(s, "late", 0x900000, s->code, 100,
	    CSN_PROT_RW), 0);
	assert_int_equal(csn_attester_measure(s->attester, 1), 0);
	assert_int_equal(csn_attester_count(s->attester), 3);
	snapshot(s->attester, 2, &snap);
	assert_string_equal(snap.region, "late");
	assert_int_equal(snap.changed, 1);
	assert_int_equal(csn_regions_remove_buffer(s->regions, "weights"), 0);
	assert_int_equal(csn_attester_measure(s->attester, 1), 0);
	assert_int_equal(csn_attester_count(s->attester), 2);
	snapshot(s->attester, 0, &snap);
	assert_string_equal(snap.region, "code");
	assert_int_equal(snap.changed, 0);
	snapshot(s->attester, 1, &snap);
	assert_int_equal(snap.changed, 0);
	/* The same id elsewhere is another region. */
	assert_int_equal(csn_regions_remove_buffer(s->regions, "late"), 0);
	assert_int_equal(scene_add(s, "late", 0xa00000, s->code, 100,
	    CSN_PROT_RW), 0);
	assert_int_equal(csn_attester_measure(s->attester, 1), 0);
	snapshot(s->attester, 1, &snap);
	assert_int_equal(snap.changed, 1);
}

TEST(every_measure_and_pool_gives_the_same, struct scene *s)
{
	struct csn_attester_options o = scene_options(s);
	struct csn_snapshot want[4], snap;
	struct csn_attester *a;
	struct csn_pool *pool;
	unsigned m;
	int with;

	assert_int_equal(csn_pool_new(s->ctx, 2, &pool), 0);
	for (with = 0; with < 2; with++)
		for (m = CSN_MEASURE_TREE; m <= CSN_MEASURE_BOTH; m++) {
			o.measure = m;
			o.leaves = 0;
			o.pool = with ? pool : NULL;
			a = scene_attester(s, &o);
			assert_int_equal(csn_attester_measure(a, 0), 0);
			snapshot(a, 0, &snap);
			if (!with)
				want[m] = snap;
			assert_memory_equal(snap.tree, want[m].tree, 32);
			assert_memory_equal(snap.flat, want[m].flat, 32);
			csn_attester_free(a);
		}
	assert_memory_equal(want[1].tree, want[3].tree, 32);
	assert_memory_equal(want[2].flat, want[3].flat, 32);
	csn_pool_free(pool);
}

TEST(options_that_make_no_sense_are_refused, struct scene *s)
{
	struct csn_attester_options o = scene_options(s);
	struct csn_attester *a;
	char longest[130];

	memset(longest, 'w', sizeof(longest));
	longest[129] = '\0';
	o.workload = NULL;
	assert_int_equal(csn_attester_new(s->ctx, s->regions, &o, &a),
	    CSN_E_ARG);
	o.workload = "";
	assert_int_equal(csn_attester_new(s->ctx, s->regions, &o, &a),
	    CSN_E_ARG);
	o.workload = longest;
	assert_int_equal(csn_attester_new(s->ctx, s->regions, &o, &a),
	    CSN_E_ARG);
	o = scene_options(s);
	o.leaf = 5000;
	assert_int_equal(csn_attester_new(s->ctx, s->regions, &o, &a),
	    CSN_E_ARG);
	o = scene_options(s);
	o.measure = CSN_MEASURE_FLAT;
	assert_int_equal(csn_attester_new(s->ctx, s->regions, &o, &a),
	    CSN_E_ARG);
	o = scene_options(s);
	o.measure = 4;
	assert_int_equal(csn_attester_new(s->ctx, s->regions, &o, &a),
	    CSN_E_ARG);
}

TEST(without_an_identity_it_measures_and_reports_nothing, struct scene *s)
{
	struct csn_snapshot snap = { .size_of = sizeof(snap) };
	struct csn_attester_options o = scene_options(s);
	struct csn_attester *a;
	uint8_t *report;
	size_t len;

	o.identity = NULL;
	a = scene_attester(s, &o);
	assert_int_equal(csn_attester_measure(a, 0), 0);
	assert_int_equal(csn_attester_snapshot(a, 0, &snap), 0);
	assert_string_equal(snap.region, "weights");
	assert_int_equal(csn_attester_report(a, NULL, 0, &report, &len),
	    CSN_E_ARG);
	csn_attester_free(a);
}

TEST(a_report_needs_a_measurement_and_a_nonce_of_some_length, struct scene *s)
{
	uint8_t nonce[65] = { 0 }, *report;
	size_t len, i;
	static const size_t lengths[] = { 16, 32, 64 };

	assert_int_equal(csn_attester_report(s->attester, NULL, 0, &report,
	    &len), CSN_E_ARG);
	assert_int_equal(csn_attester_measure(s->attester, 0), 0);
	assert_int_equal(csn_attester_report(s->attester, nonce, 15, &report,
	    &len), CSN_E_ARG);
	assert_int_equal(csn_attester_report(s->attester, nonce, 65, &report,
	    &len), CSN_E_ARG);
	for (i = 0; i < 3; i++) {
		assert_int_equal(csn_attester_report(s->attester, nonce,
		    lengths[i], &report, &len), 0);
		csn_free(report);
	}
}

/* --- platform evidence -------------------------------------------------- */

struct platform {
	uint8_t seen[64];
	int calls;
	int rc;
};

static int
evidence(void *arg, const uint8_t data[64], uint8_t **out, size_t *len,
    uint8_t **certs, size_t *certs_len)
{
	struct platform *p = arg;

	p->calls++;
	memcpy(p->seen, data, 64);
	if (p->rc != 0)
		return p->rc;
	*len = 64;
	*out = malloc(64);
	*certs_len = 5;
	*certs = malloc(5);
	memcpy(*out, data, 64);
	memcpy(*certs, "certs", 5);
	return 0;
}

TEST(evidence_binds_nonce_key_and_body, struct scene *s)
{
	struct platform p = { .rc = 0 }, q = { .rc = 0 };
	uint8_t nonce[32], before[64], body[CSN_HASH_SIZE], data[64], *report;
	struct csn_report r;
	size_t len;

	assert_int_equal(csn_attester_add_evidence(s->attester, "Bad Name",
	    evidence, &p), CSN_E_ARG);
	assert_int_equal(csn_attester_add_evidence(s->attester, "gpu-0",
	    evidence, &p), 0);
	assert_int_equal(csn_attester_add_evidence(s->attester, "gpu-1",
	    evidence, &q), 0);
	assert_int_equal(csn_verifier_challenge(s->verifier, nonce), 0);
	report = scene_report_of(s->attester, nonce, 32, &len);
	assert_int_equal(p.calls, 1);
	assert_memory_equal(p.seen, q.seen, 64);
	/* 32 bytes of hash, then zeros */
	memset(data, 0, sizeof(data));
	assert_memory_equal(p.seen + 32, data + 32, 32);
	assert_int_equal(csn_report_parse(s->ctx, report, len, &r), 0);
	assert_int_equal(r.nevidence, 2);
	assert_int_equal(r.evidence[0].certs_len, 5);
	assert_memory_equal(r.evidence[0].p, p.seen, 64);
	assert_int_equal(csn_report_body_hash(s->ctx, &r, body), 0);
	assert_int_equal(csn_report_data(s->ctx, nonce, 32,
	    csn_identity_sign_key(s->alice), body, data), 0);
	assert_memory_equal(data, p.seen, 64);
	csn_report_free(&r);
	/* No build verifies gpu-0: it is listed, and fails nothing. */
	assert_int_equal(scene_verify(s, report, len, 0), 0);
	assert_check(s, "platform gpu-0", CSN_CHECK_SKIPPED);
	assert_check(s, "platform gpu-1", CSN_CHECK_SKIPPED);
	csn_free(report);
	/* Another nonce, another body, another key: other report-data. */
	memcpy(before, p.seen, 64);
	nonce[0] ^= 1;
	csn_free(scene_report_of(s->attester, nonce, 32, &len));
	assert_memory_not_equal(before, p.seen, 32);
	memcpy(before, p.seen, 64);
	s->code[0] ^= 1;
	csn_free(scene_report_of(s->attester, nonce, 32, &len));
	assert_memory_not_equal(before, p.seen, 32);
	assert_int_equal(csn_report_data(s->ctx, nonce, 32,
	    csn_identity_sign_key(s->mallory), body, before), 0);
	nonce[0] ^= 1;
	assert_int_equal(csn_report_data(s->ctx, nonce, 32,
	    csn_identity_sign_key(s->mallory), body, before), 0);
	assert_memory_not_equal(before, data, 32);
}

TEST(evidence_that_fails_makes_no_report, struct scene *s)
{
	struct platform p = { .rc = CSN_E_BACKEND };
	uint8_t *report;
	size_t len, i;

	assert_int_equal(csn_attester_add_evidence(s->attester, "gpu",
	    evidence, &p), 0);
	assert_int_equal(csn_attester_measure(s->attester, 0), 0);
	assert_int_equal(csn_attester_report(s->attester, NULL, 0, &report,
	    &len), CSN_E_BACKEND);
	for (i = 1; i < 7; i++)
		assert_int_equal(csn_attester_add_evidence(s->attester, "gpu",
		    evidence, &p), 0);
	assert_int_equal(csn_attester_add_evidence(s->attester, "gpu",
	    evidence, &p), CSN_E_LIMIT);
}

/* Calls it off when it has been asked so often; 0: never. */
static int
call_off(void *arg)
{
	int *left = arg;

	return *left > 0 && --*left == 0;
}

static int
changed(struct csn_attester *a, size_t i)
{
	struct csn_snapshot snap = { .size_of = sizeof(snap) };

	assert_int_equal(csn_attester_snapshot(a, i, &snap), 0);
	return (int)snap.changed;
}

TEST(a_change_seen_in_a_look_that_failed_is_not_forgotten, struct scene *s)
{
	struct csn_attester_options o = scene_options(s);
	struct csn_attester *a;
	int left = 0;

	o.cancelled = call_off;
	o.cancelled_arg = &left;
	a = scene_attester(s, &o);
	assert_int_equal(csn_attester_measure(a, 0), 0);
	assert_int_equal(csn_attester_measure(a, 0), 0);
	assert_int_equal(changed(a, 0) + changed(a, 1), 0);
	/* Once before all, once for the weights, and then the code. */
	s->weights[3] ^= 1;
	left = 3;
	assert_int_equal(csn_attester_measure(a, 0), CSN_E_CANCELLED);
	assert_int_equal(csn_attester_measure(a, 0), 0);
	assert_int_equal(changed(a, 0), 1);
	assert_int_equal(csn_attester_measure(a, 0), 0);
	assert_int_equal(changed(a, 0) + changed(a, 1), 0);
	csn_attester_free(a);
}
