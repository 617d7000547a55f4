/* SPDX-License-Identifier: Apache-2.0 */
/* test_secrecy.c - no plaintext is left in memory but in the caller's own. */
#include "kv/store_fixture.h"
#include "lib/test.h"
#include "session/pair.h"
#include "session/scan.h"

#define SECRET 48

static struct store_fixture sh;
static struct needle needle;

/* A fresh secret into p, which is then its only copy. */
static void
plant(uint8_t *p)
{
	assert_int_equal(csn_random(sh.ctx, p, SECRET), 0);
	needle_set(&needle, p, SECRET);
	assert_int_equal(needle_count(&needle), 1);
}

TEST(not_while_it_is_in_the_store)
{
	const size_t lens[] = { SECRET, 200, 4096, 100000, 3 << 20 };
	struct csn_kv_slot slot = slot_entry(1, 2);
	struct csn_session *s;
	uint8_t *key, *value;
	size_t i, at, done, key_len, value_len;

	if (!needle_can())
		test_skip("a sanitizer's memory is not the program's");
	for (i = 0; i < 5; i++) {
		assert_non_null(key = calloc(1, lens[i]));
		assert_non_null(value = calloc(1, lens[i]));
		/* In V once, in K the other times, anywhere. */
		at = (lens[i] - SECRET) / 3;
		plant((i == 2 ? value : key) + at);
		assert_int_equal(csn_kv_store_put(sh.kv, "acme", &slot, key,
		    lens[i], value, lens[i]), 0);
		assert_int_equal(needle_count(&needle), 1);
		csn_wipe(key, lens[i]);
		csn_wipe(value, lens[i]);
		assert_int_equal(needle_count(&needle), 0);
		/* Resealed, it passes through a buffer of the store's. */
		assert_int_equal(csn_manager_session(sh.mgr, "acme", &s), 0);
		assert_int_equal(csn_session_rotate(s, 0), 0);
		csn_session_free(s);
		assert_int_equal(csn_kv_store_reseal(sh.kv, "acme", 0,
		    &done), 0);
		assert_int_equal(done, 1);
		assert_int_equal(needle_count(&needle), 0);
		key_len = value_len = lens[i];
		assert_int_equal(csn_kv_store_get(sh.kv, "acme", &slot, key,
		    &key_len, value, &value_len), 0);
		assert_int_equal(needle_count(&needle), 1);
		csn_wipe(key, lens[i]);
		csn_wipe(value, lens[i]);
		assert_int_equal(needle_count(&needle), 0);
		free(key);
		free(value);
	}
	assert_int_equal(csn_kv_store_close_tenant(sh.kv, "acme"), 0);
	assert_int_equal(needle_count(&needle), 0);
}

TEST(not_after_a_read_that_was_refused)
{
	struct csn_kv_slot slot = slot_entry(1, 2);
	uint8_t key[5000], *bytes;
	size_t len, key_len, none = 0;

	if (!needle_can())
		test_skip("a sanitizer's memory is not the program's");
	memset(key, 0, sizeof(key));
	plant(key + 1000);
	assert_int_equal(csn_kv_store_put(sh.kv, "acme", &slot, key,
	    sizeof(key), NULL, 0), 0);
	csn_wipe(key, sizeof(key));
	/* GCM writes while it decrypts: all but the last byte was right. */
	bytes = store_copy(&sh, "acme", &slot, &len);
	bytes[len - 1] ^= 1;
	store_plant(&sh, "acme", &slot, bytes, len);
	key_len = sizeof(key);
	assert_int_equal(csn_kv_store_get(sh.kv, "acme", &slot, key,
	    &key_len, NULL, &none), CSN_E_TAG);
	assert_true(all_zero(key, sizeof(key)));
	assert_int_equal(needle_count(&needle), 0);
	free(bytes);
}

TEST(not_after_sealing_in_place)
{
	struct csn_kv_slot slot = slot_block(1, 0, 16);
	struct csn_session *s;
	struct csn_kv_item item;
	struct message p;

	if (!needle_can())
		test_skip("a sanitizer's memory is not the program's");
	s = pair_local(sh.ctx, "other", NULL);
	slot.role = CSN_KV_KEY;
	message_fill(&p, &slot, 70000, 0, 1);
	plant(p.sealed + CSN_SEAL_OVERHEAD + 33333);
	message_item(&p, s, &item);
	item.key = p.sealed + CSN_SEAL_OVERHEAD;
	assert_int_equal(csn_kv_seal(sh.ctx, &item), 0);
	assert_int_equal(needle_count(&needle), 0);
	assert_int_equal(csn_kv_open(sh.ctx, &item), 0);
	assert_int_equal(needle_count(&needle), 1);
	csn_wipe(p.sealed, p.len);
	message_free(&p);
	csn_session_free(s);
	assert_int_equal(needle_count(&needle), 0);
}

BEFORE_EACH { store_start(&sh, "memory:?bytes=64M", NULL); }
AFTER_EACH { store_end(&sh); }
