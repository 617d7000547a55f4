/* SPDX-License-Identifier: Apache-2.0 */
/* test_handshake_bytes.c - messages changed, cut, replayed, out of time. */
#include "lib/test.h"
#include "session/handshake.h"
#include "session/pair.h"

static struct pair p;

static int
accept_bytes(struct messages *m, const uint8_t *offer, size_t len)
{
	int rc;

	rc = csn_session_accept(p.acceptor, offer, len, NULL, &m->pending,
	    &m->reply, &m->reply_len);
	if (rc != 0) {
		assert_null(m->pending);
		assert_null(m->reply);
		assert_int_equal(csn_message_code(), rc);
	}
	return rc;
}

static int
finish_bytes(struct messages *m, const uint8_t *reply, size_t len)
{
	int rc;

	rc = csn_session_finish(m->state, p.tenant_trusts, reply, len, NULL,
	    &m->tenant, &m->confirm, &m->confirm_len);
	if (rc != 0) {
		assert_null(m->tenant);
		assert_null(m->confirm);
		assert_int_equal(csn_message_code(), rc);
	}
	return rc;
}

static int
confirm_bytes(struct messages *m, const uint8_t *confirm, size_t len)
{
	int rc;

	rc = csn_session_confirm(m->pending, confirm, len, NULL, &m->server);
	if (rc != 0) {
		assert_null(m->server);
		assert_int_equal(csn_message_code(), rc);
	}
	return rc;
}

/* Which bit of byte i to flip: every byte once, the bits in turn. */
static uint8_t
bit(size_t i)
{
	return (uint8_t)(1 << (i * 5 % 8));
}

TEST(each_byte_of_a_signed_offer_counts)
{
	struct messages m;
	size_t i;
	int rc;

	pair_offer(&p, &m, p.tenant, CSN_KEM_ML_KEM_512, 0);
	for (i = 0; i < m.offer_len; i++) {
		m.offer[i] ^= bit(i);
		rc = accept_bytes(&m, m.offer, m.offer_len);
		assert_true(rc == CSN_E_FORM || rc == CSN_E_VERSION ||
		    rc == CSN_E_SUITE || rc == CSN_E_SIGNER ||
		    rc == CSN_E_EXPIRED || rc == CSN_E_SIGNATURE);
		m.offer[i] ^= bit(i);
	}
	pair_accept(&p, &m);
	messages_free(&m);
}

/*
 * Nothing but the transport vouches for an unsigned offer, so a change on the
 * way shows at the latest when the tenant looks at the reply.
 */
TEST(each_byte_of_an_unsigned_offer_counts_in_the_end)
{
	const struct csn_tenant by = { .size = sizeof(by), .id = "acme" };
	const struct csn_acceptor_options all = { .size = sizeof(all),
	    .kems = ~0u, .allow_transport = 1 };
	struct csn_acceptor *a;
	struct messages m;
	size_t i, len;
	int rc, accepted = 0;

	pair_offer(&p, &m, NULL, CSN_KEM_ML_KEM_512, 0);
	len = m.offer_len;
	for (i = 0; i < len; i += i < 150 ? 1 : 7) {
		/* One that has seen no nonce yet. */
		assert_int_equal(csn_acceptor_new(p.server_ctx, p.server,
		    p.server_trusts, &all, &a), 0);
		m.offer[i] ^= bit(i);
		rc = csn_session_accept(a, m.offer, len, &by, &m.pending,
		    &m.reply, &m.reply_len);
		if (rc == 0) {
			accepted++;
			assert_int_equal(finish_bytes(&m, m.reply,
			    m.reply_len), CSN_E_SIGNATURE);
			csn_pending_free(m.pending);
			csn_free(m.reply);
			m.pending = NULL;
			m.reply = NULL;
		}
		m.offer[i] ^= bit(i);
		csn_acceptor_free(a);
	}
	/* Nonce, ttl, and what of the key is still a key. */
	assert_true(accepted > 32 + 8);
	assert_int_equal(csn_session_accept(p.acceptor, m.offer, len, &by,
	    &m.pending, &m.reply, &m.reply_len), 0);
	assert_int_equal(finish_bytes(&m, m.reply, m.reply_len), 0);
	messages_free(&m);
}

