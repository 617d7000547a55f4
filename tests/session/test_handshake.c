/* SPDX-License-Identifier: Apache-2.0 */
/* test_handshake.c - the exchange between two contexts, by bytes alone. */
#include "identity/people.h"
#include "lib/test.h"
#include "session/pair.h"

static struct pair p;

/* Both seal, both open, each in its own direction and slot. */
static void
talk(struct messages *m)
{
	struct text a, b;
	int i;

	for (i = 0; i < 3; i++) {
		assert_int_equal(text_seal(m->tenant, 1, "from tenant", &a),
		    0);
		assert_int_equal(text_seal(m->server, 2, "from server", &b),
		    0);
		assert_int_equal(text_open(m->server, &a, "from tenant"), 0);
		assert_int_equal(text_open(m->tenant, &b, "from server"), 0);
	}
}

TEST(each_kem_agrees_with_a_signed_tenant)
{
	const struct csn_session_options o = { .size = sizeof(o),
	    .replay = CSN_REPLAY_CHANNEL };
	struct csn_session_info info = { .size = sizeof(info) };
	struct messages m;
	int kem;

	for (kem = CSN_KEM_ML_KEM_512; kem <= CSN_KEM_X_WING; kem++) {
		pair_offer(&p, &m, p.tenant, kem, 0);
		pair_accept(&p, &m);
		pair_finish(&p, &m, &o);
		pair_confirm(&p, &m, &o);
		assert_memory_equal(csn_session_id(m.tenant),
		    csn_session_id(m.server), CSN_SESSION_ID_SIZE);
		assert_string_equal(csn_session_tenant_id(m.tenant), "acme");
		assert_string_equal(csn_session_tenant_id(m.server), "acme");
		csn_session_get_info(m.tenant, &info);
		assert_int_equal(info.kem, kem);
		csn_session_get_info(m.server, &info);
		assert_int_equal(info.kem, kem);
		talk(&m);
		messages_free(&m);
	}
}

TEST(each_kem_agrees_with_a_tenant_by_the_transport)
{
	const struct csn_session_options o = { .size = sizeof(o),
	    .replay = CSN_REPLAY_CHANNEL };
	const struct csn_tenant by = { .size = sizeof(by),
	    .id = "by-transport", .display_name = "By Transport, Inc." };
	struct messages m;
	int kem;

	for (kem = CSN_KEM_ML_KEM_512; kem <= CSN_KEM_X_WING; kem++) {
		pair_offer(&p, &m, NULL, kem, 0);
		assert_int_equal(csn_session_accept(p.acceptor, m.offer,
		    m.offer_len, &by, &m.pending, &m.reply, &m.reply_len), 0);
		pair_finish(&p, &m, &o);
		pair_confirm(&p, &m, &o);
		assert_string_equal(csn_session_tenant_id(m.tenant),
		    "by-transport");
		assert_string_equal(csn_session_tenant_id(m.server),
		    "by-transport");
		assert_string_equal(csn_session_tenant_name(m.tenant),
		    "By Transport, Inc.");
		talk(&m);
		messages_free(&m);
	}
}

TEST(kems_that_the_server_does_not_want_are_refused)
{
	const struct csn_acceptor_options o = { .size = sizeof(o) };
	struct csn_acceptor *a;
	struct messages m;
	int kem, rc;

	/* By default all but the weakest. */
	assert_int_equal(csn_acceptor_new(p.server_ctx, p.server,
	    p.server_trusts, &o, &a), 0);
	for (kem = CSN_KEM_ML_KEM_512; kem <= CSN_KEM_X_WING; kem++) {
		pair_offer(&p, &m, p.tenant, kem, 0);
		rc = csn_session_accept(a, m.offer, m.offer_len, NULL,
		    &m.pending, &m.reply, &m.reply_len);
		assert_int_equal(rc, kem == CSN_KEM_ML_KEM_512 ?
		    CSN_E_SUITE : 0);
		messages_free(&m);
	}
	csn_acceptor_free(a);
}

