/* SPDX-License-Identifier: Apache-2.0 */
/*
 * examples/attest_continuous.c - a report every 50 ms, for ten rounds.
 *
 * The workload says which bytes it writes, so most rounds hash only those;
 * every fourth hashes everything and finds what nobody told of. The program
 * ends by itself, with 0 where everything was as it says.
 */
#include <stdio.h>
#include <string.h>

#include <caisson/advanced.h>
#include <caisson/caisson.h>

#define WORKLOAD "model-serving-1"
#define SIZE (64u * 65536)

static uint8_t cache[SIZE];

struct all {
	struct csn_ctx *ctx;
	struct csn_identity *identity;
	struct csn_trust *trust;
	struct csn_regions *regions;
	struct csn_attester *attester;
	struct csn_verifier *verifier;
	struct csn_watch *loop;
	int bad;
};

/* The verifier's nonce for the next report. */
static int
challenge(void *arg, uint8_t nonce[CSN_NONCE_MAX], size_t *len)
{
	struct all *a = arg;

	*len = 32;
	return csn_verifier_challenge(a->verifier, nonce);
}

/* What the workload does between two rounds. */
static int
work(struct all *a, uint64_t round)
{
	if (round == 3) {	/* as it should: it says what it writes */
		cache[5 * 65536] ^= 1;
		return csn_regions_touch_buffer(a->regions, "cache",
		    5 * 65536, 1);
	}
	if (round == 6)		/* and behind everybody's back */
		cache[9 * 65536] ^= 1;
	return 0;
}

static int
beat(void *arg, const struct csn_beat *b)
{
	struct all *a = arg;
	int rc;

	if (b->code != 0) {
		printf("round %2llu: %s\n", (unsigned long long)b->round,
		    csn_error_name(b->code));
		return b->code;
	}
	rc = csn_verifier_check(a->verifier, WORKLOAD, b->report, b->len, 0,
	    0, NULL);
	printf("round %2llu: %4llu KiB hashed of %llu%s, %s%s%s\n",
	    (unsigned long long)b->round,
	    (unsigned long long)(b->hashed >> 10),
	    (unsigned long long)(b->total >> 10), b->full ? " (all)" : "",
	    rc == 0 ? "verified" : csn_error_name(rc),
	    b->nchanged > 0 ? ", changed: " : "",
	    b->nchanged > 0 ? b->changed[0] : "");
	/* Told in round 3, seen in 4; untold in 6, seen in the full 9. */
	a->bad |= rc != 0 || (b->nchanged > 0) !=
	    (b->round == 1 || b->round == 4 || b->round == 9);
	a->bad |= b->round == 4 && b->hashed != 65536;
	return work(a, b->round);
}

static int
start(struct all *a)
{
	struct csn_identity_options who = {
		.size = sizeof(who), .name = "attester",
	};
	struct csn_attester_options o = {
		.size = sizeof(o), .workload = WORKLOAD, .full_every = 4,
	};
	struct csn_region r = {
		.size_of = sizeof(r), .id = "cache", .description = "",
		.address = 0x1000000, .size = SIZE, .protection = CSN_PROT_RW,
	};
	struct csn_watch_options c = {
		.size = sizeof(c), .interval_ms = 50, .jitter_percent = 20,
		.rounds = 10, .max_failures = 3, .challenge = challenge,
		.beat = beat, .arg = a,
	};
	struct csn_trust_entry trusted = {
		.size = sizeof(trusted), .purposes = CSN_PURPOSE_REPORT,
	};
	struct csn_verifier_options v = { .size = sizeof(v) };
	int rc;

	if ((rc = csn_identity_new(a->ctx, &who, &a->identity)) != 0 ||
	    (rc = csn_regions_open(a->ctx, "buffer:", &a->regions)) != 0 ||
	    (rc = csn_regions_add_buffer(a->regions, &r, cache)) != 0 ||
	    /* Of no bytes: from now on the workload tells what it writes. */
	    (rc = csn_regions_touch_buffer(a->regions, "cache", 0, 0)) != 0)
		return rc;
	o.identity = a->identity;
	trusted.key = csn_identity_sign_key(a->identity);
	if ((rc = csn_attester_new(a->ctx, a->regions, &o,
	    &a->attester)) != 0 ||
	    (rc = csn_trust_new(a->ctx, &a->trust)) != 0 ||
	    (rc = csn_trust_add(a->ctx, a->trust, &trusted)) != 0)
		return rc;
	v.trust = a->trust;
	if ((rc = csn_verifier_new(a->ctx, &v, &a->verifier)) != 0)
		return rc;
	return csn_watch_new(a->ctx, a->attester, &c, &a->loop);
}

int
main(void)
{
	struct all a = { 0 };
	int rc;

	if ((rc = csn_ctx_new(NULL, &a.ctx)) == 0 && (rc = start(&a)) == 0)
		rc = csn_watch_run(a.loop);
	if (rc != 0)
		fprintf(stderr, "failed: %s (%s)\n", csn_message(),
		    csn_error_name(rc));
	csn_watch_free(a.loop);
	csn_verifier_free(a.verifier);
	csn_attester_free(a.attester);
	csn_regions_close(a.regions);
	csn_trust_free(a.trust);
	csn_identity_free(a.identity);
	csn_ctx_free(a.ctx);
	return rc != 0 || a.bad;
}
