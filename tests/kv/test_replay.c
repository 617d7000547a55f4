/* SPDX-License-Identifier: Apache-2.0 */
/* test_replay.c - what was seen before or is superseded does not open. */
#include "kv/internal.h"
#include "kv/message.h"
#include "lib/test.h"
#include "session/pair.h"

static struct csn_ctx *ctx;

static struct csn_session *
with_replay(uint32_t replay)
{
	const struct csn_session_options o = { .size = sizeof(o),
	    .replay = replay };

	return pair_local(ctx, "acme", &o);
}

TEST(a_channel_opens_each_message_once)
{
	struct csn_session *s = with_replay(CSN_REPLAY_CHANNEL);
	struct csn_kv_slot slot = slot_entry(1, 2);
	struct message p[50];
	int i;

	for (i = 0; i < 50; i++)
		message_make(&p[i], s, &slot, 8, 8, (unsigned)i);
	/* Backwards: order does not matter, only once does. */
	for (i = 49; i >= 0; i--) {
		assert_int_equal(message_open(&p[i], s), 0);
		assert_int_equal(message_open(&p[i], s), CSN_E_REPLAY);
	}
	for (i = 0; i < 50; i++) {
		assert_int_equal(message_open(&p[i], s), CSN_E_REPLAY);
		message_free(&p[i]);
	}
	csn_session_free(s);
}

TEST(a_channel_refuses_what_is_too_far_behind)
{
	struct csn_session *s = with_replay(CSN_REPLAY_CHANNEL);
	struct csn_kv_slot slot = slot_entry(1, 2);
	struct message first, edge, p;
	int i;

	message_make(&first, s, &slot, 8, 8, 1);
	message_make(&edge, s, &slot, 8, 8, 2);
	for (i = 2; i <= 1024; i++) {
		message_make(&p, s, &slot, 8, 8, 3);
		if (i == 1024)
			assert_int_equal(message_open(&p, s), 0);
		message_free(&p);
	}
	assert_int_equal(message_open(&first, s), CSN_E_REPLAY);
	assert_int_equal(message_open(&edge, s), 0);
	message_free(&first);
	message_free(&edge);
	csn_session_free(s);
}

/* A forged sequence far ahead must not push the window on. */
TEST(forgeries_do_not_move_the_window)
{
	struct csn_session *s = with_replay(CSN_REPLAY_CHANNEL);
	struct csn_kv_slot slot = slot_entry(1, 2);
	struct message p[3];
	int i;

	for (i = 0; i < 3; i++)
		message_make(&p[i], s, &slot, 8, 8, (unsigned)i);
	assert_int_equal(message_open(&p[2], s), 0);
	for (i = 0; i < 8; i++) {
		p[0].sealed[56 + i] ^= 0x40;
		assert_int_equal(message_open(&p[0], s), CSN_E_TAG);
		p[0].sealed[56 + i] ^= 0x40;
	}
	/* And a message that failed once is not used up by that. */
	p[1].sealed[150] ^= 1;
	assert_int_equal(message_open(&p[1], s), CSN_E_TAG);
	p[1].sealed[150] ^= 1;
	assert_int_equal(message_open(&p[0], s), 0);
	assert_int_equal(message_open(&p[1], s), 0);
	for (i = 0; i < 3; i++)
		message_free(&p[i]);
	csn_session_free(s);
}

TEST(a_store_opens_the_newest_version_of_a_slot_and_no_other)
{
	struct csn_session *s = with_replay(CSN_REPLAY_STORE);
	struct csn_kv_slot slot = slot_entry(1, 2), other = slot_entry(1, 3);
	struct message p[20], q;
	int i, k;

	message_make(&q, s, &other, 8, 8, 99);
	for (i = 0; i < 20; i++) {
		message_make(&p[i], s, &slot, 8, 8, (unsigned)i);
		for (k = 0; k < i; k++)
			assert_int_equal(message_open(&p[k], s),
			    CSN_E_REPLAY);
		/* As often as one likes. */
		for (k = 0; k < 3; k++)
			assert_int_equal(message_open(&p[i], s), 0);
	}
	assert_int_equal(message_open(&q, s), 0);
	/* Roles, counts and names are slots of their own. */
	slot.role = CSN_KV_KEY;
	message_free(&q);
	message_make(&q, s, &slot, 8, 0, 1);
	assert_int_equal(message_open(&p[19], s), 0);
	/* The token is not. */
	slot.role = CSN_KV_BOTH;
	slot.flags = CSN_KV_HAS_TOKEN;
	message_free(&q);
	message_make(&q, s, &slot, 8, 0, 1);
	assert_int_equal(message_open(&p[19], s), CSN_E_REPLAY);
	assert_int_equal(message_open(&q, s), 0);
	message_free(&q);
	for (i = 0; i < 20; i++)
		message_free(&p[i]);
	csn_session_free(s);
}

