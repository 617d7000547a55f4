/* SPDX-License-Identifier: Apache-2.0 */
/* test_store.c - the KV store: put, get, replaced, evicted, closed. */
#include "kv/kv_store.h"
#include "kv/store_fixture.h"
#include "lib/test.h"
#include "session/pair.h"

static struct store_fixture sh;

BEFORE_ALL { store_register_copying(); }
BEFORE_EACH { store_start(&sh, "memory:?bytes=64M", NULL); }
AFTER_EACH { store_end(&sh); }

TEST(what_was_put_comes_back)
{
	const size_t lens[] = { 0, 1, 100, 4096, 70001 };
	struct csn_kv_slot slot;
	size_t i, k;

	for (i = 0; i < 5; i++)
		for (k = 0; k < 5; k++) {
			slot = slot_entry((uint32_t)i, k);
			assert_int_equal(store_put(&sh, "acme", &slot,
			    lens[i], lens[k], (unsigned)(i * 5 + k)), 0);
		}
	for (i = 0; i < 5; i++)
		for (k = 0; k < 5; k++) {
			slot = slot_entry((uint32_t)i, k);
			assert_int_equal(store_get(&sh, "acme", &slot,
			    lens[i], lens[k], (unsigned)(i * 5 + k)), 0);
		}
	slot = slot_entry(9, 9);
	assert_int_equal(store_get(&sh, "acme", &slot, 1, 1, 0),
	    CSN_E_NOT_FOUND);
	slot = slot_block(7, 0, 16);
	assert_int_equal(store_put(&sh, "acme", &slot, 1 << 20, 1 << 20, 3),
	    0);
	assert_int_equal(store_get(&sh, "acme", &slot, 1 << 20, 1 << 20, 3),
	    0);
}

GROUP("where the store is small");

TEST(replacing_shows_the_newest)
{
	struct csn_kv_slot slot = slot_entry(1, 2);
	unsigned i;

	for (i = 0; i < 100; i++) {
		assert_int_equal(store_put(&sh, "acme", &slot, i, 100 - i,
		    i), 0);
		assert_int_equal(store_get(&sh, "acme", &slot, i, 100 - i,
		    i), 0);
	}
	/* With a token or another it is the same slot. */
	slot.flags = CSN_KV_HAS_TOKEN;
	slot.token_id = 5;
	assert_int_equal(store_put(&sh, "acme", &slot, 5, 5, 7), 0);
	slot.flags = 0;
	slot.token_id = 0;
	assert_int_equal(store_get(&sh, "acme", &slot, 5, 5, 7), 0);
	assert_int_equal(store_stat(&sh, "acme").entries, 1);
}

TEST(removing_removes)
{
	struct csn_kv_slot slot = slot_entry(1, 2);
	struct csn_session_info info;
	uint8_t *copy;
	size_t len;

	assert_int_equal(store_put(&sh, "acme", &slot, 10, 10, 1), 0);
	copy = store_copy(&sh, "acme", &slot, &len);
	assert_int_equal(csn_kv_store_remove(sh.kv, "acme", &slot), 0);
	assert_int_equal(store_get(&sh, "acme", &slot, 10, 10, 1),
	    CSN_E_NOT_FOUND);
	assert_int_equal(csn_kv_store_remove(sh.kv, "acme", &slot),
	    CSN_E_NOT_FOUND);
	info = store_info(&sh, "acme");
	assert_int_equal(info.live_slots, 0);
	/* Put back by someone who kept a copy. */
	store_plant(&sh, "acme", &slot, copy, len);
	assert_int_equal(store_get(&sh, "acme", &slot, 10, 10, 1),
	    CSN_E_REPLAY);
	free(copy);
}

