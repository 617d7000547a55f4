/* SPDX-License-Identifier: Apache-2.0 */
/* caisson/attest.h - what a workload's memory holds, signed and checked. */
#ifndef CAISSON_ATTEST_H
#define CAISSON_ATTEST_H

#include <caisson/evidence.h>
#include <caisson/identity.h>
#include <caisson/tree.h>
#include <caisson/region.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- the attester ------------------------------------------------------ */

/*
 * An attester measures the regions of one workload through a provider and
 * signs what it found: a report, which is deterministic CBOR in COSE_Sign1
 * with the attester's ML-DSA key (typ CSN_REPORT_TYP; docs/wire/report.md
 * has every byte). One thread at a time.
 */
struct csn_attester;

#define CSN_REPORT_TYP "application/caisson-report+cwt"
#define CSN_REPORT_MAX (64u << 20)	/* bytes */
#define CSN_WORKLOAD_MAX 128
#define CSN_NONCE_MIN 16
#define CSN_NONCE_MAX 64

enum csn_measure {
	CSN_MEASURE_TREE = 1,	/* the tree's root; the default */
	CSN_MEASURE_FLAT = 2,	/* SHA3-256 of the exact bytes */
	CSN_MEASURE_BOTH = 3
};

struct csn_attester_options {
	uint32_t size;
	uint32_t measure;	/* enum csn_measure; 0 for the tree */
	uint32_t leaf;		/* bytes; 0 for CSN_TREE_LEAF */
	uint32_t leaves;	/* 1: the report carries the leaf hashes, so
				   that drift names byte ranges */
	uint32_t full_every;	/* each how many-th round rehashes everything
				   where dirty ranges are used; 0 for 10, 1
				   for always */
	uint32_t reserved;
	uint64_t lifetime_ms;	/* of a report; 0 for 300,000 */
	const char *workload;	/* workload id, 1 to 128 bytes of UTF-8 */
	const struct csn_identity *identity;	/* signs; outlives it; NULL
						   where it only measures */
	struct csn_pool *pool;	/* NULL for the caller's thread alone */
	/*
	 * Asked every few MiB, in the thread that measures. Not 0 calls the
	 * measurement off: what was held is let go, and it is CSN_E_CANCELLED.
	 * NULL: nobody does.
	 */
	int (*cancelled)(void *arg);
	void *cancelled_arg;
};

/** regions outlives the attester. CSN_E_ARG, CSN_E_NOMEM. */
CSN_API CSN_MUST_CHECK int csn_attester_new(struct csn_ctx *ctx,
    struct csn_regions *regions, const struct csn_attester_options *options,
    struct csn_attester **out);
CSN_API void csn_attester_free(struct csn_attester *a);

/*
 * Evidence of one more platform for each report, beside the provider's own:
 * a function that gets the report-data and gives the evidence and perhaps
 * certificates, both csn_free's.
 */
typedef int (*csn_evidence_fn)(void *arg, const uint8_t report_data[64],
    uint8_t **out, size_t *len, uint8_t **certs, size_t *certs_len);
/** platform is 1 to 32 of a-z, 0-9 and '-'; CSN_E_LIMIT past 7 of them. */
CSN_API CSN_MUST_CHECK int csn_attester_add_evidence(struct csn_attester *a,
    const char *platform, csn_evidence_fn fn, void *arg);

struct csn_snapshot {
	uint32_t size_of;	/* sizeof(struct csn_snapshot), by the caller */
	uint32_t measure;	/* which of the two below are there */
	const char *region;	/* its id */
	const char *description;
	uint64_t address;
	uint64_t size;
	uint64_t taken_ms;	/* Unix */
	uint32_t protection;
	uint32_t leaf;		/* bytes, where there is a tree */
	uint32_t changed;	/* 1: other than the measurement before */
	uint32_t immutable;
	uint8_t tree[CSN_HASH_SIZE];
	uint8_t flat[CSN_HASH_SIZE];
};