TEST(a_forgotten_slot_refuses_rather_than_accepts)
{
	enum { N = 300 };
	const struct csn_session_options o = { .size = sizeof(o),
	    .max_slots = 100 };
	struct csn_session *s = pair_local(ctx, "acme", &o);
	struct csn_session_info info = { .size = sizeof(info) };
	struct message old[N], new[N];
	struct csn_kv_slot slot;
	int i, lost = 0, rc;

	for (i = 0; i < N; i++) {
		slot = slot_entry(0, (uint64_t)i);
		message_make(&old[i], s, &slot, 8, 8, (unsigned)i);
	}
	for (i = 0; i < N; i++)
		message_make(&new[i], s, &old[i].slot, 8, 8, (unsigned)i);
	csn_session_get_info(s, &info);
	assert_int_equal(info.live_slots, 100);
	for (i = 0; i < N; i++) {
		/* Known or forgotten: an old version never opens. */
		assert_int_equal(message_open(&old[i], s), CSN_E_REPLAY);
		rc = message_open(&new[i], s);
		assert_true(rc == 0 || rc == CSN_E_REPLAY);
		lost += rc != 0;
	}
	assert_int_equal(lost, N - 100);
	for (i = 0; i < N; i++) {
		message_free(&old[i]);
		message_free(&new[i]);
	}
	csn_session_free(s);
}

/* Two ends of a handshake, and the server's session in another process. */
struct ends {
	struct pair p;
	struct messages m;
	struct csn_session *copy;
};

static void
ends_start(struct ends *e)
{
	uint8_t *state;
	size_t len;

	memset(e, 0, sizeof(*e));
	pair_start(&e->p, NULL);
	pair_exchange(&e->p, &e->m, NULL);
	assert_int_equal(csn_session_export(e->m.server, &state, &len), 0);
	assert_int_equal(csn_session_import(e->p.server_ctx, state, len,
	    NULL, &e->copy), 0);
	csn_wipe(state, len);
	csn_free(state);
}

static void
ends_end(struct ends *e)
{
	csn_session_free(e->copy);
	messages_free(&e->m);
	pair_end(&e->p);
}

TEST(versions_are_the_clocks)
{
	struct csn_session *s = with_replay(CSN_REPLAY_STORE);
	struct text a, b, c;

	assert_int_equal(text_seal(s, 1, "a", &a), 0);
	assert_int_equal(a.version, pair_wall << 20);
	assert_int_equal(text_seal(s, 1, "b", &b), 0);
	assert_int_equal(b.version, (pair_wall << 20) + 1);
	pair_boot += 250;
	pair_wall += 250;
	assert_int_equal(text_seal(s, 2, "c", &c), 0);
	assert_int_equal(c.version, pair_wall << 20);
	/* The clock jumps ahead: a second later at most it is noticed. */
	pair_boot += 1000;
	pair_wall += 500000;
	assert_int_equal(text_seal(s, 2, "c", &c), 0);
	assert_int_equal(c.version, pair_wall << 20);
	csn_session_free(s);
}

/* Two runs under way at once: no version is handed out twice. */
TEST(the_versions_of_a_run_are_its_own)
{
	struct csn_session *s = with_replay(CSN_REPLAY_STORE);
	struct csn_seal_run a, b;

	assert_int_equal(csn_session_seal_begin(s, 3, 3, 30, 0, &a), 0);
	assert_int_equal(csn_session_seal_begin(s, 1, 1, 10, 0, &b), 0);
	assert_int_equal(a.first_version, pair_wall << 20);
	assert_int_equal(b.first_version, a.first_version + 3);
	assert_int_equal(csn_session_seal_end(s, &b, NULL, 0), 0);
	assert_int_equal(csn_session_seal_end(s, &a, NULL, 0), 0);
	csn_session_free(s);
}