TEST(room_that_is_too_small_is_told)
{
	struct csn_kv_slot slot = slot_entry(1, 2);
	uint8_t key[100], value[100];
	size_t key_len = 99, value_len = 100;

	memset(key, 0xbb, sizeof(key));
	assert_int_equal(store_put(&sh, "acme", &slot, 100, 50, 1), 0);
	assert_int_equal(csn_kv_store_get(sh.kv, "acme", &slot, key,
	    &key_len, value, &value_len), CSN_E_BUFFER);
	assert_int_equal(key_len, 100);
	assert_int_equal(value_len, 50);
	assert_int_equal(key[0], 0xbb);
	value_len = 49;
	assert_int_equal(csn_kv_store_get(sh.kv, "acme", &slot, key,
	    &key_len, value, &value_len), CSN_E_BUFFER);
	assert_int_equal(key_len, 100);
	assert_int_equal(value_len, 50);
	slot.position++;
	assert_int_equal(csn_kv_store_get(sh.kv, "acme", &slot, key,
	    &key_len, value, &value_len), CSN_E_NOT_FOUND);
	assert_int_equal(key_len, 0);
	assert_int_equal(value_len, 0);
	slot.position--;
	key_len = value_len = 100;
	assert_int_equal(csn_kv_store_get(sh.kv, "acme", &slot, key,
	    &key_len, value, &value_len), 0);
}

TEST(tenants_do_not_see_each_other)
{
	struct csn_kv_slot slot = slot_entry(1, 2);
	uint8_t *copy;
	size_t len;

	store_tenant(&sh, "other");
	assert_int_equal(store_put(&sh, "acme", &slot, 10, 10, 1), 0);
	assert_int_equal(store_get(&sh, "other", &slot, 10, 10, 1),
	    CSN_E_NOT_FOUND);
	assert_int_equal(store_put(&sh, "other", &slot, 20, 20, 2), 0);
	assert_int_equal(store_get(&sh, "acme", &slot, 10, 10, 1), 0);
	assert_int_equal(store_get(&sh, "nobody", &slot, 10, 10, 1),
	    CSN_E_UNKNOWN_TENANT);
	assert_int_equal(store_put(&sh, "nobody", &slot, 10, 10, 1),
	    CSN_E_UNKNOWN_TENANT);
	/* Nor where the store is made to mix them up. */
	copy = store_copy(&sh, "acme", &slot, &len);
	store_plant(&sh, "other", &slot, copy, len);
	assert_int_equal(store_get(&sh, "other", &slot, 10, 10, 1),
	    CSN_E_TENANT);
	free(copy);
}

TEST(a_store_that_lies_is_caught)
{
	struct csn_kv_slot a = slot_entry(1, 1), b = slot_entry(1, 2);
	uint8_t *old, *other, *bad;
	size_t len;

	assert_int_equal(store_put(&sh, "acme", &a, 10, 10, 1), 0);
	assert_int_equal(store_put(&sh, "acme", &b, 10, 10, 2), 0);
	old = store_copy(&sh, "acme", &a, &len);
	other = store_copy(&sh, "acme", &b, &len);
	bad = store_copy(&sh, "acme", &b, &len);
	/* Another slot's bytes under this slot's key. */
	store_plant(&sh, "acme", &a, other, len);
	assert_int_equal(store_get(&sh, "acme", &a, 10, 10, 1), CSN_E_TAG);
	/* A flipped bit. */
	bad[150] ^= 4;
	store_plant(&sh, "acme", &b, bad, len);
	assert_int_equal(store_get(&sh, "acme", &b, 10, 10, 2), CSN_E_TAG);
	store_plant(&sh, "acme", &b, bad, 100);
	assert_int_equal(store_get(&sh, "acme", &b, 10, 10, 2), CSN_E_FORM);
	/* The true ones still open, until they are superseded. */
	store_plant(&sh, "acme", &a, old, len);
	store_plant(&sh, "acme", &b, other, len);
	assert_int_equal(store_get(&sh, "acme", &a, 10, 10, 1), 0);
	assert_int_equal(store_get(&sh, "acme", &b, 10, 10, 2), 0);
	assert_int_equal(store_put(&sh, "acme", &a, 10, 10, 3), 0);
	store_plant(&sh, "acme", &a, old, len);
	assert_int_equal(store_get(&sh, "acme", &a, 10, 10, 1),
	    CSN_E_REPLAY);
	free(old);
	free(other);
	free(bad);
}

