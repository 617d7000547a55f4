/* SPDX-License-Identifier: Apache-2.0 */
/* test_session.c - a session's life: time, validity, description, end. */
#include <jansson.h>

#include "base/text.h"
#include "identity/people.h"
#include "lib/test.h"
#include "session/internal.h"
#include "session/pair.h"

static struct csn_ctx *ctx;

TEST(it_lives_900_seconds_by_default)
{
	struct csn_session *s = pair_local(ctx, "acme", NULL);
	struct csn_session_info info = { .size = sizeof(info) };

	csn_session_get_info(s, &info);
	assert_int_equal(info.created_ms, PEOPLE_START);
	assert_int_equal(info.expires_ms, PEOPLE_START + 900000);
	assert_int_equal(info.kem, CSN_KEM_ML_KEM_768);
	pair_boot += 899999;
	assert_int_equal(csn_session_is_valid(s), 1);
	pair_boot += 1;
	assert_int_equal(csn_session_is_valid(s), 0);
	csn_session_free(s);
}

TEST(it_expires_to_the_millisecond_for_every_use)
{
	const struct csn_session_options o = { .size = sizeof(o),
	    .ttl_ms = 1000 };
	struct csn_session *s = pair_local(ctx, "acme", &o);
	uint8_t *bytes = NULL;
	struct text t, u;
	size_t len;

	assert_int_equal(text_seal(s, 1, "hello", &t), 0);
	pair_boot += 999;
	assert_int_equal(csn_session_check_valid(s), 0);
	assert_int_equal(text_seal(s, 2, "hello", &u), 0);
	assert_int_equal(text_open(s, &t, "hello"), 0);
	pair_boot += 1;
	assert_int_equal(csn_session_check_valid(s), CSN_E_EXPIRED);
	assert_int_equal(csn_session_is_valid(s), 0);
	assert_non_null(strstr(csn_message(), "acme"));
	assert_non_null(strstr(csn_message(), "2026-01-01T00:00:01"));
	assert_int_equal(text_open(s, &t, "hello"), CSN_E_EXPIRED);
	assert_int_equal(text_seal(s, 3, "hello", &u), CSN_E_EXPIRED);
	assert_int_equal(csn_session_rotate(s, 0), CSN_E_EXPIRED);
	assert_int_equal(csn_session_export(s, &bytes, &len),
	    CSN_E_EXPIRED);
	assert_null(bytes);
	csn_session_free(s);
}

TEST(a_clock_set_back_extends_nothing)
{
	const struct csn_session_options o = { .size = sizeof(o),
	    .ttl_ms = 1000 };
	struct csn_session *s = pair_local(ctx, "acme", &o), *later;
	struct csn_session_info info = { .size = sizeof(info) };
	uint8_t *bytes;
	size_t len;

	pair_wall -= 86400000;
	pair_boot += 999;
	assert_int_equal(csn_session_is_valid(s), 1);
	assert_int_equal(csn_session_export(s, &bytes, &len), 0);
	pair_boot += 1;
	assert_int_equal(csn_session_is_valid(s), 0);
	/* Expired is expired, should even the time since boot go back. */
	pair_boot -= 500;
	assert_int_equal(csn_session_is_valid(s), 0);
	/* An import reckons by the wall's high-water mark. */
	assert_int_equal(csn_session_import(ctx, bytes, len, NULL, &later),
	    0);
	csn_session_get_info(later, &info);
	assert_int_equal(info.expires_ms, PEOPLE_START + 1000);
	pair_boot += 1000;
	assert_int_equal(csn_session_is_valid(later), 0);
	csn_session_free(later);
	csn_wipe(bytes, len);
	csn_free(bytes);
	csn_session_free(s);
}

TEST(a_wall_clock_that_jumps_ahead_ends_nothing_early)
{
	struct csn_session *s = pair_local(ctx, "acme", NULL);

	pair_wall += 365ull * 86400000;
	assert_int_equal(csn_session_is_valid(s), 1);
	csn_session_free(s);
}

