/* SPDX-License-Identifier: Apache-2.0 */
/* test_store_faults.c - a store that fails, or is another's by now. */
#include "kv/store_fixture.h"
#include "lib/test.h"
#include "session/pair.h"

static struct store_fixture sh;
/* What the store fails with just now, and what happens before it answers. */
static int get_fails, remove_fails;
static void (*before_get)(void);

static int
faulty_open(struct csn_ctx *ctx, const char *rest, void **state)
{
	struct csn_store *store;
	char url[64] = "memory:";
	int rc;

	strncat(url, rest, sizeof(url) - 8);
	if ((rc = csn_store_open(ctx, url, &store)) == 0)
		*state = store;
	return rc;
}

static int
faulty_put(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, const uint8_t *value, size_t len)
{
	return csn_store_put(state, space, space_len, key, key_len, value,
	    len);
}

static int
faulty_get(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, uint8_t *value, size_t *len)
{
	if (before_get != NULL)
		before_get();
	if (get_fails != 0)
		return get_fails;
	return csn_store_get(state, space, space_len, key, key_len, value,
	    len);
}

static int
faulty_remove(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len)
{
	if (remove_fails != 0)
		return remove_fails;
	return csn_store_remove(state, space, space_len, key, key_len);
}

static int
faulty_drop(void *state, const uint8_t *space, size_t space_len)
{
	return csn_store_drop(state, space, space_len);
}

static int
faulty_list(void *state, const uint8_t *space, size_t space_len,
    int (*visit)(void *arg, const uint8_t *key, size_t key_len,
    size_t value_len), void *arg)
{
	return csn_store_each(state, space, space_len, visit, arg);
}

static int
faulty_stat(void *state, const uint8_t *space, size_t space_len,
    struct csn_store_stat *out)
{
	return csn_store_stat(state, space, space_len, out);
}

static void
faulty_close(void *state)
{
	csn_store_close(state);
}

static void
faulty_on_evict(void *state, csn_store_evicted fn, void *arg)
{
	assert_int_equal(csn_store_on_evict(state, fn, arg), 0);
}

TEST(a_removal_that_failed_removed_nothing)
{
	struct csn_kv_slot slot = slot_entry(1, 2);

	assert_int_equal(store_put(&sh, "acme", &slot, 10, 10, 1), 0);
	remove_fails = CSN_E_BACKEND;
	assert_int_equal(csn_kv_store_remove(sh.kv, "acme", &slot),
	    CSN_E_BACKEND);
	assert_int_equal(store_get(&sh, "acme", &slot, 10, 10, 1), 0);
	remove_fails = 0;
	assert_int_equal(csn_kv_store_remove(sh.kv, "acme", &slot), 0);
	assert_int_equal(store_get(&sh, "acme", &slot, 10, 10, 1),
	    CSN_E_NOT_FOUND);
}

/* A store that cannot be asked what it gave up has not given it up. */
TEST(a_slot_is_not_forgotten_while_the_store_fails)
{
	struct csn_kv_slot slot;
	struct csn_store_stat st;
	unsigned i;

	get_fails = CSN_E_BACKEND;
	for (i = 0; i < 2000; i++) {
		slot = slot_entry(0, i);
		assert_int_equal(store_put(&sh, "acme", &slot, 1000, 0, i),
		    0);
	}
	st = store_stat(&sh, "acme");
	assert_true(st.evictions > 0);
	assert_int_equal(store_info(&sh, "acme").live_slots, 2000);
	get_fails = 0;
	/* One that is told of later is. */
	for (; i < 2100; i++) {
		slot = slot_entry(0, i);
		assert_int_equal(store_put(&sh, "acme", &slot, 1000, 0, i),
		    0);
	}
	assert_true(store_info(&sh, "acme").live_slots < 2100);
}

static void
count_one(void *arg, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len)
{
	(void)space;
	(void)space_len;
	(void)key;
	(void)key_len;
	++*(uint64_t *)arg;
}