TEST(under_a_byte_limit_the_oldest_go_and_all_goes_on)
{
	enum { N = 3000, LEN = 1000 };
	struct csn_kv_slot slot;
	struct csn_store_stat st;
	struct csn_session_info info;
	unsigned i, there = 0;
	int rc;

	for (i = 0; i < N; i++) {
		slot = slot_entry(0, i);
		assert_int_equal(store_put(&sh, "acme", &slot, LEN, 0, i), 0);
		/* What was just put is there. */
		assert_int_equal(store_get(&sh, "acme", &slot, LEN, 0, i),
		    0);
	}
	st = store_stat(&sh, "acme");
	assert_true(st.evictions > N / 2);
	assert_true(st.entries > 100 && st.entries < N / 2);
	for (i = 0; i < N; i++) {
		slot = slot_entry(0, i);
		rc = store_get(&sh, "acme", &slot, LEN, 0, i);
		assert_true(rc == 0 || rc == CSN_E_NOT_FOUND);
		there += rc == 0;
	}
	assert_int_equal(there, st.entries);
	/* The session forgot what the store gave up: its memory is bounded
	 * by the store's. */
	info = store_info(&sh, "acme");
	assert_int_equal(info.live_slots, st.entries);
}

TEST(an_evicted_entry_shown_again_is_refused)
{
	struct csn_kv_slot first = slot_entry(1, 0), slot;
	uint8_t *copy;
	size_t len;
	unsigned i;

	assert_int_equal(store_put(&sh, "acme", &first, 1000, 0, 7), 0);
	copy = store_copy(&sh, "acme", &first, &len);
	for (i = 0; i < 2500; i++) {
		slot = slot_entry(0, i);
		assert_int_equal(store_put(&sh, "acme", &slot, 1000, 0, i),
		    0);
	}
	assert_int_equal(store_get(&sh, "acme", &first, 1000, 0, 7),
	    CSN_E_NOT_FOUND);
	store_plant(&sh, "acme", &first, copy, len);
	assert_int_equal(store_get(&sh, "acme", &first, 1000, 0, 7),
	    CSN_E_REPLAY);
	/* The slot itself is as good as ever. */
	assert_int_equal(store_put(&sh, "acme", &first, 10, 0, 8), 0);
	assert_int_equal(store_get(&sh, "acme", &first, 10, 0, 8), 0);
	free(copy);
}

TEST(one_tenants_flood_does_not_wash_out_another)
{
	struct csn_kv_slot slot;
	unsigned i, there = 0;

	store_end(&sh);
	store_start(&sh, "memory:?bytes=1M&slab=64K&share=0.25", NULL);
	store_tenant(&sh, "quiet");
	for (i = 0; i < 50; i++) {
		slot = slot_entry(0, i);
		assert_int_equal(store_put(&sh, "quiet", &slot, 1000, 0, i),
		    0);
	}
	for (i = 0; i < 3000; i++) {
		slot = slot_entry(0, i);
		assert_int_equal(store_put(&sh, "acme", &slot, 1000, 0, i),
		    0);
	}
	assert_true(store_stat(&sh, "acme").memory <= 256 << 10);
	for (i = 0; i < 50; i++) {
		slot = slot_entry(0, i);
		there += store_get(&sh, "quiet", &slot, 1000, 0, i) == 0;
	}
	assert_int_equal(there, 50);
}