/* Also where nothing is signed yet that would tell. */
TEST(reserved_bytes_are_zero_and_who_signs_has_a_name)
{
	struct csn_offer_msg o;
	struct csn_reply_msg r;
	struct messages m;
	size_t at;

	pair_offer(&p, &m, p.tenant, CSN_KEM_ML_KEM_512, 0);
	pair_accept(&p, &m);
	assert_int_equal(csn_offer_read(NULL, m.offer, m.offer_len, &o), 0);
	assert_int_equal(csn_reply_read(NULL, m.reply, m.reply_len, &r), 0);
	for (at = 6; at < 8; at++) {
		m.offer[at] = 1;
		m.reply[at] = 1;
		assert_int_equal(csn_offer_read(NULL, m.offer, m.offer_len,
		    &o), CSN_E_FORM);
		assert_int_equal(csn_reply_read(NULL, m.reply, m.reply_len,
		    &r), CSN_E_FORM);
		m.offer[at] = 0;
		m.reply[at] = 0;
	}
	/* A name, and nothing that is signed. */
	m.offer[5] = 0;
	assert_int_equal(csn_offer_read(NULL, m.offer, o.signed_len, &o),
	    CSN_E_FORM);
	messages_free(&m);
	/* No name, and yet signed: by an empty signature. */
	pair_offer(&p, &m, NULL, CSN_KEM_ML_KEM_512, 0);
	assert_int_equal(csn_offer_read(NULL, m.offer, m.offer_len, &o), 0);
	m.offer = realloc(m.offer, m.offer_len + 2);
	assert_non_null(m.offer);
	memset(m.offer + m.offer_len, 0, 2);
	m.offer[5] = CSN_HANDSHAKE_SIGNED;
	assert_int_equal(csn_offer_read(NULL, m.offer, m.offer_len + 2, &o),
	    CSN_E_FORM);
	messages_free(&m);
}

TEST(each_byte_of_a_reply_counts)
{
	struct messages m;
	size_t i;
	int rc;

	pair_offer(&p, &m, p.tenant, CSN_KEM_ML_KEM_512, 0);
	pair_accept(&p, &m);
	for (i = 0; i < m.reply_len; i++) {
		m.reply[i] ^= bit(i);
		rc = finish_bytes(&m, m.reply, m.reply_len);
		assert_true(rc == CSN_E_FORM || rc == CSN_E_VERSION ||
		    rc == CSN_E_SUITE || rc == CSN_E_SIGNER ||
		    rc == CSN_E_SIGNATURE);
		m.reply[i] ^= bit(i);
	}
	pair_finish(&p, &m, NULL);
	messages_free(&m);
}

TEST(each_bit_of_a_confirmation_counts)
{
	struct messages m;
	size_t i;
	int rc;

	pair_offer(&p, &m, p.tenant, CSN_KEM_ML_KEM_512, 0);
	pair_accept(&p, &m);
	pair_finish(&p, &m, NULL);
	for (i = 0; i < m.confirm_len * 8; i++) {
		m.confirm[i / 8] ^= (uint8_t)(1 << (i % 8));
		rc = confirm_bytes(&m, m.confirm, m.confirm_len);
		assert_int_equal(rc, i / 8 < 3 ? CSN_E_FORM :
		    i / 8 == 3 ? CSN_E_VERSION : CSN_E_TAG);
		m.confirm[i / 8] ^= (uint8_t)(1 << (i % 8));
	}
	pair_confirm(&p, &m, NULL);
	messages_free(&m);
}

TEST(cut_and_lengthened_messages_are_no_messages)
{
	struct messages m;
	uint8_t *copy;
	size_t n, len;

	pair_offer(&p, &m, p.tenant, CSN_KEM_ML_KEM_512, 0);
	/* Copies of exactly the length, so that a read past it shows. */
	for (n = 0; n <= m.offer_len + 3; n += n < 300 ? 1 : 61) {
		if (n == m.offer_len)
			continue;
		assert_non_null(copy = calloc(1, n + 1));
		copy = realloc(copy, n != 0 ? n : 1);
		memcpy(copy, m.offer, n < m.offer_len ? n : m.offer_len);
		assert_int_equal(accept_bytes(&m, copy, n), CSN_E_FORM);
		free(copy);
	}
	pair_accept(&p, &m);
	for (n = 0; n <= m.reply_len + 3; n += n < 300 ? 1 : 61) {
		if (n == m.reply_len)
			continue;
		assert_non_null(copy = calloc(1, n + 1));
		copy = realloc(copy, n != 0 ? n : 1);
		memcpy(copy, m.reply, n < m.reply_len ? n : m.reply_len);
		assert_int_equal(finish_bytes(&m, copy, n), CSN_E_FORM);
		free(copy);
	}
	pair_finish(&p, &m, NULL);
	for (n = 0; n <= m.confirm_len + 3; n++) {
		if (n == m.confirm_len)
			continue;
		len = n < m.confirm_len ? n : m.confirm_len;
		assert_non_null(copy = calloc(1, n != 0 ? n : 1));
		memcpy(copy, m.confirm, len);
		assert_int_equal(confirm_bytes(&m, copy, n), CSN_E_FORM);
		free(copy);
	}
	pair_confirm(&p, &m, NULL);
	messages_free(&m);
}

