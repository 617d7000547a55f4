/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_attest.c - measuring 1 GiB of memory, again after little changed,
 * and reports of it, beside OpenSSL's SHA3-256 and ML-DSA-65.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <caisson/advanced.h>

#include "attest_parts.h"
#include "bench.h"
#include "raw_hash.h"

#define SIZE ((size_t)1 << 30)
#define GIB 1e9			/* what GB/s counts */
#define LEAF CSN_TREE_LEAF
#define LEAVES (SIZE / LEAF)
#define EVERY 100		/* one leaf of so many changes: 1 % */
#define ROUNDS 7		/* of more than a second each */
#define SHARE 4			/* the reference hashes so much less */
#define MANY 1000		/* regions in one report */
#define BUDGET 0.05		/* seconds for them, beyond hashing */
#define SMALL 4096		/* bytes of each of them */

static struct csn_identity *signer;
static uint8_t *memory;
static uint64_t changes;

/* A workload of one region, or of many small ones, and who measures it. */
struct bench {
	struct csn_regions *regions;
	struct csn_attester *attester;
	struct csn_verifier *verifier;
	uint8_t *report;
	size_t len;
};

static void
add_region(struct bench *b, const char *id, size_t at, size_t size)
{
	struct csn_region r = { .size_of = sizeof(r), .id = id,
	    .description = "bench", .address = at, .size = size,
	    .protection = CSN_PROT_RW };

	bench_must(csn_regions_add_buffer(b->regions, &r, memory + at),
	    "adding a region");
}

static void
start(struct bench *b, unsigned measure, struct csn_pool *pool, size_t n)
{
	struct csn_attester_options o = { .size = sizeof(o),
	    .measure = measure, .full_every = UINT32_MAX,
	    .workload = "bench", .identity = signer, .pool = pool };
	char id[16];
	size_t i;

	memset(b, 0, sizeof(*b));
	bench_must(csn_regions_open(bench_ctx(), "buffer:", &b->regions),
	    "opening regions");
	if (n == 1)
		add_region(b, "memory", 0, SIZE);
	for (i = 0; n > 1 && i < n; i++) {
		snprintf(id, sizeof(id), "region-%zu", i);
		add_region(b, id, i * LEAF, SMALL);
	}
	bench_must(csn_attester_new(bench_ctx(), b->regions, &o,
	    &b->attester), "making an attester");
}

static void
stop(struct bench *b)
{
	csn_verifier_free(b->verifier);
	csn_attester_free(b->attester);
	csn_regions_close(b->regions);
	csn_free(b->report);
}

static void
measure(void *arg)
{
	struct bench *b = arg;

	bench_must(csn_attester_measure(b->attester, 0), "measuring");
}

static void
raw_hash(void *arg)
{
	uint8_t out[32];

	(void)arg;
	raw_sha3_256(memory, SIZE / SHARE, out);
}

static void
full(const char *name, unsigned how, struct csn_pool *pool, double target)
{
	struct bench_pair pair = { .ours = measure, .reference = raw_hash,
	    .rounds = ROUNDS, .slice_ms = 1,
	    .ours_units = SHARE, .reference_units = 1,
	    .clock = pool != NULL ? BENCH_WALL : BENCH_CPU };
	struct bench_result r = { .name = name, .unit = "GB/s",
	    .target = target };
	struct bench_outcome o;
	struct bench b;

	start(&b, how, pool, 1);
	pair.arg = &b;
	bench_compare(&pair, &o);
	r.value = (double)SIZE / SHARE / o.ours / GIB;
	r.reference = "OpenSSL SHA3-256, one core";
	r.reference_value = (double)SIZE / SHARE / o.reference / GIB;
	r.ratio = o.ratio;
	bench_add(&r, "%s, %s; ratios %.2f to %.2f", how ==
	    CSN_MEASURE_FLAT ? "one hash" : "64 KiB leaves and their root",
	    csn_sha3_kernel(bench_ctx()), o.low, o.high);
	stop(&b);
}

/* --- again, after 1 % changed ------------------------------------------- */

