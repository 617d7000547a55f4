/* SPDX-License-Identifier: Apache-2.0 */
/* test_store_threads.c - many threads at a small store that keeps moving. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "kv/store_fixture.h"
#include "lib/test.h"
#include "session/pair.h"

#define THREADS 6
#define TENANTS 3
#define SLOTS 400
#define ROUNDS 6000

static struct store_fixture sh;
static const char *const tenants[TENANTS] = { "acme", "b", "c" };
static _Atomic int wrong;
static _Atomic unsigned long hits;

static void
complain(int step, int rc)
{
	int none = 0;

	atomic_compare_exchange_strong(&wrong, &none, step * 1000 - rc);
}

/* K says which slot it is of; V is one byte repeated, K's last. */
static int
put(const char *tenant, unsigned n, unsigned seed)
{
	struct csn_kv_slot slot = slot_entry(0, n);
	uint8_t key[16], value[3000];
	size_t len = 1400 + seed % 200;

	memset(key, 0, sizeof(key));
	snprintf((char *)key, sizeof(key), "%s/%u", tenant, n);
	key[15] = (uint8_t)seed;
	memset(value, (uint8_t)seed, len);
	return csn_kv_store_put(sh.kv, tenant, &slot, key, sizeof(key),
	    value, len);
}

static int
get(const char *tenant, unsigned n)
{
	struct csn_kv_slot slot = slot_entry(0, n);
	uint8_t key[16], value[3000], expected[16];
	size_t key_len = sizeof(key), value_len = sizeof(value), i;
	int rc;

	rc = csn_kv_store_get(sh.kv, tenant, &slot, key, &key_len, value,
	    &value_len);
	if (rc != 0)
		return rc;
	memset(expected, 0, sizeof(expected));
	snprintf((char *)expected, sizeof(expected), "%s/%u", tenant, n);
	expected[15] = key[15];
	if (key_len != 16 || memcmp(key, expected, 16) != 0)
		return 1;
	for (i = 0; i < value_len; i++)
		if (value[i] != key[15])
			return 2;
	return 0;
}

static void *
work(void *arg)
{
	uint64_t x = *(unsigned *)arg * UINT64_C(0x9e3779b97f4a7c15);
	struct csn_kv_slot slot;
	struct csn_session *s;
	const char *tenant;
	unsigned i, n;
	size_t done;
	int rc;

	for (i = 0; i < ROUNDS && atomic_load(&wrong) == 0; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		tenant = tenants[x % TENANTS];
		n = (unsigned)(x >> 8) % SLOTS;
		switch ((x >> 32) % 32) {
		case 0:
			slot = slot_entry(0, n);
			rc = csn_kv_store_remove(sh.kv, tenant, &slot);
			if (rc != 0 && rc != CSN_E_NOT_FOUND)
				complain(1, rc);
			break;
		case 1:
			if ((x >> 40) % 8 != 0)
				break;
			if (csn_manager_session(sh.mgr, tenant, &s) != 0) {
				complain(2, 0);
				break;
			}
			if ((rc = csn_session_rotate(s, 0)) != 0)
				complain(3, rc);
			csn_session_free(s);
			/* Past the grace: what nothing needs may go. */
			__atomic_fetch_add(&pair_boot, 1100,
			    __ATOMIC_RELAXED);
			break;
		case 2:
			if ((rc = csn_kv_store_reseal(sh.kv, tenant, 5,
			    &done)) != 0)
				complain(4, rc);
			break;
		default:
			if ((x >> 50) % 2 == 0) {
				if ((rc = put(tenant, n,
				    (unsigned)(x >> 20))) != 0)
					complain(5, rc);
				break;
			}
			/* Whole and newest, or not there: nothing between. */
			rc = get(tenant, n);
			if (rc == 0)
				atomic_fetch_add(&hits, 1);
			else if (rc != CSN_E_NOT_FOUND)
				complain(6, rc);
		}
	}
	return NULL;
}