TEST(messages_of_another_version_are_told_so)
{
	struct messages m;
	int v;

	pair_offer(&p, &m, p.tenant, 0, 0);
	for (v = 0; v < 256; v++) {
		if (v == 1)
			continue;
		m.offer[3] = (uint8_t)v;
		assert_int_equal(accept_bytes(&m, m.offer, m.offer_len),
		    CSN_E_VERSION);
	}
	m.offer[3] = 1;
	pair_accept(&p, &m);
	m.reply[3] = 2;
	assert_int_equal(finish_bytes(&m, m.reply, m.reply_len),
	    CSN_E_VERSION);
	m.reply[3] = 1;
	pair_finish(&p, &m, NULL);
	m.confirm[3] = 2;
	assert_int_equal(confirm_bytes(&m, m.confirm, m.confirm_len),
	    CSN_E_VERSION);
	messages_free(&m);
}

TEST(another_suite_is_refused_on_both_sides)
{
	struct messages m;
	int suite;

	pair_offer(&p, &m, p.tenant, 0, 0);
	for (suite = 0; suite < 256; suite++) {
		if (suite == CSN_KEM_ML_KEM_768)
			continue;
		m.offer[4] = (uint8_t)suite;
		assert_int_equal(accept_bytes(&m, m.offer, m.offer_len),
		    suite >= 1 && suite <= 4 ? CSN_E_FORM : CSN_E_SUITE);
	}
	m.offer[4] = CSN_KEM_ML_KEM_768;
	pair_accept(&p, &m);
	/* ML-KEM-768 and X-Wing differ in length, so form comes first. */
	m.reply[4] = CSN_KEM_X_WING;
	assert_int_equal(finish_bytes(&m, m.reply, m.reply_len), CSN_E_FORM);
	m.reply[4] = 99;
	assert_int_equal(finish_bytes(&m, m.reply, m.reply_len), CSN_E_SUITE);
	messages_free(&m);
}

/* The reply with this MAC and signing context, signed by the server. */
static void
sign_again(struct messages *m, const char *context, uint8_t change_mac)
{
	uint8_t text[CSN_HASH_SIZE + CSN_MAC_SIZE];
	struct csn_reply_msg r;
	size_t at;

	assert_int_equal(csn_reply_read(p.server_ctx, m->reply, m->reply_len,
	    &r), 0);
	at = r.body_len;
	m->reply[at] ^= change_mac;
	assert_int_equal(csn_transcript(p.server_ctx, m->offer, m->offer_len,
	    m->reply, r.body_len, text), 0);
	memcpy(text + CSN_HASH_SIZE, m->reply + at, CSN_MAC_SIZE);
	assert_int_equal(csn_sign(p.server_ctx,
	    csn_identity_sign_key(p.server), (const uint8_t *)context,
	    strlen(context), text, sizeof(text),
	    m->reply + m->reply_len - r.signature_len, r.signature_len), 0);
}

TEST(a_signature_without_the_key_is_not_enough)
{
	struct messages m;

	pair_offer(&p, &m, p.tenant, 0, 0);
	pair_accept(&p, &m);
	sign_again(&m, CSN_REPLY_CONTEXT, 1);
	assert_int_equal(finish_bytes(&m, m.reply, m.reply_len), CSN_E_TAG);
	sign_again(&m, CSN_REPLY_CONTEXT, 1);
	assert_int_equal(finish_bytes(&m, m.reply, m.reply_len), 0);
	messages_free(&m);
}

TEST(a_signature_for_another_purpose_is_not_one)
{
	struct messages m;

	pair_offer(&p, &m, p.tenant, 0, 0);
	pair_accept(&p, &m);
	sign_again(&m, CSN_OFFER_CONTEXT, 0);
	assert_int_equal(finish_bytes(&m, m.reply, m.reply_len),
	    CSN_E_SIGNATURE);
	sign_again(&m, "", 0);
	assert_int_equal(finish_bytes(&m, m.reply, m.reply_len),
	    CSN_E_SIGNATURE);
	sign_again(&m, CSN_REPLY_CONTEXT, 0);
	assert_int_equal(finish_bytes(&m, m.reply, m.reply_len), 0);
	messages_free(&m);
}