struct again {
	struct bench tracked;
	struct bench other;	/* who believes nobody */
};

/* Change one byte in each hundredth leaf, and say so. */
static void
change(void *arg)
{
	struct again *a = arg;
	size_t i;

	changes++;
	for (i = changes % EVERY; i < LEAVES; i += EVERY) {
		memory[i * LEAF + changes % LEAF] ^= 1;
		bench_must(csn_regions_touch_buffer(a->tracked.regions,
		    "memory", i * LEAF + changes % LEAF, 1), "touching");
	}
}

static void
measure_again(void *arg)
{
	struct again *a = arg;

	bench_must(csn_attester_measure(a->tracked.attester, 1),
	    "measuring again");
}

static void
measure_all(void *arg)
{
	struct again *a = arg;

	measure(&a->other);
}

static void
again(void)
{
	struct bench_pair pair = { .ours = measure_again,
	    .reference = measure_all, .between = change, .rounds = ROUNDS,
	    .slice_ms = 100 };
	struct bench_result r = { .name = "attest.again.1pct", .unit = "ms",
	    .reference = "measuring all of it", .target = 40 };
	struct csn_snapshot x = { .size_of = sizeof(x) }, y = x;
	struct bench_outcome o;
	uint64_t hashed, total;
	struct again a;

	start(&a.tracked, CSN_MEASURE_TREE, NULL, 1);
	start(&a.other, CSN_MEASURE_TREE, NULL, 1);
	pair.arg = &a;
	measure(&a.tracked);
	change(&a);
	bench_compare(&pair, &o);
	csn_attester_work(a.tracked.attester, &hashed, &total);
	/* What was quick must be right too. */
	measure_again(&a);
	measure_all(&a);
	bench_must(csn_attester_snapshot(a.tracked.attester, 0, &x), "");
	bench_must(csn_attester_snapshot(a.other.attester, 0, &y), "");
	bench_need(memcmp(x.tree, y.tree, sizeof(x.tree)) == 0,
	    "the roots differ");
	r.value = o.ours * 1e3;
	r.reference_value = o.reference * 1e3;
	r.ratio = o.ratio;
	bench_add(&r, "%.2f %% of 1 GiB hashed, told by the caller; ratios "
	    "%.1f to %.1f", 100.0 * (double)hashed / (double)total, o.low,
	    o.high);
	stop(&a.tracked);
	stop(&a.other);
}

/* --- reports ------------------------------------------------------------ */

static void
report(void *arg)
{
	static const uint8_t nonce[32];
	struct bench *b = arg;

	csn_free(b->report);
	b->report = NULL;
	bench_must(csn_attester_report(b->attester, nonce, sizeof(nonce),
	    &b->report, &b->len), "reporting");
}

static void
verify(void *arg)
{
	struct bench *b = arg;

	bench_must(csn_verifier_check(b->verifier, "bench", b->report, b->len,
	    0, CSN_VERIFY_ARCHIVED, NULL), "verifying");
}

static void
raw_sign(void *arg)
{
	struct bench *b = arg;

	raw_dsa_sign(b->report, b->len);
}

static void
raw_verify(void *arg)
{
	struct bench *b = arg;

	raw_dsa_verify(b->report, b->len);
}

static void
pair_up(const char *name, bench_fn ours, bench_fn reference,
    struct bench *b, const char *word, double target)
{
	struct bench_pair pair = { .ours = ours, .reference = reference,
	    .arg = b, .rounds = 31, .slice_ms = 30 };
	struct bench_result r = { .name = name, .unit = "us",
	    .reference = word, .target = target };
	struct bench_outcome o;

	bench_compare(&pair, &o);
	r.value = o.ours * 1e6;
	r.reference_value = o.reference * 1e6;
	r.ratio = o.ratio;
	bench_add(&r, "a report of %zu bytes; ratios %.2f to %.2f", b->len,
	    o.low, o.high);
}

