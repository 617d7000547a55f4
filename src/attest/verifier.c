/* SPDX-License-Identifier: Apache-2.0 */
/* attest/verifier.c - a report against trust, nonce, clock and policy. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "attest/verifier.h"
#include "base/alloc.h"
#include "base/fail.h"
#include "base/sized.h"
#include "base/text.h"
#include "evidence/result.h"
#include "identity/trust.h"
#include "platform/claim.h"

#define ROOM "attest"
#define MAX_CHALLENGES 65536
#define CHALLENGE_MS 60000
#define SKEW_MS 30000
#define MAX_MS (UINT64_C(366) * 86400 * 1000)

/* What platforms' evidence is verified with, beside what reports bring. */
static int
take_platform_options(struct csn_verifier *v,
    const struct csn_verifier_options *o)
{
	if (o->cache != NULL && (v->cache = csn_strdup(o->cache)) == NULL)
		return csn_nomem(v->ctx, ROOM, "a verifier");
	return o->endorsements == NULL ? 0 : csn_endorsements_load(v->ctx,
	    o->endorsements, &v->endorsements);
}

int
csn_verifier_new(struct csn_ctx *ctx,
    const struct csn_verifier_options *options, struct csn_verifier **out)
{
	struct csn_verifier_options o;
	struct csn_verifier *v;
	int rc;

	if (ctx == NULL || options == NULL || out == NULL)
		return csn_fail(ctx, CSN_E_ARG, ROOM,
		    "a verifier needs options and a place to go");
	if ((rc = CSN_TAKE(&o, options, csn_verifier_options, cache)) != 0)
		return rc;
	if (o.trust == NULL || o.challenge_ms > MAX_MS || o.skew_ms > MAX_MS)
		return csn_fail(ctx, CSN_E_ARG, ROOM, "a verifier needs a "
		    "trust store, and times of at most a year");
	if ((v = csn_calloc(1, sizeof(*v))) == NULL)
		return csn_nomem(ctx, ROOM, "a verifier");
	v->ctx = ctx;
	v->trust = o.trust;
	v->policy = o.policy;
	v->skew_ms = o.skew_ms != 0 ? o.skew_ms : SKEW_MS;
	if ((rc = take_platform_options(v, &o)) != 0 ||
	    (rc = csn_nonces_new(ctx, o.max_challenges != 0 ?
	    o.max_challenges : MAX_CHALLENGES, o.challenge_ms != 0 ?
	    o.challenge_ms : CHALLENGE_MS, &v->nonces)) != 0) {
		csn_endorsements_free(v->endorsements);
		free(v->cache);
		free(v);
		return rc;
	}
	pthread_mutex_init(&v->lock, NULL);
	*out = v;
	return 0;
}

void
csn_verifier_free(struct csn_verifier *v)
{
	if (v == NULL)
		return;
	pthread_mutex_destroy(&v->lock);
	csn_nonces_free(v->nonces);
	csn_endorsements_free(v->endorsements);
	free(v->cache);
	free(v);
}

int
csn_verifier_challenge(struct csn_verifier *v, uint8_t nonce[32])
{
	int rc;

	if (v == NULL || nonce == NULL)
		return csn_fail(NULL, CSN_E_ARG, ROOM,
		    "a challenge needs a verifier and a place to go");
	pthread_mutex_lock(&v->lock);
	rc = csn_nonces_issue(v->nonces, csn_ctx_boot_ms(v->ctx), nonce);
	pthread_mutex_unlock(&v->lock);
	return rc;
}

int
csn_verifier_expect(struct csn_verifier *v, const uint8_t *nonce, size_t len)
{
	int rc;

	if (v == NULL || nonce == NULL)
		return csn_fail(v == NULL ? NULL : v->ctx, CSN_E_ARG, ROOM,
		    "expecting a nonce needs a verifier and the nonce");
	pthread_mutex_lock(&v->lock);
	rc = csn_nonces_add(v->nonces, csn_ctx_boot_ms(v->ctx), nonce, len);
	pthread_mutex_unlock(&v->lock);
	return rc;
}

