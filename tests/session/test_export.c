/* SPDX-License-Identifier: Apache-2.0 */
/* test_export.c - halves and sessions that go on in another process. */
#include "lib/test.h"
#include "session/internal.h"
#include "session/pair.h"

static struct pair p;

static void
give_up(uint8_t *bytes, size_t len)
{
	csn_wipe(bytes, len);
	csn_free(bytes);
}

/* Each program ends after each of its steps, and so does its context. */
TEST(a_handshake_goes_on_over_restarts)
{
	const struct csn_session_options o = { .size = sizeof(o),
	    .replay = CSN_REPLAY_CHANNEL };
	struct csn_session *s, *t;
	struct messages m;
	struct text x;
	uint8_t *bytes;
	size_t len;
	int kem, i;

	for (kem = CSN_KEM_ML_KEM_512; kem <= CSN_KEM_X_WING; kem++) {
		pair_offer(&p, &m, p.tenant, kem, 0);
		assert_int_equal(csn_offer_export(m.state, &bytes, &len), 0);
		csn_offer_free(m.state);
		assert_int_equal(csn_offer_import(p.tenant_ctx, bytes, len,
		    &m.state), 0);
		give_up(bytes, len);
		pair_accept(&p, &m);
		assert_int_equal(csn_pending_export(m.pending, &bytes, &len),
		    0);
		csn_pending_free(m.pending);
		assert_int_equal(csn_pending_import(p.server_ctx, bytes, len,
		    &m.pending), 0);
		give_up(bytes, len);
		pair_finish(&p, &m, &o);
		pair_confirm(&p, &m, &o);
		for (i = 0; i < 3; i++) {
			assert_int_equal(csn_session_export(m.server, &bytes,
			    &len), 0);
			assert_int_equal(csn_session_import(p.server_ctx,
			    bytes, len, &o, &s), 0);
			give_up(bytes, len);
			csn_session_free(m.server);
			m.server = s;
			assert_int_equal(csn_session_export(m.tenant, &bytes,
			    &len), 0);
			assert_int_equal(csn_session_import(p.tenant_ctx,
			    bytes, len, &o, &t), 0);
			give_up(bytes, len);
			csn_session_free(m.tenant);
			m.tenant = t;
			assert_memory_equal(csn_session_id(s),
			    csn_session_id(t), CSN_SESSION_ID_SIZE);
			assert_string_equal(csn_session_tenant_id(s), "acme");
			assert_string_equal(csn_session_tenant_name(t),
			    "acme");
			assert_int_equal(text_seal(s, 0, "down", &x), 0);
			assert_int_equal(text_open(t, &x, "down"), 0);
			/* Still no reflection. */
			assert_int_equal(text_open(s, &x, "down"),
			    CSN_E_REPLAY);
			assert_int_equal(text_seal(t, 0, "up", &x), 0);
			assert_int_equal(text_open(s, &x, "up"), 0);
			assert_int_equal(csn_session_rotate(s, 0), 0);
			assert_int_equal(text_seal(s, 0, "down", &x), 0);
			assert_int_equal(text_open(t, &x, "down"), 0);
		}
		messages_free(&m);
	}
}

/* Bytes without their length are no use: it is asked for first. */
TEST(a_length_without_a_place_is_an_argument_that_is_missing)
{
	struct csn_session *s = NULL;
	uint8_t *bytes = NULL;
	struct messages m;

	pair_offer(&p, &m, p.tenant, CSN_KEM_ML_KEM_512, 0);
	assert_int_equal(csn_offer_export(m.state, &bytes, NULL), CSN_E_ARG);
	assert_non_null(strstr(csn_message(), "'len'"));
	pair_accept(&p, &m);
	assert_int_equal(csn_pending_export(m.pending, &bytes, NULL),
	    CSN_E_ARG);
	assert_int_equal(csn_session_finish(m.state, p.tenant_trusts, m.reply,
	    m.reply_len, NULL, &s, &bytes, NULL), CSN_E_ARG);
	assert_null(s);
	pair_finish(&p, &m, NULL);
	assert_int_equal(csn_session_export(m.tenant, &bytes, NULL),
	    CSN_E_ARG);
	assert_null(bytes);
	messages_free(&m);
}