TEST(the_ttl_granted_is_the_shorter)
{
	const struct csn_acceptor_options short_ = { .size = sizeof(short_),
	    .max_ttl_ms = 30000 };
	const struct csn_session_options mine = { .size = sizeof(mine),
	    .ttl_ms = 5000 };
	struct csn_session_info info = { .size = sizeof(info) };
	struct csn_acceptor *a;
	struct messages m;

	/* The tenant asks for less than the server would give. */
	pair_offer(&p, &m, p.tenant, 0, 12345);
	pair_accept(&p, &m);
	pair_finish(&p, &m, NULL);
	pair_confirm(&p, &m, NULL);
	csn_session_get_info(m.tenant, &info);
	assert_int_equal(info.expires_ms, pair_wall + 12345);
	csn_session_get_info(m.server, &info);
	assert_int_equal(info.expires_ms, pair_wall + 12345);
	messages_free(&m);
	/* The server gives less than was asked for. */
	assert_int_equal(csn_acceptor_new(p.server_ctx, p.server,
	    p.server_trusts, &short_, &a), 0);
	pair_offer(&p, &m, p.tenant, 0, CSN_NEVER);
	assert_int_equal(csn_session_accept(a, m.offer, m.offer_len, NULL,
	    &m.pending, &m.reply, &m.reply_len), 0);
	pair_finish(&p, &m, NULL);
	pair_confirm(&p, &m, &mine);	/* and its own options even less */
	csn_session_get_info(m.tenant, &info);
	assert_int_equal(info.expires_ms, pair_wall + 30000);
	csn_session_get_info(m.server, &info);
	assert_int_equal(info.expires_ms, pair_wall + 5000);
	messages_free(&m);
	csn_acceptor_free(a);
}

/* The tenant's clock is behind the server's: it gets no more for that. */
TEST(a_clock_that_is_behind_makes_no_session_longer)
{
	struct csn_session_options o = { .size = sizeof(o),
	    .ttl_ms = 3600000 };
	uint64_t now = pair_wall;
	struct messages m;

	pair_offer(&p, &m, p.tenant, 0, 60000);
	pair_wall = now + 100000;
	pair_accept(&p, &m);
	pair_wall = now;
	pair_finish(&p, &m, &o);
	pair_boot += 59999;
	assert_int_equal(csn_session_check_valid(m.tenant), 0);
	pair_boot += 1;
	assert_int_equal(csn_session_check_valid(m.tenant), CSN_E_EXPIRED);
	messages_free(&m);
}

TEST(an_offer_out_of_time_is_refused)
{
	uint64_t now = pair_wall;
	struct messages m;

	/* By the tenant's clock, which shows the same: 120 s off at most. */
	pair_offer(&p, &m, p.tenant, 0, 0);
	pair_wall = now + 120001;
	assert_int_equal(accept_bytes(&m, m.offer, m.offer_len),
	    CSN_E_EXPIRED);
	messages_free(&m);
	now = pair_wall;
	pair_offer(&p, &m, p.tenant, 0, 0);
	pair_wall = now + 120000;
	assert_int_equal(accept_bytes(&m, m.offer, m.offer_len), 0);
	messages_free(&m);
	/* From the future. */
	now = pair_wall;
	pair_wall = now + 200000;
	pair_offer(&p, &m, p.tenant, 0, 0);
	pair_wall = now + 79999;
	assert_int_equal(accept_bytes(&m, m.offer, m.offer_len),
	    CSN_E_EXPIRED);
	pair_wall = now + 80000;
	assert_int_equal(accept_bytes(&m, m.offer, m.offer_len), 0);
	messages_free(&m);
}

TEST(a_session_that_is_over_is_not_begun)
{
	struct messages m;

	pair_offer(&p, &m, p.tenant, 0, 1000);
	pair_accept(&p, &m);
	pair_wall += 1000;
	assert_int_equal(finish_bytes(&m, m.reply, m.reply_len),
	    CSN_E_EXPIRED);
	messages_free(&m);
	pair_offer(&p, &m, p.tenant, 0, 1000);
	pair_accept(&p, &m);
	pair_finish(&p, &m, NULL);
	pair_wall += 1000;
	assert_int_equal(confirm_bytes(&m, m.confirm, m.confirm_len),
	    CSN_E_EXPIRED);
	messages_free(&m);
}

