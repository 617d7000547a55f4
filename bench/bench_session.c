/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_session.c - sessions and rotations, beside the sum of the raw
 * operations that they cannot do without.
 */
#include <string.h>

#include "bench.h"
#include "raw_pq.h"

#define TENANT "tenant-alice"

static struct csn_identity *server, *tenant;
static struct csn_trust *server_trusts, *tenant_trusts;
static struct csn_acceptor *acceptor;
static struct csn_session *rotating;

static struct csn_identity *
identity(const char *name, uint32_t purposes)
{
	struct csn_identity_options o = { .size = sizeof(o), .name = name,
	    .purposes = purposes };
	struct csn_identity *id;

	bench_must(csn_identity_new(bench_ctx(), &o, &id),
	    "making an identity");
	return id;
}

static struct csn_trust *
trust_in(const struct csn_identity *id, uint32_t purposes,
    const char *tenant_id)
{
	struct csn_trust_entry e = { .size = sizeof(e), .purposes = purposes,
	    .did = csn_identity_did(id), .label = csn_identity_name(id),
	    .tenant_id = tenant_id };
	struct csn_trust *trust;

	bench_must(csn_trust_new(bench_ctx(), &trust), "making a store");
	bench_must(csn_trust_add(bench_ctx(), trust, &e), "trusting");
	return trust;
}

static void
start(void)
{
	struct csn_acceptor_options o = { .size = sizeof(o),
	    .rate = 1000000, .tenant_rate = 100000000 };
	struct csn_session_options s = { .size = sizeof(s), .grace_ms = 1 };
	struct csn_tenant t = { sizeof(t), TENANT, NULL };

	raw_pq_start();
	server = identity("server", CSN_PURPOSE_SERVER);
	tenant = identity("tenant", CSN_PURPOSE_TENANT);
	server_trusts = trust_in(tenant, CSN_PURPOSE_TENANT, TENANT);
	tenant_trusts = trust_in(server, CSN_PURPOSE_SERVER, NULL);
	bench_must(csn_acceptor_new(bench_ctx(), server, server_trusts, &o,
	    &acceptor), "making an acceptor");
	bench_must(csn_session_local(bench_ctx(), &t, &s, &rotating),
	    "making a session");
}

static void
stop(void)
{
	csn_session_free(rotating);
	csn_acceptor_free(acceptor);
	csn_trust_free(server_trusts);
	csn_trust_free(tenant_trusts);
	csn_identity_free(server);
	csn_identity_free(tenant);
	raw_pq_stop();
}

static void
local(void *arg)
{
	struct csn_tenant t = { sizeof(t), TENANT, NULL };
	struct csn_session *s;

	(void)arg;
	bench_must(csn_session_local(bench_ctx(), &t, NULL, &s),
	    "making a session");
	csn_session_free(s);
}

static void
raw_local(void *arg)
{
	(void)arg;
	raw_kem_exchange();
}

/* Both ends, one after the other. */
static void
full(void *arg)
{
	struct csn_offer_options o = { .size = sizeof(o), .identity = tenant,
	    .server_did = csn_identity_did(server) };
	struct csn_session *here, *there;
	uint8_t *offer, *reply, *confirm;
	size_t offer_len, reply_len, confirm_len;
	struct csn_offer *state;
	struct csn_pending *pending;

	(void)arg;
	bench_must(csn_session_offer(bench_ctx(), &o, &state, &offer,
	    &offer_len), "offering");
	bench_must(csn_session_accept(acceptor, offer, offer_len, NULL,
	    &pending, &reply, &reply_len), "accepting");
	bench_must(csn_session_finish(state, tenant_trusts, reply, reply_len,
	    NULL, &here, &confirm, &confirm_len), "finishing");
	bench_must(csn_session_confirm(pending, confirm, confirm_len, NULL,
	    &there), "confirming");
	csn_offer_free(state);
	csn_pending_free(pending);
	csn_free(offer);
	csn_free(reply);
	csn_free(confirm);
	csn_session_free(here);
	csn_session_free(there);
}

static void
raw_full(void *arg)
{
	(void)arg;
	raw_kem_exchange();
	raw_dsa_round();
	raw_dsa_round();
}

static void
rotate(void *arg)
{
	(void)arg;
	bench_must(csn_session_rotate(rotating, 0), "rotating");
}

/* Root, ratchet, writer. */
static void
raw_rotate(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < 3; i++)
		raw_hkdf_expand();
}

static void
report(const char *name, const char *unit, const char *reference,
    double target, const struct bench_outcome *o)
{
	struct bench_result r = { .name = name, .value = 1 / o->ours,
	    .unit = unit, .reference = reference,
	    .reference_value = 1 / o->reference, .ratio = o->ratio,
	    .target = target };

	bench_add(&r, "%.1f us beside %.1f; ratios %.2f to %.2f",
	    o->ours * 1e6, o->reference * 1e6, o->low, o->high);
}

int
main(int argc, char **argv)
{
	struct bench_pair pair = { .rounds = 101 };
	struct bench_outcome o;

	bench_begin(argc, argv);
	start();
	pair.ours = local;
	pair.reference = raw_local;
	bench_compare(&pair, &o);
	report("session.local", "sessions/s",
	    "ML-KEM-768 keygen, parse, encaps, decaps", 0.8, &o);
	/*
	 * How often ML-DSA starts again on the way to a signature is chance:
	 * only many of them compare.
	 */
	pair.ours = full;
	pair.reference = raw_full;
	pair.slice_ms = 40;
	bench_compare(&pair, &o);
	report("session.full", "sessions/s",
	    "the same and two ML-DSA-65 signatures, verified", 0.8, &o);
	pair.ours = rotate;
	pair.reference = raw_rotate;
	pair.slice_ms = 1;
	bench_compare(&pair, &o);
	report("session.rotate", "rotations/s", "3 HKDF-Expand", 0, &o);
	stop();
	return bench_end();
}