TEST(closing_a_tenant_ends_it_at_once)
{
	struct csn_kv_slot slot;
	struct csn_session *s;
	uint8_t *copy;
	size_t len;
	unsigned i;

	store_tenant(&sh, "other");
	for (i = 0; i < 100; i++) {
		slot = slot_entry(0, i);
		assert_int_equal(store_put(&sh, "acme", &slot, 500, 0, i), 0);
		assert_int_equal(store_put(&sh, "other", &slot, 500, 0, i),
		    0);
	}
	slot = slot_entry(0, 5);
	copy = store_copy(&sh, "acme", &slot, &len);
	assert_int_equal(csn_manager_session(sh.mgr, "acme", &s), 0);
	assert_int_equal(csn_kv_store_close_tenant(sh.kv, "acme"), 0);
	assert_int_equal(csn_session_check_valid(s), CSN_E_CLOSED);
	csn_session_free(s);
	assert_int_equal(store_get(&sh, "acme", &slot, 500, 0, 5),
	    CSN_E_UNKNOWN_TENANT);
	assert_int_equal(store_stat(&sh, "acme").entries, 0);
	assert_int_equal(store_stat(&sh, "acme").memory, 0);
	assert_int_equal(csn_kv_store_close_tenant(sh.kv, "acme"),
	    CSN_E_UNKNOWN_TENANT);
	for (i = 0; i < 100; i++) {
		slot = slot_entry(0, i);
		assert_int_equal(store_get(&sh, "other", &slot, 500, 0, i),
		    0);
	}
	/* Come again, the tenant finds nothing of its former life. */
	store_tenant(&sh, "acme");
	slot = slot_entry(0, 5);
	assert_int_equal(store_get(&sh, "acme", &slot, 500, 0, 5),
	    CSN_E_NOT_FOUND);
	store_plant(&sh, "acme", &slot, copy, len);
	assert_int_equal(store_get(&sh, "acme", &slot, 500, 0, 5),
	    CSN_E_SESSION);
	free(copy);
}

TEST(a_former_sessions_entries_do_not_open_and_are_left)
{
	struct csn_kv_slot slot = slot_entry(0, 1);
	struct csn_session *s;

	assert_int_equal(store_put(&sh, "acme", &slot, 500, 0, 1), 0);
	s = pair_local(sh.ctx, "acme", NULL);
	assert_int_equal(csn_manager_adopt(sh.mgr, s), 0);
	csn_session_free(s);
	assert_int_equal(store_stat(&sh, "acme").entries, 1);
	assert_int_equal(store_get(&sh, "acme", &slot, 500, 0, 1),
	    CSN_E_SESSION);
	/* That is the medium's word: it is no reason to remove anything. */
	assert_int_equal(store_stat(&sh, "acme").entries, 1);
	assert_int_equal(store_put(&sh, "acme", &slot, 500, 0, 2), 0);
	assert_int_equal(store_get(&sh, "acme", &slot, 500, 0, 2), 0);
	assert_int_equal(store_stat(&sh, "acme").entries, 1);
}

/* Each bit of the header: whatever it says, the entry is not touched. */
TEST(a_changed_header_is_refused_and_the_entry_left)
{
	struct csn_kv_slot slot = slot_entry(1, 1);
	size_t key_len, value_len, len, i;
	uint8_t key[600], value[600], *good, *bad;
	int rc;

	assert_int_equal(store_put(&sh, "acme", &slot, 100, 50, 1), 0);
	good = store_copy(&sh, "acme", &slot, &len);
	bad = malloc(len);
	assert_non_null(bad);
	for (i = 0; i < CSN_SEAL_HEADER * 8; i++) {
		memcpy(bad, good, len);
		bad[i / 8] ^= (uint8_t)(1 << i % 8);
		store_plant(&sh, "acme", &slot, bad, len);
		/* With room and without. */
		key_len = value_len = i % 2 == 0 ? sizeof(key) : 0;
		rc = csn_kv_store_get(sh.kv, "acme", &slot, key, &key_len,
		    value, &value_len);
		assert_true(rc < 0 && rc != CSN_E_NOT_FOUND &&
		    rc != CSN_E_BUFFER);
		if (i / 8 >= 16 && i / 8 < 32)
			assert_int_equal(rc, CSN_E_SESSION);
		/* No length of an unknown author. */
		assert_int_equal(key_len, 0);
		assert_int_equal(value_len, 0);
		assert_int_equal(store_stat(&sh, "acme").entries, 1);
	}
	store_plant(&sh, "acme", &slot, good, len);
	assert_int_equal(store_get(&sh, "acme", &slot, 100, 50, 1), 0);
	free(good);
	free(bad);
}

