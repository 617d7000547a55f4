/* SPDX-License-Identifier: Apache-2.0 */
/* test_offers.c - which offers were answered before, and whose they are. */
#include "identity/people.h"
#include "lib/test.h"
#include "session/handshake.h"
#include "session/pair.h"

static struct pair p;

/* Answer an offer; whatever comes of it is dropped. */
static int
accept_once(const uint8_t *offer, size_t len, const struct csn_tenant *by)
{
	struct csn_pending *pending;
	uint8_t *reply;
	size_t n;
	int rc;

	if ((rc = csn_session_accept(p.acceptor, offer, len, by, &pending,
	    &reply, &n)) == 0) {
		csn_free(reply);
		csn_pending_free(pending);
	}
	return rc;
}

/* Another's offer as one's own: all that can be copied, and a signature. */
static void
copy_offer(const struct messages *m, const struct csn_identity *id,
    struct csn_out *out)
{
	uint8_t sig[CSN_SIGN_MAX_SIGNATURE];
	const struct csn_sign_key *key;
	struct csn_offer_msg copy;

	assert_int_equal(csn_offer_read(p.tenant_ctx, m->offer, m->offer_len,
	    &copy), 0);
	copy.flags = 0;
	copy.tenant_len = 0;
	if (id != NULL) {
		copy.flags = CSN_HANDSHAKE_SIGNED;
		copy.tenant = (const uint8_t *)csn_identity_alias(id);
		copy.tenant_len = strlen(csn_identity_alias(id));
	}
	csn_out_init(out);
	csn_offer_write(out, &copy);
	if (id != NULL) {
		key = csn_identity_sign_key(id);
		assert_int_equal(csn_sign(p.tenant_ctx, key,
		    (const uint8_t *)CSN_OFFER_CONTEXT,
		    sizeof(CSN_OFFER_CONTEXT) - 1, out->p, out->len, sig,
		    sizeof(sig)), 0);
		csn_put_bytes16(out, sig,
		    csn_sign_signature_size(csn_sign_of(key)));
	}
	assert_true(csn_out_ok(out));
}

TEST(a_copied_nonce_holds_up_nobody_else)
{
	const struct csn_tenant mallory = { .size = sizeof(mallory),
	    .id = "mallory" };
	struct csn_tenant other = { .size = sizeof(other) };
	struct csn_out signed_, bare;
	struct messages m;

	people_trust(p.server_ctx, p.server_trusts, p.stranger,
	    CSN_PURPOSE_TENANT);
	/* A name that looks like the DID of who made it. */
	other.id = csn_identity_alias(p.tenant);
	if (strlen(other.id) > CSN_TENANT_ID_MAX)
		other.id += strlen(other.id) - CSN_TENANT_ID_MAX;
	pair_offer(&p, &m, p.tenant, 0, 0);
	copy_offer(&m, p.stranger, &signed_);
	copy_offer(&m, NULL, &bare);
	assert_int_equal(accept_once(signed_.p, signed_.len, NULL), 0);
	assert_int_equal(accept_once(bare.p, bare.len, &mallory), 0);
	assert_int_equal(accept_once(bare.p, bare.len, &other), 0);
	assert_int_equal(accept_once(m.offer, m.offer_len, NULL), 0);
	/* Nobody's own passes twice. */
	assert_int_equal(accept_once(signed_.p, signed_.len, NULL),
	    CSN_E_REPLAY);
	assert_int_equal(accept_once(bare.p, bare.len, &mallory),
	    CSN_E_REPLAY);
	assert_int_equal(accept_once(bare.p, bare.len, &other),
	    CSN_E_REPLAY);
	assert_int_equal(accept_once(m.offer, m.offer_len, NULL),
	    CSN_E_REPLAY);
	csn_out_wipe(&signed_);
	csn_out_wipe(&bare);
	messages_free(&m);
	assert_int_equal(csn_trust_remove(p.server_ctx, p.server_trusts,
	    csn_identity_did(p.stranger)), 0);
}

/* Nonces of a sender's own choice fill no place that others need. */
TEST(chosen_nonces_fill_nobodys_places)
{
	const struct csn_tenant mallory = { .size = sizeof(mallory),
	    .id = "mallory" };
	struct csn_offer_msg copy;
	struct csn_out out;
	struct messages m;
	int i;

	pair_offer(&p, &m, p.tenant, CSN_KEM_ML_KEM_512, 0);
	assert_int_equal(csn_offer_read(p.tenant_ctx, m.offer, m.offer_len,
	    &copy), 0);
	copy.flags = 0;
	copy.tenant_len = 0;
	/* All of them as near to the copied one as they can be. */
	for (i = 0; i < 128; i++) {
		copy.nonce[0] = (uint8_t)i;
		csn_out_init(&out);
		csn_offer_write(&out, &copy);
		assert_int_equal(accept_once(out.p, out.len, &mallory), 0);
		csn_out_wipe(&out);
	}
	assert_int_equal(accept_once(m.offer, m.offer_len, NULL), 0);
	messages_free(&m);
}

TEST(an_offer_is_a_replay_until_its_time_is_over)
{
	static const uint64_t later[] = { 0, 1, 60000, 119999, 120000 };
	uint64_t start = pair_wall, boot = pair_boot;
	struct messages m, n;
	size_t i;

	pair_offer(&p, &m, p.tenant, 0, 0);
	assert_int_equal(accept_once(m.offer, m.offer_len, NULL), 0);
	for (i = 0; i < sizeof(later) / sizeof(later[0]); i++) {
		pair_wall = start + later[i];
		pair_boot = boot + later[i];
		assert_int_equal(accept_once(m.offer, m.offer_len, NULL),
		    CSN_E_REPLAY);
	}
	pair_wall += 1;
	pair_boot += 1;
	assert_int_equal(accept_once(m.offer, m.offer_len, NULL),
	    CSN_E_EXPIRED);
	messages_free(&m);
	/* One of a clock that is ahead is known for twice as long. */
	start = pair_wall;
	pair_wall += 120000;
	pair_offer(&p, &m, p.tenant, 0, 0);
	pair_offer(&p, &n, p.tenant, 0, 0);
	pair_wall = start;
	assert_int_equal(accept_once(m.offer, m.offer_len, NULL), 0);
	pair_wall += 240000;
	pair_boot += 240000;
	assert_int_equal(accept_once(m.offer, m.offer_len, NULL),
	    CSN_E_REPLAY);
	assert_int_equal(accept_once(n.offer, n.offer_len, NULL), 0);
	messages_free(&m);
	messages_free(&n);
}

/* A server's clock was ahead for a while; what it forgot then is no new. */
TEST(a_clock_that_was_ahead_lets_no_offer_in_again)
{
	struct messages m, n;

	pair_offer(&p, &m, p.tenant, 0, 0);
	assert_int_equal(accept_once(m.offer, m.offer_len, NULL), 0);
	pair_wall += 3600000;
	pair_offer(&p, &n, p.tenant, 0, 0);
	assert_int_equal(accept_once(n.offer, n.offer_len, NULL), 0);
	assert_int_equal(accept_once(m.offer, m.offer_len, NULL),
	    CSN_E_EXPIRED);
	pair_wall -= 3600000;
	assert_int_equal(accept_once(m.offer, m.offer_len, NULL),
	    CSN_E_REPLAY);
	assert_int_equal(accept_once(n.offer, n.offer_len, NULL),
	    CSN_E_EXPIRED);
	messages_free(&m);
	messages_free(&n);
}

BEFORE_EACH { pair_start(&p, NULL); }
AFTER_EACH { pair_end(&p); }