/**
 * Measure every region now. incremental 1 rehashes only what the provider
 * says was written since the last time, but everything in each
 * full_every-th round: what tracking missed is found there. CSN_E_REGION,
 * CSN_E_BACKEND, CSN_E_NOMEM, CSN_E_IO, CSN_E_CANCELLED where it was called
 * off (csn_attester_options), and what else a provider returns; after an
 * error there is nothing to report until a measurement succeeds,
 * which then is a full one.
 */
CSN_API CSN_MUST_CHECK int csn_attester_measure(struct csn_attester *a,
    int incremental);
CSN_API size_t csn_attester_count(const struct csn_attester *a);
/** The i-th region's last snapshot; strings are the attester's own. */
CSN_API CSN_MUST_CHECK int csn_attester_snapshot(
    const struct csn_attester *a, size_t i, struct csn_snapshot *out);
/** The i-th region's leaf hashes, *n times 32 bytes; NULL without a tree. */
CSN_API const uint8_t *csn_attester_leaves(const struct csn_attester *a,
    size_t i, size_t *n);
/** Bytes that the last measurement hashed, and of how many in all. */
CSN_API void csn_attester_work(const struct csn_attester *a,
    uint64_t *hashed, uint64_t *total);
/** 1 where the last measurement read everything anew. */
CSN_API int csn_attester_was_full(const struct csn_attester *a);

/**
 * A signed report of the last measurement; csn_free. nonce is the verifier's
 * (16 to 64 bytes), or NULL for a report that proves no freshness. Where a
 * platform gives evidence, its report-data is SHA3-256 over label, nonce,
 * signing key and body of the report, then zeros, and the evidence goes into
 * the report. CSN_E_ARG without a measurement or an identity, CSN_E_LIMIT
 * past CSN_REPORT_MAX, CSN_E_BACKEND from the platform.
 */
CSN_API CSN_MUST_CHECK int csn_attester_report(struct csn_attester *a,
    const uint8_t *nonce, size_t nonce_len, uint8_t **out, size_t *len);

/**
 * A view of a report for people, not verified; csn_free. A region's size past
 * 2^63 - 1, which no memory has and anybody may sign, is text in decimal.
 */
CSN_API CSN_MUST_CHECK int csn_report_json(struct csn_ctx *ctx,
    const uint8_t *report, size_t len, char **json);

/* --- the verifier ------------------------------------------------------ */

/*
 * A policy: reference values and limits, from a JSON file (docs/POLICY.md).
 * They are the verifier's own; nothing of them is taken from a report.
 * Immutable once loaded.
 */
struct csn_policy;

/**
 * Files that the policy names are read now, relative to the policy's folder.
 * CSN_E_FORM, CSN_E_VERSION, CSN_E_LIMIT and CSN_E_NOT_FOUND name the member
 * that is wrong; CSN_E_POLICY where somebody else could have written the
 * policy or its leaf hashes (csn_file_check()).
 */
CSN_API CSN_MUST_CHECK int csn_policy_load(struct csn_ctx *ctx,
    const char *path, struct csn_policy **out);
/** The same from text; folder NULL where no file may be named. */
CSN_API CSN_MUST_CHECK int csn_policy_parse(struct csn_ctx *ctx,
    const char *json, size_t len, const char *folder,
    struct csn_policy **out);
/**
 * The policy that a report's own content fulfils, as JSON; csn_free. It is
 * for whoever has verified the signature and knows by other means that this
 * state is good: a report is no reference for itself. Where folder is not
 * NULL, leaf hashes that the report carries are put there, a file for each
 * region, and the policy names them; it has to lie beside that folder.
 * CSN_E_FORM and the other errors of a report, CSN_E_IO.
 */
CSN_API CSN_MUST_CHECK int csn_policy_from_report(struct csn_ctx *ctx,
    const uint8_t *report, size_t len, const char *folder, char **json);