TEST(never_is_never)
{
	const struct csn_session_options o = { .size = sizeof(o),
	    .ttl_ms = CSN_NEVER, .max_age_ms = CSN_NEVER,
	    .max_entries = CSN_NEVER, .max_bytes = CSN_NEVER,
	    .grace_ms = CSN_NEVER };
	struct csn_session *s = pair_local(ctx, "acme", &o);
	struct csn_session_info info = { .size = sizeof(info) };
	struct text t, u;
	char *json;

	assert_int_equal(text_seal(s, 1, "old", &t), 0);
	assert_int_equal(text_seal(s, 2, "other", &u), 0);
	pair_boot += 100ull * 365 * 86400000;
	assert_int_equal(csn_session_is_valid(s), 1);
	assert_int_equal(csn_session_should_rotate(s), CSN_ROTATE_NONE);
	assert_int_equal(csn_session_rotate(s, 0), 0);
	assert_int_equal(text_seal(s, 1, "new", &t), 0);
	assert_int_equal(text_seal(s, 2, "new", &t), 0);
	pair_boot += 100ull * 365 * 86400000;
	csn_session_get_info(s, &info);
	assert_int_equal(info.live_epochs, 2);
	assert_int_equal(csn_session_json(s, &json), 0);
	csn_free(json);
	csn_session_free(s);
}

TEST(tenant_ids_that_are_none_are_refused)
{
	static const char *const bad[] = { NULL, "", "\xff", "abc\xc3",
	    "a\x01", "\xed\xa0\x80", "\xc0\x80",
	    "01234567890123456789012345678901234567890123456789012345678901234"
	};
	char longest[65];
	struct csn_tenant t = { .size = sizeof(t) };
	struct csn_session *s = NULL;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		t.id = bad[i];
		assert_int_equal(csn_session_local(ctx, &t, NULL, &s),
		    CSN_E_ARG);
		assert_true(csn_message()[0] != '\0');
	}
	assert_int_equal(csn_session_local(ctx, NULL, NULL, &s), CSN_E_ARG);
	t.id = "acme";
	t.size = 0;
	assert_int_equal(csn_session_local(ctx, &t, NULL, &s), CSN_E_ARG);
	t.size = sizeof(t);
	t.display_name = "\xff";
	assert_int_equal(csn_session_local(ctx, &t, NULL, &s), CSN_E_ARG);
	assert_null(s);
	/* 64 bytes of UTF-8 are the most. */
	memset(longest, 'x', 62);
	memcpy(longest + 62, "\xc3\xa9", 3);
	t.id = longest;
	t.display_name = "\xe6\xa1\x83\xe8\x8a\xb1";
	assert_int_equal(csn_session_local(ctx, &t, NULL, &s), 0);
	assert_string_equal(csn_session_tenant_id(s), longest);
	assert_string_equal(csn_session_tenant_name(s), t.display_name);
	csn_session_free(s);
}

TEST(options_that_are_none_are_refused)
{
	const struct csn_tenant t = { .size = sizeof(t), .id = "acme" };
	const struct csn_session_options bad[] = {
		{ .size = sizeof(bad[0]), .replay = 4 },
		{ .size = sizeof(bad[0]), .rotate = 2 },
		{ .size = sizeof(bad[0]), .audit_grain = 2 },
		{ .size = sizeof(bad[0]), .kem = 5 },
		{ .size = sizeof(bad[0]), .kem = UINT32_MAX },
	};
	const struct csn_offer_options offers[] = {
		{ .size = sizeof(offers[0]) },
		{ .size = sizeof(offers[0]), .server_did = "did:pqaid:00" },
		{ .size = sizeof(offers[0]), .kem = 9, .server_did = "did:x" },
	};
	struct csn_session *s = NULL;
	struct csn_offer *o = NULL;
	uint8_t *msg = NULL;
	size_t i, len;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(csn_session_local(ctx, &t, &bad[i], &s),
		    CSN_E_ARG);
	assert_null(s);
	for (i = 0; i < sizeof(offers) / sizeof(offers[0]); i++)
		assert_int_equal(csn_session_offer(ctx, &offers[i], &o, &msg,
		    &len), CSN_E_ARG);
	assert_int_equal(csn_session_offer(ctx, NULL, &o, &msg, &len),
	    CSN_E_ARG);
	assert_null(o);
	assert_null(msg);
}