/* Also of a store over another, after the last listener before was gone. */
TEST(who_listens_again_is_told_of_an_eviction_once)
{
	uint64_t before = store_stat(&sh, "acme").evictions, told = 0;
	struct csn_kv_slot slot;
	unsigned i;

	csn_kv_store_free(sh.kv);
	assert_int_equal(csn_kv_store_new(sh.mgr, sh.store, NULL, &sh.kv), 0);
	assert_int_equal(csn_store_on_evict(sh.store, count_one, &told), 0);
	for (i = 0; i < 2000; i++) {
		slot = slot_entry(0, i);
		assert_int_equal(store_put(&sh, "acme", &slot, 1000, 0, i),
		    0);
	}
	assert_true(told > 0);
	assert_int_equal(told, store_stat(&sh, "acme").evictions - before);
}

static struct csn_session *next;

static void
adopt_next(void)
{
	before_get = NULL;
	assert_int_equal(csn_manager_adopt(sh.mgr, next), 0);
}

TEST(a_get_that_meets_the_next_sessions_entry_asks_it)
{
	struct csn_kv_slot slot = slot_entry(1, 2);
	struct message p;

	next = pair_local(sh.ctx, "acme", NULL);
	message_make(&p, next, &slot, 10, 10, 7);
	store_plant(&sh, "acme", &slot, p.sealed, p.len);
	/* Of a session that nobody took in. */
	assert_int_equal(store_get(&sh, "acme", &slot, 10, 10, 7),
	    CSN_E_SESSION);
	/* Between finding the tenant and reading the store it comes. */
	before_get = adopt_next;
	assert_int_equal(store_get(&sh, "acme", &slot, 10, 10, 7), 0);
	csn_session_free(next);
	message_free(&p);
}

/* AES failed: there is nothing to keep, and what is kept stays. */
TEST(a_put_whose_sealing_fails_keeps_the_former)
{
	struct csn_kv_slot slot = slot_entry(1, 2);
	struct store_options o = {
		.ctx = pair_ctx_with("counting", 0) };
	struct store_fixture own;
	uint8_t *before, *after;
	size_t len, after_len;

	store_start(&own, "faulty:?bytes=1M&slab=64K", &o);
	assert_int_equal(store_put(&own, "acme", &slot, 10, 10, 1), 0);
	before = store_copy(&own, "acme", &slot, &len);
	counting_fails = CSN_E_CRYPTO;
	assert_int_equal(store_put(&own, "acme", &slot, 10, 10, 2),
	    CSN_E_CRYPTO);
	counting_fails = 0;
	after = store_copy(&own, "acme", &slot, &after_len);
	assert_int_equal(after_len, len);
	assert_memory_equal(after, before, len);
	assert_int_equal(store_get(&own, "acme", &slot, 10, 10, 1), 0);
	free(before);
	free(after);
	store_end(&own);
}

/* What was reserved for it is free again: there are 1M in all. */
TEST(puts_that_fail_use_up_no_memory_of_the_store)
{
	struct csn_kv_slot slot = slot_entry(1, 2);
	struct store_options o = {
		.ctx = pair_ctx_with("counting", 0) };
	struct store_fixture own;
	int i;

	store_start(&own, "memory:?bytes=1M&slab=64K", &o);
	counting_fails = CSN_E_CRYPTO;
	for (i = 0; i < 200; i++)
		assert_int_equal(store_put(&own, "acme", &slot, 10000, 10000,
		    2), CSN_E_CRYPTO);
	counting_fails = 0;
	assert_int_equal(store_put(&own, "acme", &slot, 10000, 10000, 1), 0);
	assert_int_equal(store_get(&own, "acme", &slot, 10000, 10000, 1), 0);
	store_end(&own);
}

BEFORE_EACH { store_start(&sh, "faulty:?bytes=1M&slab=64K", NULL); }

AFTER_EACH
{
	get_fails = remove_fails = 0;
	before_get = NULL;
	store_end(&sh);
}

BEFORE_ALL
{
	static const struct csn_store_provider faulty = {
		.abi = CSN_STORE_ABI, .name = "faulty",
		.open = faulty_open, .put = faulty_put, .get = faulty_get,
		.remove = faulty_remove, .drop = faulty_drop,
		.list = faulty_list, .stat = faulty_stat,
		.close = faulty_close, .on_evict = faulty_on_evict,
	};

	assert_int_equal(csn_store_register(&faulty), 0);
	counting_register();
}