static void
run(const char *url, uint32_t reseal)
{
	const struct csn_session_options session = { .size = sizeof(session),
	    .ttl_ms = CSN_NEVER, .grace_ms = 1, .max_entries = 500 };
	const struct csn_kv_store_options store = { .size = sizeof(store),
	    .reseal = reseal };
	const struct store_options o = { .session = &session,
	    .store = &store };
	pthread_t threads[THREADS];
	unsigned seeds[THREADS], i, n, there;

	store_start(&sh, url, &o);
	store_tenant(&sh, "b");
	store_tenant(&sh, "c");
	atomic_store(&wrong, 0);
	atomic_store(&hits, 0);
	for (i = 0; i < THREADS; i++) {
		seeds[i] = i + 1 + reseal * 100;
		assert_int_equal(pthread_create(&threads[i], NULL, work,
		    &seeds[i]), 0);
	}
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(atomic_load(&wrong), 0);
	assert_true(atomic_load(&hits) > ROUNDS / 4);
	/* Quiet again: what the store has, the sessions know, no more. */
	for (i = 0; i < TENANTS; i++) {
		for (n = there = 0; n < SLOTS; n++)
			there += get(tenants[i], n) == 0;
		assert_int_equal(store_stat(&sh, tenants[i]).entries, there);
		assert_int_equal(put(tenants[i], 0, 1), 0);
		assert_int_equal(store_info(&sh, tenants[i]).live_slots,
		    store_stat(&sh, tenants[i]).entries);
	}
	store_end(&sh);
}

TEST(readers_see_the_newest_or_nothing)
{
	run("memory:?bytes=8M&slab=64K", 0);
}

TEST(also_while_the_store_evicts)
{
	run("memory:?bytes=1M&slab=64K", 0);
}

TEST(also_while_a_thread_reseals)
{
	run("memory:?bytes=1M&slab=64K&share=0.5", 1);
}

/* A memory store that counts who is between taking its bytes and having them
 * under a name: of one slot that is one writer. */
static _Atomic int writers, most;

static int
counting_open(struct csn_ctx *ctx, const char *rest, void **state)
{
	struct csn_store *store;
	int rc;

	(void)rest;
	if ((rc = csn_store_open(ctx, "memory:", &store)) == 0)
		*state = store;
	return rc;
}

static int
counting_put(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, const uint8_t *value, size_t len)
{
	int now = atomic_fetch_add(&writers, 1) + 1, i, rc;

	if (now > atomic_load(&most))
		atomic_store(&most, now);
	/* Time for another to come, if anything lets it. */
	for (i = 0; i < 20; i++)
		sched_yield();
	rc = csn_store_put(state, space, space_len, key, key_len, value, len);
	atomic_fetch_sub(&writers, 1);
	return rc;
}

static int
counting_get(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len, uint8_t *value, size_t *len)
{
	/* Nor does anybody read while a slot is being put. */
	if (atomic_load(&writers) != 0)
		complain(7, 0);
	return csn_store_get(state, space, space_len, key, key_len, value,
	    len);
}

static int
counting_remove(void *state, const uint8_t *space, size_t space_len,
    const uint8_t *key, size_t key_len)
{
	return csn_store_remove(state, space, space_len, key, key_len);
}

static int
counting_drop(void *state, const uint8_t *space, size_t space_len)
{
	return csn_store_drop(state, space, space_len);
}

static int
counting_list(void *state, const uint8_t *space, size_t space_len,
    int (*visit)(void *arg, const uint8_t *key, size_t key_len,
    size_t value_len), void *arg)
{
	return csn_store_each(state, space, space_len, visit, arg);
}

static int
counting_stat(void *state, const uint8_t *space, size_t space_len,
    struct csn_store_stat *out)
{
	return csn_store_stat(state, space, space_len, out);
}

static void
counting_close(void *state)
{
	csn_store_close(state);
}

static void *
one_slot(void *arg)
{
	const int writer = *(unsigned *)arg != 0;
	int i, rc;

	for (i = 0; i < 300 && atomic_load(&wrong) == 0; i++) {
		rc = writer ? put("acme", 0, (unsigned)i) : get("acme", 0);
		if (rc != 0 && (writer || rc != CSN_E_NOT_FOUND))
			complain(8, rc);
	}
	return NULL;
}

TEST(a_slot_has_one_writer_at_a_time_and_no_reader_then)
{
	static const struct csn_store_provider provider = {
		.abi = CSN_STORE_ABI, .name = "turns",
		.open = counting_open, .put = counting_put,
		.get = counting_get, .remove = counting_remove,
		.drop = counting_drop, .list = counting_list,
		.stat = counting_stat, .close = counting_close,
	};
	unsigned which[4] = { 0, 1, 1, 0 };
	pthread_t threads[4];
	size_t i;

	assert_int_equal(csn_store_register(&provider), 0);
	store_start(&sh, "turns:", NULL);
	atomic_store(&wrong, 0);
	for (i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, one_slot,
		    &which[i]), 0);
	for (i = 0; i < 4; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(atomic_load(&wrong), 0);
	assert_int_equal(atomic_load(&most), 1);
	store_end(&sh);
}