TEST(an_expired_tenant_reads_nothing)
{
	struct csn_kv_slot slot = slot_entry(0, 1);

	assert_int_equal(store_put(&sh, "acme", &slot, 50, 0, 1), 0);
	pair_boot += 900000;
	assert_int_equal(store_get(&sh, "acme", &slot, 50, 0, 1),
	    CSN_E_EXPIRED);
	assert_int_equal(store_put(&sh, "acme", &slot, 50, 0, 1),
	    CSN_E_EXPIRED);
}

TEST(a_put_that_fails_leaves_what_was_there)
{
	struct csn_kv_slot slot = slot_entry(0, 1), bad = slot_entry(0, 1);
	static uint8_t big[2 << 20];

	assert_int_equal(store_put(&sh, "acme", &slot, 50, 0, 1), 0);
	/* More than the store holds at all. */
	assert_int_equal(csn_kv_store_put(sh.kv, "acme", &slot, big,
	    sizeof(big), NULL, 0), CSN_E_QUOTA);
	assert_int_equal(csn_kv_store_put(sh.kv, "acme", &slot, big,
	    SIZE_MAX, big, 2), CSN_E_LIMIT);
	assert_int_equal(csn_manager_set_quota(sh.mgr, "acme", 60, 0), 0);
	assert_int_equal(store_put(&sh, "acme", &slot, 11, 0, 2),
	    CSN_E_QUOTA);
	bad.role = 7;
	assert_int_equal(store_put(&sh, "acme", &bad, 1, 0, 2), CSN_E_ARG);
	assert_int_equal(store_get(&sh, "acme", &bad, 1, 0, 2), CSN_E_ARG);
	assert_int_equal(csn_kv_store_remove(sh.kv, "acme", &bad),
	    CSN_E_ARG);
	assert_int_equal(store_get(&sh, "acme", &slot, 50, 0, 1), 0);
	assert_int_equal(store_put(&sh, "acme", &slot, 10, 0, 2), 0);
	assert_int_equal(store_get(&sh, "acme", &slot, 10, 0, 2), 0);
}

/* A provider that only copies: the store's own buffers stand in. */
TEST(a_store_that_cannot_work_in_place_serves_too)
{
	struct csn_kv_slot slot;
	unsigned i;

	store_end(&sh);
	store_start(&sh, "copying:?bytes=1M&slab=64K", NULL);
	for (i = 0; i < 2000; i++) {
		slot = slot_entry(0, i % 20);
		assert_int_equal(store_put(&sh, "acme", &slot, i, 10, i), 0);
		assert_int_equal(store_get(&sh, "acme", &slot, i, 10, i), 0);
	}
	assert_int_equal(csn_kv_store_remove(sh.kv, "acme", &slot), 0);
	assert_int_equal(store_get(&sh, "acme", &slot, 1, 1, 1),
	    CSN_E_NOT_FOUND);
	assert_int_equal(csn_kv_store_close_tenant(sh.kv, "acme"), 0);
}

BEFORE_EACH { store_start(&sh, "memory:?bytes=1M&slab=64K", NULL); }

/* Its values are larger than the small store takes. */
AFTER_EACH { store_end(&sh); }