TEST(an_import_shares_no_nonce_and_reads_what_was_sealed)
{
	enum { N = 6, EACH = 7 };
	struct csn_session *s[N];
	struct text t[N][EACH];
	struct csn_header h[N], g = { .size = sizeof(g) };
	uint64_t last = 0;
	uint8_t *bytes;
	size_t len;
	int i, k;

	s[0] = pair_local(p.server_ctx, "acme", NULL);
	for (i = 0; i < N; i++) {
		for (k = 0; k < EACH; k++) {
			assert_int_equal(text_seal(s[i], (uint64_t)(i * 100 +
			    k), "x", &t[i][k]), 0);
			assert_int_equal(t[i][k].sequence, k);
			/* Versions go on where the former process was. */
			assert_true(t[i][k].version > last);
			last = t[i][k].version;
			assert_int_equal(csn_header_read(p.server_ctx,
			    t[i][k].sealed, t[i][k].len, &g), 0);
			if (k == 0)
				h[i] = g;
			assert_memory_equal(h[i].writer, g.writer, 16);
		}
		for (k = 0; k < i; k++)
			assert_memory_not_equal(h[i].writer, h[k].writer, 16);
		if (i % 2 == 1)
			assert_int_equal(csn_session_rotate(s[i], 0), 0);
		if (i + 1 == N)
			break;
		assert_int_equal(csn_session_export(s[i], &bytes, &len), 0);
		assert_int_equal(csn_session_import(p.server_ctx, bytes, len,
		    NULL, &s[i + 1]), 0);
		give_up(bytes, len);
	}
	/* The last has all epochs, whoever began them. */
	for (i = 0; i < N; i++)
		for (k = 0; k < EACH; k++)
			assert_int_equal(text_open(s[N - 1], &t[i][k], "x"),
			    0);
	for (i = 0; i < N; i++)
		csn_session_free(s[i]);
}

TEST(an_import_keeps_to_the_time_that_was_left)
{
	struct csn_session_info info = { .size = sizeof(info) };
	struct csn_session *s = pair_local(p.server_ctx, "acme", NULL), *t;
	const struct csn_session_options o = { .size = sizeof(o),
	    .ttl_ms = CSN_NEVER };
	uint64_t expires = pair_wall + 900000;
	uint8_t *bytes;
	size_t len;

	assert_int_equal(csn_session_export(s, &bytes, &len), 0);
	csn_session_free(s);
	pair_wall += 800000;
	pair_boot = 5;	/* the machine was started again */
	assert_int_equal(csn_session_import(p.server_ctx, bytes, len, &o, &t),
	    0);
	csn_session_get_info(t, &info);
	assert_int_equal(info.expires_ms, expires);
	pair_boot += 99999;
	assert_int_equal(csn_session_is_valid(t), 1);
	pair_boot += 1;
	assert_int_equal(csn_session_check_valid(t), CSN_E_EXPIRED);
	csn_session_free(t);
	pair_wall += 100000;
	assert_int_equal(csn_session_import(p.server_ctx, bytes, len, &o, &t),
	    0);
	assert_int_equal(csn_session_check_valid(t), CSN_E_EXPIRED);
	csn_session_free(t);
	give_up(bytes, len);
}

/* Whatever was agreed on, who takes part says how long at most. */
TEST(options_shorten_a_life_and_never_lengthen_it)
{
	struct csn_session *s = pair_local(p.server_ctx, "acme", NULL), *t;
	struct csn_session_options o = { .size = sizeof(o), .ttl_ms = 1000 };
	uint64_t now = pair_wall;
	uint8_t *bytes;
	size_t len;

	assert_int_equal(csn_session_export(s, &bytes, &len), 0);
	assert_int_equal(csn_session_import(p.server_ctx, bytes, len, &o, &t),
	    0);
	assert_true(pair_info(t).expires_ms == now + 1000);
	pair_boot += 999;
	assert_int_equal(csn_session_check_valid(t), 0);
	pair_boot += 1;
	assert_int_equal(csn_session_check_valid(t), CSN_E_EXPIRED);
	assert_int_equal(csn_session_check_valid(s), 0);
	csn_session_free(t);
	csn_session_free(s);
	give_up(bytes, len);
}