TEST(an_equal_version_of_the_other_end_is_not_the_newest_too)
{
	struct ends e;
	struct text ours, theirs, copys;

	ends_start(&e);
	/* In one millisecond, and nobody has read anything. */
	assert_int_equal(text_seal(e.m.server, 1, "server", &ours), 0);
	assert_int_equal(text_seal(e.m.tenant, 1, "tenant", &theirs), 0);
	assert_int_equal(text_seal(e.copy, 1, "import", &copys), 0);
	assert_int_equal(ours.version, theirs.version);
	assert_int_equal(ours.version, copys.version);
	/* Who put or read one first stays with that one. */
	assert_int_equal(text_open(e.m.server, &theirs, "tenant"),
	    CSN_E_REPLAY);
	assert_int_equal(text_open(e.m.server, &copys, "import"),
	    CSN_E_REPLAY);
	assert_int_equal(text_open(e.m.server, &ours, "server"), 0);
	assert_int_equal(text_open(e.m.tenant, &ours, "server"),
	    CSN_E_REPLAY);
	assert_int_equal(text_open(e.m.tenant, &copys, "import"),
	    CSN_E_REPLAY);
	assert_int_equal(text_open(e.m.tenant, &theirs, "tenant"), 0);
	assert_int_equal(text_open(e.copy, &ours, "server"), CSN_E_REPLAY);
	assert_int_equal(text_open(e.copy, &theirs, "tenant"), CSN_E_REPLAY);
	assert_int_equal(text_open(e.copy, &copys, "import"), 0);
	ends_end(&e);
}

TEST(of_two_ends_the_higher_version_wins)
{
	struct ends e;
	struct text old, new, newest;

	ends_start(&e);
	assert_int_equal(text_seal(e.m.server, 1, "old", &old), 0);
	pair_boot++;
	pair_wall++;
	assert_int_equal(text_seal(e.m.tenant, 1, "new", &new), 0);
	assert_int_equal(text_open(e.m.server, &old, "old"), 0);
	assert_int_equal(text_open(e.m.server, &new, "new"), 0);
	assert_int_equal(text_open(e.m.server, &old, "old"), CSN_E_REPLAY);
	assert_int_equal(text_open(e.m.server, &new, "new"), 0);
	assert_int_equal(text_open(e.m.tenant, &old, "old"), CSN_E_REPLAY);
	/* Who read is above what it read, whatever its clock says. */
	assert_int_equal(text_seal(e.m.server, 1, "newest", &newest), 0);
	assert_int_equal(newest.version, new.version + 1);
	assert_int_equal(text_open(e.m.tenant, &newest, "newest"), 0);
	assert_int_equal(text_open(e.m.tenant, &new, "new"), CSN_E_REPLAY);
	assert_int_equal(text_open(e.copy, &newest, "newest"), 0);
	assert_int_equal(text_open(e.copy, &new, "new"), CSN_E_REPLAY);
	ends_end(&e);
}

TEST(a_version_of_more_than_a_day_ahead_is_refused)
{
	const uint64_t day = 86400000;
	struct csn_session_options o = { .size = sizeof(o),
	    .ttl_ms = CSN_NEVER, .max_age_ms = CSN_NEVER };
	struct csn_session *s = pair_local(ctx, "acme", &o), *late;
	struct csn_ctx *behind;
	struct text ahead, edge;
	uint8_t *bytes;
	size_t len;

	assert_int_equal(csn_session_export(s, &bytes, &len), 0);
	/* Of two machines the one's clock stands still. */
	pair_boot += day;
	pair_wall += day;
	assert_int_equal(text_seal(s, 1, "a day", &edge), 0);
	pair_boot++;
	pair_wall++;
	assert_int_equal(text_seal(s, 2, "more", &ahead), 0);
	pair_boot -= day + 1;
	pair_wall -= day + 1;
	behind = pair_ctx_with(NULL, 0);
	assert_int_equal(csn_session_import(behind, bytes, len, &o, &late),
	    0);
	assert_int_equal(text_open(late, &ahead, "more"), CSN_E_REPLAY);
	assert_int_equal(text_open(late, &edge, "a day"), 0);
	assert_int_equal(text_open(late, &ahead, "more"), CSN_E_REPLAY);
	/* Who sealed it reads it, and so does the other when it is time. */
	assert_int_equal(text_open(s, &ahead, "more"), 0);
	pair_boot++;
	pair_wall++;
	assert_int_equal(text_open(late, &ahead, "more"), 0);
	csn_session_free(late);
	csn_session_free(s);
	csn_ctx_free(behind);
	csn_wipe(bytes, len);
	csn_free(bytes);
}