TEST(structures_cut_short_are_refused_and_left)
{
	const struct csn_tenant t = { .size = sizeof(t), .id = "acme" };
	struct csn_session_options o = { .ttl_ms = 5000 };
	struct csn_session_info info, before;
	struct csn_session *s = NULL;

	o.size = offsetof(struct csn_session_options, audit);
	assert_int_equal(csn_session_local(ctx, &t, &o, &s), CSN_E_ARG);
	assert_null(s);
	o.size = sizeof(o);
	s = pair_local(ctx, "acme", &o);
	memset(&info, 0x77, sizeof(info));
	info.size = offsetof(struct csn_session_info, audit_failures);
	before = info;
	assert_int_equal(csn_session_get_info(s, &info), CSN_E_ARG);
	assert_memory_equal(&info, &before, sizeof(info));
	info.size = sizeof(info);
	assert_int_equal(csn_session_get_info(s, &info), 0);
	assert_int_equal(info.expires_ms, PEOPLE_START + 5000);
	csn_session_free(s);
}

TEST(json_describes_it)
{
	const struct csn_tenant t = { .size = sizeof(t), .id = "ac\"me",
	    .display_name = "A \\ B" };
	struct csn_session *s;
	struct text x;
	json_t *j;
	char *text, id[2 * CSN_SESSION_ID_SIZE + 1];

	assert_int_equal(csn_session_local(ctx, &t, NULL, &s), 0);
	assert_int_equal(text_seal(s, 1, "x", &x), 0);
	assert_int_equal(csn_session_json(s, &text), 0);
	assert_non_null(j = json_loads(text, 0, NULL));
	csn_hex_encode(csn_session_id(s), CSN_SESSION_ID_SIZE, id);
	assert_string_equal(json_string_value(json_object_get(j,
	    "session_id")), id);
	assert_string_equal(json_string_value(json_object_get(j,
	    "tenant_id")), "ac\"me");
	assert_string_equal(json_string_value(json_object_get(j,
	    "display_name")), "A \\ B");
	assert_string_equal(json_string_value(json_object_get(j, "kem")),
	    "ML-KEM-768");
	assert_true(json_is_true(json_object_get(j, "valid")));
	assert_int_equal(json_integer_value(json_object_get(j,
	    "next_sequence")), 1);
	json_decref(j);
	csn_free(text);
	csn_session_close(s);
	assert_int_equal(csn_session_json(s, &text), 0);
	assert_non_null(j = json_loads(text, 0, NULL));
	assert_true(json_is_false(json_object_get(j, "valid")));
	json_decref(j);
	csn_free(text);
	csn_session_free(s);
}

TEST(json_has_no_secret_in_it)
{
	struct csn_session *s = pair_local(ctx, "acme", NULL);
	struct text x;
	char *json, hex[2 * 8 + 1];
	uint8_t *bytes;
	size_t len, i, keys;

	assert_int_equal(text_seal(s, 1, "x", &x), 0);
	assert_int_equal(csn_session_rotate(s, 0), 0);
	assert_int_equal(csn_session_json(s, &json), 0);
	assert_int_equal(csn_session_export(s, &bytes, &len), 0);
	/* Behind the counter come only keys: three, with their numbers. */
	keys = len - (32 + 4 + 2 * 36 + 32 + 4);
	for (i = keys; i + 8 <= len; i++) {
		csn_hex_encode(bytes + i, 8, hex);
		assert_null(strstr(json, hex));
		assert_null(memmem(json, strlen(json), bytes + i, 8));
	}
	csn_wipe(bytes, len);
	csn_free(bytes);
	csn_free(json);
	csn_session_free(s);
}