/* The other end's clock may be ahead of one's own. */
TEST(a_life_begins_when_it_was_made_and_not_before)
{
	struct csn_ctx *c = p.server_ctx;
	uint64_t now = pair_wall;

	assert_true(csn_life_left(c, now + 5000, now + 6000, 0) == 1000);
	assert_true(csn_life_left(c, now, now + 6000, now + 5000) == 1000);
	assert_true(csn_life_left(c, now - 1000, now + 1000, 0) == 1000);
	assert_true(csn_life_left(c, now - 1000, now, 0) == 0);
	assert_true(csn_life_left(c, now + 5000, now + 4000, 0) == 0);
}

static void
pass(uint64_t ms)
{
	pair_wall += ms;
	pair_boot += ms;
}

/* How long it is valid from now on, in ms. */
static uint64_t
life_of(struct csn_session *s)
{
	uint64_t start = pair_boot;

	while (csn_session_is_valid(s))
		pass(1);
	csn_session_free(s);
	return pair_boot - start;
}

static struct csn_session *
from_bytes(struct csn_ctx *ctx, uint8_t *bytes, size_t len)
{
	const struct csn_session_options o = { .size = sizeof(o),
	    .ttl_ms = CSN_NEVER };
	struct csn_session *s;

	assert_int_equal(csn_session_import(ctx, bytes, len, &o, &s), 0);
	return s;
}

/* Each process is new: it knows no clock but the one that was set back. */
TEST(a_clock_set_back_before_an_import_lengthens_no_life)
{
	struct csn_session *s = pair_local(p.server_ctx, "acme", NULL);
	struct csn_ctx *ctx;
	uint8_t *bytes, *again;
	size_t len, again_len;

	pass(899000);
	assert_int_equal(csn_session_export(s, &bytes, &len), 0);
	csn_session_free(s);
	ctx = pair_ctx();	/* sets the clocks back */
	assert_int_equal(life_of(from_bytes(ctx, bytes, len)), 1000);
	csn_ctx_free(ctx);
	/* Nor from one export to the next. */
	ctx = pair_ctx();
	s = from_bytes(ctx, bytes, len);
	pass(400);
	assert_int_equal(csn_session_export(s, &again, &again_len), 0);
	csn_session_free(s);
	csn_ctx_free(ctx);
	ctx = pair_ctx();
	assert_int_equal(life_of(from_bytes(ctx, again, again_len)), 600);
	csn_ctx_free(ctx);
	/* A clock that is right takes nothing from it. */
	ctx = pair_ctx();
	pass(899700);
	assert_int_equal(life_of(from_bytes(ctx, again, again_len)), 300);
	csn_ctx_free(ctx);
	give_up(bytes, len);
	give_up(again, again_len);
}

/* A clock that was ahead by mistake made it; it lives no longer for that. */
TEST(an_export_carries_what_is_left_of_the_life)
{
	struct csn_session *s;
	struct csn_ctx *ctx;
	uint8_t *bytes;
	size_t len;

	pair_wall += 86400000;
	s = pair_local(p.server_ctx, "acme", NULL);
	pair_wall -= 86400000;
	pass(899000);
	assert_int_equal(csn_session_export(s, &bytes, &len), 0);
	csn_session_free(s);
	ctx = pair_ctx();
	assert_int_equal(life_of(from_bytes(ctx, bytes, len)), 1000);
	csn_ctx_free(ctx);
	give_up(bytes, len);
}