TEST(who_forgets_its_own_slots_reads_the_other_ends)
{
	struct csn_kv_slot slot = slot_entry(1, 2);
	struct csn_slot_name name;
	struct ends e;
	struct text theirs;
	struct message ours;

	ends_start(&e);
	assert_int_equal(text_seal(e.m.tenant, 7, "unread", &theirs), 0);
	pair_boot++;
	pair_wall++;
	message_make(&ours, e.m.server, &slot, 8, 8, 1);
	csn_kv_slot_name(&slot, &name);
	csn_session_slot_forget(e.m.server, &name);
	assert_int_equal(message_open(&ours, e.m.server), CSN_E_REPLAY);
	assert_int_equal(text_open(e.m.server, &theirs, "unread"), 0);
	message_free(&ours);
	ends_end(&e);
}

TEST(without_replay_checks_messages_say_so)
{
	struct csn_session *s = with_replay(CSN_REPLAY_OFF);
	struct csn_kv_slot slot = slot_entry(1, 2);
	struct csn_header h = { .size = sizeof(h) };
	struct message p, q;
	int i;

	message_make(&p, s, &slot, 8, 8, 1);
	message_make(&q, s, &slot, 8, 8, 1);
	for (i = 0; i < 3; i++)
		assert_int_equal(message_open(&p, s), 0);
	assert_int_equal(csn_header_read(ctx, p.sealed, p.len, &h), 0);
	assert_int_equal(h.replay, CSN_REPLAY_OFF);
	message_free(&p);
	message_free(&q);
	csn_session_free(s);
}

/* One session and its replay state, however many calls ask for it. */
TEST(a_manager_does_not_open_the_same_entry_again_and_again)
{
	struct csn_session_options o = { .size = sizeof(o) };
	struct csn_manager_options mo = { .size = sizeof(mo), .session = &o };
	const struct csn_tenant t = { .size = sizeof(t), .id = "acme" };
	struct csn_kv_slot slot = slot_entry(1, 2);
	struct csn_kv_item items[3];
	uint8_t out[3][2][8];
	struct csn_manager *mgr;
	struct csn_session *s;
	struct message p, q;
	uint32_t mode;
	int i, rc;

	for (mode = CSN_REPLAY_STORE; mode <= CSN_REPLAY_CHANNEL; mode++) {
		o.replay = mode;
		assert_int_equal(csn_manager_new(ctx, &mo, &mgr), 0);
		assert_int_equal(csn_manager_create(mgr, &t, &s), 0);
		message_make(&p, s, &slot, 8, 8, 1);
		assert_int_equal(message_open_by(&p, mgr, ctx, "acme"), 0);
		for (i = 0; i < 5; i++)
			assert_int_equal(message_open_by(&p, mgr, ctx, "acme"),
			    mode == CSN_REPLAY_STORE ? 0 : CSN_E_REPLAY);
		/* Superseded, then shown again. */
		message_make(&q, s, &slot, 8, 8, 2);
		for (i = 0; i < 5; i++)
			assert_int_equal(message_open_by(&p, mgr, ctx, "acme"),
			    CSN_E_REPLAY);
		/* Old, new, and new again in one batch. */
		for (i = 0; i < 3; i++) {
			message_item(i == 0 ? &p : &q, NULL, &items[i]);
			items[i].tenant = "acme";
			items[i].key = out[i][0];
			items[i].value = out[i][1];
		}
		rc = csn_manager_open_batch(mgr, NULL, items, 3);
		assert_int_equal(rc, CSN_E_REPLAY);
		assert_int_equal(items[0].rc, CSN_E_REPLAY);
		assert_true(all_zero(out[0], sizeof(out[0])));
		assert_int_equal(items[1].rc, 0);
		assert_int_equal(items[2].rc, mode == CSN_REPLAY_STORE ? 0 :
		    CSN_E_REPLAY);
		message_free(&p);
		message_free(&q);
		csn_session_free(s);
		csn_manager_free(mgr);
	}
}

BEFORE_EACH { ctx = pair_ctx(); }
AFTER_EACH { csn_ctx_free(ctx); }