TEST(a_tenants_name_comes_from_the_trust_store_never_from_the_offer)
{
	struct csn_identity *id;
	struct csn_trust_entry e = { .size = sizeof(e),
	    .purposes = CSN_PURPOSE_TENANT, .tenant_id = "tenant-7",
	    .label = "The Seventh" };
	struct messages m;

	/* It calls itself by another tenant's name. */
	id = people_quick(p.tenant_ctx, 40, "acme");
	e.key = csn_identity_sign_key(id);
	assert_int_equal(csn_trust_add(p.server_ctx, p.server_trusts, &e),
	    0);
	pair_offer(&p, &m, id, 0, 0);
	assert_null(memmem(m.offer, m.offer_len, "acme", 4));
	pair_accept(&p, &m);
	pair_finish(&p, &m, NULL);
	pair_confirm(&p, &m, NULL);
	assert_string_equal(csn_session_tenant_id(m.server), "tenant-7");
	assert_string_equal(csn_session_tenant_id(m.tenant), "tenant-7");
	assert_string_equal(csn_session_tenant_name(m.server), "The Seventh");
	messages_free(&m);
	assert_int_equal(csn_trust_remove(p.server_ctx, p.server_trusts,
	    csn_identity_did(id)), 0);
	csn_identity_free(id);
}

static int
accept_by(struct messages *m, const struct csn_tenant *by)
{
	return csn_session_accept(p.acceptor, m->offer, m->offer_len, by,
	    &m->pending, &m->reply, &m->reply_len);
}

TEST(an_unsigned_offer_needs_a_transport_that_is_allowed)
{
	const struct csn_tenant by = { .size = sizeof(by), .id = "acme" };
	const struct csn_acceptor_options o = { .size = sizeof(o) };
	struct csn_acceptor *strict;
	struct messages m;

	pair_offer(&p, &m, NULL, 0, 0);
	assert_int_equal(accept_by(&m, NULL), CSN_E_SIGNER);
	assert_int_equal(csn_acceptor_new(p.server_ctx, p.server,
	    p.server_trusts, &o, &strict), 0);
	assert_int_equal(csn_session_accept(strict, m.offer, m.offer_len,
	    &by, &m.pending, &m.reply, &m.reply_len), CSN_E_SIGNER);
	csn_acceptor_free(strict);
	assert_null(m.pending);
	assert_null(m.reply);
	assert_int_equal(accept_by(&m, &by), 0);
	messages_free(&m);
}

TEST(a_transports_tenant_is_checked_and_not_overruled)
{
	static const char *const bad[] = { "", "\xff\xfe", "a\nb",
	    ("0123456789012345678901234567890123456789012345678901234567890123"
	    "4") };
	struct csn_tenant by = { .size = sizeof(by), .id = "other" };
	struct messages m;
	size_t i;

	pair_offer(&p, &m, p.tenant, 0, 0);
	/* Signed by acme, come by other's connection. */
	assert_int_equal(accept_by(&m, &by), CSN_E_TENANT);
	by.id = NULL;
	assert_int_equal(accept_by(&m, &by), CSN_E_ARG);
	by.id = "acme";
	by.size = 4;
	assert_int_equal(accept_by(&m, &by), CSN_E_ARG);
	by.size = sizeof(by);
	assert_int_equal(accept_by(&m, &by), 0);
	messages_free(&m);
	pair_offer(&p, &m, NULL, 0, 0);
	by.id = NULL;
	assert_int_equal(accept_by(&m, &by), CSN_E_ARG);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		by.id = bad[i];
		assert_int_equal(accept_by(&m, &by), CSN_E_ARG);
	}
	messages_free(&m);
}

TEST(an_unknown_tenant_is_refused)
{
	struct messages m;

	pair_offer(&p, &m, p.stranger, 0, 0);
	assert_int_equal(accept_by(&m, NULL), CSN_E_SIGNER);
	messages_free(&m);
}

TEST(a_tenant_trusted_for_something_else_is_refused)
{
	struct messages m;

	people_trust(p.server_ctx, p.server_trusts, p.stranger,
	    CSN_PURPOSE_ALL & ~(uint32_t)CSN_PURPOSE_TENANT);
	pair_offer(&p, &m, p.stranger, 0, 0);
	assert_int_equal(accept_by(&m, NULL), CSN_E_SIGNER);
	messages_free(&m);
	assert_int_equal(csn_trust_remove(p.server_ctx, p.server_trusts,
	    csn_identity_did(p.stranger)), 0);
}