TEST(a_clock_set_back_before_a_confirmation_lengthens_no_life)
{
	struct csn_pending *again;
	struct csn_session *s;
	struct messages m;
	struct csn_ctx *ctx;
	uint8_t *bytes;
	size_t len;

	pair_offer(&p, &m, p.tenant, 0, 0);
	pair_accept(&p, &m);
	pair_finish(&p, &m, NULL);
	pass(899000);
	assert_int_equal(csn_pending_export(m.pending, &bytes, &len), 0);
	ctx = pair_ctx();
	assert_int_equal(csn_pending_import(ctx, bytes, len, &again), 0);
	assert_int_equal(csn_session_confirm(again, m.confirm, m.confirm_len,
	    NULL, &s), 0);
	assert_int_equal(life_of(s), 1000);
	csn_pending_free(again);
	/* Nor does it wait for longer than it would have lived. */
	assert_int_equal(csn_pending_import(ctx, bytes, len, &again), 0);
	give_up(bytes, len);
	pair_boot += 999;
	assert_int_equal(csn_pending_export(again, &bytes, &len), 0);
	csn_pending_free(again);
	csn_ctx_free(ctx);
	ctx = pair_ctx();
	assert_int_equal(csn_pending_import(ctx, bytes, len, &again), 0);
	pair_boot += 1;
	assert_int_equal(csn_session_confirm(again, m.confirm, m.confirm_len,
	    NULL, &s), CSN_E_EXPIRED);
	csn_pending_free(again);
	csn_ctx_free(ctx);
	give_up(bytes, len);
	messages_free(&m);
}

TEST(epochs_out_of_order_are_refused)
{
	enum { EPOCH = 4 + 32, NEXT = 32 + 4 };
	struct csn_session *s = pair_local(p.server_ctx, "acme", NULL), *t;
	uint8_t *bytes, *two, spare[EPOCH];
	struct text text;
	size_t len;

	assert_int_equal(text_seal(s, 0, "x", &text), 0);
	assert_int_equal(csn_session_rotate(s, 0), 0);
	assert_int_equal(csn_session_export(s, &bytes, &len), 0);
	/* Two epochs, then the other direction's key and no epoch. */
	two = bytes + len - NEXT - 2 * EPOCH;
	assert_int_equal(two[-4], 2);
	assert_int_equal(two[0], 0);
	assert_int_equal(two[EPOCH], 1);
	memcpy(spare, two, EPOCH);
	memcpy(two, two + EPOCH, EPOCH);
	memcpy(two + EPOCH, spare, EPOCH);
	assert_int_equal(csn_session_import(p.server_ctx, bytes, len, NULL,
	    &t), CSN_E_FORM);
	/* Nor one number twice. */
	two[EPOCH] = two[0];
	assert_int_equal(csn_session_import(p.server_ctx, bytes, len, NULL,
	    &t), CSN_E_FORM);
	two[0] = 0;
	assert_int_equal(csn_session_import(p.server_ctx, bytes, len, NULL,
	    &t), 0);
	csn_session_free(t);
	csn_session_free(s);
	give_up(bytes, len);
}

/* What is on its way when a process ends still comes in after its restart. */
TEST(an_imported_channels_old_epochs_keep_their_grace)
{
	const struct csn_session_options o = { .size = sizeof(o),
	    .replay = CSN_REPLAY_CHANNEL };
	struct csn_session *s = pair_local(p.server_ctx, "acme", &o), *t;
	struct text text[2];
	uint8_t *bytes;
	size_t len;
	int i;

	for (i = 0; i < 2; i++)
		assert_int_equal(text_seal(s, 0, "x", &text[i]), 0);
	assert_int_equal(csn_session_rotate(s, 0), 0);
	assert_int_equal(csn_session_export(s, &bytes, &len), 0);
	assert_int_equal(csn_session_import(p.server_ctx, bytes, len, &o, &t),
	    0);
	give_up(bytes, len);
	pass(29000);
	assert_int_equal(pair_info(t).live_epochs, 2);
	assert_int_equal(text_open(t, &text[0], "x"), 0);
	pass(2000);
	assert_int_equal(pair_info(t).live_epochs, 1);
	assert_int_equal(text_open(t, &text[1], "x"), CSN_E_EPOCH);
	csn_session_free(s);
	csn_session_free(t);
}