/* --- one run ------------------------------------------------------------ */

/*
 * The key that must have signed, from the trust store. Whom the report says
 * that it is from has to be that key's holder, by each of its three names.
 */
static int
find_signer(struct csn_check_run *run, const struct csn_trust_entry **entry)
{
	const struct csn_report *r = run->report;
	uint8_t ueid[CSN_UEID_SIZE];
	char alias[CSN_ALIAS_SIZE];
	int rc;

	if ((rc = csn_trust_find_at(run->ctx, run->v->trust, r->cose.kid,
	    r->cose.kid_len, CSN_PURPOSE_REPORT, run->at_ms, entry)) != 0 ||
	    (rc = csn_did_alias(run->ctx, (*entry)->key, alias,
	    sizeof(alias))) != 0 ||
	    (rc = csn_report_ueid(run->ctx, (*entry)->key, ueid)) != 0)
		return rc;
	if (r->iss.len != strlen(alias) ||
	    !csn_equal(r->iss.p, alias, r->iss.len) ||
	    r->cose.kid_len != strlen(alias) ||
	    !csn_equal(r->cose.kid, alias, r->cose.kid_len) ||
	    !csn_equal(r->ueid, ueid, sizeof(ueid)))
		return csn_fail(run->ctx, CSN_E_SIGNER, ROOM, "the report "
		    "names another signer than %s, whose it has to be",
		    alias);
	return 0;
}

static int
check_workload(struct csn_check_run *run)
{
	const struct csn_view *w = &run->report->workload;

	if (w->len == strlen(run->workload) &&
	    csn_equal(w->p, run->workload, w->len))
		return 0;
	return csn_fail(run->ctx, CSN_E_POLICY, ROOM, "the report is about "
	    "the workload %.*s, not %s", (int)w->len, w->p, run->workload);
}

static void
check_policy(struct csn_check_run *run)
{
	const struct csn_policy *p = run->v->policy;

	if (p == NULL)
		csn_check_skip(run, "policy", "no policy was given");
	else if (strcmp(p->workload, run->workload) == 0)
		csn_check_note(run, "policy", 0);
	else
		csn_check_note(run, "policy", csn_fail(run->ctx,
		    CSN_E_POLICY, ROOM, "the policy is for the workload %s, "
		    "not %s", p->workload, run->workload));
}

static void
check_nonce(struct csn_check_run *run)
{
	const struct csn_report *r = run->report;
	int rc;

	if ((run->flags & CSN_VERIFY_ARCHIVED) != 0) {
		csn_check_skip(run, "nonce",
		    "no nonce was asked for: nothing proves freshness");
		return;
	}
	if (r->nonce == NULL) {
		rc = csn_fail(run->ctx, CSN_E_REPLAY, ROOM,
		    "the report answers no nonce: nothing proves that it is "
		    "new");
	} else {
		pthread_mutex_lock(&run->v->lock);
		rc = csn_nonces_use(run->v->nonces,
		    csn_ctx_boot_ms(run->ctx), r->nonce, r->nonce_len);
		pthread_mutex_unlock(&run->v->lock);
	}
	csn_check_note(run, "nonce", rc);
}

static int
check_issued(struct csn_check_run *run)
{
	char when[CSN_TIME_TEXT_SIZE];

	if (run->report->issued_ms <= run->at_ms + run->v->skew_ms)
		return 0;
	csn_time_format(run->report->issued_ms, when);
	return csn_fail(run->ctx, CSN_E_POLICY, ROOM,
	    "the report is not valid yet: it was issued at %s", when);
}

static int
check_expiry(struct csn_check_run *run)
{
	char when[CSN_TIME_TEXT_SIZE];

	if (run->at_ms < run->report->expires_ms + run->v->skew_ms)
		return 0;
	csn_time_format(run->report->expires_ms, when);
	return csn_fail(run->ctx, CSN_E_EXPIRED, ROOM,
	    "the report expired at %s", when);
}