/* No entry gives a tenant's name to a key that is not trusted as one's; and
 * what a key is trusted for is looked at before its signature is. */
TEST(a_server_with_a_tenants_name_is_no_tenant)
{
	struct csn_trust_entry e = { .size = sizeof(e),
	    .purposes = CSN_PURPOSE_SERVER, .tenant_id = "acme" };
	struct messages m;

	e.key = csn_identity_sign_key(p.stranger);
	assert_int_equal(csn_trust_add(p.server_ctx, p.server_trusts, &e),
	    CSN_E_ARG);
	people_trust(p.server_ctx, p.server_trusts, p.stranger,
	    CSN_PURPOSE_SERVER);
	pair_offer(&p, &m, p.stranger, 0, 0);
	m.offer[m.offer_len - 1] ^= 1;
	assert_int_equal(accept_by(&m, NULL), CSN_E_SIGNER);
	m.offer[m.offer_len - 1] ^= 1;
	assert_int_equal(accept_by(&m, NULL), CSN_E_SIGNER);
	assert_non_null(strstr(csn_message(),
	    "other purposes"));
	assert_null(m.pending);
	messages_free(&m);
	assert_int_equal(csn_trust_remove(p.server_ctx, p.server_trusts,
	    csn_identity_did(p.stranger)), 0);
}

TEST(trust_in_a_tenant_ends_when_it_expires)
{
	struct csn_trust_entry e = { .size = sizeof(e),
	    .purposes = CSN_PURPOSE_TENANT, .tenant_id = "short" };
	uint64_t now = pair_wall;
	struct messages m;

	e.key = csn_identity_sign_key(p.stranger);
	e.expires_ms = now + 10000;
	assert_int_equal(csn_trust_add(p.server_ctx, p.server_trusts, &e),
	    0);
	pair_offer(&p, &m, p.stranger, 0, 0);
	pair_accept(&p, &m);
	messages_free(&m);
	pair_wall = now + 10000;
	pair_boot += 10000;
	pair_offer(&p, &m, p.stranger, 0, 0);
	assert_int_equal(accept_by(&m, NULL), CSN_E_SIGNER);
	/* Nor where the server's clock is set back. */
	pair_wall = now;
	assert_int_equal(accept_by(&m, NULL), CSN_E_SIGNER);
	messages_free(&m);
	assert_int_equal(csn_trust_remove(p.server_ctx, p.server_trusts,
	    csn_identity_did(p.stranger)), 0);
}

static int
finish(struct messages *m, struct csn_trust *trust)
{
	return csn_session_finish(m->state, trust, m->reply, m->reply_len,
	    NULL, &m->tenant, &m->confirm, &m->confirm_len);
}

TEST(the_server_is_checked_against_the_tenants_trust_store)
{
	struct csn_trust *none, *wrong, *ended;
	struct csn_trust_entry e = { .size = sizeof(e),
	    .purposes = CSN_PURPOSE_SERVER };
	struct messages m;

	assert_int_equal(csn_trust_new(p.tenant_ctx, &none), 0);
	assert_int_equal(csn_trust_new(p.tenant_ctx, &wrong), 0);
	assert_int_equal(csn_trust_new(p.tenant_ctx, &ended), 0);
	people_trust(p.tenant_ctx, wrong, p.server,
	    CSN_PURPOSE_ALL & ~(uint32_t)CSN_PURPOSE_SERVER);
	e.key = csn_identity_sign_key(p.server);
	e.expires_ms = pair_wall + 1;
	assert_int_equal(csn_trust_add(p.tenant_ctx, ended, &e), 0);
	pair_wall += 1;
	pair_offer(&p, &m, p.tenant, 0, 0);
	pair_accept(&p, &m);
	assert_int_equal(finish(&m, none), CSN_E_SIGNER);
	assert_int_equal(finish(&m, wrong), CSN_E_SIGNER);
	assert_int_equal(finish(&m, ended), CSN_E_SIGNER);
	assert_int_equal(finish(&m, NULL), CSN_E_ARG);
	assert_null(m.tenant);
	assert_null(m.confirm);
	/* None of that used the offer up. */
	assert_int_equal(finish(&m, p.tenant_trusts), 0);
	messages_free(&m);
	csn_trust_free(none);
	csn_trust_free(wrong);
	csn_trust_free(ended);
}