TEST(a_replayed_offer_displaces_nothing)
{
	struct csn_session *live = NULL;
	struct csn_manager *mgr;
	struct messages m, n;
	struct text t;

	assert_int_equal(csn_manager_new(p.server_ctx, NULL, &mgr), 0);
	pair_exchange(&p, &m, NULL);
	assert_int_equal(csn_manager_adopt(mgr, m.server), 0);
	memset(&n, 0, sizeof(n));
	assert_int_equal(accept_bytes(&n, m.offer, m.offer_len),
	    CSN_E_REPLAY);
	pair_wall += 240000;	/* as late as its time still passed: no */
	assert_int_equal(accept_bytes(&n, m.offer, m.offer_len),
	    CSN_E_EXPIRED);
	assert_int_equal(csn_manager_session(mgr, "acme", &live), 0);
	assert_ptr_equal(live, m.server);
	csn_session_free(live);
	/* A new offer does not either, until the tenant has confirmed. */
	pair_offer(&p, &n, p.tenant, 0, 0);
	pair_accept(&p, &n);
	assert_int_equal(csn_manager_session(mgr, "acme", &live), 0);
	assert_ptr_equal(live, m.server);
	csn_session_free(live);
	assert_int_equal(text_seal(m.tenant, 1, "still here", &t), 0);
	assert_int_equal(text_open(m.server, &t, "still here"), 0);
	pair_finish(&p, &n, NULL);
	pair_confirm(&p, &n, NULL);
	assert_int_equal(csn_manager_adopt(mgr, n.server), 0);
	assert_int_equal(csn_session_check_valid(m.server), CSN_E_CLOSED);
	assert_int_equal(text_open(m.server, &t, "still here"), CSN_E_CLOSED);
	assert_int_equal(csn_manager_session(mgr, "acme", &live), 0);
	assert_ptr_equal(live, n.server);
	csn_session_free(live);
	csn_manager_free(mgr);
	messages_free(&m);
	messages_free(&n);
}

TEST(no_skew_makes_a_replay_pass)
{
	const struct csn_acceptor_options o = { .size = sizeof(o),
	    .max_skew_ms = CSN_NEVER };
	struct csn_acceptor *a;
	struct messages m;

	assert_int_equal(csn_acceptor_new(p.server_ctx, p.server,
	    p.server_trusts, &o, &a), 0);
	pair_offer(&p, &m, p.tenant, 0, 0);
	pair_wall += 86400000;
	assert_int_equal(csn_session_accept(a, m.offer, m.offer_len, NULL,
	    &m.pending, &m.reply, &m.reply_len), 0);
	csn_pending_free(m.pending);
	csn_free(m.reply);
	m.pending = NULL;
	m.reply = NULL;
	assert_int_equal(csn_session_accept(a, m.offer, m.offer_len, NULL,
	    &m.pending, &m.reply, &m.reply_len), CSN_E_REPLAY);
	messages_free(&m);
	csn_acceptor_free(a);
}

TEST(offers_are_limited_before_anything_is_signed)
{
	const struct csn_acceptor_options o = { .size = sizeof(o),
	    .rate = 5, .burst = 10, .tenant_rate = 3 };
	struct csn_acceptor *a;
	struct messages m;
	int i, rc, n = 0, limited = 0;

	assert_int_equal(csn_acceptor_new(p.server_ctx, p.server,
	    p.server_trusts, &o, &a), 0);
	/* A stranger's cost the tokens of all, and are never answered. */
	pair_offer(&p, &m, p.stranger, 0, 0);
	for (i = 0; i < 50; i++) {
		rc = csn_session_accept(a, m.offer, m.offer_len, NULL,
		    &m.pending, &m.reply, &m.reply_len);
		assert_true(rc == CSN_E_SIGNER || rc == CSN_E_RATE);
		limited += rc == CSN_E_RATE;
	}
	assert_int_equal(limited, 40);
	messages_free(&m);
	pair_boot += 60000;
	/* One tenant's own limit. */
	limited = 0;
	for (i = 0; i < 8; i++) {
		pair_offer(&p, &m, p.tenant, 0, 0);
		rc = csn_session_accept(a, m.offer, m.offer_len, NULL,
		    &m.pending, &m.reply, &m.reply_len);
		n += rc == 0;
		limited += rc == CSN_E_RATE;
		messages_free(&m);
	}
	assert_int_equal(n, 3);
	assert_int_equal(limited, 5);
	pair_boot += 60000;
	pair_offer(&p, &m, p.tenant, 0, 0);
	assert_int_equal(csn_session_accept(a, m.offer, m.offer_len, NULL,
	    &m.pending, &m.reply, &m.reply_len), 0);
	messages_free(&m);
	csn_acceptor_free(a);
}

BEFORE_EACH { pair_start(&p, NULL); }
AFTER_EACH { pair_end(&p); }