/* What a verifier needs for b, and a report of it. */
static struct csn_trust *
trusting(struct bench *b)
{
	struct csn_verifier_options o = { .size = sizeof(o) };
	struct csn_trust_entry e = { .size = sizeof(e),
	    .purposes = CSN_PURPOSE_REPORT,
	    .key = csn_identity_sign_key(signer) };
	struct csn_trust *trust;

	bench_must(csn_trust_new(bench_ctx(), &trust), "making a store");
	bench_must(csn_trust_add(bench_ctx(), trust, &e), "trusting");
	o.trust = trust;
	bench_must(csn_verifier_new(bench_ctx(), &o, &b->verifier),
	    "making a verifier");
	measure(b);
	report(b);
	return trust;
}

static void
reports(void)
{
	struct csn_trust *trust;
	struct bench b;

	start(&b, CSN_MEASURE_TREE, NULL, 1);
	trust = trusting(&b);
	pair_up("attest.sign", report, raw_sign, &b,
	    "OpenSSL ML-DSA-65 signing", 0.9);
	raw_dsa_sign(b.report, b.len);
	pair_up("attest.verify", verify, raw_verify, &b,
	    "OpenSSL ML-DSA-65 verifying", 0.9);
	stop(&b);
	csn_trust_free(trust);
}

/* --- many regions in one report ------------------------------------------ */

static void
measure_and_report(void *arg)
{
	measure(arg);
	report(arg);
}

/* The same bytes, hashed and nothing else. */
static void
hash_each(void *arg)
{
	uint8_t out[CSN_HASH_SIZE];
	size_t i;

	(void)arg;
	for (i = 0; i < MANY; i++)
		bench_must(csn_sha3_256(bench_ctx(), memory + i * LEAF, SMALL,
		    out), "hashing");
}

/* How often it would fit into the time that there is for it. */
static void
within(const char *name, bench_fn ours, bench_fn hashing, struct bench *b)
{
	struct bench_pair pair = { .ours = ours, .reference = hashing,
	    .arg = b, .rounds = 15, .slice_ms = 30 };
	struct bench_result r = { .name = name, .unit = "ms",
	    .reference = "the time there is for it", .target = 1,
	    .reference_value = BUDGET * 1e3 };
	struct bench_outcome o = { 0 };
	double beyond;

	bench_compare(&pair, &o);
	beyond = o.ours - (hashing != NULL ? o.reference : 0);
	bench_need(beyond > 0, "measuring more than hashing");
	r.value = beyond * 1e3;
	r.ratio = BUDGET / beyond;
	bench_add(&r, "%d regions in a report of %zu bytes%s", MANY, b->len,
	    hashing != NULL ? ", measured and signed, less the hashing" :
	    "");
}

static void
many(void)
{
	struct csn_trust *trust;
	struct bench b;

	start(&b, CSN_MEASURE_TREE, NULL, MANY);
	trust = trusting(&b);
	within("attest.report.1000", measure_and_report, hash_each, &b);
	within("attest.sign.1000", report, NULL, &b);
	within("attest.verify.1000", verify, NULL, &b);
	stop(&b);
	csn_trust_free(trust);
}

int
main(int argc, char **argv)
{
	struct csn_identity_options o = { .size = sizeof(o),
	    .name = "attester" };
	struct csn_pool *pool;
	uint64_t state = 1;
	size_t i;

	bench_begin(argc, argv);
	raw_hash_start();
	bench_must(csn_identity_new(bench_ctx(), &o, &signer),
	    "making an identity");
	bench_must(csn_pool_new(bench_ctx(), 2, &pool), "making a pool");
	memory = bench_memory(SIZE);
	for (i = 0; i < SIZE; i += 8)
		*(uint64_t *)(void *)(memory + i) = bench_random(&state);
	full("attest.tree.1GiB.1core", CSN_MEASURE_TREE, NULL, 2.5);
	full("attest.tree.1GiB.2core", CSN_MEASURE_TREE, pool, 4.5);
	full("attest.flat.1GiB", CSN_MEASURE_FLAT, NULL, 0.97);
	again();
	reports();
	many();
	attest_evidence();
	bench_memory_free(memory, SIZE);
	csn_pool_free(pool);
	attest_tracked();
	csn_identity_free(signer);
	raw_hash_stop();
	return bench_end();
}