/*
 * An offer that nobody signed, handed in by another tenant's transport: both
 * sides would have a session under that one's name.
 */
TEST(a_tenant_that_says_who_it_is_gets_no_others_session)
{
	const struct csn_tenant mallory = { .size = sizeof(mallory),
	    .id = "mallory" };
	struct csn_session_options o = { .size = sizeof(o) };
	struct csn_session *s = NULL;
	struct csn_offer *again;
	struct messages m;
	uint8_t *bytes;
	size_t len;

	pair_offer(&p, &m, NULL, 0, 0);
	assert_int_equal(csn_offer_is_signed(m.state), 0);
	assert_int_equal(csn_offer_export(m.state, &bytes, &len), 0);
	assert_int_equal(csn_offer_import(p.tenant_ctx, bytes, len, &again),
	    0);
	assert_int_equal(csn_offer_is_signed(again), 0);
	csn_offer_free(again);
	csn_free(bytes);
	assert_int_equal(accept_by(&m, &mallory), 0);
	o.expect_tenant = "acme";
	assert_int_equal(csn_session_finish(m.state, p.tenant_trusts,
	    m.reply, m.reply_len, &o, &m.tenant, &m.confirm,
	    &m.confirm_len), CSN_E_TENANT);
	assert_null(m.tenant);
	assert_null(m.confirm);
	assert_non_null(strstr(csn_message(), "mallory"));
	o.expect_tenant = "mallory.";
	assert_int_equal(csn_session_finish(m.state, p.tenant_trusts,
	    m.reply, m.reply_len, &o, &m.tenant, &m.confirm,
	    &m.confirm_len), CSN_E_TENANT);
	/* Nothing was used up; mallory herself may have it. */
	o.expect_tenant = "mallory";
	pair_finish(&p, &m, &o);
	/* So may who confirms or imports say whose session it must be. */
	o.expect_tenant = "acme";
	assert_int_equal(csn_session_confirm(m.pending, m.confirm,
	    m.confirm_len, &o, &s), CSN_E_TENANT);
	o.expect_tenant = "mallory";
	pair_confirm(&p, &m, &o);
	assert_int_equal(csn_session_export(m.server, &bytes, &len), 0);
	o.expect_tenant = "acme";
	assert_int_equal(csn_session_import(p.server_ctx, bytes, len, &o, &s),
	    CSN_E_TENANT);
	assert_int_equal(csn_session_local(p.server_ctx, &mallory, &o, &s),
	    CSN_E_TENANT);
	assert_null(s);
	csn_wipe(bytes, len);
	csn_free(bytes);
	messages_free(&m);
	/* A signed one too, whatever the server calls who signed. */
	pair_offer(&p, &m, p.tenant, 0, 0);
	assert_int_equal(csn_offer_is_signed(m.state), 1);
	assert_int_equal(csn_offer_export(m.state, &bytes, &len), 0);
	assert_int_equal(csn_offer_import(p.tenant_ctx, bytes, len, &again),
	    0);
	assert_int_equal(csn_offer_is_signed(again), 1);
	csn_offer_free(again);
	csn_free(bytes);
	pair_accept(&p, &m);
	o.expect_tenant = "someone";
	assert_int_equal(csn_session_finish(m.state, p.tenant_trusts,
	    m.reply, m.reply_len, &o, &m.tenant, &m.confirm,
	    &m.confirm_len), CSN_E_TENANT);
	o.expect_tenant = "acme";
	pair_finish(&p, &m, &o);
	messages_free(&m);
}

TEST(an_offer_for_another_server_is_refused)
{
	const struct csn_offer_options o = { .size = sizeof(o),
	    .identity = p.tenant,
	    .server_did = csn_identity_alias(p.stranger) };
	struct messages m;

	memset(&m, 0, sizeof(m));
	assert_int_equal(csn_session_offer(p.tenant_ctx, &o, &m.state,
	    &m.offer, &m.offer_len), 0);
	assert_int_equal(accept_by(&m, NULL), CSN_E_SIGNER);
	messages_free(&m);
}

