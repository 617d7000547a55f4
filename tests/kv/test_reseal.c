/* SPDX-License-Identifier: Apache-2.0 */
/* test_reseal.c - old epochs are moved, so that their keys can go. */
#include <unistd.h>

#include "kv/internal.h"
#include "kv/store_fixture.h"
#include "lib/test.h"
#include "session/pair.h"

#define N 120

static struct store_fixture sh;
static const struct csn_session_options session = { .size = sizeof(session),
    .max_entries = 10, .ttl_ms = CSN_NEVER };
static const struct store_options options = { .session = &session };

static void
pass(uint64_t ms)
{
	__atomic_fetch_add(&pair_boot, ms, __ATOMIC_RELAXED);
}

static void
fill(const char *tenant)
{
	struct csn_kv_slot slot;
	unsigned i;

	for (i = 0; i < N; i++) {
		slot = slot_entry(0, i);
		if (i % 3 == 0) {
			slot.flags = CSN_KV_HAS_TOKEN;
			slot.token_id = i;
		}
		assert_int_equal(store_put(&sh, tenant, &slot, 40, i, i), 0);
	}
}

static void
all_there(const char *tenant)
{
	struct csn_kv_slot slot;
	unsigned i;

	for (i = 0; i < N; i++) {
		slot = slot_entry(0, i);
		assert_int_equal(store_get(&sh, tenant, &slot, 40, i, i), 0);
	}
}

TEST(by_hand_all_old_epochs_can_go)
{
	size_t done;

	fill("acme");
	pass(1000000);
	assert_int_equal(store_info(&sh, "acme").live_epochs, N / 10);
	all_there("acme");
	/* Resealing rotates on as it goes: by entries, like any sealing. */
	assert_int_equal(csn_kv_store_reseal(sh.kv, "acme", 0, &done), 0);
	assert_int_equal(done, N - 10);
	all_there("acme");
	pass(1000000);
	/* 110 more of 10 each, and the last of the former. */
	assert_int_equal(store_info(&sh, "acme").epoch, N / 10 - 1 +
	    (N - 10) / 10);
	all_there("acme");
	assert_int_equal(csn_kv_store_reseal(sh.kv, "nobody", 0, &done),
	    CSN_E_UNKNOWN_TENANT);
}

TEST(after_a_manual_rotation_one_epoch_is_left)
{
	struct csn_kv_slot slot;
	uint8_t *old;
	size_t done, len, total = 0;
	unsigned rounds = 0;

	store_end(&sh);
	store_start(&sh, "memory:?bytes=4M&slab=64K", NULL);
	fill("acme");
	slot = slot_entry(0, 5);
	old = store_copy(&sh, "acme", &slot, &len);
	{
		struct csn_session *s;

		assert_int_equal(csn_manager_session(sh.mgr, "acme", &s), 0);
		assert_int_equal(csn_session_rotate(s, 0), 0);
		csn_session_free(s);
	}
	pass(100000);
	assert_int_equal(store_info(&sh, "acme").live_epochs, 2);
	/* A few at a time. */
	do {
		assert_int_equal(csn_kv_store_reseal(sh.kv, "acme", 17,
		    &done), 0);
		assert_true(done <= 17);
		total += done;
		rounds++;
		all_there("acme");
	} while (done != 0);
	assert_int_equal(total, N);
	assert_int_equal(rounds, N / 17 + 2);
	pass(100000);
	assert_int_equal(store_info(&sh, "acme").live_epochs, 1);
	all_there("acme");
	/* The old bytes are of an epoch that nobody has any more. */
	store_plant(&sh, "acme", &slot, old, len);
	assert_int_equal(store_get(&sh, "acme", &slot, 40, 5, 5),
	    CSN_E_EPOCH);
	free(old);
}

TEST(one_that_was_tampered_with_keeps_no_other_from_moving)
{
	struct csn_kv_slot slot;
	struct csn_session *s;
	uint8_t *bytes;
	size_t done, len;
	unsigned i;

	store_end(&sh);
	store_start(&sh, "memory:?bytes=4M&slab=64K", NULL);
	fill("acme");
	for (i = 0; i < 3; i++) {
		slot = slot_entry(0, i * 50);
		bytes = store_copy(&sh, "acme", &slot, &len);
		bytes[len - 1] ^= 1;
		store_plant(&sh, "acme", &slot, bytes, len);
		free(bytes);
	}
	assert_int_equal(csn_manager_session(sh.mgr, "acme", &s), 0);
	assert_int_equal(csn_session_rotate(s, 0), 0);
	csn_session_free(s);
	assert_int_equal(csn_kv_store_reseal(sh.kv, "acme", 0, &done),
	    CSN_E_TAG);
	assert_int_equal(done, N - 3);
	for (i = 0; i < N; i++) {
		slot = slot_entry(0, i);
		assert_int_equal(store_get(&sh, "acme", &slot, 40, i, i),
		    i % 50 == 0 ? CSN_E_TAG : 0);
	}
}