CSN_API const char *csn_policy_workload(const struct csn_policy *policy);
CSN_API void csn_policy_free(struct csn_policy *policy);

/* A verifier: trusts, remembers the nonces that it gave out. Thread-safe. */
struct csn_verifier;

struct csn_verifier_options {
	uint32_t size;
	uint32_t max_challenges; /* given out at a time; 0 for 65,536 */
	uint64_t challenge_ms;	/* a nonce's time; 0 for 60,000 */
	uint64_t skew_ms;	/* allowed between the clocks; 0 for 30,000 */
	struct csn_trust *trust;	/* signers; outlives it */
	const struct csn_policy *policy; /* outlives it; NULL: no region is
					    checked against anything */
	/*
	 * What platforms' evidence is verified with beside what reports
	 * bring: a file, or a folder of files, of certificates, CRLs,
	 * certificate tables and TDX collateral (docs/PLATFORM.md), read
	 * once. NULL for none.
	 */
	const char *endorsements;
	const char *cache;	/* as that of csn_platform_options, or NULL */
};

/** Also what is wrong with endorsements: CSN_E_FORM, CSN_E_IO, … */
CSN_API CSN_MUST_CHECK int csn_verifier_new(struct csn_ctx *ctx,
    const struct csn_verifier_options *options, struct csn_verifier **out);
CSN_API void csn_verifier_free(struct csn_verifier *v);

/**
 * A fresh nonce of 32 bytes, remembered until its time is over. CSN_E_RATE
 * where max_challenges were given out and none is over yet; CSN_E_RANDOM.
 */
CSN_API CSN_MUST_CHECK int csn_verifier_challenge(struct csn_verifier *v,
    uint8_t nonce[32]);

/**
 * Remember a nonce that the caller made and kept by itself (16 to 64 bytes),
 * as if it had been given out now. CSN_E_EXISTS where it is known already,
 * used or not; CSN_E_RATE as above; CSN_E_ARG.
 */
CSN_API CSN_MUST_CHECK int csn_verifier_expect(struct csn_verifier *v,
    const uint8_t *nonce, size_t len);

#define CSN_VERIFY_LENIENT 1u	/* drift is reported and does not fail */
#define CSN_VERIFY_ARCHIVED 2u	/* no nonce of ours is asked for */
/* Platforms' evidence fails without these (CSN_REQUIRE_COLLATERAL, _CRL). */
#define CSN_VERIFY_COLLATERAL 4u
#define CSN_VERIFY_CRL 8u

/**
 * Verify a report of that workload at at_ms (Unix; 0 for now). result, which
 * may be NULL, gets each check by name: "form", "signer", "signature",
 * "workload", "policy", "nonce", "issued", "expiry", "measured",
 * "platform …", and "region ID" for each region of policy and report. What
 * cannot be checked is listed as skipped, and so is everything behind a
 * signature that does not verify. Returns 0 or the first failed check's
 * code: CSN_E_FORM, CSN_E_VERSION, CSN_E_SIGNER, CSN_E_ALGORITHM,
 * CSN_E_SIGNATURE, CSN_E_POLICY (another workload or purpose, issued in the
 * future, too old), CSN_E_REPLAY (a nonce that is not ours, or was used),
 * CSN_E_EXPIRED, CSN_E_DRIFT. A nonce is used up by the first report with a
 * good signature that carries it, whatever else comes of that report.
 */
CSN_API CSN_MUST_CHECK int csn_verifier_check(struct csn_verifier *v,
    const char *workload, const uint8_t *report, size_t len, uint64_t at_ms,
    unsigned flags, struct csn_result *result);

/* --- again and again --------------------------------------------------- */