/* When the memory was read, and whether all of it. */
static int
check_measured(struct csn_check_run *run)
{
	const struct csn_policy *p = run->v->policy;
	const struct csn_report *r = run->report;
	const struct csn_report_region *g;
	uint64_t age;
	size_t i;

	for (i = 0; i < r->nregions; i++) {
		g = &r->regions[i];
		/* Issued in whole seconds, measured in milliseconds. */
		if (g->taken_ms > r->issued_ms + 999)
			return csn_fail(run->ctx, CSN_E_POLICY, ROOM,
			    "region %.*s was measured after the report was "
			    "issued", (int)g->id.len, g->id.p);
		age = run->at_ms > g->taken_ms ? run->at_ms - g->taken_ms : 0;
		if (p != NULL && p->max_age_ms != 0 &&
		    age > p->max_age_ms + run->v->skew_ms)
			return csn_fail(run->ctx, CSN_E_POLICY, ROOM,
			    "region %.*s was measured %llu s ago, the policy "
			    "allows %llu", (int)g->id.len, g->id.p,
			    (unsigned long long)(age / 1000),
			    (unsigned long long)(p->max_age_ms / 1000));
	}
	if (p != NULL && p->full && !r->full)
		return csn_fail(run->ctx, CSN_E_POLICY, ROOM, "only what was "
		    "said to have changed was read, and the policy asks for "
		    "a full measurement");
	return 0;
}

/* What a signed report is checked for. */
static void
check_signed(struct csn_check_run *run, const struct csn_sign_key *key)
{
	csn_check_note(run, "workload", check_workload(run));
	check_policy(run);
	check_nonce(run);
	csn_check_note(run, "issued", check_issued(run));
	csn_check_note(run, "expiry", check_expiry(run));
	csn_check_note(run, "measured", check_measured(run));
	csn_check_platforms(run, key);
	csn_check_regions(run);
}

/* What was not looked at since the report is nobody's. */
static void
skip_from(struct csn_check_run *run, const char *first, const char *why)
{
	static const char *const names[] = {
		"signer", "signature", "workload", "policy", "nonce",
		"issued", "expiry", "measured", "platform", "regions"
	};
	size_t i;
	int on = 0;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		on |= strcmp(names[i], first) == 0;
		if (on)
			csn_check_skip(run, names[i], why);
	}
}

static void
check_report(struct csn_check_run *run)
{
	const struct csn_trust_entry *entry = NULL;
	int rc;

	rc = find_signer(run, &entry);
	csn_check_note(run, "signer", rc);
	if (rc != 0) {
		skip_from(run, "signature", "nobody who is trusted signed");
	} else {
		rc = csn_cose_check(run->ctx, entry->key, CSN_REPORT_TYP,
		    &run->report->cose);
		csn_check_note(run, "signature", rc);
		if (rc == 0)
			check_signed(run, entry->key);
		else
			skip_from(run, "workload",
			    "the signature does not verify");
	}
	csn_trust_release(run->v->trust, entry);
}

/* --- platforms ---------------------------------------------------------- */

static int
has_evidence(const struct csn_report *r, const char *platform)
{
	size_t i;

	for (i = 0; i < r->nevidence; i++)
		if (r->evidence[i].platform.len == strlen(platform) &&
		    csn_equal(r->evidence[i].platform.p, platform,
		    strlen(platform)))
			return 1;
	return 0;
}

/* Each platform that the policy has rules for is one that must be proven. */
static void
check_missing(struct csn_check_run *run)
{
	char name[16 + CSN_PLATFORM_NAME_MAX];
	const char *platform;
	json_t *rules;

	if (run->v->policy == NULL)
		return;
	json_object_foreach(run->v->policy->platform, platform, rules) {
		if (has_evidence(run->report, platform))
			continue;
		(void)snprintf(name, sizeof(name), "platform %.*s",
		    CSN_PLATFORM_NAME_MAX, platform);
		csn_check_note(run, name, csn_fail(run->ctx, CSN_E_POLICY,
		    ROOM, "the policy asks for evidence of %s, and the "
		    "report has none", platform));
	}
}