TEST(a_moved_entry_is_not_resealed_and_the_good_one_stays)
{
	struct csn_kv_slot a = slot_entry(0, 1), b = slot_entry(0, 3);
	struct csn_session *s;
	uint8_t *bytes, *own;
	size_t done, len, own_len;

	store_end(&sh);
	store_start(&sh, "memory:?bytes=4M&slab=64K", NULL);
	fill("acme");
	/* The carrier lays B's bytes over A's. */
	bytes = store_copy(&sh, "acme", &b, &len);
	own = store_copy(&sh, "acme", &a, &own_len);
	store_plant(&sh, "acme", &a, bytes, len);
	assert_int_equal(csn_manager_session(sh.mgr, "acme", &s), 0);
	assert_int_equal(csn_session_rotate(s, 0), 0);
	csn_session_free(s);
	assert_int_equal(csn_kv_store_reseal(sh.kv, "acme", 0, &done),
	    CSN_E_TAG);
	assert_int_equal(done, N - 1);
	assert_int_equal(store_get(&sh, "acme", &b, 40, 3, 3), 0);
	assert_int_equal(store_get(&sh, "acme", &a, 40, 1, 1), CSN_E_TAG);
	/* Put back, A is as good as ever, and moves. */
	store_plant(&sh, "acme", &a, own, own_len);
	assert_int_equal(csn_kv_store_reseal(sh.kv, "acme", 0, &done), 0);
	assert_int_equal(done, 1);
	all_there("acme");
	free(bytes);
	free(own);
}

TEST(resealing_is_not_charged_to_the_quota)
{
	struct csn_session *s;
	size_t done;

	fill("acme");
	assert_int_equal(csn_manager_set_quota(sh.mgr, "acme", 1, 1), 0);
	assert_int_equal(csn_manager_session(sh.mgr, "acme", &s), 0);
	assert_int_equal(csn_session_rotate(s, 0), 0);
	csn_session_free(s);
	assert_int_equal(csn_kv_store_reseal(sh.kv, "acme", 0, &done), 0);
	assert_int_equal(done, N);
	all_there("acme");
}

TEST(a_thread_does_it_in_the_background)
{
	const struct csn_kv_store_options o = { .size = sizeof(o),
	    .reseal = 1, .reseal_batch = 50 };
	const struct csn_session_options lasting = { .size = sizeof(lasting),
	    .ttl_ms = CSN_NEVER, .max_age_ms = CSN_NEVER };
	const struct store_options so = { .store = &o, .session = &lasting };
	const char *const tenants[] = { "acme", "b", "c" };
	struct csn_session *s;
	int i, tries, left = 0;

	store_end(&sh);
	store_start(&sh, "memory:?bytes=4M&slab=64K", &so);
	for (i = 0; i < 3; i++) {
		store_tenant(&sh, tenants[i]);
		fill(tenants[i]);
		assert_int_equal(csn_manager_session(sh.mgr, tenants[i], &s),
		    0);
		assert_int_equal(csn_session_rotate(s, 0), 0);
		csn_session_free(s);
	}
	for (tries = 0; tries < 6000; tries++) {
		pass(60000);	/* the grace, over and over */
		for (i = left = 0; i < 3; i++)
			left += store_info(&sh, tenants[i]).live_epochs != 1;
		if (left == 0)
			break;
		usleep(20000);
	}
	assert_int_equal(left, 0);
	for (i = 0; i < 3; i++)
		all_there(tenants[i]);
}

TEST(the_thread_gets_past_any_number_tampered_with)
{
	const struct csn_kv_store_options o = { .size = sizeof(o),
	    .reseal = 1, .reseal_batch = 2 };
	const struct csn_session_options lasting = { .size = sizeof(lasting),
	    .ttl_ms = CSN_NEVER, .max_age_ms = CSN_NEVER };
	const struct store_options so = { .store = &o, .session = &lasting };
	struct csn_kv_slot slot;
	struct csn_session *s;
	uint8_t *bytes;
	size_t done = 1, len;
	unsigned i;
	int tries;

	store_end(&sh);
	store_start(&sh, "memory:?bytes=4M&slab=64K", &so);
	fill("acme");
	for (i = 0; i < N; i += 2) {
		slot = slot_entry(0, i);
		bytes = store_copy(&sh, "acme", &slot, &len);
		bytes[len - 1] ^= 1;
		store_plant(&sh, "acme", &slot, bytes, len);
		free(bytes);
	}
	assert_int_equal(csn_manager_session(sh.mgr, "acme", &s), 0);
	assert_int_equal(csn_session_rotate(s, 0), 0);
	for (tries = 0; tries < 6000 && done != 0; tries++) {
		for (i = 1, done = 0; i < N; i += 2) {
			struct csn_slot_name name;

			slot = slot_entry(0, i);
			csn_kv_slot_name(&slot, &name);
			done += (size_t)csn_session_slot_is_old(s, &name);
		}
		usleep(20000);
	}
	csn_session_free(s);
	assert_int_equal(done, 0);
	/* Those that were tampered with are where they were, and say so. */
	assert_int_equal(csn_kv_store_reseal(sh.kv, "acme", 0, &done),
	    CSN_E_TAG);
	assert_int_equal(done, 0);
}

BEFORE_EACH { store_start(&sh, "memory:?bytes=4M&slab=64K", &options); }
AFTER_EACH { store_end(&sh); }