/* A stranger answers in the server's place, though the tenant trusts it. */
TEST(another_trusted_server_cannot_answer)
{
	const struct csn_acceptor_options all = { .size = sizeof(all) };
	const struct csn_offer_options o = { .size = sizeof(o),
	    .identity = p.tenant,
	    .server_did = csn_identity_alias(p.stranger) };
	struct csn_acceptor *a;
	struct messages m, n;

	people_trust(p.tenant_ctx, p.tenant_trusts, p.stranger,
	    CSN_PURPOSE_SERVER);
	assert_int_equal(csn_acceptor_new(p.server_ctx, p.stranger,
	    p.server_trusts, &all, &a), 0);
	memset(&n, 0, sizeof(n));
	assert_int_equal(csn_session_offer(p.tenant_ctx, &o, &n.state,
	    &n.offer, &n.offer_len), 0);
	assert_int_equal(csn_session_accept(a, n.offer, n.offer_len, NULL,
	    &n.pending, &n.reply, &n.reply_len), 0);
	pair_offer(&p, &m, p.tenant, 0, 0);
	m.reply = n.reply;
	m.reply_len = n.reply_len;
	n.reply = NULL;
	assert_int_equal(finish(&m, p.tenant_trusts), CSN_E_SIGNER);
	messages_free(&m);
	messages_free(&n);
	csn_acceptor_free(a);
	assert_int_equal(csn_trust_remove(p.tenant_ctx, p.tenant_trusts,
	    csn_identity_did(p.stranger)), 0);
}

TEST(a_reply_to_another_offer_is_refused)
{
	struct messages m, n;
	uint8_t *swap;

	pair_offer(&p, &m, p.tenant, 0, 0);
	pair_offer(&p, &n, p.tenant, 0, 0);
	pair_accept(&p, &m);
	pair_accept(&p, &n);
	assert_int_equal(m.reply_len, n.reply_len);
	swap = m.reply;
	m.reply = n.reply;
	n.reply = swap;
	assert_int_equal(finish(&m, p.tenant_trusts), CSN_E_SIGNATURE);
	assert_int_equal(finish(&n, p.tenant_trusts), CSN_E_SIGNATURE);
	messages_free(&m);
	messages_free(&n);
}

TEST(an_offer_and_a_confirmation_serve_once)
{
	struct csn_session *again = NULL;
	struct messages m;
	uint8_t *bytes = NULL;
	size_t len;

	pair_exchange(&p, &m, NULL);
	assert_int_equal(csn_session_finish(m.state, p.tenant_trusts,
	    m.reply, m.reply_len, NULL, &again, &bytes, &len), CSN_E_CLOSED);
	assert_int_equal(csn_session_confirm(m.pending, m.confirm,
	    m.confirm_len, NULL, &again), CSN_E_CLOSED);
	assert_null(again);
	assert_int_equal(csn_offer_export(m.state, &bytes, &len),
	    CSN_E_CLOSED);
	assert_int_equal(csn_pending_export(m.pending, &bytes, &len),
	    CSN_E_CLOSED);
	assert_null(bytes);
	messages_free(&m);
}

TEST(a_confirmation_is_for_its_own_session)
{
	struct messages m, n;

	pair_offer(&p, &m, p.tenant, 0, 0);
	pair_offer(&p, &n, p.tenant, 0, 0);
	pair_accept(&p, &m);
	pair_accept(&p, &n);
	pair_finish(&p, &m, NULL);
	pair_finish(&p, &n, NULL);
	assert_int_equal(csn_session_confirm(m.pending, n.confirm,
	    n.confirm_len, NULL, &m.server), CSN_E_TAG);
	/* Nor with the other's MAC under its own id. */
	memcpy(n.confirm + 4, m.confirm + 4, CSN_SESSION_ID_SIZE);
	assert_int_equal(csn_session_confirm(m.pending, n.confirm,
	    n.confirm_len, NULL, &m.server), CSN_E_TAG);
	assert_null(m.server);
	/* It waited on. */
	pair_confirm(&p, &m, NULL);
	talk(&m);
	messages_free(&m);
	messages_free(&n);
}

BEFORE_EACH { pair_start(&p, NULL); }
AFTER_EACH { pair_end(&p); }