TEST(after_close_every_use_is_refused)
{
	struct csn_session *s = pair_local(ctx, "acme", NULL), *again;
	struct csn_session_info info = { .size = sizeof(info) };
	uint8_t *bytes = NULL;
	struct text t, u;
	size_t len;

	assert_int_equal(text_seal(s, 1, "x", &t), 0);
	again = csn_session_ref(s);
	assert_ptr_equal(again, s);
	csn_session_free(again);
	assert_int_equal(csn_session_is_valid(s), 1);
	csn_session_close(s);
	csn_session_close(s);
	assert_int_equal(csn_session_is_valid(s), 0);
	assert_int_equal(csn_session_check_valid(s), CSN_E_CLOSED);
	assert_int_equal(text_open(s, &t, "x"), CSN_E_CLOSED);
	assert_int_equal(text_seal(s, 1, "x", &u), CSN_E_CLOSED);
	assert_int_equal(csn_session_rotate(s, 0), CSN_E_CLOSED);
	assert_int_equal(csn_session_should_rotate(s), CSN_ROTATE_NONE);
	assert_int_equal(csn_session_after_fork(s), CSN_E_CLOSED);
	assert_int_equal(csn_session_export(s, &bytes, &len), CSN_E_CLOSED);
	assert_null(bytes);
	csn_session_get_info(s, &info);
	assert_int_equal(info.live_epochs, 0);
	assert_int_equal(info.live_slots, 0);
	assert_string_equal(csn_session_tenant_id(s), "acme");
	csn_session_free(s);
	csn_session_free(NULL);
	csn_offer_free(NULL);
	csn_pending_free(NULL);
	csn_acceptor_free(NULL);
}

/* As a thread that found the session open, and it is closed by then. */
TEST(a_look_ahead_after_close_leaves_nothing)
{
	struct csn_session *s = pair_local(ctx, "acme", NULL);
	size_t none;

	csn_session_ref(s);
	csn_session_close(s);
	assert_int_equal(csn_ahead_look(s, CSN_DIR_SERVER, 0), 0);
	none = csn_ahead_memory(s);
	assert_int_equal(csn_ahead_look(s, CSN_DIR_SERVER, 5), 0);
	assert_int_equal(csn_ahead_memory(s), none);
	assert_null(csn_ahead_root(s, CSN_DIR_SERVER, 0));
	assert_null(csn_ahead_root(s, CSN_DIR_SERVER, 5));
	csn_session_free(s);
	csn_session_free(s);
}

TEST(a_side_refuses_its_own_message_sent_back)
{
	const struct csn_session_options o = { .size = sizeof(o),
	    .replay = CSN_REPLAY_CHANNEL };
	struct messages m;
	struct text t;
	struct pair p;

	pair_start(&p, NULL);
	pair_exchange(&p, &m, &o);
	assert_int_equal(text_seal(m.server, 1, "mine", &t), 0);
	assert_int_equal(text_open(m.server, &t, "mine"), CSN_E_REPLAY);
	/* Said to be the other side's, it is under another key. */
	t.sealed[6] ^= CSN_HEADER_TENANT_SENT;
	assert_int_equal(text_open(m.server, &t, "mine"), CSN_E_TAG);
	t.sealed[6] ^= CSN_HEADER_TENANT_SENT;
	assert_int_equal(text_open(m.tenant, &t, "mine"), 0);
	messages_free(&m);
	pair_end(&p);
}

TEST(another_sessions_message_is_refused)
{
	struct csn_session *a = pair_local(ctx, "acme", NULL);
	struct csn_session *b = pair_local(ctx, "acme", NULL);
	struct csn_session *other = pair_local(ctx, "other", NULL);
	struct text t;

	assert_int_equal(text_seal(a, 1, "x", &t), 0);
	assert_int_equal(text_open(b, &t, "x"), CSN_E_SESSION);
	assert_int_equal(text_open(other, &t, "x"), CSN_E_TENANT);
	csn_session_free(a);
	csn_session_free(b);
	csn_session_free(other);
}

/* Room that was kept for versions under way used to be kept for ever. */
TEST(sealing_one_slot_again_and_again_takes_no_memory)
{
	struct csn_session_info first = { .size = sizeof(first) };
	struct csn_session_info last = { .size = sizeof(last) };
	struct csn_session *s = pair_local(ctx, "acme", NULL);
	struct text t;
	int i;

	assert_int_equal(text_seal(s, 1, "x", &t), 0);
	csn_session_get_info(s, &first);
	for (i = 0; i < 5000; i++)
		assert_int_equal(text_seal(s, 1, "x", &t), 0);
	csn_session_get_info(s, &last);
	assert_int_equal(last.live_slots, 1);
	assert_int_equal(last.memory, first.memory);
	csn_session_free(s);
}

BEFORE_EACH { ctx = pair_ctx(); }
AFTER_EACH { csn_ctx_free(ctx); }