/* What one round of a watch came to. */
struct csn_beat {
	uint32_t size;
	int code;		/* 0, or what failed: then no report, and
				   what was measured is told even so */
	uint64_t round;		/* from 1; failed rounds count too */
	const uint8_t *report;	/* NULL without an identity */
	size_t len;
	uint64_t hashed;	/* bytes, of */
	uint64_t total;
	const char *const *changed; /* ids of regions that differ from the
				       last measurement that succeeded */
	size_t nchanged;
	uint64_t missed;	/* beats left out so far, in all */
	uint32_t failures;	/* failed rounds in a row, this one too */
	int full;		/* 1: everything was read anew */
};

struct csn_watch_options {
	uint32_t size;
	uint32_t jitter_percent; /* of the interval, added at random: 0 to
				    100 */
	uint64_t interval_ms;	/* between beats; not 0 */
	uint64_t rounds;	/* good ones until it ends; 0 for no end */
	uint64_t backoff_max_ms; /* the longest wait after failures, which
				    doubles from interval_ms; 0 for 60,000 or
				    the interval, whichever is more */
	uint32_t max_failures;	/* in a row until it ends; 0 for no end */
	uint32_t reserved;
	/* The verifier's nonce for a round, asked for before memory is read;
	   NULL: reports without one. */
	int (*challenge)(void *arg, uint8_t nonce[CSN_NONCE_MAX],
	    size_t *len);
	/* Each round. Not 0 ends the run, which returns it. */
	int (*beat)(void *arg, const struct csn_beat *beat);
	void *arg;
	const char *output;	/* csn_report_deliver()'s URL, or NULL */
};

struct csn_watch;

/** attester outlives it, and is its alone while it runs. CSN_E_ARG. */
CSN_API CSN_MUST_CHECK int csn_watch_new(struct csn_ctx *ctx,
    struct csn_attester *attester,
    const struct csn_watch_options *options,
    struct csn_watch **out);
/**
 * Run in the calling thread until the rounds are done, it is stopped (0; a
 * stop from before it began counts too, and one stop ends one run), beat
 * returns non-zero, or max_failures is reached: then the last failure's
 * code. A beat that comes while a round is still running, or while it backs
 * off, is missed and counted.
 */
CSN_API CSN_MUST_CHECK int csn_watch_run(struct csn_watch *c);
/** End the run at its next step; from any thread, or a signal handler. */
CSN_API void csn_watch_stop(struct csn_watch *c);
CSN_API void csn_watch_free(struct csn_watch *c);

/**
 * Put a report where others find it: "file:PATH" replaces that file
 * atomically; "unix:PATH" connects to that stream socket, writes the report
 * and closes; "http://…" and "https://…" POST it, and a 2xx answer is asked
 * for. Behind a '#' there may be ca=FILE, token-file=FILE (a bearer token,
 * sent over https alone where the server is another machine), timeout=MS (of
 * one try, 5,000) and tries=N (3, with waits of 200 ms, 400 ms, …).
 * CSN_E_IO; CSN_E_BACKEND, CSN_E_RATE for a server that does not take it;
 * CSN_E_UNKNOWN_BACKEND without libcurl; CSN_E_ARG for another URL.
 */
CSN_API CSN_MUST_CHECK int csn_report_deliver(struct csn_ctx *ctx,
    const char *url, const uint8_t *report, size_t len);

/**
 * Put a nonce (16 to 64 bytes) to an attester that answers challenges over
 * HTTP (docs/wire/challenge.md) at url, where "unix:PATH" is HTTP over that
 * socket, with options as above (timeout 600,000 of at most 86,400,000, for
 * it measures first and is silent meanwhile; tries 1), and wait for its
 * report; csn_free. Nothing of it is verified: csn_verifier_check() does
 * that. The errors of the former; CSN_E_CANCELLED where the context is stopped.
 */
CSN_API CSN_MUST_CHECK int csn_report_ask(struct csn_ctx *ctx,
    const char *url, const uint8_t *nonce, size_t nonce_len, uint8_t **out,
    size_t *len);

#ifdef __cplusplus
}
#endif

#endif