/* None is written that no import would take. */
TEST(more_epochs_than_an_import_takes_are_not_exported)
{
	const struct csn_session_options o = { .size = sizeof(o),
	    .max_entries = 1 };
	struct csn_session *s = pair_local(p.server_ctx, "acme", &o), *t;
	struct text text;
	uint8_t *bytes = NULL;
	size_t len;
	uint64_t i;

	for (i = 0; i < 4096; i++)
		assert_int_equal(text_seal(s, i, "x", &text), 0);
	assert_int_equal(csn_session_export(s, &bytes, &len), 0);
	assert_int_equal(csn_session_import(p.server_ctx, bytes, len, &o, &t),
	    0);
	assert_int_equal(text_open(t, &text, "x"), 0);
	give_up(bytes, len);
	bytes = NULL;
	/* All of them stay, and it begins no epoch of its own. */
	assert_int_equal(csn_session_rotate(t, 0), CSN_E_LIMIT);
	assert_int_equal(text_seal(s, i, "x", &text), 0);
	assert_int_equal(csn_session_export(s, &bytes, &len), CSN_E_LIMIT);
	assert_null(bytes);
	csn_session_free(s);
	csn_session_free(t);
}

static int
import(int what, const uint8_t *in, size_t len)
{
	struct csn_session *s = NULL;
	struct csn_pending *q = NULL;
	struct csn_offer *o = NULL;
	int rc;

	if (what == 0)
		rc = csn_offer_import(p.tenant_ctx, in, len, &o);
	else if (what == 1)
		rc = csn_pending_import(p.server_ctx, in, len, &q);
	else
		rc = csn_session_import(p.server_ctx, in, len, NULL, &s);
	if (rc != 0) {
		assert_null(s);
		assert_null(q);
		assert_null(o);
	}
	csn_session_free(s);
	csn_pending_free(q);
	csn_offer_free(o);
	return rc;
}

/* Owners keep these bytes sealed; even so no bytes may be believed. */
TEST(damaged_exports_are_refused_or_harmless)
{
	struct messages m;
	struct text t;
	uint8_t *bytes[3], *copy;
	size_t len[3], n;
	int i, k, bit, rc;

	pair_offer(&p, &m, p.tenant, 0, 0);
	assert_int_equal(csn_offer_export(m.state, &bytes[0], &len[0]), 0);
	pair_accept(&p, &m);
	assert_int_equal(csn_pending_export(m.pending, &bytes[1], &len[1]),
	    0);
	pair_finish(&p, &m, NULL);
	pair_confirm(&p, &m, NULL);
	for (i = 0; i < 3; i++) {
		assert_int_equal(text_seal(m.server, 0, "x", &t), 0);
		assert_int_equal(csn_session_rotate(m.server, 0), 0);
	}
	assert_int_equal(csn_session_export(m.server, &bytes[2], &len[2]),
	    0);
	for (i = 0; i < 3; i++) {
		for (k = 0; k < 3; k++)
			assert_int_equal(import(i, bytes[k], len[k]),
			    i == k ? 0 : CSN_E_FORM);
		for (n = 0; n < len[i]; n += n < 400 ? 1 : 37) {
			assert_non_null(copy = malloc(n != 0 ? n : 1));
			memcpy(copy, bytes[i], n);
			assert_int_equal(import(i, copy, n), CSN_E_FORM);
			free(copy);
		}
		assert_non_null(copy = malloc(len[i] + 1));
		memcpy(copy, bytes[i], len[i]);
		copy[len[i]] = 0;
		assert_int_equal(import(i, copy, len[i] + 1), CSN_E_FORM);
		copy[3]++;
		assert_int_equal(import(i, copy, len[i]), CSN_E_VERSION);
		copy[3]--;
		for (n = 5; n < len[i]; n += n < 300 ? 1 : 97)
			for (bit = 0; bit < 8; bit++) {
				copy[n] ^= (uint8_t)(1 << bit);
				rc = import(i, copy, len[i]);
				assert_true(rc <= 0 && rc != CSN_E_NOMEM);
				/* Nothing is wrong with the call. */
				assert_int_not_equal(rc, CSN_E_ARG);
				copy[n] ^= (uint8_t)(1 << bit);
			}
		give_up(copy, len[i]);
	}
	for (i = 0; i < 3; i++)
		give_up(bytes[i], len[i]);
	messages_free(&m);
}

BEFORE_EACH { pair_start(&p, NULL); }
AFTER_EACH { pair_end(&p); }