void
csn_check_platforms(struct csn_check_run *run,
    const struct csn_sign_key *key)
{
	const json_t *rules = run->v->policy == NULL ? NULL :
	    run->v->policy->platform;
	uint8_t body[CSN_HASH_SIZE], data[CSN_REPORT_DATA_SIZE];
	char name[CSN_PLATFORM_NAME_MAX + 1] = { 0 };
	const struct csn_report *r = run->report;
	struct csn_platform_claim claim;
	size_t i;
	int rc;

	check_missing(run);
	if (r->nevidence == 0) {
		if (rules == NULL)
			csn_check_skip(run, "platform",
			    "the report carries no platform's evidence");
		return;
	}
	if ((rc = csn_report_body_hash(run->ctx, r, body)) != 0 ||
	    (rc = csn_report_data(run->ctx, r->nonce, r->nonce_len, key, body,
	    data)) != 0) {
		run->rc = run->rc != 0 ? run->rc : rc;
		return;
	}
	for (i = 0; i < r->nevidence && run->rc == 0; i++) {
		memset(name, 0, sizeof(name));
		memcpy(name, r->evidence[i].platform.p,
		    r->evidence[i].platform.len);
		memset(&claim, 0, sizeof(claim));
		claim.platform = name;
		claim.evidence = r->evidence[i].p;
		claim.len = r->evidence[i].len;
		claim.certs = r->evidence[i].certs;
		claim.certs_len = r->evidence[i].certs_len;
		claim.report_data = data;
		claim.at_ms = run->at_ms;
		if ((run->flags & CSN_VERIFY_COLLATERAL) != 0)
			claim.require |= CSN_REQUIRE_COLLATERAL;
		if ((run->flags & CSN_VERIFY_CRL) != 0)
			claim.require |= CSN_REQUIRE_CRL;
		claim.rules = rules;
		claim.own = run->v->endorsements;
		claim.cache = run->v->cache;
		run->rc = csn_platform_check(run->ctx, &claim, run->result);
	}
}

/* --- the whole ---------------------------------------------------------- */

int
csn_verifier_check(struct csn_verifier *v, const char *workload,
    const uint8_t *report, size_t len, uint64_t at_ms, unsigned flags,
    struct csn_result *result)
{
	struct csn_check_run run = { .v = v, .flags = flags };
	struct csn_result *own = NULL;
	struct csn_report parsed;
	size_t first;
	int rc;

	if (v == NULL || workload == NULL || (report == NULL && len != 0) ||
	    (flags & ~(CSN_VERIFY_LENIENT | CSN_VERIFY_ARCHIVED |
	    CSN_VERIFY_COLLATERAL | CSN_VERIFY_CRL)) != 0)
		return csn_fail(v == NULL ? NULL : v->ctx, CSN_E_ARG, ROOM,
		    "verifying needs a workload id, a report and flags that "
		    "there are");
	if (result == NULL && (rc = csn_result_new(v->ctx, &own)) != 0)
		return rc;
	run.ctx = v->ctx;
	run.result = result != NULL ? result : own;
	run.workload = workload;
	run.at_ms = at_ms != 0 ? at_ms : csn_ctx_wall_ms(v->ctx);
	first = csn_result_count(run.result);
	rc = csn_report_parse(v->ctx, report, len, &parsed);
	/* Running out of memory says nothing about the report. */
	if (rc == CSN_E_NOMEM)
		goto out;
	csn_check_note(&run, "form", rc);
	if (rc == 0) {
		run.report = &parsed;
		check_report(&run);
		csn_report_free(&parsed);
	} else {
		skip_from(&run, "signer", "it could not be read");
	}
	rc = run.rc != 0 ? run.rc : csn_result_conclude(run.ctx,
	    run.result, first, ROOM, "the report");
out:
	csn_result_free(own);
	return rc;
}
